"""Everything published as a running program sees it: known anew as soon as the register has grown, a part in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from phonolith.library.offered import Contents, contents
from phonolith.library.overlay import EventLog
from phonolith.library.publications import Objects, bundles, pads, publications, web_seeds
from phonolith.model.publication import Bundle, Publication
from phonolith.rights.decisions import Decisions

_MOST_FILES = 40_000  # of bundles whose files are kept in memory

T = TypeVar("T", bound=Sized)


@dataclass(frozen=True, slots=True)
class Index:
    """What was published up to one event, here or by an archive that this one mirrors.

    ``bundles`` has every bundle by name with its publication, ``current`` the names of those whose place no later one
    takes, ``heirs`` the one that replaced a bundle by the name of that.
    """

    publications: tuple[Publication, ...] = ()
    bundles: Mapping[str, tuple[Publication, Bundle]] = field(default_factory=dict)
    current: frozenset[str] = frozenset()
    heirs: Mapping[str, str] = field(default_factory=dict)


class Published:
    """The index and, of the bundles that were asked for last, their files. Safe to use from any number of threads."""

    def __init__(self, register: EventLog, objects: Objects, *, most_files: int = _MOST_FILES) -> None:
        self._register = register
        self._objects = objects
        self._lock = threading.Lock()
        self._head = 0
        self._index = Index()
        self._contents: _Recent[Contents] = _Recent(most_files)
        self._pads: _Recent[frozenset[str]] = _Recent(most_files)
        self._web_seeds: _Recent[tuple[str, ...]] = _Recent(most_files)

    def index(self, decisions: Decisions) -> Index:
        """What was published up to the event that these decisions end with."""
        with self._lock:
            if decisions.head < self._head:  # another register was put in place
                self._head, self._index = 0, Index()
                self._contents.clear()
                self._pads.clear()
                self._web_seeds.clear()
            if decisions.head > self._head:
                fresh = publications(self._register.events(self._head))
                self._index = _joined((*self._index.publications, *(e for e in fresh if e.event <= decisions.head)))
                self._head = decisions.head
            return self._index

    def contents(self, bundle: Bundle) -> Contents:
        """The files of a bundle with their evidence. Raises what reading its manifest raises."""
        return self._contents.get(bundle.name, lambda: contents(self._objects, bundle))

    def pads(self, bundle: Bundle) -> frozenset[str]:
        """The paths of the pad files that its torrents name."""
        return self._pads.get(bundle.name, lambda: pads(self._objects, bundle))

    def web_seeds(self, bundle: Bundle) -> tuple[str, ...]:
        """The addresses that its torrents name as web seeds."""
        return self._web_seeds.get(bundle.name, lambda: web_seeds(self._objects, bundle))


def _joined(every: tuple[Publication, ...]) -> Index:
    found = {bundle.name: (one, bundle) for one in every for bundle in one.bundles}
    heirs = {bundle.replaces: name for name, (_, bundle) in found.items() if bundle.replaces}
    return Index(every, found, frozenset(bundles(every)), heirs)


class _Recent(Generic[T]):
    """What was asked for last, by name, as long as its lengths together are no more than ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()

    def get(self, name: str, make: Callable[[], T]) -> T:
        """What is kept under the name, made where there is nothing; the last one stays, however long it is."""
        with self._lock:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
                return found
        made = make()
        with self._lock:
            self._kept[name] = made
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > self._most:
                self._kept.popitem(last=False)
        return made

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()

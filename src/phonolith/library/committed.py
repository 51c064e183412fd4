"""The log as whoever shows it needs it: its heads, who else saw them, and what links an old head to the newest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from phonolith.errors import Damaged, NotFound
from phonolith.store.archive import Archive
from phonolith.store.log import excerpt, head_file
from phonolith.store.log_index import LogIndex
from phonolith.store.merkle import consistency_path
from phonolith.verifier import (
    LINK,
    Countersignature,
    Head,
    Problem,
    State,
    check_log,
    digest,
    dump,
    read_link,
)

_REMEMBERED = 256  # links: each asks the tree and checks some signatures


@dataclass(frozen=True)
class Told:
    """What a log says at one moment: all of its heads, and what others signed about them; both oldest first."""

    heads: tuple[Head, ...] = ()
    countersignatures: tuple[Countersignature, ...] = ()

    @cached_property
    def file(self) -> bytes:
        """All heads as a file of them."""
        return head_file(self.heads)

    @cached_property
    def seen(self) -> tuple[int, str]:
        """How many others signed about its heads, and when the last did ("" if none did)."""
        signed = self.countersignatures
        return len({one.key for one in signed}), max((one.time for one in signed), default="")


class Committed:
    """The log of an archive as a running program sees it: read anew whenever its files have changed.

    Safe to use from any number of threads.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._stamp: tuple[object, ...] = ()
        self._told = Told()
        self._links: OrderedDict[tuple[int, str], dict[str, Any]] = OrderedDict()

    def told(self) -> Told:
        """Heads and countersignatures. Raises Damaged, StorageError."""
        with self._lock:
            return self._read()

    def link(self, since: int | None = None) -> dict[str, Any]:
        """What shows that the newest head keeps everything of the last one of ``since`` leaves; None: of itself.

        Raises NotFound where nothing was committed to yet, or no head was signed at that size.
        """
        with self._lock:
            heads = self._read().heads
            old = next((one for one in reversed(heads) if since in (None, one.size)), None)
            if old is None:
                subject = "the log" if since is None else f"a head of size {since}"
                raise NotFound(subject, "none was signed here", "See which there are: /log/heads")
            key = old.size, digest(heads[-1])
            if key not in self._links:
                with self._archive.log_index() as index:
                    self._links[key] = link(self._archive, index, heads, old)
                while len(self._links) > _REMEMBERED:
                    self._links.popitem(last=False)
            return self._links[key]

    def _read(self) -> Told:
        log = self._archive.log()
        stamp = (*_stamp(log.heads_file), *_stamp(log.countersignatures_file))
        if stamp != self._stamp:
            self._told = Told(tuple(log.heads()), tuple(log.countersignatures()))
            self._links.clear()
            self._stamp = stamp
        return self._told


def link(archive: Archive, index: LogIndex, heads: Sequence[Head], old: Head) -> dict[str, Any]:
    """What shows that the last of some heads keeps everything of an older one of them: a JSON object, checked.

    Raises Damaged, StorageError, Busy.
    """
    follow(archive, index, heads)
    path = consistency_path(old.size, heads[-1].size, index.hash)
    *rotations, new = map(dump, excerpt(heads))
    about = {digest(heads[-1]), digest(old)}
    made = {
        "type": LINK,
        "old": dump(old),
        "new": new,
        "path": [one.hex() for one in path],
        "rotations": rotations,
        "countersignatures": [dump(one) for one in archive.log().countersignatures() if one.head in about],
    }
    found = check_log(State(excerpt(heads[: heads.index(old) + 1])), read_link(made))
    if found.verdict != "consistent":
        raise damaged(found.problems)
    return made


def follow(archive: Archive, index: LogIndex, heads: Sequence[Head]) -> None:
    """Have the index lead to the last of the log's heads."""
    if heads and not index.leads_to(heads[-1]):
        with archive.lock("log", what="reading the log again"):
            index.follow(archive.log(), archive.log().heads())


def damaged(problems: Sequence[Problem]) -> Damaged:
    """The error that a proof of our own does not hold."""
    said = "; ".join(f"{one.subject}: {one.problem}" for one in problems)
    remedy = "See: phonolith doctor. If the log is sound, remove state/log.sqlite: it is made again"
    return Damaged("held/log", f"it does not prove what it should ({said})", remedy)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return found.st_ino, found.st_size, found.st_mtime_ns

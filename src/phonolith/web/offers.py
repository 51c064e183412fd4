"""What of everything published may be given away now, remembered for as long as nothing changes.

Web seed, pages, feed and API all ask here. Nothing needs a catalogue: where there is none, the register decides.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from phonolith.errors import NotFound
from phonolith.library.access import refuse
from phonolith.library.offered import answers, any_offered
from phonolith.library.overlay import Overlay
from phonolith.library.published import Index, Published
from phonolith.library.reading import Library
from phonolith.model.publication import Bundle
from phonolith.model.rights import Decision
from phonolith.rights.decisions import Decisions
from phonolith.rights.gate import Policy
from phonolith.store.bag import MANIFEST
from phonolith.store.objects import ObjectStore
from phonolith.web.names import served_type
from phonolith.web.ranges import Payload

_REMEMBERED = 10_000  # files and bundles that the gate was asked about


@dataclass(slots=True)
class _Asked:
    """What the gate answered under one set of decisions, over one build: 0 where there is none."""

    decisions: Decisions
    generation: int
    payloads: dict[tuple[str, str], Payload] = field(default_factory=dict)
    offered: dict[str, bool] = field(default_factory=dict)
    refused: dict[str, Mapping[str, Decision]] = field(default_factory=dict)


class Offers:
    """What of everything published may be given away now: asked of the gate once per build and set of decisions."""

    def __init__(
        self,
        library: Callable[[], Library | None],
        overlay: Overlay,
        published: Published,
        objects: ObjectStore,
        policy: Policy,
    ) -> None:
        self.published = published
        self.objects = objects
        self._library = library
        self._overlay = overlay
        self._policy = policy
        self._last = _Asked(Decisions(), -1)

    def index(self) -> Index:
        """What was published."""
        return self.published.index(self._overlay.decisions())

    def bundle(self, name: str) -> Bundle:
        """The bundle of that name. Raises NotFound."""
        found = self.index().bundles.get(name)
        if found is None:
            raise NotFound(f"bundle {name}", "nothing of that name was published here", "See the list of releases")
        return found[1]

    def offered(self, name: str) -> bool:
        """Whether any payload of a bundle may be given away."""
        asked = self._asked()
        if name not in asked.offered:
            bundle = self.bundle(name)
            asked.offered[name] = any_offered(
                self._library(), self.objects, asked.decisions, bundle, policy=self._policy
            )
        return asked.offered[name]

    def check(self, name: str) -> Bundle:
        """The bundle of that name. Raises NotFound, and where nothing of it is offered Withdrawn or RefusedByRights."""
        bundle = self.bundle(name)
        if not self.offered(name):  # then its tag files are not either, and for the same reason
            refuse(f"bundle {name}", self.decisions(bundle, [MANIFEST])[MANIFEST])
        return bundle

    def decisions(self, bundle: Bundle, paths: Iterable[str] | None = None) -> Mapping[str, Decision]:
        """The gate's answers for the files of a bundle at some paths, or for all."""
        inside = self.published.contents(bundle)
        return answers(self._library(), self._asked().decisions, inside, paths, policy=self._policy)

    def refused(self, bundle: Bundle) -> Mapping[str, Decision]:
        """The files of a bundle that are not offered, by path."""
        asked = self._asked()
        if bundle.name not in asked.refused:
            found = self.decisions(bundle)
            asked.refused[bundle.name] = {path: one for path, one in found.items() if not one.allowed}
        return asked.refused[bundle.name]

    def known(self, name: str, path: str) -> Payload | None:
        """What :meth:`payload` answered before, if that still holds."""
        found = self._asked().payloads.get((name, path))
        return found if found is not None and (found.path is None or found.path.exists()) else None

    def payload(self, name: str, path: str) -> Payload:
        """A file of a bundle. Raises NotFound, Withdrawn (410, 451), RefusedByRights, and what the store raises."""
        asked, bundle = self._asked(), self.bundle(name)
        inside = self.published.contents(bundle)
        file = inside.files.get(path)
        if file is not None:
            refuse(f"{name}/{path}", self.decisions(bundle, [path])[path])
            found = self._held(path, file.sha256, payload=file.payload)
        elif path.startswith(".pad/") and path in self.published.pads(bundle):
            self.check(name)
            found = _zeros(path)
        else:
            raise NotFound(f"{name}/{path}", "the bundle has no such file")
        asked.payloads[name, path] = found
        return found

    def _held(self, path: str, sha256: str, *, payload: bool) -> Payload:
        place = self.objects.path(sha256)
        media_type, attachment = served_type(self.objects.media_type(sha256)) if payload else (_TEXT, False)
        return Payload(place, sha256, place.stat().st_size, media_type, path.rpartition("/")[2], attachment)

    def _asked(self) -> _Asked:
        """What was asked under what holds now; nothing where that has changed."""
        library, decisions, last = self._library(), self._overlay.decisions(), self._last
        generation = library.catalogue.generation if library else 0
        full = len(last.payloads) + len(last.offered) > _REMEMBERED
        if last.decisions is not decisions or last.generation != generation or full:
            last = self._last = _Asked(decisions, generation)
        return last


_TEXT = "text/plain; charset=utf-8"  # every tag file is text, JSON lines too


@functools.lru_cache(256)
def _zeros(path: str) -> Payload:
    """A pad file (BEP 47): its name says how many zeros it has."""
    size = int(path.rpartition("-")[2])
    return Payload(None, hashlib.sha256(bytes(size)).hexdigest(), size, "application/octet-stream", "pad", True)

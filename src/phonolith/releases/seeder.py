"""Keeps a swarm in step with the archive: every current bundle is given, file by file as the gate and the disk allow.

It looks again and again. A new head of the register or another catalogue make it put every file to the gate anew,
bundles that the new decisions name before all others; each look takes a few seconds at most, so that in a large archive
too a decision is seen soon. A bundle of which something changed is given again under the same infohashes, without what
is kept back. While the register cannot be read, nothing is given.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from phonolith.errors import Damaged, NotFound, PhonolithError, StorageError
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.publications import bundles, publications
from phonolith.library.reading import Library, utc_today
from phonolith.library.restated import Restated
from phonolith.model.publication import Bundle, Publication, Torrent
from phonolith.releases.mapped import Task
from phonolith.releases.offer import MISSING, Offer, mentions, named_since, offer
from phonolith.releases.seeding import STATUS, Happening, Seeding, differences, status_file, told
from phonolith.releases.swarm import Fault, Swarm, Traffic
from phonolith.releases.tally import Tally
from phonolith.rights.gate import Policy
from phonolith.store.archive import Archive
from phonolith.store.files import storage_errors

_DISKS_AGAIN = 600.0  # seconds until everything is looked for again whatever happened
_MISSING_AGAIN = 60.0  # the same while something is missing: its disk may be back
_AT_A_TIME = 5.0  # seconds of a look that bundles are put to the gate for, at least one
_KEPT_EVERY = 5.0  # seconds between what is written for whoever asks


class Seeder:
    """The archive's bundles in a swarm. ``trackers`` are told beside those that torrents name."""

    def __init__(
        self,
        archive: Archive,
        swarm: Swarm,
        policy: Policy,
        *,
        trackers: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], str],
    ) -> None:
        self._archive = archive
        self._swarm = swarm
        self._policy = policy
        self._trackers = trackers
        self._clock = clock
        self._now = now
        self._since = now()
        self._left = False
        self._register = archive.register()
        self._objects = archive.objects()
        self._overlay = Overlay(self._register, Restated(archive), every=0)
        self._library: Library | None = None
        self._tally = Tally(status_file(archive))
        self._kept = float("-inf")
        self._published: list[Publication] = []
        self._offers: dict[str, Offer] = {}
        self._troubles: dict[str, str] = {}  # by bundle, "" for all of them
        self._outside: dict[str, str] = {}  # by tracker or part of the network
        self._wrong: dict[str, tuple[int, ...]] = {}
        self._seen: tuple[int, str, str, int] | None = None
        self._looked = float("-inf")
        self._waiting: deque[Bundle] = deque()  # to be put to the gate
        self._unsure: set[str] = set()  # bundles whose bytes are to be looked for again

    def close(self) -> None:
        """Leave the swarm, with what was given counted."""
        self._left = True
        list(self._keep())
        self._swarm.close()
        if self._library is not None:
            self._library.catalogue.close()
        self._register.close()
        self._objects.close()

    def look(self) -> list[Happening]:
        """Bring the swarm into step; returns what happened since the last look."""
        happened = list(self._faults())
        try:
            happened += self._take_note()
            happened += self._bring_into_step()
            self._troubles.pop("", None)
        except PhonolithError as error:
            happened += self._give_nothing(error)
        if self._clock() - self._kept >= _KEPT_EVERY:
            happened += self._keep()
        return happened

    def seeding(self) -> list[Seeding]:
        """Every current bundle with what is given of it now, by name."""
        traffic = self._count()
        found = []
        for _, one in sorted(self._offers.items()):
            keys = [torrent.sha256 for torrent in one.bundle.torrents]
            given = {key: traffic[key] for key in keys if key in traffic}
            running = list(given.values())
            found.append(
                Seeding(
                    one,
                    sum(each.peers for each in running),
                    sum(each.rate for each in running),
                    sum(map(self._tally.total, keys)),
                    sum(map(self._tally.today, keys)),
                    max((each.copies for each in running), default=0),
                    {key: each.trackers for key, each in given.items()},
                )
            )
        return found

    def status(self) -> dict[str, Any]:
        """All of that for programs, with where we listen and since when; ``left``: trackers were told that we go."""
        return {
            "since": self._since,
            "now": self._now(),
            "left": self._left,
            "listen": list(self._swarm.addresses),
            "troubles": [*self._troubles.values(), *self._outside.values()],
            "bundles": [told(one) for one in self.seeding()],
        }

    def _stand(self) -> tuple[int, str, str, int]:
        """What the answers depend on: the register's head, what sources said since the build, its generation."""
        self._overlay.decisions()
        told = *self._register.head(), self._overlay.heard
        if self._library is None:
            with suppress(NotFound):
                catalogue = Catalogue.open(self._archive.catalogue)
                self._library = Library(catalogue, self._overlay, self._policy, utc_today)
        if self._library is None:
            return *told, 0
        with self._library.catalogue.reading() as snapshot:
            return *told, snapshot.generation

    def _due(self) -> float:
        missing = any(why.code == MISSING for one in self._offers.values() for why in one.withheld.values())
        return self._looked + (_MISSING_AGAIN if missing or self._troubles else _DISKS_AGAIN)

    def _take_note(self) -> Iterator[Happening]:
        """See whether anything changed, and queue what has to be put to the gate for that."""
        stand, disks = self._stand(), self._clock() >= self._due()
        if stand == self._seen and not disks:
            return
        current = self._current(stand[0])
        for name in self._offers.keys() - current.keys():
            yield from self._drop(self._offers[name].bundle, "Another bundle took its place.")
        named = frozenset(named_since(self._register, self._seen[0])) if self._seen else frozenset[str]()
        self._waiting = deque(sorted(current.values(), key=lambda one: self._urgency(one, named)))
        if disks:
            self._unsure, self._looked = set(current), self._clock()
        self._seen = stand

    def _current(self, head: int) -> dict[str, Bundle]:
        after = self._published[-1].event if self._published else 0
        if head < after:  # another register was put in its place
            self._published, after = [], 0
        self._published += publications(self._register.events(after))
        return bundles(self._published)

    def _urgency(self, bundle: Bundle, named: frozenset[str]) -> int:
        """First what new decisions name, then what is given, then what is new."""
        if bundle.name not in self._offers:
            return 2
        return 0 if named and mentions(self._objects, bundle, named) else 1

    def _bring_into_step(self) -> Iterator[Happening]:
        """Put bundles to the gate for a few seconds."""
        self._count()
        until = self._clock() + _AT_A_TIME
        while self._waiting:
            bundle = self._waiting.popleft()
            try:
                yield from self._renew(bundle)
                self._troubles.pop(bundle.name, None)
            except PhonolithError as error:
                yield from self._drop(bundle, str(error))
                yield from self._trouble(bundle.name, str(error))
            if self._clock() >= until:
                return

    def _renew(self, bundle: Bundle) -> Iterator[Happening]:
        """Put a bundle's files to the gate, and give it anew if that changed anything."""
        before = self._offers.get(bundle.name)
        if before is not None and before.bundle != bundle:
            yield from self._drop(before.bundle, "Another bundle of this name took its place.")
            before = None
        fresh = offer(
            self._library,
            self._objects,
            self._overlay.decisions(),
            bundle,
            policy=self._policy,
            known=before.places if before and bundle.name not in self._unsure else {},
            damaged=self._is_wrong,
        )
        self._unsure.discard(bundle.name)
        if before is None or before.places != fresh.places:
            for torrent in bundle.torrents:
                self._give(torrent, fresh)
        self._offers[bundle.name] = fresh
        yield from differences(before, fresh)

    def _give(self, torrent: Torrent, offer: Offer) -> None:
        if not offer.places:
            self._swarm.drop(torrent.sha256)
            return
        given = self._tally.total(torrent.sha256)
        task = Task(self._metainfo(torrent), offer.order, offer.places, given, self._trackers)
        self._swarm.put(torrent.sha256, task)

    def _metainfo(self, torrent: Torrent) -> bytes:
        with storage_errors(torrent.sha256), self._objects.open(torrent.sha256) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != torrent.sha256:
            raise Damaged(torrent.sha256, "this torrent is not what its digest says", "Restore it from a mirror")
        return data

    def _drop(self, bundle: Bundle, why: str) -> Iterator[Happening]:
        for torrent in bundle.torrents:
            self._swarm.drop(torrent.sha256)
        if self._offers.pop(bundle.name, None) is not None:
            yield Happening("dropped", bundle.name, "", why)

    def _give_nothing(self, error: PhonolithError) -> Iterator[Happening]:
        """What was decided cannot be read, so everything may have been refused."""
        self._seen = None
        self._waiting.clear()
        for one in list(self._offers.values()):
            yield from self._drop(one.bundle, "It is not known what may be given.")
        yield from self._trouble("", str(error))

    def _trouble(self, about: str, text: str) -> Iterator[Happening]:
        """Tell of it once."""
        if self._troubles.get(about) != text:
            self._troubles[about] = text
            yield Happening("trouble", about, "", text)

    def _faults(self) -> Iterator[Happening]:
        """What libtorrent met: bytes that are not what they should be, and what people should know of the network."""
        for one in self._swarm.faults():
            if one.key:
                self._mark(one)
            elif not one.text:
                self._outside.pop(one.about, None)
            else:
                yield from self._odd(one.about, f"{one.about}: {one.text}")

    def _odd(self, about: str, text: str) -> Iterator[Happening]:
        """Tell once of something outside that is wrong until it works again."""
        if about not in self._outside:
            self._outside[about] = text
            yield Happening("trouble", "", "", text)

    def _mark(self, fault: Fault) -> None:
        for held in self._offers.values():
            place = held.places.get(fault.about)
            if place is not None and any(torrent.sha256 == fault.key for torrent in held.bundle.torrents):
                self._wrong[held.digests[fault.about]] = _stamp(place)
                self._unsure.add(held.bundle.name)
                self._waiting.appendleft(held.bundle)

    def _is_wrong(self, sha256: str, path: Path) -> bool:
        """Whether the bytes that were found wrong still lie there: who restores them changes the file."""
        return sha256 in self._wrong and self._wrong[sha256] == _stamp(path)

    def _count(self) -> Mapping[str, Traffic]:
        traffic = self._swarm.traffic()
        self._tally.take({key: one.uploaded for key, one in traffic.items()}, self._now()[:10])
        return traffic

    def _keep(self) -> Iterator[Happening]:
        """Write what is told to whoever asks. It can be done without: a full disk is no reason to stop giving."""
        self._kept = self._clock()
        try:
            self._tally.keep(self.status())
            self._outside.pop(STATUS, None)
        except StorageError as error:
            yield from self._odd(STATUS, str(error))


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns

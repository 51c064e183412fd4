"""One look, from outside, at the swarm of everything published: trackers and DHT are asked, what they say is kept.

No swarm is joined and nothing is fetched. A tracker is asked one question at a time, not before it wants to be, and the
more rarely the longer it gives no answer. What could not be asked is told as that: no answer is not zero.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from phonolith import __version__
from phonolith.library.publications import bundles
from phonolith.library.swarms import Standing, standings, told
from phonolith.model.moment import later, read
from phonolith.model.progress import Progress, Silent
from phonolith.model.swarm import DHT, SWARM, Said, body_of
from phonolith.releases.dht import Dht
from phonolith.releases.publish import published
from phonolith.releases.scrape import Reply, ask, short
from phonolith.releases.tally import last_status
from phonolith.store.archive import Archive
from phonolith.store.bencode import NotBencode, decode
from phonolith.store.files import atomic_write

TOOL = "phonolith"

_PAUSE = 60  # seconds for which a tracker is left alone in any case
_LONGEST_PAUSE = 86_400
_FIRST_BACK_OFF = 600  # seconds after one look without an answer; twice as long after each further one
_TRACKERS_AT_ONCE = 8
_LOOKUPS_AT_ONCE = 4
_MOST_TRACKERS = 50  # that are asked; an archive names one or two, and those it mirrors as many
_STILL_COUNTED = timedelta(minutes=45)  # how long trackers and nodes know a seeder that ended without telling them
_HEAD = 1 << 16  # bytes of a metainfo file in which its trackers stand, before ``info``


@dataclass(frozen=True, slots=True)
class Target:
    """A torrent of a current bundle: ``sha256`` of its metainfo file, infohashes in hexadecimal, its trackers."""

    bundle: str
    sha256: str
    infohashes: tuple[str, ...]
    trackers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Own:
    """What our own seeder gives whole: of each torrent, by SHA-256, the trackers that count it; and its addresses."""

    trackers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """How it went with a tracker, or the DHT: ``problem`` is "" where it answered, ``after`` when it may be asked next.

    ``skipped``: it was not asked, since it is too early. ``failures``: looks without an answer, one after the other.
    """

    by: str
    problem: str = ""
    after: str = ""
    failures: int = 0
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a look: who was asked, and how every bundle stands since, by all that was ever observed."""

    time: str
    asked: tuple[Asked, ...]
    standings: tuple[Standing, ...]
    torrents: int


def targets(archive: Archive) -> list[Target]:
    """The torrents of every current bundle, of those that are mirrored too. Raises StorageError."""
    found = []
    with archive.objects() as objects:
        for bundle in bundles(published(archive)).values():
            for one in bundle.torrents:
                if objects.has(one.sha256):
                    with objects.open(one.sha256) as file:
                        trackers = _trackers(file.read(_HEAD))
                    names = tuple(name for name in (one.v1, one.v2) if name)
                    found.append(Target(bundle.name, one.sha256, names, trackers))
    return found


def own_of(archive: Archive, now: str) -> Own:
    """What others count of us: whole bundles that our seeder gives, or gave until it ended without telling anybody."""
    status = last_status(archive.seed_status)
    try:
        if status is None or status["left"] or later(status["now"], _STILL_COUNTED) < now:
            return Own()
        whole = (one for one in status["bundles"] if one["given"] == one["files"])
        given = {str(sha256): frozenset(known) for one in whole for sha256, known in one["trackers"].items()}
        return Own(given, tuple(str(one).rpartition(":")[0].strip("[]") for one in status["listen"]))
    except (KeyError, TypeError, ValueError, AttributeError):  # the file may be lost, or another version's
        return Own()


def look(
    archive: Archive,
    every: Sequence[Target],
    *,
    trackers: Sequence[str] = (),
    dht: Dht | None = None,
    own: Own | None = None,
    now: Callable[[], str],
    seconds: float = 120.0,
    clock: Callable[[], float] = time.monotonic,
    progress: Progress | None = None,
) -> Seen:
    """Ask once and keep what was said; ``trackers`` beside those that torrents name, each for ``seconds`` at most.

    Raises Busy where another look goes on, StorageError.
    """
    with archive.lock("swarm", what="phonolith swarm"):
        at, stands = now(), _stands(archive)
        asking = _Asking(every, own if own is not None else own_of(archive, at), at, seconds, clock)
        asked = asking.trackers(_by_tracker(every, trackers), stands, progress or Silent())
        if dht is not None:
            asked.append(asking.dht(dht, progress or Silent()))
        with archive.observations() as observations:
            seen = [
                (one.sha256, body_of(one.bundle, asking.said[one.sha256])) for one in every if one.sha256 in asking.said
            ]
            if seen:
                observations.add_many(seen, SWARM, TOOL, __version__, at)
            found = standings(observations, bundles(published(archive)).values())
        kept = stands | {one.by: one for one in asked if one.by != DHT}
        _keep(archive, kept, found)
    return Seen(at, tuple(asked), tuple(found), len(seen))


class _Asking:
    """One look: what is said of each torrent, by SHA-256 of its metainfo file."""

    def __init__(self, every: Sequence[Target], own: Own, at: str, seconds: float, clock: Callable[[], float]) -> None:
        self.said: dict[str, list[Said]] = defaultdict(list)
        self._every = every
        self._own = own
        self._at = at
        self._seconds = seconds
        self._clock = clock

    def trackers(
        self, asked: Mapping[str, Sequence[Target]], stands: Mapping[str, Asked], progress: Progress
    ) -> list[Asked]:
        """Ask all that may be asked, some at a time; how it went with each."""
        due = {name: some for name, some in asked.items() if name not in stands or stands[name].after <= self._at}
        found = [
            Asked(name, stands[name].problem, stands[name].after, stands[name].failures, skipped=True)
            for name in asked.keys() - due.keys()
        ]
        progress.start("Asking trackers", len(due), "trackers")
        with ThreadPoolExecutor(_TRACKERS_AT_ONCE) as pool:
            work = {pool.submit(self._ask, name, some): name for name, some in due.items()}
            for one in as_completed(work):
                name, reply = work[one], one.result()
                self._take(name, due[name], reply)
                found.append(self._stand(name, reply, stands.get(name)))
                progress.advance(1)
        progress.finish()
        return sorted(found, key=lambda one: one.by)

    def dht(self, dht: Dht, progress: Progress) -> Asked:
        """Look every infohash up in the DHT."""
        wanted = [(one, name) for one in self._every for name in one.infohashes]
        answered, problem = 0, "no node answered"
        progress.start("Asking the DHT", len(wanted), "infohashes")
        with ThreadPoolExecutor(_LOOKUPS_AT_ONCE) as pool:
            for (target, _), said in zip(wanted, pool.map(lambda one: self._look_up(dht, *one), wanted), strict=True):
                self.said[target.sha256].append(said)
                answered += not said.problem
                problem = said.problem or problem
                progress.advance(1)
        progress.finish()
        return Asked(DHT, "" if answered or not wanted else problem)

    def _ask(self, tracker: str, some: Sequence[Target]) -> Reply:
        hashes = sorted({short(bytes.fromhex(name)) for one in some for name in one.infohashes})
        return ask(tracker, hashes, seconds=self._seconds, clock=self._clock)

    def _take(self, tracker: str, some: Sequence[Target], reply: Reply) -> None:
        for one in some:
            ours = int(tracker in self._own.trackers.get(one.sha256, ()))
            for name in one.infohashes:
                key = short(bytes.fromhex(name))
                if counts := reply.counts.get(key):
                    mine = min(ours, counts.complete)
                    told = Said(tracker, name, counts.complete, counts.incomplete, counts.downloaded, mine)
                else:
                    told = Said(tracker, name, problem=reply.problems[key])
                self.said[one.sha256].append(told)

    def _look_up(self, dht: Dht, target: Target, name: str) -> Said:
        own = self._own.addresses if target.sha256 in self._own.trackers else None
        try:
            found = dht.look(short(bytes.fromhex(name)), own)
        except OSError as error:  # TimeoutError is one
            return Said(DHT, name, problem=error.strerror or "no node answered")
        ours = int(found.ours and bool(found.complete))
        return Said(DHT, name, found.complete, found.incomplete, None, ours, found.peers, found.nodes)

    def _stand(self, tracker: str, reply: Reply, before: Asked | None) -> Asked:
        """When a tracker may be asked again."""
        if reply.counts:
            return Asked(tracker, "", later(self._at, timedelta(seconds=max(reply.pause, _PAUSE))))
        failures = (before.failures if before else 0) + 1
        pause = min(_FIRST_BACK_OFF * 2 ** min(failures - 1, 20), _LONGEST_PAUSE)
        problem = next(iter(reply.problems.values()), "no answer")
        return Asked(tracker, problem, later(self._at, timedelta(seconds=max(pause, reply.pause))), failures)


def _by_tracker(every: Iterable[Target], trackers: Sequence[str]) -> dict[str, list[Target]]:
    """Which torrents each tracker is asked about; those of most torrents, if there are too many."""
    asked = defaultdict[str, list[Target]](list)
    for one in every:
        for name in dict.fromkeys((*one.trackers, *trackers)):
            asked[name].append(one)
    counted = Counter({name: len(some) for name, some in asked.items()})
    return {name: asked[name] for name, _ in counted.most_common(_MOST_TRACKERS)}


def _trackers(head: bytes) -> tuple[str, ...]:
    """The trackers of a metainfo file whose first bytes these are: in bencode their keys stand before ``info``."""
    with suppress(NotBencode, AttributeError, TypeError):
        told: Any = decode(head[: head.index(b"4:infod")] + b"e") if b"4:infod" in head else {}
        tiers = told.get(b"announce-list") or [[told[b"announce"]] if b"announce" in told else []]
        return tuple(dict.fromkeys(one.decode("utf-8", "replace") for tier in tiers for one in tier))
    return ()


def _stands(archive: Archive) -> dict[str, Asked]:
    """When each tracker may be asked again, as the last look left it; what cannot be read is not known."""
    try:
        told = json.loads(archive.swarm_status.read_bytes())["trackers"]
        found = [Asked(str(one["by"]), str(one["problem"]), str(one["after"]), int(one["failures"])) for one in told]
        for one in found:
            read(one.after)
        return {one.by: one for one in found}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _keep(archive: Archive, stands: Mapping[str, Asked], found: Iterable[Standing]) -> None:
    body = {"trackers": [asdict(stands[name]) for name in sorted(stands)], "standings": [told(one) for one in found]}
    atomic_write(archive.swarm_status, json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace"))

"""Fetches the music and pictures that a collection's records lead to, each only after the gate was asked.

What is fetched becomes an object, durable before the record that names it; the record and that its task is done are one
transaction. So a kill costs what was on its way, and of large files not even that.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Protocol

import msgspec

from phonolith.errors import Interrupted, RefusedByRights, StorageError, UsageError
from phonolith.harvest import event_loop
from phonolith.harvest.gather import Pace, gather
from phonolith.harvest.media_types import media_type_of
from phonolith.harvest.offers import Collection, Door, Offer
from phonolith.harvest.report import HarvestReport
from phonolith.harvest.watch import watched
from phonolith.model.frontier import Fate, Run, Step, Task
from phonolith.model.progress import Progress, Silent
from phonolith.model.record import Record
from phonolith.rights.gate import Policy
from phonolith.sources.client import origins
from phonolith.sources.client.answers import Downloaded, Expected, Limits, Manners
from phonolith.sources.client.live import Live
from phonolith.sources.client.parts import Part, sweep_parts
from phonolith.sources.media import Candidate
from phonolith.sources.payloads import Fetched, beside, collection_of
from phonolith.store.archive import Archive
from phonolith.store.files import printable
from phonolith.store.objects import ObjectStore
from phonolith.store.records import RecordStore
from phonolith.store.volumes import Volume, roomiest

#: The largest file that is fetched unless somebody says more, in bytes.
LARGEST = 4 << 30

_MEDIA = "media:"
_HOSTS = 8  # at which files are fetched at a time
_PARTS_KEPT = 30 * 86_400  # seconds for which the beginning of a file waits for its rest
_ROOM = 64 << 20  # bytes that stay free: for records, and for whoever else writes there
_KINDS = {"audio": "audio/", "cover": "image/", "booklet": "application/"}


class Fetches(Protocol):
    """The part of the client that is needed here."""

    async def download(
        self,
        url: str,
        folder: Path,
        *,
        cap: int,
        expect: Expected = ...,
        manners: Manners = ...,
        limits: Limits = ...,
        headers: Mapping[str, str] = ...,
    ) -> Downloaded:
        """The file at ``url``; see :meth:`phonolith.sources.client.client.Client.download`."""

    def live(self) -> Live:
        """What is going on now."""


@dataclass(frozen=True, slots=True)
class Means:
    """What fetching is handed: how to ask and what ``instead``, the gate's policy, somebody to tell, a clock."""

    connect: Callable[[], AbstractAsyncContextManager[Fetches]]
    instead: Mapping[str, str]
    policy: Policy
    progress: Progress
    clock: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """``budget``: bytes to fetch this time; ``largest``: bytes of one file; ``again``: also what is held already."""

    budget: int | None = None
    largest: int = LARGEST
    again: bool = False


@dataclass
class FetchReport(HarvestReport):
    """What was fetched for a collection, and why the rest was not.

    ``offered`` files in all, of which ``held`` are here as they are stated now, ``denied`` may not be held (by reason),
    and ``left`` did not fit the budget; ``to_fetch`` were begun with, ``unknown`` of them of unstated size.
    """

    offered: int = 0
    held: int = 0
    to_fetch: int = 0
    unknown: int = 0
    left: int = 0
    denied: Counter[str] = field(default_factory=Counter)

    @property
    def collection(self) -> str:
        """The collection whose records name the files."""
        return collection_of(self.source)


def plan(archive: Archive, collection: str, wanted: Wanted, policy: Policy, progress: Progress) -> FetchReport:
    """What would be fetched, without a request. Raises NotFound, BadInput, StorageError."""
    report = FetchReport(beside(collection))
    with archive.records() as store, archive.register() as register:
        _tasks(store, Collection(store, collection), Door(register, policy), wanted, report, progress)
    return report


def fetch(archive: Archive, collection: str, wanted: Wanted, means: Means) -> tuple[FetchReport, Run | None]:
    """Fetch what the collection's records lead to, as far as the gate allows; a run that was stopped is gone on with.

    None for the run: there is nothing to fetch. Raises NotFound (no such source), BadInput, StorageError (also where
    the disk has no room for what is to come), Busy; Interrupted when a person stops it: what was stored stays.
    """
    with (
        archive.lock("harvest", what=f"harvest media {collection}"),
        archive.records() as store,
        archive.objects() as objects,
        archive.register() as register,
    ):
        said, door = Collection(store, collection), Door(register, means.policy)
        return _Fetching(store, objects, said, door, wanted, means).begin_or_go_on()


def resume(archive: Archive, name: str, means: Means) -> tuple[FetchReport, Run | None]:
    """Go on with the run ``media.…`` that was stopped. Raises as :func:`fetch`, UsageError where there is none."""
    with archive.records() as store:
        run = store.frontier(name).run()
    if run is None or run.finished:
        raise UsageError(name, "has no harvest to go on with", "Begin one: phonolith harvest media")
    return fetch(archive, collection_of(name), Wanted(again=json.loads(run.options)["again"]), means)


def _tasks(
    store: RecordStore,
    collection: Collection,
    door: Door,
    wanted: Wanted,
    report: FetchReport,
    progress: Progress,
) -> list[Task]:
    """A task for each file that may be held, is not, and fits; the others are counted."""
    tasks: dict[str, Task] = {}
    for offer in collection.offers(progress):
        candidate = offer.candidate
        if candidate.address in tasks:
            continue
        report.offered += 1
        decision = door.decide(collection.spoken, offer)
        size = candidate.size or 0
        if not decision.allowed:
            report.denied[" ".join(decision.reasons)] += 1
        elif not wanted.again and _is_held(store, collection.name, candidate):
            report.held += 1
        elif size > wanted.largest:
            report.denied[f"It is larger than {wanted.largest:,} bytes."] += 1
        elif wanted.budget is not None and report.bytes_needed + size > wanted.budget:
            report.left += 1
        else:
            tasks[candidate.address] = Task(_MEDIA + candidate.address, candidate.address, mark=offer.item)
            report.bytes_needed += size
            report.unknown += candidate.size is None
    report.to_fetch = len(tasks)
    return list(tasks.values())


def _is_held(store: RecordStore, collection: str, candidate: Candidate) -> bool:
    """Whether its bytes were fetched, and the source states the same of them as then."""
    head = store.head(beside(collection), candidate.address)
    return head is not None and head.validator == _validator(candidate)


def _validator(candidate: Candidate) -> str:
    return " ".join(f"{name}={value}" for name, value in _stated(candidate).items()) or "-"


def _stated(candidate: Candidate) -> dict[str, str]:
    """What the source states of size and digests, by name."""
    size = {} if candidate.size is None else {"size": str(candidate.size)}
    digests = {name: getattr(candidate, name).lower() for name in ("md5", "sha1", "sha256")}
    return size | {name: value for name, value in digests.items() if value}


def _media_type(candidate: Candidate, kind: str) -> str:
    """What a file is: by what the source states, else by what the origin says, else by its name."""
    if candidate.media_type or kind.partition("/")[0] in ("audio", "image", "text"):
        return candidate.media_type or kind
    return media_type_of(PurePath(candidate.name).suffix.lower().removeprefix(".")) or kind


def _say_needs(objects: ObjectStore, report: FetchReport, progress: Progress) -> None:
    """Say what is to come, and refuse what the disks have no room for. Raises StorageError."""
    room: dict[int, int] = {}
    for volume in objects.volumes:
        if volume.path.is_dir():
            room[volume.path.stat().st_dev] = volume.free()
    free, needed = sum(room.values()), report.bytes_needed
    unknown = f", and {report.unknown:,} of unstated size" if report.unknown else ""
    progress.say(f"Files to fetch: {report.to_fetch:,} ({_mb(needed)}{unknown}); {_mb(free)} are free")
    if needed + _ROOM > free:
        problem = f"{_mb(needed)} are to be fetched and {_mb(free)} are free"
        where = ", ".join(printable(volume.path) for volume in objects.volumes)
        raise StorageError(where, problem, "Fetch less at a time (--limit), free some space, or add a volume")


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


class _Fetching:
    """One run. ``spent`` counts bytes against the budget: those stated when a file is begun, else those that came."""

    def __init__(
        self,
        store: RecordStore,
        objects: ObjectStore,
        collection: Collection,
        door: Door,
        wanted: Wanted,
        means: Means,
    ) -> None:
        self._store, self._objects, self._wanted, self._means = store, objects, wanted, means
        self.collection, self.door = collection, door
        self.report = FetchReport(beside(collection.name))
        self._manners = Manners.of(collection.source.terms)
        self._frontier = store.frontier(self.report.source)
        self._spent = 0
        self._taking = asyncio.Lock()

    def begin_or_go_on(self) -> tuple[FetchReport, Run | None]:
        """Go on with a run of the same words that was stopped, else begin one where there is something to fetch."""
        clock, frontier = self._means.clock, self._frontier
        options = json.dumps({"again": self._wanted.again})
        before = frontier.run()
        if before is not None and not before.finished and before.options == options:
            frontier.resume()
            self.report.to_fetch = frontier.counts().get(Fate.WAITING, 0)
            return self.report, self._run()
        if before is not None and not before.finished:
            frontier.finish(clock(), whole=False)
        tasks = _tasks(self._store, self.collection, self.door, self._wanted, self.report, self._means.progress)
        if not tasks:
            return self.report, None
        _say_needs(self._objects, self.report, self._means.progress)
        began = clock()
        frontier.begin(options, began, tasks, since=began)  # since: what is not asked this time is not gone
        return self.report, self._run()

    def _run(self) -> Run:
        """Fetch until nothing waits. Raises Interrupted, StorageError."""
        for volume in self._objects.volumes:
            sweep_parts(volume.path, time.time() - _PARTS_KEPT)
        frontier = self._frontier
        pace = Pace(width=_HOSTS, per_host=self._manners.parallel)

        async def work() -> Run:
            async with self._means.connect() as client, watched(client, self._means.progress):

                def ask(task: Task) -> AsyncGenerator[Step, None]:
                    return self._ask(client, task)

                return await gather(frontier, ask, self.report, pace, progress=Silent(), clock=self._means.clock)

        total = None if self.report.unknown else self.report.bytes_needed or None
        self._means.progress.start(f"Fetching for {self.collection.name}", total, "bytes")
        try:
            ended = event_loop.run(work())
        except KeyboardInterrupt:
            problem = f"stopped after {self.report.objects:,} files, which are held"
            raise Interrupted(self.report.source, problem, "Go on: phonolith harvest resume") from None
        self._means.progress.finish()
        return ended

    async def _ask(self, client: Fetches, task: Task) -> AsyncGenerator[Step, None]:
        """Fetch one file, after the gate was asked once more: a decision may have come since it was planned."""
        offer = self.collection.again(task.mark, task.address)
        if offer is None or (not self._wanted.again and _is_held(self._store, self.collection.name, offer.candidate)):
            return
        decision = self.door.decide(self.collection.spoken, offer)
        if not decision.allowed:
            self.report.denied[" ".join(decision.reasons)] += 1
            raise RefusedByRights(task.address, " ".join(decision.reasons))
        candidate = offer.candidate
        if not self._reserve(candidate):
            self.report.left += 1
            return
        got, volume = await self._download(client, candidate)
        async with self._taking:
            await asyncio.to_thread(self._hold, got, volume, candidate)
        yield Step(records=(self._record(offer, got, decision.reasons[0]),), mark=task.mark)

    def _reserve(self, candidate: Candidate) -> bool:
        budget, size = self._wanted.budget, candidate.size or 0
        if budget is not None and (self._spent + size > budget or self._spent >= budget):
            return False
        self._spent += size
        return True

    async def _download(self, client: Fetches, candidate: Candidate) -> tuple[Downloaded, Volume]:
        """The file on the volume where it is to lie. Raises what the client raises, StorageError without room."""
        asked = self._asked(candidate.address)
        volume = self._volume(asked, candidate.size or 0)
        cap = self._wanted.largest if candidate.size is None else min(candidate.size, self._wanted.largest)
        kind = candidate.media_type or _KINDS.get(candidate.role, "")
        expect = Expected(candidate.size, candidate.sha256, candidate.sha1, candidate.md5, kind)
        try:
            got = await client.download(asked, volume.path, cap=cap, expect=expect, manners=self._manners)
        except BaseException:
            self._spent -= candidate.size or 0
            raise
        self._spent += got.size if candidate.size is None else 0
        return got, volume

    def _asked(self, address: str) -> str:
        """The address to ask: where the source's origin is asked elsewhere, its files are too."""
        own = getattr(self.collection.source, "base", "").rstrip("/")
        base = origins.base(self.collection.source.name, own, self._means.instead)
        return base + address.removeprefix(own) if own and address.startswith(own + "/") else address

    def _volume(self, address: str, size: int) -> Volume:
        """The volume on which an earlier run left a part of it, else the roomiest. Raises StorageError."""
        for volume in self._objects.volumes:
            if volume.present and Part.path_of(volume.path, address).exists():
                return roomiest([volume], 0)
        return roomiest(self._objects.volumes, size + _ROOM)

    def _hold(self, got: Downloaded, volume: Volume, candidate: Candidate) -> None:
        with self._objects.batch() as batch:
            batch.receive(got.path, got.passport, volume, _media_type(candidate, got.kind))
        self.report.objects += 1
        self.report.bytes_adopted += got.size

    def _record(self, offer: Offer, got: Downloaded, because: str) -> Record:
        candidate = offer.candidate
        told = Fetched(
            got.sha256,
            got.size,
            _media_type(candidate, got.kind),
            got.url,
            got.validator.etag,
            got.validator.modified,
            candidate.description,
            because,
            _stated(candidate),
        )
        payload, name = msgspec.json.encode(told), self.report.source
        return Record(name, candidate.address, got.url, self._means.clock(), payload, validator=_validator(candidate))

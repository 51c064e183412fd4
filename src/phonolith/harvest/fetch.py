"""Fetches the music and pictures that a collection's records lead to, each only after the gate was asked.

What is fetched becomes an object, durable before the record that names it; the record and that its task is done are one
transaction. So a kill costs what was on its way, and of large files not even that.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Protocol

import msgspec

from phonolith.errors import Interrupted, RefusedByRights, UsageError
from phonolith.harvest import event_loop
from phonolith.harvest.gather import Pace, gather
from phonolith.harvest.listed import Encode, Listed, Wish
from phonolith.harvest.media_types import media_type_of
from phonolith.harvest.offers import Collection, Door, Offer
from phonolith.harvest.wanted import (
    ABSENT,
    ROOM,
    FetchReport,
    Wanted,
    cost,
    is_held,
    say_needs,
    stated,
    tasks_of,
    validator_of,
)
from phonolith.harvest.watch import watched
from phonolith.model.frontier import Fate, Run, Step, Task
from phonolith.model.progress import Progress, Silent
from phonolith.model.record import Record
from phonolith.model.rights import Decision, Use
from phonolith.rights.gate import Policy
from phonolith.sources.client import origins
from phonolith.sources.client.answers import Downloaded, Expected, Limits, Manners
from phonolith.sources.client.live import Live
from phonolith.sources.client.parts import Part, sweep_parts
from phonolith.sources.media import Candidate
from phonolith.sources.payloads import Fetched, beside, collection_of
from phonolith.store.archive import Archive
from phonolith.store.objects import ObjectStore
from phonolith.store.records import RecordStore
from phonolith.store.volumes import Volume, roomiest

_HOSTS = 8  # at which files are fetched at a time
_PARTS_KEPT = 30 * 86_400  # seconds for which the beginning of a file waits for its rest
#: What an access copy is that is kept in place of an original.
COPIED = "audio/ogg"
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
    """What fetching is handed: how to ask and what ``instead``, the gate's policy, somebody to tell, a clock.

    ``encode`` makes access copies; without it nothing is fetched in that tier.
    """

    connect: Callable[[], AbstractAsyncContextManager[Fetches]]
    instead: Mapping[str, str]
    policy: Policy
    progress: Progress
    clock: Callable[[], str]
    encode: Encode | None = None


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
        said, door = Collection(store, collection), Door(register, means.policy, means.clock)
        if wanted.listed is not None:  # what came of it before a stop counts against the same budget
            left = wanted.listed.left(store)
            wanted = replace(wanted, budget=left if wanted.budget is None else min(left, wanted.budget))
        return _Fetching(store, objects, said, door, wanted, means).begin_or_go_on()


def resume(archive: Archive, name: str, means: Means) -> tuple[FetchReport, Run | None]:
    """Go on with the run ``media.…`` that was stopped. Raises as :func:`fetch`, UsageError where there is none."""
    with archive.records() as store:
        run = store.frontier(name).run()
    if run is None or run.finished:
        raise UsageError(name, "has no harvest to go on with", "Begin one: phonolith harvest media")
    told = json.loads(run.options)
    listed = Listed.open(Path(told["list"]), told["sha256"]) if "list" in told else None
    return fetch(archive, collection_of(name), Wanted(again=told["again"], listed=listed), means)


def _media_type(candidate: Candidate, kind: str) -> str:
    """What a file is: by what the source states, else by what the origin says, else by its name."""
    if candidate.media_type or kind.partition("/")[0] in ("audio", "image", "text"):
        return candidate.media_type or kind
    return media_type_of(PurePath(candidate.name).suffix.lower().removeprefix(".")) or kind


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
        options = self._options()
        before = frontier.run()
        if before is not None and not before.finished and before.options == options:
            frontier.resume()
            self.report.to_fetch = frontier.counts().get(Fate.WAITING, 0)
            return self.report, self._run()
        if before is not None and not before.finished:
            frontier.finish(clock(), whole=False)
        began = clock()
        told = self._wanted, frontier.absent(began), self.report, self._means.progress
        tasks = tasks_of(self._store, self.collection, self.door, *told)
        if not tasks:
            return self.report, None
        say_needs(self._objects, self.report, self._means.progress)
        frontier.begin(options, began, tasks, since=began)  # since: what is not asked this time is not gone
        return self.report, self._run()

    def _options(self) -> str:
        """The words of a run, by which it is gone on with: a list is told by where it is and what it says."""
        listed = self._wanted.listed
        named = {} if listed is None else {"list": str(listed.path), "sha256": listed.sha256}
        return json.dumps({"again": self._wanted.again, **named})

    def _run(self) -> Run:
        """Fetch until nothing waits. Raises Interrupted, StorageError."""
        for volume in self._objects.volumes:
            sweep_parts(volume.path, time.time() - _PARTS_KEPT)
        frontier = self._frontier
        pace = Pace(width=_HOSTS, per_host=self._manners.parallel, absent=ABSENT)

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
        if offer is None or (not self._wanted.again and is_held(self._store, self.collection.name, offer.candidate)):
            return
        decision = self._refused(task, offer)
        if not decision.allowed:
            self.report.denied[" ".join(decision.reasons)] += 1
            raise RefusedByRights(task.address, " ".join(decision.reasons))
        candidate, wish = offer.candidate, self._wish(task.address)
        if not self._reserve(candidate, wish):
            self.report.left += 1
            return
        got, volume = await self._download(client, candidate, wish)
        because = decision.reasons[0]
        async with self._taking:
            told = await asyncio.to_thread(self._hold, candidate, got, volume, wish, because)
        yield Step(records=(self._record(candidate, told),), mark=task.mark)

    def _wish(self, address: str) -> Wish | None:
        """What the list says of an address. Raises RefusedByRights for what is not on it, though a run named it."""
        listed = self._wanted.listed
        if listed is None:
            return None
        wish = listed.of(self.collection.spoken).get(address)
        if wish is None:
            raise RefusedByRights(address, "it is not on the list that is fetched")
        return wish

    def _refused(self, task: Task, offer: Offer) -> Decision:
        """The gate's answer now: for holding, and of an access copy for re-encoding too."""
        decision = self.door.decide(self.collection.spoken, offer)
        wish = self._wish(task.address)
        if decision.allowed and wish is not None and wish.access:
            if self._means.encode is None:
                raise RefusedByRights(task.address, "it is listed as an access copy, and none can be made here")
            again = self.door.decide(self.collection.spoken, offer, Use.REENCODE)
            return decision if again.allowed else again
        return decision

    def _reserve(self, candidate: Candidate, wish: Wish | None) -> bool:
        """Set bytes aside: as many as are stated, else as many as the list reckons with at most."""
        budget, size = self._wanted.budget, cost(candidate, wish)
        if budget is not None and (self._spent + size > budget or self._spent >= budget):
            return False
        self._spent += size
        return True

    async def _download(self, client: Fetches, candidate: Candidate, wish: Wish | None) -> tuple[Downloaded, Volume]:
        """The file on the volume where it is to lie. Raises what the client raises, StorageError without room."""
        asked = self._asked(candidate.address)
        volume = self._volume(asked, candidate.size or 0)
        cap = self._wanted.largest if candidate.size is None else min(candidate.size, self._wanted.largest)
        kind = candidate.media_type or _KINDS.get(candidate.role, "")
        expect = Expected(candidate.size, candidate.sha256, candidate.sha1, candidate.md5, kind)
        try:
            got = await client.download(asked, volume.path, cap=cap, expect=expect, manners=self._manners)
        except BaseException:
            self._spent -= cost(candidate, wish)
            raise
        return got, volume

    def _asked(self, address: str) -> str:
        """The address to ask: where the source's origin is asked elsewhere, its files are too."""
        own = getattr(self.collection.source, "base", "").rstrip("/")
        kind = self.collection.source.name.partition(".")[0]  # it has the name of what was gathered with it
        return origins.asked(address, own, origins.base(kind, own, self._means.instead))

    def _volume(self, address: str, size: int) -> Volume:
        """The volume on which an earlier run left a part of it, else the roomiest. Raises StorageError."""
        for volume in self._objects.volumes:
            if volume.present and Part.path_of(volume.path, address).exists():
                return roomiest([volume], 0)
        return roomiest(self._objects.volumes, size + ROOM)

    def _hold(self, candidate: Candidate, got: Downloaded, volume: Volume, wish: Wish | None, because: str) -> Fetched:
        """Keep what came, or the access copy of it where the list says so; what is to be said of it."""
        told = Fetched(
            got.sha256,
            got.size,
            _media_type(candidate, got.kind),
            got.url,
            got.validator.etag,
            got.validator.modified,
            candidate.description,
            because,
            stated(candidate),
        )
        if wish is not None and wish.access:
            told = self._hold_copy(got, told)
        else:
            with self._objects.batch() as batch:
                batch.receive(got.path, got.passport, volume, told.media_type)
        self._spent += told.size - cost(candidate, wish)
        self.report.objects += 1
        self.report.bytes_adopted += told.size
        return told

    def _hold_copy(self, got: Downloaded, told: Fetched) -> Fetched:
        """Hold a re-encoded copy of what came and let that go. Raises BadInput where none can be made."""
        assert self._means.encode is not None  # else nothing was asked for in this tier
        try:
            with self._means.encode(got.path) as path:
                held = self._objects.adopt(path, "copy", COPIED)
        finally:
            got.path.unlink(missing_ok=True)
        self.report.copies += 1
        came = {"sha256": got.sha256, "size": str(got.size)}
        copied = msgspec.structs.replace(told, sha256=held.sha256, size=held.size, media_type=COPIED)
        return msgspec.structs.replace(copied, codec="opus", original=came)

    def _record(self, candidate: Candidate, told: Fetched) -> Record:
        payload, name = msgspec.json.encode(told), self.report.source
        validator = validator_of(candidate)
        return Record(name, candidate.address, told.url, self._means.clock(), payload, validator=validator)

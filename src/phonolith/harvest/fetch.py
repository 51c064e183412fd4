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
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol

import msgspec

from phonolith.errors import Interrupted, RefusedByRights, UsageError
from phonolith.harvest import event_loop
from phonolith.harvest.gather import Pace, gather
from phonolith.harvest.media_types import media_type_of
from phonolith.harvest.offers import Collection, Door, Offer
from phonolith.harvest.wanted import (
    ABSENT,
    ROOM,
    FetchReport,
    Wanted,
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
        return _Fetching(store, objects, said, door, wanted, means).begin_or_go_on()


def resume(archive: Archive, name: str, means: Means) -> tuple[FetchReport, Run | None]:
    """Go on with the run ``media.…`` that was stopped. Raises as :func:`fetch`, UsageError where there is none."""
    with archive.records() as store:
        run = store.frontier(name).run()
    if run is None or run.finished:
        raise UsageError(name, "has no harvest to go on with", "Begin one: phonolith harvest media")
    return fetch(archive, collection_of(name), Wanted(again=json.loads(run.options)["again"]), means)


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
        options = json.dumps({"again": self._wanted.again})
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
        kind = self.collection.source.name.partition(".")[0]  # it has the name of what was gathered with it
        return origins.asked(address, own, origins.base(kind, own, self._means.instead))

    def _volume(self, address: str, size: int) -> Volume:
        """The volume on which an earlier run left a part of it, else the roomiest. Raises StorageError."""
        for volume in self._objects.volumes:
            if volume.present and Part.path_of(volume.path, address).exists():
                return roomiest([volume], 0)
        return roomiest(self._objects.volumes, size + ROOM)

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
            stated(candidate),
        )
        payload, name = msgspec.json.encode(told), self.report.source
        return Record(name, candidate.address, got.url, self._means.clock(), payload, validator=validator_of(candidate))

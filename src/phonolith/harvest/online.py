"""Harvests a source over the network: begins a run of its frontier, or goes on with the one that did not end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from phonolith.errors import Interrupted, NotFound, UsageError
from phonolith.harvest import event_loop
from phonolith.harvest.bulk import Keeper
from phonolith.harvest.gather import Pace, gather
from phonolith.harvest.report import HarvestReport
from phonolith.model.frontier import Fate, Run, Step, Task
from phonolith.model.progress import Progress
from phonolith.sources.base import collection_name, open_source
from phonolith.sources.client import origins
from phonolith.sources.client.answers import Asks, Validator
from phonolith.sources.client.live import Live, Shows
from phonolith.sources.gathering import Decides, Gathers, Question, Wish, read_validator
from phonolith.store.archive import Archive
from phonolith.store.frontier import Frontier
from phonolith.store.records import RecordStore

_ITEM = "item:"
_BEHIND = 64  # answers that may wait to become durable, at origins that permit several questions at a time
_TELLING = 0.5  # seconds between two looks at what the client is doing

#: Opens the client; it stays open for one run.
Connect = Callable[[], AbstractAsyncContextManager[Asks]]


@dataclass(frozen=True, slots=True)
class Order:
    """What a person orders: ``wish`` of the source ``kind``, kept under ``name`` ("": what the source calls it).

    ``since`` is where to begin ("": where the last whole run ended; everything, if there was none or ``everything`` is
    set). ``limit``: stop after so many records; the same order again goes on with the next ones. ``anew``: give up a
    run that did not end.
    """

    kind: str
    wish: Wish
    name: str = ""
    since: str = ""
    everything: bool = False
    metadata_only: bool = False
    limit: int | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What a harvest is handed: how to ask, addresses asked ``instead`` of sources' own, somebody to tell, a clock.

    ``words`` says in a few words how far a run is, what the client is doing, and when what failed is tried again ("":
    something else is under way), for who is told.
    """

    connect: Connect
    instead: Mapping[str, str]
    progress: Progress
    clock: Callable[[], str]
    words: Callable[[Run, Live, str], str] | None = None


def harvest_online(archive: Archive, order: Order, means: Means) -> tuple[HarvestReport, Run]:
    """Gather what is ordered; a run that was stopped on the same order is gone on with.

    Raises NotFound (no such source), UsageError (a wish that makes no sense; a run of other words under way),
    StorageError, Busy; Interrupted when a person stops it: what was stored stays.
    """
    source = gatherer(order.kind)
    name = collection_name(order.kind, order.name or source.collection(order.wish))
    with archive.lock("harvest", what=f"harvest {name}"), archive.records() as store:
        frontier = store.frontier(name)
        options = _options(order)
        before = frontier.run()
        if before is not None and not before.finished and not order.anew:
            if before.options != options:
                problem = f"its harvest of {before.started} has not ended, and was for something else"
                raise UsageError(name, problem, "Go on with it: phonolith harvest resume; or give it up: --anew")
            run = frontier.resume()
        elif before is not None and _goes_on(frontier, before, order, options):
            run = frontier.resume()
        else:
            if before is not None and not before.finished:
                frontier.finish(means.clock(), whole=False)
            run = _begin(frontier, source, order, options, before, means)
        return _gather(archive, store, source, run, order.limit, means)


def resume(archive: Archive, name: str, means: Means) -> tuple[HarvestReport, Run]:
    """Go on with the run of the collection ``name`` that did not end. Raises as :func:`harvest_online`."""
    with archive.lock("harvest", what=f"harvest {name}"), archive.records() as store:
        if name not in store.sources():
            raise NotFound(name, "nothing was ever harvested under this name", "See phonolith harvest status")
        run = store.frontier(name).resume()
        return _gather(archive, store, gatherer(name.partition(".")[0]), run, None, means)


def runs(store: RecordStore) -> list[Run]:
    """The runs over the network that there are, those that did not end first, then the newest."""
    found = [run for name in store.sources() if (run := store.frontier(name).run()) is not None]
    found.sort(key=lambda run: run.started, reverse=True)
    return sorted(found, key=lambda run: run.finished != "")


def gatherer(kind: str) -> Any:
    """The source of this name. Raises NotFound, and UsageError where it cannot be gathered over the network."""
    source = open_source(kind)
    if not isinstance(source, Gathers):
        raise UsageError(kind, "is no source that is asked over the network", f"See phonolith harvest {kind} --help")
    return source


def _options(order: Order) -> str:
    """What decides what is gathered, in one form: two runs of equal options go on with each other."""
    said = {
        "wish": {key: list(value) for key, value in order.wish.items() if value},
        "metadata_only": order.metadata_only,
    }
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def _goes_on(frontier: Frontier, before: Run, order: Order, options: str) -> bool:
    """Whether a run ended at its limit, and this is the same order again."""
    beginning = order.since in ("", before.since) and not (order.everything and before.since)
    return not order.anew and before.options == options and beginning and Fate.WAITING in frontier.counts()


def _begin(frontier: Frontier, source: Gathers, order: Order, options: str, before: Run | None, means: Means) -> Run:
    reached = before.high_water if before is not None and not order.everything else ""
    if isinstance(source, Decides):
        since = order.since or source.since(order.wish, reached)
    else:
        since = order.since or (reached if before is not None and before.options == options else "")
    tasks = source.begin(order.wish, _base(source, order.kind, means), since)
    return frontier.begin(options, means.clock(), tasks, since=since)


def _gather(
    archive: Archive, store: RecordStore, source: Any, run: Run, limit: int | None, means: Means
) -> tuple[HarvestReport, Run]:
    """Ask until nothing waits, with the patience that the source's terms ask for."""
    report, frontier = HarvestReport(run.source), store.frontier(run.source)
    said = json.loads(run.options)
    wish: Wish = {key: tuple(value) for key, value in said["wish"].items()}
    base = _base(source, source.name, means)
    within = source.within(wish) if isinstance(source, Decides) else ("",)
    parallel = source.terms.parallel
    pace = Pace(per_host=parallel, limit=limit, within=within, behind=_BEHIND if parallel > 1 else 1)

    def validator(task: Task) -> Validator | None:
        head = store.head(run.source, task.key.removeprefix(_ITEM)) if task.key.startswith(_ITEM) else None
        return read_validator(head.validator) if head else None

    async def work() -> Run:
        async with means.connect() as client, Keeper(archive, client, means.progress) as bulk:

            def ask(task: Task) -> AsyncGenerator[Step, None]:
                time, only = means.clock(), said["metadata_only"]
                known = validator(task)
                question = Question(run.source, task, wish, base, run.since, time, known, only, means.instead, bulk)
                return source.ask(client, question)  # type: ignore[no-any-return]  # the door checked what it is

            async with _telling(client, frontier, means):
                return await gather(frontier, ask, report, pace, progress=means.progress, clock=means.clock)

    means.progress.start(run.source, run.total, "records")
    try:
        ended = event_loop.run(work())
    except KeyboardInterrupt:
        problem = f"stopped after {report.total:,} records, which are kept"
        raise Interrupted(run.source, problem, "Go on: phonolith harvest resume") from None
    means.progress.finish()
    return report, ended


@asynccontextmanager
async def _telling(client: Asks, frontier: Frontier, means: Means) -> AsyncIterator[None]:
    """Note twice a second what the client is doing, as long as this lasts."""
    words = means.words
    if words is None or not isinstance(client, Shows):
        yield
        return

    async def tell() -> None:
        while (run := frontier.run()) is not None:
            live = client.live()
            again = "" if live.waiting or live.in_flight else frontier.next_time()
            means.progress.note(words(run, live, again or ""))
            await asyncio.sleep(_TELLING)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait([telling])


def _base(source: Gathers, kind: str, means: Means) -> str:
    return origins.base(kind, source.base, means.instead)

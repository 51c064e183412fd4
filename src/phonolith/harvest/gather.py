"""Gathers from a source over the network: asks what the frontier holds, and stores what comes, until nothing waits.

A question counts as answered when the answer is durable: each step of an answer is written together with what it led
to, in transactions that take along whatever came meanwhile. Memory is bounded by the questions in flight.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from phonolith.errors import BadInput, NotFound, PhonolithError, RefusedByRights, TimedOut
from phonolith.harvest.report import HarvestReport
from phonolith.model import moment
from phonolith.model.frontier import Advanced, Fate, Outcome, Run, Step, Task
from phonolith.model.progress import Progress
from phonolith.store.frontier import Frontier

_TRIES = 5  # how often a task may fail before it is given up
_AGAIN = timedelta(minutes=1)  # until it is tried again; twice as long each time
_SILENCE = 20  # tasks in a row that were not answered in time: the origin is away, and is left alone
_EMPTY = 2  # lists in a row that name nothing
_BUFFER = 1_000  # tasks read from the frontier at once
_LONGEST = 200  # characters of a key in a finding: a token in it is as long as its origin likes

#: Asks one question of a source. Raises what a client raises.
Ask = Callable[[Task], AsyncGenerator[Step, None]]


@dataclass(frozen=True, slots=True)
class Pace:
    """``width``: questions in flight; ``per_host``: how many of them at one host; ``limit``: records to stop after,
    where what waits is left for whoever goes on.

    ``within``: how the items begin of which a run over everything notes as gone what it did not meet; all do, by "".
    ``absent``: for how long what is not there is left alone, also by later runs; None: it failed, and the next asks.
    """

    width: int = 16
    per_host: int = 1
    limit: int | None = None
    within: tuple[str, ...] = ("",)
    absent: timedelta | None = None


async def gather(
    frontier: Frontier,
    ask: Ask,
    report: HarvestReport,
    pace: Pace,
    *,
    progress: Progress,
    clock: Callable[[], str],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Run:
    """Ask until nothing waits, and end the run; gives it as it stands then.

    It stays open, to be gone on with, where a list leads in a circle, names nothing twice in a row, cannot be read
    after its first part, or ends before the number of items that the origin itself states, and where nobody answers
    any more: a finding ``harvest.list``. Another task that failed too often is a finding ``harvest.failed``, one that
    may not be asked ``harvest.refused``; with one that failed, the run does not count as whole, and with one that may
    not be asked nothing counts as gone. Raises StorageError where this disk refuses, and whatever a source raises that
    is no PhonolithError.
    """
    gathering = _Gathering(frontier, ask, report, pace, progress, clock, sleep)
    try:
        await gathering.until_nothing_waits()
    finally:
        await gathering.close()
    return gathering.end()


class _Gathering:
    """One run of the loop. ``flying`` are tasks being asked; what they bring is written by :class:`_Scribe`."""

    def __init__(
        self,
        frontier: Frontier,
        ask: Ask,
        report: HarvestReport,
        pace: Pace,
        progress: Progress,
        clock: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._sleep = sleep
        self._frontier = frontier
        self._ask = ask
        self._report = report
        self._pace = pace
        self._progress = progress
        self._clock = clock
        self._scribe = _Scribe(frontier, clock, self._written)
        self._ready: deque[Task] = deque()
        self._flying: dict[asyncio.Task[None], Task] = {}
        self._hosts: dict[str, int] = {}
        self._problem = ""
        self._limited = False
        self._silent = 0

    async def until_nothing_waits(self) -> None:
        while not self._problem and not self._limited:
            self._launch()
            if self._flying:
                done, _ = await asyncio.wait(self._flying, timeout=self._pause(), return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    self._land(one)
            elif (pause := self._pause()) is not None:
                await self._sleep(pause)
            elif not self._ready:
                return

    async def close(self) -> None:
        """Let go of what is in flight; what it brought in whole is written."""
        for one in self._flying:
            one.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)
        await self._scribe.close()

    def end(self) -> Run:
        """Close the run, or note why it has to stay open."""
        run, failures = self._now(), self._frontier.failures(10_000)
        self._report.waiting = self._frontier.counts().get(Fate.WAITING, 0) if self._limited else 0
        limited = self._report.waiting > 0
        unread = next((why for task, _, why in failures if task.page and run.listed), "")
        if unread and not self._problem and not limited:
            self._problem = f"a list of it could not be read: {unread}"
        self._tell([one for one in failures if not (unread and one[0].page)])
        short = run.total is not None and run.listed < run.total and not limited
        if not self._problem and short:
            self._problem = f"its lists ended after {run.listed:,} of the {run.total:,} items that it says there are"
        if self._problem:
            self._frontier.stop(self._problem)
            remedy = "What came is kept; ask again from there: phonolith harvest resume"
            self._report.found("harvest.list", run.source, self._problem, remedy, "error")
        else:
            whole = not limited and not any(fate is Fate.FAILED or task.page for task, fate, _ in failures)
            within = () if failures else self._pace.within  # behind what was closed to us may be what was not met
            self._report.gone += self._frontier.finish(self._clock(), whole=whole, within=within, keep=limited)
        return self._now()

    def _now(self) -> Run:
        run = self._frontier.run()
        assert run is not None  # it was begun before it was gathered
        return run

    def _launch(self) -> None:
        """Ask as many as may be asked now."""
        if not self._ready:
            busy = {task.key for task in self._flying.values()}
            self._ready.extend(self._frontier.waiting(self._clock(), _BUFFER, busy))
        for _ in range(len(self._ready)):
            if len(self._flying) >= self._pace.width:
                return
            task = self._ready.popleft()
            host = _host(task)
            if self._hosts.get(host, 0) >= self._pace.per_host:
                self._ready.append(task)
                continue
            self._hosts[host] = self._hosts.get(host, 0) + 1
            self._flying[asyncio.create_task(self._answered(task))] = task

    def _land(self, one: asyncio.Task[None]) -> None:
        self._hosts[_host(self._flying.pop(one))] -= 1
        one.result()

    def _pause(self) -> float | None:
        """Seconds until the next task may be asked, None where nothing else waits."""
        if self._ready or (after := self._frontier.next_time()) is None:
            return None
        return max(0.0, (moment.read(after) - moment.read(self._clock())).total_seconds()) if after else None

    async def _answered(self, task: Task) -> None:
        """Ask one task and write each step of its answer when the next one is there; the last one ends it."""
        last = Step(mark=task.mark)
        try:
            async with aclosing(self._steps(task)) as steps:
                async for last, ended in steps:
                    await self._scribe.write(Outcome(task, Fate.DONE if ended else Fate.WAITING, last))
                    task = replace(task, mark=last.mark)
        except PhonolithError as error:
            await self._scribe.write(self._failed(replace(task, tries=task.tries + 1), error))
            self._silent += isinstance(error, TimedOut)
            if self._silent >= _SILENCE:
                self._problem = self._problem or f"it answered none of {_SILENCE} questions: {error.problem}"
        else:
            self._silent = 0

    async def _steps(self, task: Task) -> AsyncGenerator[tuple[Step, bool], None]:
        """The steps of an answer, each with whether it is the last."""
        before: Step | None = None
        async with aclosing(self._ask(task)) as answer:
            async for step in answer:
                if before is not None:
                    yield before, False
                before = step
        yield before or Step(), True

    def _failed(self, task: Task, error: PhonolithError) -> Outcome:
        """What becomes of a task that raised; its mark stays, so that it goes on from there."""
        step, why = Step(mark=task.mark), f"{error.subject}: {error.problem}"
        match error:
            case RefusedByRights():
                return Outcome(task, Fate.REFUSED, step, why)
            case NotFound() if self._pace.absent is not None:
                until = moment.later(self._clock(), self._pace.absent)
                remedy = f"It is asked for again after {until[:10]}; at once with --again"
                self._report.found("harvest.absent", error.subject, error.problem, remedy)
                return Outcome(task, Fate.ABSENT, step, why, until)
            case NotFound() | BadInput():
                return Outcome(task, Fate.FAILED, step, why)
            case TimedOut() if task.tries < _TRIES:
                again = moment.later(self._clock(), _AGAIN * 2 ** (task.tries - 1))
                return Outcome(task, Fate.WAITING, step, why, again)
            case TimedOut():
                return Outcome(task, Fate.FAILED, step, why)
        raise error

    def _written(self, outcomes: list[Outcome], advanced: Advanced) -> None:
        """Count what became durable, and see whether the lists still lead somewhere."""
        said = sum(len(one.step.records) for one in outcomes)
        same = said - advanced.new - advanced.changed + sum(len(one.step.met) for one in outcomes)
        self._report.new += advanced.new
        self._report.changed += advanced.changed
        self._report.unchanged += same
        self._report.gone += advanced.gone
        self._progress.advance(advanced.new + advanced.changed + same)
        for finding in (finding for one in outcomes for finding in one.step.findings):
            self._report.add(finding)
        limit = self._pace.limit
        self._limited = self._limited or (limit is not None and self._report.total >= limit)
        if advanced.repeated:
            self._problem = f"its lists lead in a circle: {advanced.repeated[0]} came a second time"
        elif any(one.step.listed == 0 for one in outcomes) and self._now().empty_pages >= _EMPTY:
            self._problem = "two of its lists in a row name nothing"

    def _tell(self, failures: list[tuple[Task, Fate, str]]) -> None:
        """Make findings of what failed or was refused: errors where nobody may take the harvest for done."""
        for task, fate, why in failures:
            severity = "error" if task.page or not self._report.total else "warning"
            subject = task.key if len(task.key) <= _LONGEST else f"{task.key[:_LONGEST]}…"
            self._report.found(f"harvest.{fate}", subject, why, severity=severity)


class _Scribe:
    """Writes outcomes, in the order in which they came, as many at once as came while others were written."""

    def __init__(
        self, frontier: Frontier, clock: Callable[[], str], written: Callable[[list[Outcome], Advanced], None]
    ) -> None:
        self._frontier = frontier
        self._clock = clock
        self._written = written
        self._waiting: list[tuple[Outcome, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, outcome: Outcome) -> None:
        """Return when it is durable."""
        durable = asyncio.get_running_loop().create_future()
        self._waiting.append((outcome, durable))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await durable

    async def close(self) -> None:
        """Return when everything that was given is durable."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting, []
                outcomes = [outcome for outcome, _ in some]
                try:
                    self._written(outcomes, await asyncio.to_thread(self._frontier.advance, outcomes, self._clock()))
                except BaseException as error:
                    _settle([*some, *self._waiting], error)
                    self._waiting = []
                    return
                _settle(some, None)
        finally:
            self._writer = None


def _settle(some: list[tuple[Outcome, asyncio.Future[None]]], error: BaseException | None) -> None:
    for _, durable in some:
        if durable.done():  # whoever waited for it was let go
            continue
        if error is None:
            durable.set_result(None)
        else:
            durable.set_exception(error)


def _host(task: Task) -> str:
    return urlsplit(task.address).hostname or ""

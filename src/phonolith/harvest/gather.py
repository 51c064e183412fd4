"""Gathers from a source over the network: asks what the frontier holds, and stores what comes, until nothing waits.

A question counts as answered when the answer is durable: each step of an answer is written together with what it led
to, in transactions that take along whatever came meanwhile. While they are written others are asked; memory is bounded
by the questions in flight and by what may wait to be written.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from phonolith.errors import BadInput, NotFound, PhonolithError, RefusedByRights, TimedOut
from phonolith.harvest.report import HarvestReport
from phonolith.harvest.scribe import Scribe
from phonolith.model import moment
from phonolith.model.frontier import Advanced, Fate, Outcome, Run, Step, Task
from phonolith.model.progress import Progress
from phonolith.store.frontier import Frontier

_TRIES = 5  # how often a task may fail before it is given up
_AGAIN = timedelta(minutes=1)  # until it is tried again; twice as long each time
_SILENCE = 20  # tasks in a row that were not answered in time: the origin is away, and is left alone
_AWAY = "http.connection"  # who cannot be reached; where nobody else is asked and none ever answered, that is the end
_EMPTY = 2  # lists in a row that name nothing
_BUFFER = 1_000  # tasks read from the frontier at once
_GATHERING = 0.01  # seconds in which answers come together that may be written together
_LONGEST = 200  # characters of a key in a finding: a token in it is as long as its origin likes

#: Asks one question of a source. Raises what a client raises.
Ask = Callable[[Task], AsyncGenerator[Step, None]]


@dataclass(frozen=True, slots=True)
class Pace:
    """``width``: questions in flight; ``per_host``: how many of them at one host; ``limit``: records to stop after,
    where what waits is left for whoever goes on.

    ``within``: how the items begin of which a run over everything notes as gone what it did not meet; all do, by "".
    ``absent``: for how long what is not there is left alone, also by later runs; None: it failed, and the next asks.
    ``behind``: answers that may wait to become durable while others are asked; a kill has them asked for again.
    """

    width: int = 16
    per_host: int = 1
    limit: int | None = None
    within: tuple[str, ...] = ("",)
    absent: timedelta | None = None
    behind: int = 1


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
    """One run of the loop. ``flying`` are tasks that are asked, or whose answers are not durable yet.

    A task whose answer has come makes room for the next question at once, while :class:`Scribe` writes what it
    brought, so that many answers become durable together.
    """

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
        self._scribe = Scribe(frontier, clock, self._written, _GATHERING if pace.behind > 1 else 0.0)
        self._ready = _Ready(pace.per_host)
        self._flying: dict[asyncio.Task[None], Task] = {}
        self._asking = 0
        self._change = asyncio.Event()
        self._error: BaseException | None = None
        self._closing = False
        self._problem = ""
        self._limited = False
        self._silent = 0
        self._reached = False

    async def until_nothing_waits(self) -> None:
        while not self._is_over():
            self._launch()
            if self._flying:
                await self._until_something_changes(self._pause())
            elif (pause := self._pause()) is not None:
                await self._sleep(pause)
            elif not self._ready:
                return

    async def close(self) -> None:
        """Let go of what is in flight; what it brought in whole is written."""
        self._closing = True
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
        while self._has_room() and (task := self._ready.take()) is not None:
            self._asking += 1
            one = asyncio.create_task(self._answered(task))
            self._flying[one] = task
            one.add_done_callback(self._land)

    def _has_room(self) -> bool:
        """Whether one more may be asked now."""
        if self._is_over() or self._asking >= self._pace.width or self._scribe.is_behind(self._pace.behind):
            return False
        limit = self._pace.limit
        return limit is None or self._report.total + len(self._flying) < limit

    def _is_over(self) -> bool:
        return bool(self._problem or self._limited or self._closing or self._error)

    def _answer_came(self, task: Task) -> None:
        """Nothing more of this answer is to come: another may be asked."""
        self._asking -= 1
        self._ready.leave(task)
        self._go_on()

    def _land(self, one: asyncio.Task[None]) -> None:
        del self._flying[one]
        if not one.cancelled():
            self._error = self._error or one.exception()
        self._go_on()

    def _go_on(self) -> None:
        """Ask further from what was read; where that is not enough, the loop has to see."""
        if self._ready and not self._is_over():
            self._launch()
        else:
            self._change.set()

    async def _until_something_changes(self, seconds: float | None) -> None:
        """Wait until tasks have to be read, or until what failed may be asked again; raise what a task raised."""
        self._change.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._change.wait()
        if self._error is not None:
            raise self._error

    def _pause(self) -> float | None:
        """Seconds until the next task may be asked, None where nothing else waits."""
        if self._ready or (after := self._frontier.next_time()) is None:
            return None
        return max(0.0, (moment.read(after) - moment.read(self._clock())).total_seconds()) if after else None

    async def _answered(self, task: Task) -> None:
        """Ask one task and write each step of its answer when the next one is there; the last one ends it."""
        asked = task
        try:
            async with aclosing(self._ask(task)) as answer:
                last: Step | None = None
                async for step in answer:
                    if last is not None:
                        await self._scribe.write(Outcome(task, Fate.WAITING, last))
                        task = replace(task, mark=last.mark)
                    last = step
            outcome = Outcome(task, Fate.DONE, last or Step())
            self._silent, self._reached = 0, True
        except PhonolithError as error:
            outcome = self._failed(replace(task, tries=task.tries + 1), error)
            self._reached = self._reached or not isinstance(error, TimedOut)
            self._silent += isinstance(error, TimedOut)
            if self._silent >= _SILENCE:
                self._problem = self._problem or f"it answered none of {_SILENCE} questions: {error.problem}"
            elif error.code == _AWAY and not self._reached and not self._ready and len(self._flying) == 1:
                self._problem = self._problem or f"{error.subject}: {error.problem}"
        except BaseException:
            self._answer_came(asked)
            raise
        durable = self._scribe.write(outcome)  # it counts as behind before another is asked for
        self._answer_came(asked)
        await durable

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
        if any(one.step.listed for one in outcomes) and (total := self._now().total) is not None:
            self._progress.expect(total)
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


class _Ready:
    """Tasks that were read and may be asked, in order for each host, hosts in turn."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._tasks: dict[str, deque[Task]] = {}
        self._busy: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def extend(self, tasks: Iterable[Task]) -> None:
        """Add some."""
        for task in tasks:
            self._tasks.setdefault(_host(task), deque()).append(task)

    def take(self) -> Task | None:
        """The next one of a host that may be asked; :meth:`leave` has to follow. None where each host is busy."""
        for host, tasks in self._tasks.items():
            if self._busy.get(host, 0) < self._per_host:
                del self._tasks[host]
                task = tasks.popleft()
                if tasks:
                    self._tasks[host] = tasks  # behind the others
                self._busy[host] = self._busy.get(host, 0) + 1
                return task
        return None

    def leave(self, task: Task) -> None:
        """Its host has answered."""
        host = _host(task)
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]


def _host(task: Task) -> str:
    return _hostname(task.address.partition("//")[2].partition("/")[0])


@lru_cache(maxsize=4096)
def _hostname(place: str) -> str:
    return urlsplit(f"//{place}").hostname or ""

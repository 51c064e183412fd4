"""Whose turn it is: a bucket of one token for each host, a number of requests in flight, and waits asked for."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from phonolith.sources.client.live import Waiting

#: The longest wait that is obeyed at once, in seconds. Who asks for more is asked again after this.
LONGEST_WAIT = 3600.0

_BASE, _DOUBLINGS = 2.0, 7  # back-off: two seconds doubled up to seven times, 256 s
_HOSTS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, passed in: ``now`` in seconds that only grow, ``wall`` in seconds since 1970, and a way to sleep."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


def back_off(attempt: int, chance: float) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (from 1); ``chance`` in [0, 1) spreads the later half."""
    return _BASE * 2.0 ** min(attempt - 1, _DOUBLINGS) * (0.5 + chance / 2)


def retry_after(value: str, wall: float, date: str = "") -> float | None:
    """Seconds that ``Retry-After`` asks for (RFC 9110 section 10.2.3), None for what is neither number nor date.

    A date is counted from the answer's own ``Date`` where there is one, so that two clocks need not agree.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 12 else math.inf
    until = _moment(text)
    if until is None:
        return None
    asked_at = _moment(date)
    return max(0.0, until - (wall if asked_at is None else asked_at))


class Lane:
    """One host: when it may be asked next, how many requests are in flight to it, and who waits."""

    __slots__ = ("_queue", "busy", "due", "host", "interval", "paused", "sleeping", "why")

    def __init__(self, host: str) -> None:
        self.host = host
        self.due = 0.0
        self.interval = 0.0
        self.paused = 0.0
        self.why = ""
        self.busy = 0
        self.sleeping = 0
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, interval: float, parallel: int, clock: Clock) -> None:
        """Wait until a request may go out; :meth:`leave` has to follow, unless this raises."""
        if self.busy >= parallel or self._queue:
            await self._stand_in_line(parallel)
        else:
            self.busy += 1
        try:
            while (wait := max(self.due, self.paused) - clock.now()) > 0:
                self.sleeping += 1
                try:
                    await clock.sleep(wait)
                finally:
                    self.sleeping -= 1
            self.interval = interval
            self.due = clock.now() + interval
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """A request is over; the next in line may come."""
        self.busy -= 1
        while self._queue and self.busy < self._queue[0][0]:
            _, turn = self._queue.popleft()
            if not turn.done():
                self.busy += 1
                turn.set_result(None)

    def sent(self, now: float) -> None:
        """A request goes out only now: making the connection took its time, and the next is counted from here."""
        self.due = max(self.due, now + self.interval)

    def pause(self, until: float, why: str) -> None:
        """Ask this host nothing before ``until``."""
        if until > self.paused:
            self.paused, self.why = until, why

    def ready_at(self) -> float:
        """When the next request may go out at the earliest, as far as is known."""
        return max(self.due, self.paused)

    def waiting(self, now: float) -> Waiting | None:
        """What is waited for here, None if nothing is."""
        number = self.sleeping + len(self._queue)
        if not number:
            return None
        until = self.ready_at()
        if self.paused > now and self.paused >= self.due:
            return Waiting(self.host, self.why, until, number)
        if self.sleeping:
            return Waiting(self.host, f"one request in {self.interval:.3g} s", until, number)
        return Waiting(self.host, "its answer", None, number)

    async def _stand_in_line(self, parallel: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append((parallel, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # it was our turn in the very moment we were cancelled
            raise


class Lanes:
    """The lanes of all hosts. Those that nobody uses and that owe no wait are forgotten when there are many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[str, Lane] = {}

    def of(self, host: str) -> Lane:
        """The lane of a host."""
        lane = self._lanes.get(host)
        if lane is None:
            if len(self._lanes) >= _HOSTS_KEPT:
                self._forget()
            lane = self._lanes[host] = Lane(host)
        return lane

    def sent(self, host: str) -> None:
        """A request to ``host`` goes out now."""
        self.of(host).sent(self._clock.now())

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    def _forget(self) -> None:
        now = self._clock.now()
        self._lanes = {
            host: lane for host, lane in self._lanes.items() if lane.busy or lane.ready_at() > now or lane.waiting(now)
        }


def _moment(text: str) -> float | None:
    try:
        when = parsedate_to_datetime(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

"""What the client is doing, for a display: whom it waits for and why, how much came, how fast."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

_WINDOW = 10  # seconds over which a rate is told


@dataclass(frozen=True, slots=True)
class Waiting:
    """``requests`` wait for ``host``; ``until`` on the client's clock, None where it depends on the host."""

    host: str
    why: str
    until: float | None
    requests: int


@dataclass(frozen=True, slots=True)
class Live:
    """A moment of the client; ``now`` is on the clock of ``Waiting.until``. Rates are of the last ten seconds."""

    now: float
    waiting: tuple[Waiting, ...]
    in_flight: int
    requests: int
    answers: int
    retries: int
    bytes: int
    bytes_per_second: float
    answers_per_second: float


@runtime_checkable
class Shows(Protocol):
    """A client that can be looked at."""

    def live(self) -> Live:
        """What is going on now."""


class Counts:
    """Counters, and those of the last seconds in one slot a second."""

    __slots__ = ("_slots", "answers", "bytes", "requests", "retries")

    def __init__(self) -> None:
        self.requests = 0
        self.answers = 0
        self.retries = 0
        self.bytes = 0
        self._slots: deque[list[int]] = deque(maxlen=_WINDOW)  # [second, bytes, answers]

    def received(self, count: int, now: float) -> None:
        """``count`` bytes of a body came."""
        self.bytes += count
        self._slot(int(now))[1] += count

    def answered(self, now: float) -> None:
        """An answer is whole."""
        self.answers += 1
        self._slot(int(now))[2] += 1

    def rates(self, now: float) -> tuple[float, float]:
        """Bytes and answers a second."""
        recent = [slot for slot in self._slots if now - slot[0] <= _WINDOW]
        if not recent:
            return 0.0, 0.0
        seconds = max(now - recent[0][0], 1.0)
        return sum(slot[1] for slot in recent) / seconds, sum(slot[2] for slot in recent) / seconds

    def _slot(self, second: int) -> list[int]:
        if not self._slots or self._slots[-1][0] != second:
            self._slots.append([second, 0, 0])
        return self._slots[-1]

"""An event loop whose time passes only while nothing happens: an hour of waiting takes no time, and is exact."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from phonolith.sources.client.pace import Clock

EPOCH = 1_780_000_000.0  # what the wall clock shows when a virtual loop begins
_QUIET = 0.0003  # real seconds; what is under way on loopback has arrived when it was sent

_T = TypeVar("_T")


def virtually(work: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end in a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def virtual_clock() -> Clock:
    """The clock of the running loop, for code that has one passed in."""
    loop = asyncio.get_running_loop()
    return Clock(loop.time, lambda: EPOCH + loop.time(), asyncio.sleep)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer when no socket is ready and no thread works for the loop."""

    def __init__(self) -> None:
        self._virtual = 0.0
        self._threads = 0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self._virtual

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _: object) -> None:
        self._threads -= 1


class _Jumping(selectors.DefaultSelector):  # type: ignore[valid-type,misc]
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._of = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self._of._threads:
            return super().select(timeout if timeout is None else 0.05)
        ready = super().select(_QUIET)
        if not ready:
            self._of._virtual += timeout
        return ready

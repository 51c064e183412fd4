"""The event loop that a harvest runs on: uvloop where it is installed, else Python's own."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end, as :func:`asyncio.run` does: KeyboardInterrupt where a person stops it."""
    with asyncio.Runner(loop_factory=factory()) as runner:
        return runner.run(work)


def factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the loop; None is Python's own."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop

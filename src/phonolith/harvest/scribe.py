"""Makes answers of a harvest durable, in the order in which they came, as many in one transaction as came meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from phonolith.model.frontier import Advanced, Outcome
from phonolith.store.frontier import Frontier

_BYTES_BEHIND = 1 << 20  # of answers that may wait to become durable while others are asked


class Scribe:
    """Writes outcomes, in the order in which they came, as many at once as came while others were written.

    ``gathering``: so many seconds it waits for others to be written with, where others are asked meanwhile. A disk that
    is quick would else have a transaction for every two or three, each with its changes of thread.
    """

    def __init__(
        self,
        frontier: Frontier,
        clock: Callable[[], str],
        written: Callable[[list[Outcome], Advanced], None],
        gathering: float = 0.0,
    ) -> None:
        self._frontier = frontier
        self._clock = clock
        self._written = written
        self._gathering = gathering
        self._waiting: list[tuple[Outcome, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._behind = self._bytes_behind = 0

    def is_behind(self, most: int) -> bool:
        """Whether as many answers, or bytes of them, have yet to be written as may be."""
        return self._behind >= most or self._bytes_behind >= _BYTES_BEHIND

    def write(self, outcome: Outcome) -> Awaitable[None]:
        """Take an outcome over; it is durable when what this gives is done."""
        durable = asyncio.get_running_loop().create_future()
        size = sum(len(record.payload) for record in outcome.step.records)
        self._waiting.append((outcome, durable))
        self._behind, self._bytes_behind = self._behind + 1, self._bytes_behind + size
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return self._until(durable, size)

    async def _until(self, durable: asyncio.Future[None], size: int) -> None:
        try:
            await durable
        finally:
            self._behind, self._bytes_behind = self._behind - 1, self._bytes_behind - size

    async def close(self) -> None:
        """Return when everything that was given is durable."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if self._gathering:
                    await asyncio.sleep(self._gathering)
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

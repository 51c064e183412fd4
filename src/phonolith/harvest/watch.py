"""Tells a person what the client is doing while files come: how many bytes, and for whom it waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from phonolith.model.progress import Progress
from phonolith.sources.client.live import Live

_EVERY = 0.25  # seconds
_WORTH_A_WORD = 10.0  # seconds of a wait


class _Watched(Protocol):
    def live(self) -> Live:
        """What is going on now."""


@contextlib.asynccontextmanager
async def watched(client: _Watched, progress: Progress) -> AsyncIterator[None]:
    """While the block runs, move ``progress`` by the bytes that came, and say each long wait once, with its reason."""
    watch = _Watch(client, progress)
    looking = asyncio.create_task(watch.keep_looking())
    try:
        yield
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        watch.look()


class _Watch:
    def __init__(self, client: _Watched, progress: Progress) -> None:
        self._client, self._progress = client, progress
        self._told = 0
        self._said: dict[str, float] = {}

    async def keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(_EVERY)

    def look(self) -> None:
        live = self._client.live()
        if live.bytes > self._told:
            self._progress.advance(live.bytes - self._told)
            self._told = live.bytes
        for one in live.waiting:
            until = one.until or 0.0
            if until - live.now > _WORTH_A_WORD and until > self._said.get(one.host, 0.0) + 1:
                self._said[one.host] = until
                self._progress.say(f"Waiting {until - live.now:,.0f} s for {one.host}: {one.why}")

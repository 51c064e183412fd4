"""Gets bytes from another archive's server by the one client, for callers that wait for each answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from phonolith.errors import BadInput, UsageError
from phonolith.sources.client import address
from phonolith.sources.client.answers import Downloaded, Expected, Limits, Manners
from phonolith.sources.client.client import Client

#: Gives all bytes of an address, of which there are so many at most. Raises BadInput, NotFound, RefusedByRights
#: (it is not given to us), TimedOut (it may be later).
Read = Callable[[str, int], bytes]

#: An archive that is mirrored asks for it: no robots.txt of crawlers, no pause, and one thing after the other.
MANNERS = Manners(rate=1_000.0, robots=False)

#: Who is asked for an archive says which bytes to get, and not from whom: redirects stay on its host.
LIMITS = Limits(idle=60.0, total=86_400.0, floor=1024, grace=60.0, tries=3, redirects=4, leaves_host=False)

#: The same for who is asked again in an hour anyway.
ONCE = replace(LIMITS, tries=1)

_TOLD_EVERY = 0.2  # seconds between two steps of a bar
_T = TypeVar("_T")


class Web(Protocol):
    """What is asked of another archive's server."""

    def read(self, url: str, most: int) -> bytes:
        """All bytes of an address; see :data:`Read`."""

    def download(self, url: str, folder: Path, expect: Expected, advance: Callable[[int], None]) -> Downloaded:
        """The file of an address as a temporary file in ``folder``; ``advance`` is told of bytes as they come.

        Raises as :data:`Read`, Busy, StorageError.
        """


class Elsewhere:
    """The servers of other archives, a context manager; used by one thread, in which no event loop runs.

    ``addresses`` are those that a person named: they may lie in one's own network, and nothing else there is asked.
    ``contact`` is the setting, "" where there is no archive of one's own.

    Raises UsageError where an address is none of the web, SettingError where the contact is none.
    """

    def __init__(self, contact: str, *addresses: str, limits: Limits = LIMITS) -> None:
        for one in addresses:
            _check_address(one)
        self._client = Client(contact or None, trusted=addresses)
        self._limits = limits
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.run(self._client.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._runner:
            self._runner.run(self._client.__aexit__(kind, error, trace))

    def read(self, url: str, most: int) -> bytes:
        """All bytes of an address; see :data:`Read`."""
        limits = replace(self._limits, body=most)
        return self._run(self._client.get(url, manners=MANNERS, limits=limits)).body

    def download(self, url: str, folder: Path, expect: Expected, advance: Callable[[int], None]) -> Downloaded:
        """The file of an address; see :meth:`Web.download`."""
        return self._run(self._told(url, folder, expect, advance))

    async def _told(self, url: str, folder: Path, expect: Expected, advance: Callable[[int], None]) -> Downloaded:
        begun, told, most = self._client.live().bytes, 0, expect.size or 0

        async def tell() -> None:
            nonlocal told
            while True:
                await asyncio.sleep(_TOLD_EVERY)
                came = min(self._client.live().bytes - begun, most)
                advance(came - told)
                told = came

        telling = asyncio.create_task(tell())
        try:
            got = await self._client.download(
                url, folder, cap=expect.size or self._limits.body, expect=expect, manners=MANNERS, limits=self._limits
            )
        finally:
            telling.cancel()
        advance(got.size - told)
        return got

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        async def noticing() -> _T:
            await asyncio.sleep(0)  # connections that were closed while nobody looked are seen to be
            return await work

        return self._runner.run(noticing())


def _check_address(url: str) -> None:
    try:
        address.read(url)
    except BadInput as error:
        raise UsageError(url, error.problem, error.remedy) from None

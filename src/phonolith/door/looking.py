"""Looks at a page whether a code stands there: a polite request or two, within small limits, through the one client."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from phonolith.door.placed import in_file, placed
from phonolith.door.seen import Seen
from phonolith.errors import PhonolithError
from phonolith.rights.door_pages import Page, same_site
from phonolith.sources.client.answers import Answer, Limits, Manners
from phonolith.sources.client.client import Client

#: What looking at a page may cost: a megabyte and a quarter of a minute.
LIMITS = Limits(
    body=1 << 20,
    connect=5.0,
    head=8.0,
    idle=5.0,
    total=15.0,
    floor=1024,
    grace=5.0,
    tries=1,
    redirects=5,
    unframed=True,
)
_MANNERS = Manners(rate=2.0)
_FILE = "/.well-known/phonolith.txt"
_AT_ONCE = 4  # pages, so that slow ones do not keep all threads
_LONGEST_FILE = 16 << 10


@dataclass(frozen=True, slots=True)
class Looking:
    """Asks the web. ``connect`` opens the client, which keeps robots.txt and leads to no address inside the network."""

    connect: Callable[[], Client]
    _room: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(_AT_ONCE))

    def __call__(self, page: Page, code: str) -> Seen:
        """Whether the code stands on the page, or in the file that speaks for its host. Never raises."""
        if not self._room.acquire(timeout=LIMITS.total):
            return Seen("", page.url, "", "many pages are looked at just now: try again in a minute")
        try:
            return self._seen(page, code)
        finally:
            self._room.release()

    def _seen(self, page: Page, code: str) -> Seen:
        try:
            return asyncio.run(asyncio.wait_for(self._look(page, code), 2 * LIMITS.total))
        except PhonolithError as error:
            return Seen("", page.url, "", error.problem)
        except (TimeoutError, OSError) as error:
            return Seen("", page.url, "", f"it took too long ({type(error).__name__})")

    async def _look(self, page: Page, code: str) -> Seen:
        async with self.connect() as client:
            if page.root:
                seen = await self._file(client, page, code)
                if seen.found:
                    return seen
            answer = await client.get(page.url, manners=_MANNERS, limits=LIMITS, accept="text/html, text/plain;q=0.5")
        if not same_site(page.url, answer.url):
            return Seen("", page.url, "", f"it leads to {urlsplit(answer.url).hostname}, which is another site")
        return _seen(answer, placed(answer.body, answer.kind, code))

    async def _file(self, client: Client, page: Page, code: str) -> Seen:
        """What the file says that whoever has the host may put there (RFC 8615)."""
        parts = urlsplit(page.url)
        address = f"{parts.scheme}://{parts.netloc}{_FILE}"
        try:
            answer = await client.get(address, manners=_MANNERS, limits=LIMITS, accept="text/plain")
        except PhonolithError as error:
            return Seen("", address, "", error.problem)
        fitting = same_site(address, answer.url) and urlsplit(answer.url).path == _FILE and answer.kind == "text/plain"
        found = fitting and len(answer.body) <= _LONGEST_FILE and in_file(answer.body, code)
        return _seen(answer, "well-known" if found else "")


def _seen(answer: Answer, found: str) -> Seen:
    digest = hashlib.sha256(answer.body).hexdigest()
    return Seen(found, answer.url, digest, "" if found else "the code is not there")

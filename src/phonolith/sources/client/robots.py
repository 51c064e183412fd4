"""robots.txt (RFC 9309): fetched once an origin, kept with an expiry, and asked about every address."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from protego import Protego

#: Bytes that are read; what stands behind them is not (RFC 9309 section 2.5).
LARGEST = 500 << 10
#: Hops to a robots.txt that are followed (section 2.3.1.2).
REDIRECTS = 5
#: The longest time between two requests, in seconds, with which a harvest still makes sense.
LONGEST_DELAY = 3600.0

_KEPT = 86_400.0  # section 2.4: not longer than a day
_AGAIN = 600.0  # where it could not be read
_ORIGINS_KEPT = 4096
_AGENT_LINE = re.compile(r"(?i)\s*user[- ]?agent(?:\s*:\s*|\s+)([^#]*)")
_TOKEN = re.compile(r"[A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class Rules:
    """What one robots.txt says to us. ``interval`` is in seconds between requests; ``readable`` whether it was read."""

    token: str
    parsed: Protego | None
    interval: float
    readable: bool
    expires: float

    def allows(self, url: str) -> bool:
        """Whether ``url`` may be asked."""
        return self.parsed is None or self.parsed.can_fetch(url, self.token)


class Robots:
    """The rules of every origin. ``fetch(origin)`` gives the text, "" where there is none (4xx: everything is allowed),
    None where it cannot be read now (5xx, no connection: nothing is)."""

    def __init__(self, token: str, now: Callable[[], float]) -> None:
        self._token = token.lower()
        self._now = now
        self._kept: dict[str, Rules] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def rules(self, origin: str, fetch: Callable[[], Awaitable[str | None]]) -> Rules:
        """The rules of ``origin``, from memory while they are fresh; many that ask at once make one request."""
        known = self._kept.get(origin)
        if known is not None and known.expires > self._now():
            return known
        lock = self._locks.setdefault(origin, asyncio.Lock())
        async with lock:
            known = self._kept.get(origin)
            if known is not None and known.expires > self._now():
                return known
            fresh = self._read(await fetch(), known)
            self._keep(origin, fresh)
        if self._locks.get(origin) is lock:
            del self._locks[origin]
        return fresh

    def _read(self, text: str | None, known: Rules | None) -> Rules:
        if text is None:
            if known is not None and known.readable:  # section 2.4: a kept copy may be used while there is no other
                return replace(known, expires=self._now() + _AGAIN)
            return Rules(self._token, None, 0.0, False, self._now() + _AGAIN)
        parsed = Protego.parse(_for_us(text, self._token))
        return Rules(self._token, parsed, _interval(parsed, self._token), True, self._now() + _KEPT)

    def _keep(self, origin: str, rules: Rules) -> None:
        if len(self._kept) >= _ORIGINS_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[origin] = rules


def _for_us(text: str, token: str) -> str:
    """The text with the groups named exactly: ours, everybody's, others'.

    Protego would take a group for ``phono`` as ours and one for ``phonolith/1.0`` not; RFC 9309 section 2.2.1 compares
    product tokens, and only whole ones.
    """
    lines = []
    for line in text.removeprefix("\ufeff").splitlines():
        named = _AGENT_LINE.match(line)
        if named:
            lines.append(f"User-agent: {_group(named[1].strip(), token)}")
        else:
            lines.append(line)
    return "\n".join(lines)


def _group(name: str, token: str) -> str:
    if name.startswith("*"):
        return "*"
    found = _TOKEN.match(name)
    return token if found and found[0].lower() == token else "somebody-else"


def _interval(parsed: Protego, token: str) -> float:
    delay = parsed.crawl_delay(token) or 0.0
    rate = parsed.request_rate(token)
    slowest = max(delay, rate.seconds / rate.requests if rate else 0.0)
    return slowest if math.isfinite(slowest) else math.inf

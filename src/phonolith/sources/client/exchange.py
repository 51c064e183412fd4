"""From a request to an answer or a verdict: turns, redirects, robots.txt, waits that are asked for, and tries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from aiohttp import ClientResponse, ClientSession, ClientTimeout
from yarl import URL

from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.sources.client import address, bodies, faults, robots
from phonolith.sources.client.agent import TOKEN
from phonolith.sources.client.codes import verdict, worth_another_try
from phonolith.sources.client.hops import NOTHING, Led, Request, asked_for, lead_on
from phonolith.sources.client.live import Counts
from phonolith.sources.client.pace import LONGEST_WAIT, Clock, Lane, Lanes, back_off, retry_after

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_DRAINED = 16 << 10  # bytes of an error's page that are read to keep the connection
_NO_RULES = ("http.absent", "http.gone", "http.forbidden", "http.fault", "http.redirects", "http.loop")  # of robots.txt
_T = TypeVar("_T")

#: What is done with an answer that is one: it reads the body and makes something of it, or raises a verdict.
Take = Callable[[ClientResponse, bodies.Intake], Awaitable[_T]]


class Exchange:
    """What a client shares among all its requests. ``session`` is set while the client is open."""

    def __init__(
        self,
        clock: Clock,
        chance: Callable[[], float],
        report: Callable[[Finding], None],
        trusted: frozenset[tuple[str, int]],
    ) -> None:
        self.clock = clock
        self.lanes = Lanes(clock)
        self.counts = Counts()
        self.session: ClientSession | None = None
        self._chance, self._report, self._trusted = chance, report, trusted
        self._robots = robots.Robots(TOKEN, clock.now)

    async def run(self, first: Request, ask: Callable[[], Request], take: Take[_T]) -> _T:
        """Try until it goes well, until trying again is no use, or as often as the limits say."""
        attempt, request = 1, first
        while True:
            try:
                return await self._follow(request, take, attempt)
            except PhonolithError as error:
                if attempt >= request.limits.tries or not worth_another_try(error.code):
                    raise
            attempt += 1
            self.counts.retries += 1
            request = ask()

    async def _follow(self, request: Request, take: Take[_T], attempt: int) -> _T:
        """One request along its redirects, each looked at as if somebody had typed it."""
        seen = {request.url}
        for _ in range(request.limits.redirects + 1):
            led = await self._hop(request, take, attempt)
            if not isinstance(led, Led):
                return led
            request = lead_on(request, led.to)
            if request.url in seen:
                raise verdict("http.loop", address.shown(request.url))
            seen.add(request.url)
        raise verdict("http.redirects", address.shown(request.url), f"more than {request.limits.redirects} times")

    async def _hop(self, request: Request, take: Take[_T], attempt: int) -> _T | Led:
        url, manners = request.url, request.manners
        host = url.raw_host or ""
        if address.is_literal(host) and not address.is_global(host) and (host, url.port) not in self._trusted:
            raise verdict("http.inward", address.shown(url))
        interval = 1.0 / manners.rate
        if manners.robots:
            interval = max(interval, await self._permitted(request))
        lane = self.lanes.of(host)
        await lane.enter(interval, manners.parallel, self.clock)
        try:
            return await self._ask(request, take, lane, attempt)
        finally:
            lane.leave()

    async def _ask(self, request: Request, take: Take[_T], lane: Lane, attempt: int) -> _T | Led:
        assert self.session is not None, "the client is used inside its context"
        limits = request.limits
        response: ClientResponse | None = None
        intake: bodies.Intake | None = None
        self.counts.requests += 1
        try:
            async with asyncio.timeout(limits.head) as deadline:
                response = await self.session.request(
                    "GET" if request.body is None else "POST",
                    request.url,
                    headers={**request.own, **request.private},
                    data=request.body,
                    allow_redirects=False,
                    timeout=_timeouts(limits.connect),
                )
                intake = bodies.Intake(response, limits, self.counts, self.clock.now, deadline)
                return await self._judge(request, response, intake, take, lane, attempt)
        except faults.KNOWN as error:
            found = faults.of_exception(error, request.url, stalled=intake is not None and intake.stalled)
            if worth_another_try(found.code) and found.code not in ("http.busy", "http.failing"):
                lane.pause(self.clock.now() + back_off(attempt, self._chance()), "it failed, and is left alone a while")
            raise found from (None if found is error else error)
        finally:
            if response is not None and not response.closed:
                response.close()

    async def _judge(
        self,
        request: Request,
        response: ClientResponse,
        intake: bodies.Intake,
        take: Take[_T],
        lane: Lane,
        attempt: int,
    ) -> _T | Led:
        status = response.status
        if status in (200, 203, 204) or asked_for(status, request.own):
            return await take(response, intake)
        if faults.passes(status):
            self._wait_as_told(request.url, response, lane, attempt)
        await _drain(response)
        location = response.headers.get("Location", "")
        if status in _REDIRECTS and location:
            return Led(location)
        raise faults.of_status(status, request.url, response.reason or "")

    def _wait_as_told(self, url: URL, response: ClientResponse, lane: Lane, attempt: int) -> None:
        """Let the whole host wait, as long as it asks for, or as long as failing so often suggests."""
        asked, status = response.headers.get("Retry-After"), response.status
        wait = back_off(attempt, self._chance())
        why = f"it answered {status}"
        told = None if asked is None else retry_after(asked, self.clock.wall(), response.headers.get("Date", ""))
        if asked is not None and (told is None or told > LONGEST_WAIT):
            words = "cannot be read" if told is None else f"is capped to {LONGEST_WAIT:,.0f} s"
            self._report(Finding("http.retry-after", address.shown(url), f"Retry-After {asked[:60]!r} {words}"))
        if told is not None:
            wait = max(wait, min(told, LONGEST_WAIT))
            why = f"it answered {status} and asked for {told:.0f} s"
        lane.pause(self.clock.now() + wait, why)

    async def _permitted(self, request: Request) -> float:
        """Seconds between requests that robots.txt asks for. Raises its verdict if ``url`` is closed to us."""
        url = request.url
        origin = address.origin(url)
        rules = await self._robots.rules(origin, lambda: self._robots_text(origin, request))
        if not rules.readable:
            raise verdict("robots.unreachable", address.shown(url))
        if not rules.allows(str(url)):
            raise verdict("robots.disallowed", address.shown(url))
        if rules.interval > robots.LONGEST_DELAY:
            raise verdict("robots.delay", address.shown(url), f"{rules.interval:,.0f} s between two requests")
        return rules.interval

    async def _robots_text(self, origin: str, request: Request) -> str | None:
        """robots.txt of an origin: "" if there is none, None if it cannot be read now."""
        limits = replace(request.limits, body=robots.LARGEST, redirects=robots.REDIRECTS, unframed=True)
        manners = replace(request.manners, robots=False)
        asked = Request(URL(f"{origin}/robots.txt"), manners, limits, {}, NOTHING, for_robots=True)
        try:
            return await self.run(asked, lambda: asked, self._first_bytes)
        except PhonolithError as error:
            if error.code in _NO_RULES:
                return ""
            return None

    async def _first_bytes(self, response: ClientResponse, intake: bodies.Intake) -> str:
        """As much of robots.txt as is read; a longer one is read so far."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return (await intake.read(response))[0].decode("utf-8", "replace")
        return (await intake.beginning(response, robots.LARGEST)).decode("utf-8", "replace")


async def _drain(response: ClientResponse) -> None:
    """Read the short page of an error, so that the connection can be used again."""
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= _DRAINED:
        await response.read()


@lru_cache(maxsize=64)
def _timeouts(connect: float) -> ClientTimeout:
    return ClientTimeout(total=None, sock_connect=connect)  # the rest is measured here, on the body itself

"""The client: asks and downloads with manners, within limits, and ends every request in an answer or a verdict."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import (
    ClientConnectorError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
)
from yarl import URL

from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.sources.client import address, bodies, faults, robots
from phonolith.sources.client.agent import TOKEN, user_agent
from phonolith.sources.client.answers import FILES, Answer, Downloaded, Expected, Limits, Manners, Validator
from phonolith.sources.client.codes import verdict, worth_another_try
from phonolith.sources.client.connect import Lookup, Lost, connector, system_lookup
from phonolith.sources.client.downloads import Download
from phonolith.sources.client.hops import NOTHING, Led, Request, asked_for, conditions, lead_on
from phonolith.sources.client.live import Counts, Live
from phonolith.sources.client.pace import LONGEST_WAIT, Clock, Lane, Lanes, back_off, retry_after

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PROGRESS = 16 << 20  # bytes that have to come before a download has all its tries again
_DRAINED = 16 << 10  # bytes of an error's page that are read to keep the connection
_DEFAULT = Manners()
_DEFAULT_LIMITS = Limits()
_T = TypeVar("_T")
_Take = Callable[[ClientResponse, bodies.Intake], Awaitable[_T]]


class Client:
    """An async context manager; one for a whole run, given to everything that asks.

    ``contact`` is the setting of that name. ``report`` is told findings (a wait that was too long to obey at once, a
    server that lies about ranges). ``trusted`` are origins (``http://127.0.0.1:8080``) that somebody named on purpose
    and that may lie inside the network; nothing leads there but their own addresses. ``clock``, ``chance`` (numbers in
    [0, 1)), ``lookup`` and ``tls`` are passed in; by default they are those of this machine. Proxies, cookies and
    ``.netrc`` are not used.

    Raises SettingError without a contact.
    """

    def __init__(
        self,
        contact: str,
        *,
        clock: Clock | None = None,
        chance: Callable[[], float] | None = None,
        report: Callable[[Finding], None] | None = None,
        trusted: Collection[str] = (),
        lookup: Lookup = system_lookup,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._agent = user_agent(contact)
        self._clock = clock or Clock()
        self._chance = chance or random.Random().random  # noqa: S311 - spreads waits, guards nothing
        self._report = report or (lambda finding: None)
        self._trusted = frozenset(address.trusted_origin(one) for one in trusted)
        self._lookup, self._tls = lookup, tls
        self._lanes = Lanes(self._clock)
        self._robots = robots.Robots(TOKEN, self._clock.now)
        self._counts = Counts()
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = ClientSession(
            connector=connector(self._lookup, self._trusted, self._lanes.sent, self._tls),
            headers={"User-Agent": self._agent, "Accept-Encoding": bodies.ACCEPTED},
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            middlewares=(_once,),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(
        self,
        url: str,
        *,
        manners: Manners = _DEFAULT,
        limits: Limits = _DEFAULT_LIMITS,
        validator: Validator | None = None,
        accept: str = "*/*",
        headers: Mapping[str, str] = NOTHING,
        body: bytes | None = None,
    ) -> Answer:
        """The whole answer at ``url``, after redirects, unpacked.

        With ``validator`` the answer may be 304 (:attr:`Answer.unchanged`). ``headers`` (a token, say) go to the origin
        of ``url`` and to no other. With ``body`` it is sent by POST, and redirects are refused.

        Raises a verdict of ``codes``: TimedOut (later, perhaps), NotFound, RefusedByRights (robots.txt, 401, 403, 451:
        the origin does not want it), BadInput (what it answers cannot be trusted).
        """
        own = {"Accept": accept} if accept != "*/*" else {}
        if validator:
            own |= conditions(validator)
        request = Request(address.read(url), manners, limits, own, headers, body)
        return await self._retrying(request, lambda: request, self._answer)

    async def download(
        self,
        url: str,
        folder: Path,
        *,
        cap: int,
        expect: Expected = Expected(),  # noqa: B008 - frozen
        manners: Manners = _DEFAULT,
        limits: Limits = FILES,
        headers: Mapping[str, str] = NOTHING,
    ) -> Downloaded:
        """The file at ``url`` as a temporary file in ``folder``, of at most ``cap`` bytes, digested as it came.

        What an earlier try left there, in this run or one that was killed, is continued if the origin shows the same
        strong validator and the same bytes where the two parts overlap. The caller moves the file (``store.files``) or
        removes it. Raises as :meth:`get`, Busy where the same address is being fetched into this folder, StorageError.
        """
        start = address.read(url)
        limits = replace(limits, body=cap)
        with Download(folder, start, limits, expect, self._report) as part:

            def ask() -> Request:
                return Request(start, manners, limits, part.headers(), headers)

            await part.prepare()
            while not await self._with_progress(ask, part):
                pass
            self._counts.answered(self._clock.now())
            return part.finish()

    def live(self) -> Live:
        """What is going on now."""
        now = self._clock.now()
        lanes = list(self._lanes)
        waiting = tuple(found for lane in lanes if (found := lane.waiting(now)) is not None)
        flying = sum(lane.busy - lane.sleeping for lane in lanes)
        counts = self._counts
        speed, answers = counts.rates(now)
        return Live(now, waiting, flying, counts.requests, counts.answers, counts.retries, counts.bytes, speed, answers)

    def ready_at(self, url: str) -> float:
        """When the host of ``url`` may be asked again at the earliest, on the client's clock."""
        return self._lanes.of(address.read(url).raw_host or "").ready_at()

    async def _with_progress(self, ask: Callable[[], Request], part: Download) -> bool:
        """Try, and try again as often after every few megabytes: a line that drops often still brings a large file."""
        while True:
            had = part.size
            try:
                return await self._retrying(ask(), ask, part.take)
            except PhonolithError as error:
                if not worth_another_try(error.code) or part.size - had < _PROGRESS:
                    raise

    async def _answer(self, response: ClientResponse, intake: bodies.Intake) -> Answer:
        body, sent = (b"", 0) if response.status == 304 else await intake.read(response)
        self._counts.answered(self._clock.now())
        kind, _, parameters = response.headers.get("Content-Type", "").partition(";")
        return Answer(
            response.status,
            str(response.url),
            kind.strip().lower(),
            _charset(parameters) if parameters else "",
            body,
            sent,
            Validator(response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")),
            response.headers,
        )

    async def _retrying(self, first: Request, ask: Callable[[], Request], take: _Take[_T]) -> _T:
        """Try until it goes well, until trying again is no use, or as often as the limits say."""
        attempt, request = 1, first
        while True:
            try:
                return await self._follow(request, take, attempt)
            except PhonolithError as error:
                if attempt >= request.limits.tries or not worth_another_try(error.code):
                    raise
            attempt += 1
            self._counts.retries += 1
            request = ask()

    async def _follow(self, request: Request, take: _Take[_T], attempt: int) -> _T:
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

    async def _hop(self, request: Request, take: _Take[_T], attempt: int) -> _T | Led:
        url, manners = request.url, request.manners
        host = url.raw_host or ""
        if address.is_literal(host) and not address.is_global(host) and (host, url.port) not in self._trusted:
            raise verdict("http.inward", address.shown(url))
        interval = 1.0 / manners.rate
        if manners.robots:
            interval = max(interval, await self._permitted(request))
        lane = self._lanes.of(host)
        await lane.enter(interval, manners.parallel, self._clock)
        try:
            return await self._ask(request, take, lane, attempt)
        finally:
            lane.leave()

    async def _ask(self, request: Request, take: _Take[_T], lane: Lane, attempt: int) -> _T | Led:
        assert self._session is not None, "the client is used inside its context"
        limits = request.limits
        response: ClientResponse | None = None
        intake: bodies.Intake | None = None
        self._counts.requests += 1
        try:
            async with asyncio.timeout(limits.head) as deadline:
                response = await self._session.request(
                    "GET" if request.body is None else "POST",
                    request.url,
                    headers={**request.own, **request.private},
                    data=request.body,
                    allow_redirects=False,
                    timeout=_timeouts(limits.connect),
                )
                intake = bodies.Intake(response, limits, self._counts, self._clock.now, deadline)
                return await self._judge(request, response, intake, take, lane, attempt)
        except Exception as error:
            found = faults.of_exception(error, request.url, stalled=intake is not None and intake.stalled)
            if worth_another_try(found.code) and found.code not in ("http.busy", "http.failing"):
                lane.pause(
                    self._clock.now() + back_off(attempt, self._chance()), "it failed, and is left alone a while"
                )
            raise found from (None if found is error else error)
        finally:
            if response is not None and not response.closed:
                response.close()

    async def _judge(
        self,
        request: Request,
        response: ClientResponse,
        intake: bodies.Intake,
        take: _Take[_T],
        lane: Lane,
        attempt: int,
    ) -> _T | Led:
        status = response.status
        if status in (200, 203, 204) or asked_for(status, request.own):
            return await take(response, intake)
        if status in faults.PASSING:
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
        told = None if asked is None else retry_after(asked, self._clock.wall(), response.headers.get("Date", ""))
        if asked is not None and (told is None or told > LONGEST_WAIT):
            words = "cannot be read" if told is None else f"is capped to {LONGEST_WAIT:,.0f} s"
            self._report(Finding("http.retry-after", address.shown(url), f"Retry-After {asked[:60]!r} {words}"))
        if told is not None:
            wait = max(wait, min(told, LONGEST_WAIT))
            why = f"it answered {status} and asked for {told:.0f} s"
        lane.pause(self._clock.now() + wait, why)

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
            return await self._retrying(asked, lambda: asked, self._first_bytes)
        except PhonolithError as error:
            if error.code in (
                "http.absent",
                "http.gone",
                "http.forbidden",
                "http.status",
                "http.redirects",
                "http.loop",
            ):
                return ""
            return None

    async def _first_bytes(self, response: ClientResponse, intake: bodies.Intake) -> str:
        """As much of robots.txt as is read; a longer one is read so far."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return (await intake.read(response))[0].decode("utf-8", "replace")
        return (await intake.beginning(response, robots.LARGEST)).decode("utf-8", "replace")


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Send it once: aiohttp would send it again at once where a connection is lost, past every pace."""
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as error:
        if isinstance(error, ClientConnectorError):
            raise
        raise Lost(str(error)) from error


async def _drain(response: ClientResponse) -> None:
    """Read the short page of an error, so that the connection can be used again."""
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= _DRAINED:
        await response.read()


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


@lru_cache(maxsize=64)
def _timeouts(connect: float) -> ClientTimeout:
    return ClientTimeout(total=None, sock_connect=connect)  # the rest is measured here, on the body itself

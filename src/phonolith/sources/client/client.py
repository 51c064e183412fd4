"""The client: asks and downloads with manners, within limits, and ends every request in an answer or a verdict."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import (
    ClientConnectorError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    DummyCookieJar,
    ServerDisconnectedError,
)

from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.sources.client import address, bodies
from phonolith.sources.client.agent import user_agent
from phonolith.sources.client.answers import FILES, Answer, Downloaded, Expected, Limits, Manners, Validator
from phonolith.sources.client.codes import worth_another_try
from phonolith.sources.client.connect import Lookup, Lost, connector, system_lookup
from phonolith.sources.client.downloads import Download
from phonolith.sources.client.exchange import Exchange
from phonolith.sources.client.hops import NOTHING, Request, conditions
from phonolith.sources.client.live import Live
from phonolith.sources.client.pace import Clock

_PROGRESS = 16 << 20  # bytes that have to come before a download has all its tries again
_DEFAULT = Manners()
_DEFAULT_LIMITS = Limits()


class Client:
    """An async context manager; one for a whole run, given to everything that asks.

    ``contact`` is the setting of that name; None for who asks other archives only, and has none. ``report`` is told
    findings (a wait that was too long to obey at once, a server that lies about ranges). ``trusted`` are origins
    (``http://127.0.0.1:8080``) that somebody named on purpose and that may lie inside the network; nothing leads there
    but their own addresses. ``clock``, ``chance`` (numbers in [0, 1)), ``lookup`` and ``tls`` are passed in; by default
    they are those of this machine. Proxies, cookies and ``.netrc`` are not used.

    Raises SettingError without a contact.
    """

    def __init__(
        self,
        contact: str | None,
        *,
        clock: Clock | None = None,
        chance: Callable[[], float] | None = None,
        report: Callable[[Finding], None] | None = None,
        trusted: Collection[str] = (),
        lookup: Lookup = system_lookup,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._agent = user_agent(contact)
        self._report = report or (lambda finding: None)
        self._trusted = frozenset(address.trusted_origin(one) for one in trusted)
        self._lookup, self._tls = lookup, tls
        chance = chance or random.Random().random  # noqa: S311 - spreads waits, guards nothing
        self._exchange = Exchange(clock or Clock(), chance, self._report, self._trusted)

    async def __aenter__(self) -> Self:
        self._exchange.session = ClientSession(
            connector=connector(self._lookup, self._trusted, self._exchange.lanes.sent, self._tls),
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
        if self._exchange.session is not None:
            await self._exchange.session.close()
            self._exchange.session = None

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
        return await self._exchange.run(request, lambda: request, self._answer)

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
            self._exchange.counts.answered(self._exchange.clock.now())
            return part.finish()

    def live(self) -> Live:
        """What is going on now."""
        now = self._exchange.clock.now()
        lanes = list(self._exchange.lanes)
        waiting = tuple(found for lane in lanes if (found := lane.waiting(now)) is not None)
        flying = sum(lane.busy - lane.sleeping for lane in lanes)
        counts = self._exchange.counts
        speed, answers = counts.rates(now)
        return Live(now, waiting, flying, counts.requests, counts.answers, counts.retries, counts.bytes, speed, answers)

    def ready_at(self, url: str) -> float:
        """When the host of ``url`` may be asked again at the earliest, on the client's clock."""
        return self._exchange.lanes.of(address.read(url).raw_host or "").ready_at()

    async def _with_progress(self, ask: Callable[[], Request], part: Download) -> bool:
        """Try, and try again as often after every few megabytes: a line that drops often still brings a large file."""
        while True:
            had = part.size
            try:
                return await self._exchange.run(ask(), ask, part.take)
            except PhonolithError as error:
                if not worth_another_try(error.code) or part.size - had < _PROGRESS:
                    raise

    async def _answer(self, response: ClientResponse, intake: bodies.Intake) -> Answer:
        body, sent = (b"", 0) if response.status == 304 else await intake.read(response)
        self._exchange.counts.answered(self._exchange.clock.now())
        kind, _, parameters = response.headers.get("Content-Type", "").partition(";")
        return Answer(
            response.status,
            str(response.url),
            kind.strip().lower(),
            _charset(parameters) if parameters else "",
            body,
            sent,
            Validator.told(response.headers),
            response.headers,
        )


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Send it once: aiohttp would send it again at once where a connection is lost, past every pace."""
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as error:
        if isinstance(error, ClientConnectorError):
            raise
        raise Lost(str(error)) from error


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""

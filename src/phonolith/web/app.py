"""The web application of an archive: routes, headers on every answer, and one place where errors become answers."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phonolith.config import Settings
from phonolith.door.seen import Outside
from phonolith.errors import PhonolithError
from phonolith.library.overlay import Statements
from phonolith.store.archive import Archive
from phonolith.store.locks import utc_now
from phonolith.store.withdrawals import HEADS, LINES
from phonolith.web import (
    about,
    api,
    at_risk,
    bundles,
    changes,
    coverage,
    door,
    door_things,
    fixed,
    lists,
    log,
    media,
    notices,
    pages,
    releases,
    search,
    things,
    withdrawn,
)
from phonolith.web.desk import Desk, inline, kept, threaded
from phonolith.web.errors import NothingBuilt, problem_of
from phonolith.web.posted import posted
from phonolith.web.security import Secured

_GRACE = 3.0  # seconds for what runs beside to end
_LOG = logging.getLogger("phonolith.web")


Beside = Callable[[threading.Event], None]


def create_app(
    archive: Archive,
    settings: Settings,
    *,
    look_every: float = 2.0,
    beside: Beside | None = None,
    now: Callable[[], str] = utc_now,
    statements: Statements | None = None,
    outside: Outside | None = None,
) -> Starlette:
    """The library of an archive as an ASGI application.

    There may be no catalogue yet: then every page says so, and the first build makes them appear without a restart.
    A decision is seen ``look_every`` seconds after it was made, at the latest: 5 are promised, of which the default
    leaves some for a busy machine. ``beside`` runs in a thread while the library is open, until its event is set.
    ``now`` is the time that notices go by. ``statements`` are what sources said since the build, so that a stricter
    licence is obeyed at once; without them it waits for the build. ``outside`` is what the artist's door needs; without
    it there is no door.
    """
    desk = Desk(archive, settings, look_every=look_every, now=now, statements=statements, outside=outside)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with contextlib.suppress(PhonolithError):  # there may be nothing yet; whoever asks will be told
            desk.library  # noqa: B018 - opened now, the first visitor need not wait, and no later loss of the file shows
        stop = threading.Event()
        running = threading.Thread(target=beside, args=(stop,), daemon=True) if beside else None
        if running:
            running.start()
        yield
        stop.set()
        if running:
            running.join(_GRACE)
        desk.close()

    async def refused(request: Request, error: Exception) -> Response:
        return answer(desk, request, error)

    handlers: dict[Any, Any] = {HTTPException: refused}
    middleware = [Middleware(Secured), Middleware(Guarded, desk=desk)]
    return Starlette(routes=routes(desk), middleware=middleware, exception_handlers=handlers, lifespan=lifespan)


def routes(desk: Desk) -> list[BaseRoute]:
    """Every address there is; what is asked most stands first."""
    same_for_all = {
        "/search": search.search,
        "/track/{id}": pages.track,
        "/release/{id}": pages.release,
        "/": pages.front,
        "/label/{id}": things.label,
        "/thing/{id}": things.thing,
        "/genre/{key:path}": lists.genre,
        "/year/{year}": lists.year,
        "/genres": lists.genres,
        "/years": lists.years,
        "/labels": lists.labels,
    }
    feeds = {
        "/artist/{id}.rss": changes.of_artist,
        "/label/{id}.rss": changes.of_label,
        "/search.rss": changes.of_search,
    }
    plain = {
        "/offline": fixed.offline,
        "/sw.js": fixed.worker,
        "/manifest.webmanifest": fixed.manifest,
        "/robots.txt": fixed.robots,
        "/favicon.ico": fixed.favicon,
        "/static/{version}/{name}": fixed.static,
    }
    slow = {
        "/artist/{id}": pages.artist,
        "/shuffle": lists.shuffle,
        "/about": about.about,
        "/claims.toml": about.claims,
        "/coverage": coverage.page,
        "/changes": changes.page,
        "/releases": releases.index,
        "/releases.json": releases.as_json,
        "/releases.rss": releases.rss,
        "/at-risk": at_risk.page,
        "/at-risk.json": at_risk.as_json,
        "/at-risk.rss": at_risk.rss,
        "/releases/with/{id}": releases.having,
        "/releases/{name}": releases.one,
        "/notices": notices.index,
        "/notices.rss": notices.rss,
        "/notices/new": notices.new,
        "/notices/confirm/{token}": notices.confirm,
        "/notices/receipt/{token}": notices.receipt,
        "/notices/complete/{token}": notices.complete,
        "/notices/{notice}": notices.one,
        "/notices/{notice}/counter": notices.counter,
        "/door": door.index,
        "/door/mine/{token}": door.mine,
        "/door/mine/{token}/things": door_things.things,
        "/door/mine/{token}/of/{id}": door_things.thing,
        "/door/{id}": door.pages,
        "/log/heads": log.heads,
        "/log/state": log.state,
        "/log/countersignatures": log.countersignatures,
        "/log/countersignatures/{log}": log.given,
        "/log/seen/{log}": log.seen,
        f"/{LINES}": withdrawn.lines,
        f"/{HEADS}": withdrawn.heads,
        "/withdrawn/{log}.heads.jsonl": withdrawn.others_heads,
        "/withdrawn/{log}.jsonl": withdrawn.others_lines,
    }
    sent = {
        "/notices/new": notices.send,
        "/notices/confirm/{token}": notices.confirmed,
        "/notices/complete/{token}": notices.completed,
        "/notices/{notice}/counter": notices.countered,
        "/door/{id}": door.ask,
        "/door/mine/{token}/look": door.look,
        "/door/mine/{token}/link": door.other_link,
        "/door/mine/{token}/say": door_things.say,
    }
    return [
        Route("/media/{id}/{sha256}", media.Bytes(desk), methods=["GET"]),
        Route("/media/{id}/{sha256}/waveform", media.Bytes(desk, waveform=True), methods=["GET"]),
        Route("/bundle/{path:path}", bundles.Seed(desk), methods=["GET"]),
        Route("/releases/{stem}.torrent", releases.Torrents(desk), methods=["GET"]),
        Route("/art/{id}/{size:int}", media.Covers(desk).answer),
        *(Route(path, threaded(desk, page)) for path, page in feeds.items()),
        *(Route(path, kept(desk, page)) for path, page in same_for_all.items()),
        *(Route(path, inline(desk, page)) for path, page in plain.items()),
        *(Route(path, threaded(desk, page)) for path, page in slow.items()),
        *(Route(path, posted(desk, page), methods=["POST"]) for path, page in sent.items()),
        *(Route(api.ROOT + one.path, (threaded if one.slow else kept)(desk, one.page)) for one in api.OPERATIONS),
        Route("/api/openapi.json", inline(desk, api.openapi)),
    ]


def answer(desk: Desk, request: Request, error: Exception) -> Response:
    """The answer to an error."""
    problem = problem_of(error, path=request.url.path)
    if isinstance(error, NothingBuilt) and not request.url.path.startswith("/api/"):
        page = desk.renderer.page(request, "empty.html", problem.status)
        page.headers["retry-after"] = "60"
        return page
    response = desk.renderer.problem(request, problem)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


class Guarded:
    """Turns whatever is raised inside into an answer; once an answer has begun, it can only be broken off."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if begun:
                _LOG.error("answer to %.200r broken off: %s: %s", scope["path"], type(error).__name__, error)
                raise
            await answer(self._desk, Request(scope), error)(scope, receive, send)

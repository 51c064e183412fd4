"""An archive.org on loopback: lists and items as the real one answers them, with whatever is made to go wrong."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

#: What a test makes it answer instead: a status and a body; None: what it would have said.
Instead = Callable[[web.Request], tuple[int, Any] | None]


@dataclass
class ArchiveOrg:
    """``items``: metadata answers by identifier, None where there is nothing; ``updated`` when each changed last.

    ``listed``: identifiers that are listed although nothing is there. ``total``: how many it says there are, if it
    lies. ``validates``: it sends entity tags. ``asked`` are the paths and queries that came, in order.
    """

    items: dict[str, dict[str, Any]]
    updated: dict[str, str] = field(default_factory=dict)
    listed: tuple[str, ...] = ()
    size: int = 2
    total: int | None = None
    validates: bool = True
    instead: Instead = lambda _: None
    asked: list[str] = field(default_factory=list)
    queries: list[Mapping[str, str]] = field(default_factory=list)
    base: str = ""

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def metadata(self) -> list[str]:
        """The items that were asked for, in order."""
        return [path.removeprefix("/metadata/") for path in self.asked if path.startswith("/metadata/")]

    def _serve(self, ready: threading.Event) -> None:
        async def run() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            app = web.Application()
            app.router.add_get("/{path:.*}", self._answer)
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            self.base = f"http://{host}:{port}"
            ready.set()
            await self._stop.wait()
            await runner.cleanup()

        asyncio.run(run())

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            return web.Response(text="User-agent: *\nDisallow: /control/\n")
        self.asked.append(request.path)
        given = self.instead(request)
        if given is not None:
            status, body = given
            return web.Response(status=status, text=body if isinstance(body, str) else json.dumps(body))
        if request.path == "/services/search/v1/scrape":
            return web.json_response(self.part_of_list(dict(request.query)))
        return self._item(request, request.path.removeprefix("/metadata/"))

    def part_of_list(self, query: dict[str, str]) -> dict[str, Any]:
        """The part of the list that is asked for."""
        self.queries.append(query)
        since = (
            query["q"].rpartition("oai_updatedate:[")[2].partition(" ")[0] if "oai_updatedate:[" in query["q"] else ""
        )
        known = sorted({*self.items, *self.listed})
        names = [one for one in known if self._when(one) >= since and not self._is_collection(one)]
        start = int(query.get("cursor", "c0").removeprefix("c") or 0)
        part = names[start : start + self.size]
        said = [{"identifier": one, "oai_updatedate": ["2001-01-01T00:00:00Z", self._when(one)]} for one in part]
        after = {"cursor": f"c{start + self.size}"} if start + self.size < len(names) else {}
        return {"items": said, "count": len(part), "total": len(names) if self.total is None else self.total, **after}

    def _when(self, identifier: str) -> str:
        return self.updated.get(identifier, "2025-01-01T00:00:00Z")

    def _is_collection(self, identifier: str) -> bool:
        metadata = self.items.get(identifier, {}).get("metadata", {})
        return bool(metadata.get("mediatype") == "collection")

    def _item(self, request: web.Request, identifier: str) -> web.Response:
        item = self.items.get(identifier)
        if item is None:
            return web.json_response({})
        tag = f'"{hashlib.sha256(json.dumps(item).encode()).hexdigest()[:16]}"'
        headers = {"ETag": tag} if self.validates else {}
        if self.validates and request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        moment = {
            "created": 1_700_000_000 + len(self.asked),
            "server": f"ia{len(self.asked)}.us.archive.org",
            "uniq": 7,
        }
        return web.json_response({**moment, **item}, headers=headers)

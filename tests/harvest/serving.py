"""A server on loopback in a thread of its own, for harvests that run in this process or in another."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from phonolith.harvest.online import Means
from phonolith.model.progress import Progress, Silent
from phonolith.sources.client.client import Client
from phonolith.sources.client.pace import Clock as Pace

Reply = tuple[int, Mapping[str, str], bytes]
#: Answers a path with the headers (in lower case) that came with it; None: 404.
Answers = Callable[[str, Mapping[str, str]], Reply | None]


@dataclass
class Served:
    """What was asked: paths in order, each with its headers and when (``time.monotonic``). robots.txt is apart."""

    answers: Answers
    port: int = 0
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(answers: Answers) -> Iterator[Served]:
    """A server that answers so; nothing is left of it afterwards."""
    told = Served(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            if self.path != "/robots.txt":
                told.asked.append(self.path)
                told.headers.append(headers)
                told.times.append(time.monotonic())
            status, more, body = told.answers(self.path, headers) or (404, {}, b"nothing here")
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # it was killed, as it should be
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Impatient:
    """A pace whose waits take no time: its clock goes on by what it should have slept."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def pace(self) -> Pace:
        return Pace(lambda: time.monotonic() + self.ahead, lambda: time.time() + self.ahead, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.ahead += seconds
        await asyncio.sleep(0)


def means(*origins: str, clock: Callable[[], str], progress: Progress | None = None, **instead: str) -> Means:
    """The real client, which may ask these origins on loopback, and waits for nothing."""

    @asynccontextmanager
    async def connect() -> Any:
        trusted = [*origins, *instead.values()]
        async with Client("a@example.org", clock=Impatient().pace(), trusted=trusted) as client:
            yield client

    return Means(connect, instead, progress or Silent(), clock)


def configure(root: Path, **origins: str) -> None:
    """Name origins on loopback in an archive's settings."""
    lines = "".join(f'{name} = "{address}"\n' for name, address in origins.items())
    with (root / "phonolith.toml").open("a") as file:
        file.write(f"\n[harvest.origins]\n{lines}")

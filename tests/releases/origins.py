"""Archives that are mirrored: served on this machine, with every byte counted that they send; and servers that lie."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from phonolith.config import Settings
from phonolith.releases.elsewhere import LIMITS, Elsewhere
from phonolith.sources.client.answers import Downloaded, Expected, Limits
from phonolith.store.archive import Archive
from phonolith.web.app import create_app


@dataclass
class Origin:
    """A served archive: its address, and the bytes of bodies that it sent, by path.

    ``held_up``: called before each piece of a body with path and bytes sent of it; it may wait, or raise.
    ``lies``: what is sent in place of a piece of a body, as long as it, by path.
    """

    url: str = ""
    sent: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    held_up: Callable[[str, int], None] = lambda *_: None
    lies: Callable[[str, bytes], bytes] = lambda _, data: data

    @property
    def payload(self) -> int:
        """Bytes of payload that were sent."""
        return sum(count for path, count in self.sent.items() if "/data/" in path)

    @property
    def bundles(self) -> int:
        """Bytes of bundles that were sent: payload, tag files and torrents."""
        return sum(count for path, count in self.sent.items() if path.startswith("/bundle/") or ".torrent" in path)


@contextmanager
def served(archive: Archive, **settings: Any) -> Iterator[Origin]:
    """The archive's library on a free port."""
    origin = Origin()
    app = create_app(archive, Settings(**{"name": archive.name, **settings}), look_every=0)

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        path, count = scope.get("path", ""), 0

        async def count_and_send(message: Any) -> None:
            nonlocal count
            body = message.get("body", b"")
            for start in range(0, len(body) or 1, 1 << 16):
                origin.held_up(path, count)
                part = origin.lies(path, body[start : start + (1 << 16)])
                origin.sent[path] += len(part)
                count += len(part)
                more = start + len(part) < len(body) or message.get("more_body", False)
                await send({**message, "body": part, "more_body": more} if "body" in message else message)

        if scope["type"] == "http":
            origin.asked.append(path)
        await app(scope, receive, count_and_send if scope["type"] == "http" else send)

    server = uvicorn.Server(uvicorn.Config(counted, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    origin.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield origin
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Asking:
    """What is asked of other archives, by a client of its own each time; a test may take a part of it over."""

    limits: Limits = LIMITS
    asked: list[str] = field(default_factory=list)

    def read(self, url: str, most: int) -> bytes:
        self.asked.append(url)
        with Elsewhere("t@example.org", url, limits=self.limits) as web:
            return web.read(url, most)

    def download(self, url: str, folder: Path, expect: Expected, advance: Callable[[int], None]) -> Downloaded:
        self.asked.append(url)
        with Elsewhere("t@example.org", url, limits=self.limits) as web:
            return web.download(url, folder, expect, advance)


@contextmanager
def lying(script: Callable[[socket.socket, str], None]) -> Iterator[str]:
    """A server that does to each connection what the script says; it is given the path that was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threads: list[threading.Thread] = []

        def one(wire: socket.socket) -> None:
            with wire:
                try:
                    asked = wire.recv(65536).split(b" ")
                    script(wire, asked[1].decode() if len(asked) > 1 else "")
                except OSError:
                    return  # whoever asked hung up

        def accept() -> None:
            while True:
                try:
                    wire, _ = listening.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=one, args=(wire,), daemon=True))
                threads[-1].start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in threads:
                each.join(5)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An answer over HTTP as bytes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body

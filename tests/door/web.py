"""A web site on this machine: pages by path, with whatever status and headers a test wants, and paths that stall."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Reply:
    """What a path answers."""

    body: str = ""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    to: str = ""
    stalls: bool = False


@dataclass
class Site:
    """A site; ``pages`` may be changed while it is open."""

    port: int = 0
    host: str = "127.0.0.1"
    pages: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def site() -> Iterator[Site]:
    """A site on a free port of this machine."""
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers.get("User-Agent", "")))
            reply = made.pages.get(self.path, Reply("nothing here", 404))
            body = reply.body.encode()
            self.send_response(reply.status)
            if reply.to:
                self.send_header("Location", reply.to)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if reply.stalls:
                self.wfile.write(body[:10])
                made.over.wait(60)
                return
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that has read enough goes away

    server = Server(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()

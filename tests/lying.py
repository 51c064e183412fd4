"""A lying origin: a raw server that breaks every promise of HTTP, one path a lie, and writes down when it was asked.

`async with Origin(LIES) as origin: ...` asks for nothing but a running loop; `origin.arrivals` has the time of each
request on that loop's clock, as the server saw it. Add a lie as a function of (request, writer) under its path.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import sys
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@dataclass(frozen=True)
class Request:
    """One request as it came: ``at`` on the loop's clock, header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    at: float
    body: bytes = b""


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Origin:
    """A server on loopback. A handler that closes the writer ends the connection; others are asked again on it."""

    handlers: Mapping[str, Handler]
    arrivals: list[Request] = field(default_factory=list)
    flying: int = 0
    most_flying: int = 0
    port: int = 0
    connections: int = 0

    async def __aenter__(self) -> Self:
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def times(self, path: str = "") -> list[float]:
        """When requests for ``path`` (beginning so) arrived."""
        return [one.at for one in self.arrivals if one.path.startswith(path)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                request = await self._read(reader)
                self.arrivals.append(request)
                self.flying += 1
                self.most_flying = max(self.most_flying, self.flying)
                try:
                    await self._handler(request.path)(request, writer)
                    await writer.drain()
                finally:
                    self.flying -= 1
        self._writers.discard(writer)
        writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(method, path, headers, asyncio.get_running_loop().time(), body)

    def _handler(self, path: str) -> Handler:
        plain = path.partition("?")[0]
        found = self.handlers.get(plain) or self.handlers.get("*")
        return found or reply(404, b"nothing here")


def reply(status: int, body: bytes = b"", **headers: str) -> Handler:
    """An honest answer; ``Content_Type="..."`` is the header Content-Type."""

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, **{"Content_Length": str(len(body)), **headers}) + body)

    return answer


def head(status: int, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1")


def raw(*pieces: bytes, close: bool = True) -> Handler:
    """Exactly these bytes, then the end of the connection (or silence)."""

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if close:
            writer.close()
        else:
            await asyncio.Event().wait()

    return answer


def drip(first: bytes, piece: bytes, seconds: float) -> Handler:
    """``first``, then ``piece`` again and again for ever."""

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return answer


def in_turn(*handlers: Handler) -> Handler:
    """The first request gets the first handler, and so on; the last one stays."""
    asked = 0

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        handler = handlers[min(asked, len(handlers) - 1)]
        asked += 1
        await handler(request, writer)

    return answer


def file(data: bytes, etag: str = '"one"', *, cut: int = 0, lie: str = "") -> Handler:
    """A file with ranges (RFC 9110 section 14). ``cut``: so many bytes are sent of each answer. ``lie`` is ``ignore``
    (200 for a range), ``other`` (another range than asked), ``bytes`` (the right range of another file), ``none`` (no
    Content-Range), ``416``, ``weak`` (a validator that proves nothing), ``unsatisfied`` (If-Range not looked at)."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        asked = request.headers.get("range", "")
        same = request.headers.get("if-range", etag) == etag or lie == "unsatisfied"
        tag = f"W/{etag}" if lie == "weak" else etag
        kind = "application/octet-stream"
        if not asked or not same or lie == "ignore":
            part, more = data, head(200, Content_Length=str(len(data)), ETag=tag, Content_Type=kind)
        else:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            part = (bytes(len(data)) if lie == "bytes" else data)[start:]
            told = start + (1 if lie == "other" else 0)
            where = f"bytes {told}-{len(data) - 1}/{len(data)}"
            more = head(206, Content_Length=str(len(part)), ETag=tag, Content_Type=kind, Content_Range=where)
            if lie == "none":
                more = head(206, Content_Length=str(len(part)), ETag=tag)
            if lie == "416":
                part, more = b"", head(416, Content_Length="0", Content_Range=f"bytes */{len(data)}")
        writer.write(more + (part[:cut] if cut else part))
        await writer.drain()
        if cut and cut < len(part):
            writer.close()

    return answer


def _bomb(packing: str, size: int) -> bytes:
    zeros = bytes(1 << 20)
    if packing == "zstd":
        maker = zstd.ZstdCompressor()
        return b"".join(maker.compress(zeros) for _ in range(size >> 20)) + maker.flush()
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(zeros) for _ in range(size >> 20)) + packer.flush()


_GZIP_BOMB = _bomb("gzip", 256 << 20)
_ZSTD_BOMB = _bomb("zstd", 256 << 20)
_WIDE = bytes.fromhex("28b52ffd00a0") + zstd.compress(b"four")[-8:]  # a frame that wants a window of 1 GiB
_PAGE = b"<!DOCTYPE html><title>Sign in</title><p>Please sign in to listen.</p>"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"

#: Path → (the lie, the code it ends in). Everything is a GET of a small document.
LIES: Mapping[str, tuple[Handler, str]] = {
    "/silent": (raw(close=False), "http.timeout"),
    "/hangs-up": (raw(), "http.connection"),
    "/slow-loris-head": (drip(_OK, b"X-A: b\r\n", 5), "http.timeout"),
    "/stalls": (raw(_OK + b"Content-Length: 100\r\n\r\nhalf", close=False), "http.stalled"),
    "/drips": (drip(_OK + b"Content-Length: 100000\r\n\r\n", b"x", 5), "http.slow"),
    "/endless": (drip(_CHUNKED, b"10000\r\n" + bytes(65536) + b"\r\n", 0), "http.large"),
    "/cut": (raw(_OK + b"Content-Length: 100\r\n\r\nhalf"), "http.cut"),
    "/cut-chunk": (raw(_CHUNKED + b"64\r\nhalf"), "http.cut"),
    "/no-last-chunk": (raw(_CHUNKED + b"4\r\nhalf\r\n"), "http.cut"),
    "/no-length": (raw(_OK + b"Connection: close\r\n\r\nhalf, or all"), "http.unframed"),
    "/two-lengths": (raw(_OK + b"Content-Length: 4\r\nContent-Length: 8\r\n\r\nfourfour"), "http.malformed"),
    "/same-length-twice": (raw(_OK + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nfour"), "http.malformed"),
    "/length-list": (raw(_OK + b"Content-Length: 4, 4\r\n\r\nfour"), "http.malformed"),
    "/length-and-chunks": (
        raw(_OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n"),
        "http.malformed",
    ),
    "/negative-length": (raw(_OK + b"Content-Length: -4\r\n\r\nfour"), "http.malformed"),
    "/huge-length": (raw(_OK + b"Content-Length: 99999999999999999999999\r\n\r\nfour"), "http.malformed"),
    "/declared-large": (raw(_OK + b"Content-Length: 999999999999\r\n\r\nfour", close=False), "http.large"),
    "/chunk-nonsense": (raw(_CHUNKED + b"zz\r\nfour\r\n0\r\n\r\n"), "http.malformed"),
    "/chunk-negative": (raw(_CHUNKED + b"-4\r\nfour\r\n0\r\n\r\n"), "http.malformed"),
    "/chunk-huge": (raw(_CHUNKED + b"fffffffffffffffffff\r\nfour"), "http.malformed"),
    "/chunk-without-end": (raw(_CHUNKED + b"4\r\nfourfour\r\n0\r\n\r\n"), "http.malformed"),
    "/chunk-extension-flood": (drip(_CHUNKED + b"4;", b"a" * 65536, 0.1), "http.stalled"),
    "/not-http": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "http.malformed"),
    "/http-0.9": (raw(b"just the body"), "http.malformed"),
    "/header-flood": (raw(_OK, b"".join(b"X-%d: y\r\n" % n for n in range(100_000)), b"\r\n"), "http.head"),
    "/header-long": (raw(_OK + b"X-A: " + b"y" * 1_000_000 + b"\r\n\r\n"), "http.head"),
    "/header-endless": (drip(_OK + b"X-A: ", b"y" * 65536, 0), "http.head"),
    "/status-long": (raw(b"HTTP/1.1 200 " + b"O" * 1_000_000 + b"\r\n\r\n"), "http.head"),
    "/header-split": (raw(_OK + b"Bad Header\r\nContent-Length: 0\r\n\r\n"), "http.malformed"),
    "/gzip-bomb": (reply(200, _GZIP_BOMB, Content_Encoding="gzip"), "http.bomb"),
    "/zstd-bomb": (reply(200, _ZSTD_BOMB, Content_Encoding="zstd"), "http.bomb"),
    "/zstd-window": (reply(200, _WIDE, Content_Encoding="zstd"), "http.encoding"),
    "/gzip-layers": (reply(200, gzip.compress(_GZIP_BOMB), Content_Encoding="gzip, gzip"), "http.encoding"),
    "/deflate": (reply(200, zlib.compress(b"four"), Content_Encoding="deflate"), "http.encoding"),
    "/br": (reply(200, b"\x0b\x01\x80four\x03", Content_Encoding="br"), "http.encoding"),
    "/not-gzip": (reply(200, b"plain, whatever the header says", Content_Encoding="gzip"), "http.encoding"),
    "/gzip-cut": (reply(200, gzip.compress(b"four" * 999)[:-9], Content_Encoding="gzip"), "http.cut"),
    "/gzip-and-more": (reply(200, gzip.compress(b"four") + b"garbage", Content_Encoding="gzip"), "http.encoding"),
    "/loop": (reply(302, Location="/loop"), "http.loop"),
    "/loop-of-two": (reply(302, Location="/loop-back"), "http.loop"),
    "/loop-back": (reply(301, Location="/loop-of-two"), "http.loop"),
    "/inward": (reply(302, Location="http://127.0.0.2:22/"), "http.inward"),
    "/metadata": (reply(302, Location="http://169.254.169.254/latest/meta-data/"), "http.inward"),
    "/inward-six": (reply(302, Location="http://[::ffff:127.0.0.1]/"), "http.inward"),
    "/inward-decimal": (reply(302, Location="http://2130706433/"), "http.address"),
    "/inward-octal": (reply(302, Location="http://0177.0.0.1/"), "http.address"),
    "/inward-hex": (reply(302, Location="http://0x7f.1/"), "http.address"),
    "/to-a-file": (reply(302, Location="file:///etc/passwd"), "http.address"),
    "/to-nothing": (reply(302, Location="http://"), "http.loop"),
    "/with-a-password": (reply(302, Location="http://me:secret@example.org/"), "http.address"),
    "/no-location": (reply(302), "http.status"),
    "/not-modified": (reply(304), "http.status"),
    "/partial": (reply(206, b"four", Content_Range="bytes 0-3/8"), "http.status"),
    "/switching": (raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "http.status"),
    "/continue-for-ever": (drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 5), "http.timeout"),
    "/teapot": (reply(418), "http.fault"),
    "/not-implemented": (reply(501), "http.failing"),
    "/failing": (reply(500), "http.failing"),
    "/busy": (reply(503, Retry_After="0"), "http.busy"),
    "/garbage-retry": (reply(429, Retry_After="soon; or never"), "http.busy"),
    "/absurd-retry": (reply(429, Retry_After="9" * 400), "http.busy"),
    "/gone": (reply(410), "http.gone"),
    "/absent": (reply(404, b"nothing"), "http.absent"),
    "/forbidden": (reply(403), "http.forbidden"),
    "/law": (reply(451), "http.forbidden"),
}

#: Lies about a file of audio, for downloads that expect audio/…
PAGES: Mapping[str, Handler] = {
    "/page": reply(200, _PAGE, Content_Type="text/html; charset=utf-8"),
    "/page-as-audio": reply(200, b"\n\n " + _PAGE, Content_Type="audio/mpeg"),
}

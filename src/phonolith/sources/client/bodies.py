"""Bodies read within caps: size, ratio of unpacking, rate; packed ones are unpacked here, a piece at a time."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Callable
from typing import Protocol

from aiohttp import ClientResponse

from phonolith.sources.client.address import shown
from phonolith.sources.client.answers import Limits
from phonolith.sources.client.codes import verdict
from phonolith.sources.client.live import Counts

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: What we ask to be sent: what we unpack within caps, and nothing else.
ACCEPTED = "gzip, zstd"

_PIECE = 256 << 10  # bytes unpacked at a time, and what any ratio may unpack to
_WINDOW_LOG = 23  # 8 MiB, what RFC 8878 section 3.1.1.1.2 asks every decoder to support; more is memory for strangers


class Intake:
    """One answer's body on its way in: counted, timed, and given on in pieces.

    ``deadline`` is the timeout around the whole answer; it is moved on with every piece of the body, so that a
    connection full of anything else (chunk extensions without end) stalls like a silent one.
    """

    __slots__ = ("_counts", "_deadline", "_ends", "_limits", "_now", "stalled")

    def __init__(
        self,
        response: ClientResponse,
        limits: Limits,
        counts: Counts,
        now: Callable[[], float],
        deadline: asyncio.Timeout,
    ) -> None:
        self._limits, self._counts, self._now, self._deadline = limits, counts, now, deadline
        self.stalled = True  # if the deadline passes now, it is for want of bytes
        self._ends = asyncio.get_running_loop().time() + limits.total
        if not response.content.is_eof():  # what is here already needs no timer
            self._await_bytes()

    async def read(self, response: ClientResponse) -> tuple[bytes, int]:
        """The whole body, unpacked, and how many bytes it was on the wire.

        Raises BadInput: ``http.large``, ``http.bomb``, ``http.encoding``, ``http.unframed``, ``http.cut``; TimedOut:
        ``http.slow``.
        """
        pieces: list[bytes] = []
        packing = response.headers.get("Content-Encoding")
        if packing is None or packing.strip().lower() in ("", "identity"):
            sent = await self.pump(response, pieces.append)
            self.prove_framed(response)
            return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), sent
        unpacker = _unpacker(packing.strip().lower(), shown(response.url), self._limits, pieces)
        sent = await self.pump(response, unpacker.feed)
        if sent:
            unpacker.finish()
        return b"".join(pieces), sent

    async def pump(self, response: ClientResponse, take: Callable[[bytes], None]) -> int:
        """Give every piece of the body, as sent, to ``take``; returns their bytes.

        Raises ``http.large`` before a byte is read if the declared length says so, else when the cap is passed;
        ``http.slow`` below the floor.
        """
        limits, content, began, sent = self._limits, response.content, self._now(), 0
        declared = response.content_length
        if declared is not None and declared > limits.body:
            raise verdict("http.large", shown(response.url), f"{declared:,} bytes declared, {limits.body:,} taken")
        while data := await content.readany():
            sent += len(data)
            if sent > limits.body:
                raise verdict("http.large", shown(response.url), f"more than {limits.body:,} bytes")
            take(data)
            at = self._now()
            self._counts.received(len(data), at)
            if content.at_eof():
                break
            if (spent := at - began) > limits.grace and sent < limits.floor * spent:
                raise verdict("http.slow", shown(response.url), f"{sent:,} bytes in {spent:.0f} s")
            self._await_bytes()
        return sent

    async def beginning(self, response: ClientResponse, count: int) -> bytes:
        """The first ``count`` bytes at most, packed or not as they were sent; what stands behind is not read."""
        kept = bytearray()
        while len(kept) < count and (data := await response.content.readany()):
            kept += data
            self._await_bytes()
        return bytes(kept[:count])

    def prove_framed(self, response: ClientResponse) -> None:
        """Raise ``http.unframed`` if the body ended only because the connection did: it may be whole or not."""
        headers = response.headers
        if "Content-Length" in headers or self._limits.unframed or response.status in (204, 304):
            return
        if "chunked" not in headers.get("Transfer-Encoding", "").lower():
            raise verdict("http.unframed", shown(response.url))

    def _await_bytes(self) -> None:
        soon = asyncio.get_running_loop().time() + self._limits.idle
        self.stalled = soon < self._ends
        self._deadline.reschedule(soon if self.stalled else self._ends)


def looks_like_a_page(kind: str, head: bytes) -> bool:
    """Whether an answer is HTML, by its media type or by how it begins, whatever its media type says."""
    begins = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n\f").lower()
    return kind in ("text/html", "application/xhtml+xml") or begins.startswith((b"<!doctype html", b"<html", b"<head"))


class _Unpacker(Protocol):
    def feed(self, data: bytes) -> None: ...

    def finish(self) -> None: ...


class _Stream(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Bounded:
    """Unpacks streams that follow one another, never more than a piece at a time."""

    def __init__(self, url: str, limits: Limits, pieces: list[bytes], fresh: Callable[[], _Stream]) -> None:
        self._url, self._limits, self._pieces, self._fresh = url, limits, pieces, fresh
        self._stream = fresh()
        self._packed = 0
        self._unpacked = 0

    def feed(self, data: bytes) -> None:
        self._packed += len(data)
        try:
            while data or not self._drained():
                data = self._step(data)
        except (zlib.error, zstd.ZstdError) as error:
            raise verdict("http.encoding", self._url, str(error)) from None

    def finish(self) -> None:
        if not self._stream.eof:
            raise verdict("http.cut", self._url, "the packed body is not complete")

    def _step(self, data: bytes) -> bytes:
        if self._stream.eof:
            self._stream = self._fresh()
        out = self._stream.decompress(data, _PIECE)
        self._count(len(out))
        if out:
            self._pieces.append(out)
        if self._stream.eof:
            return self._stream.unused_data
        return getattr(self._stream, "unconsumed_tail", b"")

    def _drained(self) -> bool:
        return self._stream.eof or getattr(self._stream, "needs_input", True)

    def _count(self, more: int) -> None:
        self._unpacked += more
        if self._unpacked > _PIECE and self._unpacked > self._limits.ratio * self._packed:
            raise verdict("http.bomb", self._url, f"{self._packed:,} bytes become {self._unpacked:,} and more")
        if self._unpacked > self._limits.body:
            raise verdict("http.bomb", self._url, f"more than {self._limits.body:,} bytes")


def _unpacker(packing: str, url: str, limits: Limits, pieces: list[bytes]) -> _Unpacker:
    if packing in ("gzip", "x-gzip"):
        return _Bounded(url, limits, pieces, lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS))
    if packing == "zstd":
        options = {int(zstd.DecompressionParameter.window_log_max): _WINDOW_LOG}
        return _Bounded(url, limits, pieces, lambda: zstd.ZstdDecompressor(options=options))
    raise verdict("http.encoding", url, packing[:40])

"""Bytes over HTTP: conditional requests and byte ranges (RFC 9110) with the digest as the strong validator.

A warm range is read inline, because that is several times faster than a hop through a thread; a read that would have
to wait for the disk is noticed by the kernel (``RWF_NOWAIT``) and moves to a thread, so it never holds up the others.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import itertools
import os
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from phonolith.errors import Damaged, StorageError
from phonolith.web.names import content_disposition

#: Bytes read and sent in one go.
CHUNK = 256 * 1024
#: More ranges than this in one request are not worth an answer in parts: the whole is sent (RFC 9110, section 14.2).
MOST_RANGES = 16

_RANGE = re.compile(r"\s*(\d*)-(\d*)\s*", re.ASCII)
_MOST_DIGITS = 18
_ASKED = frozenset((b"range", b"if-range", b"if-match", b"if-none-match"))
_NOWAIT = getattr(os, "RWF_NOWAIT", None)

Span = tuple[int, int]


class Unsatisfiable(Exception):
    """No range asked for lies within the representation: answer 416."""


@dataclass(frozen=True)
class Payload:
    """Held bytes to answer with: ``sha256`` is their digest (64 hexadecimal digits), ``size`` their number.

    ``path`` None is so many zeros, which are in no file.
    """

    path: Path | None
    sha256: str
    size: int
    media_type: str
    name: str
    attachment: bool = False

    @property
    def etag(self) -> str:
        """The strong validator: the digest in quotes."""
        return f'"{self.sha256}"'

    @functools.cached_property
    def fixed(self) -> list[tuple[bytes, bytes]]:
        """The headers that every answer about these bytes has."""
        digest = base64.b64encode(bytes.fromhex(self.sha256)).decode("ascii")
        return _raw(
            {
                "accept-ranges": "bytes",
                "etag": self.etag,
                "cache-control": "private, no-cache",  # the gate is asked again at every request
                "repr-digest": f"sha-256=:{digest}:",  # RFC 9530
                "content-disposition": content_disposition(self.name, attachment=self.attachment),
                "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            }
        )


def parse_range(header: str, size: int) -> list[Span] | None:
    """The spans ``(start, stop)`` a Range header asks for, merged where they touch; None if it is to be ignored.

    An unknown unit, a malformed set and an excessive one are ignored (RFC 9110, section 14.2). Raises Unsatisfiable
    if the set is well-formed and no range of it overlaps the representation.
    """
    unit, separator, rest = header.partition("=")
    parts = rest.split(",")
    if not separator or unit.strip().lower() != "bytes" or len(parts) > MOST_RANGES:
        return None
    spans = []
    for part in parts:
        match = _RANGE.fullmatch(part)
        if match is None or match.groups() == ("", "") or max(map(len, match.groups())) > _MOST_DIGITS:
            return None
        first, last = match.groups()
        if first and last and int(first) > int(last):
            return None
        span = _span(first, last, size)
        if span[0] < span[1]:
            spans.append(span)
    if not spans:
        raise Unsatisfiable
    return _merged(spans)


def _span(first: str, last: str, size: int) -> Span:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Overlapping and touching spans joined; else the order asked for is kept."""
    if len(spans) == 1:
        return list(spans)
    ordered = sorted(spans)
    if all(a[1] < b[0] for a, b in itertools.pairwise(ordered)):
        return list(spans)
    merged = [ordered[0]]
    for start, stop in ordered[1:]:
        if start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def matches(header: str, etag: str, *, weak: bool) -> bool:
    """Whether an If-Match or If-None-Match list names the validator; ``weak`` ignores W/ (section 8.8.3.2)."""
    if header.strip() == "*":
        return True
    tags = re.findall(r'(?:W/)?"[^"]*"', header)
    return any((tag.removeprefix("W/") if weak else tag) == etag for tag in tags)


async def send_payload(scope: Scope, receive: Receive, send: Send, payload: Payload) -> None:
    """Answer one request for held bytes: 200, 206, 304, 412 or 416.

    Raises Damaged if the file's size is not the ledger's, StorageError if it cannot be opened; nothing has been sent
    by then, so the caller can answer with an error page.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name in _ASKED}
    status, spans = _precondition(headers, scope["method"], payload)
    if status is not None:
        await _send_start(send, status, payload, {"content-range": f"bytes */{payload.size}"} if status == 416 else {})
        await send({"type": "http.response.body", "body": b""})
        return
    descriptor = _opened(payload)
    try:
        await _send_spans(scope["method"] == "HEAD", receive, send, payload, spans, descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _precondition(headers: Mapping[str, str], method: str, payload: Payload) -> tuple[int | None, list[Span] | None]:
    """A final status, or None and the spans to send (None: everything), in the order of RFC 9110, section 13.2.2."""
    if "if-match" in headers and not matches(headers["if-match"], payload.etag, weak=False):
        return 412, None
    if "if-none-match" in headers and matches(headers["if-none-match"], payload.etag, weak=True):
        return 304, None
    if method != "GET" or "range" not in headers:
        return None, None
    if "if-range" in headers and headers["if-range"].strip() != payload.etag:
        return None, None
    try:
        return None, parse_range(headers["range"], payload.size)
    except Unsatisfiable:
        return 416, None


def _opened(payload: Payload) -> int | None:
    if payload.path is None:
        return None
    try:
        descriptor = os.open(payload.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise StorageError(payload.sha256, error.strerror or "cannot be opened", "Run doctor.") from error
    if os.fstat(descriptor).st_size != payload.size:
        os.close(descriptor)
        raise Damaged(payload.sha256, "the held file does not have the size of its ledger row", "Run doctor.")
    return descriptor


async def _send_spans(
    head: bool, receive: Receive, send: Send, payload: Payload, spans: list[Span] | None, descriptor: int | None
) -> None:
    if spans is None:
        await _send_start(send, 200, payload, {"content-length": str(payload.size)})
        await _send_bodies(receive, send, [(b"", (0, 0 if head else payload.size))], b"", descriptor)
    elif len(spans) == 1:
        start, stop = spans[0]
        span = {"content-length": str(stop - start), "content-range": f"bytes {start}-{stop - 1}/{payload.size}"}
        await _send_start(send, 206, payload, span)
        await _send_bodies(receive, send, [(b"", spans[0])], b"", descriptor)
    else:
        boundary = secrets.token_hex(16)
        parts = [(_part_head(boundary, payload, span), span) for span in spans]
        tail = f"\r\n--{boundary}--\r\n".encode("ascii")
        length = sum(len(lead) + stop - start for lead, (start, stop) in parts) + len(tail)
        kind = f"multipart/byteranges; boundary={boundary}"
        await _send_start(send, 206, payload, {"content-length": str(length), "content-type": kind})
        await _send_bodies(receive, send, parts, tail, descriptor)


def _part_head(boundary: str, payload: Payload, span: Span) -> bytes:
    lines = (
        f"\r\n--{boundary}",
        f"Content-Type: {payload.media_type}",
        f"Content-Range: bytes {span[0]}-{span[1] - 1}/{payload.size}",
        "\r\n",
    )
    return "\r\n".join(lines).encode("latin-1")


async def _send_start(send: Send, status: int, payload: Payload, more: Mapping[str, str]) -> None:
    kind = {} if status in (304, 412, 416) else {"content-type": payload.media_type}
    length = {"content-length": "0"} if status in (412, 416) else {}
    headers = [*payload.fixed, *_raw({**kind, **length, **more})]
    await send({"type": "http.response.start", "status": status, "headers": headers})


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]


async def _send_bodies(
    receive: Receive, send: Send, parts: Sequence[tuple[bytes, Span]], tail: bytes, descriptor: int | None
) -> None:
    """Send each part's lead and bytes; the usual answer, one warm range of one chunk, is one message."""
    if len(parts) == 1 and not tail and parts[0][1][1] - parts[0][1][0] <= CHUNK:
        start, stop = parts[0][1]
        body = await _read(descriptor, start, stop - start) if stop > start else b""
        await send({"type": "http.response.body", "body": body})
        return
    async with _hung_up(receive) as gone:
        for lead, (start, stop) in parts:
            if lead:
                await send({"type": "http.response.body", "body": lead, "more_body": True})
            for offset in range(start, stop, CHUNK):
                if gone.done():
                    return
                body = await _read(descriptor, offset, min(CHUNK, stop - offset))
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": tail})


@contextlib.asynccontextmanager
async def _hung_up(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """A task that is done once the client has gone: a player that skips must not cost the rest of the file."""

    async def wait() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    task = asyncio.create_task(wait())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _read(descriptor: int | None, offset: int, count: int) -> bytes | bytearray:
    """Exactly ``count`` bytes at ``offset``, from the page cache at once, else in a thread; zeros where is no file."""
    if descriptor is None:
        return bytes(count)
    if _NOWAIT is not None:
        buffer = bytearray(count)
        with contextlib.suppress(OSError):
            if os.preadv(descriptor, [buffer], offset, _NOWAIT) == count:
                return buffer
    return await run_in_threadpool(_read_cold, descriptor, offset, count)


def _read_cold(descriptor: int, offset: int, count: int) -> bytes:
    pieces = []
    while count:
        piece = os.pread(descriptor, count, offset)
        if not piece:
            raise Damaged("held object", "the file became shorter while it was read", "Run doctor.")
        pieces.append(piece)
        offset += len(piece)
        count -= len(piece)
    return b"".join(pieces)

"""The signed log over HTTP: its heads, what links an old head to the newest, and what is signed about logs of others.

Whoever saves these answers as files can hand them to ``phonolith check-log``, or to the verifier alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from phonolith.errors import NotFound
from phonolith.library.committed import Told
from phonolith.store.log import excerpt, lines_of
from phonolith.verifier import HEAD, Countersignature, Head, canonical, digest, dump
from phonolith.web import params
from phonolith.web.desk import Desk
from phonolith.web.ranges import matches
from phonolith.web.render import packed


@dataclass(frozen=True, slots=True)
class HeadView:
    """A signed head of a log, with exactly the fields that its signature is over; the on-disk format explains them."""

    type: str
    log: str
    size: int
    root: str
    previous: str
    time: str
    key: str
    next: str
    signature: str


@dataclass(frozen=True, slots=True)
class CountersignatureView:
    """What another key signed about a head: that it was seen then, and keeps all that was seen of the log before."""

    type: str
    log: str
    head: str
    time: str
    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class LinkView:
    """That ``new``, the newest head, keeps everything of ``old``: the path of RFC 9162, section 2.1.4.

    ``rotations``: the heads before ``new`` that change the key; ``countersignatures``: those of either head.
    """

    type: str
    old: HeadView
    new: HeadView
    path: tuple[str, ...]
    rotations: tuple[HeadView, ...]
    countersignatures: tuple[CountersignatureView, ...]


@dataclass(frozen=True, slots=True)
class LogView:
    """The newest head of the log, its ``digest``, and how many others signed that they saw the log (last when, or "").

    ``rotations``: the heads before it that change the key, which is all it takes to check it.
    """

    head: HeadView
    rotations: tuple[HeadView, ...]
    digest: str
    seen_by: int
    seen_last: str


def view(told: Told) -> LogView | None:
    """What pages, feed and API say of the log; None where nothing was committed to."""
    if not told.heads:
        return None
    *rotations, head = map(_head, excerpt(told.heads))
    return LogView(head, tuple(rotations), digest(told.heads[-1]), *told.seen)


def log(desk: Desk, _: Request) -> LogView:
    """The newest head. Raises NotFound."""
    found = view(desk.committed.told())
    if found is None:
        raise NotFound("the log", "nothing was committed to here yet")
    return found


def link(desk: Desk, request: Request) -> LinkView:
    """The link from a head of the size that is asked for to the newest. Raises NotFound."""
    return msgspec.convert(desk.committed.link(params.SINCE.read(request)), LinkView)


def state(desk: Desk, request: Request) -> Response:
    """``/log/state``: the same link, as the bytes that stay the same until the log grows or is countersigned."""
    made = desk.committed.link(params.SINCE.read(request))
    return _kept(request, canonical(made), "application/json")


def heads(desk: Desk, request: Request) -> Response:
    """``/log/heads``: all heads, oldest first, one a line."""
    return _kept(request, desk.committed.told().file, _LINES)


def countersignatures(desk: Desk, request: Request) -> Response:
    """``/log/countersignatures``: what others signed about these heads, one a line."""
    return _kept(request, _lines(desk.committed.told().countersignatures), _LINES)


def given(desk: Desk, request: Request) -> Response:
    """``/log/countersignatures/LOG``: what this archive signed about the log of another."""
    name = params.LOG.read(request)
    made = [one for _, one in desk.archive.log().witnessed() if one.log == name]
    if not made:
        raise NotFound(f"log {name}", "nothing was signed here about it")
    return _kept(request, _lines(made), _LINES)


def seen(desk: Desk, request: Request) -> Response:
    """``/log/seen/LOG``: all heads of another's log that this archive saw, one a line: what mirrors compare."""
    name = params.LOG.read(request)
    found = lines_of(desk.archive.log().seen_file(name))
    if not found:
        raise NotFound(f"log {name}", "it was never seen here")
    return _kept(request, b"".join(line + b"\n" for line in found), _LINES)


_LINES = "application/x-ndjson"


def _head(head: Head) -> HeadView:
    return HeadView(HEAD, *head)


def _lines(signed: Iterable[Countersignature]) -> bytes:
    return b"".join(canonical(dump(one)) + b"\n" for one in signed)


def _kept(request: Request, body: bytes, media_type: str) -> Response:
    """The body; 304 where the client has it already (RFC 9110 section 13.1.2)."""
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"content-type": media_type, "cache-control": "no-cache", "etag": etag}
    if matches(request.headers.get("if-none-match", ""), etag.removeprefix("W/"), weak=True):
        return Response(None, 304, {"etag": etag, "cache-control": "no-cache"})
    return packed(request, body, headers)

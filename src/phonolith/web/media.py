"""Held bytes and covers, each only after the gate was asked for this very request."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from phonolith.errors import Damaged, NotFound, PhonolithError, StorageError
from phonolith.library import access
from phonolith.library.reading import Reading
from phonolith.library.views import FileView
from phonolith.model.rights import Use
from phonolith.rights.decisions import Decisions
from phonolith.web.art import SIZES, drawn, small
from phonolith.web.desk import Desk
from phonolith.web.names import served_type
from phonolith.web.ranges import Payload, send_payload
from phonolith.web.words import playing_type

#: Pictures are made by so many threads at once, so that pages and sound are not held up by them.
_DRAWING = 2
_FRESH = "private, max-age=600"
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Playable:
    """A file of a track for the player: its address, and the media type to ask the browser about."""

    url: str
    type: str
    size: int


def playable(desk: Desk, identifier: str) -> list[Playable]:
    """The audio files of a track that may be played and are sound, best first. Raises NotFound."""
    return [
        Playable(f"/media/{identifier}/{item.sha256}", playing_type(item.media_type, item.codec), item.size)
        for item in access.playable(desk.library, identifier)
        if not amiss(desk, item.sha256)
    ]


def amiss(desk: Desk, sha256: str) -> str:
    """Why the bytes of a held object cannot be given just now, as a sentence for visitors; "" where they can."""
    try:
        desk.objects.path(sha256)
    except (Damaged, NotFound):
        return "What is held of it was found damaged or missing; it comes back when the operator has restored it."
    except StorageError:
        return "The disk it is kept on is not connected at the moment."
    return ""


def offered(desk: Desk, identifier: str, files: tuple[FileView, ...]) -> set[str]:
    """The digests of those files that may be downloaded: what would be refused is not offered as a link."""
    held = {file.sha256 for file in files if file.sha256}
    may = {one for one in held if access.may(desk.library, Use.REDISTRIBUTE, identifier, one).allowed}
    return {one for one in may if not amiss(desk, one)}


def damaged(desk: Desk, files: tuple[FileView, ...]) -> dict[str, str]:
    """Why those of the files that are held cannot be given just now, by digest."""
    told = {file.sha256: amiss(desk, file.sha256) for file in files if file.sha256}
    return {sha256: why for sha256, why in told.items() if why}


class Bytes:
    """``/media/ID/SHA256``: a file of a track or a release, whole or in ranges; ``?download`` offers it for keeping."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the gate, then send. Raises what the gate and the store raise, before anything is sent."""
        parameters = scope["path_params"]
        keep = b"download" in scope["query_string"]
        asked = Use.REDISTRIBUTE if keep else Use.STREAM, parameters["id"], parameters["sha256"]
        await send_payload(scope, receive, send, self._granted(*asked))

    def _granted(self, use: Use, identifier: str, sha256: str) -> Payload:
        """What the gate answers, remembered for as long as neither build nor decisions change.

        The answer follows from these alone, so asking again would give it again; a refusal is never remembered.
        """
        library = self._desk.library
        with library.reading() as reading:
            known = _Grants.of(reading)
            payload = known.payloads.get((use, identifier, sha256))
            if payload is None or payload.path is None or not payload.path.exists():
                granted = access.grant(library, self._desk.objects, use, identifier, sha256)
                payload = known.payloads[use, identifier, sha256] = _payload(granted, keep=use is Use.REDISTRIBUTE)
            return payload


class _Grants:
    """Permissions given under one set of decisions, over one build."""

    def __init__(self) -> None:
        self.decisions: Decisions | None = None
        self.payloads: dict[tuple[Use, str, str], Payload] = {}
        self.covers: dict[str, tuple[str, str] | None] = {}

    @staticmethod
    def of(reading: Reading) -> _Grants:
        """Those that still hold; none where the decisions have changed."""
        known = reading.snapshot.once("web grants", _Grants)
        if known.decisions is not reading.decisions or len(known.payloads) + len(known.covers) > _REMEMBERED:
            known.decisions, known.payloads, known.covers = reading.decisions, {}, {}
        return known


def _payload(granted: access.Grant, *, keep: bool) -> Payload:
    item = granted.item
    media_type, attachment = served_type(item.media_type)
    return Payload(granted.path, item.sha256, item.size, media_type, item.name, attachment or keep)


class Covers:
    """``/art/ID/SIZE``: the cover of a release if there is one that may be shown, else a picture drawn from the id."""

    def __init__(self, desk: Desk, *, kept: int = 4096) -> None:
        self._desk = desk
        self._limit = anyio.CapacityLimiter(_DRAWING)
        self._drawn = functools.lru_cache(kept)(drawn)
        self._small = functools.lru_cache(kept // 4)(small)

    async def answer(self, request: Request) -> Response:
        """Answer with a picture, or 304 where the browser has it."""
        identifier, size = request.path_params["id"], request.path_params["size"]
        if size not in SIZES:
            raise NotFound(f"size {size}", f"covers come in {', '.join(map(str, SIZES))} pixels")
        source = self._source(identifier)
        etag = f'"{source[0] if source else "drawn"}-{identifier}-{size}-webp"'
        headers = {"etag": etag, "cache-control": _FRESH, "content-type": "image/webp"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        body = await anyio.to_thread.run_sync(self._picture, identifier, size, source, limiter=self._limit)
        return Response(body, headers=headers)

    def _source(self, identifier: str) -> tuple[str, str] | None:
        """Digest and path of a cover that may be shown. Raises NotFound for an id that names nothing."""
        with self._desk.library.reading() as reading:
            known = _Grants.of(reading)
            if identifier not in known.covers:
                kind, _ = reading.snapshot.find(identifier)
                known.covers[identifier] = self._cover(identifier) if kind == "release" else None
            return known.covers[identifier]

    def _cover(self, release: str) -> tuple[str, str] | None:
        try:
            granted = access.grant(self._desk.library, self._desk.objects, Use.STREAM, release)
        except PhonolithError:
            return None
        return granted.item.sha256, str(granted.path)

    def _picture(self, identifier: str, size: int, source: tuple[str, str] | None) -> bytes:
        made = self._small(source[1], source[0], size) if source else None
        return made or self._drawn(identifier, size)

"""Held bytes, access copies and covers, each only after the gate was asked for this very request."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from pathlib import PurePath

import anyio
import anyio.to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from phonolith.errors import Damaged, NotFound, PhonolithError, StorageError, UsageError
from phonolith.library import access
from phonolith.library.reading import Reading
from phonolith.library.views import FileView, ReleasePage, TrackRow
from phonolith.model.rights import Use
from phonolith.rights.decisions import Decisions
from phonolith.store.copies import FORMS, AccessCopies, Copy
from phonolith.web.art import SIZES, drawn, small
from phonolith.web.desk import Desk
from phonolith.web.names import served_type
from phonolith.web.ranges import Payload, send_payload
from phonolith.web.words import playing_type

#: Pictures are made by so many threads at once, so that pages and sound are not held up by them.
_DRAWING = 2
_FRESH = "private, max-age=600"
_REMEMBERED = 10_000
#: The forms of an access copy by what ``?quality=`` says.
_QUALITIES = {"access": "opus", "aac": "aac"}
_WAVEFORM = "peaks"


@dataclass(frozen=True, slots=True)
class Playable:
    """A file of a track for the player: its address, and the media type to ask the browser about.

    ``copy``: it is a small copy made for listening, not the original. ``waveform`` is the address of its loudness from
    end to end, as JSON; "" where none was made.
    """

    url: str
    type: str
    size: int
    copy: bool = False
    waveform: str = ""


def playable(desk: Desk, identifier: str) -> list[Playable]:
    """The audio files of a track that may be played and are sound, best first, then access copies. Raises NotFound."""
    items = [one for one in access.playable(desk.library, identifier) if not amiss(desk, one.sha256)]
    originals, copies = [], []
    for item in items:
        address = f"/media/{identifier}/{item.sha256}"
        made = _made(desk, identifier, item.sha256)
        waveform = f"{address}/waveform" if _WAVEFORM in made else ""
        kind = playing_type(item.media_type, item.codec)
        originals.append(Playable(address, kind, item.size, False, waveform))
        copies += [
            Playable(f"{address}?quality={quality}", copy.media_type, copy.size, True, waveform)
            for quality, form in _QUALITIES.items()
            if (copy := made.get(form))
        ]
    return originals + copies


def _made(desk: Desk, identifier: str, sha256: str) -> Mapping[str, Copy]:
    """What was made of a file, by its form; nothing where re-encoding is not allowed."""
    told = AccessCopies(desk.archive.access).of(sha256)
    if told is None or not told.forms or not access.may(desk.library, Use.REENCODE, identifier, sha256).allowed:
        return {}
    return told.forms


def amiss(desk: Desk, sha256: str) -> str:
    """Why the bytes of a held object cannot be given just now, as a sentence for visitors; "" where they can."""
    try:
        desk.objects.path(sha256)
    except (Damaged, NotFound):
        return "What is held of it was found damaged or missing; it comes back when the operator has restored it."
    except StorageError:
        return "The disk it is kept on is not connected at the moment."
    return ""


def sound(desk: Desk, page: ReleasePage) -> ReleasePage:
    """The page of a release as it can be heard now: a track whose audio is amiss plays no more than one not held."""
    played = [one.id for disc in page.discs for one in disc.tracks if one.playable]
    silent = {one for one, files in access.sounds(desk.library, played).items() if all(amiss(desk, f) for f in files)}
    if not silent:
        return page
    discs = tuple(replace(disc, tracks=tuple(_heard(one, silent) for one in disc.tracks)) for disc in page.discs)
    return replace(page, discs=discs, playable=page.playable - len(silent))


def _heard(one: TrackRow, silent: Set[str]) -> TrackRow:
    return replace(one, playable=False) if one.id in silent else one


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
    """``/media/ID/SHA256``: a file of a track or a release, whole or in ranges; ``?download`` offers it for keeping.

    ``?quality=access`` (or ``aac``) answers with a small copy of it for listening, where there is one and the gate
    allows re-encoding too. ``waveform``: answers with the waveform of it instead, under the same conditions.
    """

    def __init__(self, desk: Desk, *, waveform: bool = False) -> None:
        self._desk = desk
        self._waveform = waveform

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the gate, then send, and ask again while a long answer goes out.

        Raises what the gate and the store raise, before anything is sent or in the middle of it.
        """
        parameters = scope["path_params"]
        if self._waveform:
            asked = Use.STREAM, parameters["id"], parameters["sha256"]
            await send_payload(scope, receive, send, self._granted(*asked, _WAVEFORM))
            return
        keep = b"download" in scope["query_string"]
        asked = Use.REDISTRIBUTE if keep else Use.STREAM, parameters["id"], parameters["sha256"]
        quality = QueryParams(scope["query_string"]).get("quality", "") if b"quality" in scope["query_string"] else ""
        if quality and quality not in _QUALITIES:
            raise UsageError(f"quality {quality}", f"there are {' and '.join(_QUALITIES)}", "Leave it out")
        form = _QUALITIES.get(quality, "")

        async def watched(message: Message) -> None:
            """Send on, unless the gate says no by now: then the answer is broken off."""
            if message.get("more_body"):
                self._granted(*asked, form)
            await send(message)

        await send_payload(scope, receive, watched, self._granted(*asked, form))

    def _granted(self, use: Use, identifier: str, sha256: str, form: str) -> Payload:
        """What the gate answers, remembered for as long as neither build nor decisions change.

        The answer follows from these alone, so asking again would give it again; a refusal is never remembered.
        """
        library = self._desk.library
        with library.reading() as reading:
            known = _Grants.of(reading)
            payload = known.payloads.get((use, identifier, sha256, form))
            if payload is None or payload.path is None or not payload.path.exists():
                granted = access.grant(library, self._desk.objects, use, identifier, sha256)
                payload = _payload(granted, keep=use is Use.REDISTRIBUTE)
                if form:
                    access.grant(library, self._desk.objects, Use.REENCODE, identifier, sha256)
                    payload = self._copy(payload, form)
                known.payloads[use, identifier, sha256, form] = payload
            return payload

    def _copy(self, original: Payload, form: str) -> Payload:
        """The access copy in place of the original. Raises NotFound where none was made."""
        copies = AccessCopies(self._desk.archive.access)
        told = copies.of(original.sha256)
        made = told.forms.get(form) if told else None
        if made is None:
            raise NotFound(original.name, "no copy of it was made for listening", "Ask for it without quality")
        media_type, attachment = served_type(made.media_type)
        if form == _WAVEFORM:
            media_type, attachment = "application/json", False  # numbers that this program wrote
        name = PurePath(original.name).stem + FORMS[form]
        path = copies.path(original.sha256, form)
        return Payload(path, made.sha256, made.size, media_type, name, attachment or original.attachment)


class _Grants:
    """Permissions given under one set of decisions, over one build."""

    def __init__(self) -> None:
        self.decisions: Decisions | None = None
        self.payloads: dict[tuple[Use, str, str, str], Payload] = {}
        self.covers: dict[str, tuple[tuple[str, str], ...]] = {}

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
        sources = self._sources(identifier)
        etag = f'"{sources[0][0] if sources else "drawn"}-{identifier}-{size}-webp"'
        headers = {"etag": etag, "cache-control": _FRESH, "content-type": "image/webp"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        body = await anyio.to_thread.run_sync(self._picture, identifier, size, sources, limiter=self._limit)
        return Response(body, headers=headers)

    def _sources(self, identifier: str) -> tuple[tuple[str, str], ...]:
        """Digests and paths of a cover that may be shown, cheapest first. Raises NotFound for an id of nothing."""
        with self._desk.library.reading() as reading:
            known = _Grants.of(reading)
            if identifier not in known.covers:
                kind, _ = reading.snapshot.find(identifier)
                known.covers[identifier] = self._cover(identifier) if kind == "release" else ()
            return known.covers[identifier]

    def _cover(self, release: str) -> tuple[tuple[str, str], ...]:
        """The thumbnail, if one was made, and the picture itself."""
        try:
            granted = access.grant(self._desk.library, self._desk.objects, Use.STREAM, release)
        except PhonolithError:
            return ()
        sha256, copies = granted.item.sha256, AccessCopies(self._desk.archive.access)
        whole, told = (sha256, str(granted.path)), copies.of(sha256)
        made = told.forms.get("thumbnail") if told else None
        if made is None or not access.may(self._desk.library, Use.REENCODE, release, sha256).allowed:
            return (whole,)
        return (made.sha256, str(copies.path(sha256, "thumbnail"))), whole

    def _picture(self, identifier: str, size: int, sources: tuple[tuple[str, str], ...]) -> bytes:
        made = (self._small(path, sha256, size) for sha256, path in sources)
        return next(filter(None, made), None) or self._drawn(identifier, size)

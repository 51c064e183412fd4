"""Looks at bytes: at both ends of a file, at its header, or at all of it, checked against its list and decoded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from phonolith.audit.payload.content import EMPTY, HEAD, NOTES, ZEROS, content_kind, is_sound
from phonolith.audit.payload.hearing import Hear, Heard
from phonolith.audit.payload.listing import Item
from phonolith.audit.torrents import AUDIO, UNKNOWN

CHUNK = 1 << 20
_PADDING = 0.1  # seconds that encoders of lossy sound add to a file


@dataclass(frozen=True, slots=True)
class Seen:
    """What reading all of a file showed. ``shown``: it is here, and is what its list means.

    ``track``: whether it plays to its end, None where that cannot be told. ``seconds`` and ``bits`` are the least and
    the most that it plays for, and its bits a second.
    """

    item: Item
    shown: bool
    kind: str = UNKNOWN
    track: bool | None = None
    why: str = ""
    sha256: str = ""
    seconds: tuple[float, float] = (0.0, 0.0)
    bits: tuple[float, float] = (0.0, 0.0)
    samples: str = ""


def probe(item: Item) -> str:
    """The kind of a file by its first and last bytes, unknown where it is not here or cannot be read."""
    if item.path is None:
        return UNKNOWN
    try:
        with item.path.open("rb") as file:
            head = file.read(HEAD)
            file.seek(max(0, os.fstat(file.fileno()).st_size - HEAD))
            return content_kind(head, file.read(HEAD))
    except OSError:
        return UNKNOWN


def read(item: Item, hear: Hear | None, advance: Callable[[int], None] = lambda _: None) -> Seen:
    """Read all of a file and decode it. Never raises on what a file or a disk does: then it is not shown.

    ``hear`` is None where only bytes are asked for; ``advance`` is told of bytes as they are read.
    """
    if item.path is None:
        return Seen(item, shown=False, why="is not here")
    check = item.proof.check() if item.proof else None
    told, zeros, head, tail = hashlib.sha256(), True, b"", b""
    try:
        with item.path.open("rb", buffering=0) as file:
            while data := _chunk(file):
                view = memoryview(data)
                told.update(view)
                if check:
                    check.update(view)
                zeros = zeros and not any(view[: 1 << 12]) and data.count(0) == len(data)
                head, tail = head or data[:HEAD], (tail + data)[-HEAD:]
                advance(len(data))
    except OSError as error:
        return Seen(item, shown=False, why=f"cannot be read: {error.strerror}")
    sha256 = told.hexdigest()
    fits = check.fits(sha256) if check else True
    if not fits:
        return Seen(item, shown=False, sha256=sha256, why=_UNFIT[fits])
    return _content(item, content_kind(head, tail, zeros=zeros), head, sha256, hear)


def _content(item: Item, kind: str, head: bytes, sha256: str, hear: Hear | None) -> Seen:
    """What the bytes are, now that they are those that are meant."""
    if kind in (EMPTY, ZEROS) or is_sound(kind) is False:
        return Seen(item, True, kind, False, _NO_SOUND.get(kind, f"is of {kind}"), sha256)
    if hear is None or item.path is None or head.startswith(NOTES):
        return Seen(item, True, kind, None, "was not decoded", sha256)
    heard = hear(item.path)
    if heard.ends in ("video", "no sound") and kind in AUDIO:
        kind = "video" if heard.ends == "video" else UNKNOWN
    elif kind == UNKNOWN and heard.seconds:
        kind = AUDIO[0] if heard.lossless else AUDIO[1]
    elif heard.lossless and kind in AUDIO:
        kind = AUDIO[0]
    track = {"plays": True, "not decoded": None}.get(heard.ends, False)
    sounds = heard.ends in ("plays", "truncated")
    return Seen(
        item,
        True,
        kind,
        track,
        _ENDINGS.get(heard.ends, "") if not track else "",
        sha256,
        _seconds(heard) if sounds else (0.0, max(heard.stated, 0.0) if track is None else 0.0),
        _bits(heard, item.size or 0) if sounds else (0.0, 0.0),
        heard.digest if sounds else "",
    )


def _seconds(heard: Heard) -> tuple[float, float]:
    """How long it plays: as decoded, but for what encoders of lossy sound add and players cut off or do not."""
    if heard.ends == "truncated" or heard.lossless:
        return heard.seconds, heard.seconds
    low, high = min(heard.seconds, heard.stated or heard.seconds), max(heard.seconds, heard.stated)
    return max(0.0, low - _PADDING), high if high < low * 1.1 + 1 else heard.seconds


def _bits(heard: Heard, size: int) -> tuple[float, float]:
    """Bits a second: of all bytes over all its time, and as its header has it of the sound alone."""
    whole = 8 * size / heard.seconds if heard.seconds else 0.0
    stated = float(heard.bitrate) or whole
    return min(whole, stated), max(whole, stated)


def _chunk(file: object) -> bytes:
    """A chunk that is full but at the file's end."""
    found = bytearray()
    while len(found) < CHUNK and (part := file.read(CHUNK - len(found))):  # type: ignore[attr-defined]
        found += part
    return bytes(found)


_UNFIT = {False: "is not what its list means", None: "shares its pieces with files that are not here", True: ""}
_NO_SOUND = {EMPTY: "is empty", ZEROS: "is nothing but zero bytes"}
_ENDINGS = {
    "truncated": "ends before its header says",
    "silent": "is silent from end to end",
    "video": "is video",
    "no sound": "holds no sound that can be decoded",
    "not decoded": "is of a format that is not decoded here",
}

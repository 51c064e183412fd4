"""Reads the header of an ASF file (Windows Media Audio): ASF specification, revision 01.20.05, section 3."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO
from uuid import UUID

_HEADER = UUID("75b22630-668e-11cf-a6d9-00aa0062ce6c").bytes_le
_FILE = UUID("8cabdca1-a947-11cf-8ee4-00c00c205365").bytes_le
_STREAM = UUID("b7dc0791-a9b7-11cf-8ee6-00c00c205365").bytes_le
_AUDIO = UUID("f8699e40-5b4d-11cf-a8fd-00805f5c442b").bytes_le
_CONTENT = UUID("75b22633-668e-11cf-a6d9-00aa0062ce6c").bytes_le
_EXTENDED = UUID("d2d0a440-e307-11d2-97f0-00a0c95ea850").bytes_le

_LARGEST = 64 * 1024 * 1024
_CODECS = {0x160: "wmav1", 0x161: "wmav2", 0x162: "wmapro", 0x163: "wmalossless", 0x0A: "wmavoice"}
_NAMES = {
    "wm/albumtitle": "album",
    "wm/albumartist": "albumartist",
    "wm/tracknumber": "track",
    "wm/partofset": "disc",
    "wm/year": "year",
    "wm/genre": "genre",
    "wm/composer": "composer",
    "wm/publisher": "publisher",
    "wm/lyrics": "lyrics",
    "wm/isrc": "isrc",
    "wm/barcode": "barcode",
    "wm/catalogno": "catalognumber",
    "copyright": "copyright",
}
_PICTURES = {3: "front", 4: "back", 5: "leaflet", 6: "media"}


@dataclass
class AsfHeader:
    """What the header says. ``covers`` are (bytes, media type, kind)."""

    duration_ms: int = 0
    bitrate: int | None = None
    codec: str = ""
    sample_rate: int | None = None
    channels: int | None = None
    tags: dict[str, list[str]] = field(default_factory=dict)
    covers: list[tuple[bytes, str, str]] = field(default_factory=list)


def read_header(file: BinaryIO) -> AsfHeader:
    """Read the header object at the file's start. Raises ValueError where there is none."""
    start = file.read(30)
    if len(start) < 30 or start[:16] != _HEADER:
        raise ValueError("it does not begin with an ASF header")
    size = int.from_bytes(start[16:24], "little")
    if not 30 <= size <= _LARGEST:
        raise ValueError(f"its ASF header claims {size:,} bytes")
    data = file.read(size - 30)
    header = AsfHeader()
    at = 0
    while at + 24 <= len(data):
        length = int.from_bytes(data[at + 16 : at + 24], "little")
        if length < 24:
            break
        _object(header, data[at : at + 16], data[at + 24 : at + length])
        at += length
    return header


def _object(header: AsfHeader, kind: bytes, body: bytes) -> None:
    if kind == _FILE and len(body) >= 80:
        play, _, preroll = struct.unpack_from("<QQQ", body, 40)
        header.duration_ms = max(0, play // 10_000 - preroll)
    elif kind == _STREAM and len(body) >= 54 + 16 and body[:16] == _AUDIO:
        form, header.channels, header.sample_rate, rate = struct.unpack_from("<HHII", body, 54)
        header.bitrate, header.codec = rate * 8, _CODECS.get(form, f"wma {form:#x}")
    elif kind == _CONTENT and len(body) >= 10:
        at = 10
        for name, length in zip(
            ("title", "artist", "copyright", "comment", "rating"), struct.unpack_from("<5H", body), strict=True
        ):
            _put(header, name, _text(body[at : at + length]))
            at += length
    elif kind == _EXTENDED and len(body) >= 2:
        _extended(header, body)


def _extended(header: AsfHeader, body: bytes) -> None:
    at = 2
    for _ in range(int.from_bytes(body[:2], "little")):
        if at + 2 > len(body):
            return
        length = int.from_bytes(body[at : at + 2], "little")
        name = _text(body[at + 2 : at + 2 + length])
        at += 2 + length
        if at + 4 > len(body):
            return
        kind, length = struct.unpack_from("<HH", body, at)
        value = body[at + 4 : at + 4 + length]
        at += 4 + length
        if name.lower() == "wm/picture":
            _picture(header, value)
        elif kind == 0:
            _put(header, name, _text(value))
        elif kind in (2, 3, 4, 5):
            _put(header, name, str(int.from_bytes(value, "little")))


def _picture(header: AsfHeader, value: bytes) -> None:
    """One byte of kind, four of size, media type and description in UTF-16 with a zero each, then the picture."""
    if len(value) < 9:
        return
    size = int.from_bytes(value[1:5], "little")
    texts, at = [], 5
    for _ in range(2):
        end = at
        while end + 2 <= len(value) and value[end : end + 2] != b"\0\0":
            end += 2
        texts.append(_text(value[at:end]))
        at = end + 2
    header.covers.append((value[at : at + size], texts[0], _PICTURES.get(value[0], "other")))


def _put(header: AsfHeader, name: str, value: str) -> None:
    if value:
        key = name.lower()
        header.tags.setdefault(_NAMES.get(key, key), []).append(value)


def _text(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace").rstrip("\0")

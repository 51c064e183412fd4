"""What bytes are by themselves, whatever they are called: by their first and last, in the kinds of torrents.KINDS."""

from __future__ import annotations

import re

from phonolith.audit.torrents import AUDIO, UNKNOWN
from phonolith.sources.tag_reader import sniff_bytes

HEAD = 4096  # bytes that are looked at from either end
EMPTY, ZEROS = "empty files", "zero bytes"
NOTES = (b"MThd", b"IMPM", b"Extended Module:")  # sound as instructions, of which nothing is decoded

_LOSSLESS = frozenset(["FLAC", "Monkey's Audio", "WavPack", "DSF", "WAV", "AIFF", "True Audio", "TAK"])
_TEXTS = "playlists, texts and checksums"
_EXPORTS = "catalogues and exports"
_MAGIC = (
    (b"\xff\xd8\xff", "images"),
    (b"\x89PNG\r\n\x1a\n", "images"),
    (b"GIF8", "images"),
    (b"II*\0", "images"),
    (b"MM\0*", "images"),
    (b"SQLite format 3\0", _EXPORTS),
    (b"PK\x03\x04", _EXPORTS),
    (b"\x1f\x8b\x08", _EXPORTS),
    (b"\x28\xb5\x2f\xfd", _EXPORTS),
    (b"\xfd7zXZ\0", _EXPORTS),
    (b"BZh", _EXPORTS),
    (b"PAR1", _EXPORTS),
    (b"Rar!\x1a\x07", _EXPORTS),
    (b"7z\xbc\xaf\x27\x1c", _EXPORTS),
    (b"%PDF-", _TEXTS),
    *((magic, AUDIO[1]) for magic in NOTES),
)
_TEXT = re.compile(rb"[\t\n\r\f\x20-\xff]+")


def content_kind(head: bytes, tail: bytes, *, zeros: bool | None = None) -> str:
    """The kind by the first and the last bytes; unknown where these do not tell.

    ``zeros``: whether all bytes are zero, where all were read. Sound is what begins as sound does.
    """
    if not head:
        return EMPTY
    if zeros or (zeros is None and not any(head) and not any(tail)):
        return ZEROS
    if name := sniff_bytes(head):
        return AUDIO[0] if name in _LOSSLESS else AUDIO[1]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "images"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _is_text(head) and _is_text(tail):
        return _TEXTS
    return UNKNOWN


def is_sound(kind: str) -> bool | None:
    """Whether a file of this kind may be sound: None where only its decoder can tell.

    Zeros at both ends may lie before and behind sound, and what is unknown may be of a format that is not known here.
    """
    if kind in (UNKNOWN, ZEROS) or kind in AUDIO:
        return None
    return False


def _is_text(data: bytes) -> bool:
    if not _TEXT.fullmatch(data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError as error:  # but for a letter that was cut at either end
        return error.start >= len(data) - 4 or error.start < 4
    return True

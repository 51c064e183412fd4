"""Public ids: what URLs, playlists, decisions and exports name a thing by, through every build."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Sequence

_ID = re.compile(r"[a-z2-7]{16}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [one + other for one in _LETTERS for other in _LETTERS]  # ten bits at a time: ids are made by the million
_MARK = b"\xff"  # never occurs in UTF-8, so what follows it is unmistakable
_ISRC_MIDDLE = 140_000_000_000_000  # packed ISRCs lie around 0, so that nearly all take 6 bytes in SQLite

#: Kinds of thing that have a page, in the order of their code in the catalogue.
KINDS = ("track", "release", "artist", "label")


def public_id(source: str, source_id: str) -> str:
    """The public id of a description: 16 characters of lower-case base32 (RFC 4648, section 6).

    It is the first 80 bits of SHA-256(source ‖ 0x00 ‖ source id), both as UTF-8; lone surrogates, which some sources
    contain, are kept apart by ``surrogatepass``. It depends on nothing that a build decides.
    """
    digest = hashlib.sha256(f"{source}\0{source_id}".encode("utf-8", "surrogatepass")).digest()
    bits = int.from_bytes(digest[:10], "big")
    return "".join([_PAIRS[bits >> shift & 1023] for shift in (70, 60, 50, 40, 30, 20, 10, 0)])


def is_public_id(text: str) -> bool:
    """Whether the text has the form of a public id."""
    return _ID.fullmatch(text) is not None


def public_key(identifier: str) -> int:
    """The first 64 bits of a public id as an integer: what a build joins by."""
    return int.from_bytes(base64.b32decode(identifier.upper())[:8], "big")


def permalink_place(key: int, bits: int) -> tuple[int, int]:
    """Where the catalogue keeps the public id with this :func:`public_key`: its bucket, and the next 8 bits.

    ``bits`` is how many of the id's first bits number the buckets (``permalink_bits`` in ``meta``).
    """
    return key >> (64 - bits), key >> (56 - bits) & 255


def permalink_targets(entries: bytes, mark: int) -> list[int]:
    """The targets (row * 4 + kind) in a bucket whose mark is ``mark``. An entry is a byte and 4 bytes, big-endian."""
    return [int.from_bytes(entries[at + 1 : at + 5], "big") for at in range(0, len(entries), 5) if entries[at] == mark]


def code_rows(entries: bytes, code: int) -> list[int]:
    """The rows in a block of the catalogue's table ``code`` that may have the code; the row itself says for certain.

    An entry is the last 8 bits of its code and 4 bytes of row, big-endian.
    """
    mark = code & 255
    return [int.from_bytes(entries[at + 1 : at + 5], "big") for at in range(0, len(entries), 5) if entries[at] == mark]


def split_reference(text: str) -> tuple[str, str]:
    """Split ``track:abcd…`` into kind and id; a bare id has kind ``""``. Raises ValueError on anything else."""
    kind, _, identifier = text.rpartition(":")
    if kind and kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    if not is_public_id(identifier):
        raise ValueError(f"{identifier!r} is not an id: ids have 16 characters, a-z and 2-7")
    return kind, identifier


def folded_name(name: str) -> str:
    """A name as it is compared within a source: Unicode NFKC, case folded, runs of white space as one space."""
    if name.isascii():
        return " ".join(name.lower().split())
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def named_artist(name: str) -> str:
    """The source id of an artist that its source knows by name only: ``artist:`` and the folded name."""
    return f"artist:{folded_name(name)}"


def named_label(name: str) -> str:
    """The source id of a label that its source knows by name only: ``label:`` and the folded name."""
    return f"label:{folded_name(name)}"


def implicit_release(track: str) -> str:
    """The source id of the release that is made for a track without one."""
    return f"release-of:{track}"


def genre_key(name: str) -> str:
    """The key of a genre in addresses: letters and digits without case and accents, joined by single spaces.

    ``Hip-Hop`` and ``hip hop`` have one key. A name without letters and digits is its own key, folded.
    """
    plain = unicodedata.normalize("NFKD", name).casefold()
    kept = "".join(" " if not c.isalnum() else c for c in plain if not unicodedata.combining(c))
    return " ".join(kept.split()) or folded_name(name)


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in lower case with hyphens (RFC 9562, section 4)."""
    return len(text) == 36 and text[8] == "-" and _UUID.fullmatch(text) is not None


def all_uuids(texts: Sequence[str]) -> bool:
    """Whether every text is one that :func:`is_uuid` takes: looked at together, at a third of the time."""
    joined, count = "".join(texts), len(texts)
    if set(map(len, texts)) - {36} or any(joined[place::36] != "-" * count for place in (8, 13, 18, 23)):
        return False
    digits = joined.encode("ascii", "replace").replace(b"-", b"")
    return len(digits) == 32 * count and not digits.translate(None, b"0123456789abcdef")


def pack_source_id(text: str) -> bytes | str:
    """A source id as the catalogue stores it: 16 bytes if it is a UUID in lower case with hyphens, else the text.

    Text that SQLite cannot hold as such (lone surrogates, NUL) becomes a BLOB of 0xFF and its ``surrogatepass``
    UTF-8; a second 0xFF keeps it from having the length of a UUID.
    """
    if is_uuid(text):
        return bytes.fromhex(text.replace("-", ""))
    if text.isascii() and "\0" not in text:
        return text
    try:
        raw = text.encode()
        if b"\0" not in raw:
            return text
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogatepass")
    packed = _MARK + raw
    return packed if len(packed) != 16 else _MARK + packed


def unpack_source_id(value: bytes | str | int) -> str:
    """The source id that :func:`pack_source_id` stored as ``value``."""
    if not isinstance(value, bytes):
        return str(value)
    if len(value) != 16:
        return value.lstrip(_MARK).decode("utf-8", "surrogatepass")
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def pack_isrc(isrc: str) -> int | None:
    """An ISRC (ISO 3901, 12 characters without hyphens) as an integer in order of the text; None if it is not one.

    Two letters in base 26, three letters or digits in base 36 (digits first), then seven digits; less a constant.
    """
    if len(isrc) != 12 or not _ISRC.fullmatch(isrc):
        return None
    prefix = (ord(isrc[0]) - 65) * 26 + ord(isrc[1]) - 65
    return (prefix * 46656 + int(isrc[2:5], 36)) * 10_000_000 + int(isrc[5:]) - _ISRC_MIDDLE


def unpack_isrc(packed: int) -> str:
    """The ISRC that :func:`pack_isrc` packed."""
    high, digits = divmod(packed + _ISRC_MIDDLE, 10_000_000)
    prefix, registrant = divmod(high, 46656)
    figures = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    letters = figures[10 + prefix // 26] + figures[10 + prefix % 26]
    middle = figures[registrant // 1296] + figures[registrant // 36 % 36] + figures[registrant % 36]
    return f"{letters}{middle}{digits:07d}"

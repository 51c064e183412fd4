"""Public ids: what URLs, playlists, decisions and exports name a thing by, through every build."""

from __future__ import annotations

import base64
import hashlib
import re

_ID = re.compile(r"[a-z2-7]{16}")

#: Kinds of thing that have a page, in the order of their code in the catalogue.
KINDS = ("track", "release", "artist", "label")


def public_id(source: str, source_id: str) -> str:
    """The public id of a description: 16 characters of lower-case base32 (RFC 4648, section 6).

    It is the first 80 bits of SHA-256(source ‖ 0x00 ‖ source id), both as UTF-8; lone surrogates, which some sources
    contain, are kept apart by ``surrogatepass``. It depends on nothing that a build decides.
    """
    digest = hashlib.sha256(f"{source}\0{source_id}".encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest[:10]).decode("ascii").lower()


def is_public_id(text: str) -> bool:
    """Whether the text has the form of a public id."""
    return _ID.fullmatch(text) is not None


def permalink_key(identifier: str) -> int:
    """The first 40 bits of a public id as an integer, 0 ≤ key < 2**40: where the catalogue's look-up starts probing."""
    return int.from_bytes(base64.b32decode(identifier.upper())[:5], "big")


def split_reference(text: str) -> tuple[str, str]:
    """Split ``track:abcd…`` into kind and id; a bare id has kind ``""``. Raises ValueError on anything else."""
    kind, _, identifier = text.rpartition(":")
    if kind and kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    if not is_public_id(identifier):
        raise ValueError(f"{identifier!r} is not an id: ids have 16 characters, a-z and 2-7")
    return kind, identifier

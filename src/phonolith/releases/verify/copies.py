"""What a copy is said to hold, whoever says so: files with their digests, and the pieces that bytes are proved by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from phonolith.model.finding import Finding
from phonolith.releases.verify.listing import Listing

#: Algorithms of manifests that prove anything (RFC 8493, section 2.4), with hexadecimal digits.
ALGORITHMS: Mapping[str, int] = {"sha256": 64, "sha512": 128}


class Digest(NamedTuple):
    """A digest of a whole file in hexadecimal, and the path of the list in the copy that says so, "" if none does."""

    algorithm: str
    value: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """BEP 52: a file's pieces root and the hash of each of its pieces, 32 bytes each; the root where there is one."""

    root: bytes
    layer: bytes
    piece_length: int


class Expected(NamedTuple):
    """A file that should be there. ``size`` in bytes, None where nobody says; ``digests`` may be none."""

    path: str
    size: int | None
    digests: tuple[Digest, ...] = ()
    root: bytes = b""


@dataclass(frozen=True, slots=True)
class Stream:
    """A torrent of version 1: SHA-1 of each piece, over files one behind another. A pad has the path ""."""

    piece_length: int
    hashes: bytes
    spans: tuple[tuple[str, int], ...]


def _no_tree(_: Expected) -> Tree | None:
    return None


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy as it was recognised, with nothing read yet but what says what should be in it.

    ``kind`` is ``bag``, ``torrent`` or ``archive``; ``name`` what its folder or its only file is called in a torrent.
    ``strict`` is the folder in which an unlisted file is an error, "" if there is none. ``own`` are paths that belong
    to it without being listed.
    """

    kind: str
    name: str
    root: Path
    expected: Mapping[str, Expected]
    listing: Listing
    findings: tuple[Finding, ...] = ()
    stream: Stream | None = None
    tree_of: Callable[[Expected], Tree | None] = field(default=_no_tree)
    strict: str = ""
    own: frozenset[str] = frozenset()
    torrent: Path | None = None

"""Composes metainfo from passports: the torrent of any grouping of held objects, without reading one byte of them.

A hybrid torrent (BEP 52, "Upgrade Path") pads each file to a piece boundary (BEP 47), so the pieces of a file do not
depend on what stands before it, and those of the bundle are those of its files behind one another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter

from phonolith import __version__
from phonolith.errors import UsageError
from phonolith.model import paths
from phonolith.store.bencode import Value, encode
from phonolith.store.passport import Passport


class Kind(StrEnum):
    """Which clients a torrent is for: ``hybrid`` for all that follow BEP 52 or BEP 47, the others for one side only."""

    HYBRID = "hybrid"
    V1 = "v1"
    V2 = "v2"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a bundle: its path below the bundle's folder, and the passport of its bytes."""

    path: tuple[str, ...]
    passport: Passport
    key: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", tuple(part.encode() for part in self.path))


@dataclass(frozen=True, slots=True)
class Words:
    """What a metainfo file says besides its info. ``trackers`` are tiers (BEP 12), ``created`` seconds since 1970."""

    trackers: tuple[tuple[str, ...], ...] = ()
    web_seeds: tuple[str, ...] = ()
    comment: str = ""
    created: int | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """A metainfo file as bytes, and its infohashes: SHA-1 of info, b"" without a v1 side; SHA-256, b"" without v2."""

    data: bytes
    v1: bytes
    v2: bytes


def compose(name: str, entries: Iterable[Entry], kind: Kind = Kind.HYBRID, words: Words | None = None) -> Composed:
    """The metainfo file of a folder ``name`` with these files.

    The same files give the same bytes in whatever order they come. The files are laid out alike for each kind, so one
    seeder's bytes serve all. A single file of the bundle's own name is a torrent without a folder (BEP 52).

    Raises UsageError where there are no files, two have one path or one is in another, a path is not portable, or the
    passports are not of one piece length.
    """
    files = sorted(entries, key=attrgetter("key"))
    length = _check(name, files)
    parts = {Kind.HYBRID: (_tree, _list), Kind.V1: (_list,), Kind.V2: (_tree,)}[kind]
    info = {b"name": _string(name.encode()), b"piece length": b"i%de" % length}
    for part in parts:
        info |= part(files, length)
    if b"files" in info and len(files) == 1 and files[0].path == (name,):
        del info[b"files"]
        info[b"length"] = b"i%de" % files[0].passport.size
    raw = _dictionary(info)
    whole = {b"info": raw, **_said(words or Words())}
    if kind is not Kind.V1:
        whole[b"piece layers"] = _dictionary(
            {one.passport.root: _string(one.passport.layer) for one in files if one.passport.layer}
        )
    one = b"" if kind is Kind.V2 else hashlib.sha1(raw, usedforsecurity=False).digest()
    two = b"" if kind is Kind.V1 else hashlib.sha256(raw).digest()
    return Composed(_dictionary(whole), one, two)


def padding(seq: int, size: int) -> tuple[str, str]:
    """The path of a pad file: names are unique, because rtorrent refuses a torrent that has one twice."""
    return ".pad", f"{seq}-{size}"


def _check(name: str, files: Sequence[Entry]) -> int:
    """The piece length of the files."""
    lengths = {one.passport.piece_length for one in files if one.passport.size}
    if len(lengths) != 1:
        problem = "has files of both size classes" if lengths else "has no file with a byte in it"
        raise UsageError(f"bundle {name}", problem, "A bundle holds files of one class")
    for path in ((name,), *(one.path for one in files)):
        if not paths.portable(path) or path[0] == ".pad":
            raise UsageError(f"bundle {name}", f"the path {'/'.join(path)!r} is not fit for every disk")
    twice = paths.collisions(one.path for one in files)
    if twice:
        raise UsageError(f"bundle {name}", f"{'/'.join(twice[0][0])} and {'/'.join(twice[0][1])} are one path")
    return lengths.pop()


def _list(files: Sequence[Entry], length: int) -> Mapping[bytes, bytes]:
    """The v1 list of files with padding, and the pieces (BEP 3, BEP 47).

    libtorrent pads the tail of the last file too, but not that of the only one; so do we, so that both agree.
    """
    padded = len(files) > 1
    parts: list[bytes] = []
    pieces: list[bytes] = []
    seq = 0
    for one in files:
        size = one.passport.size
        path = b"".join(map(_string, one.key))
        parts.append(b"d6:lengthi%de4:pathl%bee" % (size, path))
        rest = -size % length
        if rest and padded:
            parts.append(b"d4:attr1:p6:lengthi%de4:pathl%bee" % (rest, b"".join(map(_text, padding(seq, rest)))))
            pieces += (one.passport.pieces[:-20], one.passport.padded)
            seq += 1
        else:
            pieces.append(one.passport.pieces)
    return {b"files": b"l%be" % b"".join(parts), b"pieces": _string(b"".join(pieces))}


def _tree(files: Sequence[Entry], _: int) -> Mapping[bytes, bytes]:
    """The v2 tree of files (BEP 52). Files come in order, so each folder is opened and closed once."""
    return {b"file tree": b"d%be" % b"".join(_branches(files)), b"meta version": b"i2e"}


def _branches(files: Sequence[Entry]) -> Iterator[bytes]:
    above: tuple[bytes, ...] = ()
    for one in files:
        folder = one.key[:-1]
        if folder != above:
            same = 0
            while same < min(len(folder), len(above)) and folder[same] == above[same]:
                same += 1
            yield b"e" * (len(above) - same)
            for part in folder[same:]:
                yield _string(part) + b"d"
            above = folder
        size, root = one.passport.size, one.passport.root
        proof = b"11:pieces root32:" + root if size else b""
        yield b"%bd0:d6:lengthi%de%bee" % (_string(one.key[-1]), size, proof)
    yield b"e" * len(above)


def _said(words: Words) -> dict[bytes, bytes]:
    found: dict[bytes, Value] = {b"created by": f"Phonolith {__version__}".encode()}
    if words.trackers:
        found[b"announce"] = words.trackers[0][0].encode()
        if len(words.trackers) > 1 or len(words.trackers[0]) > 1:
            found[b"announce-list"] = [[one.encode() for one in tier] for tier in words.trackers]
    if words.web_seeds:
        found[b"url-list"] = [one.encode() for one in words.web_seeds]
    if words.comment:
        found[b"comment"] = words.comment.encode()
    if words.created is not None:
        found[b"creation date"] = words.created
    return {key: encode(value) for key, value in found.items()}


def _dictionary(values: Mapping[bytes, bytes]) -> bytes:
    """A dictionary of values that are bencode already."""
    return b"d%be" % b"".join(_string(key) + values[key] for key in sorted(values))


def _text(text: str) -> bytes:
    return _string(text.encode())


def _string(raw: bytes) -> bytes:
    return b"%d:%b" % (len(raw), raw)

"""Reads metainfo files (.torrent) of v1, v2 and hybrid torrents strictly: what is read here means one thing only.

BEP 3 (v1), BEP 52 (v2 and hybrid), BEP 47 (pad files), BEP 12 (tiers of trackers), BEP 19 (web seeds).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phonolith.errors import BadInput
from phonolith.model import paths
from phonolith.store.bencode import NotBencode, decode_parts
from phonolith.store.passport import BLOCK, layer_root

#: Bytes of a metainfo file; a bundle's has 8 MB at most, a stranger's may have more.
LARGEST = 64 << 20
_MOST_FILES = 1_000_000
_LONGEST_PIECE = 1 << 28
_LARGEST_TOTAL = 1 << 50

#: A v1 list's entry of a file that is none: padding up to the next piece.
PAD = -1


@dataclass(frozen=True, slots=True)
class MetaFile:
    """A file of a torrent: path below the torrent's folder, size in bytes, BEP 52 pieces root (b"" in v1 or empty)."""

    path: tuple[str, ...]
    size: int
    root: bytes = b""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The v1 side: SHA-1 of each piece, and what they run over: (index of the file, or PAD, and bytes) in order."""

    hashes: bytes
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Metainfo:
    """What a metainfo file says. ``files`` are in its order, without padding.

    ``folder`` is the name of the folder that holds them, "" where the torrent is a single file. ``v1`` is None in a v2
    torrent; ``layers`` (BEP 52 piece layers by pieces root, 32 bytes a piece) is None in a v1 torrent. ``infohashes``
    are the SHA-1 of info where there is a v1 side, and its SHA-256 where there is a v2 side, else b"".
    """

    name: str
    folder: str
    piece_length: int
    files: tuple[MetaFile, ...]
    v1: Pieces | None
    layers: Mapping[bytes, bytes] | None
    infohashes: tuple[bytes, bytes]
    trackers: tuple[tuple[str, ...], ...] = ()
    web_seeds: tuple[str, ...] = ()
    comment: str = ""
    created: int | None = None

    @property
    def size(self) -> int:
        """Bytes of all files, padding not counted."""
        return sum(file.size for file in self.files)


def read(data: bytes, subject: str) -> Metainfo:
    """The metainfo of a file's bytes; ``subject`` names it in errors.

    Raises BadInput, with a code beginning ``metainfo.`` or ``path.``: not canonical, a part missing or of another type,
    an unsafe path, two paths that are one to some disk, a symbolic link, v1 and v2 lists that differ, or piece layers
    that do not lead to their roots.
    """
    try:
        return _Reading(data).metainfo()
    except _Refused as error:
        raise BadInput(subject, str(error), "Get it again from whoever made it", code=error.code) from error


class _Refused(Exception):
    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code if "." in code else f"metainfo.{code}"


class _Reading:
    """One metainfo file being read."""

    def __init__(self, data: bytes) -> None:
        if len(data) > LARGEST:
            raise _Refused("too-large", f"has {len(data):,} bytes; metainfo of more than {LARGEST:,} is not read")
        try:
            whole, parts = decode_parts(data)
        except NotBencode as error:
            raise _Refused("not-canonical", f"is no canonical bencode: {error}") from error
        if not isinstance(whole, dict):
            raise _Refused("no-info", "is no dictionary")
        self._whole = whole
        self._info: dict[bytes, Any] = _get(whole, b"info", dict)
        self._raw = parts[b"info"]
        self._length: int = _get(self._info, b"piece length", int)
        self._two = b"file tree" in self._info
        self._one = b"pieces" in self._info

    def metainfo(self) -> Metainfo:
        if not (self._one or self._two):
            raise _Refused("no-files", "has neither pieces (v1) nor a file tree (v2)")
        if not self._one and (b"files" in self._info or b"length" in self._info):
            raise _Refused("list", "has a list of files for old clients and no pieces of them")
        self._check_length()
        name = _text(_get(self._info, b"name", bytes), "its name")
        _no_second(self._info, b"name")
        _check_path((name,))
        files = list(self._tree(name)) if self._two else []
        listed, spans = self._list(name) if self._one else (files, [])
        if self._two and self._one:
            self._agree(files, listed, spans)
        files = files if self._two else listed
        self._check(files)
        single = b"length" in self._info if self._one else len(files) == 1 and files[0].path == (name,)
        return Metainfo(
            name,
            "" if single else name,
            self._length,
            tuple(files),
            self._pieces(spans) if self._one else None,
            self._layers(files) if self._two else None,
            (
                hashlib.sha1(self._raw, usedforsecurity=False).digest() if self._one else b"",
                hashlib.sha256(self._raw).digest() if self._two else b"",
            ),
            tuple(self._trackers()),
            tuple(self._web_seeds()),
            _told(self._whole.get(b"comment.utf-8") or self._whole.get(b"comment")),
            date if isinstance(date := self._whole.get(b"creation date"), int) else None,
        )

    def _check_length(self) -> None:
        length = self._length
        if not 0 < length <= _LONGEST_PIECE or (self._two and (length < BLOCK or length & (length - 1))):
            raise _Refused("piece-length", f"has pieces of {length:,} bytes, which cannot be")
        version = self._info.get(b"meta version", None if self._two else 1)
        if version != (2 if self._two else 1):
            tree = "a" if self._two else "no"
            raise _Refused("version", f"has {tree} file tree and says that it is of version {version!r:.40}")

    def _tree(self, name: str) -> Iterator[MetaFile]:
        """The files of the v2 tree, in order. BEP 52: a file is a dictionary under the empty key."""
        yield from self._below((), _get(self._info, b"file tree", dict))

    def _below(self, path: tuple[str, ...], node: dict[bytes, Any]) -> Iterator[MetaFile]:
        if b"" in node:
            if len(node) > 1 or not path:
                raise _Refused("tree", f"has a file that is a folder too: {'/'.join(path)}")
            yield self._leaf(path, _get(node, b"", dict))
            return
        if not node:
            raise _Refused("tree", f"has an empty folder: {'/'.join(path)}")
        if len(path) > paths.DEEPEST or len(node) > _MOST_FILES:
            raise _Refused("too-many", "has too many files, or folders too deep")
        for key, below in node.items():  # in order, for what is read strictly is
            if not isinstance(below, dict):
                _get(node, key, dict)
            leaf = below.get(b"") if len(below) == 1 else None
            if leaf is not None and _is_plain(leaf, b"pieces root"):
                size, root = leaf[b"length"], leaf[b"pieces root"]
                if isinstance(root, bytes) and len(root) == (32 if size else 0):
                    yield MetaFile((*path, _text(key, "a path")), size, root)
                    continue
            yield from self._below((*path, _text(key, "a path")), below)

    def _leaf(self, path: tuple[str, ...], leaf: dict[bytes, Any]) -> MetaFile:
        size = _size(leaf)
        _no_link(leaf, path)
        if b"p" in _attributes(leaf):
            raise _Refused("tree", f"has padding in its file tree: {'/'.join(path)}")
        root = leaf.get(b"pieces root", b"")
        if not isinstance(root, bytes) or len(root) != (32 if size else 0):
            raise _Refused("root", f"has no pieces root for {'/'.join(path)}, or one that cannot be")
        return MetaFile(path, size, root)

    def _list(self, name: str) -> tuple[list[MetaFile], list[tuple[int, int]]]:
        """The files of the v1 list and what the pieces run over."""
        if b"length" in self._info:
            if b"files" in self._info:
                raise _Refused("list", "is a single file and a list of files at once")
            size = _size(self._info)
            _no_link(self._info, (name,))
            if b"p" in _attributes(self._info):
                raise _Refused("no-files", "is nothing but padding")
            return [MetaFile((name,), size)], [(0, size)]
        files: list[MetaFile] = []
        spans = []
        entries = _get(self._info, b"files", list)
        if len(entries) > 2 * _MOST_FILES:
            raise _Refused("too-many", "has too many files")
        for entry in entries:
            if _is_plain(entry, b"path") and isinstance(parts := entry[b"path"], list):
                spans.append((len(files), entry[b"length"]))
                files.append(MetaFile(tuple([_text(part, "a path") for part in parts]), entry[b"length"]))
                continue
            if not isinstance(entry, dict):
                raise _Refused("list", "has an entry in its list of files that is none")
            path = tuple(_text(part, "a path") for part in _get(entry, b"path", list))
            _no_second(entry, b"path")
            size = _size(entry)
            _no_link(entry, path)
            if b"p" in _attributes(entry):
                _check_path(path)  # clients that do not know padding would write it
                spans.append((PAD, size))
                continue
            spans.append((len(files), size))
            files.append(MetaFile(path, size))
        return files, spans

    def _agree(self, tree: list[MetaFile], listed: list[MetaFile], spans: list[tuple[int, int]]) -> None:
        """Raise where the two lists of a hybrid torrent differ, or a file does not begin with a piece (BEP 52)."""
        if [(one.path, one.size) for one in tree] != [(one.path, one.size) for one in listed]:
            raise _Refused("lists-differ", "names other files to old clients than to new ones")
        at = 0
        for index, size in spans:
            if at % self._length and size and index != PAD:
                raise _Refused(
                    "not-aligned", f"has a file that does not begin with a piece: {'/'.join(tree[index].path)}"
                )
            at += size

    def _check(self, files: Sequence[MetaFile]) -> None:
        if not files:
            raise _Refused("no-files", "has no files")
        if sum(file.size for file in files) > _LARGEST_TOTAL:
            raise _Refused("too-large", "claims more bytes than there are")
        for file in files:
            _check_path(file.path)
        twice = paths.collisions(file.path for file in files)
        if twice:
            one, other = ("/".join(path) for path in twice[0])
            raise _Refused("path.collision", f"has two paths that are one to some disks: {one} and {other}")

    def _pieces(self, spans: list[tuple[int, int]]) -> Pieces:
        hashes = _get(self._info, b"pieces", bytes)
        total = sum(size for _, size in spans)
        if total > _LARGEST_TOTAL or len(hashes) != 20 * -(-total // self._length):
            raise _Refused("pieces", f"has {len(hashes) // 20:,} piece hashes for {total:,} bytes")
        return Pieces(hashes, tuple(spans))

    def _layers(self, files: Sequence[MetaFile]) -> dict[bytes, bytes]:
        """The piece layers, each proved to lead to its root. BEP 52: of files of more than one piece and no others."""
        layers: dict[bytes, bytes] = _get(self._whole, b"piece layers", dict)
        sizes: dict[bytes, int] = {}
        for file in files:
            if sizes.setdefault(file.root, file.size) != file.size:
                raise _Refused("root", f"has one pieces root for files of two sizes: {'/'.join(file.path)}")
        wanted = {root: size for root, size in sizes.items() if size > self._length}
        if layers.keys() != wanted.keys():
            raise _Refused("layers", "lacks the piece layers of some files, or has some of files it does not have")
        for root, size in wanted.items():
            layer = layers[root]
            count = -(-size // self._length)
            if not isinstance(layer, bytes) or len(layer) != 32 * count:
                raise _Refused("layers", "has a piece layer of another length than its file asks for")
            if layer_root(layer, self._length) != root:
                raise _Refused("layers", "has a piece layer that does not lead to its root")
        return layers

    def _trackers(self) -> Iterator[tuple[str, ...]]:
        tiers = self._whole.get(b"announce-list")
        if isinstance(tiers, list) and tiers:
            for tier in tiers:
                if isinstance(tier, list):
                    yield tuple(_told(one) for one in tier)
        elif announce := _told(self._whole.get(b"announce")):
            yield (announce,)

    def _web_seeds(self) -> Iterator[str]:
        found = self._whole.get(b"url-list", [])
        for one in found if isinstance(found, list) else [found]:
            if told := _told(one):
                yield told


def _is_plain(entry: Any, other: bytes) -> bool:
    """Whether it is a dictionary of a sound length and ``other``, as nearly all are, and of nothing else."""
    if not isinstance(entry, dict) or len(entry) != 2 or other not in entry:
        return False
    size = entry.get(b"length")
    return isinstance(size, int) and 0 <= size <= _LARGEST_TOTAL


def _get(where: Mapping[bytes, Any], key: bytes, kind: type) -> Any:
    found = where.get(key)
    if not isinstance(found, kind):
        raise _Refused("no-info" if key == b"info" else "incomplete", f"has no {key.decode() or 'file'} that is one")
    return found


def _size(entry: Mapping[bytes, Any]) -> int:
    size: int = _get(entry, b"length", int)
    if not 0 <= size <= _LARGEST_TOTAL:
        raise _Refused("too-large", f"has a file of {size:,} bytes, which cannot be")
    return size


def _attributes(entry: Mapping[bytes, Any]) -> bytes:
    found = entry.get(b"attr", b"")
    return found if isinstance(found, bytes) else b""


def _no_link(entry: Mapping[bytes, Any], path: Sequence[str]) -> None:
    if b"l" in _attributes(entry) or b"symlink path" in entry:
        raise _Refused("path.link", f"has a symbolic link, which may lead anywhere: {'/'.join(path)}")


def _no_second(entry: Mapping[bytes, Any], key: bytes) -> None:
    """Raise where a name stands twice, differently: some clients would take the one, some the other."""
    if (other := entry.get(key + b".utf-8")) is not None and other != entry[key]:
        raise _Refused("lists-differ", f"has a {key.decode()} and another {key.decode()}.utf-8: {other!r:.80}")


def _text(raw: Any, what: str) -> str:
    if isinstance(raw, bytes):
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
    raise _Refused("path.encoding", f"has {what} that is no UTF-8: {raw!r:.80}")


def _told(raw: Any) -> str:
    """A text that nothing depends on."""
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _check_path(path: Sequence[str]) -> None:
    found = paths.fault(path)
    if found:
        code, problem = found
        raise _Refused(code, f"has a path that {problem}: {'/'.join(path)!r:.200}")

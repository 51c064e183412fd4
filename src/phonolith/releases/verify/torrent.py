"""Reads a torrent as a statement of what a folder holds; a bag that has one gets the hashes of its pieces from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from phonolith.model.finding import Finding
from phonolith.releases.verify.copies import Copy, Expected, Stream, Tree
from phonolith.releases.verify.listing import Listing, listing, read_small, seen
from phonolith.store.files import printable, storage_errors
from phonolith.store.metainfo import LARGEST, PAD, Metainfo, read


def load(path: Path) -> Metainfo:
    """The metainfo in a file. Raises BadInput under its code, StorageError."""
    with storage_errors(path):
        return read(read_small(path, LARGEST, "metainfo.too-large"), printable(path.name))


def torrent(metainfo: Metainfo, root: Path, at: Path) -> Copy:
    """What a torrent says is in ``root``: its folder, or for a single file the folder that file is in."""
    expected = {one.path: one for one in _expected(metainfo)}
    found = listing(root) if metainfo.folder else _single(root, next(iter(expected)))
    return Copy(
        "torrent",
        metainfo.name,
        root,
        expected,
        found,
        stream=_stream(metainfo),
        tree_of=_trees(metainfo),
        own=_beside(root, at),
        torrent=at,
    )


def with_torrent(bag: Copy, metainfo: Metainfo, at: Path) -> Copy:
    """A bag that is a torrent too: sizes and pieces come from the torrent, digests from the manifests."""
    expected = dict(bag.expected)
    findings = list(bag.findings)
    listed = {one.path: one for one in _expected(metainfo)}
    for path, one in listed.items():
        before = expected.get(path, one)
        expected[path] = one._replace(digests=before.digests)
    for path in bag.expected.keys() - listed.keys():
        problem = f"is in the manifests, and not in {printable(at.name)}"
        findings.append(Finding("torrent.not-listed", printable(path), problem, "Is it the bag's?", "warning"))
    return replace(
        bag,
        expected=expected,
        findings=tuple(findings),
        stream=_stream(metainfo),
        tree_of=_trees(metainfo),
        own=bag.own | _beside(bag.root, at),
        torrent=at,
    )


def _expected(metainfo: Metainfo) -> list[Expected]:
    return [Expected("/".join(one.path), one.size, root=one.root) for one in metainfo.files]


def _stream(metainfo: Metainfo) -> Stream | None:
    """The pieces of a torrent of version 1; where there is a v2 side that one is used, which needs no neighbours."""
    if metainfo.v1 is None or metainfo.layers is not None:
        return None
    paths = ["/".join(one.path) for one in metainfo.files]
    spans = tuple(("" if index == PAD else paths[index], size) for index, size in metainfo.v1.spans)
    return Stream(metainfo.piece_length, metainfo.v1.hashes, spans)


def _trees(metainfo: Metainfo) -> _TreeOf:
    return _TreeOf(metainfo.layers or {}, metainfo.piece_length)


class _TreeOf:
    """The tree of an expected file, from a torrent's piece layers."""

    def __init__(self, layers: Mapping[bytes, bytes], piece_length: int) -> None:
        self._layers, self._piece_length = layers, piece_length

    def __call__(self, one: Expected) -> Tree | None:
        return Tree(one.root, self._layers.get(one.root, one.root), self._piece_length) if one.root else None


def _single(root: Path, name: str) -> Listing:
    """A listing of one file of a folder, whatever else is in it."""
    path = root / name
    found = Listing()
    if path.is_symlink():
        found.odd[name] = "is a symbolic link, which is not followed"
    elif path.is_file():
        found.files[name] = seen(path.stat(follow_symlinks=False))
    return found


def _beside(root: Path, at: Path) -> frozenset[str]:
    """The torrent itself, where it lies in the folder that it is about."""
    return frozenset([at.name] if at.absolute().parent == root.absolute() else [])

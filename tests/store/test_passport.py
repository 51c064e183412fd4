"""The passport against a plain reading of the BEPs and, where it is there, against libtorrent."""

from __future__ import annotations

import hashlib
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phonolith.store.passport import BLOCK, LARGE_PIECE, SMALL_PIECE, Passport, Passporter, merkle_root, passport_of

SIZES = [
    *(0, 1, BLOCK - 1, BLOCK, BLOCK + 1, SMALL_PIECE - 1, SMALL_PIECE, SMALL_PIECE + 1, 5 * SMALL_PIECE + 7),
    *(LARGE_PIECE - 1, LARGE_PIECE, LARGE_PIECE + 1, 3 * LARGE_PIECE, 5 * LARGE_PIECE - 3, 2 * LARGE_PIECE + BLOCK),
]


def data_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def naive(data: bytes) -> Passport:
    """BEP 3 and BEP 52 written down as plainly as possible: pad everything out, then build the whole tree."""
    length = 1024 * 1024 if len(data) >= 1024 * 1024 else 64 * 1024
    pieces = [data[i : i + length] for i in range(0, len(data), length)]
    leaves = [hashlib.sha256(data[i : i + 16384]).digest() for i in range(0, len(data), 16384)]

    def tree(level: list[bytes]) -> bytes:
        while len(level) > 1:
            level = [hashlib.sha256(level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
        return level[0]

    width = 1
    while width < len(leaves):
        width *= 2
    root = tree(leaves + [bytes(32)] * (width - len(leaves))) if data else b""
    per_piece = length // 16384
    layer = b""
    if len(data) > length:
        for at in range(0, len(leaves), per_piece):
            group = leaves[at : at + per_piece]
            layer += tree(group + [bytes(32)] * (per_piece - len(group)))
    return Passport(
        size=len(data),
        sha256=hashlib.sha256(data).digest(),
        piece_length=length,
        root=root,
        layer=layer,
        pieces=b"".join(hashlib.sha1(piece).digest() for piece in pieces),
        padded=hashlib.sha1(pieces[-1].ljust(length, b"\0")).digest() if pieces else b"",
    )


@pytest.mark.parametrize("size", SIZES)
def test_every_border_agrees_with_the_plain_reading(size: int) -> None:
    data = data_of(size)
    assert passport_of(data) == naive(data)


@given(size=st.integers(0, 3 * LARGE_PIECE), cuts=st.lists(st.integers(0, 3 * LARGE_PIECE), max_size=6))
@example(size=LARGE_PIECE, cuts=[1])
@settings(max_examples=60, deadline=None)
def test_how_the_bytes_arrive_does_not_matter(size: int, cuts: list[int]) -> None:
    data = data_of(size)
    passporter = Passporter()
    borders = [0, *sorted(cut for cut in cuts if cut < size), size]
    for begin, end in itertools.pairwise(borders):
        passporter.update(data[begin:end])
    assert passporter.finish() == naive(data)


def test_a_single_flipped_bit_changes_every_digest() -> None:
    data = bytearray(data_of(3 * LARGE_PIECE))
    before = passport_of(bytes(data))
    data[-1] ^= 1
    after = passport_of(bytes(data))
    assert before.sha256 != after.sha256 and before.root != after.root and before.padded != after.padded
    assert before.layer[:64] == after.layer[:64] and before.layer[64:] != after.layer[64:]


def test_an_empty_tree_is_its_filler() -> None:
    assert merkle_root((), 1, bytes(32)) == bytes(32)


@pytest.mark.filterwarnings("ignore:create_torrent constructor:DeprecationWarning")
@pytest.mark.parametrize("size", [size for size in SIZES if size])
def test_libtorrent_agrees(tmp_path: Path, size: int) -> None:
    libtorrent = pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")
    mine = passport_of(data_of(size))
    (tmp_path / "file").write_bytes(data_of(size))
    # A second file makes it a torrent of several, whose first file is padded; alone it has its bare last piece.
    (tmp_path / "other").write_bytes(b"x")
    for files, last in ((["file", "other"], mine.padded), (["file"], mine.pieces[-20:])):
        info = _torrent(libtorrent, tmp_path, files, mine.piece_length)
        files_info = info[b"file tree"]
        entry = files_info[b"file"][b""]
        assert entry[b"pieces root"] == mine.root
        count = len(mine.pieces) // 20
        assert info[b"pieces"][: 20 * count] == mine.pieces[:-20] + last
    layers = _layers(libtorrent, tmp_path, mine.piece_length)
    assert layers.get(mine.root, b"") == mine.layer


def _create(libtorrent, folder: Path, files: list[str], piece_length: int):  # type: ignore[no-untyped-def]
    storage = libtorrent.file_storage()
    if len(files) == 1:
        storage.add_file(files[0], (folder / files[0]).stat().st_size)
    else:
        for name in files:
            storage.add_file(f"{folder.name}/{name}", (folder / name).stat().st_size)
    creator = libtorrent.create_torrent(storage, piece_size=piece_length)
    libtorrent.set_piece_hashes(creator, str(folder if len(files) == 1 else folder.parent))
    return creator.generate()


def _torrent(libtorrent, folder: Path, files: list[str], piece_length: int):  # type: ignore[no-untyped-def]
    return _create(libtorrent, folder, files, piece_length)[b"info"]


def _layers(libtorrent, folder: Path, piece_length: int):  # type: ignore[no-untyped-def]
    return _create(libtorrent, folder, ["file"], piece_length)[b"piece layers"]


@given(st.lists(st.integers(0, 3 * LARGE_PIECE), max_size=5))
@settings(max_examples=25)
def test_feeding_by_turns_of_two_buffers_is_the_same(lengths: list[int]) -> None:
    data = [data_of(length) for length in lengths]
    buffers = [bytearray(3 * LARGE_PIECE) for _ in range(2)]
    passporter = Passporter()
    for turn, part in enumerate(data):
        buffers[turn % 2][: len(part)] = part
        passporter.feed(memoryview(buffers[turn % 2])[: len(part)])
    assert passporter.finish() == passport_of(b"".join(data))

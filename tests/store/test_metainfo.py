"""Metainfo is read strictly: each hostile file is refused under its own code, each sound one means one thing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.errors import BadInput
from phonolith.store import metainfo
from phonolith.store.bencode import decode, encode
from phonolith.store.metainfo import PAD, Metainfo, read
from phonolith.store.passport import SMALL_PIECE, passport_of

BIG, SMALL = b"b" * (SMALL_PIECE + 10), b"small"


def sound(*second: bytes) -> dict[bytes, Any]:
    """A hybrid torrent of two files, the second under any path, with a pad behind the first in order."""
    files = sorted([((b"big",), passport_of(BIG)), (second or (b"folder", b"small"), passport_of(SMALL))])
    (one, first), (other, last) = files
    rest = -first.size % SMALL_PIECE
    listed = [
        {b"length": first.size, b"path": list(one)},
        {b"attr": b"p", b"length": rest, b"path": [b".pad", b"x"]},
        {b"length": last.size, b"path": list(other)},
    ]
    tree: dict[bytes, Any] = {}
    for path, passport in files:
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[b""] = {b"length": passport.size, b"pieces root": passport.root}
    info = {
        b"file tree": tree, b"files": listed, b"meta version": 2, b"name": b"bundle", b"piece length": SMALL_PIECE,
        b"pieces": first.pieces[:-20] + first.padded + last.pieces,
    }  # fmt: skip
    big = passport_of(BIG)
    return {b"info": info, b"piece layers": {big.root: big.layer}}


def test_the_sound_one_is_read() -> None:
    found = read(encode(sound()), "it")
    assert [(file.path, file.size) for file in found.files] == [(("big",), len(BIG)), (("folder", "small"), len(SMALL))]
    assert found.v1 is not None and [index for index, _ in found.v1.spans] == [0, PAD, 1]
    raw = encode(sound()[b"info"])
    assert found.infohashes == (hashlib.sha1(raw).digest(), hashlib.sha256(raw).digest())
    assert (found.name, found.folder, found.size) == ("bundle", "bundle", len(BIG) + len(SMALL))


def _of_both_versions() -> Iterator[Path]:
    """Torrents of the corpus whose path is wrong in the list of version 1, which only old clients read."""
    for path in sorted((Path(__file__).parents[1] / "conformance" / "torrents").glob("path.*/*.torrent")):
        info: Any = decode(path.read_bytes())[b"info"]  # type: ignore[index, call-overload]
        if b"files" in info and b"file tree" in info and "tree" not in path.stem:
            yield path


@pytest.mark.parametrize("path", list(_of_both_versions()), ids=lambda path: path.stem)
def test_what_is_refused_is_refused_where_only_old_clients_see_it(path: Path) -> None:
    whole: Any = decode(path.read_bytes())
    for part in (b"file tree", b"meta version"):
        whole[b"info"].pop(part)
    with pytest.raises(BadInput) as caught:
        read(encode(whole), "it")
    assert caught.value.code == path.parent.name


def test_a_bomb_is_refused_before_it_goes_off(monkeypatch: pytest.MonkeyPatch) -> None:
    deep: Any = {b"": {b"length": 0}}
    for _ in range(90):
        deep = {b"d": deep}
    whole = sound()
    whole[b"info"][b"file tree"][b"deep"] = deep
    with pytest.raises(BadInput):
        read(encode(whole), "it")
    monkeypatch.setattr(metainfo, "LARGEST", 100)
    with pytest.raises(BadInput) as caught:
        read(encode(sound()), "it")
    assert caught.value.code == "metainfo.too-large"


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read(data, "it")


@given(st.data())
def test_a_flipped_byte_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(encode(sound()))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(raw), "it")
    except BadInput:
        return
    assert isinstance(found, Metainfo)


def fixtures(shared_data: Path) -> Path:
    return shared_data / "torrents-webtorrent" / "fixtures"


def test_real_ones_are_read(shared_data: Path) -> None:
    read_ones = {}
    for path in sorted(fixtures(shared_data).glob("*.torrent")):
        if path.stem != "corrupt":
            read_ones[path.stem] = read(path.read_bytes(), path.name)
    assert len(read_ones) == 8
    assert len(read_ones["numbers"].files) == 3 and not read_ones["leaves"].folder
    with pytest.raises(BadInput):
        read((fixtures(shared_data) / "corrupt.torrent").read_bytes(), "corrupt")


def test_libtorrent_takes_the_same_infohashes(shared_data: Path) -> None:
    libtorrent = pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")
    for path in sorted(fixtures(shared_data).glob("*.torrent")):
        if path.stem != "corrupt":
            theirs = libtorrent.load_torrent_file(str(path)).ti.info_hash()
            assert read(path.read_bytes(), path.name).infohashes[0] == theirs.to_bytes()


def test_decoding_a_real_one_and_encoding_it_again_changes_nothing(shared_data: Path) -> None:
    for path in fixtures(shared_data).glob("*.torrent"):
        if path.stem != "corrupt":
            assert encode(decode(path.read_bytes())) == path.read_bytes()

"""Metainfo is read strictly: each hostile file is refused under its own code, each sound one means one thing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
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


def with_path(*parts: bytes) -> Callable[[dict[bytes, Any]], None]:
    """The second file under another path, in both lists."""
    return lambda whole: whole.update(sound(*parts))


def put(*keys: Any, value: Any) -> Callable[[dict[bytes, Any]], None]:
    """Another value at a place; None: no value."""

    def change(whole: dict[bytes, Any]) -> None:
        at: Any = whole
        for key in keys[:-1]:
            at = at[key]
        if value is None:
            del at[keys[-1]]
        else:
            at[keys[-1]] = value

    return change


def only(*parts: bytes) -> Callable[[dict[bytes, Any]], None]:
    def change(whole: dict[bytes, Any]) -> None:
        for part in parts:
            whole[b"info"].pop(part)

    return change


HOSTILE: dict[str, tuple[str, Callable[[dict[bytes, Any]], None]]] = {
    "a folder above": ("path.traversal", with_path(b"..", b"small")),
    "a folder above in the middle": ("path.traversal", with_path(b"z", b"..", b"small")),
    "the folder itself": ("path.traversal", with_path(b"z", b".", b"small")),
    "an empty part": ("metainfo.incomplete", with_path(b"z", b"", b"small")),
    "an absolute path": ("path.separator", with_path(b"z", b"/etc/passwd")),
    "a separator of Windows": ("path.separator", with_path(b"z", b"..\\x")),
    "a NUL": ("path.hiding", with_path(b"z", b"x\0.flac")),
    "a control character": ("path.hiding", with_path(b"z", b"x\x1b[2J")),
    "text turned around": ("path.hiding", with_path(b"z", "x\u202egnp.exe".encode())),
    "a device of Windows": ("path.reserved", with_path(b"z", b"CON")),
    "a device with a suffix": ("path.reserved", with_path(b"z", b"nul.txt")),
    "a port": ("path.reserved", with_path(b"z", b"COM1 .flac")),
    "a name that is too long": ("path.too-long", with_path(b"z", b"x" * 256)),
    "a path that is too deep": ("path.too-long", with_path(*[b"z"] * 65)),
    "no UTF-8": ("path.encoding", with_path(b"z", b"\xff\xfe")),
    "another case": ("path.collision", with_path(b"BIG")),
    "another normal form": ("path.collision", lambda whole: _two_forms(whole)),
    "a file that is a folder": ("metainfo.tree", lambda whole: _file_and_folder(whole)),
    "a link in the list": ("path.link", put(b"info", b"files", 2, b"attr", value=b"l")),
    "a link in the tree": (
        "path.link", put(b"info", b"file tree", b"folder", b"small", b"", b"symlink path", value=[b"x"])),
    "a name that leads out": ("path.traversal", put(b"info", b"name", value=b"..")),
    "another size for old clients": ("metainfo.lists-differ", put(b"info", b"files", 2, b"length", value=6)),
    "another name for old clients": ("metainfo.lists-differ", put(b"info", b"files", 2, b"path", value=[b"x"])),
    "a file only old clients see": (
        "metainfo.lists-differ", lambda whole: whole[b"info"][b"files"].append({b"length": 1, b"path": [b"x"]})),
    "a file within a piece": ("metainfo.not-aligned", put(b"info", b"files", 1, b"length", value=7)),
    "a piece too few": ("metainfo.pieces", put(b"info", b"pieces", value=bytes(40))),
    "half a piece hash": ("metainfo.pieces", put(b"info", b"pieces", value=bytes(59))),
    "no pieces and no tree": ("metainfo.no-files", only(b"pieces", b"file tree")),
    "pieces of no bytes": ("metainfo.piece-length", put(b"info", b"piece length", value=0)),
    "pieces of a negative length": ("metainfo.piece-length", put(b"info", b"piece length", value=-1)),
    "pieces of no power of two": ("metainfo.piece-length", put(b"info", b"piece length", value=SMALL_PIECE + 1)),
    "pieces of a terabyte": ("metainfo.piece-length", put(b"info", b"piece length", value=1 << 40)),
    "a third version": ("metainfo.version", put(b"info", b"meta version", value=3)),
    "no version": ("metainfo.version", put(b"info", b"meta version", value=None)),
    "a negative size": ("metainfo.too-large", put(b"info", b"file tree", b"big", b"", b"length", value=-1)),
    "a size beyond all disks": (
        "metainfo.too-large", put(b"info", b"file tree", b"big", b"", b"length", value=1 << 60)),
    "a root of another length": (
        "metainfo.root", put(b"info", b"file tree", b"big", b"", b"pieces root", value=b"x")),
    "a root of nothing": ("metainfo.root", put(b"info", b"file tree", b"big", b"", b"length", value=0)),
    "layers that lead elsewhere": (
        "metainfo.layers", lambda whole: whole[b"piece layers"].update({passport_of(BIG).root: bytes(64)})),
    "layers that are too short": (
        "metainfo.layers", lambda whole: whole[b"piece layers"].update({passport_of(BIG).root: bytes(32)})),
    "no layers": ("metainfo.layers", put(b"piece layers", value={})),
    "layers of strangers": ("metainfo.layers", lambda whole: whole[b"piece layers"].update({bytes(32): bytes(64)})),
    "no piece layers at all": ("metainfo.incomplete", put(b"piece layers", value=None)),
    "no info": ("metainfo.no-info", put(b"info", value=None)),
    "info that is a text": ("metainfo.no-info", put(b"info", value=b"x")),
    "no name": ("metainfo.incomplete", put(b"info", b"name", value=None)),
    "a list of texts": ("metainfo.list", put(b"info", b"files", 2, value=b"x")),
    "a single file and a list": ("metainfo.list", put(b"info", b"length", value=5)),
    "an empty folder": ("metainfo.tree", put(b"info", b"file tree", b"zz", value={})),
    "no files": ("metainfo.tree", put(b"info", b"file tree", value={})),
}  # fmt: skip


def _two_forms(whole: dict[bytes, Any]) -> None:
    """The same name twice, composed and decomposed."""
    leaf = whole[b"info"][b"file tree"].pop(b"folder")[b"small"]
    big = whole[b"info"][b"file tree"].pop(b"big")
    composed, apart = "é".encode(), "e\u0301".encode()
    whole[b"info"][b"file tree"] |= {apart: big, composed: leaf}
    for place, name in ((0, apart), (2, composed)):
        whole[b"info"][b"files"][place][b"path"] = [name]


def _file_and_folder(whole: dict[bytes, Any]) -> None:
    whole[b"info"][b"file tree"][b"big"][b"x"] = {b"": {b"length": 0}}


def test_the_sound_one_is_read() -> None:
    found = read(encode(sound()), "it")
    assert [(file.path, file.size) for file in found.files] == [(("big",), len(BIG)), (("folder", "small"), len(SMALL))]
    assert found.v1 is not None and [index for index, _ in found.v1.spans] == [0, PAD, 1]
    raw = encode(sound()[b"info"])
    assert found.infohashes == (hashlib.sha1(raw).digest(), hashlib.sha256(raw).digest())
    assert (found.name, found.folder, found.size) == ("bundle", "bundle", len(BIG) + len(SMALL))


@pytest.mark.parametrize(("code", "change"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_one_is_refused_under_its_code(code: str, change: Callable[[dict[bytes, Any]], None]) -> None:
    whole = sound()
    change(whole)
    with pytest.raises(BadInput) as caught:
        read(encode(whole), "it")
    assert caught.value.code == code


PATHS = {name: HOSTILE[name] for name in HOSTILE if "path." in HOSTILE[name][0] or name == "an empty part"}
del PATHS["a link in the tree"]


@pytest.mark.parametrize(("code", "change"), PATHS.values(), ids=PATHS)
def test_so_is_one_for_old_clients_only(code: str, change: Callable[[dict[bytes, Any]], None]) -> None:
    whole = sound()
    change(whole)
    only(b"file tree", b"meta version")(whole)
    with pytest.raises(BadInput) as caught:
        read(encode(whole), "it")
    assert caught.value.code == ("path.traversal" if code == "metainfo.incomplete" else code)


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

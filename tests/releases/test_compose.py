"""Composed metainfo is what libtorrent makes by reading every byte."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.errors import UsageError
from phonolith.releases.compose import Entry, Kind, Words, compose
from phonolith.store.bencode import decode, encode
from phonolith.store.metainfo import PAD, read
from phonolith.store.passport import BLOCK, LARGE_PIECE, SMALL_PIECE, Passport, passport_of

libtorrent = pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

SMALL_SIZES = [
    0,
    1,
    BLOCK - 1,
    BLOCK,
    BLOCK + 1,
    SMALL_PIECE - 1,
    SMALL_PIECE,
    SMALL_PIECE + 1,
    3 * SMALL_PIECE,
    700_000,
]
LARGE_SIZES = [0, LARGE_PIECE, LARGE_PIECE + 1, 2 * LARGE_PIECE, 2 * LARGE_PIECE + BLOCK, 3 * LARGE_PIECE - 1]
PARTS = st.sampled_from(["a", "b", "a.b", "A-1", "data", "ü", "東京", "01 Übung (live).flac", "z z"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map(tuple)


def data_of(size: int, seed: int = 0) -> bytes:
    return random.Random(f"{size} {seed}").randbytes(size)


def without_conflicts(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    from phonolith.model.paths import collisions

    kept: list[tuple[str, ...]] = []
    for path in paths:
        if not collisions([*kept, path]):
            kept.append(path)
    return kept


def theirs(folder: Path, name: str) -> dict[bytes, Any]:
    """What libtorrent makes of ``folder/name``."""
    storage = libtorrent.file_storage()
    files = [folder / name] if (folder / name).is_file() else [p for p in (folder / name).rglob("*") if p.is_file()]
    for path in files:
        storage.add_file(str(path.relative_to(folder)), path.stat().st_size)
    large = any(storage.file_size(at) >= LARGE_PIECE for at in range(storage.num_files()))
    creator = libtorrent.create_torrent(storage, LARGE_PIECE if large else SMALL_PIECE)
    libtorrent.set_piece_hashes(creator, str(folder))
    made: dict[bytes, Any] = creator.generate()
    return made


def with_our_pads(whole: dict[bytes, Any]) -> dict[bytes, Any]:
    """The same with pad files named as we name them: the one choice BEP 47 leaves open."""
    seq = 0
    for entry in whole[b"info"].get(b"files", []):
        if entry.get(b"attr") == b"p":
            entry[b"path"] = [b".pad", f"{seq}-{entry[b'length']}".encode()]
            seq += 1
    return whole


def laid_out(folder: Path, sizes: dict[tuple[str, ...], int]) -> list[Entry]:
    entries = []
    length = LARGE_PIECE if any(size >= LARGE_PIECE for size in sizes.values()) else SMALL_PIECE
    for number, (path, size) in enumerate(sizes.items()):
        data = data_of(size, number)
        folder.joinpath(*path).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(*path).write_bytes(data)
        entries.append(Entry(path, passport_of(data, length)))
    return entries


def loads(metainfo: bytes) -> bool:
    """Whether libtorrent takes it."""
    try:
        return bool(libtorrent.load_torrent_buffer(metainfo).ti.num_files())
    except RuntimeError:
        return False


def same(folder: Path, name: str, entries: list[Entry]) -> None:
    assert loads(compose(name, entries).data)
    whole = theirs(folder, name)
    listed = [tuple(entry[b"path"]) for entry in whole[b"info"].get(b"files", []) if entry.get(b"attr") != b"p"]
    if listed != sorted(listed):
        # libtorrent 2.1.1 lists "a.b" before "a/b" for old clients and after it for new ones, and then refuses its own
        # torrent because the lists differ. BEP 52 wants one order: that of the tree.
        assert any("." in part or "-" in part for one in entries for part in one.path)
        return
    whole = with_our_pads(whole)
    mine: Any = decode(compose(name, entries).data)
    assert mine[b"info"] == whole[b"info"]
    assert mine[b"piece layers"] == whole[b"piece layers"]
    info = encode(whole[b"info"])
    hashes = hashlib.sha1(info).digest(), hashlib.sha256(info).digest()
    composed = compose(name, entries)
    assert read(composed.data, "ours").infohashes == (composed.v1, composed.v2) == hashes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(
    st.lists(PATHS, min_size=2, max_size=12, unique=True).map(without_conflicts).filter(lambda paths: len(paths) > 1),
    st.sampled_from([SMALL_SIZES, LARGE_SIZES]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_is_what_libtorrent_makes(
    tmp_path_factory: pytest.TempPathFactory, paths: list[tuple[str, ...]], sizes: list[int], dice: random.Random
) -> None:
    chosen = {path: dice.choice(sizes) for path in paths}
    chosen[paths[0]] = sizes[-1]  # some byte has to be there
    folder = tmp_path_factory.mktemp("tree")
    same(folder, "bundle", laid_out(folder / "bundle", chosen))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("size", [1, BLOCK, SMALL_PIECE, SMALL_PIECE + 5, LARGE_PIECE, 2 * LARGE_PIECE + 7])
def test_a_single_file_is_not_padded_in_a_folder_or_without_one(tmp_path: Path, size: int) -> None:
    same(tmp_path, "bundle", laid_out(tmp_path / "bundle", {("file.flac",): size}))
    data = data_of(size)
    (tmp_path / "file.flac").write_bytes(data)
    same(tmp_path, "file.flac", [Entry(("file.flac",), passport_of(data))])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_tail_padded_wrongly_is_noticed(tmp_path: Path) -> None:
    """The control: with the bare hash in place of the padded one, nothing of the above would hold."""
    entries = laid_out(tmp_path / "bundle", {("a",): 70_000, ("b",): 70_000})
    bare = entries[0].passport
    wrong = Passport(bare.size, bare.sha256, bare.piece_length, bare.root, bare.layer, bare.pieces, bare.pieces[-20:])
    with pytest.raises(AssertionError):
        same(tmp_path, "bundle", [Entry(("a",), wrong), entries[1]])


def test_the_order_of_entries_does_not_matter() -> None:
    entries = [Entry(("data", name), passport_of(name.encode())) for name in "cab"]
    assert compose("x", entries) == compose("x", entries[::-1])


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_read_back_with_the_same_files(kind: Kind) -> None:
    entries = [Entry(("data", f"{size}.bin"), passport_of(data_of(size))) for size in SMALL_SIZES]
    words = Words((("http://t/announce",), ("udp://u:1",)), ("http://w/",), "About", 1_700_000_000)
    composed = compose("bundle", entries, kind, words)
    found = read(composed.data, "ours")
    assert found.infohashes == (composed.v1, composed.v2)
    assert {(file.path, file.size) for file in found.files} == {(one.path, one.passport.size) for one in entries}
    assert (found.trackers, found.web_seeds, found.comment, found.created) == (
        words.trackers, words.web_seeds, words.comment, words.created,
    )  # fmt: skip
    assert (found.v1 is None, found.layers is None) == (kind is Kind.V2, kind is Kind.V1)
    if found.v1:
        assert [at for at, _ in found.v1.spans if at != PAD] == list(range(len(entries)))
    if found.layers is not None:
        assert {file.path: file.root for file in found.files} == {one.path: one.passport.root for one in entries}


def test_the_v1_twin_has_the_pieces_of_the_hybrid() -> None:
    entries = [Entry(("data", f"{size}.bin"), passport_of(data_of(size))) for size in SMALL_SIZES]
    hybrid, twin = (read(compose("bundle", entries, kind).data, "ours") for kind in (Kind.HYBRID, Kind.V1))
    assert hybrid.v1 == twin.v1
    assert hybrid.infohashes[0] != twin.infohashes[0]


@pytest.mark.parametrize(
    ("paths", "sizes"),
    [
        ([("a",), ("A",)], [1, 1]),
        ([("a",), ("a", "b")], [1, 1]),
        ([("..", "a")], [1]),
        ([(".pad", "0-1")], [1]),
        ([("a?",)], [1]),
        ([("a",)], [0]),
        ([("a",), ("b",)], [1, LARGE_PIECE]),
        ([], []),
    ],
)
def test_what_cannot_be_a_bundle_is_refused(paths: list[tuple[str, ...]], sizes: list[int]) -> None:
    entries = [Entry(path, passport_of(bytes(size))) for path, size in zip(paths, sizes, strict=True)]
    with pytest.raises(UsageError):
        compose("bundle", entries)

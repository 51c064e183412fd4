"""Every damage is found where it is and nowhere else, in bags, torrents, archives and stacks of them."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.errors import NotFound, UsageError
from phonolith.library import publications
from phonolith.releases.publish import published
from phonolith.releases.verify import hashing
from phonolith.releases.verify.check import Checked, Wish
from phonolith.store.archive import Archive
from phonolith.store.passport import SMALL_PIECE
from tests import sample
from tests.releases.test_cut import laid_out, publish_now
from tests.releases.verify.made import (
    KINDS,
    bag_files,
    codes,
    data_of,
    lay,
    torrent_of,
    verdicts,
    verified,
    write,
)  # fmt: skip

NAMES = st.sampled_from(["a.flac", "b.flac", "disc 1/01.flac", "disc 1/02.flac", "ü/東京.flac", "empty"])
TREES = st.dictionaries(NAMES, st.integers(0, 4 * SMALL_PIECE), min_size=1, max_size=6)
DAMAGES = st.sampled_from(["flip", "truncate", "grow", "delete", "swap", "rename"])


def damage(root: Path, paths: list[str], how: str, chance: random.Random) -> dict[str, bytes | None]:
    """Do something to some files; gives back what each path holds now, None for nothing."""
    path = chance.choice(paths)
    data = (root / path).read_bytes()
    if how == "flip" and data:
        at = chance.randrange(len(data))
        data = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
    elif how == "truncate" and data:
        data = data[: chance.randrange(len(data))]
    elif how == "grow":
        data += chance.randbytes(chance.randrange(1, 100_000))
    elif how == "delete":
        (root / path).unlink()
        return {path: None}
    elif how == "swap":
        other = chance.choice(paths)
        theirs = (root / other).read_bytes()
        (root / other).write_bytes(data)
        (root / path).write_bytes(theirs)
        return {path: theirs, other: data}
    elif how == "rename":
        (root / path).rename(root / f"renamed-{chance.randrange(10**9)}")
        return {path: None}
    (root / path).write_bytes(data)
    return {path: data}


def check_reported(checked: Checked, before: dict[str, bytes], now: dict[str, bytes | None]) -> None:
    """Every byte that differs is in a range that is told, and no sound file is called bad."""
    found = {one.path: one for one in checked.verdicts}
    for path, was in before.items():
        here = now.get(path, was)
        verdict = found[path]
        if here is None:
            assert verdict.verdict == "missing"
        elif here == was:
            neighbours = checked.copy.stream is not None and any(now[other] != before[other] for other in now)
            assert verdict.verdict == "ok" or (verdict.verdict == "unproven" and neighbours), (path, verdict)
        else:
            assert verdict.verdict in ("corrupt", "unproven"), (path, verdict)
            assert checked.copy.stream is not None or verdict.verdict == "corrupt"
            # a bag alone says no sizes, so of bytes that are gone it cannot tell where they were
            longest = max(len(here), len(was)) if checked.copy.expected[path].size is not None else len(here)
            differing = [at for at in range(longest) if here[at : at + 1] != was[at : at + 1]]
            for at in differing[:1] + differing[-1:] + differing[len(differing) // 2 :][:1]:
                assert any(start <= at < end for start, end in verdict.ranges), (path, at, verdict)


@pytest.mark.parametrize("kind", KINDS)
@given(sizes=TREES, hows=st.lists(DAMAGES, max_size=2), seed=st.integers(0, 1000))
@settings(max_examples=30)
def test_every_damaged_byte_is_told_and_no_sound_file_is_called_bad(
    kind: str, sizes: dict[str, int], hows: list[str], seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {path: data_of(size, path) for path, size in {"z": 10, **sizes}.items()}
        root = lay(Path(folder), kind, files)
        prefix = "data/" if kind.startswith("bag") else ""
        before = {prefix + path: data for path, data in files.items()}
        chance = random.Random(seed)
        now: dict[str, bytes | None] = {}
        for how in hows:
            left = [path for path in before if now.get(path, b"") is not None]
            if left:
                now.update(damage(root, left, how, chance))
        (checked,) = verified(root)
        check_reported(checked, before, now)
        sound = all(now[path] == before[path] for path in now)
        assert sound == (not [one for one in checked.findings if one.severity == "error"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_bit_flips_are_found_and_none_falsely(kind: str, tmp_path: Path) -> None:
    assert _flips_found(kind, tmp_path, 1000 // len(KINDS) + 1) == 1000 // len(KINDS) + 1


def test_without_the_comparison_no_flip_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the thousand above rest on one comparison and nothing else."""
    monkeypatch.setattr(hashing, "_same", lambda *_: True)
    assert [_flips_found(kind, tmp_path / kind, 20) for kind in KINDS] == [0] * len(KINDS)


def _flips_found(kind: str, folder: Path, count: int) -> int:
    """Flip one bit after another, each alone; how many were found in the right file, and nothing else with them."""
    folder.mkdir(exist_ok=True)
    files = {f"{number}.flac": data_of(size) for number, size in enumerate((1, 16_384, SMALL_PIECE + 1, 200_000))}
    root = lay(folder, kind, files)
    assert all(one.verdict == "ok" for one in verified(root)[0].verdicts if one.path not in ("bagit.txt",))
    chance = random.Random(kind)
    found = 0
    for _ in range(count):
        path = chance.choice(sorted(root.rglob("*.flac")))
        data = path.read_bytes()
        at = chance.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :])
        (checked,) = verified(root)
        path.write_bytes(data)
        bad = [one for one in checked.verdicts if one.verdict not in ("ok", "extra")]
        here = [one for one in bad if root / one.path == path and any(a <= at < b for a, b in one.ranges)]
        others = [one for one in bad if root / one.path != path and one.verdict == "corrupt"]
        assert not others
        found += bool(here)
    return found


@pytest.mark.parametrize("kind", KINDS)
@given(sizes=TREES, hows=st.lists(DAMAGES, min_size=1, max_size=2), seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_all_digests_in_one_reading_say_the_same_as_one_sort_of_them(
    kind: str, sizes: dict[str, int], hows: list[str], seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {path: data_of(size, path) for path, size in {"z": 10, **sizes}.items()}
        root = lay(Path(folder), kind, files)
        (whole,) = verified(root, wish=Wish(all_digests=True))
        assert not whole.findings
        if kind == "bag and torrent":
            assert whole.read == sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        chance = random.Random(seed)
        for how in hows:
            paths = [
                str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.suffix != ".txt"
            ]
            damage(root, sorted(paths), how, chance)
        (one,), (every,) = verified(root), verified(root, wish=Wish(all_digests=True))
        assert one.verdicts == every.verdicts


def test_a_torrent_that_says_otherwise_than_the_manifest_is_noticed_where_all_are_compared(tmp_path: Path) -> None:
    files = {"a": data_of(100_000)}
    root = lay(tmp_path, "bag", files)
    other = bag_files({"a": data_of(100_000, "other")})
    (tmp_path / "copy.torrent").write_bytes(torrent_of("copy", {**bag_files(files), "data/a": other["data/a"]}))
    assert verdicts(verified(root)[0])["data/a"] == "ok", "the manifest alone was asked"
    (checked,) = verified(root, wish=Wish(all_digests=True))
    assert verdicts(checked)["data/a"] == "unproven" and "not as the torrent says" in str(checked.findings)
    (root / "data/a").write_bytes(other["data/a"])
    (checked,) = verified(root)
    assert verdicts(checked)["data/a"] == "unproven" and "is as the torrent says" in str(checked.findings)


def test_a_bundle_of_ours_is_checked_with_its_torrent_and_bad_pieces_are_named(tmp_path: Path) -> None:
    archive, _ = sample.make_archive(tmp_path / "archive")
    made = publish_now(archive)
    for one in made:
        laid_out(archive, one.bundle, tmp_path / "mirror")
        (tmp_path / "mirror" / f"{one.bundle.name}.torrent").write_bytes(one.torrents["hybrid"])
        (tmp_path / "mirror" / f"{one.bundle.name}.v1.torrent").write_bytes(one.torrents["v1"])
    stack = verified(tmp_path / "mirror")
    assert {one.copy.name for one in stack} == {one.bundle.name for one in made}
    assert {(one.copy.kind, one.copy.stream) for one in stack} == {("bag", None)}
    assert all(verdict.verdict == "ok" for one in stack for verdict in one.verdicts) and not codes(stack)
    path = max((tmp_path / "mirror").rglob("*.wav"), key=lambda one: one.stat().st_size)
    data = path.read_bytes()
    at = len(data) - 1
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]))
    bad = [one for copy in verified(tmp_path / "mirror") for one in copy.verdicts if one.verdict != "ok"]
    number = at // SMALL_PIECE
    assert [(one.pieces, one.ranges) for one in bad] == [((number,), ((number * SMALL_PIECE, len(data)),))]


def test_an_archive_is_checked_against_its_ledger_and_nothing_in_it_is_written(tmp_path: Path) -> None:
    archive, _ = sample.make_archive(tmp_path / "archive")
    publish_now(archive)
    with archive.objects() as objects:
        held = [one for one in objects.all() if one.size > SMALL_PIECE][:2] or list(objects.all())[:2]
        count = objects.totals()[0]
    shutil.copytree(tmp_path / "archive", tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "state")
    shutil.rmtree(tmp_path / "archive")
    (checked,) = verified(tmp_path / "copy")
    assert checked.copy.kind == "archive" and sorted(verdicts(checked).values()) == ["ok"] * count
    assert not (tmp_path / "copy" / "state").exists()
    one, other = (tmp_path / "copy" / "held/objects/main" / item.sha256[:2] / item.sha256[2:] for item in held)
    other.chmod(0o644)
    other.write_bytes(b"\0" + other.read_bytes()[1:])
    one.unlink()
    (checked,) = verified(tmp_path / "copy")
    bad = {one.path.replace("/", "")[-62:]: one.verdict for one in checked.verdicts if one.verdict != "ok"}
    assert bad == {held[0].sha256[2:]: "missing", held[1].sha256[2:]: "corrupt"}


def test_real_torrents_and_what_belongs_to_them(shared_data: Path, tmp_path: Path) -> None:
    fixtures = tmp_path / "fixtures"
    shutil.copytree(shared_data / "torrents-webtorrent" / "fixtures", fixtures)
    for name in ("alice", "numbers", "lots-of-numbers", "folder"):
        (checked,) = verified(fixtures / f"{name}.torrent")
        assert set(verdicts(checked).values()) == {"ok"} and not checked.findings
    assert codes(verified(fixtures / "corrupt.torrent")) == {"metainfo.incomplete"}
    stack = {one.copy.name: one for one in verified(fixtures)}
    assert set(verdicts(stack["lots-of-numbers"]).values()) == {"ok"}
    assert len(stack) == 8, "nine torrents, two of them about one file"
    (checked,) = verified(fixtures / "numbers")
    assert len(checked.verdicts) == 3
    (checked,) = verified(fixtures / "alice.txt", fixtures / "alice.torrent")
    assert verdicts(checked) == {"alice.txt": "ok"}


def test_what_is_nothing_is_said_to_be_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        verified(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="--torrent"):
        verified(write(tmp_path / "plain", {"a": b"a"}))


def test_what_is_extra_is_told_and_litter_is_no_error(tmp_path: Path) -> None:
    files = {"a.flac": data_of(100), "b/c.flac": data_of(70_000)}
    root = lay(tmp_path, "hybrid", files)
    write(root, {".DS_Store": b"x", "b/Thumbs.db": b"x", ".pad/1-2": b"\0\0", "cover.jpg": b"x"})
    (checked,) = verified(root)
    assert not checked.findings
    notes = {one.path: one.note for one in checked.verdicts if one.verdict == "extra"}
    assert notes == {
        ".DS_Store": "left by a file manager", "b/Thumbs.db": "left by a file manager",
        ".pad/1-2": "padding of a hybrid torrent", "cover.jpg": "",
    }  # fmt: skip


def test_a_damaged_manifest_accuses_nobody(tmp_path: Path) -> None:
    """A digest with a flipped digit: the tag manifest says who is wrong, and the torrent proves the file."""
    root = lay(tmp_path, "bag", {"a.flac": data_of(100), "b.flac": data_of(100, 1)})
    path = root / "manifest-sha256.txt"
    text = path.read_text()
    path.write_text(("0" if text[0] != "0" else "1") + text[1:])
    (checked,) = verified(root)
    assert verdicts(checked)["manifest-sha256.txt"] == "corrupt"
    assert verdicts(checked)["data/a.flac"] == "unproven" and verdicts(checked)["data/b.flac"] == "ok"
    root = lay(tmp_path / "both", "bag and torrent", {"a.flac": data_of(100)})
    path = root / "manifest-sha256.txt"
    text = path.read_text()
    path.write_text(("0" if text[0] != "0" else "1") + text[1:])
    (checked,) = verified(root)
    assert verdicts(checked)["manifest-sha256.txt"] == "corrupt" and verdicts(checked)["data/a.flac"] == "ok"


def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    root = lay(tmp_path, "bag", {"a": b"a"})
    (root / "data" / os.fsdecode(b"\xff")).write_bytes(b"x")
    assert codes(verified(root)) == {"verify.extra", "bag.oxum"}


def test_published_bundles_are_what_a_mirror_without_torrents_has_too(tmp_path: Path) -> None:
    archive, _ = sample.make_archive(tmp_path / "archive")
    publish_now(archive)
    for bundle in publications.bundles(published(Archive.open(archive.root))).values():
        (checked,) = verified(laid_out(archive, bundle, tmp_path / "copies"))
        assert set(verdicts(checked).values()) == {"ok", "extra"} or set(verdicts(checked).values()) == {"ok"}
        assert not checked.findings

"""Repairs take only bytes whose hash is right, from wherever they are, and never write over what is there."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from phonolith.store.files import TEMPORARY
from phonolith.store.passport import BLOCK, SMALL_PIECE
from tests import sample
from tests.releases.test_cut import laid_out, publish_now
from tests.releases.verify import made
from tests.releases.verify.made import (
    NOW,
    data_of,
    repaired,
    write,
)
from tests.store.power import Disk, watched

FILES = {"a.flac": data_of(5 * SMALL_PIECE + 7), "disc/b.flac": data_of(40_000), "c.flac": data_of(3 * SMALL_PIECE, 1)}
ASIDE = f"corrupt-{NOW.replace('-', '').replace(':', '')}"
KINDS = ["bag", "bag and torrent", "hybrid", "v1", "v1 across"]


def lay(folder: Path, kind: str) -> Path:
    return made.lay(folder, kind, FILES)


def flip(path: Path, at: int) -> bytes:
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])
    return path.read_bytes()


def payload(root: Path) -> Path:
    return root / "data" if (root / "data").is_dir() else root


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_copy_is_repaired_from_a_sound_one(kind: str, tmp_path: Path) -> None:
    bad, good = lay(tmp_path / "bad", kind), lay(tmp_path / "good", kind)
    was = flip(payload(bad) / "a.flac", 3 * SMALL_PIECE + 5)
    (payload(bad) / "disc/b.flac").unlink()
    (payload(bad) / "disc").rmdir()
    done = repaired(bad, good)
    assert all(one.verdict in ("ok", "extra") for copy in done.copies for one in copy.verdicts)
    assert not [one for copy in done.copies for one in copy.findings] and not any(one.problem for one in done.mended)
    for path, data in FILES.items():
        assert (payload(bad) / path).read_bytes() == data
    aside = bad / ASIDE / "data/a.flac" if kind.startswith("bag") else bad / f"a.flac.{ASIDE}"
    assert aside.read_bytes() == was
    fetched = {one.path.rpartition("/")[2]: one.fetched for one in done.mended}
    assert fetched["b.flac"] == 40_000 or kind.startswith("v1")
    if kind in ("hybrid", "v1", "bag and torrent"):
        assert fetched["a.flac"] == SMALL_PIECE, "only the bad piece is taken"
    ranges = {one.path.rpartition("/")[2]: one.ranges for one in done.mended}
    assert ranges["a.flac"] == ((3 * SMALL_PIECE, 3 * SMALL_PIECE + BLOCK),) and not ranges["b.flac"]
    assert not list(bad.rglob(f"{TEMPORARY}*"))


@pytest.mark.parametrize("kind", ["bag and torrent", "hybrid", "v1 across"])
def test_two_copies_with_different_damage_repair_each_other(kind: str, tmp_path: Path) -> None:
    one, other = lay(tmp_path / "one", kind), lay(tmp_path / "other", kind)
    flip(payload(one) / "a.flac", 5)
    flip(payload(other) / "a.flac", 4 * SMALL_PIECE + 5)
    flip(payload(other) / "c.flac", 70_000)
    for damaged, source in ((one, other), (other, one)):
        done = repaired(damaged, source)
        assert not [finding for copy in done.copies for finding in copy.findings]
        assert (payload(damaged) / "a.flac").read_bytes() == FILES["a.flac"]
        assert (payload(damaged) / "c.flac").read_bytes() == FILES["c.flac"]


def test_without_pieces_a_copy_with_other_damage_repairs_nothing_and_changes_nothing(tmp_path: Path) -> None:
    one, other = lay(tmp_path / "one", "bag"), lay(tmp_path / "other", "bag")
    was = flip(one / "data/a.flac", 5)
    flip(other / "data/a.flac", 100_000)
    done = repaired(one, other)
    assert [bool(item.problem) for item in done.mended] == [True]
    assert (one / "data/a.flac").read_bytes() == was
    assert sorted(path.name for path in (one / "data").iterdir()) == ["a.flac", "c.flac", "disc"]


def test_a_damaged_manifest_is_repaired_before_what_it_lists(tmp_path: Path) -> None:
    one, other = lay(tmp_path / "one", "bag"), lay(tmp_path / "other", "bag")
    flip(one / "manifest-sha256.txt", 3)
    flip(one / "data/c.flac", 9)
    done = repaired(one, other)
    assert not [finding for copy in done.copies for finding in copy.findings]
    assert (one / "data/c.flac").read_bytes() == FILES["c.flac"]


def test_what_lies_about_its_bytes_is_not_used(tmp_path: Path) -> None:
    one, liar = (
        lay(tmp_path / "one", "hybrid"),
        write(tmp_path / "liar" / "copy", {"a.flac": b"x" * len(FILES["a.flac"])}),
    )
    was = flip(one / "a.flac", 5)
    done = repaired(one, liar)
    assert "no copy has piece 0" in done.mended[0].problem and (one / "a.flac").read_bytes() == was
    assert sorted(path.name for path in one.iterdir()) == ["a.flac", "c.flac", "disc"]


def test_a_link_in_a_file_s_place_is_left_alone(tmp_path: Path) -> None:
    one, other = lay(tmp_path / "one", "hybrid"), lay(tmp_path / "other", "hybrid")
    (one / "a.flac").unlink()
    (one / "a.flac").symlink_to("/etc/passwd")
    done = repaired(one, other)
    assert "symbolic link" in done.mended[0].problem and (one / "a.flac").is_symlink()


def test_an_archive_repairs_a_bundle_and_a_bundle_an_archive(tmp_path: Path) -> None:
    archive, _ = sample.make_archive(tmp_path / "archive")
    cut = publish_now(archive)[0]
    root = laid_out(archive, cut.bundle, tmp_path / "copies")
    file = cut.group.files[0]
    was = (root / "/".join(file.path)).read_bytes()
    flip(root / "/".join(file.path), 9)
    done = repaired(root, archive.root)
    assert not done.copies[0].findings and (root / "/".join(file.path)).read_bytes() == was
    with archive.objects() as objects:
        place = objects.path(file.file.sha256)
    place.chmod(0o644)
    flip(place, 5)
    done = repaired(archive.root, root)
    assert not done.copies[0].findings and place.read_bytes() == was


class _Seed(BaseHTTPRequestHandler):
    """Files of a folder below /bundle/, with or without ranges; requests are counted."""

    folder: Path
    ranges = True
    asked: list[str]

    def do_GET(self) -> None:
        path = self.folder / unquote(self.path.removeprefix("/bundle/"))
        self.asked.append(f"{unquote(self.path)} {self.headers.get('Range')}")
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        start, end = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        if self.ranges:
            self.send_response(206)
            data = data[start : end + 1]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def seeding(folder: Path, *, ranges: bool = True) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Seed", (_Seed,), {"folder": folder, "ranges": ranges, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/bundle/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_web_seed_gives_the_bad_piece_alone(tmp_path: Path) -> None:
    one, good = lay(tmp_path / "one", "hybrid"), lay(tmp_path / "good", "hybrid")
    flip(one / "a.flac", SMALL_PIECE + 5)
    (one / "disc/b.flac").unlink()
    with seeding(good.parent) as (address, asked):
        done = repaired(one, address)
    assert not done.copies[0].findings
    assert asked == [
        f"/bundle/copy/a.flac bytes={SMALL_PIECE}-{2 * SMALL_PIECE - 1}", "/bundle/copy/disc/b.flac bytes=0-39999",
    ]  # fmt: skip


def test_a_web_seed_that_knows_no_ranges_or_does_not_answer_harms_nobody(tmp_path: Path) -> None:
    one, good = lay(tmp_path / "one", "hybrid"), lay(tmp_path / "good", "hybrid")
    was = flip(one / "a.flac", SMALL_PIECE + 5)
    with seeding(good.parent, ranges=False) as (address, _):
        assert repaired(one, address).mended[0].problem
    assert repaired(one, address).mended[0].problem
    assert (one / "a.flac").read_bytes() == was


@pytest.fixture
def memory() -> Iterator[Path]:
    shm = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.mark.parametrize("kind", ["bag", "hybrid"])
def test_a_power_cut_at_any_moment_of_a_repair_leaves_the_old_file_or_the_new_one(
    kind: str, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _cuts(kind, memory, monkeypatch, set()) > 6


@pytest.mark.parametrize(
    ("kind", "deaf"), [("bag", "file"), ("hybrid", "file"), ("hybrid", "folder"), ("bag", "folder")]
)
def test_without_its_fsyncs_the_same_test_fails(
    kind: str, deaf: str, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((AssertionError, FileNotFoundError)):
        _cuts(kind, memory, monkeypatch, {deaf})


def _cuts(kind: str, memory: Path, monkeypatch: pytest.MonkeyPatch, deaf: set[str]) -> int:
    """Repair once; look at what a power cut at each of its moments would leave, and repair that again."""
    good, bad = lay(memory / "good", kind), lay(memory / "bad", kind)
    was = flip(payload(bad) / "a.flac", 5)
    disk = Disk(memory / "bad", lambda: None)
    disk.deaf_to = deaf
    moments: list[Path] = []

    def step() -> None:
        moments.append(memory / f"cut-{len(moments)}")
        disk.snapshot(moments[-1])

    with monkeypatch.context() as patch, watched(disk, patch):
        disk.on_step = step
        repaired(bad, good)
        disk.step()
        disk.on_step = lambda: None
    seen = [_old_or_new(payload(left / "copy"), left, was) for left in moments]
    assert seen[0] == "old" and seen[-1] == "new" and seen == sorted(seen, reverse=True)
    for left in moments[:: max(len(moments) // 6, 1)]:
        done = repaired(left / "copy", good)
        assert not done.copies[0].findings
    return len(moments)


def _old_or_new(folder: Path, left: Path, was: bytes) -> str:
    """Which one is under the name; where it is the new one, the old one is set aside whole."""
    data = (folder / "a.flac").read_bytes()
    if data == was:
        return "old"
    assert data == FILES["a.flac"], "a file that is half one and half the other"
    asides = [path for path in left.rglob("*a.flac*") if path.parent != folder or ".corrupt-" in path.name]
    assert [path.read_bytes() for path in asides if not path.name.startswith(TEMPORARY)] == [was]
    return "new" if data != was else "old"


def test_a_disk_without_hard_links_keeps_the_old_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "no links here")

    one, other = lay(tmp_path / "one", "hybrid"), lay(tmp_path / "other", "hybrid")
    was = flip(one / "a.flac", 5)
    monkeypatch.setattr(os, "link", refuse)
    assert not repaired(one, other).copies[0].findings
    assert (one / f"a.flac.{ASIDE}").read_bytes() == was
    flip(one / "a.flac", 5)
    assert not repaired(one, other).copies[0].findings
    assert (one / f"a.flac.{ASIDE}-2").exists()

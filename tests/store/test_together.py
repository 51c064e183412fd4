"""Many files taken in together by worker processes: what comes of each is what comes of it alone."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import BadInput, NotFound, PhonolithError, StorageError
from phonolith.store import intake, objects
from phonolith.store.archive import Archive
from phonolith.store.batch import Held
from phonolith.store.passport import BLOCK, LARGE_PIECE, SMALL_PIECE, passport_of
from phonolith.store.workers import Workers

SIZES = [
    0,
    1,
    BLOCK,
    BLOCK + 1,
    40_000,
    SMALL_PIECE,
    LARGE_PIECE - 1,
    LARGE_PIECE,
    LARGE_PIECE + 1,
    3 * LARGE_PIECE + 9,
]


@pytest.fixture
def music(tmp_path: Path) -> list[Path]:
    """Files of every size that is a border of something."""
    folder = tmp_path / "music"
    folder.mkdir()
    for number, size in enumerate(SIZES):
        (folder / f"{number:02}").write_bytes(random.Random(size).randbytes(size))
    return sorted(folder.iterdir())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Workers from the first byte on; the list has one entry for each time they were at work."""
    times: list[int] = []
    real = Workers.run

    def counted(self: Workers, *args: Any) -> None:
        times.append(1)
        real(self, *args)

    monkeypatch.setattr(objects, "_WORTH_WORKERS", 0)
    monkeypatch.setattr(objects, "processors", lambda: 2)
    monkeypatch.setattr(Workers, "run", counted)
    yield times
    assert multiprocessing.active_children() == []


def together(archive: Archive, files: Sequence[Path], how: str = "copy") -> list[Held | PhonolithError]:
    with archive.objects() as store, store.batch() as batch:
        return batch.adopt_many([(path, "audio/flac") for path in files], how)


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], *, after: bool = False) -> None:
    """Do something before, or after, workers read."""
    real = Workers.run

    def run(self: Workers, *args: Any) -> None:
        if not after:
            act()
        real(self, *args)
        if after:
            act()

    monkeypatch.setattr(Workers, "run", run)


def leftovers(archive: Archive) -> list[Path]:
    return [path for path in archive.volumes[0].path.rglob("*") if path.name.startswith(".incoming-")]


@pytest.mark.parametrize("how", [how for how in intake.HOWS if how != "reflink"])
def test_each_is_held_as_it_would_be_alone(archive: Archive, music: list[Path], how: str, at_once: list[int]) -> None:
    data = [path.read_bytes() for path in music]
    held = together(archive, music, how)
    assert len(at_once) == 1
    with archive.objects() as store:
        for one, path, content in zip(held, music, data, strict=True):
            assert isinstance(one, Held) and one.size == len(content)
            assert store.passport(one.sha256) == passport_of(content)
            assert store.path(one.sha256).read_bytes() == content
            assert (store.path(one.sha256) == path) is (how == "reference")
    assert leftovers(archive) == []


def test_the_same_bytes_twice_are_held_once(archive: Archive, music: list[Path]) -> None:
    (music[0].parent / "again").write_bytes(music[4].read_bytes())
    held = together(archive, [*music, music[0].parent / "again"])
    assert isinstance(held[4], Held) and isinstance(held[-1], Held) and held[4].sha256 == held[-1].sha256
    with archive.objects() as store:
        assert store.totals()[0] == len(SIZES)


def test_what_cannot_be_had_stands_in_its_place(archive: Archive, music: list[Path], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    missing, whole, pipe, also = together(archive, [tmp_path / "none", music[4], tmp_path / "pipe", music[7]])
    assert isinstance(missing, NotFound) and isinstance(pipe, BadInput)
    assert isinstance(whole, Held) and isinstance(also, Held) and leftovers(archive) == []


@pytest.mark.parametrize("how", ["hardlink", "reference"])
@pytest.mark.parametrize("end", ["grows", "shrinks"])
def test_a_file_that_changes_meanwhile_is_refused(
    archive: Archive, music: list[Path], how: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 50_000 if end == "grows" else 100
    meanwhile(monkeypatch, lambda: os.truncate(music[4], size))
    held = together(archive, music, how)
    wrong = held.pop(4)
    assert isinstance(wrong, BadInput) and "changed while it was read" in wrong.problem
    assert all(isinstance(one, Held) for one in held) and leftovers(archive) == []


def test_a_copy_is_what_was_read_of_a_file_that_shrinks(
    archive: Archive, music: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: os.truncate(music[-1], LARGE_PIECE + 5))
    *_, last = together(archive, music)
    assert isinstance(last, Held) and last.size == LARGE_PIECE + 5
    with archive.objects() as store:
        content = store.path(last.sha256).read_bytes()
        assert passport_of(content) == store.passport(last.sha256)


@pytest.mark.parametrize("writing", [True, False], ids=["writing", "reading"])
def test_what_the_disk_refuses_a_worker_is_said(
    archive: Archive, music: list[Path], writing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake.brought

    def refused(errand: intake.Errand, fetched: intake.Fetched) -> Any:
        broken = errand.path == music[4]
        return real(errand, intake.Fetched(None, OSError(28, "No space left"), writing) if broken else fetched)

    monkeypatch.setattr("phonolith.store.batch.brought", refused)
    held = together(archive, music)
    wrong = held.pop(4)
    about = archive.volumes[0].path if writing else music[4]
    assert isinstance(wrong, StorageError) and wrong.subject == str(about) and "full" in wrong.problem
    assert all(isinstance(one, Held) for one in held) and leftovers(archive) == []


def test_a_write_that_is_refused_is_told_from_a_read(music: list[Path], tmp_path: Path) -> None:
    full = intake.fetch_one("/", str(music[7])[1:], "dev/full", lambda: False)
    assert full.writing and isinstance(full.error, OSError) and full.error.errno == 28
    none = intake.fetch_one(str(tmp_path), "none", -1, lambda: False)
    assert not none.writing and isinstance(none.error, FileNotFoundError)


def test_a_killed_worker_leaves_nothing(archive: Archive, music: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.store import working

    real = Workers.run

    def run(self: Workers, work: Any, things: Iterator[Any], done: Any) -> None:
        real(self, working.die, range(10), lambda *_: None)

    monkeypatch.setattr(Workers, "run", run)
    with pytest.raises(StorageError, match="a worker process was killed"):
        together(archive, music)
    with archive.objects() as store:
        assert store.totals() == (0, 0)
    assert leftovers(archive) == [] and all(path.exists() for path in music)


def test_a_person_who_stops_it_leaves_nothing(
    archive: Archive, music: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    meanwhile(monkeypatch, stop, after=True)
    with pytest.raises(KeyboardInterrupt):
        together(archive, music)
    assert leftovers(archive) == [] and all(path.exists() for path in music)


def test_few_bytes_need_no_workers(
    archive: Archive, music: list[Path], monkeypatch: pytest.MonkeyPatch, at_once: list[int]
) -> None:
    monkeypatch.setattr(objects, "_WORTH_WORKERS", 1 << 40)
    assert all(isinstance(one, Held) for one in together(archive, music)) and at_once == []

"""A disk that is full or fails while something is cut, published, taken in or mended: plain words, and nothing half."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from phonolith.library import publications
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.store.files import TEMPORARY
from tests.cli.conftest import Result, phonolith
from tests.cli.test_mirror import served
from tests.releases.publishing import VERBS, WORN, check_sound, clock, make_place, what_is_published
from tests.releases.seeding import seeder_of
from tests.releases.test_cut import laid_out
from tests.store.test_full_disk import mounted

__all__ = ["clock", "phonolith"]

Run = Callable[..., Result]

pytestmark = pytest.mark.usefixtures("clock")
STORAGE = 11


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive as ``make_place`` makes it."""
    root = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHONOLITH_NOW", "2026-11-02T00:00:00Z")
        make_place(root / "disk")
    return root / "disk" / "a"


@contextmanager
def small_disk(folder: Path, size: str = "8m") -> Iterator[Path]:
    with mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "none") as disk:
        yield disk


def fill(disk: Path, left: int) -> Path:
    """Leave so many bytes free; gives what takes up the others."""
    room = os.statvfs(disk)
    path = disk / "filler"
    with path.open("wb") as file:
        file.write(bytes(max(room.f_bavail * room.f_frsize - left, 0)))
    return path


def told_plainly(result: Result) -> None:
    """What is wrong, about what, and what to do; the exit that scripts know."""
    assert result.code == STORAGE, (result.code, result.err)
    assert "the disk is full" in result.err and "Free some space" in result.err
    assert ": " in result.err.splitlines()[0]


def freed(archive: Archive) -> None:
    """Nothing is left under a temporary name."""
    assert not [path for path in archive.root.rglob("*") if path.name.startswith(TEMPORARY)]


@pytest.mark.parametrize("left", [0, 40_000, 150_000, 300_000])
def test_a_full_disk_while_publishing(template: Path, tmp_path: Path, phonolith: Run, left: int) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(template, whole)
    assert phonolith(*VERBS[1], "--archive", whole).code == 0
    after = what_is_published(Archive.open(whole))
    with small_disk(tmp_path / "disk") as disk:
        archive = Archive.open(shutil.copytree(template, disk / "a"))
        before = what_is_published(archive)
        filler = fill(disk, left)
        told_plainly(phonolith(*VERBS[1], "--archive", archive.root))
        freed(archive)
        filler.unlink()
        check_sound(archive)
        assert what_is_published(archive) == before
        assert phonolith(*VERBS[1], "--archive", archive.root).code == 0
        assert what_is_published(archive) == after
        check_sound(archive)


@pytest.mark.parametrize("left", [0, 60_000, 200_000])
def test_a_full_disk_while_a_release_is_cut(template: Path, tmp_path: Path, phonolith: Run, left: int) -> None:
    with small_disk(tmp_path / "disk") as disk:
        archive = Archive.open(shutil.copytree(template, disk / "a"))
        filler = fill(disk, left)
        told_plainly(phonolith(*VERBS[0], "--archive", archive.root))
        freed(archive)
        filler.unlink()
        check_sound(archive)
        assert phonolith("release", "--list", "--archive", archive.root, "--json").data["drafts"] == []
        cut = phonolith(*VERBS[0], "--archive", archive.root, "--json").data
        assert phonolith("release", "--list", "--archive", archive.root, "--json").data["drafts"] == ["two"]
        for bundle in cut["bundles"]:
            assert (Path(cut["folder"]) / bundle["name"] / "bagit.txt").is_file()


def test_a_cut_that_finds_no_room_leaves_the_one_before_it(template: Path, tmp_path: Path, phonolith: Run) -> None:
    with small_disk(tmp_path / "disk") as disk:
        root = shutil.copytree(template, disk / "a")
        folder = Path(phonolith(*VERBS[0], "--archive", root, "--json").data["folder"])
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        fill(disk, 60_000)
        told_plainly(phonolith(*VERBS[0], "--archive", root))
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.fixture
def copy(template: Path, tmp_path: Path) -> Path:
    """A published bundle as somebody has it, its torrents beside it."""
    archive = Archive.open(template)
    (bundle,) = publications.bundles(published(archive)).values()
    root = laid_out(archive, bundle, tmp_path / "copies")
    with archive.objects() as objects:
        for one in bundle.torrents:
            shutil.copy(objects.path(one.sha256), root.parent / publications.torrent_name(bundle, one.kind))
    return root


@pytest.mark.parametrize("left", [0, 30_000])
def test_a_full_disk_while_a_bundle_is_taken_in(copy: Path, tmp_path: Path, phonolith: Run, left: int) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        root = disk / "a"
        assert phonolith("init", root, "--name", "M", "--contact", "m@example.org").code == 0
        archive = Archive.open(root)
        filler = fill(disk, left)
        words = ("harvest", "bundle", copy, "--adopt", "copy", "--archive", root)
        told_plainly(phonolith(*words))
        freed(archive)
        filler.unlink()
        check_sound(archive)
        assert published(archive) == []
        assert phonolith(*words).code == 0
        assert [one.bundles[0].name for one in published(archive)] == [copy.name]
        check_sound(archive)


def test_a_full_disk_while_a_copy_is_mended(copy: Path, tmp_path: Path, phonolith: Run) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        mine = shutil.copytree(copy, disk / copy.name)
        shutil.copy(copy.parent / f"{copy.name}.torrent", disk)
        path = next(mine.rglob("data/**/*.wav"))
        harmed = path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])
        path.write_bytes(harmed)
        filler = fill(disk, 0)
        words = ("verify", mine, "--repair", "--from", copy)
        failed = phonolith(*words)
        assert failed.code in (1, STORAGE) and "the disk is full" in failed.out + failed.err
        assert path.read_bytes() == harmed
        assert not [one for one in disk.rglob("*") if one.name.startswith(TEMPORARY)]
        filler.unlink()
        phonolith(*words)
        assert path.read_bytes() == (copy / path.relative_to(mine)).read_bytes()
        assert phonolith("verify", copy).code == 0


def failing(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    """Reading these files is an I/O error; opening them is none."""
    bad = {(path.stat().st_dev, path.stat().st_ino) for path in paths}

    def guard(real: Any) -> Any:
        def read(descriptor: int, *rest: Any) -> Any:
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) in bad:
                raise OSError(errno.EIO, "Input/output error")
            return real(descriptor, *rest)

        return read

    for name in ("read", "pread", "readv", "preadv"):
        monkeypatch.setattr(os, name, guard(getattr(os, name)))


def test_an_object_that_the_disk_does_not_read_is_told_and_the_others_are_read(
    template: Path, tmp_path: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(template, tmp_path / "a")
    with Archive.open(root).objects() as objects:
        held = [one.sha256 for one in objects.all() if one.size]
        path = objects.path(held[7])
    failing(monkeypatch, path)
    found = phonolith("verify", "--archive", root, "--json")
    assert found.code == 1
    (told,) = found.data["findings"]
    assert (told["code"], told["severity"]) == ("object.unreadable", "error")
    assert path.name in told["subject"] and "failed to read" in told["problem"]
    monkeypatch.undo()
    assert phonolith("verify", "--all", "--archive", root).code == 0


def test_a_file_of_a_copy_that_the_disk_does_not_read_is_told_and_the_others_are_read(
    copy: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted(copy.rglob("data/**/*.wav"))
    failing(monkeypatch, paths[0])
    found = phonolith("verify", copy, "--json")
    assert found.code == 1
    (told,) = found.data["copies"]
    assert [one["code"] for one in told["findings"]] == ["verify.unreadable"]
    assert paths[0].name in told["findings"][0]["subject"]
    assert {one["verdict"] for one in told["files"] if not one["path"].endswith(paths[0].name)} == {"ok"}


def test_publishing_reads_no_music_and_says_which_file_the_disk_does_not_read(
    template: Path, tmp_path: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Payload is not opened at all; of what was published before, manifests are."""
    archive = Archive.open(shutil.copytree(template, tmp_path / "a"))
    (bundle,) = publications.bundles(published(archive)).values()
    before = what_is_published(archive)
    with archive.objects() as objects:
        music = [objects.path(one.sha256) for one in publications.files(objects, bundle) if one.payload]
        manifest = objects.path(bundle.tags["manifest-sha256.txt"])
    opened = unreadable(monkeypatch, *music, manifest)
    failed = phonolith(*VERBS[1], "--archive", archive.root)
    assert failed.code == STORAGE and manifest.name in failed.err and "failed to read" in failed.err
    assert opened == [manifest]
    monkeypatch.undo()
    monkeypatch.setenv("PHONOLITH_NOW", "2026-11-02T00:00:00Z")
    assert what_is_published(archive) == before
    check_sound(archive)
    manifest.chmod(0o644)
    manifest.write_bytes((sound := manifest.read_bytes()).replace(b"a", b"b", 1))
    rotten = phonolith(*VERBS[1], "--archive", archive.root)
    assert rotten.code == 10 and "is not what was published" in rotten.err
    manifest.write_bytes(sound)
    opened = unreadable(monkeypatch, *music)
    assert phonolith(*VERBS[1], "--archive", archive.root).code == 0
    assert opened == []


@pytest.mark.parametrize("what", ["torrent", "manifest"])
def test_a_bundle_whose_files_the_disk_does_not_read_is_not_given_and_the_others_are(
    template: Path, tmp_path: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")
    archive = Archive.open(shutil.copytree(template, tmp_path / "a"))
    assert phonolith(*VERBS[1], "--archive", archive.root).code == 0
    every = publications.bundles(published(archive))
    bundle = every[f"{WORN}-r2"]
    with archive.objects() as objects:
        bad = bundle.torrents[0].sha256 if what == "torrent" else bundle.tags["manifest-sha256.txt"]
        opened = unreadable(monkeypatch, objects.path(bad))
    with seeder_of(archive) as seeder:
        assert opened
        assert {one["name"] for one in seeder.status()["bundles"]} == every.keys() - {bundle.name}


def unreadable(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> list[Path]:
    """Files whose bytes the disk does not give; gives those that were opened, as they are."""
    opened: list[Path] = []
    real = Path.open

    class Failing:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def __iter__(self) -> Any:
            raise OSError(errno.EIO, "Input/output error")

        read = readline = readinto = __next__ = __iter__

    def open_(self: Path, *words: Any, **more: Any) -> Any:
        file = real(self, *words, **more)
        if self in paths:
            opened.append(self)
            return Failing(file)
        return file

    monkeypatch.setattr(Path, "open", open_)
    return opened


def test_a_full_disk_while_mirroring(template: Path, tmp_path: Path, phonolith: Run) -> None:
    """What was fetched is kept and gone on with, once there is room."""
    origin = Archive.open(shutil.copytree(template, tmp_path / "origin"))
    assert phonolith(*VERBS[1], "--archive", origin.root).code == 0
    with served(origin) as url, small_disk(tmp_path / "disk", "4m") as disk:
        root = disk / "a"
        assert phonolith("init", root, "--name", "M", "--contact", "m@example.org").code == 0
        archive = Archive.open(root)
        mirror = ("mirror", url, "--by", "web", "--no-build", "--archive", root)
        for left in (0, 100_000):
            filler = fill(disk, left)
            told_plainly(phonolith(*mirror))
            freed(archive)
            filler.unlink()
            check_sound(archive)
            what_is_published(archive)
        assert phonolith(*mirror).code == 0
        assert publications.bundles(published(archive)).keys() == publications.bundles(published(origin)).keys()
        check_sound(archive)

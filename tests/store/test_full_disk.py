"""A disk that is full, limited, read-only or really cut off: words for a person, nothing lost, nothing half written."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phonolith.errors import StorageError
from phonolith.model.record import Record
from phonolith.store.archive import Archive
from phonolith.store.files import TEMPORARY, atomic_write

NOW = "2026-01-02T03:04:05Z"


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount something for the test; skips where this user may not."""
    folder.mkdir()
    try:
        subprocess.run(["mount", *options, str(folder)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this user may not mount: {getattr(error, 'stderr', error)}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes (RLIMIT_FSIZE; Python ignores its signal): needs no rights."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def sound(archive: Archive) -> int:
    """Every row's bytes are right, nothing half written is left; the number of objects."""
    with archive.objects() as store:
        held = list(store.all())
        for one in held:
            with store.open(one.sha256) as file:
                assert hashlib.file_digest(file, "sha256").hexdigest() == one.sha256  # type: ignore[arg-type]
    assert not list(archive.root.rglob(f"{TEMPORARY}*"))
    return len(held)


def test_a_full_disk_while_adopting(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=6m", "none") as disk:
        archive = Archive.create(disk / "a", name="T", contact="x", now=NOW)
        filler = disk / "filler"
        filler.write_bytes(bytes(2_000_000))
        source = tmp_path / "song"
        promised = 0
        with archive.objects() as store:
            with pytest.raises(StorageError, match=r"the disk is full.*(free|add a volume)"):
                for number in range(100):
                    source.write_bytes(bytes([number]) * 300_000)
                    store.adopt(source, "copy")
                    promised += 1
            assert promised >= 3 and sound(archive) == promised
            filler.unlink()
            store.adopt(source, "copy")
        assert sound(archive) == promised + 1 and source.exists()


def test_a_full_disk_while_a_batch_is_taken_in(tmp_path: Path) -> None:
    """The batch that does not fit costs itself alone: what was kept before stays, and the same again succeeds."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=6m", "none") as disk:
        archive = Archive.create(disk / "a", name="T", contact="x", now=NOW)
        filler = disk / "filler"
        filler.write_bytes(bytes(2_000_000))
        with archive.objects() as store:
            with store.batch() as batch, pytest.raises(StorageError, match=r"the disk is full"):
                for number in range(100):
                    batch.add_bytes(bytes([number]) * 300_000)
                    if number == 2:
                        batch.keep()
            kept = sound(archive)
            assert kept >= 3
            filler.unlink()
            with store.batch() as batch:
                for number in range(9):
                    batch.add_bytes(bytes([number]) * 300_000)
        assert sound(archive) == max(kept, 9)


def test_a_batch_whose_sync_fails_holds_nothing_of_it(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """One bad fsync of many, in a thread: it is said, no row names anything, nothing is left under temporary names."""
    real, count = os.fsync, iter(range(1000))

    def refuse(descriptor: int) -> None:
        if next(count) == 7:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    with archive.objects() as store:
        with monkeypatch.context() as patch, pytest.raises(StorageError, match="disk failed"), store.batch() as batch:
            for number in range(20):
                batch.add_bytes(bytes([number]) * 1000)
            patch.setattr(os, "fsync", refuse)
        assert store.totals() == (0, 0) and sound(archive) == 0


def test_a_full_disk_while_recording(tmp_path: Path) -> None:
    noise = [hashlib.sha512(b"%d" % i).hexdigest().encode() * 20 for i in range(4000)]
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=3m", "none") as disk:
        archive = Archive.create(disk / "a", name="T", contact="x", now=NOW)
        filler = disk / "filler"
        filler.write_bytes(bytes(1_000_000))
        stored = 0
        with archive.records() as store:
            with pytest.raises(StorageError, match=r"full"):
                for start in range(0, len(noise), 50):
                    batch = [Record("s", f"{start + i}", "", NOW, p) for i, p in enumerate(noise[start : start + 50])]
                    stored += sum(store.put_many(batch))
            assert stored >= 50
        filler.unlink()
        with archive.records() as store:
            found = [one for shard in store.shards(1) for one in shard]
            assert len(found) == stored == store.count()
            assert all(one.payload == noise[int(one.item)] for one in found)
            assert store.put_many([Record("s", "again", "", NOW, b"x")]) == (1, 0)


def test_a_store_that_opens_on_a_full_disk_says_full_and_not_broken(tmp_path: Path) -> None:
    """SQLite calls it an I/O error where it cannot make its file of shared memory."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=2m", "none") as disk:
        archive = Archive.create(disk / "a", name="T", contact="x", now=NOW)
        archive.records().close()
        with contextlib.suppress(OSError), (disk / "filler").open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        with pytest.raises(StorageError, match="the disk is full"), archive.records() as store:
            store.put_many([Record("s", "i", "", NOW, b"x")])
        (disk / "filler").unlink()
        with archive.records() as store:
            assert store.put_many([Record("s", "i", "", NOW, b"x")]) == (1, 0)


def test_a_full_disk_while_deciding(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "none") as disk:
        archive = Archive.create(disk / "a", name="T", contact="x", now=NOW)
        body = {"subjects": ["x" * 16] * 3000, "because": "b", "ground": "law"}
        written = 1
        with archive.register() as register:
            with pytest.raises(StorageError, match="full"):
                for _ in range(100):
                    register.append("item.withdrawn", body, actor="a", time=NOW)
                    written += 1
            assert register.head()[0] == written and register.verify() == []


@pytest.mark.parametrize("limit", [4096, 100_000, 250_000])
def test_a_file_that_may_not_grow(archive: Archive, tmp_path: Path, limit: int) -> None:
    source = tmp_path / "song"
    source.write_bytes(bytes(300_000))
    with archive.objects() as store:
        with largest_file(limit), pytest.raises(StorageError, match=r"too large|full|failed to"):
            store.adopt(source, "copy")
        assert sound(archive) == 0
        with largest_file(limit), pytest.raises(StorageError):
            store.add_bytes(bytes(limit + 1))
        store.adopt(source, "copy")
    assert sound(archive) == 1


def test_records_that_may_not_be_sealed_stay_open(archive: Archive) -> None:
    noise = [hashlib.sha512(b"%d" % i).hexdigest().encode() for i in range(4000)]
    with archive.records() as store:
        store.put_many(Record("s", f"{i}", "", NOW, payload) for i, payload in enumerate(noise))
        with largest_file(50_000), pytest.raises(StorageError, match=r"000001\.jsonl\.zst"):
            store.seal()
        assert not list(archive.held.glob("records/s/*"))
        assert len(store.seal()) == 1
        assert sum(1 for shard in store.shards(2) for _ in shard) == len(noise)


def test_an_atomic_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write(path, b"old")
    with largest_file(1000), pytest.raises(StorageError, match="too large"):
        atomic_write(path, bytes(5000))
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    atomic_write(path, lambda file: file.write(b"new") and None)
    assert path.read_bytes() == b"new"


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """A read-only mount, since the tests may run as root, whom permissions do not stop."""
    archive = Archive.create(tmp_path / "a", name="T", contact="x", now=NOW)
    with archive.objects() as store, archive.records() as records:
        digest = store.add_bytes(b"before").sha256
        records.put_many([Record("s", "i", "", NOW, b"before")])
        records.seal()
    with mounted(tmp_path / "ro", "--bind", "-o", "ro", str(tmp_path)) as view:
        with pytest.raises(StorageError, match="read-only"):
            Archive.create(view / "b", name="T", contact="x", now=NOW)
        closed = Archive.open(view / "a")
        body = {"subjects": [], "because": "", "ground": ""}
        with pytest.raises(StorageError, match=r"cannot be|read-only"), closed.lock("harvest", what="h"):
            pass
        with pytest.raises(StorageError, match=r"cannot be|read-only"):
            closed.register().append("item.withdrawn", body, actor="", time=NOW)
        with closed.objects() as store, closed.records() as records, closed.register() as register:
            assert store.path(digest).read_bytes() == b"before"
            assert [one.payload for one in records.scan()] == [b"before"]
            assert register.verify() == [] and register.head()[0] == 1
            with pytest.raises(StorageError, match="cannot be written"):
                records.put_many([Record("s", "i", "", NOW, b"after")])
            with pytest.raises(StorageError, match="read-only"):
                store.add_bytes(b"after")


@pytest.mark.peers
@pytest.mark.parametrize("synced", [True, False], ids=["as it is", "with fsync patched out"])
def test_a_real_file_system_survives_a_real_cut(
    tmp_path: Path, synced: bool, monkeypatch: pytest.MonkeyPatch, peer: Callable[..., str]
) -> None:
    """ext4 in a file: a copy of the file at some moment is the disk after a power cut at that moment.

    With ``fsync`` patched out the kernel has written nothing yet when the copy is taken: the negative control.
    """
    format_disk = peer("mkfs.ext4")
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(24 << 20)
    subprocess.run([format_disk, "-q", "-F", str(image)], check=True, capture_output=True)
    losses = 0
    for turn in range(10):
        promised = _fill_and_copy(tmp_path, image, turn, monkeypatch, synced)
        with mounted(tmp_path / f"after-{turn}", "-o", "loop", str(tmp_path / "cut.img")) as disk:
            losses += not _has_all(disk / f"a{turn}", promised)
    assert losses == 0 if synced else losses >= 9


def _fill_and_copy(
    tmp_path: Path, image: Path, turn: int, monkeypatch: pytest.MonkeyPatch, synced: bool
) -> list[bytes]:
    promised = []
    with mounted(tmp_path / f"before-{turn}", "-o", "loop", str(image)) as disk, monkeypatch.context() as patch:
        if not synced:
            patch.setattr(os, "fsync", lambda _: None)
        archive = Archive.create(disk / f"a{turn}", name="T", contact="x", now=NOW)
        with archive.objects() as store:
            for number in range(5):
                data = bytes([turn, number]) * 40_000
                store.add_bytes(data)
                promised.append(data)
            together = [bytes([turn, number]) * 10_000 for number in range(10, 30)]
            with store.batch() as batch:
                for data in together:
                    batch.add_bytes(data)
            promised += together
        shutil.copyfile(image, tmp_path / "cut.img")
    return promised


def _has_all(root: Path, promised: list[bytes]) -> bool:
    try:
        with Archive.open(root).objects() as store:
            return all(store.path(hashlib.sha256(data).hexdigest()).read_bytes() == data for data in promised)
    except Exception:  # whatever a cut left, it is a loss
        return False

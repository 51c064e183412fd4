"""Objects: every way of adoption, the ledger behind it, and what the disk may do to them."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from phonolith.errors import BadInput, Damaged, NotFound, SettingError, StorageError, UsageError
from phonolith.store import files, intake
from phonolith.store.archive import Archive
from phonolith.store.files import TEMPORARY
from phonolith.store.ledger import Ledger
from phonolith.store.objects import ObjectStore
from phonolith.store.passport import passport_of
from phonolith.store.volumes import Volume, roomiest, volumes_from

DATA = b"some audio" * 200_000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "song.flac"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path


def leftovers(archive: Archive) -> list[Path]:
    return list(archive.root.rglob(f"{TEMPORARY}*"))


@pytest.mark.parametrize("how", ["auto", "hardlink", "move", "copy", "reference"])
def test_adopted_bytes_are_held_with_their_passport(archive: Archive, source: Path, how: str) -> None:
    with archive.objects() as store:
        held = store.adopt(source, how, "audio/flac")
        assert (held.sha256, held.size, len(held.places)) == (SHA, len(DATA), 1)
        assert store.has(SHA) and store.held(SHA) == held and list(store.all()) == [held]
        assert store.passport(SHA) == passport_of(DATA)
        assert store.media_type(SHA) == "audio/flac"
        assert store.totals() == (1, len(DATA))
        with store.open(SHA) as file:
            assert file.read() == DATA
        assert str(store.path(SHA)) == held.places[0]
    assert source.exists() == (how != "move")
    assert leftovers(archive) == []


def test_where_the_bytes_lie_and_whether_they_were_copied(archive: Archive, source: Path) -> None:
    inside = archive.volumes[0].path / SHA[:2] / SHA[2:]
    before = source.stat()
    with archive.objects() as store:
        assert store.adopt(source, "reference").places == (str(source),)
        assert not inside.exists()
        assert store.adopt(source, "hardlink").places == (str(inside), str(source))
        assert inside.samefile(source)
    assert source.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("how", ["auto", "hardlink", "move", "copy", "reference"])
def test_a_batch_is_held_when_it_is_kept_and_shares_its_syncs(
    archive: Archive, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.flac" for number in range(60)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % (number % 50))  # ten of them twice
    synced: list[str] = []
    transactions = []
    real, begin = os.fsync, Ledger.transaction

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Ledger, "transaction", lambda self: transactions.append(1) or begin(self))
    with archive.objects() as store:
        with store.batch() as batch:
            helds = [batch.adopt(path, how, "audio/flac") for path in paths]
            assert batch.count == 60 and store.totals()[0] == 0, "nothing is held before the batch is kept"
        assert store.totals()[0] == 50 and len(transactions) == 1
        assert {(one.sha256, one.size) for one in helds} == {(one.sha256, one.size) for one in store.all()}
        assert all(store.path(one.sha256).read_bytes() == b"%d" % (at % 50) for at, one in enumerate(helds))
        assert store.media_type(helds[0].sha256) == "audio/flac"
        folders = {store.path(one.sha256).parent for one in helds}
    files_synced = [path for path in synced if not Path(path).is_dir()]
    assert len(files_synced) == (0 if how == "reference" else 50), "each file needs its own"
    assert len(synced) - len(files_synced) <= (0 if how == "reference" else len(folders) + 1)
    assert all(path.exists() for path in paths), "a batch leaves the sources of a move to its caller"
    assert leftovers(archive) == []


def test_a_batch_that_is_not_kept_leaves_nothing(archive: Archive, source: Path) -> None:
    with archive.objects() as store:
        with pytest.raises(KeyboardInterrupt), store.batch() as batch:
            batch.adopt(source, "copy")
            batch.adopt(source, "hardlink")
            raise KeyboardInterrupt
        assert store.totals() == (0, 0) and leftovers(archive) == [] and source.read_bytes() == DATA
        with store.batch() as batch:
            with pytest.raises(NotFound):
                batch.adopt(source.with_name("absent"), "copy")
            batch.add_bytes(b"x")
        assert store.totals() == (1, 1), "one file that cannot be adopted costs itself alone"


def test_a_file_that_was_received_is_left_alone_by_a_sweep(archive: Archive) -> None:
    with archive.objects() as store:
        volume = store.volumes[0]
        with files.temporary(volume.path) as (draft, file):
            file.write(DATA)
        draft.write_bytes(DATA)  # as whoever fetched it leaves it: whole, and nobody's any more
        with store.batch() as batch:
            batch.receive(draft, passport_of(DATA), volume)
            assert files.sweep(volume.path) == 0
        assert store.path(SHA).read_bytes() == DATA


@pytest.mark.parametrize("how", ["auto", "hardlink", "move", "copy", "reference"])
def test_the_same_bytes_again_change_nothing(archive: Archive, source: Path, how: str) -> None:
    with archive.objects() as store:
        first = store.adopt(source, "copy")
        inode = store.path(SHA).stat().st_ino
        again = store.adopt(source, how)
        assert again.places[0] == first.places[0] and store.path(SHA).stat().st_ino == inode
        assert store.totals() == (1, len(DATA))
        assert store.add_bytes(DATA).sha256 == SHA
    assert source.exists() == (how != "move")


def test_a_move_may_leave_the_source_to_its_caller(archive: Archive, source: Path) -> None:
    with archive.objects() as store:
        store.adopt(source, "move", keep_source=True)
        assert source.exists() and store.has(SHA)


def test_a_moved_file_that_is_the_object_itself_stays(archive: Archive, source: Path) -> None:
    with archive.objects() as store:
        place = Path(store.adopt(source, "copy").places[0])
        store.adopt(place, "move")
        assert place.exists()


@pytest.mark.parametrize("size", [0, 1, 65536, 1 << 20])
def test_small_and_empty_objects(archive: Archive, size: int) -> None:
    with archive.objects() as store:
        held = store.add_bytes(bytes(size))
        with store.open(held.sha256) as file:
            assert file.read() == bytes(size)
        assert store.passport(held.sha256) == passport_of(bytes(size))


def test_what_is_not_held_is_not_found(archive: Archive) -> None:
    with archive.objects() as store:
        for digest in ("0" * 64, "", "xyz", "0" * 63, SHA.upper(), "../../etc/passwd", "0" * 62 + "é0"):
            with pytest.raises(NotFound):
                store.open(digest)
        assert store.held("0" * 64) is None and store.passport("0" * 64) is None and not store.has("0" * 64)


def test_lost_cut_or_changed_bytes_are_damaged_and_mended_by_adopting_again(archive: Archive, source: Path) -> None:
    with archive.objects() as store:
        place = Path(store.adopt(source, "copy").places[0])
        place.write_bytes(DATA[:-1])
        with pytest.raises(Damaged, match=r"1,999,999 bytes instead of 2,000,000"):
            store.open(SHA)
        place.unlink()
        with pytest.raises(Damaged, match="is gone"):
            store.path(SHA)
        store.adopt(source, "copy")
        assert store.path(SHA).read_bytes() == DATA


def test_a_referenced_file_that_changed_is_no_longer_trusted(archive: Archive, source: Path) -> None:
    with archive.objects() as store:
        store.adopt(source, "reference")
        source.write_bytes(DATA[::-1])  # same size
        os.utime(source, ns=(1, 1))
        with pytest.raises(Damaged, match="changed since it was adopted by reference"):
            store.path(SHA)


def test_a_second_place_serves_when_the_first_is_lost(archive: Archive, source: Path) -> None:
    with archive.objects() as store:
        store.adopt(source, "reference")
        store.adopt(source, "copy")
        (archive.volumes[0].path / SHA[:2] / SHA[2:]).unlink()
        assert store.path(SHA) == source


def test_new_objects_go_to_the_roomiest_volume(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"main": 10, "second": 10**9}
    monkeypatch.setattr(Volume, "free", lambda self: free[self.name])
    volumes = (*archive.volumes, Volume("second", tmp_path / "disk2"))
    with ObjectStore(archive.held / "ledger.sqlite", volumes) as store:
        first = store.add_bytes(b"one")
        free["main"] = 10**10
        second = store.add_bytes(b"two")
        assert first.places[0].startswith(str(tmp_path / "disk2"))
        assert second.places[0].startswith(str(archive.volumes[0].path))
        assert store.path(first.sha256).read_bytes() == b"one"
        (tmp_path / "disk2").rename(tmp_path / "unplugged")
        with pytest.raises(StorageError, match=r"volume second is not mounted.*Mount the disk"):
            store.open(first.sha256)
        assert store.add_bytes(b"three").places[0].startswith(str(archive.volumes[0].path))
        assert not (tmp_path / "disk2").exists()  # an unplugged volume is not made anew


def test_bytes_that_fit_nowhere_are_refused_before_they_are_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    volume = Volume("v", tmp_path)
    volume.prepare()
    monkeypatch.setattr(Volume, "free", lambda self: 5)
    with pytest.raises(StorageError, match="the disk is full: 6 bytes are needed and 5 are free"):
        roomiest([volume], 6)
    with pytest.raises(StorageError, match="no volume of the archive is there"):
        roomiest([Volume("w", tmp_path / "absent")], 0)


@pytest.mark.parametrize("table", [{}, {"a/b": "x"}, {"": "x"}, {"a": ""}, {"a": 3}, {"a": "x\0"}])
def test_impossible_volumes_are_a_setting_error(tmp_path: Path, table: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        volumes_from(table, tmp_path)


def test_volumes_are_relative_to_the_archive_or_absolute(tmp_path: Path) -> None:
    one, two = volumes_from({"one": "held/x", "two": "/mnt/y"}, tmp_path)
    assert (one.path, two.path) == (tmp_path / "held/x", Path("/mnt/y"))


def test_only_regular_files_are_adopted(archive: Archive, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    with archive.objects() as store:
        for path, error in (
            (tmp_path, BadInput),
            (tmp_path / "pipe", BadInput),
            (tmp_path / "loop", StorageError),
            (tmp_path / "dangling", NotFound),
            (tmp_path / "absent", NotFound),
            (tmp_path / "a\0b", BadInput),
            (tmp_path / ("n" * 300), StorageError),
        ):
            with pytest.raises(error):
                store.adopt(path, "copy")
        with pytest.raises(UsageError, match="reflink"):
            store.adopt(tmp_path, "steal")


@pytest.mark.parametrize("how", ["hardlink", "move", "copy", "reference"])
def test_symbolic_links_stand_for_their_file(archive: Archive, source: Path, how: str) -> None:
    link = source.with_name("link.flac")
    link.symlink_to(source.name)
    with archive.objects() as store:
        store.adopt(link, how)
        place = store.path(SHA)
        assert place.read_bytes() == DATA
        if how != "reference":
            assert stat.S_ISREG(place.lstat().st_mode)


@pytest.mark.parametrize(
    "name", [b"bad\xff\xfename", b"new\nline", b"bidi\xe2\x80\xae3pm", b"-rf", b"\x1b[31m", "ü東京".encode()]
)
@pytest.mark.parametrize("how", ["copy", "reference", "hardlink", "move"])
def test_any_name_the_file_system_has_can_be_adopted(archive: Archive, tmp_path: Path, name: bytes, how: str) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"x")
    with archive.objects() as store:
        held = store.adopt(path, how)
        assert store.path(held.sha256).read_bytes() == b"x"
        if how == "reference":
            path.unlink()
            with pytest.raises(Damaged) as caught:
                store.path(held.sha256)
            assert str(caught.value).isprintable() and str(caught.value).encode()


def test_a_hard_link_across_disks_is_refused_in_words(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cross(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", cross)
    with archive.objects() as store:
        with pytest.raises(StorageError, match=r"no hard link is possible: it lies on another disk.*copy"):
            store.adopt(source, "hardlink")
        assert not store.has(SHA) and leftovers(archive) == []
        store.adopt(source, "move")  # copies, then removes the source
        assert store.path(SHA).read_bytes() == DATA and not source.exists()


@pytest.mark.parametrize("cause", [errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL])
def test_a_reflink_that_is_not_possible_is_refused_and_auto_copies(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch, cause: int
) -> None:
    def cannot(*_: object) -> int:
        raise OSError(cause, os.strerror(cause))

    monkeypatch.setattr(fcntl, "ioctl", cannot)
    with archive.objects() as store:
        with pytest.raises(StorageError, match=r"reflink.*copy"):
            store.adopt(source, "reflink")
        assert not store.has(SHA) and leftovers(archive) == []
        store.adopt(source, "auto")
        assert store.path(SHA).read_bytes() == DATA


def test_a_reflink_is_asked_of_the_file_system(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def clone(target: int, request: int, origin: int) -> int:
        assert request == 0x40049409
        os.pwrite(target, os.pread(origin, len(DATA), 0), 0)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", clone)
    with archive.objects() as store:
        assert store.adopt(source, "reflink").sha256 == SHA
        assert store.path(SHA).read_bytes() == DATA


@pytest.mark.parametrize("how", ["hardlink", "reference"])
def test_a_file_that_grows_while_it_is_read_is_refused(
    archive: Archive, source: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake._read

    def growing(path, file, copy):  # type: ignore[no-untyped-def]
        passport = real(path, file, copy)
        with source.open("ab") as more:
            more.write(b"!")
        return passport

    monkeypatch.setattr(intake, "_read", growing)
    with archive.objects() as store:
        with pytest.raises(BadInput, match="changed while it was read"):
            store.adopt(source, how)
        assert not store.has(SHA) and leftovers(archive) == []


@pytest.mark.parametrize("cause", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "rename", "write"])
def test_what_the_disk_refuses_is_said_and_nothing_is_left(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch, cause: int, call: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(cause, os.strerror(cause))

    with archive.objects() as store:
        with monkeypatch.context() as patch:
            if call == "fsync":
                patch.setattr(os, "fsync", refuse)
            elif call == "rename":
                patch.setattr(Path, "rename", refuse)
            else:
                patch.setattr(intake, "_copy_out", refuse)
            with pytest.raises(StorageError) as caught:
                store.adopt(source, "copy")
        assert caught.value.subject and caught.value.problem and caught.value.remedy
        assert leftovers(archive) == [] and not store.has(SHA) and source.exists()
        store.adopt(source, "copy")
        assert store.path(SHA).read_bytes() == DATA


def test_an_unreadable_disk_names_the_file_that_cannot_be_read(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "preadv", broken)
    with archive.objects() as store, pytest.raises(StorageError, match=r"song\.flac: the disk failed"):
        store.adopt(source, "copy")


def test_leftovers_are_swept_and_work_in_progress_is_not(archive: Archive) -> None:
    folder = archive.volumes[0].path
    (folder / f"{TEMPORARY}dead").write_bytes(b"half")
    with files.temporary(folder) as (draft, _), archive.lock("harvest", what="harvest"):
        assert leftovers(archive) == [draft]
    assert leftovers(archive) == []


def test_the_ledger_reads_without_writing(archive: Archive, source: Path) -> None:
    with archive.objects() as store:
        store.adopt(source, "copy")
    with ObjectStore(archive.held / "ledger.sqlite", archive.volumes, readonly=True) as store:
        assert store.path(SHA).read_bytes() == DATA
        with pytest.raises(StorageError):
            store.add_bytes(b"more")


def test_a_place_is_a_value(archive: Archive) -> None:
    volume = archive.volumes[0]
    assert replace(volume) == volume and volume.object_path(SHA).name == SHA[2:]

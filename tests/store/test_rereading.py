"""Reading again: every flipped bit is found and none falsely, on a schedule that survives whatever happens to it."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from phonolith.errors import Damaged, StorageError
from phonolith.model.progress import Silent
from phonolith.model.record import Record
from phonolith.store import fixity, rereading
from phonolith.store.archive import Archive
from phonolith.store.damage import RUN
from phonolith.store.fixity import Pace
from phonolith.store.ledger import Ledger
from phonolith.store.rereading import Report, Wish, opened, reread
from phonolith.store.schedule import Schedule
from phonolith.store.volumes import MARKER
from tests.store.test_fixity import flip
from tests.store.test_full_disk import mounted

NOW, LATER, LAST = "2026-01-02T03:04:05Z", "2026-02-02T03:04:05Z", "2026-03-02T03:04:05Z"
LONG_AGO = "2000-01-01T00:00:00Z"


def make(root: Path, *volumes: str) -> Archive:
    """An archive of these volumes, ``main`` the first."""
    Archive.create(root, name="T", contact="x@example.org", now=NOW)
    lines = "".join(f'{name} = "held/objects/{name}"\n' for name in volumes)
    settings = root / "phonolith.toml"
    settings.write_text(settings.read_text().replace('main = "held/objects/main"\n', lines))
    for name in volumes:
        (root / "held" / "objects" / name).mkdir(exist_ok=True)
        (root / "held" / "objects" / name / MARKER).touch()
    return Archive.open(root)


def fill(archive: Archive, count: int, seed: int = 1, biggest: int = 100_000) -> list[str]:
    """Objects of random bytes in the first volume; some small, one of several pieces."""
    rng = random.Random(seed)
    sizes = [3_000_000, 1_048_576, 1, *(rng.randrange(1, biggest) for _ in range(count - 3))]
    with replace(archive, volumes=archive.volumes[:1]).objects() as objects, objects.batch() as batch:
        return [batch.add_bytes(rng.randbytes(size)).sha256 for size in sizes]


def copy(archive: Archive, volume: str) -> None:
    with archive.objects() as objects:
        assert list(objects.copy_to(volume, Silent())) == []


def verify(
    archive: Archive, now: str = NOW, *, cutoff: str = LONG_AGO, progress: Silent | None = None, **wish: Any
) -> Report:
    """A run; ``cutoff`` long ago reads what was never read or was amiss."""
    pace = wish.pop("pace", None) or Pace()
    with archive.lock("verify", what="test"), opened(archive) as store:
        return reread(store, Wish(cutoff, **wish), pace, progress or Silent(), now=lambda: now, version="1")


def codes(report: Report) -> list[str]:
    return sorted(one.code for one in report.findings)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are read, as they are."""
    paths: list[str] = []
    real = fixity.look

    def noted(path: str, *rest: Any) -> fixity.Look:
        paths.append(path)
        return real(path, *rest)

    monkeypatch.setattr(rereading, "look", noted)
    return paths


class After(Silent):
    """Does something when so many files were read."""

    def __init__(self, count: int, act: Callable[[], object]) -> None:
        self.count, self.act = count, act

    def advance(self, count: int) -> None:
        self.count -= 1
        if self.count == 0:
            self.act()


def _flip_a_thousand(archive: Archive) -> set[str]:
    rng = random.Random(7)
    places = [path for volume in archive.volumes for path in volume.path.glob("*/*")]
    chosen = rng.sample(sorted(places), 1000)
    for path in chosen:
        flip(path, rng.randrange(path.stat().st_size), rng.randrange(8))
    return {str(path) for path in chosen}


@pytest.mark.parametrize("compared", [True, False], ids=["as it is", "with a comparison that accepts everything"])
def test_a_thousand_of_a_thousand_flipped_bits(memory: Path, monkeypatch: pytest.MonkeyPatch, compared: bool) -> None:
    archive = make(memory / "a", "main", "second", "third")
    fill(archive, 500, biggest=20_000)
    copy(archive, "second")
    copy(archive, "third")
    assert verify(archive).results == {"sound": 1500, "damaged": 0, "unreadable": 0, "gone": 0}
    flipped = _flip_a_thousand(archive)
    if not compared:
        monkeypatch.setattr(fixity, "_same", lambda found, expected: True)
    report = verify(archive, LATER, everything=True, threads=2)
    found = {one.subject for one in report.findings if one.code == "object.damaged"}
    if compared:
        assert found == flipped and len(report.findings) == 1000
        assert report.results == {"sound": 500, "damaged": 1000, "unreadable": 0, "gone": 0}
    else:
        assert found == set()


def test_what_is_damaged_is_not_served_and_what_was_mended_is(archive: Archive) -> None:
    with archive.objects() as objects:
        one, other = objects.add_bytes(b"x" * 70_000).sha256, objects.add_bytes(b"y").sha256
        path = objects.path(one)
        flip(path, 40_000)
        (finding,) = verify(archive).findings
        assert finding.code == "object.damaged" and finding.subject == str(path) and "Restore it" in finding.remedy
        with pytest.raises(Damaged, match=f"was found damaged at {NOW}.*phonolith verify"):
            objects.path(one)
        assert objects.path(other).is_file()
        assert codes(verify(archive, LATER)) == ["object.damaged"]  # what was amiss is always due
        (archive.state / "fixity.sqlite").unlink()
        with pytest.raises(Damaged):
            objects.path(one)
        flip(path, 40_000)
        assert verify(archive, LAST).findings == []
        assert objects.path(one) == path
    with archive.observations() as observations:
        told = [(one.time, one.value["result"]) for one in observations.of(one, "fixity")]
    assert told == [(NOW, "damaged"), (LAST, "sound")]  # the same word twice is said once


def test_the_same_bytes_taken_in_again_mend_what_is_known_to_be_damaged(archive: Archive) -> None:
    with archive.objects() as objects:
        one = objects.add_bytes(b"x" * 70_000).sha256
        flip(archive.volumes[0].object_path(one), 5)
        objects.add_bytes(b"x" * 70_000)  # nobody knows of the damage yet: the same bytes again change nothing
        assert codes(verify(archive)) == ["object.damaged"]
        objects.add_bytes(b"x" * 70_000)
        assert verify(archive, LATER).findings == [] and objects.path(one).is_file()


def test_a_sound_copy_is_named_and_served(memory: Path) -> None:
    archive = make(memory / "a", "main", "second")
    (one, *_) = fill(archive, 3)
    copy(archive, "second")
    bad, good = (volume.object_path(one) for volume in archive.volumes)
    flip(bad, 1_500_000)
    (finding,) = verify(archive).findings
    assert "1 of 3 pieces of it differ" in finding.problem
    with archive.objects() as objects:
        assert objects.path(one) == good
    command = finding.remedy.partition(": ")[2].partition(",")[0].split()
    assert command == ["cp", "--remove-destination", str(good), str(bad)]
    bad.unlink()
    shutil.copyfile(command[2], command[3])
    assert verify(archive, LATER).findings == []
    bad.unlink()
    assert codes(verify(archive, LATER, everything=True)) == ["object.gone"]


def test_all_kinds_of_harm_and_no_other(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make(memory / "a", "main")
    names = fill(archive, 12)
    paths = [archive.volumes[0].object_path(name) for name in names]
    outside = memory / "outside \udcff"
    outside.write_bytes(b"outside")
    with archive.objects() as objects:
        objects.adopt(outside, "reference")
    paths[3].write_bytes(paths[3].read_bytes()[:-1])
    paths[4].write_bytes(paths[4].read_bytes() + b"x")
    paths[5].write_bytes(os.urandom(paths[5].stat().st_size))
    paths[6].rename(memory / "elsewhere")
    paths[6].symlink_to(memory / "elsewhere")
    paths[7].unlink()
    outside.write_bytes(b"outsidE")
    bad, real = paths[8].stat().st_ino, os.readv

    def failing(descriptor: int, buffers: Any) -> int:
        if os.fstat(descriptor).st_ino == bad:
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor, buffers)

    monkeypatch.setattr(os, "readv", failing)
    report = verify(archive)
    assert report.results == {"sound": 6, "damaged": 5, "unreadable": 1, "gone": 1}
    told = {one.subject: one.code for one in report.findings}
    assert told == {
        **{str(paths[at]): "object.damaged" for at in (3, 4, 5, 6)},
        str(outside).replace("\udcff", "\\udcff"): "object.damaged",
        str(paths[7]): "object.gone",
        str(paths[8]): "object.unreadable",
    }
    with archive.damage() as damage:
        assert len(damage.amiss()) == 7
        assert {one.place.path for one in damage.amiss()} == {b"", os.fsencode(outside)}


def test_segments_are_read_too(archive: Archive) -> None:
    with archive.records() as records:
        records.put_many(Record("s", f"{i}", "u", NOW, b"%d" % i) for i in range(100))
        (path,) = records.seal()
    report = verify(archive)
    assert (report.checked, report.size, report.findings) == (1, path.stat().st_size, [])
    flip(path, 60)
    assert codes(verify(archive, everything=True)) == ["segment.damaged"]
    path.unlink()
    assert codes(verify(archive)) == ["segment.gone"]


def test_a_wrong_row_is_found_where_no_layer_proves_it(archive: Archive) -> None:
    """Files of one piece are compared whole; others on wish, since `ledger check` proves their roots."""
    names = fill(archive, 3)
    with archive.objects() as objects:
        names.append(objects.add_bytes(os.urandom(30_000)).sha256)
    db = apsw.Connection(str(archive.held / "ledger.sqlite"))
    db.execute("UPDATE object SET root = zeroblob(32) WHERE size <= 1048576; UPDATE object SET padded = zeroblob(20)")
    db.close()
    report = verify(archive)
    assert report.results["sound"] == 4 and codes(report) == ["ledger.row"] * 2
    report = verify(archive, everything=True, whole=True)
    assert {one.subject for one in report.findings} == set(names)


def test_the_schedule_reads_each_once_in_a_period_oldest_first(archive: Archive, looked: list[str]) -> None:
    first = fill(archive, 5, seed=1)
    verify(archive, NOW)
    second = fill(archive, 5, seed=2)
    verify(archive, LATER)
    third = fill(archive, 5, seed=3)
    assert len(looked) == 10 == len({*first, *second})
    looked.clear()
    report = verify(archive, LAST, cutoff=LATER)
    names = [path[-65:].replace("/", "") for path in looked]
    assert set(names[:5]) == set(third) and set(names[5:10]) == set(first) and set(names[10:]) == set(second)
    assert (report.oldest, report.never, report.left) == (LAST, 0, 0)
    looked.clear()
    assert verify(archive, LAST, cutoff=LATER).checked == 0 == len(looked)


def test_a_limit_of_time_ends_a_run_and_the_next_goes_on(archive: Archive, looked: list[str]) -> None:
    fill(archive, 10)
    ticks = itertools.count()
    report = verify(archive, pace=Pace(clock=lambda: next(ticks)), seconds=8)
    assert 0 < report.checked < 10 and report.stopped and report.left == 10 - report.checked == report.never
    assert report.left_size > 0 and report.findings == []
    assert verify(archive, LATER).checked == report.left
    assert len(looked) == len(set(looked)) == 10


def test_reading_everything_goes_on_where_it_was_stopped(archive: Archive, looked: list[str]) -> None:
    fill(archive, 10)
    verify(archive)
    looked.clear()
    ticks = itertools.count()
    cut = verify(archive, LATER, everything=True, pace=Pace(clock=lambda: next(ticks)), seconds=8)
    assert 0 < cut.checked < 10 and cut.left == 10 - cut.checked and cut.goes_on_from == ""
    rest = verify(archive, LAST, everything=True)
    assert rest.goes_on_from == LATER and rest.checked == cut.left and len(set(looked)) == len(looked) == 10
    again = verify(archive, LAST, everything=True)
    assert again.checked == 10 and again.goes_on_from == ""


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("at", [1, 4, 9])
def test_a_kill_loses_the_object_in_hand_and_no_more(
    archive: Archive, looked: list[str], monkeypatch: pytest.MonkeyPatch, at: int, everything: bool
) -> None:
    names = fill(archive, 10)
    flip(archive.volumes[0].object_path(names[0]), 5)
    count, real = iter(range(1, 100)), fixity.look

    def deadly(path: str, *rest: Any) -> fixity.Look:
        found = real(path, *rest)
        if next(count) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    if (child := os.fork()) == 0:
        monkeypatch.setattr(rereading, "look", deadly)
        verify(archive, everything=everything)
        os._exit(1)  # it was not killed
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    report = verify(archive, LATER, everything=everything)
    again = 1 if at > 1 and not everything else 0  # the damaged one, read first, is always due
    assert len(looked) == report.checked == 10 - (at - 1) + again
    with archive.damage() as damage:
        assert len(damage.amiss()) == 1
    with archive.observations() as observations:
        runs = [one.value for one in observations.all(RUN)]
    killed = [(at - 1, False)] if at > 1 else []
    assert [(one["items"], one["finished"]) for one in runs] == [*killed, (report.checked, True)]


def test_a_person_stops_it_in_order(archive: Archive, looked: list[str]) -> None:
    fill(archive, 10)

    with pytest.raises(KeyboardInterrupt):
        verify(archive, progress=After(4, lambda: os.kill(os.getpid(), signal.SIGINT)), threads=2)
    with archive.observations() as observations:
        (run,) = observations.all(RUN)
    assert run.value["items"] >= 4 and not run.value["finished"]
    verify(archive, LATER)
    assert len(set(looked)) == 10


def test_one_vanishes_while_others_are_read(archive: Archive) -> None:
    names = fill(archive, 10)
    last = archive.volumes[0].object_path(names[-1])
    report = verify(archive, progress=After(3, last.unlink))
    assert codes(report) == ["object.gone"] and report.results["sound"] == 9


def test_a_disk_that_goes_away_is_no_loss_of_what_is_on_it(memory: Path) -> None:
    archive = make(memory / "a", "main", "second")
    fill(archive, 10)
    copy(archive, "second")
    second = archive.volumes[1].path
    report = verify(archive, progress=After(5, lambda: second.rename(memory / "unplugged")))
    assert codes(report) == ["volume.absent"] and report.results["gone"] == 0
    assert report.results["sound"] + report.left == 20
    with archive.damage() as damage:
        assert damage.amiss() == []
    (memory / "unplugged").rename(second)
    assert verify(archive, LATER).checked == report.left


def test_a_volume_that_settings_no_longer_name(memory: Path) -> None:
    archive = make(memory / "a", "main", "second")
    fill(archive, 3)
    copy(archive, "second")
    report = verify(replace(archive, volumes=archive.volumes[:1]))
    assert codes(report) == ["volume.absent"] and "not in [volumes]" in report.findings[0].problem


@pytest.mark.parametrize("when", ["schedule", "observations"])
def test_what_cannot_be_written_does_not_hide_what_was_found(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    names = fill(archive, 5)
    flip(archive.volumes[0].object_path(names[0]), 5)
    error = StorageError(when, "the disk is full", "Free some space")

    def full(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        if when == "schedule":
            patch.setattr(Schedule, "record", full)
        else:
            patch.setattr("phonolith.store.observations.Observations.add", full)
        report = verify(archive)
    assert "verify.stopped" in codes(report) and "the disk is full" in str(report.findings[-1])
    assert report.stopped
    assert codes(verify(archive, LATER)) == ["object.damaged"]


def test_a_full_disk_under_the_schedule(tmp_path: Path, looked: list[str]) -> None:
    archive = make(tmp_path / "a", "main")
    fill(archive, 200, biggest=1000)
    shutil.rmtree(archive.state)
    with mounted(archive.state, "-t", "tmpfs", "-o", "size=1m", "none") as disk:
        archive.schedule().close()

        def fill_up() -> None:
            with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))

        report = verify(archive, progress=After(5, fill_up))
        assert codes(report) == ["verify.stopped"] and "full" in report.findings[0].problem
        before = len(looked)
        assert 5 <= before < 200
        (disk / "filler").unlink()
        report = verify(archive, LATER)
        assert report.findings == [] and len(set(looked)) == 200 and len(looked) <= 201


def test_a_row_that_was_cut_off_is_read_again(archive: Archive, looked: list[str]) -> None:
    """The journal of a run that was killed, at every length that a power cut may leave of it."""
    fill(archive, 3)
    with opened(archive) as store:
        number, due = store.schedule.begin(NOW, everything=False)
        for item in store.schedule.due(due, ()):
            store.schedule.record(item, NOW, "sound", number)
    saved = (archive.state / "fixity.sqlite").read_bytes()
    journal = archive.state / "fixity.journal"
    text = journal.read_bytes()
    for cut in range(0, len(text) + 1, 7):
        (archive.state / "fixity.sqlite").write_bytes(saved)
        journal.write_bytes(text[:cut])
        looked.clear()
        assert verify(archive, LATER).checked == 3 - text[:cut].count(b"\n") == len(looked)
        assert journal.read_bytes() == b""


def test_a_schedule_that_is_lost_or_broken_costs_time_alone(archive: Archive) -> None:
    names = fill(archive, 4)
    verify(archive)
    path = archive.state / "fixity.sqlite"
    for harm in (path.unlink, lambda: path.write_bytes(b"no database, " * 1000)):
        harm()
        for beside in path.parent.glob("fixity.sqlite-*"):
            beside.unlink()
        assert verify(archive).checked == len(names)


def test_two_runs_at_once_are_one_too_many(archive: Archive) -> None:
    fill(archive, 3)
    with archive.lock("verify", what="verify"), pytest.raises(Exception, match="has held the lock"):
        verify(archive)


def test_the_list_of_a_run_can_be_made_again(archive: Archive) -> None:
    """The digest in a run's observation is that of lines anybody can make of the schedule."""
    import hashlib

    fill(archive, 20)
    verify(archive)
    db = apsw.Connection(str(archive.state / "fixity.sqlite"))
    rows: Iterator[Any] = iter(
        db.execute("SELECT lower(hex(subject)), result, volume, CAST(path AS TEXT) FROM checked ORDER BY 1, 3, 4")
    )
    text = "".join(f"{' '.join(row)}\n" for row in rows)
    with archive.observations() as observations:
        (run,) = observations.all(RUN)
    assert run.subject == run.value["list"] == hashlib.sha256(text.encode()).hexdigest()
    assert run.value["items"] == 20 and run.value["results"] == {"sound": 20}


def test_a_copy_that_is_not_sound_is_not_copied(memory: Path) -> None:
    archive = make(memory / "a", "main", "second", "third")
    one, *_ = fill(archive, 5)
    copy(archive, "second")
    flip(archive.volumes[0].object_path(one), 9)  # nobody knows yet
    copy(archive, "third")
    assert verify(archive).results == {"sound": 14, "damaged": 1, "unreadable": 0, "gone": 0}
    with Ledger(archive.held / "ledger.sqlite", readonly=True) as ledger:
        assert ledger.copies() == {("main", "second", "third"): 5}
    fourth = make(memory / "b", "main", "second")
    (three, *_) = fill(fourth, 3)
    flip(fourth.volumes[0].object_path(three), 9)
    with fourth.objects() as objects:
        (finding,) = objects.copy_to("second", Silent())
        assert finding.code == "object.damaged" and finding.subject == three
        assert objects.lacking("second")[0] == 1

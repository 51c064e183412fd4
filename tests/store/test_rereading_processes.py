"""Held bytes read again by worker processes: the same report, and the same care for what stops them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phonolith.store import fixity, rereading
from phonolith.store.archive import Archive
from phonolith.store.damage import RUN
from phonolith.store.schedule import Schedule
from phonolith.store.workers import Workers
from tests.store import working
from tests.store.test_fixity import flip
from tests.store.test_rereading import LATER, After, codes, fill, verify


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(rereading, "_WORTH_PROCESSES", -1)
    monkeypatch.setattr(rereading, "_BATCH_ITEMS", 3)
    yield
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("whole", [False, True])
def test_every_flip_is_found_and_what_is_gone_is_told(archive: Archive, whole: bool) -> None:
    names = fill(archive, 60)
    paths = [archive.volumes[0].object_path(name) for name in names]
    for number in range(0, 50, 5):
        flip(paths[number], paths[number].stat().st_size // 2, number % 8)
    paths[51].unlink()
    paths[52].write_bytes(b"")
    report = verify(archive, threads=2, whole=whole)
    assert report.results == {"sound": 48, "damaged": 11, "unreadable": 0, "gone": 1}
    assert {one.subject for one in report.findings if one.code == "object.damaged"} == {
        str(path) for path in (*paths[0:50:5], paths[52])
    }
    again = verify(archive, LATER, threads=2, whole=whole)
    assert again.checked == 12 and codes(again) == codes(report)


def test_without_the_comparison_no_flip_is_found(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    flip(archive.volumes[0].object_path(fill(archive, 5)[0]), 5, 1)
    monkeypatch.setattr(fixity, "_same", lambda *_: True)
    assert verify(archive, threads=2).findings == []


def test_a_bad_reading_in_a_worker_is_not_called_damage(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first reading was wrong and the second, here, is right: that is a reason to doubt the reading."""
    name = fill(archive, 5)[4]
    real = rereading.judged

    def judged(path: str, expected: fixity.Expected, pace: fixity.Pace, first: Any) -> fixity.Look:
        wrong = expected.sha256.hex() == name
        return real(path, expected, pace, first._replace(sha256=bytes(32)) if wrong else first)

    monkeypatch.setattr(rereading, "judged", judged)
    report = verify(archive, threads=2)
    assert report.results["unreadable"] == 1 and "two readings of it differ" in report.findings[0].problem


def test_a_person_stops_it_in_order(archive: Archive) -> None:
    fill(archive, 60)
    with pytest.raises(KeyboardInterrupt):
        verify(archive, progress=After(4, lambda: os.kill(os.getpid(), signal.SIGINT)), threads=2)
    with archive.observations() as observations:
        (run,) = observations.all(RUN)
    assert 4 <= run.value["items"] < 60 and not run.value["finished"]
    assert verify(archive, LATER, threads=2).checked == 60 - run.value["items"]


def test_a_killed_worker_and_a_full_disk_are_told(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(archive, 10)
    with monkeypatch.context() as patch:
        real = Workers.run

        def run(self: Workers, *_: Any) -> None:
            real(self, working.die, range(10), lambda *_: None)

        patch.setattr(Workers, "run", run)
        (finding,) = verify(archive, threads=2).findings
        assert finding.code == "verify.stopped" and "killed" in finding.problem
    with monkeypatch.context() as patch:

        def full(*_: Any, **__: Any) -> None:
            raise working.full_disk()

        patch.setattr(Schedule, "record", full)
        report = verify(archive, threads=2)
        assert report.stopped and "verify.stopped" in codes(report)
    assert verify(archive, LATER, threads=2).checked == 10


def test_a_file_that_vanishes_meanwhile_is_gone(archive: Archive) -> None:
    names = fill(archive, 60)
    last = Path(archive.volumes[0].object_path(sorted(names)[-1]))
    report = verify(archive, progress=After(1, last.unlink), threads=2)
    assert codes(report) == ["object.gone"] and report.results["sound"] == 59

"""Structure: each way in which rows, places and files can disagree is a finding of its own, and health is none."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.model.finding import Finding
from phonolith.model.progress import Silent
from phonolith.model.record import Record
from phonolith.store.archive import Archive
from phonolith.store.passport import Passport, contradictions, passport_of
from phonolith.store.structure import check_ledger, check_segments
from tests.store.test_rereading import copy, fill, make

NOW = "2026-01-02T03:04:05Z"


def check(archive: Archive, *, orphans: bool = True) -> list[Finding]:
    with archive.ledger() as ledger:
        return list(check_ledger(ledger, archive.volumes, Silent(), orphans=orphans))


@pytest.fixture
def filled(memory: Path) -> Archive:
    """Twelve objects in two volumes, and one outside."""
    archive = make(memory / "a", "main", "second")
    fill(archive, 12)
    copy(archive, "second")
    (memory / "outside").write_bytes(b"outside")
    with archive.objects() as objects:
        objects.adopt(memory / "outside", "reference")
        objects.add_bytes(b"")
    return archive


def file(archive: Archive) -> Path:
    return sorted(archive.volumes[0].path.glob("*/*"))[3]


def grow(path: Path) -> None:
    with path.open("ab") as opened:
        opened.write(b"x")


def replace_by_link(path: Path) -> None:
    path.rename(path.parents[3] / "elsewhere")
    path.symlink_to(path.parents[3] / "elsewhere")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARM: dict[str, Callable[[Path], object]] = {
    "object.gone": Path.unlink,
    "object.size": lambda path: os.truncate(path, 0),
    "object.size ": grow,
    "object.replaced": replace_by_link,
    "object.replaced ": replace_by_folder,
    "volume.orphan": lambda path: path.with_name("0" * 62).write_bytes(b"x"),
    "volume.aside": lambda path: path.with_name(f"{path.name}.corrupt-20261130T122140Z-2").write_bytes(b"x"),
    "volume.stray": lambda path: path.with_name("Thumbs.db").write_bytes(b"x"),
    "volume.stray ": lambda path: (path.parent.parent / "lost+found").mkdir(),
}


@pytest.mark.parametrize("code", HARM)
def test_each_harm_is_its_own_finding(filled: Archive, code: str) -> None:
    assert check(filled) == []
    HARM[code](file(filled))
    (finding,) = check(filled)
    assert finding.code == code.strip() and finding.remedy


def test_outside_files_that_changed(filled: Archive, memory: Path) -> None:
    outside = memory / "outside"
    os.utime(outside, ns=(1, 1))
    assert [one.code for one in check(filled)] == ["object.changed"]
    grow(outside)
    assert [one.code for one in check(filled)] == ["object.size"]
    outside.unlink()
    assert [one.code for one in check(filled)] == ["object.gone"]


def test_a_volume_that_is_not_there_is_one_finding(filled: Archive) -> None:
    (filled.volumes[1].path / "VOLUME").unlink()
    (finding,) = check(filled)
    assert finding.code == "volume.absent" and "12 copies" in finding.problem


def test_what_a_harvest_is_bringing_in_is_no_orphan(filled: Archive) -> None:
    HARM["volume.orphan"](file(filled))
    assert check(filled, orphans=False) == []
    (filled.volumes[0].path / ".incoming-0123").touch()
    assert [one.code for one in check(filled)] == ["volume.orphan"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE object SET root = zeroblob(32) WHERE length(layer) > 0",
        "UPDATE object SET root = x'' WHERE size = 1",
        "UPDATE object SET root = zeroblob(32) WHERE size = 1",
        "UPDATE object SET layer = zeroblob(96) WHERE size = 3000000",
        "UPDATE object SET layer = substr(layer, 1, 64) WHERE size = 3000000",
        "UPDATE object SET layer = zeroblob(32) WHERE size = 1",
        "UPDATE object SET pieces = substr(pieces, 21) WHERE size = 3000000",
        "UPDATE object SET padded = zeroblob(20) WHERE size = 1048576",
        "UPDATE object SET piece_length = 65536 WHERE size = 3000000",
        "UPDATE object SET sha256 = zeroblob(32) WHERE size = 0",
        "DELETE FROM place WHERE volume = ''",
    ],
)
def test_a_row_that_cannot_be_is_found(filled: Archive, sql: str) -> None:
    db = apsw.Connection(str(filled.held / "ledger.sqlite"))
    db.execute(sql)
    assert db.changes() > 0
    db.close()
    assert {"ledger.row", "object.nowhere"} & {one.code for one in check(filled)}


@pytest.mark.parametrize("page", [1, 2, 3])  # roots of the tables
def test_a_ledger_whose_pages_are_broken(filled: Archive, page: int) -> None:
    path = filled.held / "ledger.sqlite"
    with path.open("r+b") as opened:
        opened.seek(page * 4096)
        opened.write(b"\xff" * 100)
    assert {one.code for one in check(filled)} == {"ledger.damaged"}


def test_a_missing_segment(archive: Archive) -> None:
    with archive.records() as records:
        records.put_many([Record("s", "i", "u", NOW, b"x")])
        (path,) = records.seal()
        assert list(check_segments(records.segments())) == []
        path.unlink()
        assert [one.code for one in check_segments(records.segments())] == ["segment.gone"]


_SIZES = st.integers(0, 300_000) | st.sampled_from([65_536, 131_072, 1_048_575, 1_048_576, 1_048_577, 2_097_152])


@given(_SIZES, st.sampled_from(["root", "layer", "pieces", "padded"]))
def test_a_true_passport_has_no_contradiction_and_a_longer_one_has(size: int, name: str) -> None:
    passport = passport_of(bytes(size))
    assert list(contradictions(passport)) == []
    values = {one.name: getattr(passport, one.name) for one in fields(Passport)}
    assert list(contradictions(Passport(**values | {name: values[name] + b"x"})))


def test_a_flipped_bit_in_a_layer_is_found_without_the_bytes() -> None:
    passport = passport_of(os.urandom(300_000))
    values = {one.name: getattr(passport, one.name) for one in fields(Passport)}
    for at in range(len(passport.layer)):
        layer = bytearray(passport.layer)
        layer[at] ^= 1 << at % 8
        assert list(contradictions(Passport(**values | {"layer": bytes(layer)}))) == ["root is not what layer gives"]


def test_memory_does_not_grow_with_the_number_of_objects(memory: Path) -> None:
    """Ten times the objects, not twice the memory."""
    peaks = []
    for count in (300, 3000):
        archive = make(memory / f"{count}", "main")
        with archive.objects() as objects, objects.batch() as batch:
            for number in range(count):
                batch.add_bytes(b"%d" % number)
                if number % 256 == 255:
                    batch.keep()
        peaks.append(min(_peak(archive) for _ in range(3)))  # threads of other tests may be at work in this process
    assert peaks[1] < 2 * peaks[0]


def _peak(archive: Archive) -> int:
    """Bytes that Python took at most while the ledger was checked."""
    tracemalloc.start()
    assert check(archive) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak

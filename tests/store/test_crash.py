"""Crashes at every moment: a process that is killed, and a power cut that forgets what was not fsynced."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from phonolith.model.record import Record
from phonolith.store import record_index
from phonolith.store.archive import Archive
from phonolith.store.files import TEMPORARY, atomic_write, sweep
from tests.store.power import Disk, Said, Scenario, power_cuts, run_killed, watched

NOW = "2026-01-02T03:04:05Z"
FILES = {f"{i}.flac": bytes([i]) * (70_000 * (i % 3 + 1)) for i in range(4)}
RECORDS = {f"{i}": b'{"n":%d}' % i for i in range(30)}


def adopt(how: str) -> Scenario:
    """Adopt every file; what returned was promised."""

    def run(archive: Archive, inbox: Path, promise: Said) -> None:
        with archive.objects() as store:
            for name in sorted(FILES):
                if (inbox / name).exists():
                    store.adopt(inbox / name, how)
                    promise(name)

    return run


def adopt_together(how: str) -> Scenario:
    """All files in one batch, then some bytes in another; what a kept batch had was promised."""

    def run(archive: Archive, inbox: Path, promise: Said) -> None:
        with archive.objects() as store, store.batch() as batch:
            names = [name for name in sorted(FILES) if (inbox / name).exists()]
            for name in names:
                batch.adopt(inbox / name, how)
            batch.keep()
            for name in names:
                promise(name)
            batch.add_bytes(b"a cover")
            batch.add_bytes(b"another")

    return run


def put_and_seal(archive: Archive, inbox: Path, promise: Said) -> None:
    """Records in several batches, some sealed at once, some later, one of them with a payload that is an object."""
    with archive.records() as store:
        for start in range(0, 30, 10):
            names = [str(i) for i in range(start, start + 10)]
            store.put_many([_record(name) for name in names])
            for name in names:
                promise(name)
            if start == 10:
                store.seal()
        store.put_many([_record("2", b"changed"), _record("big", b"b" * 3000)])
        promise("big")
        store.seal()


def decide(archive: Archive, inbox: Path, promise: Said) -> None:
    """Three decisions."""
    with archive.register() as register:
        for number in range(3):
            body = {"subjects": [f"{number}"], "because": "b", "ground": "law"}
            register.append("item.withdrawn", body, actor="a", time=NOW)
            promise(f"{number}")


def check_swept(archive: Archive) -> None:
    with archive.lock("harvest", what="the next harvest"):
        assert not list(archive.root.rglob(f"{TEMPORARY}*"))


def check_objects(archive: Archive, inbox: Path, promised: set[str]) -> None:
    with archive.objects() as store:
        held = {}
        for one in store.all():
            with store.open(one.sha256) as file:
                held[one.sha256] = hashlib.sha256(file.read()).hexdigest()
        assert all(stated == real for stated, real in held.items()), "a row names bytes that are not there"
        for name, data in FILES.items():
            digest = hashlib.sha256(data).hexdigest()
            assert digest in held or name not in promised, f"{name} was promised and is lost"
            where = inbox / name
            assert digest in held or where.read_bytes() == data, f"{name} is neither here nor there"
    check_swept(archive)


def check_records(archive: Archive, inbox: Path, promised: set[str]) -> None:
    with archive.records() as store:
        found = [one for shard in store.shards(2) for one in shard]
        items = {one.item: one.payload for one in found}
        assert len(items) == len(found), "a record came twice"
        assert promised <= items.keys(), "a promised record is lost"
        for item, payload in items.items():
            assert payload in (RECORDS.get(item), b"changed", b"b" * 3000)
        lines = [line.digest + line.item for line in _all_lines(archive)]
        assert len(lines) == len(set(lines)), "a line is kept twice"
    check_swept(archive)


def check_register(archive: Archive, inbox: Path, promised: set[str]) -> None:
    with archive.register() as register:
        assert register.verify() == []
        events = [event.body["subjects"][0] for event in register.events() if event.kind == "item.withdrawn"]
        assert events == sorted(events) and promised <= set(events)


def done(archive: Archive) -> tuple[list[str], dict[str, bytes]]:
    """All that the stores hold, to be the same however often a scenario was interrupted."""
    with archive.objects() as objects, archive.records() as records:
        return [one.sha256 for one in objects.all()], {one.item: one.payload for one in records.scan()}


SCENARIOS = {
    "copy": (adopt("copy"), check_objects),
    "move": (adopt("move"), check_objects),
    "hardlink": (adopt("hardlink"), check_objects),
    "batch": (adopt_together("copy"), check_objects),
    "batch of links": (adopt_together("hardlink"), check_objects),
    "records": (put_and_seal, check_records),
    "register": (decide, check_register),
}


@pytest.fixture
def place(memory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an archive and an inbox, and segments so small that there are several."""
    monkeypatch.setattr(record_index, "SEGMENT_BYTES", 1500)
    monkeypatch.setattr(record_index, "DIRECT_BYTES", 2500)
    monkeypatch.setattr("phonolith.store.records.INLINE_BYTES", 2000)
    root = memory / "disk"
    Archive.create(root / "a", name="T", contact="x", now=NOW)
    (root / "inbox").mkdir()
    for name, data in FILES.items():
        (root / "inbox" / name).write_bytes(data)
    yield root


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_power_cut_at_any_moment_loses_nothing_that_was_promised(
    place: Path, memory: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = power_cuts(place, memory, *SCENARIOS[name], monkeypatch, set())
    assert cuts > 10, "too few moments were tried"


@pytest.mark.parametrize(
    ("name", "deaf_to"),
    [
        ("copy", {"file", "folder"}),
        ("copy", {"file"}),
        ("copy", {"folder"}),
        ("copy", {"sqlite"}),
        ("batch", {"file", "folder"}),
        ("batch", {"file"}),
        ("batch", {"folder"}),
        ("batch", {"sqlite"}),
        ("batch of links", {"folder"}),
        ("move", {"file", "folder"}),
        ("move", {"folder"}),
        ("records", {"file"}),
        ("records", {"folder"}),
        ("records", {"sqlite"}),
        ("register", {"sqlite"}),
    ],
)
def test_without_its_fsyncs_the_same_test_fails(
    place: Path, memory: Path, name: str, deaf_to: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: every kind of sync is needed, for each of them alone is missed."""
    with pytest.raises(Exception) as caught:
        power_cuts(place, memory, *SCENARIOS[name], monkeypatch, deaf_to)
    assert "few moments" not in str(caught.value)


def test_a_power_cut_while_an_archive_is_made(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an archive or it is none yet, and then it can be made there again."""
    moments: list[tuple[Path, bool]] = []
    made = False
    (memory / "disk").mkdir()
    disk = Disk(memory / "disk", lambda: None)

    def step() -> None:
        disk.snapshot(memory / f"cut-{len(moments)}")
        moments.append((memory / f"cut-{len(moments)}", made))

    disk.on_step = step
    with monkeypatch.context() as patch, watched(disk, patch):
        Archive.create(memory / "disk" / "a", name="T", contact="x", now=NOW)
        made = True
        disk.step()
        disk.on_step = lambda: None
    for left, finished in moments:
        if not finished and not (left / "a" / "phonolith.toml").exists():
            Archive.create(left / "a", name="T", contact="x", now=NOW)
        archive = Archive.open(left / "a")
        check_register(archive, left, set())
        with archive.objects() as objects, archive.register() as register:
            assert register.head()[0] == 1 and objects.has(objects.add_bytes(b"x").sha256)
    assert len(moments) > 40 and moments[-1][1]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_at_any_moment_loses_nothing_and_the_same_again_finishes(place: Path, memory: Path, name: str) -> None:
    scenario, check = SCENARIOS[name]
    whole = memory / "whole"
    shutil.copytree(place, whole)
    moments = run_killed(whole, scenario, None)[1]
    expected = done(Archive.open(whole / "a"))
    assert moments > 10
    for moment in range(0, moments, max(moments // 25, 1)):
        here = memory / f"kill-{moment}"
        shutil.copytree(place, here)
        promised, _ = run_killed(here, scenario, moment)
        archive = Archive.open(here / "a")
        check(archive, here / "inbox", promised)
        if name != "register":  # a decision that is made again is another decision
            scenario(archive, here / "inbox", lambda _: None)
            assert done(archive) == expected
        shutil.rmtree(here)


def test_a_sweep_between_the_making_of_a_file_and_its_lock_costs_nobody_his_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, swept = fcntl.flock, list[int]()

    def late(file: object, how: int) -> None:
        if how == fcntl.LOCK_EX and not swept:
            swept.append(-1)
            swept.append(sweep(tmp_path))
        real(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", late)
    atomic_write(tmp_path / "file", b"x")
    assert swept == [-1, 1] and [path.read_bytes() for path in tmp_path.iterdir()] == [b"x"]


def _record(item: str, payload: bytes | None = None) -> Record:
    return Record("s", item, "https://example.org/", NOW, RECORDS[item] if payload is None else payload)


def _all_lines(archive: Archive):  # type: ignore[no-untyped-def]
    from phonolith.store.segments import read_run

    return [line for _, line in read_run(archive.held / "records" / "open.sqlite", "s", 0, 10**6)]

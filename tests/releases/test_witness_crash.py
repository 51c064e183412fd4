"""Countersigning and looking at objects again are cut off at every moment: what was said stays, the rest is redone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from phonolith.model.progress import Silent
from phonolith.releases.commit import commit
from phonolith.releases.prove import last_head, link
from phonolith.releases.witness import accept, countersign
from phonolith.store.archive import Archive
from phonolith.store.fixity import Pace
from phonolith.store.rereading import Wish, opened, reread
from phonolith.verifier import State, is_signed, read_link
from tests.releases.publishing import check_sound
from tests.store.power import Said, power_cuts, run_killed

NOW = "2026-01-02T03:04:05Z"
FILES = [bytes([number]) * 70_000 for number in range(4)]


def clock() -> str:
    return NOW


@pytest.fixture
def place(memory: Path) -> Iterator[Path]:
    """An archive ``a`` with a log, and in ``inbox`` another one that goes on in its own."""
    root = memory / "disk"
    for folder in (root / "a", root / "inbox" / "other"):
        archive = Archive.create(folder, name="T", contact="x", now=NOW)
        with archive.objects() as objects:
            held = [objects.add_bytes(folder.name.encode() + data).sha256 for data in FILES]
        commit(archive, held[:2], clock)
    yield root


def witnessing(archive: Archive, inbox: Path, promise: Said) -> None:
    """Each archive countersigns the other's head; then the other one's next head, which keeps the first."""
    other = Archive.open(inbox / "other")
    first = other.log().heads()[0]
    promise(f"said:{countersign(archive, State([first]), clock).signature}")
    theirs = countersign(other, State(last_head(archive)), clock)
    accept(archive, theirs)
    promise(f"kept:{theirs.signature}")
    with other.objects() as objects:
        commit(other, [one.sha256 for one in objects.all()], clock)
    promise(f"said:{countersign(archive, read_link(link(other, first)), clock).signature}")


def check_witness(archive: Archive, inbox: Path, promised: set[str]) -> None:
    """What was promised is there; the same again says the same and goes on."""
    log = archive.log()
    kept = {f"kept:{one.signature}" for one in log.countersignatures() if is_signed(one)}
    assert {one for one in promised if one.startswith("kept:")} <= kept, "a countersignature is lost"
    said: set[str] = set()
    witnessing(archive, inbox, said.add)
    assert promised <= said, "another countersignature was given for the same head"
    check_sound(archive)


def test_a_power_cut_at_any_moment_loses_no_countersignature(
    place: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert power_cuts(place, memory, witnessing, check_witness, monkeypatch, set()) > 20


def test_without_its_fsyncs_the_same_test_fails(place: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="a countersignature is lost"):
        power_cuts(place, memory, witnessing, check_witness, monkeypatch, {"file", "folder"})


def test_a_kill_at_any_moment_loses_no_countersignature(place: Path, memory: Path) -> None:
    shutil.copytree(place, memory / "counted")
    moments = run_killed(memory / "counted", witnessing, None)[1]
    for moment in range(0, moments, max(moments // 12, 1)):
        here = memory / f"kill-{moment}"
        shutil.copytree(place, here)
        promised, _ = run_killed(here, witnessing, moment)
        check_witness(Archive.open(here / "a"), here / "inbox", promised)
        shutil.rmtree(here)


def looking(archive: Archive, inbox: Path, promise: Said) -> None:
    """Every object is read again; one is damaged."""
    with archive.lock("verify", what="test"), opened(archive) as store:
        wish = Wish("2000-01-01T00:00:00Z")
        report = reread(store, wish, Pace(), Silent(), now=clock, version="1")
    assert [one.code for one in report.findings] == ["object.damaged"]
    promise("found")


def check_looked(archive: Archive, inbox: Path, promised: set[str]) -> None:
    """The schedule may be lost; that there is damage may not, once it was said, and it is found again."""
    with archive.damage() as damage:
        assert len(damage.amiss()) == 1 or "found" not in promised, "what was found is forgotten"
    looking(archive, inbox, lambda _: None)
    with archive.damage() as damage:
        assert len(damage.amiss()) == 1


@pytest.fixture
def harmed(place: Path) -> Path:
    archive = Archive.open(place / "a")
    with archive.objects() as objects:
        path = objects.path(next(iter(objects.all())).sha256)
    path.chmod(0o644)
    path.write_bytes(b"\xff" + path.read_bytes()[1:])
    return place


def test_a_power_cut_at_any_moment_of_a_look_costs_time_alone(
    harmed: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert power_cuts(harmed, memory, looking, check_looked, monkeypatch, set()) > 10


def test_a_look_that_is_not_synced_is_noticed(harmed: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="what was found is forgotten"):
        power_cuts(harmed, memory, looking, check_looked, monkeypatch, {"file", "folder", "sqlite"})

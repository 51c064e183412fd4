"""Gathering is cut off at every moment, by kill or power cut: what was promised is there, and nothing is doubled."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phonolith.model.frontier import Fate
from phonolith.store.archive import Archive
from phonolith.store.frontier import Frontier
from tests.harvest.test_gather import SOURCE, Clock, Origin, run, said
from tests.store.power import Said, power_cuts, run_killed

PAGES = [["a", "b", "c"], ["d"], ["e", "f"]]
ITEMS = sorted(name for page in PAGES for name in page)


def harvest(archive: Archive, inbox: Path, promise: Said) -> None:
    """One harvest; an item whose answer was written was promised."""
    with archive.records() as store, pytest.MonkeyPatch.context() as patched:
        advance = Frontier.advance

        def told(self, outcomes, time):  # type: ignore[no-untyped-def]
            found = advance(self, outcomes, time)
            for one in outcomes:
                if one.fate is Fate.DONE:
                    promise(one.task.key)
            return found

        patched.setattr(Frontier, "advance", told)
        run(store, Origin(PAGES), width=2)


def check(archive: Archive, inbox: Path, promised: set[str]) -> None:
    """What was promised is there and is not asked again; the harvest goes on to its end."""
    with archive.records() as store:
        assert {key.removeprefix("item:") for key in promised if key.startswith("item:")} <= set(said(store))
        frontier = store.frontier(SOURCE)
        before = frontier.run()
        origin = Origin(PAGES)
        if before is None or not before.finished:
            run(store, origin)
            assert not promised & set(origin.asked)
        assert said(store) == ITEMS
        ended = frontier.run()
        assert ended is not None and ended.finished and (ended.new, ended.listed) == (len(ITEMS), len(ITEMS))
        lines = sum(len(list(shard)) for shard in store.shards(2))
        assert lines == len(ITEMS) == store.count(SOURCE)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    (place / "inbox").mkdir(parents=True)
    Archive.create(place / "a", name="test", contact="a@example.org", now=Clock()())
    return place


def test_a_power_cut_loses_nothing_that_was_promised(
    place: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert power_cuts(place, memory, harvest, check, monkeypatch, set()) > 30


def test_the_same_fails_where_syncs_do_nothing(place: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Exception):  # noqa: B017 - damaged databases end in many ways
        power_cuts(place, memory, harvest, check, monkeypatch, {"sqlite"})


def test_a_kill_at_any_moment_loses_nothing_that_was_promised(place: Path, tmp_path: Path) -> None:
    _, moments = run_killed(shutil.copytree(place, tmp_path / "whole"), harvest, None)
    for moment in range(0, moments, 5):
        copy = shutil.copytree(place, tmp_path / f"killed-{moment}")
        promised, _ = run_killed(copy, harvest, moment)
        check(Archive.open(copy / "a"), copy / "inbox", promised)

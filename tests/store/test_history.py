"""Snapshots of a source: any two of them differ as two dictionaries that were kept beside do."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.errors import NotFound
from phonolith.model.record import Record
from phonolith.store import history, record_index, records
from phonolith.store.archive import Archive


def time_of(day: int) -> str:
    return f"2026-01-{day:02d}T00:00:00Z"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments, frames, heads and runs so small that a test has many of them."""
    monkeypatch.setattr(record_index, "SEGMENT_BYTES", 2000)
    monkeypatch.setattr(record_index, "DIRECT_BYTES", 3000)
    monkeypatch.setattr(record_index, "FRESH_HEADS", 5)
    monkeypatch.setattr(records, "INLINE_BYTES", 60)
    monkeypatch.setattr("phonolith.store.segments.FRAME_BYTES", 600)
    monkeypatch.setattr(history, "_BATCH", 3)
    monkeypatch.setattr(history, "_RUN_LINES", 3)


#: A harvest: what is put (payload by item), what is gone, and whether the open part is sealed after it.
ITEMS = st.sampled_from(["a", "b", "c", "d\x00", "e\ud800"])
HARVESTS = st.lists(
    st.tuples(
        st.dictionaries(ITEMS, st.binary(min_size=1, max_size=90), max_size=5),
        st.sets(ITEMS, max_size=2),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def harvested(archive: Archive, harvests: list[tuple[dict[str, bytes], set[str], bool]]) -> list[dict[str, bytes]]:
    """Harvest one a day; gives what was there at first, and after each."""
    states: list[dict[str, bytes]] = [{}]
    for day, (put, gone, seals) in enumerate(harvests, 1):
        with archive.records() as store:
            store.put_many(Record("s", item, "", time_of(day), payload) for item, payload in put.items())
            store.gone("s", sorted(gone), time_of(day))
            if seals:
                store.seal()
        states.append({item: payload for item, payload in (states[-1] | put).items() if item not in gone})
    return states


def difference(was: dict[str, bytes], now: dict[str, bytes]) -> dict[str, tuple[bytes | None, bytes | None]]:
    """What a model of two dictionaries says."""
    return {item: (was.get(item), now.get(item)) for item in was.keys() | now.keys() if was.get(item) != now.get(item)}


def told(archive: Archive, a: int, b: int) -> dict[str, tuple[bytes | None, bytes | None]]:
    with archive.history() as past:
        found = list(past.changes("s", past.at("s", time_of(a)), past.at("s", time_of(b))))
    assert len({one.item for one in found}) == len(found), "an item is told once"
    sides = {one.item: (one.before and one.before.payload, one.after and one.after.payload) for one in found}
    return {item: (was, now) for item, (was, now) in sides.items() if was != now}  # gone, and back as it was


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(harvests=HARVESTS)
def test_any_two_snapshots_differ_as_a_model_says(small: None, tmp_path: Path, harvests: list[object]) -> None:
    root = tmp_path / "a"
    shutil.rmtree(root, ignore_errors=True)
    archive = Archive.create(root, name="Test", contact="me@example.org", now=time_of(1))
    states = harvested(archive, harvests)  # type: ignore[arg-type]
    for a in range(len(states)):
        for b in range(a, len(states)):
            assert told(archive, a, b) == difference(states[a], states[b]), (a, b)


def test_each_harvest_is_noted_with_what_it_brought(archive: Archive) -> None:
    harvested(
        archive, [({"a": b"1", "b": b"1"}, set(), True), ({}, set(), False), ({"a": b"2", "c": b"1"}, {"b"}, False)]
    )
    with archive.history() as past:
        found = past.harvests("s")
        assert past.lines() == {"s": 5}
    assert [(one.number, one.first, one.end, one.new, one.changed, one.gone) for one in found] == [
        (1, 0, 2, 2, 0, 0),
        (2, 2, 5, 1, 1, 1),
    ]


def test_without_its_index_the_lines_count_as_one_harvest_a_day(archive: Archive) -> None:
    harvested(archive, [({"a": b"1"}, set(), True), ({"a": b"2", "b": b"1"}, set(), True), ({}, {"a"}, True)])
    before = told(archive, 1, 3)
    for path in (archive.held / "records").glob("open.sqlite*"):
        path.unlink()
    archive.records().close()
    with archive.history() as past:
        assert [(one.time[:10], one.new, one.changed, one.gone) for one in past.harvests("s")] == [
            ("2026-01-01", 1, 0, 0),
            ("2026-01-02", 1, 1, 0),
            ("2026-01-03", 0, 0, 1),
        ]
    assert told(archive, 1, 3) == before


def test_what_is_harvested_meanwhile_does_not_disturb(archive: Archive, small: None) -> None:
    harvested(archive, [(dict.fromkeys("abcdefgh", b"1" * 40), set(), False)])
    with archive.history() as past:
        found: Iterator[history.Difference] = past.changes("s", 0, 8)
        first = next(found)
        with archive.records() as store:
            store.put_many(Record("s", name, "", time_of(2), b"2") for name in "abcdefgh")
            store.seal()
        assert {one.after.payload for one in (first, *found) if one.after} == {b"1" * 40}


def test_an_archive_without_a_harvest_says_so(archive: Archive) -> None:
    with pytest.raises(NotFound, match="nothing was harvested yet"):
        archive.history()


def test_memory_does_not_grow_with_what_changed(archive: Archive) -> None:
    def peak(items: int) -> int:
        with archive.records() as store:
            store.put_many(Record(f"n{items}", f"{n:08}", "", time_of(1), b"{}" * 100) for n in range(items))
            store.put_many(Record(f"n{items}", f"{n:08}", "", time_of(2), b"[]" * 100) for n in range(items))
        with archive.history() as past:
            tracemalloc.start()
            assert sum(1 for _ in past.changes(f"n{items}", items, 2 * items)) == items
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    assert peak(30_000) < 1.5 * peak(12_000)

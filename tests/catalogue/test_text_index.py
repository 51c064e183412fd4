"""The text index as a file: lists that can be read back, the same from any number of processes and any cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import apsw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from phonolith.catalogue import folding
from phonolith.catalogue import postings as writing
from phonolith.catalogue import tiers as sorting
from phonolith.catalogue.facets import duration_buckets
from phonolith.catalogue.folding import TIERS
from phonolith.catalogue.text_index import build_text_index
from phonolith.catalogue.tiers import find_crowds
from phonolith.errors import StorageError
from phonolith.library import postings
from phonolith.library.terms import LAST_DURATION, duration_bucket, duration_start, facet
from tests.library import plain

rows = st.lists(st.integers(1, 2**32 - 1) | st.integers(1, 400), unique=True, max_size=300).map(sorted)


@given(st.lists(rows, max_size=6))
def test_lists_are_read_back_as_they_were_written(lists: list[list[int]]) -> None:
    arrays = [np.array(ids, np.uint32) for ids in lists]
    starts = np.concatenate(([0], np.cumsum([len(ids) for ids in lists]))).astype(np.int64)
    joined = np.concatenate([np.zeros(0, np.uint32), *arrays])
    data, ends = postings.encode_short(joined, starts)
    stored = [b"\0" + data[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
    assert [list(postings.decode(one)) for one in stored] == lists
    assert [postings.decode_ids(one).tolist() for one in stored] == lists
    assert set(postings.decode_together([one[1:] for one in stored])) == {row for ids in lists for row in ids}


@pytest.mark.parametrize("gap", [1, 3, 50, 200, 5_000])
def test_long_lists_take_the_smaller_form(gap: int) -> None:
    ids = np.cumsum(np.random.default_rng(gap).integers(1, 2 * gap, 10_000)).astype(np.uint32)
    stored = postings.encode(ids)
    assert list(postings.decode(stored)) == postings.decode_ids(stored).tolist() == ids.tolist()
    assert len(stored) <= len(BitMap(ids.tolist()).serialize())
    assert (stored[0] == 0) == (gap == 50), (
        "differences of one byte beat a bitmap where lists are neither thin nor thick"
    )


@given(st.integers(-5, 20_000_000))
def test_durations_fall_into_the_bucket_that_begins_before_them(milliseconds: int) -> None:
    bucket = duration_bucket(milliseconds)
    assert duration_start(bucket) <= max(0, milliseconds)
    assert bucket == LAST_DURATION or max(0, milliseconds) < duration_start(bucket + 1)
    assert int(duration_buckets(np.array([max(0, milliseconds)]))[0]) == bucket


def test_facets_sort_as_their_numbers() -> None:
    assert facet("year", 990) < facet("year", 2004) < facet("year", 9999) < "0"


@given(st.lists(st.text("abc東", min_size=1, max_size=4), unique=True).map(sorted), st.integers(1, 4))
def test_crowds_are_the_beginnings_of_many_words(words: list[str], crowd: int) -> None:
    found = find_crowds(words, crowd)
    beginnings = {word[:n] for word in words for n in range(1, len(word) + 1) if word[0] != "東"}
    expected = {b for b in beginnings if sum(word.startswith(b) for word in words) > crowd}
    assert set(found.letters) == expected
    for number, letters in enumerate(found.letters):
        inside = {word for word, place in zip(words, found.of_word[len(letters) - 1], strict=True) if place == number}
        assert inside == {word for word in words if word.startswith(letters)}


def dumped(path: Path, **options: object) -> dict[str, list[tuple[object, ...]]]:
    db = apsw.Connection(str(path))
    build_text_index(db, **options)  # type: ignore[arg-type]
    tables = ("term", "posting", "posting_tier", "exact_title", "title_order", "track_text_data", "release_text_data")
    found = {table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}
    found["meta"] = db.execute("SELECT * FROM meta").fetchall()
    db.close()
    assert not [left for left in path.parent.iterdir() if left.name.startswith(".text-")]
    return found  # type: ignore[return-value]


def test_any_number_of_processes_gives_the_same_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        plain.make(tmp_path / name, 3, 90)
    monkeypatch.setattr(folding, "_PIECE", 16)
    one = dumped(tmp_path / "one", tiers=(20, 50, 30))
    monkeypatch.setattr(folding, "_WORTH_PROCESSES", 0)
    assert dumped(tmp_path / "two", tiers=(20, 50, 30), workers=2) == one


def test_how_much_is_done_at_once_does_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        plain.make(tmp_path / name, 3, 90)
    one = dumped(tmp_path / "one", tiers=(20, 50, 30), crowd=2)
    assert any(term.startswith("/starts/") for _, term, *_ in one["term"]), "letters that several words begin with"  # type: ignore[attr-defined]
    for module, name, size in (
        (sorting, "_ROWS", 7),
        (sorting, "_PAIRS", 5),
        (writing, "_TERMS", 4),
        (writing, "_LISTS", 3),
        (writing, "_IDS", 10),
    ):
        monkeypatch.setattr(module, name, size)
    assert dumped(tmp_path / "two", tiers=(20, 50, 30), crowd=2) == one


def test_every_word_lists_its_rows_in_any_cut(tmp_path: Path) -> None:
    made = {}
    for name, tiers in (("whole", TIERS), ("cut", (7, 30, 11))):
        plain.make(tmp_path / name, 5, 120)
        found = dumped(tmp_path / name, tiers=tiers)
        made[name] = _lists(found)
    assert made["whole"] == made["cut"]
    assert any(len(ids) > 64 for ids in made["cut"].values()), "some list is in parts"


def _lists(found: dict[str, list[tuple[object, ...]]]) -> dict[tuple[object, object], list[int]]:
    parts = dict(found["posting"])  # type: ignore[arg-type]
    out: dict[tuple[object, object], list[int]] = {}
    for kind, term, count, ids in found["term"]:
        if isinstance(ids, bytes):
            listed = list(postings.decode(b"\0" + ids))
        else:
            numbers = [tier << 32 | ids for of, tier, _, _ in found["posting_tier"] if of == kind]  # type: ignore[operator]
            listed = [row for number in numbers if number in parts for row in postings.decode(parts[number])]
        if not str(term).startswith("/starts/"):
            assert len(listed) == count and listed == sorted(set(listed))
            out[kind, term] = listed
    return out


def test_an_empty_catalogue_has_an_empty_index(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    plain.make(path, 1, 0)
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM release; DELETE FROM artist; DELETE FROM label; DELETE FROM credit; DELETE FROM note")
    build_text_index(db)
    assert db.execute("SELECT count(*) FROM term").fetchall() == [(0,)]
    db.close()


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalogue"
    plain.make(path, 1, 5)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    db = apsw.Connection(str(path))
    with pytest.raises(StorageError, match="full"):
        build_text_index(db)
    db.close()
    assert [left.name for left in tmp_path.iterdir()] == ["catalogue"]


def test_a_killed_worker_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalogue"
    plain.make(path, 1, 5)
    monkeypatch.setattr(folding, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr(folding, "end_with_parent", os.abort)  # what every worker begins with
    db = apsw.Connection(str(path))
    with pytest.raises(StorageError, match="killed"):
        build_text_index(db, workers=2)
    db.close()

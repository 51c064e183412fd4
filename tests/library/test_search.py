"""Search against a search without an index: same rows, same order, for any query, filter and page."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.catalogue import postings
from phonolith.catalogue.text_index import build_text_index
from phonolith.errors import UsageError
from phonolith.library import conditions, index
from phonolith.library import search as searching
from phonolith.library.asked import Query, Results
from phonolith.library.kept import Kept
from phonolith.library.search import facet, search
from phonolith.model.status import Status
from phonolith.model.text import is_cjk, runs
from tests.conftest import find_peer
from tests.library import plain
from tests.sample import make_catalogue

Case = tuple[apsw.Connection, list[plain.Plain], Kept]
_CUTS = ((70, 4, (3, 10, 16), 2), (333, 5, (20, 90, 100), 3), (150, 6, (65_535, 2**20, 2**21), 2_048))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Case]]:
    """Catalogues cut into tiers in different ways."""
    made: list[Case] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "FEW", 12)
        patch.setattr(searching, "SORTED", 20)
        patch.setattr(postings, "FEW", 12)
        patch.setattr(postings, "STRETCH", 5)
        for tracks, seed, tiers, crowd in _CUTS:
            path = tmp_path_factory.mktemp("search") / "catalogue.sqlite"
            found = plain.make(path, seed, tracks)
            db = apsw.Connection(str(path))
            build_text_index(db, tiers=tiers, crowd=crowd)
            made.append((db, found, Kept(30_000)))
        yield made
    for db, *_ in made:
        db.close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[apsw.Connection, dict[str, str]]]:
    """The sample that all readers are tested with."""
    path = tmp_path_factory.mktemp("sample") / "catalogue.sqlite"
    ids = make_catalogue(path)
    db = apsw.Connection(str(path))
    yield db, ids
    db.close()


def bounds(highest: int) -> st.SearchStrategy[tuple[int | None, int | None]]:
    end = st.none() | st.integers(-1, highest)
    return st.just((None, None)) | st.tuples(end, end)


_ASKED = [
    *plain.WORDS,
    "東京都",
    "京都東",
    "東京京",
    "quiet",
    "núnez",
    "l",
    "京",
    "口",
    "ラジオ",
    "zwei",
    "sorted",
    "don",
]
_FILTERS: dict[str, st.SearchStrategy[object]] = {
    "licence": st.sampled_from(("by", "none", "CC-BY-4.0", "xyz")),
    "year": bounds(2020) | bounds(2020).map(lambda pair: (pair[0], pair[0])),
    "genre": st.sampled_from(("rock", "Hip-Hop", "polka")),
    "label": st.sampled_from((1, 7, 99)),
    "duration": bounds(800_000) | bounds(9_000_000),
    "held": st.booleans(),
    "source": st.sampled_from(("folder", "nowhere")),
    "status": st.just(Status.NO_LICENCE),
}


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Up to three words and up to two filters."""
    words = draw(st.lists(st.sampled_from(_ASKED), max_size=3, unique=True))
    names = draw(st.lists(st.sampled_from(sorted(_FILTERS)), max_size=2 if len(words) < 2 else 1, unique=True))
    filters = {name: draw(_FILTERS[name]) for name in names}
    typing, limit = draw(st.booleans()), draw(st.integers(1, 30))
    order = draw(st.sampled_from(("rank", "rank", "title")))
    return Query(" ".join(words), typing=typing, limit=limit, order=order, **filters)  # type: ignore[arg-type]


def pages(db: apsw.Connection, query: Query, hidden: object, kept: Kept) -> list[Results]:
    found = [search(db, query, hidden, kept)]  # type: ignore[arg-type]
    while found[-1].next is not None:
        found.append(search(db, replace(query, after=found[-1].next), hidden, kept))  # type: ignore[arg-type]
        assert found[-1].hits, "a page was promised and is empty"
        assert len(found) < 1000
    return found


@settings(deadline=None, max_examples=250)
@given(
    case=st.integers(0, len(_CUTS) - 1),
    query=queries(),
    hidden=st.sets(st.integers(1, 340), max_size=40),
    word=st.sampled_from((0.0, 50.0)),
)
def test_search_finds_what_looking_at_every_track_finds(
    cases: list[Case], case: int, query: Query, hidden: set[int], word: float
) -> None:
    db, tracks, kept = cases[case]
    asked = runs(query.words)
    every = [row for row, track in enumerate(tracks, 1) if plain.matches(track, asked, query)]
    wanted = [row for row in every if row not in hidden]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditions, "_WORD", word)  # whether a crowd of words is united, or rows are looked at
        found = pages(db, query, hidden, kept)
    hits = [row for page in found for row in page.hits]
    assert len(set(hits)) == len(hits) and not set(hits) & hidden
    if not wanted:
        assert not hits or asked, "only words are ever taken otherwise"
        return
    assert all(len(page.hits) == query.limit for page in found[:-1])
    assert all(page.total == found[0].total for page in found)
    assert found[0].total == len(wanted) or (found[0].total_capped and found[0].total <= len(wanted))
    if query.order == "title":
        assert hits == sorted(wanted, key=lambda row: (plain.by_title(tracks[row - 1]), row))
        return
    few, many = _orders(tracks, wanted, asked, query.typing)
    if not asked or len(every) > searching.FEW:
        assert hits == many
    elif _told_by_index(query, asked):
        assert hits == few
    else:  # whether there are few is decided before rows are looked at
        assert hits in (few, many)


def _orders(tracks: list[plain.Plain], rows: list[int], asked: list[str], typing: bool) -> tuple[list[int], list[int]]:
    few = sorted(rows, key=lambda row: (plain.band(tracks[row - 1], asked, typing), row))
    many = sorted(rows, key=lambda row: (not asked or runs(tracks[row - 1].title) != asked, row))
    return few, many


def _told_by_index(query: Query, asked: list[str]) -> bool:
    return not query.typing and query.duration == (None, None) and not any(is_cjk(w) and len(w) > 2 for w in asked)


@settings(deadline=None, max_examples=200)
@given(case=st.integers(0, len(_CUTS) - 1), first=st.sampled_from(_ASKED), data=st.data())
def test_words_taken_otherwise_still_find_only_what_has_them(
    cases: list[Case], case: int, first: str, data: st.DataObject
) -> None:
    db, tracks, _ = cases[case]
    letters = list(first)
    letters.insert(data.draw(st.integers(0, len(letters))), data.draw(st.sampled_from("xж日 ")))
    query = Query("".join(letters), limit=500)
    results = search(db, query)
    if results.corrected is None:
        asked = runs(query.words)
        found = {row for row, track in enumerate(tracks, 1) if plain.matches(track, asked, query)}
        query = query if found else replace(query, typing=True)
    else:
        asked = runs(results.corrected)
        assert asked != runs(query.words)
    assert set(results.hits) == {row for row, track in enumerate(tracks, 1) if plain.matches(track, asked, query)}


def hits(db: apsw.Connection, words: str, kind: str = "track", **more: object) -> list[str]:
    column = "name" if kind in ("artist", "label") else "title"
    found = search(db, Query(words, kind=kind, **more)).hits  # type: ignore[arg-type]
    return [db.execute(f"SELECT {column} FROM {kind} WHERE id = ?", (row,)).fetchall()[0][0] for row in found]  # type: ignore[misc]


def test_words_find_what_they_should_and_nothing_else(sample: tuple[apsw.Connection, dict[str, str]]) -> None:
    db, _ = sample
    assert hits(db, "東京") == [
        "東京",
        "東京タワー",
        "渋谷 Crossing",
        "Love",
    ]  # by title, release and artist; not 京都の東口
    assert hits(db, "京都の東口") == ["京都の東口"]
    assert hits(db, "カモ") == ["カモガワ"]
    assert "嵐山" in hits(db, "嵐")
    assert hits(db, "LOVE")[0] == "Love", "the exact title before better ranks"
    assert hits(db, "bela BARTOK", "artist") == ["Béla Bartók"]
    assert hits(db, "cafe cortazar") == ["Café Cortázar"]
    assert hits(db, "елка") == ["Ёлка"]
    assert hits(db, "القمر") == ["القمر والنجوم"]
    assert hits(db, "hungaria", "label") == ["Hungaria Records"]
    assert hits(db, "long road", "release") == ["The Long Road", "The Long Road (Remaster)"]
    assert hits(db, "no such thing anywhere") == []
    assert hits(db, "drop table")[0].startswith("Robert'")


@pytest.mark.parametrize("wrong", ["Departuer", "Deprture", "Departurre", "Fepartru", "depzrture"])
def test_a_typing_error_is_corrected_and_said(sample: tuple[apsw.Connection, dict[str, str]], wrong: str) -> None:
    results = search(sample[0], Query(wrong))
    if wrong == "Fepartru":  # two errors
        assert results == Results([], 0)
    else:
        assert results.corrected == "departure" and results.total == 2
    assert search(sample[0], Query("departure")).corrected is None


@pytest.mark.parametrize("case", range(len(_CUTS)))
def test_where_the_first_hits_are_hidden_a_page_is_full_of_the_next_ones(cases: list[Case], case: int) -> None:
    """Page after page hidden, with one memory of what was read: whatever is kept, it is not who was hidden before."""
    db, _, kept = cases[case]
    asked = [Query(word, limit=7, order=order) for word in plain.WORDS for order in ("rank", "title")]
    for query in [*asked, Query(limit=7)]:
        every = [row for page in pages(db, query, (), kept) for row in page.hits]
        for at in (0, 1, 2, 3, 7, 21, 56):  # few: some of those that are called just that; more: all of them
            if at and at >= len(every):
                break
            found = search(db, query, every[:at], kept)
            assert found.hits == every[at : at + 7], (query, at)
            assert (found.next is None) == (len(every) <= at + 7)
            assert found.total_capped or found.total == len(every) - at


@pytest.mark.parametrize("order", ["rank", "title"])
def test_words_that_lead_to_what_is_hidden_are_not_taken_otherwise(
    sample: tuple[apsw.Connection, dict[str, str]], order: str
) -> None:
    query = Query("departuer", order=order)
    db, found = sample[0], search(sample[0], query).hits
    first = found[0]
    assert search(db, replace(query, words="departure"), found) == Results([], 0)
    assert search(db, replace(query, words="departure"), [first]).hits == found[1:], "what is left is shown"
    assert search(db, query, [first]).corrected == "departure", "a typing error still is one"


def test_while_typing_each_beginning_finds_the_title(sample: tuple[apsw.Connection, dict[str, str]]) -> None:
    for end in range(1, len("night train") + 1):
        assert "Night Train" in hits(sample[0], "night train"[:end], typing=True)


def test_filters_by_name(sample: tuple[apsw.Connection, dict[str, str]]) -> None:
    db, _ = sample
    assert set(hits(db, "", label="northern netlabel", limit=100)) >= {"Departure", "Heard About It"}
    assert hits(db, "", licence="cc-by-sa-3.0-de", year=(2014, 2014))
    assert not hits(db, "", label="nobody's label")
    assert facet(db, "track", "genre", "Drone").total == 1
    assert facet(db, "release", "year", 2020).total == 2


def test_what_is_kept_is_not_changed_by_being_used(sample: tuple[apsw.Connection, dict[str, str]]) -> None:
    kept = Kept()
    decades = index.Index(sample[0], "track", kept).between("/decade/1990", "/decade/2000")
    asked = Query(year=(1985, 2015))
    found = [search(sample[0], asked, (), kept).hits for _ in range(3)]
    assert found == [search(sample[0], asked).hits] * 3 and found[0]
    assert index.Index(sample[0], "track", kept).between("/decade/1990", "/decade/2000") == decades


def test_a_page_of_another_build_starts_again(sample: tuple[apsw.Connection, dict[str, str]]) -> None:
    db, _ = sample
    first = search(db, Query(limit=3))
    assert first.next and not first.restarted
    for stale in ("00000000" + first.next[8:], "nonsense", "a.b.c", first.next + ".1", "٣.1.1.1.1.1"):
        assert search(db, Query(limit=3, after=stale)) == replace(first, restarted=True)


def test_what_cannot_be_asked(sample: tuple[apsw.Connection, dict[str, str]]) -> None:
    with pytest.raises(UsageError):
        search(sample[0], Query("x", kind="album"))


@settings(deadline=None, max_examples=200)
@given(text=st.text(max_size=40), typing=st.booleans())
def test_any_text_can_be_asked(sample: tuple[apsw.Connection, dict[str, str]], text: str, typing: bool) -> None:
    results = search(sample[0], Query(text, typing=typing))
    assert len(results.hits) <= results.total


@pytest.mark.peers
def test_another_sqlite_reads_the_full_text_tables(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    make_catalogue(path)
    for words, title in (
        ("'night train'", "Night Train"),
        ("'東京'", "東京"),
        ("'cafe'", "Café Cortázar"),
        ("'café'", "Café Cortázar"),
    ):
        sql = (
            f"SELECT title FROM track WHERE id = (SELECT rowid FROM track_text WHERE track_text MATCH {words} "
            "ORDER BY rowid LIMIT 1)"
        )
        shell = [find_peer("sqlite3"), "-readonly", str(path), sql]
        assert subprocess.run(shell, check=True, capture_output=True, text=True).stdout.strip() == title

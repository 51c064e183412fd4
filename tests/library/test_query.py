"""Questions in SQL are answered read-only, in time, and with a message where they cannot be."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from phonolith.errors import NotFound, TimedOut, UsageError
from phonolith.library.query import query
from phonolith.rights.decisions import Withdrawal
from tests.sample import make_catalogue


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("query") / "catalogue.sqlite"
    make_catalogue(made)
    return made


def test_a_select_is_answered_with_names(path: Path) -> None:
    answer = query(path, "SELECT title AS name, duration / 1000 FROM track ORDER BY id LIMIT 2")
    assert answer.columns == ("name", "duration / 1000")
    assert answer.rows == (("Departure", 201), ("Love on the Line", 185))
    assert not answer.more


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 5) SELECT sum(x) FROM n",
        "SELECT json_extract('{\"a\": 15}', '$.a')",
        "SELECT value FROM json_each('[15]')",
        "SELECT max(id) FROM release",
        "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY id) FROM release)",
    ],
)
def test_what_people_ask_works(path: Path, sql: str) -> None:
    assert query(path, sql).rows == ((15,),)


def test_no_rows_still_have_names(path: Path) -> None:
    answer = query(path, "SELECT id, title FROM track WHERE id < 0")
    assert (answer.columns, answer.rows, answer.more) == (("id", "title"), (), False)


def test_rows_are_capped_and_said_to_be(path: Path) -> None:
    answer = query(path, "SELECT id FROM track", limit=7)
    assert (len(answer.rows), answer.more) == (7, True)
    answer = query(path, "SELECT id FROM track", limit=50)
    assert (len(answer.rows), answer.more) == (50, False)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM track",
        "INSERT INTO meta VALUES ('x', 1)",
        "DROP TABLE track",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)",
        "DELETE FROM temp.hidden_track",
        "ATTACH 'other.sqlite' AS other",
        "ATTACH ':memory:' AS other",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_database_list",
        "VACUUM INTO 'copy.sqlite'",
        "BEGIN",
        "SELECT 1; DELETE FROM track",
        "SELECT 1; SELECT 2",
        "SELECT randomblob(10)",
        "SELECT fts5('x')",
        "REINDEX",
    ],
)
def test_everything_else_is_refused(path: Path, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = path.read_bytes()
    with pytest.raises(UsageError):
        query(path, sql)
    assert path.read_bytes() == before
    assert not list(tmp_path.iterdir())


def test_an_endless_question_ends(path: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    ticks = itertools.count()
    with pytest.raises(TimedOut, match="longer than 3 seconds"):
        query(path, endless, deadline=3, clock=lambda: float(next(ticks)))


def test_a_value_cannot_fill_the_memory(path: Path) -> None:
    with pytest.raises(UsageError, match="too long"):
        query(path, "SELECT zeroblob(1000000000)")


@pytest.mark.parametrize("sql", ["", "  ", "SELEC 1", "SELECT nope FROM track", "SELECT * FROM nowhere", "SELECT 'x"])
def test_mistakes_are_said_with_a_remedy(path: Path, sql: str) -> None:
    with pytest.raises(UsageError) as caught:
        query(path, sql)
    assert caught.value.remedy


def test_what_is_withdrawn_is_missing_from_servable(tmp_path: Path) -> None:
    ids = make_catalogue(tmp_path / "catalogue.sqlite")
    withdrawn = {ids[name]: Withdrawal("owner", "asked", 1) for name in ("release:road", "artist:lonely")}
    views = ("servable", "servable_release", "servable_artist", "track")
    counted = f"SELECT {', '.join(f'(SELECT count(*) FROM {view})' for view in views)}"
    path = tmp_path / "catalogue.sqlite"
    assert query(path, counted, withdrawn=withdrawn).rows == ((42, 14, 11, 50),)
    assert query(path, counted).rows == ((50, 15, 12, 50),)


def test_without_a_catalogue_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="phonolith build"):
        query(tmp_path / "none.sqlite", "SELECT 1")

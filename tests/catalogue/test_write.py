"""Tables as they are written: what the query gives, whatever is empty and however many rows there are."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.catalogue.stage import BATCH, stage
from phonolith.catalogue.write import write_table
from phonolith.model.progress import Silent

COLUMNS = {
    "id": "INTEGER",
    "source": "INTEGER",
    "uuid": "VARCHAR",
    "text": "VARCHAR",
    "name": "VARCHAR",
    "sort_name": "VARCHAR",
    "disambiguation": "VARCHAR",
    "kind": "INTEGER",
    "country": "VARCHAR",
    "begin_date": "INTEGER",
    "end_date": "INTEGER",
    "genres": "INTEGER",
    "popularity": "DOUBLE",
    "releases": "INTEGER",
    "tracks": "INTEGER",
}
OPTIONAL = ("sort_name", "disambiguation", "kind", "country", "begin_date", "end_date", "genres", "popularity")


def row(number: int, said: frozenset[str], by_uuid: bool) -> dict[str, object]:
    values: dict[str, object] = {name: number % 7 if "CHAR" not in kind else "x" for name, kind in COLUMNS.items()}
    values |= {"id": number, "popularity": number / 4, "uuid": "u" if by_uuid else None}
    values["text"] = None if by_uuid else f"text {number}"
    return values | {name: None for name in OPTIONAL if name not in said}


@given(
    count=st.sampled_from([0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3]),
    said=st.lists(st.tuples(st.frozensets(st.sampled_from(OPTIONAL)), st.booleans()), min_size=1, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_what_the_query_gives(count: int, said: list[tuple[frozenset[str], bool]]) -> None:
    rows = [row(number, *said[number % len(said)]) for number in range(1, count + 1)]
    db = apsw.Connection(":memory:")
    db.execute(resources.files("phonolith.catalogue").joinpath("schema.sql").read_text("utf-8")).fetchall()
    with TemporaryDirectory() as name, stage(Path(name), 1) as staged:
        staged.table("given", COLUMNS, (tuple(values[column] for column in COLUMNS) for values in rows))
        assert write_table(staged, db, "artist", "SELECT * FROM given", Silent()) == count
    for values in rows:
        values["text"] = values.pop("uuid") or values["text"]
    expected = [tuple(values.values()) for values in rows]
    assert db.execute("SELECT * FROM artist").fetchall() == expected

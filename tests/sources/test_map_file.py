"""Column maps: what is declared wrongly is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from phonolith.errors import BadInput
from phonolith.sources.map_file import parse_map

GOOD = """
name = "x"
title = "X"
[[table]]
name = "tracks"
file = "tracks.csv"
key = ["id"]
[table.track]
title = "title"
"""
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_every_example_is_a_map(path: Path) -> None:
    assert parse_map(path.read_text(encoding="utf-8"), path.name).tables


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'title = "title"',
            'titel = "title"',
            "map line 9: tracks: track has no setting 'titel'; did you mean 'title'?",
        ),
        ('key = ["id"]', "", "has no key"),
        ('name = "x"', 'name = "X y"', "map line 2"),
        ('title = "X"', "", "title is missing"),
        ("[table.track]", "[table.song]", "no setting 'song'"),
        ('title = "title"', 'title = ["a", "b"]', "one value, not a list"),
        (
            'title = "title"',
            'title = "t"\nduration = { column = "d", unit = "h" }',
            "unit 'h' is none of s, ms, min:sec",
        ),
        ('title = "title"', 'title = "t"\nrelease = { table = "releases", columns = ["id"] }', "there are 0"),
        ('title = "title"', 'title = { column = "a", value = "b" }', "either a column or a value"),
        ('name = "x"', 'name = "x"\nlicence_level = 4', "must be 1"),
        ('name = "x"', "name = x", "is not TOML"),
        ('file = "tracks.csv"', 'file = "tracks.csv"\nformat = "xls"', "format 'xls' is none of csv, tsv, parquet"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput, match="map") as caught:
        parse_map(GOOD.replace(old, new), "map")
    assert message in str(caught.value)


def test_two_tables_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput, match="same name"):
        parse_map(GOOD + GOOD[GOOD.index("[[table]]") :], "map")


def test_licence_levels_above_a_platforms_word_cannot_be_declared() -> None:
    for level in ("3", "0", '"2"'):
        with pytest.raises(BadInput):
            parse_map(f"licence_level = {level}\n{GOOD}", "map")

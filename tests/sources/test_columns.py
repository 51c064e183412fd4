"""Rows through a map: every kind of column, and what cannot be read stays in the remainder."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phonolith.errors import BadInput
from phonolith.model.music import ArtistDescription, Credit, Label, Level, ReleaseDescription, TrackDescription
from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS
from phonolith.sources.cells import milliseconds
from phonolith.sources.keys import key_of
from phonolith.sources.roundtrip import measure
from phonolith.sources.table import PreparedTable

MAP = """
name = "shop"
title = "A shop's list"
licence_level = 2
private = ["seller"]
withhold = ["stars"]

[[table]]
name = "artists"
file = "artists.csv"
key = "id"
prefix = false
[table.artist]
name = "name"
genres = { column = "genres", split = ";" }
aliases = { column = "aliases", split = "|" }
country = "country"

[[table]]
name = "tracks"
file = "tracks.csv"
key = ["album_id", "no"]
empty = ["n/a"]
[table.track]
title = "title"
artist = { column = "artists", split = ";" }
artist_key = { table = "artists", columns = ["artist_ids"], split = ";" }
join = { column = "joins", split = "|" }
position = "no"
disc = "disc"
duration = { column = "length", unit = "min:sec" }
isrc = "isrc"
explicit = { column = "explicit", values = { E = "yes", C = "no" } }
licence = "licence"
audio = "file"
popularity = "plays"
[table.track.credits]
composer = "composer"
[table.track.identifiers]
"mbid.recording" = "mbid"
[table.track.links]
buy = "shop_url"
[table.release]
key = ["album_id"]
title = "album"
artist = "album_artist"
date = "date"
label = "label"
catalogue_number = "catno"
"""
ROW = {
    "album_id": "a1", "no": "3", "title": "Blå", "artists": "Ann; Bo", "artist_ids": "x;y", "joins": " feat. |",
    "disc": "2", "length": "3:45", "isrc": "SEABC0500001", "explicit": "E", "licence": "CC0-1.0",
    "file": "https://h.example/a.ogg", "plays": "12", "composer": "Cy", "mbid": "m", "shop_url": "https://s.example/",
    "album": "Hav", "album_artist": "Ann", "date": "2001-05", "label": "L", "catno": "L1",
    "seller": "me@shop.example", "stars": "5", "note": "nice",
}  # fmt: skip


ANY = PreparedTable("table.shop", MAP.encode())


@pytest.fixture(scope="module")
def source() -> PreparedTable:
    return PreparedTable("table.shop", MAP.encode())


def record(
    row: dict[str, Any], item: str = "tracks:a1/3", table: str = "tracks", first: tuple[str, ...] = ()
) -> Record:
    payload = {"table": table, "row": row, "first": list(first)}
    return Record("table.shop", item, "", "", msgspec.json.encode(payload))


def test_a_row_becomes_a_track_and_its_release(source: PreparedTable) -> None:
    track, release = source.interpret(record(ROW, first=("release",)))
    assert isinstance(track, TrackDescription)
    assert isinstance(release, ReleaseDescription)
    assert track.id == "tracks:a1/3"
    assert track.release == release.id == "tracks.release:a1"
    assert track.credits == (Credit("Ann", "x", " feat. "), Credit("Bo", "y", ""), Credit("Cy", "", "", "composer"))
    assert (track.disc, track.position, track.duration_ms, track.explicit) == (2, 3, 225_000, True)
    assert track.isrcs == ("SEABC0500001",)
    assert track.licences[0].level is Level.PLATFORM
    assert track.licences[0].by == "table.shop"
    assert track.files[0].url == "https://h.example/a.ogg"
    assert track.popularity == 12
    assert track.composition_by_others
    assert release.labels == (Label("L", "", "L1"),)
    assert release.date == "2001-05"


def test_what_is_private_or_not_ours_is_in_no_description(source: PreparedTable) -> None:
    said = repr(list(source.interpret(record(ROW, first=("release",)))))
    assert "shop.example" not in said
    assert "stars" not in said
    assert "nice" in said


def test_the_row_comes_back(source: PreparedTable) -> None:
    found = measure(source, [record(ROW, first=("release",))])
    assert (found.lost, found.private, found.withheld) == (0, 1, 1), found.examples
    assert found.share > 0.9


def test_ids_without_prefix_are_the_keys(source: PreparedTable) -> None:
    row = {"id": "x", "name": "Ann", "genres": "pop; rock", "aliases": "A|An", "country": "SE"}
    (artist,) = source.interpret(record(row, "artists:x", "artists"))
    assert artist == ArtistDescription("x", "Ann", country="SE", genres=("pop", "rock"), aliases=("A", "An"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("length", "3 minutes"),
        ("length", "-1"),
        ("disc", "A"),
        ("disc", "0"),
        ("plays", "many"),
        ("file", "javascript:x"),
    ],
)
def test_what_cannot_be_read_stays_in_the_remainder(source: PreparedTable, column: str, value: str) -> None:
    (track,) = source.interpret(record({**ROW, column: value}))
    assert json.loads(track.remainder)[column] == value
    assert measure(source, [record({**ROW, column: value}, first=("release",))]).lost == 0


def test_a_value_that_says_nothing_is_nothing(source: PreparedTable) -> None:
    _, release = source.interpret(record({**ROW, "date": "n/a", "catno": "n/a"}, first=("release",)))
    assert (release.date, release.labels[0].catalogue_number) == ("", "")


@pytest.mark.parametrize("value", ["E", "C", ""])
def test_an_ordinary_row_has_no_more_remainder_than_it_must(source: PreparedTable, value: str) -> None:
    (track,) = source.interpret(record({**ROW, "explicit": value}))
    assert json.loads(track.remainder) == {"note": "nice", "artist_ids": "x;y", "joins": " feat. |"}


def test_numbers_and_lists_of_parquet_are_read(source: PreparedTable) -> None:
    row = {
        **ROW,
        "no": 3,
        "disc": 2,
        "plays": 1.5,
        "artists": ["Ann", "Bo"],
        "artist_ids": ["x", "y"],
        "joins": [" & ", ""],
    }
    (track,) = source.interpret(record(row))
    assert track.credits[:2] == (Credit("Ann", "x", " & "), Credit("Bo", "y", ""))
    assert (track.position, track.popularity) == (3, 1.5)


def test_settings_and_broken_rows_say_nothing(source: PreparedTable) -> None:
    assert list(source.interpret(Record("table.shop", SETTINGS, "", "", MAP.encode()))) == []
    assert list(source.interpret(Record("table.shop", "tracks!0a", "", "", b'{"table":"tracks","broken":"x"}'))) == []


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"table":"other","row":{}}', b'{"row":{}}', b"\xff"])
def test_a_payload_that_is_none_is_refused_by_name(source: PreparedTable, payload: bytes) -> None:
    with pytest.raises(BadInput, match=r"table\.shop tracks:1"):
        list(source.interpret(Record("table.shop", "tracks:1", "", "", payload)))


@given(st.dictionaries(st.sampled_from(sorted(ROW)), st.text(max_size=30)))
@example({"explicit": "TRUE"})
def test_any_text_in_any_column_is_read_and_comes_back(cells: dict[str, str]) -> None:
    row = {**ROW, **{column: value for column, value in cells.items() if column not in ("album_id", "no")}}
    found = measure(ANY, [record(row, first=("release",))])
    assert [example for example in found.examples if "artist" not in example and "join" not in example] == []


CELLS = st.none() | st.text(max_size=8) | st.integers() | st.floats() | st.booleans() | st.lists(st.text(), max_size=3)


@given(st.lists(st.dictionaries(st.sampled_from(sorted({*ROW, "extra"})), CELLS), min_size=1, max_size=6))
def test_rows_read_together_say_what_each_says_alone(rows: list[dict[str, Any]]) -> None:
    """Columns in which every cell is plain text go a short way; cells of neighbours must not change what a row says."""
    several = [record({**ROW, **row}, first=("release",) if place % 2 else ()) for place, row in enumerate(rows)]
    alone = [repr(one) for each in several for one in ANY.interpret(each)]
    assert sorted(map(repr, ANY.interpret_many(several))) == sorted(alone)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=3), st.lists(st.text(min_size=1), min_size=2, max_size=3))
def test_different_keys_have_different_ids(one: list[str], other: list[str]) -> None:
    assert (key_of("t:", one) == key_of("t:", other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [("245", "s", 245_000), ("1.5", "s", 1500), ("245", "ms", 245), ("1:02:03", "min:sec", 3_723_000),
     ("nan", "s", None), ("1e300", "s", None), ("", "s", None), ("3:99999", "min:sec", None), ("inf", "ms", None)],
)  # fmt: skip
def test_durations(text: str, unit: str, expected: int | None) -> None:
    assert milliseconds(text, unit) == expected

"""Corrections: what a person may set, how it is applied at build, shown, undone and counted."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from phonolith.catalogue import corrections
from phonolith.catalogue.build import build
from phonolith.errors import UsageError
from phonolith.model.ids import named_artist, named_label, public_id
from phonolith.model.music import ArtistDescription, Credit, Label, ReleaseDescription, TrackDescription
from phonolith.model.progress import Silent
from phonolith.store.archive import Archive
from tests.catalogue.said import decide, make_archive


def put(archive: Archive, source_id: str, field: str, value: str | None) -> int:
    subject = public_id("said", source_id)
    return decide(archive, "field.set", subject=subject, field=field, value=value, because="it is so")


def rows(archive: Archive, sql: str) -> list[tuple[object, ...]]:
    build(archive, as_of=None, progress=Silent(), workers=1)
    db = apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def test_corrections_are_applied_shown_and_undone(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "a",
        ArtistDescription("a", "Nmae"),
        ReleaseDescription("r", "R", (Credit("Nmae", "a"),), date="1899"),
        TrackDescription("t", "Titel", "r", isrcs=("DEA120400001",), genres=("pop",)),
    )
    first = put(archive, "t", "title", "Title")
    put(archive, "t", "genres", "jazz; Folk")
    put(archive, "t", "isrc", None)
    put(archive, "t", "explicit", "yes")
    put(archive, "r", "date", "1999-05")
    put(archive, "a", "name", "Name")
    shown = "SELECT title, artist, isrc, explicit, date FROM tracks"
    assert rows(archive, shown) == [("Title", "Name", None, "yes", "1999-05")]
    applied = rows(archive, "SELECT field, was, now, because, event FROM correction ORDER BY field, was")
    assert [row[:3] for row in applied] == [
        ("date", "1899", "1999-05"),
        ("explicit", None, "yes"),
        ("genres", "pop", "jazz; Folk"),
        ("isrc", "DEA120400001", None),
        ("name", "Nmae", "Name"),
        ("title", "Titel", "Title"),
    ]
    assert applied[5][3:] == ("it is so", first)
    decide(archive, "field.unset", event=first, because="it was right")
    assert rows(archive, shown) == [("Titel", "Name", None, "yes", "1999-05")]


def test_a_credit_can_be_corrected_to_other_artists(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T", credits=(Credit("A & B"),)))
    put(archive, "t", "credit", '[{"name": "A", "join": " & "}, {"name": "B"}]')
    assert rows(archive, "SELECT name FROM artist ORDER BY name") == [("A",), ("B",)]
    assert rows(archive, "SELECT artist FROM tracks") == [("A & B",)]


def test_what_is_known_by_name_only_can_be_corrected_too(tmp_path: Path) -> None:
    """An artist and a label that no record describes keep their ids and get their right names."""
    release = ReleaseDescription("r", "R", (Credit("teh band"),), labels=(Label("lable"),))
    archive = make_archive(tmp_path / "a", release)
    put(archive, named_artist("teh band"), "name", "The Band")
    put(archive, named_artist("teh band"), "country", "DE")
    put(archive, named_label("lable"), "name", "Label")
    assert rows(archive, "SELECT name, country, source_id FROM artist") == [("The Band", "DE", "artist:teh band")]
    assert rows(archive, "SELECT name, source_id FROM label") == [("Label", "label:lable")]
    assert rows(archive, "SELECT field, was, now FROM correction ORDER BY now") == [
        ("country", None, "DE"),
        ("name", "lable", "Label"),
        ("name", "teh band", "The Band"),
    ]
    assert rows(archive, "SELECT artist FROM releases") == [("The Band",)], "a credit that names it follows"


def test_a_correction_of_something_that_is_no_longer_there_waits(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T"))
    put(archive, "gone", "title", "X")
    assert rows(archive, "SELECT * FROM correction") == []


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("track", "colour", "red"),
        ("track", "title", ""),
        ("track", "title", None),
        ("track", "isrc", "XX"),
        ("track", "duration", "-5"),
        ("track", "explicit", "perhaps"),
        ("track", "popularity", "nan"),
        ("release", "credit", "[1]"),
        ("release", "isrc", "DEA120400001"),
        ("label", "country", "DE"),
        ("planet", "name", "X"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(kind: str, field: str, value: str | None) -> None:
    with pytest.raises(UsageError):
        corrections.check(kind, field, value)


def test_every_field_can_be_shown_and_read_back() -> None:
    """What a correction shows as its old value can be set again as it is."""
    said = TrackDescription("t", "T", "r", (Credit("A"),), 2, 3, "B3", 1000, ("DEA120400001",), "1999", True, ("x",))
    for name, how in corrections.FIELDS["track"].items():
        value = getattr(said, how.attribute)
        shown = how.show(value)
        if shown is not None:
            assert how.read(shown) == value, name

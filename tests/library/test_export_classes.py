"""One catalogue per licence class: each source in its own, credits inside, and nothing that is not free to be given."""

from __future__ import annotations

import json
from pathlib import Path

import apsw
import duckdb
import pytest

from phonolith.library.catalogue import Catalogue
from phonolith.library.export_classes import CLASSES, class_of, export_classes
from phonolith.library.overlay import NoEvents, Overlay
from phonolith.library.reading import Library
from phonolith.rights.licences import LICENCES
from tests.sample import make_catalogue

_MARK = "Zq9 of the BY source"


def _library(place: Path, **licences: str) -> Library:
    """The sample with other licences of its sources' metadata, and a mark on all that the table source says."""
    path = place / "catalogue.sqlite"
    make_catalogue(path)
    db = apsw.Connection(str(path))
    db.execute("UPDATE source SET licence = ''")
    for name, licence in licences.items():
        db.execute("UPDATE source SET licence = ?, credit = 'Credit of ' || name WHERE name = ?", (licence, name))
    (marked,) = db.execute("SELECT id FROM source WHERE name = 'table'").fetchone()
    db.execute("UPDATE release SET title = ? || title WHERE source = ?", (_MARK, marked))
    db.execute("UPDATE artist SET name = ? || name WHERE source = ?", (_MARK, marked))
    db.execute("UPDATE label SET name = ? || name WHERE source = ?", (_MARK, marked))
    db.execute(
        "UPDATE track SET title = ? || title WHERE release IN (SELECT id FROM release WHERE source = ?)",
        (_MARK, marked),
    )
    sql = """UPDATE genre SET name = ? || name WHERE id IN (SELECT s.genre FROM genre_set s JOIN release r
             ON r.genres = s.id WHERE r.source = ?)"""
    db.execute(sql, (_MARK, marked))
    db.close()
    return Library(Catalogue.open(path), Overlay(NoEvents()))


def _texts(folder: Path) -> str:
    """Everything that the files of a catalogue say, as one text."""
    found = [str(duckdb.sql(f"SELECT * FROM '{path}'").fetchall()) for path in sorted(folder.glob("*.parquet"))]
    found += [
        str(duckdb.sql(f"SELECT * FROM parquet_kv_metadata('{path}')").fetchall()) for path in folder.glob("*.p*")
    ]
    return "\n".join([*found, *(path.read_text() for path in folder.glob("*.txt"))])


def _count(folder: Path, what: str) -> int:
    return int(duckdb.sql(f"SELECT count(*) FROM '{folder}/{what}.parquet'").fetchall()[0][0])


def test_nothing_of_a_by_source_is_in_the_cc0_catalogue(tmp_path: Path) -> None:
    library = _library(tmp_path, musicbrainz="CC0-1.0", table="CC-BY-4.0", folder="CC-BY-SA-4.0")
    done = export_classes(library, tmp_path / "out")
    assert [(one.name, one.sources) for one in done.written] == [
        ("cc0", ("musicbrainz",)),
        ("by", ("table",)),
        ("by-sa", ("folder",)),
    ]
    assert _MARK in _texts(tmp_path / "out/by"), "the mark can be found where it belongs"
    for name, others in (("cc0", ("table", "folder")), ("by-sa", ("table", "musicbrainz"))):
        text = _texts(tmp_path / "out" / name)
        assert _MARK not in text
        for other in others:
            assert f"'{other}'" not in text
            assert f"Credit of {other}" not in text
    everything = sum(_count(tmp_path / "out" / name, "tracks") for name in CLASSES)
    assert everything == 50, "each track is in one of them"


def test_what_states_no_licence_or_a_closed_one_is_in_none(tmp_path: Path) -> None:
    library = _library(tmp_path, musicbrainz="CC0-1.0", table="CC-BY-NC-4.0")
    done = export_classes(library, tmp_path / "out")
    assert [one.name for one in done.written] == ["cc0"]
    assert {one.source: one.reason for one in done.left}["folder"] == "states no licence of its metadata"
    assert "NonCommercial" in {one.source: one.reason for one in done.left}["table"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cc0"]
    assert _MARK not in _texts(tmp_path / "out/cc0")


def test_licence_and_credits_are_inside(tmp_path: Path) -> None:
    export_classes(_library(tmp_path, table="CC-BY-4.0"), tmp_path / "out")
    for path in (tmp_path / "out/by").glob("*.parquet"):
        rows = duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata('{path}')").fetchall()
        told = {bytes(key).decode(): bytes(value).decode() for key, value in rows}
        assert told["licence"] == "https://creativecommons.org/licenses/by/4.0/"
        assert [one["credit"] for one in json.loads(told["credits"])] == ["Credit of table"]
        assert told["as_of"]
    notice = (tmp_path / "out/by/LICENCE.txt").read_text()
    assert "Creative Commons Attribution 4.0" in notice
    assert "Credit of table" in notice


def test_a_source_that_changed_its_licence_leaves_no_catalogue_behind(tmp_path: Path) -> None:
    for folder, licence in (("one", "CC0-1.0"), ("two", "")):
        (tmp_path / folder).mkdir()
        export_classes(_library(tmp_path / folder, table=licence), tmp_path / "out")
        assert (tmp_path / "out/cc0").exists() == bool(licence)


def test_the_same_catalogue_gives_the_same_bytes(tmp_path: Path) -> None:
    library = _library(tmp_path, table="CC-BY-4.0", musicbrainz="CC0-1.0")
    for folder in ("one", "two"):
        export_classes(library, tmp_path / folder)
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 8
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize(
    ("licence", "name"),
    [
        ("CC0-1.0", "cc0"),
        ("PDM-1.0", "cc0"),
        ("https://creativecommons.org/licenses/by/4.0/", "by"),
        ("CC-BY-SA-4.0", "by-sa"),
        ("CC-PDDC", ""),  # in the United States only
        ("CC-BY-3.0", ""),
        ("CC-BY-SA-3.0-DE", ""),
        ("CC-BY-ND-4.0", ""),
        ("ODBL-1.0", ""),
        ("PD-US", ""),
        ("free for all", ""),
        ("", ""),
    ],
)
def test_classes(licence: str, name: str) -> None:
    assert class_of(licence) == name


def test_only_licences_that_let_anybody_pass_it_on_have_a_class() -> None:
    for licence in LICENCES.values():
        if class_of(licence.code):
            assert licence.redistribute
            assert licence.commercial
            assert licence.reencode

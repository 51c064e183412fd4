"""The round trip through a built catalogue: its columns and kept remainders rebuild what a record may pass on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from phonolith.catalogue import others
from phonolith.catalogue.build import build
from phonolith.library.described import read_back
from phonolith.model.progress import Silent
from phonolith.model.record import Record
from phonolith.sources.musicbrainz import SOURCE, MusicBrainzSource
from phonolith.sources.roundtrip import Measure, measure
from phonolith.store.archive import Archive
from tests.catalogue.said import NOW
from tests.sources.test_musicbrainz import RELEASE, A, G, L, W, artist, record

AREA, P, U = (f"{n:08x}-0000-4000-8000-00000000000a" for n in range(3))

LABEL = {
    "id": L,
    "name": "Lab",
    "sort-name": "Lab",
    "type": "Imprint",
    "label-code": 123,
    "country": "JP",
    "disambiguation": "not the laboratory",
    "life-span": {"begin": "1990", "end": "2001-05", "ended": True},
    "area": {"id": AREA, "name": "Japan", "sort-name": "Japan", "iso-3166-1-codes": ["JP"]},
    "aliases": [
        {"name": "ラボ", "sort-name": "らぼ", "locale": "ja", "primary": True, "ended": False},
        {"name": "Labor", "sort-name": "Labor", "ended": False},
        {"name": "ラボ", "sort-name": "ラボ", "locale": "ko", "ended": False},
    ],
    "relations": [
        {
            "type": "official site",
            "target-type": "url",
            "direction": "forward",
            "ended": False,
            "attributes": [],
            "url": {"id": U, "resource": "https://lab.example/"},
        },
        {
            "type": "label founder",
            "target-type": "artist",
            "direction": "backward",
            "attributes": [],
            "begin": "1990",
            "ended": False,
            "artist": artist(A, "Anna"),
        },
        {
            "type": "label founder",
            "target-type": "artist",
            "direction": "backward",
            "attributes": [],
            "begin": "1999",
            "end": "2000",
            "ended": True,
            "artist": artist(A, "Anna"),
        },
    ],
}
WORK = {
    "id": W,
    "title": "One",
    "type": "Song",
    "languages": ["jpn"],
    "language": "jpn",
    "iswcs": ["T-000.000.002-0"],
    "attributes": [{"type": "Key", "value": "D minor"}],
    "disambiguation": "",
}
GROUP = {
    "id": G,
    "title": "Sample",
    "primary-type": "Album",
    "secondary-types": ["Live"],
    "first-release-date": "2004",
    "artist-credit": [{"name": "Ann", "joinphrase": "", "artist": artist(A, "Anna")}],
    "disambiguation": "the live one",
}
PLACE = {
    "id": P,
    "name": "Hall",
    "type": "Venue",
    "address": "1 Road",
    "coordinates": {"latitude": 0.5, "longitude": 1.25},
}
OWN = [record(one, f"{n}.json") for n, one in enumerate((RELEASE, LABEL, WORK, GROUP, PLACE))]

Interpreter = Callable[[], MusicBrainzSource]


def through_a_build(root: Path, records: Iterable[Record]) -> Measure:
    """What is left of the records in the catalogue built of them, all in one collection as a harvest leaves them."""
    held = [replace(one, time=NOW) for one in records]
    archive = Archive.create(root, name="Test", contact="test@example.org", now=NOW)
    with archive.records() as store:
        store.put_many(held)
    build(archive, as_of=None, progress=Silent(), workers=1)
    db = apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY)
    said = list(read_back(db, "musicbrainz"))
    db.close()
    return measure(SOURCE, held, lambda _: said)


def real(shared_data: Path) -> list[Record]:
    paths = sorted((shared_data / "musicbrainz-server/derived/ws2-json").glob("*.json"))
    return [Record("musicbrainz", path.name, "", "", path.read_bytes()) for path in paths]


def test_what_a_record_says_is_in_the_catalogue(tmp_path: Path) -> None:
    found = through_a_build(tmp_path / "a", OWN)
    assert found.lost == 0, found.examples
    assert found.share >= 0.9, found.by_path
    assert found.remainder > 0 and (found.withheld, found.private) == (3, 1)


def test_what_real_records_say_is_in_the_catalogue(tmp_path: Path, shared_data: Path) -> None:
    """All documents in one build: several of them describe the same artists, releases and works."""
    found = through_a_build(tmp_path / "a", real(shared_data))
    assert found.records == 110
    assert found.lost == 0, found.examples
    assert found.share >= 0.9
    assert (found.columns, found.remainder, found.withheld + found.private) == (1_974, 89, 538)


class DropsCredits(MusicBrainzSource):
    """The negative control: an interpreter that forgets who made the music."""

    def interpret(self, record: Record) -> Any:
        return [replace(one, credits=()) if hasattr(one, "credits") else one for one in super().interpret(record)]


class DropsLinks(MusicBrainzSource):
    """Another one."""

    def interpret(self, record: Record) -> Any:
        return [replace(one, links=()) if hasattr(one, "links") else one for one in super().interpret(record)]


@pytest.fixture(params=["own", "real"])
def documents(request: pytest.FixtureRequest) -> list[Record]:
    return OWN if request.param == "own" else real(request.getfixturevalue("shared_data"))


@pytest.mark.parametrize(("broken", "word"), [(DropsCredits, "artist-credit"), (DropsLinks, "relations")])
def test_an_interpreter_that_drops_something_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents: list[Record], broken: Interpreter, word: str
) -> None:
    for part in ("build", "interpret"):
        monkeypatch.setattr(f"phonolith.catalogue.{part}.open_source", lambda name, settings=None: broken())
    found = through_a_build(tmp_path / "a", documents)
    assert found.lost > 0
    assert any(word in example for example in found.examples)


def test_a_build_that_passes_over_labels_works_and_groups_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents: list[Record]
) -> None:
    monkeypatch.setattr(others, "add", lambda parts, said: None)
    found = through_a_build(tmp_path / "a", documents)
    assert found.lost > 0
    assert found.share < 0.9

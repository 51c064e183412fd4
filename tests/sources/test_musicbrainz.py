"""MusicBrainz documents: credits, mediums, dates, relations; nothing lost, nothing passed on that is not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phonolith.model.music import (
    ArtistDescription,
    Credit,
    Label,
    Link,
    OtherDescription,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.record import Record
from phonolith.sources.musicbrainz import SOURCE, WITHHELD, MusicBrainzSource
from phonolith.sources.roundtrip import Measure, measure

A, B, R, G, L, T1, T2, T3, REC, W = (f"{n:08x}-0000-4000-8000-000000000000" for n in range(10))


def record(document: Any, item: str = "x.json") -> Record:
    return Record("musicbrainz", item, "", "", json.dumps(document).encode())


def real(shared_data: Path, where: str) -> list[Record]:
    paths = sorted((shared_data / where).glob("*.json"))
    assert paths
    return [Record("musicbrainz", path.name, "", "", path.read_bytes()) for path in paths]


def artist(identifier: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "name": name, "sort-name": name, "disambiguation": "", "type": "Person", **more}


RELEASE = {
    "id": R,
    "title": "Sample",
    "date": "2004-03",
    "country": "JP",
    "barcode": "4988064451180",
    "status": "Official",
    "status-id": "4e304316-386d-3409-af2e-78857eec5cfe",
    "quality": "normal",
    "asin": "B0001FAD2O",
    "text-representation": {"language": "jpn", "script": "Jpan"},
    "artist-credit": [
        {"name": "Ann", "joinphrase": " feat. ", "artist": artist(A, "Anna")},
        {
            "name": "Bo",
            "joinphrase": "",
            "artist": artist(B, "Bo", aliases=[{"name": "ボー", "sort-name": "ボー", "ended": False}]),
        },
    ],
    "release-group": {
        "id": G,
        "title": "Sample",
        "primary-type": "Album",
        "secondary-types": ["Live"],
        "first-release-date": "2004",
    },
    "label-info": [{"catalog-number": "X-1", "label": {"id": L, "name": "Lab", "sort-name": "Lab", "label-code": 123}}],
    "tags": [{"name": "j-pop", "count": 3}],
    "annotation": "ask ann@mail.example",
    "rating": {"value": 4},
    "media": [
        {
            "position": 1,
            "format": "CD",
            "title": "",
            "track-count": 1,
            "track-offset": 0,
            "pregap": {
                "id": T1,
                "position": 0,
                "number": "0",
                "title": "Hidden",
                "length": 1000,
                "recording": {"id": REC, "title": "Hidden"},
            },
            "tracks": [
                {
                    "id": T2,
                    "position": 1,
                    "number": "A1",
                    "title": "One",
                    "length": 230000,
                    "recording": {
                        "id": REC[:-1] + "1",
                        "title": "One (album version)",
                        "length": 230001,
                        "isrcs": ["JPA600102460"],
                        "first-release-date": "2003-12-01",
                        "video": False,
                        "relations": [
                            {
                                "type": "performance",
                                "target-type": "work",
                                "direction": "forward",
                                "attributes": ["cover"],
                                "work": {
                                    "id": W,
                                    "title": "One",
                                    "iswcs": ["T-000.000.002-0"],
                                    "relations": [
                                        {
                                            "type": "composer",
                                            "target-type": "artist",
                                            "direction": "backward",
                                            "artist": artist(B, "Bo"),
                                        }
                                    ],
                                },
                            },
                            {
                                "type": "free streaming",
                                "target-type": "url",
                                "direction": "forward",
                                "url": {"id": G[:-1] + "9", "resource": "https://x.example/one"},
                            },
                        ],
                    },
                }
            ],
            "data-tracks": [
                {
                    "id": T3,
                    "position": 2,
                    "number": "2",
                    "title": "Data",
                    "length": None,
                    "recording": {"id": REC[:-1] + "2", "title": "Data"},
                }
            ],
            "discs": [
                {"id": "IeldkVfIh1wep_M8CMuDvA0nQ7Q-", "offset-count": 2, "sectors": 189343, "offsets": [150, 6614]}
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def said() -> list[Any]:
    return list(SOURCE.interpret(record(RELEASE)))


def of(said: list[Any], kind: type, identifier: str) -> Any:
    return next(one for one in said if isinstance(one, kind) and one.id == identifier)


def test_a_release_with_everything(said: list[Any]) -> None:
    release = of(said, ReleaseDescription, R)
    assert release.credits == (Credit("Ann", A, " feat. "), Credit("Bo", B, ""))
    assert release.labels == (Label("Lab", L, "X-1"),)
    assert (release.date, release.country, release.kind, release.group) == ("2004-03", "JP", "live", G)
    assert (release.language, release.script, release.status) == ("jpn", "Jpan", "Official")
    assert [(m.position, m.format) for m in release.media] == [(1, "CD")]
    assert ("asin", "B0001FAD2O") in release.identifiers
    assert ("discid", "IeldkVfIh1wep_M8CMuDvA0nQ7Q-") in release.identifiers


def test_tracks_with_pregap_and_data(said: list[Any]) -> None:
    hidden, one, data = (of(said, TrackDescription, t) for t in (T1, T2, T3))
    assert (hidden.position, hidden.title) == (0, "Hidden")
    assert (one.position, one.number, one.duration_ms, one.isrcs) == (1, "A1", 230_000, ("JPA600102460",))
    assert (data.position, data.number, data.duration_ms) == (2, "", None)
    assert {track.release for track in (hidden, one, data)} == {R}
    assert one.date == "2003-12-01"
    assert one.credits == (Credit("Bo", B, "", "composer"),)
    assert one.composition_by_others, "a cover by another writer"
    assert ("iswc", "T-000.000.002-0") in one.identifiers
    assert Link("free streaming", "https://x.example/one") in one.links


def test_artists_labels_groups_and_works(said: list[Any]) -> None:
    assert of(said, ArtistDescription, B).aliases == ("ボー",)
    assert of(said, ArtistDescription, A).name == "Anna"
    assert of(said, OtherDescription, L).identifiers == (("label-code", "123"),)
    assert of(said, OtherDescription, G).type == "Album + Live"
    assert of(said, OtherDescription, W).identifiers == (("iswc", "T-000.000.002-0"),)


def test_nothing_is_lost_of_it(said: list[Any]) -> None:
    found = measure(SOURCE, [record(RELEASE)])
    assert found.lost == 0, found.examples
    assert (found.withheld, found.private) == (3, 1), "tags and a rating; an annotation with an e-mail address"
    assert found.share > 0.9


def test_what_users_wrote_is_passed_on_nowhere(said: list[Any]) -> None:
    text = repr(said)
    assert "j-pop" not in text
    assert "mail.example" not in text


@pytest.mark.parametrize("key", WITHHELD)
def test_what_users_wrote_is_left_out_at_any_depth(key: str) -> None:
    document = json.loads(json.dumps(RELEASE))
    for one in _objects(document):
        one[key] = [{"name": "written by a user"}]
    assert "written by a user" not in repr(list(SOURCE.interpret(record(document))))


def _objects(tree: Any) -> list[dict[str, Any]]:
    inner = (
        [one for value in (tree.values() if isinstance(tree, dict) else tree) for one in _objects(value)]
        if (isinstance(tree, dict | list))
        else []
    )
    return [*inner, tree] if isinstance(tree, dict) else inner


def test_real_documents_come_back(shared_data: Path) -> None:
    found = measure(SOURCE, real(shared_data, "musicbrainz-server/derived/ws2-json"))
    assert found.records == 110
    assert found.lost == 0, found.examples
    assert found.share >= 0.9
    assert found.withheld > 0


def test_harder_documents_come_back(shared_data: Path) -> None:
    """Answers kept by Picard, some cut down to fragments without ids, which no description can be made of."""
    found = measure(SOURCE, real(shared_data, "musicbrainz-ws2-json/ws_data"))
    assert all("label_info.json" in example for example in found.examples), found.examples
    assert found.share >= 0.8


class DropsCredits(MusicBrainzSource):
    """The negative control: an interpreter that forgets who made the music."""

    def interpret(self, record: Record) -> Any:
        return [replace(one, credits=()) if hasattr(one, "credits") else one for one in super().interpret(record)]


class DropsIsrcs(MusicBrainzSource):
    """Another one."""

    def interpret(self, record: Record) -> Any:
        return [replace(one, isrcs=()) if hasattr(one, "isrcs") else one for one in super().interpret(record)]


@pytest.mark.parametrize(("broken", "word"), [(DropsCredits, "artist-credit"), (DropsIsrcs, "isrc")])
def test_an_interpreter_that_drops_something_is_caught(shared_data: Path, broken: type, word: str) -> None:
    found: Measure = measure(broken(), real(shared_data, "musicbrainz-server/derived/ws2-json"))
    assert found.lost > 0
    assert any(word in example for example in found.examples)


def test_nothing_withheld_is_in_any_real_description(shared_data: Path) -> None:
    for where in ("musicbrainz-server/derived/ws2-json", "musicbrainz-ws2-json/ws_data"):
        for one in real(shared_data, where):
            for said in SOURCE.interpret(one):
                if not said.remainder:
                    continue
                keys = set(_keys(json.loads(said.remainder)))
                assert not keys & {*WITHHELD, "editor"}, one.item


def _keys(tree: Any) -> Any:
    if isinstance(tree, dict):
        yield from tree
        for value in tree.values():
            yield from _keys(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _keys(value)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"error": "no"},
        {"id": None, "title": 3, "barcode": []},
        {"artists": [{}]},
        {"id": "x", "media": [{"tracks": [{}]}]},
        {
            "releases": [
                {"id": "x", "label-info": [{"label": None}], "artist-credit": None, "media": None, "barcode": None}
            ]
        },
    ],
)
def test_odd_documents_are_read(document: Any) -> None:
    list(SOURCE.interpret(record(document)))

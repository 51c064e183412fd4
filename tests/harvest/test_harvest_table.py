"""Harvests of tables: everything arrives, a second run adds what changed, broken rows are kept."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import duckdb
import pytest

from phonolith.errors import BadInput, Busy, NotFound, UsageError
from phonolith.model.music import Level, ReleaseDescription, TrackDescription
from phonolith.sources.base import open_source, settings_of
from phonolith.sources.roundtrip import measure
from phonolith.store.archive import Archive
from tests.harvest.harvesting import MAP, codes, counts, described, new_archive, table

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return new_archive(tmp_path / "archive")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    (place / "map.toml").write_text(MAP)
    (place / "tracks.csv").write_text(
        "id,title,artist,album,mood\n1,One,Ann,Hav,calm\n2,Two,Ann,Hav,\n3,Three,Bo,Sol,\n"
    )
    return place


def test_freemusi_arrives_whole(archive: Archive, shared_data: Path) -> None:
    map_path = EXAMPLES / "freemusi-cc.toml"
    report = table(archive, shared_data / "freemusi-cc", map_path)
    assert counts(report) == (2_289 + 21_502 + 1, 0, 0, 0)
    assert report.findings == []
    assert counts(table(archive, shared_data / "freemusi-cc", map_path)) == (0, 0, 23_792, 0)
    said = described(archive)
    releases = {one.id: one for one in said if isinstance(one, ReleaseDescription)}
    tracks = [one for one in said if isinstance(one, TrackDescription)]
    assert (len(releases), len(tracks)) == (2_289, 21_502)
    assert len({track.id for track in tracks}) == 21_502
    assert all(track.release in releases and track.duration_ms is not None for track in tracks)
    assert all(track.files[0].role == "audio" for track in tracks)
    assert sum("archive.org/download/" in track.files[0].url for track in tracks) == 21_501  # one lies elsewhere
    assert {statement.level for one in releases.values() for statement in one.licences} == {Level.THIRD_PARTY}
    assert sum(bool(one.licences) for one in releases.values()) == 2_003
    one = releases["releases:001netlabel-jazz-01-recorcholis"]
    assert (one.title, one.date, one.popularity) == ("Recórcholis", "2010", 3.0)
    assert one.genres == ("Jazz", "Instrumental", "Modern")
    assert (one.labels[0].name, one.labels[0].catalogue_number) == ("001 Records", "001jazz01")
    assert not any("?" in label.catalogue_number for one in releases.values() for label in one.labels)
    with archive.records() as store:
        source = open_source(report.source, settings_of(store, report.source))
        assert measure(source, islice(store.scan([report.source]), 0, 4_000)).lost == 0


def test_a_second_run_adds_what_changed_and_marks_what_is_gone(archive: Archive, place: Path) -> None:
    assert counts(table(archive, place, place / "map.toml")) == (4, 0, 0, 0)
    (place / "tracks.csv").write_text(
        "id,title,artist,album,mood\n1,One!,Ann,Hav,calm\n3,Three,Bo,Sol,\n4,Four,Cy,Sol,\n"
    )
    report = table(archive, place, place / "map.toml")
    assert counts(report) == (1, 1, 2, 1)
    assert {one.title for one in described(archive, TrackDescription)} == {"One!", "Three", "Four"}
    with archive.records() as store:
        assert store.head("table.x", "tracks:2") is None


def test_a_flat_table_describes_each_release_once_for_each_word_on_it(archive: Archive, place: Path) -> None:
    table(archive, place, place / "map.toml")
    releases = described(archive, ReleaseDescription)
    assert [one.title for one in releases] == ["Hav", "Sol"]
    (place / "tracks.csv").write_text("id,title,artist,album,mood\n1,One,Ann,Hav,\n2,Two,Bo,Hav,\n")
    table(archive, place, place / "map.toml")
    assert [one.credits[0].name for one in described(archive, ReleaseDescription)] == ["Ann", "Bo"]


def test_rows_with_equal_keys_all_arrive(archive: Archive, place: Path) -> None:
    (place / "tracks.csv").write_text("id,title,artist,album,mood\n1,One,Ann,Hav,\n1,Uno,Ann,Hav,\n1,One,Ann,Hav,\n")
    table(archive, place, place / "map.toml")
    assert [(one.id, one.title) for one in described(archive, TrackDescription)] == [
        ("tracks:1", "One"),
        ("tracks:1#2", "Uno"),
        ("tracks:1#3", "One"),
    ]


def test_broken_rows_are_findings_with_their_line_and_kept(archive: Archive, place: Path) -> None:
    with (place / "tracks.csv").open("ab") as file:
        file.write(b"4,Four\n5,F\xefve,Cy,Sol,\n,No key,Cy,Sol,\n6,Six,Cy,Sol,\n")
    report = table(archive, place, place / "map.toml")
    assert [str(one).split(":")[0] for one in report.findings] == [f"tracks.csv line {n}" for n in (5, 6, 7)]
    assert "has 2 cells" in report.findings[0].problem
    assert "is not UTF-8" in report.findings[1].problem
    assert "has nothing in its key 'id'" in report.findings[2].problem
    assert len(described(archive, TrackDescription)) == 4
    with archive.records() as store:
        kept = [record for record in store.scan(["table.x"]) if "!" in record.item[1:]]
    assert len(kept) == 3
    assert any("No key" in record.payload.decode() for record in kept)
    assert counts(table(archive, place, place / "map.toml"))[:2] == (0, 0)


def test_a_column_that_is_not_there_is_named(archive: Archive, place: Path) -> None:
    (place / "map.toml").write_text(MAP.replace('title = "title"', 'title = "titel"'))
    with pytest.raises(BadInput, match="did you mean 'title'"):
        table(archive, place, place / "map.toml")


def test_missing_files_are_named(archive: Archive, place: Path) -> None:
    (place / "tracks.csv").unlink()
    with pytest.raises(NotFound, match=r"tracks\.csv"):
        table(archive, place, place / "map.toml")
    with pytest.raises(NotFound, match=r"no\.toml"):
        table(archive, place, place / "no.toml")


def test_one_file_for_two_tables_is_refused(archive: Archive, shared_data: Path) -> None:
    with pytest.raises(UsageError, match="the map has 2 tables"):
        table(archive, shared_data / "freemusi-cc" / "tracks.csv", EXAMPLES / "freemusi-cc.toml")


def test_parquet_says_the_same_as_csv(archive: Archive, place: Path) -> None:
    with duckdb.connect() as connection:
        source, target = place / "tracks.csv", place / "tracks.parquet"
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{source}', all_varchar=true)) TO '{target}' (FORMAT parquet)"
        )
    table(archive, place, place / "map.toml")
    expected = described(archive)
    other = new_archive(place.parent / "other")
    (place / "map.toml").write_text(MAP.replace("tracks.csv", "tracks.parquet"))
    assert counts(table(other, place, place / "map.toml")) == (4, 0, 0, 0)
    assert described(other) == expected


def test_what_is_not_parquet_is_refused(archive: Archive, place: Path) -> None:
    (place / "tracks.parquet").write_bytes(b"PAR1 no")
    (place / "map.toml").write_text(MAP.replace("tracks.csv", "tracks.parquet"))
    with pytest.raises(BadInput, match="is not a Parquet file"):
        table(archive, place, place / "map.toml")


def package(place: Path, path: str, **more: str) -> None:
    resources = [{"name": "songs", "path": path, **more}]
    (place / "datapackage.json").write_text(json.dumps({"name": "p", "resources": resources}))
    (place / "map.toml").write_text(MAP.replace('file = "tracks.csv"', 'resource = "songs"'))


def test_a_data_package(archive: Archive, place: Path) -> None:
    (place / "songs.txt").write_bytes("id;title;artist;album\n1;Blå;Ann;Hav\n".encode("latin-1"))
    resource = {"name": "songs", "path": "songs.txt", "encoding": "latin-1", "dialect": {"delimiter": ";"}}
    package(place, "songs.txt")
    (place / "datapackage.json").write_text(json.dumps({"resources": [resource]}))
    report = table(archive, place, place / "map.toml")
    assert report.findings == []
    assert [one.title for one in described(archive, TrackDescription)] == ["Blå"]


@pytest.mark.parametrize("path", ["../secret.csv", "/etc/passwd", "http://x.example/a.csv"])
def test_a_data_package_cannot_lead_out_of_itself(archive: Archive, place: Path, path: str) -> None:
    package(place, path)
    with pytest.raises(BadInput, match="leads out of its package"):
        table(archive, place, place / "map.toml")


def test_a_data_package_without_the_resource(archive: Archive, place: Path) -> None:
    package(place, "tracks.csv")
    (place / "map.toml").write_text(MAP.replace('file = "tracks.csv"', 'resource = "song"'))
    with pytest.raises(BadInput, match="did you mean 'songs'"):
        table(archive, place, place / "map.toml")
    (place / "datapackage.json").write_text("[]")
    with pytest.raises(BadInput, match="is not a Data Package"):
        table(archive, place, place / "map.toml")


def test_the_example_of_a_data_package_reads_its_package(archive: Archive, tmp_path: Path) -> None:
    text = "id,album,title,artist,length,licence,file\n1,Hav,Blå,Ann,3:45,CC-BY-4.0,https://x.example/1.ogg\n"
    (tmp_path / "recordings.csv").write_text(text)
    resource = {"name": "recordings", "path": "recordings.csv"}
    (tmp_path / "datapackage.json").write_text(json.dumps({"resources": [resource]}))
    report = table(archive, tmp_path, EXAMPLES / "data-package.toml")
    assert report.findings == []
    (track,) = described(archive, TrackDescription)
    assert (track.title, track.duration_ms) == ("Blå", 225_000)


def test_a_second_harvest_is_refused_at_once(archive: Archive, place: Path) -> None:
    with archive.lock("harvest", what="something else"), pytest.raises(Busy, match="something else"):
        table(archive, place, place / "map.toml")


def test_names_and_cells_that_deceive_are_shown_as_they_are(archive: Archive, place: Path) -> None:
    (place / "tracks.csv").write_text("id,title,artist,album,mood\n1,A\u202eB\0C,../../etc,Hav,\n", encoding="utf-8")
    report = table(archive, place, place / "map.toml")
    (track,) = described(archive, TrackDescription)
    assert track.title == "ABC"
    assert track.credits[0].name == "../../etc", "text, not a path"
    assert codes(report) == set()

"""Listens that one source counted reach what others describe, by MBID, and leave alone who counts for itself."""

from __future__ import annotations

from pathlib import Path

import apsw

from phonolith.catalogue.build import build
from phonolith.catalogue.dump import dump_digest
from phonolith.model.music import (
    ArtistDescription,
    Credit,
    PopularityDescription,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.progress import Silent
from phonolith.store.archive import Archive
from tests.catalogue.said import make_archive, records

A, B, R = (f"{n:08x}-0000-4000-8000-00000000000f" for n in (10, 11, 12))


def listens(kind: str, mbid: str, count: int, counted: str = "popularity") -> PopularityDescription:
    return PopularityDescription(f"{counted}/{kind}/{mbid}", kind, mbid, counted, count)


def track(identifier: str, recording: str = "", **more: object) -> TrackDescription:
    identifiers = (("mbid.recording", recording),) if recording else ()
    return TrackDescription(identifier, identifier, "r", identifiers=identifiers, **more)  # type: ignore[arg-type]


def popularity(archive: Archive, table: str = "tracks", name: str = "title") -> dict[str, float | None]:
    build(archive, as_of=None, progress=Silent(), workers=1)
    with apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY) as db:
        return dict(db.execute(f"SELECT {name}, popularity FROM {table} ORDER BY rank").fetchall())


def put(archive: Archive, *descriptions: object) -> None:
    with archive.records() as store:
        store.put_many(records(*descriptions, source="heard"))  # type: ignore[arg-type]


def test_a_track_has_the_listens_of_its_recording(tmp_path: Path) -> None:
    release = ReleaseDescription("r", "R")
    archive = make_archive(tmp_path / "a", release, track("plain"), track("one", A.upper()), track("two", B))
    put(archive, listens("recording", A, 5), listens("recording", B, 70), listens("artist", A, 9_999))
    assert list(popularity(archive).items()) == [("two", 70.0), ("one", 5.0), ("plain", None)]
    assert popularity(archive, "releases") == {"R": 75.0}


def test_what_has_an_mbid_for_its_id_is_found_by_it(tmp_path: Path) -> None:
    artist = ArtistDescription(A, "Ann")
    release = ReleaseDescription(R, "Hav", credits=(Credit("Ann", A),))
    recording = TrackDescription(B, "Alone", credits=(Credit("Ann", A),))
    archive = make_archive(tmp_path / "a", artist, release, TrackDescription("t", "T", R), recording)
    put(archive, listens("recording", B, 3), listens("artist", A, 50), listens("release", R, 8))
    assert popularity(archive) == {"Alone": 3.0, "T": None}
    assert popularity(archive, "artists", "name") == {"Ann": 50.0}
    assert popularity(archive, "releases")["Hav"] == 8.0


def test_a_source_that_counts_for_itself_is_left_as_it_is(tmp_path: Path) -> None:
    release = ReleaseDescription("r", "R")
    archive = make_archive(tmp_path / "a", release, track("own", popularity=2.0), track("none", A))
    put(archive, listens("recording", A, 1_000_000))
    assert popularity(archive) == {"own": 2.0, "none": None}


def test_counts_of_different_sorts_are_not_compared(tmp_path: Path) -> None:
    release = ReleaseDescription("r", "R")
    archive = make_archive(tmp_path / "a", release, track("one", A), track("two", B), track("three", R))
    put(archive, listens("recording", A, 5), listens("recording", B, 6))
    put(archive, listens("recording", R, 1_000_000, "sitewide"))
    assert popularity(archive) == {"two": 6.0, "one": 5.0, "three": None}


def test_the_order_in_which_counts_came_changes_nothing(tmp_path: Path) -> None:
    digests = set()
    counts = [listens("recording", A, 7), listens("recording", B, 7), listens("recording", A, 9, "sitewide")]
    for number, some in enumerate((counts, counts[::-1])):
        archive = make_archive(tmp_path / str(number), ReleaseDescription("r", "R"), track("one", A), track("two", B))
        put(archive, *some)
        build(archive, as_of=None, progress=Silent(), workers=1)
        digests.add(dump_digest(archive.catalogue))
    assert len(digests) == 1

"""Pages say what the catalogue says, by public id, in order, with names as credited."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from phonolith.errors import NotFound
from phonolith.library import browse
from phonolith.library.views import clock, credit_text
from phonolith.model.ids import is_public_id
from tests.library.conftest import Shelf
from tests.sample import ARTISTS, RELEASES


def test_a_track_page_has_everything(shelf: Shelf) -> None:
    page = browse.track(shelf.library, shelf.ids["track:road/1"])
    assert (page.track.title, page.track.artist) == ("Departure", "The Quiet Machines")
    assert page.isrcs == ("DEA120400001", "DEA120400099")
    assert page.identifiers == (("number", "A1"),)
    assert page.release.title == "The Long Road"
    assert page.labels[0].catalogue_number == "NN 004"
    assert {genre.name for genre in page.genres} == {"ambient", "post-rock"}
    assert {genre.scope for genre in page.genres} == {"release"}
    assert (page.previous, page.next) == (None, shelf.ids["track:road/2"])
    assert page.files[0].size > 1000 and page.files[0].codec == "pcm_s16le"
    assert page.track.attribution.startswith(
        "“Departure” by The Quiet Machines, from “The Long Road”. Creative Commons"
    )


def test_tracks_of_one_isrc_name_each_other(shelf: Shelf) -> None:
    first, second = shelf.ids["track:road/1"], shelf.ids["track:road-2014/1"]
    assert [one.id for one in browse.track(shelf.library, first).same_isrc] == [second]
    assert [one.id for one in browse.track(shelf.library, second).same_isrc] == [first]
    assert browse.track(shelf.library, shelf.ids["track:road/3"]).same_isrc == ()
    shelf.withdraw("release:road-2014")
    assert browse.track(shelf.library, first).same_isrc == ()


def test_credits_keep_their_order_and_words(shelf: Shelf) -> None:
    track = browse.track(shelf.library, shelf.ids["track:road/8"]).track
    assert track.artist == "The Quiet Machines & Ana N. with Brass & Sons"
    assert [name.artist for name in track.credit] == ["The Quiet Machines", "Añá Núñez", "Brass & Sons"]
    assert [name.id for name in track.credit] == [shelf.ids[f"artist:{one}"] for one in ("quiet", "ana", "brass")]
    assert credit_text(track.credit) == track.artist


def test_genres_come_from_the_nearest_that_has_some(shelf: Shelf) -> None:
    def scopes(name: str) -> dict[str, str]:
        return {one.name: one.scope for one in browse.track(shelf.library, shelf.ids[name]).genres}

    assert scopes("track:road/7") == {"drone": "track"}
    assert scopes("track:road/6") == {"ambient": "release", "post-rock": "release"}
    assert scopes("track:kyoto/1") == {"classical": "artist"}
    assert scopes("track:sampler/3") == {"jazz": "artist"}
    assert scopes("track:undated/1") == {}


def test_a_correction_is_shown_with_its_reason(shelf: Shelf) -> None:
    (correction,) = browse.track(shelf.library, shelf.ids["track:sampler/1"]).corrections
    assert (correction.field, correction.was, correction.now) == ("title", "Lichter der Stdt", "Lichter der Stadt")
    assert (correction.because, correction.event) == ("a typing error", 7)


def test_a_reason_stands_beside_its_status(shelf: Shelf) -> None:
    page = browse.track(shelf.library, shelf.ids["track:broken/2"])
    assert (page.track.status, page.reason) == ("unreadable", "not a FLAC stream")
    assert not page.track.playable


def test_dates_are_as_written_with_what_is_wrong(shelf: Shelf) -> None:
    bogus = browse.release(shelf.library, shelf.ids["release:disputed"]).release.date
    assert bogus is not None
    assert (bogus.written, bogus.problem) == ("2009-13-01", "month 13")
    own = browse.track(shelf.library, shelf.ids["track:waltz/1"]).track.date
    assert own is not None and (own.year, own.month) == (1922, None)
    assert browse.release(shelf.library, shelf.ids["release:hostile"]).release.date is None


def test_a_release_page_has_its_discs_in_order(shelf: Shelf) -> None:
    page = browse.release(shelf.library, shelf.ids["release:road"])
    assert [(disc.position, disc.format, disc.title, len(disc.tracks)) for disc in page.discs] == [
        (1, "CD", "Out", 4),
        (2, "CD", "Back", 4),
    ]
    listed = [track.title for disc in page.discs for track in disc.tracks]
    assert listed == [track.title for track in RELEASES["road"].tracks]
    assert page.discs[1].duration == 300_000 + 190_000 + 420_000 + 99_000
    assert (page.barcode, page.held, page.playable) == ("4006381333931", 8, 8)
    assert {file.role for file in page.files} == {"cover", "booklet", "cue"}
    second = browse.release(shelf.library, shelf.ids["release:road-2014"])
    assert second.barcode == "0123456789012"
    assert [label.name for label in second.labels] == ["South / Süd", "Northern Netlabel"]


def test_what_differs_between_editions_is_said(shelf: Shelf) -> None:
    (edition,) = browse.release(shelf.library, shelf.ids["release:road"]).editions
    assert edition.release.id == shelf.ids["release:road-2014"]
    fields = {one.field: (one.here, one.there) for one in edition.fields}
    assert fields["date"] == ("2004-05-17", "2014")
    assert fields["label"] == ("Northern Netlabel", "South / Süd")
    assert "artist" not in fields
    tracks = {(one.what, one.title): (one.here, one.there) for one in edition.tracks}
    assert tracks["length", "Departure"] == ("3:21", "3:23")
    assert tracks["title", "Signal Box"] == ("Signal Box", "Signal Box (Remaster)")
    assert ("only here", "Night Train") in tracks and ("only there", "Unreleased Coda") in tracks
    assert not [one for one in tracks if one[1] == "Love on the Line"], "the same track is no difference"
    (back,) = browse.release(shelf.library, shelf.ids["release:road-2014"]).editions
    assert {one.what for one in back.tracks} == {"length", "title", "only here", "only there"}
    assert browse.release(shelf.library, shelf.ids["release:tokyo"]).editions == ()


def test_a_long_release_comes_in_pieces(shelf: Shelf) -> None:
    identifier, titles, after = shelf.ids["release:road"], [], None
    for _ in range(10):
        page = browse.release(shelf.library, identifier, after=after, limit=3)
        titles += [track.title for disc in page.discs for track in disc.tracks]
        after = page.next
        if after is None:
            break
    assert titles == [track.title for track in RELEASES["road"].tracks]
    assert len(browse.release_tracks(shelf.library, identifier, after="nonsense").items) == 8


def test_an_artist_page(shelf: Shelf) -> None:
    page = browse.artist(shelf.library, shelf.ids["artist:quiet"])
    assert [group.kind for group in page.releases] == ["album"]
    assert [one.title for one in page.releases[0].releases] == ["The Long Road", "The Long Road (Remaster)"]
    assert [one.title for one in page.appears_on] == ["Netlabel Sampler"]
    assert {one.artist.name: one.tracks for one in page.collaborators} == {
        "Añá Núñez": 3,
        "Brass & Sons": 1,
        "東京ラジオ": 1,
    }
    assert page.top_tracks[0].title == "Departure"
    assert (page.artist.releases, page.artist.tracks) == (2, 13)
    assert page.begin is not None and page.begin.year == 1975
    assert page.links[0].url == "https://example.org/quiet"
    ana = browse.artist(shelf.library, shelf.ids["artist:ana"])
    assert ana.aliases == ("Ana Nunez",)
    assert {one.title for one in ana.appears_on} == {"The Long Road", "The Long Road (Remaster)", "Netlabel Sampler"}
    lonely = browse.artist(shelf.library, shelf.ids["artist:lonely"])
    assert (lonely.releases, lonely.top_tracks, lonely.collaborators) == ((), (), ())


def test_an_artists_releases_in_pieces(shelf: Shelf) -> None:
    first = browse.artist_releases(shelf.library, shelf.ids["artist:brass"], limit=1)
    second = browse.artist_releases(shelf.library, shelf.ids["artist:brass"], after=first.next, limit=1)
    assert first.next is not None and is_public_id(first.next)
    assert [one.title for one in (*first.items, *second.items)] == ["Disputed", "Broken Tape EP"]
    assert second.next is None
    assert browse.artist_tracks(shelf.library, shelf.ids["artist:brass"])[0].title == "Home"


def test_lists_by_label_genre_and_year(shelf: Shelf) -> None:
    north = browse.label(shelf.library, shelf.ids["label:north"])
    assert [shelf.name(one.id) for one in north.page.items] == [
        "release:road",
        "release:road-2014",
        "release:sampler",
        "release:listed",
    ]
    genre = browse.genre(shelf.library, "post rock")
    assert genre.name == "post-rock" and genre.page.total == genre.tracks == len(genre.page.items)
    assert genre.page.items[0].title == "Departure"
    year = browse.year(shelf.library, 2014)
    assert {shelf.name(one.id) for one in year.page.items} == {
        "release:road-2014",
        "release:sampler",
        "release:reserved",
    }
    assert (year.previous, year.next) == (2011, 2020)
    assert dict(browse.years(shelf.library))[2014] == year.tracks == 12
    for missing in (lambda: browse.year(shelf.library, 1800), lambda: browse.genre(shelf.library, "no such")):
        with pytest.raises(NotFound):
            missing()


def test_lists_of_genres_and_labels_in_pieces(shelf: Shelf) -> None:
    whole = browse.genres(shelf.library)
    first = browse.genres(shelf.library, limit=3)
    rest = browse.genres(shelf.library, after=first.next)
    assert whole.items == (*first.items, *rest.items)
    assert [number for _, number in whole.items] == sorted((number for _, number in whole.items), reverse=True)
    labels = browse.labels(shelf.library, limit=2)
    assert len(labels.items) == 2
    assert len(browse.labels(shelf.library, after=labels.next).items) == 1


def test_the_front_page_counts_what_is_stored(shelf: Shelf) -> None:
    front = browse.front(shelf.library, seed=1)
    assert (front.counts["tracks"], front.counts["artists"], front.counts["held"]) == (50, len(ARTISTS), 39)
    assert front.as_of == "2026-11-01"
    assert [one.has_cover for one in front.top[:4]] == [True] * 4
    assert front.top[0].title == "The Long Road"
    assert all(track.playable for track in front.random)
    assert front == browse.front(shelf.library, seed=1)
    assert front.random != browse.front(shelf.library, seed=2).random


def test_search_gives_rows(shelf: Shelf) -> None:
    found = browse.search(shelf.library, browse.Query("tokyo radio nothing"))
    assert found.page.items == ()
    found = browse.search(shelf.library, browse.Query("départure"))
    assert found.page.items[0].title == "Departure"
    assert browse.search(shelf.library, browse.Query("nunez", kind="artist")).page.items[0].name == "Añá Núñez"
    assert browse.search(shelf.library, browse.Query("long road", kind="release")).page.total == 2
    assert browse.search(shelf.library, browse.Query("north", kind="label", typing=True)).page.items[0].tracks == 21


def test_nothing_shown_is_a_row_number(shelf: Shelf) -> None:
    """Every id in every page has the form of a public id and is found again as itself."""
    pages = [
        *(browse.track(shelf.library, one) for name, one in shelf.ids.items() if name.startswith("track:")),
        *(browse.release(shelf.library, one) for name, one in shelf.ids.items() if name.startswith("release:")),
        *(browse.artist(shelf.library, one) for name, one in shelf.ids.items() if name.startswith("artist:")),
        *(browse.label(shelf.library, one) for name, one in shelf.ids.items() if name.startswith("label:")),
        *(browse.thing(shelf.library, one) for name, one in shelf.ids.items() if name.startswith("thing:")),
    ]
    seen = {identifier for page in pages for identifier in _ids(page)}
    assert seen <= set(shelf.ids.values())
    assert len(seen) > 70


def _ids(value: object) -> Iterator[str]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            inner = getattr(value, one.name)
            if one.name in ("id", "previous", "next") and inner is not None:
                yield inner
            else:
                yield from _ids(inner)
    elif isinstance(value, tuple):
        for one in value:
            yield from _ids(one)


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(None, ""), (0, "0:00"), (59_499, "0:59"), (59_500, "1:00"), (3_600_000, "1:00:00")]
)
def test_a_duration_as_people_write_it(milliseconds: int | None, shown: str) -> None:
    assert clock(milliseconds) == shown


def test_pages_take_few_queries(shelf: Shelf) -> None:
    """However long a list is, it takes as many queries as a short one."""

    def queries(identifier: str, get: object) -> int:
        count = 0

        def trace(*_: object) -> bool:
            nonlocal count
            count += 1
            return True

        with shelf.library.catalogue.reading() as snapshot:
            snapshot.db.exec_trace = trace  # type: ignore[assignment]
            try:
                get(shelf.library, identifier)  # type: ignore[operator]
            finally:
                snapshot.db.exec_trace = None
        return count

    short, long = shelf.ids["release:hostile"], shelf.ids["release:waltz"]
    assert queries(short, browse.release) <= 25
    queries(long, browse.release)
    assert queries(long, browse.release) - queries(short, browse.release) <= 4
    assert queries(shelf.ids["track:road/1"], browse.track) <= 30
    assert queries(shelf.ids["artist:quiet"], browse.artist) <= 45

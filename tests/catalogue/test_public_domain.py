"""Dates from a source to the answer of a running library: built as of a day, and turned by the clock."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from phonolith.catalogue.build import build
from phonolith.library.access import Item, decision, standing
from phonolith.library.catalogue import Catalogue
from phonolith.library.described import described
from phonolith.library.overlay import NoEvents, Overlay
from phonolith.library.reading import Library
from phonolith.model.ids import public_id
from phonolith.model.music import Level, LicenceStatement, Origin, ReleaseDescription, TrackDescription
from phonolith.model.progress import Silent
from phonolith.model.rights import Use
from phonolith.rights.gate import Policy
from tests.catalogue.said import make_archive

BY = "https://creativecommons.org/licenses/by/4.0/"
_STATED = (LicenceStatement("© Acme. All rights reserved", Level.PLATFORM, "said"),)


def origin(published: str, edition: str = "") -> Origin:
    return Origin(
        published=published,
        edition=edition,
        composition_published="1850",
        writers_died="1860",
        level=Level.PLATFORM,
        by="said",
        where="a page",
        date="2026-01-02T03:04:05Z",
        digest="d" * 64,
    )


#: Title and description: what is free in the US from which year on is in the name.
SAID = (
    TrackDescription("free", "since 2022", origin=origin("1922")),
    TrackDescription("turns", "from 2027", origin=origin("1926")),
    TrackDescription("later", "a date of its own", origin=origin("1922"), date="1999"),
    TrackDescription("vague", "unreadable", origin=origin("circa 1922")),
    TrackDescription("others", "another's song", origin=origin("1922"), composition_by_others=True),
    ReleaseDescription("reserved", "A release", licences=_STATED),
    TrackDescription("on-reserved", "its release is reserved", release="reserved", origin=origin("1922")),
    ReleaseDescription("by", "A release", licences=(LicenceStatement(BY, Level.PLATFORM, "said"),)),
    TrackDescription("on-by", "its release is BY", release="by", origin=origin("1922")),
    TrackDescription("cover-on-by", "a cover", release="by", origin=origin("1922"), composition_by_others=True),
    ReleaseDescription("plain", "A release"),
    TrackDescription("on-plain", "its release says nothing", release="plain", origin=origin("1922")),
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    archive = make_archive(tmp_path, *SAID)
    build(archive, as_of="2026-11-30", progress=Silent(), workers=1)
    return Catalogue.open(archive.catalogue)


def open_to(catalogue: Catalogue, today: date | None, policy: Policy, use: Use = Use.STREAM) -> set[str]:
    """The tracks that may be used so."""
    clock = None if today is None else lambda: today
    library = Library(catalogue, Overlay(NoEvents()), policy, clock)
    found = set()
    with library.reading() as reading:
        for said in SAID:
            if isinstance(said, TrackDescription):
                row = reading.row("track", public_id("said", said.id))
                if reading.decide(use, standing(reading, "track", row), held=True).allowed:
                    found.add(said.id)
    return found


_FREE = {"free", "others", "on-plain"}


def test_as_of_decides_where_no_clock_is_given(catalogue: Catalogue) -> None:
    assert open_to(catalogue, None, Policy("US")) == _FREE | {"on-by"}
    assert open_to(catalogue, None, Policy("JP")) == {"on-by"}
    assert open_to(catalogue, None, Policy()) == {"on-by"}


def test_the_year_turns_without_a_build(catalogue: Catalogue) -> None:
    assert open_to(catalogue, date(2026, 12, 31), Policy("US")) == _FREE | {"on-by"}
    assert open_to(catalogue, date(2027, 1, 1), Policy("US")) == _FREE | {"on-by", "turns"}
    assert open_to(catalogue, date(2021, 12, 31), Policy("US")) == {"on-by"}, "a clock that is behind frees less"


def test_publication_asks_for_every_territory(catalogue: Catalogue) -> None:
    assert open_to(catalogue, None, Policy("US"), Use.REDISTRIBUTE) == {"on-by"}
    assert open_to(catalogue, None, Policy("", ("US", "DE")), Use.REDISTRIBUTE) == _FREE | {"on-by"}
    assert open_to(catalogue, None, Policy("", ("US", "JP")), Use.REDISTRIBUTE) == {"on-by"}


def test_the_cover_of_a_release_does_not_rest_on_a_tracks_dates(tmp_path: Path) -> None:
    """Without evidence of the release's own it stands on the weakest of its tracks, and dates are weakest."""
    stated = (LicenceStatement(BY, Level.PLATFORM, "said"),)
    archive = make_archive(
        tmp_path,
        ReleaseDescription("r", "Both"),
        TrackDescription("licensed", "1", release="r", licences=stated, position=1),
        TrackDescription("dated", "2", release="r", origin=origin("1922"), position=2),
    )
    build(archive, as_of="2026-11-30", progress=Silent(), workers=1)
    library = Library(Catalogue.open(archive.catalogue), Overlay(NoEvents()), Policy("US"))
    with library.reading() as reading:
        stands = standing(reading, "release", reading.row("release", public_id("said", "r")))
        cover = Item("x", "cover", "x", "a" * 64, 1, "x/x", "", stands)
        assert not decision(reading, Use.STREAM, cover).allowed


def test_the_day_of_the_build_makes_the_catalogue_and_nothing_else_does(tmp_path: Path) -> None:
    found = []
    for name, as_of, workers in (("a", "2026-11-30", 1), ("b", "2026-11-30", 2), ("c", "2027-01-01", 1)):
        archive = make_archive(tmp_path / name, *SAID)
        build(archive, as_of=as_of, progress=Silent(), workers=workers)
        with Catalogue.open(archive.catalogue).reading() as snapshot:
            sql = """SELECT t.title, g.stated, g.basis, c.code FROM track t LEFT JOIN rights g ON g.id = t.rights
                     LEFT JOIN licence c ON c.id = g.licence ORDER BY t.title"""
            found.append(snapshot.db.execute(sql).fetchall())
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_dates_of_a_recording_open_no_door_for_its_cover(catalogue: Catalogue) -> None:
    library = Library(catalogue, Overlay(NoEvents()), Policy("US"))
    with library.reading() as reading:
        stands = standing(reading, "track", reading.row("track", public_id("said", "free")))
        audio, cover = (Item("x", role, "x", "a" * 64, 1, "x/x", "", stands) for role in ("audio", "cover"))
        assert decision(reading, Use.STREAM, audio).allowed
        answer = decision(reading, Use.STREAM, cover)
    assert not answer.allowed
    assert "those of the audio" in answer.reasons[0]


def test_a_release_is_cut_by_the_catalogues_day_and_never_ahead_of_time(tmp_path: Path) -> None:
    archive = make_archive(tmp_path, *SAID)
    for as_of, today, day in (
        ("2026-11-30", date(2030, 1, 1), date(2026, 11, 30)),
        ("2100-01-01", date(2026, 11, 30), date(2026, 11, 30)),
    ):
        build(archive, as_of=as_of, progress=Silent(), workers=1)
        library = Library(Catalogue.open(archive.catalogue), Overlay(NoEvents()), clock=lambda today=today: today)
        with library.reading() as running, library.as_built().reading() as cut:
            assert running.on == today
            assert cut.on == day


def test_an_excerpt_hands_the_dates_on(catalogue: Catalogue) -> None:
    library = Library(catalogue, Overlay(NoEvents()))
    with library.reading() as reading:
        rows = [reading.row("track", public_id("said", name)) for name in ("free", "on-by", "vague")]
        told = {one.id: one for _, one in described(reading.db, "track", rows, ()) if isinstance(one, TrackDescription)}
    dates = told["free"].origin
    assert dates
    assert (dates.published, dates.writers_died, dates.level, dates.by) == ("1922", "1860", Level.PLATFORM, "said")
    assert told["free"].licences == ()
    assert told["on-by"].origin is None
    vague = told["vague"].origin
    assert vague
    assert vague.published == "?", "what could not be read stays unreadable"

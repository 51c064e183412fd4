"""How the pages say things."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phonolith.library.views import Date, Rights
from phonolith.web import words
from phonolith.web.plots import Bar, columns, with_shares


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"),
        (0, "0:00"),
        (499, "0:00"),
        (500, "0:01"),
        (59_600, "1:00"),
        (3_599_999, "1:00:00"),
        (3_661_000, "1:01:01"),
    ],
)
def test_clock(milliseconds: int | None, text: str) -> None:
    assert words.clock(milliseconds) == text


@pytest.mark.parametrize(
    ("date", "text"),
    [
        (None, ""),
        (Date("2004-05-17", 2004, 5, 17), "17 May 2004"),
        (Date("1940-03", 1940, 3), "March 1940"),
        (Date("2014", 2014), "2014"),
        (Date("last summer", problem="not a date"), "last summer"),
        (Date("2009-13-01", 2009, problem="month 13"), "2009-13-01"),
    ],
)
def test_date(date: Date | None, text: str) -> None:
    assert words.date(date) == text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("CC-BY-SA-3.0-DE", "CC BY-SA 3.0 DE"),
        ("CC-BY-4.0", "CC BY 4.0"),
        ("CC0-1.0", "CC0"),
        ("PDM-1.0", "Public domain"),
        ("LAL-1.3", "LAL 1.3"),
    ],
)
def test_licence(code: str, text: str) -> None:
    assert words.short_licence(code) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0\u202fbytes"), (999, "999\u202fbytes"), (1500, "1.5\u202fkB"), (2e13, "20.0\u202fTB")]
)
def test_size(number: float, text: str) -> None:
    assert words.size(int(number)) == text


@pytest.mark.parametrize(
    ("media_type", "codec", "asked"),
    [
        ("audio/ogg", "vorbis", 'audio/ogg; codecs="vorbis"'),
        ("audio/opus", "opus", 'audio/ogg; codecs="opus"'),
        ("audio/mp4", "aac", 'audio/mp4; codecs="mp4a.40.2"'),
        ("audio/x-flac", "flac", "audio/flac"),
        ("audio/mpeg", "", "audio/mpeg"),
        ("audio/ogg", '"><script>', "audio/ogg"),
    ],
)
def test_the_type_a_browser_is_asked_about(media_type: str, codec: str, asked: str) -> None:
    assert words.playing_type(media_type, codec) == asked


def test_a_plot_escapes_its_names_and_shows_small_values() -> None:
    svg = str(columns([Bar("<b>", 1), Bar("2", 10**6)], '"title"'))
    assert "<b>" not in svg
    assert 'height="2.0"' in svg
    assert "style=" not in svg
    assert str(columns([], "empty")) == ""


@pytest.mark.parametrize(("count", "width"), [(1, 340), (5, 340), (10, 640), (15, 960), (16, 1000), (200, 1000)])
def test_a_plot_of_few_columns_is_as_wide_as_they_are(count: int, width: int) -> None:
    svg = str(columns([Bar(str(n), n) for n in range(count)], "few"))
    assert f'viewBox="0 0 {width} ' in svg
    assert ('class="plot few"' in svg) == (width < 1000)


def test_shares_are_of_the_whole() -> None:
    assert [bar.share for bar in with_shares([Bar("a", 1), Bar("b", 3)])] == ["25.0\u202f%", "75.0\u202f%"]
    assert with_shares([Bar("a", 0)])[0].share == "0.0\u202f%"


@pytest.mark.parametrize(("name", "text"), [("ep", "EP"), ("EP", "EP"), ("album", "Album"), ("release", "Release")])
def test_kind(name: str, text: str) -> None:
    assert words.kind(name) == text


def test_what_a_source_forbids_is_told_after_how_well_the_licence_is_known() -> None:
    known = Rights(None, 2, "", "", "stated", True, "Two sources agree.", ("no-download", "stream-only"))
    assert words.evidence(known) == (
        "Two sources agree. Its source marks it no-download and stream-only, whatever the licence permits."
    )
    assert words.evidence(replace(known, limits=())) == "Two sources agree."

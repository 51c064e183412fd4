"""Comparing editions: nothing differs from itself, and what differs one way differs the other way round."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from phonolith.library.editions import compare
from phonolith.library.reading import NO_RIGHTS
from phonolith.library.views import CreditName, ReleaseRef, ReleaseRow, TrackRow

RELEASE = ReleaseRow("r" * 16, "Road", (), None, "album", "", None, 3, 1, None, False, NO_RIGHTS, None, "folder")
TURNED = {"only here": "only there", "only there": "only here"}


def _track(title: str, disc: int, position: int, duration: int | None, artist: str) -> TrackRow:
    credit = (CreditName("a" * 16, artist, artist, ""),)
    of = ReleaseRef("r" * 16, "Road")
    return TrackRow(
        "t" * 16, title, credit, of, disc, position, duration, None, None, "held", NO_RIGHTS, True, None, "folder"
    )


tracks = st.lists(
    st.builds(
        _track,
        st.sampled_from(["Love", "love ", "Love (Live)", "Home", "東京", "", "Coda"]),
        st.integers(1, 2),
        st.integers(0, 4),
        st.none() | st.integers(0, 10_000),
        st.sampled_from(["Ana", "Brass"]),
    ),
    max_size=8,
)


@given(tracks)
def test_an_edition_does_not_differ_from_itself(mine: list[TrackRow]) -> None:
    found = compare(RELEASE, mine, RELEASE, mine)
    assert (found.fields, found.tracks) == ((), ())


@given(tracks, tracks)
def test_every_track_is_accounted_for_once(mine: list[TrackRow], others: list[TrackRow]) -> None:
    found = compare(RELEASE, mine, RELEASE, others).tracks
    here = sum(one.what == "only here" for one in found)
    there = sum(one.what == "only there" for one in found)
    assert len(mine) - here == len(others) - there >= 0, "the rest are pairs"


@given(tracks, tracks)
def test_what_is_missing_here_is_extra_there(mine: list[TrackRow], others: list[TrackRow]) -> None:
    one_way = [one.what for one in compare(RELEASE, mine, RELEASE, others).tracks if one.what in TURNED]
    other_way = [TURNED[one.what] for one in compare(RELEASE, others, RELEASE, mine).tracks if one.what in TURNED]
    assert sorted(one_way) == sorted(other_way)


def test_lengths_differ_from_two_seconds_on() -> None:
    def lengths(a: int | None, b: int | None) -> list[str]:
        found = compare(RELEASE, [_track("Love", 1, 1, a, "Ana")], RELEASE, [_track("Love", 1, 1, b, "Ana")])
        return [one.what for one in found.tracks]

    assert lengths(100_000, 101_999) == []
    assert lengths(100_000, 102_000) == ["length"]
    assert lengths(None, 102_000) == []


def test_fields_are_compared_one_by_one() -> None:
    other = replace(RELEASE, title="Road (Remaster)", country="DE")
    assert [(one.field, one.here, one.there) for one in compare(RELEASE, [], other, None).fields] == [
        ("title", "Road", "Road (Remaster)"),
        ("country", "", "DE"),
    ]
    assert not compare(RELEASE, [], other, None).tracks_compared

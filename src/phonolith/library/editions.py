"""Compares two editions of a release, field by field and track by track."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

from phonolith.library.views import (
    Edition,
    FieldDifference,
    ReleaseRow,
    TrackDifference,
    TrackRow,
    clock,
)

_ALIKE = 0.6
_SAME_LENGTH = 2_000  # ms: two masters of one recording differ by less


def compare(
    mine: ReleaseRow, my_tracks: Sequence[TrackRow], other: ReleaseRow, other_tracks: Sequence[TrackRow] | None
) -> Edition:
    """The other edition with what differs from mine; ``other_tracks`` None leaves the track lists uncompared."""
    fields = tuple(
        FieldDifference(name, here, there)
        for (name, here), (_, there) in zip(_fields(mine), _fields(other), strict=True)
        if here != there
    )
    if other_tracks is None:
        return Edition(other, fields, (), tracks_compared=False)
    return Edition(other, fields, tuple(_tracks(my_tracks, other_tracks)))


def _fields(release: ReleaseRow) -> Iterator[tuple[str, str]]:
    yield "title", release.title
    yield "artist", release.artist
    yield "date", release.date.written if release.date else ""
    yield "country", release.country
    yield "label", release.label.name if release.label else ""
    yield "catalogue number", release.label.catalogue_number if release.label else ""
    yield "kind", release.kind
    yield "discs", str(release.discs)
    yield "tracks", str(release.tracks)
    yield "length", clock(release.duration)
    yield "licence", release.rights.licence.title if release.rights.licence else ""


def _tracks(mine: Sequence[TrackRow], others: Sequence[TrackRow]) -> Iterator[TrackDifference]:
    """Tracks of one title are one track; of the rest, those alike at the same place are one under two titles."""
    pairs, left, right = _paired(mine, others, lambda one: one.title.casefold().strip())
    at_one_place, only_here, only_there = _paired(left, right, lambda one: (one.disc, one.position))
    for one, other in pairs:
        yield from _differences(one, other)
    for one, other in at_one_place:
        if _alike(one, other):
            yield TrackDifference("title", one.title, one.title, other.title)
            yield from _differences(one, other)
        else:
            only_here.append(one)
            only_there.append(other)
    for one in only_here:
        yield TrackDifference("only here", one.title, _place(one), "")
    for one in only_there:
        yield TrackDifference("only there", one.title, "", _place(one))


def _alike(one: TrackRow, other: TrackRow) -> bool:
    """Whether two tracks of different titles may be one: titles that begin alike or are alike, or the same length."""
    if one.duration is not None and other.duration is not None and abs(one.duration - other.duration) < _SAME_LENGTH:
        return True
    return SequenceMatcher(None, one.title.casefold(), other.title.casefold()).ratio() > _ALIKE


def _differences(one: TrackRow, other: TrackRow) -> Iterator[TrackDifference]:
    if one.duration is not None and other.duration is not None and abs(one.duration - other.duration) >= _SAME_LENGTH:
        yield TrackDifference("length", one.title, clock(one.duration), clock(other.duration))
    if one.artist != other.artist:
        yield TrackDifference("credit", one.title, one.artist, other.artist)
    if (one.disc, one.position) != (other.disc, other.position):
        yield TrackDifference("place", one.title, _place(one), _place(other))


def _paired(
    mine: Sequence[TrackRow], others: Sequence[TrackRow], key: Callable[[TrackRow], object]
) -> tuple[list[tuple[TrackRow, TrackRow]], list[TrackRow], list[TrackRow]]:
    """Pairs with the same key, in order; what is left of mine; what is left of the others."""
    waiting: dict[object, list[TrackRow]] = {}
    for other in others:
        waiting.setdefault(key(other), []).append(other)
    pairs: list[tuple[TrackRow, TrackRow]] = []
    left: list[TrackRow] = []
    for one in mine:
        same = waiting.get(key(one))
        if same:
            pairs.append((one, same.pop(0)))
        else:
            left.append(one)
    taken = {id(other) for _, other in pairs}
    return pairs, left, [other for other in others if id(other) not in taken]


def _place(track: TrackRow) -> str:
    return f"{track.disc}-{track.position}" if track.position else ""

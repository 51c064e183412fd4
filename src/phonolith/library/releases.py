"""The page of one release: its discs, and its other editions with what differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby

from phonolith.library import details
from phonolith.library.editions import compare
from phonolith.library.listing import release_row, release_rows, track_rows
from phonolith.library.named import thing_ref
from phonolith.library.parts import sources
from phonolith.library.reading import Library, Reading
from phonolith.library.views import Disc, Edition, Page, ReleasePage, ReleaseRow, TrackRow
from phonolith.model.ids import unpack_source_id
from phonolith.model.status import Status

_OWN = "SELECT barcode, release_group, genres, credit, source FROM release WHERE id = ?"
_TRACKS = "SELECT id FROM track WHERE release = ? ORDER BY disc, position, id LIMIT ? OFFSET ?"
_TRACKS_OF = """
SELECT t.release, t.id FROM json_each(?) j CROSS JOIN track t ON t.release = j.value
ORDER BY j.key, t.disc, t.position, t.id"""
_EDITIONS = "SELECT id FROM release WHERE release_group = ? AND source = ? AND id <> ? ORDER BY id LIMIT 25"
_MEDIA = "SELECT position, format, title FROM medium WHERE release = ?"
_MOST_COMPARED = 200  # tracks of either edition
_MOST_SHOWN = 1_000  # tracks on one page; a release of more is paged


def release(library: Library, identifier: str, *, after: str | None = None, limit: int = _MOST_SHOWN) -> ReleasePage:
    """Everything about a release. Raises NotFound, and Withdrawn where it or an artist of it is.

    Tracks are in the order of the release. One with more than ``limit`` tracks comes in pieces: ``next`` asks for the
    following one.
    """
    with library.reading() as reading:
        row = reading.row("release", identifier)
        found = release_row(reading, row)
        reading.check(f"release:{identifier}", withdrawable(found))
        return _page(reading, row, found, place(after), limit)


def release_tracks(
    library: Library, identifier: str, *, after: str | None = None, limit: int = _MOST_SHOWN
) -> Page[TrackRow]:
    """The tracks of a release in its order: what a queue is filled with. Raises NotFound, Withdrawn."""
    with library.reading() as reading:
        row = reading.row("release", identifier)
        found = release_row(reading, row)
        reading.check(f"release:{identifier}", withdrawable(found))
        rows, following = _piece(reading, row, place(after), limit)
        return Page(tuple(track_rows(reading, rows)), following, found.tracks)


def withdrawable(release: ReleaseRow) -> tuple[str, ...]:
    """The ids a withdrawal of this release could name: its own, then its artists'."""
    return tuple(dict.fromkeys((release.id, *(name.id for name in release.credit))))


def place(after: str | None) -> int:
    """What ``next`` of a paged list said, as a number; 0 for the start and for anything that is no number."""
    return int(after) if after and after.isascii() and after.isdigit() and len(after) < 16 else 0


def _page(reading: Reading, row: int, found: ReleaseRow, start: int, limit: int) -> ReleasePage:
    barcode, group, own_genres, credit, source = reading.rows(_OWN, (row,))[0]
    rows, following = _piece(reading, row, start, limit)
    tracks = track_rows(reading, rows)
    scopes = [("release", own_genres)]
    if own_genres is None:
        scopes.append(("artist", details.genres_of_artist(reading, credit)))
    about = details.subject("release", row)
    labels = details.release_labels(reading, row, found.label)
    named = [*(name.id for name in found.credit if not name.role), *(label.id for label in labels)]
    return ReleasePage(
        release=found,
        labels=labels,
        barcode="" if barcode is None else str(barcode),
        genres=details.genres(reading, scopes),
        discs=_discs(reading, row, tracks),
        editions=_editions(reading, row, group, source, found, tracks) if not start else (),
        identifiers=details.identifiers(reading, about),
        links=details.links(reading, about, sources(reading)[source]),
        files=details.files(reading, about),
        corrections=details.corrections(reading, about),
        source=sources(reading)[source],
        held=sum(one.status == Status.HELD.name.lower() for one in tracks),
        playable=sum(one.playable for one in tracks),
        next=following,
        group=None if group is None else thing_ref(reading, sources(reading)[source], unpack_source_id(group)),
        said_links=details.said_links(reading, [found.id, *named]),
    )


def _piece(reading: Reading, row: int, start: int, limit: int) -> tuple[list[int], str | None]:
    """Rows of a piece of the track list, hidden ones left out, and where the next piece starts."""
    rows = [one for (one,) in reading.rows(_TRACKS, (row, limit + 1, start))]
    following = str(start + limit) if len(rows) > limit else None
    return reading.shown("track", rows[:limit]), following


def _discs(reading: Reading, row: int, tracks: Iterable[TrackRow]) -> tuple[Disc, ...]:
    media = {position: (form or "", title or "") for position, form, title in reading.rows(_MEDIA, (row,))}
    discs = []
    for position, group in groupby(tracks, key=lambda one: one.disc):
        on_disc = tuple(group)
        form, title = media.get(position, ("", ""))
        discs.append(Disc(position, form, title, on_disc, sum(one.duration or 0 for one in on_disc)))
    return tuple(discs)


def _editions(
    reading: Reading, row: int, group: object, source: int, mine: ReleaseRow, tracks: Sequence[TrackRow]
) -> tuple[Edition, ...]:
    """Other releases of the group, all their tracks read at once."""
    if group is None:
        return ()
    rows = reading.shown("release", [one for (one,) in reading.rows(_EDITIONS, (group, source, row))])
    others = release_rows(reading, rows)
    short = [number for number, one in zip(rows, others, strict=True) if max(one.tracks, mine.tracks) <= _MOST_COMPARED]
    listed = _tracks_of(reading, short)
    return tuple(
        compare(mine, tracks, one, listed.get(number) if number in short else None)
        for number, one in zip(rows, others, strict=True)
    )


def _tracks_of(reading: Reading, releases: Sequence[int]) -> dict[int, list[TrackRow]]:
    found = reading.rows(_TRACKS_OF, (json.dumps(releases),)) if releases else []
    rows = reading.shown("track", [row for _, row in found])
    release_of = {row: release for release, row in found}
    listed: dict[int, list[TrackRow]] = {number: [] for number in releases}
    for row, one in zip(rows, track_rows(reading, rows), strict=True):
        listed[release_of[row]].append(one)
    return listed

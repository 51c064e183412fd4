"""The page of one artist: his releases by kind, what he appears on, whom he worked with.

An artist is credited alone (a credit column holds his row) or among others (it holds minus a row of credits that has
him); both are looked up by index. Where an artist has thousands of shared credits a page looks at the first ones only
and says so; the list of his releases is always whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from phonolith.library import details
from phonolith.library.listing import all_artist_rows, artist_rows, release_rows, track_rows
from phonolith.library.parts import dates, sources
from phonolith.library.reading import Library, Reading
from phonolith.library.views import (
    ArtistPage,
    ArtistRow,
    Collaborator,
    Page,
    ReleaseGroupOfKind,
    ReleaseRow,
    TrackRow,
)

_MOST_CREDITS = 1_000  # shared credits a page looks at
_MOST_TRACKS = 200  # tracks a page looks at to find what he appears on
_RELEASES_ON_PAGE = 60
_EVERY = 1 << 40
_SHOWN = 24  # of appears-on and collaborators
_KIND_ORDER = ("album", "ep", "single", "live", "compilation")

_OWN = "SELECT sort_name, begin_date, end_date, genres, source FROM artist WHERE id = ?"
_SHARED_CREDITS = "SELECT DISTINCT id FROM credit WHERE artist = ? ORDER BY id LIMIT ?"
_RELEASES = "SELECT id FROM release WHERE credit = ? AND id > ? ORDER BY id LIMIT ?"
_SHARED_RELEASES = """
SELECT r.id FROM (SELECT DISTINCT id FROM credit WHERE artist = ? LIMIT ?) c CROSS JOIN release r ON r.credit = -c.id
WHERE r.id > ? ORDER BY r.id LIMIT ?"""
_TRACKS = "SELECT id FROM track WHERE credit = ? ORDER BY id LIMIT ?"
_SHARED_TRACKS = """
SELECT t.id FROM json_each(?) j CROSS JOIN track t ON t.credit = j.value ORDER BY t.id LIMIT ?"""
_TRACKS_OF_RELEASES = """
SELECT t.id FROM json_each(?) j CROSS JOIN track t ON t.release = j.value
WHERE t.credit IS NULL ORDER BY t.id LIMIT ?"""
_RELEASES_OF_TRACKS = """
SELECT DISTINCT r.id, r.credit FROM json_each(?) j CROSS JOIN track t ON t.id = j.value
CROSS JOIN release r ON r.id = t.release ORDER BY r.id"""
_COLLABORATORS = """
SELECT artist, sum(tracks) FROM (
  SELECT both.artist AS artist,
    (SELECT count(*) FROM track t WHERE t.credit = -both.id)
    + (SELECT count(*) FROM release r CROSS JOIN track t ON t.release = r.id
       WHERE r.credit = -both.id AND t.credit IS NULL) AS tracks
  FROM (SELECT DISTINCT c.id, c.artist FROM json_each(?) j CROSS JOIN credit c ON c.id = -j.value) both
  WHERE both.artist <> ?
) GROUP BY artist HAVING sum(tracks) > 0 ORDER BY sum(tracks) DESC, artist LIMIT ?"""


def artist(library: Library, identifier: str) -> ArtistPage:
    """Everything about an artist. Raises NotFound, and Withdrawn."""
    with library.reading() as reading:
        row = _open(reading, identifier)
        return _page(reading, row)


def artist_releases(
    library: Library, identifier: str, *, after: str | None = None, limit: int = 50
) -> Page[ReleaseRow]:
    """Releases credited to the artist, alone or among others, best first. Raises NotFound, Withdrawn."""
    with library.reading() as reading:
        row = _open(reading, identifier)
        rows, following = _releases(reading, row, reading.after("release", after), limit, every_credit=True)
        return Page(tuple(release_rows(reading, rows)), following, _counted(reading, row).releases)


def artist_tracks(library: Library, identifier: str, *, limit: int = 50) -> tuple[TrackRow, ...]:
    """The artist's best tracks: what a queue is filled with. Raises NotFound, Withdrawn."""
    with library.reading() as reading:
        row = _open(reading, identifier)
        shared = _shared(reading, row)[:_MOST_CREDITS]
        own = _releases(reading, row, 0, _RELEASES_ON_PAGE)[0]
        return tuple(track_rows(reading, _top(reading, row, shared, own, limit)))


def every_release(reading: Reading, row: int) -> list[int]:
    """Rows of every release that credits the artist with this row, alone or among others, hidden ones too."""
    return _releases(reading, row, 0, _EVERY, every_credit=True)[0]


def _open(reading: Reading, identifier: str) -> int:
    row = reading.row("artist", identifier)
    reading.check(f"artist:{identifier}", (identifier,))
    return row


def _page(reading: Reading, row: int) -> ArtistPage:
    shared = _shared(reading, row)
    capped, shared = len(shared) > _MOST_CREDITS, shared[:_MOST_CREDITS]
    own, following = _releases(reading, row, 0, _RELEASES_ON_PAGE)
    sort_name, begin, end, genres, source = reading.rows(_OWN, (row,))[0]
    dated = dates(reading, {begin, end})
    about = details.subject("artist", row)
    return ArtistPage(
        artist=_counted(reading, row),
        sort_name=sort_name or "",
        begin=dated.get(begin),
        end=dated.get(end),
        aliases=details.notes(reading, about, "alias"),
        genres=details.genres(reading, [("artist", genres)]),
        identifiers=details.identifiers(reading, about),
        links=details.links(reading, about, sources(reading)[source]),
        corrections=details.corrections(reading, about),
        source=sources(reading)[source],
        top_tracks=tuple(track_rows(reading, _top(reading, row, shared, own, 10))),
        releases=_by_kind(release_rows(reading, own)),
        releases_next=following,
        appears_on=tuple(release_rows(reading, _appears_on(reading, row, shared))),
        collaborators=_collaborators(reading, row, shared),
        collaborators_capped=capped,
        said_links=details.said_links(reading, [reading.snapshot.public_id("artist", row)]),
    )


def _counted(reading: Reading, row: int) -> ArtistRow:
    return all_artist_rows(reading, [row])[0]


def _shared(reading: Reading, row: int) -> list[int]:
    """Credit columns that have the artist among others; one more than a page looks at, if there are more."""
    return [-one for (one,) in reading.rows(_SHARED_CREDITS, (row, _MOST_CREDITS + 1))]


def _releases(
    reading: Reading, row: int, after: int, limit: int, *, every_credit: bool = False
) -> tuple[list[int], str | None]:
    alone = reading.rows(_RELEASES, (row, after, limit + 1))
    credits = -1 if every_credit else _MOST_CREDITS
    among = reading.rows(_SHARED_RELEASES, (row, credits, after, limit + 1))
    rows = sorted(one for (one,) in (*alone, *among))
    following = reading.snapshot.public_id("release", rows[limit - 1]) if len(rows) > limit else None
    return rows[:limit], following


def _top(reading: Reading, row: int, shared: Sequence[int], own: Sequence[int], limit: int) -> list[int]:
    """His best tracks: those that credit him themselves, and those of his releases that credit nobody else."""
    found = {one for (one,) in reading.rows(_TRACKS, (row, limit))}
    found |= {one for (one,) in reading.rows(_SHARED_TRACKS, (json.dumps(shared), limit))}
    found |= {one for (one,) in reading.rows(_TRACKS_OF_RELEASES, (json.dumps(own), limit))}
    return sorted(found)[:limit]


def _by_kind(releases: Iterable[ReleaseRow]) -> tuple[ReleaseGroupOfKind, ...]:
    kinds: dict[str, list[ReleaseRow]] = {}
    for one in releases:
        kinds.setdefault(one.kind, []).append(one)
    order = sorted(kinds, key=lambda kind: (_KIND_ORDER.index(kind) if kind in _KIND_ORDER else 99, kind == "", kind))
    return tuple(ReleaseGroupOfKind(kind, tuple(kinds[kind])) for kind in order)


def _appears_on(reading: Reading, row: int, shared: Sequence[int]) -> list[int]:
    """Releases of others that have a track crediting him, found from his best tracks."""
    tracks = [one for (one,) in reading.rows(_TRACKS, (row, _MOST_TRACKS))]
    tracks += [one for (one,) in reading.rows(_SHARED_TRACKS, (json.dumps(shared), _MOST_TRACKS))]
    mine = {row, *shared}
    found = reading.rows(_RELEASES_OF_TRACKS, (json.dumps(tracks),)) if tracks else []
    return [release for release, credit in found if credit not in mine][:_SHOWN]


def _collaborators(reading: Reading, row: int, shared: Sequence[int]) -> tuple[Collaborator, ...]:
    found = dict(reading.rows(_COLLABORATORS, (json.dumps(shared), row, _SHOWN))) if shared else {}
    shown = reading.shown("artist", found)
    rows = zip(shown, artist_rows(reading, shown), strict=True)
    return tuple(Collaborator(one, found[number]) for number, one in rows)

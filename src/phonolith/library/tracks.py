"""The page of one track."""

from __future__ import annotations

import json

from phonolith.library import details
from phonolith.library.listing import RawTrack, raw_tracks, release_row, track_row, track_rows
from phonolith.library.named import thing_ref
from phonolith.library.parts import sources
from phonolith.library.reading import Library, Reading
from phonolith.library.views import ReleaseRow, TrackPage, TrackRow
from phonolith.model.ids import unpack_isrc
from phonolith.model.status import Status

_OWN = "SELECT t.isrc, t.genres, r.genres FROM track t JOIN release r ON r.id = t.release WHERE t.id = ?"
_SAME_ISRC = """
SELECT t.id FROM json_each(?) j CROSS JOIN track t ON t.id = j.value WHERE t.isrc = ? AND t.id <> ?
ORDER BY t.id LIMIT 20"""
_REASON = "SELECT reason FROM status_reason WHERE track = ?"
_SIBLINGS = "SELECT id FROM track WHERE release = ? ORDER BY disc, position, id LIMIT 10000"


def track(library: Library, identifier: str) -> TrackPage:
    """Everything about a track. Raises NotFound, and Withdrawn where it, its release or an artist of it is."""
    with library.reading() as reading:
        row = reading.row("track", identifier)
        return _page(reading, row, track_row(reading, row), raw_tracks(reading, [row])[0])


def withdrawable(track: TrackRow, release: ReleaseRow) -> tuple[str, ...]:
    """The ids a withdrawal of this track could name: its own first, then its release's, then its artists'."""
    artists = [name.id for name in (*track.credit, *release.credit)]
    return tuple(dict.fromkeys((track.id, release.id, *artists)))


def _page(reading: Reading, row: int, found: TrackRow, raw: RawTrack) -> TrackPage:
    release = release_row(reading, raw.release)
    reading.check(f"track:{found.id}", withdrawable(found, release))
    about = details.subject("track", row)
    isrc, own_genres, release_genres = reading.rows(_OWN, (row,))[0]
    named = details.identifiers(reading, about)
    further = [value for scheme, value in named if scheme == "isrc"]
    before, after = _neighbours(reading, raw)
    scopes = [("track", own_genres), ("release", release_genres)]
    if own_genres is None and release_genres is None:
        scopes.append(("artist", details.genres_of_artist(reading, raw.credited)))
    same = _same_isrc(reading, isrc, row) if isrc is not None else []
    reason = reading.one(_REASON, (row,))
    source = sources(reading)[raw.source]
    works = [thing_ref(reading, source, value) for scheme, value in named if scheme == "mbid.work"]
    return TrackPage(
        track=found,
        labels=details.release_labels(reading, raw.release, release.label),
        genres=details.genres(reading, scopes),
        isrcs=(*([unpack_isrc(isrc)] if isrc is not None else []), *further),
        identifiers=tuple(pair for pair in named if pair[0] != "isrc"),
        links=details.links(reading, about, source),
        files=details.files(reading, about),
        corrections=details.corrections(reading, about),
        source=source,
        status_sentence=Status(raw.status).sentence,
        reason=reason[0] if reason else "",
        previous=before,
        next=after,
        same_isrc=tuple(track_rows(reading, same)),
        release=release,
        works=tuple(work for work in works if work is not None),
        said_links=details.said_links(reading, [found.id, *_said_for(found, release)]),
    )


def _said_for(track: TrackRow, release: ReleaseRow) -> list[str]:
    """Whose links for buying and support stand beside a track: its release's, its main artists', its label's."""
    artists = [name.id for name in track.credit if not name.role]
    return [release.id, *artists, *([release.label.id] if release.label else ())]


def _neighbours(reading: Reading, raw: RawTrack) -> tuple[str | None, str | None]:
    """Ids of the tracks before and after this one on its release, hidden ones passed over."""
    order = reading.shown("track", [row for (row,) in reading.rows(_SIBLINGS, (raw.release,))])
    if raw.row not in order:
        return None, None
    place = order.index(raw.row)
    before = reading.snapshot.public_id("track", order[place - 1]) if place else None
    after = reading.snapshot.public_id("track", order[place + 1]) if place + 1 < len(order) else None
    return before, after


def _same_isrc(reading: Reading, isrc: int, row: int) -> list[int]:
    """Other tracks with this ISRC, best first."""
    maybe = json.dumps(reading.snapshot.coded("isrc", isrc))
    return [other for (other,) in reading.rows(_SAME_ISRC, (maybe, isrc, row))]

"""Turns row numbers into what lists show, a page at a time: a handful of queries, however long the page."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from phonolith.errors import NotFound
from phonolith.library.parts import credits, dates, each, labels, rights, sources
from phonolith.library.reading import NO_RIGHTS, Reading
from phonolith.library.views import (
    ArtistRow,
    CreditName,
    Date,
    LabelRef,
    LabelRow,
    ReleaseRef,
    ReleaseRow,
    Rights,
    TrackRow,
)
from phonolith.model.ids import public_id, unpack_source_id
from phonolith.model.status import Status

_TRACK, _MOST_TRACKS = 1_200, 4_000_000  # bytes: what a track in a list takes, and what is remembered per build
_HELD = Status.HELD.name.lower()

_TRACKS = """
SELECT t.id, t.title, t.credit, t.disc, t.position, t.duration, t.explicit, t.status, t.popularity, t.rights, t.date,
  t.source_id, r.id, r.title, r.credit, r.date, r.rights, r.source, r.source_id, r.cover IS NOT NULL
FROM json_each(?) j CROSS JOIN track t ON t.id = j.value CROSS JOIN release r ON r.id = t.release"""

_RELEASES = """
SELECT r.id, r.title, r.credit, r.date, (SELECT name FROM kind WHERE id = r.kind), r.country, r.label,
  r.catalogue_number, r.tracks, r.discs, r.duration, r.cover IS NOT NULL, r.rights, r.popularity, r.source, r.source_id
FROM json_each(?) j CROSS JOIN release r ON r.id = j.value"""

_ARTISTS = """
SELECT a.id, a.name, a.disambiguation, (SELECT name FROM kind WHERE id = a.kind), a.country, a.releases, a.tracks,
  a.popularity, a.source, a.source_id
FROM json_each(?) j CROSS JOIN artist a ON a.id = j.value"""

_NAMES_OF_TRACKS = "SELECT source_id FROM track WHERE release = ? LIMIT 1000"

_LABEL_ROWS = """
SELECT l.id, l.name, l.source, l.source_id, l.releases, l.tracks
FROM json_each(?) j CROSS JOIN label l ON l.id = j.value"""


class RawTrack(NamedTuple):
    """A track's row with its release's, as far as lists and the door to its bytes need them. Row numbers inside."""

    row: int
    title: str
    credit: int | None
    disc: int
    position: int
    duration: int | None
    explicit: int | None
    status: int
    popularity: float | None
    rights: int | None
    date: int | None
    source_id: Any
    release: int
    release_title: str
    release_credit: int | None
    release_date: int | None
    release_rights: int | None
    source: int
    release_source_id: Any
    has_cover: int

    @property
    def evidence(self) -> int | None:
        """Row of the evidence that counts: the track's own, else its release's."""
        return self.rights if self.rights is not None else self.release_rights

    @property
    def credited(self) -> int | None:
        """The credit that counts."""
        return self.credit if self.credit is not None else self.release_credit

    @property
    def dated(self) -> int | None:
        """The date that counts."""
        return self.date if self.date is not None else self.release_date


def raw_tracks(reading: Reading, rows: Sequence[int]) -> list[RawTrack]:
    """The rows in the order asked for, without those that are not there."""
    found = {r[0]: RawTrack(*r) for r in reading.rows(_TRACKS, (json.dumps(rows),))}
    return [found[row] for row in rows if row in found]


def track_rows(reading: Reading, rows: Iterable[int]) -> list[TrackRow]:
    """Tracks for a list, in the order asked for, without what is hidden."""
    shown = reading.shown("track", rows)
    built = _built_tracks(reading, shown)
    return [_as_it_stands(reading, row, built[row]) for row in shown if row in built]


def track_row(reading: Reading, row: int) -> TrackRow:
    """One track, which may be hidden. Raises NotFound."""
    found = _built_tracks(reading, [row])
    if not found:
        raise NotFound(f"track row {row}", "there is no such row")
    return _as_it_stands(reading, row, found[row])


def release_rows(reading: Reading, rows: Iterable[int]) -> list[ReleaseRow]:
    """Releases for a list, in the order asked for, without what is hidden."""
    return _release_rows(reading, reading.shown("release", rows))


def release_row(reading: Reading, row: int) -> ReleaseRow:
    """One release, which may be hidden. Raises NotFound."""
    found = _release_rows(reading, [row])
    if not found:
        raise NotFound(f"release row {row}", "there is no such row")
    return found[0]


def artist_rows(reading: Reading, rows: Iterable[int]) -> list[ArtistRow]:
    """Artists for a list, in the order asked for, without what is hidden."""
    return all_artist_rows(reading, reading.shown("artist", rows))


def all_artist_rows(reading: Reading, rows: Sequence[int]) -> list[ArtistRow]:
    """Artists, hidden ones too."""
    source = sources(reading)
    found = {}
    for row, name, note, kind, country, releases, tracks, popularity, where, source_id in reading.rows(
        _ARTISTS, (json.dumps(rows),)
    ):
        where = source[where].name
        found[row] = ArtistRow(
            public_id(where, unpack_source_id(source_id)),
            name,
            note or "",
            kind or "",
            country or "",
            releases,
            tracks,
            popularity,
            where,
        )
    return [found[row] for row in rows if row in found]


def label_rows(reading: Reading, rows: Iterable[int]) -> list[LabelRow]:
    """Labels for a list, in the order asked for."""
    wanted, source = list(rows), sources(reading)
    found = {}
    for row, name, where, source_id, releases, tracks in each(reading, _LABEL_ROWS, wanted):
        where = source[where].name
        found[row] = LabelRow(public_id(where, unpack_source_id(source_id)), name, releases, tracks, where)
    return [found[row] for row in wanted if row in found]


def _built_tracks(reading: Reading, rows: Iterable[int]) -> dict[int | None, TrackRow]:
    """Tracks by row as build and policy have them: much of what a list shows was shown by one of the last."""
    name = "tracks", reading.policy
    return reading.remembered(name, rows, partial(_read_tracks, reading), _TRACK, _MOST_TRACKS)


def _read_tracks(reading: Reading, rows: Collection[int]) -> dict[int | None, TrackRow]:
    raw = raw_tracks(reading, sorted(rows))
    credit = credits(reading, {one.credited for one in raw})
    date = dates(reading, {one.dated for one in raw})
    evidence = rights(reading, {one.evidence for one in raw})
    source = sources(reading)
    return {
        one.row: _track(
            one,
            credit.get(one.credited, ()),
            date.get(one.dated),
            built := evidence.get(one.evidence, NO_RIGHTS),
            one.status == Status.HELD and reading.streams(one.evidence, built),
            source[one.source].name,
        )
        for one in raw
    }


def _track(
    one: RawTrack, credit: tuple[CreditName, ...], date: Date | None, built: Rights, playable: bool, source: str
) -> TrackRow:
    return TrackRow(
        public_id(source, unpack_source_id(one.source_id)),
        one.title,
        credit,
        ReleaseRef(public_id(source, unpack_source_id(one.release_source_id)), one.release_title, bool(one.has_cover)),
        one.disc,
        one.position,
        one.duration,
        date,
        None if one.explicit is None else bool(one.explicit),
        Status(one.status).name.lower(),
        built,
        playable,
        one.popularity,
        source,
    )


def _as_it_stands(reading: Reading, row: int, built: TrackRow) -> TrackRow:
    """A track after what was attested, revoked and withdrawn since the build."""
    stated = reading.current(built.rights, (built.id, built.release.id))
    playable = built.playable
    if stated is not built.rights:
        playable = built.status == _HELD and reading.streams(-1, stated)
    if playable and (row in reading.hidden.tracks or row in reading.hidden.silenced):
        playable = False
    if stated is built.rights and playable == built.playable:
        return built
    return replace(built, rights=stated, playable=playable)


def _release_rows(reading: Reading, rows: Sequence[int]) -> list[ReleaseRow]:
    found = {row[0]: row for row in reading.rows(_RELEASES, (json.dumps(rows),))}
    credit = credits(reading, {row[2] for row in found.values()})
    date = dates(reading, {row[3] for row in found.values()})
    label = labels(reading, {row[6] for row in found.values() if row[6] is not None})
    evidence = rights(reading, {row[12] for row in found.values()})
    source = sources(reading)
    ids = {row: public_id(source[r[14]].name, unpack_source_id(r[15])) for row, r in found.items()}
    return [
        ReleaseRow(
            ids[r[0]],
            r[1],
            credit.get(r[2], ()),
            date.get(r[3]),
            r[4] or "",
            r[5] or "",
            LabelRef(label[r[6]].id, label[r[6]].name, r[7] or "") if r[6] in label else None,
            r[8],
            r[9],
            r[10],
            bool(r[11]),
            _of_release(reading, r[0], ids[r[0]], source[r[14]].name, evidence.get(r[12], NO_RIGHTS)),
            r[13],
            source[r[14]].name,
        )
        for r in (found[row] for row in rows if row in found)
    ]


def _of_release(reading: Reading, row: int, identifier: str, source: str, built: Rights) -> Rights:
    """A release's evidence as it stands now. What was attested of one by another name was so of its track."""
    witnesses = [identifier]
    if built.basis == "attested" and identifier not in reading.decisions.attested:
        names = reading.rows(_NAMES_OF_TRACKS, (row,))
        witnesses += [public_id(source, unpack_source_id(name)) for (name,) in names]
    return reading.current(built, witnesses)

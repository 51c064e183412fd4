"""What the catalogue's columns say, as descriptions again: for passing it on, and for measuring what got lost.

Only the catalogue is read, so what comes out is what the file would tell somebody who has nothing but the file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import apsw

from phonolith.model.ids import implicit_release, unpack_isrc, unpack_source_id
from phonolith.model.music import (
    ArtistDescription,
    Credit,
    Description,
    File,
    Label,
    Level,
    LicenceStatement,
    Link,
    Medium,
    Origin,
    OtherDescription,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.rights.public_domain import origin_of

_AT_ONCE = 2_000  # rows

# Columns have the names of a description's fields, but for those that begin with "_", which point elsewhere.
_ROWS = {
    "artist": """
SELECT a.id * 4 + 2 AS _subject, a.source AS _source, a.source_id AS id, a.name,
  coalesce(a.sort_name, a.name) AS sort_name, coalesce(a.disambiguation, '') AS disambiguation,
  coalesce(k.name, '') AS kind, coalesce(a.country, '') AS country,
  coalesce(b.written, '') AS begin, coalesce(e.written, '') AS end, a.genres AS _genres, a.popularity AS _popularity
FROM json_each(?) j CROSS JOIN artist a ON a.id = j.value LEFT JOIN kind k ON k.id = a.kind
LEFT JOIN event_date b ON b.id = a.begin_date LEFT JOIN event_date e ON e.id = a.end_date ORDER BY a.id""",
    "release": """
SELECT r.id * 4 + 1 AS _subject, r.source AS _source, r.source_id AS id, r.title, r.credit AS _credit,
  coalesce(d.written, '') AS date, coalesce(r.country, '') AS country, CAST(coalesce(r.barcode, '') AS TEXT) AS barcode,
  r.label AS _label, r.catalogue_number AS _number, coalesce(k.name, '') AS kind,
  coalesce(r.release_group, '') AS _group, r.discs AS _discs, r.genres AS _genres,
  r.popularity AS _popularity, r.rights AS _rights
FROM json_each(?) j CROSS JOIN release r ON r.id = j.value LEFT JOIN kind k ON k.id = r.kind
LEFT JOIN event_date d ON d.id = r.date ORDER BY r.id""",
    "track": """
SELECT t.id * 4 AS _subject, r.source AS _source, t.source_id AS id, t.title, r.source_id AS _release,
  coalesce(t.credit, r.credit) AS _credit, t.disc, t.position, t.duration AS duration_ms, t.isrc AS _isrc,
  coalesce(d.written, '') AS date, t.explicit AS _explicit, t.genres AS _genres, t.popularity AS _popularity,
  t.rights AS _rights
FROM json_each(?) j CROSS JOIN track t ON t.id = j.value CROSS JOIN release r ON r.id = t.release
LEFT JOIN event_date d ON d.id = coalesce(t.date, r.date) ORDER BY t.id""",
    "thing": """
SELECT t.subject AS _subject, t.source AS _source, t.source_id AS id, k.name AS kind, t.name,
  coalesce(t.sort_name, t.name) AS sort_name, coalesce(y.name, '') AS type,
  coalesce(t.disambiguation, '') AS disambiguation, coalesce(t.country, '') AS country,
  coalesce(b.written, '') AS begin, coalesce(e.written, '') AS end,
  coalesce(t.language, '') AS language, t.credit AS _credit
FROM json_each(?) j CROSS JOIN thing t ON t.subject = j.value JOIN kind k ON k.id = t.kind
LEFT JOIN kind y ON y.id = t.type LEFT JOIN event_date b ON b.id = t.begin_date
LEFT JOIN event_date e ON e.id = t.end_date ORDER BY t.subject""",
}
_EVERY = {
    "artist": "SELECT id FROM artist WHERE source = ? ORDER BY id",
    "release": "SELECT id FROM release WHERE source = ? ORDER BY id",
    "track": "SELECT t.id FROM track t JOIN release r ON r.id = t.release WHERE r.source = ? ORDER BY t.id",
    "thing": "SELECT subject FROM thing WHERE source = ? ORDER BY subject",
}
_ARTISTS = "SELECT a.id, a.name, a.source_id FROM json_each(?) j CROSS JOIN artist a ON a.id = j.value"
_CREDITS = """
SELECT c.id, coalesce(c.name, a.name), a.source_id, c.join_phrase, c.role
FROM json_each(?) j CROSS JOIN credit c ON c.id = j.value JOIN artist a ON a.id = c.artist ORDER BY c.id, c.position"""
_LABELS = "SELECT l.id, l.name, l.source_id FROM json_each(?) j CROSS JOIN label l ON l.id = j.value"
_FURTHER_LABELS = """
SELECT x.release, l.name, l.source_id, coalesce(x.catalogue_number, '')
FROM json_each(?) j CROSS JOIN release_label x ON x.release = j.value JOIN label l ON l.id = x.label
ORDER BY x.release, x.position"""
_MEDIA = """
SELECT m.release, m.position, coalesce(m.format, ''), coalesce(m.title, '')
FROM json_each(?) j CROSS JOIN medium m ON m.release = j.value"""
_IDENTIFIERS = "SELECT x.subject, scheme, x.value FROM json_each(?) j CROSS JOIN identifier x ON x.subject = j.value"
_LINKS = "SELECT x.subject, rel, url FROM json_each(?) j CROSS JOIN link x ON x.subject = j.value"
_NOTES = """
SELECT x.subject, x.kind, x.value FROM json_each(?) j CROSS JOIN note x ON x.subject = j.value
ORDER BY x.subject, x.kind, x.position"""
_FILES = """
SELECT f.subject, f.role, f.name, coalesce(lower(hex(o.sha256)), ''), o.size, coalesce(o.media_type, ''),
  coalesce(f.url, ''), coalesce(f.problem, ''), coalesce(f.codec, ''), f.bitrate, f.sample_rate, f.channels, f.bit_depth
FROM json_each(?) j CROSS JOIN file f ON f.subject = j.value LEFT JOIN object o ON o.id = f.object
ORDER BY f.subject, f.position"""
_GENRES = """
SELECT s.id, g.name FROM json_each(?) j CROSS JOIN genre_set s ON s.id = j.value JOIN genre g ON g.id = s.genre
ORDER BY s.id, g.id"""
_RIGHTS = """
SELECT x.id, l.uri, x.level, x.stated, x.stated_by, x.basis, x.composition
FROM json_each(?) j CROSS JOIN rights x ON x.id = j.value LEFT JOIN licence l ON l.id = x.licence"""


def read_back(db: apsw.Connection, source: str) -> Iterator[Description]:
    """Every description of a source as it was made: genres, popularity, licences and held bytes are left out.

    Where several records left remainders of one thing, it comes once for each, with the same columns.
    """
    number = db.execute("SELECT id FROM source WHERE name = ?", (source,)).get
    for kind, every in _EVERY.items():
        for part in _parts([row for (row,) in db.execute(every, (number,))]):
            for subject, said, shared in _described(db, kind, part):
                if isinstance(said, ReleaseDescription):
                    said = replace(said, files=tuple(one for one in shared.files[subject] if not one.sha256))
                for remainder in shared.notes[subject, "remainder"] or ("",):
                    yield replace(said, remainder=remainder)


def described(
    db: apsw.Connection, kind: str, rows: Iterable[int], held: Collection[str]
) -> Iterator[tuple[int, Description]]:
    """(number of its source, description) of artists, releases or tracks, with all that the catalogue knows.

    Genres, popularity and the licence that counts are among it, and of files those held ones whose SHA-256 is in
    ``held``. What no column took is left out.
    """
    for part in _parts(list(rows)):
        for subject, said, shared in _described(db, kind, part):
            yield shared.rows[subject]["_source"], _with_more(said, subject, shared, held)


def _parts(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))


def _described(db: apsw.Connection, kind: str, rows: Sequence[int]) -> Iterator[tuple[int, Description, _Shared]]:
    cursor = db.execute(_ROWS[kind], (json.dumps(list(rows)),))
    found = [dict(zip((name for name, *_ in cursor.description), values, strict=True)) for values in cursor]
    shared = _Shared.read(db, kind, found)
    make = {"artist": _artist, "release": _release, "track": _track, "thing": _other}[kind]
    for row in found:
        own = {key: value for key, value in row.items() if not key.startswith("_")}
        yield row["_subject"], make(shared, row, {**own, "id": unpack_source_id(row["id"])}), shared


@dataclass
class _Shared:
    """What some rows point at: credits, labels, genres, evidence, and lists by subject; ``rows`` are by subject."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    credits: dict[int | None, tuple[Credit, ...]] = field(default_factory=lambda: defaultdict(tuple))
    labels: dict[int, Label] = field(default_factory=dict)
    further_labels: dict[int, list[Label]] = field(default_factory=lambda: defaultdict(list))
    media: dict[tuple[int, int], Medium] = field(default_factory=dict)
    genres: dict[int | None, tuple[str, ...]] = field(default_factory=lambda: defaultdict(tuple))
    statements: dict[int, tuple[LicenceStatement, bool]] = field(default_factory=dict)
    origins: dict[int, Origin] = field(default_factory=dict)
    identifiers: dict[int, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    links: dict[int, list[Link]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[tuple[int, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    files: dict[int, list[File]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, db: apsw.Connection, kind: str, rows: Sequence[dict[str, Any]]) -> _Shared:
        """Read what these rows of a kind point at."""
        shared = cls({row["_subject"]: row for row in rows})
        asked = _Asked(db)
        shared._credits(asked, {row.get("_credit") for row in rows} - {None})
        shared._lists(asked, list(shared.rows))
        for number, name in asked(_GENRES, {row.get("_genres") for row in rows} - {None}):
            shared.genres[number] += (name,)
        for number, uri, level, said, by, basis, composition in asked(
            _RIGHTS, {r.get("_rights") for r in rows} - {None}
        ):
            if basis == "public-domain":
                shared.origins[number] = origin_of(said, level, by)
            elif uri is not None:
                others = basis == "stated" and not composition
                shared.statements[number] = LicenceStatement(uri, Level(level), by), others
        if kind == "release":
            shared._of_releases(asked, [row["_subject"] // 4 for row in rows], {row["_label"] for row in rows} - {None})
        return shared

    def of(self, subject: int) -> dict[str, Any]:
        """What every kind of description has."""
        return {"identifiers": tuple(self.identifiers[subject]), "links": tuple(self.links[subject])}

    def note(self, subject: int, kind: str) -> str:
        """The text of a kind of which there is one."""
        return next(iter(self.notes[subject, kind]), "")

    def _credits(self, asked: _Asked, wanted: set[Any]) -> None:
        for number, name, source_id in asked(_ARTISTS, {one for one in wanted if one > 0}):
            self.credits[number] = (Credit(name, unpack_source_id(source_id)),)
        for number, name, source_id, join, role in asked(_CREDITS, {-one for one in wanted if one < 0}):
            self.credits[-number] += (Credit(name, unpack_source_id(source_id), join, role),)

    def _of_releases(self, asked: _Asked, numbers: Sequence[int], labels: set[Any]) -> None:
        for number, name, source_id in asked(_LABELS, labels):
            self.labels[number] = Label(name, unpack_source_id(source_id))
        for release, name, source_id, code in asked(_FURTHER_LABELS, numbers):
            self.further_labels[release].append(Label(name, unpack_source_id(source_id), code))
        for release, position, form, title in asked(_MEDIA, numbers):
            self.media[release, position] = Medium(position, form, title)

    def _lists(self, asked: _Asked, subjects: Sequence[int]) -> None:
        for subject, scheme, value in asked(_IDENTIFIERS, subjects):
            self.identifiers[subject].append((scheme, value))
        for subject, rel, url in asked(_LINKS, subjects):
            self.links[subject].append(Link(rel, url))
        for subject, kind, value in asked(_NOTES, subjects):
            self.notes[subject, kind].append(value)
        for subject, *file in asked(_FILES, subjects):
            self.files[subject].append(File(*file))


class _Asked:
    """Runs the queries over sets of numbers."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def __call__(self, sql: str, numbers: Iterable[Any]) -> list[Any]:
        return self._db.execute(sql, (json.dumps(sorted(numbers)),)).fetchall()


def _artist(shared: _Shared, row: dict[str, Any], own: dict[str, Any]) -> Description:
    subject = row["_subject"]
    return ArtistDescription(**own, **shared.of(subject), aliases=tuple(shared.notes[subject, "alias"]))


def _release(shared: _Shared, row: dict[str, Any], own: dict[str, Any]) -> Description:
    subject, label, code = row["_subject"], row["_label"], row["_number"]
    number = subject // 4
    first = replace(shared.labels.get(label, Label("")), catalogue_number=code or "")
    texts: dict[str, Any] = {
        name: shared.note(subject, name) for name in ("status", "disambiguation", "language", "script")
    }
    return ReleaseDescription(
        **own,
        **shared.of(subject),
        **texts,
        credits=shared.credits[row["_credit"]],
        group=unpack_source_id(row["_group"]),
        labels=(*([first] if label or code else []), *shared.further_labels[number]),
        media=tuple(shared.media.get((number, place), Medium(place)) for place in range(1, row["_discs"] + 1)),
    )


def _track(shared: _Shared, row: dict[str, Any], own: dict[str, Any]) -> Description:
    subject, isrc, explicit = row["_subject"], row["_isrc"], row["_explicit"]
    release = unpack_source_id(row["_release"])
    listed = shared.of(subject)
    named = listed.pop("identifiers")
    first = [unpack_isrc(isrc)] if isrc is not None else []
    return TrackDescription(
        **own,
        **listed,
        credits=shared.credits[row["_credit"]],
        release="" if release == implicit_release(own["id"]) else release,
        number=next((value for scheme, value in named if scheme == "number"), ""),
        isrcs=(*first, *(value for scheme, value in named if scheme == "isrc")),
        explicit=None if explicit is None else bool(explicit),
        identifiers=tuple(pair for pair in named if pair[0] not in ("isrc", "number")),
        disambiguation=shared.note(subject, "disambiguation"),
    )


def _other(shared: _Shared, row: dict[str, Any], own: dict[str, Any]) -> Description:
    subject = row["_subject"]
    aliases = tuple(shared.notes[subject, "alias"])
    return OtherDescription(**own, **shared.of(subject), aliases=aliases, credits=shared.credits[row["_credit"]])


def _with_more(said: Description, subject: int, shared: _Shared, held: Collection[str]) -> Description:
    """The description with genres, popularity, the licence that counts, and the held files that may be named."""
    row = shared.rows[subject]
    more: dict[str, Any] = {"genres": shared.genres[row["_genres"]], "popularity": row["_popularity"]}
    if isinstance(said, ReleaseDescription | TrackDescription):
        statement, others = shared.statements.get(row["_rights"], (None, False))
        more["licences"] = (statement,) if statement else ()
        more["files"] = tuple(one for one in shared.files[subject] if one.sha256 in held)
        if isinstance(said, TrackDescription):
            more["composition_by_others"] = others
            more["origin"] = shared.origins.get(row["_rights"])
    return replace(said, **more)

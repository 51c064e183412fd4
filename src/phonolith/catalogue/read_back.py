"""Reads descriptions back out of a catalogue's columns: what the round trip through a build is measured with.

Nothing else needs them again. Only the catalogue is read, so what comes out is what the file would tell somebody who
has nothing but the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
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
    Link,
    Medium,
    OtherDescription,
    ReleaseDescription,
    TrackDescription,
)

# Columns have the names of a description's fields, but for the subject, credit, and what is no text.
_ARTISTS = """
SELECT a.id * 4 + 2 AS subject, a.source_id AS id, a.name, coalesce(a.sort_name, a.name) AS sort_name,
  coalesce(a.disambiguation, '') AS disambiguation, coalesce(k.name, '') AS kind, coalesce(a.country, '') AS country,
  coalesce(b.written, '') AS begin, coalesce(e.written, '') AS end
FROM artist a LEFT JOIN kind k ON k.id = a.kind LEFT JOIN event_date b ON b.id = a.begin_date
LEFT JOIN event_date e ON e.id = a.end_date WHERE a.source = ? ORDER BY a.id"""
_RELEASES = """
SELECT r.id * 4 + 1 AS subject, r.source_id AS id, r.title, r.credit, coalesce(d.written, '') AS date,
  coalesce(r.country, '') AS country, CAST(coalesce(r.barcode, '') AS TEXT) AS barcode, r.label, r.catalogue_number,
  coalesce(k.name, '') AS kind, coalesce(r.release_group, '') AS release_group, r.discs
FROM release r LEFT JOIN kind k ON k.id = r.kind LEFT JOIN event_date d ON d.id = r.date
WHERE r.source = ? ORDER BY r.id"""
_TRACKS = """
SELECT t.id * 4 AS subject, t.source_id AS id, t.title, r.source_id AS release, coalesce(t.credit, r.credit) AS credit,
  t.disc, t.position, t.duration AS duration_ms, t.isrc, coalesce(d.written, '') AS date, t.explicit
FROM track t JOIN release r ON r.id = t.release LEFT JOIN event_date d ON d.id = coalesce(t.date, r.date)
WHERE r.source = ? ORDER BY t.id"""
_OTHERS = """
SELECT t.subject, t.source_id AS id, k.name AS kind, t.name, coalesce(t.sort_name, t.name) AS sort_name,
  coalesce(y.name, '') AS type, coalesce(t.disambiguation, '') AS disambiguation, coalesce(t.country, '') AS country,
  coalesce(b.written, '') AS begin, coalesce(e.written, '') AS end, coalesce(t.language, '') AS language, t.credit
FROM thing t JOIN kind k ON k.id = t.kind LEFT JOIN kind y ON y.id = t.type
LEFT JOIN event_date b ON b.id = t.begin_date LEFT JOIN event_date e ON e.id = t.end_date
WHERE t.source = ? ORDER BY t.subject"""
_CREDITS = """
SELECT c.id, coalesce(c.name, a.name), a.source_id, c.join_phrase, c.role
FROM credit c JOIN artist a ON a.id = c.artist ORDER BY c.id, c.position"""
_NOTES = "SELECT subject, kind, value FROM note ORDER BY subject, kind, position"


def read_back(db: apsw.Connection, source: str) -> Iterator[Description]:
    """Every description of a source, as the catalogue has it; genres, popularity, licences and held bytes are left out.

    Where several records left remainders of one thing, it comes once for each, with the same columns.
    """
    number = db.execute("SELECT id FROM source WHERE name = ?", (source,)).get
    shared = _Shared.read(db)
    for query, make in ((_ARTISTS, _artist), (_RELEASES, _release), (_TRACKS, _track), (_OTHERS, _other)):
        cursor = db.execute(query, (number,))
        for values in cursor:
            row = dict(zip((name for name, *_ in cursor.description), values, strict=True))
            subject = row.pop("subject")
            said = make(shared, subject, {**row, "id": unpack_source_id(row["id"])})
            for remainder in shared.notes[subject, "remainder"] or ("",):
                yield replace(said, remainder=remainder)


@dataclass
class _Shared:
    """What rows of every kind point at, read whole: credits, labels, and lists by subject."""

    credits: dict[int, tuple[Credit, ...]] = field(default_factory=lambda: defaultdict(tuple))
    labels: dict[int, Label] = field(default_factory=dict)
    further_labels: dict[int, list[Label]] = field(default_factory=lambda: defaultdict(list))
    media: dict[tuple[int, int], Medium] = field(default_factory=dict)
    identifiers: dict[int, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    links: dict[int, list[Link]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[tuple[int, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    files: dict[int, list[File]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, db: apsw.Connection) -> _Shared:
        """Read them."""
        found = cls()
        for number, name, source_id in db.execute("SELECT id, name, source_id FROM artist"):
            found.credits[number] = (Credit(name, unpack_source_id(source_id)),)
        for number, name, source_id, join, role in db.execute(_CREDITS):
            found.credits[-number] += (Credit(name, unpack_source_id(source_id), join, role),)
        for number, name, source_id in db.execute("SELECT id, name, source_id FROM label"):
            found.labels[number] = Label(name, unpack_source_id(source_id))
        for release, number, code in db.execute("SELECT release, label, catalogue_number FROM release_label"):
            found.further_labels[release].append(replace(found.labels[number], catalogue_number=code or ""))
        for release, position, form, title in db.execute("SELECT release, position, format, title FROM medium"):
            found.media[release, position] = Medium(position, form or "", title or "")
        found.lists(db)
        return found

    def lists(self, db: apsw.Connection) -> None:
        """Read what has a subject."""
        for subject, scheme, value in db.execute("SELECT subject, scheme, value FROM identifier"):
            self.identifiers[subject].append((scheme, value))
        for subject, rel, url in db.execute("SELECT subject, rel, url FROM link"):
            self.links[subject].append(Link(rel, url))
        for subject, kind, value in db.execute(_NOTES):
            self.notes[subject, kind].append(value)
        for subject, role, name, url in db.execute("SELECT subject, role, name, url FROM file WHERE object IS NULL"):
            self.files[subject].append(File(role, name, url=url or ""))

    def of(self, subject: int) -> dict[str, Any]:
        """What every kind of description has."""
        return {"identifiers": tuple(self.identifiers[subject]), "links": tuple(self.links[subject])}

    def note(self, subject: int, kind: str) -> str:
        """The text of a kind of which there is one."""
        return next(iter(self.notes[subject, kind]), "")


def _artist(shared: _Shared, subject: int, row: dict[str, Any]) -> Description:
    return ArtistDescription(**row, **shared.of(subject), aliases=tuple(shared.notes[subject, "alias"]))


def _release(shared: _Shared, subject: int, row: dict[str, Any]) -> Description:
    number, label, code, discs = subject // 4, row.pop("label"), row.pop("catalogue_number"), row.pop("discs")
    first = replace(shared.labels.get(label, Label("")), catalogue_number=code or "")
    texts: dict[str, Any] = {
        name: shared.note(subject, name) for name in ("status", "disambiguation", "language", "script")
    }
    group = unpack_source_id(row.pop("release_group"))
    return ReleaseDescription(
        **_credited(shared, row),
        **shared.of(subject),
        **texts,
        group=group,
        labels=(*([first] if label or code else []), *shared.further_labels[number]),
        media=tuple(shared.media.get((number, place), Medium(place)) for place in range(1, discs + 1)),
        files=tuple(shared.files[subject]),
    )


def _track(shared: _Shared, subject: int, row: dict[str, Any]) -> Description:
    release, isrc, explicit = unpack_source_id(row.pop("release")), row.pop("isrc"), row.pop("explicit")
    listed = shared.of(subject)
    named = listed.pop("identifiers")
    first = [unpack_isrc(isrc)] if isrc is not None else []
    return TrackDescription(
        **_credited(shared, row),
        **listed,
        release="" if release == implicit_release(row["id"]) else release,
        number=next((value for scheme, value in named if scheme == "number"), ""),
        isrcs=(*first, *(value for scheme, value in named if scheme == "isrc")),
        explicit=None if explicit is None else bool(explicit),
        identifiers=tuple(pair for pair in named if pair[0] not in ("isrc", "number")),
        disambiguation=shared.note(subject, "disambiguation"),
    )


def _other(shared: _Shared, subject: int, row: dict[str, Any]) -> Description:
    aliases = tuple(shared.notes[subject, "alias"])
    return OtherDescription(**_credited(shared, row), **shared.of(subject), aliases=aliases)


def _credited(shared: _Shared, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the credit that its column stands for."""
    credit = row["credit"]
    return {key: value for key, value in row.items() if key != "credit"} | {"credits": shared.credits[credit or 0]}

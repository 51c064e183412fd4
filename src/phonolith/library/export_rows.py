"""The rows of an export: what each file's columns are, and where in the catalogue they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phonolith.library.parts import credits, dates, labels, rights, sources
from phonolith.library.reading import Reading
from phonolith.library.views import CreditName, Date, Rights, credit_text
from phonolith.model.ids import public_id, unpack_isrc, unpack_source_id
from phonolith.model.status import Status

Row = tuple[Any, ...]

_CHUNK = 20_000

_LICENCE = {"licence": "VARCHAR", "licence_family": "VARCHAR", "licence_uri": "VARCHAR", "evidence_level": "TINYINT"}
_DATE = {"date": "VARCHAR", "year": "SMALLINT"}

TRACKS = {
    "id": "VARCHAR",
    "title": "VARCHAR",
    "artist": "VARCHAR",
    "credits": "CREDITS",
    "release_id": "VARCHAR",
    "release": "VARCHAR",
    "disc": "INTEGER",
    "position": "INTEGER",
    "duration_ms": "BIGINT",
    "isrc": "VARCHAR",
    **_DATE,
    "genres": "VARCHAR[]",
    "explicit": "BOOLEAN",
    **_LICENCE,
    "status": "VARCHAR",
    "popularity": "DOUBLE",
    "source": "VARCHAR",
    "source_id": "VARCHAR",
}
RELEASES = {
    "id": "VARCHAR",
    "title": "VARCHAR",
    "artist": "VARCHAR",
    "credits": "CREDITS",
    **_DATE,
    "label_id": "VARCHAR",
    "label": "VARCHAR",
    "catalogue_number": "VARCHAR",
    "barcode": "VARCHAR",
    "kind": "VARCHAR",
    "country": "VARCHAR",
    "genres": "VARCHAR[]",
    "discs": "INTEGER",
    "tracks": "INTEGER",
    "duration_ms": "BIGINT",
    **_LICENCE,
    "popularity": "DOUBLE",
    "source": "VARCHAR",
    "source_id": "VARCHAR",
}
ARTISTS = {
    "id": "VARCHAR",
    "name": "VARCHAR",
    "sort_name": "VARCHAR",
    "disambiguation": "VARCHAR",
    "kind": "VARCHAR",
    "country": "VARCHAR",
    "begin_date": "VARCHAR",
    "end_date": "VARCHAR",
    "genres": "VARCHAR[]",
    "releases": "INTEGER",
    "tracks": "INTEGER",
    "popularity": "DOUBLE",
    "source": "VARCHAR",
    "source_id": "VARCHAR",
}

_TRACKS = """
SELECT t.id, t.source_id, t.title, coalesce(t.credit, r.credit), r.source_id, r.title, t.disc, t.position, t.duration,
  t.isrc, coalesce(t.date, r.date), coalesce(t.genres, r.genres), t.explicit, coalesce(t.rights, r.rights), t.status,
  t.popularity, r.source
FROM track t CROSS JOIN release r ON r.id = t.release WHERE t.id > ? ORDER BY t.id LIMIT ?"""
_RELEASES = """
SELECT id, source_id, title, credit, date, label, catalogue_number, barcode,
  (SELECT name FROM kind WHERE kind.id = release.kind), country, genres, discs, tracks,
  duration, rights, popularity, source
FROM release WHERE id > ? ORDER BY id LIMIT ?"""
_ARTISTS = """
SELECT id, source_id, name, sort_name, disambiguation,
  (SELECT name FROM kind WHERE kind.id = artist.kind), country, begin_date, end_date, genres, releases, tracks,
  popularity, source
FROM artist WHERE id > ? ORDER BY id LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Table:
    """A file of an export: its columns with DuckDB's types, and what gives its rows.

    ``CREDITS`` is a list of structs (id, name, join, role) that travels as JSON, ``VARCHAR[]`` a list that does. The
    rows are those of some sources by their numbers, of all if None. Of some, genres come by their keys: their names are
    as most sources write them, and may be another's.
    """

    name: str
    kind: str
    columns: Mapping[str, str]
    rows: Callable[[Reading, Collection[int] | None], Iterator[Row]]


def _tracks(reading: Reading, of: Collection[int] | None) -> Iterator[Row]:
    genres = _genres(reading, of)
    source = {number: view.name for number, view in sources(reading).items()}
    for chunk in _chunks(reading, "track", _TRACKS, of):
        credit = _credits(reading, {row[3] for row in chunk})
        date = dates(reading, {row[10] for row in chunk})
        evidence = rights(reading, {row[13] for row in chunk})
        for row in chunk:
            _, own, title, credited, on, release, disc, position, length, isrc, dated, genre, explicit = row[:13]
            rest, status, popularity, where = row[13:]
            own, on, name = unpack_source_id(own), unpack_source_id(on), source[where]
            code = unpack_isrc(isrc) if isrc is not None else None
            yield (
                *(public_id(name, own), title, *credit[credited], public_id(name, on), release, disc, position, length),
                *(code, *_date(date.get(dated)), genres.get(genre), None if explicit is None else bool(explicit)),
                *(*_licence(evidence[rest]), Status(status).name.lower(), popularity, name, own),
            )


def _releases(reading: Reading, of: Collection[int] | None) -> Iterator[Row]:
    genres = _genres(reading, of)
    source = {number: view.name for number, view in sources(reading).items()}
    for chunk in _chunks(reading, "release", _RELEASES, of):
        credit = _credits(reading, {row[3] for row in chunk})
        date = dates(reading, {row[4] for row in chunk})
        label = labels(reading, {row[5] for row in chunk})
        evidence = rights(reading, {row[14] for row in chunk})
        for (
            _,
            own,
            title,
            credited,
            dated,
            on,
            *middle,
            genre,
            discs,
            tracks,
            length,
            stated,
            popularity,
            where,
        ) in chunk:
            own, name = unpack_source_id(own), source[where]
            published = (label[on].id, label[on].name) if on in label else (None, None)
            yield (
                *(public_id(name, own), title, *credit[credited], *_date(date.get(dated)), *published, *middle),
                *(genres.get(genre), discs, tracks, length, *_licence(evidence[stated]), popularity, name, own),
            )


def _artists(reading: Reading, of: Collection[int] | None) -> Iterator[Row]:
    genres = _genres(reading, of)
    source = {number: view.name for number, view in sources(reading).items()}
    for chunk in _chunks(reading, "artist", _ARTISTS, of):
        date = dates(reading, {row[7] for row in chunk} | {row[8] for row in chunk})
        for _, own, name, *middle, begin, end, genre, releases, tracks, popularity, where in chunk:
            own, named = unpack_source_id(own), source[where]
            life = _date(date.get(begin))[0], _date(date.get(end))[0]
            counts = releases, tracks, popularity
            yield public_id(named, own), name, *middle, *life, genres.get(genre), *counts, named, own


#: The files of an export.
TABLES = (
    Table("tracks", "track", TRACKS, _tracks),
    Table("releases", "release", RELEASES, _releases),
    Table("artists", "artist", ARTISTS, _artists),
)


def _chunks(reading: Reading, kind: str, sql: str, of: Collection[int] | None) -> Iterator[list[Row]]:
    """All rows of a kind and of some sources, whose number is the last column, in pieces, without what is hidden."""
    after, hidden = 0, reading.hidden.of(kind)
    while chunk := reading.rows(sql, (after, _CHUNK)):
        after = chunk[-1][0]
        shown = [row for row in chunk if row[0] not in hidden] if hidden else chunk
        yield shown if of is None else [row for row in shown if row[-1] in of]


def _credits(reading: Reading, columns: Iterable[int | None]) -> dict[int | None, tuple[str | None, str]]:
    """Credits as one text and as JSON, by column."""
    found: dict[int | None, tuple[str | None, str]] = {None: (None, "[]")}
    for column, names in credits(reading, columns).items():
        found[column] = credit_text(names), json.dumps([_name(one) for one in names], ensure_ascii=False)
    return found


def _name(one: CreditName) -> dict[str, str]:
    return {"id": one.id, "name": one.name, "join": one.join, "role": one.role}


def _genres(reading: Reading, of: Collection[int] | None) -> dict[int | None, str]:
    """Sets of genres as JSON lists, by number: of all sources by name, of some by key."""
    found: dict[int | None, list[str]] = {None: []}
    name = "name" if of is None else "folded"
    sql = f"SELECT s.id, g.{name} FROM genre_set s CROSS JOIN genre g ON g.id = s.genre ORDER BY s.id, g.id"
    for number, name in reading.rows(sql):
        found.setdefault(number, []).append(name)
    return {number: json.dumps(names, ensure_ascii=False) for number, names in found.items()}


def _date(date: Date | None) -> tuple[str | None, int | None]:
    return (date.written, date.year) if date else (None, None)


def _licence(stated: Rights) -> tuple[str | None, str | None, str | None, int]:
    one = stated.licence
    return (one.code, one.family, one.uri, stated.level) if one else (None, None, None, stated.level)

"""The relations between interpreting and ranking: flat rows as JSON lines, which DuckDB reads in parallel.

Rows refer to each other by *key*: the first 64 bits of a public id, or of a digest where a row has no public id of its
own (a credit, a set of genres, a piece of evidence). Workers write their own files, so nothing is shared between them;
what several workers write twice is made one in the next phase. Absent fields are not written.
"""

from __future__ import annotations

from typing import get_args, get_type_hints

import msgspec


class Row(msgspec.Struct, omit_defaults=True, gc=False):
    """One row; its class names the relation."""


class Artist(Row):
    """What a source says of an artist."""

    key: int
    source: int
    uuid: str | None
    id: str | None
    name: str
    sort_name: str | None = None
    disambiguation: str | None = None
    kind: str | None = None
    country: str | None = None
    begin_date: str | None = None
    end_date: str | None = None
    genres: int | None = None
    popularity: float | None = None


class Release(Row):
    """What a source says of a release; ``label`` is the key of its first label."""

    key: int
    source: int
    uuid: str | None
    id: str | None
    title: str
    credit: int | None = None
    date: str | None = None
    label: int | None = None
    catalogue_number: str | None = None
    barcode: str | None = None
    kind: str | None = None
    country: str | None = None
    release_group: str | None = None
    genres: int | None = None
    rights: int | None = None
    popularity: float | None = None
    discs: int = 0
    limits: str = ""


class Track(Row):
    """What a source says of a track. ``others``: another wrote it; ``offered``: an address has its audio.

    ``limits``, here and of a release, are what the source forbids: words in order, with spaces between them.
    """

    key: int
    source: int
    uuid: str | None
    id: str | None
    release: int
    title: str
    credit: int | None = None
    disc: int = 1
    position: int = 0
    duration: int | None = None
    isrc: int | None = None
    date: str | None = None
    genres: int | None = None
    rights: int | None = None
    popularity: float | None = None
    explicit: int | None = None
    others: bool = False
    offered: bool = False
    limits: str = ""


class ReleaseRef(Row):
    """A release that tracks point at; read only when a track's release was not described."""

    key: int
    source: int
    uuid: str | None
    id: str | None


class CreditName(Row):
    """One name of an ordered credit; ``artist`` is a key, ``uuid`` or ``id`` the source id."""

    key: int
    position: int
    source: int
    artist: int
    uuid: str | None
    id: str | None
    name: str
    join_phrase: str = ""
    role: str = ""


class GenreName(Row):
    """One genre of a set of genres; ``folded`` is its key in addresses."""

    key: int
    name: str
    folded: str


class Label(Row):
    """A label."""

    key: int
    source: int
    uuid: str | None
    id: str | None
    name: str


class ReleaseLabel(Row):
    """A label of a release beyond its first."""

    release: int
    position: int
    label: int
    catalogue_number: str | None = None


class Medium(Row):
    """A medium whose format or title is known."""

    release: int
    position: int
    format: str | None = None
    title: str | None = None


class Rights(Row):
    """A piece of licence evidence."""

    key: int
    licence: str | None
    level: int
    stated: str
    stated_by: str
    basis: str
    composition: int
    note: str


class Identifier(Row):
    """An identifier without a column of its own. ``kind`` as in permalinks, and 4 for a thing without a page there."""

    key: int
    kind: int
    scheme: str
    value: str


class Link(Row):
    """An outgoing link."""

    key: int
    kind: int
    rel: str
    url: str


class Note(Row):
    """A publishable text without a column of its own."""

    key: int
    kind: int
    note: str
    position: int
    value: str


class File(Row):
    """A file of a track or a release, held or known of."""

    key: int
    kind: int
    position: int
    role: str
    name: str
    sha256: str | None = None
    media_type: str | None = None
    url: str | None = None
    codec: str | None = None
    bitrate: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    bit_depth: int | None = None
    problem: str | None = None


class Correction(Row):
    """What a person decided about a field, applied already. ``guess``: ``was`` is known from a credit only."""

    key: int
    kind: int
    field: str
    was: str | None
    now: str | None
    because: str
    event: int
    time: str
    guess: bool = False


class Thing(Row):
    """What a source says of a label, work, release group or another thing; ``thing`` says which of them it is."""

    key: int
    source: int
    uuid: str | None
    id: str | None
    thing: str
    name: str
    sort_name: str | None = None
    type: str | None = None
    disambiguation: str | None = None
    country: str | None = None
    begin_date: str | None = None
    end_date: str | None = None
    language: str | None = None
    credit: int | None = None


class Listened(Row):
    """How often a thing was listened to; ``mbid`` is in lower case, ``counted`` says what was counted."""

    kind: str
    mbid: str
    source: int
    counted: str
    listens: int


class Payload(Row):
    """Which bytes an address gave, and when."""

    address: str
    sha256: str
    media_type: str | None
    time: str
    codec: str | None


RELATIONS: tuple[type[Row], ...] = (
    Artist,
    Release,
    Track,
    ReleaseRef,
    CreditName,
    GenreName,
    Label,
    ReleaseLabel,
    Medium,
    Rights,
    Identifier,
    Link,
    Note,
    File,
    Correction,
    Thing,
    Listened,
    Payload,
)

#: Begins a source id that no text column holds, written in hexadecimal.
IN_HEX = "\ue000"

_KEYS = frozenset({"key", "release", "credit", "label", "genres", "rights", "artist"})


def table(relation: type[Row]) -> str:
    """The relation's name in SQL: ``staged_credit_name``."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in relation.__name__)
    return f"staged{words}"


def columns(relation: type[Row]) -> dict[str, str]:
    """DuckDB's types of the relation's columns, by name."""
    hints = get_type_hints(relation)
    return {field: _duckdb_type(field, hints[field]) for field in relation.__struct_fields__}


def loaded(relation: type[Row]) -> dict[str, str]:
    """SQL of what a column holds once loaded, where that is not what is written.

    An absent field has its default; ``uuid`` holds the bytes of a source id that is stored as bytes, ``id`` the text of
    any other.
    """
    found = {}
    fields = relation.__struct_fields__
    values = relation.__struct_defaults__
    pairs = zip(fields[len(fields) - len(values) :], values, strict=True)
    for field, value in pairs:
        if value is not None:
            literal = f"'{value}'" if isinstance(value, str) else str(value)
            found[field] = f"coalesce({field}, {literal})"
    if "uuid" in fields:
        in_hex = f"starts_with(id, '{IN_HEX}ff')"
        found["uuid"] = f"CASE WHEN {in_hex} THEN unhex(substr(id, 2)) ELSE unhex(replace(uuid, '-', '')) END"
        found["id"] = f"CASE WHEN NOT {in_hex} THEN id END"
    return found


def _duckdb_type(field: str, hint: object) -> str:
    if field in _KEYS:
        return "UBIGINT"
    kinds = set(get_args(hint)) or {hint}
    if bool in kinds:
        return "BOOLEAN"
    if int in kinds:
        return "BIGINT" if field in {"isrc", "duration", "bitrate", "listens"} else "INTEGER"
    return "DOUBLE" if float in kinds else "VARCHAR"

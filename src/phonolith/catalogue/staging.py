"""The relations between interpreting and ranking: flat rows as JSON lines, which DuckDB reads in parallel.

Rows refer to each other by *key*: the first 64 bits of a public id, or of a digest where a row has no public id of its
own (a credit, a set of genres, a piece of evidence). Workers write their own files, so nothing is shared between them;
what several workers write twice is made one in the next phase. Absent fields are not written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, get_args, get_type_hints

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
)

#: Begins a source id that no text column holds, written in hexadecimal.
IN_HEX = "\ue000"

_KEYS = frozenset({"key", "release", "credit", "label", "genres", "rights", "artist"})
_BATCH = 4_096

#: Characters of a text in a row, and of a note; the record keeps the rest.
LONGEST = 65_536
LONGEST_NOTE = 1 << 20


class Writer:
    """Appends rows to one file per relation, ``<relation>.<part>.jsonl``. Closed by ``close`` or as a context."""

    def __init__(self, folder: Path, part: str) -> None:
        self._folder = folder
        self._part = part
        self._files: dict[type[Row], IO[bytes]] = {}
        self._rows: dict[type[Row], list[Row]] = {relation: [] for relation in RELATIONS}
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, row: Row) -> None:
        """Take one row."""
        rows = self._rows[type(row)]
        rows.append(row)
        if len(rows) >= _BATCH:
            self._flush(type(row))

    def extend(self, relation: type[Row], rows: Sequence[Row]) -> None:
        """Take many rows of one relation."""
        waiting = self._rows[relation]
        waiting += rows
        if len(waiting) >= _BATCH:
            self._flush(relation)

    def close(self) -> None:
        """Write what is waiting and close the files."""
        try:
            for relation, rows in self._rows.items():
                if rows:
                    self._flush(relation)
        finally:
            for file in self._files.values():
                file.close()

    def _flush(self, relation: type[Row]) -> None:
        file = self._files.get(relation)
        if file is None:
            file = self._files[relation] = (self._folder / f"{table(relation)}.{self._part}.jsonl").open("wb")
        rows = self._rows[relation]
        file.write(self._encoded(rows))
        rows.clear()

    def _encoded(self, rows: list[Row]) -> bytes:
        """Rows as lines. Only where a text among them is unfit are all of them gone through."""
        with contextlib.suppress(UnicodeEncodeError):
            lines = self._encoder.encode_lines(rows)
            if _plain(lines):
                return lines
        return self._encoder.encode_lines([_fit(row) for row in rows])


def _plain(lines: bytes) -> bool:
    """Whether lines hold no NUL and none is too long; in doubt not. Cutting them up takes as long as making them."""
    if b"\\" in lines and lines.rfind(b"\\u0000") >= 0:  # find takes three times as long
        return False
    half = LONGEST // 2  # a line of LONGEST bytes has one of these parts to itself
    return all(lines.find(b"\n", start, start + half) >= 0 for start in range(0, len(lines) - half + 1, half))


def _fit(row: Row) -> Row:
    longest = LONGEST_NOTE if isinstance(row, Note) else LONGEST
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, str):
            setattr(row, name, fit(value, longest))
    return row


def fit(text: str, longest: int = LONGEST) -> str:
    """Text that any SQLite file and any JSON reader holds: no NUL, no lone surrogate, not endless."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


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
        return "BIGINT" if field in {"isrc", "duration", "bitrate"} else "INTEGER"
    return "DOUBLE" if float in kinds else "VARCHAR"

"""Reads and checks a column map: the declaration of what the columns of somebody's tables mean."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from phonolith.errors import BadInput

#: Fields that one value goes into, per section; and those that take a list.
SINGLE = {
    "artist": ("name", "sort_name", "disambiguation", "kind", "country", "begin", "end", "popularity"),
    "release": (
        *("title", "date", "country", "barcode", "label", "catalogue_number", "kind", "status", "group"),
        *("disambiguation", "language", "script", "licence", "popularity", "cover"),
    ),
    "track": (
        *("title", "disc", "position", "number", "duration", "date", "explicit", "licence", "popularity", "audio"),
        "disambiguation",
    ),
}
MULTIPLE = {
    "artist": ("genres", "aliases"),
    "release": ("artist", "join", "genres"),
    "track": ("artist", "join", "genres", "isrc"),
}
REFERENCES = {"artist": (), "release": ("artist_key",), "track": ("artist_key", "release")}
GROUPS = {
    "artist": ("identifiers", "links"),
    "release": ("identifiers", "links", "credits"),
    "track": ("identifiers", "links", "credits", "origin"),
}
#: The keys of the group ``origin``: dates that may put a recording into the public domain.
ORIGIN = ("recorded", "published", "edition", "composition_published", "writers_died")
REQUIRED = {"artist": "name", "release": "title", "track": "title"}
UNITS = ("s", "ms", "min:sec")
FORMATS = ("csv", "tsv", "parquet")

_TOP = ("name", "title", "url", "credit", "contact", "metadata_licence", "licence_level", "private", "withhold")
_TABLE = ("name", "file", "resource", "format", "encoding", "delimiter", "key", "prefix", "empty")
_VALUE = ("column", "value", "split", "values", "unit", "empty")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Field:
    """Where one value comes from: a ``column``, or the constant ``value`` where ``column`` is "".

    ``split`` cuts it into a list ("" does not); ``values`` replaces whole values; ``unit`` is one of :data:`UNITS`;
    values in ``empty`` say nothing.
    """

    column: str = ""
    value: str = ""
    split: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    unit: str = "s"
    empty: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reference:
    """A key into another section: ``table`` names whose, ``fields`` the columns that make the key, in order."""

    table: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """What one row says of one thing. ``kind`` is artist, release or track; ``key`` its key columns."""

    kind: str
    key: tuple[str, ...]
    fields: Mapping[str, tuple[Field, ...]]
    references: Mapping[str, Reference]
    groups: Mapping[str, Mapping[str, Field]]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: where its rows are and what they describe. ``prefix`` says whether ids begin with the table's name."""

    name: str
    file: str
    resource: str
    format: str
    encoding: str
    delimiter: str
    key: tuple[str, ...]
    prefix: bool
    sections: tuple[Section, ...]

    @property
    def main(self) -> Section:
        """The section that a row is about first: its track, else its release, else its artist."""
        return self.sections[0]

    def columns_of_others(self, first: Iterable[str]) -> set[str]:
        """Columns that only concern sections which are neither the main one nor in ``first``."""
        spoken = {self.main.kind, *first}
        mine = {c for s in self.sections if s.kind in spoken for c in section_columns(s)} | set(self.key)
        return {c for s in self.sections if s.kind not in spoken for c in section_columns(s)} - mine

    @property
    def empty(self) -> dict[str, frozenset[str]]:
        """The values that say nothing, by column."""
        named = [one for section in self.sections for _, one in _named_fields(section)]
        return {one.column: one.empty for one in named if one.empty}

    @property
    def columns(self) -> dict[str, str]:
        """Every column the map names, with the place in the map that names it first."""
        found = dict.fromkeys(self.key, f"{self.name}: key")
        for section in self.sections:
            for name, one in _named_fields(section):
                found.setdefault(one.column, f"{self.name}: {section.kind}.{name}")
            for column in section.key:
                found.setdefault(column, f"{self.name}: {section.kind}.key")
        found.pop("", None)
        return found


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A whole map. ``licence_level`` is what its licence statements are worth, 1 or 2 (DESIGN section 6)."""

    name: str
    title: str
    url: str
    credit: str
    contact: str
    metadata_licence: str
    licence_level: int
    private: frozenset[str]
    withhold: frozenset[str]
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """The table of that name. Raises KeyError."""
        return {table.name: table for table in self.tables}[name]


def parse_map(text: str, name: str = "map") -> ColumnMap:
    """Read a map from TOML text; ``name`` is what messages call it. Raises BadInput that names the line if it can."""
    return _Parser(text, name).whole()


def section_columns(section: Section) -> list[str]:
    """The columns a section reads, its key first."""
    named = [one.column for _, one in _named_fields(section) if one.column]
    return list(dict.fromkeys([*section.key, *named]))


def _named_fields(section: Section) -> list[tuple[str, Field]]:
    named = [(name, one) for name, several in section.fields.items() for one in several]
    named += [(name, one) for name, ref in section.references.items() for one in ref.fields]
    return named + [(f"{group}.{n}", one) for group, some in section.groups.items() for n, one in some.items()]


class _Parser:
    """One pass over one map; keeps the text so that a complaint can name the line."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        try:
            self._top = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadInput(name, f"is not TOML: {error}", "See docs/reference/column-maps.md") from error

    def whole(self) -> ColumnMap:
        top = self._top
        self._known(top, (*_TOP, "table"), "the map")
        tables = top.get("table")
        if not isinstance(tables, list) or not tables:
            self._fail("table", "no [[table]] is declared")
        level = top.get("licence_level", 1)
        if level not in (1, 2):
            self._fail("licence_level", "must be 1 (somebody else's word) or 2 (the hosting platform's own)")
        parsed = tuple(self._table(one) for one in tables)
        if len({table.name for table in parsed}) < len(parsed):
            self._fail("name", "two tables have the same name")
        self._check_references(parsed)
        return ColumnMap(
            name=self._text_at(top, "name", required=True, pattern=_NAME),
            title=self._text_at(top, "title", required=True),
            url=self._text_at(top, "url"),
            credit=self._text_at(top, "credit"),
            contact=self._text_at(top, "contact"),
            metadata_licence=self._text_at(top, "metadata_licence"),
            licence_level=level,
            private=frozenset(self._texts(top, "private")),
            withhold=frozenset(self._texts(top, "withhold")),
            tables=parsed,
        )

    def _table(self, raw: Any) -> Table:
        kinds = [kind for kind in ("track", "release", "artist") if kind in raw]
        name = self._text_at(raw, "name", required=True, pattern=_NAME)
        self._known(raw, (*_TABLE, *SINGLE), f"table {name!r}")
        if not kinds:
            self._fail(
                name, f"table {name!r} describes nothing: give it [table.track], [table.release] or [table.artist]"
            )
        key = tuple(self._texts(raw, "key"))
        if not key:
            self._fail(name, f"table {name!r} has no key: name the columns that tell its rows apart")
        format_ = self._text_at(raw, "format")
        if format_ and format_ not in FORMATS:
            self._fail("format", f"format {format_!r} is none of {', '.join(FORMATS)}")
        prefix = raw.get("prefix", True)
        if not isinstance(prefix, bool):
            self._fail("prefix", "must be true or false")
        empty = frozenset(self._texts(raw, "empty"))
        return Table(
            name=name,
            file=self._text_at(raw, "file"),
            resource=self._text_at(raw, "resource"),
            format=format_,
            encoding=self._text_at(raw, "encoding"),
            delimiter=self._text_at(raw, "delimiter"),
            key=key,
            prefix=prefix,
            sections=tuple(self._section(raw[kind], kind, name, key, empty, kinds[0]) for kind in kinds),
        )

    def _section(
        self, raw: Any, kind: str, table: str, key: tuple[str, ...], empty: frozenset[str], main: str
    ) -> Section:
        where = f"{table}: {kind}"
        if not isinstance(raw, dict):
            self._fail(kind, f"{where} must be a table of fields")
        self._known(raw, ("key", *SINGLE[kind], *MULTIPLE[kind], *REFERENCES[kind], *GROUPS[kind]), where)
        if REQUIRED[kind] not in raw:
            self._fail(kind, f"{where} has no {REQUIRED[kind]}")
        own = tuple(self._texts(raw, "key"))
        if not own and kind != main:
            self._fail(kind, f"{where} needs a key of its own: the columns that tell {kind}s apart")
        if own and kind == main and own != key:
            self._fail(kind, f"{where} is what a row is about, so its key is the table's")
        fields = {
            n: self._fields(raw[n], n, empty, many=n in MULTIPLE[kind])
            for n in (*SINGLE[kind], *MULTIPLE[kind])
            if n in raw
        }
        groups = {
            group: {n: self._one(value, n, empty) for n, value in raw.get(group, {}).items()} for group in GROUPS[kind]
        }
        self._known(groups.get("origin", {}), ORIGIN, f"{where}.origin")
        references = {n: self._reference(raw[n], n, table, empty) for n in REFERENCES[kind] if n in raw}
        return Section(kind, own or key, fields, references, groups)

    def _fields(self, raw: Any, name: str, empty: frozenset[str], *, many: bool) -> tuple[Field, ...]:
        if isinstance(raw, list):
            if not many:
                self._fail(name, f"{name} takes one value, not a list")
            return tuple(self._one(value, name, empty) for value in raw)
        return (self._one(raw, name, empty),)

    def _one(self, raw: Any, name: str, empty: frozenset[str]) -> Field:
        if isinstance(raw, str):
            return Field(column=raw, empty=empty)
        if not isinstance(raw, dict):
            self._fail(name, f"{name} must be a column's name or {{ column = … }}")
        self._known(raw, _VALUE, name)
        if ("column" in raw) == ("value" in raw):
            self._fail(name, f"{name} needs either a column or a value")
        unit = raw.get("unit", "s")
        if unit not in UNITS:
            self._fail("unit", f"unit {unit!r} is none of {', '.join(UNITS)}")
        values = raw.get("values", {})
        if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
            self._fail("values", f"the values of {name} must be a table of texts")
        return Field(
            column=self._text_at(raw, "column"),
            value=self._text_at(raw, "value"),
            split=self._text_at(raw, "split"),
            values=values,
            unit=unit,
            empty=empty | frozenset(self._texts(raw, "empty")),
        )

    def _reference(self, raw: Any, name: str, table: str, empty: frozenset[str]) -> Reference:
        if isinstance(raw, dict) and ("table" in raw or "columns" in raw):
            self._known(raw, ("table", "columns", "split"), name)
            split = self._text_at(raw, "split")
            columns = self._texts(raw, "columns")
            fields = tuple(Field(column=c, split=split, empty=empty) for c in columns)
            return Reference(self._text_at(raw, "table"), fields)
        several = raw if isinstance(raw, list) else [raw]
        return Reference("", tuple(self._one(value, name, empty) for value in several))

    def _check_references(self, tables: tuple[Table, ...]) -> None:
        """Every reference names a table with such a section; an unnamed one gets the only one there is."""
        for table in tables:
            for section in table.sections:
                for name, reference in section.references.items():
                    kind = "artist" if name == "artist_key" else "release"
                    target_of(tables, table, kind, reference, self._name)

    def _known(self, raw: Any, allowed: tuple[str, ...], where: str) -> None:
        if not isinstance(raw, dict):
            self._fail(where, f"{where} must be a table")
        for key in raw:
            if key not in allowed:
                self._fail(key, f"{where} has no setting {key!r}{suggestion(key, allowed)}")

    def _text_at(self, raw: Mapping[str, Any], key: str, *, required: bool = False, pattern: Any = None) -> str:
        value = raw.get(key, "")
        if not isinstance(value, str) or (required and not value):
            self._fail(key, f"{key} must be a text" if key in raw else f"{key} is missing")
        if pattern and not pattern.fullmatch(value):
            self._fail(key, f"{key} {value!r} must be 1 to 40 of a-z, 0-9, - and _, beginning with a letter")
        return value

    def _texts(self, raw: Mapping[str, Any], key: str) -> list[str]:
        value = raw.get(key, [])
        several = [value] if isinstance(value, str) else value
        if not isinstance(several, list) or not all(isinstance(one, str) and one for one in several):
            self._fail(key, f"{key} must be a text or a list of texts")
        return several

    def _fail(self, key: str, problem: str) -> NoReturn:
        found = re.search(rf"^\s*(?:\[+[\w.]*)?[\"']?{re.escape(key)}[\"']?\s*[=\].]", self._text, re.MULTILINE)
        line = f" line {self._text.count(chr(10), 0, found.end()) + 1}" if found else ""
        raise BadInput(f"{self._name}{line}", problem, "See docs/reference/column-maps.md")


def target_of(
    tables: tuple[Table, ...], own: Table, kind: str, reference: Reference, name: str
) -> tuple[Table, Section]:
    """The table and section a reference points at. Raises BadInput unless there is exactly one."""
    having = [(t, s) for t in tables for s in t.sections if s.kind == kind and reference.table in ("", t.name)]
    if reference.table == "" and len(having) > 1:
        having = [pair for pair in having if pair[0] is own] or having
    if len(having) != 1:
        wanted = f"a table {reference.table!r} with" if reference.table else "one table with"
        raise BadInput(
            name,
            f"{own.name} refers to {wanted} [table.{kind}], and there are {len(having)}",
            "Name it: { table = …, columns = […] }",
        )
    return having[0]


def suggestion(word: str, known: tuple[str, ...] | list[str]) -> str:
    """``; did you mean 'x'?`` or what there is."""
    close = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; there is {', '.join(known)}"

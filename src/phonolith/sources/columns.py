"""Turns a column map into functions that read rows a column at a time: made once, run over hundreds of rows at once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from typing import Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.bulk import in_bulk
from phonolith.model.music import (
    ArtistDescription,
    Description,
    Level,
    LicenceStatement,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.record import Record
from phonolith.sources.base import description_fields
from phonolith.sources.cells import (
    Column,
    Row,
    Rows,
    cells,
    duration_of,
    explicit_of,
    file_of,
    is_address,
    joiner,
    labels_of,
    licences_of,
    links_of,
    origins_of,
    pairs_of,
    real_of,
    says_nothing,
    text_of,
    values_of,
    whole_of,
)
from phonolith.sources.credit_columns import by_others, credits_of
from phonolith.sources.keys import identities, reference_of
from phonolith.sources.map_file import ColumnMap, Field, Section, Table
from phonolith.sources.text import holds_mail

#: Makes one section's descriptions of ids and rows.
Maker = Callable[[Sequence[str], Rows, Sequence[Record]], list[Any]]
#: What no column took, by place of the row: cells by column.
Left = dict[int, dict[str, Any]]

_CLASSES = {"artist": ArtistDescription, "release": ReleaseDescription, "track": TrackDescription}
_WRITERS = frozenset({"composer", "lyricist", "writer", "librettist", "songwriter"})
_OTHERS_WORK = re.compile(r"\b(?:remix|rmx|bootleg|mash-?up|cover (?:of|version))\b|\bcover\)", re.IGNORECASE)
_encode = msgspec.json.Encoder().encode


def compile_table(
    whole: ColumnMap, table: Table, source: str
) -> Callable[[Sequence[str], Rows, Sequence[Collection[str]], Sequence[Record]], list[Description]]:
    """A function from (items, rows, sections of each besides the main one to describe, records) to descriptions.

    The main section's come first, in the order of the rows. ``source`` is the full source name; it is who states the
    licences. The function raises BadInput where a row names a section that its table does not have.
    """
    makers = {section.kind: _maker(whole, table, section, source) for section in table.sections}
    keys = {section.kind: identities(table, section) for section in table.sections[1:]}
    skip = 0 if table.prefix else len(table.name) + 1

    def describe(
        items: Sequence[str], rows: Rows, firsts: Sequence[Collection[str]], records: Sequence[Record]
    ) -> list[Description]:
        ids = [item[skip:] for item in items] if skip else items
        made: list[Description] = makers[table.main.kind](ids, rows, records)
        for kind in dict.fromkeys(chain.from_iterable(firsts)):
            if kind not in keys:
                raise BadInput(f"table {table.name}", f"describes no {kind}")
            chosen = [row for row, first in zip(rows, firsts, strict=True) if kind in first]
            of = [record for record, first in zip(records, firsts, strict=True) if kind in first]
            made = made + makers[kind](keys[kind](chosen), chosen, of)
        return made

    return describe


def _maker(whole: ColumnMap, table: Table, section: Section, source: str) -> Maker:
    """The function that makes one section's descriptions."""
    cls: Any = _CLASSES[section.kind]
    names = description_fields(cls)
    defaults = dict(zip(names, _defaults(cls), strict=True))
    simple, checked = _columns(whole, table, section, source)
    leave = _leaver(whole, table, section, checked) if section is table.main else None
    others = _others(section) if section.kind == "track" else None

    def make(ids: Sequence[str], rows: Rows, records: Sequence[Record]) -> list[Any]:
        values: dict[str, Any] = {"id": ids, **{name: get(rows) for name, get in simple.items()}}
        read = {name: get(rows) for name, get, _ in checked}
        if leave:
            values["remainder"] = leave(rows, read)
        for name, found in read.items():
            default = defaults[name]
            values[name] = [default if value is None else value for value in found] if None in found else found
        if others:
            values["composition_by_others"] = others(rows, values["title"], values["credits"])
        if "licences" in values:
            values["licences"] = [
                tuple(LicenceStatement(s.uri, s.level, s.by, s.where, record.time, record.digest) for s in stated)
                for stated, record in zip(values["licences"], records, strict=True)
            ]
        if "origin" in values:
            values["origin"] = [
                origin and replace(origin, date=record.time, digest=record.digest)
                for origin, record in zip(values["origin"], records, strict=True)
            ]
        columns = [values[name] if name in values else repeat(default) for name, default in defaults.items()]
        return in_bulk(cls, columns, len(rows))

    return make


def _leaver(
    whole: ColumnMap, table: Table, section: Section, checked: list[tuple[str, Column, Field]]
) -> Callable[[Rows, dict[str, list[Any]]], list[str]]:
    """A function to the remainder of each row: JSON of the cells that no column took, "" where all are taken."""
    used = frozenset(table.columns) | whole.private | whole.withhold
    unsure = _unsure(section)

    def leave(rows: Rows, read: dict[str, list[Any]]) -> list[str]:
        left: Left = defaultdict(dict)
        further = set(chain.from_iterable(rows)) - used
        if further:
            for place, row in enumerate(rows):
                left[place].update({c: v for c, v in row.items() if c in further and v is not None and v != ""})
        for name, _, one in checked:
            if None in read[name]:
                _leave_unread(left, rows, read[name], one)
        for columns, keep in unsure:
            for place, row in enumerate(rows):
                if not keep(row):
                    left[place].update({column: row[column] for column in columns if column in row})
        texts = [""] * len(rows)
        for place, some in left.items():
            if some := {column: value for column, value in some.items() if not holds_mail(value)}:
                texts[place] = _encode(some).decode()
        return texts

    return leave


def _leave_unread(left: Left, rows: Rows, values: Sequence[Any], one: Field) -> None:
    """Keep the cells that say something which could not be read."""
    for place, (value, cell) in enumerate(zip(values, cells(rows, one.column), strict=True)):
        if value is None and not says_nothing(cell, one):
            left[place][one.column] = cell


def _others(section: Section) -> Callable[[Rows, Sequence[str], Sequence[Any]], list[bool]]:
    """Whether another wrote each row's composition: by its title, or because a writer is named who is no artist."""
    writers = [text_of(one) for role, one in section.groups.get("credits", {}).items() if role in _WRITERS]

    def others(rows: Rows, titles: Sequence[str], credits: Sequence[Any]) -> list[bool]:
        found = [_may_be_others(title.casefold()) and bool(_OTHERS_WORK.search(title)) for title in titles]
        if writers:
            named = zip(*[get(rows) for get in writers], strict=True)
            found = [one or by_others(some, credit) for one, some, credit in zip(found, named, credits, strict=True)]
        return found

    return others


def _may_be_others(folded: str) -> bool:
    """Whether the expression is worth asking: it is slow, and few titles have one of its words."""
    return "remix" in folded or "cover" in folded or "mash" in folded or "rmx" in folded or "bootleg" in folded


def _columns(
    whole: ColumnMap, table: Table, section: Section, source: str
) -> tuple[dict[str, Column], list[tuple[str, Column, Field]]]:
    """Functions for a description's fields: those that always answer, and those that give None where they cannot."""
    fields = section.fields
    simple: dict[str, Column] = {}
    checked: list[tuple[str, Column, Field]] = []
    for name, several in fields.items():
        one = several[0]
        if name in ("genres", "aliases", "isrc"):
            simple["isrcs" if name == "isrc" else name] = values_of(several)
        elif name == "duration":
            checked.append(("duration_ms", duration_of(one), one))
        elif name in ("disc", "position"):
            checked.append((name, whole_of(one, 1 if name == "disc" else 0), one))
        elif name == "popularity":
            checked.append((name, real_of(one), one))
        elif name == "explicit":
            checked.append((name, explicit_of(one), one))
        elif name == "licence":
            where = table.file or table.resource or table.name
            simple["licences"] = licences_of(one, Level(whole.licence_level), source, where)
        elif name in ("audio", "cover"):
            checked.append(("files", file_of(name, one), one))
        elif name == "label":
            simple["labels"] = labels_of(one, fields.get("catalogue_number", (None,))[0])
        elif name not in ("artist", "join", "catalogue_number"):
            simple[name] = text_of(one)
    if section.kind != "artist":
        simple["credits"] = credits_of(whole, table, section)
    for name, reference in section.references.items():
        if name == "release":
            simple["release"] = reference_of(whole, table, "release", reference)
    if section.kind == "track" and "release" not in simple:
        own = [s for s in table.sections if s.kind == "release"]
        if own:
            simple["release"] = identities(table, own[0])
    if section.groups.get("identifiers"):
        simple["identifiers"] = pairs_of(section.groups["identifiers"])
    if section.groups.get("origin"):
        where = table.file or table.resource or table.name
        simple["origin"] = origins_of(section.groups["origin"], Level(whole.licence_level), source, where)
    if section.groups.get("links"):
        simple["links"] = links_of(section.groups["links"])
    return simple, checked


def _unsure(section: Section) -> list[tuple[tuple[str, ...], Callable[[Row], bool]]]:
    """Columns whose cells cannot always be had back from what was made of them, with a test for when they can."""
    links = section.groups.get("links", {}).values()
    found: list[tuple[tuple[str, ...], Callable[[Row], bool]]] = [
        ((one.column,), partial(_is_no_other_than_address, one)) for one in links
    ]
    groups = [{name: (one,) for name, one in group.items()} for group in section.groups.values()]
    references = {name: reference.fields for name, reference in section.references.items() if name == "artist_key"}
    for name, several in (pair for some in (section.fields, references, *groups) for pair in some.items()):
        if len(several) > 1 and name != "artist_key":
            found.append((tuple(one.column for one in several if one.column), lambda row: False))
            continue
        one = several[0]
        if one.split:
            found.append(((one.column,), partial(_comes_back, one)))
        elif len(set(one.values.values())) < len(one.values):
            found.append(((one.column,), partial(_not_replaced, one)))
        elif name == "explicit" and one.values:
            found.append(((one.column,), partial(_replaced, one)))
    return found


def _is_no_other_than_address(one: Field, row: Row) -> bool:
    value = row.get(one.column)
    return says_nothing(value, one) or is_address(str(value))


def _not_replaced(one: Field, row: Row) -> bool:
    value = row.get(one.column)
    return not (isinstance(value, str) and value in one.values)


def _replaced(one: Field, row: Row) -> bool:
    """Whether a cell is one that the map replaces, or says nothing: a "TRUE" beside them would come back as theirs."""
    value = row.get(one.column)
    return value is None or value == "" or not _not_replaced(one, row)


def _comes_back(one: Field, row: Row) -> bool:
    """Whether a cell that is cut into a list is what its parts make when put together."""
    value = row.get(one.column)
    if value is None or value == "" or not isinstance(value, str) or value in one.empty:
        return True
    parts = [part.strip() for part in value.split(one.split)]
    return joiner(one.split).join(parts) == value and all(parts) and len(set(parts)) == len(parts)


def _defaults(cls: Any) -> Iterable[Any]:
    """Default values of a description's fields, "" for those that must be given."""
    for one in cls.__dataclass_fields__.values():
        yield one.default if isinstance(one.default, str | int | float | tuple | bool | type(None)) else ""

"""Turns a column map into functions that read a row: made once, run for every row, so they are short and fast."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from phonolith.model.music import ArtistDescription, Description, Level, ReleaseDescription, TrackDescription
from phonolith.sources.base import description_fields
from phonolith.sources.cells import (
    Getter,
    Row,
    duration_of,
    explicit_of,
    file_of,
    is_address,
    joiner,
    labels_of,
    licences_of,
    links_of,
    pairs_of,
    real_of,
    says_nothing,
    text_of,
    values_of,
    whole_of,
)
from phonolith.sources.credit_columns import by_others, credits_of
from phonolith.sources.keys import identity, reference_of
from phonolith.sources.map_file import ColumnMap, Field, Section, Table
from phonolith.sources.text import holds_mail

Maker = Callable[[str, Row], Description]

_CLASSES = {"artist": ArtistDescription, "release": ReleaseDescription, "track": TrackDescription}
_WRITERS = frozenset({"composer", "lyricist", "writer", "librettist", "songwriter"})
_OTHERS_WORK = re.compile(r"\b(?:remix|rmx|bootleg|mash-?up|cover (?:of|version))\b|\bcover\)", re.IGNORECASE)
_encode = msgspec.json.Encoder().encode


def compile_table(
    whole: ColumnMap, table: Table, source: str
) -> Callable[[str, Row, Iterable[str]], list[Description]]:
    """A function from (record's item, row, sections besides the main one to describe) to descriptions.

    ``source`` is the full source name; it is who states the licences.
    """
    makers = {section.kind: _maker(whole, table, section, source) for section in table.sections}
    keys = {section.kind: identity(table, section) for section in table.sections[1:]}
    main = makers[table.main.kind]
    skip = 0 if table.prefix else len(table.name) + 1

    def describe(item: str, row: Row, first: Iterable[str]) -> list[Description]:
        return [main(item[skip:], row), *[makers[kind](keys[kind](row), row) for kind in first]]

    return describe


def _maker(whole: ColumnMap, table: Table, section: Section, source: str) -> Maker:
    """The function that makes one section's description from (id, row)."""
    cls: Any = _CLASSES[section.kind]
    names = description_fields(cls)
    defaults = list(_defaults(cls))
    simple, checked = _getters(whole, table, section, source)
    plain_ones = [(names.index(name), get) for name, get in simple.items()]
    checked_ones = [(names.index(name), get, one) for name, get, one in checked]
    used = frozenset(table.columns) | whole.private | whole.withhold
    remainder = names.index("remainder") if section is table.main else 0
    others = names.index("composition_by_others") if section.kind == "track" else 0
    kept = _unsure(section) if section is table.main else []
    writers = [text_of(one) for role, one in section.groups.get("credits", {}).items() if role in _WRITERS]
    title, credits = names.index("title" if others else names[1]), names.index("credits") if others else 0

    def make(identifier: str, row: Row) -> Description:
        values = defaults.copy()
        values[0] = identifier
        left = {c: v for c, v in row.items() if c not in used and v is not None and v != ""} if remainder else {}
        for index, get in plain_ones:
            values[index] = get(row)
        for index, get, one in checked_ones:
            value = get(row)
            if value is not None:
                values[index] = value
            elif not says_nothing(row.get(one.column), one):
                left[one.column] = row[one.column]
        if others:
            values[others] = bool(_OTHERS_WORK.search(values[title])) or (
                bool(writers) and by_others(writers, row, values[credits])
            )
        for columns, keep in kept:
            left.update({c: row[c] for c in columns if not keep(row)})
        if left and remainder:
            left = {column: value for column, value in left.items() if not holds_mail(value)}
        if left and remainder:
            values[remainder] = _encode(left).decode()
        made: Description = cls(*values)
        return made

    return make


def _getters(
    whole: ColumnMap, table: Table, section: Section, source: str
) -> tuple[dict[str, Getter], list[tuple[str, Getter, Field]]]:
    """Functions for a description's fields: those that always answer, and those that give None where they cannot."""
    fields = section.fields
    simple: dict[str, Getter] = {}
    checked: list[tuple[str, Getter, Field]] = []
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
            simple["release"] = identity(table, own[0])
    if section.groups.get("identifiers"):
        simple["identifiers"] = pairs_of(section.groups["identifiers"])
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
    return found


def _is_no_other_than_address(one: Field, row: Row) -> bool:
    value = row.get(one.column)
    return says_nothing(value, one) or is_address(str(value))


def _not_replaced(one: Field, row: Row) -> bool:
    return row.get(one.column) not in one.values


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

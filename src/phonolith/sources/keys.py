"""Ids of things that rows describe, made of the cells of their keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from phonolith.sources.cells import Column, Row, Rows, all_clean, cells, lists_of, plain
from phonolith.sources.map_file import ColumnMap, Reference, Section, Table, target_of

_IN_KEY = re.compile("[%/#\x00-\x1f\x7f]")


def identity(table: Table, section: Section) -> Callable[[Row], str]:
    """A function from a row to the source id of what its section describes, "" where a key column is empty."""
    main = section is table.main
    prefix = "" if not table.prefix else f"{table.name}:" if main else f"{table.name}.{section.kind}:"
    columns = section.key
    if len(columns) == 1:
        column = columns[0]

        def single(row: Row) -> str:
            value = plain(row.get(column))
            return prefix + _safe(value) if value else ""

        return single

    def several(row: Row) -> str:
        return key_of(prefix, [plain(row.get(column)) for column in columns])

    return several


def key_of(prefix: str, values: list[str]) -> str:
    """Prefix and values as one id, ``tracks:dt006/1/3``; "" where the first value is empty."""
    if not values[0]:
        return ""
    return prefix + "/".join([_safe(v) for v in values])


def id_prefix(table: Table, section: Section) -> str:
    """What ids of a section begin with."""
    if not table.prefix:
        return ""
    return f"{table.name}:" if section is table.main else f"{table.name}.{section.kind}:"


def identities(table: Table, section: Section) -> Column:
    """The source ids of what a section describes, as :func:`identity` makes them."""
    get = identity(table, section)
    return lambda rows: [get(row) for row in rows]


def reference_of(whole: ColumnMap, table: Table, kind: str, reference: Reference) -> Column:
    """The source ids that the keys in rows lead to."""
    target, section = target_of(whole.tables, table, kind, reference, whole.name)
    prefix = id_prefix(target, section)
    columns = [one.column for one in reference.fields]
    if len(columns) > 1:
        return lambda rows: [key_of(prefix, [plain(row.get(c)) for c in columns]) for row in rows]

    def single(rows: Rows) -> list[str]:
        values = cells(rows, columns[0])
        if _are_safe(values):
            return [prefix + value if value else "" for value in values]
        return [prefix + _safe(value) if value else "" for value in map(plain, values)]

    return single


def several_keys_of(whole: ColumnMap, table: Table, reference: Reference) -> Column:
    """Ids for lists of artists: one cell with several keys, or one key of several cells."""
    target, section = target_of(whole.tables, table, "artist", reference, whole.name)
    prefix = id_prefix(target, section)
    if len(reference.fields) > 1:
        names = [one.column for one in reference.fields]
        return lambda rows: [[key_of(prefix, [plain(row.get(name)) for name in names])] for row in rows]
    parts = lists_of(reference.fields[0])

    def several(rows: Rows) -> list[Sequence[str]]:
        found = parts(rows)
        if not prefix and _are_safe(list(chain.from_iterable(found))):
            return found
        return [[prefix + _safe(part) for part in some] for some in found]

    return several


def _are_safe(values: Sequence[Any]) -> bool:
    """Whether all values can be parts of ids as they are."""
    if not all_clean(values):
        return False
    joined = "".join(values)
    return "/" not in joined and "%" not in joined and "#" not in joined


def _safe(value: str) -> str:
    """A value as a part of an id: what has a meaning there is escaped."""
    if value.isprintable() and "/" not in value and "%" not in value and "#" not in value:
        return value
    return _IN_KEY.sub(lambda m: f"%{ord(m[0]):02X}", value)

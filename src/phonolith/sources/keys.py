"""Ids of things that rows describe, made of the cells of their keys."""

from __future__ import annotations

import re
from collections.abc import Callable

from phonolith.sources.cells import Getter, Row, parts_of, plain
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


def reference_of(whole: ColumnMap, table: Table, kind: str, reference: Reference) -> Getter:
    """The source id that a key in this row leads to."""
    target, section = target_of(whole.tables, table, kind, reference, whole.name)
    prefix = id_prefix(target, section)
    columns = [one.column for one in reference.fields]
    if len(columns) == 1:
        column = columns[0]

        def single(row: Row) -> str:
            value = row.get(column)
            if type(value) is not str:
                value = plain(value)
            return prefix + _safe(value) if value else ""

        return single
    return lambda row: key_of(prefix, [plain(row.get(c)) for c in columns])


def _safe(value: str) -> str:
    """A value as a part of an id: what has a meaning there is escaped."""
    if value.isprintable() and "/" not in value and "%" not in value and "#" not in value:
        return value
    return _IN_KEY.sub(lambda m: f"%{ord(m[0]):02X}", value)


def several_keys_of(whole: ColumnMap, table: Table, reference: Reference) -> Callable[[Row], list[str]]:
    """Ids for a list of artists: one cell with several keys, or one key of several cells."""
    target, section = target_of(whole.tables, table, "artist", reference, whole.name)
    prefix = id_prefix(target, section)
    one = reference.fields[0]
    if len(reference.fields) == 1:
        return lambda row: [prefix + _safe(part) for part in parts_of(row, one)]
    return lambda row: [key_of(prefix, [plain(row.get(f.column)) for f in reference.fields])]

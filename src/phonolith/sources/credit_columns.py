"""Reads ordered artist credits, with keys and join phrases, and credits by role, out of rows."""

from __future__ import annotations

from typing import Any

from phonolith.model.music import Credit
from phonolith.sources.cells import Getter, Row, parts_of, plain, text_of
from phonolith.sources.keys import identity, reference_of, several_keys_of
from phonolith.sources.map_file import ColumnMap, Field, Section, Table
from phonolith.sources.text import clean


def credits_of(whole: ColumnMap, table: Table, section: Section) -> Getter:
    """The ordered artist credit, then credits by role."""
    artist = section.fields.get("artist", ())
    roles = [(role, one) for role, one in section.groups.get("credits", {}).items()]
    own = [s for s in table.sections if s.kind == "artist"]
    reference = section.references.get("artist_key")
    simple = len(artist) == 1 and not artist[0].split and not roles and "join" not in section.fields
    text, column = (text_of(artist[0]), artist[0].column) if artist else (None, "")
    one_key = reference_of(whole, table, "artist", reference) if reference else identity(table, own[0]) if own else None
    if simple and text:

        def single(row: Row) -> tuple[Credit, ...]:
            if type(row.get(column)) is list:
                return several(row)
            name = text(row)
            return (Credit(name, one_key(row) if one_key else ""),) if name else ()

    joins = section.fields.get("join", ())
    keys_of = several_keys_of(whole, table, reference) if reference else None

    def several(row: Row) -> tuple[Credit, ...]:
        names = (
            parts_of(row, artist[0]) if len(artist) == 1 else [part for one in artist for part in parts_of(row, one)]
        )
        count = len(names)
        keys = keys_of(row) if keys_of else [one_key(row)] if one_key else []
        if len(keys) < count:
            keys = [*keys, *[""] * (count - len(keys))]
        main = [Credit(n, k, j) for n, k, j in zip(names, keys, _joins(row, joins, count), strict=False)]
        if roles:
            main += [Credit(part, "", "", role) for role, one in roles for part in parts_of(row, one)]
        return tuple(main)

    return single if simple and text else several


def _joins(row: Row, fields: tuple[Field, ...], count: int) -> list[str]:
    """Join phrases, one per name: as given, else ", " between names and nothing after the last."""
    if not fields:
        return [", "] * (count - 1) + [""]
    given: list[Any] = []
    for one in fields:
        raw = row.get(one.column)
        given += raw if isinstance(raw, list) else plain(raw).split(one.split) if one.split else [raw]
    if len(given) < count:
        given += [""] * (count - len(given))
    return [j if type(j) is str and j.isprintable() else clean(plain(j)) for j in given]


def by_others(writers: list[Getter], row: Row, credits: tuple[Credit, ...]) -> bool:
    """Whether somebody is named as a writer who is not among the artists."""
    names = {credit.name.casefold() for credit in credits if not credit.role}
    return any(name and name.casefold() not in names for name in (get(row) for get in writers))

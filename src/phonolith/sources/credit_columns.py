"""Reads ordered artist credits, with keys and join phrases, and credits by role, out of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any

from phonolith.model.music import Credit
from phonolith.sources.cells import Column, Rows, all_clean, cells, lists_of, plain, text_of
from phonolith.sources.keys import identities, reference_of, several_keys_of
from phonolith.sources.map_file import ColumnMap, Field, Section, Table
from phonolith.sources.text import clean

_Credits = tuple[Credit, ...]
_MAX_KNOWN = 50_000


def credits_of(whole: ColumnMap, table: Table, section: Section) -> Column:
    """The ordered artist credit of each row, then credits by role. Equal credits of one name are the same object."""
    artist = section.fields.get("artist", ())
    several = _several(whole, table, section)
    straight = len(artist) == 1 and not artist[0].split
    if not straight or section.groups.get("credits") or "join" in section.fields:
        return several
    text, column, keys, made = text_of(artist[0]), artist[0].column, _one_key(whole, table, section), _maker()

    def single(rows: Rows) -> list[_Credits]:
        if list in set(map(type, cells(rows, column))):
            return several(rows)
        return [made((name,), (key,), ("",)) if name else () for name, key in zip(text(rows), keys(rows), strict=True)]

    return single


def _several(whole: ColumnMap, table: Table, section: Section) -> Column:
    names = [lists_of(one) for one in section.fields.get("artist", ())]
    reference = section.references.get("artist_key")
    one_key = _one_key(whole, table, section)
    keys = several_keys_of(whole, table, reference) if reference else lambda rows: [(key,) for key in one_key(rows)]
    joins = section.fields.get("join", ())
    roles = [(role, lists_of(one)) for role, one in section.groups.get("credits", {}).items()]
    made = _maker()

    def several(rows: Rows) -> list[_Credits]:
        named = names[0](rows) if len(names) == 1 else _chained(names, rows)
        found = [
            made(tuple(some), _filled(mine, len(some)), between)
            for some, mine, between in zip(named, keys(rows), _joins(rows, joins, named), strict=True)
        ]
        for role, read in roles:
            more = [tuple([Credit(part, "", "", role) for part in parts]) for parts in read(rows)]
            found = [credit + others for credit, others in zip(found, more, strict=True)]
        return found

    return several


def _one_key(whole: ColumnMap, table: Table, section: Section) -> Column:
    """The key of a row's one artist, "" where the table has none."""
    if reference := section.references.get("artist_key"):
        return reference_of(whole, table, "artist", reference)
    own = [one for one in table.sections if one.kind == "artist"]
    return identities(table, own[0]) if own else lambda rows: [""] * len(rows)


def _maker() -> Callable[[tuple[str, ...], tuple[str, ...], tuple[str, ...]], _Credits]:
    """Makes credits of names, keys and join phrases; those made before are had again."""
    known: dict[tuple[tuple[str, ...], ...], _Credits] = {}

    def made(names: tuple[str, ...], keys: tuple[str, ...], joins: tuple[str, ...]) -> _Credits:
        asked = names, keys, joins
        found = known.get(asked)
        if found is None:
            if len(known) >= _MAX_KNOWN:
                known.clear()
            found = known[asked] = tuple(map(Credit, names, keys, joins))
        return found

    return made


def _chained(names: Sequence[Column], rows: Rows) -> list[tuple[str, ...]]:
    return [tuple(chain(*some)) for some in zip(*[read(rows) for read in names], strict=True)] or [()] * len(rows)


def _filled(keys: Sequence[str], count: int) -> tuple[str, ...]:
    """As many keys as there are names; those that are missing are ""."""
    return tuple(keys) if len(keys) == count else (*keys, *repeat("", count))[:count]


def _joins(rows: Rows, fields: tuple[Field, ...], names: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Join phrases, one per name: as given, else ", " between names and nothing after the last."""
    if not fields:
        return [(*repeat(", ", len(some) - 1), "") if some else () for some in names]
    given = cells(rows, fields[0].column)
    if len(fields) == 1 and set(map(type, given)) == {list} and all_clean(list(chain.from_iterable(given))):
        return [_filled(some, len(mine)) for some, mine in zip(given, names, strict=True)]
    return [_row_joins(row, fields, len(some)) for row, some in zip(rows, names, strict=True)]


def _row_joins(row: Any, fields: tuple[Field, ...], count: int) -> tuple[str, ...]:
    given: list[Any] = []
    for one in fields:
        raw = row.get(one.column)
        given += raw if isinstance(raw, list) else plain(raw).split(one.split) if one.split else [raw]
    return _filled([clean(plain(phrase)) for phrase in given], count)


def by_others(writers: Sequence[str], credits: _Credits) -> bool:
    """Whether somebody is named as a writer who is not among the artists."""
    names = {credit.name.casefold() for credit in credits if not credit.role}
    return any(name and name.casefold() not in names for name in writers)

"""The way back from descriptions to a row: what the round trip of a table is measured with, never used in a build."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from phonolith.model.music import ArtistDescription, Credit, Description, ReleaseDescription, TrackDescription
from phonolith.sources.cells import NO, YES, joiner
from phonolith.sources.keys import id_prefix
from phonolith.sources.map_file import ColumnMap, Field, Reference, Section, Table, target_of

_KINDS = {"artist": ArtistDescription, "release": ReleaseDescription, "track": TrackDescription}


def row_of(whole: ColumnMap, table: Table, descriptions: Iterable[Description]) -> dict[str, Any]:
    """The cells that ``descriptions`` of one row hold in columns and remainder, by column."""
    row: dict[str, Any] = {}
    for description in descriptions:
        for section in table.sections:
            if isinstance(description, _KINDS[section.kind]):
                _put_section(row, whole, table, section, description)
    return row


def _put_section(row: dict[str, Any], whole: ColumnMap, table: Table, section: Section, said: Any) -> None:
    _put_key(row, section.key, said.id.removeprefix(id_prefix(table, section)).partition("#")[0])
    for name, several in section.fields.items():
        if len(several) == 1:
            _put(row, several[0], _value(name, several[0], said))
    for name, reference in section.references.items():
        _put_reference(row, whole, table, reference, name, said)
    for group, fields in section.groups.items():
        for key, one in fields.items():
            _put(row, one, _of_group(group, key, said))
    if said.remainder:
        row.update(msgspec.json.decode(said.remainder))


def _value(name: str, one: Field, said: Any) -> Any:
    """What the columns hold of a field; of a list that several columns feed, the remainder holds the cells."""
    main = [credit for credit in getattr(said, "credits", ()) if not credit.role]
    special: dict[str, Any] = {
        "artist": lambda: [c.name for c in main],
        "join": lambda: [c.join for c in main],
        "isrc": lambda: list(said.isrcs),
        "duration": lambda: said.duration_ms,
        "explicit": lambda: _yes_or_no(one, said.explicit),
        "label": lambda: said.labels[0].name if said.labels else "",
        "catalogue_number": lambda: said.labels[0].catalogue_number if said.labels else "",
        "licence": lambda: said.licences[0].uri if said.licences else "",
        "audio": lambda: said.files[0].url if said.files else "",
        "cover": lambda: said.files[0].url if said.files else "",
    }
    value = special[name]() if name in special else getattr(said, name)
    if name == "duration" and value is not None:
        clock = f"{value // 60000}:{value // 1000 % 60:02d}"
        return value if one.unit == "ms" else value / 1000 if one.unit == "s" else clock
    return value


def _yes_or_no(one: Field, explicit: bool | None) -> str | bool | None:
    """The cell that means yes or no in this map, else the meaning itself."""
    if explicit is None:
        return None
    wanted = YES if explicit else NO
    return next((old for old, new in one.values.items() if new.lower() in wanted), explicit)


def _of_group(group: str, key: str, said: Any) -> Any:
    if group == "links":
        return next((link.url for link in said.links if link.rel == key), "")
    if group == "origin":
        return getattr(said.origin, key) if said.origin else ""
    if group == "identifiers":
        return [value for scheme, value in said.identifiers if scheme == key]
    return [credit.name for credit in said.credits if credit.role == key]


def _put(row: dict[str, Any], one: Field, value: Any) -> None:
    """Put a value into its column; a list in the form its field cuts, a replaced value as it was."""
    if not one.column or value is None or value in ("", (), []):
        return
    if isinstance(value, tuple | list):
        back = {new: old for old, new in one.values.items()}
        parts: list[str] = [str(back.get(part, part)) for part in value]
        value = joiner(one.split).join(parts) if one.split else (parts[0] if len(parts) == 1 else parts)
    elif isinstance(value, str) and one.values:
        value = {new: old for old, new in one.values.items()}.get(value, value)
    row[one.column] = value


def _put_reference(
    row: dict[str, Any], whole: ColumnMap, table: Table, reference: Reference, name: str, said: Any
) -> None:
    kind = "artist" if name == "artist_key" else "release"
    target, section = target_of(whole.tables, table, kind, reference, whole.name)
    prefix = id_prefix(target, section)
    if name == "release":
        _put_key(row, tuple(one.column for one in reference.fields), said.release.removeprefix(prefix))
        return
    ids = [credit.artist.removeprefix(prefix) for credit in _main(said.credits) if credit.artist]
    if len(reference.fields) == 1 and ids:
        _put(row, reference.fields[0], [_unescape(one) for one in ids])
    elif ids:
        _put_key(row, tuple(one.column for one in reference.fields), ids[0])


def _main(credits: Iterable[Credit]) -> list[Credit]:
    return [credit for credit in credits if not credit.role]


def _put_key(row: dict[str, Any], columns: tuple[str, ...], key: str) -> None:
    for column, value in zip(columns, key.split("/"), strict=False):
        if value:
            row[column] = _unescape(value)


def _unescape(text: str) -> str:
    return re.sub("%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), text)

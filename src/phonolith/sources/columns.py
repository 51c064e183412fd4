"""Turns a column map into functions that read a row: made once, run for every row, so they are short and fast."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from phonolith.model.music import (
    ArtistDescription,
    Credit,
    Description,
    File,
    Label,
    Level,
    LicenceStatement,
    Link,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.sources.base import description_fields
from phonolith.sources.map_file import ColumnMap, Field, Reference, Section, Table, target_of
from phonolith.sources.text import LONGEST, clean, holds_mail

Row = Mapping[str, Any]
Getter = Callable[[Row], Any]
Maker = Callable[[str, Row], Description]

_CLASSES = {"artist": ArtistDescription, "release": ReleaseDescription, "track": TrackDescription}
_WRITERS = frozenset({"composer", "lyricist", "writer", "librettist", "songwriter"})
_OTHERS_WORK = re.compile(r"\b(?:remix|rmx|bootleg|mash-?up|cover (?:of|version))\b|\bcover\)", re.IGNORECASE)
YES = {"1": True, "true": True, "yes": True, "y": True, "explicit": True}
NO = {"0": False, "false": False, "no": False, "n": False, "clean": False}
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)")
_IN_KEY = re.compile("[%/#\x00-\x1f\x7f]")
_MAX_DURATION_MS = 2**40
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


def plain(value: Any) -> str:
    """A cell as text: "" for nothing, lists joined by ", ", whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, list):
        return ", ".join(plain(one) for one in value)
    return str(value)


def joiner(split: str) -> str:
    """What puts a list back together that was cut at ``split``."""
    return f"{split} " if split in (",", ";") else split


def milliseconds(value: str, unit: str) -> int | None:
    """A duration in milliseconds, None where the text is not one."""
    if unit == "min:sec":
        match = _CLOCK.fullmatch(value.strip())
        return round(((int(match[1] or 0) * 60 + int(match[2])) * 60 + float(match[3])) * 1000) if match else None
    number = _number(value)
    if number is None or number < 0:
        return None
    length = round(number * 1000) if unit == "s" else round(number)
    return length if length < _MAX_DURATION_MS else None


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
    writers = [_text(one) for role, one in section.groups.get("credits", {}).items() if role in _WRITERS]
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
            elif not _says_nothing(row.get(one.column), one):
                left[one.column] = row[one.column]
        if others:
            values[others] = bool(_OTHERS_WORK.search(values[title])) or (
                bool(writers) and _by_others(writers, row, values[credits])
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
            simple["isrcs" if name == "isrc" else name] = _list(several)
        elif name == "duration":
            checked.append(("duration_ms", _duration(one), one))
        elif name in ("disc", "position"):
            checked.append((name, _whole_number(one, 1 if name == "disc" else 0), one))
        elif name == "popularity":
            checked.append((name, _float(one), one))
        elif name == "explicit":
            checked.append((name, _explicit(one), one))
        elif name == "licence":
            where = table.file or table.resource or table.name
            simple["licences"] = _licences(one, Level(whole.licence_level), source, where)
        elif name in ("audio", "cover"):
            checked.append(("files", _file(name, one), one))
        elif name == "label":
            simple["labels"] = _labels(one, fields.get("catalogue_number", (None,))[0])
        elif name not in ("artist", "join", "catalogue_number"):
            simple[name] = _text(one)
    if section.kind != "artist":
        simple["credits"] = _credits(whole, table, section)
    for name, reference in section.references.items():
        if name == "release":
            simple["release"] = _reference(whole, table, "release", reference)
    if section.kind == "track" and "release" not in simple:
        own = [s for s in table.sections if s.kind == "release"]
        if own:
            simple["release"] = identity(table, own[0])
    if section.groups.get("identifiers"):
        simple["identifiers"] = _pairs(section.groups["identifiers"])
    if section.groups.get("links"):
        simple["links"] = _links(section.groups["links"])
    return simple, checked


def _text(one: Field) -> Getter:
    """The cell as clean text, "" where it says nothing."""
    column, empty, values, constant = one.column, one.empty, one.values, clean(one.value)
    if not column:
        return lambda row: constant

    def get(row: Row) -> str:
        value = row.get(column)
        if value is None or value == "":
            return ""
        if type(value) is not str:
            value = plain(value)
        if value in empty:
            return ""
        if values:
            value = values.get(value, value)
        return value if len(value) <= LONGEST and value.isprintable() else clean(value)

    return get


def _list(several: tuple[Field, ...]) -> Getter:
    """Values of one or more cells, each cut if its field says so, without repetition."""
    if len(several) == 1 and not several[0].split:
        text, column = _text(several[0]), several[0].column

        def single(row: Row) -> tuple[str, ...]:
            if type(row.get(column)) is list:
                return _parts(row, several[0])
            value = text(row)
            return (value,) if value else ()

        return single
    return lambda row: tuple(dict.fromkeys([part for one in several for part in _parts(row, one)]))


def _parts(row: Row, one: Field) -> tuple[str, ...]:
    """One cell as a list of clean texts."""
    raw = row.get(one.column) if one.column else one.value
    cells = raw if isinstance(raw, list) else [raw]
    if not (one.split or one.values or one.empty):
        found = [v if type(v) is str and v.isprintable() and len(v) <= LONGEST else clean(plain(v)) for v in cells]
        return tuple([v for v in found if v])
    texts = [plain(cell) for cell in cells]
    if one.split:
        texts = [part.strip() for text in texts for part in text.split(one.split)]
    return tuple([clean(one.values.get(text, text)) for text in texts if text and text not in one.empty])


def _credits(whole: ColumnMap, table: Table, section: Section) -> Getter:
    """The ordered artist credit, then credits by role."""
    artist = section.fields.get("artist", ())
    roles = [(role, one) for role, one in section.groups.get("credits", {}).items()]
    own = [s for s in table.sections if s.kind == "artist"]
    reference = section.references.get("artist_key")
    simple = len(artist) == 1 and not artist[0].split and not roles and "join" not in section.fields
    text, column = (_text(artist[0]), artist[0].column) if artist else (None, "")
    one_key = _reference(whole, table, "artist", reference) if reference else identity(table, own[0]) if own else None
    if simple and text:

        def single(row: Row) -> tuple[Credit, ...]:
            if type(row.get(column)) is list:
                return several(row)
            name = text(row)
            return (Credit(name, one_key(row) if one_key else ""),) if name else ()

    joins = section.fields.get("join", ())
    keys_of = _several_keys(whole, table, reference) if reference else None

    def several(row: Row) -> tuple[Credit, ...]:
        names = _parts(row, artist[0]) if len(artist) == 1 else [part for one in artist for part in _parts(row, one)]
        count = len(names)
        keys = keys_of(row) if keys_of else [one_key(row)] if one_key else []
        if len(keys) < count:
            keys = [*keys, *[""] * (count - len(keys))]
        main = [Credit(n, k, j) for n, k, j in zip(names, keys, _joins(row, joins, count), strict=False)]
        if roles:
            main += [Credit(part, "", "", role) for role, one in roles for part in _parts(row, one)]
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


def _several_keys(whole: ColumnMap, table: Table, reference: Reference) -> Callable[[Row], list[str]]:
    """Ids for a list of artists: one cell with several keys, or one key of several cells."""
    target, section = target_of(whole.tables, table, "artist", reference, whole.name)
    prefix = id_prefix(target, section)
    one = reference.fields[0]
    if len(reference.fields) == 1:
        return lambda row: [prefix + _safe(part) for part in _parts(row, one)]
    return lambda row: [key_of(prefix, [plain(row.get(f.column)) for f in reference.fields])]


def _reference(whole: ColumnMap, table: Table, kind: str, reference: Reference) -> Getter:
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


def id_prefix(table: Table, section: Section) -> str:
    """What ids of a section begin with."""
    if not table.prefix:
        return ""
    return f"{table.name}:" if section is table.main else f"{table.name}.{section.kind}:"


def _duration(one: Field) -> Getter:
    column, unit, empty = one.column, one.unit, one.empty

    def get(row: Row) -> int | None:
        value = row.get(column)
        if type(value) is str:
            if unit != "min:sec" and value.isdecimal() and len(value) < 8:
                return int(value) * 1000 if unit == "s" else int(value)
        elif value is None:
            return None
        else:
            value = plain(value)
        return None if value in empty else milliseconds(value, unit)

    return get


def _whole_number(one: Field, least: int) -> Getter:
    column, constant = one.column, one.value

    def get(row: Row) -> int | None:
        value = row.get(column) if column else constant
        if type(value) is int:
            return value if least <= value < 2**31 else None
        text = plain(value).strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
        return number if number >= least else None

    return get


def _float(one: Field) -> Getter:
    column, empty = one.column, one.empty

    def get(row: Row) -> float | None:
        value = row.get(column)
        if type(value) is int or type(value) is float:
            return float(value) if math.isfinite(value) else None
        return None if value in empty else _number(plain(value))

    return get


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _explicit(one: Field) -> Getter:
    get = _text(one)

    def explicit(row: Row) -> bool | None:
        value = get(row).lower()
        return YES.get(value, NO.get(value))

    return explicit


def _licences(one: Field, level: Level, by: str, where: str) -> Getter:
    """The licence statement; equal ones are the same object, for there are few."""
    get = _text(one)
    known: dict[str, tuple[LicenceStatement, ...]] = {"": ()}

    def licences(row: Row) -> tuple[LicenceStatement, ...]:
        uri = get(row)
        found = known.get(uri)
        if found is None:
            found = (LicenceStatement(uri, level, by, where),)
            if len(known) < 10_000:
                known[uri] = found
        return found

    return licences


def _labels(label: Field, number: Field | None) -> Getter:
    name, catalogue = _text(label), _text(number) if number else None

    def labels(row: Row) -> tuple[Label, ...]:
        found, code = name(row), catalogue(row) if catalogue else ""
        return (Label(found, "", code),) if found or code else ()

    return labels


def _file(role: str, one: Field) -> Getter:
    get = _text(one)

    def files(row: Row) -> tuple[File, ...] | None:
        url = get(row)
        return (File(role, url.rpartition("/")[2], url=url),) if is_address(url) else None

    return files


def _pairs(group: Mapping[str, Field]) -> Getter:
    several = list(group.items())
    return lambda row: tuple((scheme, part) for scheme, one in several for part in _parts(row, one))


def _links(group: Mapping[str, Field]) -> Getter:
    several = [(rel, _text(one)) for rel, one in group.items()]
    return lambda row: tuple(Link(rel, url) for rel, get in several if is_address(url := get(row)))


def is_address(text: str) -> bool:
    """Whether a text is an address that may become a link: http or https and nothing else."""
    return text.startswith(("http://", "https://"))


def _by_others(writers: list[Getter], row: Row, credits: tuple[Credit, ...]) -> bool:
    """Whether somebody is named as a writer who is not among the artists."""
    names = {credit.name.casefold() for credit in credits if not credit.role}
    return any(name and name.casefold() not in names for name in (get(row) for get in writers))


def _says_nothing(value: Any, one: Field) -> bool:
    return value is None or value == "" or (isinstance(value, str) and value in one.empty)


def _safe(value: str) -> str:
    """A value as a part of an id: what has a meaning there is escaped."""
    if value.isprintable() and "/" not in value and "%" not in value and "#" not in value:
        return value
    return _IN_KEY.sub(lambda m: f"%{ord(m[0]):02X}", value)


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
    return _says_nothing(value, one) or is_address(str(value))


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

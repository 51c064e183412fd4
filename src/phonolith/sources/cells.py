"""Functions that read one cell of a row: text, lists, numbers, durations, addresses, licences."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from phonolith.model.music import File, Label, Level, LicenceStatement, Link
from phonolith.sources.map_file import Field
from phonolith.sources.text import LONGEST, clean

Row = Mapping[str, Any]
Getter = Callable[[Row], Any]

YES = {"1": True, "true": True, "yes": True, "y": True, "explicit": True}
NO = {"0": False, "false": False, "no": False, "n": False, "clean": False}
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)")
_MAX_DURATION_MS = 2**40


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


def text_of(one: Field) -> Getter:
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


def values_of(several: tuple[Field, ...]) -> Getter:
    """Values of one or more cells, each cut if its field says so, without repetition."""
    if len(several) == 1 and not several[0].split:
        text, column = text_of(several[0]), several[0].column

        def single(row: Row) -> tuple[str, ...]:
            if type(row.get(column)) is list:
                return parts_of(row, several[0])
            value = text(row)
            return (value,) if value else ()

        return single
    return lambda row: tuple(dict.fromkeys([part for one in several for part in parts_of(row, one)]))


def parts_of(row: Row, one: Field) -> tuple[str, ...]:
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


def duration_of(one: Field) -> Getter:
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


def whole_of(one: Field, least: int) -> Getter:
    column, constant = one.column, one.value

    def get(row: Row) -> int | None:
        value = row.get(column) if column else constant
        if type(value) is int:
            return value if least <= value < 2**31 else None
        text = plain(value).strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
        return number if number >= least else None

    return get


def real_of(one: Field) -> Getter:
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


def explicit_of(one: Field) -> Getter:
    get = text_of(one)

    def explicit(row: Row) -> bool | None:
        value = get(row).lower()
        return YES.get(value, NO.get(value))

    return explicit


def licences_of(one: Field, level: Level, by: str, where: str) -> Getter:
    """The licence statement; equal ones are the same object, for there are few."""
    get = text_of(one)
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


def labels_of(label: Field, number: Field | None) -> Getter:
    name, catalogue = text_of(label), text_of(number) if number else None

    def labels(row: Row) -> tuple[Label, ...]:
        found, code = name(row), catalogue(row) if catalogue else ""
        return (Label(found, "", code),) if found or code else ()

    return labels


def file_of(role: str, one: Field) -> Getter:
    get = text_of(one)

    def files(row: Row) -> tuple[File, ...] | None:
        url = get(row)
        return (File(role, url.rpartition("/")[2], url=url),) if is_address(url) else None

    return files


def pairs_of(group: Mapping[str, Field]) -> Getter:
    several = list(group.items())
    return lambda row: tuple((scheme, part) for scheme, one in several for part in parts_of(row, one))


def links_of(group: Mapping[str, Field]) -> Getter:
    several = [(rel, text_of(one)) for rel, one in group.items()]
    return lambda row: tuple(Link(rel, url) for rel, get in several if is_address(url := get(row)))


def is_address(text: str) -> bool:
    """Whether a text is an address that may become a link: http or https and nothing else."""
    return text.startswith(("http://", "https://"))


def says_nothing(value: Any, one: Field) -> bool:
    return value is None or value == "" or (isinstance(value, str) and value in one.empty)

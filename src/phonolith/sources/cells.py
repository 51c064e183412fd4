"""Functions that read a column of rows: text, lists, numbers, durations, addresses, licences.

A whole column is looked at together first: nearly always every cell is a text that can stay as it is, and finding that
out for hundreds of cells at once takes half the time of asking each. Only then cells are read one by one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from phonolith.model.music import File, Label, Level, LicenceStatement, Link, Origin
from phonolith.sources.map_file import Field
from phonolith.sources.text import LONGEST, clean

Row = Mapping[str, Any]
Rows = Sequence[Row]
#: Reads one value for each row.
Column = Callable[[Rows], list[Any]]
T = TypeVar("T")

YES = {"1": True, "true": True, "yes": True, "y": True, "explicit": True}
NO = {"0": False, "false": False, "no": False, "n": False, "clean": False}
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)")
_MAX_DURATION_MS = 2**40
_MAX_KNOWN = 10_000
_TEXTS = frozenset((str, type(None)))


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


def cells(rows: Rows, column: str) -> list[Any]:
    """The cells of a column as they are, None where a row has none."""
    return [row.get(column) for row in rows]


def all_clean(values: Sequence[Any]) -> bool:
    """Whether every value is a text that :func:`clean` leaves as it is."""
    try:
        joined = "".join(values)
    except TypeError:
        return False
    return joined.isprintable() and (len(joined) <= LONGEST or max(map(len, values)) <= LONGEST)


def each(read: Callable[[Any], T], values: Sequence[Any]) -> list[T]:
    """``read`` applied to every value, to equal texts once: for columns of few different ones."""
    if set(map(type, values)) <= _TEXTS:
        known = {value: read(value) for value in set(values)}
        return [known[value] for value in values]
    return [read(value) for value in values]


def text_reader(one: Field) -> Callable[[Any], str]:
    """A function from a cell to clean text, "" where it says nothing."""
    empty, values = one.empty, one.values

    def read(value: Any) -> str:
        if value is None or value == "":
            return ""
        if type(value) is not str:
            value = plain(value)
        if value in empty:
            return ""
        if values:
            value = values.get(value, value)
        return value if len(value) <= LONGEST and value.isprintable() else clean(value)

    return read


def text_of(one: Field) -> Column:
    """The column as clean text, "" where it says nothing."""
    column, constant, read = one.column, clean(one.value), text_reader(one)
    if not column:
        return lambda rows: [constant] * len(rows)
    if one.values:
        return lambda rows: each(read, cells(rows, column))
    empty = one.empty

    def texts(rows: Rows) -> list[str]:
        values = ["" if value is None else value for value in cells(rows, column)]
        if all_clean(values):
            return ["" if value in empty else value for value in values] if empty else values
        return [read(value) for value in values]

    return texts


def values_of(several: tuple[Field, ...]) -> Column:
    """Values of one or more columns, each cut if its field says so, without repetition."""
    if len(several) > 1 or several[0].split:
        lists = [lists_of(one) for one in several]

        def joined(rows: Rows) -> list[tuple[str, ...]]:
            found = zip(*[read(rows) for read in lists], strict=True)
            return [tuple(dict.fromkeys(chain(*row))) for row in found]

        return joined
    one, text, parts = several[0], text_of(several[0]), lists_of(several[0])

    def single(rows: Rows) -> list[tuple[str, ...]]:
        if list in set(map(type, cells(rows, one.column))):
            found = zip(parts(rows), cells(rows, one.column), text(rows), strict=True)
            return [tuple(some) if type(raw) is list else (value,) if value else () for some, raw, value in found]
        return [(value,) if value else () for value in text(rows)]

    return single


def lists_of(one: Field) -> Column:
    """Each cell as a list of clean texts."""
    straight = bool(one.column) and not (one.split or one.values or one.empty)

    def lists(rows: Rows) -> list[Sequence[str]]:
        raw = cells(rows, one.column) if one.column else [one.value] * len(rows)
        if straight and set(map(type, raw)) == {list}:
            together = list(chain.from_iterable(raw))
            if all_clean(together) and "" not in together:
                return raw
        return [parts_of(cell, one) for cell in raw]

    return lists


def parts_of(raw: Any, one: Field) -> tuple[str, ...]:
    """One cell as a list of clean texts."""
    several = raw if isinstance(raw, list) else [raw]
    texts = [plain(cell) for cell in several]
    if one.split:
        texts = [part.strip() for text in texts for part in text.split(one.split)]
    found = [clean(one.values.get(text, text)) for text in texts if text and text not in one.empty]
    return tuple([text for text in found if text])


def duration_of(one: Field) -> Column:
    """Durations in milliseconds, None where a cell has none that can be read."""
    column, unit, empty = one.column, one.unit, one.empty
    factor = {"s": 1000, "ms": 1}.get(unit, 0)

    def read(value: Any) -> int | None:
        if value is None:
            return None
        if type(value) is not str:
            value = plain(value)
        return None if value in empty else milliseconds(value, unit)

    def durations(rows: Rows) -> list[int | None]:
        values = cells(rows, column)
        if factor and not empty and _are_numbers(values, 7):
            return [int(value) * factor for value in values]
        return [read(value) for value in values]

    return durations


def whole_of(one: Field, least: int) -> Column:
    """Whole numbers of at least ``least``, None where a cell has none."""
    column, constant = one.column, one.value

    def read(value: Any) -> int | None:
        if type(value) is int:
            return value if least <= value < 2**31 else None
        text = plain(value).strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
        return number if number >= least else None

    def numbers(rows: Rows) -> list[int | None]:
        if not column:
            return [read(constant)] * len(rows)
        return each(read, cells(rows, column))

    return numbers


def _are_numbers(values: Sequence[Any], digits: int) -> bool:
    """Whether all values are texts of 1 to ``digits`` ASCII digits."""
    try:
        joined = "".join(values)
    except TypeError:
        return False
    return joined.isdecimal() and joined.isascii() and max(map(len, values)) <= digits and all(values)


def real_of(one: Field) -> Column:
    """Numbers, None where a cell has none."""
    column, empty = one.column, one.empty

    def read(value: Any) -> float | None:
        if type(value) is int or type(value) is float:
            return float(value) if math.isfinite(value) else None
        text = plain(value)
        return None if text in empty else _number(text)

    return lambda rows: each(read, cells(rows, column))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def explicit_of(one: Field) -> Column:
    """Yes, no or None."""
    get = text_of(one)

    def read(value: str) -> bool | None:
        value = value.lower()
        return YES.get(value, NO.get(value))

    return lambda rows: each(read, get(rows))


def licences_of(one: Field, level: Level, by: str, where: str) -> Column:
    """The licence statement; equal ones are the same object, for there are few."""
    get = text_of(one)
    known: dict[str, tuple[LicenceStatement, ...]] = {"": ()}

    def read(uri: str) -> tuple[LicenceStatement, ...]:
        found = known.get(uri)
        if found is None:
            found = (LicenceStatement(uri, level, by, where),)
            if len(known) < _MAX_KNOWN:
                known[uri] = found
        return found

    return lambda rows: [read(uri) for uri in get(rows)]


def origins_of(group: Mapping[str, Field], level: Level, by: str, where: str) -> Column:
    """The dates that may put a recording into the public domain, None where a row has none of them."""
    readers = {name: text_of(one) for name, one in group.items()}

    def read(rows: Rows) -> list[Origin | None]:
        dates = zip(*[get(rows) for get in readers.values()], strict=True)
        told = (dict(zip(readers, one, strict=True)) for one in dates)
        return [Origin(**one, level=level, by=by, where=where) if any(one.values()) else None for one in told]

    return read


def labels_of(label: Field, number: Field | None) -> Column:
    """The label with the release's number there; equal ones are the same object."""
    name, catalogue = text_of(label), text_of(number or Field())
    known: dict[tuple[str, str], tuple[Label, ...]] = {("", ""): ()}

    def read(pair: tuple[str, str]) -> tuple[Label, ...]:
        found = known.get(pair)
        if found is None:
            found = (Label(pair[0], "", pair[1]),)
            if len(known) < _MAX_KNOWN:
                known[pair] = found
        return found

    return lambda rows: [read(pair) for pair in zip(name(rows), catalogue(rows), strict=True)]


def file_of(role: str, one: Field) -> Column:
    """The file at an address, None where a cell has no address."""
    get = text_of(one)

    def read(url: str) -> tuple[File, ...] | None:
        return (File(role, url.rpartition("/")[2], url=url),) if is_address(url) else None

    return lambda rows: [read(url) for url in get(rows)]


def pairs_of(group: Mapping[str, Field]) -> Column:
    """Pairs of scheme and value."""
    several = [(scheme, lists_of(one)) for scheme, one in group.items()]

    def pairs(rows: Rows) -> list[tuple[tuple[str, str], ...]]:
        found = [[[(scheme, part) for part in some] for some in read(rows)] for scheme, read in several]
        return [tuple(chain(*row)) for row in zip(*found, strict=True)]

    return pairs


def links_of(group: Mapping[str, Field]) -> Column:
    """Links, one for each column that has an address."""
    several = [(rel, text_of(one)) for rel, one in group.items()]

    def links(rows: Rows) -> list[tuple[Link, ...]]:
        found = [[(rel, url) for url in get(rows)] for rel, get in several]
        return [tuple([Link(rel, url) for rel, url in row if is_address(url)]) for row in zip(*found, strict=True)]

    return links


def is_address(text: str) -> bool:
    """Whether a text is an address that may become a link: http or https and nothing else."""
    return text.startswith(("http://", "https://"))


def says_nothing(value: Any, one: Field) -> bool:
    """Whether a cell has nothing to say."""
    return value is None or value == "" or (isinstance(value, str) and value in one.empty)

"""Reads rows of CSV, TSV and Parquet files: one bad row is a finding with its line, and all the others arrive."""

from __future__ import annotations

import base64
import codecs
import csv
import datetime
import decimal
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.errors import BadInput, NotFound
from phonolith.sources.text import visible
from phonolith.store.files import storage_error

#: A row of text may be this long, in characters; a longer one is a broken row.
LONGEST_ROW = 1024 * 1024
_MOST_LINES = 100
_FETCH = 10_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Good:
    """A row: its first line (of a Parquet file: its number), counted from 1, and its cells by column."""

    line: int
    cells: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that could not be cut into cells. ``text`` is what it was (``base64:…`` if no text), cut at 64 KiB."""

    line: int
    problem: str
    remedy: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """An open table: the name of its file for messages, its columns, its rows (to be read once), what was noticed."""

    name: str
    columns: tuple[str, ...]
    rows: Iterator[Good | Broken]
    note: str = ""


def open_text(path: Path, *, encoding: str = "", delimiter: str = "") -> Reading:
    """Open a CSV or TSV file. The delimiter is a tab for ``.tsv`` and ``.tab``, else a comma, unless given.

    A byte order mark decides the encoding, then ``encoding``, then UTF-8. Raises NotFound, StorageError, BadInput (no
    header, columns with the same name, an encoding that cannot be).
    """
    name = visible(path.name)
    start = _start_of(path)
    marked = next((found for mark, found in _BOMS if start.startswith(mark)), "")
    _check_encoding(name, start, encoding, marked)
    lines = _lines(path, marked or encoding or "utf-8")
    rows = _records(lines, delimiter or ("\t" if path.suffix.lower() in (".tsv", ".tab") else ","))
    first = next(rows, None)
    if first is None:
        raise BadInput(name, "is empty: it has no header", "Its first line must name the columns")
    if isinstance(first, Broken):
        raise BadInput(f"{name} line 1", first.problem, first.remedy)
    columns = _header(name, first[1])
    note = f"it is {marked.upper()} by its byte order mark" if marked not in ("", "utf-8-sig") else ""
    return Reading(name, columns, _cells(rows, columns), note)


def open_parquet(path: Path) -> Reading:
    """Open a Parquet file through DuckDB. Raises NotFound, StorageError, BadInput."""
    import duckdb

    name = visible(path.name)
    _start_of(path)
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false", "threads": "1"})
    try:
        cursor = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
    except duckdb.Error as error:
        raise BadInput(name, f"is not a Parquet file: {str(error)[:200]}", "Check the file and its format") from error
    columns = tuple(column[0] for column in cursor.description or ())
    return Reading(name, columns, _parquet_rows(connection, cursor, columns))


def _start_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except FileNotFoundError:
        raise NotFound(visible(str(path)), "is not there", "Check the path and the map's file names") from None
    except OSError as error:
        raise storage_error(path, error) from error


def _check_encoding(name: str, start: bytes, encoding: str, marked: str) -> None:
    if encoding:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise BadInput(
                name, f"encoding {encoding!r} is not known", "Use utf-8, utf-16, latin-1, cp1252 …"
            ) from None
    if not marked and not encoding and start.count(0) > len(start) // 4:
        raise BadInput(name, "is not UTF-8: it looks like UTF-16", 'Declare encoding = "utf-16-le" in its table')


def _header(name: str, cells: list[str]) -> tuple[str, ...]:
    columns = tuple(cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1))
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise BadInput(f"{name} line 1", f"two columns are called {twice[0]!r}", "Give each column its own name")
    return columns


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str | Broken]]:
    """Lines with their numbers. A line that is too long or not in the encoding is given as broken."""
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        yield from _wide_lines(path, encoding)
        return
    with path.open("rb") as file:
        if encoding == "utf-8-sig":
            file.seek(len(codecs.BOM_UTF8))
        number = 0
        while raw := file.readline(LONGEST_ROW):
            number += 1
            if len(raw) == LONGEST_ROW and not raw.endswith(b"\n"):
                yield number, _too_long(number, raw.decode(encoding, "replace"), _skip(file))
                continue
            try:
                yield number, raw.decode(encoding)
            except UnicodeDecodeError as error:
                yield number, _undecodable(number, raw, encoding, error)


def _wide_lines(path: Path, encoding: str) -> Iterator[tuple[int, str | Broken]]:
    with io.TextIOWrapper(path.open("rb"), encoding=encoding, errors="replace", newline="\n") as file:
        number = 0
        while text := file.readline(LONGEST_ROW):
            number += 1
            if len(text) == LONGEST_ROW and not text.endswith("\n"):
                rest = 0
                while (more := file.readline(LONGEST_ROW)) and not more.endswith("\n"):
                    rest += len(more)
                yield number, _too_long(number, text, rest + len(more))
            else:
                yield number, text


def _skip(file: io.BufferedReader) -> int:
    """Read on to the end of the line without keeping it; the number of bytes."""
    skipped = 0
    while more := file.readline(LONGEST_ROW):
        skipped += len(more)
        if more.endswith(b"\n"):
            break
    return skipped


def _too_long(number: int, text: str, rest: int) -> Broken:
    problem = f"is {len(text) + rest:,} characters long; {LONGEST_ROW:,} are allowed"
    return Broken(number, problem, "A quotation mark may be missing, or a field holds a file", text[:65536])


def _undecodable(number: int, raw: bytes, encoding: str, error: UnicodeDecodeError) -> Broken:
    problem = f"is not {encoding.upper()}: byte {raw[error.start]:#04x} at place {error.start + 1}"
    remedy = 'Declare its encoding in the map, for example encoding = "latin-1"'
    return Broken(number, problem, remedy, "base64:" + base64.b64encode(raw[:49152]).decode())


def _records(lines: Iterator[tuple[int, str | Broken]], delimiter: str) -> Iterator[tuple[int, list[str]] | Broken]:
    """Logical rows: a quoted cell may run over several lines. A quotation mark never closed costs its own line only."""
    again: list[tuple[int, str | Broken]] = []
    while True:
        number, line = again.pop() if again else next(lines, (0, None))
        if line is None:
            return
        if isinstance(line, Broken):
            yield line
            continue
        if '"' not in line:
            if line.strip("\r\n"):
                yield number, line.rstrip("\r\n").split(delimiter)
            continue
        taken: list[tuple[int, str | Broken]] = []
        row = _quoted(number, line, delimiter, lines, again, taken)
        if isinstance(row, Broken):
            again.extend(reversed(taken))
        yield row


def _quoted(
    number: int,
    text: str,
    delimiter: str,
    lines: Iterator[tuple[int, str | Broken]],
    again: list[tuple[int, str | Broken]],
    taken: list[tuple[int, str | Broken]],
) -> tuple[int, list[str]] | Broken:
    """One row that has quotation marks, with as many further lines as it takes; those are noted in ``taken``."""
    whole = text
    while len(taken) <= _MOST_LINES and len(whole) <= LONGEST_ROW:
        try:
            return number, next(csv.reader([whole], delimiter=delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                if taken:
                    break
                return Broken(number, f"is not CSV: {error}", "Correct its quotation marks", text[:65536])
        more, line = again.pop() if again else next(lines, (0, None))
        if line is None:
            break
        taken.append((more, line))
        if isinstance(line, Broken):
            break
        whole += line
    problem = "has a quotation mark that is never closed"
    return Broken(number, problem, "Close it, or double it if it is meant", text[:65536])


def _cells(rows: Iterator[tuple[int, list[str]] | Broken], columns: tuple[str, ...]) -> Iterator[Good | Broken]:
    count = len(columns)
    for row in rows:
        if isinstance(row, Broken):
            yield row
            continue
        number, cells = row
        if len(cells) == count:
            yield Good(number, dict(zip(columns, cells, strict=True)))
        else:
            problem = f"has {len(cells)} cells, and the header names {count} columns"
            yield Broken(number, problem, "Look for a missing or surplus delimiter", "\t".join(cells)[:65536])


def _parquet_rows(connection: Any, cursor: Any, columns: tuple[str, ...]) -> Iterator[Good | Broken]:
    with connection:
        number = 0
        while rows := cursor.fetchmany(_FETCH):
            for row in rows:
                number += 1
                yield Good(number, {c: _plain(v) for c, v in zip(columns, row, strict=True)})


def _plain(value: Any) -> Any:
    """A Parquet value as JSON has it."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, bytes):
        return "base64:" + base64.b64encode(value).decode()
    return str(value)

"""Counts in a stranger's CSV, TSV or JSON lines, row by row, in one pass for all that is asked."""

from __future__ import annotations

import csv
import hashlib
import re
import time
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from phonolith.audit.counted import Check, Counted, Request, Unreadable

LONGEST_LINE = 16 << 20
LONGEST_FIELD = 1 << 20
DEEPEST = 64  # of JSON
ENDINGS = {".csv": "CSV", ".tsv": "TSV", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}


def count_in_text(request: Request) -> list[Counted]:
    """What each check counts. Raises Unreadable, UnicodeDecodeError, csv.Error, msgspec.DecodeError."""
    counters = [_Counter(check) for check in request.checks]
    late = time.process_time() + request.seconds
    for number, row in enumerate(rows_of(Path(request.path))):
        if not number % 1024 and time.process_time() > late:
            raise Unreadable(f"counting in it takes longer than {request.seconds:g} seconds")
        for counter in counters:
            counter.take(row)
    return [counter.result() for counter in counters]


def rows_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV, TSV or JSON lines, by its name. Raises as :func:`count_in_text`."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        lines = _lines(file)
        yield from (
            _objects(lines) if suffix in (".jsonl", ".ndjson") else _records(lines, "\t" if suffix == ".tsv" else ",")
        )


def _lines(file: BinaryIO) -> Iterator[str]:
    first = True
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise Unreadable(f"it has a line of more than {LONGEST_LINE >> 20} MiB")
        text = line.decode("utf-8-sig" if first else "utf-8")
        if "\0" in text:
            raise Unreadable("it has a zero byte, which text has not")
        first = False
        yield text


def _records(lines: Iterator[str], delimiter: str) -> Iterator[Mapping[str, str]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    names = next(reader, None)
    if names is None:
        raise Unreadable("it is empty: its first row has to name the columns")
    if len(set(names)) != len(names):
        raise Unreadable("two of its columns have one name")
    for row in reader:
        if row and len(row) != len(names):
            raise Unreadable(f"row {reader.line_num} has {len(row)} fields and the first row has {len(names)}")
        if row:
            yield dict(zip(names, row, strict=True))


def _objects(lines: Iterator[str]) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if line.count("[") + line.count("{") > DEEPEST and _depth(line) > DEEPEST:
            raise Unreadable(f"line {number} is nested more than {DEEPEST} deep")
        row = msgspec.json.decode(line)
        if not isinstance(row, dict):
            raise Unreadable(f"line {number} is no object")
        yield row


def _depth(line: str) -> int:
    """How deep JSON is nested, at least: brackets within texts count too."""
    deep = most = 0
    for char in re.findall(r"[\[\]{}]", line):
        deep += 1 if char in "[{" else -1
        most = max(most, deep)
    return most


def _within(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object of this name in a row of JSON; the row itself where it has none."""
    found = row.get(name) if name else None
    return found if isinstance(found, dict) else row


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class _Counter:
    """One check over rows that come one by one; different values are kept as eight bytes of a digest each."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._rows = 0
        self._looked = False
        self._sum: float | int = 0
        self._seen = array("Q")
        self._problem = "" if check.what in ("rows", "distinct", "sum") else "SQL can be asked of SQLite alone"

    def take(self, row: Mapping[str, Any]) -> None:
        if self._problem or not self._chosen(row):
            return
        self._rows += 1
        if self._check.what == "rows":
            return
        row = _within(row, self._check.table)
        value = row.get(self._check.column)
        if value is None and self._check.column not in row and self._rows == 1:
            self._problem = f"there is no column {self._check.column!r} in it"
        elif value in (None, ""):
            return
        elif self._check.what == "distinct":
            digest = hashlib.blake2b(_text(value).encode("utf-8", "surrogatepass"), digest_size=8).digest()
            self._seen.append(int.from_bytes(digest, "big"))
        else:
            self._add(value)

    def _chosen(self, row: Mapping[str, Any]) -> bool:
        """Whether the row is one of those that are meant."""
        if not self._check.where:
            return True
        first, self._looked = not self._looked, True
        if first and self._check.where not in row:
            self._problem = f"there is no column {self._check.where!r} in it"
            return False
        value = row.get(self._check.where)
        return value is not None and _text(value) == self._check.value

    def _add(self, value: Any) -> None:
        try:
            number = float(value) if not isinstance(value, int) else value
        except (TypeError, ValueError):
            self._problem = f"{str(value)[:60]!r} is no number"
            return
        if number != number or number in (float("inf"), float("-inf")):
            self._problem = f"{str(value)[:60]!r} is no number"
            return
        self._sum += number

    def result(self) -> Counted:
        if self._problem:
            return Counted(problem=self._problem)
        if self._check.what == "rows":
            return Counted(self._rows)
        if self._check.what == "sum":
            return Counted(self._sum)
        import numpy as np

        return Counted(int(np.unique(np.frombuffer(self._seen, dtype=np.uint64)).size) if self._seen else 0)

"""Writes rows of the relations to files, as lines that any SQLite file and any JSON reader can hold."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from phonolith.catalogue.staging import RELATIONS, Note, Row, table

_BATCH = 4_096

#: Characters of a text in a row, and of a note; the record keeps the rest.
LONGEST = 65_536
LONGEST_NOTE = 1 << 20


class Writer:
    """Appends rows to one file per relation, ``<relation>.<part>.jsonl``. Closed by ``close`` or as a context."""

    def __init__(self, folder: Path, part: str) -> None:
        self._folder = folder
        self._part = part
        self._files: dict[type[Row], IO[bytes]] = {}
        self._rows: dict[type[Row], list[Row]] = {relation: [] for relation in RELATIONS}
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, row: Row) -> None:
        """Take one row."""
        rows = self._rows[type(row)]
        rows.append(row)
        if len(rows) >= _BATCH:
            self._flush(type(row))

    def extend(self, relation: type[Row], rows: Sequence[Row]) -> None:
        """Take many rows of one relation."""
        waiting = self._rows[relation]
        waiting += rows
        if len(waiting) >= _BATCH:
            self._flush(relation)

    def close(self) -> None:
        """Write what is waiting and close the files."""
        try:
            for relation, rows in self._rows.items():
                if rows:
                    self._flush(relation)
        finally:
            for file in self._files.values():
                file.close()

    def _flush(self, relation: type[Row]) -> None:
        file = self._files.get(relation)
        if file is None:
            file = self._files[relation] = (self._folder / f"{table(relation)}.{self._part}.jsonl").open("wb")
        rows = self._rows[relation]
        file.write(self._encoded(rows))
        rows.clear()

    def _encoded(self, rows: list[Row]) -> bytes:
        """Rows as lines. Only where a text among them is unfit are all of them gone through."""
        with contextlib.suppress(UnicodeEncodeError):
            lines = self._encoder.encode_lines(rows)
            if _plain(lines):
                return lines
        return self._encoder.encode_lines([_fit(row) for row in rows])


def _plain(lines: bytes) -> bool:
    """Whether lines hold no NUL and none is too long; in doubt not. Cutting them up takes as long as making them."""
    if b"\\" in lines and lines.rfind(b"\\u0000") >= 0:  # find takes three times as long
        return False
    half = LONGEST // 2  # a line of LONGEST bytes has one of these parts to itself
    return all(lines.find(b"\n", start, start + half) >= 0 for start in range(0, len(lines) - half + 1, half))


def _fit(row: Row) -> Row:
    longest = LONGEST_NOTE if isinstance(row, Note) else LONGEST
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, str):
            setattr(row, name, fit(value, longest))
    return row


def fit(text: str, longest: int = LONGEST) -> str:
    """Text that any SQLite file and any JSON reader holds: no NUL, no lone surrogate, not endless."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")

"""Phase 3: tables in rank order to SQLite, streamed, each in the order of its key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import resources
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import numpy.typing as npt

from phonolith.catalogue.stage import BATCH, Stage
from phonolith.model.ids import KINDS
from phonolith.model.progress import Progress

Array = npt.NDArray[Any]
#: (key, row * 4 + kind) of all things, in the order of their public ids.
PERMALINKS = """
SELECT key, rowid * 4 + 4 AS target FROM track UNION ALL SELECT key, rowid * 4 + 5 FROM release
UNION ALL SELECT key, rowid * 4 + 6 FROM artist UNION ALL SELECT key, rowid * 4 + 7 FROM label ORDER BY key, target
"""
#: (code, row) by scheme, in order. A barcode counts by its digits, so that a leading zero does not hide it.
CODES = {
    "isrc": "SELECT isrc AS code, rowid + 1 AS place FROM track WHERE isrc IS NOT NULL ORDER BY code, place",
    "barcode": "SELECT barcode::BIGINT AS code, rowid + 1 AS place FROM release"
    " WHERE regexp_full_match(barcode, '[0-9]{1,18}') ORDER BY code, place",
}
#: Where a table's query gives one value in two columns, of which one is NULL: bytes or a number, and text. Named are
#: all tables that may have many rows and a column with nothing in it.
_PAIRS: Mapping[str, Sequence[int]] = {
    "artist": (2,),
    "release": (2, 9, 13),
    "track": (2,),
    "credit": (),
    "label": (2,),
    "thing": (2,),
}
_PERMALINKS_A_BUCKET = 32
_CODES_A_BLOCK = 64


def write_lookups(stage: Stage, db: apsw.Connection, counts: Mapping[str, int]) -> None:
    """Fill the tables that lead from codes and public ids to rows; ``counts`` are rows by table."""
    for scheme, query in CODES.items():
        write_codes(stage, db, scheme, query)
    write_permalinks(stage, db, sum(counts[kind] for kind in KINDS))


def write_permalinks(stage: Stage, db: apsw.Connection, things: int) -> None:
    """Fill ``permalink`` with all things, about 32 to a bucket; ``permalink_bits`` goes to ``meta``."""
    bits = (things // _PERMALINKS_A_BUCKET).bit_length()
    db.execute("INSERT INTO meta VALUES ('permalink_bits', ?)", (bits,))
    for keys, targets in _in_wholes(stage.arrays(PERMALINKS), lambda keys: _bucket(keys, bits)):
        buckets = _bucket(keys, bits)
        marks = (keys >> np.uint64(56 - bits)).astype(np.uint8)
        starts = np.flatnonzero(np.concatenate(([True], buckets[1:] != buckets[:-1])))
        pieces = _cut(_entries(marks, targets), starts)
        db.executemany("INSERT INTO permalink VALUES (?, ?)", zip(buckets[starts].tolist(), pieces, strict=True))


def write_codes(stage: Stage, db: apsw.Connection, scheme: str, query: str) -> None:
    """Fill ``code`` for one scheme: sorted blocks of about 64, cut where the code changes."""
    for codes, rows in _in_wholes(stage.arrays(query), lambda codes: codes):
        heads = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))
        starts = heads[np.unique(np.searchsorted(heads, np.arange(0, len(codes), _CODES_A_BLOCK), "right") - 1)]
        pieces = _cut(_entries(codes.astype(np.uint8), rows), starts)
        blocks = zip(repeat(scheme), codes[starts].tolist(), pieces, strict=False)
        db.executemany("INSERT INTO code VALUES (?, ?, ?)", blocks)


def _bucket(keys: Array, bits: int) -> Array:
    """The first ``bits`` bits of keys; a shift by all 64 would be undefined."""
    return (keys >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(keys), np.int64)


def _in_wholes(parts: Iterable[list[Array]], group: Callable[[Array], Array]) -> Iterator[tuple[Array, Array]]:
    """Pairs of columns, cut so that rows of one group, by the first column, are never in two parts."""
    first, second = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for more_first, more_second in parts:
        first = np.concatenate((first, more_first)) if len(first) else more_first
        second = np.concatenate((second, more_second)) if len(second) else more_second
        groups = group(first)
        cut = int(np.searchsorted(groups, groups[-1]))
        if cut:
            yield first[:cut], second[:cut]
        first, second = first[cut:], second[cut:]
    if len(first):
        yield first, second


def _entries(marks: Array, rows: Array) -> bytes:
    """Marks and rows behind one another, five bytes each."""
    found = np.empty((len(rows), 5), np.uint8)
    found[:, 0] = marks
    found[:, 1:] = rows.astype(">u4").view(np.uint8).reshape(-1, 4)
    return found.tobytes()


def _cut(entries: bytes, starts: Array) -> list[bytes]:
    ends = [*starts[1:].tolist(), len(entries) // 5]
    return [entries[a * 5 : b * 5] for a, b in zip(starts.tolist(), ends, strict=True)]


def write_table(stage: Stage, db: apsw.Connection, name: str, query: str, progress: Progress) -> int:
    """Fill a table with the rows of its query; returns their number.

    A full batch is one statement: each statement that is run costs as much as the binding of several columns.
    """
    query, marks = _without_empty(stage, name, query)
    insert = f"INSERT INTO {name} VALUES {marks}"
    together = f"INSERT INTO {name} VALUES {', '.join([marks] * BATCH)}"
    count = 0
    for batch in stage.batches(query):
        if len(batch) == BATCH:
            db.execute(together, list(chain.from_iterable(batch)))
        else:
            db.executemany(insert, batch)
        count += len(batch)
        progress.advance(len(batch))
    return count


def _without_empty(stage: Stage, name: str, query: str) -> tuple[str, str]:
    """The query without columns that are NULL in every row, which saves their way, and the values of one row."""
    places = range(sum(1 for _ in stage.rows(f"DESCRIBE {query}")))
    pairs = _PAIRS.get(name)
    if pairs is None:
        return query, f"({', '.join('?' for _ in places)})"
    filled = next(stage.rows(f"SELECT {', '.join(f'count(#{place + 1})' for place in places)} FROM ({query})"))
    marks = []
    for place in places:
        if place - 1 not in pairs:
            halves = (place, place + 1) if place in pairs else (place,)
            marks.append(_MARKS[sum(1 for half in halves if filled[half])])
    kept = [f"#{place + 1}" for place in places if filled[place]] or ["*"]
    return f"SELECT {', '.join(kept)} FROM ({query})", f"({', '.join(marks)})"


#: What stands for a value that comes in so many columns.
_MARKS = ("NULL", "?", "coalesce(?, ?)")


def take_over(db: apsw.Connection, path: Path, tables: Iterable[str]) -> None:
    """Move tables out of another file with the same schema, which is removed: SQLite copies cells as they are."""
    db.execute("ATTACH ? AS part", (str(path),))
    for name in tables:
        db.execute(f"INSERT INTO main.{name} SELECT * FROM part.{name}")
    db.execute("DETACH part")
    path.unlink()


def table_queries() -> Mapping[str, str]:
    """The queries of tables.sql by table."""
    text = resources.files("phonolith.catalogue").joinpath("tables.sql").read_text("utf-8")
    parts = re.split(r"^-- table (\w+)\n", text, flags=re.MULTILINE)
    return {name: query.strip() for name, query in zip(parts[1::2], parts[2::2], strict=True)}

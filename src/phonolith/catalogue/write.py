"""Phase 3: tables in rank order to SQLite, streamed, each in the order of its key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import apsw

from phonolith.catalogue.stage import Stage
from phonolith.model.ids import KINDS, code_entry, permalink_place
from phonolith.model.progress import Progress

_Rows = list[tuple[Any, ...]]
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
#: Where a table's query gives one value in two columns, of which one is NULL: bytes or a number, and text.
_PAIRS = {"artist": (2,), "release": (2, 9, 13), "track": (2,), "label": (2,), "thing": (2,)}
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
    insert = "INSERT INTO permalink VALUES (?, ?)"
    last, entries = -1, bytearray()
    for batch in stage.batches(PERMALINKS):
        rows = []
        for key, target in batch:
            bucket, mark = permalink_place(key, bits)
            if bucket != last:
                rows.append((last, bytes(entries)))
                last, entries = bucket, bytearray()
            entries += bytes((mark,)) + target.to_bytes(4, "big")
        db.executemany(insert, rows if rows and rows[0][0] >= 0 else rows[1:])
    if last >= 0:
        db.execute(insert, (last, bytes(entries)))


def write_codes(stage: Stage, db: apsw.Connection, scheme: str, query: str) -> None:
    """Fill ``code`` for one scheme: sorted blocks of about 64, cut where the code changes."""
    insert = "INSERT INTO code VALUES (?, ?, ?)"
    first, last, entries = 0, None, bytearray()
    for batch in stage.batches(query):
        blocks = []
        for code, row in batch:
            if code != last and len(entries) >= _CODES_A_BLOCK * 5:
                blocks.append((scheme, first, bytes(entries)))
                entries = bytearray()
            if not entries:
                first = code
            entries += code_entry(code, row)
            last = code
        db.executemany(insert, blocks)
    if entries:
        db.execute(insert, (scheme, first, bytes(entries)))


def write_table(db: apsw.Connection, name: str, batches: Iterable[_Rows], progress: Progress) -> int:
    """Insert batches of rows into a table; returns their number."""
    insert, count = "", 0
    for batch in batches:
        if not insert:
            insert = insert_statement(name, len(batch[0]))
        db.executemany(insert, batch)
        count += len(batch)
        progress.advance(len(batch))
    return count


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


def insert_statement(name: str, values: int) -> str:
    """``INSERT INTO name VALUES (?, …)``; of a pair the value that is there is stored."""
    pairs = _PAIRS.get(name, ())
    marks = ["coalesce(?, ?)" if place in pairs else "?" for place in range(values) if place - 1 not in pairs]
    return f"INSERT INTO {name} VALUES ({', '.join(marks)})"

"""The tables that lead from codes and public ids to rows, against the same made entry by entry."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.catalogue import stage as module
from phonolith.catalogue.stage import Stage, stage
from phonolith.catalogue.write import write_codes, write_permalinks
from phonolith.model.ids import code_rows, permalink_place

KEYS = st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 3).map(lambda n: n << 61), max_size=120)
CODES = st.lists(st.integers(-(2**47), 2**47) | st.integers(-3, 3), max_size=300)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PART", 7)


def staged(found: Stage, name: str, rows: list[tuple[int]], kind: str) -> None:
    found.table(name, {"key": kind}, rows)


def catalogue() -> apsw.Connection:
    db = apsw.Connection("")
    db.execute((Path(module.__file__).with_name("schema.sql")).read_text("utf-8")).fetchall()
    return db


@settings(deadline=None, max_examples=30)
@given(KEYS)
def test_every_key_is_in_its_bucket_and_nothing_else_is(keys: set[int]) -> None:
    with TemporaryDirectory() as name, stage(Path(name), 1) as found:
        tracks = sorted(keys)
        staged(found, "track", [(key,) for key in tracks], "UBIGINT")
        for kind in ("release", "artist", "label"):
            staged(found, kind, [], "UBIGINT")
        db = catalogue()
        write_permalinks(found, db, len(tracks))
        bits = int(db.execute("SELECT value FROM meta WHERE key = 'permalink_bits'").get)  # type: ignore[arg-type]
        wanted: dict[int, bytes] = {}
        for row, key in enumerate(tracks, 1):
            bucket, mark = permalink_place(key, bits)
            wanted[bucket] = wanted.get(bucket, b"") + bytes((mark,)) + (row * 4).to_bytes(4, "big")
        assert dict(db.execute("SELECT bucket, entries FROM permalink").fetchall()) == wanted  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(CODES)
def test_codes_lie_in_order_in_blocks_that_no_code_is_cut_by(codes: list[int]) -> None:
    with TemporaryDirectory() as name, stage(Path(name), 1) as found:
        staged(found, "coded", [(code,) for code in codes], "BIGINT")
        db = catalogue()
        query = "SELECT key AS code, rowid + 1 AS place FROM coded ORDER BY code, place"
        write_codes(found, db, "isrc", query)
        blocks = db.execute("SELECT first, entries FROM code WHERE scheme = 'isrc' ORDER BY first").fetchall()
        pairs = sorted((code, row) for row, code in enumerate(codes, 1))
        assert b"".join(entries for _, entries in blocks) == b"".join(
            bytes((code & 255,)) + row.to_bytes(4, "big") for code, row in pairs
        )  # type: ignore[misc]
        starts = [first for first, _ in blocks]
        for code, rows in groupby(pairs, key=lambda pair: pair[0]):
            block = max(start for start in starts if start <= code)  # type: ignore[operator]
            (entries,) = [entries for first, entries in blocks if first == block]
            assert set(code_rows(entries, code)) >= {row for _, row in rows}  # type: ignore[arg-type]

"""Evidence that is made to cost whoever reads it as much as it can; each is a file of a few megabytes at most."""

from __future__ import annotations

import gzip
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb

from phonolith.store.bencode import MOST_VALUES

_PARQUET_ROWS = 4


def _many_values(path: Path) -> None:
    path.write_bytes(b"d4:infod" + b"".join(b"7:%07dle" % number for number in range(MOST_VALUES // 2)) + b"ee")


def _many_small(path: Path) -> None:
    """As many dictionaries as may be, which is what takes most memory for its bytes."""
    entry = b"d6:lengthi1e4:pathl7:%07dee"
    files = b"".join(entry % number for number in range(400_000))
    path.write_bytes(b"d4:infod5:filesl" + files + b"e4:name1:x12:piece lengthi16384e6:pieces0:ee")


def _deep_json(path: Path) -> None:
    path.write_bytes(b'{"a":' * 3_000_000 + b"1")


def _wide_json(path: Path) -> None:
    """One line below the limit that unpacks into as many lists as it has pairs of bytes."""
    path.write_bytes(b'{"a":[' + b"[]," * 5_000_000 + b"[]]}\n")


def _gzip(path: Path) -> None:
    with gzip.GzipFile(path, "wb", 1, mtime=0) as file:
        for _ in range(48):
            file.write(bytes(1 << 20))


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("tracks.csv", bytes(48 << 20))


def _parquet(path: Path, select: str, options: str = "") -> bytes:
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet, CODEC zstd{options})")
    return path.read_bytes()


def _parquet_dictionary(path: Path) -> None:
    """A text that ten thousand rows share, in a kilobyte: a gigabyte, if somebody writes them out."""
    select = "SELECT s AS a FROM (SELECT repeat('x', 100_000) AS s), range(10_000)"
    _parquet(path, select, ", ROW_GROUP_SIZE 10_000")


def _parquet_large(path: Path) -> None:
    """One text of many megabytes, and again with another end."""
    _parquet(path, "SELECT repeat('x', 60_000_000) || i AS a FROM range(2) t(i)")


def _parquet_deep(path: Path) -> None:
    nested = "1"
    for _ in range(60):
        nested = f"{{'a': {nested}}}"
    _parquet(path, f"SELECT {nested} AS a FROM range({_PARQUET_ROWS})")


def _parquet_lies(path: Path) -> None:
    """A footer that says 63 rows wherever it says 4; there is as little more in its pages as before."""
    data = _parquet(path, f"SELECT i AS a FROM range({_PARQUET_ROWS}) t(i)")
    length = struct.unpack("<I", data[-8:-4])[0]
    said, lie = bytes([0x16, 2 * _PARQUET_ROWS]), bytes([0x16, 2 * 63])  # the next field, an i64, in zigzag
    footer = data[-8 - length : -8].replace(said, lie)
    path.write_bytes(data[: -8 - length] + footer + data[-8:])


def _sorting(path: Path) -> None:
    """A table that nobody can sort in half a gigabyte, and that is small as it lies there."""
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE track (a TEXT)")
        db.executemany("INSERT INTO track VALUES (?)", (("x" * 4000,) for _ in range(1000)))
    db.close()


MADE: dict[str, Callable[[Path], object]] = {
    "lists in lists.torrent": lambda path: path.write_bytes(b"l" * (32 << 20)),
    "many values.torrent": _many_values,
    "many files.torrent": _many_small,
    "one text.torrent": lambda path: path.write_bytes(b"d4:info%d:" % (60 << 20) + b"x" * (60 << 20)),
    "endless line.csv": lambda path: path.write_bytes(b"a,b\n" + b"x" * (40 << 20)),
    "endless field.csv": lambda path: path.write_bytes(b'a\n"' + b"x\n" * (8 << 20)),
    "many columns.csv": lambda path: path.write_bytes(b",".join(b"%d" % n for n in range(1_000_000)) + b"\n"),
    "deep.jsonl": _deep_json,
    "wide.jsonl": _wide_json,
    "number.jsonl": lambda path: path.write_bytes(b'{"a":' + b"9" * (8 << 20) + b"}\n"),
    "zeros.csv.gz": _gzip,
    "zeros.csv.zip": _zip,
    "dictionary.parquet": _parquet_dictionary,
    "large.parquet": _parquet_large,
    "deep.parquet": _parquet_deep,
    "lies.parquet": _parquet_lies,
    "sorting.sqlite": _sorting,
}

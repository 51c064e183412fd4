"""Writes the catalogue as Parquet: tracks, releases and artists, sorted by public id, for any program that reads it.

Rows are read from SQLite here and handed to DuckDB in batches: two SQLite libraries on one file in one process lose its
locks. No row number leaves the house; what is withdrawn stays behind. The same catalogue gives the same files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from phonolith.errors import StorageError
from phonolith.library.export_rows import TABLES, Row, Table
from phonolith.library.reading import Library, Reading
from phonolith.model.progress import Progress, Silent
from phonolith.store.files import fsync_dir, fsync_file, storage_error

_BATCH = 20_000
_CREDITS = '[{"id":"VARCHAR","name":"VARCHAR","join":"VARCHAR","role":"VARCHAR"}]'
_MEMORY = "512MB"


@dataclass(frozen=True, slots=True)
class Exported:
    """One file that was written, with its rows and bytes."""

    path: Path
    rows: int
    size: int


def export_parquet(
    library: Library,
    folder: Path,
    *,
    sources: Collection[int] | None = None,
    about: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> list[Exported]:
    """Write ``tracks.parquet``, ``releases.parquet`` and ``artists.parquet`` into ``folder``; each appears when whole.

    ``sources`` are the numbers of those whose rows are written, None for all; ``about`` goes into each file's metadata.
    Columns are described in docs/reference/read-model.md. Raises StorageError where the folder cannot be written.
    """
    shown = progress or Silent()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as scratch, library.reading() as reading:
            told = _told(about or {})
            found = [_export(reading, table, sources, told, Path(scratch), folder, shown) for table in TABLES]
            fsync_dir(folder)
            return found
    except OSError as error:
        raise storage_error(folder, error) from error
    except duckdb.Error as error:
        raise StorageError(
            str(folder), f"cannot be written: {error}", "Check the space and the folder's rights"
        ) from error


def _told(about: Mapping[str, str]) -> str:
    """What is said of a file in itself, as an option of COPY."""
    pairs = ", ".join(f"{name}: '{value.replace(chr(39), chr(39) * 2)}'" for name, value in about.items())
    return f", KV_METADATA {{{pairs}}}" if pairs else ""


def _export(
    reading: Reading,
    table: Table,
    sources: Collection[int] | None,
    told: str,
    scratch: Path,
    folder: Path,
    progress: Progress,
) -> Exported:
    total = int(reading.rows(f"SELECT coalesce(max(id), 0) FROM {table.kind}")[0][0])
    progress.start(f"export {table.name}", total, table.name)
    part = scratch / f"{table.name}.parquet"
    with duckdb.connect(str(scratch / f"{table.name}.duckdb")) as con:
        con.execute("SET threads=2; SET autoinstall_known_extensions=false; SET preserve_insertion_order=true")
        con.execute(f"SET memory_limit='{_MEMORY}'")
        con.execute(f"SET temp_directory='{_quoted(scratch / 'spill')}'")
        count = _stage(con, table, table.rows(reading, sources), progress)
        target = _quoted(part)
        con.execute(f"COPY ({_shown(table)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd{told})")
    progress.finish()
    with part.open("rb") as file:
        fsync_file(file.fileno())
    path = part.rename(folder / part.name)
    return Exported(path, count, path.stat().st_size)


def _stage(con: duckdb.DuckDBPyConnection, table: Table, rows: Iterator[Row], progress: Progress) -> int:
    """Fill DuckDB in batches of columns; values travel as text, so that a type never hangs on the first rows."""
    con.execute(f"CREATE TABLE staged ({', '.join(f'{name} {_staged(kind)}' for name, kind in table.columns.items())})")
    count = 0
    while batch := list(islice(rows, _BATCH)):
        columns = zip(table.columns, zip(*batch, strict=True), strict=True)
        con.register("batch", {name: _column(values) for name, values in columns})
        con.execute("INSERT INTO staged SELECT * FROM batch")
        con.unregister("batch")
        count += len(batch)
        progress.advance(len(batch))
    return count


def _column(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.object_]]:
    column = np.empty(len(values), dtype=object)
    column[:] = [None if value is None else str(value) for value in values]
    return column


def _staged(kind: str) -> str:
    return "VARCHAR" if kind in ("CREDITS", "VARCHAR[]") else kind


def _shown(table: Table) -> str:
    """The SELECT that gives the file its columns, sorted by key."""
    special = {"CREDITS": _CREDITS, "VARCHAR[]": '["VARCHAR"]'}
    columns = (
        f"from_json({name}, '{special[kind]}') AS {name}" if kind in special else name
        for name, kind in table.columns.items()
    )
    return f"SELECT {', '.join(columns)} FROM staged ORDER BY id"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")

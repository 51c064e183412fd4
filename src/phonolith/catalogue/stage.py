"""The staging database of one build: a DuckDB file in a temporary folder, bounded in memory, gone afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy.typing as npt

from phonolith.catalogue import staging
from phonolith.errors import Damaged, StorageError
from phonolith.store.files import printable

#: What DuckDB may take; beyond it, it works on disk.
MEMORY_MIB = 1200
#: Rows that come at once; larger batches leave the processor's cache before they are written.
BATCH = 64
_PART = 1 << 20  # rows that become arrays at once


@contextlib.contextmanager
def stage(folder: Path, threads: int) -> Iterator[Stage]:
    """A staging database in ``folder``; DuckDB's errors come out as StorageError or Damaged."""
    with stage_errors(folder):
        staging = Stage(folder, threads)
        try:
            yield staging
        finally:
            staging.rest()


@contextlib.contextmanager
def stage_errors(folder: Path) -> Iterator[None]:
    """Say DuckDB's errors in words."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error).splitlines()[0]
        if "No space left" in text or "Out of Memory" in text or "OutOfMemory" in type(error).__name__:
            raise StorageError(
                printable(folder), f"the build has no room: {text}", "Free some space, then build again"
            ) from error
        if isinstance(error, duckdb.IOException):
            raise StorageError(printable(folder), f"the disk refused: {text}", "Check the disk") from error
        raise Damaged(
            printable(folder), f"the build went wrong: {text}", "Report this; the records are safe"
        ) from error


class Stage:
    """Runs SQL on the staging database. Every open result has a cursor of its own: DuckDB 2 needs that."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        self._threads = threads
        self._db: duckdb.DuckDBPyConnection | None = None

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if self._db is None:
            self._db = _open(self.folder, self._threads)
        return self._db.cursor()

    def run(self, sql: str, values: Sequence[Any] | None = None) -> None:
        """Run one statement and wait for its end."""
        cursor = self._cursor()
        try:
            cursor.execute(sql, values) if values is not None else cursor.execute(sql)
            cursor.fetchall()
        finally:
            cursor.close()

    def rest(self) -> None:
        """Close the database until it is asked again. Under a smaller limit its allocator would keep what is free."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def one(self, sql: str) -> Any:
        """The first value of the first row; None if there is none."""
        row = next(iter(self.rows(sql)), None)
        return None if row is None else row[0]

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, streamed."""
        for batch in self.batches(sql):
            yield from batch

    def batches(self, sql: str) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a query, streamed in lists of :data:`BATCH`; the last may be shorter."""
        cursor = self._cursor()
        try:
            cursor.execute(sql)
            while batch := cursor.fetchmany(BATCH):
                yield batch
        finally:
            cursor.close()

    def arrays(self, sql: str) -> Iterator[list[npt.NDArray[Any]]]:
        """The columns of a query as arrays, in parts of up to 1,048,576 rows; they are numbers and never NULL."""
        self.run(f"CREATE TABLE streamed AS {sql}")
        for first in range(0, int(self.one("SELECT count(*) FROM streamed")), _PART):
            cursor = self._cursor()
            try:
                cursor.execute(f"SELECT * FROM streamed WHERE rowid BETWEEN {first} AND {first + _PART - 1}")
                yield list(cursor.fetchnumpy().values())
            finally:
                cursor.close()
        self.run("DROP TABLE streamed")

    def table(self, name: str, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Make a table from Python rows; ``columns`` are names and DuckDB types."""
        path = self.folder / f"{name}.jsonl"
        with path.open("wb") as file:
            for row in rows:
                file.write(msgspec.json.encode(dict(zip(columns, row, strict=True))) + b"\n")
        if path.stat().st_size:
            self._read(name, columns, [path])
        else:
            self.run(f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
        path.unlink()

    def load(self, relation: type[staging.Row]) -> int:
        """Load the relation's files into its table and delete them; returns the number of rows."""
        name = staging.table(relation)
        columns = staging.columns(relation)
        files = sorted(self.folder.glob(f"{name}.*.jsonl"))
        if not files:
            self.table(name, columns, ())
            return 0
        self._read(name, columns, files, staging.loaded(relation))
        for file in files:
            file.unlink()
        return int(self.one(f"SELECT count(*) FROM {name}"))

    def _read(
        self, name: str, columns: Mapping[str, str], files: Sequence[Path], loaded: Mapping[str, str] | None = None
    ) -> None:
        listed = ", ".join(f"'{_quoted(file)}'" for file in files)
        types = ", ".join(f"{column}: '{kind}'" for column, kind in columns.items())
        replaced = ", ".join(f"{value} AS {column}" for column, value in (loaded or {}).items())
        self.run(
            f"CREATE TABLE {name} AS SELECT *{f' REPLACE ({replaced})' if replaced else ''} FROM read_json("
            f"[{listed}], format='newline_delimited', columns={{{types}}}, maximum_object_size=33554432)"
        )


def _open(folder: Path, threads: int) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(str(folder / "stage.duckdb"))
    db.execute(f"SET memory_limit='{MEMORY_MIB}MiB'")
    db.execute(f"SET threads={max(1, threads)}")
    db.execute(f"SET temp_directory='{_quoted(folder / 'spill')}'")
    db.execute("SET autoinstall_known_extensions=false")
    db.execute("SET autoload_known_extensions=false")
    db.execute("SET enable_progress_bar=false")
    return db


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")

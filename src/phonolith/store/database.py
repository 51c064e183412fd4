"""SQLite files opened one way everywhere: WAL, durable, versioned, their errors said in words."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import apsw

from phonolith.errors import Busy, Damaged, NewerFormat, NotFound, PhonolithError, StorageError
from phonolith.store.files import printable

#: How long a writer waits for another one, in milliseconds. Transactions are short, so this is never reached in health.
BUSY_MS = 10_000

_SMALLEST = 64 * 1024  # bytes; the file of shared memory beside a database has half of that


class Closing(ABC):
    """A store that a ``with`` block closes."""

    @abstractmethod
    def close(self) -> None:
        """Close its files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_rw(path: Path, schema: str, version: int) -> apsw.Connection:
    """Open the database for reading and writing; create it by ``schema`` if it is new.

    ``version`` is kept in ``PRAGMA user_version``. WAL with ``synchronous=FULL``: what is committed survives a power
    cut. An existing one that this user or this disk does not let be written opens for reading, and writing to it is
    a StorageError. Raises NewerFormat, Damaged, Busy or StorageError.
    """
    with database_errors(path):
        connection = apsw.Connection(str(path))
        try:
            connection.set_busy_timeout(BUSY_MS)
            _check_version(connection, path, version)
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "full")
            connection.pragma("foreign_keys", True)
            if connection.pragma("user_version") == 0:
                _create(connection, schema, version)
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            connection.close()
            if not path.exists() or os.access(path.parent, os.W_OK):
                raise
            return open_ro(path, version)
        except BaseException:
            connection.close()
            raise
        return connection


def open_ro(path: Path, version: int | None = None) -> apsw.Connection:
    """Open an existing database for reading only, also on a read-only disk. Raises NotFound, NewerFormat, Damaged."""
    if not path.exists():
        raise NotFound(printable(path), "the database is not there", "Check the path")
    with database_errors(path):
        connection = _connect_ro(path)
        connection.set_busy_timeout(BUSY_MS)
        try:
            if version is not None:
                _check_version(connection, path, version)
        except BaseException:
            connection.close()
            raise
        return connection


def fetch(connection: apsw.Connection, sql: str, bindings: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """All rows of a query; their types are known to the schema, not to the type checker."""
    return connection.execute(sql, dict(bindings or {})).fetchall()


@contextlib.contextmanager
def transaction(connection: apsw.Connection, path: Path | str) -> Iterator[apsw.Connection]:
    """One ``BEGIN IMMEDIATE`` transaction: committed at the end, rolled back on any error."""
    with database_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def database_errors(path: Path | str) -> Iterator[None]:
    """Turn SQLite's errors inside into Phonolith's, with ``path`` as their subject."""
    try:
        yield
    except apsw.Error as error:
        mapped = _translate(printable(path), error, full=_is_full(Path(path).parent))
        if mapped is None:
            raise
        raise mapped from error


def _connect_ro(path: Path) -> apsw.Connection:
    # A WAL database on a read-only disk cannot make its -shm file; without a WAL beside it, it is safe as immutable.
    address = f"file:{quote(str(path.absolute()).encode('utf-8', 'surrogateescape'))}?mode=ro"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(address, flags=flags)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        connection = apsw.Connection(address + "&immutable=1", flags=flags)
    return connection


def _check_version(connection: apsw.Connection, path: Path, version: int) -> None:
    found = int(connection.pragma("user_version"))
    if found > version:
        raise NewerFormat(
            printable(path),
            f"it was written by a newer version of Phonolith (format {found}; this version reads up to {version})",
            "Upgrade Phonolith",
        )


def _create(connection: apsw.Connection, schema: str, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.pragma("user_version") == 0:  # another process may have been first
            connection.execute(schema)
            connection.pragma("user_version", version)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_full(folder: Path) -> bool:
    """Whether the disk has no room for SQLite's smallest file; it then speaks of an I/O error."""
    try:
        room = os.statvfs(folder)
    except (OSError, ValueError):
        return False
    return room.f_bavail * room.f_frsize < _SMALLEST


def _translate(subject: str, error: apsw.Error, *, full: bool) -> PhonolithError | None:
    match error:
        case apsw.IOError() if full:
            return StorageError(subject, "the disk is full", "Free some space, then run the same again")
        case apsw.FullError():
            return StorageError(subject, "the disk is full", "Free some space, then run the same again")
        case apsw.BusyError() | apsw.LockedError():
            return Busy(subject, "another process has been writing to it for too long", "Try again when it is done")
        case apsw.CorruptError() | apsw.NotADBError():
            return Damaged(subject, f"it is not a healthy SQLite database ({error})", "Restore it from a backup")
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.AuthError():
            return StorageError(subject, "it cannot be written", "Give this user write access to it and its folder")
        case apsw.CantOpenError():
            return StorageError(subject, "it cannot be opened", "Check that its folder exists and can be written")
        case apsw.IOError():
            return StorageError(subject, f"the disk failed to read or write ({error})", "Check the disk's health")
        case apsw.TooBigError():
            return StorageError(subject, "a value is too big for the database", "Store it as an object")
    return None

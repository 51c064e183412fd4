"""Remembers which keys a harvest has met, in bounded memory: the newest in a set, the others in a file on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from phonolith.store.database import database_errors, fetch
from phonolith.store.files import storage_errors
from phonolith.store.lines import to_key

#: So many keys are kept in memory, some 30 MB of them.
MOST = 200_000
_CACHE_KIB = 16 * 1024


class Seen:
    """A set of texts or of whole numbers of 64 bits that grows on the disk. A context manager; it ends empty.

    ``path`` is a file that is made when it is needed and removed at the end; one that a crash left is made anew. Raises
    StorageError where the disk does not take it.
    """

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._path = path
        self._most = most
        self._newest: set[str | int] = set()
        self._db: apsw.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._newest.clear()
        if self._db is not None:
            self._db.close()
            self._db = None
        with storage_errors(self._path):
            self._path.unlink(missing_ok=True)

    def __contains__(self, key: object) -> bool:
        return key in self._newest or (isinstance(key, str | int) and self._db is not None and self._is_stored(key))

    def add(self, key: str | int) -> bool:
        """Remember the key; whether it is new."""
        if key in self:
            return False
        self._newest.add(key)
        if len(self._newest) >= self._most:
            self._store()
        return True

    def _is_stored(self, key: str | int) -> bool:
        assert self._db is not None
        with database_errors(self._path):
            return bool(fetch(self._db, "SELECT 1 FROM seen WHERE key = :key", {"key": _key(key)}))

    def _store(self) -> None:
        """Move what is in memory to the disk, in order, so that each page of the file is touched once."""
        db = self._db or self._open()
        with database_errors(self._path):
            db.execute("BEGIN")
            db.executemany("INSERT INTO seen VALUES (?)", self._ordered())
            db.execute("COMMIT")
        self._newest.clear()

    def _ordered(self) -> Iterator[tuple[str | bytes | int]]:
        texts = sorted(key for key in self._newest if isinstance(key, str))
        numbers = sorted(key for key in self._newest if isinstance(key, int))
        yield from ((number,) for number in numbers)
        yield from ((to_key(text),) for text in texts)

    def _open(self) -> apsw.Connection:
        with storage_errors(self._path):
            self._path.unlink(missing_ok=True)
        with database_errors(self._path):
            self._db = db = apsw.Connection(str(self._path))
            for name, value in (("journal_mode", "off"), ("synchronous", "off"), ("locking_mode", "exclusive")):
                db.pragma(name, value)
            db.pragma("cache_size", -_CACHE_KIB)
            db.execute("CREATE TABLE seen (key ANY PRIMARY KEY) STRICT, WITHOUT ROWID")
        return db


def _key(key: str | int) -> str | bytes | int:
    return to_key(key) if isinstance(key, str) else key

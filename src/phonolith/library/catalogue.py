"""The catalogue as readers see it: one file opened read-only, exchanged without anybody noticing.

A build swaps a new file in by rename. Whoever is reading keeps the file that was open; the next reader gets the new
one, at most a second later. Connections are lent, not owned: `reading` lends one to a thread for as long as one answer
takes, and nested calls in that thread get the same one, so that row numbers, which belong to one build, never meet the
rows of another.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import apsw

from phonolith.errors import Damaged, NewerFormat, NotFound, StorageError
from phonolith.model.ids import (
    KINDS,
    code_rows,
    is_public_id,
    permalink_place,
    permalink_targets,
    public_id,
    public_key,
    unpack_source_id,
)

#: The format of catalogue that this program writes and reads; `meta` has it under ``schema_version``.
FORMAT = 4

T = TypeVar("T")

_CHECK_EVERY = 1.0  # seconds between looks at whether the file was exchanged
_CACHE_KIB = 16 * 1024  # per connection; not memory-mapped: a file cut short would then kill the process
_OWN_ID = {
    "track": "SELECT s.name, t.source_id FROM track t JOIN release r ON r.id = t.release "
    "JOIN source s ON s.id = r.source WHERE t.id = ?",
    **{
        kind: f"SELECT s.name, x.source_id FROM {kind} x JOIN source s ON s.id = x.source WHERE x.id = ?"
        for kind in ("release", "artist", "label")
    },
}


class Snapshot:
    """One build of the catalogue, through one connection.

    ``db`` is the connection, ``generation`` counts the builds this process has seen, ``memo`` is shared by all
    connections of the same build: what is dear to read and cannot change (dictionaries, term tables) is kept there.
    """

    __slots__ = ("db", "generation", "memo")

    def __init__(self, db: apsw.Connection, generation: int, memo: dict[Any, Any]) -> None:
        self.db = db
        self.generation = generation
        self.memo = memo

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once per build; two threads may both make it, one result stays."""
        try:
            value: T = self.memo[key]
        except KeyError:
            value = self.memo.setdefault(key, make())
        return value

    def find(self, identifier: str) -> tuple[str, int]:
        """The kind and row number behind a public id. Raises NotFound.

        The look-up goes by the first bits of the id, of which a few rows may have the same; which of them is meant is
        settled by computing each one's id again from its source and source id.
        """
        if is_public_id(identifier):
            for kind, row in self._candidates(public_key(identifier)):
                if self.public_id(kind, row) == identifier:
                    return kind, row
        raise NotFound(identifier, "nothing in this catalogue has this id", "Look for it with: phonolith search WORDS")

    def find_kind(self, identifier: str, kind: str) -> int:
        """The row number of the track, release, artist or label with this id. Raises NotFound."""
        found, row = self.find(identifier)
        if found != kind:
            raise NotFound(f"{kind}:{identifier}", f"this is the id of a {found}", f"Use {found}:{identifier}")
        return row

    def public_id(self, kind: str, row: int) -> str:
        """The public id of a row. Raises NotFound where there is no such row."""
        found = self.db.execute(_OWN_ID[kind], (row,)).fetchone()
        if found is None:
            raise NotFound(f"{kind} row {row}", "there is no such row")
        return public_id(found[0], unpack_source_id(found[1]))

    def coded(self, scheme: str, code: int) -> list[int]:
        """Rows that may have a code: tracks for ``isrc`` (packed), releases for ``barcode``. Their columns decide."""
        sql = "SELECT entries FROM code WHERE scheme = ? AND first <= ? ORDER BY first DESC LIMIT 1"
        found = self.db.execute(sql, (scheme, code)).fetchone()
        entries = found[0] if found else b""
        assert isinstance(entries, bytes)
        return code_rows(entries, code)

    def _candidates(self, key: int) -> Iterator[tuple[str, int]]:
        bits: int = self.once("permalink_bits", self._permalink_bits)
        bucket, mark = permalink_place(key, bits)
        found = self.db.execute("SELECT entries FROM permalink WHERE bucket = ?", (bucket,)).fetchone()
        entries = found[0] if found else b""
        assert isinstance(entries, bytes)
        for target in permalink_targets(entries, mark):
            yield KINDS[target % 4], target // 4

    def _permalink_bits(self) -> int:
        row = self.db.execute("SELECT value FROM meta WHERE key = 'permalink_bits'").fetchone()
        return int(row[0]) if row and isinstance(row[0], int) else 0


class _Build:
    """Connections to one file; closed when the file was exchanged and the last of them has come back."""

    def __init__(self, generation: int, stamp: tuple[int, int]) -> None:
        self.generation = generation
        self.stamp = stamp
        self.memo: dict[Any, Any] = {}
        self.idle: list[apsw.Connection] = []
        self.retired = False

    def retire(self) -> None:
        """Close what is idle, and let what is lent be closed when it comes back."""
        self.retired = True
        while self.idle:
            self.idle.pop().close()


class Catalogue:
    """The catalogue of an archive, for any number of threads.

    ``problem`` says what is wrong with the file at the path while an older one is still being served, else "".
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.problem = ""
        self._clock = clock
        self._lock = threading.Condition()
        self._local = threading.local()
        self._checked = clock()
        self._build = self._load(1)

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.monotonic) -> Catalogue:
        """Open the catalogue at ``path``.

        Raises NotFound where none was built yet, NewerFormat for one made by a newer program, Damaged for a file that
        is no catalogue of ours, StorageError where the disk refuses.
        """
        return cls(path, clock=clock)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """Lend a connection to this thread; nested calls in the thread get the same one."""
        held: Snapshot | None = getattr(self._local, "snapshot", None)
        if held is not None:
            yield held
            return
        build, db = self._take()
        self._local.snapshot = Snapshot(db, build.generation, build.memo)
        try:
            yield self._local.snapshot
        except (apsw.CorruptError, apsw.NotADBError, apsw.IOError) as error:
            raise Damaged(str(self.path), f"cannot be read: {error}", "Make it again with: phonolith build") from error
        finally:
            self._local.snapshot = None
            self._give(build, db)

    @property
    def generation(self) -> int:
        """Counts the builds seen: grows when a new file was swapped in."""
        with self._lock:
            self._look()
            return self._build.generation

    def close(self) -> None:
        """Close the connections that nobody is using; those in use are closed when they come back."""
        with self._lock:
            self._build.retire()

    def _take(self) -> tuple[_Build, apsw.Connection]:
        with self._lock:
            self._look()
            build = self._build
            if build.idle:
                return build, build.idle.pop()
            return self._one_more(build) or self._wait()

    def _one_more(self, build: _Build) -> tuple[_Build, apsw.Connection] | None:
        """A further connection to the same file, or None where that file is no longer at the path."""
        try:
            db = connect(self.path)
            if _stamp(self.path) == build.stamp:
                return build, db
            db.close()
        except (NotFound, NewerFormat, Damaged):
            pass
        return None

    def _wait(self) -> tuple[_Build, apsw.Connection]:
        """The file has changed or gone and all connections are lent: take the new one, or wait for one to return."""
        while True:
            self._checked = float("-inf")
            self._look()
            if self._build.idle:
                return self._build, self._build.idle.pop()
            self._lock.wait(_CHECK_EVERY)

    def _give(self, build: _Build, db: apsw.Connection) -> None:
        with self._lock:
            if not build.retired:
                build.idle.append(db)
                self._lock.notify()
                return
        db.close()

    def _look(self) -> None:
        """Exchange the build when the file at the path is another one; keep what is open when that cannot be read."""
        now = self._clock()
        if now - self._checked < _CHECK_EVERY:
            return
        self._checked = now
        try:
            if _stamp(self.path) == self._build.stamp:
                self.problem = ""
                return
            fresh = self._load(self._build.generation + 1)
        except (NotFound, NewerFormat, Damaged, StorageError) as error:
            self.problem = f"{error} (the last one is still being served)"
            return
        old, self._build, self.problem = self._build, fresh, ""
        old.retire()
        self._lock.notify_all()

    def _load(self, generation: int) -> _Build:
        """Open the file at the path, again when it is exchanged between the look and the opening."""
        while True:
            stamp = _stamp(self.path)
            db = connect(self.path)
            if _stamp(self.path) == stamp:
                build = _Build(generation, stamp)
                build.idle.append(db)
                return build
            db.close()


def connect(path: Path) -> apsw.Connection:
    """A read-only connection that has been found to be a catalogue of a format this program reads.

    The file is opened as immutable: it is never written in place, so nothing is locked and no journal is looked for.
    """
    try:
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        db = apsw.Connection(f"file:{quote(os.fsencode(path))}?immutable=1", flags=flags)
    except apsw.Error as error:
        raise _opening_problem(path, error) from error
    try:
        db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}; PRAGMA query_only=1")
        _check_format(path, db)
    except apsw.Error as error:
        db.close()
        raise Damaged(str(path), f"not a catalogue: {error}", "Make it again with: phonolith build") from error
    except (NewerFormat, Damaged):
        db.close()
        raise
    return db


def _check_format(path: Path, db: apsw.Connection) -> None:
    row = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    version = int(row[0]) if row else 0
    if version > FORMAT:
        problem = f"catalogue of format {version}; this program reads up to {FORMAT}"
        raise NewerFormat(str(path), problem, "Install a newer Phonolith, or make it again with: phonolith build")
    if version < FORMAT:
        problem = f"catalogue of the older format {version}"
        raise Damaged(str(path), problem, "Make it again with: phonolith build")


def _stamp(path: Path) -> tuple[int, int]:
    """What tells one file at the path from the next: inode and time of change in nanoseconds."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise StorageError(str(path), f"cannot be looked at: {error.strerror}", "Check the folder's rights") from error
    return found.st_ino, found.st_mtime_ns


def _missing(path: Path) -> NotFound:
    return NotFound(str(path), "there is no catalogue yet", "Make it with: phonolith build")


def _opening_problem(path: Path, error: Exception) -> NotFound | StorageError:
    if not path.exists():
        return _missing(path)
    return StorageError(str(path), f"cannot be opened: {error}", "Check that you may read it")

"""The schedule of fixity checks: which bytes were read when, and which are due, in state/fixity.sqlite.

What was read last stands in state/fixity.journal until it is moved over, many rows at a time.

It may be lost: then everything counts as never read, which costs time and nothing else. What was found is in
held/observations.sqlite.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from phonolith.errors import Damaged
from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction
from phonolith.store.files import printable, storage_errors
from phonolith.store.journal import Journal

VERSION = 1

_FRESH = 5000  # rows that wait in the journal at most

#: Stands where a volume does for sealed segments of records; no volume can have this name.
SEGMENTS = ":records"

SCHEMA = """
CREATE TABLE checked (         -- the last reading of every place of an object, and of every sealed segment
  subject BLOB NOT NULL,       -- SHA-256 that the bytes should have
  volume TEXT NOT NULL,        -- as in the ledger; ':records' for a segment
  path BLOB NOT NULL,          -- as in the ledger; a segment's path under held/records
  size INTEGER NOT NULL,       -- bytes that it should have, of a segment that it had
  time TEXT NOT NULL,          -- ISO 8601, UTC
  result TEXT NOT NULL,        -- sound, damaged, unreadable, gone
  run INTEGER NOT NULL REFERENCES run,
  PRIMARY KEY (subject, volume, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX checked_by_time ON checked (time);
CREATE INDEX checked_amiss ON checked (run) WHERE result != 'sound';

CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  began TEXT NOT NULL,         -- ISO 8601, UTC
  ended TEXT NOT NULL,         -- '' while it runs, or if it was killed
  everything INTEGER NOT NULL  -- 0; else the first of the runs that together read everything
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Item:
    """Something to read: a place of an object, or a segment. ``volume`` and ``path`` as in table ``checked``."""

    sha256: bytes
    size: int
    volume: str
    path: bytes = b""


@dataclass(frozen=True, slots=True)
class Due:
    """What a run is to read: what was read at ``cutoff`` or before, in a run before ``before``; and what never was."""

    cutoff: str
    before: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What one run read, by result; ``digest`` is over its lines ``sha256 result volume path``, sorted."""

    began: str
    ended: str
    items: int
    size: int
    results: dict[str, int]
    digest: str


_AMISS = """
SELECT subject, size, volume, path FROM checked WHERE result != 'sound' AND run < :before
ORDER BY run, subject, volume, path"""

_NEVER = """
FROM ledger.place p CROSS JOIN ledger.object o ON o.id = p.object
WHERE NOT EXISTS (SELECT 1 FROM checked c WHERE c.subject = o.sha256 AND c.volume = p.volume AND c.path = p.path)"""

_NEVER_PAGE = f"""
SELECT p.object, o.sha256, o.size, p.volume, p.path {_NEVER}
AND (p.object, p.volume, p.path) > (:object, :volume, :path)
ORDER BY p.object, p.volume, p.path LIMIT 2000"""

_OLDEST_PAGE = """
SELECT time, subject, size, volume, path FROM checked
WHERE time <= :cutoff AND run < :before AND (time, subject, volume, path) > (:time, :subject, :volume, :path)
ORDER BY time, subject, volume, path LIMIT 2000"""

_DUE = """
SELECT count(*), coalesce(sum(size), 0) FROM checked
WHERE (time <= :cutoff OR result != 'sound') AND run < :before"""


_ALL_READ = "UPDATE run SET everything = 0 WHERE everything = (SELECT everything FROM run WHERE id = :run)"

_RECORD = "INSERT OR REPLACE INTO checked VALUES (?, ?, ?, ?, ?, ?, ?)"

_COUNTS = "SELECT (SELECT count(*) FROM ledger.place), (SELECT count(*) FROM checked)"


class Schedule(Closing):
    """state/fixity.sqlite. One process writes (lock ``verify``); safe to use from several threads."""

    def __init__(self, path: Path, ledger: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._journal = Journal(path.with_suffix(".journal"))
        self._fresh: list[tuple[bytes, str, bytes, int, str, str, int]] = []
        self._db = _open(path)
        with database_errors(ledger):
            self._db.execute("ATTACH :ledger AS ledger", {"ledger": str(ledger)})

    def close(self) -> None:
        """Close the files."""
        self._journal.close()
        self._db.close()

    def begin(self, now: str, *, everything: bool) -> tuple[int, Due]:
        """A new run; with what is due of everything, it goes on where an unfinished reading of everything stopped."""
        with self._lock, _mended(self._path), transaction(self._db, self._path) as db:
            number = int(self._one("SELECT coalesce(max(id), 0) + 1 FROM run"))
            first = self._unfinished() or number if everything else 0
            row = {"id": number, "began": now, "everything": first}
            db.execute("INSERT INTO run VALUES (:id, :began, '', :everything)", row)
        return number, Due("9" if everything else now, first or number)

    def unfinished_since(self) -> str:
        """When a reading of everything began that is not done yet; "" if there is none."""
        with self._lock, _mended(self._path), database_errors(self._path):
            first = self._unfinished()
            return str(self._one("SELECT began FROM run WHERE id = :id", id=first)) if first else ""

    def killed(self) -> list[int]:
        """Runs that did not come to their end."""
        with self._lock, _mended(self._path), database_errors(self._path):
            return [int(row[0]) for row in fetch(self._db, "SELECT id FROM run WHERE ended = '' ORDER BY id")]

    def end(self, run: int, now: str, *, finished: bool) -> None:
        """The run is over; ``finished`` if nothing that was due is left."""
        with self._lock, _mended(self._path), transaction(self._db, self._path) as db:
            db.execute("UPDATE run SET ended = :now WHERE id = :run", {"now": now, "run": run})
            if finished:
                db.execute(_ALL_READ, {"run": run})

    def record(self, item: Item, time: str, result: str, run: int) -> None:
        """What a reading saw; kept when this returns, whatever happens to the process.

        It goes into a journal first, at a tenth of the cost of a row in a table; :meth:`settle` moves it over.
        """
        with self._lock:
            self._journal.append((item.sha256.hex(), item.volume, item.path.hex(), item.size, time, result, run))
            self._fresh.append((item.sha256, item.volume, item.path, item.size, time, result, run))
            full = len(self._fresh) >= _FRESH
        if full:
            self.settle()

    def settle(self) -> None:
        """Move what was recorded from the journal into the table, in order."""
        with self._lock, _mended(self._path):
            with transaction(self._db, self._path) as db:
                db.executemany(_RECORD, sorted(self._fresh))
            self._fresh.clear()
            self._journal.clear()

    def recover(self) -> None:
        """Take over what a killed process recorded. Only for whoever has the lock."""
        with self._lock, _mended(self._path), database_errors(self._path):
            runs = {str(row[0]) for row in fetch(self._db, "SELECT id FROM run")}
            for row in self._journal.rows():
                if len(row) == 7 and row[6] in runs:  # others were cut off, or belong to a schedule that was lost
                    sha256, volume, path, size, time, result, run = row
                    self._fresh.append(
                        (bytes.fromhex(sha256), volume, bytes.fromhex(path), int(size), time, result, int(run))
                    )
        self.settle()

    def last(self, item: Item) -> tuple[str, str] | None:
        """Result and time of the last reading, None if there was none."""
        key = {"subject": item.sha256, "volume": item.volume, "path": item.path}
        sql = "SELECT result, time FROM checked WHERE subject = :subject AND volume = :volume AND path = :path"
        rows = self._rows(sql, key)
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def due(self, due: Due, segments: Iterable[Item]) -> Iterator[Item]:
        """What is due: first what was amiss, then what was never read, in the ledger's order, then the oldest.

        ``segments`` are all there are. What is recorded meanwhile does not come twice.
        """
        which = {"cutoff": due.cutoff, "before": due.before}
        amiss = dict.fromkeys(_item(*row) for row in self._rows(_AMISS, which))
        yield from amiss
        yield from (one for one in segments if self.last(one) is None)
        yield from self._never()
        for one in self._oldest(which):
            if one not in amiss:
                yield one

    def amount(self, due: Due, segments: Iterable[Item]) -> tuple[int, int]:
        """Number and bytes of what is due."""
        fresh = [one.size for one in segments if self.last(one) is None]
        never = self._rows(f"SELECT count(*), coalesce(sum(o.size), 0) {_NEVER}", {})[0]
        older = self._rows(_DUE, {"cutoff": due.cutoff, "before": due.before})[0]
        return len(fresh) + never[0] + older[0], sum(fresh) + never[1] + older[1]

    def oldest(self) -> str:
        """When that was read which was read longest ago; "" if nothing was ever read."""
        return str(self._rows("SELECT coalesce(min(time), '') FROM checked", {})[0][0])

    def never(self, segments: Sequence[Item]) -> int:
        """How many places and segments were never read; what is counted are rows, so that it is quick."""
        fresh = sum(1 for one in segments if self.last(one) is None)
        places, checked = self._rows(_COUNTS, {})[0]
        return fresh + max(int(places - (checked - (len(segments) - fresh))), 0)

    def summary(self, run: int) -> Summary:
        """What a run read, whether it came to its end or not."""
        (began, ended) = self._rows("SELECT began, ended FROM run WHERE id = :run", {"run": run})[0]
        digest, results, items, size, latest = hashlib.sha256(), dict[str, int](), 0, 0, began
        for subject, volume, path, bytes_, time, result in self._of_run(run):
            digest.update(b"%s %s %s %s\n" % (subject.hex().encode(), result.encode(), volume.encode(), path))
            results[result] = results.get(result, 0) + 1
            items, size, latest = items + 1, size + bytes_, max(latest, time)
        return Summary(began, ended or latest, items, size, results, digest.hexdigest())

    def _of_run(self, run: int) -> Iterator[tuple[Any, ...]]:
        sql = (
            "SELECT subject, volume, path, size, time, result FROM checked"
            " WHERE run = :run AND (subject, volume, path) > (:subject, :volume, :path)"
            " ORDER BY subject, volume, path LIMIT 2000"
        )
        after: tuple[Any, ...] = (b"", "", b"")
        while rows := self._rows(sql, {"run": run} | dict(zip(("subject", "volume", "path"), after, strict=True))):
            yield from rows
            after = rows[-1][:3]

    def _never(self) -> Iterator[Item]:
        after = {"object": -1, "volume": "", "path": b""}
        while rows := self._rows(_NEVER_PAGE, after):
            yield from (Item(sha256, size, volume, path) for _, sha256, size, volume, path in rows)
            after = {"object": rows[-1][0], "volume": rows[-1][3], "path": rows[-1][4]}

    def _oldest(self, which: dict[str, Any]) -> Iterator[Item]:
        after: dict[str, Any] = {"time": "", "subject": b"", "volume": "", "path": b""}
        while rows := self._rows(_OLDEST_PAGE, which | after):
            yield from (_item(*row[1:]) for row in rows)
            after = dict(zip(("time", "subject", "volume", "path"), (*rows[-1][:2], *rows[-1][3:]), strict=True))

    def _unfinished(self) -> int:
        """The first run of an unfinished reading of everything, 0 if there is none: the last one that began tells."""
        rows = fetch(self._db, "SELECT everything FROM run WHERE everything ORDER BY id DESC LIMIT 1")
        return int(rows[0][0]) if rows else 0

    def _one(self, sql: str, **bindings: Any) -> Any:
        return fetch(self._db, sql, bindings)[0][0]

    def _rows(self, sql: str, bindings: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._lock, _mended(self._path), database_errors(self._path):
            return fetch(self._db, sql, bindings)


def _item(subject: bytes, size: int, volume: str, path: bytes) -> Item:
    return Item(subject, size, volume, path)


def _open(path: Path) -> apsw.Connection:
    """The database; one that is no database any more is begun again. What it says need not outlive a power cut."""
    try:
        db = open_rw(path, SCHEMA, VERSION)
    except Damaged:
        with storage_errors(path):
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
        db = open_rw(path, SCHEMA, VERSION)
    with database_errors(path):
        db.pragma("synchronous", "normal")
    return db


@contextlib.contextmanager
def _mended(path: Path) -> Iterator[None]:
    """Say of a damaged schedule what is to be done: no backup is needed for it."""
    try:
        yield
    except Damaged as error:
        raise Damaged(error.subject, error.problem, f"Delete {printable(path)}; it only costs reading again") from error

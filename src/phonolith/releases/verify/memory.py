"""Remembers what was checked, so that a check that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from phonolith.model.moment import later
from phonolith.releases.verify.hashing import Result
from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction
from phonolith.store.files import make_folders, storage_errors

#: Days after which a file is read again whatever is remembered: bits that rot change no time of a file.
FRESH = 30

_VERSION = 1
_SCHEMA = """
CREATE TABLE checked (
  key BLOB PRIMARY KEY,  -- SHA-256 over device, inode, size and times of what was read and all it was compared with
  time TEXT NOT NULL,    -- when, ISO 8601 UTC
  result TEXT NOT NULL   -- '' sound, else JSON: [lists that say otherwise, bad pieces]
) STRICT, WITHOUT ROWID;
"""


class Memory(Closing):
    """What was checked and what came of it, in one small SQLite file; losing it costs time and nothing else."""

    def __init__(self, path: Path, *, now: str) -> None:
        """``now`` is ISO 8601 UTC; what is older than FRESH days is forgotten. Raises StorageError, Damaged."""
        self._path, self._now = path, now
        with storage_errors(path):
            make_folders(path.parent, 0o700)
        self._db = open_rw(path, _SCHEMA, _VERSION)
        oldest = later(now, -timedelta(days=FRESH))
        with transaction(self._db, path):
            self._db.execute("DELETE FROM checked WHERE time < :oldest", {"oldest": oldest})
        self.empty = not fetch(self._db, "SELECT 1 FROM checked LIMIT 1")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def get(self, key: bytes) -> tuple[Result, str] | None:
        """What came of the work with this key, and when it was done; None if it was not."""
        with database_errors(self._path):
            rows = fetch(self._db, "SELECT result, time FROM checked WHERE key = :key", {"key": key})
        if not rows:
            return None
        wrong, bad = json.loads(rows[0][0] or "[[],[]]")
        return Result(tuple(wrong), tuple(bad)), str(rows[0][1])

    def put(self, results: Iterable[tuple[bytes, Result]]) -> None:
        """Remember results, durably. What could not be read is not remembered: it is tried again."""
        rows = [
            {"key": key, "time": self._now, "result": "" if one.sound else json.dumps([one.wrong, one.bad])}
            for key, one in results
            if not one.error
        ]
        if rows:
            self.empty = False
            with transaction(self._db, self._path):
                sql = "INSERT OR REPLACE INTO checked (key, time, result) VALUES (:key, :time, :result)"
                self._db.executemany(sql, rows)


def state_file(environment: Mapping[str, str]) -> Path:
    """Where the memory lies by default: XDG_STATE_HOME/phonolith/verify.sqlite, or below ~/.local/state."""
    home = environment.get("XDG_STATE_HOME") or str(Path(environment.get("HOME") or "~").expanduser() / ".local/state")
    return Path(home) / "phonolith" / "verify.sqlite"

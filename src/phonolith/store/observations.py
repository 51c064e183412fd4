"""Observations: dated results of looking at objects, with the tool that looked, in held/observations.sqlite."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.errors import UsageError
from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction

VERSION = 1

SCHEMA = """
CREATE TABLE observation (     -- append-only; what a tool saw, never what somebody concluded from it
  id INTEGER PRIMARY KEY,
  subject BLOB NOT NULL CHECK (length(subject) = 32), -- SHA-256 of what was looked at
  kind TEXT NOT NULL,          -- fixity, fixity.run, swarm, decode, loudness, fingerprint …
  tool TEXT NOT NULL,
  version TEXT NOT NULL,
  time TEXT NOT NULL,          -- ISO 8601, UTC
  value TEXT NOT NULL          -- JSON
) STRICT;
CREATE INDEX observation_by_subject ON observation (subject, kind);
CREATE INDEX observation_of_fixity ON observation (subject, id) WHERE kind = 'fixity'; -- few: what is or was damaged
"""


@dataclass(frozen=True, slots=True)
class Observation:
    """One look: ``subject`` is a SHA-256 in hexadecimal, ``value`` what JSON can hold."""

    subject: str
    kind: str
    tool: str
    version: str
    time: str
    value: Any


class Observations(Closing):
    """held/observations.sqlite. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db = open_rw(path, SCHEMA, VERSION)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, subject_sha256: str, kind: str, tool: str, version: str, time: str, value: Any) -> None:
        """Add one observation; durable on return. Raises UsageError where it cannot be one."""
        self.add_many([(subject_sha256, value)], kind, tool, version, time)

    def add_many(self, seen: Iterable[tuple[str, Any]], kind: str, tool: str, version: str, time: str) -> None:
        """Add what one look saw, (subject, value) each: all or nothing, durable on return. Raises UsageError."""
        told = {"kind": kind, "tool": tool, "version": version, "time": time}
        try:
            rows = [
                told | {"subject": bytes.fromhex(subject), "value": json.dumps(value, allow_nan=False)}
                for subject, value in seen
            ]
        except (TypeError, ValueError) as error:
            raise UsageError(f"observation {kind}", f"it cannot be stored ({error})", "Correct the value") from error
        with self._lock, transaction(self._db, self._path) as db:
            db.executemany(
                "INSERT INTO observation (subject, kind, tool, version, time, value)"
                " VALUES (:subject, :kind, :tool, :version, :time, :value)",
                rows,
            )

    def of(self, subject_sha256: str, kind: str | None = None) -> list[Observation]:
        """Observations of one object, oldest first."""
        bindings = {"subject": bytes.fromhex(subject_sha256), "kind": kind}
        return list(self._read("subject = :subject AND (:kind IS NULL OR kind = :kind)", bindings))

    def latest(self, subject_sha256: str, kind: str) -> Observation | None:
        """The last observation of this kind, None if there is none."""
        found = self.of(subject_sha256, kind)
        return found[-1] if found else None

    def newest(self, subject_sha256: str, kind: str, most: int) -> list[Observation]:
        """The last ``most`` observations of this kind, oldest first."""
        bindings = {"subject": bytes.fromhex(subject_sha256), "kind": kind, "most": most}
        sql = "SELECT subject, kind, tool, version, time, value FROM observation"
        where = " WHERE subject = :subject AND kind = :kind ORDER BY id DESC LIMIT :most"
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, sql + where, bindings)
        return [_observation(*row) for row in reversed(rows)]

    def all(self, kind: str | None = None) -> Iterator[Observation]:
        """Every observation, oldest first."""
        return self._read("(:kind IS NULL OR kind = :kind)", {"kind": kind})

    def _read(self, where: str, bindings: dict[str, Any]) -> Iterator[Observation]:
        sql = f"SELECT id, subject, kind, tool, version, time, value FROM observation WHERE id > :after AND {where}"
        after = 0
        while True:
            with self._lock, database_errors(self._path):
                rows = fetch(self._db, f"{sql} ORDER BY id LIMIT 1000", bindings | {"after": after})
            yield from (_observation(*row[1:]) for row in rows)
            if not rows:
                return
            after = rows[-1][0]


def _observation(subject: bytes, kind: str, tool: str, version: str, time: str, value: str) -> Observation:
    return Observation(subject.hex(), kind, tool, version, time, json.loads(value))

"""The register: a hash-chained log of what persons decided, what arrived from outside and what was published."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from phonolith.errors import UsageError
from phonolith.model.event import KINDS, Event
from phonolith.model.finding import Finding
from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction

VERSION = 1

#: The digest before the first event.
GENESIS = "0" * 64

SCHEMA = """
CREATE TABLE event (           -- append-only; each row's digest covers the row and the digest before it
  seq INTEGER PRIMARY KEY,     -- 1, 2, 3 … without gaps
  time TEXT NOT NULL,          -- ISO 8601, UTC
  actor TEXT NOT NULL,         -- random token; the name, if it is still known, is in private/
  kind TEXT NOT NULL,
  body TEXT NOT NULL,          -- canonical JSON: keys sorted, no spaces, UTF-8
  previous TEXT NOT NULL,      -- digest of the event before, 64 zeros for the first
  digest TEXT NOT NULL         -- SHA-256 of the canonical JSON of the six other columns as one object
) STRICT;

CREATE TABLE head (            -- the last event, so that a cut-off tail is noticed
  only INTEGER PRIMARY KEY CHECK (only = 1),
  seq INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT raise(ABORT, 'the register is append-only'); END;
CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
BEGIN SELECT raise(ABORT, 'the register is append-only'); END;
"""


class Register(Closing):
    """held/register.sqlite. Any process may append at any time; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db = open_rw(path, SCHEMA, VERSION)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def append(self, kind: str, body: Mapping[str, Any], *, actor: str, time: str) -> Event:
        """Append one event; durable on return. Raises UsageError where kind or body cannot be one."""
        text = check_body(kind, body)
        with self._lock, transaction(self._db, self._path) as db:
            seq, previous = self._head()
            digest = event_digest(seq + 1, time, actor, kind, json.loads(text), previous)
            row = {"seq": seq + 1, "time": time, "actor": actor, "kind": kind, "body": text}
            row |= {"previous": previous, "digest": digest}
            db.execute("INSERT INTO event VALUES (:seq, :time, :actor, :kind, :body, :previous, :digest)", row)
            db.execute("INSERT OR REPLACE INTO head VALUES (1, :seq, :digest)", {"seq": seq + 1, "digest": digest})
        return Event(seq + 1, time, actor, kind, json.loads(text), previous, digest)

    def events(self, after: int = 0) -> Iterator[Event]:
        """Events with a number above ``after``, in order."""
        while rows := self._rows("SELECT * FROM event WHERE seq > :after ORDER BY seq LIMIT 1000", {"after": after}):
            for seq, time, actor, kind, body, previous, digest in rows:
                yield Event(seq, time, actor, kind, json.loads(body), previous, digest)
            after = rows[-1][0]

    def head(self) -> tuple[int, str]:
        """Number and digest of the last event; (0, 64 zeros) if there is none."""
        with self._lock, database_errors(self._path):
            return self._head()

    def verify(self, known: tuple[int, str] | None = None) -> list[Finding]:
        """What was edited, removed or reordered since it was written; empty if nothing.

        ``known`` is a number and digest seen earlier, e.g. in a publication: whoever can rewrite the whole file can
        rewrite the chain, but not what others have already seen.
        """
        findings: list[Finding] = []
        seq, previous, seen = 0, GENESIS, known is None or known == (0, GENESIS)
        for row in self._raw():
            problem = _problem(row, seq + 1, previous)
            if problem:
                findings.append(_finding(int(row[0]), problem))
            seq, previous = int(row[0]), str(row[6])
            seen = seen or known == (seq, previous)
        if (seq, previous) != self.head():
            findings.append(_finding(seq, "events at the end were removed or the last one was replaced"))
        if not seen and known is not None:
            findings.append(_finding(known[0], f"it is no longer the event of digest {known[1]} that was seen before"))
        return findings

    def _head(self) -> tuple[int, str]:
        rows = fetch(self._db, "SELECT seq, digest FROM head")
        return (int(rows[0][0]), str(rows[0][1])) if rows else (0, GENESIS)

    def _raw(self) -> Iterator[tuple[Any, ...]]:
        after = -(2**63)
        while rows := self._rows("SELECT * FROM event WHERE seq > :after ORDER BY seq LIMIT 1000", {"after": after}):
            yield from rows
            after = rows[-1][0]

    def _rows(self, sql: str, bindings: dict[str, int]) -> list[tuple[Any, ...]]:
        with self._lock, database_errors(self._path):
            return fetch(self._db, sql, bindings)


def canonical(value: Any) -> str:
    """Canonical JSON: keys sorted, no spaces, no escapes but those JSON requires. Raises ValueError, TypeError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def event_digest(seq: int, time: str, actor: str, kind: str, body: Mapping[str, Any], previous: str) -> str:
    """SHA-256, in hexadecimal, that chains an event to the one before."""
    row = {"seq": seq, "time": time, "actor": actor, "kind": kind, "body": body, "previous": previous}
    return hashlib.sha256(canonical(row).encode("utf-8")).hexdigest()


def check_body(kind: str, body: Mapping[str, Any]) -> str:
    """The body as canonical JSON. Raises UsageError where the kind is unknown or a field is missing or impossible."""
    if kind not in KINDS:
        raise UsageError(f"event {kind}", "there is no such kind of event", f"Kinds are {', '.join(KINDS)}")
    missing = [field for field in KINDS[kind] if field not in body]
    if missing:
        raise UsageError(f"event {kind}", f"it lacks {', '.join(missing)}", "Give every field the kind must have")
    try:
        text = canonical(json.loads(canonical(dict(body))))  # twice: keys that are no texts become such first
        text.encode("utf-8")
    except (TypeError, ValueError) as error:
        raise UsageError(f"event {kind}", f"its body is not JSON in UTF-8 ({error})", "Correct the value") from error
    return text


def _problem(row: tuple[Any, ...], seq: int, previous: str) -> str:
    found, time, actor, kind, body, before, digest = row
    if found != seq:
        return f"event {seq} was removed" if found > seq else "its number is out of order"
    if before != previous:
        return "it does not follow from the event before it: one of them was edited, removed or reordered"
    try:
        value = json.loads(body)
    except ValueError:
        return "its body is no longer JSON"
    if canonical(value) != body or event_digest(found, time, actor, kind, value, before) != digest:
        return "it was edited after it was written"
    return ""


def _finding(seq: int, problem: str) -> Finding:
    return Finding("register.broken", f"event {seq}", problem, "Restore held/register.sqlite from a backup", "error")

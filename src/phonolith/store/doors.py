"""Who came to the artist's door: codes to place, digests of personal links, how often somebody came; erasable.

private/doors.sqlite. Nothing in it names a person, and none of it is in held/: what nobody proved leaves no trace
there.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction
from phonolith.store.files import storage_errors

VERSION = 1

SCHEMA = """
CREATE TABLE key (               -- somebody who says that a page is theirs, and perhaps proved it
  token TEXT PRIMARY KEY,        -- SHA-256 of what the personal link ends with
  door TEXT NOT NULL,            -- the number of what the page opens
  subject TEXT NOT NULL,         -- public id of the artist, label or release
  kind TEXT NOT NULL,            -- which of these it is
  page TEXT NOT NULL,            -- address of the page
  code TEXT NOT NULL,            -- what is to stand on the page; public, and proves nothing to whoever copies it
  made TEXT NOT NULL,            -- ISO 8601, UTC, as all times here
  until TEXT NOT NULL,           -- when the link ends
  proven TEXT NOT NULL,          -- when the code was seen on the page last, '' never
  looked TEXT NOT NULL,          -- when the page was looked at last, '' never
  missed TEXT NOT NULL,          -- since when the code is not there any more, '' where it is
  problem TEXT NOT NULL,         -- why the last look found nothing, '' where it did
  found TEXT NOT NULL,           -- where on the page it stood last: head, me, well-known, text
  approved TEXT NOT NULL         -- when a person here looked at it, '' never
) STRICT, WITHOUT ROWID;
CREATE INDEX key_of_door ON key (door);

CREATE TABLE arrival (           -- who came of late, to limit how often one may
  who TEXT NOT NULL,             -- keyed digest of an address of the net, of what is to be opened, or of a page
  time TEXT NOT NULL
) STRICT;
CREATE INDEX arrival_of ON arrival (who, time);
"""
_COLUMNS = "door, subject, kind, page, code, made, until, proven, looked, missed, problem, found, approved"


@dataclass(frozen=True, slots=True)
class Key:
    """A personal link to a door. ``proven`` "": its code was not seen yet. ``problem``: why the last look failed.

    One whose code stands among the words of a page (``found`` text) opens nothing until it is ``approved``.
    """

    door: str
    subject: str
    kind: str
    page: str
    code: str
    made: str
    until: str
    proven: str = ""
    looked: str = ""
    missed: str = ""
    problem: str = ""
    found: str = ""
    approved: str = ""

    @property
    def good(self) -> bool:
        """Whether it proves that whoever has it has the page, as far as one can tell here."""
        return bool(self.proven) and (self.found != "text" or bool(self.approved))

    @property
    def waits(self) -> bool:
        """Whether a person here has to look at it first."""
        return bool(self.proven) and not self.good


class DoorKeys(Closing):
    """private/doors.sqlite. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db = open_rw(path, SCHEMA, VERSION)
        self._db.pragma("secure_delete", True)
        with storage_errors(path):
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def keep(self, token: str, key: Key) -> None:
        """Keep a key; its token is kept as a digest only. Those that ended before it was made are forgotten."""
        row = {name: getattr(key, name) for name in _COLUMNS.split(", ")} | {"token": _digest(token)}
        names = f"token, {_COLUMNS}"
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("DELETE FROM key WHERE until < :made", {"made": key.made})
            db.execute(f"INSERT INTO key ({names}) VALUES ({', '.join(f':{one}' for one in names.split(', '))})", row)

    def get(self, token: str, now: str) -> Key | None:
        """The key with this token, None where there is none or it ended."""
        return next(iter(self._read("token = :value AND until >= :now", _digest(token), now)), None)

    def of_door(self, door: str, now: str) -> list[Key]:
        """All keys of a door that have not ended, by code."""
        return sorted(self._read("door = :value AND until >= :now", door, now), key=lambda one: one.code)

    def looked(self, code: str, *, at: str, found: str, problem: str = "", until: str = "") -> None:
        """Note how looking for a code went; ``until`` is how long its link is good now, "" as long as before."""
        row = {"code": code, "at": at, "problem": problem, "until": until, "found": found}
        seen = "proven = :at, missed = '', problem = '', found = :found, until = max(until, :until)"
        lost = "problem = :problem, missed = CASE WHEN missed = '' AND proven <> '' THEN :at ELSE missed END"
        with self._lock, transaction(self._db, self._path) as db:
            db.execute(f"UPDATE key SET looked = :at, {seen if found else lost} WHERE code = :code", row)

    def renew(self, old: str, new: str) -> None:
        """Another token in the place of one; every other link to that door ends."""
        row = {"old": _digest(old), "new": _digest(new)}
        with self._lock, transaction(self._db, self._path) as db:
            db.execute(
                "DELETE FROM key WHERE token <> :old AND door = (SELECT door FROM key WHERE token = :old)"
                " AND proven <> ''",
                row,
            )
            db.execute("UPDATE key SET token = :new WHERE token = :old", row)

    def approve(self, code: str, at: str) -> None:
        """Note that a person saw that whoever has the page wrote a code there."""
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("UPDATE key SET approved = :at WHERE code = :code", {"code": code, "at": at})

    def proven(self, now: str) -> list[Key]:
        """Every key that was proven and has not ended, those first whose page was not looked at for longest."""
        return sorted(self._read("proven <> :value AND until >= :now", "", now), key=lambda one: (one.looked, one.code))

    def end(self, door: str) -> int:
        """Forget all keys of a door; gives their number."""
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("DELETE FROM key WHERE door = :door", {"door": door})
            return db.changes()

    def admit(self, limits: Iterable[tuple[str, int, str]], *, now: str, oldest: str) -> bool:
        """Count one arrival of each ``(who, most, since)``; whether none came more often since then.

        Those before ``oldest`` are forgotten. Refused ones are not counted: who waits is let in again.
        """
        wanted = list(limits)
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("DELETE FROM arrival WHERE time < :oldest", {"oldest": oldest})
            for who, most, since in wanted:
                row = {"who": who, "since": since}
                known: Any = db.execute(
                    "SELECT count(*) FROM arrival WHERE who = :who AND time > :since", row
                ).fetchone()
                if known[0] >= most:
                    return False
            db.executemany("INSERT INTO arrival VALUES (?, ?)", [(who, now) for who, _, _ in wanted])
            return True

    def _read(self, where: str, value: str, now: str) -> list[Key]:
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, f"SELECT {_COLUMNS} FROM key WHERE {where}", {"value": value, "now": now})
        return [Key(*row) for row in rows]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

"""The ledger: each held object's passport and the places where its bytes lie, in held/ledger.sqlite."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from phonolith.store.database import Closing, database_errors, fetch, open_ro, open_rw, transaction
from phonolith.store.passport import Passport

VERSION = 1

SCHEMA = """
CREATE TABLE object (          -- one row for each object, for ever; what docs/on-disk-format.md calls a passport
  id INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  size INTEGER NOT NULL CHECK (size >= 0),          -- bytes
  media_type TEXT NOT NULL,                         -- as told by whoever brought it, '' if nobody said
  piece_length INTEGER NOT NULL CHECK (piece_length IN (65536, 1048576)),
  root BLOB NOT NULL,          -- BEP 52 pieces root, 32 bytes; empty for an empty object
  layer BLOB NOT NULL,         -- BEP 52 piece layer, 32 bytes a piece; empty unless size > piece_length
  pieces BLOB NOT NULL,        -- SHA-1 of each v1 piece, 20 bytes each, the last one of the bare bytes
  padded BLOB NOT NULL         -- SHA-1 of the last v1 piece filled with zeros to piece_length
) STRICT;

CREATE TABLE place (           -- where the bytes are; more than one place is fine
  object INTEGER NOT NULL REFERENCES object,
  volume TEXT NOT NULL,        -- name of a volume in phonolith.toml; '' = outside the archive, adopted by reference
  path BLOB NOT NULL,          -- outside path as the bytes the operating system knows; empty inside a volume
  mtime_ns INTEGER NOT NULL,   -- outside file's modification time when it was read, nanoseconds since 1970; 0 inside
  PRIMARY KEY (object, volume, path)
) STRICT, WITHOUT ROWID;
"""


_TOMBSTONES = """
CREATE TABLE IF NOT EXISTS tombstone (  -- made with the first of them: what stands where an object's bytes were
  object INTEGER PRIMARY KEY REFERENCES object,
  why TEXT NOT NULL CHECK (why IN ('expunged', 'dropped', 'awaited')),
  origin TEXT NOT NULL,        -- the archive that withdrew it; '' = this one
  ground TEXT NOT NULL,        -- owner, licence or law
  event INTEGER NOT NULL,      -- number of the register's event that says so
  time TEXT NOT NULL
) STRICT
"""
_BURY = """
INSERT OR REPLACE INTO tombstone (object, why, origin, ground, event, time)
SELECT id, :why, :origin, :ground, :event, :time FROM object WHERE sha256 = :sha256
"""
_BURIED = (
    "SELECT o.sha256, t.why, t.origin, t.ground, t.event, t.time FROM tombstone t JOIN object o ON o.id = t.object"
)
_RISEN = """
DELETE FROM tombstone WHERE object = (SELECT id FROM object WHERE sha256 = :sha256) AND why != 'expunged'
"""
_FORGET = """
DELETE FROM place WHERE volume = :volume AND path = :path AND object = (SELECT id FROM object WHERE sha256 = :sha256)
"""

#: Why an object has no bytes: removed for good; dropped, since the archive it came from withdrew it; or reinstated
#: there since, and to be fetched again.
EXPUNGED, DROPPED, AWAITED = "expunged", "dropped", "awaited"

_ADD_OBJECT = """
INSERT INTO object (sha256, size, media_type, piece_length, root, layer, pieces, padded)
VALUES (:sha256, :size, :media_type, :piece_length, :root, :layer, :pieces, :padded)
ON CONFLICT (sha256) DO UPDATE SET media_type = excluded.media_type WHERE media_type = ''
"""

_ADD_PLACE = """
INSERT INTO place (object, volume, path, mtime_ns)
SELECT id, :volume, :path, :mtime_ns FROM object WHERE sha256 = :sha256
ON CONFLICT DO UPDATE SET mtime_ns = excluded.mtime_ns
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object's bytes are: inside a volume, or (``volume`` empty) at an outside path."""

    volume: str
    path: bytes = b""
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What stands where an object's bytes were; ``why`` as above, ``origin`` "" for this archive."""

    sha256: bytes
    why: str
    origin: str
    ground: str
    event: int
    time: str

    def __str__(self) -> str:
        by = f", withdrawn by {self.origin}" if self.origin else ""
        if self.why == AWAITED:
            return f"dropped before and reinstated by {self.origin}"
        return f"{self.why}{by} (event {self.event}, ground {self.ground})"


class Entry(NamedTuple):
    """What is to be entered: an object and a place of it."""

    passport: Passport
    media_type: str
    place: Place


class Ledger(Closing):
    """Rows of held/ledger.sqlite. Safe to use from several threads."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._db = open_ro(path, VERSION) if readonly else open_rw(path, SCHEMA, VERSION)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[apsw.Connection]:
        """A short write transaction."""
        return transaction(self._db, self._path)

    def add_many(self, entries: Iterable[Entry]) -> None:
        """Enter objects, or one more place of each; durable on return. The first media type that was told stays.

        A tombstone gives way, since the bytes are back; whoever enters bytes asked :meth:`tombstone` whether they may.
        """
        rows = [
            {
                "sha256": passport.sha256,
                "size": passport.size,
                "media_type": media_type,
                "piece_length": passport.piece_length,
                "root": passport.root,
                "layer": passport.layer,
                "pieces": passport.pieces,
                "padded": passport.padded,
                "volume": place.volume,
                "path": place.path,
                "mtime_ns": place.mtime_ns,
            }
            for passport, media_type, place in entries
        ]
        if not rows:
            return
        with self._lock, self.transaction() as db:
            db.executemany(_ADD_OBJECT, rows)
            db.executemany(_ADD_PLACE, rows)
            if self._any_tombstone():
                db.executemany(_RISEN, [{"sha256": row["sha256"]} for row in rows])

    def bury(self, tombstones: Iterable[Tombstone]) -> None:
        """Lay tombstones on objects; durable on return. Places stay until :meth:`forget` says that bytes are gone."""
        rows = [{field.name: getattr(one, field.name) for field in fields(one)} for one in tombstones]
        if rows:
            with self._lock, self.transaction() as db:
                db.execute(_TOMBSTONES)
                db.executemany(_BURY, rows)

    def forget(self, sha256: bytes, places: Iterable[Place]) -> None:
        """Strike places where the bytes no longer are; durable on return."""
        with self._lock, self.transaction() as db:
            db.executemany(_FORGET, [{"sha256": sha256, "volume": p.volume, "path": p.path} for p in places])

    def tombstone(self, sha256: bytes) -> Tombstone | None:
        """The object's tombstone, None where it has none."""
        if not self._any_tombstone():
            return None
        rows = self._rows(f"{_BURIED} WHERE o.sha256 = :sha256", {"sha256": sha256})
        return Tombstone(*rows[0]) if rows else None

    def tombstones(self) -> list[Tombstone]:
        """All of them, by digest."""
        rows = self._rows(f"{_BURIED} ORDER BY o.sha256", {}) if self._any_tombstone() else []
        return [Tombstone(*row) for row in rows]

    def remains(self) -> list[tuple[bytes, Place]]:
        """Where there are bytes of objects that have a tombstone, by digest: nobody could remove them yet."""
        sql = (
            "SELECT o.sha256, p.volume, p.path, p.mtime_ns FROM tombstone t JOIN object o ON o.id = t.object"
            " JOIN place p ON p.object = o.id ORDER BY o.sha256, p.volume, p.path"
        )
        found = self._rows(sql, {}) if self._any_tombstone() else []
        return [(sha256, Place(*place)) for sha256, *place in found]

    def _any_tombstone(self) -> bool:
        return bool(self._rows("SELECT 1 FROM sqlite_schema WHERE name = 'tombstone'", {}))

    def size(self, sha256: bytes) -> int | None:
        """Bytes of the object, None if it is not held."""
        rows = self._rows("SELECT size FROM object WHERE sha256 = :sha256", {"sha256": sha256})
        return int(rows[0][0]) if rows else None

    def media_type(self, sha256: bytes) -> str:
        """What the object was said to be, "" where nobody said or it is not held."""
        rows = self._rows("SELECT media_type FROM object WHERE sha256 = :sha256", {"sha256": sha256})
        return str(rows[0][0]) if rows else ""

    def places(self, sha256: bytes) -> list[Place]:
        """All places of the object, those inside the archive first."""
        rows = self._rows(
            "SELECT p.volume, p.path, p.mtime_ns FROM object o JOIN place p ON p.object = o.id"
            " WHERE o.sha256 = :sha256 ORDER BY p.volume = '', p.volume, p.path",
            {"sha256": sha256},
        )
        return [Place(*row) for row in rows]

    def passport(self, sha256: bytes) -> Passport | None:
        """The object's passport, None if it is not held."""
        rows = self._rows(
            "SELECT size, sha256, piece_length, root, layer, pieces, padded FROM object WHERE sha256 = :sha256",
            {"sha256": sha256},
        )
        return Passport(*rows[0]) if rows else None

    def all(self) -> Iterator[tuple[bytes, int, list[Place]]]:
        """SHA-256, size and places of every object that has no tombstone, by digest."""
        sql = (
            "SELECT o.sha256, o.size, p.volume, p.path, p.mtime_ns FROM"
            f" (SELECT id, sha256, size FROM object o WHERE sha256 > :after{self._with_bytes}"
            " ORDER BY sha256 LIMIT 10000) o"
            " JOIN place p ON p.object = o.id ORDER BY o.sha256, p.volume = '', p.volume, p.path"
        )
        after = b""
        while rows := self._rows(sql, {"after": after}):
            for (sha256, size), group in itertools.groupby(rows, key=lambda row: row[:2]):
                yield sha256, size, [Place(*row[2:]) for row in group]
            after = rows[-1][0]

    def lacking(self, volume: str) -> Iterator[tuple[bytes, int]]:
        """SHA-256 and size of every object that has no place in the volume, in the order in which they came."""
        sql = (
            "SELECT id, sha256, size FROM object o WHERE id > :after AND NOT EXISTS"
            " (SELECT 1 FROM place WHERE object = o.id AND volume = :volume)"
            f"{self._with_bytes} ORDER BY id LIMIT 1000"
        )
        after = -1
        while rows := self._rows(sql, {"volume": volume, "after": after}):
            yield from ((sha256, size) for _, sha256, size in rows)
            after = rows[-1][0]

    def lacks(self, volume: str) -> tuple[int, int]:
        """Number and bytes of the objects that have no place in the volume."""
        sql = (
            "SELECT count(*), coalesce(sum(size), 0) FROM object o WHERE NOT EXISTS"
            f" (SELECT 1 FROM place WHERE object = o.id AND volume = :volume){self._with_bytes}"
        )
        count, size = self._rows(sql, {"volume": volume})[0]
        return int(count), int(size)

    def copies(self) -> dict[tuple[str, ...], int]:
        """How many objects lie in exactly these volumes ('' is outside); one scan, without those of a tombstone."""
        bare = "WHERE object NOT IN (SELECT object FROM tombstone) " if self._any_tombstone() else ""
        sql = (
            f"SELECT volumes, count(*) FROM (SELECT group_concat(volume) AS volumes FROM place {bare}GROUP BY object)"
            " GROUP BY volumes"
        )
        return {tuple(str(volumes).split(",")): int(count) for volumes, count in self._rows(sql, {})}

    def rows(self, low: bytes, high: bytes) -> Iterator[tuple[Passport, list[Place]]]:
        """Passport and places of every object whose digest is from ``low`` on and below ``high``, by digest."""
        sql = (
            "SELECT id, size, sha256, piece_length, root, layer, pieces, padded FROM object"
            " WHERE sha256 >= :low AND sha256 < :high ORDER BY sha256 LIMIT 1000"
        )
        places = (
            "SELECT object, volume, path, mtime_ns FROM place WHERE object IN (SELECT value FROM json_each(:ids))"
            " ORDER BY object"
        )
        while rows := self._rows(sql, {"low": low, "high": high}):
            found: dict[int, list[Place]] = {row[0]: [] for row in rows}
            for number, *place in self._rows(places, {"ids": str(list(found))}):
                found[number].append(Place(*place))
            for number, *passport in rows:
                yield Passport(*passport), found[number]
            low = rows[-1][2] + b"\0"

    def damaged(self) -> list[str]:
        """What SQLite finds wrong with the file itself; empty if nothing."""
        found = self._rows("PRAGMA quick_check(20)", {})
        return [str(row[0]) for row in found if row[0] != "ok"]

    def uses_volume(self, name: str) -> bool:
        """Whether any object is said to lie in the volume."""
        return bool(self._rows("SELECT 1 FROM place WHERE volume = :name LIMIT 1", {"name": name}))

    def totals(self) -> tuple[int, int]:
        """Number of objects and their bytes, each object counted once; without those that have a tombstone."""
        sql = f"SELECT count(*), coalesce(sum(size), 0) FROM object o WHERE true{self._with_bytes}"
        count, size = self._rows(sql, {})[0]
        return int(count), int(size)

    @property
    def _with_bytes(self) -> str:
        """A condition on ``object o``: it has no tombstone."""
        return " AND o.id NOT IN (SELECT object FROM tombstone)" if self._any_tombstone() else ""

    def _rows(self, sql: str, bindings: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._lock, database_errors(self._path):
            return fetch(self._db, sql, bindings)

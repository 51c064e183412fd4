"""An index of the log in state/, made again from its leaves: which leaf an object is, and the hashes of its tree."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

from phonolith.errors import Damaged
from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction
from phonolith.store.files import printable
from phonolith.store.log import Log
from phonolith.store.merkle import stored, tree
from phonolith.verifier import DIGEST, Head, Tree

VERSION = 1
#: Leaves taken at a time, so that memory stays the same however many come.
CHUNK = 16_384

SCHEMA = """
CREATE TABLE leaf (            -- which leaf of the log an object is
  sha256 BLOB PRIMARY KEY,
  number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE node (            -- hashes of whole subtrees, in the order in which leaves complete them
  position INTEGER PRIMARY KEY,
  hash BLOB NOT NULL
) STRICT;
"""


class LogIndex(Closing):
    """state/log.sqlite. What it says is believed only where it leads to a root that was signed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_rw(path, SCHEMA, VERSION)
        self._db.pragma("cache_size", -65_536)  # digests come in no order: their pages have to stay in memory

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def number(self, sha256: bytes) -> int | None:
        """Which leaf the object is, None if it is none."""
        rows = self._rows("SELECT number FROM leaf WHERE sha256 = :sha256", sha256=sha256)
        return int(rows[0][0]) if rows else None

    def hash(self, position: int) -> bytes:
        """The hash at a position of :mod:`phonolith.store.merkle`. Raises Damaged where it is not there."""
        rows = self._rows("SELECT hash FROM node WHERE position = :position", position=position)
        if not rows:
            raise Damaged(printable(self._path), "a hash of the log's tree is missing", f"Remove {self._path}")
        return bytes(rows[0][0])

    def leads_to(self, head: Head) -> bool:
        """Whether what is here gives the root that the head signs."""
        try:
            return tree(head.size, self.hash).root().hex() == head.root
        except Damaged:
            return False

    def follow(self, log: Log, heads: Sequence[Head]) -> None:
        """Have exactly what the log has: take in what is missing, all of it where what is here is not its beginning.

        The caller holds the archive's lock ``log``. Raises Damaged where the leaves do not give the root that was
        signed.
        """
        size = heads[-1].size if heads else 0
        if self._is_of(size, heads):
            return
        for start in (max((one.size for one in heads if self.leads_to(one)), default=0), 0):
            self._take_in(log, start, size)
            if self._is_of(size, heads):
                return
        problem = f"its leaves do not give the root that was signed at size {size:,}"
        raise Damaged(printable(log.leaves_file), problem, "Restore held/log from a mirror or a backup")

    @contextlib.contextmanager
    def adding(self, size: int) -> Iterator[Adding]:
        """Add to the tree of the first ``size`` leaves; kept if the block ends well."""
        with transaction(self._db, self._path) as db:
            yield Adding(db, tree(size, self.hash))

    def _is_of(self, size: int, heads: Sequence[Head]) -> bool:
        """Whether this is the tree of the last head and has nothing beyond it."""
        ((count,),) = self._rows("SELECT coalesce(max(position) + 1, 0) FROM node")
        return bool(count == stored(size)) and (not heads or self.leads_to(heads[-1]))

    def _take_in(self, log: Log, start: int, end: int) -> None:
        with transaction(self._db, self._path) as db:
            db.execute("DELETE FROM leaf WHERE number >= :start", {"start": start})
            db.execute("DELETE FROM node WHERE position >= :start", {"start": stored(start)})
        for first in range(start, end, CHUNK):
            with self.adding(first) as adding:
                leaves = list(log.leaves(first, min(CHUNK, end - first)))
                adding.fresh([leaf[DIGEST] for leaf in leaves])
                adding.add(leaves)

    def _rows(self, sql: str, **bindings: int | bytes) -> list[tuple[Any, ...]]:
        with database_errors(self._path):
            return fetch(self._db, sql, bindings)


class Adding:
    """A transaction that adds leaves."""

    def __init__(self, db: apsw.Connection, tree: Tree) -> None:
        self._db = db
        self.tree = tree

    def fresh(self, digests: Sequence[bytes]) -> list[bytes]:
        """Those that are no leaves yet, each once, in order; they are from now on, with the numbers that come next."""
        known = {one for one in digests if fetch(self._db, "SELECT 1 FROM leaf WHERE sha256 = :one", {"one": one})}
        fresh = [one for one in dict.fromkeys(digests) if one not in known]
        rows = sorted((one, number) for number, one in enumerate(fresh, self.tree.size))
        self._db.executemany("INSERT INTO leaf VALUES (?, ?)", rows)
        return fresh

    def add(self, leaves: Iterable[bytes]) -> None:
        """Add the leaves' hashes, and those of the subtrees that they complete."""
        remaining = iter(leaves)
        while some := list(islice(remaining, 1024)):
            start = stored(self.tree.size)
            hashes = [one for leaf in some for one in self.tree.add(leaf)]
            self._db.executemany("INSERT INTO node VALUES (?, ?)", enumerate(hashes, start))

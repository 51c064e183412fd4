"""The postings as conditions: what each condition of a query holds for, tier by tier of the ranks."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np
from pyroaring import BitMap

from phonolith.errors import UsageError
from phonolith.library.postings import bitmap, decode, decode_ids, decode_together
from phonolith.library.rows import Row
from phonolith.library.terms import CROWD_TIERS, EXACT_LISTS, KIND, facet, title_key

_PAST = "\U0010ffff"
EVERYTHING = 1 << 40
_MOST_LOOKED = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """A term: in how many rows it is, and the stored list of them or the number of its postings."""

    term: str
    rows: int
    ids: bytes | int

    @staticmethod
    def read(term: str, rows: int, ids: bytes | int) -> Entry:
        """As the table has it: there all of an entry's rows are differences without the leading 0x00."""
        return Entry(term, rows, b"\0" + ids if isinstance(ids, bytes) else ids)


class Index:
    """The postings of one kind of row."""

    def __init__(self, db: apsw.Connection, kind: str) -> None:
        if kind not in KIND:
            raise UsageError(kind, "is nothing that can be searched for", f"Say one of {', '.join(KIND)}")
        self._db = db
        self._kind = KIND[kind]
        self.crowd_tiers = CROWD_TIERS[kind]
        self.digest = self._value("SELECT value FROM meta WHERE key = 'text_index'") or ""
        sql = "SELECT first, last FROM posting_tier WHERE kind = ? ORDER BY tier"
        self.tiers: list[Any] = db.execute(sql, (self._kind,)).fetchall()

    def of(self, kind: str) -> Index:
        """The postings of another kind in the same catalogue."""
        return Index(self._db, kind)

    def entry(self, term: str) -> Entry | None:
        """The entry of a term."""
        sql = "SELECT rows, ids FROM term WHERE kind = ? AND term = ?"
        found: Any = self._db.execute(sql, (self._kind, term)).fetchone()
        return None if found is None else Entry.read(term, found[0], found[1])

    def entries(self, terms: Iterable[str]) -> list[Entry]:
        """The entries of those of many terms that there are."""
        sql = "SELECT t.term, t.rows, t.ids FROM json_each(?) j CROSS JOIN term t ON t.kind = ? AND t.term = j.value"
        return [Entry.read(*row) for row in self._rows(sql, json.dumps(list(terms)), self._kind)]

    def between(self, first: str, last: str, limit: int = -1) -> list[Entry]:
        """The entries of the terms from ``first`` to ``last``, both included, in order."""
        sql = "SELECT term, rows, ids FROM term WHERE kind = ? AND term BETWEEN ? AND ? ORDER BY term LIMIT ?"
        return [Entry.read(*row) for row in self._rows(sql, self._kind, first, last, limit)]

    def beginning(self, letters: str, limit: int = -1) -> list[Entry]:
        """The entries of the words that begin with the letters."""
        return self.between(letters, letters + _PAST, limit)

    def part(self, entry: Entry, tier: int) -> Any:
        """The rows of an entry in a tier, as a bitmap; of a short entry all of its rows."""
        if isinstance(entry.ids, bytes):
            return decode(entry.ids)
        stored = self._value("SELECT ids FROM posting WHERE id = ?", (tier << 32) + entry.ids)
        return BitMap() if stored is None else decode(stored)

    def same_title(self, words: Sequence[str]) -> Any:
        """A bitmap of the rows whose folded title may be exactly these runs: all of them, and few others."""
        key = title_key(list(words))
        sql = "SELECT ids, marks FROM exact_title WHERE id = ?"
        found: Any = self._db.execute(sql, (self._kind * EXACT_LISTS + key % EXACT_LISTS,)).fetchone()
        if found is None:
            return BitMap()
        places = np.flatnonzero(np.frombuffer(found[1], np.uint8) == key // EXACT_LISTS)
        return bitmap(decode_ids(found[0])[places]) if len(places) else BitMap()

    def by_title(self, stretch: int) -> Iterator[tuple[int, Any, bool]]:
        """Stretches of the order by title from one on: place, rows as a bitmap, whether all have the same title."""
        first, past = (self._kind << 32) + stretch, (self._kind + 1) << 32
        sql = "SELECT id, ids, same FROM title_order WHERE id >= ? AND id < ? ORDER BY id"
        for place, stored, same in self._db.execute(sql, (first, past)):
            yield place - (self._kind << 32), decode(stored), bool(same)

    def number_of(self, table: str, column: str, value: str) -> int | None:
        """The row number of a small table's row by its name, without regard to the case of ASCII letters."""
        found = self._value(f"SELECT id FROM {table} WHERE {column} = ? COLLATE NOCASE", value)
        return None if found is None else int(found)

    def _value(self, sql: str, *values: Any) -> Any:
        found: Any = self._db.execute(sql, values).fetchone()
        return None if found is None else found[0]

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql, values).fetchall()


class Condition(ABC):
    """One condition of a query. ``rows``: how many rows it holds for at most, as far as the index knows."""

    rows = EVERYTHING

    @abstractmethod
    def part(self, tier: int) -> Any:
        """The rows of a tier it may hold for, as a bitmap that may have rows of other tiers; None: any."""

    def narrowed(self, tier: int, found: Any) -> Any:
        """As :meth:`part`, told what the conditions before have left of the tier (None: all of it)."""
        return self.part(tier)

    def unsure(self, tier: int) -> Any:
        """Those of a tier's rows that must be looked at, as a bitmap; None: all; empty: none."""
        return _NOBODY

    def holds(self, row: Row) -> bool:
        """Whether it holds for a row it was unsure of. One that is never unsure has nothing against any."""
        return True


_NOBODY = BitMap()


class Listed(Condition):
    """Rows that have any of some terms."""

    def __init__(self, index: Index, entries: Sequence[Entry]) -> None:
        self._index = index
        self._long = [entry for entry in entries if not isinstance(entry.ids, bytes)]
        self._stored = [entry.ids for entry in entries if isinstance(entry.ids, bytes)]
        self._short: Any = None
        self.rows = sum(entry.rows for entry in entries)

    def part(self, tier: int) -> Any:
        """The union of the terms' rows."""
        if self._short is None:
            self._short = decode_together(self._stored)
        parts = [self._index.part(entry, tier) for entry in self._long]
        if not parts:
            return self._short
        if len(parts) == 1 and not self._stored:
            return parts[0]
        return BitMap.union(self._short, *parts)


class Beginning(Listed):
    """Rows with a word that begins with some letters: a union, or a look where that is less work.

    Where the other conditions leave few rows of a tier and the words have many lists, the rows are to be looked at.
    """

    def __init__(self, index: Index, entries: Sequence[Entry], letters: str) -> None:
        super().__init__(index, entries)
        self._letters = letters
        self._looked: set[int] = set()

    def narrowed(self, tier: int, found: Any) -> Any:
        """As :meth:`part`, told what the conditions before have left."""
        if found is not None and len(found) <= min(_MOST_LOOKED, len(self._long)):
            self._looked.add(tier)
            return None
        return self.part(tier)

    def unsure(self, tier: int) -> Any:
        """Everything where rows are to be looked at."""
        return None if tier in self._looked else _NOBODY

    def holds(self, row: Row) -> bool:
        """Whether some word begins so."""
        return row.has(self._letters, begins=True)


class Crowd(Condition):
    """Rows with a word that begins with letters very many words begin with."""

    def __init__(self, index: Index, entry: Entry, letters: str) -> None:
        self._listed = Listed(index, [entry])
        self._letters = letters
        self._tiers = index.crowd_tiers

    def part(self, tier: int) -> Any:
        """The crowd's list in the first tiers; in the others anything may be."""
        return self._listed.part(tier) if tier < self._tiers else None

    def unsure(self, tier: int) -> Any:
        """Nothing in the first tiers, everything in the others."""
        return _NOBODY if tier < self._tiers else None

    def holds(self, row: Row) -> bool:
        """Whether some word begins so."""
        return row.has(self._letters, begins=True)


class Looked(Condition):
    """What the index cannot tell: every row must be looked at."""

    def __init__(self, test: Callable[[Row], bool]) -> None:
        self._test = test

    def part(self, tier: int) -> Any:
        """Anything may be."""
        return None

    def unsure(self, tier: int) -> Any:
        """Everything is."""
        return None

    def holds(self, row: Row) -> bool:
        """Whether the row passes the test."""
        return self._test(row)


class Between(Condition):
    """Rows whose value lies in a range that cuts through the buckets at its ends."""

    def __init__(self, inside: Listed, edges: Listed, test: Callable[[Row], bool]) -> None:
        self._inside = inside
        self._edges = edges
        self._test = test
        self.rows = inside.rows + edges.rows

    def part(self, tier: int) -> Any:
        """All buckets that the range touches."""
        return self._inside.part(tier) | self._edges.part(tier)

    def unsure(self, tier: int) -> Any:
        """Those in the buckets at the ends."""
        return self._edges.part(tier)

    def holds(self, row: Row) -> bool:
        """Whether the row's value lies in the range."""
        return self._test(row)


def listed(index: Index, terms: Iterable[str]) -> Listed:
    """Rows that have any of some terms; terms that do not occur are left out."""
    return Listed(index, index.entries(terms))


def beginning(index: Index, letters: str) -> Condition:
    """Rows with a word that begins with the letters."""
    crowd = index.entry(facet("starts", letters))
    if crowd is not None:
        return Crowd(index, crowd, letters)
    return Beginning(index, index.beginning(letters), letters)

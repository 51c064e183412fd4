"""The index of a catalogue as it is read: entries of terms, and their postings tier by tier of the ranks."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import apsw
import numpy as np
from pyroaring import BitMap

from phonolith.errors import UsageError
from phonolith.library.kept import Kept
from phonolith.library.postings import bitmap, decode, decode_ids, decode_together
from phonolith.library.terms import CROWD_TIERS, EXACT_LISTS, KIND, title_key

T = TypeVar("T")

_PAST = "\U0010ffff"
_BETWEEN = "SELECT rows, ids FROM term WHERE kind = ? AND term BETWEEN ? AND ?"
EVERYTHING = 1 << 40
_AT_ONCE = 4  # lists: more are read and decoded together, and not kept
_ROOM = 100  # bytes that a kept list takes besides its ids


@dataclass(frozen=True, slots=True)
class Entry:
    """A term: in how many rows it is, and all of them (differences without the 0x00) or the number of its postings."""

    term: str
    rows: int
    ids: bytes | int


class Index:
    """The postings of one kind of row. ``kept`` has the lists of this build that were read before."""

    def __init__(self, db: apsw.Connection, kind: str, kept: Kept | None = None) -> None:
        if kind not in KIND:
            raise UsageError(kind, "is nothing that can be searched for", f"Say one of {', '.join(KIND)}")
        self._db = db
        self._kind = KIND[kind]
        self._kept = kept if kept is not None else Kept()
        self.crowd_tiers = CROWD_TIERS[kind]
        self.digest, self.tiers = self._kept.once(("index", kind), self._read)

    def _read(self) -> tuple[str, list[Any]]:
        sql = "SELECT first, last FROM posting_tier WHERE kind = ? ORDER BY tier"
        return self._value("SELECT value FROM meta WHERE key = 'text_index'") or "", self._rows(sql, self._kind)

    def of(self, kind: str) -> Index:
        """The postings of another kind in the same catalogue."""
        return Index(self._db, kind, self._kept)

    def entry(self, term: str) -> Entry | None:
        """The entry of a term."""
        found = self.between(term, term)
        return Entry(term, *found[0]) if found else None

    def entries(self, terms: Collection[str]) -> list[Entry]:
        """The entries of those of some terms that there are; of many, which are not kept, read in one go."""
        if len(terms) <= _AT_ONCE:
            return [entry for term in terms if (entry := self.entry(term)) is not None]
        sql = "SELECT t.term, t.rows, t.ids FROM json_each(?) j CROSS JOIN term t ON t.kind = ? AND t.term = j.value"
        return [Entry(*row) for row in self._rows(sql, json.dumps(list(terms)), self._kind)]

    def between(self, first: str, last: str) -> tuple[tuple[int, bytes | int], ...]:
        """Rows and ids, as in :class:`Entry`, of the terms from ``first`` to ``last``, both included, in order."""
        bounds = self._kind, first, last
        found: tuple[tuple[int, bytes | int], ...] | None = self._kept.get(bounds)
        if found is None:
            found = tuple(self._rows(_BETWEEN, *bounds))
            self._kept.put(
                bounds, found, 2 * _ROOM + sum(_ROOM + len(ids) for _, ids in found if isinstance(ids, bytes))
            )
        return found

    def beginning(self, letters: str) -> list[tuple[int, bytes | int]]:
        """The same of the words that begin with the letters; too many to be kept."""
        return self._rows(_BETWEEN, self._kind, letters, letters + _PAST)

    def count_beginning(self, letters: str) -> int:
        """How many words begin with the letters."""
        sql = "SELECT count(*) FROM term WHERE kind = ? AND term BETWEEN ? AND ?"
        bounds = self._kind, letters, letters + _PAST
        return int(self._kept.once(("beginning", *bounds), lambda: self._value(sql, *bounds)))

    def part(self, number: int, tier: int) -> Any:
        """The rows of a posting in a tier, as a bitmap; not to be changed."""
        key = (tier << 32) + number
        found = self._kept.get(key)
        if found is None:
            stored = self._value("SELECT ids FROM posting WHERE id = ?", key)
            found = BitMap() if stored is None else decode(stored)
            self._kept.put(key, found, _ROOM if stored is None else len(stored) + _ROOM)
        return found

    def union(self, numbers: Sequence[int], tier: int) -> Any:
        """The rows of several postings in a tier, as a bitmap; of many, those that are bitmaps are read one by one."""
        if len(numbers) <= _AT_ONCE:
            return BitMap.union(*(self.part(number, tier) for number in numbers))
        keys = json.dumps([(tier << 32) + number for number in numbers])
        sql = "SELECT p.ids FROM json_each(?) j CROSS JOIN posting p ON p.id = j.value"
        stored = [ids for (ids,) in self._rows(sql, keys)]
        short = decode_together([ids[1:] for ids in stored if not ids[0]])
        return BitMap.union(short, *(decode(ids) for ids in stored if ids[0]))

    def kept_union(self, name: Hashable, numbers: Sequence[int], tier: int) -> Any:
        """The same, kept by a name that the lists have together; not to be changed."""
        key = self._kind, name, tier
        found = self._kept.get(key)
        if found is None:
            found = self.union(numbers, tier)
            first, last = self.tiers[tier]
            self._kept.put(key, found, _ROOM + min(2 * len(found), (last - first) // 8))
        return found

    def once(self, name: Hashable, make: Callable[[], T], size: int) -> T:
        """What follows from this build and a name, worked out once and kept; ``size`` as in :meth:`Kept.put`."""
        return self._kept.once((self._kind, name), make, size)

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

"""The postings as conditions: what each condition of a query holds for, tier by tier of the ranks."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np
from pyroaring import BitMap

from phonolith.errors import UsageError
from phonolith.library.kept import Kept
from phonolith.library.postings import bitmap, decode, decode_ids, decode_together
from phonolith.library.rows import Row
from phonolith.library.terms import CROWD_TIERS, EXACT_LISTS, KIND, facet, title_key

_PAST = "\U0010ffff"
_BETWEEN = "SELECT rows, ids FROM term WHERE kind = ? AND term BETWEEN ? AND ?"
EVERYTHING = 1 << 40
_MOST_LOOKED = 256
_PAGE = 24  # rows that fill a page, and a few more
_WORD, _WORD_IN_TIER = 0.08, 0.03  # time to read a word's entry, and its list in a tier, in rows looked at meanwhile
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
    """One condition of a query.

    ``rows``: how many rows it holds for at most, as far as the index knows. ``letters``: where rows must be looked at,
    what one of their words must begin with; "" where that is not what they are looked at for.
    """

    rows = EVERYTHING
    letters = ""

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
    """Rows that have any of some terms, given by their rows and ids as in :class:`Entry`.

    ``name`` is what the union of long lists is kept by, None where it is not likely to be asked for again.
    """

    def __init__(self, index: Index, terms: Iterable[tuple[int, bytes | int]], name: Hashable = None) -> None:
        self._index = index
        self._name = name
        self._long: list[int] = []
        self._stored: list[bytes] = []
        self._short: Any = None
        self.rows = 0
        for rows, ids in terms:
            self.rows += rows
            if isinstance(ids, bytes):
                self._stored.append(ids)
            else:
                self._long.append(ids)

    def part(self, tier: int) -> Any:
        """The union of the terms' rows."""
        if not self._long:
            return self._short_ones()
        long = self._union(tier) if len(self._long) > 1 else self._index.part(self._long[0], tier)
        return long | self._short_ones() if self._stored else long

    def _union(self, tier: int) -> Any:
        if self._name is not None:
            return self._index.kept_union(self._name, self._long, tier)
        return self._index.union(self._long, tier)

    def _short_ones(self) -> Any:
        if self._short is None:
            self._short = decode_together(self._stored) if len(self._stored) != 1 else decode(b"\0" + self._stored[0])
        return self._short


class Beginning(Listed):
    """Rows with a word that begins with some letters: a union, or a look where that is less work.

    Where the other conditions leave few rows of a tier and the words have many lists, the rows are to be looked at.
    """

    def __init__(self, index: Index, letters: str) -> None:
        super().__init__(index, index.beginning(letters))
        self.letters = letters
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
        return row.has(self.letters, begins=True)


class Crowd(Condition):
    """Rows with a word that begins with letters very many words begin with.

    The first tiers have a list. In the deeper ones rows are looked at, or the words' own lists are united: whichever is
    less work, decided once, when it is known how many rows the other conditions leave.
    """

    def __init__(self, index: Index, entry: Entry, letters: str) -> None:
        self._index = index
        self._listed = Listed(index, [(entry.rows, entry.ids)])
        self._words: Listed | None = None
        self.letters = letters
        self._tiers = min(index.crowd_tiers, len(index.tiers))
        self._share = entry.rows / max(1, index.tiers[self._tiers - 1][1])
        self._look: bool | None = None

    def part(self, tier: int) -> Any:
        """The crowd's list in the first tiers; in the others the union of the words'."""
        if tier < self._tiers:
            return self._listed.part(tier)
        if self._words is None:
            self._words = Listed(self._index, self._index.beginning(self.letters))
        return self._words.part(tier)

    def narrowed(self, tier: int, found: Any) -> Any:
        """As :meth:`part`, told what the conditions before have left."""
        if tier < self._tiers:
            return self.part(tier)
        if self._look is None:
            self._look = self._looks(tier, found) <= self._union()
        return None if self._look else self.part(tier)

    def _looks(self, tier: int, found: Any) -> float:
        """About how many rows would be looked at to fill a page, from this tier on."""
        first, last = self._index.tiers[tier]
        left = self._index.tiers[-1][1] - first + 1
        rows = left if found is None else len(found) * left / (last - first + 1)
        return float(min(_PAGE / self._share, rows))

    def _union(self) -> float:
        """How many rows can be looked at in the time that a union in all deeper tiers takes."""
        words = self._index.count_beginning(self.letters)
        return words * (_WORD + _WORD_IN_TIER * (len(self._index.tiers) - self._tiers))

    def unsure(self, tier: int) -> Any:
        """Everything where rows are to be looked at."""
        return None if tier >= self._tiers and self._look else _NOBODY

    def holds(self, row: Row) -> bool:
        """Whether some word begins so."""
        return row.has(self.letters, begins=True)


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
    name = tuple(terms)
    return Listed(index, ((entry.rows, entry.ids) for entry in index.entries(name)), name)


def beginning(index: Index, letters: str) -> Condition:
    """Rows with a word that begins with the letters."""
    crowd = index.entry(facet("starts", letters))
    if crowd is not None:
        return Crowd(index, crowd, letters)
    return Beginning(index, letters)

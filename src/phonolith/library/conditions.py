"""What each condition of a query holds for, tier by tier of the ranks, over the postings of the index."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from pyroaring import BitMap

from phonolith.library.index import EVERYTHING, Entry, Index
from phonolith.library.postings import decode, decode_together
from phonolith.library.rows import Row
from phonolith.library.terms import facet

_MOST_LOOKED = 256
_PAGE = 24  # rows that fill a page, and a few more
_WORD, _WORD_IN_TIER = 0.08, 0.03  # time to read a word's entry, and its list in a tier, in rows looked at meanwhile


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

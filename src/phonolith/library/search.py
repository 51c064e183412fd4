"""Search: words and filters to a page of row numbers in rank order, without looking at more than the page needs.

Row numbers are ranks, so the first hits found are the best. The ranks are cut into tiers; a query is answered tier by
tier and stops when its page is full. Two things are moved before rank. Rows whose title is exactly what was asked for
come first. And where few rows match, all are looked at and ordered by how close they are: title; title and artist; all
words in the title; in title and artist; the rest. Within each, by rank.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import apsw
from pyroaring import BitMap

from phonolith.library.asked import MOST_WORDS, Query, Results, filter_conditions, word_conditions
from phonolith.library.correction import Speller
from phonolith.library.index import Index
from phonolith.library.kept import Kept
from phonolith.library.matches import Matches
from phonolith.library.rows import Row, Rows, holds
from phonolith.library.terms import FEW
from phonolith.model.text import runs

#: Up to this many are read and sorted where they are listed by title; more are taken from the stored order.
SORTED = 1_000
_MOST_ON_A_PAGE = 1_000
_READ_AT_ONCE = 24  # titles, of which those of a page are likely to be what was asked for
_KEPT, _KEPT_ROW = 400, 60  # bytes that the answer takes, with the question, and each row of both
_EXACT, _REST = 0, 5
_AS_TYPED, _AS_BEGINNING, _CORRECTED = range(3)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: after a row of a band of closeness. ``way``: how the words were taken to get there."""

    way: int = _AS_TYPED
    band: int = _EXACT
    row: int = 0
    total: int = -1
    capped: bool = False

    def written(self, digest: str) -> str:
        """As the ``next`` of results; belongs to one build, named by its digest."""
        return f"{digest}.{self.way}.{self.band}.{self.row}.{self.total}.{int(self.capped)}"

    @staticmethod
    def read(text: str, digest: str) -> _Place | None:
        """The place that was written; None if it is of another build, or not one."""
        head, _, rest = text.partition(".")
        parts = rest.split(".")
        if head != digest or len(parts) != 5 or not all(part.isascii() and part.isdigit() for part in parts):
            return None
        way, band, row, total, capped = (int(part) for part in parts)
        return _Place(way, band, row, total, bool(capped)) if way <= _CORRECTED and row < 2**32 else None


def search(db: apsw.Connection, query: Query, hidden: Collection[int] = (), kept: Kept | None = None) -> Results:
    """Answer a query from the catalogue that ``db`` is open on.

    ``hidden`` are row numbers of the query's kind that must not be shown: a bitmap or any collection. ``kept`` has what
    earlier searches of the same catalogue have read. Words that match nothing are tried again with the last one as a
    beginning, then with one letter of a word changed.
    """
    index = Index(db, query.kind, kept)
    words = runs(query.words)[:MOST_WORDS]
    place = _Place.read(query.after, index.digest) if query.after else _Place()
    restarted, place = place is None, place or _Place()
    asking = _Asking(db, index, query, words, hidden)
    if query.words.strip() and not words:
        return Results([], 0, restarted=restarted)
    results = _try_ways(asking, place)
    return replace(results, restarted=True) if restarted else results


def facet(
    db: apsw.Connection, kind: str, name: str, value: Any, after: str | None = None, limit: int = 20, **more: Any
) -> Results:
    """A list without words: all rows of a kind with one filter, in rank order.

    ``name`` and ``value`` as in :class:`Query`; a single year is ``("year", 2004)``. ``more`` goes to :func:`search`.
    """
    if name == "year" and isinstance(value, int):
        value = (value, value)
    return search(db, replace(Query(kind=kind, after=after, limit=limit), **{name: value}), **more)


def _try_ways(asking: _Asking, place: _Place) -> Results:
    """The first way of taking the words that leads anywhere; later pages go the way of the first.

    Words that lead to what is hidden, and to nothing else, are no mistake of whoever typed them.
    """
    query, words = asking.query, asking.words
    if place.way == _AS_TYPED:
        results = asking.page(words, query.typing, place)
        if results.total or place.row or not words or asking.all_hidden:
            return results
    if place.way <= _AS_BEGINNING and not query.typing:
        results = asking.page(words, True, replace(place, way=_AS_BEGINNING))
        if results.total or place.row or asking.all_hidden:
            return results
    better = asking.speller().correct(words) if query.corrects else None
    if better is None:
        return Results([], 0)
    results = asking.page(better, False, replace(place, way=_CORRECTED))
    return replace(results, corrected=" ".join(better)) if results.total else Results([], 0)


class _Asking:
    """One query being answered. ``all_hidden``: few rows matched on the last page that was asked for, all hidden."""

    def __init__(
        self, db: apsw.Connection, index: Index, query: Query, words: list[str], hidden: Collection[int]
    ) -> None:
        self.index = index
        self.query = query
        self.words = words
        self.filters = filter_conditions(index, query)
        self._hidden = hidden if isinstance(hidden, BitMap) else BitMap(hidden)
        self._rows = Rows(db, query.kind)
        self._limit = max(1, min(_MOST_ON_A_PAGE, query.limit))
        self.all_hidden = False

    def speller(self) -> Speller:
        """What corrects the words under the same filters."""
        return Speller(self.index, self._rows, self.filters)

    def page(self, words: list[str], typing: bool, place: _Place) -> Results:
        """The page at a place."""
        self.all_hidden = False
        conditions = word_conditions(self.index, words, typing) + self.filters
        matches = Matches(self.index, self._rows, conditions, self._hidden)
        if self.query.order == "title":
            return self._finish(self._by_title(matches, place), matches, place)
        few = matches.few(FEW) if words else None
        if few is not None:
            return self._ordered(few, words, typing, place)
        if words:
            same = Matches(self.index, self._rows, self.filters, self._hidden, among=self._same_title(words, typing))
            return self._exact_first(matches, same, words, place)
        return self._finish(((_REST, row) for row in matches.rows(place.row)), matches, place)

    def _by_title(self, matches: Matches, place: _Place) -> Iterator[tuple[int, int]]:
        """Hits by title: read and sorted where they are few, else stretch by stretch of the stored order."""
        after = self._rows.by_title([place.row]) if place.row else []
        few = matches.few(SORTED)
        if few is not None:
            shown = BitMap(few) - self._hidden
            self.all_hidden = bool(few) and not shown
            stretches = iter([(0, shown, False)])
        else:
            found = BitMap.union(BitMap(), *(matches.candidates(tier) for tier in range(len(self.index.tiers))))
            stretches = ((n, (ids & found) - self._hidden, same) for n, ids, same in self.index.by_title(place.band))
        for stretch, ids, same in stretches:
            rows = [row for row in ids if few is not None or matches.passes(row)]
            ordered = [([], row) for row in rows] if same else self._rows.by_title(rows)
            if after and stretch == place.band:
                ordered = [hit for hit in ordered if hit > (([], place.row) if same else after[0])]
            yield from ((stretch, row) for _, row in ordered)

    def _same_title(self, words: list[str], typing: bool) -> Any:
        """Rows that may have the words as their title; where few rows have all the words, these are they."""
        if typing:
            few = Matches(self.index, self._rows, word_conditions(self.index, words, False), BitMap()).few(FEW)
            if few is not None:
                return BitMap(few)
        return self.index.same_title(words)

    def _ordered(self, rows: Sequence[int], words: list[str], typing: bool, place: _Place) -> Results:
        self._rows.fetch(rows)
        bands = sorted((closeness(self._rows.read(row), words, typing), row) for row in rows)
        shown = [hit for hit in bands if hit[1] not in self._hidden]
        self.all_hidden = bool(bands) and not shown
        left = (hit for hit in shown if hit > (place.band, place.row))
        return self._cut(left, replace(place, total=len(shown), capped=False))

    def _exact_first(self, matches: Matches, same: Matches, words: list[str], place: _Place) -> Results:
        def hits() -> Iterator[tuple[int, int]]:
            if place.band == _EXACT:
                yield from ((_EXACT, row) for row in self._called(words, same.rows(place.row)))
            start = place.row if place.band == _REST else 0
            for row in matches.rows(start):
                if not (row in same.among and any(self._called(words, iter([row])))):
                    yield _REST, row

        return self._finish(hits(), matches, place)

    def _called(self, words: list[str], rows: Iterator[int]) -> Iterator[int]:
        """Those rows whose title is exactly the words; kept, for the same words come again and lead to the same."""
        while some := tuple(islice(rows, _READ_AT_ONCE)):
            name = "called", *words, some
            yield from self.index.once(name, partial(self._read_called, words, some), _KEPT + _KEPT_ROW * len(some))

    def _read_called(self, words: list[str], rows: Sequence[int]) -> tuple[int, ...]:
        return tuple(row for row, title in self._rows.titles(rows) if title == words)

    def _finish(self, hits: Iterator[tuple[int, int]], matches: Matches, place: _Place) -> Results:
        """Cut the page; the total is counted once, for the first page, and handed on."""
        page = self._cut(hits, place)
        if place.total >= 0:
            return page
        total, capped = len(page.hits), False
        if page.next is not None:
            total, capped = matches.count(at_least=total + 1)
        following = None
        if page.next is not None:
            read = _Place.read(page.next, self.index.digest) or place
            following = replace(read, total=total, capped=capped).written(self.index.digest)
        return replace(page, total=total, total_capped=capped, next=following)

    def _cut(self, hits: Iterator[tuple[int, int]], place: _Place) -> Results:
        page = list(islice(hits, self._limit + 1))
        following = None
        if len(page) > self._limit:
            band, row = page[self._limit - 1]
            following = replace(place, band=band, row=row, total=max(0, place.total)).written(self.index.digest)
        return Results([row for _, row in page[: self._limit]], place.total, place.capped, following)


def closeness(row: Row, words: Sequence[str], typing: bool) -> int:
    """How close a row is to the words: 0 its title; 1 its title and artists; 2, 3 all words in these; 4 no more."""
    if list(row.title) == list(words):
        return 0
    last = len(words) - 1
    elsewhere = [
        (word, typing and place == last)
        for place, word in enumerate(words)
        if not holds(row.title, word, begins=typing and place == last)
    ]
    if not elsewhere:
        return 2
    if not all(holds(row.artists, word, begins=begins) for word, begins in elsewhere):
        return 4
    return 1 if all(word in words for word in row.title) else 3

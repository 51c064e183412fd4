"""Second half of the text index: the lists that `tiers` made are written, kind by kind and in the order of their terms.

Whatever is long is read, encoded and written some lists at a time: this process holds the words besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from zlib import crc32

import apsw
import numpy as np
import numpy.typing as npt

from phonolith.catalogue.facets import NAMES, VALUE_BITS
from phonolith.catalogue.tiers import Tier, in_order, pairs
from phonolith.library.postings import LONG, encode_long, encode_short
from phonolith.library.terms import EXACT_LISTS, FEW, KIND

Array = npt.NDArray[Any]

#: Terms of at most this many rows have all of them beside the term; others have a posting for each tier.
INLINE = 64
#: About so many rows in a stretch of the order by title; more where more titles begin with the same three words.
STRETCH = 2_048
#: Words of a title by which stretches are made, and the bits of a word's number kept for it.
_ORDER_WORDS, _ORDER_BITS = 3, 21
_WORD_BITS = np.uint64(32)
_TERMS = 20_000  # written together
_LISTS = 1_024  # encoded together
_IDS = 2**21  # read together


class Writer:
    """Writes the lists of one kind after another; ``digest`` is over all of them."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._parted = 0
        self.digest = 0
        self.word_rows: Array = np.zeros(0, np.int64)

    def write(self, kind: str, tiers: Sequence[Tier], names_of: Callable[[Array], Sequence[str]]) -> None:
        """Write all tiers of a kind; ``names_of`` gives the terms of codes, which ascend: all words or all facets."""
        stored = [_Stored(tier) for tier in tiers]
        if not stored:
            return
        every = in_order(terms.codes for terms in stored)
        totals = np.zeros(len(every), np.int64)
        for terms in stored:
            totals[np.searchsorted(every, terms.codes)] += terms.counts
        numbers = np.cumsum(totals > INLINE) + self._parted
        words = every < 1 << VALUE_BITS
        self.word_rows = np.zeros(int(every[words].max(initial=0)) + 1, np.int64)
        self.word_rows[every[words].astype(np.int64)] = totals[words]
        short: list[Array] = []
        for terms in stored:
            places = np.searchsorted(every, terms.codes)
            short += self._write_tier(terms, numbers[places], totals[places] > INLINE)
        self._write_terms(kind, in_order(short), every, totals, numbers, names_of)
        self._parted = int(numbers[-1]) if len(numbers) else self._parted

    def _write_terms(
        self,
        kind: str,
        short: Array,
        every: Array,
        totals: Array,
        numbers: Array,
        names_of: Callable[[Array], Sequence[str]],
    ) -> None:
        """Write the terms; ``short`` are the pairs of those that have all their rows beside them."""
        ends = np.concatenate(([0], np.cumsum(np.where(totals <= INLINE, totals, 0))))

        def rows(first: int, last: int) -> Iterator[tuple[str, int, Any]]:
            ids = short[ends[first] : ends[last]].astype(np.uint32)
            data = _short_lists(ids, ends[first : last + 1] - ends[first])
            some = slice(first, last)
            columns = names_of(every[some]), totals[some].tolist(), numbers[some].tolist(), data
            for name, count, number, inline in zip(*columns, strict=True):
                yield name, count, inline if count <= INLINE else number

        sql = f"INSERT INTO term VALUES ({KIND[kind]}, ?, ?, ?)"
        first_facet = int(np.searchsorted(every, np.uint64(1 << VALUE_BITS)))
        self._db.executemany(sql, sorted(rows(first_facet, len(every))))  # "/" comes before letters and digits
        for first in range(0, first_facet, _TERMS):
            self._db.executemany(sql, rows(first, min(first_facet, first + _TERMS)))

    def _write_tier(self, terms: _Stored, numbers: Array, parted: Array) -> list[Array]:
        """Write the lists of terms that have a posting for each tier; returns the pairs of the other terms."""
        tier, short = terms.tier, []
        self._db.execute(
            "INSERT INTO posting_tier VALUES (?,?,?,?)", (KIND[tier.kind], tier.number, tier.first, tier.last)
        )
        for array in (terms.codes, terms.counts):
            self.digest = crc32(np.ascontiguousarray(array).data, self.digest)
        for some, ids in terms.lists():
            self.digest = crc32(ids.data, self.digest)
            codes, counts, inside = terms.codes[some], terms.counts[some], parted[some]
            keys = ((tier.number << 32) + numbers[some][inside]).tolist()
            self._db.executemany(
                "INSERT INTO posting VALUES (?,?)", zip(keys, _lists(codes, counts, ids, inside), strict=True)
            )
            short.append(pairs(np.repeat(codes[~inside], counts[~inside]), ids[np.repeat(~inside, counts)]))
        return short

    def write_order(self, kind: str, rows: Iterable[Mapping[str, Array]], words: int) -> None:
        """Write the rows by title; ``words`` is the size of the vocabulary."""
        ids, keys, titles = _titles(rows, words)
        if not len(ids):
            return
        order = np.argsort(keys, kind="stable")  # rows ascend, so those of one key stay in order
        ids, keys, titles = ids[order], keys[order], titles[order]
        del order
        heads = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))  # titles of one key stay together
        cuts = np.searchsorted(heads, np.arange(0, len(ids), STRETCH), side="right") - 1
        large = np.flatnonzero(np.diff(np.append(heads, len(ids))) > STRETCH // 4)  # most often all of the same title
        starts = heads[np.unique(np.concatenate((cuts, large, large[large + 1 < len(heads)] + 1)))]
        same = keys[starts] == keys[np.append(starts[1:], len(ids)) - 1]
        same &= np.minimum.reduceat(titles, starts) == np.maximum.reduceat(titles, starts)
        del keys, titles, heads
        ends = np.append(starts, len(ids))
        stretches = pairs(np.repeat(np.arange(len(starts), dtype=np.uint32), np.diff(ends)), ids)
        stretches.sort()
        lists = _short_lists(stretches.astype(np.uint32), ends)
        found = zip(lists, same.tolist(), strict=True)
        numbered = (((KIND[kind] << 32) + n, b"\0" + data, int(one)) for n, (data, one) in enumerate(found))
        self._db.executemany("INSERT INTO title_order VALUES (?,?,?)", numbered)

    def common(self, rows: Mapping[str, Array]) -> Array:
        """Which rows have a title all of whose words are in more than FEW rows of the kind that was written last."""
        owners = np.repeat(np.arange(len(rows["id"])), rows["counts"])
        further = np.arange(len(owners)) >= (np.cumsum(rows["counts"]) - rows["counts"] + rows["own"])[owners]
        rare = (self.word_rows[rows["words"]] <= FEW) & ~further
        without: Array = np.bincount(owners[rare], minlength=len(rows["id"])) == 0
        return without

    def write_exact(self, kind: str, ids: Array, keys: Array) -> None:
        """Write the rows by the key of their folded title."""
        lists = (keys % EXACT_LISTS).astype(np.uint16)
        order = np.argsort(lists, kind="stable")
        starts = np.searchsorted(lists[order], np.arange(EXACT_LISTS + 1))
        marks = (keys // EXACT_LISTS).astype(np.uint8)[order].tobytes()
        stored = _short_lists(ids[order].astype(np.uint32), starts)
        bounds = pairwise(starts.tolist())
        rows = (
            (KIND[kind] * EXACT_LISTS + number, b"\0" + data, marks[a:b])
            for number, ((a, b), data) in enumerate(zip(bounds, stored, strict=True))
            if a < b
        )
        self._db.executemany("INSERT INTO exact_title VALUES (?,?,?)", rows)


def _titles(rows: Iterable[Mapping[str, Array]], words: int) -> tuple[Array, Array, Array]:
    """Rows, what orders them by title, and what tells their titles apart."""
    found = [(part["id"], order_keys(part, words), part["title"]) for part in rows]
    empty = np.zeros(0, np.uint32)
    ids, keys, titles = zip((empty, np.zeros(0, np.uint64), empty), *found, strict=True)
    return np.concatenate(ids), np.concatenate(keys), np.concatenate(titles)


def order_keys(rows: Mapping[str, Array], words: int) -> Array:
    """Numbers in the order of folded titles: the first three words of each. ``words`` is the size of the vocabulary."""
    shift = max(0, int(words).bit_length() - _ORDER_BITS)
    starts = np.cumsum(rows["counts"]) - rows["counts"]
    ends = starts + rows["own"]
    padded = np.append(rows["words"], 0).astype(np.uint64)
    keys = np.zeros(len(starts), np.uint64)
    for place in range(_ORDER_WORDS):
        inside = starts + place < ends
        number = np.where(
            inside,
            (padded[np.minimum(starts + place, len(padded) - 1)] >> np.uint64(shift)) + np.uint64(1),
            np.uint64(0),
        )
        keys = keys << np.uint64(_ORDER_BITS) | number
    return keys


class _Stored:
    """The terms of a tier: their codes and how many rows each has; the rows are read when they are needed."""

    def __init__(self, tier: Tier) -> None:
        self.tier = tier
        with np.load(tier.path) as stored:
            self.codes, self.counts = stored["codes"], stored["counts"]

    def lists(self) -> Iterator[tuple[slice, Array]]:
        """Some terms after another and the rows of all of these behind one another."""
        ends = np.concatenate(([0], np.cumsum(self.counts)))
        first = 0
        with self.tier.ids.open("rb") as file:
            while first < len(self.codes):
                last = max(first + 1, int(np.searchsorted(ends, ends[first] + _IDS, side="right")) - 1)
                yield slice(first, last), np.fromfile(file, np.uint32, int(ends[last] - ends[first]))
                first = last


def _lists(codes: Array, counts: Array, ids: Array, wanted: Array) -> Iterator[bytes]:
    """The lists of the wanted terms as they are stored; ``ids`` is the rows of all terms behind one another."""
    ends = np.cumsum(counts)
    short = wanted & (counts < LONG)
    encoded = _short_lists(ids[np.repeat(short, counts)], np.concatenate(([0], np.cumsum(counts[short]))))
    for place in np.flatnonzero(wanted).tolist():
        if short[place]:
            yield b"\0" + next(encoded)
        else:
            small = codes[place] >= 1 << VALUE_BITS  # words are read far more often than facets
            yield encode_long(ids[ends[place] - counts[place] : ends[place]], small=bool(small))


def _short_lists(ids: Array, starts: Array) -> Iterator[bytes]:
    """Each of many lists as differences, without the leading 0x00; ``starts`` as for `encode_short`."""
    for first in range(0, len(starts) - 1, _LISTS):
        some = starts[first : first + _LISTS + 1]
        data, ends = encode_short(ids[some[0] : some[-1]], some - some[0])
        for a, b in pairwise(ends.tolist()):
            yield data[a:b]


assert len(NAMES) < 1 << (32 - VALUE_BITS)

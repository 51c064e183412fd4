"""Second half of the text index: pairs of term and row, tier by tier, sorted into lists and written.

A tier is a range of ranks. Each is worked on by itself, so that memory is bounded by the largest one and tiers can be
shared out to processes. Terms are handled as codes (see `facets`), whose order is that of the words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from zlib import crc32

import apsw
import numpy as np
import numpy.typing as npt

from phonolith.catalogue.facets import NAMES, VALUE_BITS, Lookups, Neighbours, codes, facet_pairs
from phonolith.library.postings import LONG, encode_long, encode_short
from phonolith.library.terms import CROWD_TIERS, EXACT_LISTS, FEW, KIND
from phonolith.model.text import is_cjk

Array = npt.NDArray[Any]

#: Terms of at most this many rows have all of them beside the term; others have a posting for each tier.
INLINE = 64
#: In the first CROWD_TIERS tiers, what begins with the same letters is also one list where more words than this do.
CROWD = 2_048
_CROWD_LETTERS = 8
_PAST = "\U0010ffff"
#: About so many rows in a stretch of the order by title; more where more titles begin with the same three words.
STRETCH = 2_048
#: Words of a title by which stretches are made, and the bits of a word's number kept for it.
_ORDER_WORDS, _ORDER_BITS = 3, 21
_WORD_BITS = np.uint64(32)
_BATCH = 20_000


@dataclass(frozen=True)
class Tier:
    """Ranks ``first`` to ``last`` of a kind; ``path`` gets its lists."""

    kind: str
    number: int
    first: int
    last: int
    path: Path


@dataclass(frozen=True)
class Crowds:
    """Letters that very many words begin with: ``letters``, and for each number of letters the words' crowd or -1."""

    letters: tuple[str, ...]
    of_word: tuple[Array, ...]


def find_crowds(words: Sequence[str], crowd: int = CROWD) -> Crowds:
    """The beginnings shared by more than ``crowd`` words; ``words`` are in order. CJK tokens are left out."""
    letters: list[str] = []
    of_word = [np.full(len(words), -1, np.int32) for _ in range(_CROWD_LETTERS)]

    def descend(start: int, end: int, length: int) -> None:
        while start < end:
            head = words[start][:length]
            past = bisect_right(words, head + _PAST, start, end) if len(head) == length else start + 1
            if past - start > crowd and not is_cjk(head):
                of_word[length - 1][start:past] = len(letters)
                letters.append(head)
                if length < _CROWD_LETTERS:
                    descend(start, past, length + 1)
            start = past

    descend(0, len(words), 1)
    return Crowds(tuple(letters), tuple(found for found in of_word if found.max(initial=-1) >= 0))


def make_tier(tier: Tier, rows: Mapping[str, Array], around: Neighbours, lookups: Lookups, crowds: Crowds) -> None:
    """Sort a tier's pairs into lists: ``codes`` ascending, ``counts`` of each, ``ids`` of all behind one another."""
    ids = rows["id"]
    effective = _effective(tier.kind, rows, around)
    words = _sorted([_pairs(code, ids[owners]) for code, owners in _words(tier.kind, rows, effective, around)])
    further = [_crowded(words, crowds)] if tier.number < CROWD_TIERS[tier.kind] else []
    further += [rows["held"]] if "held" in rows else []
    lists = [_lists(words)]
    del words
    facets: dict[int, list[Array]] = {}  # one at a time: the pairs of all together are what memory would go by
    for pairs in chain((_pairs(*found) for found in facet_pairs(effective, ids, lookups)), further):
        if len(pairs):
            facets.setdefault(int(pairs[0] >> _WORD_BITS) >> VALUE_BITS, []).append(pairs)
    lists += [_lists(_sorted(facets.pop(number))) for number in sorted(facets)]
    codes_, counts, found = (np.concatenate(column) for column in zip(*lists, strict=True))
    np.savez(tier.path, codes=codes_.astype(np.uint64), counts=counts, ids=found)


def _lists(pairs: Array) -> tuple[Array, Array, Array]:
    """Codes, how many rows each has, and the rows of all behind one another, out of pairs in order."""
    found = (pairs >> _WORD_BITS).astype(np.uint32)
    heads = np.flatnonzero(np.concatenate((found[:1] == found[:1], found[1:] != found[:-1])))
    return found[heads], np.diff(np.append(heads, len(found))), pairs.astype(np.uint32)


def _effective(kind: str, rows: Mapping[str, Array], around: Neighbours) -> dict[str, Array]:
    """The columns of rows after inheriting: a track from its release, both from the first artist."""
    found = {name: np.asarray(values) for name, values in rows.items()}
    if kind == "track":
        release = around.release.columns
        for name in ("credit", "date", "rights", "genres"):
            above = release[name][found["release"]]
            found[name] = np.where(found[name] != 0, found[name], above)
        found["source"] = release["source"][found["release"]]
        found["label"] = release["label"][found["release"]]
    if kind == "release":
        found["release"] = found["id"].astype(np.int64)
    if "credit" in found:
        found["genres"] = around.inherited_genres(found["genres"], found["credit"])
    return found


def _words(
    kind: str, rows: Mapping[str, Array], effective: Mapping[str, Array], around: Neighbours
) -> Iterator[tuple[Array, Array]]:
    """Words and, for each, the place of its row."""
    yield rows["words"], np.repeat(np.arange(len(rows["id"])), rows["counts"])
    if kind == "track":
        yield around.release.words.of(rows["release"])
    if "credit" in effective:
        yield from around.words_of_credits(effective["credit"])


def _pairs(code: Array, ids: Array) -> Array:
    return np.asarray(code).astype(np.uint64) << _WORD_BITS | ids.astype(np.uint64)


def _sorted(parts: Sequence[Array]) -> Array:
    """All pairs in order, each once."""
    pairs = np.concatenate(parts) if len(parts) > 1 else parts[0]
    pairs.sort()
    return pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))] if len(pairs) else pairs


def _crowded(words: Array, crowds: Crowds) -> Array:
    """For each crowd the rows of all its words."""
    found = []
    for of_word in crowds.of_word:
        crowd = of_word[(words >> _WORD_BITS).astype(np.int64)]
        inside = crowd >= 0
        found.append(_pairs(codes("starts", crowd[inside]), words[inside] & np.uint64(0xFFFFFFFF)))
    return _sorted(found) if found else np.zeros(0, np.uint64)


def held_by_release(tracks: Sequence[Mapping[str, Array]]) -> Array:
    """Pairs of status and release: each status that some track of a release has."""
    parts = [_pairs(codes("status", part["status"]), part["release"]) for part in tracks if part]
    return _sorted([_sorted([part]) for part in parts]) if parts else np.zeros(0, np.uint64)


class Writer:
    """Writes the lists of one kind after another; ``digest`` is over all of them."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._parted = 0
        self.digest = 0
        self.word_rows: Array = np.zeros(0, np.int64)

    def write(self, kind: str, tiers: Sequence[Tier], name_of: Any) -> None:
        """Write all tiers of a kind; ``name_of`` gives a code's term."""
        stored = [_Stored(tier.path) for tier in tiers]
        if not stored:
            return
        every = _sorted([arrays["codes"] for arrays in stored])
        totals = np.zeros(len(every), np.int64)
        for arrays in stored:
            totals[np.searchsorted(every, arrays["codes"])] += arrays["counts"]
        numbers = np.cumsum(totals > INLINE) + self._parted
        words = every < 1 << VALUE_BITS
        self.word_rows = np.zeros(int(every[words].max(initial=0)) + 1, np.int64)
        self.word_rows[every[words].astype(np.int64)] = totals[words]
        short: list[Array] = []
        for tier, arrays in zip(tiers, stored, strict=True):
            ids = arrays.ids()
            for array in (arrays["codes"], arrays["counts"], ids):
                self.digest = crc32(np.ascontiguousarray(array).data, self.digest)
            places = np.searchsorted(every, arrays["codes"])
            short.append(_chosen(arrays, ids, totals[places] <= INLINE))
            self._write_tier(tier, arrays, ids, numbers[places], totals[places] > INLINE)
        self._write_terms(kind, np.concatenate(short), every, totals, numbers, name_of)
        self._parted = int(numbers[-1]) if len(numbers) else self._parted

    def _write_terms(self, kind: str, pairs: Array, every: Array, totals: Array, numbers: Array, name_of: Any) -> None:
        short = every[totals <= INLINE]
        pairs.sort()
        starts = np.searchsorted(pairs >> _WORD_BITS, np.append(short, np.uint64(2**32)))
        data, ends = encode_short(pairs.astype(np.uint32), starts)
        inline = iter([data[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)])
        rows = zip(every.tolist(), totals.tolist(), numbers.tolist(), strict=True)
        first_facet = int(np.searchsorted(every, np.uint64(1 << VALUE_BITS)))
        listed = [(name_of(c), n, next(inline) if n <= INLINE else number) for c, n, number in rows]
        listed = sorted(listed[first_facet:]) + listed[:first_facet]  # "/" comes before letters and digits
        sql = f"INSERT INTO term VALUES ({KIND[kind]}, ?, ?, ?)"
        for start in range(0, len(listed), _BATCH):
            self._db.executemany(sql, listed[start : start + _BATCH])

    def _write_tier(self, tier: Tier, arrays: _Stored, ids: Array, numbers: Array, parted: Array) -> None:
        self._db.execute(
            "INSERT INTO posting_tier VALUES (?,?,?,?)", (KIND[tier.kind], tier.number, tier.first, tier.last)
        )
        keys = (tier.number << 32) + numbers
        short = parted & (arrays["counts"] < LONG)
        chosen = ids[np.repeat(short, arrays["counts"])]
        starts = np.concatenate(([0], np.cumsum(arrays["counts"][short])))
        data, ends = encode_short(chosen, starts)
        bounds = zip(keys[short].tolist(), ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        rows = [(key, b"\0" + data[a:b]) for key, a, b in bounds]
        ends = np.cumsum(arrays["counts"])
        for place in np.flatnonzero(parted & ~short).tolist():
            mine = ids[int(ends[place] - arrays["counts"][place]) : int(ends[place])]
            small = arrays["codes"][place] >= 1 << VALUE_BITS  # words are read far more often than facets
            rows.append((int(keys[place]), encode_long(mine, small=bool(small))))
        rows.sort()
        self._db.executemany("INSERT INTO posting VALUES (?,?)", rows)

    def write_order(self, kind: str, ids: Array, keys: Array, titles: Array) -> None:
        """Write the rows by title; ``keys`` are in the order of titles, ``titles`` tell further ones apart."""
        if not len(ids):
            return
        order = np.lexsort((ids, keys))
        ids, keys, titles = ids[order], keys[order], titles[order]
        heads = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))  # titles of one key stay together
        cuts = np.searchsorted(heads, np.arange(0, len(ids), STRETCH), side="right") - 1
        large = np.flatnonzero(np.diff(np.append(heads, len(ids))) > STRETCH // 4)  # most often all of the same title
        starts = heads[np.unique(np.concatenate((cuts, large, large[large + 1 < len(heads)] + 1)))]
        ends = np.append(starts[1:], len(ids))
        stretch = np.repeat(np.arange(len(starts)), ends - starts)
        ids = ids[np.lexsort((ids, stretch))]
        data, places = encode_short(ids.astype(np.uint32), np.append(starts, len(ids)))
        same = keys[starts] == keys[ends - 1]
        same &= np.minimum.reduceat(titles, starts) == np.maximum.reduceat(titles, starts)
        bounds = zip(places[:-1].tolist(), places[1:].tolist(), same.tolist(), strict=True)
        rows = [((KIND[kind] << 32) + n, b"\0" + data[a:b], int(one)) for n, (a, b, one) in enumerate(bounds)]
        self._db.executemany("INSERT INTO title_order VALUES (?,?,?)", rows)

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
        chosen = ids[order].astype(np.uint32)
        marks = (keys // EXACT_LISTS).astype(np.uint8)[order].tobytes()
        starts = np.searchsorted(lists[order], np.arange(EXACT_LISTS + 1))
        data, ends = encode_short(chosen, starts)
        rows = []
        for number, (a, b) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)):
            if a < b:
                stored = b"\0" + data[int(ends[number]) : int(ends[number + 1])]
                rows.append((KIND[kind] * EXACT_LISTS + number, stored, marks[a:b]))
        self._db.executemany("INSERT INTO exact_title VALUES (?,?,?)", rows)


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


class _Stored(dict[str, Array]):
    """The codes and counts of a tier; its ids are read when they are needed, for they are many."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with np.load(path) as stored:
            super().__init__(codes=stored["codes"], counts=stored["counts"])

    def ids(self) -> Array:
        """The ids of all codes behind one another."""
        with np.load(self._path) as stored:
            return np.asarray(stored["ids"])


def _chosen(arrays: Mapping[str, Array], ids: Array, wanted: Array) -> Array:
    """The pairs of the wanted terms of a tier, in order."""
    mask = np.repeat(wanted, arrays["counts"])
    code = np.repeat(arrays["codes"][wanted], arrays["counts"][wanted])
    return _pairs(code, ids[mask])


assert len(NAMES) < 1 << (32 - VALUE_BITS)

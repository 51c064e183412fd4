"""Pairs of term and row of one tier, sorted into lists: the part of the text index that is shared out to processes.

A tier is a range of ranks. Each is worked on by itself, so that memory is bounded by the largest one. Terms are handled
as codes (see `facets`), whose order is that of the words. What memory goes by are the pairs of word and row, eight
bytes each: they are made a few rows at a time, into one array that is sorted where it lies, and only once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from phonolith.catalogue.facets import VALUE_BITS, Lookups, Neighbours, codes, facet_pairs
from phonolith.catalogue.lists import Lists
from phonolith.model.text import is_cjk

Array = npt.NDArray[Any]

#: In the first CROWD_TIERS tiers, what begins with the same letters is also one list where more words than this do.
CROWD = 2_048
_CROWD_LETTERS = 8
_PAST = "\U0010ffff"
_WORD_BITS = np.uint64(32)
_ROWS = 2**17  # whose words are looked up together
_PAIRS = 2**20  # that are moved together


@dataclass(frozen=True)
class Tier:
    """Ranks ``first`` to ``last`` of a kind; ``path`` gets its terms (.npz), ``ids`` their lists."""

    kind: str
    number: int
    first: int
    last: int
    path: Path

    @property
    def ids(self) -> Path:
        """Where the rows of all terms are behind one another, as uint32."""
        return self.path.with_suffix(".ids")


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


def make_tier(
    tier: Tier, rows: Mapping[str, Array], around: Neighbours, lookups: Lookups, crowds: Crowds | None
) -> None:
    """Sort a tier's pairs into lists: ``codes`` ascending and ``counts`` of each, the rows of all behind one another.

    With ``crowds`` also into one for each crowd.
    """
    with tier.ids.open("wb") as file:
        found = [_write(some, file) for some in _in_order_of_codes(tier, rows, around, lookups, crowds)]
    columns, counts = zip(*found, strict=True)
    np.savez(tier.path, codes=np.concatenate(columns).astype(np.uint64), counts=np.concatenate(counts))


def _in_order_of_codes(
    tier: Tier, rows: Mapping[str, Array], around: Neighbours, lookups: Lookups, crowds: Crowds | None
) -> Iterator[Array]:
    """The pairs of words, then those of one facet after another."""
    effective = _effective(tier.kind, rows, around)
    words = in_order(_words(tier.kind, rows, effective, around))
    crowded = [_crowded(words, crowds)] if crowds else []
    yield words
    del words
    held = [rows["held"]] if "held" in rows else []
    made = (pairs(*found) for found in facet_pairs(effective, rows["id"], lookups))
    for _, parts in groupby(filter(len, chain(made, held, crowded)), _facet):
        yield in_order(parts)


def _facet(found: Array) -> int:
    return int(found[0] >> _WORD_BITS) >> VALUE_BITS


def _write(found: Array, file: IO[bytes]) -> tuple[Array, Array]:
    """Write the rows of pairs in order; returns their codes and how many rows each has."""
    heads, codes_, last = [], [], None
    for start in range(0, len(found), _PAIRS):
        part = found[start : start + _PAIRS]
        part.astype(np.uint32).tofile(file)
        code = (part >> _WORD_BITS).astype(np.uint32)
        new = np.flatnonzero(np.concatenate(([code[0] != last], code[1:] != code[:-1])))
        heads.append(new + start)
        codes_.append(code[new])
        last = code[-1]
    none = np.zeros(0, np.int64)
    return np.concatenate([none.astype(np.uint32), *codes_]), np.diff(np.concatenate([none, *heads, [len(found)]]))


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


def _words(kind: str, rows: Mapping[str, Array], effective: Mapping[str, Array], around: Neighbours) -> Iterator[Array]:
    """Pairs of word and row, the row's own and those of what it names, of one table after another."""
    ids, ends = rows["id"], np.concatenate(([0], np.cumsum(rows["counts"])))
    for first in range(0, len(ids), _ROWS):
        some = slice(first, first + _ROWS)
        own = slice(int(ends[first]), int(ends[min(first + _ROWS, len(ids))]))
        yield pairs(rows["words"][own], np.repeat(ids[some], rows["counts"][some]))
    if kind == "track":
        yield from _looked_up(around.release.words, rows["release"], ids)
    if "credit" in effective:  # positive for an artist, negative for a row of credits
        yield from _looked_up(around.artist.words, effective["credit"], ids)
        yield from _looked_up(around.credit.words, -effective["credit"], ids)


def _looked_up(words: Lists, named: Array, ids: Array) -> Iterator[Array]:
    """Pairs of rows and the words of what they name, 0 or less for nothing. Looking up takes memory, so in parts."""
    for first in range(0, len(ids), _ROWS):
        some = named[first : first + _ROWS]
        mine = np.flatnonzero(some > 0)
        found, owners = words.of(some[mine])
        yield pairs(found, ids[first + mine[owners]])


def _crowded(words: Array, crowds: Crowds) -> Array:
    """For each crowd the rows of all its words."""
    found = []
    for of_word in crowds.of_word:
        crowd = of_word[(words >> _WORD_BITS).astype(np.int64)]
        inside = crowd >= 0
        found.append(pairs(codes("starts", crowd[inside]), words[inside] & np.uint64(0xFFFFFFFF)))
    return in_order(found)


def held_by_release(tracks: Iterable[Mapping[str, Array]]) -> Array:
    """Pairs of status and release: each status that some track of a release has."""
    return in_order(in_order([pairs(codes("status", part["status"]), part["release"])]) for part in tracks)


def pairs(code: Array, ids: Array) -> Array:
    """Codes and rows as one number each, which sorts by code, then by row."""
    found = np.asarray(code).astype(np.uint64)
    found <<= _WORD_BITS
    found |= np.asarray(ids).astype(np.uint64)
    return found


def in_order(parts: Iterable[Array]) -> Array:
    """All pairs of some parts in order, each once."""
    found = np.zeros(0, np.uint64)
    for part in parts:
        start = len(found)
        found.resize(start + len(part), refcheck=False)  # in place, where joining the parts would hold all twice
        found[start:] = part
    found.sort()
    return _once(found)


def _once(found: Array) -> Array:
    """Pairs in order without those that are there again; what is given is worked on."""
    kept, last = 0, None
    for start in range(0, len(found), _PAIRS):
        part = found[start : start + _PAIRS]
        new = np.concatenate(([part[0] != last], part[1:] != part[:-1]))
        last, part = part[-1], part[new]
        found[kept : kept + len(part)] = part
        kept += len(part)
    found.resize(kept, refcheck=False)
    return found

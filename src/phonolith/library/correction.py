"""Spelling: words that lead nowhere are exchanged for words of the index that differ by one letter.

One letter left out, added, changed, or two neighbours swapped (Damerau's distance 1). All such spellings are made and
looked up, so nothing has to be stored for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyroaring import BitMap

from phonolith.library.index import Condition, Entry, Index, Listed, listed
from phonolith.model.text import asked, is_cjk

_SHORTEST = 3
_LONGEST = 24
_MOST_WORDS = 6
_MOST_CANDIDATES = 24
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "абвгдежзиклмнопрстуфхцчшщъыьэюяіїєґђјљњћџ",
    "αβγδεζηθικλμνξοπρστυφχψωσ",
    "אבגדהוזחטיכלמנסעפצקרשתךםןףץ",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويىة",
)


def spellings(word: str) -> Iterator[str]:
    """Everything that differs from a word by one letter, with the letters of the word's own alphabet."""
    letters = next((alphabet for alphabet in _ALPHABETS if word[0] in alphabet or word[-1] in alphabet), "")
    for place in range(len(word) + 1):
        head, tail = word[:place], word[place:]
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        yield from (head + letter + tail for letter in letters)


def correct(index: Index, words: Sequence[str], filters: Sequence[Condition]) -> list[str] | None:
    """The words with one or more of them spelt otherwise so that all of them together lead somewhere, or None."""
    words = list(words)[:_MOST_WORDS]
    unknown = [place for place, word in enumerate(words) if not is_cjk(word) and index.entry(word) is None]
    if not unknown:
        return _best_of_any(index, words, filters)
    for place in unknown:
        others = [word for other, word in enumerate(words) if other != place and other not in unknown]
        better = _better(index, words, place, others, filters)
        if better is None:
            return None
        words[place] = better
        unknown = [other for other in unknown if other != place]
    return words


def _best_of_any(index: Index, words: list[str], filters: Sequence[Condition]) -> list[str] | None:
    """All words are known, but not together: one of them is exchanged, the rarest that can be."""
    known = {entry.term: entry.rows for entry in index.entries(words)}
    for place in sorted(range(len(words)), key=lambda place: known.get(words[place], 0)):
        others = words[:place] + words[place + 1 :]
        better = _better(index, words, place, others, filters) if others else None
        if better is not None:
            return [*words[:place], better, *words[place + 1 :]]
    return None


def _better(
    index: Index, words: list[str], place: int, others: Sequence[str], filters: Sequence[Condition]
) -> str | None:
    """The spelling of one word that leads somewhere: one that makes a whole title, else the most frequent."""
    word = words[place]
    if is_cjk(word) or not _SHORTEST <= len(word) <= _LONGEST:
        return None
    found = [entry for entry in index.entries(dict.fromkeys(spellings(word))) if entry.term != word]
    found.sort(key=lambda entry: (-entry.rows, entry.term))
    titles = [
        entry
        for entry in found[:_MOST_CANDIDATES]
        if index.same_title([*words[:place], entry.term, *words[place + 1 :]])
    ]
    around = _Around(index, others, filters)
    candidates = dict.fromkeys([*titles, *found[:_MOST_CANDIDATES]])
    return next((entry.term for entry in candidates if around.meets(entry)), None)


class _Around:
    """Rows that have the other words and pass the filters, tier by tier as they are needed."""

    def __init__(self, index: Index, others: Sequence[str], filters: Sequence[Condition]) -> None:
        conditions = [listed(index, [token]) for word in others for token in asked(word)]
        self._index = index
        self._conditions = sorted([*conditions, *filters], key=lambda condition: condition.rows)
        self._found: dict[int, BitMap] = {}

    def meets(self, entry: Entry) -> bool:
        """Whether some row has the entry's word too."""
        mine = Listed(self._index, [entry])
        return any(self._rows(tier) & mine.part(tier) for tier in range(len(self._index.tiers)))

    def _rows(self, tier: int) -> BitMap:
        found = self._found.get(tier)
        if found is None:
            first, last = self._index.tiers[tier]
            found = BitMap(range(first, last + 1))
            for condition in self._conditions:
                part = condition.part(tier)
                found = found if part is None else found & part
                if not found:
                    break
            self._found[tier] = found
        return found

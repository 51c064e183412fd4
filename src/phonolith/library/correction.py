"""Spelling: words that lead nowhere are exchanged for words of the index that differ by one letter.

One letter left out, added, changed, or two neighbours swapped (Damerau's distance 1). All such spellings are made and
looked up, so nothing has to be stored for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyroaring import BitMap

from phonolith.library.conditions import Condition, Listed, listed
from phonolith.library.index import Entry, Index
from phonolith.library.rows import Rows
from phonolith.library.terms import FEW
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


class Speller:
    """Corrects queries of one kind under some filters."""

    def __init__(self, index: Index, rows: Rows, filters: Sequence[Condition]) -> None:
        self._index = index
        self._rows = rows
        self._filters = filters

    def correct(self, words: Sequence[str]) -> list[str] | None:
        """The words with one or more spelt otherwise so that all of them together lead somewhere, or None."""
        words = list(words)[:_MOST_WORDS]
        unknown = [place for place, word in enumerate(words) if not is_cjk(word) and self._index.entry(word) is None]
        if not unknown:
            return self._one_of_the_known(words)
        for place in unknown:
            others = [word for other, word in enumerate(words) if other != place and other not in unknown]
            better = self._better(words, place, others)
            if better is None:
                return None
            words[place] = better
            unknown = [other for other in unknown if other != place]
        return words

    def _one_of_the_known(self, words: list[str]) -> list[str] | None:
        """All words are known, but not together: one of them is exchanged, the rarest that can be."""
        known = {entry.term: entry.rows for entry in self._index.entries(words)}
        for place in sorted(range(len(words)), key=lambda place: known.get(words[place], 0)):
            others = words[:place] + words[place + 1 :]
            better = self._better(words, place, others) if others else None
            if better is not None:
                return [*words[:place], better, *words[place + 1 :]]
        return None

    def _better(self, words: list[str], place: int, others: Sequence[str]) -> str | None:
        """The spelling of one word that leads somewhere: among few rows the best row's, else the most frequent."""
        word = words[place]
        if is_cjk(word) or not _SHORTEST <= len(word) <= _LONGEST:
            return None
        around = _Around(self._index, others, self._filters)
        few = around.few() if others else None
        if few is not None:
            return self._among(few, frozenset(spellings(word)) - {word}) if few else None
        found = [entry for entry in self._index.entries(dict.fromkeys(spellings(word))) if entry.term != word]
        found = sorted(found, key=lambda entry: (-entry.rows, entry.term))[:_MOST_CANDIDATES]
        titles = [e for e in found if self._index.same_title([*words[:place], e.term, *words[place + 1 :]])]
        candidates = dict.fromkeys([*titles, *found])
        return next((entry.term for entry in candidates if around.meets(entry)), None)

    def _among(self, few: Sequence[int], options: frozenset[str]) -> str | None:
        """The first of these words that some of the rows have, in the order of the rows."""
        self._rows.fetch(few)
        for row in map(self._rows.read, few):
            for run in (*row.title, *row.artists, *row.further()):
                if run in options:
                    return run
        return None


class _Around:
    """Rows that have the other words and pass the filters, tier by tier as they are needed."""

    def __init__(self, index: Index, others: Sequence[str], filters: Sequence[Condition]) -> None:
        conditions = [listed(index, [token]) for word in others for token in asked(word)]
        self._index = index
        self._conditions = sorted([*conditions, *filters], key=lambda condition: condition.rows)
        self._found: dict[int, BitMap] = {}

    def meets(self, entry: Entry) -> bool:
        """Whether some row has the entry's word too."""
        mine = Listed(self._index, [(entry.rows, entry.ids)])
        tiers = range(len(self._index.tiers))
        return any(rows.intersect(mine.part(tier)) for tier in tiers if (rows := self._rows(tier)))

    def few(self) -> list[int] | None:
        """The rows, if no more than FEW; else None."""
        found: list[int] = []
        for tier in range(len(self._index.tiers)):
            part = self._rows(tier)
            if len(found) + len(part) > FEW:
                return None
            found += part
        return found

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

"""The rows that all conditions of a query hold for, found tier by tier of the ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from pyroaring import BitMap

from phonolith.library.conditions import Condition
from phonolith.library.index import Index
from phonolith.library.rows import Rows

#: Totals are counted up to here.
CAP = 1_000
_READ_AT_ONCE = 64
_STEPPED_OVER = 64  # hidden rows of a tier, one by one, before they are all taken off it


class Matches:
    """The rows that all conditions hold for, in rank order, tier by tier. ``among``: of these rows only."""

    def __init__(
        self, index: Index, rows: Rows, conditions: Sequence[Condition], hidden: Any, *, among: Any = None
    ) -> None:
        self._index = index
        self._rows = rows
        self._conditions = sorted(conditions, key=lambda condition: condition.rows)
        self._hidden = hidden
        self.among = among
        self._found: dict[int, Any] = {}
        self._tests: dict[int, Any] = {}

    def rows(self, after: int) -> Iterator[int]:
        """Those after a row that are not hidden."""
        for tier, (_, last) in enumerate(self._index.tiers):
            if last > after:
                yield from self._passing(tier, self._shown(tier, after + 1))

    def few(self, most: int) -> list[int] | None:
        """All of them, hidden ones too, if no more than ``most`` may be; else None."""
        count = 0
        for tier in range(len(self._index.tiers)):
            count += len(self.candidates(tier))
            if count > most:
                return None
        return [row for tier in range(len(self._index.tiers)) for row in self._passing(tier, self.candidates(tier))]

    def _passing(self, tier: int, found: Iterable[int]) -> Iterator[int]:
        """Candidates of a tier that pass; those to be looked at are read some at a time."""
        test = self._test(tier)
        if test is None:
            yield from found
            return
        letters = "".join(condition.letters for condition in self._conditions if condition.unsure(tier) is None)
        rows = iter(found)
        while some := list(islice(rows, _READ_AT_ONCE)):
            yield from filter(test, self._rows.fetch(some, letters))

    def count(self, at_least: int) -> tuple[int, bool]:
        """How many there are, and whether there may be more: rows that would have to be looked at are not."""
        total = 0
        for tier in range(len(self._index.tiers)):
            found = self.candidates(tier)
            shown = len(found) - found.intersection_cardinality(self._hidden)
            if shown and self._test(tier) is not None:
                return max(total, at_least), True
            total += shown
            if total > CAP:
                return CAP, True
        return total, False

    def passes(self, row: int) -> bool:
        """Whether all conditions hold for a candidate."""
        tier = next(n for n, (_, last) in enumerate(self._index.tiers) if row <= last)
        test = self._tests.get(tier, False)
        if test is False:
            test = self._tests[tier] = self._test(tier)
        return test is None or test(row)

    def candidates(self, tier: int) -> Any:
        """The rows of a tier that all conditions may hold for; not to be changed."""
        found = self._found.get(tier)
        if found is None:
            found = self._found[tier] = self._intersect(tier)
        return found

    def _shown(self, tier: int, first: int) -> Iterator[int]:
        """Candidates of a tier from a row on that are not hidden. A page meets few that are, so nothing is copied for
        those; where there are many, they are taken off what is left at once.
        """
        candidates, hidden, met = self.candidates(tier), self._hidden, 0
        for row in candidates.iter_equal_or_larger(first):
            if row not in hidden:
                yield row
                continue
            met += 1
            if met > _STEPPED_OVER:
                yield from (candidates - hidden).iter_equal_or_larger(row)
                return

    def _intersect(self, tier: int) -> Any:
        first, last = self._index.tiers[tier]
        found = self.among
        for condition in self._conditions:
            part = condition.narrowed(tier, found)
            if part is not None:
                found = part if found is None else found & part
                if not found:
                    return found
        span = BitMap(range(first, last + 1))
        return span if found is None else found & span

    def _test(self, tier: int) -> Callable[[int], bool] | None:
        """What a candidate of a tier must still pass; None: nothing."""
        doubts = [(condition, condition.unsure(tier)) for condition in self._conditions]
        doubts = [(condition, unsure) for condition, unsure in doubts if unsure is None or unsure]
        if not doubts:
            return None

        def test(row: int) -> bool:
            asked = [condition for condition, unsure in doubts if unsure is None or row in unsure]
            if not asked:
                return True
            names = self._rows.read(row)
            return all(condition.holds(names) for condition in asked)

        return test

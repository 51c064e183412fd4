"""Totals of strata by the ratios of what was drawn from them, with the ends of their intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from phonolith.audit import intervals
from phonolith.audit.payload.listing import Item
from phonolith.audit.payload.reading import Seen

_ALONE = 30  # draws from which on a stratum has a ratio of its own

Measure = Callable[[Seen], tuple[float, float]]
Known = Callable[[Item], float]


@dataclass(frozen=True, slots=True)
class Cell:
    """A stratum by what is known of its items: ``sure`` of them have it, those that are ``gone`` may
    have it, and the ``rest`` is drawn from."""

    group: str
    sure: int
    gone: tuple[Item, ...]
    rest: tuple[Item, ...]
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class _Pool:
    rest: tuple[Item, ...]
    seen: tuple[Seen, ...]


def pools_of(cells: Sequence[Cell]) -> list[_Pool]:
    """Strata with draws enough for a ratio of their own, and those of each group that have too few as one."""
    some: dict[str, list[Cell]] = defaultdict(list)
    for number, cell in enumerate(cells):
        some[cell.group if len(cell.seen) < _ALONE else f"{number}"].append(cell)
    return [
        _Pool(tuple(item for cell in one for item in cell.rest), tuple(seen for cell in one for seen in cell.seen))
        for one in some.values()
    ]


def pooled(
    pools: Sequence[_Pool],
    measure: Measure,
    known: Known,
    most: Known | None,
    confidence: float,
    near: float,
) -> tuple[float, float] | None:
    """Ends of a total: those of the ratio's distribution, and further where files unlike any that were drawn may be.

    Of files that are not ``near`` the ratio there may be more than were drawn, up to the end of an exact interval; the
    largest of all that were not read are taken to be these, and to hold nothing, or twice what they should.
    """
    ends = []
    for side in (0, 1):
        strata, odd, drawn, left = [], 0, 0, []
        for pool in pools:
            pairs = [(known(one.item), bounded(one, measure, most)[side]) for one in pool.seen]
            strata.append(intervals.Stratum(len(pool.rest), sum(known(item) for item in pool.rest), tuple(pairs)))
            weight = sum(x for x, _ in pairs)
            ratio = sum(y for _, y in pairs) / weight if weight else 0.0
            odd += sum(abs(y - ratio * x) > near * ratio * x for x, y in pairs)
            drawn += len(pairs)
            read = {one.item.id for one in pool.seen}
            left += [ratio * known(item) for item in pool.rest if item.id not in read]
        try:
            found = intervals.total(strata, confidence)
        except ValueError:
            return None
        whole = sum(len(pool.rest) for pool in pools)
        share = intervals.share_of_finite(odd, drawn, whole, confidence).high
        beyond = max(0, math.ceil(share * whole) - math.floor(odd / drawn * whole))
        slack = sum(sorted(left, reverse=True)[:beyond])
        ends.append(min(found.low, found.best - slack) if side == 0 else max(found.high, found.best + slack))
    return ends[0], ends[1]


def bounded(seen: Seen, measure: Measure, most: Known | None) -> tuple[float, float]:
    """The least and the most of one file: of one that is not shown nothing, and all it may be."""
    if seen.shown:
        return measure(seen)
    return 0.0, most(seen.item) if most else 0.0


def summed(
    seen: Sequence[Seen],
    measure: Measure,
    most: Known | None,
) -> tuple[float, float]:
    """The least and the most of all that was read; without an end where one of them may hold anything."""
    ends = [bounded(one, measure, most) for one in seen]
    open_ = most is None and any(not one.shown or one.track is None for one in seen)
    return sum(low for low, _ in ends), math.inf if open_ else sum(high for _, high in ends)


def ratio_of(pairs: Sequence[tuple[float, float]], items: int, confidence: float) -> intervals.Interval | None:
    """What ``items`` hold for each unit of what is known of them, by pairs of known and held; None if none tells."""
    weight = sum(x for x, _ in pairs)
    scale = weight / len(pairs) * items
    try:
        found = intervals.total([intervals.Stratum(items, scale, tuple(pairs))], confidence)
    except ValueError:
        return None
    scale = scale if len(pairs) < items else weight
    return intervals.Interval(found.low / scale, found.high / scale, found.best / scale)

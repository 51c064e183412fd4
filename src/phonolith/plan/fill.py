"""Fills a budget: greedy by value per byte, with the bound that tells how far from the best possible it is at most.

A knapsack with several ways to take an item (Sinha and Zoltners, 1979): the ways of an item become steps of falling
value per byte, and whoever takes all steps in that order until the budget ends, the last one in part, has the optimum
of the knapsack in which things may be divided. No choice of whole items is worth more (Dantzig, 1957). What is taken
here is whole, and is compared with that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from phonolith.plan.runs import ACCESS, COPY, ORIGINAL, STEP, UP, Steps
from phonolith.plan.sizes import Z
from phonolith.plan.worth import bins, no_bins

#: Parts of the budget at which the curve is told; the last one is what a tenth more would buy.
PARTS = (*(number / 10 for number in range(1, 11)), 1.1)
#: How often a block is gone over for what still fits, once the budget is nearly full.
_ROUNDS = 64


@dataclass(frozen=True, slots=True)
class Point:
    """What a budget (bytes) would buy, in the optimum that divides things: value, and share of listening."""

    budget: int
    value: float
    listens: float
    items: int


@dataclass
class Sums:
    """Of what was taken one way from one source. ``mean`` are expected bytes, ``base`` those of replaced copies."""

    items: int = 0
    listens: float = 0.0
    value: float = 0.0
    mean: float = 0.0
    base: float = 0.0


@dataclass
class Filled:
    """What was taken. ``size`` and ``variance`` together make the upper bound that keeps within the budget.

    ``first`` are the tracks taken by their first step and ``up`` those whose original was taken in place of the
    access copy. ``bound`` is the value that no choice within the budget exceeds.
    """

    budget: int
    size: float = 0.0
    mean: float = 0.0
    variance: float = 0.0
    value: float = 0.0
    listens: float = 0.0
    bound: float = 0.0
    first: BitMap = field(default_factory=BitMap)
    copies: BitMap = field(default_factory=BitMap)
    up: BitMap = field(default_factory=BitMap)
    sums: dict[tuple[int, int], Sums] = field(default_factory=dict)
    planned: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    curve: list[Point] = field(default_factory=list)

    @property
    def upper(self) -> float:
        """Bytes that 97.5 % of outcomes stay within."""
        return self.size + Z * sqrt(self.variance)

    @property
    def lower(self) -> float:
        """Bytes that 97.5 % of outcomes exceed."""
        return max(0.0, 2 * self.mean - self.size - Z * sqrt(self.variance))

    @property
    def gap(self) -> float:
        """By what share of the best possible value this one falls short at most."""
        return max(0.0, 1 - self.value / self.bound) if self.bound > 0 else 0.0


def fill(blocks: Iterable[Steps], budget: int) -> Filled:
    """Take what fits, best value per byte first. ``blocks`` are in that order."""
    filled, line = Filled(budget), _Line(budget)
    full = False
    for block in blocks:
        line.add(block)
        if not full:
            full = _take_block(filled, block, budget)
        if full and line.ended:
            break
    filled.bound, filled.curve = line.bound(), line.points()
    return filled


def _take_block(filled: Filled, block: Steps, budget: int) -> bool:
    """Take what fits of a block; True once something did not, as what comes after is worth less per byte."""
    whole, skipped = block, False
    for _ in range(_ROUNDS):
        if not len(whole):
            break
        sizes = filled.size + np.cumsum(whole["size"])
        upper = sizes + Z * np.sqrt(filled.variance + np.cumsum(whole["variance"], dtype=np.float64))
        fits = int(np.searchsorted(upper, budget, side="right"))
        _take(filled, whole[:fits])
        if fits == len(whole):
            break
        skipped = True
        missed, whole = whole[fits], whole[fits + 1 :]
        room = budget - filled.upper
        whole = _founded(whole[(whole["size"] <= room) & (whole["track"] != missed["track"])], filled.first)
    return skipped


def _founded(steps: Steps, first: BitMap) -> Steps:
    """Without originals in place of access copies that are not taken and not about to be."""
    ups = steps["way"] == UP
    coming = steps["track"][steps["way"] == ACCESS]
    taken = np.fromiter((int(track) in first for track in steps["track"][ups]), bool, int(ups.sum()))
    kept = ~ups
    kept[ups] = taken | np.isin(steps["track"][ups], coming)
    founded: Steps = steps[kept]
    return founded


def _take(filled: Filled, steps: Steps) -> None:
    if not len(steps):
        return
    filled.size += float(steps["size"].sum())
    filled.mean += float(steps["mean"].sum())
    filled.variance += float(steps["variance"].sum(dtype=np.float64))
    filled.value += float(steps["value"].sum())
    ways, sources = steps["way"], steps["source"]
    ups = ways == UP
    filled.up.update(steps["track"][ups].tolist())
    copies = ways == COPY
    filled.copies.update(steps["track"][copies].tolist())
    filled.first.update(steps["track"][~ups & ~copies].tolist())
    for key in np.unique(ways.astype(np.int64) << 16 | sources):
        way, source = int(key) >> 16, int(key) & 0xFFFF
        mine = steps[(ways == way) & (sources == source)]
        sums = filled.sums.setdefault((way, source), Sums())
        sums.items += len(mine)
        sums.listens += float(mine["listens"].sum())
        sums.value += float(mine["value"].sum())
        sums.mean += float(mine["mean"].sum())
        sums.base += float(mine["base"].sum(dtype=np.float64))
        if way in (ACCESS, ORIGINAL):
            known = mine["popularity"][~np.isnan(mine["popularity"])].astype(np.float64)
            counts = filled.planned.setdefault(source, no_bins())
            counts += np.bincount(bins(known), minlength=len(counts))
            filled.listens += float(mine["listens"].sum())


class _Line:
    """The optimum that may divide things, along the budget."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._marks = [part * budget for part in PARTS]
        self._points: list[Point] = []
        self._size = self._value = self._listens = 0.0
        self._items = 0
        self._bound: float | None = None

    @property
    def ended(self) -> bool:
        """Whether the last mark was passed."""
        return len(self._points) == len(PARTS)

    def add(self, block: Steps) -> None:
        if self.ended or not len(block):
            return
        new = ~np.isin(block["way"], (UP, COPY))
        sizes = self._size + np.cumsum(block["size"])
        values = self._value + np.cumsum(block["value"])
        listens = self._listens + np.cumsum(np.where(new, block["listens"], 0.0))
        items = self._items + np.cumsum(new)
        while not self.ended and self._marks[len(self._points)] < sizes[-1]:
            mark = self._marks[len(self._points)]
            at = int(np.searchsorted(sizes, mark, side="right"))
            before = at - 1
            size, value, heard, count = (
                (float(sizes[before]), float(values[before]), float(listens[before]), int(items[before]))
                if at
                else (self._size, self._value, self._listens, self._items)
            )
            value += float(block["density"][at]) * (mark - size)
            self._points.append(Point(round(mark), value, heard, count))
        self._size, self._value = float(sizes[-1]), float(values[-1])
        self._listens, self._items = float(listens[-1]), int(items[-1])

    def bound(self) -> float:
        """The value at the whole budget; of everything, where all of it fits."""
        at = PARTS.index(1.0)
        return self._points[at].value if len(self._points) > at else self._value

    def points(self) -> list[Point]:
        """The curve, up to everything where the budget exceeds it."""
        if self.ended:
            return self._points
        return [*self._points, Point(round(self._size), self._value, self._listens, self._items)]


def steps_of(count: int) -> Steps:
    """Empty steps to be filled in."""
    return np.zeros(count, STEP)

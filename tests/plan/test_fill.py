"""Filling a budget: never exceeded, within its own bound of the best there is, the same however it is sorted."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.plan.fill import Filled, fill, steps_of
from phonolith.plan.runs import ACCESS, COPY, ORIGINAL, UP, Runs, Steps
from phonolith.plan.sizes import Z

#: An item: size and value of its original, of its access copy or None, and the deviation of each.
Item = tuple[float, float, tuple[float, float] | None, float]

_sizes = st.floats(1, 1000)
_values = st.floats(0.001, 1)
_items = st.lists(
    st.tuples(_sizes, _values, st.none() | st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.99)), st.floats(0, 20)),
    min_size=1,
    max_size=6,
)


def steps(items: list[Item]) -> Steps:
    """Steps as the scorer makes them: two where the copy comes first, else one."""
    rows: list[tuple[int, int, float, float, float]] = []
    for track, (size, value, copy, off) in enumerate(items, 1):
        if copy is not None:
            small, less = copy[0] * size, copy[1] * value
            if less / small > (value - less) / (size - small):
                rows += [(track, ACCESS, small, less, off), (track, UP, size - small, value - less, off)]
                continue
        rows.append((track, ORIGINAL, size, value, off))
    made = steps_of(len(rows))
    for at, (track, way, size, value, off) in enumerate(rows):
        made[at]["track"], made[at]["way"], made[at]["size"], made[at]["mean"] = track, way, size, size
        made[at]["value"], made[at]["density"], made[at]["variance"] = value, value / size, off**2
        made[at]["popularity"] = np.nan
    return made


def filled(items: list[Item], budget: int, folder: Path, **how: int) -> Filled:
    with Runs(folder, **how) as runs:
        for row in steps(items):
            runs.add(np.array([row], steps_of(0).dtype))
        return fill(runs.merged(), budget)


def best(items: list[Item], budget: int) -> float:
    """The best value of whole items by trying everything, by the sizes alone."""
    ways = [
        [(0.0, 0.0), (size, value), *([(copy[0] * size, copy[1] * value)] if copy else [])]
        for size, value, copy, _ in items
    ]
    choices = itertools.product(*ways)
    return max(sum(v for _, v in choice) for choice in choices if sum(s for s, _ in choice) <= budget)


@settings(max_examples=150, deadline=None)
@given(_items, st.integers(1, 3000))
def test_the_budget_holds_and_the_best_is_within_the_bound(
    tmp_path_factory: pytest.TempPathFactory, items: list[Item], budget: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    told = filled(items, budget, folder)
    assert told.upper <= budget * (1 + 1e-9)
    optimum = best(items, budget)
    assert told.value <= told.bound * (1 + 1e-9) and optimum <= told.bound * (1 + 1e-9)
    assert told.value >= (1 - told.gap) * optimum - 1e-9
    taken = [row for row in steps(items) if row["way"] != UP and row["track"] in told.first]
    assert len(taken) == len(told.first)
    assert all(track in told.first for track in told.up), "an original in place of a copy that is not there"


def test_a_bound_that_were_too_low_would_be_noticed(tmp_path: Path) -> None:
    """The control: the greedy value itself is no bound, as one small dense item in the way of a large one shows."""
    items: list[Item] = [(1, 0.01, None, 0.0), (10, 0.09, None, 0.0)]
    told = filled(items, 10, tmp_path)
    assert told.value == pytest.approx(0.01) and best(items, 10) == pytest.approx(0.09)
    assert told.bound == pytest.approx(0.01 + 0.09 * 9 / 10)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=120), st.integers(1, 40), st.integers(1, 7))
def test_sorted_outside_of_memory_is_sorted_the_same(
    tmp_path_factory: pytest.TempPathFactory, densities: list[int], run: int, block: int
) -> None:
    """Also with many equals: they come in the order in which they were added."""
    made = steps_of(len(densities))
    made["density"], made["track"] = densities, np.arange(len(densities))
    with Runs(tmp_path_factory.getbasetemp(), run=run, block=block) as runs:
        for row in made:
            runs.add(np.array([row], made.dtype))
        blocks = list(runs.merged())
        again = list(runs.merged())
    found = [int(row["track"]) for block_ in blocks for row in block_]
    assert found == sorted(range(len(densities)), key=lambda at: (-densities[at], at))
    assert found == [int(row["track"]) for block_ in again for row in block_]


def test_the_reserve_for_what_differs_grows_with_its_root(tmp_path: Path) -> None:
    alike: list[Item] = [(100, 1.0, None, 10.0)] * 400
    told = filled(alike, 20_000, tmp_path)
    assert told.upper <= 20_000 and len(told.first) > 0.97 * 200
    assert told.upper == pytest.approx(told.size + Z * 10 * len(told.first) ** 0.5)
    assert [point.budget for point in told.curve][-2:] == [20_000, 22_000]


def test_copies_of_what_is_held_are_counted_by_themselves(tmp_path: Path) -> None:
    made = steps([(10, 1.0, None, 0.0)])
    made["way"] = COPY
    with Runs(tmp_path) as runs:
        runs.add(made)
        told = fill(runs.merged(), 100)
    assert not told.first and list(told.copies) == [1] and told.listens == 0

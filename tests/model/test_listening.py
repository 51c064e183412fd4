"""Popularity becomes listens: shares are shares, intervals cover what is true, and nothing depends on order."""

from __future__ import annotations

from math import exp
from random import Random

import pytest

from phonolith.model.listening import Basis, Cell, Scale, counted, fitted, scale_of, share, stated


def _heard(random: Random, slope: float, score: int) -> float:
    return exp(1 + slope * score + random.gauss(0, 0.8))


def _planted(seed: int) -> tuple[float, list[Cell], list[tuple[float, float]]]:
    """The true share of listening of some tracks, what is seen of all, and scores with listens of others."""
    random = Random(seed)
    slope = random.uniform(0.05, 0.12)
    cells, ours, total = [], 0.0, 0.0
    for _ in range(600):
        score = round(100 * random.betavariate(1.5, 3))
        heard, inside = _heard(random, slope, score), random.random() < 0.1 + 0.8 * score / 100
        cells.append(Cell(score, int(inside), int(not inside)))
        ours, total = ours + heard * inside, total + heard
    scores = [round(100 * random.betavariate(1.5, 3)) for _ in range(200)]
    return ours / total, cells, [(score, _heard(random, slope, score)) for score in scores]


def test_the_interval_covers_a_planted_truth_in_94_to_99_9_percent_of_200_draws() -> None:
    covered = 0
    for seed in range(200):
        true, cells, pairs = _planted(seed)
        found = share(fitted(Scale.SCORE, pairs, seed), _merged(cells), seed)
        assert found is not None
        covered += found.low <= true <= found.high
    assert 0.94 <= covered / 200 <= 0.999


def test_an_interval_that_took_errors_for_independent_would_not_cover() -> None:
    """The negative control: scatter alone, along one curve, is too narrow."""
    covered = 0
    for seed in range(40):
        true, cells, pairs = _planted(seed)
        curve = fitted(Scale.SCORE, pairs[:40], seed)
        one = type(curve)(curve.basis, curve.scale, curve.level, curve.slope, 0.1, ((curve.level, curve.slope, 0.1),))
        found = share(one, _merged(cells), seed)
        assert found is not None
        covered += found.low <= true <= found.high
    assert covered / 40 < 0.9


def test_counted_listens_have_no_error() -> None:
    found = share(counted(), [Cell(90, 1, 0), Cell(10, 0, 1)])
    assert found is not None
    assert (found.low, found.mid, found.high) == pytest.approx((0.9, 0.9, 0.9))
    assert counted().listens(7) == (7, 7, 7)


def test_where_nobody_listens_there_is_no_share() -> None:
    assert share(counted(), [Cell(0, 5, 5)]) is None
    assert share(stated(Scale.SCORE), []) is None


@pytest.mark.parametrize("scale", [Scale.SCORE, Scale.FIVE, Scale.TEN, Scale.COUNT])
def test_a_stated_curve_rises_within_its_bounds_and_says_what_it_assumes(scale: Scale) -> None:
    curve = stated(scale)
    assert curve.basis is Basis.STATED
    assert curve.sentence.startswith("Assumed:")
    last = 0.0
    for value in (0, 1, 3, 5):
        low, mid, high = curve.listens(value)
        assert low <= mid <= high
        assert mid > last
        last = mid


def test_order_is_irrelevant_and_everything_comes_out_again() -> None:
    _, cells, pairs = _planted(3)
    curve = fitted(Scale.SCORE, pairs, 1)
    assert curve == fitted(Scale.SCORE, pairs[::-1], 1)
    assert share(curve, cells, 1) == share(curve, cells[::-1], 1)


def test_parts_sum_to_the_whole() -> None:
    _, cells, pairs = _planted(5)
    curve = fitted(Scale.SCORE, pairs)
    ours = share(curve, cells)
    theirs = share(curve, [Cell(one.value, one.outside, one.inside) for one in cells])
    assert ours is not None
    assert theirs is not None
    assert ours.mid + theirs.mid == pytest.approx(1)
    assert 0 <= ours.low <= ours.mid <= ours.high <= 1


def test_too_few_pairs_are_not_fitted() -> None:
    assert fitted(Scale.SCORE, [(1, 2), (3, 4)]).basis is Basis.STATED
    assert fitted(Scale.SCORE, [(50, 4)] * 100).basis is Basis.STATED
    assert fitted(Scale.LISTENS, []).basis is Basis.COUNTED


def test_values_that_could_be_of_several_scales_are_of_the_smallest() -> None:
    assert [scale_of(one) for one in (5, 9, 100, 101)] == [Scale.FIVE, Scale.TEN, Scale.SCORE, Scale.COUNT]


def _merged(cells: list[Cell]) -> list[Cell]:
    found: dict[float, list[int]] = {}
    for one in cells:
        both = found.setdefault(one.value, [0, 0])
        both[0] += one.inside
        both[1] += one.outside
    return [Cell(value, inside, outside) for value, (inside, outside) in found.items()]

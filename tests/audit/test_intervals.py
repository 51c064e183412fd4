"""Intervals against exact arithmetic, published values, and many draws of which the truth is known."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.audit.intervals import Interval, Stratum, beta_below, share, share_at_any_time, share_of_finite, total

TAIL = Fraction(25, 1000)


def upper_tail(seen: int, of: int, p: Fraction) -> Fraction:
    return sum((comb(of, x) * p**x * (1 - p) ** (of - x) for x in range(seen, of + 1)), Fraction(0))


def at_most(seen: int, of: int, having: int, whole: int) -> Fraction:
    return Fraction(sum(comb(having, x) * comb(whole - having, of - x) for x in range(seen + 1)), comb(whole, of))


@pytest.mark.parametrize(
    ("seen", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.30850),  # Clopper and Pearson's own way at the ends: 1 - 0.025 ** (1 / 10)
        (5, 10, 0.18709, 0.81291),
        (1, 20, 0.00127, 0.24873),
        (10, 10, 0.69150, 1.0),
        (0, 1, 0.0, 0.975),
    ],
)
def test_known_intervals(seen: int, of: int, low: float, high: float) -> None:
    found = share(seen, of)
    assert (round(found.low, 5), round(found.high, 5)) == (low, high)


def test_a_published_interval() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263."""
    found = share(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2527, 0.3676)


@given(st.integers(1, 60), st.data())
def test_the_ends_are_those_of_exact_arithmetic(of: int, data: st.DataObject) -> None:
    seen = data.draw(st.integers(0, of))
    found = share(seen, of)
    eps = Fraction(1, 10**9)
    if seen:
        low = Fraction(found.low)
        assert upper_tail(seen, of, low - eps) < TAIL < upper_tail(seen, of, low + eps)
    if seen < of:
        high = Fraction(found.high)
        assert 1 - upper_tail(seen + 1, of, high + eps) < TAIL < 1 - upper_tail(seen + 1, of, high - eps)
    assert found.low <= seen / of <= found.high


@given(st.floats(0, 1), st.integers(1, 40), st.integers(1, 40))
def test_the_beta_function_is_the_upper_tail_of_draws(x: float, a: int, b: int) -> None:
    assert beta_below(x, a, b) == pytest.approx(float(upper_tail(a, a + b - 1, Fraction(x))), abs=1e-11)


@given(st.integers(1, 60), st.data())
def test_a_finite_whole_has_just_the_numbers_that_are_not_too_unlikely(whole: int, data: st.DataObject) -> None:
    of = data.draw(st.integers(1, whole))
    seen = data.draw(st.integers(0, of))
    found = share_of_finite(seen, of, whole)

    def likely(tail: Fraction) -> list[int]:
        return [
            having
            for having in range(seen, whole - (of - seen) + 1)
            if at_most(seen, of, having, whole) > tail and (not seen or 1 - at_most(seen - 1, of, having, whole) > tail)
        ]

    some, most = likely(TAIL), likely(TAIL - Fraction(1, 10**9))  # a chance of just 1 in 40 may be in or out
    assert round(found.low * whole) in (some[0], most[0])
    assert round(found.high * whole) in (some[-1], most[-1])


def test_everything_drawn_is_known() -> None:
    assert share_of_finite(37, 100, 100) == Interval(0.37, 0.37, 0.37)


def test_a_sample_of_a_vast_whole_is_as_if_it_had_no_end() -> None:
    finite, endless = share_of_finite(990, 1000, 86_000_000), share(990, 1000)
    assert finite.low == pytest.approx(endless.low, abs=2e-6)
    assert finite.high == pytest.approx(endless.high, abs=2e-6)


@pytest.mark.parametrize("p", [0.5, 0.99, 0.999])
@pytest.mark.parametrize("of", [50, 1000])
def test_intervals_cover_the_truth_in_95_of_a_hundred_draws_or_more(p: float, of: int) -> None:
    dice = random.Random(f"{p} {of}")
    known = cache(lambda seen: share(seen, of))
    draws = [sum(dice.random() < p for _ in range(of)) for _ in range(1000)]
    assert sum(p in known(seen) for seen in draws) / 1000 >= 0.94


def test_control_half_as_wide_an_interval_misses_the_truth_too_often() -> None:
    dice = random.Random(3)
    covered, known = 0, cache(lambda seen: share(seen, 100))
    for _ in range(1000):
        one = known(sum(dice.random() < 0.5 for _ in range(100)))
        covered += abs(one.best - 0.5) <= one.width / 4
    assert covered / 1000 < 0.94


@pytest.mark.parametrize("p", [0.5, 0.98])
def test_a_sequence_never_leaves_the_truth_more_often_than_it_says(p: float) -> None:
    """Looked at again and again: of 300 sequences few ever exclude the truth, where fixed intervals do far oftener."""
    dice = random.Random(f"sequence {p}")
    ever_out = fixed_out = 0
    always, once = cache(share_at_any_time), cache(share)
    for _ in range(300):
        seen, out, fixed = 0, False, False
        for of in range(1, 301):
            seen += dice.random() < p
            if of % 10 == 0:
                out |= p not in always(seen, of)
                fixed |= p not in once(seen, of)
        ever_out += out
        fixed_out += fixed
    assert ever_out / 300 <= 0.05
    assert fixed_out / 300 > 0.05  # the control: looking again and again is what a fixed interval does not allow


@given(st.integers(1, 5000), st.data())
def test_a_sequence_has_its_best_guess_inside_and_is_wider_than_the_fixed_one(of: int, data: st.DataObject) -> None:
    seen = data.draw(st.integers(0, of))
    always, once = share_at_any_time(seen, of), share(seen, of)
    eps = 1e-12
    assert 0 <= always.low <= once.low + eps and once.high <= always.high + eps <= 1 + eps
    assert once.low <= seen / of <= once.high and always.low <= seen / of <= always.high


def _sized(dice: random.Random, count: int, rate: float) -> list[tuple[float, float]]:
    seconds = [dice.lognormvariate(5.3, 0.4) for _ in range(count)]
    return [(one, one * rate * dice.lognormvariate(0, 0.15)) for one in seconds]


def test_totals_cover_the_truth_and_are_narrower_than_by_means() -> None:
    dice = random.Random(11)
    kinds = [_sized(dice, 4000, 16_000), _sized(dice, 1000, 110_000)]
    truth = sum(size for kind in kinds for _, size in kind)
    covered, widths, plain = 0, [], []
    for _ in range(400):
        drawn = [dice.sample(kind, 60) for kind in kinds]
        strata = [
            Stratum(len(kind), sum(x for x, _ in kind), tuple(some)) for kind, some in zip(kinds, drawn, strict=True)
        ]
        blind = [
            Stratum(len(kind), float(len(kind)), tuple((1.0, y) for _, y in some))
            for kind, some in zip(kinds, drawn, strict=True)
        ]
        found = total(strata)
        covered += truth in found
        widths.append(found.width)
        plain.append(total(blind).width)
    assert 0.92 <= covered / 400 <= 0.99
    assert sum(widths) < sum(plain) / 2  # what the durations are for


def test_a_total_of_everything_measured_is_exact() -> None:
    assert total([Stratum(2, 3.0, ((1.0, 10.0), (2.0, 30.0))), Stratum(0, 0.0, ())]) == Interval(40.0, 40.0, 40.0)


@pytest.mark.parametrize("pairs", [(), ((1.0, 5.0),), ((0.0, 5.0), (0.0, 6.0))])
def test_a_total_is_not_made_of_too_little(pairs: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="too little"):
        total([Stratum(10, 10.0, pairs)])


@pytest.mark.parametrize(("seen", "of"), [(0, 0), (3, 2), (-1, 5)])
def test_what_is_no_sample_is_refused(seen: int, of: int) -> None:
    for one in (share, share_at_any_time, lambda a, b: share_of_finite(a, b, 100)):
        with pytest.raises(ValueError, match="no sample"):
            one(seen, of)
    with pytest.raises(ValueError, match="drawn from"):
        share_of_finite(1, 5, 4)

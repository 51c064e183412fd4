"""Intervals: what a sample says of the whole, exactly where it can be said exactly.

A share that was seen in a sample is told with the interval of Clopper and Pearson (Biometrika 26, 1934), which holds
for every true share and every size of sample; where the sample is a good part of a finite whole, with the exact one of
the hypergeometric distribution, which is narrower. Looking again and again while a sample grows spoils either; for that
there is a sequence of intervals that holds at all times at once (Robbins, Annals of Mathematical Statistics 41, 1970).
A total is told by the ratio to something that is known of every item, which is cheaper than a mean: sizes follow
durations (Cochran, Sampling Techniques, 3rd edition, chapter 6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95

_TINY = 1e-300
_CLOSE = 1e-15
_TERMS = 100_000  # of a continued fraction, which takes about the root of the size of the sample


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high``, both included, around ``best``; in whatever is estimated, a share between 0 and 1."""

    low: float
    high: float
    best: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Stratum:
    """Items of one kind: how many there are, what is known of all of them together, and what a sample of them showed.

    ``known`` is the sum over all items of the stratum of what is known of each (seconds, say); ``pairs`` are, for each
    item of the sample, what is known of it and what was measured (seconds, bytes).
    """

    items: int
    known: float
    pairs: tuple[tuple[float, float], ...]


def share(seen: int, of: int, confidence: float = CONFIDENCE) -> Interval:
    """The share of a whole of any size, ``seen`` times found in a sample of ``of`` items: Clopper and Pearson.

    Raises ValueError for a sample of nothing, or one in which more was seen than there is.
    """
    _check(seen, of, confidence)
    tail = (1 - confidence) / 2
    low = 0.0 if seen == 0 else _solve(lambda p: beta_below(p, seen, of - seen + 1), tail)
    high = 1.0 if seen == of else _solve(lambda p: beta_below(p, seen + 1, of - seen), 1 - tail)
    return Interval(low, high, seen / of)


def share_of_finite(seen: int, of: int, whole: int, confidence: float = CONFIDENCE) -> Interval:
    """The share of ``whole`` items, ``of`` of which were drawn without putting back and ``seen`` had it: exact.

    All numbers of items that would not make what was seen too unlikely at either end. Raises ValueError as
    :func:`share` does, and for a sample that is larger than the whole.
    """
    _check(seen, of, confidence)
    if of > whole:
        raise ValueError(f"a sample of {of} cannot be drawn from {whole}")
    tail = (1 - confidence) / 2
    least, most = seen, whole - (of - seen)
    low = _first(least, most, lambda having: 1 - _below(seen - 1, of, having, whole) > tail)
    high = _last(least, most, lambda having: _below(seen, of, having, whole) > tail)
    return Interval(low / whole, high / whole, seen / of)


def share_at_any_time(seen: int, of: int, confidence: float = CONFIDENCE) -> Interval:
    """As :func:`share`, for a sample that is looked at while it grows and may end whenever it pleases.

    All shares p that the uniform mixture of shares has not yet outdone by 1 / (1 - confidence) times: by Ville's
    inequality the true one is ever outside of such an interval with a chance of 1 - confidence at most.
    """
    _check(seen, of, confidence)
    mixture = math.lgamma(seen + 1) + math.lgamma(of - seen + 1) - math.lgamma(of + 2)
    limit = mixture + math.log(1 - confidence)

    def likely(p: float) -> bool:
        return _log_likelihood(p, seen, of) > limit

    best = seen / of
    low = 0.0 if likely(0.0) else _edge(likely, best, 0.0)
    high = 1.0 if likely(1.0) else _edge(likely, best, 1.0)
    return Interval(low, high, best)


def share_of_finite_at_any_time(seen: int, of: int, whole: int, confidence: float = CONFIDENCE) -> Interval:
    """As :func:`share_of_finite`, for a sample in order of drawing that may end whenever it pleases.

    All numbers of items that have it whose chance of what was seen is above (1 - confidence) / (of + 1), which is what
    the ratio of prior to posterior comes to where all numbers are as likely before (Waudby-Smith and Ramdas, NeurIPS
    2020): the true one is ever outside with a chance of 1 - confidence at most.
    """
    _check(seen, of, confidence)
    if of > whole:
        raise ValueError(f"a sample of {of} cannot be drawn from {whole}")
    limit = math.log((1 - confidence) / (of + 1))
    least, most = seen, whole - (of - seen)
    peak = min(max(round(seen * (whole + 1) / of), least), most)

    def likely(having: int) -> bool:
        chance = _log_choose(having, seen) + _log_choose(whole - having, of - seen) - _log_choose(whole, of)
        return chance > limit

    low, high = _first(least, peak, likely), _last(peak, most, likely)
    return Interval(low / whole, high / whole, seen / of)


def total(strata: Sequence[Stratum], confidence: float = CONFIDENCE) -> Interval:
    """The sum of what is measured over all items, by the ratio to what is known of them, each stratum for itself.

    Variance by the ratio's linear form with the correction for a finite whole (Cochran, 6.4 and 6.11); a stratum of
    which every item was measured adds none. The ends are those of Student's distribution.
    Raises ValueError for a stratum with items of which fewer than two were drawn, or of which nothing is known.
    """
    best = variance = 0.0
    freedom = 0
    for one in strata:
        if not one.items:
            continue
        count = len(one.pairs)
        known, measured = (sum(pair[side] for pair in one.pairs) for side in (0, 1))
        if count >= one.items:
            best += measured
            continue
        if count < 2 or known <= 0:
            raise ValueError(f"{one.items} items, of which {count} were drawn: too little to estimate from")
        ratio = measured / known
        best += ratio * one.known
        rest = sum((y - ratio * x) ** 2 for x, y in one.pairs) / (count - 1)
        scale = one.known / (known / count * one.items)  # from the sample's mean of what is known to the whole's
        variance += (1 - count / one.items) * one.items**2 / count * rest * scale**2
        freedom += count - 1
    reach = _quantile(freedom, 1 - (1 - confidence) / 2) * math.sqrt(variance) if variance else 0.0
    return Interval(max(0.0, best - reach), best + reach, best)


def beta_below(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b): the binomial's upper tail, P(X >= a) of a + b - 1 draws.

    By the continued fraction of DLMF 8.17.22, evaluated as Lentz does.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(front) * _fraction(x, a, b) / a
    return 1 - math.exp(front) * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _CLOSE:
            return value
    raise ArithmeticError(f"I_{x}({a}, {b}) was not reached in {_TERMS} terms")


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _solve(rising: Callable[[float], float], value: float) -> float:
    """Where a function that rises from 0 to 1 over 0 to 1 has this value."""
    low, high = 0.0, 1.0
    while high - low > _CLOSE * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return (low + high) / 2


def _edge(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Between a place where something holds and one where it does not, the last where it does."""
    while abs(outside - inside) > _CLOSE:
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return outside


def _log_likelihood(p: float, seen: int, of: int) -> float:
    if p in (0.0, 1.0):
        return 0.0 if seen == of * p else -math.inf
    return seen * math.log(p) + (of - seen) * math.log1p(-p)


def _below(seen: int, of: int, having: int, whole: int) -> float:
    """P(X <= seen) when ``of`` are drawn from ``whole`` items, ``having`` of which have it: hypergeometric."""
    least, most = max(0, of - (whole - having)), min(of, having)
    if seen < least:
        return 0.0
    if seen >= most:
        return 1.0
    mode = (of + 1) * (having + 1) // (whole + 2)
    if seen < mode:
        return min(1.0, _tail(range(seen, least - 1, -1), of, having, whole))
    return max(0.0, 1 - _tail(range(seen + 1, most + 1), of, having, whole))


def _tail(counts: range, of: int, having: int, whole: int) -> float:
    """The sum of P(X = x) over ``counts``, which lead away from the likeliest, to where they do not count any more."""
    x = counts.start
    term = math.exp(_log_choose(having, x) + _log_choose(whole - having, of - x) - _log_choose(whole, of))
    found, rest = 0.0, whole - having - of
    for x in counts:
        found += term
        if term <= found * _CLOSE:
            break
        if counts.step > 0:
            term *= (having - x) * (of - x) / ((x + 1) * (rest + x + 1))
        else:
            term *= x * (rest + x) / ((having - x + 1) * (of - x + 1))
    return found


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least number for which it holds, if it holds from some number on."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _last(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The greatest number for which it holds, if it holds up to some number."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _quantile(freedom: int, at: float) -> float:
    """Student's t, by its relation to the incomplete beta function; the normal distribution's where it makes none."""
    if freedom > 200_000:
        return NormalDist().inv_cdf(at)
    tail = _solve(lambda x: beta_below(x, freedom / 2, 0.5), 2 * (1 - at))
    return math.sqrt(freedom / tail - freedom)


def _check(seen: int, of: int, confidence: float) -> None:
    if not 0 <= seen <= of or not of:
        raise ValueError(f"{seen} of {of} is no sample")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence is between 0 and 1, not {confidence}")

"""Turns what a source says of popularity into listens, with the uncertainty of doing so.

Popularity is a proxy: a score, a rating, a number of downloads. A :class:`Curve` says how many listens a value stands
for. It is *counted* where the values are listens, *fitted* where listens are known beside some of the values, and
*stated* otherwise, with wide bounds and in words.

Two errors are kept apart. That of the curve is common to all tracks: each of ``Curve.draws`` is one way the curve may
run, and a sum over tracks is taken along one of them at a time, so that the error does not average out. What a single
track has above or below the curve (``scatter``) is its own, and does average out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, fsum, log, log1p, sqrt
from random import Random

#: Fewer values with listens beside them than this, and the curve is stated instead of fitted.
FEWEST_PAIRS = 30
DRAWS = 200
#: Share of the draws that an interval covers: above 95 %, because a lognormal stands for sums that have longer tails.
LEVEL = 0.97
_NORMAL = 2.170090  # half the width, in standard deviations, of what covers LEVEL of a normal distribution
_MOST = 700.0  # of an exponent
_BLOCKS = 100  # of pairs; what is drawn again are blocks, so that the work does not grow with the pairs
#: Of some points: how many, and the sums of x, y, x * x, x * y and y * y.
_Block = tuple[int, float, float, float, float, float]


class Basis(StrEnum):
    """What a curve rests on."""

    COUNTED = "counted"
    FITTED = "fitted"
    STATED = "stated"


class Scale(StrEnum):
    """What sort of number a source gives."""

    LISTENS = "listens"
    SCORE = "score"  # 0 to 100
    TEN = "rating of 10"
    FIVE = "rating of 5"
    COUNT = "count"  # of downloads, votes, favourites: of something that grows with listens


#: Level, slope and scatter.
Draw = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the interval that LEVEL of the draws are in; all three are equal where nothing is uncertain."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """ln(listens expected at a value) = ``level`` + ``slope`` * x; x is the value, of a count ln(1 + value).

    ``draws`` are further (level, slope, scatter): equally likely ways in which it may be, for all tracks together.
    ``scatter`` is the standard deviation of ln(listens) of single tracks around it. ``pairs`` is how many values with
    listens it was fitted to. Of a stated curve listens are in those of a track with the value 0.
    """

    basis: Basis
    scale: Scale
    level: float = 0.0
    slope: float = 1.0
    scatter: float = 0.0
    draws: tuple[Draw, ...] = ()
    pairs: int = 0
    sentence: str = ""
    _spread: tuple[float, float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """The variances of level and slope, and their covariance, once for all values."""
        object.__setattr__(self, "_spread", _spread(self.draws, self.level, self.slope))

    def listens(self, value: float) -> tuple[float, float, float]:
        """The listens expected of a track with this value: low, mid, high. The error is common to all tracks."""
        if self.basis is Basis.COUNTED:
            return value, value, value
        x = self._x(value)
        of_level, of_slope, both = self._spread
        wide = _NORMAL * sqrt(max(0.0, of_level + of_slope * x * x + 2 * both * x))
        mid = self.level + self.slope * x
        return _exp(mid - wide), _exp(mid), _exp(mid + wide)

    def along(self, draw: Draw, value: float) -> float:
        """The listens expected at a value if the curve runs so."""
        return value if self.basis is Basis.COUNTED else _exp(draw[0] + draw[1] * self._x(value))

    def _x(self, value: float) -> float:
        return _x(self.scale, value)


@dataclass(frozen=True, slots=True)
class Cell:
    """How many tracks have about this value: of those that are asked about (``inside``), and of all others."""

    value: float
    inside: int
    outside: int


def counted() -> Curve:
    """The curve where the values are listens."""
    return Curve(Basis.COUNTED, Scale.LISTENS, sentence="The values are listens that were counted.")


def stated(scale: Scale) -> Curve:
    """The curve of a scale where no listens are known: an assumption, with wide bounds, in words."""
    low, high, scatter, sentence = _STATED[scale]
    slopes = [low + (high - low) * (number + 0.5) / DRAWS for number in range(DRAWS)]
    draws = tuple((0.0, slope, scatter) for slope in slopes)
    return Curve(Basis.STATED, scale, 0.0, (low + high) / 2, scatter, draws, 0, sentence)


def fitted(scale: Scale, pairs: Sequence[tuple[float, float]], seed: int = 0) -> Curve:
    """The curve through (value, listens), by least squares in logarithms; its draws by drawing blocks of pairs again.

    ``stated`` where there are fewer than FEWEST_PAIRS or all have one value. The order of the pairs does not matter.
    """
    if scale is Scale.LISTENS:
        return counted()
    known = sorted((_x(scale, value), log(max(listens, 0.5))) for value, listens in pairs)
    if len(known) < FEWEST_PAIRS or known[0][0] == known[-1][0]:
        return stated(scale)
    blocks = [_block(known[number::_BLOCKS]) for number in range(min(_BLOCKS, len(known)))]
    level, slope, scatter = _line(blocks)
    random = Random(seed)  # noqa: S311 - draws of a statistic, which are to be the same each time
    drawn = [_line(random.choices(blocks, k=len(blocks))) for _ in range(DRAWS)]
    draws = tuple((one + wide * wide / 2, rise, wide) for one, rise, wide in drawn)
    sentence = f"Fitted to {len(known):,} values of tracks whose listens are known."
    return Curve(Basis.FITTED, scale, level + scatter**2 / 2, slope, scatter, draws, len(known), sentence)


def scale_of(highest: float) -> Scale:
    """The scale that values up to ``highest`` are read as, where a source does not say: an assumption."""
    for scale, most in ((Scale.FIVE, 5), (Scale.TEN, 10), (Scale.SCORE, 100)):
        if highest <= most:
            return scale
    return Scale.COUNT


def share(curve: Curve, cells: Iterable[Cell], seed: int = 0) -> Estimate | None:
    """What share of all listening those inside have, from 0 to 1; None where nobody listens to anything.

    For each draw of the curve the listens inside and outside are summed along that draw alone, then both sums are
    moved by what the scatter of so many tracks leaves: lognormal with the mean and the variance of the sum.
    """
    known = sorted((one.value, one.inside, one.outside) for one in cells if one.inside or one.outside)
    middle = _sums(curve, (curve.level, curve.slope, curve.scatter), known)
    if middle[0] + middle[1] <= 0:
        return None
    mid = middle[0] / (middle[0] + middle[1])
    if curve.basis is Basis.COUNTED or mid in (0.0, 1.0):
        return Estimate(mid, mid, mid)
    random = Random(seed)  # noqa: S311 - draws of a statistic, which are to be the same each time
    found = []
    for draw in curve.draws:
        excess = exp(draw[2] ** 2) - 1
        inside, outside, inside2, outside2 = _sums(curve, draw, known)
        ours = _moved(inside, inside2 * excess, random.gauss(0, 1))
        theirs = _moved(outside, outside2 * excess, random.gauss(0, 1))
        found.append(ours / (ours + theirs))
    low, high = _covering(found)
    return Estimate(min(low, mid), mid, max(high, mid))


#: Lowest and highest slope, scatter, and the assumption in words.
_STATED = {
    Scale.LISTENS: (1.0, 1.0, 0.0, "The values are listens that were counted."),
    Scale.SCORE: (
        *(log(1e3) / 100, log(1e7) / 100, 1.0),
        "Assumed: from score 0 to score 100 listens grow by a factor between 1,000 and 10,000,000.",
    ),
    Scale.TEN: (
        *(0.0, log(1e3) / 10, 1.5),
        "Assumed: from rating 0 to rating 10 listens grow by a factor between 1 and 1,000.",
    ),
    Scale.FIVE: (
        *(0.0, log(1e3) / 5, 1.5),
        "Assumed: from rating 0 to rating 5 listens grow by a factor between 1 and 1,000.",
    ),
    Scale.COUNT: (
        *(0.5, 1.5, 1.0),
        "Assumed: listens grow with this count to a power between 0.5 and 1.5.",
    ),
}


def _x(scale: Scale, value: float) -> float:
    return log1p(max(0.0, value)) if scale is Scale.COUNT else value


def _exp(exponent: float) -> float:
    return exp(max(-_MOST, min(_MOST, exponent)))


def _block(points: Sequence[tuple[float, float]]) -> _Block:
    """What a line of least squares needs to know of some points."""
    return (
        len(points),
        fsum(x for x, _ in points),
        fsum(y for _, y in points),
        fsum(x * x for x, _ in points),
        fsum(x * y for x, y in points),
        fsum(y * y for _, y in points),
    )


def _line(blocks: Sequence[_Block]) -> tuple[float, float, float]:
    """Level and slope of the line of least squares through the points of some blocks, and the scatter around it."""
    count, x, y, xx, xy, yy = (fsum(column) for column in zip(*blocks, strict=True))
    square, both = xx - x * x / count, xy - x * y / count
    slope = both / square if square > 1e-9 * xx else 0.0
    left = max(0.0, yy - y * y / count - slope * both)
    return (y - slope * x) / count, slope, sqrt(left / max(1.0, count - 2))


def _spread(draws: Sequence[Draw], level: float, slope: float) -> tuple[float, float, float]:
    if not draws:
        return 0.0, 0.0, 0.0
    off = [(a - level, b - slope) for a, b, _ in draws]
    count = len(off)
    return fsum(a * a for a, _ in off) / count, fsum(b * b for _, b in off) / count, fsum(a * b for a, b in off) / count


def _sums(curve: Curve, draw: Draw, cells: Sequence[tuple[float, int, int]]) -> tuple[float, float, float, float]:
    """Listens inside and outside, and the sums of their squares."""
    found = [(curve.along(draw, value), inside, outside) for value, inside, outside in cells]
    top = max((one for one, *_ in found), default=0.0) or 1.0  # so that squares stay numbers; a share has no unit
    parts = [(one / top, inside, outside) for one, inside, outside in found]
    return (
        fsum(one * inside for one, inside, _ in parts),
        fsum(one * outside for one, _, outside in parts),
        fsum(one * one * inside for one, inside, _ in parts),
        fsum(one * one * outside for one, _, outside in parts),
    )


def _moved(mean: float, variance: float, deviate: float) -> float:
    """A lognormal with this mean and variance, at a standard normal deviate."""
    if mean <= 0:
        return 0.0
    spread = log1p(variance / (mean * mean))
    return mean * exp(sqrt(spread) * deviate - spread / 2)


def _covering(found: Sequence[float]) -> tuple[float, float]:
    """The ends of the middle LEVEL of some values."""
    ordered = sorted(found)
    cut = int(len(ordered) * (1 - LEVEL) / 2)
    return ordered[cut], ordered[-1 - cut]

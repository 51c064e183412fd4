"""Where the figures of a report's page are drawn: every place follows from the report as data, and shows no more.

Places across are in per cent of a figure's width, so that letters have one size on a phone and on paper; places down
are in pixels. A figure shows numbers of the report alone, apart from the ends of its axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from phonolith.audit.units import UNITS

Told = Mapping[str, Any]
Span = tuple[float | None, float | None]

#: Batches that a figure along a stack has, and of which sizes are drawn one by one; the report as JSON has them all.
MOST_BATCHES, MOST_DRAWN = 2000, 24
_MOST_FACTS = 12
_SEEN = 0.5  # per cent of a bar, from which on a part of it can be told from its neighbours
_EDGE = 2.0  # per cent left free at both ends
_ZOOM = 0.6  # a scale begins at nothing unless all that is on it lies above this part of its end
HIGH = 160  # pixels of the figure along a stack


@dataclass(frozen=True, slots=True)
class Mark:
    """One interval on a scale, in the claim's unit (None: open), and where it lies.

    It rests on ``evidence``, numbers of exhibits from 1, or on ``claims``, by their ids.
    """

    name: str
    low: float | None
    high: float | None
    left: float
    right: float
    evidence: tuple[int, ...] = ()
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """A claim, first, and what was shown of it, on one scale from ``low`` to ``high``; ``more`` facts are left out."""

    low: float
    high: float
    marks: tuple[Mark, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a whole: its number in the legend, its colour of four, where its part of the bar begins, how wide."""

    number: int
    part: Told
    colour: int
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Point:
    """A batch along a stack: where it is across (of 1,000), and how far down its three sizes are."""

    batch: Told
    x: float
    p3: float
    p50: float
    p97: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A change along a stack: where it is, and the span in which it is, in per cent."""

    change: Told
    at: float
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Stack:
    """Batches in runs without a gap, the sizes that the axis names with their places, and changes."""

    runs: tuple[tuple[Point, ...], ...]
    ticks: tuple[tuple[int, float], ...]
    turns: tuple[Turn, ...]
    shown: int
    of: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A count with its place: ``height`` in per cent of the highest."""

    at: int
    count: int
    left: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Sizes of the audio files of a batch; all histograms of a stack go from the same ``low`` to the same ``high``."""

    batch: Told
    bars: tuple[Bar, ...]
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Day:
    """A day on which a listing's torrents were looked at, and of how many a complete copy was counted."""

    day: str
    torrents: int
    x: float
    height: float


def scale(verdict: Told, verdicts: Sequence[Told], evidence: Sequence[Told]) -> Scale:
    """A verdict's claim, the ratio of its part and whole where it has them, and its facts, on one scale."""
    facts = verdict["facts"][:_MOST_FACTS]
    said: list[tuple[str, Span, tuple[int, ...], tuple[str, ...]]] = [("claimed", claimed(verdict), (), ())]
    if (ratio := _ratio(verdict, verdicts)) is not None:
        said.append(("arithmetic", ratio, (), (verdict["part"], verdict["whole"])))
    for fact in facts:
        shown = _exhibits(verdict["of"], fact["source"], evidence)
        said.append((fact["basis"], (fact["low"], fact["high"]), shown, ()))
    ends = [end for _, span, _, _ in said for end in span if end is not None]
    low, high = _domain(min(ends), max(ends))

    def place(value: float | None, edge: float) -> float:
        return edge if value is None else round(_EDGE + (100 - 2 * _EDGE) * (value - low) / (high - low), 3)

    marks = tuple(
        Mark(name, span[0], span[1], place(span[0], 0), place(span[1], 100), exhibits, ids)
        for name, span, exhibits, ids in said
    )
    return Scale(low, high, marks, len(verdict["facts"]) - len(facts))


def claimed(verdict: Told) -> Span:
    """What a sentence allows, in its unit; None where it leaves an end open."""
    quantity, slack = verdict["quantity"], verdict["tolerance"]
    low = None if verdict["bound"] == "at most" else _tidy(quantity - slack)
    return low, None if verdict["bound"] == "at least" else _tidy(quantity + slack)


def pieces(described: Told) -> list[Piece]:
    """The parts of a size, each byte once; what is not known has no place on the bar.

    Parts that can be seen beside each other have different colours, whatever lies between them that cannot.
    """
    whole = described["bytes"] + described["padding"] or 1
    found, left, wide = list[Piece](), 0.0, 0
    for number, part in enumerate(described["parts"], 1):
        width = 100 * (part["bytes"] or 0) / whole
        colour = wide % 4 if width >= _SEEN else (wide + 1) % 4
        found.append(Piece(number, part, colour, round(left, 4), round(width, 4)))
        left, wide = left + width, wide + (width >= _SEEN)
    return found


def stack(anatomy: Told) -> Stack | None:
    """Sizes along a stack, on a scale of powers; None where fewer than two batches have audio."""
    batches = anatomy["batches"][:MOST_BATCHES]
    sizes = [size for one in batches if one["audio"] for size in (one["p3"], one["p97"])]
    if len(sizes) < 4:
        return None
    low, high = math.log2(min(sizes)) - 0.2, math.log2(max(sizes)) + 0.2

    def down(size: float) -> float:
        return round(HIGH * (high - math.log2(size)) / (high - low), 2)

    runs: list[list[Point]] = [[]]
    for index, one in enumerate(batches):
        if one["audio"]:
            x = 1000 * (index + 0.5) / len(batches)
            runs[-1].append(Point(one, round(x, 2), down(one["p3"]), down(one["p50"]), down(one["p97"])))
        elif runs[-1]:
            runs.append([])
    ticks = tuple((size, down(size)) for size in _round_sizes() if low <= math.log2(size) <= high)
    told = tuple(tuple(run) for run in runs if run)
    return Stack(told, ticks, tuple(_turns(anatomy, batches)), len(batches), len(anatomy["batches"]))


def histograms(anatomy: Told) -> list[Histogram]:
    """Sizes of single batches: of the first and last of each run, and of others all along the stack."""
    batches = anatomy["batches"]
    if not batches:
        return []
    chosen, start = dict[int, None](), 0
    for run in anatomy["runs"]:
        chosen |= {start: None, start + run["batches"] - 1: None}
        start += run["batches"]
    even = (index * (len(batches) - 1) // (MOST_DRAWN - 1) for index in range(MOST_DRAWN))
    order = dict.fromkeys([*chosen, *even, *range(len(batches))])
    drawn = [batches[index] for index in sorted([index for index in order if batches[index]["audio"]][:MOST_DRAWN])]
    bins = [number for one in drawn for number, _ in one["histogram"]]
    if not bins:
        return []
    low, count = min(bins), max(bins) - min(bins) + 1
    octave = anatomy["bins_an_octave"]
    ends = (2 ** (low / octave), 2 ** ((low + count) / octave))
    return [Histogram(one, tuple(_bars(one["histogram"], low, count)), *ends) for one in drawn]


def days(offered: Told) -> list[Day]:
    """Looks at a listing's torrents over time, each at its day."""
    told = [(date.fromisoformat(day).toordinal(), day, count) for day, count in offered["days"]]
    first, last = told[0][0], told[-1][0]
    span = max(1, last - first)
    most = max(1, offered["torrents"])
    return [
        Day(day, count, round(3 + 94 * (at - first) / span if last > first else 50, 3), round(100 * count / most, 3))
        for at, day, count in told
    ]


def about(exhibit: Told, verdicts: Sequence[Told]) -> list[str]:
    """The ids of the claims about what an exhibit is evidence of."""
    return [one["id"] for one in verdicts if one["of"] == exhibit["of"]]


def _ratio(verdict: Told, verdicts: Sequence[Told]) -> Span | None:
    """What a share can be if its part and its whole are as claimed; None where it has none."""
    if not verdict["part"]:
        return None
    part, whole = (_base(next(one for one in verdicts if one["id"] == verdict[end])) for end in ("part", "whole"))
    scale = UNITS[verdict["unit"]].scale
    low = 0 if part[0] is None or whole[1] is None else _tidy(part[0] / whole[1] / scale)
    return low, None if part[1] is None or not whole[0] else _tidy(part[1] / whole[0] / scale)


def _base(verdict: Told) -> Span:
    """What a sentence allows, on the base scale of its unit."""
    unit = UNITS[verdict["unit"]].scale
    low, high = claimed(verdict)
    return None if low is None else low * unit, None if high is None else high * unit


def _domain(low: float, high: float) -> tuple[float, float]:
    """The ends of a scale on which both lie with some room, in round numbers."""
    if low >= 0 and (low <= _ZOOM * high or low == high):
        return 0, _round(math.ceil, high * 1.03, high) if high else 1
    span = high - low or abs(high)
    return _round(math.floor, low - span / 4, span), _round(math.ceil, high + span / 4, span)


def _round(way: Callable[[float], int], value: float, span: float) -> float:
    step = 10 ** math.floor(math.log10(span)) / 4
    return _tidy(way(_tidy(value / step)) * step)


def _tidy(value: float) -> float:
    """Without the dust of binary fractions; whole numbers are whole."""
    told = float(f"{value:.12g}")
    return int(told) if told == int(told) and abs(told) < 1e15 else told


def _exhibits(of: str, source: str, evidence: Sequence[Told]) -> tuple[int, ...]:
    """The numbers, from 1, of the exhibits that a fact rests on: several are named one after the other."""
    paths = {source, *source.split(", ")}
    found = [(number, one["of"]) for number, one in enumerate(evidence, 1) if one["path"] in paths]
    own = tuple(number for number, name in found if name == of)
    return own or tuple(number for number, _ in found)


def _round_sizes() -> Iterator[int]:
    for power in range(16):
        for first in (1, 2, 5):
            yield first * 10**power


def _turns(anatomy: Told, batches: Sequence[Told]) -> Iterator[Turn]:
    index: dict[str, int] = {}
    for number, one in enumerate(batches):
        index.setdefault(one["name"], number)
    for change in anatomy["changes"]:
        places = [index.get(name) for name in (change["at"], *change["between"])]
        if None not in places:
            at, left, right = (100 * (place or 0) / len(batches) for place in places)
            yield Turn(change, round(at, 3), round(left, 3), round(right, 3))


def _bars(histogram: Sequence[Sequence[int]], low: int, count: int) -> Iterator[Bar]:
    most = max(number for _, number in histogram)
    for at, number in histogram:
        yield Bar(at, number, round(100 * (at - low) / count, 3), round(100 / count, 3), round(100 * number / most, 3))

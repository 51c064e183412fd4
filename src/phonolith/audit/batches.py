"""What each torrent of a stack is by the sizes of its audio files, and where in the stack that changes.

A stack is often cut by popularity and coded by it: what is listened to most as it came, the rest smaller. Sizes show
that without a byte of audio. How long tracks last is not in metainfo, so a bit rate is told only for a span of lengths
that is named with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from phonolith.audit.anatomy import AUDIO, Array

#: Seconds between which the middle track of most collections of recorded music lasts: an assumption, told as one.
USUAL = (120.0, 300.0)
#: Shares below and above which sizes are left aside: 94 % lie between.
_EDGES = (0.03, 0.5, 0.97)
BINS_AN_OCTAVE = 4
_LEAST_CHANGE = math.log2(1.15)  # of the middle size, between runs of batches
_LEAST_RUN = 3  # batches on each side of a change
_CONFIDENT = 3.84  # chi squared of one degree at 95 %
_NOISE = 0.02  # of a middle size in octaves, at least: what is equal by chance is no proof of precision
_MOST_CHANGES = 32
_Z = 1.96 * math.sqrt(math.pi / 2)  # of a median


@dataclass(frozen=True, slots=True)
class Batch:
    """One torrent: its audio files, their bytes, and of their sizes the 3rd, 50th and 97th of a hundred (0: no audio).

    ``histogram``: how many sizes lie in a bin; bin n is from 2^(n/4) up to 2^((n+1)/4) bytes. ``endings``: files of
    audio by the end of their names, the most frequent first.
    """

    name: str
    files: int
    audio: int
    size: int
    sizes: tuple[int, int, int]
    histogram: Mapping[int, int] = field(default_factory=dict)
    endings: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> tuple[float, float]:
        """Bits a second of its middle file, if that lasts as long as :data:`USUAL` says."""
        return implied(self.sizes[1])


@dataclass(frozen=True, slots=True)
class Change:
    """Between two batches of a stack sizes change: by ``factor`` (95 % between ``low`` and ``high``).

    ``at`` is the index of the first batch after it, which lies with 95 % confidence within ``span``.
    """

    at: int
    span: tuple[int, int]
    factor: float
    low: float
    high: float


def batch_of(name: str, packed: Array, endings: Mapping[str, int]) -> Batch:
    """The batch of a torrent's column of sizes and sorts, as :class:`phonolith.audit.anatomy.Columns` has it."""
    sorts, sizes = packed >> np.uint64(56), packed & np.uint64((1 << 56) - 1)
    audio = np.sort(sizes[(sorts < len(AUDIO)) & (sizes > 0)])
    if not audio.size:
        return Batch(name, int(packed.size), 0, 0, (0, 0, 0))
    bins, counts = np.unique(np.floor(BINS_AN_OCTAVE * np.log2(audio.astype(float))).astype(int), return_counts=True)
    edges = tuple(int(audio[min(audio.size - 1, int(share * audio.size))]) for share in _EDGES)
    told = dict(zip(bins.tolist(), counts.tolist(), strict=True))
    return Batch(
        name, int(packed.size), int(audio.size), int(audio.sum()), (edges[0], edges[1], edges[2]), told, endings
    )


def in_order(batches: Sequence[Batch]) -> list[Batch]:
    """Batches as they are numbered: x-9 before x-10."""
    return sorted(batches, key=lambda one: [(not part.isdigit(), part.zfill(20)) for part in _parts(one.name)])


def implied(size: float, seconds: tuple[float, float] = USUAL) -> tuple[float, float]:
    """Bits a second of so many bytes, if they last between so many seconds."""
    return 8 * size / seconds[1], 8 * size / seconds[0]


def changes(batches: Sequence[Batch]) -> list[Change]:
    """Where the middle size of a numbered stack changes for good, in order.

    Least squares of the logarithm of the middle size, cut in two again and again as long as a cut explains more than
    noise does (the Bayesian information criterion); noise is what neighbours differ by. A change of less than 15 %, or
    that fewer than three batches show, is none.
    """
    with_audio = [index for index, one in enumerate(batches) if one.audio]
    sizes = np.log2(np.array([batches[index].sizes[1] for index in with_audio], float))
    if sizes.size < 2 * _LEAST_RUN:
        return []
    spread = float(np.median(np.abs(np.diff(sizes)))) / 0.6745 / math.sqrt(2)
    noise = max(spread, _NOISE)
    cuts = sorted(_cuts(sizes, noise))[:_MOST_CHANGES]
    bounds = [0, *cuts, sizes.size]
    found = []
    for before, cut, after in zip(bounds, bounds[1:], bounds[2:], strict=False):
        told = _change(sizes[before:after], cut - before, noise)
        if abs(math.log2(told.factor)) >= _LEAST_CHANGE:
            where = [with_audio[before + index] for index in (told.at, *told.span)]
            found.append(Change(where[0], (where[1], where[2]), told.factor, told.low, told.high))
    return found


def sentence(run: Sequence[Batch]) -> str:
    """What the sizes of some batches say, and nothing else."""
    audio = [one for one in run if one.audio]
    if not audio:
        return "no audio by the names of its files"
    low, middle, high = (float(np.median([one.sizes[index] for one in audio])) for index in range(3))
    slow, fast = implied(middle)
    named = " and ".join(f".{ending}" for ending in list(_endings(audio))[:2])
    return (
        f"94 % of its audio files ({named}) have {_megabytes(low)} to {_megabytes(high)} MB, the middle one "
        f"{_megabytes(middle)}: {slow / 1000:,.0f} to {fast / 1000:,.0f} kbit/s if that lasts "
        f"{USUAL[0] / 60:g} to {USUAL[1] / 60:g} minutes"
    )


def batches_data(batches: Sequence[Batch]) -> Mapping[str, Any]:
    """Batches in order, their histograms, and runs between changes, as an object for JSON and for plots."""
    found = changes(batches)
    bounds = [0, *(one.at for one in found), len(batches)]
    return {
        "bins_an_octave": BINS_AN_OCTAVE,
        "assumed_seconds": list(USUAL),
        "batches": [_batch_data(one) for one in batches],
        "runs": [
            {
                "first": batches[start].name,
                "last": batches[end - 1].name,
                "batches": end - start,
                "says": sentence(batches[start:end]),
            }
            for start, end in pairwise(bounds)
            if end > start
        ],
        "changes": [
            {
                "at": batches[one.at].name,
                "between": [batches[index].name for index in one.span],
                "factor": round(one.factor, 4),
                "low": round(one.low, 4),
                "high": round(one.high, 4),
            }
            for one in found
        ],
    }


def _batch_data(one: Batch) -> Mapping[str, Any]:
    slow, fast = one.rate
    return {
        "name": one.name,
        "files": one.files,
        "audio": one.audio,
        "bytes": one.size,
        "p3": one.sizes[0],
        "p50": one.sizes[1],
        "p97": one.sizes[2],
        "rate": [round(slow), round(fast)],
        "histogram": [[number, count] for number, count in one.histogram.items()],
        "endings": dict(one.endings),
    }


def _cuts(sizes: Array, noise: float) -> list[int]:
    penalty = 3 * noise * noise * math.log(sizes.size)
    open_, found = [(0, sizes.size)], list[int]()
    while open_:
        start, end = open_.pop()
        part = sizes[start:end]
        if part.size < 2 * _LEAST_RUN:
            continue
        gains = _gains(part)
        cut = int(np.argmax(gains))
        if gains[cut] > penalty:
            found.append(start + cut)
            open_ += [(start, start + cut), (start + cut, end)]
    return found


def _gains(part: Array) -> Array:
    """By how much a cut before each place lessens the squares; nothing where a side is too short."""
    count, sums = np.arange(1, part.size), np.cumsum(part - part.mean())[:-1]
    gains = np.zeros(part.size)
    gains[1:] = sums**2 * (1 / count + 1 / (part.size - count))
    gains[:_LEAST_RUN] = 0
    gains[part.size - _LEAST_RUN + 1 :] = 0
    return gains


def _change(part: Array, cut: int, noise: float) -> Change:
    gains = _gains(part)
    near = np.flatnonzero(gains >= gains[cut] - _CONFIDENT * noise * noise)
    shift = float(np.median(part[cut:]) - np.median(part[:cut]))
    error = _Z * noise * math.sqrt(1 / cut + 1 / (part.size - cut))
    return Change(cut, (int(near[0]), int(near[-1])), 2**shift, 2 ** (shift - error), 2 ** (shift + error))


def _endings(batches: Sequence[Batch]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for one in batches:
        for ending, count in one.endings.items():
            found[ending] = found.get(ending, 0) + count
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"(\d+)", name) if part]


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f}" if size >= 95_000 else f"{size / 1e6:.2g}"

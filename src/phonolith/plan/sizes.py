"""Predicts how many bytes a file will have, from its duration, its codec and its source, with an interval.

A size is duration times bytes per second. How many bytes a second takes is fitted to what is held here of the same
source and codec, else of the same codec, else stated (:data:`STATED`); of a constant bitrate that a source names it is
that. Two errors are kept apart: that of a group's mean is common to all its files, that of a single file is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

#: Codecs by number, with what is stated of each where nothing is held: bytes per second, standard deviation of a file.
STATED: Mapping[str, tuple[float, float]] = {
    "": (60_000, 45_000),
    "flac": (100_000, 25_000),
    "wav": (176_400, 20_000),
    "mp3": (28_000, 9_000),
    "vorbis": (20_000, 6_000),
    "opus": (14_000, 5_000),
    "aac": (26_000, 8_000),
    "alac": (100_000, 25_000),
    "ape": (95_000, 25_000),
    "access": (9_600, 400),  # Opus of 75 kbit/s, constrained, with its container
    "copy": (21_900, 700),  # that, AAC of 96 kbit/s beside it, and a waveform
}
CODECS: tuple[str, ...] = tuple(STATED)
#: The standard error of what is stated, as a share of it; of what is encoded here at a rate of our own it is small.
DOUBT, OWN_DOUBT = 0.25, 0.05
_OWN = ("access", "copy")
#: A named bitrate: the share by which a file's mean lies above it, and a file's standard deviation.
ABOVE, OFF = 1.02, 0.03
#: Fewer files than this fit nothing.
FEWEST = 8
#: Standard deviations on each side of an interval: 95 % of a normal distribution.
Z = 1.959964
#: Milliseconds of a track that nobody states, where the catalogue states none at all; and the deviation.
LONG, LONG_OFF = 240_000.0, 120_000.0

Floats = NDArray[np.float64]

_ENDS = "lower(substr(coalesce(nullif(f.name, ''), f.url), -{}))"
_THREE = {
    "flac": "flac",
    ".wav": "wav",
    "aiff": "wav",
    ".aif": "wav",
    ".mp3": "mp3",
    ".ogg": "vorbis",
    ".oga": "vorbis",
}
_MORE = {"opus": "opus", ".aac": "aac", ".m4a": "aac", ".mp4": "aac", ".ape": "ape"}
_NAMED = {"flac": "flac", "mp3": "mp3", "vorbis": "vorbis", "opus": "opus", "aac": "aac", "alac": "alac", "ape": "ape"}

#: SQL of the number of a file's codec: as it is named, else by how the file's name ends.
CODEC = (
    "CASE "
    + " ".join(f"WHEN f.codec = '{name}' THEN {CODECS.index(codec)}" for name, codec in _NAMED.items())
    + " WHEN f.codec LIKE 'pcm%' OR f.codec IN ('wav', 'aiff') THEN 2 ELSE CASE "
    + _ENDS.format(4)
    + " "
    + " ".join(f"WHEN '{end}' THEN {CODECS.index(codec)}" for end, codec in {**_THREE, **_MORE}.items())
    + " ELSE 0 END END"
)


class Sample(msgspec.Struct, frozen=True):
    """Bytes per second of ``count`` files: their mean, and the mean of their squares."""

    count: int
    mean: float
    square: float

    def plus(self, other: Sample) -> Sample:
        """Both together."""
        count = self.count + other.count
        mean = (self.mean * self.count + other.mean * other.count) / count
        return Sample(count, mean, (self.square * self.count + other.square * other.count) / count)

    def rate(self, kind: str) -> Rate:
        """As a prediction. The deviation is at least 1 %: a few equal files do not prove that the next is so too."""
        off = max(
            max(0.0, self.square - self.mean**2) ** 0.5 * (self.count / (self.count - 1)) ** 0.5, 0.01 * self.mean
        )
        return Rate(self.mean, off, off / self.count**0.5, kind)


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes per second: the mean, the deviation of a file, the standard error of the mean, and what it rests on."""

    mean: float
    off: float
    doubt: float
    kind: str


@dataclass(frozen=True, slots=True)
class Predicted:
    """Bytes of files: the mean, its upper bound by the error common to a group, and the variance of each file's own."""

    mean: Floats
    upper: Floats
    variance: Floats


@dataclass(frozen=True)
class Sizes:
    """Bytes per second by (source, codec), with what the catalogue says of durations (milliseconds)."""

    samples: Mapping[tuple[str, str], Sample] = field(default_factory=dict)
    duration: float = LONG
    duration_off: float = LONG_OFF

    def rate(self, source: str, codec: str) -> Rate:
        """What a second of this codec from this source is reckoned to take."""
        own = self.samples.get((source, codec))
        if own is not None and own.count >= FEWEST:
            return own.rate(f"{own.count:,} files of {codec or 'unknown codec'} held from {source}")
        alike = [one for (_, other), one in sorted(self.samples.items()) if other == codec]
        if alike:
            whole = alike[0]
            for one in alike[1:]:
                whole = whole.plus(one)
            if whole.count >= FEWEST and codec in _OWN:  # made here, whatever it is made of
                return whole.rate(f"{whole.count:,} copies made here")
            if whole.count >= FEWEST:  # of another source: its mean may lie as far off as sources differ
                rate = whole.rate(f"{whole.count:,} files of {codec or 'unknown codec'} held from any source")
                return Rate(rate.mean, rate.off, max(rate.doubt, rate.off / 2), rate.kind)
        mean, off = STATED[codec]
        doubt = OWN_DOUBT if codec in _OWN else DOUBT
        return Rate(mean, off, mean * doubt, f"stated for {codec or 'an unknown codec'}: nothing alike is held")

    def table(self, sources: Mapping[int, str]) -> NDArray[np.float64]:
        """Mean, deviation and doubt by [source number, codec number]."""
        made = np.zeros((max(sources, default=0) + 1, len(CODECS), 3))
        for number, source in sources.items():
            for code, codec in enumerate(CODECS):
                rate = self.rate(source, codec)
                made[number, code] = rate.mean, rate.off, rate.doubt
        return made

    def predict(self, ms: Floats, rates: NDArray[np.float64], bitrate: Floats) -> Predicted:
        """Bytes of files of these durations, 0 where it is not known, at ``rates`` (rows of :meth:`table`)."""
        mean, off, doubt = rates[:, 0], rates[:, 1], rates[:, 2]
        named = bitrate > 0
        mean = np.where(named, bitrate / 8 * ABOVE, mean)
        off = np.where(named, mean * OFF, off)
        doubt = np.where(named, mean * 0.01, doubt)
        known = ms > 0
        seconds = np.where(known, ms, self.duration) / 1000
        spread = np.where(known, 0.0, self.duration_off / 1000)
        own = (seconds * off) ** 2 + (spread * mean) ** 2 + (spread * off) ** 2
        return Predicted(seconds * mean, seconds * (mean + Z * doubt), own)


def interval(mean: Floats, common: Floats, own: Floats) -> tuple[Floats, Floats]:
    """What 95 % of single files lie between: lognormal, with the mean, the common deviation and the own variance."""
    safe = np.maximum(mean, 1.0)
    spread = np.log1p((own + common**2) / safe**2)
    wide = Z * np.sqrt(spread)
    return safe * np.exp(-spread / 2 - wide), safe * np.exp(-spread / 2 + wide)


def joined(
    fitted: Mapping[tuple[str, str], Sample], learned: Mapping[tuple[str, str], Sample]
) -> dict[tuple[str, str], Sample]:
    """What the catalogue has, and what harvests brought that it does not know yet: of both, the larger sample."""
    found = dict(fitted)
    for key, sample in learned.items():
        if key not in found or sample.count > found[key].count:
            found[key] = sample
    return found


def sampled(rows: Iterable[tuple[str, str, int, float, float]]) -> dict[tuple[str, str], Sample]:
    """Samples out of (source, codec, count, mean, mean of squares), equal keys together."""
    found: dict[tuple[str, str], Sample] = {}
    for source, codec, count, mean, square in rows:
        one = Sample(count, mean, square)
        before = found.get((source, codec))
        found[source, codec] = one if before is None else before.plus(one)
    return found

"""What a track is worth: its share of listening, and how rare it is, as docs/reference/plan.md writes it out.

Listens come out of a source's popularity by :mod:`phonolith.model.listening`. Sources count in different units, so a
track's listens are a share of those of its own source, and a source weighs as much as it has tracks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from phonolith.library.reading import Reading
from phonolith.model.listening import Cell, Curve, Estimate, Scale, counted, scale_of, share, stated

Floats = NDArray[np.float64]

#: How much an original, an access copy in its place, and a copy of what is held count: of listens, and of rarity.
COUNTS: Mapping[str, tuple[float, float]] = {"original": (1.0, 1.0), "access": (0.9, 0.5), "copy": (0.1, 0.0)}
#: By how much more something at risk counts.
RISK = 4.0
#: The share of listens in the score, by target; the rest is rarity.
WEIGHT: Mapping[str, float] = {"listens": 1.0, "mixed": 0.5, "rarity": 0.0}

_WIDTH = 0.02  # of a bin of ln(1 + popularity)
_BINS = 2_000
_PORTION = 1 << 18
_ONE = "SELECT {source}, coalesce(t.popularity, -1) FROM track t"
_SEVERAL = "SELECT r.source, coalesce(t.popularity, -1) FROM track t CROSS JOIN release r ON r.id = t.release"
_ROW = np.dtype([("source", "u4"), ("popularity", "f8")])


@dataclass
class Heard:
    """Popularity of one source's tracks: how many there are, how many in each bin, and the sum in each bin."""

    tracks: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))
    sums: Floats = field(default_factory=lambda: np.zeros(_BINS))
    curve: Curve | None = None
    total: float = 0.0
    lowest: float = 0.0

    def add(self, values: Floats) -> None:
        """Count tracks of which -1 is unknown."""
        self.tracks += len(values)
        values = values[values >= 0]
        at = bins(values)
        self.counts += np.bincount(at, minlength=_BINS)
        self.sums += np.bincount(at, values, minlength=_BINS)

    def close(self, curve: Curve | None) -> None:
        """Nothing more comes: sum up the listens along the curve."""
        if curve is None:
            self.curve, self.total = None, float(self.tracks)
            return
        some = np.flatnonzero(self.counts)
        means = self.sums[some] / self.counts[some]
        self.curve, self.lowest = curve, float(means[0])
        known = float(np.sum(listens(curve, means) * self.counts[some]))
        unknown = self.tracks - int(self.counts.sum())
        self.total = known + unknown * float(listens(curve, np.array([self.lowest]))[0])

    @property
    def highest(self) -> float:
        """About the highest popularity there is."""
        some = np.flatnonzero(self.counts)
        return float(self.sums[some[-1]] / self.counts[some[-1]]) if len(some) else 0.0


def bins(values: Floats) -> NDArray[np.int64]:
    """Which bin each popularity is in."""
    return np.minimum((np.log1p(values) / _WIDTH).astype(np.int64), _BINS - 1)


def listens(curve: Curve, values: Floats) -> Floats:
    """Listens expected at each popularity."""
    if curve.scale is Scale.LISTENS:
        return values
    x = np.log1p(np.maximum(values, 0.0)) if curve.scale is Scale.COUNT else values
    return np.exp(np.clip(curve.level + curve.slope * x, -700, 700))


@dataclass
class Worth:
    """What tracks of a catalogue are worth. ``heard`` by number of source; ``risk`` are rows of tracks at risk."""

    heard: Mapping[int, Heard]
    weight: float
    risk: BitMap
    tracks: int

    def listens(self, sources: NDArray[np.uint32], popularity: Floats) -> Floats:
        """Each track's share of all listening that is known of, from 0 to 1."""
        found = np.zeros(len(sources))
        for number, heard in self.heard.items():
            mine = sources == number
            if not heard.total or not mine.any():
                continue
            if heard.curve is None:
                found[mine] = 1 / self.tracks
                continue
            values = np.where(np.isnan(popularity[mine]), heard.lowest, popularity[mine])
            found[mine] = listens(heard.curve, values) / heard.total * (heard.tracks / self.tracks)
        return found

    def rarity(self, tracks: NDArray[np.uint32], offers: NDArray[np.uint32]) -> Floats:
        """How rare each is, as a share: 1 by the number of addresses, more at risk, by the number of tracks."""
        points = 1.0 / np.maximum(offers, 1)
        if self.risk:
            points[np.fromiter((int(row) in self.risk for row in tracks), bool, len(tracks))] *= RISK
        return points / self.tracks

    def interval(self, planned: Mapping[int, NDArray[np.int64]]) -> Estimate:
        """The share of listening of what is planned: by source, how many tracks of it are in each bin."""
        low = mid = high = 0.0
        for number, inside in planned.items():
            heard = self.heard[number]
            part = heard.tracks / self.tracks
            if heard.curve is None:
                one: Estimate | None = None
                even = float(inside.sum()) / self.tracks
                low, mid, high = low, mid + even, high + min(part, 10 * even)
                continue
            one = share(heard.curve, _cells(heard, inside))
            if one is not None:
                low, mid, high = low + part * one.low, mid + part * one.mid, high + part * one.high
        return Estimate(low, mid, high)


def heard(reading: Reading, listened: Iterable[str]) -> dict[int, Heard]:
    """The popularity of every track of the catalogue, held or not, by source.

    ``listened`` are the kinds of source whose numbers are listens.
    """
    names: dict[int, str] = dict(reading.rows("SELECT id, name FROM source"))
    found = {number: Heard() for number in names}
    sql = _ONE.format(source=next(iter(names))) if len(names) == 1 else _SEVERAL
    rows = iter(reading.db.execute(sql))
    while len(portion := np.fromiter(islice(rows, _PORTION), _ROW)):
        for number in np.unique(portion["source"]):
            found[int(number)].add(portion["popularity"][portion["source"] == number])
    for number, one in found.items():
        counts = names[number].partition(".")[0] in set(listened)
        some = one.counts.any()
        one.close(None if not some else counted() if counts else stated(scale_of(one.highest)))
    return {number: one for number, one in found.items() if one.tracks}


def _cells(known: Heard, inside: NDArray[np.int64]) -> Sequence[Cell]:
    """Bins as cells. Tracks of unknown popularity are in none, so they count as nobody's listening here."""
    some = np.flatnonzero(known.counts)
    means = known.sums[some] / known.counts[some]
    ours = np.minimum(inside[some], known.counts[some])
    pairs = zip(means.tolist(), ours.tolist(), (known.counts[some] - ours).tolist(), strict=True)
    return [Cell(value, mine, rest) for value, mine, rest in pairs]


def no_bins() -> NDArray[np.int64]:
    """A count of nothing in each bin."""
    return np.zeros(_BINS, np.int64)

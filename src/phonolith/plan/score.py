"""Makes steps of candidates: which tiers an item may be had in, how many bytes each takes and what each is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phonolith.plan.candidates import Known
from phonolith.plan.fill import steps_of
from phonolith.plan.runs import ACCESS, COPY, ORIGINAL, UP, Steps
from phonolith.plan.sizes import CODECS, Predicted, Sizes, Z, interval
from phonolith.plan.worth import COUNTS, Worth

Floats = NDArray[np.float64]
_ACCESS, _COPY = CODECS.index("access"), CODECS.index("copy")


@dataclass(frozen=True, slots=True)
class Tiers:
    """Items in a tier each: bytes (low, expected, high), value, value per byte, shares, the codec reckoned with."""

    low: Floats
    mean: Floats
    high: Floats
    score: Floats
    value: Floats
    upper: Floats
    listens: Floats
    rarity: Floats
    codec: NDArray[np.uint8]


@dataclass(frozen=True)
class Scorer:
    """``rates`` is :meth:`phonolith.plan.sizes.Sizes.table`; ``originals``: no access copies in place of originals."""

    sizes: Sizes
    rates: NDArray[np.float64]
    worth: Worth
    originals: bool = False

    def shares(self, known: Known) -> tuple[Floats, Floats]:
        """Each one's share of listening, and of rarity."""
        heard = self.worth.listens(known["source"], known["popularity"])
        return heard, self.worth.rarity(known["track"], known["offers"])

    def original(self, known: Known) -> Predicted:
        """Bytes of the files as their source has them."""
        return self.sizes.predict(known["ms"], self.rates[known["source"], known["codec"]], known["bitrate"])

    def copy(self, known: Known, codec: int = _ACCESS) -> Predicted:
        """Bytes of access copies."""
        return self.sizes.predict(known["ms"], self.rates[known["source"], codec], np.zeros(len(known)))

    def value(self, tier: str, heard: Floats, rare: Floats) -> Floats:
        """What having them in a tier is worth."""
        of_listens, of_rarity = COUNTS[tier]
        weight = self.worth.weight
        return weight * of_listens * heard + (1 - weight) * of_rarity * rare

    def steps(self, known: Known, reencode: NDArray[np.bool_]) -> Steps:
        """The steps of candidates that may be held; ``reencode``: also as an access copy."""
        heard, rare = self.shares(known)
        whole, small = self.original(known), self.copy(known)
        v_whole, v_small = self.value("original", heard, rare), self.value("access", heard, rare)
        d_small = v_small / small.upper
        with np.errstate(divide="ignore", invalid="ignore"):
            d_up = (v_whole - v_small) / (whole.upper - small.upper)
        # A copy first, where it is smaller and worth more by the byte than the rest of the way to the original.
        both = reencode & (not self.originals) & (small.upper < whole.upper) & (d_small > d_up)
        alone = ~both
        made = [
            _made(known[both], ACCESS, v_small[both], heard[both], _some(small, both)),
            _made(known[alone], ORIGINAL, v_whole[alone], heard[alone], _some(whole, alone)),
            _made(known[both], UP, (v_whole - v_small)[both], heard[both], _up(whole, small, both), small.mean[both]),
        ]
        return _worthy(np.concatenate(made))

    def tiers(self, known: Known, tiers: Sequence[str]) -> Tiers:
        """Each item in its tier."""
        heard, rare = self.shares(known)
        named = np.array(tiers)
        codec = known["codec"].copy()
        codec[named == "access"], codec[named == "copy"] = _ACCESS, _COPY
        bitrate = np.where(named == "original", known["bitrate"], 0.0)
        rates = self.rates[known["source"], codec]
        found = self.sizes.predict(known["ms"], rates, bitrate)
        value = np.select([named == tier for tier in COUNTS], [self.value(tier, heard, rare) for tier in COUNTS], 0.0)
        low, high = interval(found.mean, (found.upper - found.mean) / Z, found.variance)
        return Tiers(low, found.mean, high, value / found.upper, value, found.upper, heard, rare, codec)

    def copies(self, known: Known) -> Steps:
        """The steps of held audio without an access copy."""
        heard, rare = self.shares(known)
        small = self.copy(known, _COPY)
        made = _made(known, COPY, self.value("copy", heard, rare), heard, small)
        return _worthy(made)


def _worthy(steps: Steps) -> Steps:
    """Only what is worth anything, in order of the track."""
    some = np.flatnonzero(steps["value"] > 0)
    worthy: Steps = steps.take(some[np.argsort(steps["track"][some], kind="stable")])
    return worthy


def _some(found: Predicted, mine: NDArray[np.bool_]) -> Predicted:
    return Predicted(found.mean[mine], found.upper[mine], found.variance[mine])


def _up(whole: Predicted, small: Predicted, mine: NDArray[np.bool_]) -> Predicted:
    """From copy to original: the copy's own variance goes with it, as far as the sum stays what it was or more."""
    variance = np.maximum(whole.variance[mine] - small.variance[mine], 0.0)
    return Predicted(whole.mean[mine] - small.mean[mine], whole.upper[mine] - small.upper[mine], variance)


def _made(known: Known, way: int, value: Floats, heard: Floats, found: Predicted, base: Floats | None = None) -> Steps:
    steps = steps_of(len(known))
    steps["density"], steps["value"], steps["listens"] = value / found.upper, value, heard
    steps["size"], steps["mean"], steps["variance"] = found.upper, found.mean, found.variance
    steps["base"] = 0.0 if base is None else base
    steps["popularity"], steps["track"], steps["source"] = known["popularity"], known["track"], known["source"]
    steps["way"] = way
    return steps

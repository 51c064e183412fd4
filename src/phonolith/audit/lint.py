"""What claims say of each other: sums that do not come out, before any evidence is looked at.

Every figure is taken as the interval that its own rounding leaves, so nothing is called wrong that rounding explains.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations
from typing import NamedTuple

from phonolith.audit.claims import Claim
from phonolith.audit.procedures import selective
from phonolith.audit.units import COUNTED, mistaken_for
from phonolith.model.finding import Finding

#: Bit rates between which music in any codec lies: speech codecs at their lowest, eight channels of studio sound.
_RATES = (6e3, 4.0e7)
_LENGTHS = (20.0, 3600.0)  # seconds that tracks last on average, of any collection
_SPREAD = 0.5  # by which a mean of bytes may differ from duration times bit rate: covers, containers, several rates


class Reach(NamedTuple):
    """From the least to the most that a figure can be."""

    low: float
    high: float


def lint(claims: Sequence[Claim]) -> list[Finding]:
    """Findings ``arithmetic.…``: an error where two claims cannot both be true, a warning where they are odd."""
    by_id = {one.id: one for one in claims}
    found: list[Finding] = []
    for one in claims:
        if one.part:
            found += _share(one, by_id[one.part], by_id[one.whole])
        if one.unit.dimension == "share" and one.low > 1:
            found.append(_error("arithmetic.share", one, f"it says {_shown(one)}, which is more than everything"))
        if one.unit.name in COUNTED and one.quantity % 1 and one.bound == "exactly":
            found.append(_error("arithmetic.count", one, f"it counts {_shown(one)}, and things come whole"))
    for one, other in combinations(claims, 2):
        found += _same(one, other)
    for of in dict.fromkeys(one.of for one in claims):
        found += _means([one for one in claims if one.of == of and not selective(one.procedure)])
    return found


def early(claims: Sequence[Claim], now: str) -> list[Finding]:
    """Findings ``claims.when``: said on a day that is yet to come. ``now`` is ISO 8601 UTC; a day is a time zone's."""
    tomorrow = (date.fromisoformat(now[:10]) + timedelta(days=1)).isoformat()
    remedy = "Write the day on which it was said"
    return [
        Finding("claims.when", f"claim {one.id}", f"it was said on {one.when}, which is yet to come", remedy, "error")
        for one in claims
        if one.when > tomorrow
    ]


def reach(one: Claim) -> Reach:
    """What the figure can be, its tolerance or else its rounding allowed for, bounds as they are said."""
    return Reach(max(0.0, one.low), one.high)


def ratio(part: Reach, whole: Reach) -> Reach:
    """What one divided by the other can be."""
    low = part.low / whole.high if whole.high and math.isfinite(part.low) else 0.0
    return Reach(low, part.high / whole.low if whole.low else math.inf)


def _share(one: Claim, part: Claim, whole: Claim) -> Iterator[Finding]:
    can = ratio(reach(part), reach(whole))
    if not one.allows(*can):
        fits = f"{_shown(part)} of {_shown(whole)} is {_percent(part.value / whole.value)}" if whole.value else ""
        yield _error("arithmetic.share", one, f"{fits}, not {_shown(one)}")
    if reach(part).low > reach(whole).high:
        yield _error("arithmetic.part", part, f"it is more than the whole it is a part of, {_shown(whole)}")


def _same(one: Claim, other: Claim) -> Iterator[Finding]:
    """Two figures for one thing."""
    alike = (one.of, one.unit.dimension, one.definition, one.part, one.whole, one.when) == (
        *(other.of, other.unit.dimension, other.definition),
        *(other.part, other.whole, other.when),
    )
    each = (one.procedure, other.procedure)
    chosen = each[0] != each[1] and (all(each) or any(map(selective, each)))  # two tables may have two figures
    if not alike or chosen or not one.of or one.allows(*reach(other)):
        return
    for unit in mistaken_for(one.unit):
        scale = unit.scale / one.unit.scale
        if other.allows(one.low * scale, one.high * scale):
            problem = f"it says {_shown(one)} where {other.id} says {_shown(other)}"
            yield _error("arithmetic.unit", one, f"{problem}: they agree if {unit.name} was meant")
            return
    yield _error("arithmetic.two", one, f"it says {_shown(one)} where {other.id} says {_shown(other)}")


def _means(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Bytes, files, playing time and bit rates of one set, each beside what the others leave for it."""
    size, rate = _one(claims, "bytes"), _one(claims, "bit/s")
    files = _one(claims, "files") or _one(claims, "tracks")
    time = _one(claims, "seconds")
    if size is None:
        return
    if time is not None:
        bits = ratio(Reach(8 * size.low, 8 * size.high), reach(time))
        problem = f"{_shown(size)} over {_shown(time)} are {8 * size.value / time.value / 1000:,.3g} kbit/s"
        if bits.high < _RATES[0] or bits.low > _RATES[1]:
            yield _error("arithmetic.rate", size, f"{problem}, which is no music")
        elif rate is not None and not _near(bits, reach(rate)):
            yield _warning("arithmetic.rate", size, f"{problem} on average, where {rate.id} says {_shown(rate)}")
    elif files is not None and rate is not None:
        seconds = 8 * size.value / files.value / rate.value
        if not _LENGTHS[0] <= seconds <= _LENGTHS[1]:
            problem = f"{_shown(size)} in {_shown(files)} at {_shown(rate)} are {seconds:,.3g} seconds each"
            yield _warning("arithmetic.mean", size, f"{problem}, which is not how long music is")


def _one(claims: Sequence[Claim], dimension: str) -> Claim | None:
    return next((one for one in claims if one.unit.dimension == dimension and one.value), None)


def _near(one: Reach, other: Reach) -> bool:
    return one.high * (1 + _SPREAD) >= other.low and one.low * (1 - _SPREAD) <= other.high


def _shown(one: Claim) -> str:
    number = f"{one.quantity.normalize():,f}"
    bound = "" if one.bound in ("exactly", "about") else f"{one.bound} "
    return f"{bound}{number} {one.unit.name}" if one.unit.name != "share" else f"{bound}{number}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _error(code: str, one: Claim, problem: str) -> Finding:
    remedy = "One of the figures is wrong, or they are not of the same things"
    return Finding(code, f"claim {one.id}", problem, remedy, "error")


def _warning(code: str, one: Claim, problem: str) -> Finding:
    return Finding(code, f"claim {one.id}", problem, "Look at what each of the figures counts", "warning")

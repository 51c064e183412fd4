"""Explains one track's score: every term of the formula with its number, tier by tier, or why it is not planned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from phonolith.library.access import standing
from phonolith.library.reading import Reading
from phonolith.model.rights import Use
from phonolith.model.status import Status
from phonolith.plan.candidates import Known
from phonolith.plan.listed import details, known_of
from phonolith.plan.permits import Permits
from phonolith.plan.score import Scorer
from phonolith.plan.sizes import CODECS
from phonolith.plan.worth import RISK

_EVIDENCE = """
SELECT coalesce(t.rights, r.rights, 0), t.status, s.name, coalesce(q.reason, ''), t.popularity
FROM track t JOIN release r ON r.id = t.release JOIN source s ON s.id = r.source
LEFT JOIN status_reason q ON q.track = t.id WHERE t.id = ?"""


@dataclass(frozen=True, slots=True)
class Way:
    """One tier of an item: bytes (low, expected, high), what is charged, its value and value per byte."""

    tier: str
    bytes: tuple[int, int, int]
    charged: int
    value: float
    score: float
    rests_on: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A track's terms. ``against`` says why it is not planned; then there are no ``ways``, or those it would have."""

    id: str
    source: str
    status: str
    against: tuple[str, ...]
    popularity: float | None
    listens: float
    offers: int
    at_risk: bool
    rarity: float
    weight: float
    ways: tuple[Way, ...]
    sentences: tuple[str, ...]


def explain(
    reading: Reading, scorer: Scorer, permits: Permits, identifier: str, absent: Collection[str] = ()
) -> Explained:
    """What the plan thinks of a track. Raises NotFound."""
    row = reading.row("track", identifier)
    evidence, status, source, reason, popularity = reading.rows(_EVIDENCE, (row,))[0]
    against = _against(reading, row, Status(status), reason)
    found = details(reading, [row]).get(row)
    if found is None:
        against = (*against, "No address of its audio is known.")
    elif found[2] in absent:
        against = (*against, "Its address had nothing when it was asked lately.")
    if found is None:
        return Explained(identifier, source, Status(status).sentence, against, popularity, *_nothing(scorer), (), ())
    known = known_of([found[0]])
    hold, reencode = permits.item(row, evidence)
    held = bool(known["held"][0])
    tiers = (["copy"] if held else ["original", "access"]) if hold else []
    if not reencode:
        tiers = [tier for tier in tiers if tier == "original"]
    heard, rare = scorer.shares(known)
    sentences = [_listens_words(scorer, known), _rarity_words(known, scorer, row)]
    sentences += [] if reencode or not hold else ["Its licence permits no re-encoding: original only."]
    return Explained(
        identifier,
        source,
        Status(status).sentence,
        against,
        popularity,
        float(heard[0]),
        int(known["offers"][0]),
        row in scorer.worth.risk,
        float(rare[0]),
        scorer.worth.weight,
        tuple(_way(reading, scorer, known, tier, source) for tier in tiers),
        tuple(sentences),
    )


def _against(reading: Reading, row: int, status: Status, reason: str) -> tuple[str, ...]:
    """Why a track is not fetched, by the gate and by what is known of it."""
    found: list[str] = []
    if status is not Status.HELD:
        decision = reading.decide(Use.HOLD, standing(reading, "track", row), held=False)
        found += [] if decision.allowed else decision.reasons
    if row in reading.hidden.tracks and not found:
        found.append("It is withdrawn or hidden.")
    if status not in (Status.NOT_FETCHED, Status.NO_LICENCE, Status.NOT_PERMITTED, Status.LOWER_PRIORITY):
        found.append(f"{status.sentence[0].upper()}{status.sentence[1:]}. {reason}".rstrip())
    return tuple(found)


def _nothing(scorer: Scorer) -> tuple[float, int, bool, float, float]:
    return 0.0, 0, False, 0.0, scorer.worth.weight


def _way(reading: Reading, scorer: Scorer, known: Known, tier: str, source: str) -> Way:
    told = scorer.tiers(known, [tier])
    codec = CODECS[int(told.codec[0])]
    size = round(float(told.low[0])), round(float(told.mean[0])), round(float(told.high[0]))
    named = tier == "original" and known["bitrate"][0] > 0
    kind = f"its bitrate of {int(known['bitrate'][0]):,} bit/s" if named else scorer.sizes.rate(source, codec).kind
    return Way(tier, size, round(float(told.upper[0])), float(told.value[0]), float(told.score[0]), kind)


def _listens_words(scorer: Scorer, known: Known) -> str:
    heard = scorer.worth.heard.get(int(known["source"][0]))
    if heard is None or heard.curve is None:
        return "Its source says nothing of popularity: each of its tracks counts as the average one."
    if np.isnan(known["popularity"][0]):
        return f"Its popularity is not known: it counts as the lowest of its source. {heard.curve.sentence}"
    low, mid, high = heard.curve.listens(float(known["popularity"][0]))
    return f"Listens: {_number(mid)}, {_number(low)} to {_number(high)}. {heard.curve.sentence}"


def _rarity_words(known: Known, scorer: Scorer, row: int) -> str:
    offers = int(known["offers"][0])
    more = f", times {RISK:g}: it is at risk" if row in scorer.worth.risk else ""
    return f"Rarity: 1 / {max(offers, 1)} address{'es' if offers > 1 else ''}{more}."


def _number(value: float) -> str:
    """To four digits at least, and whole from there on."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"

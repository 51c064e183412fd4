"""The word that a report's own facts carry: a stranger's verdict is believed as far as it follows from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from phonolith.audit.claims import Claim
from phonolith.audit.received import Found, Verdict
from phonolith.audit.units import UNITS
from phonolith.audit.verdicts import Basis, Fact, Word, judge

#: Words that say a claim holds, strongest first.
CARRYING = (Word.PROVEN, Word.SAMPLED, Word.CIRCULATING)


def honest_word(told: Verdict, findings: Sequence[Found]) -> str:
    """The word of a verdict where its facts carry it, else the one that they do carry.

    ``findings`` are those of the same report: arithmetic refutes without facts. A weaker word than the facts would
    carry stays: an auditor may be careful.
    """
    if told.verdict in {word.value for word in CARRYING}:
        shown = judge(_claim(told), _facts(told, sure=False)).word
        if shown in CARRYING and CARRYING.index(shown) <= CARRYING.index(Word(told.verdict)):
            return told.verdict
        return shown.value if shown in CARRYING else Word.CLAIMED.value
    if told.verdict == Word.REFUTED.value:
        summed = any(one.code == "arithmetic.share" and one.subject == f"claim {told.id}" for one in findings)
        refuted = summed or judge(_claim(told), _facts(told, sure=True)).word is Word.REFUTED
        return told.verdict if refuted else Word.CLAIMED.value
    return told.verdict


def _claim(told: Verdict) -> Claim:
    return Claim(
        id=told.id,
        sentence=told.sentence,
        quantity=Decimal(repr(told.quantity)),
        unit=UNITS[told.unit],
        slack=Decimal(repr(told.tolerance)),
        bound=told.bound,
        of=told.of,
        definition=told.definition,
    )


def _facts(told: Verdict, *, sure: bool) -> list[Fact]:
    """The facts of a verdict. A sample refutes only by its wider interval, which reports do not tell.

    ``sure``: take the narrower one for it, as whoever drew the sample knew better.
    """
    unit, found = UNITS[told.unit], []
    for one in told.facts:
        basis = Basis[one.basis.upper()]
        high = math.inf if one.high is None else one.high * unit.scale
        wider = (-math.inf, math.inf) if basis is Basis.SAMPLED and not sure else None
        how = (one.source, one.how, told.of, told.definition)
        found.append(Fact(unit.dimension, one.low * unit.scale, high, basis, *how, surely=wider))
    return found

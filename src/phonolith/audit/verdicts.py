"""The verdict on a claim: what the evidence shows of it, and never a word more.

A fact is what evidence shows: between ``low`` and ``high`` of something, resting on how it was looked at. A verdict
follows from facts alone; nobody can raise one by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from phonolith.audit.claims import ROWS, Claim
from phonolith.audit.procedures import COMMITTED
from phonolith.audit.units import COUNTED, UNSEEN


class Basis(IntEnum):
    """What a fact rests on, weakest first."""

    STATED = 1  # a sentence, somebody's page
    DESCRIBED = 2  # metainfo or a listing describes it; no byte of it was seen
    OFFERED = 3  # and at some time a complete copy of it was offered
    SAMPLED = 4  # a sample that was drawn by a published seed was read
    READ = 5  # all of it was read


class Word(StrEnum):
    """What is said of a claim."""

    CLAIMED = "claimed"
    CIRCULATING = "circulating"
    SAMPLED = "sampled"
    PROVEN = "proven"
    REFUTED = "refuted"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True)
class Fact:
    """What evidence shows of a dimension, on its base scale: ``low`` at least, ``high`` at most (infinite: unknown).

    ``of`` names the set it is about, as claims do; ``definition`` as in claims. ``source`` is the evidence
    and ``how`` a sentence on how it was found. A sample's ``low`` and ``high`` hold
    with 95 % confidence and ``surely`` with 99.9 %, since among many claims one in twenty would be refuted by chance.
    """

    dimension: str
    low: float
    high: float
    basis: Basis
    source: str
    how: str
    of: str = ""
    definition: str = ""
    surely: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The ``word`` on a claim, the facts it follows from, why in sentences, and what would raise it."""

    claim: Claim
    word: Word
    facts: tuple[Fact, ...]
    why: tuple[str, ...]
    needed: tuple[str, ...] = ()


_WORDS = {Basis.OFFERED: Word.CIRCULATING, Basis.SAMPLED: Word.SAMPLED, Basis.READ: Word.PROVEN}
#: What would raise a verdict that rests on this, cheapest first. What is counted in tables is in no torrent.
_METAINFO = "Its .torrent files, of some kilobytes each: they describe every file and size"
_LISTING = "A dated listing of its torrents with seeders, in which each has one: then it is circulating"
_SAMPLE = "A sample of the bytes, drawn by a published seed and checked against the metainfo"
_BYTES = "All of it, read"
_TABLE = (
    "The catalogue or table that it was counted in, with a procedure that counts it: then it is proven of that table"
)
_RATIO = "Claims on the two figures that it is a share of, named by part and whole: it is judged by what shows those"
_LOG = "The log itself, or proofs from it, and its name from somewhere that can be trusted: --log LOG"
_NEXT = {
    Basis.STATED: (_METAINFO, _LISTING, _SAMPLE, _BYTES),
    Basis.DESCRIBED: (_LISTING, _SAMPLE, _BYTES),
    Basis.OFFERED: (_SAMPLE, _BYTES),
    Basis.SAMPLED: (_BYTES,),
    Basis.READ: ("A count that leaves nothing open: what was read shows no more than these bounds",),
}
_IN_TORRENTS = {"torrents", "files", "bytes", "tracks", "images", "seconds", "bit/s", "share", "objects"}
#: Dimensions that evidence of the kinds there are can speak of.
_SHOWN = {*COUNTED, "bytes", "seconds", "bit/s", "share"} - UNSEEN


def judge(claim: Claim, facts: Sequence[Fact]) -> Verdict:
    """The verdict on one claim from all facts there are; those that are not about it are left aside."""
    bearing = tuple(fact for fact in facts if bears(fact, claim))
    against = tuple(fact for fact in bearing if fact.basis > Basis.STATED and not claim.allows(*_surely(fact)))
    if against:
        return Verdict(claim, Word.REFUTED, against, tuple(_against(fact, claim) for fact in against))
    for basis in sorted(_WORDS, reverse=True):
        carried = tuple(fact for fact in bearing if fact.basis is basis and _carries(fact, claim))
        if carried:
            needed = () if basis is Basis.READ else _NEXT[basis]
            return Verdict(claim, _WORDS[basis], carried, tuple(_seen(fact, claim) for fact in carried), needed)
    if bearing:
        best = max(fact.basis for fact in bearing)
        shown = tuple(fact for fact in bearing if fact.basis is best)
        return Verdict(claim, Word.CLAIMED, shown, tuple(_short(fact, claim) for fact in shown), _needed(claim, shown))
    if claim.unit.dimension not in _SHOWN:
        why = f"Nothing that an archive holds shows {claim.unit.dimension}"
        return Verdict(claim, Word.UNVERIFIABLE, (), (why,), ("The data that the figure was made from",))
    return Verdict(claim, Word.CLAIMED, (), ("No evidence that was given speaks of it",), _needed(claim, ()))


def _needed(claim: Claim, shown: Sequence[Fact]) -> tuple[str, ...]:
    """What would say more of a claim that is only claimed, cheapest first, after what its best facts leave open."""
    best = max((fact.basis for fact in shown), default=Basis.STATED)
    if best < Basis.READ and claim.procedure == COMMITTED:
        return (_LOG,)
    if not shown and claim.unit.dimension == "share" and not claim.part:
        return (_RATIO,)
    if best < Basis.READ and claim.unit.dimension not in _IN_TORRENTS:
        return (_TABLE,)
    most = max((fact.low for fact in shown), default=0.0)
    if best is Basis.OFFERED and most < claim.low:
        rest = f"{_number((claim.low - most) / claim.unit.scale)} {claim.unit.name}"
        return (f"A look that saw complete copies of the other {rest} as well", *_NEXT[best])
    return _NEXT[best]


def bears(fact: Fact, claim: Claim) -> bool:
    """Whether a fact is about what a claim is about."""
    return (
        fact.dimension == claim.unit.dimension
        and (fact.definition or ROWS) == (claim.definition or ROWS)
        and fact.of == claim.of
    )


def _surely(fact: Fact) -> tuple[float, float]:
    return fact.surely or (fact.low, fact.high)


def _carries(fact: Fact, claim: Claim) -> bool:
    """Whether all that the claim says is shown: whatever the truth within the fact, the sentence would hold."""
    return claim.allows(fact.low, fact.low) and claim.allows(fact.high, fact.high)


def _seen(fact: Fact, claim: Claim) -> str:
    return f"{fact.how}: {_amount(fact, claim)}"


def _against(fact: Fact, claim: Claim) -> str:
    return f"{_seen(fact, claim)}, where the claim says {claim.quantity:,f} {claim.unit.name}"


def _short(fact: Fact, claim: Claim) -> str:
    share = fact.low / claim.value if claim.value else 0.0
    part = f", {100 * share:.3g} % of what is claimed" if share < 1 else ""
    return f"{_seen(fact, claim)}{part}"


def _amount(fact: Fact, claim: Claim) -> str:
    low, high = (_number(value / claim.unit.scale) for value in (fact.low, fact.high))
    if low == high:
        return f"{low} {claim.unit.name}"
    return f"at least {low} {claim.unit.name}" if fact.high == float("inf") else f"{low} to {high} {claim.unit.name}"


def _number(value: float) -> str:
    """Whole numbers and large ones in full, others in six digits."""
    return f"{value:,.0f}" if value.is_integer() or value >= 1e6 else f"{value:,.6g}"

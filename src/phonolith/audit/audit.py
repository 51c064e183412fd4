"""An audit: claims, evidence, verdicts, and the report of them as data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from phonolith import __version__
from phonolith.audit.claims import Claim
from phonolith.audit.effort import Effort
from phonolith.audit.evidence import Exhibit, Given, Looked, look
from phonolith.audit.lint import Reach, early, lint, ratio
from phonolith.audit.signed import REPORT
from phonolith.audit.torrents import described_data
from phonolith.audit.verdicts import Basis, Fact, Verdict, Word, bears, judge
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress


@dataclass(frozen=True, slots=True)
class Audit:
    """Verdicts in the order of the claims, with what they rest on."""

    verdicts: tuple[Verdict, ...]
    exhibits: tuple[Exhibit, ...]
    findings: tuple[Finding, ...]
    time: str


def audit(
    claims: Sequence[Claim], evidence: Sequence[Given], progress: Progress, *, now: str, effort: Effort | None = None
) -> Audit:
    """Judge claims by evidence; ``now`` is written into the report. Raises NotFound, BadInput, StorageError.

    ``effort`` bounds what is read of bytes; None is as much as is read unless a person says otherwise.
    """
    if effort and effort.seed:
        claims = [replace(one, seed=effort.seed) for one in claims]
    looked = look(claims, evidence, progress, now=now, effort=effort)
    arithmetic = [*early(claims, now), *lint(claims)]
    _add_shares(claims, looked)
    verdicts = tuple(_by_arithmetic(judge(one, looked.facts[one.id]), arithmetic) for one in claims)
    return Audit(verdicts, tuple(looked.exhibits), (*arithmetic, *looked.findings), now)


def data_of(told: Audit, command: Sequence[str] = ()) -> Mapping[str, Any]:
    """The report as an object for JSON; ``command``: the words with which anybody makes it again, if there are any."""
    return {
        "type": REPORT,
        "made": told.time,
        "by": f"Phonolith {__version__}",
        "command": list(command),
        "verdicts": [_verdict(one) for one in told.verdicts],
        "words": {word.value: sum(one.word is word for one in told.verdicts) for word in Word},
        "evidence": [_exhibit(one) for one in told.exhibits],
        "findings": [asdict(one) for one in told.findings],
    }


def _add_shares(claims: Sequence[Claim], looked: Looked) -> None:
    """A share is shown where both of its ends are, as well as the weaker of them."""
    by_id = {one.id: one for one in claims}
    for one in claims:
        if not one.part:
            continue
        ends = (one.part, one.whole)
        parts, wholes = ([fact for fact in looked.facts[end] if bears(fact, by_id[end])] for end in ends)
        for part in parts:
            for whole in wholes:
                if part.basis > Basis.STATED and whole.basis > Basis.STATED and whole.high > 0:
                    how = f"{part.how}, of {whole.how[:1].lower()}{whole.how[1:]}"
                    basis = min(part.basis, whole.basis)
                    low, high, surely = _between(part, whole)
                    fact = Fact("share", low, high, basis, part.source, how, one.of, one.definition, surely)
                    looked.facts[one.id].append(fact)


def _between(part: Fact, whole: Fact) -> tuple[float, float, tuple[float, float] | None]:
    """What a ratio can be, and surely can be.

    Of two samples the ends at which either would refute are told, since both have to be right; together they refute
    nothing.
    """
    can = ratio(Reach(part.low, part.high), Reach(whole.low, whole.high))
    wide = ratio(*(Reach(*(one.surely or (one.low, one.high))) for one in (part, whole)))
    if part.surely and whole.surely:
        return (*wide, (0.0, math.inf))
    return (*can, (wide.low, wide.high) if part.surely or whole.surely else None)


def _by_arithmetic(verdict: Verdict, findings: Sequence[Finding]) -> Verdict:
    """A share that is not that of the figures it names is refuted by them, whatever evidence there is of them."""
    against = [
        one.problem
        for one in findings
        if one.severity == "error" and one.code == "arithmetic.share" and one.subject == f"claim {verdict.claim.id}"
    ]
    if not against or verdict.word is Word.REFUTED:
        return verdict
    return Verdict(verdict.claim, Word.REFUTED, verdict.facts, tuple(against))


def _verdict(one: Verdict) -> dict[str, Any]:
    claim = one.claim
    told = {
        "id": claim.id,
        "sentence": claim.sentence,
        "who": claim.who,
        "where": claim.where,
        "when": claim.when,
        "quantity": _plain(float(claim.quantity)),
        "unit": claim.unit.name,
        "bound": claim.bound,
        "tolerance": _plain(float(claim.slack)),
        "of": claim.of,
        "definition": claim.definition,
        "part": claim.part,
        "whole": claim.whole,
        "procedure": claim.procedure,
        "seed": claim.seed,
    }
    return told | {
        "verdict": one.word.value,
        "why": list(one.why),
        "needed": list(one.needed),
        "facts": [_fact(fact, claim) for fact in one.facts],
    }


def _fact(fact: Fact, claim: Claim) -> dict[str, Any]:
    low, high = fact.low / claim.unit.scale, fact.high / claim.unit.scale
    return {
        "low": _plain(low),
        "high": None if high == float("inf") else _plain(high),
        "unit": claim.unit.name,
        "basis": fact.basis.name.lower(),
        "source": fact.source,
        "how": fact.how,
    }


def _exhibit(one: Exhibit) -> dict[str, Any]:
    told: dict[str, Any] = {
        "of": one.given.of,
        "path": str(one.given.path),
        "whole": one.given.whole,
        "kind": one.kind,
        "sha256": one.digest,
        "size": one.size,
        "described": None,
        "read": one.read,
        "offered": one.offered,
    }
    if one.described is not None:
        told["described"] = described_data(one.described)
    return told


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) and abs(value) < 1e15 else value

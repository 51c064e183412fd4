"""Tells a person why a use is allowed or not: what was stated, what follows from it, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from phonolith.model.music import Level, LicenceStatement, Origin
from phonolith.model.rights import Decision, Use
from phonolith.rights import public_domain
from phonolith.rights.decisions import Withdrawal
from phonolith.rights.evidence import Attestation
from phonolith.rights.gate import SUFFICIENT, Policy, Subject, decide
from phonolith.rights.licences import parse

_LEVELS = {
    Level.NONE: "none",
    Level.THIRD_PARTY: "a third party says so",
    Level.PLATFORM: "stated with the audio or by its platform",
    Level.TWO_SOURCES: "two independent sources agree",
    Level.RIGHTSHOLDER: "the rightsholder or the operator says so",
}
_VERBS = {
    Use.LIST: "list its metadata",
    Use.HOLD: "hold a copy",
    Use.STREAM: "stream it",
    Use.REDISTRIBUTE: "pass on verbatim copies",
    Use.REENCODE: "pass on re-encoded copies",
    Use.COMMERCIAL: "use it commercially",
}


def explain(
    reference: str,
    subject: Subject,
    statements: Sequence[LicenceStatement] = (),
    *,
    policy: Policy,
    withdrawn: Mapping[str, Withdrawal],
    attestations: Sequence[Attestation] = (),
    origin: Origin | None = None,
) -> list[str]:
    """Lines of plain text for ``why REFERENCE``, without a last newline; reasons are indented by four spaces."""
    decisions = [decide(use, subject, policy=policy, withdrawn=withdrawn) for use in Use]
    return [
        *_verdict(reference, subject),
        *_stated(statements, attestations),
        *_dates(origin),
        *_uses(decisions),
        *_remedies(reference, subject, decisions, attestations, withdrawn),
    ]


def _verdict(reference: str, subject: Subject) -> Iterator[str]:
    evidence = subject.evidence
    name = evidence.licence.title if evidence.licence else "no licence"
    yield f"{reference}: {name}"
    yield f"  evidence: level {int(evidence.level)} of 4, {_LEVELS[Level(evidence.level)]}; basis: {evidence.basis}"
    yield f"  {evidence.note}"
    if evidence.licence:
        covers = "recording and composition" if evidence.composition else "the recording only"
        yield f"  covers: {covers}" + (f"; {evidence.licence.uri}" if evidence.licence.uri else "")


def _stated(statements: Sequence[LicenceStatement], attestations: Sequence[Attestation]) -> Iterator[str]:
    """What was said, by whom, where and when, with the digest of what shows it."""
    if not statements and not attestations:
        yield "Stated: nothing"
        return
    yield "Stated:"
    for attestation in attestations:
        document = f"; document {attestation.document}" if attestation.document else ""
        by = f" by the {attestation.by}, door {attestation.door}," if attestation.door else ""
        yield f"  attested as {attestation.capacity}{by} in event {attestation.event}, {attestation.time}{document}"
        yield f"    {attestation.licence}: {_line(attestation.because)}"
    for statement in statements:
        licence = parse(statement.uri)
        where = f" in {_line(statement.where)}" if statement.where else ""
        date = f", {statement.date}" if statement.date else ""
        yield f"  {_line(statement.by)}{where}{date}: level {int(statement.level)}"
        yield f"    “{_line(statement.uri)}” = {licence.code if licence else 'not recognised'}"
        if statement.digest:
            yield f"    shown by SHA-256 {statement.digest}"


def _dates(origin: Origin | None) -> Iterator[str]:
    """Which dates are stated, by whom, and from when they make the work free in which territory, by which law."""
    if origin is None:
        return
    where = f" in {_line(origin.where)}" if origin.where else ""
    yield "Dates:"
    yield f"  {_line(origin.by)}{where}{f', {origin.date}' if origin.date else ''}: level {int(origin.level)}"
    yield f"    {public_domain.statement(origin)}"
    if origin.digest:
        yield f"    shown by SHA-256 {origin.digest}"
    yield "  public domain, recording and composition, if nobody stated or attested a licence:"
    yield from (f"    {line}" for line in public_domain.shown(public_domain.terms(origin)))


def _uses(decisions: Sequence[Decision]) -> Iterator[str]:
    yield "May this archive …"
    told: dict[str, str] = {}
    for decision in decisions:
        answer = "yes" if decision.allowed else f"no ({decision.status})"
        yield f"  {_VERBS[decision.use]}: {answer}"
        firsts = {reason: told.setdefault(reason, _VERBS[decision.use]) for reason in decision.reasons}
        yield from (f"    {_line(reason)}" for reason, first in firsts.items() if first == _VERBS[decision.use])
        before = dict.fromkeys(first for first in firsts.values() if first != _VERBS[decision.use])
        if before:
            yield f"    the same as for: {' and '.join(before)}"


def _remedies(
    reference: str,
    subject: Subject,
    decisions: Sequence[Decision],
    attestations: Sequence[Attestation],
    withdrawn: Mapping[str, Withdrawal],
) -> Iterator[str]:
    """What would change a denial, as commands where there is one."""
    if all(decision.allowed for decision in decisions):
        return
    found = list(_remedy(reference, subject, attestations, withdrawn))
    if found:
        yield "What would change this:"
        yield from (f"  {line}" for line in found)


def _remedy(
    reference: str, subject: Subject, attestations: Sequence[Attestation], withdrawn: Mapping[str, Withdrawal]
) -> Iterator[str]:
    evidence = subject.evidence
    against = [withdrawn[one] for one in subject.ids if one in withdrawn]
    events = sorted(one.event for one in against if not (one.origin or one.expunged))
    yield from sorted({f"{one.origin} reinstates it (event {one.event})." for one in against if one.origin})
    if any(one.expunged and not one.origin for one in against):
        yield "Nothing: these bytes were removed for good. Other bytes may be harvested."
    elif events:
        yield f"The withdrawal is lifted: `phonolith reinstate {reference} --because …` (event {events[0]})."
    if subject.owner_only:
        return
    if evidence.basis == "conflict" and attestations:
        several = " or ".join(str(attestation.event) for attestation in attestations)
        yield f"One attestation is revoked: `phonolith rights revoke {several} --because …`"
    if evidence.licence is None or evidence.level < SUFFICIENT or not evidence.composition:
        uri = (evidence.licence.uri if evidence.licence else "") or "URI"
        yield "You hold the rights or have a licence, and attest it:"
        yield f"  `phonolith rights attest {reference} --licence {uri} --as rightsholder|licensee --because …`"
    if evidence.licence is not None and evidence.licence.territories:
        yield "The settings operator.territory and publish.territories name places within the licence's reach."


def _line(text: str) -> str:
    """Text from outside as part of one line of a terminal."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())

"""The gate that every list and every byte passes: one use, one item, one answer with all its reasons; fails closed.

Bytes may be held, streamed, passed on, re-encoded or sold only where the evidence reaches level 2 without conflict, the
licence permits that very use, the composition is covered too, the territory fits, the source did not forbid it, nobody
withdrew the item and no notice hides it. Metadata may be listed unless the item is withdrawn, hidden or private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phonolith.model.ids import is_public_id
from phonolith.model.music import Level
from phonolith.model.rights import Decision, Use
from phonolith.rights import territory
from phonolith.rights.decisions import Withdrawal
from phonolith.rights.evidence import Evidence

#: The lowest level of evidence at which bytes may be touched.
SUFFICIENT = Level.PLATFORM

FORBIDDEN, ABSENT, GONE, LEGAL = 403, 404, 410, 451  # HTTP: RFC 9110, 15.5.4, 15.5.5, 15.5.11; RFC 7725

#: What a source may forbid by itself (DESIGN section 6), and the uses that forbids.
LIMITS: Mapping[str, frozenset[Use]] = {
    "stream-only": frozenset({Use.HOLD, Use.REDISTRIBUTE, Use.REENCODE, Use.COMMERCIAL}),
    "no-download": frozenset({Use.HOLD, Use.REDISTRIBUTE, Use.REENCODE, Use.COMMERCIAL}),
    "restricted": frozenset(Use) - {Use.LIST},  # its page is public, its bytes are not
    "private": frozenset(Use),
}

_GROUNDS = {
    "law": (LEGAL, "because the law requires it"),
    "owner": (GONE, "because its owner asked for it"),
    "licence": (GONE, "because its licence does not allow it"),
}
_DOING = {
    Use.LIST: "listing",
    Use.HOLD: "holding a copy",
    Use.STREAM: "streaming",
    Use.REDISTRIBUTE: "passing on verbatim copies",
    Use.REENCODE: "passing on re-encoded copies",
    Use.COMMERCIAL: "commercial use",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Where the archive acts and publishes, ISO 3166-1 alpha-2 codes.

    ``operator_territory`` "" is unknown; ``publish_territories`` () is the whole world. With either, only worldwide
    licences pass.
    """

    operator_territory: str = ""
    publish_territories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: an item with its evidence.

    ``ids`` are what a withdrawal could name: the public ids of the track, its release, its artists, and the digest of
    its bytes. ``held``: its bytes
    are here. ``owner_only``: part of a person's own collection; ``owner_asks``: that person is asking. ``limits``: what
    its source forbids, keys of :data:`LIMITS`.
    """

    evidence: Evidence
    ids: tuple[str, ...]
    held: bool = True
    owner_only: bool = False
    owner_asks: bool = False
    limits: frozenset[str] = frozenset()


def decide(use: Use, subject: Subject, *, policy: Policy, withdrawn: Mapping[str, Withdrawal]) -> Decision:
    """Whether this use of this item is allowed, with every reason against it, or the reason for it.

    ``withdrawn`` maps public ids to withdrawals in force (:class:`phonolith.rights.decisions.Decisions`, or the overlay
    of the running library). The status is the one to answer with over HTTP: 451 before 410 before 403 before 404.
    """
    against = list(_against(use, subject, policy, withdrawn))
    if against:
        status = max((status for status, _ in against), key=_PRECEDENCE.index)
        reasons = tuple(dict.fromkeys(reason for _, reason in against))
        return Decision(use, False, reasons, status, _ground(subject, withdrawn))
    return Decision(use, True, (_permission(use, subject),))


_PRECEDENCE = (ABSENT, FORBIDDEN, GONE, LEGAL)


def _against(
    use: Use, subject: Subject, policy: Policy, withdrawn: Mapping[str, Withdrawal]
) -> Iterator[tuple[int, str]]:
    """Every reason to deny the use, each with its HTTP status."""
    yield from _withdrawals(use, subject, withdrawn)
    yield from _limits(use, subject)
    if subject.owner_only:
        yield from _ownership(use, subject)
    elif use is not Use.LIST:
        yield from ((FORBIDDEN, reason) for reason in _evidence(use, subject, policy))
    if use not in (Use.LIST, Use.HOLD) and not subject.held:
        yield ABSENT, "No bytes of it are held here."


def _withdrawals(use: Use, subject: Subject, withdrawn: Mapping[str, Withdrawal]) -> Iterator[tuple[int, str]]:
    for one in subject.ids:
        found = withdrawn.get(one)
        if found is not None and (use is not Use.LIST or is_public_id(one)):  # of bytes it may be said that they were
            status, why = _GROUNDS.get(found.ground, (FORBIDDEN, "by a decision"))
            yield status, f"Withdrawn {why} (event {found.event}): {found.because}"


def _ground(subject: Subject, withdrawn: Mapping[str, Withdrawal]) -> str:
    """The weightiest ground of the withdrawals that count; what nobody withdrew fails by its licence."""
    found = {withdrawn[one].ground for one in subject.ids if one in withdrawn}
    return next((ground for ground in ("law", "owner") if ground in found), "licence")


def _limits(use: Use, subject: Subject) -> Iterator[tuple[int, str]]:
    for limit in sorted(subject.limits):
        if use in LIMITS.get(limit, frozenset(Use)):  # a limit that is not known forbids everything
            yield FORBIDDEN, f"Its source marks it {limit}, which forbids {_DOING[use]}."


def _ownership(use: Use, subject: Subject) -> Iterator[tuple[int, str]]:
    """A person's own collection: held, listed and streamed for that person, never published."""
    if use not in (Use.HOLD, Use.LIST, Use.STREAM):
        yield FORBIDDEN, "It belongs to a person's own collection, which is never published."
    elif use is not Use.HOLD and not subject.owner_asks:
        yield FORBIDDEN, "It belongs to a person's own collection and is there for that person only."


def _evidence(use: Use, subject: Subject, policy: Policy) -> Iterator[str]:
    """What speaks against touching the bytes."""
    evidence = subject.evidence
    if evidence.basis == "conflict":
        yield f"What is stated about its licence conflicts. {evidence.note}"
    elif evidence.licence is None:
        yield f"No licence is known. {evidence.note}"
    elif evidence.basis not in ("stated", "attested", "public-domain"):
        yield f"The evidence has the unknown basis {evidence.basis!r}."
    if evidence.level < SUFFICIENT:
        told = evidence.basis == "conflict" or evidence.licence is None  # the note, by the reason before
        words = f"The evidence is of level {int(evidence.level)}, and level {int(SUFFICIENT)} is needed."
        yield words if told else f"{words} {evidence.note}"
    if evidence.licence is None:
        return
    if getattr(evidence.licence, use.value) is not True:
        yield f"{evidence.licence.title} does not permit {_DOING[use]}."
    if not evidence.composition:
        yield "The licence covers the recording; the composition is by somebody else, and no licence for it is known."
    outside = territory.problem(evidence.licence, _places(use, policy))
    if outside:
        yield outside


def _places(use: Use, policy: Policy) -> tuple[str, ...]:
    """The territories in which the use takes place; () is everywhere."""
    if use is Use.REDISTRIBUTE:
        return policy.publish_territories
    return (policy.operator_territory,) if policy.operator_territory else ()


def _permission(use: Use, subject: Subject) -> str:
    if use is Use.LIST:
        return "Metadata may be listed: nobody withdrew it."
    if subject.owner_only:
        return "It is held for the person whose collection it belongs to."
    licence = subject.evidence.licence
    assert licence is not None  # _evidence denies without one
    return f"{licence.title} permits {_DOING[use]}. {subject.evidence.note}"

"""Weighs what was stated about a licence into one piece of evidence: the strongest counts, a contradiction denies.

Rules, in order:

1. Attestations in force stand at level 4, beside a rightsholder's own statement; so does what an artist or label
   confirmed by the artist's door, which covers the composition only where the record names no other writer.
2. Only the statements at the highest level that names a licence or contradicts itself count; weaker ones are mentioned.
3. Statements at that level that name different licences are a conflict: no licence, whatever else was said.
4. A text that names no licence exactly never allows anything, but it can deny: if it speaks of two licences, or of
   another one than its neighbour at the same level names, that is a conflict.
5. Two statements of level 2 that agree and come from independent sources make level 3. What came with the payload
   (tag, sidecar, licence file) is one source, and the same bytes seen twice are one source. Level 1 never rises.
6. Dates that put a work into the public domain count only where nobody stated or attested anything about a licence, at
   the level of who states the dates, in the territories where both layers are free on the day that is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from phonolith.model.licence import Licence
from phonolith.model.music import Level, LicenceStatement, Origin
from phonolith.rights import public_domain
from phonolith.rights.door import VOICES
from phonolith.rights.licences import parse

#: Who says so, when it is the payload itself that does.
WITH_PAYLOAD = frozenset({"tag", "sidecar", "licence-file"})

_OPERATOR = "operator"  # who says what was attested
_ATTESTERS = frozenset({_OPERATOR, *VOICES.values()})
_MENTION = re.compile(
    r"\bcc[ -]?0(?:[ -]1\.0)?\b|\bcc[ -]by(?:[ -](?:nc|nd|sa))*(?:[ -]\d\.\d)?\b|\b[al]?gpl\b|\bpublic domain\b"
    r"|\ball rights reserved\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://[^\s<>\"'()\[\]|,;]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attestation:
    """What was attested in one register event; ``capacity`` is ``rightsholder`` or ``licensee``.

    ``by`` is the operator, or who spoke by the artist's ``door``: artist, label or uploader.
    """

    licence: str
    capacity: str
    because: str
    event: int
    time: str = ""
    document: str = ""  # SHA-256 of a held document that shows it
    by: str = "operator"
    door: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the licence of one item; the columns of the catalogue's table ``rights``.

    ``licence`` is None where nothing was recognised or where statements conflict. ``level`` is 0 to 4. ``basis`` is
    ``stated``, ``attested``, ``public-domain``, ``conflict`` or ``none``. ``composition`` tells whether it covers the
    composition too. ``note`` is one sentence for a person.
    """

    licence: Licence | None
    level: int
    stated: str
    stated_by: str
    basis: str
    composition: bool
    note: str


NO_EVIDENCE = Evidence(None, Level.NONE, "", "", "none", False, "Nobody stated a licence.")
REVOKED = Evidence(None, Level.NONE, "", "", "none", False, "The attestation it rested on was revoked.")


def resolve(
    statements: Sequence[LicenceStatement],
    attestations: Sequence[Attestation] = (),
    *,
    composition_by_others: bool = False,
    origin: Origin | None = None,
    on: date = date.min,
) -> Evidence:
    """The evidence that statements and attestations in force amount to.

    ``composition_by_others``: the record names another writer, a cover or a remix, so a stated licence covers the
    recording only. The operator's attestation covers both, because it is of the item as a whole. ``origin`` is asked
    about the day ``on`` where nothing else is said.
    """
    if origin is not None and not statements and not attestations:
        return dated(origin, on)
    claims = [_Claim.attested(attestation) for attestation in attestations]
    claims += [_Claim.stated(statement) for statement in statements if statement.level > Level.NONE]
    telling = [claim for claim in claims if claim.licence or claim.contradicts_itself]
    if not telling:
        return _unrecognised(claims)
    level = max(claim.level for claim in telling)
    strongest = [claim for claim in claims if claim.level == level and (claim.licence or claim.mentions)]
    problem = _conflict(strongest)
    if problem:
        return _conflicting(strongest, level, problem)
    return _agreed([claim for claim in strongest if claim.licence], level, claims, composition_by_others)


@lru_cache(maxsize=4096)  # a catalogue repeats a few thousand pairs of years
def dated(origin: Origin, on: date) -> Evidence:
    """The evidence that dates amount to on a day: a licence for the territories where the work is free by then.

    Without a territory there is no licence; what is stated is kept all the same, because a later day may free it.
    """
    stated, by = public_domain.statement(origin), origin.by
    level = Level.PLATFORM if origin.level == Level.TWO_SOURCES else origin.level
    free = public_domain.free_in(origin, on)
    if not free:
        note = "By its dates it is not yet known to be in the public domain anywhere."
        return Evidence(None, level, stated, by, "public-domain", False, note)
    licence = public_domain.licence_for([term.territory for term in free])
    rules = ", ".join(sorted({rule.id for term in free for rule in term.rules}))
    note = f"By the dates that {by} states, recording and composition are both free there (rules {rules})."
    return Evidence(licence, level, stated, by, "public-domain", True, note)


def on_day(built: Evidence, on: date) -> Evidence:
    """The evidence of a build as it is on a day: what rests on dates is read again, anything else stays as it is."""
    if built.basis != "public-domain":
        return built
    return dated(public_domain.origin_of(built.stated, built.level, built.stated_by), on)


def since(built: Evidence, attestations: Sequence[Attestation], head: int) -> Evidence:
    """The evidence of a build that knew the events up to ``head``, as attestations and revocations since then leave it.

    ``attestations`` are those in force now for the item. What was attested and is revoked counts for nothing. Newer
    attestations are weighed against what the build concluded, by the rules above. Where only a build could see again
    what else was stated at their level, nothing is allowed until it does: it never allows more than a build would.
    """
    newer = [one for one in attestations if one.event > head]
    older = [one for one in attestations if one.event <= head]
    if built.basis == "attested" and not older:
        alone = set(built.stated_by.split(", ")) <= _ATTESTERS
        built = REVOKED
        if not alone:
            return built
    if not newer or (built.basis == "conflict" and built.level >= Level.RIGHTSHOLDER):
        return built
    stated = [LicenceStatement(built.stated, Level(built.level), built.stated_by)] if built.basis == "stated" else []
    known = [*(older if built.basis == "attested" else ()), *newer]
    now = resolve(stated, known, composition_by_others=not built.composition)
    # Whether somebody else wrote the composition only a build sees, where it found no licence that could cover one.
    waits = now.licence is not None and not now.composition and built.licence is None
    return built if waits else now


@dataclass(frozen=True, slots=True)
class _Claim:
    """A statement or an attestation, with what it names and what else it speaks of."""

    text: str
    by: str
    level: int
    licence: Licence | None
    mentions: frozenset[str]
    origin: str
    digest: str
    attested_as: str = ""
    by_door: bool = False

    @staticmethod
    def stated(statement: LicenceStatement) -> _Claim:
        licence = parse(statement.uri)
        mentions = frozenset() if licence else _mentions(statement.uri)
        # Level 3 is concluded here and nowhere else: nobody can state it of himself.
        level = Level.PLATFORM if statement.level == Level.TWO_SOURCES else statement.level
        by = statement.by.strip().casefold()
        origin = "payload" if by in WITH_PAYLOAD else by
        return _Claim(statement.uri, statement.by, level, licence, mentions, origin, statement.digest)

    @staticmethod
    def attested(attestation: Attestation) -> _Claim:
        licence = parse(attestation.licence)
        mentions = frozenset() if licence else _mentions(attestation.licence) | {"an unknown licence"}
        capacity = attestation.capacity
        by, origin = attestation.by, attestation.door or _OPERATOR
        told = attestation.licence, by, Level.RIGHTSHOLDER, licence, mentions, origin, "", capacity
        return _Claim(*told, bool(attestation.door))

    @property
    def contradicts_itself(self) -> bool:
        several = len(self.mentions) > 1
        return self.licence is None and (several or (self.level == Level.RIGHTSHOLDER and bool(self.mentions)))


def _mentions(text: str) -> frozenset[str]:
    """Which licences a text speaks of. Used to deny only, so it may be generous."""
    exact = {licence.code for address in _ADDRESS.findall(text) if (licence := parse(address.rstrip(".")))}
    rest = _ADDRESS.sub(" ", text)
    found = exact | {_plain(match[0]) for match in _MENTION.finditer(rest)}
    return frozenset(one for one in found if not any(one != other and _fits(one, other) for other in found))


def _plain(words: str) -> str:
    """``cc by-SA`` and ``CC-BY-SA`` as one spelling: the start of a licence code."""
    return re.sub("[ -]+", "-", words.upper()).replace("CC-0", "CC0")


def _conflict(claims: Iterable[_Claim]) -> str:
    """Why claims of equal strength cannot stand together, "" if they can."""
    listed = list(claims)
    named = sorted({claim.licence.code for claim in listed if claim.licence})
    if len(named) > 1:
        return f"Statements of equal strength name different licences: {', '.join(named)}"
    for claim in listed:
        if claim.contradicts_itself:
            return f"One statement speaks of several licences or of none that is known: {_shown(claim.text)}"
        if claim.licence is None and not all(_fits(mention, named[0]) for mention in claim.mentions):
            return f"{_shown(claim.text)} speaks against {named[0]}"
    return ""


def _fits(mention: str, code: str) -> bool:
    """Whether what a text speaks of is the licence with this code, as far as the text goes."""
    if mention == "PUBLIC-DOMAIN":
        return code in {"CC0", "CC0-1.0", "PDM-1.0", "CC-PDDC"}
    if code == mention:
        return True
    return code.startswith(f"{mention}-") and code[len(mention) + 1 :].split("-")[0] not in {"NC", "ND", "SA"}


def _conflicting(claims: Sequence[_Claim], level: int, problem: str) -> Evidence:
    stated = " | ".join(dict.fromkeys(claim.text for claim in claims))
    by = ", ".join(dict.fromkeys(claim.by for claim in claims))
    return Evidence(None, level, stated, by, "conflict", False, f"{problem}.")


def _unrecognised(claims: Sequence[_Claim]) -> Evidence:
    if not claims:
        return NO_EVIDENCE
    best = max(claims, key=lambda claim: claim.level)
    note = f"{_shown(best.text)} is not the address or identifier of a licence that is known."
    return Evidence(None, Level.NONE, best.text, best.by, "none", False, note)


def _agreed(chosen: Sequence[_Claim], level: int, claims: Sequence[_Claim], by_others: bool) -> Evidence:
    """Evidence from claims that all name the same licence at the same level."""
    first = chosen[0]
    licence = first.licence
    if level == Level.PLATFORM and _independent(chosen):
        level = Level.TWO_SOURCES
    by = ", ".join(dict.fromkeys(claim.by for claim in chosen))
    here = next((claim for claim in chosen if claim.attested_as and not claim.by_door), None)
    attested_as = next((claim.attested_as for claim in chosen if claim.attested_as), "")
    weaker = sorted({claim.licence.code for claim in claims if claim.licence and claim.licence != licence})
    note = _NOTES[Level(level)].format(by=by)
    if attested_as:
        note = f"The {by} confirmed it, by a page that a record here links to."
    if here:
        note = f"The operator of this archive attests it as {here.attested_as}."
    if weaker:
        note += f" Weaker statements name {', '.join(weaker)}."
    covers = here is not None or not by_others
    return Evidence(licence, level, first.text, by, "attested" if attested_as else "stated", covers, note)


def _independent(claims: Sequence[_Claim]) -> bool:
    """Whether at least two of the claims have different origins and do not rest on the same bytes."""
    return any(
        one.origin != other.origin and not (one.digest and one.digest == other.digest)
        for place, one in enumerate(claims)
        for other in claims[place + 1 :]
    )


def _shown(text: str) -> str:
    """A stated text as it can stand in a sentence: quoted, one line, at most 80 characters."""
    flat = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return f"“{flat[:79]}…”" if len(flat) > 80 else f"“{flat}”"


_NOTES = {
    Level.THIRD_PARTY: "A third party ({by}) says so; nobody closer to the work was asked.",
    Level.PLATFORM: "Stated by what came with the audio or by the platform that hosts it ({by}).",
    Level.TWO_SOURCES: "Two independent sources agree ({by}).",
    Level.RIGHTSHOLDER: "The rightsholder says so ({by}).",
}

"""Combines audits by several keys: what they agree on, how independently, and where they contradict each other.

Nothing is averaged and nothing is gained by number: the word on a claim is the strongest one that a report's own facts
carry, with how many keys say so beside it. The order in which reports are given changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import msgspec

from phonolith import __version__
from phonolith.audit.honest import CARRYING, honest_word
from phonolith.audit.received import Received, Seal, Verdict
from phonolith.audit.verdicts import Word
from phonolith.model.finding import Finding

COMBINED = "phonolith.audit.combined.1"
DISPUTED = "disputed"  # one refutes what another shows

_OWN = ("seed", "verdict", "why", "needed", "facts")  # fields of a verdict that are the auditor's, not the claim's
_SHOWING = (*(word.value for word in CARRYING), Word.REFUTED.value)  # what can be corroborated
_STRENGTH = (*_SHOWING, Word.CLAIMED.value, Word.UNVERIFIABLE.value)


class Vote(NamedTuple):
    """What one key says of one claim; ``word`` as far as its own facts carry it, ``evidence`` are digests."""

    word: str
    key: str
    auditor: str
    made: str
    seed: str
    evidence: tuple[str, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """One claim and what all keys say of it.

    ``keys`` is how many say the ``word``; ``independent`` counts keys whose samples are one by seed and evidence once.
    """

    claim: Verdict
    word: str
    keys: int
    independent: int
    agreed: bool
    votes: tuple[Vote, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Combined:
    """All claims, each with its votes; all reports, those that do not count too; and findings."""

    claims: tuple[Together, ...]
    reports: tuple[Received, ...]
    counted: frozenset[str]
    findings: tuple[Finding, ...]
    time: str


def combine(reports: Iterable[Received], *, now: str, known: Collection[str] = (), since: str = "") -> Combined:
    """Put reports together. Only properly signed ones count, for each key and claim the newest.

    ``known`` are the keys that count, where it is not empty; ``since`` the ISO date or time before which none does.
    """
    every: dict[tuple[str, Seal], Received] = {}
    for one in sorted(reports, key=lambda one: one.subject):
        every.setdefault((one.digest, one.seal), one)  # given twice it is one; a forged copy does not displace it
    mine = sorted(every.values(), key=lambda one: (one.report.made, one.digest, one.seal))
    findings = [finding for one in mine if (finding := _not_counted(one, known, since))]
    passed = [one for one in mine if _not_counted(one, known, since) is None]
    findings += _names(passed)
    votes: dict[Verdict, list[Vote]] = {}
    counted: set[str] = set()
    for one, verdict in _newest(passed, findings):
        counted.add(one.digest)
        votes.setdefault(_claim_of(verdict), []).append(_vote(one, verdict, findings))
    findings += _alike_by_name(votes)
    claims = tuple(_together(claim, said) for claim, said in votes.items())
    findings += [_disputed(one) for one in claims if one.word == DISPUTED]
    shown = tuple(sorted(set(findings), key=_gravest_first))
    return Combined(claims, tuple(mine), frozenset(counted), shown, now)


def data_of(told: Combined) -> Mapping[str, Any]:
    """What was combined as an object for JSON."""
    words = (*_STRENGTH, DISPUTED)
    return {
        "type": COMBINED,
        "made": told.time,
        "by": f"Phonolith {__version__}",
        "claims": [_claim_data(one) for one in told.claims],
        "words": {word: sum(one.word == word for one in told.claims) for word in words},
        "reports": [
            {
                "path": one.subject,
                "sha256": one.digest,
                "auditor": one.report.auditor,
                "key": one.report.key,
                "made": one.report.made,
                "seal": one.seal.value,
                "counted": one.seal is Seal.SIGNED and one.digest in told.counted,
            }
            for one in told.reports
        ],
        "findings": [asdict(one) for one in told.findings],
    }


def _gravest_first(one: Finding) -> tuple[int, str, str, str]:
    return ("error", "warning", "note").index(one.severity), one.code, one.subject, one.problem


# Which reports count


def _not_counted(one: Received, known: Collection[str], since: str) -> Finding | None:
    if one.seal is Seal.FORGED:
        problem = f"its signature is not by key {one.report.key or '(none)'}: it was changed, or never signed by it"
        return Finding("report.forged", one.subject, problem, "Get it again from its auditor", "error")
    if one.seal is Seal.UNSIGNED:
        return Finding("report.unsigned", one.subject, "nobody signed it, so it is not counted", "", "note")
    if known and one.report.key not in known:
        problem = f"it is by key {one.report.key}, which is none of those that were named"
        return Finding("report.unknown-key", one.subject, problem, "Name it with --key, if it is known", "note")
    if one.report.made < since:
        return Finding("report.old", one.subject, f"it is of {one.report.made}, before {since}", "", "note")
    return None


def _names(passed: Sequence[Received]) -> Iterator[Finding]:
    """One key under several names, and one name with several keys."""
    names, keys = defaultdict(set), defaultdict(set)
    for one in passed:
        names[one.report.key].add(one.report.auditor)
        keys[one.report.auditor].add(one.report.key)
    for key, told in names.items():
        if len(told) > 1:
            problem = f"it signs as {', '.join(sorted(map(repr, told)))}, and is counted as one"
            yield Finding("report.names", f"key {key}", problem, "", "warning")
    for name, signing in keys.items():
        if name and len(signing) > 1:
            problem = f"{len(signing)} keys sign under this name: whether one person has them all cannot be seen"
            yield Finding("report.keys", f"auditor {name!r}", problem, "Ask them; count known keys: --key", "warning")


def _newest(passed: Sequence[Received], findings: list[Finding]) -> Iterator[tuple[Received, Verdict]]:
    """For each key and claim the newest verdict; none where the key says two things at one time."""
    found: dict[tuple[str, Verdict], list[tuple[Received, Verdict]]] = {}
    for one in passed:
        for verdict in one.report.verdicts:
            found.setdefault((one.report.key, _claim_of(verdict)), []).append((one, verdict))
    for (key, claim), said in found.items():
        last = max(one.report.made for one, _ in said)
        for subject in sorted({one.subject for one, _ in said if one.report.made < last}):
            problem = f"there is a newer report by the same key, of {last}, which counts in its place"
            findings.append(Finding("report.older", subject, problem, "", "note"))
        newest = [(one, verdict) for one, verdict in said if one.report.made == last]
        if len({verdict.verdict for _, verdict in newest}) > 1:
            problem = f"key {key} signed two different verdicts on it at {last}; neither is counted"
            findings.append(Finding("report.twofold", f"claim {claim.id}", problem, "Ask which one holds", "error"))
            continue
        yield newest[0]


def _claim_of(verdict: Verdict) -> Verdict:
    """The claim alone: reports speak of the same if all of it is the same."""
    blank = {"seed": "", "verdict": "claimed", "why": (), "needed": (), "facts": ()}
    assert blank.keys() == set(_OWN)
    return msgspec.structs.replace(verdict, **blank)


def _vote(one: Received, verdict: Verdict, findings: list[Finding]) -> Vote:
    word = honest_word(verdict, one.report.findings)
    if word != verdict.verdict:
        problem = f"it says {verdict.verdict} of claim {verdict.id}, and its own facts carry {word}, which is counted"
        findings.append(Finding("report.overstated", one.subject, problem, "Ask its auditor for the facts", "error"))
    sources = {fact.source for fact in verdict.facts}
    mine = (part for part in one.report.evidence if part.of == verdict.of and part.path in sources and part.sha256)
    digests = tuple(sorted({part.sha256 for part in mine}))
    report = one.report
    return Vote(word, report.key, report.auditor, report.made, verdict.seed, digests, verdict.why)


def _alike_by_name(claims: Iterable[Verdict]) -> list[Finding]:
    """Other claims under one id: somebody judged another sentence than the others."""
    by_id = defaultdict(list)
    for one in claims:
        by_id[one.id].append(one)
    problem = "reports judge {} different claims under this id; each is listed for itself"
    remedy = "Give every auditor the same file of claims"
    return [
        Finding("combine.claim", f"claim {name}", problem.format(len(some)), remedy, "error")
        for name, some in by_id.items()
        if len(some) > 1
    ]


# What they say together


def _together(claim: Verdict, votes: Sequence[Vote]) -> Together:
    votes = sorted(votes, key=lambda vote: (_STRENGTH.index(vote.word), vote.key))
    words = {vote.word for vote in votes}
    shown = words & {word.value for word in CARRYING}
    word = DISPUTED if shown and Word.REFUTED.value in words else votes[0].word
    saying = [vote for vote in votes if vote.word == word]
    notes = tuple(_notes(saying, word)) if word in _SHOWING else ()
    return Together(claim, word, len(saying), _independent(saying, word), len(words) == 1, tuple(votes), notes)


def _disputed(one: Together) -> Finding:
    words = {vote.word for vote in one.votes}
    problem = f"auditors contradict each other: {', '.join(sorted(words))}"
    remedy = "Compare their evidence, digest by digest; look again where it is the same"
    return Finding("combine.disputed", f"claim {one.claim.id}", problem, remedy, "error")


def _independent(votes: Sequence[Vote], word: str) -> int:
    """How many keys, of those whose sample is one only the first."""
    if word != Word.SAMPLED.value:
        return len(votes)
    return len({(vote.seed, vote.evidence) for vote in votes})


def _notes(votes: Sequence[Vote], word: str) -> Iterator[str]:
    """What kind of agreement it is: the same evidence looked at again, or other evidence that says the same."""
    sets: dict[tuple[str, ...], int] = defaultdict(int)
    for vote in votes:
        sets[vote.evidence] += 1
    for digests, times in sorted(sets.items()):
        if digests and times > 1:
            yield f"The same evidence was looked at {_times(times)}: SHA-256 {', '.join(digests)}"
    different = [digests for digests in sets if digests]
    if len(different) > 1:
        yield f"{len(different)} different pieces of evidence say so"
    if sum(sets[digests] for digests in sets if not digests) > 1:
        yield "Whether the evidence was the same cannot be seen: it has no digest"
    if word == Word.SAMPLED.value:
        drawn: dict[tuple[str, tuple[str, ...]], int] = defaultdict(int)
        for vote in votes:
            drawn[vote.seed, vote.evidence] += 1
        for (seed, _), times in sorted(drawn.items()):
            if times > 1:
                by = f"drawn by seed {seed}" if seed else "drawn by no seed that is told"
                yield f"One sample, {by}, was looked at {_times(times)} and counts once"


def _times(number: int) -> str:
    return "twice" if number == 2 else f"{number} times"


def _claim_data(one: Together) -> dict[str, Any]:
    claim = msgspec.structs.asdict(one.claim)
    told = {name: value for name, value in claim.items() if name not in _OWN}
    digests = sorted({digest for vote in one.votes for digest in vote.evidence})
    return told | {
        "verdict": one.word,
        "keys": one.keys,
        "independent": one.independent,
        "corroborated": one.word in _SHOWING and one.independent > 1,
        "agreed": one.agreed,
        "notes": list(one.notes),
        "votes": [{**vote._asdict(), "evidence": list(vote.evidence), "why": list(vote.why)} for vote in one.votes],
        "evidence": [
            {"sha256": digest, "keys": sum(digest in vote.evidence for vote in one.votes)} for digest in digests
        ],
    }

"""Compares two audits over time: what changed in each claim, in the word on it, and in the evidence it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

from phonolith import __version__
from phonolith.audit.received import Exhibit, Received, Report, Seal, Verdict
from phonolith.audit.verdicts import Word
from phonolith.model.finding import Finding

COMPARED = "phonolith.audit.compared.1"

#: Words by how much of a claim they show. To be refuted is the least of all.
_RANK = {
    Word.REFUTED.value: -1,
    Word.CLAIMED.value: 0,
    Word.UNVERIFIABLE.value: 0,
    Word.CIRCULATING.value: 1,
    Word.SAMPLED.value: 2,
    Word.PROVEN.value: 3,
}
_SAID = ("sentence", "who", "where", "when", "of", "definition", "procedure", "part", "whole", "seed")
_FIGURES = ("quantity", "unit", "bound", "tolerance")


@dataclass(frozen=True, slots=True)
class Change:
    """What differs in one respect, ``what``; ``kind`` is text, figure, verdict, shown or evidence."""

    kind: str
    what: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Row:
    """One claim in both audits: the words on it ("" where it is not there), which way they went, and all changes."""

    id: str
    sentence: str
    was: str
    now: str
    went: str
    changes: tuple[Change, ...]


def compare(old: Report, new: Report) -> list[Row]:
    """Every claim of either audit: those of the new one in its order, then those that are gone.

    ``went`` is raised, lowered, new, gone or same; a word that changed and shows no more is other.
    """
    before = {one.id: one for one in old.verdicts}
    after = {one.id: one for one in new.verdicts}
    evidence = {of: tuple(_evidence(old, new, of)) for of in {one.of for one in (*old.verdicts, *new.verdicts)}}
    rows = [_row(before.get(one.id), one, evidence[one.of]) for one in new.verdicts]
    return rows + [_row(one, None, ()) for one in old.verdicts if one.id not in after]


def data_of(old: Received, new: Received, *, now: str) -> Mapping[str, Any]:
    """The comparison as an object for JSON."""
    rows = compare(old.report, new.report)
    ways = ("raised", "lowered", "other", "new", "gone", "same")
    return {
        "type": COMPARED,
        "made": now,
        "by": f"Phonolith {__version__}",
        "old": _side(old),
        "new": _side(new),
        "claims": [asdict(one) for one in rows],
        "went": {way: sum(one.went == way for one in rows) for way in ways},
        "findings": [asdict(one) for one in findings(old, new)],
    }


def findings(old: Received, new: Received) -> list[Finding]:
    """What is wrong with comparing these two: forged ones, another auditor, the newer one first."""
    found = []
    for one in (old, new):
        if one.seal is Seal.FORGED:
            problem = "its signature is not by the key it names: it was changed, or never signed by it"
            found.append(Finding("report.forged", one.subject, problem, "Get it again from its auditor", "error"))
    if old.report.made > new.report.made:
        problem = f"it is of {old.report.made}, and the other of {new.report.made}"
        found.append(Finding("compare.order", old.subject, problem, "Name the older report first", "warning"))
    if old.report.key != new.report.key:
        problem = "the two reports are not by one key: what differs may be the auditor"
        found.append(Finding("compare.keys", new.subject, problem, "", "note"))
    return found


def _side(one: Received) -> dict[str, Any]:
    told = one.report
    return {
        "path": one.subject,
        "made": told.made,
        "auditor": told.auditor,
        "key": told.key,
        "seal": one.seal.value,
        "sha256": one.digest,
    }


def _row(old: Verdict | None, new: Verdict | None, evidence: Sequence[Change]) -> Row:
    one = new or old
    assert one is not None
    was, now = old.verdict if old else "", new.verdict if new else ""
    changes = (*_changes(old, new), *evidence) if old and new else ()
    return Row(one.id, one.sentence, was, now, _went(was, now), changes)


def _went(was: str, now: str) -> str:
    if not was or not now:
        return "gone" if was else "new"
    by = _RANK[now] - _RANK[was]
    return "raised" if by > 0 else "lowered" if by < 0 else "same" if was == now else "other"


def _changes(old: Verdict, new: Verdict) -> Iterator[Change]:
    for name in _SAID:
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield Change("text", name, was, now)
    if any(getattr(old, name) != getattr(new, name) for name in _FIGURES):
        yield Change("figure", "figure", _figure(old), _figure(new))
    if old.verdict != new.verdict:
        yield Change("verdict", "verdict", old.verdict, new.verdict)
    was, now = "; ".join(old.why), "; ".join(new.why)
    if was != now:
        yield Change("shown", "what was shown", was, now)


def _figure(one: Verdict) -> str:
    amount = f"{one.bound} {_amount(one.quantity)} {one.unit}"
    return f"{amount}, within {_amount(one.tolerance)}" if one.tolerance else amount


def _amount(value: float) -> str:
    return f"{value:,}".removesuffix(".0")


def _evidence(old: Report, new: Report, of: str) -> Iterator[Change]:
    """Evidence about ``of`` that is new, gone, or of another digest under the name of its file."""
    before, after = _by_name(old, of), _by_name(new, of)
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None or now is None or was.sha256 != now.sha256:
            yield Change("evidence", name, _digest(was), _digest(now))


def _by_name(report: Report, of: str) -> dict[str, Exhibit]:
    return {PurePath(one.path).name: one for one in report.evidence if one.of == of}


def _digest(one: Exhibit | None) -> str:
    return "" if one is None else one.sha256 or "of no digest"

"""Files of rows as evidence: SQLite, CSV, TSV, JSON lines, Parquet, in which the procedures of claims count."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.counted import Answer, Check, Unreadable
from phonolith.audit.counting import kind_of
from phonolith.audit.exhibits import Exhibit, Given, Looked, unreadable
from phonolith.audit.procedures import check_of, elsewhere
from phonolith.audit.tables import CHANGED, ask, state_of
from phonolith.audit.units import COUNTED, UNSEEN, Unit
from phonolith.audit.verdicts import Basis, Fact
from phonolith.errors import BadInput
from phonolith.model.finding import Finding
from phonolith.store.files import storage_errors

_JOURNALS = ("-wal", "-journal")


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Add what is counted in a file of rows; one that cannot be read is a finding. Raises StorageError."""
    try:
        kind = kind_of(str(given.path))
    except (Unreadable, OSError) as error:
        told.findings.append(unreadable(given, str(error)))
        told.exhibits.append(Exhibit(given, "unreadable"))
        return
    before = state_of(given.path)
    told.exhibits.append(Exhibit(given, kind, digest_of(given.path), given.path.stat().st_size))
    if state_of(given.path) != before:
        told.findings.append(unreadable(given, CHANGED))
        return
    count(told, given, kind, claims)


def count(told: Looked, given: Given, kind: str, claims: Sequence[Claim]) -> None:
    """Add what the procedures of claims count in a file of rows; ``kind`` as :func:`kind_of` tells it.

    A claim without a procedure is about the rows if that is clear; else a note says what it lacks, since it may be
    about other evidence.
    """
    asked: list[tuple[Claim, Unit]] = []
    checks: list[Check] = []
    things = {one.unit.name for one in claims if not one.procedure} & (set(COUNTED) - UNSEEN)
    for claim in claims:
        if elsewhere(claim.procedure) or (claim.unit.dimension == "share" and not claim.procedure):
            continue  # a share follows from the claims on its part and whole
        try:
            if not claim.procedure:
                _check_clear(claim, kind, things)
            check, unit = check_of(claim, kind)
            _check_table(claim, check, kind, given)
        except BadInput as error:
            severity = _severity(claim)
            told.findings.append(Finding(error.code, error.subject, error.problem, error.remedy, severity))
            continue
        checks.append(check)
        asked.append((claim, unit))
    if checks:
        _take(told, given, asked, ask(given.path, checks), whole=is_whole(told, given))


def is_whole(told: Looked, given: Given) -> bool:
    """Whether nothing is left open by a file of rows; a journal beside a database, which is not read, is a finding."""
    names = [f"{given.path.name}{ending}" for ending in _JOURNALS]
    found = [name for name in names if (path := given.path.with_name(name)).is_file() and path.stat().st_size]
    if found:
        problem = f"{found[0]} is beside it, and what that changes was not read: there may be more, or other, rows"
        remedy = "Give a copy that SQLite made of both: VACUUM INTO"
        told.findings.append(Finding("evidence.journal", str(given.path), problem, remedy))
    return given.whole and not found


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises StorageError."""
    with storage_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_clear(claim: Claim, kind: str, things: Set[str]) -> None:
    """Rows are one thing alone, and nobody's listening: of several that are claimed it is not clear which they are."""
    unclear = claim.unit.name in things and len(things) > 1 and kind != "SQLite"  # there tables have names
    if unclear or claim.unit.name in UNSEEN:
        others = f", and so do others of {', '.join(sorted(things - {claim.unit.name}))}" if unclear else ""
        problem = f"it does not say what in this file is counted as {claim.unit.name}{others}"
        remedy = "Give it a procedure: rows, or distinct COLUMN"
        raise BadInput(f"claim {claim.id}", problem, remedy, code="claims.procedure")


def _check_table(claim: Claim, check: Check, kind: str, given: Given) -> None:
    """A file that is one table has no other; in JSON lines the name in front of a column is an object's."""
    named = check.table if check.what == "rows" or kind != "JSON lines" else ""
    if named and kind != "SQLite" and named not in (given.path.name, given.path.stem):
        problem, remedy = f"there is no table {named!r} in {given.path.name}", "Leave the table out, or name the file"
        raise BadInput(f"claim {claim.id}", problem, remedy, code="claims.procedure")


def _severity(claim: Claim) -> str:
    return "warning" if claim.procedure else "note"


def _take(told: Looked, given: Given, asked: Sequence[tuple[Claim, Unit]], answer: Answer, *, whole: bool) -> None:
    if answer.problem:
        told.findings.append(unreadable(given, answer.problem))
        return
    for (claim, unit), counted in zip(asked, answer.counted, strict=True):
        if counted.value is None:
            remedy = "Correct it" if claim.procedure else "Give it a procedure: rows TABLE, or one SELECT"
            told.findings.append(
                Finding("evidence.procedure", f"claim {claim.id}", counted.problem, remedy, _severity(claim))
            )
            continue
        amount = counted.value * unit.scale
        most = amount if whole else float("inf")
        how = f"{claim.procedure or 'rows'}, {'written' if counted.stated else 'counted'} in {given.path.name}"
        basis = Basis.STATED if counted.stated else Basis.READ
        fact = Fact(claim.unit.dimension, amount, most, basis, str(given.path), how, claim.of, claim.definition)
        told.facts[claim.id].append(fact)

"""Files of rows as evidence: SQLite, CSV, TSV, JSON lines, Parquet, in which the procedures of claims count."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.counted import Answer, Check, Unreadable
from phonolith.audit.counting import kind_of
from phonolith.audit.exhibits import Exhibit, Given, Looked, unreadable
from phonolith.audit.procedures import check_of
from phonolith.audit.tables import ask
from phonolith.audit.units import Unit
from phonolith.audit.verdicts import Basis, Fact
from phonolith.errors import BadInput
from phonolith.model.finding import Finding
from phonolith.store.files import storage_errors


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Add what is counted in a file of rows; one that cannot be read is a finding. Raises StorageError."""
    try:
        kind = kind_of(str(given.path))
    except (Unreadable, OSError) as error:
        told.findings.append(unreadable(given, str(error)))
        told.exhibits.append(Exhibit(given, "unreadable"))
        return
    told.exhibits.append(Exhibit(given, kind, digest_of(given.path), given.path.stat().st_size))
    count(told, given, kind, claims)


def count(told: Looked, given: Given, kind: str, claims: Sequence[Claim]) -> None:
    """Add what the procedures of claims count in a file of rows; ``kind`` as :func:`kind_of` tells it."""
    asked: list[tuple[Claim, Unit]] = []
    checks: list[Check] = []
    for claim in claims:
        try:
            check, unit = check_of(claim, kind)
        except BadInput as error:
            told.findings.append(Finding(error.code, error.subject, error.problem, error.remedy))
            continue
        checks.append(check)
        asked.append((claim, unit))
    if checks:
        _take(told, given, asked, ask(given.path, checks))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises StorageError."""
    with storage_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take(told: Looked, given: Given, asked: Sequence[tuple[Claim, Unit]], answer: Answer) -> None:
    if answer.problem:
        told.findings.append(unreadable(given, answer.problem))
        return
    for (claim, unit), counted in zip(asked, answer.counted, strict=True):
        if counted.value is None:
            told.findings.append(Finding("evidence.procedure", f"claim {claim.id}", counted.problem, "Correct it"))
            continue
        amount = counted.value * unit.scale
        most = amount if given.whole else float("inf")
        how = f"{claim.procedure or 'rows'}, counted in {given.path.name}"
        basis = Basis.READ
        fact = Fact(claim.unit.dimension, amount, most, basis, str(given.path), how, claim.of, claim.definition)
        told.facts[claim.id].append(fact)

"""Procedures of claims: the words that say how a figure is found in evidence."""

from __future__ import annotations

import re
from typing import NoReturn

from phonolith.audit.anatomy import SLICES
from phonolith.audit.claims import ROWS, Claim
from phonolith.audit.counted import Check
from phonolith.audit.units import COUNTED, Unit, unit
from phonolith.errors import BadInput

METAINFO = "metainfo"  # what torrents list, which their metainfo proves; without it they only describe what may exist
COMMITTED = "committed"  # what a log had, on the claim's day at the latest, by the signature of its key
CATALOGUE = "catalogue"  # what this program's own SQL counts in a catalogue

_SQL = re.compile(r"(?:SELECT|WITH)\s", re.IGNORECASE)
_NAMED = re.compile(r"(rows|distinct|sum)(?:\s+(?:(\S+)\.)?(\S+))?(?:\s+in\s+(\S+))?(?:\s+where\s+(\S+)\s*=\s*(.+))?")


def selective(procedure: str) -> bool:
    """Whether a procedure chooses rows, or a part: then its claim speaks of those alone, and of no other claim's."""
    return bool(_SQL.match(procedure)) or " where " in procedure or procedure.startswith(f"{METAINFO} ")


def elsewhere(procedure: str) -> bool:
    """Whether a procedure counts in evidence of another kind than files of rows."""
    return procedure.partition(" ")[0] in (METAINFO, COMMITTED, CATALOGUE)


def check_of(claim: Claim, kind: str) -> tuple[Check, Unit]:
    """What is to be counted in a file of rows for a claim, and the unit it comes in; ``kind`` is that of the file.

    Nothing said is ``rows``, in SQLite of the table that has the unit's name. Raises BadInput where the procedure is
    none of ``rows [TABLE]``, ``distinct [TABLE.]COLUMN``, ``sum [TABLE.]COLUMN [in UNIT]``, each with ``where COLUMN =
    VALUE`` behind it, and one SELECT; leaves the table open that SQLite needs, names a unit of another dimension, or
    counts what the claim does not speak of: rows are no bytes, and not as many as there are different ISRCs.
    """
    told = claim.procedure.strip() or (f"rows {claim.unit.name}" if kind == "SQLite" else "rows")
    if _SQL.match(told):
        return Check("sql", sql=told), claim.unit
    match = _NAMED.fullmatch(told)
    if match is None:
        _wrong(claim, f"its procedure is {told!r}", "Use rows, distinct COLUMN, sum COLUMN in UNIT, or one SELECT")
    what, table, last = match[1], match[2] or "", match[3] or ""
    if what != "sum":
        _check_counts(claim, what)
    if what == "rows":
        table, last = f"{table}.{last}" if table else last, ""
    elif not last:
        _wrong(claim, f"its procedure {what!r} names no column", f"Write: {what} COLUMN")
    if kind == "SQLite" and not table:
        _wrong(claim, "its procedure names no table", f"Write: {what} TABLE{'.COLUMN' if last else ''}")
    if kind == "SQLite" and match[5]:
        _wrong(claim, "its procedure chooses rows of SQLite by 'where'", "Write one SELECT")
    return Check(what, table, last, where=match[5] or "", value=(match[6] or "").strip()), _unit(claim, match[4])


def slice_of(claim: Claim) -> str | None:
    """Which part of what torrents list a claim is about: a word of :data:`SLICES`, "" for all, None for no listing.

    Raises BadInput where there is no such part.
    """
    first, *rest = claim.procedure.split() or [""]
    if first != METAINFO:
        return None
    if len(rest) > 1 or (rest and rest[0] not in SLICES):
        known = ", ".join(SLICES)
        _wrong(claim, f"its procedure names a part of torrents that there is not: {' '.join(rest)!r}", f"Use {known}")
    return rest[0] if rest else ""


def _check_counts(claim: Claim, what: str) -> None:
    """Rows and values are things; what is claimed in bytes, time or shares of them is no number of rows."""
    if claim.unit.name not in COUNTED:
        _wrong(claim, f"it speaks of {claim.unit.name}, and {what} counts things", "Write: sum COLUMN in UNIT")
    if what == "rows" and (claim.definition or ROWS) != ROWS:
        _wrong(claim, f"its definition is {claim.definition!r}, and rows counts rows", "Write: distinct COLUMN")


def _unit(claim: Claim, name: str | None) -> Unit:
    found = unit(name, f"claim {claim.id}") if name else claim.unit
    if found.dimension != claim.unit.dimension:
        _wrong(claim, f"its procedure counts {found.name} and it speaks of {claim.unit.name}", "Use one dimension")
    return found


def _wrong(claim: Claim, problem: str, remedy: str) -> NoReturn:
    raise BadInput(f"claim {claim.id}", problem, remedy, code="claims.procedure")

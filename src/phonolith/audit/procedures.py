"""Procedures of claims: the words that say how a figure is found in evidence."""

from __future__ import annotations

import re
from typing import NoReturn

from phonolith.audit.claims import Claim
from phonolith.audit.counted import Check
from phonolith.audit.units import Unit, unit
from phonolith.errors import BadInput

METAINFO = "metainfo"  # what torrents list, which their metainfo proves; without it they only describe what may exist
COMMITTED = "committed"  # what a log had, on the claim's day at the latest, by the signature of its key

_SQL = re.compile(r"(?:SELECT|WITH)\s", re.IGNORECASE)
_NAMED = re.compile(r"(rows|distinct|sum)(?:\s+(?:(\S+)\.)?(\S+))?(?:\s+in\s+(\S+))?")


def check_of(claim: Claim, kind: str) -> tuple[Check, Unit]:
    """What is to be counted in a file of rows for a claim, and the unit it comes in; ``kind`` is that of the file.

    Nothing said is ``rows``, in the claim's own unit. Raises BadInput where the procedure is none of ``rows [TABLE]``,
    ``distinct [TABLE.]COLUMN``, ``sum [TABLE.]COLUMN [in UNIT]`` and one SELECT, leaves the table open that SQLite
    needs, or names a unit of another dimension.
    """
    told = claim.procedure.strip() or "rows"
    if _SQL.match(told):
        return Check("sql", sql=told), claim.unit
    match = _NAMED.fullmatch(told)
    if match is None:
        _wrong(claim, f"its procedure is {told!r}", "Use rows, distinct COLUMN, sum COLUMN in UNIT, or one SELECT")
    what, table, last = match[1], match[2] or "", match[3] or ""
    if what == "rows":
        table, last = f"{table}.{last}" if table else last, ""
    elif not last:
        _wrong(claim, f"its procedure {what!r} names no column", f"Write: {what} COLUMN")
    if kind == "SQLite" and not table:
        _wrong(claim, "its procedure names no table", f"Write: {what} TABLE{'.COLUMN' if last else ''}")
    return Check(what, table, last), _unit(claim, match[4])


def _unit(claim: Claim, name: str | None) -> Unit:
    found = unit(name, f"claim {claim.id}") if name else claim.unit
    if found.dimension != claim.unit.dimension:
        _wrong(claim, f"its procedure counts {found.name} and it speaks of {claim.unit.name}", "Use one dimension")
    return found


def _wrong(claim: Claim, problem: str, remedy: str) -> NoReturn:
    raise BadInput(f"claim {claim.id}", problem, remedy, code="claims.procedure")

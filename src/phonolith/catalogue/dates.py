"""Dates as sources write them: what can be read from them, and what is wrong with the rest."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass

_FORM = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?:T.*|\s+\d{2}:.*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """Year, month and day as far as they are known, and why the text cannot be a date (None if it can)."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    problem: str | None = None


def parse_date(written: str) -> ParsedDate:
    """Read ``2001``, ``2001-05``, ``2001-05-17`` (also with ``/`` or ``.``, without hyphens, or followed by a time).

    Year 0000, months beyond 12 and days that the month does not have are problems; what stands before them is kept.
    A month or day of 00 is unknown, as in ``1999-00-00`` (ISO 9075 has no such date, sources write it).
    """
    text = written.strip()
    match = _COMPACT.fullmatch(text) or _FORM.fullmatch(text)
    if match is None:
        return ParsedDate(problem="not a date")
    year, month, day = (int(part) if part else 0 for part in match.groups())
    if year == 0:
        return ParsedDate(problem="0000")
    if month > 12:
        return ParsedDate(year, problem=f"month {month}")
    if month == 0:
        return ParsedDate(year, problem=f"day {day} of no month" if day else None)
    if day > calendar.monthrange(year, month)[1]:
        return ParsedDate(year, month, problem=f"day {day} in month {month}")
    return ParsedDate(year, month, day or None)

"""What is asked of a stranger's file and what is answered: counts, and why there is none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

MEMORY = 512 << 20  # bytes of address space beyond what the interpreter took before it began


class Check(msgspec.Struct, frozen=True):
    """What is counted: ``rows``, ``distinct`` or ``sum`` of a column, or ``sql`` with one number as its answer.

    ``where`` is a column whose text must be ``value``; "" for all rows.
    """

    what: str
    table: str = ""
    column: str = ""
    sql: str = ""
    where: str = ""
    value: str = ""


class Request(msgspec.Struct, frozen=True):
    """A file, what to count in it, and the seconds that may take."""

    path: str
    checks: tuple[Check, ...]
    seconds: float


class Counted(msgspec.Struct, frozen=True):
    """The number that a check gave, or why it gave none. ``stated``: the file only says it; nothing was counted."""

    value: float | int | None = None
    problem: str = ""
    stated: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What was counted, in the order of the checks; ``problem`` where the file cannot be read at all."""

    counted: tuple[Counted, ...] = ()
    kind: str = ""
    problem: str = ""


class Unreadable(Exception):
    """Why a file cannot be counted in, as a sentence's end."""


def number(value: Any) -> Counted:
    """A count that a query gave. What is no number, or none that means anything, is a problem."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return Counted(
            problem=f"{str(value)[:60]!r} is no number" if value is not None else "there is nothing to count"
        )
    found = value if isinstance(value, int) else float(value)
    return Counted(found) if abs(found) < 1e30 else Counted(problem="the number is too large to mean anything")

"""What an audit may spend on reading bytes, and by which seed it draws what it reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phonolith.audit.payload.hearing import Hear
from phonolith.audit.units import UNITS
from phonolith.errors import BadInput

#: Bytes that an audit reads unless a budget is given: minutes, not hours, on one processor.
DEFAULT = 1_000_000_000
EVERYTHING = "all"

_BUDGET = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)")


@dataclass(slots=True)
class Effort:
    """``budget`` in bytes, None for everything there is; ``seed``, "" for that of the claims.

    ``until_settled``: reading ends as soon as every verdict is. ``exhibits`` of bytes are still to come, and what one
    leaves over of its even share goes to those.
    """

    budget: int | None = DEFAULT
    seed: str = ""
    until_settled: bool = False
    exhibits: int = 1
    hear: Hear | None = None  # decodes; None for a limited child

    def share(self) -> int | None:
        """What the next exhibit may read."""
        return None if self.budget is None else self.budget // max(1, self.exhibits)

    def spend(self, read: int) -> None:
        """So much of it was read."""
        self.exhibits -= 1
        if self.budget is not None:
            self.budget = max(0, self.budget - read)


def budget_of(text: str | None) -> int | None:
    """Bytes of a budget as a person writes it: ``2GB``, ``500 MiB``, ``0``; None of ``all``. Raises BadInput."""
    if text is None:
        return DEFAULT
    if text == EVERYTHING:
        return None
    match = _BUDGET.fullmatch(text.strip())
    unit = UNITS.get((match[2] or "bytes") if match else "")
    if match is None or unit is None or unit.dimension != "bytes":
        raise BadInput(f"budget {text}", "is no amount of bytes", "Write 2GB, 500MiB or all", code="audit.budget")
    return int(float(match[1]) * unit.scale)

"""What the artist's door needs from outside: who looks at pages, and who knows what a field may hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from phonolith.rights.door_pages import Page


@dataclass(frozen=True, slots=True)
class Seen:
    """What looking at a page brought.

    ``found`` is where the code stood (``phonolith.rights.door.FOUND``), "" nowhere, and then ``problem`` says why.
    ``at`` is the address that was read in the end, ``snapshot`` the SHA-256 of its bytes, "" where there were none.
    """

    found: str
    at: str
    snapshot: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """``look`` says whether a code stands on a page, and never raises; ``check`` raises UsageError for a value.

    ``check`` is given the kind of a thing, the field, and its value.
    """

    look: Callable[[Page, str], Seen]
    check: Callable[[str, str, str | None], None]

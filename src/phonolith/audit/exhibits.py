"""What evidence is while it is looked at: what was given, what it turned out to be, and what it shows of the claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phonolith.audit.effort import Effort
from phonolith.audit.torrents import Described
from phonolith.audit.verdicts import Fact
from phonolith.model.finding import Finding


@dataclass(frozen=True, slots=True)
class Given:
    """Evidence about what ``of`` names. ``whole``: it is all of that, so what it has not is not there.

    ``kind`` is what whoever gives it calls it, "" where its content tells.
    """

    of: str
    path: Path
    whole: bool = True
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Evidence as it was looked at: its kind, and a digest by which anybody tells it is the same (SHA-256).

    Of torrents it is the digest of their infohashes, sorted, since files around the same metainfo may differ.
    """

    given: Given
    kind: str
    digest: str = ""
    size: int = 0
    described: Described | None = None
    read: Mapping[str, Any] | None = None  # of bytes: what was drawn and read, for the report


@dataclass(slots=True)
class Looked:
    """What all evidence shows: facts by the claim they are about, exhibits, and findings; ``effort``: for looking."""

    facts: dict[str, list[Fact]] = field(default_factory=dict)
    exhibits: list[Exhibit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    effort: Effort = field(default_factory=Effort)


def unreadable(given: Given, problem: str) -> Finding:
    """The finding that evidence shows nothing, since it cannot be read."""
    return Finding("evidence.unreadable", str(given.path), problem, "Get it again, or leave it out", "warning")

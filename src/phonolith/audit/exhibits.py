"""What evidence is while it is looked at: what was given, what it turned out to be, and what it shows of the claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from phonolith.audit.effort import Effort
from phonolith.audit.extracted import Listed
from phonolith.audit.torrents import Described
from phonolith.audit.verdicts import Fact
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress, Silent


@dataclass(frozen=True, slots=True)
class Given:
    """Evidence about what ``of`` names. ``whole``: it is all of that, so what it has not is not there.

    ``kind`` is what whoever gives it calls it, "" where its content tells. ``log`` names the log that proofs have to be
    of, by its name or a key of it, "" where that was not said.
    """

    of: str
    path: Path
    whole: bool = True
    kind: str = ""
    log: str = ""


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
    offered: Mapping[str, Any] | None = (
        None  # of listings: on which days how many torrents had a seeder, for the report
    )


@dataclass(frozen=True, slots=True)
class Known:
    """A torrent of which the metainfo was given: infohashes in hexadecimal, v1 and v2, and what it lists.

    ``amounts`` are counts by dimension (bytes, files, tracks, images); with ``padding`` they are the bytes that some
    listings state.
    """

    given: Given
    infohashes: tuple[str, ...]
    amounts: Mapping[str, int]
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """Torrents as rows have them: of a ``listing``, of what an archive says it ``published``, looks at a ``swarm``,
    which are about torrents that others name, or ``magnets``, which are words. ``open_end``: there may be more.
    """

    given: Given
    listed: tuple[Listed, ...]
    kind: str = "listing"
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """What a head of a log covers, of what was shown: SHA-256 and size of objects. ``whole``: beyond the head before
    it covers nothing else. ``time`` is when, by the signer's clock, ISO 8601."""

    given: Given
    log: str
    time: str
    leaves: tuple[tuple[bytes, int], ...]
    whole: bool


@dataclass(slots=True)
class Looked:
    """What all evidence shows: facts by the claim they are about, exhibits, and findings.

    ``today`` is the ordinal of the day of the audit. ``known``, ``seen`` and ``committed`` are what several
    exhibits may speak of: what they show together is told at the end. ``effort`` is for looking at bytes.
    """

    facts: dict[str, list[Fact]] = field(default_factory=dict)
    exhibits: list[Exhibit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    effort: Effort = field(default_factory=Effort)
    today: int = date.max.toordinal()
    known: list[Known] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    committed: list[Committed] = field(default_factory=list)
    progress: Progress = field(default_factory=Silent)


def unreadable(given: Given, problem: str) -> Finding:
    """The finding that evidence shows nothing, since it cannot be read."""
    return Finding("evidence.unreadable", str(given.path), problem, "Get it again, or leave it out", "warning")

"""Looks at swarms as evidence: they date an offer of torrents that other evidence names, and name none themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Given, Looked
from phonolith.audit.extracting import extract
from phonolith.audit.in_text import ENDINGS
from phonolith.audit.kinds.listing import day_in, take


def fits(path: Path) -> bool:
    """Whether this is called as an archive's observations are."""
    return path.is_file() and path.name == "observations.sqlite"


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Take up looks at swarms, from an archive's observations or a listing of many torrents. Raises StorageError."""
    kind = "listing" if given.path.suffix.lower() in (*ENDINGS, ".json") else "swarm"
    take(told, given, "swarm", extract(given.path, kind, today=told.today, day=day_in(given.path.name)))

"""A whole archive of Phonolith's as evidence, anybody's: its catalogue, its log, and what it saw of its own swarms.

None of it is trusted because of where it lies: each part is read as if a stranger had handed it over alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Given, Looked
from phonolith.audit.extracting import extract
from phonolith.audit.kinds import catalogue, proof
from phonolith.audit.kinds.listing import take
from phonolith.model.finding import Finding


def fits(path: Path) -> bool:
    """Whether this is the folder of an archive."""
    return path.is_dir() and (path / "held" / "FORMAT").is_file()


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Put each part of an archive to the reader of its kind. Raises StorageError."""
    built, log = given.path / "derived" / "catalogue.sqlite", given.path / "held" / "log"
    if catalogue.fits(built):
        catalogue.look(told, replace(given, path=built), claims)
    else:
        problem = "it has no catalogue that can be counted in"
        told.findings.append(Finding("archive.catalogue", str(given.path), problem, "phonolith build", "note"))
    if (log / "heads.jsonl").is_file():
        proof.look(told, replace(given, path=log), claims)
    for name, kind in (("register.sqlite", "published"), ("observations.sqlite", "swarm")):
        part = replace(given, path=given.path / "held" / name)
        if part.path.is_file():
            take(told, part, kind, extract(part.path, kind, today=told.today))

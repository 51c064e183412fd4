"""Torrents as evidence: a .torrent, or a folder of them, which show what their metainfo lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Exhibit, Given, Known, Looked
from phonolith.audit.procedures import METAINFO
from phonolith.audit.stacks import read_stack
from phonolith.audit.torrents import Torrent, amounts_of, described, facts_of, odd
from phonolith.errors import BadInput
from phonolith.model.finding import Finding

_TORRENT = ".torrent"


def fits(path: Path) -> bool:
    """Whether this is a torrent, or a folder with one somewhere in it."""
    return next(path.rglob(f"*{_TORRENT}"), None) is not None if path.is_dir() else path.suffix == _TORRENT


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Add what torrents show of the claims; those that cannot be read are findings."""
    paths = sorted(given.path.rglob(f"*{_TORRENT}")) if given.path.is_dir() else [given.path]
    before = len(told.findings)
    sound = described(_noted(told, given, read_stack(paths, told.findings, told.progress)))
    whole = given.whole and len(told.findings) == before  # else there may be more than was read
    told.findings += odd(sound, str(given.path))
    digest = hashlib.sha256(b"".join(sorted(sound.infohashes))).hexdigest()
    told.exhibits.append(Exhibit(given, "torrents", digest, described=sound))
    for claim in (one for one in claims if one.procedure.partition(" ")[0] in ("", METAINFO)):  # others count elsewhere
        try:
            told.facts[claim.id] += facts_of(claim, sound, str(given.path), whole=whole)
        except BadInput as error:
            told.findings.append(Finding(error.code, error.subject, error.problem, error.remedy))


def _noted(told: Looked, given: Given, torrents: Iterable[Torrent]) -> Iterator[Torrent]:
    """The torrents, each remembered for what other evidence tells of it."""
    for one in torrents:
        told.known.append(Known(given, tuple(part.hex() for part in one.infohashes), amounts_of(one), one.padding))
        yield one

"""What is at risk: whose licence tightened, beside which something vanished, or whose release has few copies."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pyroaring import BitMap

from phonolith.errors import NotFound, PhonolithError
from phonolith.library.at_risk import AtRisk, Facts
from phonolith.library.changes import changes
from phonolith.library.publications import files
from phonolith.library.reading import Library, Reading

#: The releases that have tracks of which these objects are the audio.
_RELEASES = """
SELECT DISTINCT t.release FROM json_each(?) j CROSS JOIN object o ON o.sha256 = unhex(j.value)
CROSS JOIN file f ON f.object = o.id CROSS JOIN track t ON t.id = f.subject / 4
WHERE f.subject >= 0 AND f.subject % 4 = 0 AND f.role = 'audio'"""
_TRACKS = "SELECT t.id FROM json_each(?) j CROSS JOIN track t ON t.release = j.value"
_MOST = 100_000  # changes that are looked at


def flagged_by_changes(library: Library, path: Path) -> set[str]:
    """Public ids of what became stricter, and of what stood beside something that vanished (derived/changes.sqlite)."""
    found: set[str] = set()
    for what in ("stricter", "vanished"):
        for one in changes(library, path, what=what, limit=_MOST).items:
            found |= {one.id, one.release} if what == "vanished" else {one.id}
    return found - {""}


def flagged_by_risks(reading: Reading, facts: Facts, every: Iterable[AtRisk]) -> set[str]:
    """Public ids of what is on the list of what is at risk, and of releases that stand in bundles or files of it.

    ``every`` as :func:`phonolith.library.at_risk.at_risk` gives it of ``facts``. A bundle whose manifest cannot be read
    flags nothing.
    """
    found: set[str] = set()
    digests: set[str] = set()
    for one in every:
        kind, _, name = one.subject.partition(":")
        if kind == "bundle":
            digests.update(_inside(facts, name))
        else:
            digests.update(one.digests)
            found |= {name} if kind in ("track", "release") else set()
    rows = reading.rows(_RELEASES, (json.dumps(sorted(digests)),))
    return found | {reading.snapshot.public_id("release", row) for (row,) in rows}


def _inside(facts: Facts, name: str) -> Iterator[str]:
    with suppress(PhonolithError):
        yield from [one.sha256 for one in files(facts.objects, facts.bundles[name]) if one.payload]


def rows_at_risk(reading: Reading, flagged: Collection[str]) -> BitMap:
    """Rows of the tracks with these public ids, and of those on releases with these."""
    rows, releases = BitMap(), []
    for identifier in flagged:
        with suppress(NotFound):
            kind, row = reading.snapshot.find(identifier)
            if kind == "track":
                rows.add(row)
            elif kind == "release":
                releases.append(row)
    if releases:
        rows.update(row for (row,) in reading.rows(_TRACKS, (json.dumps(releases),)))
    return rows

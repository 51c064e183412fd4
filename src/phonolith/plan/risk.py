"""What is at risk: whose licence tightened, or beside which something vanished; and whatever else is flagged."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from pyroaring import BitMap

from phonolith.errors import NotFound
from phonolith.library.changes import changes
from phonolith.library.reading import Library, Reading

_TRACKS = "SELECT t.id FROM json_each(?) j CROSS JOIN track t ON t.release = j.value"
_MOST = 100_000  # changes that are looked at


def flagged_by_changes(library: Library, path: Path) -> set[str]:
    """Public ids of what became stricter, and of what stood beside something that vanished (derived/changes.sqlite)."""
    found: set[str] = set()
    for what in ("stricter", "vanished"):
        for one in changes(library, path, what=what, limit=_MOST).items:
            found |= {one.id, one.release} if what == "vanished" else {one.id}
    return found - {""}


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

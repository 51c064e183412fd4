"""Writes derived/changes.sqlite: what the last harvests changed, for the page, the API and the feeds.

It is bounded: of each source the last harvests, and of these as much as fits in a number of records. Everything else
is told by ``phonolith diff`` from held/records.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import apsw

from phonolith.catalogue.diff import diff
from phonolith.errors import NotFound
from phonolith.library.catalogue import Snapshot
from phonolith.model.change import Change
from phonolith.model.text import runs
from phonolith.sources.base import Source
from phonolith.store.database import database_errors
from phonolith.store.history import Harvest, History

#: Of each source: so many harvests, and so many of their last lines, are told thing by thing.
HARVESTS = 50
LINES = 5_000

_PUT = (
    "INSERT INTO change (source, harvest, what, item, time, kind, thing, title, artist, release, heir, stricter,"
    " fields, copies, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)
_OFFERED = """
SELECT lower(hex(o.sha256)) FROM json_each(?) j CROSS JOIN object o ON o.sha256 = unhex(j.value)
WHERE EXISTS (SELECT 1 FROM file f WHERE f.object = o.id)"""


def write_changes(
    path: Path, history: History, sources: Mapping[str, Source], read: Mapping[str, int], catalogue: apsw.Connection
) -> None:
    """Write the file at ``path``. ``read`` are the lines that ``catalogue`` was built from, by source."""

    def elsewhere(digests: Sequence[str], _: str) -> set[str]:
        rows = catalogue.execute(_OFFERED, (json.dumps(list(digests)),)).fetchall()  # what is gone is not in it
        return {str(sha256) for (sha256,) in rows}

    snapshot = Snapshot(catalogue, 0, {})

    def there(identifier: str) -> bool:
        with suppress(NotFound):
            snapshot.find(identifier)
            return True
        return False

    asked = {"elsewhere": elsewhere, "there": there}
    with database_errors(path), closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF").fetchall()
        db.execute("BEGIN")
        db.execute(resources.files("phonolith.catalogue").joinpath("changes.sql").read_text("utf-8"))
        for name, source in sorted(sources.items()):
            db.execute("INSERT INTO read VALUES (?, ?)", (name, read.get(name, 0)))
            _write_source(db, history, name, source, read.get(name, 0), asked)
        db.execute("COMMIT")


def _write_source(
    db: apsw.Connection, history: History, name: str, source: Source, read: int, asked: Mapping[str, Any]
) -> None:
    every = [one for one in history.harvests(name) if one.first < read][-HARVESTS:]
    for one in every:
        end = min(one.end, read)
        first = max(one.first, min(read - LINES, end))
        brought = one.new, one.changed, one.gone
        told = int(first == one.first and end == one.end)
        db.execute("INSERT INTO harvest VALUES (?, ?, ?, ?, ?, ?, ?)", (name, one.number, one.time, *brought, told))
        if first < end:
            for change in diff(history, name, source, first, end, **asked):
                _put(db, one, change)


def _put(db: apsw.Connection, harvest: Harvest, one: Change) -> None:
    row = (
        *(one.source, harvest.number, str(one.what), one.item, one.time, one.kind, one.id, one.title, one.artist),
        *(one.release, one.heir, int(one.stricter)),
        json.dumps([asdict(field) for field in one.fields]),
        json.dumps(one.copies),
        f" {' '.join(runs(one.words))} ",
    )
    ((number,),) = db.execute(_PUT, [_clean(value) for value in row]).fetchall()
    db.executemany("INSERT INTO about VALUES (?, ?)", ((thing, number) for thing in one.about))


def _clean(value: str | int) -> str | int:
    """Text that SQLite takes; lone surrogates occur in names of files."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value

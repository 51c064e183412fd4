"""FTS5 tables beside the postings, for whoever opens the catalogue with another program.

Contentless, without positions and sizes: `SELECT rowid FROM track_text WHERE track_text MATCH 'night train'` gives row
numbers, which are ranks, and `ORDER BY rowid LIMIT 20` stops after a page. The text is what our own tokeniser made, so
CJK text is found by any one or two characters. Tracks and releases are found by title, artists by name, sort name and
alias; the rest is a join away, and would cost more room than all of these. SQLite 3.40 opens and asks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TABLES = ("track", "release", "artist")
_CREATE = (
    "CREATE VIRTUAL TABLE {}_text USING fts5(text, content='', detail=none, columnsize=0, "
    "tokenize='unicode61 remove_diacritics 2')"
)
#: One sorted run in memory in place of many merges on disk.
_MEMORY = 128 * 1024 * 1024


def create(db: apsw.Connection) -> None:
    """Create the tables, empty."""
    for kind in TABLES:
        db.execute(_CREATE.format(kind))


def begin(db: apsw.Connection, kind: str) -> None:
    """Prepare a table to be filled in one go."""
    db.execute(f"INSERT INTO {kind}_text({kind}_text, rank) VALUES ('hashsize', {_MEMORY})")


def insert(db: apsw.Connection, kind: str, rows: Mapping[str, Array], words: Array) -> None:
    """Put in the rows' own words; ``words`` are those that they have numbers of, as an array of objects."""
    ends = np.cumsum(rows["counts"]).tolist()
    flat = words[rows["words"]].tolist()
    texts = (" ".join(flat[a:b]) for a, b in pairwise([0, *ends]))
    sql = f"INSERT INTO {kind}_text(rowid, text) VALUES (?, ?)"
    db.executemany(sql, zip(rows["id"].tolist(), texts, strict=True))


def finish(db: apsw.Connection, kind: str) -> None:
    """Merge the table into one run."""
    db.execute(f"INSERT INTO {kind}_text({kind}_text) VALUES ('optimize')")
    db.execute(f"INSERT INTO {kind}_text({kind}_text, rank) VALUES ('hashsize', 1048576)")


def copy(source: Path, db: apsw.Connection) -> None:
    """Take the filled tables over from another file."""
    create(db)
    db.execute("ATTACH ? AS filled", (str(source),))
    for kind in TABLES:
        for part in ("data", "idx", "config"):
            db.execute(f"DELETE FROM main.{kind}_text_{part}")
            db.execute(f"INSERT INTO main.{kind}_text_{part} SELECT * FROM filled.{kind}_text_{part}")
    db.execute("DETACH filled")

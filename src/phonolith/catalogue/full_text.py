"""FTS5 tables beside the postings, for whoever opens the catalogue with another program.

Contentless, without positions and sizes: `SELECT rowid FROM track_text WHERE track_text MATCH 'night train'` gives row
numbers, which are ranks, and `ORDER BY rowid LIMIT 20` stops after a page. The text is what our own tokeniser made, so
CJK text is found by any one or two characters. Tracks are found by title and artists, releases by title, artists by
name, sort name and alias; the rest is a join away, and would cost more room than all of these. SQLite 3.40 opens and
asks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import numpy.typing as npt

from phonolith.catalogue.facets import Neighbours

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


def insert(db: apsw.Connection, kind: str, rows: Mapping[str, Array], around: Neighbours, words: Array) -> None:
    """Put in the rows' words; ``words`` is the vocabulary as an array of objects."""
    texts = zip(rows["id"].tolist(), _texts(kind, rows, around, words), strict=True)
    db.executemany(f"INSERT INTO {kind}_text(rowid, text) VALUES (?, ?)", texts)


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


def _texts(kind: str, rows: Mapping[str, Array], around: Neighbours, words: Array) -> Iterator[str]:
    size = len(rows["id"])
    parts = [_joined(rows["words"], np.repeat(np.arange(size), rows["counts"]), size, words)]
    if kind == "track":
        credit = np.where(rows["credit"] != 0, rows["credit"], around.release.columns["credit"][rows["release"]])
        parts += [_joined(found, owners, size, words) for found, owners in around.words_of_credits(credit)]
    return map(" ".join, zip(*parts, strict=True))


def _joined(found: Array, owners: Array, size: int, words: Array) -> list[str]:
    """One text for each of ``size`` rows from words and the rows they belong to."""
    ends = np.searchsorted(owners, np.arange(size + 1)).tolist()
    flat = words[found].tolist()
    return [" ".join(flat[a:b]) for a, b in pairwise(ends)]

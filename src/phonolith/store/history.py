"""What a source had at a moment, and the records by which two moments differ.

A snapshot of a source is the number of lines that it had then: lines are only ever added, so all lines before that
number are what was known, and the last one about each item is what it said. Two snapshots differ in the items of the
lines between them. What those items said before is among the lines that later ones replaced, so neither the other
items nor their lines are looked at. Memory is bounded: what was found lies in a file of its own until it is told.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import apsw

from phonolith.errors import NotFound
from phonolith.model.record import Record
from phonolith.store.database import Closing, database_errors, fetch, open_ro
from phonolith.store.lines import Line, decode_lines, from_key, item_of, record_of, to_key
from phonolith.store.segments import ObjectReader, Segment, pick_lines, read_run, segment_path, unpack_frames
from phonolith.store.volumes import Volume

_BATCH = 10_000
_RUN_LINES, _RUN_BYTES = 5_000, 32 * 1024 * 1024
_CACHE_KIB = 32 * 1024

_SEEN = """
CREATE TABLE seen (
  item ANY PRIMARY KEY,
  after INTEGER NOT NULL, gone INTEGER NOT NULL, size INTEGER NOT NULL,
  before INTEGER, was_gone INTEGER, was_size INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID"""
_AFTER = "INSERT OR REPLACE INTO seen (item, after, gone, size) VALUES (?, ?, ?, ?)"
_BEFORE = "UPDATE seen SET before = ?, was_gone = ?, was_size = ? WHERE item = ?"
_DIFFERENT = """
SELECT item, before, CASE WHEN was_gone THEN NULL ELSE before END, after, CASE WHEN gone THEN NULL ELSE after END,
  size + was_size FROM seen WHERE NOT (gone AND (before IS NULL OR was_gone)) ORDER BY after"""


@dataclass(frozen=True, slots=True)
class Harvest:
    """A harvest of a source: its number, its first line, when that came, and what it brought, in records.

    The snapshot after it has ``end`` lines, the one before it ``first``.
    """

    source: str
    number: int
    first: int
    end: int
    time: str
    new: int
    changed: int
    gone: int


@dataclass(frozen=True, slots=True)
class Difference:
    """An item that is not as it was: the record in each snapshot, None where there was none, and when that was said."""

    item: str
    before: Record | None
    after: Record | None
    time: str


class History(Closing):
    """Reads held/records while others write. Not for several threads. Raises NotFound where nothing was harvested."""

    def __init__(self, folder: Path, ledger: Path, volumes: tuple[Volume, ...]) -> None:
        self._folder = folder
        self._path = folder / "open.sqlite"
        self._ledger = ledger
        self._volumes = volumes
        if not self._path.exists():
            raise NotFound("held/records", "nothing was harvested yet", "See: phonolith harvest --help")
        self._db = open_ro(self._path)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def lines(self) -> dict[str, int]:
        """How many lines each source has, by name: the newest snapshot."""
        with database_errors(self._path):
            return dict(fetch(self._db, "SELECT name, lines FROM source ORDER BY name"))

    def get(self, source: str, item: str) -> Record | None:
        """The current record of an item; None where there is none."""
        sql = "SELECT line FROM current WHERE source = (SELECT id FROM source WHERE name = :name) AND item = :item"
        with database_errors(self._path):
            rows = fetch(self._db, sql, {"name": source, "item": to_key(item)})
        if not rows:
            return None
        with ObjectReader(self._ledger, self._volumes) as fetch_object:
            return record_of(self._lines(source, [rows[0][0]])[rows[0][0]], fetch_object)

    def harvests(self, source: str) -> list[Harvest]:
        """The harvests of a source that brought anything, oldest first."""
        sql = (
            "SELECT h.number, h.first, coalesce(lead(h.first) OVER (ORDER BY h.number), s.lines), h.time, h.new,"
            " h.changed, h.gone FROM harvest h JOIN source s ON s.id = h.source WHERE s.name = :name ORDER BY h.number"
        )
        with database_errors(self._path):
            return [Harvest(source, *row) for row in fetch(self._db, sql, {"name": source})]

    def at(self, source: str, time: str) -> int:
        """The snapshot of a source at a time (ISO 8601, UTC): the number of lines that had come until then."""
        low, high = 0, self.lines().get(source, 0)
        while low < high:
            middle = (low + high) // 2
            if self._lines(source, [middle])[middle].time <= time:
                low = middle + 1
            else:
                high = middle
        return low

    def changes(self, source: str, a: int, b: int) -> Iterator[Difference]:
        """The items in which the snapshots of ``a`` and of ``b`` lines differ, in the order in which that was said."""
        with closing(apsw.Connection("")) as seen, ObjectReader(self._ledger, self._volumes) as fetch_object:
            seen.execute(f"PRAGMA cache_size=-{_CACHE_KIB}; PRAGMA journal_mode=OFF").fetchall()
            seen.execute(_SEEN)
            self._note_after(seen, source, a, b)
            if any(one.changed or one.gone for one in self.harvests(source) if one.end > a and one.first < b):
                self._note_before(seen, source, a)
            for rows in _runs(seen):
                wanted = {line for _, before, _, after, *_ in rows for line in (before, after) if line is not None}
                found = self._lines(source, sorted(wanted))
                for item, _, before, last, after, _ in rows:
                    was = None if before is None else record_of(found[before], fetch_object)
                    now = None if after is None else record_of(found[after], fetch_object)
                    yield Difference(from_key(item), was, now, found[last].time)

    def said(self, source: str, a: int, b: int) -> Iterator[tuple[int, Record]]:
        """What lines from ``a`` to before ``b`` say, by number, without those that say that something is gone."""
        if a >= b:
            return
        with ObjectReader(self._ledger, self._volumes) as fetch_object:
            for at, line in read_run(self._path, source, a, b - 1):
                if not line.gone:
                    yield at, record_of(line, fetch_object)

    def _note_after(self, seen: apsw.Connection, source: str, a: int, b: int) -> None:
        """Note the last line about each item of the lines from ``a`` to before ``b``."""
        lines = read_run(self._path, source, a, b - 1) if a < b else iter(())
        rows = ((to_key(item_of(line)), at, int(line.gone), _size(line)) for at, line in lines)
        while some := list(islice(rows, _BATCH)):
            seen.executemany(_AFTER, some)

    def _note_before(self, seen: apsw.Connection, source: str, a: int) -> None:
        """Note what was said last of these items before line ``a``: a later line replaced it, so it is past."""
        sql = (
            "SELECT line FROM past WHERE source = (SELECT id FROM source WHERE name = :name) AND line > :after"
            " AND line < :a ORDER BY line LIMIT :limit"
        )
        after = -1
        while True:
            with database_errors(self._path):
                rows = fetch(self._db, sql, {"name": source, "after": after, "a": a, "limit": _BATCH})
            if not rows:
                return
            found = self._lines(source, [line for (line,) in rows])
            after = rows[-1][0]
            said = ((at, int(line.gone), _size(line), to_key(item_of(line))) for at, line in sorted(found.items()))
            seen.executemany(_BEFORE, said)

    def _lines(self, source: str, wanted: list[int]) -> dict[int, Line]:
        """Lines by their numbers (ascending)."""
        with database_errors(self._path):
            self._db.execute("BEGIN")
            try:
                segments, opened = self._segments(source), self._open(source, wanted)
            finally:
                self._db.execute("COMMIT")
        found: dict[int, Line] = dict(opened)
        for segment in segments:
            mine = wanted[bisect_left(wanted, segment.first) : bisect_left(wanted, segment.first + segment.lines)]
            if mine:
                found.update(pick_lines(segment, mine))
        return found

    def _segments(self, source: str) -> list[Segment]:
        sql = (
            "SELECT g.number, g.first, g.lines, g.bytes, g.sha256, g.frames FROM segment g JOIN source s"
            " ON s.id = g.source WHERE s.name = :name ORDER BY g.number"
        )
        return [
            Segment(
                segment_path(self._folder, source, number), number, first, lines, size, sha256, unpack_frames(frames)
            )
            for number, first, lines, size, sha256, frames in fetch(self._db, sql, {"name": source})
        ]

    def _open(self, source: str, wanted: list[int]) -> Iterator[tuple[int, Line]]:
        sql = "SELECT line, text FROM open WHERE source = (SELECT id FROM source WHERE name = ?) AND line = ?"
        rows: list[Any] = self._db.executemany(sql, ((source, line) for line in wanted)).fetchall()
        return ((line, decode_lines(text)[0]) for line, text in rows)


def _runs(seen: apsw.Connection) -> Iterator[list[tuple[Any, ...]]]:
    """What differs in runs that fit in memory."""
    run: list[tuple[Any, ...]] = []
    size = 0
    for row in cast("Iterator[tuple[Any, ...]]", seen.execute(_DIFFERENT)):
        run.append(row)
        size += row[-1]
        if len(run) >= _RUN_LINES or size >= _RUN_BYTES:
            yield run
            run, size = [], 0
    if run:
        yield run


def _size(line: Line) -> int:
    return len(line.payload or line.payload64 or "")

"""Which lines came with which harvest, so that each harvest is a dated snapshot: all lines before the next one's first.

A harvest is whatever one opened record store writes of a source. Where open.sqlite was lost, the harvests are lost
with it, and the lines found again count as one for each day.
"""

from __future__ import annotations

import apsw

from phonolith.store.database import fetch

#: How many records were new, changed and gone.
Brought = tuple[int, int, int]

_NOTE = (
    "INSERT INTO harvest VALUES (:source, :number, :first, :time, :new, :changed, :gone) ON CONFLICT DO UPDATE SET"
    " new = new + excluded.new, changed = changed + excluded.changed, gone = gone + excluded.gone"
)


class Harvests:
    """Writes table ``harvest``; its caller holds the transaction."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._begun: dict[int, int] = {}  # number of the harvest that goes on, by source

    def note(self, source: int, first: int, time: str, brought: Brought) -> None:
        """Note what lines from ``first`` on brought; the first of them begins the harvest."""
        if source not in self._begun:  # a transaction that is rolled back leaves the number to be used again
            self._begun[source] = self._last(source)[0] + 1
        self._write(source, self._begun[source], first, time, brought)

    def note_day(self, source: int, first: int, time: str, brought: Brought) -> None:
        """Note lines of which it is not known with which harvest they came."""
        number, before = self._last(source)
        self._write(source, number if before[:10] == time[:10] else number + 1, first, time, brought)

    def _write(self, source: int, number: int, first: int, time: str, brought: Brought) -> None:
        new, changed, gone = map(int, brought)
        row = {"source": source, "number": number, "first": first, "time": time}
        self._db.execute(_NOTE, row | {"new": new, "changed": changed, "gone": gone})

    def _last(self, source: int) -> tuple[int, str]:
        sql = "SELECT number, time FROM harvest WHERE source = :s ORDER BY number DESC LIMIT 1"
        rows = fetch(self._db, sql, {"s": source})
        return (rows[0][0], rows[0][1]) if rows else (0, "")

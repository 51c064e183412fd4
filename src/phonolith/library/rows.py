"""Names of rows, folded as the index folds them: for checking hits and for telling how close one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from phonolith.model.text import fold, is_cjk, runs

_SQL = {
    "track": "SELECT t.title, ifnull(t.credit, r.credit), r.title, t.duration "
    "FROM track t JOIN release r ON r.id = t.release WHERE t.id = ?",
    "release": "SELECT title, credit, NULL, duration FROM release WHERE id = ?",
    "artist": "SELECT name, id, NULL, NULL FROM artist WHERE id = ?",
    "label": "SELECT name, NULL, NULL, NULL FROM label WHERE id = ?",
}
_ARTIST = "SELECT name, sort_name FROM artist WHERE id = ?"
_ALIASES = "SELECT value FROM note WHERE subject = ? * 4 + 2 AND kind = 'alias'"
_CREDIT = "SELECT artist, name FROM credit WHERE id = ? ORDER BY position"


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of a row's title, of its artists' names, and of what else it is found by; duration in milliseconds."""

    title: Sequence[str]
    artists: Sequence[str]
    rest: Sequence[str]
    duration: int | None

    def has(self, run: str, *, begins: bool = False) -> bool:
        """Whether any part has the run; with ``begins`` a word that begins with it."""
        return any(holds(part, run, begins=begins) for part in (self.title, self.artists, self.rest))


def holds(part: Sequence[str], run: str, *, begins: bool = False) -> bool:
    """Whether runs have a run: as a word, as the beginning of one, or anywhere in a CJK stretch."""
    if run in part:
        return True
    if is_cjk(run):
        return any(run in other for other in part)
    return begins and any(other.startswith(run) for other in part)


class Rows:
    """Reads rows of one kind."""

    def __init__(self, db: apsw.Connection, kind: str) -> None:
        self._db = db
        self._kind = kind
        self._artists: dict[int, tuple[list[str], list[str]]] = {}

    def order(self, row: int) -> tuple[list[str], int]:
        """What a row is ordered by where titles are: the tokens of its title, then rank."""
        return fold(self._one(_SQL[self._kind], row)[0]), row

    def read(self, row: int) -> Row:
        """The names of one row, which must be there."""
        title, credit, release, duration = self._one(_SQL[self._kind], row)
        artists, rest = self._names(credit) if credit else ([], [])
        if self._kind == "artist":
            artists, rest = [], artists + rest
        if release is not None:
            rest = rest + runs(release)
        return Row(runs(title), artists, rest, duration)

    def _names(self, credit: int) -> tuple[list[str], list[str]]:
        if credit > 0:
            return self._artist(credit)
        artists: list[str] = []
        rest: list[str] = []
        for artist, name in self._all(_CREDIT, -credit):
            own, further = self._artist(artist)
            artists += own + (runs(name) if name else [])
            rest += further
        return artists, rest

    def _artist(self, artist: int) -> tuple[list[str], list[str]]:
        found = self._artists.get(artist)
        if found is None:
            name, sort_name = self._one(_ARTIST, artist)
            further = [sort_name or "", *(value for (value,) in self._all(_ALIASES, artist))]
            found = self._artists[artist] = (runs(name), [run for text in further for run in runs(text)])
        return found

    def _one(self, sql: str, row: int) -> tuple[Any, ...]:
        found: Any = self._db.execute(sql, (row,)).fetchone()
        return tuple(found)

    def _all(self, sql: str, row: int) -> list[Any]:
        return self._db.execute(sql, (row,)).fetchall()

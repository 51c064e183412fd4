"""Names of rows, folded as the index folds them: for checking hits and for telling how close one is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from phonolith.model.text import fold, is_cjk, runs

_CREDITED = {
    "track": "SELECT t.title, ifnull(t.credit, r.credit) AS credit, t.duration "
    "FROM track t JOIN release r ON r.id = t.release WHERE t.id = ?",
    "release": "SELECT title, credit, duration FROM release WHERE id = ?",
}
#: Title, credit, duration, and the artist's name where the credit is one artist.
_SQL = {
    **{
        kind: f"SELECT x.title, x.credit, x.duration, a.name FROM ({sql}) x LEFT JOIN artist a ON a.id = x.credit"
        for kind, sql in _CREDITED.items()
    },
    "artist": "SELECT name, NULL, NULL, NULL FROM artist WHERE id = ?",
    "label": "SELECT name, NULL, NULL, NULL FROM label WHERE id = ?",
}
_TITLE = {kind: f"SELECT {'title' if kind in _CREDITED else 'name'} FROM {kind} WHERE id = ?" for kind in _SQL}
_CREDIT = (
    "SELECT a.name, c.name, a.id FROM credit c JOIN artist a ON a.id = c.artist WHERE c.id = ? ORDER BY c.position"
)
_RELEASE = "SELECT r.title FROM track t JOIN release r ON r.id = t.release WHERE t.id = ?"
_FURTHER = (
    "SELECT sort_name FROM artist WHERE id = :id AND sort_name IS NOT NULL "
    "UNION ALL SELECT value FROM note WHERE subject = :id * 4 + 2 AND kind = 'alias'"
)


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of a row's title and of its artists' names; its duration in milliseconds.

    ``further`` reads what else it is found by: the release of a track, sort names and aliases.
    """

    title: Sequence[str]
    artists: Sequence[str]
    duration: int | None
    further: Callable[[], Sequence[str]]

    def has(self, run: str, *, begins: bool = False) -> bool:
        """Whether any part has the run; with ``begins`` a word that begins with it."""
        return any(holds(part, run, begins=begins) for part in (self.title, self.artists)) or holds(
            self.further(), run, begins=begins
        )


def holds(part: Sequence[str], run: str, *, begins: bool = False) -> bool:
    """Whether runs have a run: as a word, as the beginning of one, or anywhere in a CJK stretch."""
    if run in part:
        return True
    if is_cjk(run):
        return any(run in other for other in part)
    return begins and any(other.startswith(run) for other in part)


class Rows:
    """Reads rows of one kind, each once."""

    def __init__(self, db: apsw.Connection, kind: str) -> None:
        self._db = db
        self._kind = kind
        self._found: dict[int, Row] = {}

    def order(self, row: int) -> tuple[list[str], int]:
        """What a row is ordered by where titles are: the tokens of its title, then rank."""
        return fold(self._all(_TITLE[self._kind], row)[0][0]), row

    def read(self, row: int) -> Row:
        """The names of one row, which must be there."""
        found = self._found.get(row)
        if found is None:
            title, credit, duration, name = self._all(_SQL[self._kind], row)[0]
            artists = runs(name) if name is not None else []
            named = [] if credit is None or credit > 0 else self._all(_CREDIT, -credit)
            for own, as_credited, _ in named:
                artists += runs(own) + (runs(as_credited) if as_credited else [])
            mine = [row] if self._kind == "artist" else [credit] if name is not None else [a for _, _, a in named]
            found = self._found[row] = Row(runs(title), artists, duration, lambda: self._further(row, mine))
        return found

    def _further(self, row: int, artists: Sequence[int]) -> list[str]:
        texts = [text for artist in artists for (text,) in self._db.execute(_FURTHER, {"id": artist})]
        if self._kind == "track":
            texts += [title for (title,) in self._all(_RELEASE, row)]
        return [run for text in texts for run in runs(str(text))]

    def _all(self, sql: str, row: int) -> list[Any]:
        return self._db.execute(sql, (row,)).fetchall()

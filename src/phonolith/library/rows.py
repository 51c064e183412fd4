"""Names of rows, folded as the index folds them: for checking hits and for telling how close one is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import apsw

from phonolith.model.text import fold, is_cjk, runs

#: For each kind: rows by a JSON array of their numbers, with title, credit and duration.
_CREDITED = {
    "track": "SELECT t.id, t.title, ifnull(t.credit, r.credit) AS credit, t.duration, r.title AS release "
    "FROM json_each(:rows) j CROSS JOIN track t ON t.id = j.value CROSS JOIN release r ON r.id = t.release",
    "release": "SELECT t.id, title, credit, duration, NULL AS release "
    "FROM json_each(:rows) j CROSS JOIN release t ON t.id = j.value",
}
#: The same with the artist's name where the credit is one artist.
_SQL = {
    **{
        kind: "SELECT x.id, x.title, x.credit, x.duration, x.release, a.name, a.sort_name "
        f"FROM ({sql}) x LEFT JOIN artist a ON a.id = x.credit"
        for kind, sql in _CREDITED.items()
    },
    "artist": "SELECT id, name, NULL, NULL, sort_name, NULL, NULL FROM artist "
    "WHERE id IN (SELECT value FROM json_each(:rows))",
    "label": "SELECT id, name, NULL, NULL, NULL, NULL, NULL FROM label "
    "WHERE id IN (SELECT value FROM json_each(:rows))",
}
_TITLE = {
    kind: f"SELECT t.id, t.{'title' if kind in _CREDITED else 'name'} FROM json_each(?) j CROSS JOIN {kind} t "
    "ON t.id = j.value"
    for kind in _SQL
}
_CREDIT = (
    "SELECT c.id, a.name, c.name, a.sort_name, a.id FROM json_each(?) j CROSS JOIN credit c ON c.id = j.value "
    "CROSS JOIN artist a ON a.id = c.artist ORDER BY c.id, c.position"
)
#: Whether a text may have a word that begins with :run. Text of ASCII without apostrophes is folded by its case alone.
_MAY = "(instr(lower({0}), :run) OR length({0}) < octet_length({0}) OR instr({0}, char(39)) OR instr({0}, '`'))"
_SIEVE = (
    " WHERE "
    + " OR ".join(map(_MAY.format, ("x.title", "x.release", "a.name", "a.sort_name")))
    + " OR (a.id IS NULL AND EXISTS (SELECT 1 FROM credit c CROSS JOIN artist b ON b.id = c.artist "
    "WHERE c.id = -x.credit AND (" + " OR ".join(map(_MAY.format, ("b.name", "c.name", "b.sort_name"))) + ")))"
)
_ALIASES = "SELECT value FROM note WHERE subject = ? * 4 + 2 AND kind = 'alias'"


class Row:
    """The runs of a row's title and of its artists' names; its duration in milliseconds.

    Nothing is folded, and nothing further read, before it is asked for: most rows are told apart by their titles.
    """

    __slots__ = ("_artists", "_more", "_names", "_text", "_title", "duration")

    def __init__(
        self, title: str, names: Sequence[str], duration: int | None, more: Callable[[], Sequence[str]]
    ) -> None:
        self._text = title
        self._names = names
        self._more = more
        self._title: Sequence[str] | None = None
        self._artists: Sequence[str] | None = None
        self.duration = duration

    @property
    def title(self) -> Sequence[str]:
        """The runs of the title."""
        if self._title is None:
            self._title = runs(self._text)
        return self._title

    @property
    def artists(self) -> Sequence[str]:
        """The runs of the artists' names, as they are called and as they are credited."""
        if self._artists is None:
            self._artists = [run for name in self._names for run in runs(name)]
        return self._artists

    def further(self) -> Sequence[str]:
        """The runs of what else it is found by: the release of a track, sort names and aliases."""
        return [run for text in self._more() for run in runs(text)]

    def has(self, run: str, *, begins: bool = False) -> bool:
        """Whether any part has the run; with ``begins`` a word that begins with it."""
        return (
            holds(self.title, run, begins=begins)
            or holds(self.artists, run, begins=begins)
            or holds(self.further(), run, begins=begins)
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
        self._aliases: bool | None = None

    def by_title(self, rows: Iterable[int]) -> list[tuple[list[str], int]]:
        """Rows ordered by the tokens of their titles, then by rank, with these tokens."""
        return sorted((fold(title), row) for row, title in self._read_titles(list(rows)))

    def titles(self, rows: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
        """Rows with the runs of their titles."""
        return ((row, runs(title)) for row, title in self._read_titles(rows))

    def _read_titles(self, rows: Sequence[int]) -> list[tuple[int, str]]:
        found: list[Any] = self._db.execute(_TITLE[self._kind], (json.dumps(rows),)).fetchall()
        return found

    def read(self, row: int) -> Row:
        """The names of one row, which must be there."""
        if row not in self._found:
            self.fetch([row])
        return self._found[row]

    def fetch(self, rows: Iterable[int], letters: str = "") -> list[int]:
        """Read many rows at once, so that :meth:`read` has them, and return those that are there now.

        With ``letters`` rows that have no word that begins so need not be read; most of those are not.
        """
        rows = list(rows)
        wanted = [row for row in rows if row not in self._found]
        if not wanted:
            return rows
        sql, bindings = _SQL[self._kind], {"rows": json.dumps(wanted), "run": letters}
        if letters and letters.isalnum() and self._kind in _CREDITED and not self._has_aliases():
            sql += _SIEVE
        found: list[Any] = self._db.execute(sql, bindings).fetchall()
        credited = self._credits([-row[2] for row in found if row[2] is not None and row[2] < 0])
        for row, title, credit, duration, more, name, sort_name in found:
            if name is not None:
                names, further, mine = (name,), (more, sort_name), (credit,)
            else:
                several = credited.get(-(credit or 0), ())
                names = tuple(text for own, other, _, _ in several for text in (own, other) if text)
                further = (more, *(text for _, _, text, _ in several))
                mine = (row,) if self._kind == "artist" else tuple(artist for _, _, _, artist in several)
            self._found[row] = Row(title, names, duration, partial(self._further, further, mine))
        return [row for row in rows if row in self._found]

    def _credits(self, credits_: Sequence[int]) -> dict[int, list[tuple[Any, ...]]]:
        """The names of credits with several: the artist's, as credited, the sort name, and the artist."""
        found: dict[int, list[tuple[Any, ...]]] = {}
        if credits_:
            members: list[Any] = self._db.execute(_CREDIT, (json.dumps(sorted(set(credits_))),)).fetchall()
            for credit, *names in members:
                found.setdefault(credit, []).append(tuple(names))
        return found

    def _further(self, texts: Sequence[str | None], artists: Sequence[int]) -> list[str]:
        found = [text for text in texts if text]
        if self._has_aliases():
            found += [str(text) for artist in artists for (text,) in self._db.execute(_ALIASES, (artist,))]
        return found

    def _has_aliases(self) -> bool:
        if self._aliases is None:
            told = self._db.execute("SELECT value FROM meta WHERE key = 'text_aliases'").fetchone()
            self._aliases = told is None or bool(told[0])
        return self._aliases

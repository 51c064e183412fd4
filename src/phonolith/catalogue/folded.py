"""First half of the text index: rows are read and folded in pieces, each piece to a file of arrays.

A piece numbers its words by itself, so that pieces can be made in any order by any number of processes; when all are
there, all words get their place in order and the pieces' numbers are translated.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw
import numpy as np
import numpy.typing as npt

from phonolith.library.terms import title_key
from phonolith.model.text import fold, runs_of_all, tokens_of

Array = npt.NDArray[Any]

#: What is read of each kind: text first, then numbers; absent numbers are 0 (durations: -1).
COLUMNS = {
    "track": ("release", "credit", "date", "genres", "rights", "status", "duration"),
    "release": ("credit", "date", "genres", "rights", "source", "label", "duration"),
    "artist": ("genres", "source"),
    "label": ("source",),
    "credit": ("artist", "position"),
}
_SQL = {
    "track": "SELECT id, title, release, ifnull(credit, 0), ifnull(date, 0), ifnull(genres, 0), ifnull(rights, 0), "
    "status, ifnull(duration, -1) FROM track WHERE id BETWEEN :first AND :last",
    "release": "SELECT id, title, ifnull(credit, 0), ifnull(date, 0), ifnull(genres, 0), ifnull(rights, 0), source, "
    "ifnull(label, 0), ifnull(duration, -1) FROM release WHERE id BETWEEN :first AND :last",
    "artist": "SELECT id, name, ifnull(genres, 0), source FROM artist WHERE id BETWEEN :first AND :last",
    "label": "SELECT id, name, source FROM label WHERE id BETWEEN :first AND :last",
    "credit": "SELECT id, ifnull(name, ''), artist, position FROM credit WHERE id BETWEEN :first AND :last",
}
#: Further names of an artist: how it sorts, and its aliases.
_FURTHER = (
    "SELECT id, sort_name FROM artist WHERE id BETWEEN :first AND :last AND sort_name IS NOT NULL "
    "UNION ALL SELECT subject / 4, value FROM note WHERE subject BETWEEN :first * 4 AND :last * 4 + 3 "
    "AND subject % 4 = 2 AND kind = 'alias'"
)
_BATCH = 65_536
_MAX_DURATION = 2**31 - 1


@dataclass(frozen=True)
class Piece:
    """A range of rows of one kind to be folded into ``path`` (.npz) and ``path`` with .txt for its words."""

    kind: str
    first: int
    last: int
    path: Path

    @property
    def words(self) -> Path:
        """Where the piece's words are, in the order of their numbers."""
        return self.path.with_suffix(".txt")

    @property
    def places(self) -> Path:
        """What the piece's numbers of words are in the order of all words."""
        return self.path.with_suffix(".places.npy")


def fold_piece(catalogue: Path, piece: Piece) -> int:
    """Read and fold one piece; returns how many rows it had.

    Its arrays: ``id``; ``words``, the words of all rows behind one another; ``counts``, how many each row has;
    ``own``, how many of these are the title's, which come first; ``title``, the key of the folded title; and the
    columns of the kind as int32.
    """
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    db = apsw.Connection(f"file:{quote(os.fsencode(catalogue))}?immutable=1", flags=flags)
    try:
        numbers = Numbers()
        further = _further(db, piece)
        parts = [_fold_rows(rows, piece.kind, numbers, further) for rows in _batches(db, piece)]
    finally:
        db.close()
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    np.savez(piece.path, allow_pickle=False, **arrays)
    piece.words.write_text("\n".join(numbers), encoding="utf-8")
    return len(arrays["id"]) if arrays else 0


def _batches(db: apsw.Connection, piece: Piece) -> Iterator[list[tuple[Any, ...]]]:
    for first in range(piece.first, piece.last + 1, _BATCH):
        bounds = {"first": first, "last": min(piece.last, first + _BATCH - 1)}
        rows = db.execute(_SQL[piece.kind], bounds).fetchall()
        if rows:
            yield rows


def _further(db: apsw.Connection, piece: Piece) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if piece.kind == "artist":
        for artist, name in db.execute(_FURTHER, {"first": piece.first, "last": piece.last}):
            found.setdefault(artist, []).append(name)
    return found


def _fold_rows(
    rows: Sequence[tuple[Any, ...]], kind: str, numbers: Numbers, further: dict[int, list[str]]
) -> dict[str, Array]:
    ids, titles, *columns = zip(*rows, strict=True)
    found = runs_of_all(titles)
    keys = list(map(title_key, found))
    tokens = [some if title.isascii() else tokens_of(some) for some, title in zip(found, titles, strict=True)]
    own = np.fromiter(map(len, tokens), np.int64, len(tokens))
    if further:
        for place, row in enumerate(ids):
            for name in further.get(row, ()):
                tokens[place] = tokens[place] + fold(name)
    arrays = {name: _int32(values) for name, values in zip(COLUMNS[kind], columns, strict=True)}
    arrays["id"] = np.array(ids, np.uint32)
    arrays["title"] = np.array(keys, np.uint32)
    arrays["own"] = own
    arrays["counts"] = np.fromiter(map(len, tokens), np.int64, len(tokens))
    arrays["words"] = numbers.of(tokens, int(arrays["counts"].sum()))
    return arrays


def _int32(values: Sequence[int]) -> Array:
    return np.clip(np.array(values, np.int64), -_MAX_DURATION, _MAX_DURATION).astype(np.int32)


class Numbers(dict[str, int]):
    """Numbers of words: a new word gets the next one."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number

    def of(self, tokens: Iterable[list[str]], total: int) -> Array:
        """The numbers of all tokens, ``total`` of them, one after another."""
        return np.fromiter(map(self.__getitem__, chain.from_iterable(tokens)), np.uint32, total)


def number_words_together(pieces: Iterable[Piece]) -> list[str]:
    """All words of some pieces in the order of their code points; a word's place is its number from here on.

    Each piece gets a file that translates its own numbers.
    """
    numbers, pieces = Numbers(), list(pieces)
    for piece in pieces:
        found = _read_words(piece.words)
        np.save(piece.places, numbers.of([found], len(found)))
    words = sorted(numbers)
    places = np.empty(len(words), np.uint32)
    places[numbers.of([words], len(words))] = np.arange(len(words), dtype=np.uint32)
    for piece in pieces:
        np.save(piece.places, places[np.load(piece.places)])
    return words


class Words:
    """All words in order, out of one text: as a list of strings they take ten times the memory."""

    def __init__(self, path: Path) -> None:
        self._text = path.read_bytes()
        breaks = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord("\n"))
        self._starts = np.concatenate(([0], breaks + 1, [len(self._text) + 1] if self._text else [])).astype(np.int64)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def of(self, numbers: Array) -> list[str]:
        """The words with these numbers, which ascend."""
        if not len(numbers):
            return []
        first, last = int(numbers[0]), int(numbers[-1])
        some = self._text[self._starts[first] : self._starts[last + 1] - 1].decode().split("\n")
        return [some[number - first] for number in numbers.tolist()]


def _read_words(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return text.split("\n") if text else []


def read_pieces(pieces: Iterable[Piece], *names: str) -> dict[str, Array]:
    """The arrays of pieces behind one another, words numbered together; ``counts`` is words per row. {} if no rows.

    With ``names`` only these beside ``id``, ``words`` and ``counts``.
    """
    parts = [part for piece in pieces if (part := _read_piece(piece, names))]
    if not parts:
        return {}
    return {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}


def read_by_itself(piece: Piece) -> tuple[dict[str, Array], list[str]]:
    """The arrays of a piece, words numbered as in the piece, and these words. Needs no other piece. {} if no rows."""
    with np.load(piece.path) as stored:
        return {name: stored[name] for name in stored.files}, _read_words(piece.words)


def _read_piece(piece: Piece, names: tuple[str, ...]) -> dict[str, Array]:
    with np.load(piece.path) as stored:
        wanted = ("id", "words", "counts", *names) if names and stored.files else stored.files
        found = {name: stored[name] for name in wanted}
    if found:
        found["words"] = np.load(piece.places)[found["words"]]
    return found


def read_columns(pieces: Iterable[Piece], *names: str) -> list[dict[str, Array]]:
    """Some columns of each piece that has rows."""
    parts = []
    for piece in pieces:
        with np.load(piece.path) as stored:
            if stored.files:
                parts.append({name: stored[name] for name in names})
    return parts

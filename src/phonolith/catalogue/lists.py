"""Rows as arrays by row number: what the text index knows of releases, artists and credits while it is made.

Everything is kept in .npy files and read through memory maps, so that processes share it and memory does not grow with
the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phonolith.catalogue.folded import Piece, read_pieces

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Lists:
    """A list of numbers for each row: row r has ``values[starts[r]:starts[r + 1]]``."""

    starts: Array
    values: Array

    def of(self, rows: Array) -> tuple[Array, Array]:
        """The values of many rows behind one another, and for each value the place of its row in ``rows``."""
        rows = np.asarray(rows, np.int64)
        first = self.starts[rows]
        lengths = self.starts[rows + 1] - first
        owners = np.repeat(np.arange(len(rows), dtype=np.uint32), lengths)
        before = np.cumsum(lengths) - lengths
        places = np.arange(int(lengths.sum()), dtype=np.int64) + np.repeat(first - before, lengths)
        return self.values[places], owners

    @staticmethod
    def grouped(rows: Array, values: Array, size: int) -> Lists:
        """The lists of ``size`` rows from pairs of row and value in any order; the order within a row is kept."""
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows, minlength=size)
        return Lists(np.concatenate(([0], np.cumsum(counts))), np.asarray(values)[order])


_NO_LISTS = Lists(np.zeros(2, np.int64), np.zeros(0, np.uint32))


class Rows:
    """Word lists and columns of a whole table by row number; absent rows have no words and zeros."""

    def __init__(self, words: Lists | None, columns: Mapping[str, Array]) -> None:
        self._words = words
        self.columns = columns

    @property
    def words(self) -> Lists:
        """The words of each row."""
        return self._words or Lists(self.columns["starts"], self.columns["values"])

    def save(self, folder: Path, name: str) -> None:
        """Write the arrays as ``<name>.<array>.npy``."""
        for key, array in {"starts": self.words.starts, "values": self.words.values, **self.columns}.items():
            np.save(folder / f"{name}.{key}.npy", array)

    @staticmethod
    def load(folder: Path, name: str) -> Rows:
        """What :meth:`save` wrote, as memory maps, each made when it is asked for and gone when it is let go."""
        return Rows(None, _Saved(folder, name))


class _Saved(Mapping[str, Array]):
    """Saved arrays by name."""

    def __init__(self, folder: Path, name: str) -> None:
        self._paths = {path.name.split(".")[1]: path for path in sorted(folder.glob(f"{name}.*.npy"))}

    def __getitem__(self, name: str) -> Array:
        return _map(self._paths[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _map(path: Path) -> Array:
    """A memory map of the array; an empty one cannot be mapped."""
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except ValueError:
        return np.asarray(np.load(path))


#: What other rows inherit, of each kind that is inherited from.
_INHERITED = {"artist": ("genres",), "release": ("credit", "date", "genres", "rights", "source", "label")}


def whole(pieces: Iterable[Piece], kind: str) -> Rows:
    """All pieces of a table as one; the pieces are in the order of their rows, each row occurs once."""
    joined = read_pieces(pieces, *_INHERITED[kind])
    if not joined:
        return Rows(_NO_LISTS, {name: np.zeros(1, np.int32) for name in _INHERITED[kind]})
    ids = joined.pop("id").astype(np.int64)
    size = int(ids[-1]) + 1
    counts = np.zeros(size, np.int64)
    counts[ids] = joined.pop("counts")
    words = Lists(np.concatenate(([0], np.cumsum(counts))), joined.pop("words"))
    columns = {}
    for name, values in joined.items():
        columns[name] = np.zeros(size, values.dtype)
        columns[name][ids] = values
    return Rows(words, columns)


def credit_words(pieces: Iterable[Piece], artists: Rows) -> Rows:
    """For each credit the words of its artists' names and of the names as credited; ``lead`` is the first artist."""
    joined = read_pieces(pieces)
    if not joined:
        return Rows(_NO_LISTS, {"lead": np.zeros(1, np.int32)})
    ids = joined["id"].astype(np.int64)
    words, owners = artists.words.of(joined["artist"])
    rows = np.concatenate((ids[owners], np.repeat(ids, joined["counts"])))
    size = int(ids.max()) + 1
    lead = np.zeros(size, np.int32)
    lead[ids[::-1]] = joined["artist"][::-1]  # the first of each credit is written last
    return Rows(Lists.grouped(rows, np.concatenate((words, joined["words"])), size), {"lead": lead})

"""Draws tracks uniformly from the whole catalogue, the same ones for the same seed.

Row numbers run from 1 to their highest, so a track is drawn by its number, in as much time for a million tracks as for
a thousand million; what may not be shown is drawn again. Those that are held are a list in the index, and are drawn by
their place in it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from pyroaring import BitMap

from phonolith.library.conditions import listed
from phonolith.library.index import Index
from phonolith.library.listing import track_rows
from phonolith.library.reading import Library, Reading
from phonolith.library.terms import facet
from phonolith.library.views import TrackRow
from phonolith.model.status import Status

#: Draws for each track asked for, before a search for something that is rare gives up.
_PATIENCE = 200
_BATCH = 64


def shuffle(library: Library, number: int, *, seed: int | str, playable: bool = False) -> tuple[TrackRow, ...]:
    """``number`` different tracks, or fewer where there are fewer.

    Each track that may be listed is as likely as any other; with ``playable`` each that may be streamed. The same
    catalogue, register and seed give the same tracks. Where most of what is held may not be streamed, fewer may be
    found than there are.
    """
    with library.reading() as reading:
        found: list[TrackRow] = []
        batch: list[int] = []
        for row in _draws(reading, seed, number, playable):
            batch.append(row)
            if len(batch) >= min(_BATCH, number - len(found)):
                found += _kept(reading, batch, playable)
                batch = []
            if len(found) >= number:
                break
        found += _kept(reading, batch, playable)
        return tuple(found[:number])


def _kept(reading: Reading, rows: list[int], playable: bool) -> list[TrackRow]:
    return [one for one in track_rows(reading, rows) if one.playable or not playable]


def _draws(reading: Reading, seed: int | str, number: int, playable: bool) -> Iterator[int]:
    """Row numbers in a random order, none twice: all of them if there are few, else as long as patience lasts."""
    count, row_at = _candidates(reading, playable)
    chance = random.Random(f"{seed}")  # noqa: S311  # a shuffle, not a secret
    patience = _PATIENCE * max(number, 1)
    if count <= patience:
        places = list(range(count))
        chance.shuffle(places)
        yield from map(row_at, places)
        return
    drawn: set[int] = set()
    for _ in range(patience):
        place = chance.randrange(count)
        if place not in drawn:
            drawn.add(place)
            yield row_at(place)


def _candidates(reading: Reading, playable: bool) -> tuple[int, Callable[[int], int]]:
    """How many rows there are to draw from, and the row at each place."""
    if playable:
        held: Any = reading.snapshot.once("held", lambda: _held(reading))
        return len(held), held.__getitem__
    row = reading.one("SELECT max(id) FROM track")
    return int(row[0] or 0) if row else 0, lambda place: place + 1


def _held(reading: Reading) -> Any:
    """The rows of all tracks whose audio is held, as a bitmap."""
    index = Index(reading.db, "track", reading.kept)
    held = listed(index, [facet("status", int(Status.HELD))])
    return BitMap.union(BitMap(), *map(held.part, range(len(index.tiers))))

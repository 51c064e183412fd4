"""Draws tracks uniformly from the whole catalogue, the same ones for the same seed.

Row numbers run from 1 to their highest, so a track is drawn by its number, in as much time for a million tracks as for
a thousand million; what may not be shown is drawn again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from phonolith.library.listing import track_rows
from phonolith.library.reading import Library, Reading
from phonolith.library.views import TrackRow

#: Draws for each track asked for, before a search for something that is rare gives up.
_PATIENCE = 200
_BATCH = 64


def shuffle(library: Library, number: int, *, seed: int | str, playable: bool = False) -> tuple[TrackRow, ...]:
    """``number`` different tracks, or fewer where the catalogue has fewer.

    Each track that may be listed is as likely as any other. The same catalogue, register and seed give the same
    tracks. ``playable`` draws only from those that may be streamed; where hardly any track may, fewer may be found
    than there are.
    """
    with library.reading() as reading:
        found: list[TrackRow] = []
        batch: list[int] = []
        for row in _draws(reading, seed, number):
            batch.append(row)
            if len(batch) == _BATCH:
                found += _kept(reading, batch, playable)
                batch = []
            if len(found) >= number:
                break
        found += _kept(reading, batch, playable)
        return tuple(found[:number])


def _kept(reading: Reading, rows: list[int], playable: bool) -> list[TrackRow]:
    return [one for one in track_rows(reading, rows) if one.playable or not playable]


def _draws(reading: Reading, seed: int | str, number: int) -> Iterator[int]:
    """Row numbers in a random order, none twice: all of them if there are few, else as long as patience lasts."""
    last = _last(reading)
    random_number = random.Random(f"{seed}")  # noqa: S311  # a shuffle, not a secret
    patience = _PATIENCE * max(number, 1)
    if last <= patience:
        rows = list(range(1, last + 1))
        random_number.shuffle(rows)
        yield from rows
        return
    drawn: set[int] = set()
    for _ in range(patience):
        row = random_number.randint(1, last)
        if row not in drawn:
            drawn.add(row)
            yield row


def _last(reading: Reading) -> int:
    row = reading.one("SELECT max(id) FROM track")
    return int(row[0] or 0) if row else 0

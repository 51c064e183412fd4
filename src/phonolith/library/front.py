"""The front page: what the archive holds and where to begin."""

from __future__ import annotations

from phonolith.library.facets import genres
from phonolith.library.listing import release_rows
from phonolith.library.reading import Library, Reading
from phonolith.library.shuffle import shuffle
from phonolith.library.stats import as_of, counts
from phonolith.library.views import FrontPage

_LOOKED_AT = 50_000  # best releases among which those with a cover are looked for
_COVERED = "SELECT id FROM release WHERE id <= ? AND cover IS NOT NULL ORDER BY id LIMIT ?"
_BEST = "SELECT id FROM release ORDER BY id LIMIT ?"


def front(library: Library, *, seed: int | str | None = None, number: int = 12) -> FrontPage:
    """Stored counts, the best releases (those with a cover first), tracks drawn by ``seed``, the commonest genres.

    Without a seed the tracks stay the same until the next build.
    """
    with library.reading() as reading:
        seed = as_of(reading) if seed is None else seed
        top = reading.snapshot.once(("top", number), lambda: _top(reading, number))
        return FrontPage(
            counts=counts(reading),
            as_of=as_of(reading),
            top=tuple(release_rows(reading, top)[:number]),
            random=shuffle(library, number, seed=seed, playable=True) or shuffle(library, number, seed=seed),
            genres=genres(library, limit=24).items,
        )


def _top(reading: Reading, number: int) -> list[int]:
    """Twice as many releases as are shown, so that a few hidden ones leave no gap."""
    wanted = 2 * number
    covered = [row for (row,) in reading.rows(_COVERED, (_LOOKED_AT, wanted))]
    best = [row for (row,) in reading.rows(_BEST, (2 * wanted,))]
    return (covered + [row for row in best if row not in covered])[:wanted]

"""Everything a reader can ask the library for, by name: one function for each page and list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from phonolith.library.artists import artist, artist_releases, artist_tracks
from phonolith.library.asked import Query
from phonolith.library.facets import as_page, genre, genres, label, labels, year, years
from phonolith.library.front import front
from phonolith.library.listing import artist_rows, label_rows, release_rows, track_rows
from phonolith.library.reading import Library, Reading
from phonolith.library.releases import release, release_tracks
from phonolith.library.search import search as _search
from phonolith.library.shuffle import shuffle
from phonolith.library.stats import stats
from phonolith.library.things import thing
from phonolith.library.tracks import track
from phonolith.library.views import Page

__all__ = [
    "Found",
    "Query",
    "artist",
    "artist_releases",
    "artist_tracks",
    "front",
    "genre",
    "genres",
    "label",
    "labels",
    "release",
    "release_tracks",
    "search",
    "shuffle",
    "stats",
    "thing",
    "track",
    "year",
    "years",
]

_ROWS: Mapping[str, Callable[[Reading, Iterable[int]], list[Any]]] = {
    "track": track_rows,
    "release": release_rows,
    "artist": artist_rows,
    "label": label_rows,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: rows of the query's kind, best first.

    ``corrected`` is what was looked for in place of words that led nowhere. ``restarted``: the page asked for belonged
    to an older catalogue, so this is the first one.
    """

    page: Page[Any]
    corrected: str | None = None
    restarted: bool = False


def search(library: Library, query: Query) -> Found:
    """Search with words and filters; see :class:`phonolith.library.asked.Query`."""
    with library.reading() as reading:
        found = _search(reading.db, query, reading.hidden.of(query.kind), reading.kept)
        return Found(as_page(reading, found, _ROWS[query.kind]), found.corrected, found.restarted)

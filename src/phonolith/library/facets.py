"""Pages that list what has one thing in common: a label, a genre, a year; and the lists of all of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from phonolith.library import details
from phonolith.library.asked import Results
from phonolith.library.listing import release_rows, track_rows
from phonolith.library.parts import labels as label_refs
from phonolith.library.parts import sources
from phonolith.library.reading import Library, Reading, not_there
from phonolith.library.search import facet
from phonolith.library.things import about
from phonolith.library.views import (
    GenrePage,
    GenreRef,
    LabelPage,
    LabelRef,
    Page,
    YearPage,
)

Item = TypeVar("Item")

_LABEL = "SELECT name, releases, tracks, source FROM label WHERE id = ?"
_LABELS = "SELECT id, tracks FROM label WHERE id > ? ORDER BY id LIMIT ?"
_GENRE = "SELECT id, name, tracks, releases, artists FROM genre WHERE folded = ?"
_GENRES = "SELECT folded, name, tracks FROM genre WHERE id > ? ORDER BY id LIMIT ?"
_YEARS = "SELECT bucket, value FROM tally WHERE name = 'year' AND bucket <> '' ORDER BY bucket"


def label(library: Library, identifier: str, *, after: str | None = None, limit: int = 50) -> LabelPage:
    """A label and its releases, best first. Raises NotFound, and Withdrawn where a decision named the label."""
    with library.reading() as reading:
        row = reading.row("label", identifier)
        reading.check(f"label:{identifier}", (identifier,))
        name, releases, tracks, source = reading.rows(_LABEL, (row,))[0]
        found = facet(reading.db, "release", "label", row, after, limit, hidden=reading.hidden.releases)
        page = as_page(reading, found, release_rows)
        subject, view = details.subject("label", row), sources(reading)[source]
        links = details.links(reading, subject, view)
        said = details.said_links(reading, [identifier])
        return LabelPage(identifier, name, releases, tracks, about(reading, subject), links, view, page, said)


def labels(library: Library, *, after: str | None = None, limit: int = 100) -> Page[tuple[LabelRef, int]]:
    """All labels with their numbers of tracks, most first."""
    with library.reading() as reading:
        found = reading.rows(_LABELS, (reading.after("label", after), limit + 1))
        known = label_refs(reading, [row for row, _ in found])
        items = tuple((known[row], tracks) for row, tracks in found[:limit])
        following = items[-1][0].id if len(found) > limit else None
        return Page(items, following, _last(reading, "label"))


def genre(library: Library, key: str, *, after: str | None = None, limit: int = 50) -> GenrePage:
    """A genre and its tracks, best first. Raises NotFound."""
    with library.reading() as reading:
        found = reading.one(_GENRE, (key,))
        if found is None:
            raise not_there("genre", key)
        _, name, tracks, releases, artists = found
        results = facet(reading.db, "track", "genre", key, after, limit, hidden=reading.hidden.tracks)
        return GenrePage(key, name, tracks, releases, artists, as_page(reading, results, track_rows))


def genres(library: Library, *, after: str | None = None, limit: int = 100) -> Page[tuple[GenreRef, int]]:
    """All genres with their numbers of tracks, most first."""
    with library.reading() as reading:
        start = reading.one(_GENRE, (after,)) if after else None
        found = reading.rows(_GENRES, (start[0] if start else 0, limit + 1))
        items = tuple((GenreRef(key, name), tracks) for key, name, tracks in found[:limit])
        following = items[-1][0].key if len(found) > limit else None
        return Page(items, following, _last(reading, "genre"))


def year(library: Library, number: int, *, after: str | None = None, limit: int = 50) -> YearPage:
    """A year and its releases, best first. Raises NotFound for a year that the catalogue has nothing of."""
    with library.reading() as reading:
        counted = _years(reading)
        if number not in counted:
            raise not_there("year", number)
        order = list(counted)
        place = order.index(number)
        found = facet(reading.db, "release", "year", number, after, limit, hidden=reading.hidden.releases)
        page = as_page(reading, found, release_rows)
        before = order[place - 1] if place else None
        following = order[place + 1] if place + 1 < len(order) else None
        return YearPage(number, counted[number], before, following, page)


def years(library: Library) -> tuple[tuple[int, int], ...]:
    """Every year with its number of tracks, in order."""
    with library.reading() as reading:
        return tuple(_years(reading).items())


def as_page(reading: Reading, found: Results, rows: Callable[[Reading, Iterable[int]], list[Item]]) -> Page[Item]:
    """What a search found, as a page of rows."""
    return Page(tuple(rows(reading, found.hits)), found.next, found.total, found.total_capped)


def _years(reading: Reading) -> dict[int, int]:
    return {int(bucket): value for bucket, value in reading.rows(_YEARS)}


def _last(reading: Reading, table: str) -> int:
    """How many rows a table has that is numbered from 1."""
    return int(reading.rows(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0])

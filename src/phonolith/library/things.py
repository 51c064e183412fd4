"""What sources say of labels, release groups, works and other things, and the music that belongs to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phonolith.library import details
from phonolith.library.listing import release_rows, track_rows
from phonolith.library.named import thing_number
from phonolith.library.parts import credits, dates, sources
from phonolith.library.reading import Library, Reading, not_there
from phonolith.library.views import About, Page, ThingPage
from phonolith.model.ids import unpack_source_id

_ABOUT = """
SELECT k.name, t.name, coalesce(t.sort_name, t.name), y.name, t.disambiguation, t.country, t.begin_date, t.end_date,
  t.language, t.credit, t.source, t.source_id
FROM thing t JOIN kind k ON k.id = t.kind LEFT JOIN kind y ON y.id = t.type WHERE t.subject = ?"""
_RELEASES = "SELECT id FROM release WHERE release_group = ? AND source = ? AND id > ? ORDER BY id LIMIT ?"
_TRACKS = """
SELECT i.subject / 4 FROM identifier i CROSS JOIN track t ON t.id = i.subject / 4
CROSS JOIN release r ON r.id = t.release
WHERE i.scheme = 'mbid.work' AND i.value = ? AND i.subject > ? * 4 + 3 AND i.subject % 4 = 0 AND r.source = ?
ORDER BY i.subject LIMIT ?"""


def thing(library: Library, identifier: str, *, after: str | None = None, limit: int = 50) -> ThingPage:
    """A release group with its releases, a work with its tracks, or another thing; best first.

    Raises NotFound, and Withdrawn where a decision named it or an artist it is credited to.
    """
    with library.reading() as reading:
        subject = thing_number(reading, identifier)
        if subject is None:
            raise not_there("id", identifier)
        return _page(reading, identifier, subject, after, limit)


def about(reading: Reading, subject: int) -> About | None:
    """What is said of a label or thing; None of a label that is only named."""
    row = reading.one(_ABOUT, (subject,))
    return _about(reading, subject, row) if row else None


def _page(reading: Reading, identifier: str, subject: int, after: str | None, limit: int) -> ThingPage:
    row = reading.rows(_ABOUT, (subject,))[0]
    said = _about(reading, subject, row)
    reading.check(f"thing:{identifier}", (identifier, *(one.id for one in said.credit)))
    source, source_id = row[-2:]
    start = reading.after("release" if said.kind == "release-group" else "track", after)
    releases = reading.rows(_RELEASES, (source_id, source, start, limit + 1)) if said.kind == "release-group" else []
    works = (unpack_source_id(source_id), start, source, limit + 1)
    tracks = reading.rows(_TRACKS, works) if said.kind == "work" else []
    return ThingPage(
        id=identifier,
        name=row[1],
        about=said,
        links=details.links(reading, subject, sources(reading)[source]),
        source=sources(reading)[source],
        releases=_piece(reading, "release", releases, limit),
        tracks=_piece(reading, "track", tracks, limit),
    )


def _piece(reading: Reading, kind: str, found: Sequence[tuple[Any, ...]], limit: int) -> Page[Any]:
    rows = [row for (row,) in found[:limit]]
    following = reading.snapshot.public_id(kind, rows[-1]) if len(found) > limit else None
    return Page(tuple((release_rows if kind == "release" else track_rows)(reading, rows)), following)


def _about(reading: Reading, subject: int, row: tuple[Any, ...]) -> About:
    kind, _, sort_name, sort, disambiguation, country, begin, end, language, credit, *_ = row
    dated = dates(reading, {begin, end})
    return About(
        kind=kind,
        sort_name=sort_name,
        type=sort or "",
        disambiguation=disambiguation or "",
        country=country or "",
        begin=dated.get(begin),
        end=dated.get(end),
        language=language or "",
        credit=credits(reading, {credit}).get(credit, ()),
        aliases=details.notes(reading, subject, "alias"),
        identifiers=details.identifiers(reading, subject),
    )

"""Finds what a source's own ids and addresses stand for here, so that pages lead to one another.

A thing that is neither track, release, artist nor label has no entry among the permalinks: such things are numbered in
the order of their public ids, so one is found by halving.
"""

from __future__ import annotations

from typing import Any

from phonolith.errors import NotFound
from phonolith.library.parts import dates, sources
from phonolith.library.reading import Reading
from phonolith.library.views import LinkView, PageRef, SourceView, ThingRef
from phonolith.model.ids import is_public_id, is_uuid, public_id, public_key, unpack_source_id

_LAST = "SELECT coalesce(-min(subject), 0) FROM thing WHERE subject < 0"
_OWN = "SELECT source, source_id FROM thing WHERE subject = ?"
_REF = """
SELECT k.name, t.name, y.name, t.begin_date
FROM thing t JOIN kind k ON k.id = t.kind LEFT JOIN kind y ON y.id = t.type WHERE t.subject = ?"""
_NAMES = {
    "track": "SELECT title FROM track WHERE id = ?",
    "release": "SELECT title FROM release WHERE id = ?",
    "artist": "SELECT name FROM artist WHERE id = ?",
    "label": "SELECT name FROM label WHERE id = ?",
}


def thing_number(reading: Reading, identifier: str) -> int | None:
    """The subject of the thing with this public id: a negative number, None where there is none."""
    if not is_public_id(identifier):
        return None
    wanted, low = public_key(identifier), 1
    high: int = reading.snapshot.once("things", lambda: reading.rows(_LAST)[0][0])
    while low <= high:
        middle = (low + high) // 2
        own = thing_id(reading, -middle)
        if own == identifier:
            return -middle
        if public_key(own) < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return None


def thing_id(reading: Reading, subject: int) -> str:
    """The public id of a thing."""
    source, source_id = reading.rows(_OWN, (subject,))[0]
    return public_id(sources(reading)[source].name, unpack_source_id(source_id))


def thing_ref(reading: Reading, source: SourceView, source_id: str) -> ThingRef | None:
    """What a source calls by an id of its own, if that is a thing."""
    identifier = public_id(source.name, source_id)
    subject = thing_number(reading, identifier)
    if subject is None:
        return None
    kind, name, sort, begin = reading.rows(_REF, (subject,))[0]
    return ThingRef(identifier, kind, name, sort or "", dates(reading, {begin}).get(begin))


def named_link(reading: Reading, source: SourceView, rel: str, url: str) -> LinkView:
    """A link; one to the source's own page of something that is known here leads to it."""
    source_id = url.rpartition("/")[2]
    if not source.url or not url.startswith(source.url) or not is_uuid(source_id):
        return LinkView(rel, url)
    return LinkView(rel, url, _page(reading, source, source_id))


def _page(reading: Reading, source: SourceView, source_id: str) -> PageRef | None:
    """The page of what a source calls so; None for what is not here or must not be shown."""
    identifier = public_id(source.name, source_id)
    try:
        kind, row = reading.snapshot.find(identifier)
    except NotFound:
        thing = thing_ref(reading, source, source_id)
        return PageRef("thing", thing.id, thing.name or thing.kind) if thing else None
    if not reading.shown(kind, (row,)):
        return None
    name: Any = reading.rows(_NAMES[kind], (row,))[0][0]
    return PageRef(kind, identifier, name or kind)

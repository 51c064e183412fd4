"""What the last harvests changed, as the build left it in derived/changes.sqlite: for pages, the API and feeds.

What was withdrawn since is not shown. A file that is not there, or that another version wrote, says nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from phonolith.errors import NotFound
from phonolith.library.reading import Library, Reading
from phonolith.library.views import Page
from phonolith.model.change import FieldChange
from phonolith.model.text import is_cjk, runs

_MOST_WORDS = 20


@dataclass(frozen=True, slots=True)
class HarvestView:
    """A harvest and what it brought, in records. ``told``: every change of it is listed, not only its last part."""

    source: str
    number: int
    time: str
    new: int
    changed: int
    gone: int
    told: bool


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A thing that is not as it was, as :class:`phonolith.model.change.Change` has it.

    ``key`` is its place in the list, ``here`` whether the catalogue has the thing, or its heir, now.
    """

    key: str
    source: str
    harvest: int
    what: str
    item: str
    time: str
    kind: str
    id: str
    title: str
    artist: str
    release: str
    heir: str
    stricter: bool
    fields: tuple[FieldChange, ...]
    copies: tuple[str, ...]
    here: bool


_NAMES = ("source", "harvest", "what", "item", "time", "kind", "id", "title", "artist", "release", "heir")
_COLUMNS = (
    "c.id, c.source, c.harvest, c.what, c.item, c.time, c.kind, c.thing, c.title, c.artist, c.release, c.heir,"
    " c.stricter, c.fields, c.copies"
)
_LIST = f"""
SELECT {_COLUMNS} FROM change c
WHERE (:source = '' OR c.source = :source) AND (:harvest = 0 OR c.harvest = :harvest)
  AND (:what = '' OR c.what = :what OR (:what = 'stricter' AND c.stricter)) AND c.id < :before
ORDER BY c.id DESC"""
#: New releases, and new tracks on releases that were there before.
_NEW = """
c.what = 'appeared' AND (c.kind = 'release' OR (c.kind = 'track' AND NOT EXISTS (
  SELECT 1 FROM change r WHERE r.thing = c.release AND r.source = c.source AND r.harvest = c.harvest
    AND r.what = 'appeared' AND r.kind = 'release')))"""
_ABOUT = f"""
SELECT {_COLUMNS} FROM about a CROSS JOIN change c ON c.id = a.change WHERE a.thing = :thing AND {_NEW}
ORDER BY c.id DESC"""
_LOST = f"""
SELECT {_COLUMNS} FROM change c WHERE (c.what = 'vanished' OR c.stricter) AND NOT EXISTS (
  SELECT 1 FROM change r WHERE r.thing = c.thing AND r.source = c.source AND r.id > c.id
    AND (r.what = 'vanished' OR r.stricter OR (r.what = 'appeared' AND c.what = 'vanished')))
ORDER BY c.id DESC"""
_FOUND = f"SELECT {_COLUMNS} FROM change c WHERE {_NEW}{{}} ORDER BY c.id DESC"


def read_until(path: Path) -> tuple[Mapping[str, int], tuple[int, ...]]:
    """Up to which line of each source the catalogue knows it; and other numbers as soon as there was another build.

    Nothing is known where there is no such file: then everything counts as newer than the catalogue.
    """
    with suppress(OSError):
        found = path.stat()
        return dict(_rows(path, "SELECT source, lines FROM read", {})), (found.st_ino, found.st_mtime_ns)
    return {}, ()


def harvests(path: Path) -> list[HarvestView]:
    """The last harvests of every source, oldest first of each."""
    sql = "SELECT source, number, time, new, changed, gone, told FROM harvest ORDER BY source, number"
    return [
        HarvestView(source, number, time, new, changed, gone, bool(told))
        for source, number, time, new, changed, gone, told in _rows(path, sql, {})
    ]


def changes(
    library: Library,
    path: Path,
    *,
    source: str = "",
    harvest: int = 0,
    what: str = "",
    after: str = "",
    limit: int = 100,
) -> Page[ChangeView]:
    """What changed, newest first; ``what`` is one of the kinds of change, or ``stricter``; ``after`` a page's next."""
    before = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 2**62
    bindings = {"source": source, "harvest": harvest, "what": what, "before": before}
    with library.reading() as reading:
        found = list(_views(reading, _rows(path, _LIST, bindings), limit + 1))
    return Page(tuple(found[:limit]), next=found[limit - 1].key if len(found) > limit else None)


def lost(library: Library, path: Path, *, limit: int = 10_000) -> list[ChangeView]:
    """What is gone from a source and did not come back, and what became stricter; newest first, each thing once."""
    with library.reading() as reading:
        return list(_views(reading, _rows(path, _LOST, {}), limit))


def news(library: Library, path: Path, *, about: str = "", words: str = "", limit: int = 100) -> list[ChangeView]:
    """New releases and tracks of the artist or label ``about``, or those that all ``words`` find; newest first."""
    with library.reading() as reading:
        if about:
            return list(_views(reading, _rows(path, _ABOUT, {"thing": about}), limit))
        wanted = runs(words)[:_MOST_WORDS] if words.strip() else []
        has = "".join(f" AND instr(c.text, :w{at})" for at in range(len(wanted)))
        bindings = {f"w{at}": run if is_cjk(run) else f" {run} " for at, run in enumerate(wanted)}
        return list(_views(reading, _rows(path, _FOUND.format(has), bindings), limit))


def _views(reading: Reading, rows: Iterator[tuple[Any, ...]], limit: int) -> Iterator[ChangeView]:
    withdrawn, left = reading.decisions.withdrawn, limit
    for row in rows:
        if left <= 0:
            return
        copies = tuple(json.loads(row[14]))
        if not withdrawn.keys().isdisjoint((row[7], row[10], row[11], *copies)) or _is_hidden(reading, row[7]):
            continue
        left -= 1
        fields = tuple(FieldChange(**one) for one in json.loads(row[13]))
        here = _is_here(reading, row[11] or row[7])
        told = dict(zip(_NAMES, row[1:12], strict=True))
        yield ChangeView(key=str(row[0]), stricter=bool(row[12]), fields=fields, copies=copies, here=here, **told)


def _is_hidden(reading: Reading, identifier: str) -> bool:
    """Whether it is hidden by a decision about something else: its artist, its release."""
    with suppress(NotFound):
        kind, row = reading.snapshot.find(identifier)
        return row in reading.hidden.of(kind)
    return False


def _is_here(reading: Reading, identifier: str) -> bool:
    with suppress(NotFound):
        reading.snapshot.find(identifier)
        return True
    return False


def _rows(path: Path, sql: str, bindings: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of the file; none where it is not there or cannot be read. It is never written in place."""
    if not path.exists():
        return
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with suppress(apsw.Error), closing(apsw.Connection(f"file:{quote(os.fsencode(path))}?immutable=1", flags)) as db:
        rows: Iterator[Any] = iter(db.execute(sql, bindings))
        yield from rows

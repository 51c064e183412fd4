"""Selections: what a person names when a decision is about many things at once.

A selection is one word or several, all of which must hold:

- an id, bare or as ``track:ID``, ``release:ID``: that thing itself, alone;
- ``artist:ID``, ``label:ID``, ``source:NAME``: the releases of an artist, of a label, of a collection;
- ``genre:KEY``, ``year:2004``, ``year:1990-1999``, ``licence:FAMILY|CODE``, ``held:yes|no``, ``words:…``: tracks.

Words of the first two sorts give releases: a decision about a release is one about its tracks, and stays right when a
track is added. As soon as one of the third sort is among them, the selection is of tracks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from phonolith.errors import NotFound, UsageError
from phonolith.library.artists import every_release
from phonolith.library.asked import Query
from phonolith.library.reading import Library, Reading
from phonolith.library.rows import Rows
from phonolith.library.search import search
from phonolith.model.ids import is_public_id
from phonolith.model.text import runs

FORMS = (
    "ID, release:ID, artist:ID, label:ID, source:NAME, genre:KEY, year:2004, year:1990-1999, licence:by-sa, held:yes, "
    "words:…; several in one argument must all hold"
)

_WHOLE = ("artist", "label", "source")
_FILTERS = ("genre", "year", "licence", "held", "words")
_PIECE = 1_000


@dataclass(frozen=True, slots=True)
class Selection:
    """What was selected: public ids, each once, in the order named; how many of each kind; how many tracks in all."""

    ids: tuple[str, ...]
    kinds: Mapping[str, int]
    tracks: int


def select(library: Library, texts: Sequence[str]) -> Selection:
    """What the texts name, each a selection of its own. Hidden things are selected too: they can be decided about.

    Raises UsageError for what is no selection, NotFound where one selects nothing.
    """
    with library.reading() as reading:
        rows: dict[tuple[str, int], None] = {}
        for text in texts:
            found = dict.fromkeys(_one(reading, text))
            if not found:
                raise NotFound(text, "selects nothing", f"A selection is {FORMS}")
            rows |= found
        ids = tuple(reading.snapshot.public_id(kind, row) for kind, row in rows)
        return Selection(ids, Counter(kind for kind, _ in rows), _tracks(reading, rows))


def is_selection(text: str) -> bool:
    """Whether a text names something by what it has in common, and not by an id or a file."""
    return any(word.partition(":")[0] in (*_WHOLE, *_FILTERS) and ":" in word for word in text.split())


def _one(reading: Reading, text: str) -> Iterator[tuple[str, int]]:
    words = _words(text)
    if len(words) == 1 and words[0][0] in ("", "track", "release"):
        yield _named(reading, *words[0])
        return
    kind = "track" if any(name in _FILTERS for name, _ in words) else "release"
    query = Query(kind=kind, limit=_PIECE)
    artists: list[set[int]] = []
    for name, value in words:
        if name == "artist":
            artists.append(set(every_release(reading, reading.row("artist", value))))
        else:
            query = _narrowed(reading, query, name, value)
    rows = sorted(set.intersection(*artists)) if len(artists) == len(words) else _all(reading, query)
    for row in rows:
        if all(_release_of(reading, kind, row) in releases for releases in artists):
            yield kind, row


def _words(text: str) -> list[tuple[str, str]]:
    """(name, value) pairs; what follows ``words:`` belongs to it up to the end."""
    head, mark, rest = text.partition("words:")
    found = []
    for word in head.split():
        name, colon, value = word.rpartition(":")
        if not colon:
            name, value = "", word
        if name not in ("", "track", "release", *_WHOLE, *_FILTERS) or not value:
            raise UsageError(text, f"{word!r} is not part of a selection", f"A selection is {FORMS}")
        found.append((name, value))
    if mark:
        found.append(("words", rest.strip()))
    if not found:
        raise UsageError("selection", "it is empty", f"A selection is {FORMS}")
    return found


def _named(reading: Reading, kind: str, identifier: str) -> tuple[str, int]:
    if not is_public_id(identifier):
        raise UsageError(identifier, "is not an id: ids have 16 characters, a-z and 2-7", f"A selection is {FORMS}")
    if kind:
        return kind, reading.row(kind, identifier)
    return reading.snapshot.find(identifier)


def _narrowed(reading: Reading, query: Query, name: str, value: str) -> Query:
    """The query with one more filter."""
    if name == "source":
        known = [row for (row,) in reading.rows("SELECT name FROM source ORDER BY name")]
        if value not in known:
            raise NotFound(f"source:{value}", "the catalogue has nothing of it", f"It has {', '.join(known) or 'none'}")
        return replace(query, source=value)
    if name == "label":
        return replace(query, label=reading.row("label", value))
    if name == "year":
        return replace(query, year=_years(value))
    if name == "held":
        if value not in ("yes", "no"):
            raise UsageError(f"held:{value}", "is neither yes nor no", "Say held:yes or held:no")
        return replace(query, held=value == "yes")
    if name == "genre":
        return replace(query, genre=value)
    if name == "licence":
        return replace(query, licence=value)
    if name == "words":
        return replace(query, words=value)
    raise UsageError(f"{name}:{value}", "an id stands alone", f"A selection is {FORMS}")


def _years(value: str) -> tuple[int, int]:
    first, _, last = value.partition("-")
    if not (first.isascii() and first.isdigit() and (last or first).isascii() and (last or first).isdigit()):
        raise UsageError(f"year:{value}", "is not a year or a range of years", "Say year:2004 or year:1990-1999")
    return int(first), int(last or first)


def _all(reading: Reading, query: Query) -> Iterator[int]:
    """Every row of a query, page by page.

    A decision is about what was named: rows that only begin like a word or sound like one are left out.
    """
    wanted, names = runs(query.words), Rows(reading.db, query.kind)
    while True:
        found = search(reading.db, query)
        if found.corrected:
            return
        for row in found.hits:
            if not wanted or all(map(names.read(row).has, wanted)):
                yield row
        if found.next is None:
            return
        query = replace(query, after=found.next)


def _release_of(reading: Reading, kind: str, row: int) -> int:
    if kind == "release":
        return row
    return int(reading.rows("SELECT release FROM track WHERE id = ?", (row,))[0][0])


def _tracks(reading: Reading, rows: Collection[tuple[str, int]]) -> int:
    """How many tracks are concerned, each counted once."""
    releases = {row for kind, row in rows if kind == "release"}
    whole = sum(int(reading.rows("SELECT tracks FROM release WHERE id = ?", (row,))[0][0]) for row in releases)
    alone = [row for kind, row in rows if kind == "track"]
    if not releases:
        return len(alone)
    return whole + sum(_release_of(reading, "track", row) not in releases for row in alone)

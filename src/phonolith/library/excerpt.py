"""The part of the catalogue that goes with some files: descriptions of their tracks, releases and artists."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from phonolith.errors import NotFound
from phonolith.library.described import described
from phonolith.library.parts import sources
from phonolith.library.permitted import PermittedFile
from phonolith.library.reading import Reading
from phonolith.library.views import SourceView
from phonolith.model.ids import public_id
from phonolith.model.music import Description


@dataclass(frozen=True, slots=True)
class Said:
    """What a source says of a thing, as the catalogue has it; ``kind`` is artist, release, track, or source: itself."""

    source: str
    kind: str
    said: Description | SourceView


def excerpt(reading: Reading, held: Collection[str], files: Sequence[PermittedFile]) -> Iterator[Said]:
    """Sources, artists, releases and tracks of the files, each once, by kind and id.

    It is enough for somebody else to build the same pages from: ids, credits, dates, genres, popularity, licence. Of
    held files it names those whose SHA-256 is in ``held``, so that every bundle says the same of one release.
    """
    rows = {
        "release": sorted({one.rank for one in files}),
        "track": sorted({reading.row("track", one.track.id) for one in files if one.track}),
    }
    said = {kind: list(described(reading.db, kind, found, held)) for kind, found in rows.items()}
    known = sources(reading)
    names = {number: source.name for number, source in known.items()}
    credited = {
        public_id(names[number], credit.artist)
        for found in said.values()
        for number, one in found
        for credit in getattr(one, "credits", ())
    }
    said["artist"] = list(described(reading.db, "artist", sorted(_rows(reading, credited)), held))
    for number in sorted({number for found in said.values() for number, _ in found}):
        yield Said(names[number], "source", known[number])
    for kind in ("artist", "release", "track"):
        yield from (Said(names[number], kind, one) for number, one in sorted(said[kind], key=lambda pair: pair[1].id))


def _rows(reading: Reading, artists: set[str]) -> Iterator[int]:
    for identifier in artists:
        try:
            yield reading.row("artist", identifier)
        except NotFound:  # a credit that names nobody
            continue

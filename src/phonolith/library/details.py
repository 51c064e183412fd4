"""What a page says beyond the row itself: identifiers, links, notes, files, corrections, genres, labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from phonolith.library.named import named_link
from phonolith.library.parts import labels
from phonolith.library.reading import Reading
from phonolith.library.views import CorrectionView, FileView, GenreRef, LabelRef, LinkView, SaidLink, SourceView
from phonolith.model.ids import KINDS

_FILES = """
SELECT f.role, f.name, lower(hex(o.sha256)), o.size, o.media_type, f.url, f.codec, f.bitrate, f.sample_rate, f.channels,
  f.bit_depth, f.problem
FROM file f LEFT JOIN object o ON o.id = f.object WHERE f.subject = ? ORDER BY f.position"""

_GENRES = "SELECT g.folded, g.name FROM genre_set s JOIN genre g ON g.id = s.genre WHERE s.id = ? ORDER BY g.id"

_FURTHER_LABELS = "SELECT label, catalogue_number FROM release_label WHERE release = ? ORDER BY position"


_MOST_NAMED = 200  # links of one subject that are looked up


def subject(kind: str, row: int) -> int:
    """How tables that serve several kinds name a row."""
    return row * 4 + KINDS.index(kind)


def identifiers(reading: Reading, about: int) -> tuple[tuple[str, str], ...]:
    """(scheme, value) pairs of a subject, by scheme."""
    rows = reading.rows("SELECT scheme, value FROM identifier WHERE subject = ? ORDER BY scheme, value", (about,))
    return tuple((scheme, value) for scheme, value in rows)


def links(reading: Reading, about: int, source: SourceView) -> tuple[LinkView, ...]:
    """Outgoing links of a subject; those to the source's own pages lead to what is known here of the same."""
    rows = reading.rows("SELECT rel, url FROM link WHERE subject = ? ORDER BY rel, url", (about,))
    named = (named_link(reading, source, rel, url) for rel, url in rows[:_MOST_NAMED])
    return (*named, *(LinkView(rel, url) for rel, url in rows[_MOST_NAMED:]))


def said_links(reading: Reading, ids: Iterable[str]) -> tuple[SaidLink, ...]:
    """Links that were added by the artist's door to any of these ids, the first of them first; each address once."""
    found: dict[str, SaidLink] = {}
    for one in dict.fromkeys(ids):
        for link in reading.decisions.linked.get(one, ()):
            found.setdefault(link.url, SaidLink(link.rel, link.url, link.voice, link.event))
    return tuple(found.values())


def notes(reading: Reading, about: int, kind: str) -> tuple[str, ...]:
    """Texts of one kind (``alias``, ``disambiguation`` …) of a subject, in their order."""
    sql = "SELECT value FROM note WHERE subject = ? AND kind = ? ORDER BY position"
    return tuple(value for (value,) in reading.rows(sql, (about, kind)))


def files(reading: Reading, about: int) -> tuple[FileView, ...]:
    """Files of a track or release in their order."""
    return tuple(_file(*row) for row in reading.rows(_FILES, (about,)))


def corrections(reading: Reading, about: int) -> tuple[CorrectionView, ...]:
    """What a person decided about a subject and this build applied."""
    sql = "SELECT field, was, now, because, event, time FROM correction WHERE subject = ? ORDER BY field"
    return tuple(
        CorrectionView(name, was or "", now or "", because, event, time, reading.decisions.voice(event))
        for name, was, now, because, event, time in reading.rows(sql, (about,))
    )


def genres(reading: Reading, candidates: Sequence[tuple[str, int | None]]) -> tuple[GenreRef, ...]:
    """The first set of genres there is among (scope, set) candidates, most common genre first."""
    for scope, number in candidates:
        if number is not None:
            return tuple(GenreRef(key, name, scope) for key, name in reading.rows(_GENRES, (number,)))
    return ()


def release_labels(reading: Reading, release: int, first: LabelRef | None) -> tuple[LabelRef, ...]:
    """All labels of a release, each with the release's catalogue number there."""
    further = reading.rows(_FURTHER_LABELS, (release,))
    known = labels(reading, [row for row, _ in further])
    rest = [LabelRef(known[row].id, known[row].name, number or "") for row, number in further if row in known]
    return (*([first] if first else []), *rest)


def genres_of_artist(reading: Reading, credit: int | None) -> int | None:
    """The set of genres of a credit's first artist."""
    if credit is None:
        return None
    if credit < 0:
        first = "SELECT artist FROM credit WHERE id = ? ORDER BY position LIMIT 1"
        found = reading.one(first, (-credit,))
        credit = found[0] if found else None
    row = reading.one("SELECT genres FROM artist WHERE id = ?", (credit,))
    return row[0] if row else None


def _file(role: str, name: str, sha256: str, size: int | None, media_type: str | None, *rest: Any) -> FileView:
    url, codec, bitrate, sample_rate, channels, depth, problem = rest
    audio = codec or "", bitrate, sample_rate, channels, depth
    return FileView(role, name, sha256 or "", size or 0, media_type or "", url or "", *audio, problem or "")

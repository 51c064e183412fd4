"""What each build covered, kept as dated observations: a series that no later build can make again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from phonolith import __version__
from phonolith.library.coverage import Coverage, coverage
from phonolith.library.reading import Library
from phonolith.store.archive import Archive

_KIND = "coverage"
#: What was looked at: the catalogue of this archive, whichever build of it.
_SUBJECT = hashlib.sha256(b"derived/catalogue.sqlite").hexdigest()


@dataclass(frozen=True, slots=True)
class Dated:
    """What one build covered: by definition (known, held), and by source of popularity (low, mid, high).

    ``as_of`` is the date that its catalogue stated, ``time`` when it was first built so, ISO 8601 UTC.
    """

    as_of: str
    time: str
    counts: Mapping[str, tuple[int, int]]
    listening: Mapping[str, tuple[float, float, float]]


def keep(archive: Archive, library: Library, now: str) -> None:
    """Note what the catalogue covers, unless the last note says the same. No build reads these notes."""
    found = _summary(coverage(library))
    with archive.observations() as observations:
        last = observations.latest(_SUBJECT, _KIND)
        if last is None or last.value != found:
            observations.add(_SUBJECT, _KIND, "phonolith", __version__, now, found)


def series(archive: Archive) -> list[Dated]:
    """What builds covered, oldest first."""
    with archive.observations() as observations:
        return [_dated(one.time, one.value) for one in observations.of(_SUBJECT, _KIND)]


def _summary(found: Coverage) -> dict[str, object]:
    heard = {one.source: [one.low, one.mid, one.high] for one in found.listening if one.mid is not None}
    return {
        "as_of": found.as_of,
        "counts": {one.name: [one.known, one.held] for one in found.shares},
        "listening": heard,
    }


def _dated(time: str, value: Mapping[str, Mapping[str, tuple[float, ...]]]) -> Dated:
    counts = {name: (int(known), int(held)) for name, (known, held) in value["counts"].items()}
    heard = {name: (low, mid, high) for name, (low, mid, high) in value["listening"].items()}
    return Dated(str(value["as_of"]), time, counts, heard)

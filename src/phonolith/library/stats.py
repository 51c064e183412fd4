"""What the archive holds, in claims and stored counts: no page and no verb counts rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phonolith.library.parts import sources
from phonolith.library.reading import Library, Reading
from phonolith.library.values import SourceView, bytes_text, playing_time

#: Counts that describe the whole, in the order they are shown. ``bytes`` are those of all objects.
COUNTS = ("tracks", "releases", "artists", "labels", "genres", "held", "objects", "bytes")

#: Counts by bucket. ``year`` and ``decade`` by year, ``duration`` by seconds in steps of 30, ``popularity`` by the
#: source's unit in steps of 1, 2, 5, 10 …, ``licence`` by family, ``source`` by name, ``format`` by codec; in tracks.
SERIES = ("year", "decade", "duration", "popularity", "licence", "source", "format")

#: Those of them whose every bucket is a claim, ``licence.by-sa``, with the SQL that gives it.
CLAIMED = ("decade", "licence", "source", "format")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket of a series; ``bucket`` None is "unknown"."""

    bucket: int | str | None
    value: int


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many tracks have a status."""

    name: str
    sentence: str
    tracks: int


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A number stated about this archive, and the SQL that gives it from the catalogue.

    ``sentence`` is for people and has the number in units they know; ``value`` is exact, in ``unit``.
    """

    name: str
    sentence: str
    procedure: str
    value: int | float | str
    unit: str


@dataclass(frozen=True, slots=True)
class Stats:
    """The archive in numbers, as of ``as_of``. ``hidden`` counts what was withdrawn since, by kind.

    ``licence`` is that of the catalogue itself, "" where its sources differ. ``hours`` is how long the tracks whose
    duration is known play, None where the catalogue does not state it.
    """

    archive: str
    as_of: str
    licence: str
    counts: Mapping[str, int]
    statuses: tuple[StatusCount, ...]
    series: Mapping[str, tuple[Bar, ...]]
    sources: tuple[SourceView, ...]
    claims: tuple[ClaimView, ...]
    hidden: Mapping[str, int]
    hours: float | None


def stats(library: Library) -> Stats:
    """The archive in numbers: all of them are claims but ``year``, ``duration`` and ``popularity``, which are plots."""
    with library.reading() as reading:
        meta = dict(reading.rows("SELECT key, value FROM meta WHERE key IN ('archive', 'as_of', 'licence')"))
        claims = [_claim(*row) for row in reading.rows(_CLAIMS)]
        claims.sort(key=lambda one: (_ORDER.get(one.name, len(_ORDER)), one.name))
        stated = {one.name: int(one.value) for one in claims}
        playing = stated.get("duration")
        series = {name: _claimed(stated, name) if name in CLAIMED else _series(reading, name) for name in SERIES}
        statuses = [
            StatusCount(name, sentence, stated.get(f"status.{name}", 0)) for name, sentence in reading.rows(_STATUSES)
        ]
        return Stats(
            archive=str(meta.get("archive", "")),
            as_of=str(meta.get("as_of", "")),
            licence=str(meta.get("licence", "")),
            counts={name: stated.get(name, 0) for name in COUNTS},
            statuses=tuple(sorted(statuses, key=lambda one: -one.tracks)),
            series=series,
            sources=tuple(sources(reading).values()),
            claims=tuple(claims),
            hidden={kind: len(reading.hidden.of(kind)) for kind in ("track", "release", "artist")},
            hours=None if playing is None else round(playing / 3_600_000, 6),
        )


def counts(reading: Reading) -> dict[str, int]:
    """The counts that describe the whole; 0 for one that this catalogue does not have."""
    sql = "SELECT name, value FROM tally WHERE bucket = ''"
    found = {name: value for name, value in reading.rows(sql) if name in COUNTS}
    return {name: found.get(name, 0) for name in COUNTS}


def as_of(reading: Reading) -> str:
    """The date the catalogue speaks of."""
    row = reading.one("SELECT value FROM meta WHERE key = 'as_of'")
    return str(row[0]) if row else ""


_STATUSES = "SELECT name, sentence FROM status ORDER BY id"
_CLAIMS = "SELECT name, sentence, procedure, value, unit FROM claim"
_ORDER = {
    name: place
    for place, name in enumerate(
        (
            "tracks",
            "releases",
            "artists",
            "labels",
            "genres",
            "held",
            "duration",
            "licensed",
            "isrc",
            "objects",
            "bytes",
        )
    )
}
_IN_WORDS = {"milliseconds": playing_time, "bytes": bytes_text}


def _claim(name: str, sentence: str, procedure: str, value: int | float | str, unit: str) -> ClaimView:
    shown = f"{value:,}" if isinstance(value, int) else str(value)
    if isinstance(value, int) and unit in _IN_WORDS:
        sentence = sentence.replace(f"{{value}} {unit}", _IN_WORDS[unit](value))
    elif value == 1:
        sentence = sentence.replace(f"{{value}} {unit}", f"1 {unit.removesuffix('s')}")
    return ClaimView(name, sentence.replace("{value}", shown), procedure, value, unit)


def _series(reading: Reading, name: str) -> tuple[Bar, ...]:
    """A stored series."""
    return _in_order(reading.rows("SELECT bucket, value FROM tally WHERE name = ?", (name,)))


def _claimed(stated: Mapping[str, int], name: str) -> tuple[Bar, ...]:
    """A series out of the claims of its buckets."""
    found = [(one.removeprefix(f"{name}."), value) for one, value in stated.items() if one.startswith(f"{name}.")]
    return _in_order([(int(bucket) if name == "decade" and bucket else bucket, value) for bucket, value in found])


def _in_order(found: Iterable[tuple[int | str, int]]) -> tuple[Bar, ...]:
    """Numbers in their order, names by size, unknown last."""
    found = list(found)
    known = [Bar(bucket, value) for bucket, value in found if bucket != ""]
    if all(isinstance(bar.bucket, int) for bar in known):
        known.sort(key=lambda bar: int(bar.bucket or 0))
    else:
        known.sort(key=lambda bar: (-bar.value, str(bar.bucket)))
    return (*known, *(Bar(None, value) for bucket, value in found if bucket == ""))

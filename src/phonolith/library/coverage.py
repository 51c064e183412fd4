"""What share of what is known is held, and of all listening: from stored counts, each share with its denominator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phonolith.library.reading import Library, Reading
from phonolith.library.stats import as_of
from phonolith.model.listening import Basis, Cell, Curve, Estimate, Scale, counted, share

#: What tracks and other things are counted by, in the order in which it is shown, with what each count is of.
DEFINITIONS: Mapping[str, str] = {
    "rows": "tracks, each row of the catalogue one",
    "ids": "tracks, each public id one",
    "isrcs": "different ISRCs of tracks, the first of each; one is held where a track that has it is",
    "recordings": "different recording MBIDs that tracks name; not resolved: a recording without one is not counted",
    "files": "different audio files, byte by byte, whose digest is known",
    "releases": "releases; one is held where one of its tracks is",
    "whole releases": "releases; one is held where all its tracks are",
    "artists": "artists; one is held where a track that credits it is",
    "popular": "tracks whose popularity is known",
}
#: What tracks are told apart by. Under all but genre each track is in one bucket.
AXES = ("year", "genre", "label", "licence", "source")


@dataclass(frozen=True, slots=True)
class Held:
    """``held`` of ``known``; ``share`` from 0 to 1, None where nothing is known. ``of`` is the denominator in words."""

    name: str
    known: int
    held: int
    share: float | None
    of: str


@dataclass(frozen=True, slots=True)
class BytesPoint:
    """The best ``bytes`` of audio that is held have this share of the listening to all tracks of the source."""

    bytes: int
    share: float


@dataclass(frozen=True, slots=True)
class Listening:
    """The share of listening that is held, by one source of popularity. ``of`` is the denominator in words.

    ``low`` to ``high`` covers LEVEL of the ways in which the curve from popularity to listens may run; None where
    nobody listens to anything. ``basis`` and ``assumes`` say what the curve rests on.
    """

    source: str
    title: str
    basis: str
    scale: str
    assumes: str
    tracks: int
    held: int
    low: float | None
    mid: float | None
    high: float | None
    of: str
    by_bytes: tuple[BytesPoint, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is held of what is known, as of ``as_of``. ``territory`` says where.

    ``ranks``: of the best tracks by popularity. ``only_here``: of the tracks held those for which nobody names another
    place. ``hidden``: tracks that were withdrawn since, which the counts still have.
    """

    as_of: str
    territory: str
    shares: tuple[Held, ...]
    listening: tuple[Listening, ...]
    ranks: tuple[Held, ...]
    only_here: Held | None
    hidden: int
    note: str


def coverage(library: Library) -> Coverage:
    """Everything but the tables: see :func:`by`."""
    with library.reading() as reading:
        found: Coverage = reading.snapshot.once("coverage", lambda: _read(reading))
        territories = ", ".join(library.policy.publish_territories) or "the whole world"
        operator = library.policy.operator_territory or "no territory that is set"
        where = f"Known tracks are those of any territory; publishing is for {territories}, playing for {operator}."
        return Coverage(
            found.as_of,
            where,
            found.shares,
            found.listening,
            found.ranks,
            found.only_here,
            len(reading.hidden.of("track")),
            found.note,
        )


def by(library: Library, axis: str) -> tuple[Held, ...]:
    """Tracks held by one of AXES: most known first, years in order; others together and unknown last."""
    with library.reading() as reading:
        day = as_of(reading)

        def named(name: str, known: int, held: int) -> Held:
            return _held(name, known, held, f"of all tracks of {axis} {name}, {day}")

        rows = _rows(reading, axis)
        known = [row for row in rows if row[0] != ""]
        known.sort(key=lambda row: (row[0] if axis == "year" else -row[1], str(row[0])))
        found = [named(str(bucket), *counts) for bucket, *counts in known]
        rest = [named("others", *counts) for _, *counts in _rows(reading, f"{axis}.rest")]
        return (*found, *rest, *(named("unknown", *counts) for bucket, *counts in rows if bucket == ""))


def _read(reading: Reading) -> Coverage:
    day = as_of(reading)
    known = {bucket: (one, held) for bucket, one, held in _rows(reading, "definition")}
    shares = tuple(
        _held(name, *known[name], f"of all {of}, {day}") for name, of in DEFINITIONS.items() if name in known
    )
    ranks = sorted(_rows(reading, "rank"))
    total = known.get("rows", (0, 0))[0]
    place = next(iter(_rows(reading, "place")), None)
    listening = tuple(_listening(reading, row, total, day) for row in reading.rows(f"{_CURVES} ORDER BY s.name"))
    return Coverage(
        day,
        "",
        shares,
        listening,
        tuple(_held(str(top), one, held, f"of the {top:,} tracks of best rank, {day}") for top, one, held in ranks),
        _held(*place, f"of all tracks held here, {day}: no source names an address of their audio") if place else None,
        0,
        "" if listening else "Of no track it is known how popular it is, so that no share of listening can be told.",
    )


_CURVES = """
SELECT c.source, s.name, s.title, c.basis, c.scale, c.level, c.slope, c.scatter, c.pairs, c.draws, c.sentence
FROM curve c JOIN source s ON s.id = c.source"""
_CELLS = """
SELECT tracks, held, popularity, held_popularity, bytes FROM listening WHERE source = ? ORDER BY cell DESC"""


def _curve(row: Sequence[object]) -> Curve:
    basis, scale, level, slope, scatter, pairs, draws, sentence = row
    if basis == Basis.COUNTED:
        return counted()
    drawn = tuple((a, b, c) for a, b, c in json.loads(str(draws)))
    shape = (float(str(level)), float(str(slope)), float(str(scatter)))
    return Curve(Basis(str(basis)), Scale(str(scale)), *shape, drawn, int(str(pairs)), str(sentence))


def _listening(reading: Reading, row: tuple[object, ...], total: int, day: str) -> Listening:
    curve = _curve(row[3:])
    cells = reading.rows(_CELLS, (row[0],))
    tracks, held = sum(one[0] for one in cells), sum(one[1] for one in cells)
    found = _share(curve, cells)
    of = f"of all listening to the {tracks:,} tracks whose popularity {row[2]} counts, {day}"
    of += f"; of the {total - tracks:,} others nothing is known" if total > tracks else ""
    low, mid, high = (found.low, found.mid, found.high) if found else (None, None, None)
    points = _by_bytes(curve, cells)
    named = (str(row[1]), str(row[2]), curve.basis.value, curve.scale.value, curve.sentence)
    return Listening(*named, tracks, held, low, mid, high, of, points)


def _share(curve: Curve, cells: Sequence[tuple[int, int, float, float, int]]) -> Estimate | None:
    if curve.basis is Basis.COUNTED:  # of what was counted the sums are exact, which the means of cells are not
        total = sum(one[2] for one in cells)
        mid = sum(one[3] for one in cells) / total if total else 0.0
        return Estimate(mid, mid, mid) if total else None
    return share(curve, [Cell(popularity / tracks, held, tracks - held) for tracks, held, popularity, *_ in cells])


def _by_bytes(curve: Curve, cells: Sequence[tuple[int, int, float, float, int]]) -> tuple[BytesPoint, ...]:
    """From the most popular cell down: bytes so far, and the listening that they have. Sizes are measured."""
    expected = [
        (curve.listens(popularity / tracks)[1], tracks, held, size) for tracks, held, popularity, _, size in cells
    ]
    total = sum(listens * tracks for listens, tracks, _, _ in expected)
    found, so_far, heard = [], 0, 0.0
    for listens, _, held, size in expected:
        if held and total > 0:
            so_far, heard = so_far + size, heard + listens * held
            found.append(BytesPoint(so_far, min(1.0, heard / total)))
    return _thinned(found)


def _thinned(points: Sequence[BytesPoint], most: int = 40) -> tuple[BytesPoint, ...]:
    """The points that are at least a fortieth of the way apart, and the last."""
    if not points:
        return ()
    step, kept, last = points[-1].bytes / most, [], -1.0
    for one in points[:-1]:
        if one.bytes - last >= step:
            kept.append(one)
            last = one.bytes
    return (*kept, points[-1])


def _rows(reading: Reading, name: str) -> list[tuple[str | int, int, int]]:
    return [
        (bucket, known, held)
        for bucket, known, held in reading.rows("SELECT bucket, known, held FROM coverage WHERE name = ?", (name,))
    ]


def _held(name: str | int, known: int, held: int, of: str) -> Held:
    return Held(str(name), known, held, held / known if known else None, of)

"""The lines of a work list: what was taken, in the order of its first step, each with what it needs to be fetched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from phonolith.library.reading import Reading
from phonolith.model.ids import public_id, unpack_source_id
from phonolith.model.progress import Progress
from phonolith.plan.candidates import KNOWN, Known
from phonolith.plan.fill import Filled
from phonolith.plan.runs import COPY, ORIGINAL, UP, Runs, Steps
from phonolith.plan.score import Scorer
from phonolith.plan.sizes import CODEC, CODECS
from phonolith.store.worklist import Line

Row = list[Any]

_PORTION = 20_000
_ADDRESS = "((f.url >= 'http://' AND f.url < 'http:0') OR (f.url >= 'https://' AND f.url < 'https:0'))"
_DETAILS = f"""
SELECT t.id, t.release, r.source, 0, 0, {CODEC}, f.object IS NOT NULL, coalesce(t.duration, 0), coalesce(f.bitrate, 0),
  coalesce(t.popularity, -1), t.source_id, coalesce(f.url, '')
FROM json_each(?) j CROSS JOIN track t ON t.id = j.value CROSS JOIN release r ON r.id = t.release
CROSS JOIN file f ON f.subject = t.id * 4
WHERE f.role = 'audio' AND (f.object IS NOT NULL OR {_ADDRESS})"""
_OFFERS, _HELD = 4, 6  # their places in a row


def lines(reading: Reading, scorer: Scorer, runs: Runs, filled: Filled, progress: Progress) -> Iterator[Line]:
    """Every line, numbered from 1."""
    left, number = len(filled.first) + len(filled.copies), 0
    progress.start("Writing the work list", left, "items")
    names: dict[int, str] = dict(reading.rows("SELECT id, name FROM source"))
    for block in runs.merged():
        for at in range(0, len(block), _PORTION):
            chosen = _chosen(block[at : at + _PORTION], filled)
            yield from _portion(reading, scorer, names, chosen, number)
            number += len(chosen)
            progress.advance(len(chosen))
        if number >= left:
            break
    progress.finish()


def details(reading: Reading, rows: Iterable[int]) -> dict[int, tuple[Row, bytes | str, str]]:
    """What is known of tracks, as :data:`phonolith.plan.candidates.KNOWN`, with source ids and addresses, by row."""
    found: dict[int, tuple[Row, bytes | str, str]] = {}
    for *known, source_id, url in reading.db.execute(_DETAILS, (json.dumps(sorted(set(rows))),)):
        row = int(known[0])
        before = found.get(row)
        if before is None or known[_HELD] > before[0][_HELD]:  # of what is held it is that file that counts
            known[_OFFERS] = 1 - known[_HELD] + (before[0][_OFFERS] if before else 0)
            found[row] = known, source_id, url
        elif not known[_HELD]:
            before[0][_OFFERS] += 1
    return found


def known_of(rows: list[Row]) -> Known:
    """Rows of :func:`details` as an array."""
    array = np.array([tuple(row) for row in rows], KNOWN)
    array["popularity"][array["popularity"] < 0] = np.nan
    return array


def _chosen(steps: Steps, filled: Filled) -> list[tuple[int, str]]:
    """Rows and tiers of what was taken, of these steps; a step up has its item where its first step is."""
    found = []
    for row, way in zip(steps["track"].tolist(), steps["way"].tolist(), strict=True):
        if way == COPY:
            if row in filled.copies:
                found.append((row, "copy"))
        elif way != UP and row in filled.first:
            found.append((row, "original" if way == ORIGINAL or row in filled.up else "access"))
    return found


def _portion(
    reading: Reading, scorer: Scorer, names: dict[int, str], chosen: list[tuple[int, str]], number: int
) -> Iterator[Line]:
    if not chosen:
        return
    found = details(reading, (row for row, _ in chosen))
    known = known_of([found[row][0] for row, _ in chosen])
    told = scorer.tiers(known, [tier for _, tier in chosen])
    parts = (told.low.tolist(), told.mean.tolist(), told.high.tolist(), told.score.tolist())
    shares = told.listens.tolist(), told.rarity.tolist()
    ms, codecs, sources = known["ms"].tolist(), told.codec.tolist(), known["source"].tolist()
    columns = zip(chosen, *parts, *shares, ms, codecs, sources, strict=True)
    for at, ((row, tier), low, mean, high, score, heard, rare, long, codec, source) in enumerate(columns, number + 1):
        _, source_id, url = found[row]
        name = names[source]
        identifier = public_id(name, unpack_source_id(source_id))
        size = round(low), round(mean), round(high)
        address = "" if tier == "copy" else url
        yield Line(at, identifier, name, address, tier, size, int(long), CODECS[codec], score, heard, rare)

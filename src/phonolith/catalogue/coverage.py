"""Stores what is held of what is known, and the curve from each source's popularity to listens."""

from __future__ import annotations

import json

import apsw

from phonolith.catalogue.rank import statements
from phonolith.catalogue.stage import Stage
from phonolith.model.listening import Curve, counted, fitted, scale_of

_DIGITS = 6  # of what is stored of a curve: the last bits of a logarithm are the processor's

_LISTENING = "SELECT source, cell, tracks, held, popularity, held_popularity, bytes FROM heard ORDER BY source, cell"
_COUNTING = """
SELECT h.source, max(highest), h.source IN (SELECT counted_by FROM counter) FROM heard h GROUP BY h.source ORDER BY 1
"""


def write_coverage(db: apsw.Connection, stage: Stage) -> None:
    """Fill ``coverage``, ``listening`` and ``curve`` from the ranked tables; no page counts rows afterwards."""
    for statement in statements("coverage.sql"):
        stage.run(statement)
    rows = stage.rows("SELECT name, text, number, known::BIGINT, held::BIGINT FROM coverage")
    found = sorted(((name, text, number, known, held) for name, text, number, known, held in rows), key=str)
    stored = [(name, number if text is None else text, known, held) for name, text, number, known, held in found]
    db.executemany("INSERT INTO coverage VALUES (?, ?, ?, ?)", stored)
    db.executemany("INSERT INTO listening VALUES (?, ?, ?, ?, ?, ?, ?)", list(stage.rows(_LISTENING)))
    for source, highest, is_counted in list(stage.rows(_COUNTING)):
        curve = counted() if is_counted else _fit(stage, int(source), float(highest))
        db.execute("INSERT INTO curve VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (source, *_stored(curve)))


def _fit(stage: Stage, source: int, highest: float) -> Curve:
    pairs = stage.rows(f"SELECT popularity, listens FROM listened_beside WHERE source = {source}")
    return fitted(scale_of(highest), list(pairs))


def _stored(curve: Curve) -> tuple[object, ...]:
    draws = json.dumps([[round(one, _DIGITS) for one in draw] for draw in curve.draws], separators=(",", ":"))
    shape = (round(one, _DIGITS) for one in (curve.level, curve.slope, curve.scatter))
    return curve.basis.value, curve.scale.value, *shape, curve.pairs, draws, curve.sentence

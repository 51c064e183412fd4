"""Claims: every number the catalogue states about its archive, with the SQL that gives it from the file itself."""

from __future__ import annotations

from typing import Any

import apsw

from phonolith.model.figures import FIGURES, Figure
from phonolith.model.finding import Finding


def state(db: apsw.Connection) -> None:
    """State every claim about the finished tables with its procedure, and what is tallied of tracks.

    A tally's number is taken as it was counted: its procedure is for whoever checks.
    """
    rows = [(c.name, c.sentence, c.procedure, value_of(db, c.procedure), c.unit) for c in FIGURES]
    tallies = db.execute("SELECT name, bucket, value FROM tally ORDER BY name, bucket").fetchall()
    for name, bucket, value in tallies:
        if name in _TALLIED:
            one = _TALLIED[str(name)](bucket, db)
            rows.append((one.name, one.sentence, one.procedure, value, one.unit))
    db.executemany("INSERT INTO claim VALUES (?, ?, ?, ?, ?)", rows)


def verify(db: apsw.Connection) -> list[Finding]:
    """Run every stored procedure again; a finding for each that gives another value than the one stated."""
    findings = []
    for name, procedure, stated in db.execute("SELECT name, procedure, value FROM claim").fetchall():
        value = value_of(db, str(procedure))
        if value != stated:
            problem = f"states {stated}, and its procedure gives {value}"
            findings.append(Finding("claim.wrong", f"claim {name}", problem, "Build again", "error"))
    return findings


def value_of(db: apsw.Connection, procedure: str) -> Any:
    """The one value of a claim's procedure."""
    row = db.execute(procedure).fetchone()
    return row[0] if row else None


# Tallies: how many tracks of each status, licence, format, source and decade there are

_TRACKS = "SELECT count(*) FROM track t"
_RELEASES = f"{_TRACKS} JOIN release r ON r.id = t.release"
_LICENCES = (
    f"{_RELEASES} LEFT JOIN rights g ON g.id = coalesce(t.rights, r.rights) LEFT JOIN licence l ON l.id = g.licence"
)
_YEARS = (
    f"{_RELEASES} LEFT JOIN event_date d ON d.id = t.date"
    " LEFT JOIN event_date e ON e.id = r.date AND t.date IS NULL WHERE coalesce(d.year, e.year)"
)
_FORMATS = (
    "SELECT count(DISTINCT subject) FROM file"
    " WHERE subject % 4 = 0 AND role = 'audio' AND object IS NOT NULL AND coalesce(nullif(codec, ''), 'unknown') ="
)


def _status(bucket: Any, db: apsw.Connection) -> Figure:
    (name,) = db.execute("SELECT name FROM status WHERE id = ?", (bucket,)).fetchone() or (bucket,)
    return _tally("status", name, f"Tracks with the status {name}", f"{_TRACKS} WHERE t.status = {bucket:d}")


def _licence(bucket: Any, _: apsw.Connection) -> Figure:
    words = "Tracks without a known licence" if bucket == "none" else f"Tracks of the licence family {bucket}"
    return _tally("licence", bucket, words, f"{_LICENCES} WHERE coalesce(l.family, 'none') = {_text(bucket)}")


def _format(bucket: Any, _: apsw.Connection) -> Figure:
    return _tally("format", bucket, f"Held tracks in the format {bucket}", f"{_FORMATS} {_text(bucket)}")


def _source(bucket: Any, _: apsw.Connection) -> Figure:
    procedure = f"{_RELEASES} JOIN source s ON s.id = r.source WHERE s.name = {_text(bucket)}"
    return _tally("source", bucket, f"Tracks from the source {bucket}", procedure)


def _decade(bucket: Any, _: apsw.Connection) -> Figure:
    if bucket == "":
        return _tally("decade", bucket, "Tracks without a known year", f"{_YEARS} IS NULL")
    return _tally("decade", bucket, f"Tracks of the {bucket}s", f"{_YEARS} BETWEEN {bucket:d} AND {bucket + 9:d}")


_TALLIED = {"status": _status, "licence": _licence, "format": _format, "source": _source, "decade": _decade}


def _tally(series: str, bucket: Any, words: str, procedure: str) -> Figure:
    return Figure(f"{series}.{bucket}", f"{words}: {{value}}.", procedure, "tracks")


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"

"""Claims: every number the catalogue states about its archive, with the SQL that gives it from the file itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw

from phonolith.model.finding import Finding


@dataclass(frozen=True, slots=True)
class Claim:
    """``sentence`` has ``{value}`` where the number goes; ``procedure`` is SQL with one value as its result."""

    name: str
    sentence: str
    procedure: str
    unit: str


CLAIMS = (
    Claim("tracks", "The catalogue has {value} tracks.", "SELECT count(*) FROM track", "tracks"),
    Claim("releases", "The catalogue has {value} releases.", "SELECT count(*) FROM release", "releases"),
    Claim("artists", "The catalogue has {value} artists.", "SELECT count(*) FROM artist", "artists"),
    Claim("labels", "The catalogue has {value} labels.", "SELECT count(*) FROM label", "labels"),
    Claim("genres", "The catalogue has {value} genres.", "SELECT count(*) FROM genre", "genres"),
    Claim("held", "The audio of {value} tracks is held.", "SELECT count(*) FROM track WHERE status = 1", "tracks"),
    Claim(
        "licensed",
        "For {value} tracks a licence is known, by evidence of level 2 or more.",
        "SELECT count(*) FROM track t JOIN release r ON r.id = t.release"
        " JOIN rights g ON g.id = coalesce(t.rights, r.rights) WHERE g.licence IS NOT NULL AND g.level >= 2",
        "tracks",
    ),
    Claim("objects", "Files that are held for the catalogue: {value}.", "SELECT count(*) FROM object", "files"),
    Claim("bytes", "Those files have {value} bytes.", "SELECT coalesce(sum(size), 0) FROM object", "bytes"),
    Claim(
        "duration",
        "The tracks whose duration is known play for {value} milliseconds.",
        "SELECT coalesce(sum(duration), 0) FROM release",
        "milliseconds",
    ),
    Claim(
        "releases_held",
        "Of {value} releases the audio of a track is held.",
        "SELECT count(DISTINCT release) FROM track WHERE status = 1",
        "releases",
    ),
    Claim("isrcs", "The tracks have {value} different ISRCs.", "SELECT count(DISTINCT isrc) FROM track", "ISRCs"),
    Claim(
        "isrcs_held",
        "The tracks that are held have {value} different ISRCs.",
        "SELECT count(DISTINCT isrc) FROM track WHERE status = 1",
        "ISRCs",
    ),
    Claim(
        "popular",
        "How popular it is was counted of {value} tracks.",
        "SELECT count(popularity) FROM track",
        "tracks",
    ),
    Claim(
        "popular_held",
        "How popular it is was counted of {value} tracks whose audio is held.",
        "SELECT count(popularity) FROM track WHERE status = 1",
        "tracks",
    ),
    Claim(
        "isrc", "An ISRC is known for {value} tracks.", "SELECT count(*) FROM track WHERE isrc IS NOT NULL", "tracks"
    ),
)


def state(db: apsw.Connection) -> None:
    """State every claim about the finished tables with its procedure, and what is tallied of tracks.

    A tally's number is taken as it was counted: its procedure is for whoever checks.
    """
    rows = [(c.name, c.sentence, c.procedure, value_of(db, c.procedure), c.unit) for c in CLAIMS]
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


def _status(bucket: Any, db: apsw.Connection) -> Claim:
    (name,) = db.execute("SELECT name FROM status WHERE id = ?", (bucket,)).fetchone() or (bucket,)
    return _tally("status", name, f"Tracks with the status {name}", f"{_TRACKS} WHERE t.status = {bucket:d}")


def _licence(bucket: Any, _: apsw.Connection) -> Claim:
    words = "Tracks without a known licence" if bucket == "none" else f"Tracks of the licence family {bucket}"
    return _tally("licence", bucket, words, f"{_LICENCES} WHERE coalesce(l.family, 'none') = {_text(bucket)}")


def _format(bucket: Any, _: apsw.Connection) -> Claim:
    return _tally("format", bucket, f"Held tracks in the format {bucket}", f"{_FORMATS} {_text(bucket)}")


def _source(bucket: Any, _: apsw.Connection) -> Claim:
    procedure = f"{_RELEASES} JOIN source s ON s.id = r.source WHERE s.name = {_text(bucket)}"
    return _tally("source", bucket, f"Tracks from the source {bucket}", procedure)


def _decade(bucket: Any, _: apsw.Connection) -> Claim:
    if bucket == "":
        return _tally("decade", bucket, "Tracks without a known year", f"{_YEARS} IS NULL")
    return _tally("decade", bucket, f"Tracks of the {bucket}s", f"{_YEARS} BETWEEN {bucket:d} AND {bucket + 9:d}")


_TALLIED = {"status": _status, "licence": _licence, "format": _format, "source": _source, "decade": _decade}


def _tally(series: str, bucket: Any, words: str, procedure: str) -> Claim:
    return Claim(f"{series}.{bucket}", f"{words}: {{value}}.", procedure, "tracks")


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"

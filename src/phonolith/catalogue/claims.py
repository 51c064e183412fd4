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
    """Work out every claim on the finished tables and store it with its procedure."""
    rows = [(c.name, c.sentence, c.procedure, value_of(db, c.procedure), c.unit) for c in CLAIMS]
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

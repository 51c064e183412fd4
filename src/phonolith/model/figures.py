"""Figures that every catalogue states of itself, each with the SQL that gives it from the file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """``sentence`` has ``{value}`` where the number goes; ``procedure`` is SQL with one value as its result."""

    name: str
    sentence: str
    procedure: str
    unit: str


#: In the order in which they are stated; a build states what it tallied beside them.
FIGURES = (
    Figure("tracks", "The catalogue has {value} tracks.", "SELECT count(*) FROM track", "tracks"),
    Figure("releases", "The catalogue has {value} releases.", "SELECT count(*) FROM release", "releases"),
    Figure("artists", "The catalogue has {value} artists.", "SELECT count(*) FROM artist", "artists"),
    Figure("labels", "The catalogue has {value} labels.", "SELECT count(*) FROM label", "labels"),
    Figure("genres", "The catalogue has {value} genres.", "SELECT count(*) FROM genre", "genres"),
    Figure("held", "The audio of {value} tracks is held.", "SELECT count(*) FROM track WHERE status = 1", "tracks"),
    Figure(
        "licensed",
        "For {value} tracks a licence is known, by evidence of level 2 or more.",
        "SELECT count(*) FROM track t JOIN release r ON r.id = t.release"
        " JOIN rights g ON g.id = coalesce(t.rights, r.rights) WHERE g.licence IS NOT NULL AND g.level >= 2",
        "tracks",
    ),
    Figure("objects", "Files that are held for the catalogue: {value}.", "SELECT count(*) FROM object", "files"),
    Figure("bytes", "Those files have {value} bytes.", "SELECT coalesce(sum(size), 0) FROM object", "bytes"),
    Figure(
        "duration",
        "The tracks whose duration is known play for {value} milliseconds.",
        "SELECT coalesce(sum(duration), 0) FROM release",
        "milliseconds",
    ),
    Figure(
        "releases_held",
        "Of {value} releases the audio of a track is held.",
        "SELECT count(DISTINCT release) FROM track WHERE status = 1",
        "releases",
    ),
    Figure("isrcs", "The tracks have {value} different ISRCs.", "SELECT count(DISTINCT isrc) FROM track", "ISRCs"),
    Figure(
        "isrcs_held",
        "The tracks that are held have {value} different ISRCs.",
        "SELECT count(DISTINCT isrc) FROM track WHERE status = 1",
        "ISRCs",
    ),
    Figure(
        "popular",
        "How popular it is was counted of {value} tracks.",
        "SELECT count(popularity) FROM track",
        "tracks",
    ),
    Figure(
        "popular_held",
        "How popular it is was counted of {value} tracks whose audio is held.",
        "SELECT count(popularity) FROM track WHERE status = 1",
        "tracks",
    ),
    Figure(
        "isrc", "An ISRC is known for {value} tracks.", "SELECT count(*) FROM track WHERE isrc IS NOT NULL", "tracks"
    ),
)

"""Planted claims: evidence that is made here, and sixty-odd sentences about it of which the truth is known.

Each sentence has the verdicts that are right: ``REFUTED`` and ``PROVEN`` where the evidence can decide. A lie that it
cannot see may stay ``claimed``, and nothing false may ever be called proven.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phonolith.releases.compose import Entry, compose
from phonolith.store.passport import passport_of

CLAIMED, PROVEN, REFUTED, UNVERIFIABLE = "claimed", "proven", "refuted", "unverifiable"

TRACKS = 200  # rows of the database, which says of itself that it has 250
LISTENS = sum(1000 // (number + 1) for number in range(50))
COPIES = 8  # files of the torrents that are there under another name already


@dataclass(frozen=True, slots=True)
class Planted:
    """A claim's keys as TOML, the verdicts that are right, and whether the sentence is true."""

    keys: str
    right: tuple[str, ...]
    true: bool


def lie(keys: str, *right: str) -> Planted:
    return Planted(keys, right or (REFUTED,), False)


def truth(keys: str, *right: str) -> Planted:
    return Planted(keys, right or (PROVEN,), True)


def make_evidence(folder: Path) -> None:
    """Torrents, a database that lies about its rows, tables."""
    _torrents(folder / "torrents")
    _database(folder / "catalogue.sqlite")
    with (folder / "tracks.csv").open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["id", "title", "artist", "isrc", "ms", "bytes"])
        for number in range(120):
            isrc = f"DEA01{number % 100:07}"  # a fifth are used again
            write.writerow([number, f"Title {number % 90}", f"Artist {number % 30}", isrc, 180_000, 4_000_000])
    folder.joinpath("listens.jsonl").write_text(
        "".join(f'{{"id": {number}, "listens": {1000 // (number + 1)}}}\n' for number in range(50))
    )


def _torrents(folder: Path) -> None:
    """Three bundles: 40 files of audio, of which some are the same under other names, pictures, logs, empty files."""
    folder.mkdir()
    for bundle in range(3):
        entries = []
        for number in range(20):
            kind = "flac" if number < 12 else "opus" if number < 14 else "jpg" if number < 17 else "log"
            again = bundle == 2 and number < COPIES
            content = f"{0 if again else bundle} {number}".encode() * (500 + number)
            path = ("data", f"Artist {number}", f"{'Other' if again else 'Title'} {number}.{kind}")
            entries.append(Entry(path, passport_of(content if number != 19 else b"")))
        made = compose(f"bundle-{bundle}", entries)
        folder.joinpath(f"bundle-{bundle}.torrent").write_bytes(made.data)


def _database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.executescript(
            "CREATE TABLE track (id INTEGER PRIMARY KEY, title TEXT, isrc TEXT, ms INTEGER, year INTEGER, size INT);"
            "CREATE TABLE meta (key TEXT, value INTEGER);"
            "CREATE VIEW all_tracks AS SELECT * FROM track UNION ALL SELECT * FROM track;"
            "INSERT INTO meta VALUES ('tracks', 250), ('bytes', 2000000000);"
        )
        rows = [
            (number, f"Title {number}", f"DEA02{number % 180:07}", 200_000, 2999 if number < 5 else 2001, 5_000_000)
            for number in range(TRACKS)
        ]
        db.executemany("INSERT INTO track VALUES (?, ?, ?, ?, ?, ?)", rows)
    db.close()


def _of(name: str, quantity: object, unit: str, **more: object) -> str:
    told = {"of": name, "quantity": quantity, "unit": unit, **more}
    return "\n".join(f"{key} = {value!r}" for key, value in told.items())


def _db(quantity: object, unit: str, procedure: str, **more: object) -> str:
    return _of("catalogue.sqlite", quantity, unit, procedure=procedure, **more)


def _csv(quantity: object, unit: str, procedure: str = "rows", **more: object) -> str:
    return _of("tracks.csv", quantity, unit, procedure=procedure, **more)


def _list(quantity: object, unit: str, **more: object) -> str:
    """What the torrents list, which their metainfo proves."""
    return _of("torrents", quantity, unit, procedure="metainfo", **more)


def _held(quantity: object, unit: str, **more: object) -> str:
    """What is there of what they list, of which metainfo proves nothing."""
    return _of("torrents", quantity, unit, **more)


def planted(size: int) -> Sequence[Planted]:
    """All of them; ``size`` is the number of bytes the torrents list."""
    year = "SELECT count(*) FROM track WHERE year > 2026"
    return (
        # a database that says of itself what is not so
        truth(_db(TRACKS, "tracks", "rows track")),
        lie(_db(250, "tracks", "rows track")),
        lie(_db(250, "tracks", "SELECT value FROM meta WHERE key = 'tracks'"), CLAIMED),  # it says so, and has 200
        lie(_db(400, "tracks", "rows all_tracks"), CLAIMED),  # a view is not run
        truth(_db(180, "tracks", "distinct track.isrc", definition="isrcs")),
        lie(_db(TRACKS, "tracks", "distinct track.isrc", definition="isrcs")),
        truth(_db(0, "tracks", "SELECT count(*) FROM track WHERE year > 2999")),
        lie(_db(0, "tracks", year)),
        truth(_db(5, "tracks", year)),
        truth(_db(1, "GB", "sum track.size in bytes")),
        lie(_db(2, "GB", "sum track.size in bytes")),
        lie(_db(1, "GiB", "sum track.size in bytes")),
        truth(_db(1, "GB", "sum track.size in bytes", bound="at least")),
        lie(_db(1.1, "GB", "sum track.size in bytes", bound="at least")),
        truth(_db(40, "minutes", "sum track.ms in milliseconds", bound="at least")),
        lie(_db(40, "hours", "sum track.ms in milliseconds", bound="at least")),
        truth(_db(11, "hours", "sum track.ms in milliseconds", bound="about")),
        lie(_db(11, "days", "sum track.ms in milliseconds", bound="about")),
        truth(_db(200, "tracks", "rows track", bound="at most")),
        lie(_db(199, "tracks", "rows track", bound="at most")),
        truth(_db(210, "tracks", "rows track", tolerance="5 %")),
        lie(_db(220, "tracks", "rows track", tolerance="5 %")),
        lie(_db(3, "tracks", "rows nothing"), CLAIMED),
        lie(_db(3, "tracks", "DELETE FROM track"), CLAIMED),
        # tables
        truth(_csv(120, "tracks")),
        lie(_csv(121, "tracks")),
        truth(_csv(30, "artists", "distinct artist")),
        lie(_csv(120, "artists", "distinct artist")),
        truth(_csv(100, "tracks", "distinct isrc", definition="isrcs")),
        lie(_csv(120, "tracks", "distinct isrc", definition="isrcs")),
        lie(_csv(120, "tracks", "distinct title", definition="ids")),
        truth(_csv(90, "tracks", "distinct title", definition="ids")),
        truth(_csv(6, "hours", "sum ms in milliseconds")),
        lie(_csv(6, "hours", "sum ms in seconds")),
        truth(_csv(480, "MB", "sum bytes in bytes")),
        lie(_csv(480, "MiB", "sum bytes in bytes")),
        truth(_csv(457.76, "MiB", "sum bytes in bytes", bound="about")),
        truth(_of("listens.jsonl", 50, "tracks", procedure="rows")),
        lie(_of("listens.jsonl", 500, "tracks", procedure="rows")),
        truth(_of("listens.jsonl", LISTENS, "listens", procedure="sum listens")),
        lie(_of("listens.jsonl", 2 * LISTENS, "listens", procedure="sum listens")),
        lie(_of("all streaming there is", 99.6, "%"), CLAIMED),
        # torrents: what they list, and what may be there
        truth(_list(3, "torrents")),
        lie(_list(4, "torrents")),
        truth(_list(60, "files")),
        lie(_list(61, "files")),
        truth(_list(42, "tracks")),
        lie(_list(60, "tracks")),
        truth(_list(9, "images")),
        lie(_list(0, "images")),
        truth(_list(size, "bytes")),
        lie(_list(size + 1, "bytes")),
        lie(_list(size * 1000, "bytes")),
        truth(_list(60 - COPIES - 2, "files", definition="files")),  # empty files are one
        lie(_list(60, "files", definition="files")),  # renamed duplicates
        truth(_list(50, "files", bound="at least", definition="files")),
        lie(_list(51, "files", bound="at least", definition="files")),
        truth(_held(60, "files"), CLAIMED),  # nobody has seen a byte of it
        lie(_held(600, "files")),
        lie(_held(61, "files")),
        truth(_held(42, "tracks"), CLAIMED),
        lie(_held(60, "tracks")),
        lie(_held(60, "files", definition="files")),
        lie(_held(300, "TB")),
        lie(_held(50, "releases"), CLAIMED),  # metainfo does not say what a release is
        lie(_held(1_000_000, "users"), UNVERIFIABLE),
        truth(_of("nothing that was given", 5, "tracks"), CLAIMED),
    )

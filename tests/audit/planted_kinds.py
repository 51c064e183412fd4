"""Planted claims about listings, magnets, pages, logs, catalogues and bundles: evidence made here, truth known.

Each sentence has the verdicts that are right, as in :mod:`tests.audit.planted`: a lie that its evidence can show is
refuted, and nothing false is ever circulating or proven.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import itertools
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phonolith.audit.exhibits import Given
from phonolith.releases.commit import commit
from phonolith.releases.compose import Entry, compose
from phonolith.releases.prove import prove
from phonolith.store import metainfo
from phonolith.store.metainfo import Metainfo
from phonolith.store.passport import passport_of
from tests.audit.planted import CLAIMED, UNVERIFIABLE, Planted, lie, truth
from tests.releases.conftest import FILES, make

CIRCULATING = "circulating"
FILES_EACH = 6  # of which four are audio
SETS = ("seeded", "dead", "half", "inflated")
MARCH, APRIL = "2026-03-01T10:00:00Z", "2026-04-01T10:00:00Z"
COMMITTED = len(FILES)


def make_evidence(folder: Path) -> tuple[list[Given], int]:
    """Evidence of every kind, named after what the claims are of, and the bytes that one set of torrents lists."""
    torrents = [_torrent(folder, number) for number in range(4)]
    given = [Given(name, folder / "torrents") for name in SETS]
    looks = {
        "seeded": [(one, one.size, 3, moment) for one in torrents for moment in (MARCH, APRIL)],
        "dead": [(one, one.size, 0, moment) for one in torrents for moment in (MARCH, APRIL)],
        "half": [(one, one.size, number % 2, MARCH) for number, one in enumerate(torrents)],
        "inflated": [(one, 10 * one.size, 1, MARCH) for one in torrents],
        "alone": [(one, one.size, 1, MARCH) for one in torrents],
        "twice": [(one, one.size, 1, moment) for one in torrents[:3] for moment in (MARCH, APRIL)],
        "by-turns": [(one, one.size, number, (MARCH, APRIL)[number]) for one in torrents for number in (0, 1)],
        "later": [(one, one.size, 5, ("2099-01-01T00:00:00Z", "0000-01-01")[n % 2]) for n, one in enumerate(torrents)],
        "before": [(one, one.size, 5, "1999-12-31") for one in torrents],
        "undated": [(one, one.size, 5, "") for one in torrents],
        "garbled": [(one, one.size, -4, MARCH) for one in torrents],
    }
    for name, rows in looks.items():
        given.append(Given(name, _listing(folder / f"{name}.csv", rows)))
    dated = _listing(folder / "list 2026-03-05.tsv", [(one, one.size, 2, None) for one in torrents])
    given.append(Given("dated", dated))
    given.append(Given("lines", _json_lines(folder / "lines.jsonl", torrents)))
    versions = "".join(f"{one},3,1,2026-01-01\n" for torrent in torrents for one in map(bytes.hex, torrent.infohashes))
    folder.joinpath("versions.csv").write_text(f"infohash,size,seeders,time\n{versions}")
    given.append(Given("versions", folder / "versions.csv"))
    given += [*_magnets(folder, torrents), *_pages(folder), *_logs(folder)]
    given += [Given("stated", _catalogue(folder / "stated.sqlite")), Given("bundle", _bundle(folder / "bundle"))]
    return given, sum(one.size for one in torrents)


def planted(size: int) -> Sequence[Planted]:
    """All of them; ``size`` is the number of bytes that the four torrents list."""
    return (*_about_torrents(size), *_about_words(size), *_about_logs(), *_about_tables())


def _about_torrents(size: int) -> Sequence[Planted]:
    return (
        # everything was seen with a seeder
        truth(_of("seeded", 4, "torrents"), CIRCULATING),
        truth(_of("seeded", size, "bytes"), CIRCULATING),
        truth(_of("seeded", 16, "tracks"), CIRCULATING),
        truth(_of("seeded", 24, "files", definition="files"), CIRCULATING),
        truth(_of("seeded", size, "bytes", procedure="metainfo")),
        lie(_of("seeded", 5, "torrents")),
        lie(_of("seeded", size + 1, "bytes")),
        lie(_of("seeded", 24, "tracks")),
        lie(_of("seeded", 300, "TB", bound="about")),
        # nothing was
        truth(_of("dead", size, "bytes"), CLAIMED),
        truth(_of("dead", 4, "torrents"), CLAIMED),
        lie(_of("dead", 2 * size, "bytes")),
        # half of it was
        truth(_of("half", size, "bytes"), CLAIMED),
        truth(_of("half", 8, "tracks", bound="at least"), CIRCULATING),
        truth(_of("half", 16, "tracks", bound="at least"), CLAIMED),
        lie(_of("half", 17, "tracks", bound="at least")),
        # a listing that inflates sizes
        truth(_of("inflated", size, "bytes"), CIRCULATING),
        lie(_of("inflated", 10 * size, "bytes")),
        # listings alone, one with each torrent twice, one in which each torrent has seeders on another day
        truth(_of("alone", size, "bytes"), CIRCULATING),
        truth(_of("alone", 16, "tracks"), CLAIMED),  # it says nothing of tracks
        lie(_of("alone", 10 * size, "bytes")),
        truth(_of("twice", 3, "torrents"), CIRCULATING),
        lie(_of("twice", 6, "torrents")),
        truth(_of("twice", 6, "torrents", procedure="rows")),  # rows of the file, which are counted
        truth(_of("by-turns", 4, "torrents"), CIRCULATING),
        truth(_of("dated", 4, "torrents"), CIRCULATING),
        truth(_of("lines", 4, "torrents"), CIRCULATING),
        lie(_of("lines", 3, "torrents", bound="at most")),
        lie(_of("inflated", size, "bytes", procedure="sum Size in bytes")),  # of what the listing itself says
        truth(_of("inflated", 10 * size, "bytes", procedure="sum Size in bytes")),
        truth(_of("versions", 4, "torrents", bound="at most"), CLAIMED),  # it may name each by both versions
        lie(_of("versions", 9, "torrents")),
        # looks that nobody can have taken, or nobody dates
        truth(_of("later", size, "bytes"), CLAIMED),
        lie(_of("later", size, "GB")),
        truth(_of("before", size, "bytes"), CLAIMED),
        truth(_of("undated", size, "bytes"), CLAIMED),
        truth(_of("garbled", size, "bytes"), CLAIMED),
    )


def _about_words(size: int) -> Sequence[Planted]:
    return (
        # magnet links: what somebody wrote
        truth(_of("magnets", 4, "torrents"), CLAIMED),
        truth(_of("magnets", size, "bytes"), CLAIMED),
        lie(_of("boasting", 10 * size, "bytes"), CLAIMED),
        lie(_of("boasting-known", 10 * size, "bytes")),
        # pages: sentences of the claims' own, and one that says more than its table
        truth(_of("page", 120, "tracks"), CLAIMED),
        lie(_of("page", 300, "TB"), CLAIMED),
        lie(_of("page", 12_000_000, "listens"), UNVERIFIABLE),
    )


def _about_logs() -> Sequence[Planted]:
    def said(name: str, quantity: int, **more: object) -> str:
        return _of(name, quantity, "objects", procedure="committed", **more)

    return (
        truth(said("log", COMMITTED)),
        lie(said("log", COMMITTED + 1)),
        lie(said("log", COMMITTED, bound="at least") + "\nwhen = 2025-12-31"),  # its first head is of January
        truth(said("log", COMMITTED) + "\nwhen = 2026-01-02"),
        truth(_of("log", sum(map(len, FILES)), "bytes", procedure="committed")),
        truth(_of("log", COMMITTED, "files"), CLAIMED),  # that they are there is no log's to say
        truth(said("proof", 1, bound="at least")),
        lie(said("proof", 2, bound="at least"), CLAIMED),
        lie(said("proof", 1, bound="at least") + "\nwhen = 2025-12-31", CLAIMED),
        lie(said("another-log", 1, bound="at least"), CLAIMED),
        lie(said("another-key", 1, bound="at least"), CLAIMED),
        lie(said("another-file", 1, bound="at least"), CLAIMED),
        lie(said("nobodys", 1, bound="at least"), CLAIMED),  # nobody said whose log it is
    )


def _about_tables() -> Sequence[Planted]:
    return (
        truth(_of("stated", 200, "tracks", procedure="catalogue tracks")),
        lie(_of("stated", 200, "artists", procedure="catalogue tracks"), CLAIMED),  # tracks are no artists
        lie(_of("stated", 200, "tracks", procedure="catalogue tracks", definition="isrcs"), CLAIMED),
        truth(_of("stated", 0, "tracks", procedure="catalogue isrcs", definition="isrcs")),
        lie(_of("stated", 200, "tracks", definition="isrcs")),
        lie(_of("stated", 250, "tracks", procedure="catalogue tracks")),  # what it states, and its own SQL gives
        truth(_of("stated", 200, "tracks"), CLAIMED),  # that they are there is another claim
        lie(_of("stated", 250, "tracks")),
        truth(_of("stated", 150, "tracks", procedure="catalogue held")),
        truth(_of("stated", 600, "seconds", procedure="catalogue duration")),
        truth(_of("bundle", 3, "files"), CLAIMED),
        truth(_of("bundle", 2, "files", definition="files"), CLAIMED),
        lie(_of("bundle", 3, "files", definition="files")),
        lie(_of("bundle", 4, "tracks")),
        lie(_of("bundle", 1, "GB")),
    )


def _of(name: str, quantity: object, unit: str, **more: object) -> str:
    told = {"of": name, "quantity": quantity, "unit": unit, **more}
    return "\n".join(f"{key} = {value!r}" for key, value in told.items())


# Evidence


def _torrent(folder: Path, bundle: int) -> Metainfo:
    folder.joinpath("torrents").mkdir(exist_ok=True)
    entries = [
        Entry(("data", f"{number}.{'flac' if number < 4 else 'jpg'}"), passport_of(f"{bundle} {number}".encode() * 700))
        for number in range(FILES_EACH)
    ]
    data = compose(f"bundle-{bundle}", entries).data
    folder.joinpath("torrents", f"{bundle}.torrent").write_bytes(data)
    return metainfo.read(data, "planted")


def _listing(path: Path, rows: Sequence[tuple[Metainfo, int, int, str | None]]) -> Path:
    """Rows of torrent, size, seeders and moment; a listing without moments has no such column."""
    timed = any(moment is not None for *_, moment in rows)
    with path.open("w", newline="") as file:
        write = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        write.writerow(["Info Hash", "Name", "Size", "Seeders", "Leechers", *(["Scraped at"] if timed else [])])
        for one, size, seeders, moment in rows:
            write.writerow([one.infohashes[0].hex(), one.name, size, seeders, 0, *([moment] if timed else [])])
    return path


def _json_lines(path: Path, torrents: Sequence[Metainfo]) -> Path:
    """Version 1 in base32, version 2 whole, sizes with their unit, seconds since 1970: as others write it."""
    lines: list[dict[str, Any]] = []
    for number, one in enumerate(torrents):
        hashes = (base64.b32encode(one.infohashes[0]).decode(), one.infohashes[1].hex())
        size = f"{one.size / 1000:.2f} kB"
        lines.append(
            {
                "btih": hashes[number % 2],
                "title": one.name,
                "total_size": size,
                "complete": 1,
                "timestamp": 1_772_000_000,
            }
        )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _magnets(folder: Path, torrents: Sequence[Metainfo]) -> list[Given]:
    def write(name: str, times: int) -> Path:
        links = [
            f"magnet:?xt=urn:btih:{one.infohashes[0].hex()}&xt=urn:btmh:1220{one.infohashes[1].hex()}"
            f"&dn={one.name}&xl={one.size * times}"
            for one in torrents
        ]
        path = folder / f"{name}.txt"
        path.write_text("Our links:\n" + "\n".join(links) + "\n")
        return path

    boasting = write("boasting", 10)
    known = [Given("boasting-known", boasting), Given("boasting-known", folder / "torrents")]
    return [Given("magnets", write("magnets", 1)), Given("boasting", boasting), *known]


def _pages(folder: Path) -> list[Given]:
    path = folder / "page.html"
    path.write_text(
        "<!doctype html><title>About</title><script>var size = '900 TB'</script><h1>What we have</h1>"
        "<p>We hold <b>120</b> tracks, 300 TB of them.</p>"
        "<table><tr><th>Part<th>Size<tr><td>one<td>1 TB<tr><td>two<td>2 TB</table>"
    )
    return [Given("page", path)]


def _logs(folder: Path) -> list[Given]:
    ours, theirs = (make(folder / name) for name in ("ours", "theirs"))
    seconds = itertools.count()
    for one in (ours, theirs):
        commit(one.archive, one.digests[:4], lambda: f"2026-01-02T03:04:{next(seconds):02}Z")
        commit(one.archive, one.digests, lambda: f"2026-01-02T03:04:{next(seconds):02}Z")
    log = ours.archive.log().heads()[-1].log
    proof, strange = prove(ours.archive, ours.files[2]), prove(theirs.archive, theirs.files[2])
    forged = proof | {"head": proof["head"] | {"signature": strange["head"]["signature"]}}
    swapped = proof | {"leaf": proof["leaf"] | {"sha256": hashlib.sha256(b"another file").hexdigest()}}
    made = {"proof": proof, "another-log": strange, "another-key": forged, "another-file": swapped, "nobodys": proof}
    given = [Given("log", ours.archive.held / "log", log=log)]
    for name, value in made.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(value))
        given.append(Given(name, path, log="" if name == "nobodys" else log))
    return given


def _catalogue(path: Path) -> Path:
    """A catalogue of 200 tracks that states 250, with SQL of its own that says so."""
    with sqlite3.connect(path) as db:
        db.executescript(
            "CREATE TABLE meta (key TEXT, value);"
            "CREATE TABLE claim (name TEXT PRIMARY KEY, sentence TEXT, procedure TEXT, value, unit TEXT);"
            "CREATE TABLE track (id INTEGER PRIMARY KEY, release INT, status INT, rights INT, isrc INT);"
            "CREATE TABLE release (id INTEGER PRIMARY KEY, duration INT, rights INT);"
            "CREATE TABLE artist (id INTEGER PRIMARY KEY); CREATE TABLE label (id INTEGER PRIMARY KEY);"
            "CREATE TABLE object (id INTEGER PRIMARY KEY, size INT);"
            "CREATE TABLE rights (id INTEGER PRIMARY KEY, licence INT, level INT);"
            "INSERT INTO claim VALUES ('tracks', 'The catalogue has {value} tracks.', 'SELECT 250', 250, 'tracks');"
            "INSERT INTO release VALUES (1, 600000, NULL);"
        )
        rows = [(number, 1, 1 if number < 150 else 2) for number in range(200)]
        db.executemany("INSERT INTO track (id, release, status) VALUES (?, ?, ?)", rows)
    db.close()
    return path


def _bundle(folder: Path) -> Path:
    """Tag files of a bundle of three files, two of which have the same bytes under two names."""
    folder.mkdir()
    digests = [hashlib.sha256(text).hexdigest() for text in (b"one", b"one", b"two")]
    tags = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": "Payload-Oxum: 9000.3\n",
        "manifest-sha256.txt": "".join(f"{one}  data/{number}.flac\n" for number, one in enumerate(digests)),
        "evidence.jsonl": "{}\n",
    }
    lines = [f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(tags.items())]
    for name, text in {**tags, "tagmanifest-sha256.txt": "".join(lines)}.items():
        folder.joinpath(name).write_text(text)
    return folder

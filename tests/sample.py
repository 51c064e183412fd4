"""A small, varied catalogue filled straight by schema.sql, for the tests of everything that reads a catalogue."""

from __future__ import annotations

import atexit
import hashlib
import io
import json
import math
import shutil
import struct
import tempfile
import uuid
import wave
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

import apsw

from phonolith.catalogue.claims import state
from phonolith.catalogue.text_index import build_text_index
from phonolith.model.ids import genre_key, pack_isrc, pack_source_id, permalink_place, public_id, public_key
from phonolith.rights.licences import by_code
from phonolith.store.archive import Archive

#: What `make_catalogue` stores as the catalogue's format.
SCHEMA_VERSION = 4
_PERMALINK_BITS = 3
AS_OF = "2026-11-01"
NOW = "2026-11-01T12:00:00Z"

_KIND = {"track": 0, "release": 1, "artist": 2, "label": 3}
_SOURCES = {  # name: (id, title, url, licence, credit)
    "folder": (1, "Files of this archive", "", "", "the operator"),
    "musicbrainz": (2, "MusicBrainz", "https://musicbrainz.org/", "CC0-1.0", "MusicBrainz, CC0"),
    "table": (3, "A list of netlabel releases", "https://example.org/list", "CC-BY-4.0", "the list's authors"),
}
_LICENCES = ("CC0-1.0", "PDM-1.0", "CC-BY-4.0", "CC-BY-SA-3.0-DE", "CC-BY-NC-4.0", "CC-BY-NC-ND-3.0", "INC-1.0")
_RIGHTS = {  # name: (id, licence code, level, stated, stated by, basis, composition, note)
    "none": (1, None, 0, "", "", "none", 0, "nobody states a licence"),
    "by": (2, "CC-BY-4.0", 2, "https://creativecommons.org/licenses/by/4.0/", "licence-file", "stated", 1, ""),
    "by-sa": (3, "CC-BY-SA-3.0-DE", 2, "http://creativecommons.org/licenses/by-sa/3.0/de/", "tag", "stated", 1, ""),
    "cc0": (
        4,
        "CC0-1.0",
        4,
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "operator",
        "attested",
        1,
        "attested by the operator",
    ),
    "pd": (5, "PDM-1.0", 2, "https://creativecommons.org/publicdomain/mark/1.0/", "licence-file", "stated", 1, ""),
    "by-nc": (6, "CC-BY-NC-4.0", 2, "CC BY-NC 4.0", "tag", "stated", 1, ""),
    "by-nc-nd": (7, "CC-BY-NC-ND-3.0", 3, "http://creativecommons.org/licenses/by-nc-nd/3.0/", "tag", "stated", 1, ""),
    "conflict": (
        8,
        None,
        2,
        "http://creativecommons.org/licenses/by/4.0/ | https://rightsstatements.org/vocab/InC/1.0",
        "tag, sidecar",
        "conflict",
        0,
        "two statements contradict each other",
    ),
    "third": (
        9,
        "CC-BY-4.0",
        1,
        "https://creativecommons.org/licenses/by/4.0/",
        "table",
        "stated",
        0,
        "a third party says so",
    ),
    "arr": (10, "INC-1.0", 2, "https://rightsstatements.org/vocab/InC/1.0", "tag", "stated", 0, ""),
    "recording": (
        11,
        "CC-BY-4.0",
        2,
        "https://creativecommons.org/licenses/by/4.0/",
        "tag",
        "stated",
        0,
        "the composition is by others",
    ),
}
_DATES = {  # written: (year, month, day, problem)
    "2004-05-17": (2004, 5, 17, None),
    "2014": (2014, None, None, None),
    "1940-03": (1940, 3, None, None),
    "0000-00-00": (None, None, None, "0000"),
    "2009-13-01": (2009, None, None, "month 13"),
    "last summer": (None, None, None, "not a date"),
    "2011-02-28": (2011, 2, 28, None),
    "1922": (1922, None, None, None),
    "2020-11": (2020, 11, None, None),
    "1975-06-01": (1975, 6, 1, None),
}


@dataclass(frozen=True)
class Artist:
    name: str
    popularity: float
    source: str = "folder"
    kind: str = ""
    country: str = ""
    begin: str = ""
    genres: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    disambiguation: str = ""
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Track:
    title: str
    popularity: float = 1.0
    duration: int | None = 180_000
    credit: str = ""  # "quiet| feat. |ana": artist slugs with join phrases between
    disc: int = 1
    rights: str = ""
    status: int = 0
    isrc: str = ""
    date: str = ""
    explicit: int | None = None
    genres: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Release:
    title: str
    credit: str
    popularity: float
    rights: str
    tracks: tuple[Track, ...]
    source: str = "folder"
    date: str = ""
    label: str = ""
    further_label: str = ""
    catalogue_number: str = ""
    barcode: int | str | None = None
    kind: str = "album"
    country: str = ""
    group: str = ""
    genres: tuple[str, ...] = ()
    cover: bool = False
    media: tuple[tuple[int, str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()  # (role, name), all held


ARTISTS = {
    "quiet": Artist(
        "The Quiet Machines",
        90,
        kind="group",
        country="DE",
        begin="1975-06-01",
        genres=("ambient", "post-rock"),
        links=(("homepage", "https://example.org/quiet"),),
    ),
    "ana": Artist("Añá Núñez", 70, kind="person", country="AR", genres=("folk",), aliases=("Ana Nunez",)),
    "bela": Artist(
        "Béla Bartók", 85, "musicbrainz", "person", "HU", "1940-03", ("classical",), disambiguation="composer"
    ),
    "radio": Artist("東京ラジオ", 60, kind="group", country="JP", genres=("ambient",)),
    "kyoto": Artist("京都アンサンブル", 55, country="JP", genres=("classical",)),
    "anna": Artist("Оркестр Анны Карениной", 50, country="RU", genres=("folk", "classical")),
    "shark": Artist("شارق الموسيقي", 40, country="LB", genres=("folk",)),
    "hostile": Artist('<script>alert("dj")</script> & \u202eSons', 30, genres=("noise",)),
    "holizna": Artist("HoliznaCC0", 45, genres=("ambient",)),
    "brass": Artist("Brass & Sons", 20, kind="group", country="GB", genres=("jazz",)),
    "various": Artist("Various Artists", 10),
    "lonely": Artist("Nobody Plays Me", 0),
}

LABELS = {
    "north": ("folder", "Northern Netlabel"),
    "south": ("folder", "South / Süd"),
    "hungaria": ("musicbrainz", "Hungaria Records"),
}


@dataclass(frozen=True)
class Thing:
    kind: str
    name: str
    source: str = "musicbrainz"
    type: str = ""
    credit: str = ""
    country: str = ""
    begin: str = ""
    language: str = ""
    disambiguation: str = ""
    aliases: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # (rel, url, or the name of something here)


THINGS = {  # what is said of labels stands under the label's own name
    "thing:road": Thing("release-group", "The Long Road", "folder", "Album", "quiet", begin="2004-05-17"),
    "thing:quartet": Thing(
        "work",
        "String Quartet no. 1",
        type="Quartet",
        language="zxx",
        identifiers=(("iswc", "T-000.000.002-0"),),
        links=(("composer (backward)", "artist:bela"), ("catalogue", "https://example.org/quartet")),
    ),
    "thing:budapest": Thing("area", "Budapest", type="City", country="HU", disambiguation='<b>not a "tag"</b>'),
    "label:hungaria": Thing(
        "label",
        "Hungaria Records",
        type="Original Production",
        country="HU",
        begin="1940-03",
        aliases=("Hungária", "<i>HR</i>"),
        identifiers=(("label-code", "1234"),),
        links=(("area", "thing:budapest"),),
    ),
}


def _held(*tracks: Track) -> tuple[Track, ...]:
    return tuple(Track(**{**t.__dict__, "status": t.status or 1}) for t in tracks)


RELEASES = {
    "road": Release(
        "The Long Road",
        "quiet",
        95,
        "by",
        _held(
            Track("Departure", 99, 201_000, isrc="DEA120400001"),
            Track("Love on the Line", 97, 185_500, "quiet| feat. |ana"),
            Track("Signal Box", 60, 240_000, isrc="DEA120400003", explicit=0),
            Track("Milestone", 40, None),
            Track("Night Train", 88, 300_000, disc=2),
            Track("Love, Again", 66, 190_000, disc=2, explicit=1),
            Track("Arrival", 72, 420_000, disc=2, genres=("drone",)),
            Track("Home", 30, 99_000, "quiet| & |ana| with |brass", disc=2),
        ),
        date="2004-05-17",
        label="north",
        catalogue_number="NN 004",
        barcode=4006381333931,
        country="DE",
        group="road-group",
        genres=("post-rock", "ambient"),
        cover=True,
        media=((1, "CD", "Out"), (2, "CD", "Back")),
        files=(("booklet", "booklet.pdf"), ("cue", "road.cue")),
    ),
    "road-2014": Release(
        "The Long Road (Remaster)",
        "quiet",
        52,
        "by-sa",
        _held(
            Track("Departure", 12, 203_000, isrc="DEA120400001"),
            Track("Love on the Line", 11, 185_500, "quiet| feat. |ana"),
            Track("Signal Box (Remaster)", 9, 240_000),
            Track("Unreleased Coda", 8, 61_000),
        ),
        date="2014",
        label="south",
        further_label="north",
        catalogue_number="SS-14",
        barcode="0123456789012",
        group="road-group",
        genres=("post-rock",),
        media=((1, "Digital Media", ""),),
    ),
    "tokyo": Release(
        "東京の夜",
        "radio",
        58,
        "cc0",
        _held(Track("東京", 57, 180_000), Track("東京タワー", 41, 200_000), Track("渋谷 Crossing", 33, 222_000)),
        date="2020-11",
        cover=True,
        genres=("ambient",),
    ),
    "kyoto": Release(
        "京都",
        "kyoto",
        44,
        "pd",
        _held(Track("京都の東口", 43, 178_000), Track("嵐山", 22, 260_000), Track("カモガワ", 21, 145_000)),
        date="2020-11",
    ),
    "anna": Release(
        "Письма с дороги",
        "anna",
        42,
        "by-nc",
        _held(Track("Дорога домой", 39, 210_000), Track("Зимний вечер", 28, 230_000), Track("Ёлка", 19, 90_000)),
        date="last summer",
        label="south",
    ),
    "shark": Release(
        "ليالي بيروت",
        "shark",
        36,
        "by-nc-nd",
        _held(Track("ليلة", 35, 310_000), Track("القمر والنجوم", 25, 280_000)),
        date="2011-02-28",
    ),
    "quartets": Release(
        "String Quartets",
        "bela",
        80,
        "none",
        (
            Track("Quartet no. 1: Lento", 81, 560_000, status=2),
            Track("Quartet no. 1: Allegretto", 63, 500_000, status=2),
            Track("Quartet no. 2: Moderato", 31, 610_000, status=2),
        ),
        "musicbrainz",
        "1940-03",
        "hungaria",
        catalogue_number="HR-1",
        country="HU",
        genres=("classical",),
    ),
    "sampler": Release(
        "Netlabel Sampler",
        "various",
        38,
        "by-sa",
        _held(
            Track("Lichter der Stadt", 37, 175_000, "holizna"),
            Track("Café Cortázar", 36, 196_000, "ana"),
            Track("Brass in the Rain", 18, 144_000, "brass| vs. |hostile"),
            Track("Love", 17, 133_000, "quiet| × |radio"),
            Track("Smoke", 16, 166_000, "hostile"),
            Track("A Cover of a Standard", 15, 155_000, "brass", rights="recording"),
        ),
        date="2014",
        label="north",
        catalogue_number="NN 100",
        kind="compilation",
        cover=True,
    ),
    "disputed": Release(
        "Disputed",
        "brass",
        14,
        "conflict",
        _held(Track("Who Owns This", 14, 120_000), Track("Both Say So", 13, 121_000)),
        date="2009-13-01",
    ),
    "listed": Release(
        "Only Listed",
        "holizna",
        32,
        "third",
        (
            Track("Heard About It", 29, 100_000, status=2),
            Track("Second Hand", 27, 101_000, status=2),
            Track("Ambient Rumour", 26, None, status=2),
        ),
        "table",
        "2011-02-28",
        "north",
        kind="ep",
    ),
    "reserved": Release(
        "All Rights Reserved",
        "ana",
        24,
        "arr",
        (Track("Locked", 24, 111_000, status=3), Track("Bolted", 23, 112_000, status=3)),
        date="2014",
        kind="single",
    ),
    "undated": Release(
        "Untitled Tape", "", 6, "none", (Track("Side A", 6, None), Track("Side B", 5, None)), date="0000-00-00", kind=""
    ),
    "hostile": Release(
        '"><img src=x onerror=alert(1)>',
        "hostile",
        20,
        "by",
        _held(Track("Robert'); DROP TABLE track;--", 20, 99_000), Track("\u202egnp.exe", 10, 98_000)),
        kind="ep",
    ),
    "broken": Release(
        "Broken Tape EP",
        "brass",
        7,
        "by",
        (*_held(Track("Still Plays", 7, 130_000)), Track("Torn", 4, None, status=8, problem="not a FLAC stream")),
        date="1975-06-01",
        kind="ep",
    ),
    "waltz": Release(
        "Waltzes from Wax",
        "anna",
        34,
        "pd",
        _held(
            Track("Valse No. 1", 34, 165_000, date="1922"),
            Track("Valse No. 2", 3, 150_000),
            Track("Polka", 2, 140_000),
            Track("Love Waltz", 1, 135_000),
            Track("Last Waltz", 0, 125_000),
        ),
        date="1922",
        cover=True,
        genres=("waltz",),
    ),
}


@dataclass
class _Rows:
    """What was given a number so far."""

    db: apsw.Connection
    ids: dict[str, str] = field(default_factory=dict)
    subject: dict[str, int] = field(default_factory=dict)
    row: dict[str, int] = field(default_factory=dict)
    sets: dict[tuple[str, ...], int] = field(default_factory=dict)
    genre: dict[str, int] = field(default_factory=dict)
    date: dict[str, int] = field(default_factory=dict)
    credit: int = 0


def make_catalogue(path: Path) -> dict[str, str]:
    """Write the sample catalogue to ``path`` and return ``{"track:tokyo/1": public id, …}``.

    Names are ``artist:<slug>``, ``release:<slug>``, ``label:<slug>`` and ``track:<release slug>/<n>`` with n counting
    from 1 through all discs; slugs are the keys of ARTISTS, RELEASES and LABELS; ``thing:<slug>`` are keys of THINGS.
    The postings and text index are made too where the program that makes them is there.
    """
    content, ids = _made()
    path.write_bytes(content)
    return dict(ids)


@cache
def _made() -> tuple[bytes, dict[str, str]]:
    """The catalogue's bytes, made once in a run of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.sqlite"
        ids = _write(path)
        return path.read_bytes(), ids


def _write(path: Path) -> dict[str, str]:
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("BEGIN")
    db.execute(_sql("schema.sql"))
    rows = _Rows(db)
    _dictionaries(rows)
    _number(rows)
    _artists(rows)
    _releases(rows)
    _tracks(rows)
    _permalinks(rows)
    _things(rows)
    _codes(rows)
    _counts(rows)
    db.execute(_sql("indexes.sql"))
    db.execute("COMMIT")
    build_text_index(db)
    db.close()
    return rows.ids


def make_archive(root: Path) -> tuple[Archive, dict[str, str]]:
    """An archive around the sample: objects held, catalogue in place, attestation in the register (event 2)."""
    template, ids = _made_archive()
    shutil.copytree(template, root)
    return Archive.open(root), dict(ids)


@cache
def _made_archive() -> tuple[Path, dict[str, str]]:
    """The archive to copy, made once in a run of the tests: making objects durable takes a disk its time."""
    root = Path(tempfile.mkdtemp(prefix="phonolith-sample-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    archive = Archive.create(root, name="Sample", contact="mailto:sample@example.org", now=NOW)
    with archive.objects() as store:
        for data in sample_objects().values():
            store.add_bytes(data)
    ids = make_catalogue(archive.catalogue)
    with archive.register() as register:
        register.append("rights.attested", sample_attestation(ids), actor="operator", time=NOW)
    return root, ids


def sample_attestation(ids: Mapping[str, str]) -> dict[str, object]:
    """The body of the event that the release tokyo's evidence rests on."""
    uri = by_code("CC0-1.0").uri
    return {"subjects": [ids["release:tokyo"]], "licence": uri, "as": "rightsholder", "because": "recorded by us"}


def sample_objects() -> dict[str, bytes]:
    """Every object of the sample by SHA-256: playable WAV files of a tenth of a second, PNG covers, small texts."""
    found: dict[str, bytes] = {}
    for slug, release in RELEASES.items():
        for n, track in enumerate(release.tracks, 1):
            if track.status in (1, 8):
                _keep(found, audio_bytes(slug, n))
        if release.cover:
            _keep(found, cover_bytes(slug))
        for role, name in release.files:
            _keep(found, f"{role} {name} of {slug}".encode())
    return found


def audio_bytes(release: str, number: int) -> bytes:
    """A tone as WAV, 8 kHz mono: the remaster's second track has the bytes of the first edition's; Torn is no audio."""
    if RELEASES[release].tracks[number - 1].problem:
        return b"fLaC but not really " + release.encode()
    twin = "road" if (release, number) == ("road-2014", 2) else release  # the same bytes twice
    pitch = 220 + int.from_bytes(hashlib.sha256(f"{twin}/{number}".encode()).digest()[:4], "big") / 2**22
    samples = (int(9000 * math.sin(2 * math.pi * pitch * i / 8000)) for i in range(800))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", s) for s in samples))
    return out.getvalue()


def cover_bytes(release: str) -> bytes:
    """A PNG of one pixel in the release's colour (PNG specification, sections 5 and 11.2)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    colour = hashlib.sha256(release.encode()).digest()[:3]
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" + colour))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def source_id(name: str, source: str) -> str:
    """The source id of ``release:road``: itself, and a UUID where the source is MusicBrainz."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name)) if source == "musicbrainz" else name


def _sql(name: str) -> str:
    return resources.files("phonolith.catalogue").joinpath(name).read_text("utf-8")


def _keep(found: dict[str, bytes], data: bytes) -> None:
    found[hashlib.sha256(data).hexdigest()] = data


def _sources_of() -> Iterable[tuple[str, str, float]]:
    """(name, source, popularity) of every artist, release and track."""
    for slug, artist in ARTISTS.items():
        yield f"artist:{slug}", artist.source, artist.popularity
    for slug, release in RELEASES.items():
        yield f"release:{slug}", release.source, release.popularity
        for n, track in enumerate(release.tracks, 1):
            yield f"track:{slug}/{n}", release.source, track.popularity
    for slug, (source, _) in LABELS.items():
        yield f"label:{slug}", source, 0


def _number(rows: _Rows) -> None:
    """Give rows their ranks: by popularity, then by public id."""
    known = [(name, public_id(s, source_id(name, s)), popularity) for name, s, popularity in _sources_of()]
    for kind, code in _KIND.items():
        mine = [k for k in known if k[0].startswith(kind + ":")]
        mine.sort(key=lambda k: (-k[2], k[1]))
        for number, (name, identifier, _) in enumerate(mine, 1):
            rows.ids[name], rows.row[name], rows.subject[name] = identifier, number, number * 4 + code


def _dictionaries(rows: _Rows) -> None:
    db = rows.db
    db.executemany("INSERT INTO source VALUES (?,?,?,?,?,?)", [(v[0], k, *v[1:]) for k, v in _SOURCES.items()])
    codes = {code: n for n, code in enumerate(_LICENCES, 1)}
    for code, n in codes.items():
        one = by_code(code)
        permits = (
            one.hold,
            one.stream,
            one.redistribute,
            one.reencode,
            one.commercial,
            one.attribution,
            one.share_alike,
        )
        values = (n, code, one.family, one.title, one.uri, one.spdx, *map(int, permits), " ".join(one.territories))
        db.execute("INSERT INTO licence VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", values)
    for number, code, *rest in _RIGHTS.values():
        db.execute("INSERT INTO rights VALUES (?,?,?,?,?,?,?,?,'')", (number, codes.get(code or ""), *rest))
    for n, (written, parsed) in enumerate(_DATES.items(), 1):
        rows.date[written] = n
        db.execute("INSERT INTO event_date VALUES (?,?,?,?,?,?)", (n, written, *parsed))
    names = sorted({g for _, genres in _genre_uses() for g in genres}, key=lambda g: (-_genre_tracks(g), g))
    for n, name in enumerate(names, 1):
        rows.genre[name] = n
        artists = sum(name in a.genres for a in ARTISTS.values())
        releases = sum(name in _genres_of_release(r) for r in RELEASES.values())
        db.execute(
            "INSERT INTO genre VALUES (?,?,?,?,?,?)", (n, name, genre_key(name), _genre_tracks(name), releases, artists)
        )


def _genre_uses() -> Iterable[tuple[str, tuple[str, ...]]]:
    yield from ((slug, a.genres) for slug, a in ARTISTS.items())
    yield from ((slug, r.genres) for slug, r in RELEASES.items())
    yield from ((slug, t.genres) for slug, r in RELEASES.items() for t in r.tracks)


def _genres_of_release(release: Release) -> tuple[str, ...]:
    artist = release.credit.split("|")[0]
    return release.genres or (ARTISTS[artist].genres if artist else ())


def _genre_tracks(genre: str) -> int:
    """A track's genres are its own, else its release's, else those of its first artist."""

    def of(r: Release, t: Track) -> tuple[str, ...]:
        artist = (t.credit or r.credit).split("|")[0]
        return t.genres or r.genres or (ARTISTS[artist].genres if artist else ())

    return sum(genre in of(r, t) for r in RELEASES.values() for t in r.tracks)


def _genres(rows: _Rows, genres: tuple[str, ...]) -> int | None:
    if not genres:
        return None
    if genres not in rows.sets:
        rows.sets[genres] = len(rows.sets) + 1
        rows.db.executemany("INSERT INTO genre_set VALUES (?,?)", [(rows.sets[genres], rows.genre[g]) for g in genres])
    return rows.sets[genres]


def _credit(rows: _Rows, credit: str) -> int | None:
    """``slug|join|slug`` as a credit column: the artist's row, or minus a new credit."""
    parts = credit.split("|")
    if not credit:
        return None
    if len(parts) == 1:
        return rows.row[f"artist:{credit}"]
    rows.credit += 1
    for position, slug in enumerate(parts[::2]):
        join = parts[2 * position + 1] if 2 * position + 1 < len(parts) else ""
        name = "Ana N." if slug == "ana" and position == 1 else None
        values = (rows.credit, position, rows.row[f"artist:{slug}"], name, join)
        rows.db.execute("INSERT INTO credit VALUES (?,?,?,?,?,'')", values)
    return -rows.credit


def _kind(rows: _Rows, name: str) -> int | None:
    if not name:
        return None
    rows.db.execute("INSERT OR IGNORE INTO kind (name) VALUES (?)", (name,))
    return int(rows.db.execute("SELECT id FROM kind WHERE name = ?", (name,)).get)


def _notes(rows: _Rows, subject: int, kind: str, values: Sequence[str]) -> None:
    rows.db.executemany("INSERT INTO note VALUES (?,?,?,?)", [(subject, kind, n, v) for n, v in enumerate(values)])


def _artists(rows: _Rows) -> None:
    for slug, a in ARTISTS.items():
        name = f"artist:{slug}"
        credited = [(r, t) for r in RELEASES.values() for t in r.tracks if slug in (t.credit or r.credit).split("|")]
        values = (
            rows.row[name],
            _SOURCES[a.source][0],
            pack_source_id(source_id(name, a.source)),
            a.name,
            None,
            a.disambiguation or None,
            _kind(rows, a.kind),
            a.country or None,
            rows.date.get(a.begin),
            None,
            _genres(rows, a.genres),
            a.popularity,
            sum(slug in r.credit.split("|") for r in RELEASES.values()),
            len(credited),
        )
        rows.db.execute("INSERT INTO artist VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", values)
        _notes(rows, rows.subject[name], "alias", a.aliases)
        rows.db.executemany("INSERT INTO link VALUES (?,?,?)", [(rows.subject[name], *link) for link in a.links])


def _object(rows: _Rows, data: bytes, media_type: str) -> int:
    sha = hashlib.sha256(data).digest()
    rows.db.execute("INSERT OR IGNORE INTO object VALUES (NULL,?,?,?)", (sha, len(data), media_type))
    return int(rows.db.execute("SELECT id FROM object WHERE sha256=?", (sha,)).fetchone()[0])


def _file(rows: _Rows, subject: int, position: int, role: str, name: str, held: int | None, **more: object) -> None:
    keys = ("url", "codec", "bitrate", "sample_rate", "channels", "bit_depth", "problem")
    values = (subject, position, role, name, held, *(more.get(k) for k in keys))
    rows.db.execute("INSERT INTO file VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", values)


def _releases(rows: _Rows) -> None:
    for slug, (source, title) in LABELS.items():
        mine = [r for r in RELEASES.values() if slug in (r.label, r.further_label)]
        values = (_SOURCES[source][0], pack_source_id(source_id(f"label:{slug}", source)), title)
        counts = (len(mine), sum(len(r.tracks) for r in mine))
        rows.db.execute("INSERT INTO label VALUES (?,?,?,?,?,?)", (rows.row[f"label:{slug}"], *values, *counts))
    for slug, r in RELEASES.items():
        name = f"release:{slug}"
        subject = rows.subject[name]
        cover = _object(rows, cover_bytes(slug), "image/png") if r.cover else None
        known = [t.duration for t in r.tracks if t.duration is not None]
        values = (
            rows.row[name],
            _SOURCES[r.source][0],
            pack_source_id(source_id(name, r.source)),
            r.title,
            _credit(rows, r.credit),
            rows.date.get(r.date),
            rows.row.get(f"label:{r.label}"),
            r.catalogue_number or None,
            r.barcode,
            _kind(rows, r.kind),
            r.country or None,
            pack_source_id(r.group) if r.group else None,
            _genres(rows, r.genres),
            _RIGHTS[r.rights][0],
            r.popularity,
            max(t.disc for t in r.tracks),
            len(r.tracks),
            sum(known) if known else None,
            cover,
        )
        rows.db.execute(f"INSERT INTO release VALUES ({','.join('?' * len(values))})", values)
        rows.db.executemany("INSERT INTO medium VALUES (?,?,?,?)", [(rows.row[name], *medium) for medium in r.media])
        if r.further_label:
            further = (rows.row[name], rows.row[f"label:{r.further_label}"])
            rows.db.execute("INSERT INTO release_label VALUES (?,1,?,'NN 004 R')", further)
        if cover:
            _file(rows, subject, 0, "cover", "cover.png", cover)
        for n, (role, file) in enumerate(r.files, 1):
            held = _object(rows, f"{role} {file} of {slug}".encode(), "application/octet-stream")
            _file(rows, subject, n, role, file, held)
    rows.db.execute("INSERT INTO link VALUES (?,'source','https://example.org/road')", (rows.subject["release:road"],))
    _notes(
        rows, rows.subject["release:quartets"], "remainder", [json.dumps({"text-representation": {"script": "Latn"}})]
    )


def _tracks(rows: _Rows) -> None:
    for slug, r in RELEASES.items():
        positions: dict[int, int] = {}
        for n, t in enumerate(r.tracks, 1):
            name = f"track:{slug}/{n}"
            positions[t.disc] = positions.get(t.disc, 0) + 1
            values = (
                rows.row[name],
                rows.row[f"release:{slug}"],
                pack_source_id(source_id(name, r.source)),
                t.title,
                _credit(rows, t.credit),
                t.disc,
                positions[t.disc],
                t.duration,
                pack_isrc(t.isrc),
                rows.date.get(t.date),
                _genres(rows, t.genres),
                _RIGHTS[t.rights][0] if t.rights else None,
                t.popularity,
                t.explicit,
                t.status,
            )
            rows.db.execute(f"INSERT INTO track VALUES ({','.join('?' * len(values))})", values)
            _track_extras(rows, slug, n, t, r)
    torn, set_title = rows.subject["track:broken/2"], rows.subject["track:sampler/1"]
    rows.db.execute("INSERT INTO status_reason VALUES (?,'not a FLAC stream')", (torn // 4,))
    rows.db.execute(
        "INSERT INTO correction VALUES (?,'title','Lichter der Stdt','Lichter der Stadt','a typing error',7,?)",
        (set_title, "2026-10-01T10:00:00Z"),
    )
    road = rows.subject["track:road/1"]
    rows.db.execute("INSERT INTO identifier VALUES (?,'isrc','DEA120400099')", (road,))
    rows.db.execute("INSERT INTO identifier VALUES (?,'number','A1')", (road,))


def _track_extras(rows: _Rows, slug: str, n: int, t: Track, r: Release) -> None:
    subject = rows.subject[f"track:{slug}/{n}"]
    if t.status in (1, 8):
        held = _object(rows, audio_bytes(slug, n), "audio/wav" if not t.problem else "audio/flac")
        more = {"codec": "pcm_s16le", "bitrate": 128_000, "sample_rate": 8000, "channels": 1, "bit_depth": 16}
        _file(rows, subject, 0, "audio", f"{n:02}.wav", held, **({"problem": t.problem} if t.problem else more))
    elif r.source == "table":
        _file(rows, subject, 0, "audio", f"{n:02}.mp3", None, url=f"https://example.org/{slug}/{n}.mp3")


def _permalinks(rows: _Rows) -> None:
    buckets: dict[int, bytes] = {}
    for name, identifier in rows.ids.items():
        bucket, mark = permalink_place(public_key(identifier), _PERMALINK_BITS)
        buckets[bucket] = buckets.get(bucket, b"") + bytes([mark]) + rows.subject[name].to_bytes(4, "big")
    rows.db.executemany("INSERT INTO permalink VALUES (?,?)", sorted(buckets.items()))


def _things(rows: _Rows) -> None:
    """What is said of labels and of other things: those are numbered downwards by public id."""
    others = [name for name in THINGS if name not in rows.ids]
    rows.ids |= {name: public_id(THINGS[name].source, thing_source_id(name)) for name in others}
    others.sort(key=lambda name: public_key(rows.ids[name]))
    rows.subject |= {name: -number for number, name in enumerate(others, 1)}
    for name, thing in THINGS.items():
        subject = rows.subject[name]
        own = (subject, _SOURCES[thing.source][0], pack_source_id(thing_source_id(name)), _kind(rows, thing.kind))
        said = (thing.name, None, _kind(rows, thing.type), thing.disambiguation or None, thing.country or None)
        rest = (rows.date.get(thing.begin), None, thing.language or None, _credit(rows, thing.credit))
        rows.db.execute("INSERT INTO thing VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", (*own, *said, *rest))
        _notes(rows, subject, "alias", thing.aliases)
        for scheme, value in thing.identifiers:
            rows.db.execute("INSERT INTO identifier VALUES (?,?,?)", (subject, scheme, value))
        for rel, to in thing.links:
            rows.db.execute("INSERT INTO link VALUES (?,?,?)", (subject, rel, _address(to)))
    work = thing_source_id("thing:quartet")
    for number in (1, 2):
        performed = (rows.subject[f"track:quartets/{number}"], "mbid.work", work)
        rows.db.execute("INSERT INTO identifier VALUES (?,?,?)", performed)


def thing_source_id(name: str) -> str:
    """The source id of a thing: of the release group the one that releases have."""
    return "road-group" if name == "thing:road" else source_id(name, THINGS[name].source)


def _address(to: str) -> str:
    """An address; of something here its source's."""
    if to.startswith("https:"):
        return to
    own = thing_source_id(to) if to in THINGS else source_id(to, "musicbrainz")
    return f"https://musicbrainz.org/{to.partition(':')[0]}/{own}"


def _codes(rows: _Rows) -> None:
    """All codes of a scheme in one block."""
    isrcs = rows.db.execute("SELECT isrc, id FROM track WHERE isrc IS NOT NULL ORDER BY 1, 2").fetchall()
    barcodes = rows.db.execute("SELECT barcode + 0, id FROM release WHERE barcode IS NOT NULL ORDER BY 1, 2").fetchall()
    for scheme, found in (("isrc", isrcs), ("barcode", barcodes)):
        entries = b"".join(bytes((code & 255,)) + row.to_bytes(4, "big") for code, row in found)
        rows.db.execute("INSERT INTO code VALUES (?,?,?)", (scheme, found[0][0], entries))


def _counts(rows: _Rows) -> None:
    from phonolith.model.status import Status

    tracks = [(r, t) for r in RELEASES.values() for t in r.tracks]
    for s in Status:
        count = sum(t.status == s for _, t in tracks)
        rows.db.execute("INSERT INTO status VALUES (?,?,?,?)", (int(s), s.name.lower(), s.sentence, count))
    tally: dict[tuple[str, object], int] = {}

    def add(name: str, bucket: object, value: int = 1) -> None:
        tally[name, bucket] = tally.get((name, bucket), 0) + value

    for r, t in tracks:
        code = _RIGHTS[t.rights or r.rights][1]
        year = _DATES.get(t.date or r.date, (None,))[0]
        add("licence", by_code(code).family if code else "none")
        add("year", year if year is not None else "")
        add("decade", year // 10 * 10 if year is not None else "")
        add("duration", "" if t.duration is None else t.duration // 30_000 * 30)
        add("popularity", next(step for step in (50, 20, 10, 5, 2, 1, 0) if t.popularity >= step))
        add("source", r.source)
        add("status", t.status)
        if t.status == 1:
            add("format", "pcm_s16le")
    whole = {"tracks": len(tracks), "releases": len(RELEASES), "artists": len(ARTISTS), "labels": len(LABELS)}
    whole |= {"genres": len(rows.genre), "held": sum(t.status == 1 for _, t in tracks)}
    count, size = rows.db.execute("SELECT count(*), sum(size) FROM object").fetchone() or (0, 0)
    for name, value in (whole | {"objects": int(count), "bytes": int(size)}).items():
        add(name, "", value)
    rows.db.executemany("INSERT INTO tally VALUES (?,?,?)", [(*k, v) for k, v in tally.items()])
    meta = {
        "register_head": 2,
        "schema_version": SCHEMA_VERSION,
        "permalink_bits": _PERMALINK_BITS,
        "as_of": AS_OF,
        "archive": "Sample",
        "settings": "0" * 64,
        "licence": "CC0-1.0",
    }
    rows.db.executemany("INSERT INTO meta VALUES (?,?)", list(meta.items()))
    state(rows.db)
    rows.db.execute("INSERT INTO comment VALUES ('track', 'one row for every track, numbered by rank')")

"""Seeded catalogues of any size: same seed and size, same rows, in any chunk, order or number of processes.

Two outputs. `python bench/generate.py archive DIR --tracks N` makes an archive with sealed records of the source
`table` (three tables: artists, releases, tracks). :func:`chunks` gives the same rows as columns, for filling a
catalogue directly. What real catalogues are like is imitated: Zipf popularity (37 % of tracks are ever listened to),
titles of 21 characters from a vocabulary that grows with the catalogue (Heaps' law), 1.48 tracks a release, 1.32
ordered credits a track, MBIDs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS, collection_name
from phonolith.store.archive import Archive

SOURCE = collection_name("table", "generated")
TIME = "2026-01-01T00:00:00Z"
MAP = """
name = "generated"
title = "A generated catalogue"
url = "https://example.org/generated"
credit = "the generator"
contact = "nobody@example.org"
metadata_licence = "CC0-1.0"
licence_level = 1

[[table]]
name = "artists"
file = "artists.parquet"
key = "id"
prefix = false
[table.artist]
name = "name"
country = "country"
begin = "begin"
genres = "genres"

[[table]]
name = "releases"
file = "releases.parquet"
key = "id"
prefix = false
[table.release]
title = "title"
artist = "artist"
artist_key = { table = "artists", columns = ["artist_id"] }
date = "date"
label = "label"
barcode = "barcode"
kind = "kind"
country = "country"
licence = "licence"

[[table]]
name = "tracks"
file = "tracks.parquet"
key = "id"
prefix = false
[table.track]
title = "title"
release = { table = "releases", columns = ["release_id"] }
position = "position"
artist = "artist"
join = "join"
artist_key = { table = "artists", columns = ["artist_id"] }
duration = { column = "ms", unit = "ms" }
isrc = "isrc"
explicit = { column = "explicit", values = { yes = "true", no = "false" } }
popularity = "listens"
"""

CHUNK = 50_000  # tracks

_COMMON = """
the of in a to love you and on my night time for day world heart i no dream life blue light all with way one home fire
down me black rain sun it is we never good soul little moon sky back dance new song eyes red river man girl baby live
now road white summer remix mix out from be go star wild dark city street blues gold lost water away high still up free
true long come again mind sea angel sweet ghost last storm wind king electric winter forever train morning house party
lonely crazy silver magic body space land intro interlude queen remastered edit version pt
"""
_ONSETS = "b d f g h j k l m n p r s t v w z br ch cl dr fl gr kr pl sh sk st th tr"
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "ea", "ou", "é", "ö", "ñi", "ø")
_SYLLABLES = [o + n for n in _NUCLEI[:8] for o in _ONSETS.split()] + [o + n for n in _NUCLEI[8:] for o in "tr"]
_JOINS = (" & ", " feat. ", ", ", " vs. ")
_DATES = ("0000", "2001-13-01", "1999-02-31", "unknown", "19xx")
_KINDS = ("single", "album", "ep", "compilation")
_COUNTRIES = ("US", "GB", "DE", "JP", "FR", "BR", "SE", "IT", "NL", "XW", "")
_FORMATS = ("Digital Media", "CD", '12" Vinyl')
LICENCES = (
    "https://creativecommons.org/licenses/by/4.0/",
    "https://creativecommons.org/licenses/by-sa/4.0/",
    "http://creativecommons.org/licenses/by-nc-sa/3.0/",
    "https://creativecommons.org/licenses/by-nc-nd/4.0/",
    "https://creativecommons.org/publicdomain/zero/1.0/",
    "https://creativecommons.org/licenses/by-nc/3.0/de/",
)


@dataclass(frozen=True)
class Spec:
    """What to make: ``tracks`` in all; everything else follows from it and from the ``seed``."""

    tracks: int
    seed: int = 1

    @property
    def artists(self) -> int:
        return max(20, round(self.tracks * 0.174))

    @property
    def vocabulary(self) -> int:
        """Distinct words: Heaps' law, 360 thousand at 1 million tracks, 1.4 million at 10 million."""
        return max(2_000, round(90 * self.tracks**0.6))

    @property
    def labels(self) -> int:
        return max(10, round(2.5 * self.tracks**0.65))

    @property
    def genres(self) -> int:
        return min(2_000, max(12, round(self.tracks**0.5)))

    @property
    def chunks(self) -> int:
        return -(-self.tracks // CHUNK)

    @property
    def artist_chunks(self) -> int:
        return -(-self.artists // CHUNK)


@dataclass
class Artists:
    """Columns of one chunk of artists."""

    mbid: list[str] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    country: list[str] = field(default_factory=list)
    genres: list[tuple[str, ...]] = field(default_factory=list)
    begin: list[str] = field(default_factory=list)


@dataclass
class Releases:
    """Columns of one chunk of releases. ``credits`` are (artist number, join phrase) in order."""

    mbid: list[str] = field(default_factory=list)
    title: list[str] = field(default_factory=list)
    artist: list[int] = field(default_factory=list)
    date: list[str] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    barcode: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    country: list[str] = field(default_factory=list)
    licence: list[str] = field(default_factory=list)


@dataclass
class Tracks:
    """Columns of one chunk of tracks. ``release`` is the place in the chunk's releases; ``listens`` 0 = never."""

    mbid: list[str] = field(default_factory=list)
    title: list[str] = field(default_factory=list)
    release: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    credits: list[tuple[tuple[int, str], ...]] = field(default_factory=list)
    duration: list[int] = field(default_factory=list)
    isrc: list[str] = field(default_factory=list)
    explicit: list[bool] = field(default_factory=list)
    listens: list[int] = field(default_factory=list)


def artist_chunks(spec: Spec) -> Iterator[Artists]:
    """All artists, in chunks."""
    return (artist_chunk(spec, number) for number in range(spec.artist_chunks))


def chunks(spec: Spec) -> Iterator[tuple[Releases, Tracks]]:
    """All releases with their tracks, in chunks of 50,000 tracks."""
    return (chunk(spec, number) for number in range(spec.chunks))


def artist_chunk(spec: Spec, number: int) -> Artists:
    """Chunk ``number`` of the artists."""
    rng = np.random.default_rng((spec.seed, 1, number))
    numbers = np.arange(number * CHUNK, min(spec.artists, (number + 1) * CHUNK))
    size = len(numbers)
    counts = np.where(rng.random(size) < 0.60, rng.integers(1, 4, size), 0)
    picks = iter(_zipf(rng, spec.genres, int(counts.sum())).tolist())
    genres = [tuple(sorted({genre_name(next(picks)) for _ in range(n)})) for n in counts.tolist()]
    countries = rng.integers(0, len(_COUNTRIES), size).tolist()
    return Artists(
        mbid=artist_ids(spec, numbers),
        name=artist_names(spec, numbers.tolist()),
        country=[_COUNTRIES[c] for c in countries],
        genres=genres,
        begin=[str(y) if y > 1939 else "" for y in rng.integers(1900, 2015, size).tolist()],
    )


def chunk(spec: Spec, number: int) -> tuple[Releases, Tracks]:
    """Chunk ``number`` of the releases and their tracks."""
    rng = np.random.default_rng((spec.seed, 2, number))
    size = min(CHUNK, spec.tracks - number * CHUNK)
    sizes = _release_sizes(rng, size)
    releases = _releases(spec, rng, number, sizes)
    return releases, _tracks(spec, rng, number, sizes, releases)


def _release_sizes(rng: np.random.Generator, tracks: int) -> np.ndarray:
    """Tracks per release: 88 % have one, the rest a power law; 1.48 on average; they add up to ``tracks``."""
    many = 2 + np.minimum(58, np.floor(4.4 * (rng.random(tracks) ** (-1 / 2.2) - 1))).astype(np.int64)
    sizes = np.where(rng.random(tracks) < 0.88, 1, many)
    ends = np.cumsum(sizes)
    last = int(np.searchsorted(ends, tracks))
    sizes = sizes[: last + 1]
    sizes[-1] -= int(ends[last]) - tracks
    return sizes


def _releases(spec: Spec, rng: np.random.Generator, number: int, sizes: np.ndarray) -> Releases:
    size = len(sizes)
    labels = _zipf(rng, spec.labels, size).tolist()
    licences = rng.integers(0, len(LICENCES), size).tolist()
    barcodes = rng.integers(10**11, 10**12, size).tolist()
    has = rng.random((4, size))
    kinds = np.where(sizes == 1, 0, np.where(sizes < 6, 2, np.where(rng.random(size) < 0.1, 3, 1))).tolist()
    return Releases(
        mbid=_mbids(spec.seed, 3, np.arange(size) + number * CHUNK),
        title=_titles(spec, rng, size),
        artist=_zipf(rng, spec.artists, size).tolist(),
        date=_dates(rng, size),
        label=[label_name(k) if p < 0.80 else "" for k, p in zip(labels, has[0].tolist(), strict=True)],
        barcode=[str(b) if p < 0.50 else "" for b, p in zip(barcodes, has[1].tolist(), strict=True)],
        kind=[_KINDS[k] for k in kinds],
        country=[_COUNTRIES[c] for c in rng.integers(0, len(_COUNTRIES), size).tolist()],
        licence=[LICENCES[k] if p < 0.30 else "" for k, p in zip(licences, has[2].tolist(), strict=True)],
    )


def _tracks(spec: Spec, rng: np.random.Generator, number: int, sizes: np.ndarray, releases: Releases) -> Tracks:
    size = int(sizes.sum())
    release = np.repeat(np.arange(len(sizes)), sizes)
    position = np.arange(size) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
    titles = _titles(spec, rng, size)
    single = sizes[release] == 1
    same = np.where(single & (rng.random(size) < 0.7))[0].tolist()  # a single is mostly named after its track
    release_list = release.tolist()
    for i in same:
        titles[i] = releases.title[release_list[i]]
    uniform = rng.random(size)
    listens = np.floor(0.37 / np.maximum(uniform, 1e-12)).clip(0, spec.tracks * 40).astype(np.int64)
    return Tracks(
        mbid=_mbids(spec.seed, 4, np.arange(size) + number * CHUNK),
        title=titles,
        release=release_list,
        position=position.tolist(),
        credits=_credits(spec, rng, np.asarray(releases.artist)[release]),
        duration=np.clip(rng.lognormal(np.log(215), 0.45, size) * 1000, 4000, 7_200_000).astype(np.int64).tolist(),
        isrc=_isrcs(rng, size),
        explicit=(rng.random(size) < 0.11).tolist(),
        listens=listens.tolist(),
    )


def _credits(spec: Spec, rng: np.random.Generator, first: np.ndarray) -> list[tuple[tuple[int, str], ...]]:
    size = len(first)
    other = rng.random(size) < 0.06  # compilations and guests: not the release's artist
    lead = np.where(other, _zipf(rng, spec.artists, size), first).tolist()
    count = np.searchsorted((0.76, 0.94, 0.98), rng.random(size), side="right").tolist()  # 1.32 on average
    more = iter(_zipf(rng, spec.artists, int(sum(count))).tolist())
    joins = iter(rng.integers(0, len(_JOINS), int(sum(count))).tolist())
    rows: list[tuple[tuple[int, str], ...]] = []
    for artist, extra in zip(lead, count, strict=True):
        if not extra:
            rows.append(((artist, ""),))
            continue
        phrases = [_JOINS[next(joins)] for _ in range(extra)] + [""]
        rows.append(tuple(zip([artist, *(next(more) for _ in range(extra))], phrases, strict=True)))
    return rows


def _isrcs(rng: np.random.Generator, size: int) -> list[str]:
    countries = ("US", "GB", "DE", "QM", "JP", "FR", "SE", "NL", "BR", "QZ")
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    country = rng.integers(0, len(countries), size).tolist()
    registrant = rng.integers(0, len(letters), (size, 3)).tolist()
    tail = rng.integers(0, 10**7, size).tolist()
    missing = (rng.random(size) < 0.015).tolist()
    shared = (rng.random(size) < 0.07).tolist()  # the same recording on another release
    out: list[str] = []
    for i in range(size):
        if missing[i]:
            out.append("")
        elif shared[i] and i and out[i // 2]:
            out.append(out[i // 2])
        else:
            a, b, c = registrant[i]
            out.append(f"{countries[country[i]]}{letters[a]}{letters[b]}{letters[c]}{tail[i]:07d}")
    return out


def _dates(rng: np.random.Generator, size: int) -> list[str]:
    years = (2025 - np.minimum(85, rng.exponential(14, size)).astype(np.int64)).tolist()
    months, days = rng.integers(1, 13, size).tolist(), rng.integers(1, 29, size).tolist()
    bogus = rng.integers(0, len(_DATES), size).tolist()
    out = []
    for year, month, day, pick, bad in zip(years, months, days, rng.random(size).tolist(), bogus, strict=True):
        if pick < 0.68:
            out.append(f"{year}-{month:02d}-{day:02d}")
        elif pick < 0.74:
            out.append(f"{year}-{month:02d}")
        elif pick < 0.945:
            out.append(str(year))
        else:
            out.append(_DATES[bad] if pick < 0.95 else "")
    return out


def _titles(spec: Spec, rng: np.random.Generator, size: int) -> list[str]:
    words = vocabulary(spec.vocabulary)
    counts = 1 + rng.binomial(6, 0.435, size)
    ranks = _zipf(rng, len(words), int(counts.sum())).tolist()
    scripts = rng.random(size).tolist()
    out: list[str] = []
    start = 0
    for count, script in zip(counts.tolist(), scripts, strict=True):
        if script < 0.03:
            out.append(cjk(ranks[start : start + count]))
        else:
            title = " ".join([words[r] for r in ranks[start : start + count]])
            out.append(title[0].upper() + title[1:])
        start += count
    return out


@lru_cache(maxsize=2)
def vocabulary(size: int) -> list[str]:
    """``size`` different words, most frequent first; rarer words are longer, some have accents."""
    words = list(dict.fromkeys(_COMMON.split()))
    seen = set(words)
    base = len(_SYLLABLES)
    number = base
    while len(words) < size:
        scrambled = (number * 7919) % (base ** (2 if number < base**2 else 3 if number < base**3 else 4))
        number += 1
        word = ""
        while scrambled:
            scrambled, digit = divmod(scrambled, base)
            word += _SYLLABLES[digit]
        if word not in seen and len(word) > 2:
            seen.add(word)
            words.append(word)
    return words


def cjk(ranks: list[int]) -> str:
    """A title in Chinese, Japanese or Korean characters; frequent numbers give frequent characters."""
    block = ranks[0] % 3
    if block == 0:
        return "".join(chr(0x4E00 + (r * 37) % 3000) + chr(0x4E00 + (r * 101) % 3000) for r in ranks)
    if block == 1:
        return "".join(chr(0x3042 + r % 80) + chr(0x4E00 + (r * 53) % 2000) for r in ranks)
    return " ".join(chr(0xAC00 + (r * 29) % 4000) + chr(0xAC00 + (r * 7) % 4000) for r in ranks)


def artist_ids(spec: Spec, numbers: np.ndarray) -> list[str]:
    """MBIDs of artists by number."""
    return _mbids(spec.seed, 5, numbers)


def artist_names(spec: Spec, numbers: list[int]) -> list[str]:
    """Names of artists by number: one to three words; unknown artists have rarer words."""
    words = vocabulary(spec.vocabulary)
    out = []
    for n in numbers:
        mixed = (n * 2654435761 + spec.seed) & 0xFFFFFFFF
        first = words[120 + (n * 3) % (len(words) - 120)]
        if mixed % 40 == 0:
            out.append(cjk([mixed % 5003, n % 997]))
        elif mixed % 4 == 0:
            out.append(first.title())
        else:
            second = words[(mixed >> 8) % min(len(words), 20_000)]
            out.append(
                f"{first.title()} {second.title()}" if mixed % 4 < 3 else f"The {first.title()} {second.title()}s"
            )
    return out


def label_name(number: int) -> str:
    """The name of a label."""
    words = vocabulary(2_000)
    kind = ("Records", "Music", "Recordings")[number % 3]
    return f"{words[(number * 7 + 130) % 2000].title()}{number // 500 or ''} {kind}"


def genre_name(number: int) -> str:
    """The name of a genre, lower case."""
    first = (
        "rock",
        "electronic",
        "ambient",
        "jazz",
        "folk",
        "metal",
        "hip hop",
        "techno",
        "house",
        "classical",
        "dub",
        "pop",
    )
    if number < len(first):
        return first[number]
    return f"{vocabulary(2_000)[number + 120 - (number // 1800) * 1500]} {first[number % len(first)]}"


def _zipf(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """``count`` numbers in 0..size-1, number k with a frequency proportional to 1 / (k + 1)."""
    return np.minimum(size - 1, np.exp(rng.random(count) * np.log(size + 1)).astype(np.int64) - 1)


def _mbids(seed: int, kind: int, numbers: np.ndarray) -> list[str]:
    """UUIDs (version 4 in form) that depend on seed, kind and number alone."""
    base = numbers.astype(np.uint64) + np.uint64((seed * 1_000_003 + kind) << 40)
    with np.errstate(over="ignore"):
        high, low = _mix(base), _mix(base ^ np.uint64(0x5DEECE66D1234567))
    high = (high & ~np.uint64(0xF000)) | np.uint64(0x4000)
    low = (low & np.uint64(0x3FFF_FFFF_FFFF_FFFF)) | np.uint64(0x8000_0000_0000_0000)
    out = []
    for first, last in zip(high.tolist(), low.tolist(), strict=True):
        text = f"{first:016x}{last:016x}"
        out.append(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")
    return out


def _mix(x: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser: a bijection that looks random."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def records(spec: Spec) -> Iterator[Record]:
    """The catalogue as records of the source ``table``, the settings record with the column map first."""
    yield Record(SOURCE, SETTINGS, "", TIME, MAP.encode(), "application/toml")
    encode = msgspec.json.encode
    for artists in artist_chunks(spec):
        columns = zip(artists.mbid, artists.name, artists.country, artists.genres, artists.begin, strict=True)
        for mbid, name, country, genres, begin in columns:
            row = {"id": mbid, "name": name, "country": country, "begin": begin, "genres": genres}
            yield _record("artists", mbid, encode({"table": "artists", "row": row}))
    for releases, tracks in chunks(spec):
        yield from _release_records(spec, releases)
        yield from _track_records(spec, releases, tracks)


def _release_records(spec: Spec, releases: Releases) -> Iterator[Record]:
    ids = artist_ids(spec, np.asarray(releases.artist))
    names = artist_names(spec, releases.artist)
    for i, mbid in enumerate(releases.mbid):
        row = {"id": mbid, "title": releases.title[i], "artist": names[i], "artist_id": ids[i]}
        row |= {"date": releases.date[i], "label": releases.label[i], "barcode": releases.barcode[i]}
        row |= {"kind": releases.kind[i], "country": releases.country[i], "licence": releases.licence[i]}
        yield _record("releases", mbid, msgspec.json.encode({"table": "releases", "row": row}))


def _track_records(spec: Spec, releases: Releases, tracks: Tracks) -> Iterator[Record]:
    numbers = sorted({artist for credit in tracks.credits for artist, _ in credit})
    ids = dict(zip(numbers, artist_ids(spec, np.asarray(numbers)), strict=True))
    names = dict(zip(numbers, artist_names(spec, numbers), strict=True))
    for i, mbid in enumerate(tracks.mbid):
        credit = tracks.credits[i]
        row = {
            "id": mbid,
            "release_id": releases.mbid[tracks.release[i]],
            "title": tracks.title[i],
            "position": str(tracks.position[i]),
            "artist": [names[a] for a, _ in credit],
            "artist_id": [ids[a] for a, _ in credit],
            "join": [join for _, join in credit],
            "ms": str(tracks.duration[i]),
            "isrc": tracks.isrc[i],
            "explicit": "yes" if tracks.explicit[i] else "no",
            "listens": str(tracks.listens[i]),
        }
        yield _record("tracks", mbid, msgspec.json.encode({"table": "tracks", "row": row}))


def _record(table: str, key: str, payload: bytes) -> Record:
    return Record(SOURCE, f"{table}:{key}", "", TIME, payload)


def make_archive(root: Path, spec: Spec) -> Archive:
    """A new archive at ``root`` with the catalogue as sealed records."""
    archive = Archive.create(root, name=f"Generated {spec.tracks:,}", contact="nobody@example.org", now=TIME)
    with archive.lock("harvest", what="bench/generate.py"), archive.records() as store:
        store.put_many(records(spec))
        store.seal()
    return archive


def fill_rates(spec: Spec) -> dict[str, float]:
    """What share of rows has each field, and the means that the issue asks for, over the first chunks."""
    picked = [chunk(spec, n) for n in range(min(4, spec.chunks))]
    artists = artist_chunk(spec, 0)
    tracks = sum(len(t.mbid) for _, t in picked)
    releases = sum(len(r.mbid) for r, _ in picked)

    def share(values: Iterator[object], total: int) -> float:
        return round(sum(1 for v in values if v) / total, 4)

    return {
        "tracks": spec.tracks,
        "artists": spec.artists,
        "tracks per release": round(tracks / releases, 3),
        "credits per track": round(sum(len(c) for _, t in picked for c in t.credits) / tracks, 3),
        "title characters": round(sum(len(x) for _, t in picked for x in t.title) / tracks, 2),
        "distinct words": spec.vocabulary,
        "isrc": share((x for _, t in picked for x in t.isrc), tracks),
        "ever listened to": share((x for _, t in picked for x in t.listens), tracks),
        "releases with date": share((x for r, _ in picked for x in r.date), releases),
        "releases with label": share((x for r, _ in picked for x in r.label), releases),
        "releases with licence": share((x for r, _ in picked for x in r.licence), releases),
        "releases with barcode": share((x for r, _ in picked for x in r.barcode), releases),
        "artists with genre": share(iter(artists.genres), len(artists.mbid)),
        "titles not in ASCII": round(sum(not x.isascii() for _, t in picked for x in t.title) / tracks, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("rates", "archive"))
    parser.add_argument("folder", type=Path, nargs="?", help="where the archive goes; default: a temporary folder")
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    spec = Spec(args.tracks, args.seed)
    started = time.perf_counter()
    if args.what == "archive":
        folder = args.folder or Path(tempfile.mkdtemp())
        print(make_archive(folder, spec).root)
    for name, value in fill_rates(spec).items():
        print(f"{name:28} {value:>14,}")
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()

"""Small random catalogues as plain Python values, and what search must find in them, told without any index."""

from __future__ import annotations

import random
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import apsw

from phonolith.library.asked import Query
from phonolith.model.ids import genre_key
from phonolith.model.text import fold, is_cjk, runs

WORDS = [
    "love",
    "night",
    "train",
    "the",
    "road",
    "a",
    "an",
    "at",
    "lo",
    "lov",
    "lovely",
    "loved",
    "lost",
    "los",
    "home",
    "hole",
    "hope",
    "béla",
    "Straße",
    "don't",
    "O'Neil",
    "2004",
    "no1",
    "東京",
    "京都",
    "東口",
    "タワー",
    "東京タワー",
    "한국어",
    "노래",
    "дорога",
    "Ёлка",
    "!!!",
    "AC/DC",
]
_NAMES = ("The Quiet Machines", "Ana Núñez", "東京ラジオ", "Love", "Brass & Sons", "Оркестр Анны", "Los Lobos")
_GENRES = ("rock", "ambient", "hip hop")
_LICENCES = (("CC-BY-4.0", "by"), ("CC-BY-3.0-DE", "by"), ("CC0-1.0", "cc0"), ("ARR", "restricted"))


@dataclass(frozen=True)
class Plain:
    """A track as people see it."""

    title: str
    artists: tuple[str, ...]
    rest: tuple[str, ...]
    year: int | None
    genres: frozenset[str]
    labels: frozenset[int]
    family: str
    code: str
    duration: int | None
    status: int
    source: str


def make(path: Path, seed: int, tracks: int) -> list[Plain]:
    """Fill a catalogue's tables, without its text index, and return its tracks in rank order."""
    rng = random.Random(seed)
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode=OFF").fetchall()
    db.execute("BEGIN")
    db.execute(resources.files("phonolith.catalogue").joinpath("schema.sql").read_text("utf-8"))
    found = _fill(db, rng, tracks)
    db.execute("COMMIT")
    db.close()
    return found


def _fill(db: apsw.Connection, rng: random.Random, tracks: int) -> list[Plain]:
    def title() -> str:
        joint = rng.choice((" ", " ", "-", ""))
        return joint.join(rng.choice(WORDS) for _ in range(rng.randint(1, 4)))

    for n, name in enumerate(("folder", "table"), 1):
        db.execute("INSERT INTO source VALUES (?,?,'','','','')", (n, name))
    for n, (code, family) in enumerate(_LICENCES, 1):
        db.execute("INSERT INTO licence VALUES (?,?,?,'','','',1,1,1,1,1,1,1,'')", (n, code, family))
        db.execute("INSERT INTO rights VALUES (?,?,2,'','','stated',1,'','')", (n, n))
    db.execute("INSERT INTO rights VALUES (9,NULL,0,'','','none',0,'','')")
    for n, name in enumerate(_GENRES, 1):
        db.execute("INSERT INTO genre VALUES (?,?,?,0,0,0)", (n, name, name))
    sets = {1: (1,), 2: (2, 3), 3: (1, 2, 3)}
    db.executemany("INSERT INTO genre_set VALUES (?,?)", [(s, g) for s, genres in sets.items() for g in genres])
    years = {n: rng.choice((None, 0, *range(1968, 2013))) for n in range(1, 40)}
    db.executemany("INSERT INTO event_date VALUES (?,?,?,NULL,NULL,NULL)", [(n, str(n), y) for n, y in years.items()])
    for n in range(1, 8):
        db.execute("INSERT INTO label VALUES (?,1,?,?,0,0)", (n, f"l{n}", f"{rng.choice(_NAMES)} Records {n}"))
    artist_set, further = {}, {}
    for n, name in enumerate(_NAMES, 1):
        artist_set[n] = rng.choice((None, *sets))
        further[n] = f"Sorted {n}" if n % 2 else ""
        values = (n, f"a{n}", name, further[n] or None, artist_set[n])
        db.execute("INSERT INTO artist VALUES (?,1,?,?,?,NULL,NULL,NULL,NULL,NULL,?,NULL,0,0)", values)
    db.execute("INSERT INTO note VALUES (?,'alias',0,'Alias Zwei')", (2 * 4 + 2,))
    further[2] += " Alias Zwei"
    credits_ = {}
    for n in range(1, 6):
        credits_[n] = [(rng.randint(1, len(_NAMES)), rng.choice((None, "Lovely Ana", "京都"))) for _ in range(2)]
        rows = [(n, place, artist, name) for place, (artist, name) in enumerate(credits_[n])]
        db.executemany("INSERT INTO credit VALUES (?,?,?,?,' & ','')", rows)

    def named(credit: int | None) -> tuple[tuple[str, ...], tuple[str, ...], int]:
        if credit is None:
            return (), (), 0
        members = [(credit, None)] if credit > 0 else credits_[-credit]
        artists = [_NAMES[a - 1] for a, _ in members] + [name for _, name in members if name]
        return tuple(artists), tuple(further[a] for a, _ in members), members[0][0]

    def some_credit() -> int | None:
        return rng.choice((None, rng.randint(1, len(_NAMES)), rng.randint(1, len(_NAMES)), -rng.randint(1, 5)))

    releases = []
    for n in range(1, max(2, tracks // 3)):
        r = {
            "title": title(),
            "credit": some_credit(),
            "date": rng.choice((None, *years)),
            "label": rng.choice((None, *range(1, 8))),
        }
        r |= {
            "genres": rng.choice((None, *sets)),
            "rights": rng.choice((1, 2, 3, 4, 9)),
            "source": rng.randint(1, 2),
            "extra": (),
        }
        if rng.random() < 0.2:
            r["extra"] = (rng.randint(1, 7),)
            db.execute("INSERT INTO release_label VALUES (?,1,?,NULL)", (n, r["extra"][0]))
        keys = ("source", "title", "credit", "date", "label", "genres", "rights")
        sql = f"INSERT INTO release (id, source_id, discs, tracks, {', '.join(keys)}) VALUES (?,?,1,1,?,?,?,?,?,?,?)"
        db.execute(sql, (n, f"r{n}", *(r[k] for k in keys)))
        releases.append(r)
    plain = []
    for n in range(1, tracks + 1):
        place = rng.randrange(len(releases))
        r = releases[place]
        own = {"title": title(), "credit": some_credit(), "date": rng.choice((None, None, *years))}
        own |= {"genres": rng.choice((None, None, *sets)), "rights": rng.choice((None, None, 1, 2, 3, 9))}
        duration = rng.choice((None, 0, 15_000, rng.randint(1, 700_000), rng.randint(1, 9_000_000), 10**9))
        status = rng.choice((0, 1, 1, 2, 8))
        keys = ("title", "credit", "date", "genres", "rights")
        sql = (
            f"INSERT INTO track (id, release, source_id, disc, position, duration, status, {', '.join(keys)}) "
            "VALUES (?,?,?,1,1,?,?,?,?,?,?,?)"
        )
        db.execute(sql, (n, place + 1, f"t{n}", duration, status, *(own[k] for k in keys)))
        artists, rest, lead = named(own["credit"] if own["credit"] is not None else r["credit"])
        genres = own["genres"] or r["genres"] or artist_set.get(lead)
        rights = own["rights"] or r["rights"]
        code, family = _LICENCES[rights - 1] if rights <= 4 else ("", "none")
        plain.append(
            Plain(
                own["title"],
                artists,
                (r["title"], *rest),
                years.get(own["date"] or r["date"]) or None,
                frozenset(_GENRES[g - 1] for g in sets.get(genres, ())),
                frozenset(x for x in (r["label"], *r["extra"]) if x),
                family,
                code,
                duration,
                status,
                ("folder", "table")[r["source"] - 1],
            )
        )
    return plain


def _cut(texts: tuple[str, ...]) -> list[str]:
    return [run for text in texts for run in runs(text)]


def _has(part: list[str], run: str, begins: bool) -> bool:
    if is_cjk(run):
        return any(run in other for other in part)
    return any(other == run or (begins and other.startswith(run)) for other in part)


def matches(track: Plain, words: list[str], query: Query) -> bool:
    """Whether a track is to be found, by the letter of `Query`."""
    part = _cut((track.title, *track.artists, *track.rest))
    typing = [query.typing and place == len(words) - 1 for place in range(len(words))]
    low, high = query.year
    short, long = query.duration
    year, length = track.year, track.duration
    return (
        all(_has(part, word, begins) for word, begins in zip(words, typing, strict=True))
        and (not query.licence or query.licence in (track.family, track.code))
        and (
            query.year == (None, None) or (year is not None and (low or 0) <= year <= (9999 if high is None else high))
        )
        and (not query.genre or genre_key(query.genre) in track.genres)
        and (query.label == "" or query.label in track.labels)
        and (
            query.duration == (None, None)
            or (length is not None and (short or 0) <= length and (long is None or length <= long))
        )
        and (query.held is None or (track.status == 1) == query.held)
        and (not query.source or query.source == track.source)
        and (query.status is None or query.status == track.status)
    )


def by_title(track: Plain) -> list[str]:
    """What a track is ordered by where titles are."""
    return fold(track.title)


def band(track: Plain, words: list[str], typing: bool) -> int:
    """How close a track is to the words, as the documentation says it."""
    title, artists = runs(track.title), _cut(track.artists)
    if title == words:
        return 0
    flags = [typing and place == len(words) - 1 for place in range(len(words))]
    pairs = list(zip(words, flags, strict=True))
    if all(_has(title, word, flag) for word, flag in pairs):
        return 2
    if not all(_has(title, word, flag) or _has(artists, word, flag) for word, flag in pairs):
        return 4
    return 1 if set(title) <= set(words) else 3

"""Search through the read model beside FTS5 (BM25) and tantivy on the same rows, in one run, as one table.

`python -m bench.search --tracks 1000000` fills a catalogue from the generator (or takes the one at --catalogue), builds
the text index, asks every class of query, and prints p50 and p99 in milliseconds, sizes in bytes a track, build times,
and how often 2,000 known items come first and within the first ten.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apsw

from bench.fill import fill
from bench.generate import Spec
from phonolith.catalogue.text_index import build_text_index
from phonolith.library.asked import Query
from phonolith.library.correction import spellings
from phonolith.library.search import search
from phonolith.model.text import fold, is_cjk, runs

_LIMIT = 20
_TEXT = (
    "SELECT t.id, t.title, r.title, ifnull(t.credit, r.credit) FROM track t JOIN release r ON r.id = t.release "
    "WHERE t.id BETWEEN ? AND ?"
)


@dataclass(frozen=True)
class Known:
    """A track that somebody looks for."""

    row: int
    title: str
    artist: str


class Rows:
    """Reads names from the catalogue."""

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db
        self.count: int = db.execute("SELECT max(id) FROM track").fetchall()[0][0]  # type: ignore[assignment]

    def artists(self, credit: int | None) -> list[str]:
        if credit is None:
            return []
        if credit > 0:
            return [name for (name,) in self.db.execute("SELECT name FROM artist WHERE id = ?", (credit,))]
        sql = "SELECT a.name FROM credit c JOIN artist a ON a.id = c.artist WHERE c.id = ? ORDER BY c.position"
        return [name for (name,) in self.db.execute(sql, (-credit,))]

    def known(self, row: int) -> Known:
        _, title, _, credit = self.db.execute(_TEXT, (row, row)).fetchall()[0]
        return Known(row, title, self.artists(credit)[0])

    def folded(self) -> Iterator[tuple[int, str, str, str]]:
        """All tracks as folded title, artists and release, for the peers."""
        for first in range(1, self.count + 1, 50_000):
            for row, title, release, credit in self.db.execute(_TEXT, (first, first + 49_999)).fetchall():
                yield row, _join(title), " ".join(_join(name) for name in self.artists(credit)), _join(release)


def _join(text: str) -> str:
    return " ".join(fold(text))


def questions(rows: Rows, count: int, seed: int) -> dict[str, list[Query]]:
    """``count`` queries of each class."""
    rng = random.Random(seed)
    frequent = _frequent(rows.db, 120)
    labels = _labels(rows.db, rows.count)
    picked = [rows.known(rng.randint(1, rows.count)) for _ in range(count * 4)]
    latin = [k for k in picked if len(runs(k.title)) > 1 and not any(is_cjk(run) for run in runs(k.title))]
    cjk = [run for k in _cjk(rows, rng, count) for run in runs(k.title) if is_cjk(run) and len(run) > 1]
    rare = [w for k in latin for w in runs(k.title) if 0 < _rows_of(rows.db, w) <= 100]
    made: dict[str, list[Query]] = {
        "rare word": [Query(word) for word in rare[:count]],
        "common word": [Query(rng.choice(frequent)) for _ in range(count)],
        "two words": [Query(" ".join(rng.sample(runs(k.title), 2))) for k in latin[:count]],
        "two common words": [Query(" ".join(rng.sample(frequent, 2))) for _ in range(count)],
        "artist + title": [Query(f"{k.artist} {k.title}") for k in latin[:count]],
        "prefix": [_typed(rng, k) for k in latin[:count]],
        "prefix of 1-2 letters": [Query(k.title[: rng.randint(1, 2)], typing=True) for k in latin[:count]],
        "typo": [Query(_misspelt(rng, k.title)) for k in latin[:count]],
        "word + 0.01 % filter": [Query(rng.choice(frequent), label=rng.choice(labels)) for _ in range(count)],
        "two CJK characters": [Query(run[at : at + 2]) for run in cjk[:count] for at in [rng.randrange(len(run) - 1)]],
        "no hit": [Query(f"{a} {b}") for a, b in zip(rare[:count], reversed(rare[-count:]), strict=False)],
    }
    made["word, by title"] = [Query(rng.choice(frequent), order="title") for _ in range(count)]
    genres = [name for (name,) in rows.db.execute("SELECT folded FROM genre ORDER BY random() LIMIT ?", (count,))]
    made["a genre"] = [Query(genre=str(genre)) for genre in genres]
    made["a genre by title"] = [Query(genre=str(genre), order="title") for genre in genres]

    return made


def _frequent(db: apsw.Connection, count: int) -> list[str]:
    sql = "SELECT term FROM term WHERE kind = 0 AND term >= 'a' AND term < '{' ORDER BY rows DESC LIMIT ?"
    return [str(term) for (term,) in db.execute(sql, (count,))]


def _rows_of(db: apsw.Connection, word: str) -> int:
    found: Any = db.execute("SELECT rows FROM term WHERE kind = 0 AND term = ?", (word,)).fetchone()
    return int(found[0]) if found else 0


def _labels(db: apsw.Connection, tracks: int) -> list[int]:
    """Labels that have about one in ten thousand tracks."""
    sql = "SELECT term FROM term WHERE kind = 0 AND term BETWEEN '/label/' AND '/label0' AND rows BETWEEN ? AND ?"
    return [int(str(term).rpartition("/")[2]) for (term,) in db.execute(sql, (tracks // 15_000, tracks // 7_000))]


def _cjk(rows: Rows, rng: random.Random, count: int) -> list[Known]:
    found: list[Known] = []
    while len(found) < count:
        known = rows.known(rng.randint(1, rows.count))
        if any(is_cjk(run) and len(run) > 1 for run in runs(known.title)):
            found.append(known)
    return found


def _typed(rng: random.Random, known: Known) -> Query:
    """A title being typed, stopped somewhere."""
    text = " ".join(runs(known.title))
    return Query(text[: rng.randint(1, len(text))].strip(), typing=True)


def _misspelt(rng: random.Random, text: str) -> str:
    """The text with one letter wrong in one of its longer words."""
    words = runs(text)
    place = max(range(len(words)), key=lambda at: (min(len(words[at]), 5), rng.random()))
    if len(words[place]) > 2 and not is_cjk(words[place]):
        words[place] = rng.choice([w for w in spellings(words[place]) if w != words[place] and len(w) > 2])
    return " ".join(words)


def plain(text: str) -> str:
    """Without accents; the voice marks of kana are none."""
    bare = ("".join(p for p in unicodedata.normalize("NFD", c) if not unicodedata.combining(p)) for c in text)
    return "".join(c if is_cjk(c) else b for c, b in zip(text, bare, strict=True))


def times(ask: Callable[[Any], object], asked: list[Any]) -> tuple[float, float, float]:
    """p50 and p99 of one call each by the clock, and p99 by the processor, in milliseconds.

    The last is what a machine that does nothing else would show; peers that use threads of their own escape it.
    """
    wall, cpu = [], []
    gc.collect()
    for one in asked:
        started, used = time.perf_counter(), time.thread_time()
        ask(one)
        wall.append((time.perf_counter() - started) * 1000)
        cpu.append((time.thread_time() - used) * 1000)
    return _share(wall, 0.5), _share(wall, 0.99), _share(cpu, 0.99)


def _share(taken: list[float], share: float) -> float:
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * share))]


def hundredth(db: apsw.Connection, query: Query) -> Query | None:
    """The query for page 100."""
    found = search(db, replace(query, limit=990))
    found = found if found.next is None else search(db, replace(query, limit=990, after=found.next))
    return None if found.next is None else replace(query, after=found.next)


def quality(rows: Rows, ask: Callable[[Query], list[int]], seed: int, each: int) -> dict[str, dict[str, float]]:
    """Share of known items that come first, and within ten; a track with the same names counts as the one looked for.

    Half of the items are of the better half of the tracks that were ever listened to, half of the unheard ones.
    """
    rng = random.Random(seed)
    made: dict[str, Callable[[Known], str]] = {
        "title + artist": lambda k: f"{k.title} {k.artist}",
        "title": lambda k: k.title,
        "one typo": lambda k: _misspelt(rng, f"{k.title} {k.artist}" if rng.random() < 0.5 else k.title),
        "no accents": lambda k: plain(f"{k.artist} {k.title}"),
    }
    out: dict[str, dict[str, float]] = {}
    for name, text_of in made.items():
        places = []
        for n in range(each):
            low, high = ((1, rows.count // 5), (rows.count * 2 // 5, rows.count))[n % 2]
            known = rows.known(rng.randint(low, high))
            while name == "no accents" and plain(known.title + known.artist) == known.title + known.artist:
                known = rows.known(rng.randint(low, high))
            hits = ask(Query(text_of(known), limit=10))
            same = [row for row in hits if row == known.row or _same(rows.known(row), known, name)]
            strict = hits.index(known.row) if known.row in hits else 99
            places.append((hits.index(same[0]) if same else 99, strict))
        out[name] = _shares(places)
    total = {key: sum(one[key] for one in out.values()) / len(out) for key in next(iter(out.values()))}
    return {**out, "all": total}


def _same(one: Known, other: Known, name: str) -> bool:
    """Whether nobody could tell them apart by what was typed."""
    return runs(one.title) == runs(other.title) and (name in ("title", "one typo") or one.artist == other.artist)


def _shares(places: list[tuple[int, int]]) -> dict[str, float]:
    size = len(places)
    return {
        "first": sum(place == 0 for place, _ in places) / size,
        "in ten": sum(place < 10 for place, _ in places) / size,
        "that very row first": sum(strict == 0 for _, strict in places) / size,
        "that very row in ten": sum(strict < 10 for _, strict in places) / size,
    }


class Fts5:
    """FTS5 with positions and three columns, best by BM25: what one gets by following its manual."""

    def __init__(self, rows: Rows, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.db = apsw.Connection(str(path))
        self.db.execute("PRAGMA synchronous=OFF; PRAGMA cache_size=-262144")
        self.db.execute("PRAGMA journal_mode=OFF").fetchall()
        self.db.execute("CREATE VIRTUAL TABLE f USING fts5(title, artist, release, content='')")
        started = time.perf_counter()
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO f(f, rank) VALUES ('hashsize', 134217728)")
        self.db.executemany("INSERT INTO f(rowid, title, artist, release) VALUES (?,?,?,?)", rows.folded())
        self.db.execute("INSERT INTO f(f) VALUES ('optimize')")
        self.db.execute("COMMIT")
        self.seconds = time.perf_counter() - started
        self.size = path.stat().st_size

    def ask(self, query: Query) -> list[int]:
        words = [f'"{run}"' for run in runs(query.words)]
        if query.typing:
            words[-1] += "*"
        sql = "SELECT rowid FROM f WHERE f MATCH ? ORDER BY rank LIMIT ?"
        return [int(row) for (row,) in self.db.execute(sql, (" AND ".join(words), query.limit))]  # type: ignore[arg-type]


class Tantivy:
    """tantivy with three fields, best by BM25."""

    def __init__(self, rows: Rows, path: Path) -> None:
        import tantivy

        self.t = tantivy
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        builder = tantivy.SchemaBuilder().add_integer_field("row", stored=True, fast=True)
        for name in ("title", "artist", "release"):
            builder = builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
        index = tantivy.Index(builder.build(), path=str(path))
        started = time.perf_counter()
        writer = index.writer(heap_size=256_000_000, num_threads=1)
        for row, title, artist, release in rows.folded():
            writer.add_document(tantivy.Document(row=row, title=title, artist=artist, release=release))
        writer.commit()
        writer.wait_merging_threads()
        self.seconds = time.perf_counter() - started
        self.size = sum(file.stat().st_size for file in path.iterdir())
        index.reload()
        self.index, self.schema, self.searcher = index, index.schema, index.searcher()

    def ask(self, query: Query, fuzzy: bool = False) -> list[int]:
        parts, words = [], runs(query.words)
        for place, run in enumerate(words):
            any_of = [self._term(name, run, query.typing and place == len(words) - 1, fuzzy) for name in _FIELDS]
            parts.append((self.t.Occur.Must, self.t.Query.boolean_query([(self.t.Occur.Should, q) for q in any_of])))
        found = self.searcher.search(self.t.Query.boolean_query(parts), query.limit, count=False)
        return [self.searcher.doc(address)["row"][0] for _, address in found.hits]

    def _term(self, name: str, run: str, typing: bool, fuzzy: bool) -> Any:
        if typing or (fuzzy and len(run) > 2):
            distance = 0 if typing else 1
            return self.t.Query.fuzzy_term_query(self.schema, name, run, distance=distance, prefix=typing)
        return self.t.Query.term_query(self.schema, name, run, "freq")


_FIELDS = ("title", "artist", "release")


def run(catalogue: Path, folder: Path, count: int, peers: bool, known: int, report: dict[str, Any]) -> None:
    db = apsw.Connection(f"file:{catalogue}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    db.execute("PRAGMA cache_size=-16384; PRAGMA query_only=1")
    rows = Rows(db)
    asked = questions(rows, count, seed=7)
    deep = [q for q in (hundredth(db, query) for query in asked["common word"][:60]) if q]
    asked["page 100"] = deep
    others: dict[str, Any] = {}
    if peers:
        others = {"FTS5 BM25": Fts5(rows, folder / "fts5.sqlite"), "tantivy": Tantivy(rows, folder / "tantivy")}
        for name, peer in others.items():
            report["builds"][name] = {"s": peer.seconds, "bytes a track": peer.size / rows.count}
    for name, queries in asked.items():
        if not queries:
            continue
        for query in queries[:5]:
            search(db, query)
        line = {"phonolith": times(lambda q: search(db, q), queries)}
        if name not in _ONLY_OURS:
            line |= {other: times(_peer(peer, name), queries) for other, peer in others.items()}
        report["queries"][name] = line
        _print_line(name, line)
    report["quality"]["phonolith"] = quality(rows, lambda q: search(db, q).hits, 11, known)
    for other, peer in others.items():
        report["quality"][other] = quality(rows, peer.ask, 11, known)


_ONLY_OURS = frozenset({"word + 0.01 % filter", "a genre", "a genre by title", "word, by title", "page 100"})


def _peer(peer: Any, name: str) -> Callable[[Any], object]:
    if name == "typo" and isinstance(peer, Tantivy):
        return lambda query: peer.ask(query, fuzzy=True)
    return lambda query: peer.ask(query)


def _print_line(name: str, line: dict[str, tuple[float, float, float]]) -> None:
    own = line["phonolith"][2]
    cells = []
    for other, (p50, p99, cpu) in line.items():
        ratio = "" if other == "phonolith" else f" {cpu / own:7.1f}x"
        cells.append(f"{p50:8.2f} {p99:8.2f} {cpu:8.2f}{ratio}")
    print(f"{name:24}", "  |".join(cells), flush=True)


def index_size(catalogue: Path) -> dict[str, int]:
    """Bytes of each object that the text index made."""
    db = apsw.Connection(str(catalogue))
    sql = (
        "SELECT name, sum(pgsize) FROM dbstat WHERE name IN ('term', 'posting', 'exact_title', 'title_order') "
        "OR name GLOB '*_text_*' GROUP BY 1 ORDER BY 2 DESC"
    )
    return {str(name): int(size) for name, size in db.execute(sql)}  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200, help="of each class")
    parser.add_argument("--known", type=int, default=500, help="known items of each of four classes")
    parser.add_argument("--folder", type=Path, default=Path("bench-search"), help="where to work; kept")
    parser.add_argument("--catalogue", type=Path, help="a catalogue with a text index, taken as it is")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", type=Path, help="write all figures there")
    args = parser.parse_args()
    args.folder.mkdir(exist_ok=True)
    report: dict[str, Any] = {"tracks": args.tracks, "builds": {}, "queries": {}, "quality": {}}
    catalogue = args.catalogue or args.folder / f"catalogue-{args.tracks}.sqlite"
    if not catalogue.exists():
        fill(catalogue, Spec(args.tracks))
        db = apsw.Connection(str(catalogue))
        db.execute("PRAGMA synchronous=OFF; PRAGMA cache_size=-262144")
        db.execute("PRAGMA journal_mode=OFF").fetchall()
        started = time.perf_counter()
        build_text_index(db, workers=2)
        report["builds"]["phonolith"] = {"s": time.perf_counter() - started}
        db.close()
    sizes = index_size(catalogue)
    report["builds"].setdefault("phonolith", {})["bytes a track"] = sum(sizes.values()) / args.tracks
    report["sizes"] = {name: size / args.tracks for name, size in sizes.items()}
    print(f"{args.tracks:,} tracks; p50, p99, p99 of processor time in ms: phonolith | FTS5 BM25 | tantivy", flush=True)
    run(catalogue, args.folder, args.queries, not args.no_peers, args.known, report)
    for what in ("builds", "sizes", "quality"):
        print(what)
        for name, figures in report[what].items():
            print(f"  {name:22}", figures if isinstance(figures, float) else json.dumps(figures))
    peak = [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print("peak MB", peak, file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

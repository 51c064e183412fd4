"""Search through the read model beside FTS5 (BM25) and tantivy on the same rows, in one run, as one table.

`python -m bench.search --tracks 1000000 --folder DIR` fills a catalogue from the generator (or takes the one at
--catalogue), builds the text index and those of the peers, asks every class of query, and prints p50 and p99 in
milliseconds, how often 2,000 known items come first and within the first ten, sizes in bytes a track and build times.
What was built stays in the folder and is taken from there the next time.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from bench.fill import fill
from bench.generate import Spec
from bench.peers import TEXT, Fts5, Peer, Tantivy
from phonolith.catalogue.text_index import build_text_index
from phonolith.library.asked import Query
from phonolith.library.correction import spellings
from phonolith.library.kept import Kept
from phonolith.library.search import search
from phonolith.model.text import is_cjk, runs


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
        _, title, _, credit = self.db.execute(TEXT, (row, row)).fetchall()[0]
        return Known(row, title, self.artists(credit)[0])


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


def times(ask: Callable[[Any], object], asked: list[Any], budget: float) -> tuple[int, float, float, float]:
    """How many were asked, p50 and p99 of one call by the clock, and p99 by the processor, in milliseconds.

    The last is what a machine that does nothing else would show. Asking ends after ``budget`` seconds, for there are
    engines that take ten seconds for a common word.
    """
    wall, cpu = [], []
    gc.collect()
    begun = time.perf_counter()
    for one in asked:
        started, used = time.perf_counter(), time.thread_time()
        ask(one)
        wall.append((time.perf_counter() - started) * 1000)
        cpu.append((time.thread_time() - used) * 1000)
        if time.perf_counter() - begun > budget:
            break
    return len(wall), _share(wall, 0.5), _share(wall, 0.99), _share(cpu, 0.99)


def _share(taken: list[float], share: float) -> float:
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * share))]


def hundredth(db: apsw.Connection, query: Query) -> Query | None:
    """The query for page 100."""
    found = search(db, replace(query, limit=990))
    found = found if found.next is None else search(db, replace(query, limit=990, after=found.next))
    return None if found.next is None else replace(query, after=found.next)


def quality(
    rows: Rows, ask: Callable[[Query], list[int]], seed: int, each: int, budget: float
) -> dict[str, tuple[int, float, float, float, float]]:
    """How many known items were asked for, and the shares that come first and within ten: of each class, and of all.

    A track with the same names counts as the one looked for in the first two shares, and does not in the last two.
    Half of the items are of the better half of the tracks that were ever listened to, half of the unheard ones.
    """
    rng = random.Random(seed)
    made: dict[str, Callable[[Known], str]] = {
        "title + artist": lambda k: f"{k.title} {k.artist}",
        "title": lambda k: k.title,
        "one typo": lambda k: _misspelt(rng, f"{k.title} {k.artist}" if rng.random() < 0.5 else k.title),
        "no accents": lambda k: plain(f"{k.artist} {k.title}"),
    }
    found: dict[str, list[tuple[int, int]]] = {}
    for name, text_of in made.items():
        places = found[name] = []
        begun = time.perf_counter()
        while len(places) < each and time.perf_counter() - begun < budget:
            low, high = ((1, rows.count // 5), (rows.count * 2 // 5, rows.count))[len(places) % 2]
            known = rows.known(rng.randint(low, high))
            while name == "no accents" and plain(known.title + known.artist) == known.title + known.artist:
                known = rows.known(rng.randint(low, high))
            hits = ask(Query(text_of(known), limit=10))
            same = [row for row in hits if row == known.row or _same(rows.known(row), known, name)]
            strict = hits.index(known.row) if known.row in hits else 99
            places.append((hits.index(same[0]) if same else 99, strict))
    found["all"] = [place for places in found.values() for place in places]
    return {name: _shares(places) for name, places in found.items()}


def _same(one: Known, other: Known, name: str) -> bool:
    """Whether nobody could tell them apart by what was typed."""
    return runs(one.title) == runs(other.title) and (name in ("title", "one typo") or one.artist == other.artist)


def _shares(places: list[tuple[int, int]]) -> tuple[int, float, float, float, float]:
    size = len(places)
    return (
        size,
        sum(place == 0 for place, _ in places) / size,
        sum(place < 10 for place, _ in places) / size,
        sum(strict == 0 for _, strict in places) / size,
        sum(strict < 10 for _, strict in places) / size,
    )


class Ours:
    """The read model's search, with what it keeps for a build."""

    name = "phonolith"

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._kept = Kept()

    def ask(self, query: Query, fuzzy: bool = False) -> list[int]:
        """The best rows; spelling is corrected without being asked for."""
        return search(self._db, query, (), self._kept).hits


_ONLY_OURS = frozenset({"word + 0.01 % filter", "a genre", "a genre by title", "word, by title", "page 100"})


def run(catalogue: Path, folder: Path, count: int, peers: bool, known: int, budget: float) -> dict[str, Any]:
    """Ask everybody everything; one table of it goes to stdout as it is made. ``budget``: see :func:`times`."""
    db = apsw.Connection(f"file:{catalogue}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    db.execute("PRAGMA cache_size=-16384; PRAGMA query_only=1")
    rows, ours = Rows(db), Ours(db)
    asked = questions(rows, count, seed=7)
    asked["page 100"] = [q for q in (hundredth(db, query) for query in asked["common word"][:60]) if q]
    others: list[Peer] = [kind(db, rows.count, folder) for kind in (Fts5, Tantivy)] if peers else []
    report: dict[str, Any] = {"tracks": rows.count, "queries": {}, "quality": {}}
    title = f"{rows.count:,} tracks"
    print(f"{title:24}" + " | ".join(f"{one.name:^38}" for one in (ours, *others)))
    print(f"{'':24}" + " | ".join(f"{'asked':>5}{'p50 ms':>10}{'p99 ms':>11}{'p99 CPU':>12}" for _ in (ours, *others)))
    for name, queries in asked.items():
        for query in queries[:5]:
            search(db, query)
        line = {}
        for one in (ours, *(() if name in _ONLY_OURS else others)):
            line[one.name] = times(partial(one.ask, fuzzy=name == "typo"), queries, budget)
        report["queries"][name] = line
        cells = (f"{n:5}{p50:10.2f}{p99:11.2f}{cpu:12.2f}" for n, p50, p99, cpu in line.values())
        print(f"{name:24}" + " | ".join(cells), flush=True)
    for one in (ours, *others):
        report["quality"][one.name] = quality(rows, one.ask, 11, known, budget)
    for name in next(iter(report["quality"].values())):
        shares = [report["quality"][one.name][name] for one in (ours, *others)]
        cells = (f"{n:5}{first:10.1%} first {ten:8.1%} in ten  " for n, first, ten, *_ in shares)
        print(f"{'known: ' + name:24}" + " | ".join(cells))
    _sizes(catalogue, rows.count, others, report)
    return report


def _sizes(catalogue: Path, tracks: int, peers: list[Peer], report: dict[str, Any]) -> None:
    """The last two rows: index bytes a track and what building took; then our index object by object."""
    objects = index_size(catalogue)
    full_text = sum(size for name, size in objects.items() if "_text_" in name)
    own = sum(objects.values()) - full_text
    told = catalogue.with_suffix(".json")
    built = json.loads(told.read_text()) if told.exists() else {}
    report["sizes"] = {name: size / tracks for name, size in objects.items()}
    report["builds"] = {"phonolith": built, **{one.name: vars(one.built) for one in peers}}
    first = f"{own / tracks:.1f} (and FTS5 for others {full_text / tracks:.1f})"
    print(
        f"{'index, bytes a track':24}"
        + " | ".join([f"{first:^38}", *(f"{one.built.size / tracks:^38.1f}" for one in peers)])
    )
    taken = [(built.get("wall"), built.get("cpu")), *((one.built.wall, one.built.cpu) for one in peers)]
    cells = (f"{f'{wall:.0f} s, {cpu:.0f} s of processor' if wall else 'not built here':^38}" for wall, cpu in taken)
    print(f"{'building':24}" + " | ".join(cells))
    print("ours by object, bytes a track:", ", ".join(f"{name} {size / tracks:.2f}" for name, size in objects.items()))


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
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for each class of query and engine")
    parser.add_argument("--json", type=Path, help="write all figures there")
    args = parser.parse_args()
    args.folder.mkdir(exist_ok=True)
    catalogue = args.catalogue or args.folder / f"catalogue-{args.tracks}.sqlite"
    if not catalogue.exists():
        _make(catalogue, args.tracks)
    load = os.getloadavg()[0]
    report = run(catalogue, args.folder, args.queries, not args.no_peers, args.known, args.budget)
    print(f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores")
    if args.json:
        args.json.write_text(json.dumps(report, indent=1))


def _make(catalogue: Path, tracks: int) -> None:
    """Fill a catalogue and build its text index; it is at its path only when it is whole."""
    part = catalogue.with_suffix(".part")
    part.unlink(missing_ok=True)
    fill(part, Spec(tracks))
    db = apsw.Connection(str(part))
    db.execute("PRAGMA synchronous=OFF; PRAGMA cache_size=-262144")
    db.execute("PRAGMA journal_mode=OFF").fetchall()
    wall, before = time.perf_counter(), _cpu()
    build_text_index(db, workers=2)
    built = {"wall": time.perf_counter() - wall, "cpu": _cpu() - before}
    db.close()
    catalogue.with_suffix(".json").write_text(json.dumps(built))
    part.rename(catalogue)


def _cpu() -> float:
    """Processor time of this process and of those it has waited for, in seconds."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


if __name__ == "__main__":
    main()

"""What hiding 10,000 tracks costs a search: `python -m bench.hidden ARCHIVE [--hidden N] [--queries N] [--rounds N]`.

The catalogue is that of a built archive, which is only read. The decisions are events of a register made for this, as
`withdraw` writes them, and come to the search through the overlay. They are chosen three ways: tracks at random, the
best tracks there are, and the first hits of the very queries that are asked, which is the worst for a page that has to
be filled. All queries of a class are asked with none hidden, then with each choice, round after round; of the
rounds the fastest counts, processor time of this thread, for what else the machine does is not the question. A query
is not asked with one choice right after another: most choices lead to the same rows, which the first would then fetch
into the processor's and SQLite's caches for all the others, but not for those whose first hits are hidden.

Then what follows a decision: how long the next answer waits for the overlay, at the first and for one id more.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import apsw

from bench.search import Rows, hundredth, questions
from phonolith.library.asked import Query
from phonolith.library.catalogue import Catalogue, Snapshot
from phonolith.library.kept import Kept
from phonolith.library.overlay import Hidden, Overlay
from phonolith.library.search import search
from phonolith.rights.attest import withdrawal
from phonolith.store.archive import Archive

_TIME = "2026-11-02T00:00:00Z"
_AN_EVENT = 100  # ids that one decision names
_NONE = "none hidden"


def choices(
    snapshot: Snapshot, rows: Rows, asked: Mapping[str, Sequence[Query]], count: int, seed: int
) -> dict[str, list[int]]:
    """Tracks to hide, by how they were chosen."""
    first = dict.fromkeys(row for found in _hits(snapshot.db, asked) for row in found)
    return {
        "random": random.Random(seed).sample(range(1, rows.count + 1), count),
        "the best": list(range(1, count + 1)),
        "first hits": list(islice(first, count)),
    }


def _hits(db: apsw.Connection, asked: Mapping[str, Sequence[Query]]) -> Iterable[list[int]]:
    """The first pages of every query, then the pages behind them."""
    kept = Kept()
    for limit in (20, 100, 1_000):
        for queries in asked.values():
            for query in queries:
                yield search(db, replace(query, limit=limit), (), kept).hits


def hide(archive: Archive, ids: Sequence[str]) -> None:
    """Decide against all of them."""
    bodies = [
        withdrawal(tuple(ids[at : at + _AN_EVENT]), ground="owner", because="bench")
        for at in range(0, len(ids), _AN_EVENT)
    ]
    with archive.register() as register:
        for body in bodies:
            register.append("item.withdrawn", body, actor="operator", time=_TIME)


def followed(archive: Archive, snapshot: Snapshot, ids: Sequence[str]) -> tuple[Hidden, float, float]:
    """What is hidden then; processor milliseconds until an overlay knew it, and until it knew of one id more."""
    hide(archive, ids[:-1])
    with archive.register() as register:
        overlay = Overlay(register, every=0.0)
        began = time.thread_time()
        overlay.hidden(snapshot)
        known = time.thread_time()
        hide(archive, ids[-1:])
        before = time.thread_time()
        hidden = overlay.hidden(snapshot)
        return hidden, (known - began) * 1000, (time.thread_time() - before) * 1000


def times(
    db: apsw.Connection, queries: Sequence[Query], hidden: Mapping[str, Hidden], rounds: int, kept: Kept
) -> dict[str, list[float]]:
    """Milliseconds of each query in its fastest round, by what is hidden."""
    best = {name: [float("inf")] * len(queries) for name in hidden}
    names = list(hidden)
    for turn in range(rounds):
        gc.collect()
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            for at, query in enumerate(queries):
                began = time.thread_time()
                search(db, query, hidden[name].of(query.kind), kept)
                best[name][at] = min(best[name][at], (time.thread_time() - began) * 1000)
    return best


def p99(values: Iterable[float]) -> float:
    """The 99th of a hundred."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--hidden", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=200, help="of each class")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", metavar="CLASS", help="of queries; more than once; default: all")
    options = parser.parse_args()
    catalogue = Catalogue.open(Archive.open(options.archive).catalogue)
    with catalogue.reading() as snapshot, tempfile.TemporaryDirectory(prefix="bench-hidden-") as name:
        db = snapshot.db
        rows = Rows(db)
        asked = questions(rows, options.queries, seed=7)
        asked["page 100"] = [q for q in (hundredth(db, query) for query in asked["common word"][:60]) if q]
        hidden = {_NONE: Hidden()}
        for choice, chosen in choices(snapshot, rows, asked, options.hidden, seed=3).items():
            archive = Archive.create(Path(name) / choice, name="b", contact="bench@example.org", now=_TIME)
            ids = [snapshot.public_id("track", row) for row in chosen]
            hidden[choice], all_of_them, one_more = followed(archive, snapshot, ids)
            count = len(hidden[choice].tracks)
            print(
                f"{choice}: {count:,} tracks hidden; {all_of_them:.0f} ms to know it, {one_more:.0f} to know one more"
            )
        chosen_classes = {one: asked[one] for one in options.only or asked}
        report(db, chosen_classes, hidden, options.rounds, rows.count)


def report(
    db: apsw.Connection, asked: Mapping[str, Sequence[Query]], hidden: Mapping[str, Hidden], rounds: int, tracks: int
) -> None:
    """The table: p99 with none hidden, and how many times that with each choice."""
    kept, worst = Kept(), 0.0
    print(f"{f'{tracks:,} tracks, p99 CPU ms':28}" + "".join(f"{name:>22}" for name in hidden))
    for name, queries in asked.items():
        found = {choice: p99(values) for choice, values in times(db, queries, hidden, rounds, kept).items()}
        ratios = {choice: value / found[_NONE] for choice, value in found.items()}
        worst = max(worst, *ratios.values())
        cells = (f"{value:14.2f} ({ratios[choice]:4.2f}x)" for choice, value in found.items())
        print(f"{name:28}" + " ".join(cells), flush=True)
    print(f"the worst: {worst:.2f} times")


if __name__ == "__main__":
    main()

"""How long the read model takes for a page: `python bench/pages.py CATALOGUE [--pages N]`, processor time of one core.

Pages are drawn by seed from the whole catalogue ("any") and from its 2,000 best rows ("best"), which have the longest
lists. Processor time, because a page waits for nothing but the processor once the file is in the page cache.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from phonolith.library import browse
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import NoEvents, Overlay
from phonolith.library.reading import Library
from phonolith.library.shuffle import shuffle

_BEST = 2_000
_PAGES = {"track": browse.track, "release": browse.release, "artist": browse.artist, "label": browse.label}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--pages", type=int, default=500)
    asked = parser.parse_args()
    library = Library(Catalogue.open(asked.catalogue), Overlay(NoEvents()))
    chance = random.Random(1)
    print(f"{'page':<16}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    for kind, page in _PAGES.items():
        for name, best in (("any", 1 << 62), ("best", _BEST)):
            ids = _ids(library, kind, chance, asked.pages, best)
            show(f"{kind}, {name}", [timed(lambda page=page, one=one: page(library, one)) for one in ids])
    show("shuffle 20", [timed(lambda seed=seed: shuffle(library, 20, seed=seed)) for seed in range(asked.pages)])
    show("front", [timed(lambda: browse.front(library)) for _ in range(20)])
    show("stats", [timed(lambda: browse.stats(library)) for _ in range(20)])
    years = [year for year, _ in browse.years(library)]
    show("year", [timed(lambda year=year: browse.year(library, year)) for year in years])


def _ids(library: Library, kind: str, chance: random.Random, number: int, best: int) -> list[str]:
    with library.reading() as reading:
        last = min(best, reading.rows(f"SELECT max(id) FROM {kind}")[0][0])
        return [reading.snapshot.public_id(kind, chance.randint(1, last)) for _ in range(number)]


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    started = time.thread_time()
    work()
    return (time.thread_time() - started) * 1000


def show(name: str, times: Sequence[float]) -> None:
    """One line of the table."""
    ordered = sorted(times)
    if ordered:
        p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        print(f"{name:<16}{p50:>9.2f}{p99:>9.2f}{ordered[-1]:>9.2f}")


if __name__ == "__main__":
    main()

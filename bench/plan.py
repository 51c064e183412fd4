"""A plan over many candidates: time, memory and growth, beside sorting as many rows in SQLite, DuckDB and numpy.

    python -m bench.plan                            1, 3 and 10 million candidates
    python -m bench.plan --candidates 10000000 --budget 100TB

A catalogue of so many tracks is written by the schema of the program, each with an address, none held, half of them
under a licence without derivatives. Each planner is a process of its own, so that its peak of memory is its own. The
peers do less: SQLite reads the same join and orders it by value per byte, DuckDB and numpy order as many numbers, with
the row beside each, that are in memory already. All of one size are run in turn, and ratios are within one turn.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path

import apsw
import numpy as np

_SIZES = (1_000_000, 3_000_000, 10_000_000)
_LICENCES = (("CC-BY-4.0", 1), ("CC-BY-ND-4.0", 0))
_TRACKS = """
WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < :count)
INSERT INTO track SELECT id, (id - 1) / 10 + 1, 'track-' || id, 'Title ' || id, NULL, 1, id % 10 + 1,
  60000 + abs(random()) % 300000, NULL, NULL, NULL, id % 2 + 1, CAST(:count * 20.0 / id AS INTEGER), NULL, 0 FROM n"""
_RELEASES = """
WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < :count)
INSERT INTO release SELECT id, 1, 'release-' || id, 'Release ' || id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, 1, 10, NULL, NULL FROM n"""
_FILES = """
INSERT INTO file SELECT id * 4, 0, 'audio', 'track.flac', NULL, 'https://music.example.org/' || id || '.flac',
  CASE id % 3 WHEN 0 THEN 'flac' WHEN 1 THEN 'mp3' END, NULL, NULL, NULL, NULL, NULL FROM track ORDER BY id"""
_SORTED = """
SELECT f.subject, t.popularity / (t.duration * CASE f.codec WHEN 'flac' THEN 100 ELSE 28 END) AS density
FROM file f CROSS JOIN track t ON t.id = f.subject / 4 CROSS JOIN release r ON r.id = t.release
WHERE f.role = 'audio' AND f.object IS NULL ORDER BY density DESC"""


def main() -> int:
    """Print a line per planner and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, action="append", help="how many; may be given several times")
    parser.add_argument("--budget", default="", help="as in 100TB; by default a tenth of what everything would take")
    parser.add_argument("--folder", type=Path, help="where catalogues are written (default: a temporary folder)")
    parser.add_argument("--one", nargs=3, metavar=("WHO", "CATALOGUE", "BUDGET"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        return _one(*asked.one)
    with tempfile.TemporaryDirectory(prefix="bench-plan-", dir=asked.folder) as name:
        for count in asked.candidates or _SIZES:
            _turn(Path(name), count, asked.budget)
    return 0


def _turn(folder: Path, count: int, budget: str) -> None:
    from phonolith.cli.text import bytes_of

    path = folder / "catalogue.sqlite"
    path.unlink(missing_ok=True)
    make(path, count)
    wanted = bytes_of("--budget", budget) if budget else count * 10_000_000 // 10
    print(f"\n{count:,} candidates, catalogue of {path.stat().st_size / 1e6:,.0f} MB, budget {wanted / 1e12:,.3g} TB")
    told = {who: _process(who, path, str(wanted)) for who in _WHO}
    ours = told["plan"]
    for who, one in told.items():
        ratio = ours["wall"] / one["wall"]
        print(
            f"{_WHO[who][1]:42}{one['wall']:>8.1f} s {one['cpu']:>8.1f} cpu-s {one['peak'] / 1e6:>8,.0f} MB"
            f"{'' if who == 'plan' else f'   the plan takes {ratio:.1f} x'}"
            f"{one.get('note', '')}",
            flush=True,
        )


def make(path: Path, count: int) -> None:
    """Write a catalogue of ``count`` tracks that could be fetched."""
    from phonolith.catalogue.facts import SCHEMA_VERSION

    with closing(apsw.Connection(str(path))) as db:
        db.pragma("journal_mode", "off")
        db.pragma("synchronous", "off")
        db.execute("BEGIN")
        db.execute(resources.files("phonolith.catalogue").joinpath("schema.sql").read_text("utf-8"))
        facts = {"as_of": "2026-01-01", "register_head": 0, "permalink_bits": 1, "archive": "bench"}
        meta = {"schema_version": SCHEMA_VERSION, **facts}
        db.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
        db.execute("INSERT INTO source VALUES (1, 'table.bench', 'Bench', '', 'CC0-1.0', '')")
        for number, (code, reencode) in enumerate(_LICENCES, 1):
            flags = (1, 1, 1, reencode, 1, 1, 0)
            db.execute(
                f"INSERT INTO licence VALUES ({', '.join('?' * 14)})", (number, code, "", code, "", "", *flags, "")
            )
            rights = (number, number, 2, code, "table", "stated", 1, "", "")
            db.execute("INSERT INTO rights VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rights)
        db.execute(_RELEASES, {"count": count // 10 + 1})
        db.execute(_TRACKS, {"count": count})
        db.execute(_FILES)
        db.execute("COMMIT")
        db.pragma("user_version", SCHEMA_VERSION)


def _process(who: str, path: Path, budget: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.plan", "--one", who, str(path), budget]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _one(who: str, path: str, budget: str) -> int:
    prepare, _ = _WHO[who]
    run = prepare(Path(path), int(budget))
    wall, cpu = time.monotonic(), _cpu()
    note = run()
    told = {"wall": time.monotonic() - wall, "cpu": _cpu() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({**told, "peak": peak, "note": note}))
    return 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _plan(path: Path, budget: int) -> Callable[[], str]:
    from datetime import date

    from phonolith.library.catalogue import Catalogue
    from phonolith.library.overlay import NoEvents, Overlay
    from phonolith.library.reading import Library
    from phonolith.model.progress import Silent
    from phonolith.plan.plan import Wish, plan
    from phonolith.plan.surroundings import Surroundings

    def run() -> str:
        with closing(Catalogue.open(path)) as catalogue:
            library = Library(catalogue, Overlay(NoEvents()), clock=lambda: date(2026, 1, 1))
            out = path.with_name("list.jsonl")
            told = plan(
                library, Surroundings(), Wish(budget), out, scratch=path.parent, progress=Silent(), now="2026-01-01"
            )
            return f"   {told.end.items:,} items, list of {out.stat().st_size / 1e6:,.0f} MB, gap {told.filled.gap:.1e}"

    return run


def _sqlite(path: Path, budget: int) -> Callable[[], str]:
    def run() -> str:
        with closing(apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)) as db:
            rows = sum(1 for _ in db.execute(_SORTED))
        return f"   {rows:,} rows"

    return run


def _numbers(path: Path) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    with closing(apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)) as db:
        count = db.execute("SELECT max(id) FROM track").fetchone()[0]  # type: ignore[index]
    return np.random.default_rng(1).random(count), np.arange(count, dtype=np.int64)


def _numpy(path: Path, budget: int) -> Callable[[], str]:
    density, rows = _numbers(path)
    return lambda: f"   {len(rows[np.argsort(-density, kind='stable')]):,} rows"


def _duckdb(path: Path, budget: int) -> Callable[[], str]:
    import duckdb

    density, rows = _numbers(path)
    db = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "1GB", "temp_directory": str(path.parent)})
    db.execute(
        "CREATE TABLE candidate AS SELECT * FROM (SELECT unnest(?) AS density, unnest(?) AS id)", [density, rows]
    )

    def run() -> str:
        db.execute("CREATE TABLE sorted AS SELECT * FROM candidate ORDER BY density DESC")
        return ""

    return run


#: Who is measured: what prepares it and gives what is timed, and its name.
_WHO: dict[str, tuple[Callable[[Path, int], Callable[[], str]], str]] = {
    "plan": (_plan, "phonolith plan, list written"),
    "sqlite": (_sqlite, "SQLite: the same join, ORDER BY density"),
    "duckdb": (_duckdb, "DuckDB: ORDER BY of as many numbers"),
    "numpy": (_numpy, "numpy: argsort of as many numbers"),
}

if __name__ == "__main__":
    sys.exit(main())

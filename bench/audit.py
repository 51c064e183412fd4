"""Audits of what is large: a stack of torrents by their metainfo, and a database of claims beside the same SQL by hand.

`python -m bench.audit torrents [--stack 150 500 1500] [--files N] [--folder DIR] [--keep]` writes hybrid torrents by
our own composer, with piece layers of four pieces a file, and audits each stack; the goal is 1,500 torrents of 10,000
files in under 3 minutes on 2 processors. They take 4.6 MB each, and about a second each to write.

`python -m bench.audit sqlite [--rows N] [--rounds N]` makes a database, puts a dozen claims to it, and asks the same
SQL in one plain connection of apsw and one of sqlite3; the goal is 1.3 times the faster one's time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

_T = TypeVar("_T")
NOW = "2026-11-30T00:00:00Z"
_PIECES = 4  # of a file
_CLAIMS = (
    ("rows", "tracks", "rows track", "SELECT count(*) FROM track"),
    ("isrcs", "tracks", "distinct track.isrc", "SELECT count(DISTINCT isrc) FROM track"),
    ("artists", "artists", "distinct track.artist", "SELECT count(DISTINCT artist) FROM track"),
    ("time", "seconds", "sum track.ms in milliseconds", "SELECT total(ms) / 1000 FROM track"),
    ("size", "bytes", "sum track.size", "SELECT total(size) FROM track"),
    ("listens", "listens", "sum track.listens", "SELECT total(listens) FROM track"),
    ("held", "tracks", "SELECT count(*) FROM track WHERE held", ""),
    ("unheard", "tracks", "SELECT count(*) FROM track WHERE listens = 0", ""),
    ("future", "tracks", "SELECT count(*) FROM track WHERE year > 2026", ""),
    ("long", "tracks", "SELECT count(*) FROM track WHERE ms > 600000", ""),
    ("nameless", "tracks", "SELECT count(*) FROM track WHERE title = ''", ""),
    ("heard", "bytes", "SELECT total(size) FROM track WHERE listens > 0", ""),
)


def write_torrent(path: Path, number: int, files: int) -> None:
    """A hybrid torrent of ``files`` files of 3 to 4 MiB; its digests are those of nothing, its layers lead to roots."""
    from phonolith.releases.compose import Entry, compose
    from phonolith.store.passport import LARGE_PIECE, Passport, layer_root

    dice = random.Random(number)
    entries = []
    for index in range(files):
        layer, pieces = dice.randbytes(32 * _PIECES), dice.randbytes(20 * _PIECES)
        size = dice.randrange((_PIECES - 1) * LARGE_PIECE + 1, _PIECES * LARGE_PIECE)
        root = layer_root(layer, LARGE_PIECE)
        found = Passport(size, root, LARGE_PIECE, root, layer, pieces, pieces[-20:])
        folders = ("data", f"Artist {number:04}-{index // 40:04}", f"Release {index // 10:05}")
        entries.append(Entry((*folders, f"{index % 10 + 1:02} Title of track {index}.opus"), found))
    path.write_bytes(compose(f"batch-{number:04}", entries).data)


def write_stack(folder: Path, count: int, files: int) -> None:
    """As many torrents as are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [(folder / f"batch-{number:04}.torrent", number) for number in range(count)]
    lacking = [(path, number) for path, number in paths if not path.exists()]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for job in [pool.submit(write_torrent, path, number, files) for path, number in lacking]:
            job.result()


def audited(claims: Path, of: str, path: Path) -> Callable[[], dict[str, int]]:
    """An audit by the program's own road; gives how many claims ended as what."""
    from phonolith.audit.audit import audit, data_of
    from phonolith.audit.claims import read
    from phonolith.audit.evidence import Given
    from phonolith.model.progress import Silent

    def run() -> dict[str, int]:
        told = audit(read(claims).claims, [Given(of, path)], Silent(), now=NOW)
        return dict(data_of(told)["words"])

    return run


def torrents(stacks: list[int], files: int, folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Seconds, processor seconds and memory of audits of stacks that grow; each has those of the ones before."""
    for count in stacks:
        stack, claims = folder / f"stack-{count}", folder / f"stack-{count}.toml"
        write_stack(folder / "all", count, files)
        stack.mkdir(exist_ok=True)
        for path in sorted((folder / "all").iterdir())[:count]:
            if not (stack / path.name).exists():
                (stack / path.name).hardlink_to(path)
        told = (("files", "metainfo", count * files), ("twice", "metainfo duplicates", 0))
        claims.write_text(
            "format = 1\n"
            + "".join(
                f'[[claim]]\nid = "{name}"\nsentence = "s"\nof = "stack"\nprocedure = "{procedure}"\n'
                f'unit = "files"\nquantity = {quantity}\n'
                for name, procedure, quantity in told
            )
        )
        wall, cpu, words = _timed(audited(claims, "stack", stack))
        if words["proven"] != 2:
            raise SystemExit(f"the audit of {count} torrents is wrong: {words}")
        size = sum(path.stat().st_size for path in stack.iterdir())
        yield f"{count:,} torrents of {files:,} files", {
            "seconds": wall, "processor": cpu, "ms a torrent": 1000 * wall / count, "MB": size / 1e6,
            "MB of memory": _peak(resource.RUSAGE_SELF), "of a child": _peak(resource.RUSAGE_CHILDREN),
        }  # fmt: skip


def sqlite(rows: int, rounds: int, folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """The audit beside the same SQL by hand, in turn, each one's best."""
    path, claims = folder / f"claims-{rows}.sqlite", folder / "claims.toml"
    if not path.exists():
        _fill(path, rows)
    right = by_sqlite3(path)()
    told = "".join(
        f'[[claim]]\nid = "{name}"\nsentence = "s"\nof = "db"\nunit = "{unit}"\nprocedure = "{procedure}"\n'
        f"quantity = {right[name]}\n"
        for name, unit, procedure, _ in _CLAIMS
    )
    claims.write_text("format = 1\n" + told)
    runs = {"audit": audited(claims, "db", path), "apsw": by_apsw(path), "sqlite3": by_sqlite3(path)}
    best = dict.fromkeys(runs, (1e9, 1e9))
    for _ in range(rounds):
        for name, run in runs.items():
            wall, cpu, found = _timed(run)
            if name == "audit" and found["proven"] != len(_CLAIMS):
                raise SystemExit(f"the audit is wrong: {found}")
            best[name] = (min(best[name][0], wall), min(best[name][1], cpu))
    for name, (wall, cpu) in best.items():
        yield f"{len(_CLAIMS)} claims, {rows:,} rows: {name}", {"seconds": wall, "processor": cpu}
    hand = [min(best[name][index] for name in ("apsw", "sqlite3")) for index in range(2)]
    times = {"by wall": best["audit"][0] / hand[0], "by processor time": best["audit"][1] / hand[1]}
    yield "audit, times by hand (goal 1.3)", times


def by_apsw(path: Path) -> Callable[[], dict[str, float]]:
    """The same SQL in one connection of apsw, as it comes."""
    import apsw

    def run() -> dict[str, float]:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        rows: dict[str, Any] = {name: next(db.execute(sql or procedure)) for name, _, procedure, sql in _CLAIMS}
        return {name: float(row[0]) for name, row in rows.items()}

    return run


def by_sqlite3(path: Path) -> Callable[[], dict[str, float]]:
    """The same SQL in one connection of Python's own module."""

    def run() -> dict[str, float]:
        db = sqlite3.connect(path)
        found = {name: float(db.execute(sql or procedure).fetchone()[0]) for name, _, procedure, sql in _CLAIMS}
        db.close()
        return found

    return run


def _fill(path: Path, rows: int) -> None:
    dice = random.Random(5)
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    db = sqlite3.connect(half)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute(
        "CREATE TABLE track (id INTEGER PRIMARY KEY, title TEXT, artist INTEGER, isrc TEXT, ms INTEGER, year INTEGER,"
        " size INTEGER, listens INTEGER, held INTEGER)"
    )
    some = (
        (number, f"Title {number % 1_000_003}", dice.randrange(rows // 8 + 1), f"DEA01{number * 9 // 10:07}",
         dice.randrange(60_000, 660_000), dice.randrange(1950, 2027), dice.randrange(1 << 20, 1 << 23),
         int(dice.paretovariate(0.5)) % 1_000_000 - 1, number & 1)
        for number in range(rows)
    )  # fmt: skip
    db.executemany("INSERT INTO track VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", some)
    db.commit()
    db.close()
    half.rename(path)


def _timed(run: Callable[[], _T]) -> tuple[float, float, _T]:
    wall, cpu = time.perf_counter(), _cpu()
    found = run()
    return time.perf_counter() - wall, _cpu() - cpu, found


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="torrents|sqlite", help="(default: both)")
    parser.add_argument("--stack", type=int, nargs="+", default=[150, 500, 1500], metavar="N")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder, removed)")
    parser.add_argument("--keep", action="store_true", help="leave what was made in the folder, for another run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.what) - {"torrents", "sqlite"}:
        parser.error(f"there is no {sorted(unknown)[0]}; there are torrents and sqlite")
    folder = Path(tempfile.mkdtemp(prefix="bench-audit-", dir=options.folder)) if not options.keep else options.folder
    if folder is None:
        parser.error("--keep needs a --folder")
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, dict[str, float]] = {}
    try:
        if "sqlite" in options.what or not options.what:
            figures |= sqlite(options.rows, options.rounds, folder)
        if "torrents" in options.what or not options.what:
            figures |= torrents(options.stack, options.files, folder)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
        return
    for name, one in figures.items():
        print(f"{name:44}", "   ".join(f"{key} {value:,.{0 if value >= 100 else 2}f}" for key, value in one.items()))


if __name__ == "__main__":
    main()

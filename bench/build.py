"""Building speed: the whole road from sealed records, and table writing beside `sqlite3 .import` of the same rows.

`python bench/build.py --tracks N` generates an archive (or takes `--archive DIR`), builds it and prints each phase with
tracks a second, CPU seconds and the highest memory of all its processes together. With `--write` it then writes the
tables again from a staging database and, in the same run, lets `sqlite3 .import` load the same rows from CSV into the
same tables; it prints the ratio of the two. `--numbering` sets the two ways of numbering tracks side by side.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from array import array
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import apsw

from phonolith.catalogue import build as module
from phonolith.catalogue.stage import Stage
from phonolith.catalogue.write import table_queries, write_table
from phonolith.model.progress import Silent
from phonolith.store.archive import Archive

try:
    from bench import generate
except ModuleNotFoundError:
    import generate  # type: ignore[no-redef]

#: Tables of the comparison: nearly all rows of a catalogue are in these.
TABLES = ("artist", "release", "track", "credit")


def cpu_seconds() -> float:
    """User and system time of this process, its threads and every descendant that is alive or was waited for."""
    ticks = 0
    for pid in family(os.getpid()):
        fields = _stat(pid)
        if fields:
            ticks += sum(int(value) for value in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def family(root: int) -> list[int]:
    """The process and its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += parents.get(pid, [])
    return found


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


class Memory(threading.Thread):
    """Samples the proportional memory (PSS) of this process and its descendants ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(0.1):
            self.peak = max(self.peak, sum(_pss(pid) for pid in family(os.getpid())))

    def taken(self) -> int:
        """The highest since it was last asked."""
        peak, self.peak = self.peak, 0
        return peak

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()


class Phases(Silent):
    """Measures each phase by wall clock, CPU and the highest memory."""

    def __init__(self, memory: Memory) -> None:
        self.times: list[tuple[str, float, float, int]] = []
        self._memory = memory
        self._name, self._wall, self._cpu = "", 0.0, 0.0

    def phase(self, number: int, of: int, name: str) -> None:
        self.end()
        self._name, self._wall, self._cpu = f"{number}/{of} {name}", time.perf_counter(), cpu_seconds()

    def end(self) -> None:
        if self._name:
            wall, cpu = time.perf_counter() - self._wall, cpu_seconds() - self._cpu
            self.times.append((self._name, wall, cpu, self._memory.taken()))
        self._name = ""


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024


def whole(archive: Archive, workers: int) -> int:
    """Build and print the phases; returns the number of tracks."""
    memory = Memory()
    phases = Phases(memory)
    memory.start()
    started, load = time.perf_counter(), os.getloadavg()[0]
    made = module.build(archive, as_of=None, progress=phases, workers=workers)
    phases.end()
    wall = time.perf_counter() - started
    memory.stop()
    tracks = made.rows["track"]
    print(f"{'phase':16}{'wall s':>10}{'cpu s':>10}{'tracks/s':>12}{'MiB':>8}")
    for name, seconds, cpu, peak in phases.times:
        rate = tracks / seconds if seconds else 0
        print(f"{name:16}{seconds:>10.1f}{cpu:>10.1f}{rate:>12,.0f}{peak / 2**20:>8,.0f}")
    cpu = sum(cpu for _, _, cpu, _ in phases.times)
    peak = max(peak for _, _, _, peak in phases.times)
    print(f"{'all':16}{wall:>10.1f}{cpu:>10.1f}{tracks / wall:>12,.0f}")
    print(f"by CPU alone, {workers} cores: {tracks / (cpu / workers):,.0f} tracks/s; load {load:.1f} at start")
    print(f"memory {peak / 2**20:,.0f} MiB at most; {made.path.stat().st_size / tracks:.1f} bytes a track")
    return tracks


def writing(archive: Archive, rounds: int, numbering: bool) -> None:
    """Write the tables from a staging database beside `sqlite3 .import`, in turns; print medians and their ratio."""
    with tempfile.TemporaryDirectory(dir=archive.derived) as name:
        folder = Path(name)
        mine, other = folder / "ours.sqlite", folder / "theirs.sqlite"
        with staged(archive) as stage:
            ours, theirs = [write_ours(stage, mine)], []
            to_csv(mine, folder)
            for _ in range(rounds):
                theirs.append(write_theirs(folder, other))
                ours.append(write_ours(stage, mine))
        same_rows(mine, other)
        print_ratio(ours[1:], theirs, mine)
        if numbering:
            other_numbering(mine)


class staged:
    """The staging database that a build of this archive ends with."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __enter__(self) -> Stage:
        self._folder = module._folder(self._archive.derived)
        folder = self._folder.__enter__()
        self._work = module._work(self._archive, folder, None, Silent(), 2)
        work = self._work.__enter__()
        for phase in module.PHASES[:2]:
            phase.run(work)
        return work.stage

    def __exit__(self, *error: object) -> None:
        self._work.__exit__(None, None, None)
        self._folder.__exit__(None, None, None)


def _new(path: Path) -> apsw.Connection:
    path.unlink(missing_ok=True)
    db = apsw.Connection(str(path))
    db.execute("PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-262144")
    return db


def write_ours(stage: Stage, path: Path) -> tuple[float, float]:
    """Our way: a query on the staging database, streamed into prepared inserts; (wall, CPU) seconds."""
    db = _new(path)
    db.execute(_schema())
    wall, cpu = time.perf_counter(), time.process_time()
    db.execute("BEGIN")
    for name in TABLES:
        write_table(stage, db, name, table_queries()[name], Silent())
    db.execute("COMMIT")
    taken = time.perf_counter() - wall, time.process_time() - cpu
    db.close()
    return taken


def write_theirs(folder: Path, path: Path) -> tuple[float, float]:
    """`sqlite3 .import` of the same rows from CSV with the same pragmas; (wall, CPU) seconds, without making CSV."""
    path.unlink(missing_ok=True)
    pragmas = "PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-262144;\n"
    imports = "".join(f".import {folder / name}.csv {name}\n" for name in TABLES)
    subprocess.run(["sqlite3", path], input=f"{pragmas}{_loose_schema()}", text=True, check=True, stdout=-3)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = time.perf_counter()
    subprocess.run(["sqlite3", path], input=f"{pragmas}.mode csv\n{imports}", text=True, check=True, stdout=-3)
    wall = time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def to_csv(ours: Path, folder: Path) -> None:
    """The same rows as CSV; source ids in hexadecimal, for CSV has no bytes."""
    db = apsw.Connection(str(ours))
    script = [".mode csv"]
    for name in TABLES:
        columns = [str(row[1]) for row in db.execute(f"PRAGMA table_info({name})")]
        shown = ["hex(source_id)" if column == "source_id" else column for column in columns]
        script += [f".output {folder / name}.csv", f"SELECT {', '.join(shown)} FROM {name};"]
    db.close()
    subprocess.run(["sqlite3", "-readonly", ours], input="\n".join(script), text=True, check=True)


def _schema() -> str:
    return resources.files("phonolith.catalogue").joinpath("schema.sql").read_text("utf-8")


def _loose_schema() -> str:
    """The schema without STRICT and NOT NULL, which `.import` of CSV cannot satisfy: an empty cell is text there."""
    return _schema().replace(") STRICT", ")").replace(", WITHOUT ROWID", " WITHOUT ROWID").replace(" NOT NULL", "")


def same_rows(ours: Path, theirs: Path) -> None:
    """Both files have the same number of rows and the same titles."""
    for name in TABLES:
        counts = [apsw.Connection(str(path)).execute(f"SELECT count(*) FROM {name}").get for path in (ours, theirs)]
        assert counts[0] == counts[1], (name, counts)


def print_ratio(ours: list[tuple[float, float]], theirs: list[tuple[float, float]], path: Path) -> None:
    db = apsw.Connection(str(path))
    rows = sum(int(db.execute(f"SELECT count(*) FROM {name}").get or 0) for name in TABLES)
    db.close()
    print(f"table writing, {rows:,} rows of {', '.join(TABLES)}, medians of {len(ours)}:")
    medians = {}
    for label, taken in (("ours", ours), ("sqlite3 .import", theirs)):
        wall, cpu = medians[label] = tuple(statistics.median(column) for column in zip(*taken, strict=True))
        print(f"  {label:18}{wall:>8.2f} s wall{cpu:>8.2f} s CPU{rows / wall:>14,.0f} rows/s")
    (wall, cpu), (their_wall, their_cpu) = medians["ours"], medians["sqlite3 .import"]
    print(f"  ratio: {their_wall / wall:.2f} by wall, {their_cpu / cpu:.2f} by CPU")


def other_numbering(path: Path) -> None:
    """Tracks numbered by rank, against tracks in release order with a map from rank to row: bytes, CPU, one page."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA cache_size=-262144")
    tracks = int(db.execute("SELECT count(*) FROM track").get or 0)
    columns = [str(row[1]) for row in db.execute("PRAGMA table_info(track)")]
    kept = ", ".join(column for column in columns if column not in ("id", "release"))
    taken = time.process_time()
    db.execute("CREATE INDEX by_release ON track (release)")
    index_time, taken = time.process_time() - taken, time.process_time()
    order = "ORDER BY release, disc, position"
    db.execute(f"CREATE TABLE ordered (id INTEGER PRIMARY KEY, {kept})")
    db.execute(f"INSERT INTO ordered SELECT NULL, {kept} FROM track {order}")
    ids = [row[0] for row in db.execute(f"SELECT id FROM track {order}")]
    place = array("I", bytes(4 * (tracks + 1)))
    for number, rank in enumerate(ids, 1):
        place[rank] = number
    db.execute("CREATE TABLE rank_map (part INTEGER PRIMARY KEY, rows BLOB)")
    parts = [(part, place[part * 2048 : (part + 1) * 2048].tobytes()) for part in range(len(place) // 2048 + 1)]
    db.executemany("INSERT INTO rank_map VALUES (?, ?)", parts)
    map_time = time.process_time() - taken
    sizes = {str(name): int(size) for name, size in db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY 1")}  # type: ignore[arg-type]
    releases = int(db.execute("SELECT count(*) FROM release").get or 0)
    first = 5 * releases  # a column "first track" in release: 4 bytes and 1 of header
    by_rank, in_order = sizes["track"] + sizes["by_release"], sizes["ordered"] + sizes["rank_map"] + first
    print(f"numbered by rank: {by_rank / tracks:.2f} bytes a track with the index by release ({index_time:.1f} s CPU)")
    print(
        f"in release order: {in_order / tracks:.2f} bytes a track with first track and rank map ({map_time:.1f} s CPU)"
    )
    starts = random.Random(1).sample(range(1, max(2, tracks - 20)), min(2000, tracks // 2))
    print(f"a page of 20 by rank: {_pages(db, 'track', starts, None):.0f} us, through the map: ", end="")
    print(f"{_pages(db, 'ordered', starts, place):.0f} us (medians, warm)")
    db.close()


def _pages(db: apsw.Connection, table: str, starts: list[int], place: array[int] | None) -> float:
    times = []
    for start in starts:
        began = time.perf_counter()
        rows = range(start, start + 20) if place is None else place[start : start + 20]
        db.execute(
            f"SELECT t.title FROM json_each(?) j CROSS JOIN {table} t ON t.id = j.value", (str(list(rows)),)
        ).fetchall()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def archives(args: argparse.Namespace) -> Iterator[Archive]:
    if args.archive:
        yield Archive.open(args.archive)
        return
    folder = Path(tempfile.mkdtemp())
    try:
        yield generate.make_archive(folder / "archive", generate.Spec(args.tracks))
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", type=int, default=0, metavar="ROUNDS", help="also compare table writing, this often")
    parser.add_argument("--numbering", action="store_true", help="with --write: what the other numbering would take")
    parser.add_argument("--no-build", action="store_true")
    args = parser.parse_args()
    for archive in archives(args):
        if not args.no_build:
            whole(archive, args.workers)
        if args.write:
            writing(archive, args.write, args.numbering)


if __name__ == "__main__":
    main()

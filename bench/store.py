"""The store beside its peers in one run: records in and out, objects in, decisions. Ratios are what to look at.

    .venv/bin/python bench/store.py [--records 1000000] [--megabytes 512] [--json]

Records have payloads of about 300 bytes and random MBIDs as items, the worst order for the index. Peers: `zstd -3` over
the same lines (no index, no digests: the floor), `sqlite3 .import` of the same rows into one table with a key, DuckDB
reading the same segments; for objects sha256sum and libtorrent's hybrid hashing of the same file. Each part runs in a
process of its own, so that its peak memory can be told; memory is shown for a tenth of the records too.
"""

from __future__ import annotations

import argparse
import csv
import functools
import hashlib
import itertools
import json
import multiprocessing
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from phonolith.model.record import Record
from phonolith.store.archive import Archive
from phonolith.store.lines import encode_record

NOW = "2026-01-02T03:04:05Z"
WORDS = (
    "love",
    "night",
    "day",
    "time",
    "blue",
    "heart",
    "girl",
    "rain",
    "light",
    "fire",
    "home",
    "road",
    "soul",
    "moon",
)


def records(count: int, seed: int = 1) -> Iterator[Record]:
    """Like a track of a web service: about 300 bytes of JSON."""
    rng = random.Random(seed)
    for number in range(count):
        mbid = f"{rng.getrandbits(128):032x}"
        title = " ".join(rng.choices(WORDS, k=4))
        payload = (
            f'{{"id":"{mbid}","title":"{title}","length":{rng.randrange(30000, 600000)},"position":{number % 14 + 1},'
            f'"disambiguation":"","artist-credit":[{{"name":"{title[::-1]}","joinphrase":"","artist":{{"id":'
            f'"{rng.getrandbits(128):032x}"}}}}],"isrcs":["QZ{rng.randrange(10**10):010d}"],"first-release-date":'
            f'"{rng.randrange(1950, 2026)}"}}'
        ).encode()
        yield Record("bench", mbid, f"https://example.org/recording/{mbid}", NOW, payload)


def put(place: Path, count: int) -> dict[str, Any]:
    wall = cpu = 0.0
    source = records(count)
    with Archive.open(place).records() as store:
        while batch := list(itertools.islice(source, 65_536)):
            wall, cpu = _timed(functools.partial(store.put_many, batch), wall, cpu)
        wall, cpu = _timed(store.seal, wall, cpu)
    return {"records/s": count / wall, "us cpu/record": cpu / count * 1e6}


def put_again(place: Path, count: int) -> dict[str, Any]:
    batch = list(records(min(count, 200_000)))
    with Archive.open(place).records() as store:
        wall, cpu = _timed(lambda: store.put_many(batch), 0, 0)
    return {"records/s": len(batch) / wall, "us cpu/record": cpu / len(batch) * 1e6}


def read(place: Path, count: int) -> dict[str, Any]:
    with Archive.open(place).records() as store:
        seen = [0]

        def run() -> None:
            for shard in store.shards(4):
                for _ in shard:
                    seen[0] += 1

        wall, cpu = _timed(run, 0, 0)
    assert seen[0] == count
    return {"records/s": count / wall, "us cpu/record": cpu / count * 1e6}


def change_and_read(place: Path, count: int) -> dict[str, Any]:
    """The same after one record in a hundred was superseded: only frames with such lines pay."""
    changed = [
        Record(r.source, r.item, r.url, NOW, r.payload + b" ") for i, r in enumerate(records(count)) if not i % 100
    ]
    with Archive.open(place).records() as store:
        store.put_many(changed)
    return read(place, count)


def floor(place: Path, count: int) -> dict[str, Any]:
    """zstd over the finished lines."""
    lines = place.parent / "lines.jsonl"
    with lines.open("wb") as file:
        for record in records(count):
            file.write(encode_record(record, record.digest) + b"\n")
    wall, cpu = _timed(lambda: _run("zstd", "-3", "-qf", str(lines), "-o", str(lines) + ".zst"), 0, 0)
    lines.unlink()
    return {"records/s": count / wall, "us cpu/record": cpu / count * 1e6}


def sqlite_import(place: Path, count: int) -> dict[str, Any]:
    rows = place.parent / "rows.csv"
    with rows.open("w", newline="") as file:
        writer = csv.writer(file)
        for r in records(count):
            writer.writerow([r.source, r.item, r.url, r.time, r.media_type, r.digest, r.payload.decode()])
    script = (
        "PRAGMA journal_mode=WAL;\n"
        "CREATE TABLE t (source, item, url, time, media_type, digest, payload, PRIMARY KEY (source, item));\n"
        f".import --csv '{rows}' t\n"
    )
    database = place.parent / "peer.sqlite"
    wall, cpu = _timed(lambda: _run("sqlite3", str(database), input=script), 0, 0)
    for leftover in (rows, database):
        leftover.unlink(missing_ok=True)
    return {"records/s": count / wall, "us cpu/record": cpu / count * 1e6}


def duckdb_read(place: Path, count: int) -> dict[str, Any]:
    import duckdb

    pattern = str(place / "held/records/*/*.jsonl.zst")

    def run() -> None:
        with duckdb.connect() as db:
            db.execute("SET threads = 1")
            sql = "SELECT count(*), sum(length(payload)) FROM read_json(?, format='newline_delimited')"
            assert db.execute(sql, [pattern]).fetchone()[0] == count

    wall, cpu = _timed(run, 0, 0)
    return {"records/s": count / wall, "us cpu/record": cpu / count * 1e6}


def adopt(place: Path, megabytes: int) -> dict[str, Any]:
    with Archive.open(place).objects() as store:
        wall, cpu = _timed(lambda: store.adopt(place.parent / "big", "hardlink"), 0, 0)
    return {"MB/s": megabytes / wall, "MB/cpu-s": megabytes / cpu}


def sha256sum(place: Path, megabytes: int) -> dict[str, Any]:
    wall, cpu = _timed(lambda: _run("sha256sum", str(place.parent / "big")), 0, 0)
    return {"MB/s": megabytes / wall, "MB/cpu-s": megabytes / cpu}


def libtorrent_hybrid(place: Path, megabytes: int) -> dict[str, Any]:
    import libtorrent

    storage = libtorrent.file_storage()
    storage.add_file("big", megabytes << 20)
    creator = libtorrent.create_torrent(storage, piece_size=1 << 20)
    wall, cpu = _timed(lambda: libtorrent.set_piece_hashes(creator, str(place.parent)), 0, 0)
    return {"MB/s": megabytes / wall, "MB/cpu-s": megabytes / cpu}


def small_objects(place: Path, count: int) -> dict[str, Any]:
    folder = place.parent / "small"
    folder.mkdir()
    for number in range(count):
        (folder / str(number)).write_bytes(hashlib.sha256(str(number).encode()).digest() * 1250)
    with Archive.open(place).objects() as store:
        wall, cpu = _timed(lambda: [store.adopt(path, "copy") for path in folder.iterdir()], 0, 0)
    return {"files/s": count / wall, "us cpu/file": cpu / count * 1e6}


def decide(place: Path, count: int) -> dict[str, Any]:
    body = {"subjects": ["a" * 16], "because": "b", "ground": "owner"}
    worst = 0.0
    with Archive.open(place).register() as register:
        started = time.perf_counter()
        for _ in range(count):
            before = time.perf_counter()
            register.append("item.withdrawn", body, actor="a", time=NOW)
            worst = max(worst, time.perf_counter() - before)
    return {"events/s": count / (time.perf_counter() - started), "worst ms": worst * 1000}


def _timed(work: Callable[[], object], wall: float, cpu: float) -> tuple[float, float]:
    begin, used = time.perf_counter(), _cpu()
    work()
    return wall + time.perf_counter() - begin, cpu + _cpu() - used


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _run(*words: str, input: str | None = None) -> None:
    subprocess.run(words, input=input, text=True, check=True, stdout=subprocess.DEVNULL)


def _child(part: Callable[[Path, int], dict[str, Any]], place: Path, size: int, answers: Any) -> None:
    result = part(place, size)
    result["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answers.put(result)


def measure(part: Callable[[Path, int], dict[str, Any]], place: Path, size: int) -> dict[str, Any]:
    """Run one part in a process of its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    child = context.Process(target=_child, args=(part, place, size, answers))
    child.start()
    while child.is_alive() and answers.empty():
        child.join(0.1)
    if answers.empty():
        return {"failed": f"exit {child.exitcode}"}
    result: dict[str, Any] = answers.get()
    child.join()
    return result


def run(count: int, megabytes: int, folder: Path) -> dict[str, dict[str, Any]]:
    small, large = folder / "small-archive", folder / "archive"
    for place in (small, large):
        Archive.create(place, name="bench", contact="nobody@example.org", now=NOW)
    with (folder / "big").open("wb") as file:
        for number in range(megabytes):
            file.write(random.Random(number).randbytes(1 << 20))
    results = {
        f"put {count // 10:,} records": measure(put, small, count // 10),
        f"put {count:,} records": measure(put, large, count),
        "  the same again (nothing new)": measure(put_again, large, count),
        "  peer: sqlite3 .import, one key": measure(sqlite_import, large, count),
        "  floor: zstd -3 over finished lines": measure(floor, large, count),
        "read all through shards, 1 process": measure(read, large, count),
        "  peer: DuckDB read_json, 1 thread": measure(duckdb_read, large, count),
        "  after 1 % were superseded": measure(change_and_read, large, count),
        f"adopt one file of {megabytes} MiB": measure(adopt, large, megabytes),
        "  peer: libtorrent hybrid": measure(libtorrent_hybrid, large, megabytes),
        "  peer: sha256sum": measure(sha256sum, large, megabytes),
        "adopt 2,000 files of 40 kB by copy": measure(small_objects, large, 2000),
        "append 500 decisions": measure(decide, large, 500),
    }
    size = sum(path.stat().st_size for path in (large / "held/records").rglob("*") if path.is_file())
    results["bytes a record on disk"] = {"all": size / count}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-store-", dir=options.folder))
    try:
        results = run(options.records, options.megabytes, folder)
    finally:
        shutil.rmtree(folder)
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        return
    for name, figures in results.items():
        print(f"{name:40}", "   ".join(_shown(key, value) for key, value in figures.items()))


def _shown(key: str, value: object) -> str:
    return f"{key} {value:,.1f}" if isinstance(value, float) else f"{key} {value}"


if __name__ == "__main__":
    main()

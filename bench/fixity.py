"""Reading held bytes again beside its limit and its peers, in one run; then many small files, and the structure alone.

    .venv/bin/python -m bench.fixity [--megabytes 1024] [--files 60000] [--folder DIR] [--json]

The limit is hashlib's SHA-256 over memory in as many threads as there are processors. Peers: sha256sum over the same
files, and `bagit.py --validate` over a bag of the same small files. Parts are done in turn, three times, and the
medians shown. Files lie in /dev/shm unless `--folder` says where: verify drops what it reads from the page cache, so on
a disk each of its turns is cold, while peers may find their files there. Reading out of /dev/shm takes the kernel about
twice as long as out of ext4's pages, and is in every figure but the limit. Worker processes import this file, so it
imports little before it is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phonolith.store.archive import Archive

NOW = "2026-01-02T03:04:05Z"
CPUS = os.cpu_count() or 1
Part = Callable[[], int]


def limit(megabytes: int) -> int:
    """SHA-256 over memory by all processors; bytes hashed."""
    data = bytes(64 << 20)
    turns = max(1, megabytes // 64 // CPUS)

    def work() -> None:
        for _ in range(turns):
            hashlib.sha256(data).digest()

    threads = [threading.Thread(target=work) for _ in range(CPUS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return turns * CPUS * len(data)


def verify(archive: Archive, threads: int = CPUS, *, whole: bool = False) -> int:
    from phonolith.model.progress import Silent
    from phonolith.store.fixity import Pace
    from phonolith.store.rereading import Wish, opened, reread

    with archive.lock("verify", what="bench"), opened(archive) as store:
        wish = Wish(NOW, everything=True, whole=whole, threads=threads)
        report = reread(store, wish, Pace(), Silent(), now=lambda: NOW, version="bench")
    assert not report.findings
    return report.size


def sha256sum(archive: Archive) -> int:
    """coreutils over all files of the volume, one process."""
    words = f"find {archive.volumes[0].path} -type f -not -name VOLUME -print0 | xargs -0 sha256sum > /dev/null"
    subprocess.run(["bash", "-c", words], check=True)
    return sum(path.stat().st_size for path in archive.volumes[0].path.glob("*/*"))


def bagit(bag: Path, processes: int) -> int:
    words = [sys.executable, bagit_program(), "--quiet", "--validate", "--processes", str(processes), str(bag)]
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    return sum(path.stat().st_size for path in (bag / "data").rglob("*") if path.is_file())


def bagit_program() -> str:
    """The program of the Library of Congress, which is installed as a module too."""
    found = importlib.util.find_spec("bagit")
    assert found and found.origin, "bagit is needed as a peer"
    return found.origin


def ratios(found: dict[str, dict[str, float]], peers: dict[str, str]) -> None:
    """How many times as fast as each peer verify is, by the clock and by processor time, as rows of their own."""
    ours = found["verify"]
    for peer, words in peers.items():
        pairs = {"by wall": "MB/s", "by processor time": "MB/cpu-s"}
        found[words] = {said: ours[key] / found[peer][key] for said, key in pairs.items()}


def fill(folder: Path, name: str, count: int, size: int) -> Archive:
    """An archive of so many objects of about this size."""
    from phonolith.store.archive import Archive

    archive = Archive.create(folder / name, name="bench", contact="nobody@example.org", now=NOW)
    rng = random.Random(1)
    with archive.objects() as objects, objects.batch() as batch:
        for _ in range(count):
            batch.add_bytes(rng.randbytes(rng.randrange(size // 2, size * 3 // 2)))
            if batch.count >= 256 or batch.size >= 256_000_000:
                batch.keep()
    return archive


def make_bag(archive: Archive, bag: Path) -> None:
    """The same files as a bag, by hard links."""
    (bag / "data").mkdir(parents=True)
    (bag / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    with (bag / "manifest-sha256.txt").open("w") as manifest:
        for path in archive.volumes[0].path.glob("*/*"):
            name = path.parent.name + path.name
            os.link(path, bag / "data" / name)
            manifest.write(f"{name}  data/{name}\n")


def measure(parts: dict[str, Part], turns: int = 3) -> dict[str, dict[str, float]]:
    """Medians of MB/s by wall and by processor time, the parts in turn."""
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in parts}
    for _ in range(turns):
        for name, part in parts.items():
            wall, cpu = time.perf_counter(), _cpu()
            size = part()
            found[name].append((time.perf_counter() - wall, _cpu() - cpu, size))
    return {
        name: {
            "MB/s": statistics.median(size / wall / 1e6 for wall, _, size in turns_),
            "MB/cpu-s": statistics.median(size / cpu / 1e6 for _, cpu, size in turns_),
            "s": statistics.median(wall for wall, _, _ in turns_),
        }
        for name, turns_ in found.items()
    }


def structure(archive: Archive) -> dict[str, float]:
    """The comparison without reading, and the memory it takes."""
    from phonolith.model.progress import Silent
    from phonolith.store.structure import check_ledger

    began = time.perf_counter()
    with archive.ledger() as ledger:
        assert not list(check_ledger(ledger, archive.volumes, Silent()))
        wall = time.perf_counter() - began
        tracemalloc.start()
        list(check_ledger(ledger, archive.volumes, Silent()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"s": wall, "peak MB of Python": peak / 1e6}


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def run(folder: Path, megabytes: int, files: int) -> dict[str, Any]:
    large = fill(folder, "large", max(2, megabytes // 8), 8 << 20)
    name = "limit: SHA-256 over memory, all processors"
    parts: dict[str, Part] = {
        name: lambda: limit(megabytes),
        "verify": lambda: verify(large),
        "verify, one thread": lambda: verify(large, 1),
        "verify --passport": lambda: verify(large, whole=True),
        "peer: sha256sum": lambda: sha256sum(large),
    }
    found = measure(parts)
    ratios(found, {name: "of the limit (goal 0.85)", "peer: sha256sum": "times sha256sum (goal 3.5)"})
    results: dict[str, Any] = {f"files of about 8 MiB, {megabytes:,} MiB": found}
    small = fill(folder, "small", files, 10_000)
    parts = {
        "verify": lambda: verify(small),
        "verify, one thread": lambda: verify(small, 1),
        "peer: sha256sum": lambda: sha256sum(small),
    }
    make_bag(small, folder / "bag")
    parts["peer: bagit.py"] = lambda: bagit(folder / "bag", 1)
    parts["peer: bagit.py, all processors"] = lambda: bagit(folder / "bag", CPUS)
    found = measure(parts)
    ratios(found, {"peer: bagit.py": "times bagit.py (goal 2)", "peer: sha256sum": "times sha256sum"})
    results[f"{files:,} files of about 10 kB"] = found
    results["ledger check of them"] = {"nothing is read": structure(small)}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--files", type=int, default=60_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: /dev/shm)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-fixity-", dir=options.folder or "/dev/shm"))
    try:
        results = run(folder, options.megabytes, options.files)
    finally:
        shutil.rmtree(folder)
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        return
    for title, parts in results.items():
        print(title)
        for name, figures in parts.items():
            print(f"  {name:45}", "   ".join(f"{value:>10,.2f} {key}" for key, value in figures.items()))


if __name__ == "__main__":
    main()

"""Verifying a bag beside coreutils' sha256sum, the Library of Congress's bagit and the limit of SHA-256 itself.

`python -m bench.verify [--megabytes N] [--small N] [--folder DIR]`: all in turn, on the same warm files, best of
several, by wall and by processor time, which a busy machine disturbs less. The limit is as many threads hashing memory
as there are processors; what `openssl speed -multi` says of SHA-256 in the same run stands above. Both bag programs are
also asked about a sound bag and three damaged ones: they must agree. Many small files and v2 pieces are given to worker
processes, and starting those is counted; they import this file, so it imports little before it is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import logging
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

NOW = "2026-11-25T00:00:00Z"
_ROUNDS = 4


def lay_bag(root: Path, count: int, size: int) -> int:
    """A bag of ``count`` files of ``size`` bytes, and its torrent beside it; returns its bytes."""
    from phonolith.releases.compose import Entry, Kind, compose
    from phonolith.store.passport import passport_of

    lines = []
    entries = []
    for number in range(count):
        data = os.urandom(size)
        path = root / "data" / f"{number // 500:03}" / f"{number:06}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        lines.append(f"{hashlib.sha256(data).hexdigest()}  {path.relative_to(root)}\n")
        entries.append(Entry(path.relative_to(root).parts, passport_of(data)))
    (root / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (root / "manifest-sha256.txt").write_text("".join(lines))
    (root.parent / "torrent" / root.name).mkdir(parents=True)
    (root.parent / "torrent" / f"{root.name}.torrent").write_bytes(compose(root.name, entries, Kind.V2).data)
    (root / "data").rename(root.parent / "torrent" / root.name / "data")
    (root / "data").mkdir()
    for folder in (root.parent / "torrent" / root.name / "data").iterdir():
        (root / "data" / folder.name).mkdir()
        for file in folder.iterdir():
            (root / "data" / folder.name / file.name).hardlink_to(file)
    return count * size


def ours(path: Path, threads: int) -> Callable[[], bool]:
    """Verify with nothing remembered; whether all is sound."""
    from phonolith.model.progress import Silent
    from phonolith.releases.verify.check import Wish
    from phonolith.releases.verify.memory import Memory
    from phonolith.releases.verify.run import verify

    def run() -> bool:
        state = path.parent / "state.sqlite"
        for end in ("", "-wal", "-shm"):
            Path(f"{state}{end}").unlink(missing_ok=True)
        with Memory(state, now=NOW) as memory:
            done = verify(path, (), Wish(threads), memory, Silent())
        return not any(finding.severity == "error" for one in done.copies for finding in one.findings)

    return run


def sha256sum(root: Path) -> Callable[[], bool]:
    """One process of coreutils over the manifest."""
    words = ["sha256sum", "--check", "--quiet", "--status", "manifest-sha256.txt"]
    return lambda: subprocess.run(words, cwd=root).returncode == 0


def bagit(root: Path) -> Callable[[], bool]:
    """The Library of Congress's program, in this process as ours is."""
    theirs = importlib.import_module("bagit")
    logging.getLogger("bagit").setLevel(logging.CRITICAL)

    def run() -> bool:
        try:
            theirs.Bag(str(root)).validate(processes=1)
        except theirs.BagError:
            return False
        return True

    return run


def limit(size: int, threads: int) -> Callable[[], bool]:
    """SHA-256 of as many bytes of memory, a megabyte at a time, and nothing else."""
    data = os.urandom(1 << 20)

    def hash_part() -> None:
        digest = hashlib.sha256()
        for _ in range(size // len(data) // threads):
            digest.update(data)

    def run() -> bool:
        workers = [threading.Thread(target=hash_part) for _ in range(threads)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        return True

    return run


def timed(runs: dict[str, Callable[[], bool]], rounds: int) -> dict[str, tuple[float, float]]:
    """Least wall seconds and least processor seconds of each, asked in turn."""
    best = dict.fromkeys(runs, (1e9, 1e9))
    for _ in range(rounds):
        for name, run in runs.items():
            cpu, wall = _cpu(), time.perf_counter()
            if not run():
                raise SystemExit(f"{name} says that a sound bag is not")
            spent = (time.perf_counter() - wall, _cpu() - cpu)
            best[name] = (min(best[name][0], spent[0]), min(best[name][1], spent[1]))
    return best


def ratio(took: dict[str, tuple[float, float]], peer: str) -> dict[str, float]:
    """How many times as fast as the peer ours is, by the clock and by processor time."""
    (wall, cpu), (peers_wall, peers_cpu) = took["ours"], took[peer]
    return {"by wall": peers_wall / wall, "by processor time": peers_cpu / cpu}


def openssl(threads: int) -> dict[str, float]:
    """What OpenSSL's own measure says of SHA-256 on all processors."""
    words = ["openssl", "speed", "-seconds", "1", "-bytes", "16384", "-multi", str(threads), "-evp", "sha256"]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    match = re.search(r"^sha256\s+([\d.]+)k", out, re.MULTILINE)
    assert match, out
    return {"MB/s": float(match[1]) / 1000}


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(megabytes: int, small: int, folder: Path, threads: int, rounds: int) -> dict[str, dict[str, float]]:
    """All figures, by name."""
    figures: dict[str, dict[str, float]] = {f"openssl speed -multi {threads}": openssl(threads)}
    for title, count, size in (("large", max(megabytes // 32, 1), 32 << 20), ("small", small, 20_000)):
        root = folder / title / "bag"
        total = lay_bag(root, count, size)
        torrent = folder / title / "torrent"
        runs = {
            "limit": limit(total, threads),
            "ours": ours(root, threads),
            "ours, one thread": ours(root, 1),
            "ours, v2 pieces": ours(torrent, threads),
            "sha256sum": sha256sum(root),
            "bagit.py": bagit(root),
        }
        took = timed(runs, rounds)
        for name, (wall, cpu) in took.items():
            rate = {"MB/s": total / wall / 1e6, "MB/s of processor time": total / cpu / 1e6, "files/s": count / wall}
            figures[f"{title}: {name}"] = rate
        figures[f"{title}: of the limit (goal 0.85 of large)"] = ratio(took, "limit")
        figures[f"{title}: times sha256sum (goal 3.5 of large)"] = ratio(took, "sha256sum")
        figures[f"{title}: times bagit.py (goal 2 of small)"] = ratio(took, "bagit.py")
        verdicts = agree(root, threads)
        figures[f"{title}: verdicts equal to bagit.py's"] = {"of": len(verdicts), "equal": sum(verdicts)}
    return figures


def agree(root: Path, threads: int) -> list[bool]:
    """Whether both programs say the same of a sound bag and of three damaged ones."""
    path = sorted((root / "data").rglob("*.flac"))[-1]
    data = path.read_bytes()
    found = [ours(root, threads)() is bagit(root)() is True]
    for damaged in (data[:-1] + bytes([data[-1] ^ 1]), data[:-1], None):
        path.unlink() if damaged is None else path.write_bytes(damaged)
        found.append(ours(root, threads)() is bagit(root)() is False)
    path.write_bytes(data)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=4096)
    parser.add_argument("--small", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder, removed)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-verify-", dir=options.folder))
    try:
        figures = run(options.megabytes, options.small, folder, options.threads, options.rounds)
    finally:
        shutil.rmtree(folder)
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
        return
    for name, one in figures.items():
        print(f"{name:44}", "   ".join(f"{key} {value:,.{0 if value >= 10 else 2}f}" for key, value in one.items()))


if __name__ == "__main__":
    main()

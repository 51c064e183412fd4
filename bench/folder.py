"""Harvesting a folder of small files beside its peers in one run. Ratios are what to look at: disks and loads differ.

    .venv/bin/python -m bench.folder [--files 5000] [--kilobytes 40] [--rounds 3] [--folder DIR] [--json]

The files are FLAC by their headers, with tags, ten to a release; their sound is noise. Peers: `cp -a` and one `sync` at
the end (nothing is safe before it), and a copy with temporary name, fsync, rename and fsync of the folder for each
file, which is what careful tools do. Beside the whole harvest in each way of adoption stands the object store alone, in
batches and one by one. Each is done in every round, and the median is told.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from phonolith.harvest.adopt import BATCH_OBJECTS
from phonolith.store.archive import Archive

NOW = "2026-01-02T03:04:05Z"
WAYS = ("auto", "hardlink", "reference", "move")


def flac(number: int, size: int) -> bytes:
    """A FLAC file by its header: 3 seconds of CD audio, four tags, and noise."""
    rate_channels_depth_samples = (44_100 << 44) | (1 << 41) | (15 << 36) | 44_100 * 3
    info = b"\x10\x00\x10\x00" + bytes(6) + rate_channels_depth_samples.to_bytes(8, "big") + bytes(16)
    tags = [
        f"TITLE=Song {number}",
        f"ARTIST=Artist {number // 100}",
        f"ALBUM=Album {number // 10}",
        f"TRACKNUMBER={number % 10 + 1}",
    ]
    texts = [b"bench", *(tag.encode() for tag in tags)]
    fields = [len(text).to_bytes(4, "little") + text for text in texts]
    comment = fields[0] + len(tags).to_bytes(4, "little") + b"".join(fields[1:])
    head = b"fLaC\x00" + len(info).to_bytes(3, "big") + info + b"\x84" + len(comment).to_bytes(3, "big") + comment
    return head + b"\xff\xf8" + random.Random(number).randbytes(max(0, size - len(head) - 2))


def fill(folder: Path, count: int, size: int) -> None:
    """Write the collection."""
    for number in range(count):
        release = folder / f"Artist {number // 100}" / f"Album {number // 10}"
        release.mkdir(parents=True, exist_ok=True)
        (release / f"{number % 10 + 1:02d} Song {number}.flac").write_bytes(flac(number, size))


def copy_and_sync(source: Path, target: Path) -> None:
    """`cp -a`, then everything to the disk."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    os.sync()


def copy_safely(source: Path, target: Path) -> None:
    """Each file by itself: temporary name, fsync, rename, fsync of the folder."""
    for path in sorted(source.rglob("*.flac")):
        final = target / path.relative_to(source)
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = final.with_name(".draft")
        with path.open("rb") as old, draft.open("xb") as new:
            shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
        draft.rename(final)
        descriptor = os.open(final.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def store_alone(batch: int) -> Callable[[Path, Path], None]:
    """Objects and ledger without tags and records, so many objects at a time."""

    def run(source: Path, target: Path) -> None:
        paths = iter(sorted(source.rglob("*.flac")))
        with new_archive(target).objects() as store:
            while some := list(itertools.islice(paths, batch)):
                with store.batch() as together:
                    for path in some:
                        together.adopt(path, "copy")

    return run


def harvest(how: str) -> Callable[[Path, Path], None]:
    """The whole verb in a process of its own, its start counted."""

    def run(source: Path, target: Path) -> None:
        new_archive(target)
        words = ["harvest", "folder", str(source), "--adopt", how, "--archive", str(target), "--json"]
        subprocess.run(
            [sys.executable, "-m", "phonolith.cli.main", *words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
        )

    return run


def new_archive(place: Path) -> Archive:
    """An empty archive to fill."""
    return Archive.create(place, name="bench", contact="nobody@example.org", now=NOW)


def measure(work: Callable[[Path, Path], None], source: Path, target: Path, count: int) -> tuple[float, float]:
    """Files a second, from a quiet disk to a durable result, and processor milliseconds a file."""
    links = source.with_name("links")  # what a move may take away
    shutil.copytree(source, links, copy_function=os.link)
    os.sync()
    begin, used = time.perf_counter(), _cpu()
    work(links, target)
    took, cpu = time.perf_counter() - begin, _cpu() - used
    for folder in (target, links):
        shutil.rmtree(folder)
    return count / took, cpu / count * 1000


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(count: int, size: int, rounds: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Files a second and processor milliseconds a file of each, medians."""
    source, target = folder / "music", folder / "target"
    fill(source, count, size)
    parts: dict[str, Callable[[Path, Path], None]] = {
        "peer: cp -a, one sync at the end": copy_and_sync,
        "peer: fsync of each file and folder": copy_safely,
        f"store alone, {BATCH_OBJECTS} at a time": store_alone(BATCH_OBJECTS),
        "store alone, one by one": store_alone(1),
        **{f"harvest folder --adopt {how}": harvest(how) for how in WAYS},
    }
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in parts}
    for _ in range(rounds):
        for name, work in parts.items():
            rates[name].append(measure(work, source, target, count))
    return {
        name: (statistics.median(r for r, _ in found), statistics.median(c for _, c in found))
        for name, found in rates.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--kilobytes", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-folder-", dir=options.folder))
    try:
        results = run(options.files, options.kilobytes * 1000, options.rounds, folder)
    finally:
        shutil.rmtree(folder)
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        return
    floor = results["peer: fsync of each file and folder"][0]
    for name, (rate, cpu) in results.items():
        print(f"{name:40} {rate:8,.0f} files/s  {rate / floor:6.2f} of the safe copy  {cpu:5.2f} ms of CPU a file")


if __name__ == "__main__":
    main()

"""Publishing measured: passports beside libtorrent's hashing, composing beside those that read every byte again.

    python -m bench.publish                                        all of it: 8 GB, 100,000 files of 40 KB, 1 million
    python -m bench.publish passports --bytes 8e9 --files 2000     hashing, and one torrent of it
    python -m bench.publish small --files 100000                   the same of files of 40 KB
    python -m bench.publish compose --files 1000000                composing from passports alone, and its growth

All that is compared is done in turn, by the wall and by the processor seconds of all processes, medians shown. The
limit is what `openssl speed -multi` says, in the same turns, of SHA-256 twice (whole file, leaves) and SHA-1 once.
Files lie in a folder that is removed afterwards. They are synced and read once before, so where memory holds them disks
do not count. libtorrent makes hybrid torrents too; mktorrent and torf, run where they are installed, make those of
version 1: one hash instead of three.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from phonolith.store.intake import Fetched, fetch_one
from phonolith.store.passport import LARGE_PIECE, Passport, Passporter, piece_length_for, two_buffers
from phonolith.store.workers import Stopped, Workers, processors

_CHUNK = 4 << 20
_BATCH = 4 << 20  # bytes a worker takes at a time, as ingest shares them out
_BATCH_FILES = 64
_GROUPS = 10_000  # files a torrent has at most
_ALL = 86_000_000  # tracks of the archive that is the model


class Spent(NamedTuple):
    """Seconds by the clock and of all processors."""

    wall: float
    cpu: float


def passports(total: int, count: int, rounds: int) -> None:
    """Hash ``count`` files of ``total`` bytes together; large ones are then put into a torrent, by others too."""
    with tempfile.TemporaryDirectory(prefix="bench-publish-") as name:
        folder = Path(name) / "data"
        files = _files(folder, total, count)
        size = sum(path.stat().st_size for path in files)
        print(f"{len(files):,} files, {size / 1e9:.2f} GB, {processors()} processors", flush=True)
        rows: dict[str, Callable[[], object]] = {
            "phonolith": lambda: _by_workers(folder, files),
            "phonolith, file after file": lambda: _one_by_one(files),
            "libtorrent, hybrid": lambda: _theirs(Path(name), files),
        }
        limits, found = _in_turn(rows, rounds, _limit)
        limit, base = statistics.median(limits), found["libtorrent, hybrid"]
        for what, spent in found.items():
            print(
                f"{what:28}{size / spent.wall / 1e6:>7,.0f} MB/s {size / spent.cpu / 1e6:>7,.0f} MB/cpu-s"
                f" {base.wall / spent.wall:>6.2f} x libtorrent {size / spent.wall / limit:>6.2f} of the limit",
                flush=True,
            )
        print(f"{'limit, openssl speed':28}{limit / 1e6:>7,.0f} MB/s")
        goal = "2 x libtorrent" if size / count < LARGE_PIECE else "1.2 x libtorrent, 0.85 of the limit"
        print(f"{'goal':28}{goal}")
        if size / count >= LARGE_PIECE:
            _rereading(Path(name), files, _by_workers(folder, files), base)


def composing(count: int) -> None:
    """Compose bundles of 10,000 files, of ever more files in all, to show how it grows."""
    from phonolith.releases.compose import Entry, compose

    rates = []
    for files in (count // 100, count // 10, count):
        dice = random.Random(5)
        known = [_passport(dice, number) for number in range(min(files, _GROUPS))]
        started, made = time.process_time(), 0
        for first in range(0, files, _GROUPS):
            entries = [
                Entry(("data", f"Artist {number % 700}", f"{number:07d} Title of it.flac"), known[number - first])
                for number in range(first, min(files, first + _GROUPS))
            ]
            made += len(compose("bundle", entries).data)
        seconds = time.process_time() - started
        rates.append(files / seconds)
        print(f"{files:>10,} files in {seconds:8.2f} CPU s: {rates[-1]:>9,.0f} files/s, {made / files:.0f} B/file")
    print(f"{_ALL:>10,} files at the last rate: {_ALL / rates[-1] / 60:,.0f} minutes on one core, whatever their bytes")
    print("goal: 50,000 files/s, and the same rate at any number")
    for size in (5_000_000, 40_000):
        print(f"ledger: {_ledger_bytes(size, 20_000):,.0f} bytes a file of {size / 1e6:g} MB, its one place included")


def _rereading(folder: Path, files: Sequence[Path], known: Sequence[Passport], libtorrent: Spent) -> None:
    """One torrent of these files from passports, beside those that have to read them."""
    from phonolith.releases.compose import Entry, compose

    def ours() -> None:
        for first in range(0, len(files), _GROUPS):
            some = zip(files[first : first + _GROUPS], known[first : first + _GROUPS], strict=True)
            compose("data", [Entry((path.name,), passport) for path, passport in some])

    rows: dict[str, Callable[[], object]] = {"composed from passports": ours}
    words = {
        "mktorrent, version 1": ["mktorrent", "-a", "http://localhost/", "-l", "20", "-t", str(processors())],
        "torf, version 1": ["torf", "-y", "-F", "-M", "--max-piece-size", "1"],
    }
    for what, command in words.items():
        if shutil.which(command[0]):
            rows[what] = partial(_run, [*command, "-o", str(folder / "peer.torrent"), str(folder / "data")], folder)
        else:
            print(f"{what:28}not here")
    found = {what: _in_turn({what: run}, 1, lambda: 0.0)[1][what] for what, run in rows.items()}
    found["libtorrent, hybrid (above)"] = libtorrent
    for what, spent in found.items():
        ratio = spent.wall / found["composed from passports"].wall
        print(f"{what:28}{spent.wall:>9.3f} s {spent.cpu:>9.3f} cpu-s {ratio:>9,.0f} x composing", flush=True)


def _run(words: Sequence[str], folder: Path) -> None:
    (folder / "peer.torrent").unlink(missing_ok=True)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def _by_workers(folder: Path, files: Sequence[Path]) -> list[Passport]:
    """As files are taken in together, by worker processes; starting them is counted."""
    step = max(1, min(_BATCH_FILES, _BATCH // files[0].stat().st_size))
    batches = [[path.name for path in files[first : first + step]] for first in range(0, len(files), step)]
    found: dict[str, Passport | None] = {}
    with Workers(processors(), "bench", processes=True) as workers:
        workers.run(
            partial(_fetch, str(folder)),
            batches,
            lambda names, got: found.update((name, one.passport) for name, one in zip(names, got, strict=True)),
        )
    passports_ = [passport for path in files if (passport := found[path.name])]
    assert len(passports_) == len(files), "a file could not be read"
    return passports_


def _fetch(folder: str, names: Sequence[str], stopped: Stopped) -> list[Fetched]:
    return [fetch_one(folder, name, -1, stopped) for name in names]


def _one_by_one(files: Sequence[Path]) -> None:
    """As a single file is taken in: each hashed by all processors, in threads."""
    for path in files:
        _passport_of(path)


def _passport_of(path: Path) -> Passport:
    passporter = Passporter()
    with path.open("rb", buffering=0) as file:
        for view in cycle(two_buffers(_CHUNK)):
            count = file.readinto(view)
            if not count:
                return passporter.finish()
            passporter.feed(view[:count])
    raise AssertionError("a file ends")


def _theirs(folder: Path, files: Sequence[Path]) -> None:
    import libtorrent

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = libtorrent.file_storage()
        for path in files:
            storage.add_file(str(path.relative_to(folder)), path.stat().st_size)
        creator = libtorrent.create_torrent(storage, piece_length_for(files[0].stat().st_size))
        libtorrent.set_piece_hashes(creator, str(folder))


def _files(folder: Path, total: int, count: int) -> list[Path]:
    folder.mkdir()
    block = os.urandom(1 << 20)
    files = []
    for number in range(count):
        path = folder / f"{number:06}"
        left = total // count
        with path.open("wb") as file:
            file.write(number.to_bytes(8, "big"))
            left -= 8
            while left > 0:
                file.write(block[: min(left, len(block))])
                left -= len(block)
        files.append(path)
    os.sync()
    for path in files:
        path.read_bytes()
    return files


def _limit() -> float:
    """Bytes a second that all three hashes of every byte allow on all processors, by OpenSSL's own measure."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is needed for the limit"
    rates = {}
    for name in ("sha256", "sha1"):
        words = [openssl, "speed", "-seconds", "1", "-bytes", "16384", "-multi", str(processors()), "-evp", name]
        out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        match = re.search(rf"^{name}\s+([\d.]+)k", out, re.MULTILINE | re.IGNORECASE)
        assert match, out
        rates[name] = float(match[1]) * 1000
    return 1 / (2 / rates["sha256"] + 1 / rates["sha1"])


def _in_turn(
    rows: dict[str, Callable[[], object]], rounds: int, between: Callable[[], float]
) -> tuple[list[float], dict[str, Spent]]:
    """What ``between`` said in each round, and the medians of what each row took."""
    said: list[float] = []
    took: dict[str, list[Spent]] = {what: [] for what in rows}
    for _ in range(rounds):
        said.append(between())
        for what, run in rows.items():
            cpu, wall = _cpu(), time.perf_counter()
            run()
            took[what].append(Spent(time.perf_counter() - wall, _cpu() - cpu))
    middle = {
        what: Spent(statistics.median(one.wall for one in all_), statistics.median(one.cpu for one in all_))
        for what, all_ in took.items()
    }
    return said, middle


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _ledger_bytes(size: int, count: int) -> float:
    """Bytes of the ledger for each file of this size, with a place in one volume."""
    from phonolith.store.ledger import Entry, Ledger, Place

    dice = random.Random(7)
    with tempfile.TemporaryDirectory(prefix="bench-ledger-") as name:
        with Ledger(Path(name) / "ledger.sqlite") as ledger:
            ledger.add_many(
                Entry(_passport(dice, number, size), "audio/flac", Place("main")) for number in range(count)
            )
        return sum(path.stat().st_size for path in Path(name).iterdir()) / count


def _passport(dice: random.Random, number: int, size: int = 5_000_000) -> Passport:
    length = piece_length_for(size)
    pieces = -(-size // length)
    return Passport(
        size + number % 1_000,
        dice.randbytes(32),
        length,
        dice.randbytes(32),
        dice.randbytes(32 * pieces) if pieces > 1 else b"",
        dice.randbytes(20 * pieces),
        dice.randbytes(20),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("passports", "small", "compose", "all"), default="all")
    parser.add_argument("--bytes", type=float, default=8e9, help="of passports")
    parser.add_argument("--files", type=int, default=0, help="default: 2,000, of small 100,000, of compose 1 million")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.what in ("passports", "all"):
        print("== passports", flush=True)
        passports(int(args.bytes), args.files or 2_000, args.rounds)
    if args.what in ("small", "all"):
        print("== small files", flush=True)
        count = args.files or 100_000
        passports(40_000 * count, count, args.rounds)
    if args.what in ("compose", "all"):
        print("== composing", flush=True)
        composing(args.files or 1_000_000)


if __name__ == "__main__":
    main()

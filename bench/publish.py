"""Publishing measured: passports beside libtorrent's hashing, composing beside those that read every byte again.

    python -m bench.publish passports --bytes 8e9 --files 4000     hashing, warm, beside libtorrent and the limit
    python -m bench.publish small --files 100000                   files of 40 KB
    python -m bench.publish compose --files 1000000                composing from passports, and its growth

The limit is what `openssl speed` says of SHA-256 twice (whole file, leaves) and SHA-1 once, times the processors. Files
lie in a folder that is removed afterwards; all are in the page cache, so disks do not count.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

from phonolith.releases.compose import Entry, compose
from phonolith.store.passport import LARGE_PIECE, Passport, Passporter, piece_length_for, two_buffers

_CHUNK = 4 << 20


def passports(total: int, count: int) -> None:
    """Hash ``count`` files of ``total`` bytes together."""
    with tempfile.TemporaryDirectory(prefix="bench-publish-") as name:
        files = _files(Path(name) / "data", total, count)
        size = sum(path.stat().st_size for path in files)
        limit = _limit()
        rows = {
            "phonolith, one by one": lambda: _one_by_one(files),
            "phonolith, side by side": lambda: _ours(files),
            "libtorrent, hybrid": lambda: _theirs(Path(name), files),
        }
        found = {what: _timed(run) for what, run in rows.items()}
        base = found["libtorrent, hybrid"]
        print(
            f"{len(files):,} files, {size / 1e9:.2f} GB; limit {limit / 1e6:,.0f} MB/s on {os.cpu_count()} processors"
        )
        for what, seconds in found.items():
            rate, share = size / seconds, size / seconds / limit
            print(f"{what:24}{rate / 1e6:>8,.0f} MB/s {base / seconds:>6.2f} x libtorrent {share:>6.2f} of the limit")


def composing(count: int) -> None:
    """Compose bundles of 10,000 files, ten times fewer and all of them, to show how it grows."""
    for files in (count // 10, count):
        dice = random.Random(5)
        known = [_passport(dice, number) for number in range(10_000)]
        started, made = time.process_time(), 0
        for first in range(0, files, 10_000):
            entries = [
                Entry(("data", f"Artist {number % 700}", f"{number:07d} Title of it.flac"), known[number - first])
                for number in range(first, min(files, first + 10_000))
            ]
            made += len(compose("bundle", entries).data)
        seconds = time.process_time() - started
        rate, weight = files / seconds, made / files
        print(
            f"{files:>10,} files in {seconds:8.2f} CPU s: {rate:>9,.0f} files/s, {weight:.0f} bytes of metainfo a file"
        )


def _ours(files: Sequence[Path]) -> None:
    """As many files at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_passport_of, files, chunksize=16))


def _one_by_one(files: Sequence[Path]) -> None:
    """As a harvest takes them in: one after another, each hashed by all processors."""
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
    return files


def _limit() -> float:
    """Bytes a second that all three hashes of every byte allow, by OpenSSL's own measure."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is needed for the limit"
    rates = {}
    for name in ("sha256", "sha1"):
        out = subprocess.run(
            [openssl, "speed", "-seconds", "1", "-bytes", "16384", name], capture_output=True, text=True
        )
        match = re.search(rf"^{name}\s+([\d.]+)k", out.stdout, re.MULTILINE | re.IGNORECASE)
        assert match, out.stdout
        rates[name] = float(match[1]) * 1000
    return (os.cpu_count() or 1) / (2 / rates["sha256"] + 1 / rates["sha1"])


def _timed(run: Callable[[], None], rounds: int = 3) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return sorted(times)[rounds // 2]


def _passport(dice: random.Random, number: int) -> Passport:
    pieces = 5
    return Passport(
        5_000_000 + number % 1_000,
        dice.randbytes(32),
        LARGE_PIECE,
        dice.randbytes(32),
        dice.randbytes(32 * pieces),
        dice.randbytes(20 * pieces),
        dice.randbytes(20),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("passports", "small", "compose"))
    parser.add_argument("--bytes", type=float, default=1e9)
    parser.add_argument("--files", type=int, default=0)
    args = parser.parse_args()
    if args.what == "compose":
        composing(args.files or 100_000)
    elif args.what == "small":
        passports(40_000 * (args.files or 10_000), args.files or 10_000)
    else:
        passports(int(args.bytes), args.files or 500)


if __name__ == "__main__":
    main()

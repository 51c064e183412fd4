"""Fetching 2,000 files from nginx on loopback, politeness off, beside aria2: `python -m bench.files`.

Ours downloads as harvests do: each file is hashed on the way (SHA-256, the pieces root and layer, SHA-1 of each piece),
renamed when it is whole, and not yet durable. aria2 checks nothing and is one program in C++. Sixteen requests in
flight, rounds in turn, medians. aria2's processor time is that of the whole process, ours from the first request to the
last file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.client import nginx

_FLYING = 16


async def fetch(base: str, count: int, folder: Path) -> int:
    """Our client's downloads; how many bytes they are."""
    from phonolith.sources.client.answers import Manners
    from phonolith.sources.client.client import Client

    manners, numbers = Manners(rate=float("inf"), parallel=_FLYING, robots=False), iter(range(count))
    async with Client("bench@example.org", trusted=[base]) as client:

        async def worker() -> int:
            size = 0
            for number in numbers:
                got = await client.download(f"{base}/{number}", folder, cap=1 << 30, manners=manners)
                got.path.rename(folder / str(number))
                size += got.size
            return size

        return sum(await asyncio.gather(*(worker() for _ in range(_FLYING))))


def ours(base: str, count: int, folder: Path) -> tuple[float, float]:
    """Processor seconds and seconds of a process of its own."""
    words = [sys.executable, "-m", "bench.files", "child", base, str(count), str(folder)]
    cpu, wall = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return cpu, wall


def aria2(base: str, count: int, folder: Path) -> tuple[float, float]:
    """The same of aria2, with nothing to say and nothing to check."""
    listed = "".join(f"{base}/{number}\n" for number in range(count))
    words = ["aria2c", "--input-file=-", f"--dir={folder}", f"--max-concurrent-downloads={_FLYING}", "--split=1"]
    words += ["--max-connection-per-server=1", "--file-allocation=none", "--quiet", "--no-conf", "--enable-dht=false"]
    began = time.perf_counter()
    with subprocess.Popen(words, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(listed)
        process.stdin.close()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, time.perf_counter() - began


def child(base: str, count: int, folder: Path) -> None:
    """Our row in this process: prints processor seconds and seconds."""
    from phonolith.harvest import event_loop

    with asyncio.Runner(loop_factory=event_loop.factory()) as runner:
        runner.run(fetch(base, 20, folder))  # imports, connections
        cpu, wall = time.process_time(), time.perf_counter()
        runner.run(fetch(base, count, folder))
    print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall]))


def main() -> None:
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--size", type=int, default=100_000, help="bytes of each")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rows = {"phonolith, hashing each": ours}
    if shutil.which("aria2c"):
        rows["aria2"] = aria2
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    with nginx(options.files, options.size) as base:
        for _ in range(options.rounds):
            for name, row in rows.items():
                with tempfile.TemporaryDirectory(prefix="bench-files-") as folder:
                    spent[name].append(row(base, options.files, Path(folder)))
                    sizes = [path.stat().st_size for path in Path(folder).iterdir()]
                if sizes != [options.size] * options.files:
                    raise SystemExit(f"{name} got {len(sizes)} files of {sum(sizes)} bytes")
    print(f"{'':26}{'us of CPU a file':>18}{'files/s':>10}")
    for name, rounds in spent.items():
        cpu, wall = (statistics.median(one[at] for one in rounds) / options.files for at in (0, 1))
        print(f"{name:26}{cpu * 1e6:>18,.0f}{1 / wall:>10,.0f}")


if __name__ == "__main__":
    main()

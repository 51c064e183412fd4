"""Runs every bench there is, one after the other: `python -m bench [--tracks N] [NAME ...]`, or `make bench`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from phonolith.cli.text import span

HERE = Path(__file__).parent


def plan(tracks: int, work: Path) -> dict[str, list[list[str]]]:
    """The commands of each bench, by name; each prints its own table beside its peers."""
    count = str(tracks)
    archive = str(work / "archive")
    catalogue = str(work / "archive" / "derived" / "catalogue.sqlite")
    archived = [
        ["bench.generate", "archive", archive, "--tracks", count],
        ["phonolith.cli.main", "build", "--archive", archive],
    ]
    return {
        "rates": [["bench.generate", "rates", "--tracks", count]],
        "log": [["bench.log", "--leaves", count]],
        "store": [["bench.store", "--records", count], ["bench.folder"], ["bench.fixity"]],
        "build": [["bench.build", "--tracks", count, "--write", "3"]],
        "size": [["bench.size", "--tracks", count]],
        "search": [["bench.search", "--tracks", count, "--folder", str(work / "search")]],
        "ranges": [["bench.web", "ranges"]],
        "publish": [["bench.publish"]],
        "verify": [["bench.verify"]],
        "plan": [["bench.plan", "--candidates", count]],
        "client": [["bench.client"], ["bench.files"]],
        "audit": [["bench.audit", "--rows", str(10 * tracks), "--stack", "15", "50", "150"]],
        "interpret": [["bench.interpret"], ["bench.dump"]],
        "sampling": [["bench.sampling"]],
        "page": [*archived, ["bench.pages", catalogue], ["bench.web", "search", archive]],
    }


def main() -> int:
    """Run the benches named, or all; the exit code is 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="rates, store, log, build, size, search, ranges, publish, verify, client, audit, interpret, page, …",
    )
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder, removed)")
    asked = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="phonolith-bench-") as scratch:
        benches = plan(asked.tracks, asked.folder or Path(scratch))
        if unknown := set(asked.names) - set(benches):
            parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
        for name in asked.names or benches:
            print(f"\n== {name}", flush=True)
            began = time.monotonic()
            codes = [
                subprocess.run([sys.executable, "-m", *words], cwd=HERE.parent).returncode for words in benches[name]
            ]
            failed |= int(any(codes))
            print(f"({span(time.monotonic() - began)}{', FAILED' if any(codes) else ''})", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())

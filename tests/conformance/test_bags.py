"""Strangers' bags that are made to be expensive, and what lies in real folders: a verdict each, within bounds."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.releases.verify.made import bag_files, codes, data_of, verdicts, verified, write

BYTES_IN_MEMORY = 800_000_000
SECONDS = 30.0  # of a processor; one or two where nothing else runs
DIGEST = "0" * 64
TAGS = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")

MEASURE = """
import json, resource, sys, time
from pathlib import Path
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from phonolith.errors import PhonolithError
from phonolith.store.bag import read_bag
from tests.releases.verify.made import codes, verified
for path in map(Path, sys.argv[1:]):
    began = time.process_time()
    found = verified(path)
    try:
        taken = read_bag(path) and "sound"
    except PhonolithError as error:
        taken = getattr(error, "code", type(error).__name__)
    findings = sum(finding.code[:7] != "verify." for one in found for finding in one.findings)
    print(json.dumps([sorted(codes(found)), findings, taken, time.process_time() - began]))
"""

#: What is put behind the manifest, and a code that verify finds in it.
BOMBS: dict[str, tuple[str, Callable[[], str]]] = {
    "lines that are none": ("bag.too-large", lambda: "x\n" * 900_000),
    "empty lines": ("bag.too-large", lambda: "\n" * 1_100_000),
    "one file many times": ("bag.too-large", lambda: f"{DIGEST}  data/a.flac\n" * 300_000),
    "a path of separators": ("path.too-long", lambda: f"{DIGEST}  data{'/' * 20_000_000}\n"),
    "a path of escapes": ("path.too-long", lambda: f"{DIGEST}  data/{'%0A' * 1_000_000}\n"),
    "paths that are deep": ("bag.too-large", lambda: f"{DIGEST}  data{'/a' * 2000}\n" * 10_000),
    "paths that are one": ("path.collision", lambda: "".join(map(_in_letters, range(5_000)))),
    "files that are not there": (
        "verify.missing", lambda: "".join(f"{DIGEST}  data/{n}\n" for n in range(20_000)),
    ),
}  # fmt: skip


def _sealed(root: Path) -> None:
    """Let the tag manifest vouch for the manifest as it is now: who makes a bomb does so too."""
    lines = [f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in TAGS]
    (root / "tagmanifest-sha256.txt").write_text("".join(lines))


def _in_letters(number: int) -> str:
    """A line whose path differs from others' in large and small letters alone."""
    return f"{DIGEST}  data/{f'{number:020b}'.replace('0', 'x').replace('1', 'X')}\n"


def test_no_bag_costs_more_than_it_may(memory: Path) -> None:
    """In a child whose memory is limited, one after another: each is refused, and what is told is bounded."""
    roots = []
    for number, (_, made) in enumerate(BOMBS.values()):
        roots.append(write(memory / str(number), bag_files({"a.flac": data_of(100)})))
        with (roots[-1] / "manifest-sha256.txt").open("a") as file:
            file.write(made())
        _sealed(roots[-1])
    child = [sys.executable, "-c", MEASURE, str(BYTES_IN_MEMORY), *map(str, roots)]
    done = subprocess.run(child, capture_output=True, text=True, timeout=300, cwd=Path(__file__).resolve().parents[2])
    assert done.returncode == 0, done.stderr[-2000:]
    found = dict(zip(BOMBS, map(json.loads, done.stdout.splitlines()), strict=True))
    for name, (code, _) in BOMBS.items():
        told, count, taken, seconds = found[name]
        assert code in told and seconds < SECONDS, (name, found[name])
        assert taken.startswith(("bag.", "path.")) or (taken == "sound" and code == "verify.missing"), (name, taken)
        assert count < 3000, (name, count)


#: What verify says of every torrent in the folder, with what lies beside it.
REAL = {
    "alice": {"ok": 1}, "folder": {"ok": 1}, "numbers": {"ok": 3}, "lots-of-numbers": {"ok": 6},
    "bunny": {"missing": 1}, "leaves": {"missing": 1}, "leaves-metadata": {"missing": 1}, "sintel": {"missing": 1},
    "corrupt": {},
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_torrents_have_the_verdict_that_is_expected(name: str, shared_data: Path) -> None:
    (path,) = (shared_data / "torrents-webtorrent").rglob(f"{name}.torrent")
    (checked,) = verified(path)
    found = list(verdicts(checked).values())
    assert {one: found.count(one) for one in found} == REAL[name]
    missing = {"verify.missing"} if "missing" in REAL[name] else set()
    assert codes([checked]) == ({"metainfo.incomplete"} if name == "corrupt" else missing)


def test_there_is_no_real_torrent_without_a_verdict(shared_data: Path) -> None:
    assert {path.stem for path in (shared_data / "torrents-webtorrent").rglob("*.torrent")} == REAL.keys()

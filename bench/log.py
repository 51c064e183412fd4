"""The log beside the SHA-256 limit: committing, proving, linking, checking, in one run. Ratios are what to look at.

    .venv/bin/python -m bench.log [--leaves 1000000] [--json]

The ledger is filled with rows of random digests, as no bytes are needed to commit. The limit is what `hashlib` takes
for the hashes that the tree consists of: one of 145 bytes for each leaf and one of 65 for each node. Each part runs in
a process of its own, so that its peak memory can be told; memory is shown for a tenth of the leaves too.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.store import measure
from phonolith.releases.commit import commit
from phonolith.releases.prove import link
from phonolith.store.archive import Archive
from phonolith.store.ledger import Entry, Ledger, Place
from phonolith.store.merkle import inclusion_path
from phonolith.store.passport import Passport
from phonolith.verifier import State, check_log, check_state, read_link, signed_by, signed_bytes

NOW = "2026-01-02T03:04:05Z"


def digests(count: int, seed: int = 1) -> Iterator[bytes]:
    rng = random.Random(seed)
    return (rng.randbytes(32) for _ in range(count))


def fill(place: Path, count: int) -> dict[str, Any]:
    """Rows of objects of four pieces, and a thousand more that are committed to later."""
    rng = random.Random(2)
    ledger = Ledger(place / "held" / "ledger.sqlite")
    rows = itertools.chain(digests(count), digests(1000, seed=3))
    while some := list(itertools.islice(rows, 50_000)):
        pieces = rng.randbytes(80)
        layer = rng.randbytes(128)
        passports = [Passport(4_000_000, one, 1 << 20, one, layer, pieces, pieces[-20:]) for one in some]
        ledger.add_many(Entry(passport, "audio/flac", Place("main")) for passport in passports)
    ledger.close()
    return {"rows": count}


def append(place: Path, count: int) -> dict[str, Any]:
    archive = Archive.open(place)
    wall, cpu = _timed(lambda: commit(archive, (one.hex() for one in digests(count)), lambda: NOW))
    return {"leaves/s": count / wall, "us cpu/leaf": cpu / count * 1e6}


def limit(place: Path, count: int) -> dict[str, Any]:
    leaf, node = bytes(145), bytes(65)

    def run() -> None:
        for _ in range(count):
            hashlib.sha256(leaf).digest()
            hashlib.sha256(node).digest()

    wall, cpu = _timed(run)
    return {"leaves/s": count / wall, "us cpu/leaf": cpu / count * 1e6}


def append_more(place: Path, count: int) -> dict[str, Any]:
    archive = Archive.open(place)
    wall, cpu = _timed(lambda: commit(archive, (one.hex() for one in digests(1000, seed=3)), lambda: NOW))
    return {"ms": wall * 1e3, "ms cpu": cpu * 1e3}


def append_nothing(place: Path, count: int) -> dict[str, Any]:
    archive = Archive.open(place)
    wall, cpu = _timed(lambda: commit(archive, (one.hex() for one in digests(1000)), lambda: NOW))
    return {"ms": wall * 1e3, "ms cpu": cpu * 1e3}


def prove(place: Path, count: int) -> dict[str, Any]:
    """From a digest to its path; reading the file and the heads is not in it."""
    chosen = list(itertools.islice(digests(count), 0, None, max(count // 10_000, 1)))
    random.Random(4).shuffle(chosen)
    with Archive.open(place).log_index() as index:

        def run() -> None:
            for one in chosen:
                number = index.number(one)
                assert number is not None
                inclusion_path(number, count, index.hash)

        wall, cpu = _timed(run)
    return {"proofs/s": len(chosen) / wall, "us cpu/proof": cpu / len(chosen) * 1e6}


def links(place: Path, count: int) -> dict[str, Any]:
    archive = Archive.open(place)
    old = archive.log().heads()[0]
    wall, cpu = _timed(lambda: [link(archive, old) for _ in range(20)])
    heads = State(archive.log().heads()[:1])
    assert check_log(heads, read_link(link(archive, old))).verdict == "consistent"
    return {"ms": wall / 20 * 1e3, "ms cpu": cpu / 20 * 1e3}


def check(place: Path, count: int) -> dict[str, Any]:
    """What a stranger does with a copy: every head, and the tree over all leaves."""
    log = Archive.open(place).log()
    state = State(log.heads(), log.leaves_file)
    problems: list[object] = []
    wall, cpu = _timed(lambda: problems.extend(check_state(state)))
    assert not problems
    return {"leaves/s": count / wall, "us cpu/leaf": cpu / count * 1e6}


def index_again(place: Path, count: int) -> dict[str, Any]:
    archive = Archive.open(place)
    for path in (place / "state").glob("log.sqlite*"):
        path.unlink()
    with archive.log_index() as index:
        wall, cpu = _timed(lambda: index.follow(archive.log(), archive.log().heads()))
    return {"leaves/s": count / wall, "us cpu/leaf": cpu / count * 1e6}


def signatures(place: Path, count: int) -> dict[str, Any]:
    head = Archive.open(place).log().heads()[0]
    key, message, signature = bytes.fromhex(head.key), signed_bytes(head), bytes.fromhex(head.signature)
    wall, cpu = _timed(lambda: [signed_by.__wrapped__(key, message, signature) for _ in range(100)])  # not kept ones
    return {"signatures/s": 100 / wall, "us cpu": cpu / 100 * 1e6}


def openssl_signatures(place: Path, count: int) -> dict[str, Any]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    head = Archive.open(place).log().heads()[0]
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head.key))
    signature, message = bytes.fromhex(head.signature), signed_bytes(head)
    wall, cpu = _timed(lambda: [key.verify(signature, message) for _ in range(1000)])
    return {"signatures/s": 1000 / wall, "us cpu": cpu / 1000 * 1e6}


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    begin, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - used


def run(count: int, folder: Path) -> dict[str, dict[str, Any]]:
    small, large = folder / "small", folder / "large"
    for place, some in ((small, count // 10), (large, count)):
        Archive.create(place, name="bench", contact="nobody@example.org", now=NOW)
        measure(fill, place, some)
    results = {
        f"commit to {count // 10:,}": measure(append, small, count // 10),
        f"commit to {count:,}": measure(append, large, count),
        "  limit: SHA-256 of leaves and nodes": measure(limit, large, count),
        "commit to 1,000 more": measure(append_more, large, count),
        "commit to 1,000 that are in it": measure(append_nothing, large, count),
        "prove, by digest": measure(prove, large, count),
        "link from the first head": measure(links, large, count),
        f"check a copy of {count // 10:,}": measure(check, small, count // 10),
        f"check a copy of {count:,}": measure(check, large, count),
        "make the index again": measure(index_again, large, count),
        "verify a signature": measure(signatures, large, count),
        "  peer: OpenSSL, by cryptography": measure(openssl_signatures, large, count),
    }
    sizes = {path.name: path.stat().st_size for path in (large / "held/log").iterdir()}
    results["bytes a leaf"] = {
        "held/log": sum(sizes.values()) / count,
        "state/log.sqlite": (large / "state/log.sqlite").stat().st_size / count,
    }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-log-", dir=options.folder))
    try:
        results = run(options.leaves, folder)
    finally:
        shutil.rmtree(folder)
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        return
    for name, figures in results.items():
        print(f"{name:38}", "   ".join(f"{key} {value:,.1f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()

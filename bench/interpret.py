"""Interpreting MusicBrainz documents of real size, beside decoding their JSON and nothing more: MB/s of one core.

    python -m bench.interpret [FOLDER ...] [--megabytes N] [--rounds N]

FOLDERs hold documents of the web service (``.json``), one in a file. Each kind of entity is repeated with ids of its
own, so that nothing is met twice, until there are N megabytes of it. Rounds alternate ours and msgspec's, and the best
of each counts: both are work of the processor alone, and everything else on the machine only takes from it.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from phonolith.model.record import Record
from phonolith.sources.musicbrainz import SOURCE, kind_of

_KINDS = ("artist", "release", "release-group", "recording", "label", "work")
_SMALLEST = 400  # bytes: fragments that were cut out of documents are left aside
_ID = re.compile(rb'"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"')
_FOLDERS = ("musicbrainz-ws2-json/ws_data", "musicbrainz-server/derived/ws2-json")


def documents(folders: Sequence[Path]) -> dict[str, list[bytes]]:
    """Documents by kind, without white space, as dumps have them."""
    found: dict[str, list[bytes]] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.json"))):
        data = msgspec.json.format(path.read_bytes(), indent=-1)
        if len(data) >= _SMALLEST and (kind := kind_of(msgspec.json.decode(data))) in _KINDS:
            found.setdefault(kind, []).append(data)
    return found


def repeated(some: Sequence[bytes], megabytes: float) -> Iterator[Record]:
    """Records of at least so many megabytes; each time round all ids are others."""
    size, turn = 0, 0
    while size < megabytes * 1e6:
        for data in some:
            other = _ID.sub(lambda m, turn=turn: _other(m[1], turn), data)
            size += len(other)
            yield Record("musicbrainz.bench", "a", "", "", other)
        turn += 1


def _other(identifier: bytes, turn: int) -> bytes:
    """An id that looks like any other, the same for the same id in the same turn."""
    text = hashlib.blake2b(identifier + b"%d" % turn, digest_size=16).hexdigest()
    return f'"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"'.encode()


def interpret(records: Sequence[Record]) -> None:
    for record in records:
        SOURCE.interpret(record)


def decode(records: Sequence[Record]) -> None:
    for record in records:
        msgspec.json.decode(record.payload)


def speed(work: Callable[[Sequence[Record]], None], records: Sequence[Record]) -> float:
    """Megabytes of JSON a second of processor time."""
    began = time.process_time()
    work(records)
    return sum(len(one.payload) for one in records) / 1e6 / (time.process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    gc.disable()  # as workers of a build have it
    shared = Path(__file__).parents[2] / "shared" / "data"
    found = documents(options.folders or [shared / folder for folder in _FOLDERS])
    if not found:
        raise SystemExit("no documents: name a folder of them")
    print(f"{'kind':14}{'documents':>10}{'mean bytes':>12}{'interpret':>12}{'decode':>10}{'share':>8}")
    for kind in _KINDS:
        if kind not in found:
            continue
        records = list(repeated(found[kind], options.megabytes))
        rounds = [(speed(interpret, records), speed(decode, records)) for _ in range(options.rounds)]
        ours, bare = max(one for one, _ in rounds), max(other for _, other in rounds)
        mean = sum(map(len, found[kind])) // len(found[kind])
        print(
            f"{kind:14}{len(found[kind]):>10}{mean:>12,}{ours:>7.1f} MB/s{bare:>5.0f} MB/s{ours / bare:>8.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

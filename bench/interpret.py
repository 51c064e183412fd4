"""Interpreting MusicBrainz documents of real size, beside decoding their JSON and nothing more: MB/s of one core.

    python -m bench.interpret [FOLDER ...] [--megabytes N] [--rounds N]

FOLDERs hold documents of the web service (``.json``), one in a file. Each kind of entity is repeated with ids of its
own, so that nothing is met twice, until there are N megabytes of it. Rounds alternate ours and msgspec's, and the best
of each counts: both are work of the processor alone, and everything else on the machine only takes from it.

Then releases as a dump has them, put together from the real ones: with 11 tracks, a recording and credits each
(``dumped``). Once nothing is met twice from one release to the next, and once artists and labels are drawn from 2.5
million by Zipf's law, the areas being the same few hundred ever again, as they are in a dump. Beside the last, what
bounds it (``bench/limits.py``), and as many processes at once as there are cores.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import itertools
import multiprocessing
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.limits import maker, touched, typed
from phonolith.model.record import Record
from phonolith.sources.musicbrainz import SOURCE, kind_of

KINDS = ("artist", "release", "release-group", "recording", "label", "work")
_SMALLEST = 400  # bytes: fragments that were cut out of documents are left aside
_ID = re.compile(rb'(?<="id":)"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"')
_FOLDERS = ("musicbrainz-ws2-json/ws_data", "musicbrainz-server/derived/ws2-json")
_TRACKS, _ARTISTS, _APART = 11, 2_500_000, 1_000_000
_LARGEST_RECORDING, _LARGEST_CREDIT = 3_000, 1_000  # bytes; larger recordings are those with all their works


def documents(folders: Sequence[Path]) -> dict[str, list[bytes]]:
    """Documents by kind, without white space, as dumps have them."""
    found: dict[str, list[bytes]] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.json"))):
        data = msgspec.json.format(path.read_bytes(), indent=-1)
        if len(data) >= _SMALLEST and (kind := kind_of(msgspec.json.decode(data))) in KINDS:
            found.setdefault(kind, []).append(data)
    return found


def repeated(some: Sequence[bytes], megabytes: float, turn: int = 0) -> Iterator[Record]:
    """Records of at least so many megabytes; each time round, from ``turn`` on, all ids of entities are others."""
    size = 0
    while size < megabytes * 1e6:
        for data in some:
            other = _ID.sub(lambda m, turn=turn: _other(m[1], turn), data)
            size += len(other)
            yield Record("musicbrainz.bench", "a", "", "", other)
        turn += 1


def dumped(found: dict[str, list[bytes]], megabytes: float, first: int = 0, *, repeats: bool) -> Iterator[Record]:
    """Releases put together from real ones, real recordings and real credits, as a dump's includes have them.

    ``first`` is the number of the first one: of another number all is another, but for what ``repeats``.
    """
    kinds: dict[str, str] = {}
    some = [msgspec.json.encode(one) for one in _releases(found, kinds)]
    size, draw = 0, random.Random(first)
    for number in itertools.count(first):
        data = some[number % len(some)]
        drawn = {one: int(_ARTISTS ** draw.random()) for one, kind in kinds.items() if kind in ("artist", "label")}

        def other(match: re.Match[bytes], number: int = number, drawn: dict[str, int] = drawn) -> bytes:
            kind = kinds.get(match[1].decode()) if repeats else None
            return match[0] if kind == "area" else _other(match[1], drawn.get(match[1].decode(), 0) if kind else number)

        document = _ID.sub(other, data)
        size += len(document)
        mbid = _other(b"release", number)[1:-1].decode()
        yield Record("musicbrainz.main", f"release/{mbid}", "", "", document)
        if size >= megabytes * 1e6:
            return


def _releases(found: dict[str, list[bytes]], kinds: dict[str, str]) -> Iterator[Any]:
    """Releases with tracks; ``kinds`` gets the kind of each artist, label and area by its id."""
    decode = msgspec.json.decode
    recordings = [decode(one) for one in found["recording"] if len(one) < _LARGEST_RECORDING]
    recordings = [one for one in recordings if one.get("id") and "score" not in one and one.pop("releases", True)]
    credited = [one.get("artist-credit") for one in map(decode, (*found["recording"], *found["release"]))]
    credits = [one for one in credited if one and len(msgspec.json.encode(one)) < _LARGEST_CREDIT]
    for place, release in enumerate(map(decode, found["release"])):
        if not release.get("id") or not release.get("media") or "track-count" in release:  # an answer of the search
            continue
        release = {key: value for key, value in release.items() if not key.startswith("user-")}
        credit = credits[place % len(credits)]
        tracks = [_track(recordings[(place + n) % len(recordings)], credit, n) for n in range(1, _TRACKS + 1)]
        medium = {key: value for key, value in release["media"][0].items() if key not in ("pregap", "track")}
        medium |= {"position": 1, "track-count": _TRACKS, "track-offset": 0, "tracks": tracks}
        release |= {"artist-credit": credit, "media": [medium]}
        _learn(release, "release", kinds)
        yield release


def _track(recording: dict[str, Any], credit: Any, place: int) -> dict[str, Any]:
    identifier = f"{place:08x}-{recording['id'][9:]}"
    return {
        "id": f"{place:08x}-0000-4000-8000-000000000000",
        "position": place,
        "number": str(place),
        "title": recording["title"],
        "length": recording.get("length"),
        "artist-credit": credit,
        "recording": {**recording, "id": identifier, "artist-credit": credit},
    }


def _learn(tree: Any, kind: str, kinds: dict[str, str]) -> None:
    if isinstance(tree, dict):
        if kind.endswith(("artist", "label", "area")) and isinstance(tree.get("id"), str):
            kinds[tree["id"]] = kind.rpartition("-")[2]
        for key, value in tree.items():
            _learn(value, key, kinds)
    elif isinstance(tree, list):
        for one in tree:
            _learn(one, kind, kinds)


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


def corpora(found: dict[str, list[bytes]], megabytes: float) -> Iterator[tuple[str, Callable[[int], list[Record]]]]:
    """What is measured, by name, each round of records of its own: an interpreter remembers what it has met."""
    for kind in KINDS:
        if kind in found:
            yield kind, lambda turn, some=found[kind]: list(repeated(some, megabytes, turn * _APART))  # type: ignore[misc]
    yield "dump, nothing repeats", lambda turn: list(dumped(found, megabytes, turn * _APART, repeats=False))
    yield "dump, as it repeats", lambda turn: list(dumped(found, megabytes, turn * _APART, repeats=True))


def limits(found: dict[str, list[bytes]], megabytes: float, rounds: int) -> None:
    """MB/s of a dump's releases interpreted, beside what bounds it, in the same run; the best of the rounds."""
    works: dict[str, list[float]] = {}
    for turn in range(rounds):
        records = list(dumped(found, megabytes, turn * _APART, repeats=True))
        for name, work in (
            ("interpret", interpret),
            ("decode", decode),
            ("decode, touch each leaf", touched),
            ("decode what columns take", typed),
            ("make the descriptions", maker(records)),
        ):
            works.setdefault(name, []).append(speed(work, records))
    best = {name: max(speeds) for name, speeds in works.items()}
    print(f"\n{'dump, as it repeats':28}{'MB/s':>8}{'of the time':>13}")
    for name, one in best.items():
        print(f"{name:28}{one:>8.0f}{best['interpret'] / one:>13.0%}", flush=True)


def together(found: dict[str, list[bytes]], megabytes: float, rounds: int) -> None:
    """MB/s of one process and of one a core at the same time: what each does in its processor time, summed."""
    records = list(dumped(found, megabytes, repeats=True))
    for count in (1, os.cpu_count() or 1):
        with multiprocessing.get_context("fork").Pool(count) as pool:
            sums = [sum(pool.starmap(speed, [(interpret, records)] * count, chunksize=1)) for _ in range(rounds)]
        print(f"{f'interpret, {count} at once':28}{max(sums):>8.0f}", flush=True)


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
    print(f"{'kind':24}{'mean bytes':>12}{'interpret':>12}{'decode':>10}{'share':>8}")
    for name, round_of in corpora(found, options.megabytes):
        rounds = []
        for turn in range(options.rounds):
            records = round_of(turn)
            rounds.append((speed(interpret, records), speed(decode, records)))
        ours, bare = max(one for one, _ in rounds), max(other for _, other in rounds)
        mean = sum(len(one.payload) for one in records) // len(records)
        print(f"{name:24}{mean:>12,}{ours:>7.1f} MB/s{bare:>5.0f} MB/s{ours / bare:>8.3f}", flush=True)
    limits(found, options.megabytes, options.rounds)
    together(found, options.megabytes, options.rounds)


if __name__ == "__main__":
    main()

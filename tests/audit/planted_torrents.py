"""Planted stacks of torrents, and claims about what is in them of which the truth is known."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from phonolith.releases.compose import Entry, compose
from phonolith.store.passport import LARGE_PIECE, Passport, layer_root
from tests.audit.planted import CLAIMED, Planted, lie, truth

MB = 1_000_000


def entry(path: str, size: int, content: str = "") -> Entry:
    """A file of a torrent whose digests are those of nothing; equal ``content`` is an equal digest."""
    dice = random.Random(content or path)
    pieces = -(-size // LARGE_PIECE)
    layer = dice.randbytes(32 * pieces) if pieces > 1 else b""
    root = layer_root(layer, LARGE_PIECE) if layer else hashlib.sha256((content or path).encode()).digest()
    passport = Passport(size, root, LARGE_PIECE, root, layer, dice.randbytes(20 * pieces), dice.randbytes(20))
    return Entry(tuple(path.split("/")), passport)


def write(folder: Path, name: str, entries: Iterable[Entry]) -> None:
    folder.mkdir(exist_ok=True)
    folder.joinpath(f"{name}.torrent").write_bytes(compose(name, entries).data)


def make_stacks(folder: Path) -> None:
    """``mixed``: one torrent of everything. ``small``: FLAC by name, of MP3's sizes. ``tiers``: twelve batches, the
    last five half as large. ``mp3``: said to be FLAC, and not even named so."""
    dice = random.Random(7)
    flac = [entry(f"A/Road [FLAC]/{n:02} Song {n}.flac", 30 * MB + n) for n in range(10)]
    mp3 = [entry(f"A/Road [MP3 320k]/{n:02} song {n}.mp3", 9 * MB + n) for n in range(8)]
    alone = [entry(f"B/Sea/{n:02} Other {n}.mp3", 8 * MB + n) for n in range(5)]
    again = [entry(f"C/Copy/{n} Renamed.flac", 30 * MB + n, f"A/Road [FLAC]/{n:02} Song {n}.flac") for n in range(4)]
    rest = [
        *(entry(f"A/Road [FLAC]/cover{n}.jpg", 2 * MB + n) for n in range(6)),
        *(entry(f"A/{n}.cue", 5_000 + n) for n in range(3)),
        entry("export/tracks.jsonl", 50 * MB),
        *(entry(f"D/half{n}.flac.part", 3 * MB + n) for n in range(2)),
        entry("E/disc.iso.001", 7 * MB),
        entry("F/thing.xyz", 1 * MB),
        *(entry(f"G/_____padding_file_{n}_if you see this file", 900_000 + n) for n in range(3)),
    ]
    write(folder / "mixed", "everything", [*flac, *mp3, *alone, *again, *rest])
    small = [entry(f"A/B/{n:03} x.flac", round(dice.uniform(1.9, 3.4) * MB)) for n in range(100)]
    write(folder / "small", "lossless", small)
    for batch in range(1, 13):
        middle = 5 if batch < 8 else 2.5
        sizes = [round(dice.uniform(0.6, 1.4) * middle * MB) for _ in range(60)]
        files = [entry(f"data/{batch}-{n}.opus", size) for n, size in enumerate(sizes)]
        write(folder / "tiers", f"batch-{batch}", files)
    write(folder / "mp3", "said-to-be-flac", [entry(f"A/B/{n:03} y.mp3", 8 * MB + n) for n in range(40)])


def _of(name: str, quantity: object, unit: str, part: str = "", **more: object) -> str:
    told = {"of": name, "quantity": quantity, "unit": unit, "procedure": f"metainfo {part}".strip(), **more}
    return "\n".join(f"{key} = {value!r}" for key, value in told.items())


def planted_torrents() -> Sequence[Planted]:
    copies = sum(30 * MB + n for n in range(4))
    return (
        truth(_of("mp3", 40, "tracks", "lossy")),
        lie(_of("mp3", 40, "tracks", "lossless")),  # says FLAC, and its files end in .mp3
        truth(_of("mixed", 14, "tracks", "lossless")),  # as they are listed
        truth(_of("mixed", 10, "tracks", "lossless", definition="files")),  # and those that differ
        lie(_of("mixed", 14, "tracks", "lossless", definition="files")),  # renamed duplicates
        truth(_of("mixed", 4, "files", "duplicates")),
        lie(_of("mixed", 0, "files", "duplicates")),
        truth(_of("mixed", copies, "bytes", "duplicates")),
        truth(_of("mixed", 8, "tracks", "re-encodes")),
        lie(_of("mixed", 13, "tracks", "re-encodes")),
        truth(_of("mixed", 5, "tracks", "lossy-alone")),
        truth(_of("mixed", 6, "images", "artwork")),
        lie(_of("mixed", 33, "tracks")),  # artwork counted as tracks
        truth(_of("mixed", 27, "tracks")),
        lie(_of("mixed", 0, "files", "shards")),
        truth(_of("mixed", 3, "files", "shards")),
        truth(_of("mixed", 3, "files", "padding")),
        lie(_of("mixed", 30, "tracks")),  # padding counted as music
        truth(_of("mixed", 3, "files", "logs")),
        truth(_of("mixed", 50, "MB", "metadata")),
        truth(_of("mixed", 1, "files", "unknown")),
        lie(_of("mixed", 1, "files", "nonsense"), CLAIMED),  # there is no such part
        truth(_of("tiers", 12, "torrents")),
        lie(_of("tiers", 1440, "tracks")),
    )

"""What torrents show by their metainfo alone: how many files of which kinds and sizes they describe, and which twice.

Metainfo proves what a torrent is made of and not that anybody has it. Files of equal pieces roots (BEP 52) have equal
bytes whatever they are called; version 1 has no digest of a file of its own, so what is twice is not seen there.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from phonolith.audit.verdicts import Basis, Fact
from phonolith.store.metainfo import Metainfo

#: Kinds of files by the ends of their names.
_ENDINGS = {
    "lossless audio": "aif aiff ape dff dsf flac shn tta wav wv",
    "audio": "aac ac3 amr m4a m4b mid mka mod mp2 mp3 mpc oga ogg opus spx wma",
    "images": "avif bmp gif jpeg jpg png svg tif tiff webp",
    "catalogues and exports": "7z avro bz2 csv db duckdb gz json jsonl ndjson parquet rar sql sqlite sqlite3 tar "
    "tsv xml xz zip zst",
    "playlists, texts and checksums": "cue ffp htm html log m3u m3u8 md md5 nfo par2 pdf pls sfv sha1 sha256 toml "
    "txt url yaml yml",
    "video": "avi m4v mkv mov mp4 mpeg mpg ogv webm",
}
KINDS: Mapping[str, frozenset[str]] = {kind: frozenset(endings.split()) for kind, endings in _ENDINGS.items()}
_PARTIAL = ("!qb", "!ut", "aria2", "crdownload", "download", "part", "tmp")
UNKNOWN, SHARDS = "unknown", "partial downloads"
AUDIO = ("lossless audio", "audio")


@dataclass(frozen=True, slots=True)
class Slice:
    """Files of one kind: how many, and their bytes."""

    kind: str
    files: int
    size: int


@dataclass(slots=True)
class Described:
    """What a stack of torrents describes. ``again``: files, and bytes, that are there under another name already.

    ``rootless``: files, that are not empty, without a digest of their own.
    """

    torrents: int = 0
    files: int = 0
    size: int = 0
    padding: int = 0
    again: int = 0
    again_size: int = 0
    rootless: int = 0
    by_kind: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def slices(self) -> list[Slice]:
        """Kinds of files, the one of most bytes first."""
        found = [Slice(kind, files, size) for kind, (files, size) in self.by_kind.items()]
        return sorted(found, key=lambda one: (-one.size, -one.files, one.kind))


def described(torrents: Iterable[Metainfo]) -> Described:
    """Add up torrents; one that is given twice, or as version 1 and as hybrid, counts once."""
    told = Described()
    infohashes: set[bytes] = set()
    roots: set[bytes] = set()
    for one in torrents:
        own = {infohash for infohash in one.infohashes if infohash}
        if own & infohashes:
            continue
        infohashes |= own
        told.torrents += 1
        told.padding += sum(size for index, size in one.v1.spans if index < 0) if one.v1 else 0
        for file in one.files:
            _count(told, file.path[-1], file.size, file.root, roots)
    return told


def kind_of(name: str) -> str:
    """The kind of a file by its name, which is all that metainfo has of it."""
    ending = name.rpartition(".")[2].lower()
    if ending in _PARTIAL:
        return SHARDS
    return next((kind for kind, endings in KINDS.items() if ending in endings), UNKNOWN)


def facts(told: Described, source: str, *, of: str = "", whole: bool = False) -> Iterator[Fact]:
    """What that shows: of the torrents themselves, and at least as much of whatever they are a part of.

    ``whole``: the torrents are all there are of what ``of`` names, so there is no more than they describe.
    """
    how = (
        f"The metainfo of {told.torrents:,} torrents describes it"
        if told.torrents != 1
        else "Its metainfo describes it"
    )
    audio = [one for one in told.slices() if one.kind in AUDIO]
    amounts = {
        "torrents": told.torrents,
        "files": told.files,
        "bytes": told.size,
        "tracks": sum(one.files for one in audio),
        "images": sum(one.files for one in told.slices() if one.kind == "images"),
    }
    for dimension, amount in amounts.items():
        yield Fact(dimension, amount, amount if whole else math.inf, Basis.DESCRIBED, source, how, of)
    different = told.files - told.again
    sure = max(different - told.rootless, min(1, told.files))  # what has no digest may be any of the others
    most = different if whole else math.inf
    yield Fact("files", sure, most, Basis.DESCRIBED, source, f"{how}; equal pieces roots count once", of, "files")


def _count(told: Described, name: str, size: int, root: bytes, roots: set[bytes]) -> None:
    told.files += 1
    told.size += size
    slot = told.by_kind[kind_of(name)]
    slot[0] += 1
    slot[1] += size
    if not root and size:
        told.rootless += 1
    elif root in roots:
        told.again += 1
        told.again_size += size
    if root or not size:
        roots.add(root)

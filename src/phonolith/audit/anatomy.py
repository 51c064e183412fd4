"""A size, taken apart: of files with names, sizes and digests, how many bytes are what, each file in one part only.

A name says of which sort a file is meant to be and nothing of what is in it; equal digests say that bytes are there
twice; equal names of release and track say which lossy file stands beside a lossless one. Each part says which of these
it was recognised by, and the parts add up to the whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

LOSSLESS, LOSSY, EITHER = "lossless audio", "lossy audio", "audio, lossless or lossy"
ARTWORK, DATA, LOGS = "images", "catalogues and exports", "playlists, texts and checksums"
VIDEO, SHARDS, PADDING, UNKNOWN = "video", "partial downloads", "padding", "unknown"
#: Sorts of files by their names; a file's sort is its number here.
SORTS = (LOSSLESS, LOSSY, EITHER, ARTWORK, DATA, LOGS, VIDEO, SHARDS, PADDING, UNKNOWN)
AUDIO = (LOSSLESS, LOSSY, EITHER)

#: Parts that a file is in whatever its sort.
BESIDE, ALONE = "lossy audio beside a lossless original", "lossy audio alone"
AGAIN, SAME_AUDIO = "byte duplicates", "audio duplicates"

#: Words for parts of what torrents list, ``metainfo WORD``, and the parts.
SLICES = {
    "lossless": LOSSLESS, "lossy": LOSSY, "either": EITHER, "artwork": ARTWORK, "metadata": DATA, "logs": LOGS,
    "video": VIDEO, "shards": SHARDS, "padding": PADDING, "unknown": UNKNOWN, "duplicates": AGAIN,
    "re-encodes": BESIDE, "lossy-alone": ALONE,
}  # fmt: skip

_ENDINGS = {
    LOSSLESS: "aif aifc aiff ape dff dsf flac shn tak tta w64 wav wv",
    LOSSY: "aac ac3 amr mp2 mp3 mpc ogg opus spx",
    EITHER: "caf m4a m4b mid mka mod oga wma",
    ARTWORK: "avif bmp gif jpeg jpg png svg tif tiff webp",
    DATA: "7z avro bz2 csv db duckdb gz json jsonl ndjson parquet rar sql sqlite sqlite3 tar tsv xml xz zip zst",
    LOGS: "accurip cue ffp htm html log m3u m3u8 md md5 nfo par2 pdf pls sfv sha1 sha256 toml txt url yaml yml",
    VIDEO: "avi m4v mkv mov mp4 mpeg mpg ogv webm",
    SHARDS: "!qb !ut aria2 crdownload download part tmp",
}
ENDINGS: Mapping[str, frozenset[str]] = {sort: frozenset(told.split()) for sort, told in _ENDINGS.items()}
_SORT_OF = {ending: SORTS.index(sort) for sort, told in ENDINGS.items() for ending in told}
_SHARD = re.compile(r"[rz]?\d{2,3}|part\d+")  # of a split file: x.001, x.r00, x.z01
_PAD = re.compile(r"\.pad|_____padding_file_\d+.*", re.IGNORECASE)

_RELEASE_WORDS = re.compile(
    r"\b(?:flac|alac|wav|mp3|ogg|opus|aac|m4a|lossless|lossy|v[0-2]|vbr|cbr|"
    r"\d{2,3} ?k(?:b(?:it/?s|ps)?)?|(?:16|24)[ -]?bit|(?:44|48|88|96|176|192)(?:\.\d)? ?khz)\b|[^\w]+"
)
_SIZE = np.uint64((1 << 56) - 1)
_WHERE = 56  # the bit from which on a number of size and sort has the sort

_HOW = {
    LOSSLESS: "by the ends of their names; what is in them was not looked at",
    BESIDE: "by the ends of their names, and a lossless file has the same release and title in its name",
    ALONE: "by the ends of their names; no lossless file of such a name is there",
    EITHER: "by the ends of their names, which do not say whether they are lossless",
    AGAIN: "by digests that are equal to that of a file counted before",
    SAME_AUDIO: "by equal audio (recording, ISRC or digest of the decoded sound) in other bytes than a file before",
    SHARDS: "by the ends of their names: unfinished downloads, and numbered parts of split files",
    PADDING: "by what the metainfo says of them, or by their names",
    UNKNOWN: "their names say nothing that is known here",
}
_BY_ENDING = "by the ends of their names"


class File(NamedTuple):
    """A file as evidence describes it: path, bytes, a digest of its bytes or none, and of its audio or none."""

    path: Sequence[str]
    size: int
    digest: bytes | None = None
    audio: bytes | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Files as columns of eight bytes a file: digests (0: none), names of audio (0: none), size and sort, and audio.

    Eight bytes of a digest take two files out of a hundred million for one with a chance of 1 in 3,700.
    """

    digests: Array
    names: Array
    sizes: Array
    audio: Array


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the whole: how many files, their bytes, and by what they were recognised; None: not known."""

    name: str
    files: int | None
    size: int | None
    how: str


@dataclass(frozen=True, slots=True)
class Apart:
    """The parts in a fixed order, those that have nothing left out; ``files`` and ``size`` are their sums.

    ``different``: files whose bytes are known to differ, all empty ones counting as one; ``rootless``: files, not
    empty, of which no digest is known, so that they may be there twice unseen.
    """

    parts: tuple[Part, ...]
    files: int
    size: int
    different: int
    rootless: int

    def part(self, name: str) -> Part:
        """The part of this name; of nothing where there is none."""
        return next((one for one in self.parts if one.name == name), Part(name, 0, 0, _HOW.get(name, _BY_ENDING)))


def taken_apart(files: Iterable[File], padding: int = 0) -> Apart:
    """The parts of these files, and of ``padding`` bytes between them that are no file."""
    return apart([columns_of(files)], padding)


def columns_of(files: Iterable[File]) -> Columns:
    """Files as columns; the same names and digests give the same numbers in every process."""
    digests, names, sizes, audio = [], [], [], []
    for path, size, digest, same in files:
        sort = sort_of(path)
        digests.append(digest[:8] if digest else bytes(8))
        names.append(_name_key(path) if sort < len(AUDIO) else bytes(8))
        sizes.append(sort << _WHERE | size)
        audio.append(hashlib.blake2b(same, digest_size=8).digest() if same else bytes(8))
    return Columns(_numbers(digests), _numbers(names), np.array(sizes, np.uint64), _numbers(audio))


def apart(given: Sequence[Columns], padding: int = 0) -> Apart:
    """The parts of files in columns, in their order: of equal ones the first is counted where it belongs."""
    digests, names, sizes, audio = (
        np.concatenate([getattr(one, column) for one in given]) if given else np.zeros(0, np.uint64)
        for column in ("digests", "names", "sizes", "audio")
    )
    sorts, sizes = (sizes >> np.uint64(_WHERE)).astype(np.uint8), sizes & _SIZE
    part = sorts.astype(np.int8)  # of each file; after the sorts come the parts that cut across them
    beside, again, same = len(SORTS), len(SORTS) + 1, len(SORTS) + 2
    lossy = np.flatnonzero(sorts == SORTS.index(LOSSY))
    part[lossy[np.isin(names[lossy], names[sorts == SORTS.index(LOSSLESS)])]] = beside
    known = bool(audio.any())
    free = sorts != SORTS.index(PADDING)
    if known:
        part[_repeated(audio, free)] = same
    part[_repeated(digests, free & (sizes > 0))] = again
    files = np.bincount(part, minlength=same + 1)
    total = np.array([sizes[part == number].sum(dtype=np.uint64) for number in range(same + 1)], np.uint64)
    named = {**dict(enumerate(SORTS)), SORTS.index(LOSSY): ALONE, beside: BESIDE, again: AGAIN, same: SAME_AUDIO}
    total[SORTS.index(PADDING)] += np.uint64(padding)
    found = [
        Part(name, int(files[number]), int(total[number]), _HOW.get(name, _BY_ENDING))
        for number, name in named.items()
        if files[number] or total[number]
    ]
    if not known:
        found.append(Part(SAME_AUDIO, None, None, "not known: the evidence tells of no file which recording it is"))
    full = sizes > 0
    different = int(np.unique(digests[full & (digests != 0)]).size) + int(not full.all())
    rootless = int((full & (digests == 0)).sum())
    return Apart(tuple(sorted(found, key=_order)), int(part.size), int(sizes.sum()) + padding, different, rootless)


def sort_of(path: Sequence[str]) -> int:
    """The number in :data:`SORTS` of the sort that a file's path says it is."""
    ending = path[-1].rpartition(".")[2].lower()
    found = _SORT_OF.get(ending)
    if _PAD.fullmatch(path[0]) or (found is None and _PAD.fullmatch(path[-1])):
        return SORTS.index(PADDING)
    if found is None:
        return SORTS.index(SHARDS) if _SHARD.fullmatch(ending) and "." in path[-1] else SORTS.index(UNKNOWN)
    return found


def kind_of(name: str) -> str:
    """The sort of a file by its name or path, as a word."""
    return SORTS[sort_of(name.split("/"))]


def _order(one: Part) -> int:
    names = (LOSSLESS, BESIDE, ALONE, EITHER, AGAIN, SAME_AUDIO, ARTWORK, DATA, LOGS, VIDEO, SHARDS, PADDING, UNKNOWN)
    return names.index(one.name)


def _repeated(keys: Array, among: Array) -> Array:
    """Where a key that is not 0 was there before, among some."""
    where = np.flatnonzero(among & (keys != 0))
    order = where[np.argsort(keys[where], kind="stable")]
    again: Array = order[1:][keys[order[1:]] == keys[order[:-1]]]
    return again


def _numbers(raw: list[bytes]) -> Array:
    return np.frombuffer(b"".join(raw), np.uint64)


def _name_key(path: Sequence[str]) -> bytes:
    """Eight bytes for release and title in a path, whatever coding its folders and its ending name."""
    title = path[-1].rpartition(".")[0].lower()
    return hashlib.blake2b(f"{_release(tuple(path[:-1]))}/{title}".encode("utf-8", "replace"), digest_size=8).digest()


@lru_cache(4096)
def _release(folders: tuple[str, ...]) -> str:
    """The last two folders that name something other than a coding."""
    told = [_RELEASE_WORDS.sub(" ", name.lower()).strip() for name in folders]
    return "/".join([name for name in told if name][-2:])


def parts_data(told: Apart) -> Iterator[Mapping[str, Any]]:
    """The parts as objects for JSON."""
    for one in told.parts:
        yield {"part": one.name, "files": one.files, "bytes": one.size, "recognised": one.how}

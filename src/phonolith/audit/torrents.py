"""What torrents show by their metainfo alone: how many files of which sorts and sizes they describe, and which twice.

Metainfo proves what a torrent is made of and not that anybody has it. Files of equal pieces roots (BEP 52) have equal
bytes whatever they are called; version 1 has no digest of a file of its own, so what is twice is not seen there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from phonolith.audit import anatomy
from phonolith.audit.anatomy import AUDIO, ENDINGS, LOSSLESS, PADDING, SLICES, SORTS, UNKNOWN, Apart, Columns, kind_of
from phonolith.audit.batches import Batch, batch_of, batches_data, in_order
from phonolith.audit.claims import Claim
from phonolith.audit.procedures import slice_of
from phonolith.audit.verdicts import Basis, Fact
from phonolith.model.finding import Finding
from phonolith.store.metainfo import Metainfo

__all__ = ["AUDIO", "UNKNOWN", "Described", "Torrent", "amounts_of", "described", "facts", "facts_of", "kind_of", "odd"]

_MOST_ENDINGS = 6
_LEAST_LOSSLESS = 200e3  # bit/s; of music on CD, lossless coding leaves 400 to 1,100 kbit/s, of one quiet voice 200


class Torrent(msgspec.Struct, frozen=True, array_like=True):
    """A torrent as it crosses from whoever read it: its files as columns of eight bytes each, without their paths.

    ``endings``: files of audio by the end of their names, the most frequent first. ``padding``: bytes of v1 padding.
    """

    name: str
    infohashes: tuple[bytes, ...]
    padding: int
    digests: bytes
    names: bytes
    sizes: bytes
    endings: dict[str, int]


@dataclass(frozen=True, slots=True)
class Slice:
    """Files of one sort by their names: how many, and their bytes."""

    kind: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Described:
    """What a stack of torrents describes. ``size`` is without ``padding``, the bytes between files of version 1.

    ``sorts`` are files by their names, whatever is there twice; ``apart`` has each byte once, padding as well.
    ``infohashes``: of all that counted.
    """

    torrents: int
    files: int
    size: int
    padding: int
    apart: Apart
    sorts: tuple[Slice, ...]
    batches: tuple[Batch, ...]
    infohashes: frozenset[bytes]

    @property
    def again(self) -> int:
        """Files that are there under another name already."""
        return self.files - self.apart.different - self.apart.rootless

    def slices(self) -> list[Slice]:
        """Sorts of files, the one of most bytes first."""
        return sorted(self.sorts, key=lambda one: (-one.size, -one.files, one.kind))


def row_of(one: Metainfo) -> Torrent:
    """A torrent's files as columns."""
    folder = (one.folder,) if one.folder else ()
    columns = anatomy.columns_of(anatomy.File((*folder, *file.path), file.size, file.root) for file in one.files)
    endings = Counter(_ending(file.path[-1]) for file in one.files)
    audio = {name: count for name, count in endings.most_common() if _is_audio(name)}
    padding = sum(size for index, size in one.v1.spans if index < 0) if one.v1 else 0
    return Torrent(
        one.name,
        tuple(filter(None, one.infohashes)),
        padding,
        columns.digests.tobytes(),
        columns.names.tobytes(),
        columns.sizes.tobytes(),
        dict(list(audio.items())[:_MOST_ENDINGS]),
    )


def is_sound(one: Torrent) -> bool:
    """Whether it is a torrent that somebody may have read: nothing of it is believed unless it can be."""
    columns = (one.digests, one.names, one.sizes)
    if len({len(raw) for raw in columns}) != 1 or not one.sizes or len(one.sizes) % 8:
        return False
    sorts = np.frombuffer(one.sizes, np.uint64) >> np.uint64(56)
    return (
        bool(one.infohashes) and all(len(told) in (20, 32) for told in one.infohashes) and int(sorts.max()) < len(SORTS)
    )


def amounts_of(one: Torrent) -> dict[str, int]:
    """What one torrent lists, by dimension: torrents, files, bytes without padding, tracks, images."""
    sizes = np.frombuffer(one.sizes, np.uint64)
    sorts = sizes >> np.uint64(56)
    size = int((sizes & np.uint64((1 << 56) - 1)).sum())
    tracks, images = int((sorts < len(AUDIO)).sum()), int((sorts == SORTS.index(SLICES["artwork"])).sum())
    return {"torrents": 1, "files": int(sizes.size), "bytes": size, "tracks": tracks, "images": images}


def odd(told: Described, subject: str) -> Iterator[Finding]:
    """Findings where sizes do not go with names: lossless endings, and no room for lossless audio."""
    for one in told.batches:
        lossless = sum(count for ending, count in one.endings.items() if ending in ENDINGS[LOSSLESS])
        if lossless > 0.9 * one.audio and one.audio and one.rate[1] < _LEAST_LOSSLESS:
            problem = (
                f"{one.name}: nine in ten of its audio files end as lossless ones do, and the middle one has "
                f"{one.sizes[1]:,} bytes: {one.rate[1] / 1000:,.0f} kbit/s if it lasts two minutes, less if longer"
            )
            yield Finding("anatomy.coding", subject, problem, "Look at what is in a few of them")


def described(torrents: Iterable[Torrent | Metainfo]) -> Described:
    """Add up torrents; one that is given twice, or as version 1 and as hybrid, counts once."""
    infohashes: set[bytes] = set()
    columns: list[Columns] = []
    batches: list[Batch] = []
    padding = 0
    for given in torrents:
        one = row_of(given) if isinstance(given, Metainfo) else given
        if not infohashes.isdisjoint(one.infohashes):
            infohashes.update(one.infohashes)
            continue
        infohashes.update(one.infohashes)
        told = _columns(one)
        columns.append(told)
        batches.append(batch_of(one.name, told.sizes, one.endings))
        padding += one.padding
    found = anatomy.apart(columns, padding)
    return Described(
        len(batches),
        found.files,
        found.size - padding,
        padding,
        found,
        tuple(_sorts(columns)),
        tuple(in_order(batches)),
        frozenset(infohashes),
    )


def facts(told: Described, source: str, *, of: str = "", whole: bool = False) -> Iterator[Fact]:
    """What that shows: of the torrents themselves, and at least as much of whatever they are a part of.

    ``whole``: the torrents are all there are of what ``of`` names, so there is no more than they describe.
    """
    how = _how(told)
    audio = sum(one.files for one in told.sorts if one.kind in AUDIO)
    amounts = {
        "torrents": told.torrents,
        "files": told.files,
        "bytes": told.size,
        "tracks": audio,
        "images": sum(one.files for one in told.sorts if one.kind == SLICES["artwork"]),
    }
    for dimension, amount in amounts.items():
        yield Fact(dimension, amount, amount if whole else math.inf, Basis.DESCRIBED, source, how, of)
    different = told.apart.different + told.apart.rootless
    sure = max(told.apart.different, min(1, told.files))  # what has no digest may be any of the others
    most = different if whole else math.inf
    yield Fact("files", sure, most, Basis.DESCRIBED, source, f"{how}; equal pieces roots count once", of, "files")


def facts_of(claim: Claim, told: Described, source: str, *, whole: bool) -> list[Fact]:
    """What torrents show of one claim.

    With the procedure ``metainfo`` the claim is about what the torrents list, and that was read; with ``metainfo
    PART`` about a part of it, as the size is taken apart. Raises BadInput where there is no such part.
    """
    part = slice_of(claim)
    if part is None:
        return list(facts(told, source, of=claim.of, whole=whole))
    if part == "":
        shown = facts(told, source, of=claim.of, whole=whole)
        return [_read(one) for one in shown]
    return list(_part_facts(claim, told, source, part, whole=whole))


def described_data(told: Described) -> dict[str, Any]:
    """That as an object for JSON; ``parts`` have each byte once and add up to ``bytes`` and ``padding``."""
    return {
        "torrents": told.torrents,
        "files": told.files,
        "bytes": told.size,
        "padding": told.padding,
        "again": {"files": told.again, "bytes": told.apart.part(anatomy.AGAIN).size},
        "without_digest": told.apart.rootless,
        "kinds": [{"kind": part.kind, "files": part.files, "bytes": part.size} for part in told.slices()],
        "parts": list(anatomy.parts_data(told.apart)),
        "anatomy": batches_data(told.batches),
    }


def _part_facts(claim: Claim, told: Described, source: str, part: str, *, whole: bool) -> Iterator[Fact]:
    """Of a sort, all files by their names; by ``definition = "files"``, and of what cuts across sorts, each once."""
    name, parts = SLICES[part], told.apart
    listed = [one for one in told.sorts if one.kind == name]
    if name in SORTS and name != PADDING and claim.definition != "files":
        files = most_files = sum(one.files for one in listed)
        size = most_size = sum(one.size for one in listed)
    else:
        shown = [parts.part(one) for one in ((anatomy.BESIDE, anatomy.ALONE) if name == anatomy.LOSSY else (name,))]
        files = most_files = sum(one.files or 0 for one in shown)
        size = most_size = sum(one.size or 0 for one in shown)
        if name == anatomy.AGAIN and parts.rootless:  # each of these may be there twice as well
            most_files, most_size = files + parts.rootless, told.size
        elif name in SORTS and name != PADDING and parts.rootless:
            files, size = max(0, files - parts.rootless), 0
    how = f"{_how(told)}; {name}"
    for dimension in ("files", "tracks", "images", "bytes"):
        low, high = (size, most_size) if dimension == "bytes" else (files, most_files)
        top = high if whole else math.inf
        yield Fact(dimension, low, top, Basis.READ, source, how, claim.of, claim.definition)


def _read(fact: Fact) -> Fact:
    return Fact(fact.dimension, fact.low, fact.high, Basis.READ, fact.source, fact.how, fact.of, fact.definition)


def _how(told: Described) -> str:
    many = f"The metainfo of {told.torrents:,} torrents describes it"
    return many if told.torrents != 1 else "Its metainfo describes it"


def _columns(one: Torrent) -> Columns:
    digests, names, sizes = (np.frombuffer(raw, np.uint64) for raw in (one.digests, one.names, one.sizes))
    return Columns(digests, names, sizes, np.zeros(digests.size, np.uint64))


def _sorts(columns: Iterable[Columns]) -> Iterator[Slice]:
    files, sizes = [0] * len(SORTS), [0] * len(SORTS)
    for one in columns:
        sorts = (one.sizes >> np.uint64(56)).astype(np.int64)
        for number in np.unique(sorts).tolist():
            chosen = one.sizes[sorts == number] & np.uint64((1 << 56) - 1)
            files[number] += int(chosen.size)
            sizes[number] += int(chosen.sum())
    return (Slice(name, *told) for name, *told in zip(SORTS, files, sizes, strict=True) if told[0])


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _is_audio(ending: str) -> bool:
    return any(ending in ENDINGS[sort] for sort in AUDIO)

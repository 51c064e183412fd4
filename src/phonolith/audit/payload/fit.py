"""Whether bytes are those that a list means: by SHA-256, by the Merkle tree of BEP 52, by the pieces of BEP 3."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from phonolith.store.metainfo import Metainfo
from phonolith.store.passport import BLOCK, hash_blocks, merkle_root

_ZERO = bytes(32)


class Check(Protocol):
    """Takes the bytes of one file in order."""

    def update(self, view: memoryview) -> None:
        """Take the next bytes, whole blocks of 16 KiB but at the end."""

    def fits(self, sha256: str) -> bool | None:
        """Whether they are what is meant; None where that cannot be told from what is here."""


class Proof(Protocol):
    """What a list says of the bytes of a file."""

    @property
    def beyond(self) -> int:
        """Bytes of other files that have to be read as well."""

    def check(self) -> Check:
        """Begin to check bytes."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The SHA-256 that a manifest lists."""

    sha256: str
    beyond: int = 0

    def check(self) -> Check:
        """Begin to check bytes."""
        return _ByDigest(self.sha256)


@dataclass(frozen=True, slots=True)
class Tree:
    """The pieces root of BEP 52, which does not depend on the length of pieces."""

    root: bytes
    size: int
    beyond: int = 0

    def check(self) -> Check:
        """Begin to check bytes."""
        return _ByTree(self)


class Stream:
    """The pieces of BEP 3 that run over all files of a torrent, and where its files lie here."""

    def __init__(self, told: Metainfo, places: Sequence[Path | None]) -> None:
        assert told.v1 is not None
        self.length, self.hashes = told.piece_length, told.v1.hashes
        self._starts = list(accumulate((size for _, size in told.v1.spans), initial=0))[:-1]
        pairs = zip(self._starts, told.v1.spans, strict=True)
        self._spans = [(start, size, index) for start, (index, size) in pairs]
        self.total = sum(size for _, size in told.v1.spans)
        self._places = places
        self._by_index = {index: (start, size) for start, size, index in self._spans if index >= 0}

    def part(self, index: int) -> StreamPart:
        """The proof of one file."""
        start, size = self._by_index[index]
        first = start - start % self.length
        end = start + size
        last = min(-(-end // self.length) * self.length, self.total) if size else end
        return StreamPart(self, start, size, start - first if size else 0, last - end)

    def read(self, at: int, size: int) -> bytes | None:
        """Bytes of the stream, padding as zeros; None where one of the files is not here."""
        found = bytearray()
        for start, length, index in self._spans[max(0, bisect_right(self._starts, at) - 1) :]:
            low, high = max(at, start), min(at + size, start + length)
            if start >= at + size:
                break
            if low >= high:
                continue
            if index < 0:
                found += bytes(high - low)
                continue
            place = self._places[index]
            try:
                if place is None or place.stat().st_size != length:
                    return None
                with place.open("rb") as file:
                    file.seek(low - start)
                    found += file.read(high - low)
            except OSError:
                return None
        return bytes(found) if len(found) == size else None


@dataclass(frozen=True, slots=True)
class StreamPart:
    """One file in a stream of pieces: ``lead`` bytes of its first piece lie before it, ``rest`` of its last behind."""

    stream: Stream
    start: int
    size: int
    lead: int
    rest: int

    @property
    def beyond(self) -> int:
        """Bytes of its neighbours that share a piece with it."""
        return self.lead + self.rest

    def check(self) -> Check:
        """Begin to check bytes."""
        return _ByPieces(self)


class _ByDigest:
    def __init__(self, sha256: str) -> None:
        self._wanted = sha256

    def update(self, view: memoryview) -> None:
        pass

    def fits(self, sha256: str) -> bool | None:
        return sha256 == self._wanted


class _ByTree:
    def __init__(self, wanted: Tree) -> None:
        self._wanted = wanted
        self._leaves: list[bytes] = []
        self._size = 0

    def update(self, view: memoryview) -> None:
        self._leaves += hash_blocks(view)
        self._size += len(view)

    def fits(self, sha256: str) -> bool | None:
        if self._size != self._wanted.size or not self._size:
            return self._size == self._wanted.size
        width = 1 << (-(-self._size // BLOCK) - 1).bit_length()
        return merkle_root(self._leaves, width, _ZERO) == self._wanted.root


class _ByPieces:
    def __init__(self, part: StreamPart) -> None:
        self._part = part
        self._at = (part.start - part.lead) // part.stream.length  # the number of the piece
        self._piece = bytearray()
        self._skip = 0
        self._right = self._wrong = self._size = 0
        if part.lead:
            before = part.stream.read(part.start - part.lead, part.lead)
            self._piece += before or b""
            self._skip = 0 if before is not None else part.stream.length - part.lead
            self._at += before is None

    def update(self, view: memoryview) -> None:
        self._size += len(view)
        gone = min(self._skip, len(view))
        self._skip -= gone
        self._piece += view[gone:]
        while len(self._piece) >= self._part.stream.length:
            self._end(bytes(self._piece[: self._part.stream.length]))
            del self._piece[: self._part.stream.length]

    def fits(self, sha256: str) -> bool | None:
        if self._size != self._part.size:
            return False
        if self._piece:
            after = self._part.stream.read(self._part.start + self._size, self._part.rest)
            if after is not None:
                self._end(bytes(self._piece) + after)
        if self._wrong:
            return False
        return True if self._right or not self._size else None

    def _end(self, piece: bytes) -> None:
        wanted = self._part.stream.hashes[20 * self._at : 20 * self._at + 20]
        right = hashlib.sha1(piece, usedforsecurity=False).digest() == wanted
        self._right += right
        self._wrong += not right
        self._at += 1

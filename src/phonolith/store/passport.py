"""An object's passport: one pass over its bytes gives every digest a torrent or a bag will ever need.

BEP 52 (BitTorrent v2): a file is hashed as SHA-256 leaves of 16 KiB under a binary Merkle tree; the hashes at the
level of the piece length are its piece layer. BEP 3 (v1): SHA-1 of each piece; in a hybrid torrent each file is padded
with zeros to a piece boundary, except where nothing follows it, hence the last piece both ways.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

BLOCK = 16 * 1024
SMALL_PIECE = 64 * 1024  # files below 1 MiB
LARGE_PIECE = 1024 * 1024  # files of 1 MiB and more; a bundle holds one of the two classes

_ZERO = bytes(32)
_ZEROS = bytes(LARGE_PIECE)


@dataclass(frozen=True, slots=True)
class Passport:
    """What is known of the bytes of one object. Digests are raw bytes; an empty object has no root and no pieces.

    ``root``: BEP 52 pieces root (32 bytes). ``layer``: its piece layer, 32 bytes a piece, empty unless the object is
    larger than one piece. ``pieces``: SHA-1 of each v1 piece, 20 bytes each, the last one of the bare bytes.
    ``padded``: SHA-1 of the last piece filled with zeros to the piece length (equal to the bare one if it is full).
    """

    size: int
    sha256: bytes
    piece_length: int
    root: bytes
    layer: bytes
    pieces: bytes
    padded: bytes


class Passporter:
    """Collects the passport of one stream of bytes; memory stays below 2 MiB whatever the size.

    ``piece_length``, of the two, is what the size asks for unless it is given: a file that is written for a bundle,
    such as its manifest, has the bundle's whatever its size.
    """

    def __init__(self, piece_length: int | None = None) -> None:
        self._given = piece_length
        self._step = piece_length or LARGE_PIECE
        self._whole = hashlib.sha256()
        self._buffer = bytearray()
        self._size = 0
        self._layer: list[bytes] = []
        self._pieces: list[bytes] = []

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes. Several pieces at once are hashed by several processors."""
        view = memoryview(data)
        whole = _hashers(os.getpid()).submit(self._whole.update, view) if len(view) > self._step else None
        if whole is None:
            self._whole.update(view)
        self._size += len(view)
        if self._buffer:
            missing = self._step - len(self._buffer)
            self._buffer += view[:missing]
            view = view[missing:]
            if len(self._buffer) == self._step:
                self._piece(memoryview(bytes(self._buffer)), self._step)
                self._buffer.clear()
        full = len(view) - len(view) % self._step
        pieces = [view[start : start + self._step] for start in range(0, full, self._step)]
        hashed = (
            map(_hash_whole_piece, pieces) if whole is None else _hashers(os.getpid()).map(_hash_whole_piece, pieces)
        )
        for sha1, root in hashed:
            self._pieces.append(sha1)
            self._layer.append(root)
        self._buffer += view[full:]
        if whole is not None:
            whole.result()

    def finish(self) -> Passport:
        """The passport of all that came."""
        length = self._given or piece_length_for(self._size)
        rest = memoryview(bytes(self._buffer))
        for start in range(0, len(rest), length):
            self._piece(rest[start : start + length], length)
        tail = rest[len(rest) - len(rest) % length :]
        padded = hashlib.sha1(tail, usedforsecurity=False)
        padded.update(memoryview(_ZEROS)[: length - len(tail)])
        return Passport(
            size=self._size,
            sha256=self._whole.digest(),
            piece_length=length,
            root=self._root(rest, length),
            layer=b"".join(self._layer) if self._size > length else b"",
            pieces=b"".join(self._pieces),
            padded=padded.digest() if tail else b"".join(self._pieces[-1:]),
        )

    def _piece(self, piece: memoryview, length: int) -> None:
        sha1, leaves = hash_piece(piece)
        self._pieces.append(sha1)
        self._layer.append(merkle_root(leaves, length // BLOCK, _ZERO))

    def _root(self, rest: memoryview, length: int) -> bytes:
        if not self._size:
            return b""
        if self._size <= length and rest:  # one piece: the tree is only as wide as its leaves (BEP 52)
            leaves = hash_piece(rest)[1]
            return merkle_root(leaves, _power_of_two(len(leaves)), _ZERO)
        return layer_root(b"".join(self._layer), length)


def piece_length_for(size: int) -> int:
    """The piece length of the class that a file of this size belongs to."""
    return LARGE_PIECE if size >= LARGE_PIECE else SMALL_PIECE


def passport_of(data: bytes, piece_length: int | None = None) -> Passport:
    """The passport of bytes at hand."""
    passporter = Passporter(piece_length)
    passporter.update(data)
    return passporter.finish()


def contradictions(told: Passport) -> Iterator[str]:
    """What cannot be in a passport, told without its bytes: lengths, and the root that its layer gives (BEP 52)."""
    length = piece_length_for(told.size)
    count = -(-told.size // length)
    full = bool(told.size) and told.size % length == 0
    wanted = {
        "root": 32 if told.size else 0,
        "layer": 32 * count if told.size > length else 0,
        "pieces": 20 * count,
        "padded": 20 if told.size else 0,
    }
    if told.piece_length != length:
        yield f"piece_length is {told.piece_length:,} instead of {length:,}"
    for name, size in wanted.items():
        if len(getattr(told, name)) != size:
            yield f"{name} has {len(getattr(told, name)):,} bytes instead of {size:,}"
    if told.layer and len(told.layer) == wanted["layer"] and layer_root(told.layer, length) != told.root:
        yield "root is not what layer gives"
    if 0 < told.size <= BLOCK and told.root != told.sha256:
        yield "root is not sha256, although one block of the tree has all bytes"
    if full and told.padded != told.pieces[-20:]:
        yield "padded is not the last of pieces, although the last piece is full"
    if not told.size and told != passport_of(b""):
        yield "sha256 is not that of no bytes"


def layer_root(layer: bytes, length: int) -> bytes:
    """The BEP 52 pieces root of a file with this piece layer at this piece length."""
    hashes = [layer[at : at + 32] for at in range(0, len(layer), 32)]
    return merkle_root(hashes, _power_of_two(len(hashes)), _empty_piece(length))


@cache
def _empty_piece(length: int) -> bytes:
    """The hash of a piece of no blocks, which fills up a layer."""
    return merkle_root((), length // BLOCK, _ZERO)


def hash_piece(piece: memoryview) -> tuple[bytes, list[bytes]]:
    """SHA-1 of the piece and SHA-256 of each of its 16 KiB blocks: all the hashing there is, in one place.

    A faster kernel (multi-buffer SHA) would replace this function and nothing else.
    """
    sha256 = hashlib.sha256
    leaves = [sha256(piece[start : start + BLOCK]).digest() for start in range(0, len(piece), BLOCK)]
    return hashlib.sha1(piece, usedforsecurity=False).digest(), leaves


def _hash_whole_piece(piece: memoryview) -> tuple[bytes, bytes]:
    """SHA-1 of a full piece and the root of its leaves."""
    sha1, leaves = hash_piece(piece)
    return sha1, merkle_root(leaves, len(piece) // BLOCK, _ZERO)


@cache
def _hashers(_process: int) -> ThreadPoolExecutor:
    """A thread for each processor, of this process: hashlib lets go of the interpreter while it hashes.

    The threads of a process are not there in one that was forked from it, hence the argument.
    """
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hash")


def merkle_root(hashes: Sequence[bytes], width: int, filler: bytes) -> bytes:
    """Root of the binary SHA-256 tree over ``hashes``, filled up to ``width`` (a power of two) with ``filler``."""
    level = list(hashes) or [filler]
    sha256 = hashlib.sha256
    while width > 1:
        if len(level) % 2:
            level.append(filler)
        level = [sha256(level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
        filler = sha256(filler + filler).digest()
        width //= 2
    return level[0]


def _power_of_two(count: int) -> int:
    return 1 << max(count - 1, 0).bit_length()

"""An object's passport: one pass over its bytes gives every digest a torrent or a bag will ever need.

BEP 52 (BitTorrent v2): a file is hashed as SHA-256 leaves of 16 KiB under a binary Merkle tree; the hashes at the
level of the piece length are its piece layer. BEP 3 (v1): SHA-1 of each piece; in a hybrid torrent each file is padded
with zeros to a piece boundary, except where nothing follows it, hence the last piece both ways.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

BLOCK = 16 * 1024
SMALL_PIECE = 64 * 1024  # files below 1 MiB
LARGE_PIECE = 1024 * 1024  # files of 1 MiB and more; a bundle holds one of the two classes

_of_thread = threading.local()
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
        self._pending: list[Future[None]] = []
        self._hashing: list[tuple[Future[bytes], Future[list[bytes]]]] = []

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self.feed(memoryview(data))
        self._settle()

    def feed(self, view: memoryview) -> None:
        """Take the next bytes, which must stay as they are until the next call.

        More than a piece is hashed by all processors, while whoever calls reads on.
        """
        self._settle()
        self._size += len(view)
        if len(view) > self._step:
            self._pending.append(_hashers(os.getpid()).submit(self._whole.update, view))
        else:
            self._whole.update(view)
        if self._buffer:
            missing = self._step - len(self._buffer)
            self._buffer += view[:missing]
            view = view[missing:]
            if len(self._buffer) == self._step:
                self._take(*hash_piece(memoryview(bytes(self._buffer)), self._step)[:2])
                self._buffer.clear()
        full = len(view) - len(view) % self._step
        for start in range(0, full, self._step):
            piece = view[start : start + self._step]
            if self._pending:
                submit = _hashers(os.getpid()).submit
                self._hashing.append((submit(_sha1, piece), submit(hash_blocks, piece)))
            else:
                self._take(*hash_piece(piece, self._step)[:2])
        self._buffer += view[full:]

    @property
    def sha256(self) -> str:
        """SHA-256 of what came so far, in hexadecimal."""
        self._settle()
        return self._whole.hexdigest()

    def finish(self) -> Passport:
        """The passport of all that came."""
        self._settle()
        length = self._given or piece_length_for(self._size)
        rest = memoryview(self._buffer)
        return _ended(self._whole.digest(), self._size, length, self._layer, self._pieces, rest)

    def _take(self, sha1: bytes, leaves: list[bytes]) -> None:
        self._pieces.append(sha1)
        self._layer.append(merkle_root(leaves, self._step // BLOCK, _ZERO))

    def _settle(self) -> None:
        """Wait for what is being hashed."""
        for sha1, leaves in self._hashing:
            self._take(sha1.result(), leaves.result())
        for one in self._pending:
            one.result()
        self._hashing.clear()
        self._pending.clear()


def piece_length_for(size: int) -> int:
    """The piece length of the class that a file of this size belongs to."""
    return LARGE_PIECE if size >= LARGE_PIECE else SMALL_PIECE


def passport_of(data: bytes | memoryview, piece_length: int | None = None) -> Passport:
    """The passport of bytes at hand."""
    view = memoryview(data)
    length = piece_length or piece_length_for(len(view))
    return _ended(hashlib.sha256(view).digest(), len(view), length, [], [], view)


def two_buffers(size: int) -> tuple[memoryview, memoryview]:
    """Two buffers for :meth:`Passporter.feed`: one is hashed while the other is read into.

    They are the thread's, the same at each call: new ones would have to be cleared for each file.
    """
    found: dict[int, tuple[memoryview, memoryview]] = _of_thread.__dict__.setdefault("buffers", {})
    if size not in found:
        found[size] = memoryview(bytearray(size)), memoryview(bytearray(size))
    return found[size]


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


def hash_piece(piece: memoryview, length: int) -> tuple[bytes, list[bytes], bytes]:
    """SHA-1 of the piece, SHA-256 of each of its 16 KiB blocks, and SHA-1 of it filled with zeros to ``length``.

    A faster kernel (multi-buffer SHA) would replace this function, :func:`hash_blocks` and :func:`_sha1`, which are
    all the hashing there is.
    """
    sha1 = hashlib.sha1(piece, usedforsecurity=False)
    bare = sha1.digest()
    if len(piece) == length:
        return bare, hash_blocks(piece), bare
    sha1.update(memoryview(_ZEROS)[: length - len(piece)])
    return bare, hash_blocks(piece), sha1.digest()


def _ended(
    sha256: bytes, size: int, length: int, layer: list[bytes], pieces: list[bytes], rest: memoryview
) -> Passport:
    """The passport of ``size`` bytes, of which ``rest`` has yet to be hashed in pieces."""
    leaves: list[bytes] = []
    padded = b""
    for start in range(0, len(rest), length):
        bare, leaves, padded = hash_piece(rest[start : start + length], length)
        pieces.append(bare)
        if size > length:
            layer.append(merkle_root(leaves, length // BLOCK, _ZERO))
    if leaves and size <= length:  # then the tree is only as wide as its leaves (BEP 52)
        layer = [merkle_root(leaves, _power_of_two(len(leaves)), _ZERO)]
    joined = b"".join(layer)
    return Passport(
        size=size,
        sha256=sha256,
        piece_length=length,
        root=layer_root(joined, length) if len(layer) > 1 else joined,
        layer=joined if size > length else b"",
        pieces=b"".join(pieces),
        padded=padded or b"".join(pieces[-1:]),
    )


def hash_blocks(piece: memoryview) -> list[bytes]:
    """SHA-256 of each 16 KiB block, the leaves of BEP 52, where SHA-1 is not asked for."""
    sha256 = hashlib.sha256
    return [sha256(piece[start : start + BLOCK]).digest() for start in range(0, len(piece), BLOCK)]


def _sha1(piece: memoryview) -> bytes:
    return hashlib.sha1(piece, usedforsecurity=False).digest()


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

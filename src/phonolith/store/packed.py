"""Unpacks .xz and .zst files as they are read; an .xz of several blocks is entered at a block, not at its beginning."""

from __future__ import annotations

import lzma
import sys
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from phonolith.errors import BadInput
from phonolith.store.files import printable, storage_errors

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK = 1 << 20
#: What unpacking may take: the dictionary of `xz -9` is 64 MiB, one of 1.5 GiB may not be asked for.
MEMORY = 256 << 20

_XZ, _ZST = b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_ENDS = 12  # bytes of a stream's header, and of its footer
_LARGEST_INDEX = 64 << 20
_WINDOW_LOG = 27  # 128 MiB


@dataclass(frozen=True, slots=True)
class Block:
    """A block of an .xz file: where it lies in the file, and which unpacked bytes it holds from where on."""

    offset: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Index:
    """The blocks of an .xz file of one stream, where they end in the file, and its unpacked size."""

    blocks: tuple[Block, ...]
    end: int
    size: int


def unpacked(path: Path, start: int = 0) -> Iterator[bytes]:
    """The unpacked bytes of a file from ``start`` on, a megabyte or less at a time; one that is not packed as it is.

    An .xz file (https://tukaani.org/xz/xz-file-format.txt) is read from the block that holds ``start``; where it has
    one block, or several streams, and for .zst, everything before ``start`` is unpacked and thrown away. The checks
    that the file carries are made. Raises BadInput (cut, damaged, more memory asked for than 256 MiB), StorageError.
    """
    with storage_errors(path), path.open("rb") as file:
        head = file.read(6)
        if head == _XZ:
            yield from _from(start, *_xz(path, file, start))
        elif head.startswith(_ZST):
            yield from _from(start, _zst(path, file), 0)
        else:
            file.seek(start)
            yield from iter(lambda: file.read(CHUNK), b"")


def index_of(path: Path) -> Index | None:
    """The index of an .xz file; None where it has several streams, or no index that fits it."""
    with storage_errors(path), path.open("rb") as file:
        return _index(file)


def _from(start: int, pieces: Iterator[bytes], at: int) -> Iterator[bytes]:
    """Pieces that begin at the unpacked byte ``at``, without what is before ``start``."""
    for piece in pieces:
        if at + len(piece) > start:
            yield piece[max(0, start - at) :]
        at += len(piece)


def _xz(path: Path, file: BinaryIO, start: int) -> tuple[Iterator[bytes], int]:
    """Unpacked bytes from the block that holds ``start``, and where they begin."""
    found = _index(file)
    if found is None or not found.blocks:
        return _streams(path, file), 0
    place = max(0, bisect_right([block.start for block in found.blocks], start) - 1)
    return _blocks(path, file, found, found.blocks[place]), found.blocks[place].start


def _blocks(path: Path, file: BinaryIO, index: Index, first: Block) -> Iterator[bytes]:
    """Blocks from ``first`` on: to the decoder they are a stream of which it is not shown the end."""
    file.seek(0)
    decoder = _decoder()
    waiting = file.read(_ENDS)
    file.seek(first.offset)
    left = index.size - first.start
    while left:
        if decoder.needs_input and not waiting:
            waiting = file.read(min(CHUNK, index.end - file.tell()))
            if not waiting:
                raise _broken(path, "it ends before its end")
        piece = _unpack(path, decoder, waiting)
        waiting = b""
        left -= len(piece)
        if piece:
            yield piece


def _streams(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Everything, stream by stream."""
    file.seek(0)
    decoder, waiting, begun = _decoder(), b"", False
    while True:
        if not waiting and decoder.needs_input:
            waiting = file.read(CHUNK)
            if not waiting:
                if begun:
                    raise _broken(path, "it ends before its end")
                return
        piece = _unpack(path, decoder, waiting)
        waiting, begun = b"", True
        if piece:
            yield piece
        if decoder.eof:
            waiting = decoder.unused_data.lstrip(b"\0")  # streams may be padded
            decoder, begun = _decoder(), False


def _zst(path: Path, file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    try:
        with zstd.ZstdFile(file, options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}) as packed:
            yield from iter(lambda: packed.read(CHUNK), b"")
    except (zstd.ZstdError, EOFError) as error:
        raise _broken(path, str(error)) from error


def _decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)


def _unpack(path: Path, decoder: lzma.LZMADecompressor, data: bytes) -> bytes:
    try:
        return decoder.decompress(data, CHUNK)
    except lzma.LZMAError as error:
        raise _broken(path, str(error)) from error


def _broken(path: Path, why: str) -> BadInput:
    return BadInput(printable(path.name), f"cannot be unpacked: {why}", "Fetch it again")


def _index(file: BinaryIO) -> Index | None:
    """Read footer and index (sections 2.1.2 and 4). Whatever does not fit means that there is none."""
    size = file.seek(0, 2)
    if size < 2 * _ENDS:
        return None
    file.seek(0)
    head = file.read(_ENDS)
    file.seek(size - _ENDS)
    foot = file.read(_ENDS)
    length = (int.from_bytes(foot[4:8], "little") + 1) * 4
    end = size - _ENDS - length
    fits = foot[10:] == b"YZ" and foot[8:10] == head[6:8] and _sum(foot[4:10]) == foot[:4]
    if not fits or length > _LARGEST_INDEX or end < _ENDS:
        return None
    file.seek(end)
    data = file.read(length)
    if data[:1] != b"\0" or _sum(data[:-4]) != data[-4:]:
        return None
    return _read_index(data, end)


def _read_index(data: bytes, end: int) -> Index | None:
    count, at = _number(data, 1)
    offset, start = _ENDS, 0
    blocks = []
    for _ in range(min(count, len(data))):
        packed, at = _number(data, at)
        size, at = _number(data, at)
        blocks.append(Block(offset, start, size))
        offset, start = offset + (packed + 3) // 4 * 4, start + size
    return Index(tuple(blocks), end, start) if offset == end and len(blocks) == count else None


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length integer (section 1.2), and where the next one begins."""
    value = shift = 0
    while at < len(data) and shift < 63:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    return value, at


def _sum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")

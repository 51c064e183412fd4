"""Zstandard files of many frames with a seek table: plain .zst for every tool, random access for us.

The layout is Zstandard's Seekable Format 0.1.0 (facebook/zstd, contrib/seekable_format): the frames one after another,
then a skippable frame (0x184D2A5E) with two 32-bit little-endian sizes for each frame, packed and unpacked, and a
footer of frame count, a descriptor byte (0: no checksums of its own, every frame has zstd's) and 0x8F92EAB1.
"""

from __future__ import annotations

import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from phonolith.errors import Damaged
from phonolith.store.files import printable, storage_error, storage_errors

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SKIPPABLE = 0x184D2A5E
_MAGIC = 0x8F92EAB1
_FOOTER = struct.Struct("<IBI")
_ENTRY = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Frame:
    """Where one frame lies: offset and packed size in the file, and its unpacked size, all in bytes."""

    offset: int
    packed: int
    unpacked: int


class FrameWriter:
    """Writes frames to an open file; ``finish`` adds the seek table."""

    def __init__(self, file: BinaryIO, level: int) -> None:
        self._file = file
        self._options: dict[int, int] = {
            zstd.CompressionParameter.compression_level: level,
            zstd.CompressionParameter.checksum_flag: 1,
        }
        self._sizes = bytearray()
        self._count = 0

    def write(self, data: bytes) -> None:
        """Write ``data`` as one frame."""
        packed = zstd.compress(data, options=self._options)
        self._file.write(packed)
        self._sizes += _ENTRY.pack(len(packed), len(data))
        self._count += 1

    def finish(self) -> None:
        """Write the seek table."""
        footer = _FOOTER.pack(self._count, 0, _MAGIC)
        self._file.write(struct.pack("<II", _SKIPPABLE, len(self._sizes) + len(footer)) + self._sizes + footer)


def open_frames(path: Path) -> BinaryIO:
    """The file for reading. Raises Damaged where it is gone, StorageError where it cannot be read."""
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise _damaged(path, "the file is gone") from error
    except OSError as error:
        raise storage_error(path, error) from error


def frames_of(path: Path) -> list[Frame]:
    """The frames of a file by its seek table. Raises Damaged, StorageError."""
    with open_frames(path) as file, storage_errors(path):
        size = os.fstat(file.fileno()).st_size
        footer = os.pread(file.fileno(), _FOOTER.size, max(size - _FOOTER.size, 0))
        if len(footer) < _FOOTER.size or _FOOTER.unpack(footer)[2] != _MAGIC:
            raise _damaged(path, "its seek table is missing: it was cut off or is not ours")
        count = _FOOTER.unpack(footer)[0]
        start = size - _FOOTER.size - count * _ENTRY.size
        table = os.pread(file.fileno(), count * _ENTRY.size, max(start, 0))
    frames, offset = [], 0
    for packed, unpacked in _ENTRY.iter_unpack(table):
        frames.append(Frame(offset, packed, unpacked))
        offset += packed
    if offset != start - 8:
        raise _damaged(path, "its seek table does not fit its size")
    return frames


def read_frame(path: Path, file: BinaryIO, frame: Frame) -> bytes:
    """The unpacked bytes of one frame. Raises Damaged, StorageError."""
    with storage_errors(path):
        packed = os.pread(file.fileno(), frame.packed, frame.offset)
    try:
        data: bytes = zstd.decompress(packed)
    except zstd.ZstdError as error:
        raise _damaged(path, f"the frame at byte {frame.offset} cannot be unpacked ({error})") from error
    if len(data) != frame.unpacked:
        raise _damaged(path, f"the frame at byte {frame.offset} has the wrong length")
    return data


def _damaged(path: Path, problem: str) -> Damaged:
    return Damaged(printable(path), problem, "Restore it from a backup or a mirror")

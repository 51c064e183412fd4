"""Lists of row numbers as bytes: how postings are stored and read.

A list is stored in whichever of two ways suits its length. Short: 0x00, then the differences between neighbours as
base-128 numbers, highest bits first, bit 7 set on every byte but a number's last. Long: a Roaring bitmap in the
portable serialisation of https://github.com/RoaringBitmap/RoaringFormatSpec, whose first byte is 0x3A or 0x3B.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

Ids = npt.NDArray[np.uint32]

#: From this many ids on a list is a bitmap, unless differences take much less room.
LONG = 4_096
_SHORT = b"\0"
#: Up to so many bytes are decoded one by one: that is less work than calling numpy.
_BY_HAND = 64


def bitmap(ids: Ids) -> Any:
    """The bitmap of an array of row numbers, in any order."""
    return BitMap(array("I", np.ascontiguousarray(ids, np.uint32).tobytes()))


def encode(ids: Ids) -> bytes:
    """Store one ascending list."""
    if len(ids) >= LONG:
        return encode_long(ids)
    data, ends = encode_short(ids, np.array([0, len(ids)]))
    return _SHORT + data[: int(ends[-1])]


def encode_long(ids: Ids, *, small: bool = True) -> bytes:
    """Store one long ascending list: as a bitmap, or as differences where these take less than two thirds of it.

    With ``small`` off always as a bitmap, which is read twenty times as fast.
    """
    found = bitmap(ids)
    found.run_optimize()
    stored: bytes = found.serialize()
    if small and len(ids) * 3 < len(stored) * 2:
        data, _ = encode_short(ids, np.array([0, len(ids)]))
        if len(data) * 3 < len(stored) * 2:
            return _SHORT + data
    return stored


def encode_short(ids: Ids, starts: npt.NDArray[np.int64]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Differences of many lists at once, without the leading 0x00 of each.

    ``ids`` is all lists behind one another, ``starts`` where each begins and, last, their total length. Returns the
    bytes and, for each of ``starts``, where it is in them.
    """
    if not len(ids):
        return b"", np.zeros(len(starts), np.int64)
    gaps = np.diff(ids, prepend=np.uint32(0)).astype(np.uint32)
    heads = starts[:-1][np.diff(starts) > 0]
    gaps[heads] = ids[heads]
    lengths = np.ones(len(gaps), np.uint8)
    for bits in (7, 14, 21, 28):
        lengths += gaps >= np.uint32(1 << bits)
    ends = np.cumsum(lengths, dtype=np.int64)
    out = np.empty(int(ends[-1]), np.uint8)
    out[ends - 1] = gaps & 127
    for step in range(1, 5):
        longer = np.flatnonzero(lengths > step)
        if not len(longer):
            break
        out[ends[longer] - 1 - step] = (gaps[longer] >> np.uint32(7 * step)) & 127 | 128
    return out.tobytes(), np.concatenate(([0], ends))[starts]


def decode(stored: bytes) -> Any:
    """The bitmap of one stored list."""
    if stored[0]:
        return BitMap.deserialize(stored)
    if len(stored) > _BY_HAND:
        return bitmap(decode_ids(stored))
    ids, last, number = [], 0, 0
    for byte in stored[1:]:
        number = number << 7 | byte & 127
        if byte < 128:
            last += number
            ids.append(last)
            number = 0
    return BitMap(ids)


def decode_ids(stored: bytes) -> Ids:
    """The row numbers of one stored list, ascending."""
    if stored[0]:
        return np.frombuffer(BitMap.deserialize(stored).to_array(), np.uint32)
    data = np.frombuffer(stored, np.uint8)
    return _sums(data).take(np.flatnonzero(data < 128)[1:])


def decode_together(stored: Sequence[bytes]) -> Any:
    """The union of many short lists, each without its leading 0x00, decoded in one go."""
    if not stored:
        return BitMap()
    data = np.frombuffer(b"\0" + b"\0".join(stored), np.uint8)
    sums = _sums(data)
    sizes = np.fromiter(map(len, stored), np.int64, len(stored)) + 1
    heads = np.cumsum(sizes) - sizes  # the 0x00 of each list: what the lists before it sum up to is to be taken off
    ends = data < 128
    counts = np.add.reduceat(ends, heads, dtype=np.int64) - 1
    ends[heads] = False
    ids = sums.take(np.flatnonzero(ends))
    ids -= np.repeat(sums.take(heads), counts)
    ids.sort()
    return bitmap(ids)


def _sums(data: npt.NDArray[np.uint8]) -> Ids:
    """What the base-128 numbers up to each byte sum up to, modulo 2^32; right at the last byte of each number."""
    more = data >> 7
    numbers = (data & 127).astype(np.uint32)
    shifts, run = more * np.uint8(7), more
    while len(run := run[:-1] & more[len(more) - len(run) + 1 :]) and run.any():
        shifts[: len(run)] += run * np.uint8(7)
    numbers <<= shifts
    return np.cumsum(numbers, out=numbers)

"""Bencode (BEP 3), strictly: each value has one way to be written, and nothing else is read.

Whatever is read here and written again has the same bytes, so an infohash can be taken from either.
"""

from __future__ import annotations

from typing import TypeAlias

Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"

#: Values inside values; metainfo of a folder eleven deep needs a dozen and two.
DEEPEST = 100
#: Values in lists and dictionaries: a hybrid torrent of a hundred thousand files. Small ones take up many times
#: their bytes in memory, so their number is what bounds it.
MOST_VALUES = 2_000_000
_LONGEST_NUMBER = 20  # digits and sign: 64 bits


class NotBencode(ValueError):
    """The bytes are not canonical bencode; the message says what is wrong and at which byte."""


def encode(value: Value) -> bytes:
    """The value as bencode; keys of dictionaries are put in order."""
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def decode(data: bytes, *, deepest: int = DEEPEST, ordered: bool = True) -> Value:
    """The one value that the bytes are. Raises NotBencode.

    Refused are numbers with leading zeros or beyond 64 bits, keys out of order or twice, values nested more than
    ``deepest`` times, more than :data:`MOST_VALUES` of them, and anything behind the value. Keys may stand in any
    order where it need not be ``ordered``: some trackers put them as they come, and no infohash is taken of that.
    """
    value, end = _Reading(data, ordered=ordered).value(0, deepest)
    if end != len(data):
        raise NotBencode(f"{len(data) - end} bytes follow the value at byte {end}")
    return value


def _write(value: Value, parts: list[bytes]) -> None:
    if isinstance(value, bytes):
        parts.append(b"%d:%b" % (len(value), value))
    elif isinstance(value, int):
        parts.append(b"i%de" % value)
    elif isinstance(value, list):
        parts.append(b"l")
        for one in value:
            _write(one, parts)
        parts.append(b"e")
    else:
        parts.append(b"d")
        for key in sorted(value):
            parts.append(b"%d:%b" % (len(key), key))
            _write(value[key], parts)
        parts.append(b"e")


class _Reading:
    """Bytes being read, and how many more values there may be."""

    def __init__(self, data: bytes, *, ordered: bool) -> None:
        self._data = data
        self._ordered = ordered
        self._left = MOST_VALUES

    def value(self, at: int, deepest: int) -> tuple[Value, int]:
        data = self._data
        head = data[at : at + 1]
        if head.isdigit():
            return _string(data, at)
        if head == b"i":
            return _number(data, at + 1, b"e")
        if deepest < 1 and head in (b"l", b"d"):
            raise NotBencode(f"values are nested too deeply at byte {at}")
        if head == b"l":
            return self._list(at + 1, deepest - 1)
        if head == b"d":
            return self._dictionary(at + 1, deepest - 1)
        raise NotBencode(f"no value begins at byte {at}" if head else "it ends in the middle of a value")

    def _list(self, at: int, deepest: int) -> tuple[Value, int]:
        data, found = self._data, list[Value]()
        while data[at : at + 1] != b"e":
            self._left -= 1
            if self._left < 0:
                raise _too_many(at)
            value, at = self.value(at, deepest)
            found.append(value)
        return found, at + 1

    def _dictionary(self, at: int, deepest: int) -> tuple[Value, int]:
        data, found = self._data, dict[bytes, Value]()
        last: bytes | None = None
        while data[at : at + 1] != b"e":
            self._left -= 1
            if self._left < 0:
                raise _too_many(at)
            key, after = _string(data, at)
            if key in found or (self._ordered and last is not None and key < last):
                problem = "there twice" if key in found else "out of order"
                raise NotBencode(f"the key {key[:40]!r} at byte {at} is {problem}")
            found[key], at = self.value(after, deepest)
            last = key
        return found, at + 1


def _too_many(at: int) -> NotBencode:
    return NotBencode(f"there are more than {MOST_VALUES:,} values, at byte {at}")


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    if not data[at : at + 1].isdigit():
        raise NotBencode(f"no string begins at byte {at}")
    length, start = _number(data, at, b":")
    if start + length > len(data):
        raise NotBencode(f"the string at byte {at} is longer than what is left")
    return data[start : start + length], start + length


def _number(data: bytes, at: int, until: bytes) -> tuple[int, int]:
    end = data.find(until, at, at + _LONGEST_NUMBER + 1)
    digits = data[at:end] if end > at else b""
    plain = digits.removeprefix(b"-")
    if not (plain.isdigit() and (plain[:1] != b"0" or digits == b"0")):
        raise NotBencode(f"no number stands at byte {at}")
    number = int(digits)
    if not -(2**63) <= number < 2**63:
        raise NotBencode(f"the number at byte {at} is beyond 64 bits")
    return number, end + 1

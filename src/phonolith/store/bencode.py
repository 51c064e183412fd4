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
_SHORT = 16  # bytes in which a number that is read where it stands ends, with what ends it
_NOUGHT = ord("0")
_LENGTHS = {b"%d:" % length: length for length in range(512)}  # how short texts begin


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
    _check_end(data, end)
    return value


def decode_parts(data: bytes) -> tuple[Value, dict[bytes, bytes]]:
    """The value that the bytes are, as :func:`decode` reads it, and of a dictionary its values as they stand.

    What is read strictly has one way to be written, so those are what :func:`encode` would give; numbers are left out.
    Raises NotBencode.
    """
    parts = dict[bytes, bytes]()
    if data[:1] != b"d":
        return decode(data), parts
    found, end = _Reading(data, ordered=True).dictionary(1, DEEPEST - 1, parts)
    _check_end(data, end)
    return found, parts


def _check_end(data: bytes, end: int) -> None:
    if end != len(data):
        raise NotBencode(f"{len(data) - end} bytes follow the value at byte {end}")


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
    """Bytes being read, and how many more values there may be.

    A torrent of ten thousand files has some hundred thousand values. What nearly all of them are, a short text or a
    number above nothing, is read where it stands; all else, and whatever is wrong, goes to :func:`_string` and
    :func:`_number`.
    """

    def __init__(self, data: bytes, *, ordered: bool) -> None:
        self._data = data
        self._ordered = ordered
        self._left = MOST_VALUES

    def value(self, at: int, deepest: int) -> tuple[Value, int]:
        data = self._data
        head = data[at : at + 1]
        if head == b"d" and deepest:
            return self.dictionary(at + 1, deepest - 1)
        if head == b"l" and deepest:
            return self._list(at + 1, deepest - 1)
        if head.isdigit():
            return _string(data, at)
        if head == b"i":
            return _number(data, at + 1, b"e")
        if head in (b"l", b"d"):
            raise NotBencode(f"values are nested too deeply at byte {at}")
        raise NotBencode(f"no value begins at byte {at}" if head else "it ends in the middle of a value")

    def _list(self, at: int, deepest: int) -> tuple[Value, int]:
        data, size, find, lengths = self._data, len(self._data), self._data.find, _LENGTHS
        found = list[Value]()
        while data[at : at + 1] != b"e":
            self._left -= 1
            if self._left < 0:
                raise _too_many(at)
            start = find(b":", at, at + _SHORT) + 1
            length = lengths.get(data[at:start])
            if length is not None and start + length <= size:
                at = start + length
                found.append(data[start:at])
            else:
                value, at = self.value(at, deepest)
                found.append(value)
        return found, at + 1

    def dictionary(
        self, at: int, deepest: int, spans: dict[bytes, bytes] | None = None
    ) -> tuple[dict[bytes, Value], int]:
        """The dictionary whose keys begin at ``at``, and where it ends; ``spans`` takes its values as they stand."""
        data, size, find, lengths = self._data, len(self._data), self._data.find, _LENGTHS
        found = dict[bytes, Value]()
        last: bytes | None = None
        while data[at : at + 1] != b"e":
            self._left -= 1
            if self._left < 0:
                raise _too_many(at)
            start = find(b":", at, at + _SHORT) + 1
            length = lengths.get(data[at:start])
            if length is not None and start + length <= size:
                after = start + length
                key = data[start:after]
            else:
                key, after = _string(data, at)
            if key in found or (self._ordered and last is not None and key < last):
                problem = "there twice" if key in found else "out of order"
                raise NotBencode(f"the key {key[:40]!r} at byte {at} is {problem}")
            last = key
            if data[after : after + 1] == b"i":
                end = find(b"e", after, after + _SHORT)
                digits = data[after + 1 : end]
                if end > 0 and digits.isdigit() and digits[0] != _NOUGHT:
                    found[key], at = int(digits), end + 1
                else:
                    found[key], at = _number(data, after + 1, b"e")
                continue
            start = find(b":", after, after + _SHORT) + 1
            length = lengths.get(data[after:start])
            if length is not None and start + length <= size:
                at = start + length
                found[key] = data[start:at]
            else:
                found[key], at = self.value(after, deepest)
            if spans is not None:
                spans[key] = data[after:at]
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

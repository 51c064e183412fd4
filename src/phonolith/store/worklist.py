"""The work list: a plan written out, one item a line, in the order in which it is to be fetched.

JSON lines in UTF-8. The first line says what the list is (:class:`Head`), each further one is an item (:class:`Line`),
and the last one counts them and has the SHA-256 of all lines before it (:class:`End`). Writers and readers stream; a
list that was cut, changed or mixed up is refused before anything is done by it. docs/reference/plan.md has the format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import msgspec

from phonolith.errors import BadInput
from phonolith.store.files import atomic_write, printable, storage_errors

FORMAT = "phonolith work list 1"

#: The longest line that is read, in bytes: an address has a few hundred.
LONGEST = 1 << 16

ORIGINAL, ACCESS, COPY = "original", "access", "copy"

T = TypeVar("T")


class Head(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the list is: for which budget (bytes) and target it was made, when, out of which catalogue.

    ``listens`` and ``rarity`` are the sums that shares are of, ``weight`` is that of listens in the score.
    """

    format: str
    made: str
    as_of: str
    register_head: int
    target: str
    budget: int
    weight: float
    listens: float
    rarity: float


class Line(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"source": "from"}):
    """One item: the ``id`` of its track, the source it is from, the address to ask, the tier, and why it is here.

    ``tier``: ``original``, ``access`` (fetched, and only a re-encoded copy kept) or ``copy`` (a copy of what is held:
    no ``address``, and made by ``derive``). ``bytes`` are predicted: low, expected, high. ``ms`` is the duration that
    was reckoned with, ``kind`` what the prediction rests on. ``score`` is value per byte, ``listens`` and ``rarity``
    are the item's shares.
    """

    n: int
    id: str
    source: str
    address: str
    tier: Literal["original", "access", "copy"]
    bytes: tuple[int, int, int]
    ms: int
    kind: str
    score: float
    listens: float
    rarity: float


class End(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The last line: how many items there are, how many bytes they are predicted to have (low, expected, high), and
    the SHA-256, in hexadecimal, of every byte before this line."""

    items: int
    bytes: tuple[int, int, int]
    sha256: str


def write(path: Path, head: Head, lines: Iterable[Line], total: Callable[[], tuple[int, int, int]]) -> End:
    """Write a list, whole or not at all. ``total`` is asked when all lines are written. Raises StorageError."""
    ended: list[End] = []

    def content(file: BinaryIO) -> None:
        digest, encoder, count = hashlib.sha256(), msgspec.json.Encoder(), 0
        buffer = bytearray(encoder.encode(head) + b"\n")
        for line in lines:
            encoder.encode_into(line, buffer, len(buffer))
            buffer += b"\n"
            count += 1
            if len(buffer) > 1 << 20:
                digest.update(buffer)
                file.write(buffer)
                buffer.clear()
        digest.update(buffer)
        file.write(buffer)
        ended.append(End(count, total(), digest.hexdigest()))
        file.write(encoder.encode(ended[0]) + b"\n")

    atomic_write(path, content)
    return ended[0]


def check(path: Path) -> tuple[Head, End]:
    """Read a list to its end. Raises BadInput where it is none or is not whole, StorageError."""
    digest, count, end = hashlib.sha256(), -1, b""
    for row in _rows(path):
        if end:
            digest.update(end)
            count += 1
        end = row
    head, ended = read_head(path), _decode(path, end, End)
    if ended.items != count or ended.sha256 != digest.hexdigest():
        raise BadInput(printable(path), "is not whole, or was changed", "Make it again: phonolith plan --budget SIZE")
    return head, ended


def read_head(path: Path) -> Head:
    """What a list is. Raises BadInput, StorageError."""
    head = _decode(path, next(_rows(path), b""), Head)
    if head.format != FORMAT:
        raise BadInput(printable(path), f"has the unknown format {head.format!r}", "Make it again with this program")
    return head


def lines(path: Path) -> Iterator[Line]:
    """The items of a list that :func:`check` found whole, in order. Raises BadInput, StorageError."""
    decoder, last = msgspec.json.Decoder(Line), b""
    for number, row in enumerate(_rows(path)):
        if number > 1:
            yield _line(path, decoder, last, number)
        last = row


def _line(path: Path, decoder: msgspec.json.Decoder[Line], row: bytes, number: int) -> Line:
    try:
        line = decoder.decode(row)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _strange(path, f"line {number}: {error}") from error
    if line.tier != COPY and not line.address.startswith(("http://", "https://")):
        raise _strange(path, f"line {number}: {line.address[:80]!r} is no address to fetch from")
    return line


def _decode(path: Path, row: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(row, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _strange(path, str(error)) from error


def _rows(path: Path) -> Iterator[bytes]:
    with storage_errors(path), path.open("rb") as file:
        while row := file.readline(LONGEST + 1):
            if len(row) > LONGEST or not row.endswith(b"\n"):
                raise _strange(path, "a line of it is too long, or has no end")
            yield row


def _strange(path: Path, problem: str) -> BadInput:
    return BadInput(printable(path), f"is no work list: {problem}", "Make one: phonolith plan --budget SIZE")

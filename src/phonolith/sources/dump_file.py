"""Reads a dump, a packed tar of files with one document a line, in parts that a later run can go on behind."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from phonolith.errors import BadInput
from phonolith.sources.text import visible
from phonolith.store.files import storage_errors
from phonolith.store.packed import unpacked

#: Lines, or bytes of them, that come as one part. They are in memory together, and stored together.
PART_LINES = 20_000
PART_BYTES = 8 << 20
#: Bytes a line may have.
LONGEST_LINE = 64 << 20
_SMALL = 1 << 20  # bytes that are read of a member that is not read by lines
_BLOCK = 512
_WITHOUT_DATA = (
    *(tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE),
    *(tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE),
)
_PAX = re.compile(rb"(\d{1,8}) (path|size)=([^\n]*)\n")


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on in the unpacked tar: at byte ``offset``, in the member called ``member`` (a header, if "").

    The member ends at byte ``end``; ``line`` lines of it lie before ``offset``.
    """

    offset: int = 0
    end: int = 0
    line: int = 0
    member: str = ""

    def __str__(self) -> str:
        return f"{self.offset} {self.end} {self.line} {self.member}"

    @classmethod
    def read(cls, text: str) -> Place:
        """What ``str`` made; the beginning for ""."""
        if not text:
            return cls()
        offset, end, line, member = text.split(" ", 3)
        return cls(int(offset), int(end), int(line), member)


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of a member, the first of which is number ``first`` from 1, and where to go on after them.

    A member that is not read by lines comes whole, as one line, cut after a megabyte.
    """

    member: str
    first: int
    lines: tuple[bytes, ...]
    place: Place


def parts(path: Path, by_lines: Callable[[str], bool], place: Place | None = None) -> Iterator[Part]:
    """The parts of a tar from ``place`` on; members for which ``by_lines`` says so are read line by line.

    The tar may be packed (.xz, .zst) or not. Empty lines count, and the last line need not end. Raises BadInput (no
    tar, cut, damaged, a line without end), StorageError.
    """
    place = place or Place()
    stream = _Stream(unpacked(path, place.offset), place.offset, visible(path.name))
    if place.member:
        yield from _lines(stream, place)
    while (found := _next_member(stream)) is not None:
        name, size = found
        place = Place(stream.at, stream.at + size, 0, name)
        if by_lines(name):
            yield from _lines(stream, place)
        else:
            content = stream.read(min(size, _SMALL))
            stream.skip(place.end - stream.at)
            yield Part(name, 1, (content,), Place(_whole_blocks(place.end)))
            stream.skip(_whole_blocks(place.end) - place.end)


def members(path: Path, folder: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Path]]:
    """The members of a tar that are wanted, each as a file in ``folder`` until the next is asked for.

    For what has to be read from its end, like Parquet. Raises as :func:`parts`.
    """
    stream = _Stream(unpacked(path), 0, visible(path.name))
    while (found := _next_member(stream)) is not None:
        name, size = found
        end = stream.at + size
        if wanted(name):
            target = folder / f"member{Path(name).suffix}"
            with storage_errors(target), target.open("wb") as file:
                while stream.at < end:
                    file.write(stream.read(min(end - stream.at, _SMALL)))
            yield name, target
        stream.skip(end - stream.at + _whole_blocks(size) - size)


class _Stream:
    """Bytes that come in pieces; ``at`` is where in the unpacked tar the next one is."""

    def __init__(self, pieces: Iterator[bytes], at: int, name: str) -> None:
        self._pieces = pieces
        self._rest = b""
        self.at = at
        self.name = name

    def some(self, most: int) -> bytes:
        """One to ``most`` bytes; none at the end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        found, self._rest = self._rest[:most], self._rest[most:]
        self.at += len(found)
        return found

    def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        found = []
        while count:
            piece = self.some(count)
            if not piece:
                raise BadInput(self.name, f"ends in the middle, after {self.at:,} unpacked bytes", "Fetch it again")
            found.append(piece)
            count -= len(piece)
        return b"".join(found)

    def skip(self, count: int) -> None:
        """Pass over so many bytes."""
        while count > 0:
            count -= len(self.read(min(count, _SMALL)))


def _lines(stream: _Stream, place: Place) -> Iterator[Part]:
    """What is left of a member, in parts."""
    batch = _Batch(place)
    while stream.at < place.end:
        piece = stream.some(place.end - stream.at)
        if not piece:
            raise BadInput(stream.name, f"ends in the middle of {visible(place.member)}", "Fetch it again")
        batch.add(piece)
        while batch.full:
            yield batch.take()
    batch.end()
    while batch.full:
        yield batch.take()
    yield batch.take(Place(_whole_blocks(place.end)))
    stream.skip(_whole_blocks(place.end) - place.end)


class _Batch:
    """Collects lines until they make a part."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lines: list[bytes] = []
        self._size = 0  # bytes of the lines
        self._open: list[bytes] = []  # pieces of a line whose end has not come
        self._open_size = 0

    def add(self, piece: bytes) -> None:
        """Cut a piece into lines. Raises BadInput where a line does not end."""
        first, *more = piece.split(b"\n")
        self._open.append(first)
        self._open_size += len(first)
        if self._open_size > LONGEST_LINE:
            problem = (
                f"has a line of more than {LONGEST_LINE:,} bytes, number {self._place.line + len(self._lines) + 1:,}"
            )
            raise BadInput(visible(self._place.member), problem, "Check the file")
        if more:
            self._lines += [b"".join(self._open), *more[:-1]]
            self._size += self._open_size + sum(map(len, more[:-1]))
            self._open, self._open_size = [more[-1]], len(more[-1])

    def end(self) -> None:
        """The last line has no end of its own."""
        if self._open_size:
            self._lines.append(b"".join(self._open))
            self._open, self._open_size = [], 0

    @property
    def full(self) -> bool:
        """Whether what is there makes a part."""
        return len(self._lines) >= PART_LINES or self._size >= PART_BYTES

    def take(self, after: Place | None = None) -> Part:
        """A part of the lines that are there; ``after`` says where to go on, where the member is at its end."""
        taken, self._lines = self._lines[:PART_LINES], self._lines[PART_LINES:]
        before, size = self._place, sum(map(len, taken))
        self._size -= size
        offset = min(before.end, before.offset + size + len(taken))
        self._place = Place(offset, before.end, before.line + len(taken), before.member)
        return Part(before.member, before.line + 1, tuple(taken), after or self._place)


def _next_member(stream: _Stream) -> tuple[str, int] | None:
    """Name and size of the next file, None at the end. Headers of other kinds are read for names and sizes."""
    name, size = "", -1
    while True:
        header = stream.read(_BLOCK)
        if not header.strip(b"\0"):
            return None
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise BadInput(stream.name, f"is no tar: {error}", "Check the file") from error
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            content = _content(stream, info.size)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                name = content.rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif info.type == tarfile.XHDTYPE:
                name, size = _pax(content, name, size)
        elif info.isreg() and info.type != tarfile.GNUTYPE_SPARSE:
            return name or info.name, info.size if size < 0 else size
        else:
            stream.skip(0 if info.type in _WITHOUT_DATA else _whole_blocks(info.size))
            name, size = "", -1


def _content(stream: _Stream, size: int) -> bytes:
    if size > _SMALL:
        raise BadInput(stream.name, f"has a header of {size:,} bytes", "Check the file")
    return stream.read(_whole_blocks(size))[:size]


def _pax(content: bytes, name: str, size: int) -> tuple[str, int]:
    """Name and size that an extended header states (POSIX.1-2001, pax)."""
    for _, key, value in _PAX.findall(content):
        if key == b"path":
            name = value.decode("utf-8", "surrogateescape")
        elif value.isdigit() and len(value) < 16:
            size = int(value)
    return name, size


def _whole_blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK

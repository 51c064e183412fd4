"""Segments: sealed runs of record lines, and work units that read them in parallel."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from phonolith.errors import Damaged
from phonolith.model.record import Record
from phonolith.store.database import database_errors, fetch, open_ro
from phonolith.store.files import make_folders, printable, publish, storage_errors, temporary
from phonolith.store.lines import Line, decode_lines, record_of, records_of
from phonolith.store.objects import ObjectStore
from phonolith.store.seekable import Frame, FrameWriter, frames_of, open_frames, read_frame
from phonolith.store.volumes import Volume

FRAME_BYTES = 1024 * 1024
_LOT = 256  # records that are handed out together: enough to look at columns, few enough to stay in cache
LEVEL = 3  # levels 5 to 9 take 2 to 4 times as long for 1 to 15 % less (measured on real records)


@dataclass(frozen=True, slots=True)
class Segment:
    """A row of table ``segment``: ``size`` is unpacked bytes, ``frames`` the lines in each frame."""

    path: Path
    number: int
    first: int
    lines: int
    size: int
    sha256: bytes
    frames: tuple[int, ...]


def segment_path(folder: Path, source: str, number: int) -> Path:
    """Where a segment lies. The source's name is percent-encoded where it could not be a folder's name."""
    name = quote(source, safe=" ()[]{}!@+=,;'~").replace(".", "%2E") or "%"
    return folder / name / f"{number:06d}.jsonl.zst"


def write_segment(path: Path, number: int, first: int, lines: Iterable[bytes]) -> Segment:
    """Write lines as a segment, durable on return. Raises StorageError; then nothing is left behind."""
    with storage_errors(path):
        make_folders(path.parent)
        with temporary(path.parent) as (draft, file):
            counts, total = _write_frames(file, lines)
            file.flush()
            digest = _digest_of(draft)
            publish(draft, file, path)
    return Segment(path, number, first, sum(counts), total, digest, tuple(counts))


def pack_frames(counts: Iterable[int]) -> bytes:
    """Lines in each frame as the column ``frames`` holds them."""
    return b"".join(count.to_bytes(4, "little") for count in counts)


def unpack_frames(data: bytes) -> tuple[int, ...]:
    """The inverse of :func:`pack_frames`."""
    counts = array("I", data)
    if sys.byteorder == "big":
        counts.byteswap()
    return tuple(counts)


@dataclass(frozen=True, slots=True)
class SealedPart:
    """One frame of a segment; ``past`` are the places of lines in it that are not current."""

    path: Path
    frame: Frame
    past: tuple[int, ...]

    @property
    def weight(self) -> int:
        """Unpacked bytes, the measure by which work is shared out."""
        return self.frame.unpacked

    def lines(self, file: BinaryIO) -> list[Line]:
        """Its current lines."""
        lines = decode_lines(read_frame(self.path, file, self.frame))
        if not self.past:
            return lines
        past = set(self.past)
        return [line for at, line in enumerate(lines) if at not in past]


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A run of lines that were in the open part when the work was shared out, and may since have been sealed."""

    database: Path
    source: str
    first: int
    last: int
    past: tuple[int, ...]
    weight: int

    def lines(self) -> Iterator[Line]:
        """Its current lines."""
        past = set(self.past)
        for number, line in read_run(self.database, self.source, self.first, self.last):
            if number not in past:
                yield line


@dataclass(frozen=True, slots=True)
class Shard:
    """A picklable share of the current records; iterating it reads them, one frame at a time."""

    parts: tuple[SealedPart | OpenPart, ...]
    ledger: Path
    volumes: tuple[Volume, ...]

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[list[Record]]:
        """Its records in lots of up to 256, so that what is made of a lot stays in the processor's cache."""
        with ObjectReader(self.ledger, self.volumes) as fetch:
            for lines in self.lots():
                if any(line.object for line in lines):  # each of these is large
                    yield from ([record_of(line, fetch)] for line in lines)
                else:
                    yield records_of(lines, fetch)

    def lots(self) -> Iterator[list[Line]]:
        """Its lines in the same lots, without the objects that some of them name."""
        with ExitStack() as opened:
            path, file = None, None
            for part in self.parts:
                if isinstance(part, OpenPart):
                    found = part.lines()
                else:
                    if part.path != path or file is None:
                        opened.close()
                        path, file = part.path, opened.enter_context(open_frames(part.path))
                    found = iter(part.lines(file))
                yield from _lots(found)


def _lots(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while lot := list(islice(lines, _LOT)):
        yield lot


class ObjectReader:
    """Reads whole objects for lines whose payload is one; opens the store only when one comes."""

    def __init__(self, ledger: Path, volumes: tuple[Volume, ...]) -> None:
        self._where = (ledger, volumes)
        self._store: ObjectStore | None = None

    def __enter__(self) -> Callable[[str], bytes]:
        return self._read

    def __exit__(self, *_: object) -> None:
        if self._store is not None:
            self._store.close()

    def _read(self, sha256: str) -> bytes:
        if self._store is None:
            self._store = ObjectStore(*self._where, readonly=True)
        with self._store.open(sha256) as file:
            return file.read()


def sealed_parts(segment: Segment, past: Iterable[int]) -> list[SealedPart]:
    """A segment as one part for each frame. ``past`` are numbers of lines in it, ascending."""
    frames = frames_of(segment.path)
    if len(frames) != len(segment.frames):
        raise Damaged(
            printable(segment.path), "it has not as many frames as when it was sealed", "Restore it from a backup"
        )
    parts, start = [], segment.first
    waiting = iter(past)
    number = next(waiting, None)
    for frame, count in zip(frames, segment.frames, strict=True):
        within = []
        while number is not None and number < start + count:
            within.append(number - start)
            number = next(waiting, None)
        if len(within) < count:
            parts.append(SealedPart(segment.path, frame, tuple(within)))
        start += count
    return parts


def read_run(database: Path, source: str, first: int, last: int) -> Iterator[tuple[int, Line]]:
    """Lines ``first`` to ``last`` of a source, sealed or not, each with its number, as one consistent snapshot."""
    db = open_ro(database)
    try:
        with database_errors(database):
            db.execute("BEGIN")
            bounds = {"source": source, "first": first, "last": last}
            rows = fetch(
                db,
                "SELECT g.number, g.first, g.lines, g.bytes, g.sha256, g.frames FROM segment g JOIN source s"
                " ON s.id = g.source WHERE s.name = :source AND g.first <= :last AND g.first + g.lines > :first"
                " ORDER BY g.number",
                bounds,
            )
            sql = (
                "SELECT o.line, o.text FROM open o JOIN source s ON s.id = o.source"
                " WHERE s.name = :source AND o.line BETWEEN :first AND :last ORDER BY o.line"
            )
            unsealed: Iterable[tuple[Any, Any]] = db.execute(sql, bounds)
            for number, start, count, size, sha256, frames in rows:
                path = segment_path(database.parent, source, number)
                segment = Segment(path, number, start, count, size, sha256, unpack_frames(frames))
                yield from ((at, line) for at, line in _numbered(segment) if first <= at <= last)
            for at, text in unsealed:
                yield at, decode_lines(text)[0]
    finally:
        db.close()


def _numbered(segment: Segment) -> Iterator[tuple[int, Line]]:
    at = segment.first
    with open_frames(segment.path) as file:
        for frame in frames_of(segment.path):
            for line in decode_lines(read_frame(segment.path, file, frame)):
                yield at, line
                at += 1


def _write_frames(file: BinaryIO, lines: Iterable[bytes]) -> tuple[list[int], int]:
    """Whole lines in each frame, so that a frame can be read by itself; returns lines in each and bytes in all."""
    writer = FrameWriter(file, LEVEL)
    counts: list[int] = []
    total, size, batch = 0, 0, []
    for line in lines:
        batch.append(line)
        size += len(line) + 1
        if size >= FRAME_BYTES:
            writer.write(b"\n".join(batch) + b"\n")
            counts.append(len(batch))
            total, size, batch = total + size, 0, []
    if batch:
        writer.write(b"\n".join(batch) + b"\n")
        counts.append(len(batch))
    writer.finish()
    return counts, total + size


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def reread(path: Path, number: int, first: int) -> tuple[Segment, list[bytes]]:
    """A segment's row and its lines from the file alone."""
    texts: list[bytes] = []
    counts: list[int] = []
    with open_frames(path) as file:
        for frame in frames_of(path):
            lines = read_frame(path, file, frame).split(b"\n")[:-1]
            texts += lines
            counts.append(len(lines))
    size = sum(map(len, texts)) + len(texts)
    return Segment(path, number, first, len(texts), size, _digest_of(path), tuple(counts)), texts


def source_of(path: Path) -> str:
    """The source whose lines a segment holds, by its first line."""
    with open_frames(path) as file:
        first = read_frame(path, file, frames_of(path)[0]).split(b"\n", 1)[0]
    return decode_lines(first)[0].source


def pick_lines(segment: Segment, wanted: list[int]) -> Iterator[tuple[int, Line]]:
    """Single lines of a segment by their numbers (ascending), each frame unpacked once."""
    with open_frames(segment.path) as file:
        start, at = segment.first, 0
        for frame, count in zip(frames_of(segment.path), segment.frames, strict=True):
            begin = at
            while at < len(wanted) and wanted[at] < start + count:
                at += 1
            if at > begin:
                texts = read_frame(segment.path, file, frame).split(b"\n")
                for line in wanted[begin:at]:
                    yield line, decode_lines(texts[line - start])[0]
            start += count

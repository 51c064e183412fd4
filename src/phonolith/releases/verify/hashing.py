"""Reads stretches of files once and compares every digest that is asked for on the way; several at once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from phonolith.releases.verify.copies import ALGORITHMS, Digest
from phonolith.releases.verify.listing import OPEN, Seen, seen
from phonolith.store.files import storage_error
from phonolith.store.passport import BLOCK, hash_blocks, merkle_root
from phonolith.store.workers import Abandoned, Stopped, Workers

#: What is read at a time: small enough for the cache of a processor, large enough that threads seldom meet.
CHUNK = 1 << 20
_BATCH_BYTES = 8 << 20  # what a thread takes at a time
_BATCH_JOBS = 128
_WORTH_PROCESSES = 0.5  # seconds of the interpreter's lock that threads would wait for; processes take that to start
_ZERO = bytes(32)
_of_thread = threading.local()
_HASHES = {one: getattr(hashlib, one) for one in ALGORITHMS}
_ZEROS = memoryview(bytes(CHUNK))


class Span(NamedTuple):
    """A stretch of a file, or of zeros where ``path`` is ""; ``file`` is the file as it was listed."""

    path: str
    file: Seen | None
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """Hashes of pieces that run over a job's bytes. ``width`` is the leaves a v2 piece is filled up to, 0 for SHA-1."""

    length: int
    hashes: bytes
    width: int = 0

    @property
    def digest_size(self) -> int:
        """Bytes of each hash."""
        return 32 if self.width else 20


class Job(NamedTuple):
    """Bytes to be read in order, and what they are compared with."""

    spans: tuple[Span, ...]
    digests: tuple[Digest, ...] = ()
    pieces: Pieces | None = None
    about: str = ""  # the expected file it is about, and
    first: int = 0  # the number of its first piece: for whoever asked

    @property
    def size(self) -> int:
        """Bytes to be read."""
        return sum([span.size for span in self.spans if span.file])

    def key(self) -> bytes:
        """SHA-256 over what would be read and compared: the same key is the same work with the same result."""
        read = [(*(span.file or ()), span.start, span.size) for span in self.spans]
        told = hashlib.sha256(f"{read}{[one[:2] for one in self.digests]}".encode())
        if self.pieces:
            told.update(repr((self.pieces.length, self.pieces.width)).encode() + self.pieces.hashes)
        return told.digest()


class Result(NamedTuple):
    """What came of a job: lists that say otherwise, numbers of bad pieces within it, or why it could not be read."""

    wrong: tuple[str, ...] = ()
    bad: tuple[int, ...] = ()
    error: str = ""
    at: str = ""  # the file that could not be read

    @property
    def sound(self) -> bool:
        """Whether all was read and is as it should be."""
        return not (self.wrong or self.bad or self.error)


class _Unread(Exception):
    """A file cannot be read."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem


def run_all(
    jobs: Sequence[Job], root: Path, threads: int, done: Callable[[Sequence[tuple[Job, bytes, Result]]], None]
) -> None:
    """Run jobs on threads, or on as many processes where that is faster.

    ``done`` is called in this thread with what is finished and its key, in no set order. Where it raises or a person
    stops it, reading ends within a chunk. Raises StorageError where a process was killed.
    """

    def taken(batch: list[Job], results: list[tuple[bytes, Result]]) -> None:
        done([(job, key, result) for job, (key, result) in zip(batch, results, strict=True)])

    with Workers(threads, "verify", processes=threads > 1 and _seconds_locked(jobs) > _WORTH_PROCESSES) as workers:
        workers.run(partial(_run_batch, str(root)), _batches(jobs), taken)


def _run_batch(root: str, batch: Sequence[Job], stopped: Stopped) -> list[tuple[bytes, Result]]:
    if not hasattr(_of_thread, "buffer"):
        _of_thread.buffer = memoryview(bytearray(CHUNK))
    return [(job.key(), run(job, root, _of_thread.buffer, stopped)) for job in batch]


def _seconds_locked(jobs: Iterable[Job]) -> float:
    """About how long threads would wait for the interpreter's lock: for a file's opening, and for each leaf of v2."""
    return sum([40e-6 + (job.size / BLOCK * 8e-6 if job.pieces and job.pieces.width else 0) for job in jobs])


def run(job: Job, root: Path | str, buffer: memoryview, stopped: Stopped = lambda: False) -> Result:
    """Read a job's bytes once. Never raises on what a disk or a file does: that is a result."""
    try:
        if job.pieces is None and len(job.spans) == 1 and job.spans[0].size <= CHUNK:
            return _run_small(job, job.spans[0], root, buffer)
        return _run(job, root, buffer, stopped)
    except _Unread as error:
        return Result(error=error.problem, at=error.path)


def _run(job: Job, root: Path | str, buffer: memoryview, stopped: Stopped) -> Result:
    hashes = [_HASHES[one.algorithm]() for one in job.digests]
    pieces = PieceCheck(job.pieces) if job.pieces else None
    for view in _read(job.spans, root, buffer):
        for one in hashes:
            one.update(view)
        if pieces:
            pieces.update(view)
        if stopped():
            raise Abandoned
    return Result(_wrong(job, hashes), pieces.finish() if pieces else ())


def _run_small(job: Job, span: Span, root: Path | str, buffer: memoryview) -> Result:
    """The same for a file that is read at once, with as few calls as can be: they are half of a small file's time."""
    view = buffer[: span.size]
    try:
        descriptor = _open(span.path, root)
        try:
            _unchanged(descriptor, span.path, span.file)
            _fill(view, descriptor, span.start, span.path)
            _unchanged(descriptor, span.path, span.file)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _Unread(span.path, storage_error("", error).problem) from error
    return Result(_wrong(job, [_HASHES[one.algorithm](view) for one in job.digests]))


def _wrong(job: Job, hashes: Sequence[Any]) -> tuple[str, ...]:
    """The lists that say otherwise."""
    pairs = zip(hashes, job.digests, strict=True)
    return tuple([one.by for digest, one in pairs if not _same(digest.hexdigest(), one.value)])


class PieceCheck:
    """Compares bytes that come in order with the hashes of pieces; remembers the numbers of those that differ."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._left = pieces.length
        self._number = 0
        self._bad: list[int] = []
        self._leaves: list[bytes] = []
        self._sha1 = hashlib.sha1(usedforsecurity=False)

    def update(self, view: memoryview) -> None:
        """Take the next bytes: for v2 whole blocks, but at the very end."""
        while view:
            part, view = view[: self._left], view[self._left :]
            if self._pieces.width:
                self._leaves += hash_blocks(part)
            else:
                self._sha1.update(part)
            self._left -= len(part)
            if not self._left:
                self._end()

    def finish(self) -> tuple[int, ...]:
        """The bad pieces, when all bytes came. Pieces that no byte came for are bad."""
        if self._left != self._pieces.length:
            self._end()
        count = len(self._pieces.hashes) // self._pieces.digest_size
        return (*self._bad, *range(self._number, count))

    def _end(self) -> None:
        size = self._pieces.digest_size
        if self._pieces.width:
            found = merkle_root(self._leaves, self._pieces.width, _ZERO)
            self._leaves = []
        else:
            found = self._sha1.digest()
            self._sha1 = hashlib.sha1(usedforsecurity=False)
        if not _same(found, self._pieces.hashes[self._number * size : (self._number + 1) * size]):
            self._bad.append(self._number)
        self._number += 1
        self._left = self._pieces.length


def width_of(size: int, piece_length: int) -> int:
    """Leaves that a piece of a file is filled up to: of a file of one piece only to a power of two (BEP 52)."""
    leaves = (piece_length if size > piece_length else max(size, 1)) + BLOCK - 1
    return int(1 << (leaves // BLOCK - 1).bit_length())


def _same(found: bytes | str, wanted: bytes | str) -> bool:
    """The one comparison all verdicts rest on."""
    return found == wanted


def _read(spans: Sequence[Span], root: Path | str, buffer: memoryview) -> Iterator[memoryview]:
    """The bytes of spans, in views of the buffer that are full but at a span's end."""
    for span in spans:
        if span.file is None:
            for at in range(0, span.size, CHUNK):
                yield _ZEROS[: min(CHUNK, span.size - at)]
        else:
            try:
                yield from _read_file(span, span.file, root, buffer)
            except OSError as error:
                raise _Unread(span.path, storage_error("", error).problem) from error


def _read_file(span: Span, file: Seen, root: Path | str, buffer: memoryview) -> Iterator[memoryview]:
    descriptor = _open(span.path, root)
    try:
        if span.size > CHUNK:
            os.posix_fadvise(descriptor, span.start, span.size, os.POSIX_FADV_SEQUENTIAL)
        _unchanged(descriptor, span.path, file)
        for at in range(span.start, span.start + span.size, CHUNK):
            view = buffer[: min(CHUNK, span.start + span.size - at)]
            _fill(view, descriptor, at, span.path)
            yield view
        _unchanged(descriptor, span.path, file)
    finally:
        os.close(descriptor)


def _fill(view: memoryview, descriptor: int, at: int, path: str) -> None:
    got = os.preadv(descriptor, [view], at)
    while got < len(view):
        count = os.preadv(descriptor, [view[got:]], at + got)
        if not count:
            raise _Unread(path, "became shorter while it was read")
        got += count


def _open(path: str, root: Path | str) -> int:
    return os.open(f"{root}/{path}", OPEN)  # a Path costs as much as hashing a small file


def _unchanged(descriptor: int, path: str, file: Seen | None) -> None:
    """Raise where it is another file than was listed, or no file at all, or is written to."""
    if seen(os.fstat(descriptor)) != file:
        raise _Unread(path, "was changed while it was being checked")


def _batches(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    batch: list[Job] = []
    size = 0
    for job in jobs:
        batch.append(job)
        size += job.size
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_JOBS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

"""Fixity of one file: whether its bytes, read from the disk and not from memory of it, still have their digest."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from phonolith.errors import Interrupted
from phonolith.store.files import storage_error
from phonolith.store.passport import Passport, Passporter
from phonolith.store.workers import Stopped

SOUND, DAMAGED, UNREADABLE, GONE = "sound", "damaged", "unreadable", "gone"

_CHUNK = 1024 * 1024
_TWICE = "two readings of it differ: suspect memory, cable or controller rather than the file"
_buffers = threading.local()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file has to be: its digest, its bytes (None: not known) and what its ledger row says of its pieces.

    ``passport`` is asked only where it is needed: for a file that differs, to say where, and if ``whole`` for every
    one, to compare all of the row. ``follow`` allows a symbolic link, which inside a volume is never right.
    """

    sha256: bytes
    size: int | None
    passport: Callable[[], Passport | None]
    whole: bool = False
    follow: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a file saw: ``result`` is sound, damaged, unreadable or gone, ``problem`` the sentence for it.

    ``read`` is bytes of the file; ``found`` the digest they have; ``pieces`` the numbers, from 0, of those pieces that
    are not what the ledger says; ``row`` the columns of the ledger that a sound file contradicts.
    """

    result: str
    problem: str = ""
    read: int = 0
    found: str = ""
    pieces: tuple[int, ...] = ()
    row: tuple[str, ...] = ()


class Pace:
    """How hard reading may press: a share of the time of each thread, in (0, 1]; and whether it has to stop.

    ``pause`` waits so many seconds; it is the stop event's own wait, so that a stop does not have to wait for it.
    ``elsewhere`` says whether another process wants it to stop.
    """

    def __init__(
        self,
        share: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
        elsewhere: Callable[[], bool] = lambda: False,
    ) -> None:
        self.share = share
        self._rest = 1 / share - 1
        self._elsewhere = elsewhere
        self._stop = threading.Event()
        self.clock = clock
        self._pause = pause or self._stop.wait

    def stop(self) -> None:
        """Have every reading end before its next chunk."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether it has to stop."""
        return self._stop.is_set() or self._elsewhere()

    def breathe(self, began: float) -> float:
        """Rest after work that began then; returns when the next begins. Raises Interrupted."""
        if self._rest:
            self._pause((self.clock() - began) * self._rest)
        if self.stopped:
            raise Interrupted("verify", "stopped", "Run it again to go on")
        return self.clock() if self._rest else began


class Reading(NamedTuple):
    """What was read: the digest and the bytes, with the passport where all of it was asked for."""

    sha256: bytes
    size: int
    passport: Passport | None = None


def look(path: str, expected: Expected, pace: Pace) -> Look:
    """Read the file and compare. A file is called damaged only after a second reading differs too.

    Raises Interrupted if the pace says stop; OSErrors are results.
    """
    first = read(path, expected.size, pace, whole=expected.whole, follow=expected.follow)
    return judged(path, expected, pace, first)


def judged(path: str, expected: Expected, pace: Pace, first: Reading | Look) -> Look:
    """What is to be said of a file after its first reading, wherever that was done. Raises as :func:`look` does."""
    if isinstance(first, Look):
        return first
    if _same(first.sha256, expected.sha256):
        return Look(SOUND, "", first.size, row=_contradicted(first.passport, expected))
    second = read(path, expected.size, pace, whole=True, follow=expected.follow)
    return second if isinstance(second, Look) else _differs(first, second, expected)


def read(path: str, size: int | None, pace: Pace, *, whole: bool = False, follow: bool = False) -> Reading | Look:
    """Read the file once, ``whole`` for its passport; a Look where that cannot be. Raises Interrupted."""
    try:
        return _read(path, size, pace, Passporter() if whole else None, follow=follow)
    except FileNotFoundError:
        return Look(GONE, "it is not there")
    except OSError as error:
        return Look(UNREADABLE, storage_error(path, error).problem)


class Order(NamedTuple):
    """A file for a worker process to read, by a number of whoever asks; the rest as :func:`read` takes it."""

    number: int
    path: str
    size: int | None
    whole: bool
    follow: bool


def read_batch(share: float, orders: Sequence[Order], stopped: Stopped) -> list[Reading | Look]:
    """In a worker process: read each file once, at this share of the time. Raises Interrupted."""
    pace = Pace(share, elsewhere=stopped)
    return [read(one.path, one.size, pace, whole=one.whole, follow=one.follow) for one in orders]


def _same(found: bytes, expected: bytes) -> bool:
    return found == expected


def _read(path: str, size: int | None, pace: Pace, passporter: Passporter | None, *, follow: bool) -> Reading | Look:
    """Digest or passport of the file's bytes; a Look where it need not be read. Nothing of it stays in memory."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            return Look(DAMAGED, "a symbolic link lies in its place")
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return Look(DAMAGED, "something that is not a file lies in its place")
        if size not in (None, found.st_size):
            return Look(DAMAGED, f"it has {found.st_size:,} bytes instead of {size:,}")
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # what is cached may be better than what is there
        try:
            return _digest(descriptor, pace, passporter)
        finally:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # nor does it crowd out what others need
    finally:
        os.close(descriptor)


def _digest(descriptor: int, pace: Pace, passporter: Passporter | None) -> Reading:
    if passporter is not None:
        for chunk in _chunks(descriptor, pace):
            passporter.update(chunk)
        passport = passporter.finish()
        return Reading(passport.sha256, passport.size, passport)
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(descriptor, pace):
        digest.update(chunk)
        size += len(chunk)
    return Reading(digest.digest(), size)


def _chunks(descriptor: int, pace: Pace) -> Iterator[memoryview]:
    """The file in chunks, which all are the thread's one buffer: small enough to be hashed out of the cache."""
    view: memoryview | None = getattr(_buffers, "view", None)
    if view is None:
        view = _buffers.view = memoryview(bytearray(_CHUNK))
    began = pace.clock()
    while count := os.readv(descriptor, [view]):
        yield view[:count]
        began = pace.breathe(began)


def _contradicted(passport: Passport | None, expected: Expected) -> tuple[str, ...]:
    """Names of those columns of the ledger's row that are not what the sound bytes give."""
    told = expected.passport() if passport is not None else None
    if told is None or passport is None:
        return ()
    return tuple(one.name for one in fields(Passport) if getattr(told, one.name) != getattr(passport, one.name))


def _differs(first: Reading, second: Reading, expected: Expected) -> Look:
    if first.sha256 != second.sha256:
        return Look(UNREADABLE, _TWICE, second.size)
    found, told = second.sha256.hex(), expected.passport()
    problem = f"its bytes have the digest {found} instead of {expected.sha256.hex()}"
    if told is None or second.passport is None:
        return Look(DAMAGED, problem, second.size, found)
    pieces = different_pieces(told, second.passport)
    return Look(DAMAGED, f"{problem}; {_where(pieces, told)}", second.size, found, pieces)


def different_pieces(told: Passport, found: Passport) -> tuple[int, ...]:
    """The numbers, from 0, of those pieces whose hash in the BEP 52 piece layer differs; the one piece of a small file.

    Both are of the same size. Empty where pieces agree although the digest does not: then the row contradicts itself.
    """
    one, other = told.layer or told.root, found.layer or found.root
    return tuple(at // 32 for at in range(0, len(one), 32) if one[at : at + 32] != other[at : at + 32])


def _where(pieces: tuple[int, ...], told: Passport) -> str:
    if not pieces:
        return "every piece is as it was, so the ledger's row contradicts itself"
    length = told.piece_length
    count = -(-told.size // length)
    first, last = pieces[0] * length, min((pieces[-1] + 1) * length, told.size)
    return f"{len(pieces):,} of {count:,} pieces of it differ, between byte {first:,} and byte {last:,}"

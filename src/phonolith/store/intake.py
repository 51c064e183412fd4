"""The ways in: how the bytes of a file come to lie under a temporary name of a volume, and their passport with them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import stat
from collections.abc import Sequence
from multiprocessing import parent_process
from pathlib import Path
from typing import BinaryIO, NamedTuple

from phonolith.errors import BadInput, NotFound, StorageError
from phonolith.store.files import printable, storage_error, storage_errors
from phonolith.store.passport import LARGE_PIECE, Passport, Passporter, passport_of, two_buffers
from phonolith.store.workers import Abandoned, Stopped

#: How a file may be adopted. ``auto`` is reflink where the file system can, else copy.
HOWS = ("auto", "reflink", "hardlink", "move", "copy", "reference")

_FICLONE = 0x40049409  # ioctl(2) FICLONE: share the extents of another file, Linux
_CHUNK = 4 * 1024 * 1024


class Errand(NamedTuple):
    """Bytes that wait to be read once: of the open ``file``, and into ``copy`` where one is wanted.

    ``path`` is where they come from, which errors name; ``sync`` the open file to make durable. ``before`` is the
    status of a file that has to keep its size meanwhile, and its modification time if it ``stays`` where it is.
    """

    path: Path
    file: BinaryIO
    sync: BinaryIO
    copy: BinaryIO | None = None
    before: os.stat_result | None = None
    stays: bool = False


def laid(path: Path, source: BinaryIO, how: str, draft: Path, file: BinaryIO) -> Errand:
    """Have the open source's bytes come under the name ``draft``, whose open file is ``file``. Raises StorageError."""
    if how in ("hardlink", "move") and _link(path, source, draft, strict=how == "hardlink"):
        return Errand(path, source, source, before=os.fstat(source.fileno()))
    if how in ("auto", "reflink") and _reflink(path, source, file, strict=how == "reflink"):
        return Errand(path, file, file)
    return Errand(path, source, file, copy=file)


def left(path: Path, source: BinaryIO) -> Errand:
    """Have a file read that stays where it is."""
    return Errand(path, source, source, before=os.fstat(source.fileno()), stays=True)


def run(errand: Errand) -> Passport:
    """Read, and copy where that is asked for. Raises BadInput (it changed while it was read), StorageError."""
    passport = _read(errand.path, errand.file, errand.copy)
    _unchanged(errand)
    return passport


class Fetched(NamedTuple):
    """What came of an errand that a worker ran: a passport, or what was refused and whether it was in writing."""

    passport: Passport | None = None
    error: OSError | None = None
    writing: bool = False


def can_be_sent() -> bool:
    """Whether another process can open what is open here (Linux)."""
    return Path("/proc/self/fd").is_dir()


def descriptors(errand: Errand) -> tuple[int, int]:
    """What a worker needs for an errand: descriptors of this process to read from and to copy into, -1 for none."""
    return errand.file.fileno(), -1 if errand.copy is None else errand.copy.fileno()


def fetch(orders: Sequence[tuple[int, int]], stopped: Stopped) -> list[Fetched]:
    """Read in a worker process what is open in the process that started it, each file hashed by this process alone."""
    parent = parent_process()
    assert parent is not None
    return [fetch_one(f"/proc/{parent.pid}/fd", *one, stopped) for one in orders]


def fetch_one(folder: str, file: int | str, copy: int | str, stopped: Stopped) -> Fetched:
    """Read a file of a folder, and write another if its name is not -1. OSErrors are results."""
    try:
        source = os.open(f"{folder}/{file}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if copy == -1:
                return _fetched(source, None, stopped)
            target = os.open(f"{folder}/{copy}", os.O_WRONLY | os.O_CLOEXEC)
            try:
                return _fetched(source, target, stopped)
            finally:
                os.close(target)
        finally:
            os.close(source)
    except OSError as error:
        return Fetched(None, error)


def brought(errand: Errand, fetched: Fetched) -> Passport:
    """The passport that a worker brought. Raises as :func:`run` does; an OSError where the copy was refused."""
    if fetched.error is not None:
        if fetched.writing:
            raise fetched.error
        raise storage_error(errand.path, fetched.error) from fetched.error
    assert fetched.passport is not None
    _unchanged(errand)
    return fetched.passport


def open_regular(path: Path) -> BinaryIO:
    """Open without blocking on pipes and devices; only regular files pass."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(printable(path), "the file is not there", "Check the path") from None
    except ValueError as error:
        raise BadInput(printable(path), f"it cannot be a path ({error})", "Check the path") from None
    except OSError as error:
        raise storage_error(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(printable(path), "it is not a regular file", "Name a file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _read(path: Path, source: BinaryIO, copy: BinaryIO | None) -> Passport:
    """One pass over the source: passport, and a copy where one is wanted. Errors name the file that has them."""
    passporter = Passporter()
    descriptor = source.fileno()
    offset = 0
    for view in itertools.cycle(two_buffers(_CHUNK)):
        with storage_errors(path):
            count = os.preadv(descriptor, [view], offset)
        if not count:
            break
        passporter.feed(view[:count])
        if copy is not None:
            _copy_out(copy, view[:count])
        offset += count
    if copy is not None:
        copy.flush()
    return passporter.finish()


def _copy_out(copy: BinaryIO, data: memoryview) -> None:
    copy.write(data)


def _fetched(source: int, target: int | None, stopped: Stopped) -> Fetched:
    """Piece by piece, in a buffer that stays in the processor's cache; a small file is hashed where it lies in it."""
    buffer = two_buffers(LARGE_PIECE)[0]
    passporter: Passporter | None = None
    while True:
        count = _fill(source, buffer)
        if target is not None:
            try:
                _write_out(target, buffer[:count])
            except OSError as error:
                return Fetched(None, error, writing=True)
        if count < len(buffer) and passporter is None:
            return Fetched(passport_of(buffer[:count]))
        passporter = passporter or Passporter()
        passporter.update(buffer[:count])
        if count < len(buffer):
            return Fetched(passporter.finish())
        if stopped():
            raise Abandoned


def _fill(descriptor: int, buffer: memoryview) -> int:
    """Fill the buffer unless the file ends before; returns how much there is."""
    total = 0
    while total < len(buffer) and (count := os.readv(descriptor, [buffer[total:]])):
        total += count
    return total


def _write_out(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _unchanged(errand: Errand) -> None:
    before, now = errand.before, os.fstat(errand.file.fileno())
    if before and (now.st_size != before.st_size or (errand.stays and now.st_mtime_ns != before.st_mtime_ns)):
        raise BadInput(printable(errand.path), "it changed while it was read", "Let its writer finish, then try again")


def _link(path: Path, source: BinaryIO, draft: Path, *, strict: bool) -> bool:
    """Give the file a second name in place of the draft. A move that cannot link falls back to copying."""
    second = draft.with_name(draft.name + ".link")
    try:
        os.link(os.path.realpath(path), second)
    except OSError as error:
        if not strict and error.errno in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            return False
        raise _refused(path, "hard link", error) from error
    with contextlib.suppress(OSError):  # as the draft was: so that a sweep leaves it alone
        fcntl.flock(source, fcntl.LOCK_SH | fcntl.LOCK_NB)
    second.rename(draft)
    if not os.path.samestat(draft.stat(), os.fstat(source.fileno())):
        raise BadInput(printable(path), "it was replaced while it was read", "Let its writer finish, then try again")
    return True


def _reflink(path: Path, source: BinaryIO, file: BinaryIO, *, strict: bool) -> bool:
    try:
        fcntl.ioctl(file.fileno(), _FICLONE, source.fileno())
    except OSError as error:
        if not strict and error.errno in (errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS):
            return False
        raise _refused(path, "reflink", error) from error
    return True


def _refused(path: Path, what: str, error: OSError) -> StorageError:
    if error.errno == errno.EXDEV:
        return StorageError(
            printable(path), f"no {what} is possible: it lies on another disk than the volume", "Choose --adopt copy"
        )
    if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EPERM, errno.ENOSYS):
        return StorageError(printable(path), f"this file system cannot make a {what}", "Choose --adopt copy")
    return storage_error(path, error)

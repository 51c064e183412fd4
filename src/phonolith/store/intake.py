"""The ways in: how the bytes of a file come to lie under a temporary name of a volume, and their passport with them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import stat
from pathlib import Path
from typing import BinaryIO

from phonolith.errors import BadInput, NotFound, StorageError
from phonolith.store.files import printable, storage_error, storage_errors
from phonolith.store.passport import Passport, Passporter, two_buffers

#: How a file may be adopted. ``auto`` is reflink where the file system can, else copy.
HOWS = ("auto", "reflink", "hardlink", "move", "copy", "reference")

_FICLONE = 0x40049409  # ioctl(2) FICLONE: share the extents of another file, Linux
_CHUNK = 4 * 1024 * 1024


def take(path: Path, source: BinaryIO, how: str, draft: Path, file: BinaryIO) -> tuple[Passport, BinaryIO]:
    """Bring the open source's bytes under the name ``draft``, whose open file is ``file``.

    Returns their passport and the open file to sync: the draft's, or the source's where it was linked. Raises BadInput
    (it changed while it was read), StorageError.
    """
    if how in ("hardlink", "move") and _link(path, source, draft, strict=how == "hardlink"):
        size = os.fstat(source.fileno()).st_size
        passport = _read(path, source, None)
        _same_file(path, source, size)
        return passport, source
    if how in ("auto", "reflink") and _reflink(path, source, file, strict=how == "reflink"):
        return _read(path, file, None), file
    return _read(path, source, file), file


def look_over(path: Path, source: BinaryIO) -> tuple[Passport, int]:
    """Passport and modification time (nanoseconds) of a file that stays where it is. Raises BadInput, StorageError."""
    before = os.fstat(source.fileno())
    passport = _read(path, source, None)
    _same_file(path, source, before.st_size, before.st_mtime_ns)
    return passport, before.st_mtime_ns


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


def _same_file(path: Path, source: BinaryIO, size: int, mtime_ns: int | None = None) -> None:
    now = os.fstat(source.fileno())
    if now.st_size != size or (mtime_ns is not None and now.st_mtime_ns != mtime_ns):
        raise BadInput(printable(path), "it changed while it was read", "Let its writer finish, then try again")


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

"""Files that are either wholly there or not there at all, and what the disk's refusals mean in words."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from phonolith.errors import StorageError

#: Temporary files carry this prefix and lie in the folder of the file they become.
TEMPORARY = ".incoming-"
#: Files that grow over several runs carry this one; beside each is what another run needs to go on.
PART = ".part-"

_CAUSES = {
    errno.ENOSPC: ("the disk is full", "Free some space or add a volume in phonolith.toml, then run the same again"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space or add a volume, then run the same again"),
    errno.EROFS: ("the disk is read-only", "Mount it writable, then run the same again"),
    errno.EACCES: ("permission denied", "Give this user access to it, or run as its owner"),
    errno.EPERM: ("the operation is not permitted", "Give this user access to it, or run as its owner"),
    errno.EIO: ("the disk failed to read or write", "Check the disk's health and restore the file from a mirror"),
    errno.EFBIG: ("the file is too large for this file system or limit", "Use another volume or raise the limit"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", "Shorten the name or the folder it is in"),
    errno.ENOENT: ("it is not there", "Check the path"),
    errno.ENOTDIR: ("part of the path is not a folder", "Check the path"),
    errno.EISDIR: ("it is a folder, not a file", "Name a file"),
    errno.EXDEV: ("it lies on another disk than the archive", "Choose copy, or a volume on the same disk"),
    errno.EMFILE: ("too many files are open", "Raise the limit of open files (ulimit -n)"),
    errno.ENFILE: ("too many files are open on this machine", "Close other programs"),
    errno.ELOOP: ("its symbolic links go in a circle", "Name the file itself"),
    errno.ESTALE: ("the network disk has gone away", "Mount it again"),
}


def storage_error(subject: str | Path, error: OSError) -> StorageError:
    """The ``StorageError`` that says in words what the operating system refused."""
    problem, remedy = _CAUSES.get(
        error.errno or 0, (error.strerror or str(error), "Check the disk and its permissions")
    )
    return StorageError(printable(subject), problem, remedy)


@contextlib.contextmanager
def storage_errors(subject: str | Path) -> Iterator[None]:
    """Turn every ``OSError`` inside into a ``StorageError`` about ``subject``."""
    try:
        yield
    except OSError as error:
        raise storage_error(subject, error) from error


def printable(path: str | Path) -> str:
    """A path as text that any terminal and any UTF-8 file can take: undecodable bytes and controls are escaped."""
    text = os.fspath(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def fsync_file(descriptor: int) -> None:
    """Wait until the file's bytes are on the disk."""
    os.fsync(descriptor)


def fsync_dir(folder: Path) -> None:
    """Wait until the folder's names are on the disk, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path, mode: int = 0o777) -> None:
    """Create the folder and those above it, each durable in its parent."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for child in reversed(missing):
        child.mkdir(mode=mode, exist_ok=True)
        fsync_dir(child.parent)


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in ``folder`` under a temporary name, unlinked again if it was not renamed away.

    It is flocked while open, so that :func:`sweep` can tell a crash's leftover from somebody's work in progress.
    """
    path, file = _create(folder)
    with file:
        try:
            yield path, file
        finally:
            path.unlink(missing_ok=True)


def atomic_write(path: Path, content: bytes | Callable[[BinaryIO], None], mode: int = 0o644) -> None:
    """Write the file so that a reader, or a power cut, finds all of it or none of it.

    ``content`` is the bytes, or a function that writes them to the open file. Order: temporary file in the same
    folder, write, fsync, rename, fsync of the folder. Raises StorageError; then nothing is left behind.
    """
    with storage_errors(path), temporary(path.parent) as (draft, file):
        os.fchmod(file.fileno(), mode)
        if callable(content):
            content(file)
        else:
            file.write(content)
        publish(draft, file, path)


def publish(draft: Path, file: BinaryIO, path: Path) -> None:
    """Make a finished temporary file durable under its final name."""
    file.flush()
    fsync_file(file.fileno())
    draft.rename(path)
    fsync_dir(path.parent)


def _create(folder: Path) -> tuple[Path, BinaryIO]:
    """A new locked file under a temporary name."""
    while True:
        path = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
        file = path.open("x+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return path, file
        file.close()  # between its making and its lock somebody else's sweep took it for a crash's leftover


def sweep(folder: Path) -> int:
    """Remove the temporary files that a crash left in the folder; returns how many.

    A file that a living process is still writing is locked by it and stays.
    """
    removed = 0
    for leftover in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError), leftover.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()
            removed += 1
    return removed

"""One lock per store: who works on it, told to everybody who would work on it too."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from phonolith.errors import Busy
from phonolith.model.moment import written
from phonolith.store.files import storage_errors

_open: set[int] = set()


def utc_now() -> str:
    """The time as Phonolith writes it: ISO 8601, UTC, whole seconds."""
    return written(datetime.now(UTC))


@contextlib.contextmanager
def store_lock(path: Path, *, what: str, clock: Callable[[], str] = utc_now) -> Iterator[None]:
    """Hold the lock file for the duration; raises Busy at once, naming its holder, if somebody else does.

    The kernel's flock is the lock: it ends with its process however that ends. The text inside only tells people who
    holds it, so a dead holder's stale text is simply overwritten.
    """
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "r+b", buffering=0) as file, _not_inherited(descriptor):
        with storage_errors(path):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _busy(path, file.read()) from None
            holder = {"pid": os.getpid(), "host": socket.gethostname(), "what": what, "since": clock()}
            file.truncate(0)
            os.pwrite(file.fileno(), json.dumps(holder).encode(), 0)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                file.truncate(0)


def holder(path: Path) -> str:
    """What is going on under the lock, as its holder says it; "" where that process does not live here any more.

    It looks and does not lock, so nobody who wants the lock in this moment is refused for it.
    """
    try:
        told = json.loads(path.read_bytes())
        if told["host"] == socket.gethostname():
            os.kill(told["pid"], 0)
        return str(told["what"])
    except PermissionError:  # it lives, as somebody else's
        return str(told["what"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


@contextlib.contextmanager
def _not_inherited(descriptor: int) -> Iterator[None]:
    """Forked workers give the lock's file up at once: else one that outlives its parent would go on holding it."""
    _open.add(descriptor)
    try:
        yield
    finally:
        _open.discard(descriptor)


def _give_up() -> None:
    # The number stays in use, so that the file object above, which the child has too, closes nothing else later.
    null = os.open(os.devnull, os.O_RDONLY)
    for descriptor in _open:
        os.dup2(null, descriptor, inheritable=False)
    os.close(null)
    _open.clear()


os.register_at_fork(after_in_child=_give_up)


def _busy(path: Path, text: bytes) -> Busy:
    try:
        holder = json.loads(text)
        who = "{what} (process {pid} on {host}) has held the lock since {since}".format(**holder)
    except (ValueError, KeyError, TypeError):  # its holder has the lock and has not written its name yet
        who = "another process has just taken the lock"
    return Busy(path.stem, who, "Wait for it to finish, or stop it; nothing is lost either way")

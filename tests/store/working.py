"""What workers are given to do in tests: functions of a module, so that a process that is started anew finds them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from phonolith.errors import StorageError
from phonolith.store.workers import Abandoned, Workers

DEADLINE = 60.0


def square(number: int, _: Callable[[], bool]) -> tuple[int, int]:
    """The square, and the process it was done in."""
    return number * number, os.getpid()


def refuse(number: int, _: Callable[[], bool]) -> int:
    """Raise, as work may."""
    raise ValueError(f"not {number}")


def die(number: int, _: Callable[[], bool]) -> int:
    """End as the kernel ends who takes too much memory."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def full_disk() -> StorageError:
    """What a full disk raises."""
    return StorageError("state", "the disk is full", "Free some space")


def until_stopped(place: Path, stopped: Callable[[], bool]) -> None:
    """Work until nobody waits for it, and say so."""
    (place / f"began-{os.getpid()}").touch()
    end = time.monotonic() + DEADLINE
    while not stopped():
        assert time.monotonic() < end, "nobody stopped it"
        time.sleep(0.001)
    (place / f"ended-{os.getpid()}").touch()
    raise Abandoned


def for_ever(place: Path, _: Callable[[], bool]) -> None:
    """Work that hears nothing."""
    (place / f"began-{os.getpid()}").touch()
    time.sleep(DEADLINE)


if __name__ == "__main__":  # a process that is to be killed while its workers are at it
    with Workers(2, "test", processes=True) as workers:
        workers.run(for_ever, [Path(sys.argv[1])] * 2, lambda *_: None)

"""Asks a limited child process to count in a stranger's file, with a deadline, and takes its word for nothing else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from phonolith.audit.counted import Answer, Check, Request
from phonolith.store.limited import ChildLost, ask_once

_COMMAND = (sys.executable, "-m", "phonolith.audit.counting")
_LARGEST_ANSWER = 1 << 20
_LEAST, _BYTES_A_SECOND = 8.0, 20_000_000  # a small file has these seconds, a large one more
_OTHER = "whoever counted in it answered something else than was asked"
CHANGED = "it changed while it was read, so it shows no one state: give a copy of it"
_A_SCAN = 2  # checks that cost as much again, where each reads the file for itself


def seconds_for(size: int, checks: int = 1) -> float:
    """How many seconds of processor time so many checks in a file of ``size`` bytes may take."""
    return _LEAST + size / _BYTES_A_SECOND * (1 + checks // _A_SCAN)


def ask(path: Path, checks: Sequence[Check], *, command: Sequence[str] = _COMMAND, seconds: float = 0.0) -> Answer:
    """What a child counted in the file. Never raises on what the file contains; ``problem`` says it.

    ``command`` starts the child (tests put their own); ``seconds`` is how much processor time it may take, 0 for what
    is right for the file's size.
    """
    try:
        before = state_of(path)
        seconds = seconds or seconds_for(path.stat().st_size, len(checks))
        request = msgspec.json.encode(Request(str(path.absolute()), tuple(checks), seconds))
        text = ask_once(command, request, seconds, largest=_LARGEST_ANSWER)
        if state_of(path) != before:
            return Answer(problem=CHANGED)
    except ChildLost as lost:
        return Answer(problem=f"whoever counted in it {lost}")
    except OSError as error:
        return Answer(problem=f"it cannot be opened: {error.strerror}")
    return _checked(text, len(checks))


def state_of(path: Path) -> tuple[int, ...]:
    """What tells that a file is the one it was, and unchanged since. Raises OSError."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _checked(text: bytes, count: int) -> Answer:
    """The answer, if it says what was asked."""
    try:
        answer = msgspec.json.decode(text, type=Answer)
    except msgspec.MsgspecError:
        return Answer(problem=_OTHER)
    if not answer.problem and len(answer.counted) != count:
        return Answer(problem=_OTHER)
    return answer

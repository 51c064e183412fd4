"""Asks a limited child process to count in a stranger's file, with a deadline, and takes its word for nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from phonolith.audit.counted import Answer, Check, Request

_COMMAND = (sys.executable, "-m", "phonolith.audit.counting")
_PACKAGES = str(Path(__file__).parents[2])
_LARGEST_ANSWER = 1 << 20
_LEAST, _BYTES_A_SECOND = 8.0, 20_000_000  # a small file has these seconds, a large one more


def seconds_for(size: int) -> float:
    """How long counting in a file of ``size`` bytes may take."""
    return _LEAST + size / _BYTES_A_SECOND


def ask(path: Path, checks: Sequence[Check], *, command: Sequence[str] = _COMMAND, seconds: float = 0.0) -> Answer:
    """What a child counted in the file. Never raises on what the file contains; ``problem`` says it.

    ``command`` starts the child (tests put their own); ``seconds`` is the deadline, 0 for one by the file's size.
    """
    try:
        seconds = seconds or seconds_for(path.stat().st_size)
    except OSError as error:
        return Answer(problem=f"it cannot be opened: {error.strerror}")
    request = msgspec.json.encode(Request(str(path.absolute()), tuple(checks), seconds))
    text, code = exchange(command, request, seconds, _LARGEST_ANSWER)
    return _checked(text, code, len(checks), seconds)


def exchange(command: Sequence[str], request: bytes, seconds: float, largest: int) -> tuple[bytes, int]:
    """What a child process answered to a request, as much as fits, and how it ended; it is killed when time is over."""
    paths = os.pathsep.join(filter(None, (_PACKAGES, os.environ.get("PYTHONPATH", ""))))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **threads, "PYTHONPATH": paths},
    ) as child:
        late = threading.Timer(seconds + 2, child.kill)
        late.start()
        try:
            text = _exchange(child, request, largest)
        finally:
            late.cancel()
            child.kill()
    return text, child.returncode


def _exchange(child: subprocess.Popen[bytes], request: bytes, largest: int) -> bytes:
    assert child.stdin is not None and child.stdout is not None
    try:
        child.stdin.write(request)
        child.stdin.close()
    except BrokenPipeError:
        return b""
    text = child.stdout.read(largest)
    if len(text) < largest:
        child.wait()
    return text


def _checked(text: bytes, code: int, count: int, seconds: float) -> Answer:
    """The answer, if it says what was asked."""
    try:
        answer = msgspec.json.decode(text, type=Answer)
    except msgspec.MsgspecError:
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        return Answer(problem=f"whoever counted in it gave no answer within {seconds:.0f} seconds ({ended})")
    if not answer.problem and len(answer.counted) != count:
        return Answer(problem="whoever counted in it answered something else than was asked")
    return answer

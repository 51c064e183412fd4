"""A child process that reads what a stranger made: it has limits, answers by messages, and is trusted in nothing.

Both sides are here. A message is four bytes of length, big-endian, and so many bytes. The child may take no more
memory and processor time than it is given and writes no file; whoever asks waits so long and no longer, and takes no
answer that is larger than any can be.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_PACKAGES = str(Path(__file__).parents[2])
#: One thread; and no hash of a text that a stranger can know.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "random"}
#: How many seconds a machine that has much else to do may take for one of processor time.
PATIENCE = 6.0


class ChildLost(Exception):
    """The child ended, was ended, or answers what cannot be; the text ends a sentence. ``late``: it took too long."""

    def __init__(self, problem: str, *, late: bool = False) -> None:
        super().__init__(problem)
        self.late = late


class Child:
    """One child, started when it is first asked, and again after it was lost; for one thread at a time.

    ``command`` starts it; an answer has ``largest`` bytes at most. ``asked`` is how often this one was asked so far.
    """

    def __init__(self, command: Sequence[str], *, largest: int) -> None:
        self._command, self._largest = command, largest
        self._process: subprocess.Popen[bytes] | None = None
        self.asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def ask(self, request: bytes, seconds: float) -> bytes:
        """The child's answer. Raises ChildLost, and the next question goes to a new one then."""
        process = self._started()
        assert process.stdin and process.stdout
        self.asked += 1
        until = time.monotonic() + seconds
        answered = False
        try:
            _send(process.stdin, len(request).to_bytes(4, "big") + request, until)
            size = int.from_bytes(_receive(process.stdout, 4, until), "big")
            if size > self._largest:
                raise ChildLost(f"gave an answer of {size:,} bytes")
            told = _receive(process.stdout, size, until)
            answered = True
            return told
        except (EOFError, OSError):
            code = _code(process)
            raise ChildLost(_ending(code), late=code == -signal.SIGXCPU) from None
        except _Late:
            raise ChildLost(f"gave no answer within {seconds:.3g} seconds", late=True) from None
        finally:
            if not answered:
                self.close()

    def close(self) -> None:
        """End the child, if there is one."""
        process, self._process = self._process, None
        self.asked = 0
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            paths = os.pathsep.join(filter(None, (_PACKAGES, os.environ.get("PYTHONPATH", ""))))
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": paths},
                start_new_session=True,
            )
            assert self._process.stdin
            os.set_blocking(self._process.stdin.fileno(), False)
        return self._process


def ask_once(command: Sequence[str], request: bytes, seconds: float, *, largest: int) -> bytes:
    """The answer of a child that is started for this question. ``seconds`` are of processor time, so by the clock it is
    waited :data:`PATIENCE` times as long: the child itself ends earlier. Raises ChildLost.
    """
    with Child(command, largest=largest) as child:
        return child.ask(request, PATIENCE * seconds)


def serve(answer: Callable[[bytes], bytes]) -> None:
    """In the child: answer what is asked until nobody asks any more."""
    while len(head := sys.stdin.buffer.read(4)) == 4:
        told = answer(sys.stdin.buffer.read(int.from_bytes(head, "big")))
        sys.stdout.buffer.write(len(told).to_bytes(4, "big") + told)
        sys.stdout.buffer.flush()


def limit_memory(most: int) -> None:
    """In the child: no more than ``most`` bytes beyond what it has by now, no file written, no core left behind."""
    statm = Path("/proc/self/statm")
    used = int(statm.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 1 << 30
    resource.setrlimit(resource.RLIMIT_AS, (used + most, used + most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # pipes have no size
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time(seconds: float) -> None:
    """In the child: end it after this much more processor time, until it is told another."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, most))


def _send(pipe: IO[bytes], data: bytes, until: float) -> None:
    """Write before the deadline. Raises _Late, OSError."""
    left = memoryview(data)
    while left:
        if not select.select([], [pipe], [], max(0.0, until - time.monotonic()))[1]:
            raise _Late
        left = left[os.write(pipe.fileno(), left[:65_536]) :]


def _receive(pipe: IO[bytes], size: int, until: float) -> bytes:
    """So many bytes before the deadline. Raises _Late, EOFError, OSError."""
    data = bytearray()
    while len(data) < size:
        if not select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
            raise _Late
        part = os.read(pipe.fileno(), min(size - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


class _Late(Exception):
    """The deadline is over."""


def _code(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        return None


def _ending(code: int | None) -> str:
    if code is None:
        return "closed its answers and did not end"
    if code == -signal.SIGXCPU:
        return "took more processor time than it may"
    return f"was ended (signal {-code})" if code < 0 else f"ended (exit code {code})"

"""Reads tags, audio properties and embedded covers, through a limited child that is replaced when it dies."""

from __future__ import annotations

import base64
import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from phonolith.sources.tag_reader import LARGEST_COVER, MOST_COVERS, Reading

_LARGEST_ANSWER = LARGEST_COVER * MOST_COVERS
_FILES_A_CHILD = 2_000
_decode = msgspec.msgpack.Decoder(Reading).decode
_PACKAGES = str(Path(__file__).parents[2])


class ChildLost(Exception):
    """The child ended or was ended while it read a file; the text says why."""


class TagReader:
    """Reads one file at a time; a context manager, for it owns a process.

    ``deadline`` is the wall time one file may take, in seconds; ``command`` starts the child (tests put their own).
    """

    def __init__(self, deadline: float = 30.0, command: list[str] | None = None) -> None:
        self._deadline = deadline
        self._command = command or [sys.executable, "-m", "phonolith.sources.tag_reader"]
        self._child: subprocess.Popen[bytes] | None = None
        self._read = 0
        #: How many children were started, for tests and for those who wonder.
        self.started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def read(self, path: Path) -> Reading:
        """What the file's header says. Never raises on what a file contains: the answer's ``problem`` says it.

        A file whose reading ends the child is tried once more with a fresh one, for a child may be worn out by files
        before it; if that one ends too, the file is at fault.
        """
        for last in (False, True):
            try:
                return self._ask(path)
            except ChildLost as error:
                fresh = self._read == 1
                self.close()
                if last or fresh:
                    return Reading(problem=f"audio: reading it {error}")
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _ask(self, path: Path) -> Reading:
        child = self._running()
        assert child.stdin and child.stdout
        self._read += 1
        try:
            child.stdin.write(base64.b64encode(os.fsencode(path.absolute())) + b"\n")
            child.stdin.flush()
        except BrokenPipeError as error:
            raise ChildLost(_ending(child)) from error
        until = time.monotonic() + self._deadline
        size = int.from_bytes(_exactly(child, child.stdout, 4, until), "big")
        if size > _LARGEST_ANSWER:
            raise ChildLost(f"gave an answer of {size:,} bytes")
        return _decode(_exactly(child, child.stdout, size, until))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._read >= _FILES_A_CHILD:
            self.close()
        if self._child is None:
            paths = os.pathsep.join(filter(None, (_PACKAGES, os.environ.get("PYTHONPATH", ""))))
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
            self._read = 0
            self.started += 1
        return self._child


def _exactly(child: subprocess.Popen[bytes], pipe: IO[bytes], size: int, until: float) -> bytes:
    """``size`` bytes of the answer before the deadline. Raises ChildLost."""
    data = bytearray()
    while len(data) < size:
        left = until - time.monotonic()
        ready, _, _ = select.select([pipe], [], [], max(0.0, left))
        if not ready:
            raise ChildLost("takes longer than is allowed")
        part = os.read(pipe.fileno(), min(size - len(data), 1 << 20))
        if not part:
            raise ChildLost(_ending(child))
        data += part
    return bytes(data)


def _ending(child: subprocess.Popen[bytes]) -> str:
    code = child.wait(5)
    return f"ended its reader (signal {-code})" if code < 0 else f"ended its reader (exit code {code})"


#: Something that reads tags; tests pass functions.
Read = Callable[[Path], Reading]

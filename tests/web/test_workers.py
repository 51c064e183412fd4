"""Several serving processes: one that is killed is replaced, all end together, and what keeps ending is given up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from phonolith.config import Settings
from phonolith.web import server, workers

pytestmark = pytest.mark.skipif(not workers.possible(), reason="this system cannot fork")

_WAITS = """
import os, signal, sys
from phonolith.web import workers
def work():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    os.write(1, b"%d\\n" % os.getpid())  # at once: unbuffered, print writes number and line end apart
    while True:
        signal.pause()
workers.run(work, 2)
print("ended", flush=True)
"""
_FAILS = """
import os, sys
from phonolith.errors import StorageError
from phonolith.web import workers
try:
    workers.run(lambda: os._exit(3), 2, clock=lambda: 1.0)
except StorageError as error:
    print(error, flush=True)
"""


@contextmanager
def started(code: str) -> Iterator[subprocess.Popen[str]]:
    """A program in a process of its own, in which it may fork."""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def left(process: subprocess.Popen[str]) -> str:
    """What is said until nobody is left who could say anything."""
    assert process.stdout is not None
    return process.stdout.read().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_is_killed_is_replaced_and_all_end_together(number: int) -> None:
    with started(_WAITS) as process:
        first, second = int(said(process)), int(said(process))
        os.kill(first, signal.SIGKILL)
        third = int(said(process))
        assert len({process.pid, first, second, third}) == 4
        process.send_signal(number)
        assert left(process) == "ended"
        assert process.wait() == 0
        assert process.stderr is not None
        assert f"process {first} of the library was killed by signal 9" in process.stderr.read()


def test_they_end_when_the_first_is_killed() -> None:
    with started(_WAITS) as process:
        said(process), said(process)
        process.kill()
        assert left(process) == "", "the processes hold the pipe open for as long as they are there"


def test_what_keeps_ending_is_given_up() -> None:
    with started(_FAILS) as process:
        told = left(process)
        assert "its processes keep ending: the last one ended with code 3" in told
        assert "serve.workers" in told


def test_there_is_a_process_for_each_processor_unless_told_otherwise() -> None:
    assert server.workers(Settings()) == workers.processors() >= 1
    assert server.workers(Settings(serve_workers=5)) == 5

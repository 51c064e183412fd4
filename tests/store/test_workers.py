"""Workers: everything is done once, whatever ends it early is said, and nothing is left running."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phonolith.errors import StorageError
from phonolith.store.workers import Workers, processors
from tests.store import working

BOTH = pytest.mark.parametrize("processes", [True, False], ids=["processes", "threads"])


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No worker process outlives its test."""
    yield
    assert multiprocessing.active_children() == []


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + working.DEADLINE
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


@BOTH
def test_everything_is_done_once_and_elsewhere(processes: bool) -> None:
    found: dict[int, tuple[int, int]] = {}
    with Workers(2, "test", processes=processes) as workers:
        workers.run(working.square, range(50), lambda number, got: found.update({number: got}))
        workers.run(working.square, range(50, 60), lambda number, got: found.update({number: got}))
    assert {number: square for number, (square, _) in found.items()} == {number: number**2 for number in range(60)}
    assert ({process for _, process in found.values()} == {os.getpid()}) is not processes
    assert processors() >= 1


@BOTH
def test_no_more_is_taken_than_is_soon_worked_on(processes: bool) -> None:
    taken = done = most = 0

    def things() -> Iterator[int]:
        nonlocal taken, most
        for number in range(100):
            taken += 1
            most = max(most, taken - done)
            yield number

    def count(*_: object) -> None:
        nonlocal done
        done += 1

    with Workers(2, "test", processes=processes) as workers:
        workers.run(working.square, things(), count)
    assert done == 100 and most <= 7


@BOTH
def test_what_work_raises_is_raised(processes: bool) -> None:
    with Workers(2, "test", processes=processes) as workers:
        with pytest.raises(ValueError, match="not 1"):
            workers.run(working.refuse, [1], lambda *_: None)
        workers.run(working.square, [1], lambda *_: None)


def test_a_worker_that_is_killed_is_said() -> None:
    with Workers(2, "test", processes=True) as workers, pytest.raises(StorageError, match=r"test: a worker .* killed"):
        workers.run(working.die, range(10), lambda *_: None)


@BOTH
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_whatever_ends_it_early_ends_the_work(processes: bool, error: type[BaseException], tmp_path: Path) -> None:
    def things() -> Iterator[Path]:
        yield tmp_path
        until(lambda: any(tmp_path.glob("began-*")))
        raise error("early")

    with Workers(2, "test", processes=processes) as workers:
        with pytest.raises(error, match="early"):
            workers.run(working.until_stopped, things(), lambda *_: None)
        assert len(list(tmp_path.glob("ended-*"))) == 1, "it is over when run returns"
        got: list[int] = []
        workers.run(working.square, [7], lambda _, result: got.append(result[0]))
        assert got == [49]


def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    parent = subprocess.Popen([sys.executable, "-m", "tests.store.working", str(tmp_path)], cwd=root, env=env)
    until(lambda: len(list(tmp_path.glob("began-*"))) == 2)
    workers = [int(path.name.partition("-")[2]) for path in tmp_path.glob("began-*")]
    assert all(_runs(worker) for worker in workers)
    parent.kill()
    parent.wait()
    until(lambda: not any(_runs(worker) for worker in workers))


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

"""A copy read by worker processes: the same verdicts, whatever happens to files and to workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import StorageError
from phonolith.model.progress import Silent
from phonolith.releases.verify import check, hashing
from phonolith.releases.verify.check import Checked, Wish
from phonolith.releases.verify.memory import Memory
from phonolith.releases.verify.run import verify
from phonolith.store.workers import Workers
from tests.releases.verify.made import KINDS, NOW, data_of, lay, verdicts, verified
from tests.store import working


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Processes from the first file on, each with little to do; none is left."""
    monkeypatch.setattr(hashing, "_WORTH_PROCESSES", -1)
    monkeypatch.setattr(hashing, "_BATCH_BYTES", 100_000)
    yield
    assert multiprocessing.active_children() == []


def by_threads(root: Path) -> Checked:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "_WORTH_PROCESSES", 1e9)
        (checked,) = verified(root)
    return checked


@pytest.mark.parametrize("kind", KINDS)
def test_verdicts_are_those_of_threads(kind: str, tmp_path: Path) -> None:
    sizes = [1, 100, 16_384, 65_536, 200_000, 1_200_000]
    files = {f"{number:02}.flac": data_of(sizes[number % 6], number) for number in range(24)}
    root = lay(tmp_path, kind, files)
    paths = sorted(root.rglob("*.flac"))
    paths[3].write_bytes(paths[3].read_bytes()[:-1])
    paths[5].write_bytes(data_of(1_200_000, "other"))
    paths[8].unlink()
    (paths[8].parent / "more").write_bytes(b"!")
    (checked,) = verified(root)
    assert checked.verdicts == by_threads(root).verdicts and checked.findings == by_threads(root).findings
    bad = {path.rpartition("/")[2] for path, verdict in verdicts(checked).items() if verdict not in ("ok", "extra")}
    assert {paths[3].name, paths[5].name, paths[8].name} <= bad


@pytest.mark.parametrize("how", ["gone", "changed", "shorter"])
def test_a_file_that_changes_before_it_is_read_is_the_only_one_told(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay(tmp_path, "v2", {f"{number}": data_of(40_000, number) for number in range(8)})
    real = Workers.run

    def run(self: Workers, *args: Any) -> None:
        if how == "gone":
            (root / "3").unlink()
        else:
            (root / "3").write_bytes(data_of(40_000 if how == "changed" else 10, "other"))
        monkeypatch.setattr(Workers, "run", real)
        real(self, *args)

    monkeypatch.setattr(Workers, "run", run)
    (checked,) = verified(root)
    assert {path for path, verdict in verdicts(checked).items() if verdict == "unreadable"} == {"3"}
    assert [verdict for path, verdict in verdicts(checked).items() if path != "3"] == ["ok"] * 7


class _Stops(Silent):
    """A person who stops it when something was read."""

    def advance(self, count: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)


def test_what_was_read_before_a_person_stopped_it_is_remembered(tmp_path: Path) -> None:
    root = lay(tmp_path, "v2", {f"{number:02}": data_of(90_000, number) for number in range(40)})
    with Memory(tmp_path / "state.sqlite", now=NOW) as memory:
        with pytest.raises(KeyboardInterrupt):
            verify(root, (), Wish(), memory, _Stops())
        assert multiprocessing.active_children() == []
        (second,) = verify(root, (), Wish(), memory, Silent()).copies
    assert 0 < second.remembered < 40 * 90_000 and second.read + second.remembered == 40 * 90_000
    assert set(verdicts(second).values()) == {"ok"}


def test_a_killed_worker_is_said_and_what_was_read_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay(tmp_path, "v2", {f"{number:02}": data_of(90_000, number) for number in range(10)})
    real = check.run_all

    def killed(jobs: Any, root: Path, threads: int, done: Any) -> None:
        real(jobs[:4], root, threads, done)
        with Workers(threads, "verify", processes=True) as workers:
            workers.run(working.die, range(10), lambda *_: None)

    monkeypatch.setattr(check, "run_all", killed)
    with Memory(tmp_path / "state.sqlite", now=NOW) as memory:
        with pytest.raises(StorageError, match="a worker process was killed"):
            verify(root, (), Wish(), memory, Silent())
        monkeypatch.setattr(check, "run_all", real)
        (second,) = verify(root, (), Wish(), memory, Silent()).copies
    assert second.remembered == 4 * 90_000 and second.read == 6 * 90_000

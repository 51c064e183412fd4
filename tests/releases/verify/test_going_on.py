"""A check goes on where it was stopped, and what it could not read or was told to leave is told as that."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import BadInput
from phonolith.model.progress import Silent
from phonolith.releases.verify import hashing
from phonolith.releases.verify.check import Wish
from phonolith.releases.verify.memory import FRESH, Memory
from phonolith.releases.verify.run import verify
from phonolith.releases.verify.withdrawals import withdrawals
from phonolith.store.passport import SMALL_PIECE, passport_of
from tests.releases.verify.made import KINDS, NOW, data_of, lay, verdicts, verified


class _Killed(Exception):
    pass


class _Dies(Silent):
    """A run that ends when so many bytes were told."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, count: int) -> None:
        self.left -= count
        if self.left <= 0:
            raise _Killed


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_stopped_goes_on_where_it_was(kind: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(hashing, "_BATCH_BYTES", 100_000)
    monkeypatch.setattr("phonolith.releases.verify.jobs.STRETCH", SMALL_PIECE)
    files = {f"{number:02}.flac": data_of(SMALL_PIECE, number) for number in range(40)}
    root = lay(tmp_path, kind, files)
    total = sum(path.stat().st_size for path in root.rglob("*.flac"))
    with Memory(tmp_path / "state.sqlite", now=NOW) as memory, pytest.raises(_Killed):
        verify(root, (), Wish(threads=1), memory, _Dies(total // 2))
    with Memory(tmp_path / "state.sqlite", now=NOW) as memory:
        (second,) = verify(root, (), Wish(), memory, Silent()).copies
        (third,) = verify(root, (), Wish(), memory, Silent()).copies
        (again,) = verify(root, (), Wish(again=True), memory, Silent()).copies
    assert 0 < second.read < 0.7 * total and second.remembered >= total * 0.3
    assert third.read == 0 and third.since == NOW and again.read == second.read + second.remembered
    assert second.verdicts == third.verdicts == again.verdicts and not second.findings


class _Kills(_Dies):
    """The same, by the signal that nothing can be done about."""

    def advance(self, count: int) -> None:
        self.left -= count
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(hashing, "_BATCH_BYTES", SMALL_PIECE)
    monkeypatch.setattr("phonolith.releases.verify.jobs.STRETCH", SMALL_PIECE)
    root = lay(tmp_path, "v2", {f"{number:02}.flac": data_of(SMALL_PIECE, number) for number in range(40)})
    child = os.fork()
    if not child:
        with Memory(tmp_path / "state.sqlite", now=NOW) as memory:
            verify(root, (), Wish(threads=1), memory, _Kills(20 * SMALL_PIECE))
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    with Memory(tmp_path / "state.sqlite", now=NOW) as memory:
        (second,) = verify(root, (), Wish(), memory, Silent()).copies
    assert second.read + second.remembered == 40 * SMALL_PIECE and second.remembered >= 18 * SMALL_PIECE
    assert not second.findings


def test_what_changed_or_was_checked_long_ago_is_read_again(tmp_path: Path) -> None:
    root = lay(tmp_path, "v2", {"a": data_of(100), "b": data_of(200)})
    state = tmp_path / "state.sqlite"
    with Memory(state, now=NOW) as memory:
        verify(root, (), Wish(), memory, Silent())
        (root / "a").write_bytes(data_of(100, "other"))
        done = verify(root, (), Wish(), memory, Silent())
        assert done.read == 100 and verdicts(done.copies[0]) == {"a": "corrupt", "b": "ok"}
        again = verify(root, (), Wish(), memory, Silent())
        assert again.read == 0 and again.copies[0].verdicts == done.copies[0].verdicts
    with Memory(state, now=f"2027-01-{FRESH:02}T00:00:00Z") as memory:
        assert verify(root, (), Wish(), memory, Silent()).read == 300


def test_a_file_that_changes_while_it_is_read_is_not_called_sound(tmp_path: Path, monkeypatch: Any) -> None:
    root = lay(tmp_path, "v2", {"a": data_of(100)})
    real_fstat = hashing.os.fstat
    calls = []

    def fstat(descriptor: int) -> Any:
        calls.append(1)
        if len(calls) == 2:
            (root / "a").write_bytes(data_of(100, "other"))
        return real_fstat(descriptor)

    monkeypatch.setattr(hashing.os, "fstat", fstat)
    (checked,) = verified(root, wish=Wish(threads=1))
    assert verdicts(checked) == {"a": "unreadable"} and "changed" in checked.verdicts[0].note


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_the_disk_cannot_read_is_the_only_one_told(kind: str, tmp_path: Path, monkeypatch: Any) -> None:
    root = lay(tmp_path, kind, {name: data_of(16_384 * 3, name) for name in "abc"})
    real = hashing._open

    def broken(path: str, root: Path) -> int:
        if path.endswith("b"):
            raise OSError(errno.EIO, "it is broken")
        return real(path, root)

    monkeypatch.setattr(hashing, "_open", broken)
    (checked,) = verified(root)
    bad = {one.path.rpartition("/")[2]: one for one in checked.verdicts if one.verdict != "ok"}
    assert [(name, one.verdict) for name, one in bad.items()] == [("b", "unreadable")]
    assert "disk" in bad["b"].note


def test_what_was_withdrawn_or_expunged_is_told_and_not_missed(tmp_path: Path) -> None:
    files = {name: data_of(SMALL_PIECE, name) for name in "abcd"}
    root = lay(tmp_path, "hybrid", files)
    roots = {name: passport_of(data, SMALL_PIECE).root.hex() for name, data in files.items()}
    told = [("a", "withdrawn"), ("b", "expunged"), ("c", "withdrawn"), ("d", "withdrawn"), ("d", "reinstated")]
    lines = [
        f'{{"root": "{roots[name]}", "event": "{event}", "ground": "owner", "time": "{NOW}"}}\n' for name, event in told
    ]
    (tmp_path / "withdrawn.jsonl").write_text("".join(lines))
    (root / "a").unlink()
    (root / "b").unlink()
    for place in (tmp_path, tmp_path / "withdrawn.jsonl"):
        (checked,) = verified(root, wish=Wish(withdrawals=withdrawals([place])))
        assert verdicts(checked) == {"a": "withdrawn", "b": "expunged", "c": "withdrawn", "d": "ok"}
        assert [(one.code, one.subject) for one in checked.findings] == [("verify.withdrawn", "c")]
        assert checked.read == SMALL_PIECE


@pytest.mark.parametrize("line", ["[]", "{", '{"root": "x"}', '{"root": 1}', "{}"])
def test_a_list_of_withdrawals_that_is_none_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "withdrawn.jsonl").write_text(line + "\n")
    with pytest.raises(BadInput, match="line 1") as caught:
        withdrawals([tmp_path])
    assert caught.value.code == "withdrawals.line"

"""A look at one file: one flipped bit is damage and says where, sound bytes are sound, what cannot be read is told."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import Interrupted
from phonolith.store.fixity import DAMAGED, GONE, SOUND, UNREADABLE, Expected, Look, Pace, look
from phonolith.store.passport import LARGE_PIECE, Passport, passport_of

SIZES = [1, 16_384, 65_536, 65_537, 1_048_575, 1_048_576, 1_048_577, 3_500_000]


def flip(path: Path, at: int, bit: int = 0) -> None:
    """Turn one bit over, in place."""
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


def content(size: int) -> bytes:
    return os.urandom(size)


def expected(passport: Passport, *, whole: bool = False, follow: bool = False) -> Expected:
    return Expected(passport.sha256, passport.size, lambda: passport, whole, follow)


def seen(path: Path, passport: Passport, **how: bool) -> Look:
    return look(str(path), expected(passport, **how), Pace())


@pytest.mark.parametrize("size", SIZES)
def test_one_flipped_bit_is_found_and_its_piece_named(memory: Path, size: int) -> None:
    data = content(size)
    passport, path = passport_of(data), memory / "file"
    for at in {0, size // 2, size - 1}:
        path.write_bytes(data)
        assert seen(path, passport) == Look(SOUND, read=size) == seen(path, passport, whole=True)
        flip(path, at, at % 8)
        for whole in (False, True):
            found = seen(path, passport, whole=whole)
            assert (found.result, found.read, found.pieces) == (DAMAGED, size, (at // passport.piece_length,))
            assert found.found == passport_of(path.read_bytes()).sha256.hex() in found.problem


def test_where_it_differs_is_said_in_bytes(memory: Path) -> None:
    data = content(5 * LARGE_PIECE)
    path = memory / "file"
    path.write_bytes(data)
    flip(path, LARGE_PIECE)
    flip(path, 3 * LARGE_PIECE)
    found = seen(path, passport_of(data))
    assert found.pieces == (1, 3)
    assert "2 of 5 pieces of it differ, between byte 1,048,576 and byte 4,194,304" in found.problem


def test_files_that_are_not_what_they_were(memory: Path) -> None:
    data = content(70_000)
    passport, path = passport_of(data), memory / "file"
    assert seen(path, passport) == Look(GONE, "it is not there")
    for other in (data[:-1], data + b"x", b""):
        path.write_bytes(other)
        assert seen(path, passport) == Look(DAMAGED, f"it has {len(other):,} bytes instead of 70,000")
    path.unlink()
    os.mkfifo(path)
    assert seen(path, passport).problem == "something that is not a file lies in its place"
    path.unlink()
    path.mkdir()
    assert seen(path, passport).problem == "something that is not a file lies in its place"
    path.rmdir()
    (memory / "elsewhere").write_bytes(data)
    path.symlink_to(memory / "elsewhere")
    assert seen(path, passport) == Look(DAMAGED, "a symbolic link lies in its place")
    assert seen(path, passport, follow=True).result == SOUND
    assert seen(memory / "elsewhere" / "file", passport).result == UNREADABLE


def test_a_row_that_sound_bytes_contradict(memory: Path) -> None:
    data = content(70_000)
    passport, path = passport_of(data), memory / "file"
    path.write_bytes(data)
    wrong = Passport(passport.size, passport.sha256, 65536, passport.root, passport.layer, passport.pieces, b"\1" * 20)
    assert seen(path, wrong) == Look(SOUND, read=70_000)
    assert seen(path, wrong, whole=True) == Look(SOUND, read=70_000, row=("padded",))


def test_a_disk_that_cannot_read(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = content(3 * LARGE_PIECE)
    path = memory / "file"
    path.write_bytes(data)
    real, calls = os.readv, iter(range(100))

    def fail(descriptor: int, buffers: Any) -> int:
        if next(calls) == 2:
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor, buffers)

    monkeypatch.setattr(os, "readv", fail)
    assert seen(path, passport_of(data)) == Look(UNREADABLE, "the disk failed to read or write")
    assert seen(path, passport_of(data)).result == SOUND


@pytest.mark.parametrize(("wrong_readings", "result"), [(1, SOUND), (2, UNREADABLE), (3, DAMAGED)])
def test_a_sound_file_is_not_called_damaged_for_one_bad_reading(
    memory: Path, monkeypatch: pytest.MonkeyPatch, wrong_readings: int, result: str
) -> None:
    """1: none is wrong. 2: the first is. 3: the first two are, alike: no telling it from damage."""
    data = content(1000)
    path = memory / "file"
    path.write_bytes(data)
    real, left = os.readv, [wrong_readings - 1]

    def bad(descriptor: int, buffers: Any) -> int:
        count = real(descriptor, buffers)
        if count and left[0]:
            left[0] -= 1
            buffers[0][7] ^= 1
        return count

    monkeypatch.setattr(os, "readv", bad)
    found = seen(path, passport_of(data))
    assert found.result == result and ("two readings of it differ" in found.problem) == (result == UNREADABLE)


def test_a_share_of_the_time(memory: Path) -> None:
    """A quarter: after each chunk three times as long a rest as the work took."""
    data = content(4 * LARGE_PIECE)
    path = memory / "file"
    path.write_bytes(data)
    time, rests = [0.0], list[float]()

    def clock() -> float:
        time[0] += 1.0
        return time[0]

    found = look(str(path), expected(passport_of(data)), Pace(0.25, clock, rests.append))
    assert found.result == SOUND and rests == [3.0] * 4


def test_a_stop_ends_it_before_the_next_chunk(memory: Path) -> None:
    path = memory / "file"
    path.write_bytes(content(10))
    pace = Pace()
    pace.stop()
    with pytest.raises(Interrupted):
        look(str(path), expected(passport_of(path.read_bytes())), pace)


@pytest.mark.peers
def test_nothing_of_what_was_read_stays_in_memory(tmp_path: Path, peer: Callable[..., str]) -> None:
    """So that the next look is at the disk again, and what others need stays. The control reads it as usual."""
    tool = peer("fincore")
    data = content(2_000_000)
    path = tmp_path / "file"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)

    def cached() -> int:
        words = [tool, "--bytes", "--noheadings", "--output", "RES", str(path)]
        return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout or 0)

    path.read_bytes()
    if not cached():
        pytest.skip("this file system has no page cache")
    assert seen(path, passport_of(data)).result == SOUND
    assert cached() == 0

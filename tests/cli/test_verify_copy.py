"""``verify PATH`` as people and programs use it: verdicts, exit codes, memory, repair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Result
from tests.releases.verify.made import bag_files, data_of, torrent_of, write

Run = Callable[..., Result]
FILES = {"a.flac": data_of(200_000), "b.flac": data_of(50)}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "phonolith" / "verify.sqlite"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = bag_files(FILES)
    (tmp_path / "bag.torrent").write_bytes(torrent_of("bag", files))
    return write(tmp_path / "bag", files)


def test_a_sound_copy_answers_0_and_a_damaged_one_1(phonolith: Run, root: Path) -> None:
    assert "as they should be" in phonolith("verify", root).out
    (root / "data/a.flac").write_bytes(data_of(200_000)[:-1] + b"x")
    told = phonolith("verify", root)
    assert told.code == 1 and "verify.corrupt: data/a.flac" in told.out and "pieces 3" in told.out
    found = phonolith("verify", root, "--json")
    assert found.code == 1 and found.data["counts"] == {"corrupt": 1, "ok": 5} and found.data["sound"] is False
    (bad,) = [one for one in found.data["copies"][0]["files"] if one["verdict"] == "corrupt"]
    assert bad["ranges"] == [[196_608, 200_000]] and bad["pieces"] == [3]


def test_the_second_time_nothing_is_read_and_again_reads_everything(phonolith: Run, root: Path, state: Path) -> None:
    first = phonolith("verify", root, "--json").data
    second = phonolith("verify", root, "--json").data
    assert first["bytes_read"] and not second["bytes_read"] and state.is_file()
    assert second["bytes_remembered"] == first["bytes_read"] and second["copies"][0]["checked_before_since"]
    assert phonolith("verify", root, "--again", "--json").data["bytes_read"] == first["bytes_read"]
    assert "--again" in phonolith("verify", root).out


def test_the_memory_may_lie_in_the_copy_and_is_no_extra(phonolith: Run, root: Path) -> None:
    for _ in range(2):
        found = phonolith("verify", root, "--state", root / "verify.sqlite", "--json").data
        assert found["counts"] == {"ok": 6}


def test_where_nothing_can_be_remembered_it_works_all_the_same(phonolith: Run, root: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    told = phonolith("verify", root)
    assert told.code == 0 and "not remembered" in told.err


def test_repair_says_what_it_did(phonolith: Run, root: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", bag_files(FILES))
    (root / "data/a.flac").write_bytes(b"x" + data_of(200_000)[1:])
    done = phonolith("verify", root, "--repair", "--from", tmp_path / "other")
    assert done.code == 0 and "repaired with 65.5 kB" in done.out and "the old file is corrupt-" in done.out
    assert (root / "data/a.flac").read_bytes() == FILES["a.flac"]
    (root / "data/b.flac").unlink()
    (tmp_path / "other/data/b.flac").unlink()
    done = phonolith("verify", root, "--repair", "--from", tmp_path / "other")
    assert done.code == 1 and "not repaired: no copy has piece 0" in done.out


def test_several_paths_and_an_archive(phonolith: Run, root: Path, archive: Any) -> None:
    found = phonolith("verify", root, archive.root, "--json").data
    assert [one["kind"] for one in found["copies"]] == ["bag", "archive"] and found["sound"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nowhere"], 4),
        (["BAG", "--repair"], 2),
        (["BAG", "--from", "x"], 2),
        (["BAG", "--repair", "--from", "nowhere"], 0),
        (["BAG", "--withdrawn", "nowhere"], 11),
        (["PLAIN"], 2),
    ],
)
def test_what_cannot_be_done_is_said(words: list[str], code: int, phonolith: Run, root: Path, tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", {"x": b"x"})
    told = phonolith("verify", *[{"BAG": root, "PLAIN": plain}.get(word, word) for word in words])
    assert told.code == code, told.err


def test_names_that_would_steer_a_terminal_are_shown_harmless(phonolith: Run, tmp_path: Path) -> None:
    root = write(tmp_path / "bag", bag_files({"a": b"a"}))
    (root / "data" / "\x1b[2Jx").write_bytes(b"x")
    told = phonolith("verify", root)
    assert told.code == 1 and "\x1b" not in told.out and "verify.extra" in told.out

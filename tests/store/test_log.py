"""The files of a log: what is appended is there, what was cut off is not, and damage is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from phonolith.errors import Damaged, StorageError
from phonolith.store.log import Log, append_line, excerpt, head_file, lines_of
from phonolith.verifier import Countersignature, digest, read_state
from tests.verifier.signing import NOW, Signer, public, signed


def test_leaves_go_after_those_that_a_head_covers(tmp_path: Path) -> None:
    log, texts = Log(tmp_path / "log"), Signer()
    texts.commit(*range(5))
    with log.adding(0) as writer:
        writer.write(texts.leaves[:2])
        writer.write(texts.leaves[2:4])
    assert list(log.leaves(0, 4)) == texts.leaves[:4] and list(log.leaves(1, 2)) == texts.leaves[1:3]
    with log.adding(3) as writer:
        writer.write(texts.leaves[4:])
    assert list(log.leaves(0, 4)) == [*texts.leaves[:3], texts.leaves[4]]
    assert log.leaves_file.stat().st_size == 4 * 144


def test_there_are_no_leaves_beyond_the_end(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    with pytest.raises(Damaged, match="0 leaves"):
        list(log.leaves(0, 1))
    with pytest.raises(Damaged, match="fewer than were signed"), log.adding(1):
        pass


def test_heads_and_countersignatures_come_back_in_order(tmp_path: Path) -> None:
    log, signer = Log(tmp_path / "log"), Signer()
    assert log.heads() == [] and log.countersignatures() == []
    for number in range(3):
        log.append_head(signer.commit(number))
    seen = signed(Countersignature(signer.heads[0].log, digest(signer.heads[0]), NOW, public(2), ""), 2)
    log.append_countersignature(seen)
    assert log.heads() == signer.heads and log.countersignatures() == [seen]


def test_a_line_that_was_cut_off_is_replaced(tmp_path: Path) -> None:
    log, signer = Log(tmp_path / "log"), Signer()
    log.append_head(signer.commit("a"))
    file = tmp_path / "log" / "heads.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:77])
    assert log.heads() == signer.heads
    log.append_head(signer.commit("b"))
    assert log.heads() == signer.heads and file.read_bytes() == head_file(signer.heads)


@pytest.mark.parametrize("line", [b"", b"x", b"{}", b"[]", b"\xff\xfe"])
def test_a_whole_line_that_is_no_head_is_damage(tmp_path: Path, line: bytes) -> None:
    append_line(tmp_path / "log" / "heads.jsonl", line)
    with pytest.raises(Damaged, match=r"heads\.jsonl"):
        Log(tmp_path / "log").heads()


def test_what_is_given_to_others_is_the_newest_head_and_the_changes_of_keys(tmp_path: Path) -> None:
    signer = Signer()
    signer.commit("a")
    changed = signer.commit("b", next_seed=2)
    signer.commit("c")
    newest = signer.commit("d")
    assert excerpt(signer.heads) == [changed, newest] and excerpt(signer.heads[:1]) == signer.heads[:1]
    assert excerpt([]) == []
    (tmp_path / "head").write_bytes(head_file(excerpt(signer.heads)))
    assert read_state(tmp_path / "head").heads == [changed, newest]


def test_lines_are_whole_ones(tmp_path: Path) -> None:
    assert lines_of(tmp_path / "none") == []
    (tmp_path / "lines").write_bytes(b"one\ntwo\nthr")
    assert lines_of(tmp_path / "lines") == [b"one", b"two"]
    with pytest.raises(StorageError):
        append_line(tmp_path / "lines" / "x", b"")

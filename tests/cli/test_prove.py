"""Committing, proving and checking from the command line: exit codes, one JSON object, and no archive to check."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.cli.main import VERBS
from phonolith.store.archive import Archive
from phonolith.verifier import is_signed, read_head
from tests.cli.conftest import Result

Run = Callable[..., Result]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two archives that hold the same three files, which lie beside them."""
    for number in range(3):
        (tmp_path / f"{number}.flac").write_bytes(b"%d" % number * 100_000)
    (tmp_path / "strange").write_bytes(b"strange")
    (tmp_path / "junk").write_text("junk")
    for name in ("ours", "theirs"):
        archive = Archive.create(tmp_path / name, name=name, contact="x", now="2026-01-01T00:00:00Z")
        with archive.objects() as objects:
            for number in range(3):
                objects.adopt(tmp_path / f"{number}.flac", "copy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHONOLITH_NOW", "2026-01-02T03:04:05Z")
    return tmp_path


def test_from_a_commit_to_a_proof_that_anybody_checks(place: Path, phonolith: Run) -> None:
    done = phonolith("log", "commit", "0.flac", "--archive", "ours", "--json").data
    assert (done["size"], done["new"], done["time"]) == (1, 1, "2026-01-02T03:04:05Z")
    with Archive.open(place / "ours").objects() as objects:
        digests = [one.sha256 for one in objects.all()]
    assert "2 objects new, 3 committed to" in phonolith("log", "commit", *digests, "--archive", "ours").out
    assert phonolith("prove", "0.flac", "--archive", "ours", "--out", "proof").code == 0
    proof = phonolith("prove", "0.flac", "--archive", "ours", "--json").data
    assert proof == json.loads((place / "proof").read_text())
    shutil.rmtree(place / "ours")
    for words in (["proof"], ["proof", "0.flac"]):
        good = phonolith("check-proof", *words, "--json")
        assert good.code == 0 and good.data["proven"] and good.data["log"] == done["log"]
    assert "✓ 0.flac was committed to by log" in phonolith("check-proof", "proof", "0.flac").out
    bad = phonolith("check-proof", "proof", "1.flac", "--json")
    assert bad.code == 1 and not bad.data["proven"]
    assert [one["code"] for one in bad.data["findings"]] == ["proof.file"]


def test_a_head_that_others_keep_is_linked_to_the_newest(place: Path, phonolith: Run) -> None:
    phonolith("log", "commit", "0.flac", "--archive", "ours")
    assert phonolith("log", "heads", "--archive", "ours", "--out", "old").code == 0
    phonolith("log", "commit", "1.flac", "2.flac", "--archive", "ours")
    phonolith("log", "heads", "--archive", "ours", "--out", "new")
    assert phonolith("log", "link", "old", "--archive", "ours", "--out", "link").code == 0
    for new in ("link", "ours", "ours/held/log"):
        assert phonolith("check-log", "old", new, "--json").data["verdict"] == "consistent"
    undecided = phonolith("check-log", "old", "new", "--json")
    assert undecided.code == 1 and undecided.data["verdict"] == "undecided"
    assert undecided.data["findings"][0]["code"] == "log.undecided" and undecided.data["findings"][0]["remedy"]
    assert "Consistent: 1 objects before, 3 objects now." in phonolith("check-log", "old", "link").out


def test_a_log_that_went_two_ways_is_refuted(place: Path, phonolith: Run) -> None:
    phonolith("log", "commit", "0.flac", "--archive", "ours")
    shutil.copytree("ours", "twin")
    phonolith("log", "commit", "1.flac", "--archive", "ours")
    phonolith("log", "commit", "2.flac", "--archive", "twin")
    done = phonolith("check-log", "ours", "twin", "--json")
    assert done.code == 1 and done.data["verdict"] == "refuted"
    one, two = map(read_head, done.data["evidence"])
    assert one != two and is_signed(one) and is_signed(two)
    assert "log.refuted" in phonolith("check-log", "ours", "twin").out


def test_another_archive_countersigns_and_the_proof_carries_it(place: Path, phonolith: Run) -> None:
    phonolith("log", "commit", "0.flac", "1.flac", "2.flac", "--archive", "ours")
    phonolith("log", "heads", "--archive", "ours", "--out", "head")
    made = phonolith("log", "countersign", "head", "--archive", "theirs", "--out", "seen", "--json")
    assert made.code == 0 and made.data == json.loads((place / "seen").read_text())
    assert phonolith("log", "accept", "seen", "--archive", "ours").code == 0
    assert phonolith("log", "heads", "--archive", "ours", "--json").data["heads"][0]["countersignatures"] == 1
    phonolith("prove", "2.flac", "--archive", "ours", "--out", "proof")
    assert phonolith("check-proof", "proof", "--json").data["seen"][0]["key"] == made.data["key"]
    phonolith("log", "link", "head", "--archive", "ours", "--out", "link")
    for new in ("link", "ours"):
        assert [one["key"] for one in phonolith("check-log", "head", new, "--json").data["seen"]] == [made.data["key"]]
        assert "Seen by 1 other" in phonolith("check-log", "head", new).out
    assert phonolith("check-log", "head", "head", "--json").data["seen"] == []
    assert phonolith("log", "accept", "seen", "--archive", "theirs").code == 9


def test_a_new_key_signs_from_the_next_head_on(place: Path, phonolith: Run) -> None:
    assert phonolith("log", "rotate", "--because", "b", "--archive", "ours").code == 2
    before = phonolith("log", "commit", "0.flac", "--archive", "ours", "--json").data
    changed = phonolith("log", "rotate", "--because", "b", "--archive", "ours", "--json").data
    after = phonolith("log", "commit", "1.flac", "--archive", "ours", "--json").data
    assert (changed["key"], after["key"], after["log"]) == (before["key"], changed["next"], before["log"])
    listed = phonolith("log", "heads", "--archive", "ours", "--json").data["heads"]
    assert [one["size"] for one in listed] == [1, 1, 2]


def test_heads_of_an_archive_that_committed_to_nothing(place: Path, phonolith: Run) -> None:
    done = phonolith("log", "heads", "--archive", "ours", "--json")
    assert done.code == 0 and done.data == {"log": None, "heads": [], "seen_by": 0, "seen_last": ""}
    assert phonolith("log", "heads", "--archive", "ours", "--out", "head").code == 2 and not (place / "head").exists()
    assert "log commit" in phonolith("log", "heads", "--archive", "ours").err
    found = phonolith("doctor", "--archive", "ours", "--json").data["findings"]
    assert not [one for one in found if one["code"].startswith("log.")]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["log", "commit", "strange", "--archive", "ours"], 4),
        (["log", "commit", "nowhere", "--archive", "ours"], 4),
        (["log", "commit", "f" * 64, "--archive", "ours"], 4),
        (["prove", "strange", "--archive", "ours"], 4),
        (["prove", "nowhere", "--archive", "ours"], 4),
        (["prove", "0.flac", "--archive", "nowhere"], 5),
        (["log", "link", "junk", "--archive", "ours"], 9),
        (["log", "countersign", "junk", "--archive", "ours"], 9),
        (["log", "accept", "junk", "--archive", "ours"], 9),
        (["check-proof", "junk"], 9),
        (["check-proof", "nowhere"], 4),
        (["check-log", "junk", "junk"], 9),
        (["check-log", "ours", "theirs"], 9),
        (["check-log", "nowhere", "ours"], 4),
        (["check-log", "ours"], 2),
    ],
)
def test_what_cannot_be_done_ends_with_its_code(place: Path, phonolith: Run, words: list[str], code: int) -> None:
    done = phonolith(*words, "--json")
    assert done.code == code == done.data["exit"]


@pytest.mark.parametrize("damage", ["leaf", "head", "key", "older", "none"])
def test_the_doctor_looks_at_the_log(place: Path, phonolith: Run, damage: str) -> None:
    phonolith("log", "commit", "0.flac", "--archive", "ours")
    log = place / "ours" / "held" / "log"
    shutil.copytree(log, place / "before")
    phonolith("log", "commit", "1.flac", "--archive", "ours")
    if damage == "leaf":
        (log / "leaves").write_bytes(b"\1" * 288)
    elif damage == "head":
        text = (log / "heads.jsonl").read_text()
        (log / "heads.jsonl").write_text(text.replace("05Z", "06Z"))
    elif damage == "key":
        for path in (place / "ours" / "keys").glob("*.pem"):
            path.unlink()
    elif damage == "older":
        shutil.rmtree(log)
        shutil.copytree(place / "before", log)
    found = phonolith("doctor", "--archive", "ours", "--json").data["findings"]
    expected = {
        "leaf": {"log.leaves"},
        "head": {"log.signature", "log.chain"},
        "key": {"log.key-missing"},
        "older": {"log.failed"},
        "none": set(),
    }[damage]
    assert {one["code"] for one in found if one["code"].startswith("log.")} >= expected
    assert bool(expected) == any(one["code"].startswith("log.") for one in found)


def test_the_verbs_are_listed() -> None:
    assert {"log", "prove", "check-proof", "check-log"} <= VERBS.keys()

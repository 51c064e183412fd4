"""``notice``: what the operator types, what is answered, and what a running archive makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phonolith.cli.main import run
from phonolith.store.archive import Archive
from tests.sample import make_archive


@pytest.fixture
def made(tmp_path: Path) -> tuple[Archive, dict[str, str]]:
    return make_archive(tmp_path / "archive")


def call(archive: Archive, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    found = run([*words, "--archive", str(archive.root), "--json"])
    out = capsys.readouterr().out
    assert found == code, out
    return json.loads(out)


def said(archive: Archive, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run([*words, "--archive", str(archive.root)]) in (0, 1)
    return capsys.readouterr().out


LETTER = ("--name", "A. Player", "--email", "a@example.org", "--reasons", "I made it", "--authorised")


def test_a_letter_is_entered_decided_and_put_back(
    made: tuple[Archive, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    archive, ids = made
    track = ids["track:road/1"]
    filed = call(archive, capsys, "notice", "file", "owner", "--item", f"track:{track}", *LETTER, "--confirmed")
    number = filed["notice"]
    assert filed["state"] == "actionable" and filed["due"]["rule"] == "notice.hidden"
    assert [one["notice"] for one in call(archive, capsys, "notice", "list")["notices"]] == [number]
    shown = call(archive, capsys, "notice", "show", number)
    assert shown["letters"][0]["told"]["name"] == "A. Player" and shown["can"] == ["hide", "reject"]
    assert call(archive, capsys, "notice", "decide", number, "uphold", "--because", "x", code=2)["error"] == "usage"
    done = call(archive, capsys, "notice", "decide", number, "hide", "--because", "It is theirs.")
    assert done["state"] == "hidden" and done["hidden"] == [track]
    assert call(archive, capsys, "status")["notices"][0]["notice"] == number
    assert call(archive, capsys, "todo", "notices")["todo"][0]["items"][0]["command"].endswith(number)
    why = said(archive, capsys, "why", track)
    assert "Withdrawn because its owner asked for it" in why and number in why
    call(archive, capsys, "reinstate", track, "--because", "a mistake")
    assert call(archive, capsys, "notice", "show", number)["state"] == "restored"
    letters = sorted((archive.private / "outbox").iterdir())
    assert len(letters) == 2 and b"It is theirs." in letters[1].read_bytes()
    assert call(archive, capsys, "notice", "forget", number, "--yes")["erased"] == 1
    assert call(archive, capsys, "notice", "show", number)["letters"] == []


def test_what_is_missing_is_said_and_hides_nothing(
    made: tuple[Archive, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    archive, ids = made
    filed = call(archive, capsys, "notice", "file", "copyright", "--item", "track:nothing", "--confirmed")
    assert filed["state"] == "incomplete" and filed["strange"] == ["track:nothing"]
    number = filed["notice"]
    assert call(archive, capsys, "notice", "decide", number, "hide", "--because", "x", code=2)["error"] == "usage"
    assert "Missing" in said(archive, capsys, "notice", "show", number)
    assert ids


def test_what_is_due_by_rule_is_done_by_attend_and_what_is_late_is_told(
    made: tuple[Archive, dict[str, str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, ids = made
    monkeypatch.setenv("PHONOLITH_NOW", "2020-12-01T12:00:00Z")
    number = call(archive, capsys, "notice", "file", "owner", "--item", ids["track:road/1"], *LETTER, "--confirmed")[
        "notice"
    ]
    assert call(archive, capsys, "notice", "attend")["steps"] == []
    monkeypatch.setenv("PHONOLITH_NOW", "2020-12-01T13:00:00Z")
    assert [one["kind"] for one in call(archive, capsys, "notice", "attend")["steps"]] == ["notice.hidden"]
    found = call(archive, capsys, "doctor", code=1)["findings"]
    late = [one for one in found if one["code"] == "notices.late"]
    assert [one["subject"] for one in late] == [f"notice {number}"] and number in late[0]["remedy"]
    assert any(one["code"] == "notices.outbox" for one in found)
    assert "1 waits for you" in said(archive, capsys, "status")


def test_letters_that_wait_are_counted_however_many(
    made: tuple[Archive, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    archive, _ = made
    with archive.letters() as letters:
        letters.post("n0", "a@example.org", "subject", "body", time="2026-01-01T00:00:00Z")
    assert "1 letter to be sent: phonolith notice attend" in said(archive, capsys, "notice", "list")
    with archive.letters() as letters:
        for n in range(1, 130):
            letters.post(f"n{n}", "a@example.org", "subject", "body", time="2026-01-01T00:00:00Z")
    assert call(archive, capsys, "notice", "list")["unsent"] == 130

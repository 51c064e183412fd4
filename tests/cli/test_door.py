"""``door``: what the curator sees of who came in, and what a word of theirs does."""

from __future__ import annotations

import pytest

from phonolith.door import acts
from tests.cli.test_notice import call, said
from tests.door.conftest import NORTH, QUIET, Doors, doors  # noqa: F401 - a fixture

WORDS = "<body>We play. CODE"


def test_who_waits_is_shown_and_let_in(doors: Doors, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    token = doors.ask("artist:quiet", QUIET)
    doors.place(token, WORDS)
    doors.office.look(token)
    (row,) = call(doors.archive, capsys, "door", "list")["doors"]
    assert row["state"] == "waiting" and row["name"] == "The Quiet Machines" and "visitors" in row["why"]
    shown = said(doors.archive, capsys, "door", "show", row["door"])
    code = doors.office.entered(token).key.code
    assert f"phonolith door open {row['door']} --code {code}" in shown
    assert [one["code"] for one in call(doors.archive, capsys, "todo", "door")["todo"]] == ["door"]
    assert row["door"] in said(doors.archive, capsys, "todo")
    assert call(doors.archive, capsys, "status")["door"][0]["door"] == row["door"]
    opened = call(doors.archive, capsys, "door", "open", row["door"], "--code", code, "--because", "their own line")
    assert opened["state"] == "open" and doors.office.entered(token).open
    assert call(doors.archive, capsys, "todo", "door")["todo"] == []
    assert call(doors.archive, capsys, "door", "open", row["door"], "--because", "again", code=2)["error"] == "usage"


def test_contrary_words_are_shown_until_one_is_undone(
    doors: Doors,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    quiet, north, track = doors.enter(), doors.enter("label:north", NORTH), doors.ids["track:road/1"]
    one = acts.correct(doors.office, quiet, track, {"title": "One"})[0]
    acts.correct(doors.office, north, track, {"title": "Other"})
    (dispute,) = call(doors.archive, capsys, "door", "list")["contrary"]
    assert dispute["about"] == track and one.seq in dispute["events"]
    assert "neither counts" in said(doors.archive, capsys, "door", "list")
    assert call(doors.archive, capsys, "todo", "door")["todo"][0]["total"] == 1
    assert call(doors.archive, capsys, "unset", str(one.seq), "--because", "the label is right")["undone"] == one.seq
    assert call(doors.archive, capsys, "door", "list")["contrary"] == []
    assert doors.office.decisions().fields(track)["title"].value == "Other"


def test_a_licence_that_was_confirmed_is_told_and_revoked(
    doors: Doors,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    token, track = doors.enter(), doors.ids["track:road/1"]
    made = acts.confirm(doors.office, token, track, "CC-BY-NC-4.0")
    acts.link(doors.office, token, doors.ids["artist:quiet"], "support", "https://shop.example/us")
    assert "by the artist" in said(doors.archive, capsys, "why", track)
    assert "said by the artist" in said(doors.archive, capsys, "show", doors.ids["artist:quiet"])
    call(doors.archive, capsys, "rights", "revoke", str(made.seq), "--because", "it was not theirs alone")
    assert doors.office.decisions().acts[made.seq].undone

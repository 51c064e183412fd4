"""The verb ``audit``: what a person sees, what a program gets, and the page that is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phonolith.cli.main import run

CLAIMS = """
format = 1
title = "Two sentences"

[[claim]]
id = "rows"
sentence = "There are three."
quantity = 3
unit = "tracks"
of = "tracks.csv"

[[claim]]
id = "users"
sentence = "Ten thousand use it."
quantity = 10_000
unit = "users"
"""


@pytest.fixture
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHONOLITH_NOW", "2026-11-30T12:00:00Z")
    (tmp_path / "tracks.csv").write_text("id\n1\n2\n3\n")
    path = tmp_path / "claims.toml"
    path.write_text(CLAIMS)
    return path


def test_a_person_sees_each_verdict_and_why(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", str(claims), "--evidence", str(claims.with_name("tracks.csv"))]) == 0
    shown = capsys.readouterr().out
    assert "proven: There are three.\n    rows, counted in tracks.csv: 3 tracks\n" in shown
    assert "unverifiable: Ten thousand use it." in shown
    assert "2 claims: 1 proven, 1 unverifiable." in shown


def test_a_program_gets_the_same_and_a_page_is_written(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = claims.with_name("report.html")
    evidence = f"tracks.csv={claims.with_name('tracks.csv')}"
    assert run(["audit", str(claims), "--evidence", evidence, "--html", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["verdict"] for one in told["verdicts"]] == ["proven", "unverifiable"]
    assert told["made"] == "2026-11-30T12:00:00Z"
    assert "<title>Two sentences</title>" in page.read_text()


def test_what_is_refuted_or_does_not_fit_ends_with_1(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims.write_text(CLAIMS.replace("quantity = 3", "quantity = 4"))
    assert run(["audit", str(claims), "--evidence", str(claims.with_name("tracks.csv"))]) == 1
    assert "3 tracks, where the claim says 4 tracks" in capsys.readouterr().out


def test_a_claim_that_cannot_be_read_is_said_with_its_number(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims.write_text(CLAIMS.replace('unit = "users"', 'unit = "people"'))
    assert run(["audit", str(claims)]) != 0
    assert "claim 2 (users): there is no unit 'people'" in capsys.readouterr().err

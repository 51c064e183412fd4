"""The verb ``audit``: what a person sees, what a program gets, what is written, signed and put beside others'."""

from __future__ import annotations

import html
import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from phonolith.cli.main import program, run
from tests.cli.conftest import Made, Result

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


def test_the_command_in_a_report_makes_it_again(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "audit",
        str(claims),
        "--evidence",
        str(claims.with_name("tracks.csv")),
        "--budget",
        "2MB",
        "--seed",
        "a b",
    ]
    assert run([*words, "--title", "T", "--html", str(claims.with_name("page.html")), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == ["phonolith", *words]
    assert run([*told["command"][1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    shown = html.unescape(claims.with_name("page.html").read_text())
    assert f"<code>{shlex.join(told['command'])}</code>" in shown


def test_what_is_refuted_or_does_not_fit_ends_with_1(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims.write_text(CLAIMS.replace("quantity = 3", "quantity = 4"))
    assert run(["audit", str(claims), "--evidence", str(claims.with_name("tracks.csv"))]) == 1
    assert "3 tracks, where the claim says 4 tracks" in capsys.readouterr().out


def test_a_claim_that_cannot_be_read_is_said_with_its_number(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims.write_text(CLAIMS.replace('unit = "users"', 'unit = "people"'))
    assert run(["audit", str(claims)]) != 0
    assert "claim 2 (users): there is no unit 'people'" in capsys.readouterr().err


# Signing, and reports put beside each other


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "auditor.pem"
    private = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def signed(claims: Path, key: Path, name: str, *words: str) -> Path:
    out = claims.with_name(name)
    run(["audit", str(claims), *words, "--sign", "--key", str(key), "--auditor", "Ann", "--out", str(out)])
    return out


def test_a_signed_report_is_checked(claims: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = signed(claims, key, "a.json", "--evidence", str(claims.with_name("tracks.csv")))
    public = json.loads(report.read_text())["key"]
    assert f"Signed by Ann, key {public}." in capsys.readouterr().out
    assert run(["audit", "check", str(report)]) == 0 == run(["audit", "check", str(report), "--key", public])
    assert f"✓ Ann signed it, key {public}." in capsys.readouterr().out
    assert run(["audit", "check", str(report), "--key", "0" * 64]) == 1
    report.write_text(report.read_text().replace('"verdict": "proven"', '"verdict": "claimed"'))
    assert run(["audit", "check", str(report), "--json"]) == 1
    told = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert told["seal"] == "forged" and not told["sound"]


def test_openssl_and_jq_check_a_report_as_the_reference_says(claims: Path, key: Path, tmp_path: Path) -> None:
    report = signed(claims, key, "a.json")
    recipe = (Path(__file__).parents[2] / "docs/reference/claims.md").read_text().partition("```\njq -cjS")
    script = f"set -e\njq -cjS{recipe[2].partition('```')[0]}"
    for words, code in ((report.read_text(), 0), (report.read_text().replace("claimed", "proven"), 1)):
        (tmp_path / "report.json").write_text(words)
        done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True)
        assert done.returncode == code, done.stderr


def test_an_archives_own_key_signs(claims: Path, phonolith: Callable[..., Result], archive: Made) -> None:
    told = phonolith("audit", claims, "--sign", "--archive", archive.root, "--json").data
    assert (
        told["auditor"] == "Sample"
        and told["key"] == phonolith("log", "key", "--archive", archive.root, "--json").data["key"]
    )
    path = claims.with_name("own.json")
    path.write_text(json.dumps(told))
    assert phonolith("audit", "check", path).code == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--sign"], "has to go somewhere"),
        (["--key", "x.pem", "--json"], "for reports that are signed"),
        (["--sign", "--json", "--key", "nothing.pem"], "there is no such key"),
        (["--sign", "--json", "--key", "{claims}"], "no key that signs here"),
    ],
)
def test_what_cannot_be_signed_is_told_first(
    claims: Path, words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", str(claims), *(word.format(claims=claims) for word in words)]) != 0
    assert problem in capsys.readouterr().err


def test_reports_are_combined(claims: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = signed(claims, key, "a.json", "--evidence", str(claims.with_name("tracks.csv")))
    theirs = claims.with_name("b.json")
    run(["audit", str(claims), "--out", str(theirs)])
    capsys.readouterr()
    page = claims.with_name("together.html")
    assert run(["audit", "combine", str(mine), str(theirs), "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "proven, by one key alone: There are three.\n" in shown
    assert "b.json: nobody signed it, so it is not counted" in shown
    assert "2 claims; 1 of 2 reports count." in shown
    assert "<title>Audits together</title>" in page.read_text()
    mine.write_text(mine.read_text().replace("proven", "claimed", 1))
    assert run(["audit", "combine", str(mine)]) == 1


def test_reports_are_compared(claims: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = signed(claims, key, "a.json")
    new = signed(claims, key, "b.json", "--evidence", str(claims.with_name("tracks.csv")))
    capsys.readouterr()
    page = claims.with_name("changes.html")
    assert run(["audit", "compare", str(old), str(new), "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "raised: There are three.\n    claimed → proven\n" in shown and "2 claims: 1 raised, 1 same." in shown
    assert page.exists()


def test_the_family_helps_and_completes_as_one_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "phonolith audit [OPTIONS] CLAIMS" in shown and "audit combine" in shown and "--evidence" in shown
    assert run(["audit", "combine", "--help"]) == 0
    assert "REPORTS..." in capsys.readouterr().out

    def completed(*words: str) -> list[str]:
        complete = ShellComplete(program, {}, "phonolith", "_PHONOLITH_COMPLETE")
        return [one.value for one in complete.get_completions(list(words[:-1]), words[-1])]

    assert completed("audit", "co") == ["combine", "compare", "co"]
    assert "--evidence" in completed("audit", "--e") and "--since" in completed("audit", "combine", "--s")


def test_a_file_of_claims_may_be_called_as_a_verb_is(claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claims.rename(claims.with_name("combine"))
    monkeypatch.chdir(claims.parent)
    assert run(["audit", "./combine", "--evidence", "tracks.csv"]) == 0


# Evidence without a name, as a stranger hands it over


def test_paths_behind_the_claims_are_evidence(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = claims.with_name("more.csv")
    other.write_text("id\n7\n8\n9\n")
    assert run(["audit", str(claims), "--evidence", str(claims.with_name("tracks.csv")), str(other), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["of"], one["path"], one["whole"]) for one in told["evidence"]] == [
        ("tracks.csv", str(claims.with_name("tracks.csv")), True),
        ("tracks.csv", str(other), True),  # all claims that name a set name this one
    ]
    assert [fact["source"] for fact in told["verdicts"][0]["facts"]] == [one["path"] for one in told["evidence"]]


def test_evidence_without_a_name_is_about_claims_without_one(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims.write_text(CLAIMS.replace('of = "tracks.csv"\n', ""))
    assert run(["audit", str(claims), str(claims.with_name("tracks.csv"))]) == 0
    assert "proven: There are three." in capsys.readouterr().out


def test_among_several_names_it_has_to_be_said(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims.write_text(CLAIMS.replace("tracks.csv", "audio") + 'of = "listens"\n')
    path = claims.with_name("tracks.csv")
    assert run(["audit", str(claims), str(path)]) == 0
    shown = capsys.readouterr().out
    assert "claimed: There are three." in shown
    assert "Say which it is, OF=PATH: audio, listens" in shown
    assert run(["audit", str(claims), f"audio={path}"]) == 0
    assert "proven: There are three." in capsys.readouterr().out


def test_a_path_may_have_an_equals_sign(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = claims.with_name("of=2026.csv")
    path.write_text("id\n1\n2\n3\n")
    assert run(["audit", str(claims), str(path)]) == 0
    assert "rows, counted in of=2026.csv: 3 tracks" in capsys.readouterr().out

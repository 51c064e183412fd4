"""Deciding from the command line: attest, revoke, withdraw, reinstate, set and unset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.rights.decisions import Decisions
from phonolith.store.archive import Archive
from tests.cli.conftest import Made, Result

Run = Callable[..., Result]
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


def _decisions(made: Made) -> Decisions:
    with Archive.open(made.root).register() as register:
        assert register.verify() == []
        return Decisions.load(register.events())


def _track(made: Made) -> str:
    return next(value for name, value in made.ids.items() if name.startswith("track:"))


def test_an_attestation_is_one_event_for_many_and_is_revoked_by_its_number(archive: Made, phonolith: Run) -> None:
    releases = [value for name, value in archive.ids.items() if name.startswith("release:")][:3]
    words = ["--archive", archive.root, "--json"]
    done = phonolith(
        "rights", "attest", *releases, "--licence", "CC0-1.0", "--as", "rightsholder", "--because", "mine", *words
    )
    assert done.code == 0 and done.data["licence"] == CC0
    assert sorted(done.data["subjects"]) == sorted(releases)
    assert all(_decisions(archive).attestations(one) for one in releases)
    assert phonolith("rights", "revoke", done.data["event"], "--because", "not mine", *words).code == 0
    assert not any(_decisions(archive).attestations(one) for one in releases)
    assert phonolith("rights", "revoke", done.data["event"], "--because", "again", *words).code == 2
    assert phonolith("rights", "revoke", 1, "--because", "that is the birth", *words).code == 4


def test_selections_by_file_artist_and_collection(archive: Made, phonolith: Run, tmp_path: Path) -> None:
    listed = tmp_path / "ids.txt"
    listed.write_text(f"track:{_track(archive)}\n\n{archive.ids['release:tokyo']}\n")

    def chosen(selection: str) -> list[str]:
        done = phonolith(
            *("rights", "attest", selection, "--licence", CC0, "--as", "licensee", "--because", "b", "--dry-run"),
            *("--json", "--archive", archive.root),
        )
        return done.data["subjects"] if done.code == 0 else [str(done.code), done.data["problem"]]

    assert chosen(f"@{listed}") == sorted([_track(archive), archive.ids["release:tokyo"]])
    assert set(chosen("source:folder")) <= set(archive.ids.values()) and len(chosen("source:folder")) > 1
    assert chosen("source:nowhere")[0] == "4"
    assert chosen("tokyo")[0] == "2"
    assert chosen("@/nonexistent")[0] == "4"
    assert _decisions(archive).head == 1, "a dry run changes nothing"


def test_a_document_is_held_as_evidence(archive: Made, phonolith: Run, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("You may.")
    done = phonolith(
        *("rights", "attest", _track(archive), "--licence", CC0, "--as", "licensee", "--because", "a letter"),
        *("--document", letter, "--json", "--archive", archive.root),
    )
    assert done.code == 0
    with Archive.open(archive.root).objects() as objects, Archive.open(archive.root).register() as register:
        digest = list(register.events())[-1].body["document"]
        with objects.open(digest) as held:
            assert held.read() == b"You may."


@pytest.mark.parametrize("ground", ["owner", "licence", "law"])
def test_withdraw_and_reinstate(archive: Made, phonolith: Run, ground: str) -> None:
    words = ["--json", "--archive", archive.root]
    done = phonolith("withdraw", f"track:{_track(archive)}", "--ground", ground, "--because", "asked", *words)
    assert done.code == 0 and done.data["not_in_catalogue"] == []
    assert _decisions(archive).withdrawn[_track(archive)].ground == ground
    assert phonolith("reinstate", _track(archive), "--because", "agreed", *words).code == 0
    assert not _decisions(archive).withdrawn


def test_withdrawing_what_is_not_there_yet_is_said(archive: Made, phonolith: Run) -> None:
    done = phonolith("withdraw", "a" * 16, "--because", "to come", "--archive", archive.root)
    assert done.code == 0 and "Not in the present catalogue" in done.out


def test_who_decided_is_a_token_outside_private(archive: Made, phonolith: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONOLITH_ACTOR", "Rosalind Keeper")
    assert phonolith("withdraw", _track(archive), "--because", "b", "--archive", archive.root).code == 0
    assert b"Rosalind" not in (archive.root / "held" / "register.sqlite").read_bytes()
    with Archive.open(archive.root).register() as register:
        actor = list(register.events())[-1].actor
    with Archive.open(archive.root).private_store() as private:
        assert private.actor_name(actor) == "Rosalind Keeper"


def test_set_and_unset_bring_back_what_was_before(archive: Made, phonolith: Run) -> None:
    one, words = _track(archive), ["--json", "--archive", archive.root]
    first = phonolith("set", f"track:{one}", "title", "First", "--because", "b", *words)
    second = phonolith("set", one, "title", "Second", "--because", "b", *words)
    assert first.code == second.code == 0
    assert second.data["changes"][0]["was"] == "First"
    assert _decisions(archive).fields(one)["title"].value == "Second"
    assert (
        phonolith("unset", one, "title", "--because", "no", *words).data["undone"] == second.data["changes"][0]["event"]
    )
    assert _decisions(archive).fields(one)["title"].value == "First"
    assert phonolith("unset", first.data["changes"][0]["event"], "--because", "no", *words).code == 0
    assert not _decisions(archive).fields(one)
    assert phonolith("unset", one, "title", "--because", "no", *words).code == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["title"], 2),
        (["title", "x"], 2),
        (["title", "x", "--because", " "], 2),
        (["title", "x", "--clear", "--because", "b"], 2),
        (["title", "--clear", "--because", "b"], 2),
        (["colour", "blue", "--because", "b"], 2),
        (["duration", "long", "--because", "b"], 2),
        (["date", "--clear", "--because", "b"], 0),
    ],
)
def test_an_impossible_correction_is_refused_before_it_is_written(
    archive: Made, phonolith: Run, words: list[str], code: int
) -> None:
    assert phonolith("set", _track(archive), *words, "--archive", archive.root).code == code
    assert _decisions(archive).head == (2 if code == 0 else 1)


def _csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "many.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_many_corrections_dry_then_for_real_then_again(archive: Made, phonolith: Run, tmp_path: Path) -> None:
    one, two = _track(archive), archive.ids["release:tokyo"]
    table = _csv(tmp_path, f"id,field,value,because\n{one},title,“Röyk”,heard\nrelease:{two},country,JP,\n")
    words = ["--csv", table, "--because", "a list", "--json", "--archive", archive.root]
    assert len(phonolith("set", *words, "--dry-run").data["changes"]) == 2
    assert _decisions(archive).head == 1
    assert len(phonolith("set", *words).data["changes"]) == 2
    found = _decisions(archive)
    assert found.fields(one)["title"] == found.fields(one)["title"].__class__(
        "“Röyk”", "heard", 2, found.fields(one)["title"].time
    )
    assert found.fields(two)["country"].because == "a list"
    again = phonolith("set", *words).data
    assert (again["changes"], again["unchanged"]) == ([], 2)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("id,field\nx,y\n", 9, "lacks the column value"),
        ("id,field,value\nGOOD,title\n", 9, ":2: has more or fewer cells"),
        ('id,field,value\nGOOD,title,"open\n', 9, "not CSV"),
        (b"id,field,value\nGOOD,title,\xff\n", 9, "not UTF-8"),
        ("id,field,value\nnot-an-id,title,x\n", 2, ":2"),
        ("id,field,value\nGOOD,title,x\naaaaaaaaaaaaaaaa,title,x\n", 4, ":3"),
        ("id,field,value\nGOOD,title,x\nGOOD,colour,x\n", 2, ":3"),
        ("id,field,value\nGOOD,title," + "x" * 200_000 + "\n", 9, "field larger"),
    ],
)
def test_a_broken_table_changes_nothing_and_names_its_line(
    archive: Made, phonolith: Run, tmp_path: Path, text: str | bytes, code: int, says: str
) -> None:
    one = _track(archive)
    filled = text.replace(b"GOOD", one.encode()) if isinstance(text, bytes) else text.replace("GOOD", one)
    done = phonolith("set", "--csv", _csv(tmp_path, filled), "--because", "b", "--archive", archive.root)
    assert done.code == code
    assert says in done.err and len(done.err.splitlines()) == 1
    assert _decisions(archive).head == 1


def test_a_reason_is_asked_for(archive: Made, phonolith: Run, tmp_path: Path) -> None:
    table = _csv(tmp_path, f"id,field,value\n{_track(archive)},title,x\n")
    told = phonolith("set", "--csv", table, "--json", "--archive", archive.root)
    assert told.code == 2 and json.loads(told.out)["subject"].endswith(":2")

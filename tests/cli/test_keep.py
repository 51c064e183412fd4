"""The verbs that keep: verify, ledger check, ledger copy, and what status and doctor say of copies and damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.model.record import Record
from phonolith.store.archive import Archive
from tests.cli.conftest import Made, Result
from tests.store.test_fixity import flip

Run = Callable[..., Result]


@pytest.fixture
def held(archive: Made) -> list[str]:
    """Ten objects in the sample archive."""
    with Archive.open(archive.root).objects() as objects:
        return [objects.add_bytes(b"%d" % number * 9000).sha256 for number in range(10)]


def path_of(archive: Made, sha256: str, volume: str = "main") -> Path:
    return archive.root / "held" / "objects" / volume / sha256[:2] / sha256[2:]


def add_volume(archive: Made, name: str) -> None:
    settings = archive.root / "phonolith.toml"
    line = 'main = "held/objects/main"\n'
    settings.write_text(settings.read_text().replace(line, f'{line}{name} = "held/objects/{name}"\n'))


def test_the_archive_is_meant_without_its_folder_too(
    archive: Made, held: list[str], phonolith: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHONOLITH_ARCHIVE", str(archive.root))
    assert phonolith("verify", "--json", "--archive").data["checked"] == 10
    assert phonolith("verify", "--archive", "--for", "2h", "--all", "--json").data["checked"] == 10
    monkeypatch.delenv("PHONOLITH_ARCHIVE")
    monkeypatch.chdir(archive.root)
    assert phonolith("verify", "--archive", "--json").data["checked"] == 0
    assert phonolith("verify", "--archive", archive.root, "--json").data["checked"] == 0


def test_a_sound_archive(archive: Made, held: list[str], phonolith: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONOLITH_NOW", "2026-05-01T00:00:00Z")
    done = phonolith("verify", "--archive", archive.root)
    assert done.code == 0 and "✓ 10 files. All that was read is sound." in done.out
    assert "oldest unchecked\tread at 2026-05-01T00:00:00Z" in done.out
    monkeypatch.setenv("PHONOLITH_NOW", "2026-05-30T00:00:00Z")
    assert "✓ Nothing was due." in phonolith("verify", "--archive", archive.root).out
    monkeypatch.setenv("PHONOLITH_FIXITY_PERIOD", "29")
    data = phonolith("verify", "--archive", archive.root, "--json").data
    assert (data["checked"], data["sound"], data["period_days"]) == (10, 10, 29)
    assert (data["healthy"], data["finished"], data["left"]["files"], data["never_read"]) == (True, True, 0, 0)
    assert data["oldest"] == "2026-05-30T00:00:00Z" and data["bytes"] == 90_000


def test_damage_is_told_by_verify_status_and_doctor(archive: Made, held: list[str], phonolith: Run) -> None:
    flip(path_of(archive, held[3]), 5)
    done = phonolith("verify", "--archive", archive.root)
    assert done.code == 1 and str(path_of(archive, held[3])) in done.out and "Restore it" in done.out
    status = phonolith("status", "--archive", archive.root, "--json").data
    assert status["copies"] == {"0": 1, "1": 9} and status["amiss"] == 1 and status["never_read"] == 0
    assert "1 object has no sound copy here" in phonolith("status", "--archive", archive.root).out
    doctor = phonolith("doctor", "--archive", archive.root, "--json")
    (finding,) = [one for one in doctor.data["findings"] if one["code"] == "objects.damaged"]
    assert doctor.code == 1 and finding["subject"] == held[3] and "in main was found damaged" in finding["problem"]
    flip(path_of(archive, held[3]), 5)
    assert phonolith("verify", "--archive", archive.root).code == 0
    assert phonolith("status", "--archive", archive.root, "--json").data["copies"] == {"1": 10}


def test_status_warns_at_one_copy_and_what_it_says_helps(archive: Made, held: list[str], phonolith: Run) -> None:
    told = phonolith("status", "--archive", archive.root)
    assert "10 objects have one copy" in told.out and "phonolith ledger copy second" in told.out
    assert "10 files never read" in told.out
    assert phonolith("ledger", "copy", "second", "--archive", archive.root).code == 4
    add_volume(archive, "second")
    assert "Copied 10 objects to second." in phonolith("ledger", "copy", "second", "--archive", archive.root).out
    assert "Every object is there." in phonolith("ledger", "copy", "second", "--archive", archive.root).out
    told = phonolith("status", "--archive", archive.root)
    assert "one copy" not in told.out and "2 copies\t10 objects" in told.out and "in second\t10 copies" in told.out
    flip(path_of(archive, held[0]), 5)
    done = phonolith("verify", "--archive", archive.root, "--json")
    (finding,) = done.data["findings"]
    assert "Another copy" in finding["remedy"]
    data = phonolith("status", "--archive", archive.root, "--json").data
    assert data["copies"] == {"1": 1, "2": 9} and data["volumes"] == {"main": 10, "second": 10}


def test_copying_says_what_has_no_sound_source(archive: Made, held: list[str], phonolith: Run) -> None:
    flip(path_of(archive, held[0]), 5)
    add_volume(archive, "second")
    done = phonolith("ledger", "copy", "second", "--archive", archive.root, "--json")
    assert done.code == 1 and done.data["copied"] == 9
    assert [one["subject"] for one in done.data["findings"]] == [held[0]]


def test_ledger_check(archive: Made, held: list[str], phonolith: Run) -> None:
    done = phonolith("ledger", "check", "--archive", archive.root)
    assert done.code == 0 and "✓ 10 objects." in done.out
    flip(path_of(archive, held[1]), 5)
    assert phonolith("ledger", "check", "--archive", archive.root).code == 0  # no bytes are read
    path_of(archive, held[1]).unlink()
    path_of(archive, held[2]).with_name("0" * 62).write_bytes(b"")
    done = phonolith("ledger", "check", "--archive", archive.root, "--json")
    assert done.code == 1 and {one["code"] for one in done.data["findings"]} == {"object.gone", "volume.orphan"}
    with Archive.open(archive.root).lock("harvest", what="a harvest"):
        done = phonolith("ledger", "check", "--archive", archive.root, "--json")
    assert {one["code"] for one in done.data["findings"]} == {"object.gone", "harvest.busy"}


def test_references_that_lead_nowhere(archive: Made, held: list[str], phonolith: Run) -> None:
    place = Archive.open(archive.root)
    now = "2026-01-02T03:04:05Z"
    with place.records() as records:
        records.put_many([Record("musicbrainz", "large", "u", now, b'{"x":"%s"}' % (b"y" * 2_000_000))])
        records.put_many([Record("musicbrainz", "small", "u", now, json.dumps({"sha256": "no object"}).encode())])
    document = {"subjects": ["a" * 16], "licence": "CC0-1.0", "as": "rightsholder", "because": "b"}
    with place.register() as register:
        register.append("rights.attested", document | {"document": held[0]}, actor="a", time=now)
    assert phonolith("ledger", "check", "--archive", archive.root).code == 0
    with place.register() as register:
        register.append("rights.attested", document | {"document": "0" * 64}, actor="a", time=now)
    import apsw

    db = apsw.Connection(str(archive.root / "held" / "ledger.sqlite"))
    db.execute("PRAGMA foreign_keys = OFF; DELETE FROM object WHERE size > 1000000")
    db.close()
    done = phonolith("ledger", "check", "--archive", archive.root, "--json")
    told = {(one["code"], one["subject"]) for one in done.data["findings"] if "reference" in one["code"]}
    assert told == {("register.reference", "event 3"), ("record.reference", "record musicbrainz large")}


def test_files_that_harvested_records_tell_of(tmp_path: Path, rendered_music: Path, phonolith: Run) -> None:
    root = tmp_path / "archive"
    Archive.create(root, name="T", contact="x@example.org", now="2026-01-02T03:04:05Z")
    assert phonolith("harvest", "folder", rendered_music, "--archive", root).code == 0
    assert phonolith("ledger", "check", "--archive", root).code == 0
    import apsw

    db = apsw.Connection(str(root / "held" / "ledger.sqlite"))
    db.execute("PRAGMA foreign_keys = OFF; DELETE FROM object WHERE media_type LIKE 'audio/%'")
    gone = db.changes()
    db.close()
    done = phonolith("ledger", "check", "--archive", root, "--json")
    found = [one for one in done.data["findings"] if one["code"] == "record.reference"]
    assert gone and len(found) >= gone


def test_an_archive_of_nothing(tmp_path: Path, phonolith: Run) -> None:
    phonolith("init", tmp_path / "new", "--name", "n", "--contact", "c")
    for words in (["verify"], ["verify", "--all"], ["ledger", "check"], ["ledger", "copy", "main"], ["status"]):
        done = phonolith(*words, "--archive", tmp_path / "new")
        assert done.code == 0, words
    assert "nothing is held" in phonolith("verify", "--archive", tmp_path / "new").out


@pytest.mark.parametrize("words", [["--for", "soon"], ["--for", "2"], ["--share", "0"], ["--share", "101"]])
def test_what_cannot_be_wished(archive: Made, phonolith: Run, words: list[str]) -> None:
    assert phonolith("verify", *words, "--archive", archive.root).code == 2


def test_a_night_that_is_too_short_says_how_many_more(archive: Made, held: list[str], phonolith: Run) -> None:
    done = phonolith("verify", "--for", "0s", "--archive", archive.root, "--json")
    assert done.code == 0 and done.data["checked"] == 0 and not done.data["finished"]
    assert done.data["left"] == {"files": 10, "bytes": 90_000, "seconds": None}

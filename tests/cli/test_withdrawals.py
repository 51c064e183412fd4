"""Withdrawals from the command line: the list follows each decision, copies are checked by it, bytes expunged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from phonolith.catalogue.build import build
from phonolith.errors import RefusedByRights
from phonolith.library import access, publications
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.model.progress import Silent
from phonolith.releases import expunge as expunge_
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.store.copies import AccessCopies
from tests import sample
from tests.cli.conftest import Result
from tests.releases.test_cut import laid_out, publish_now

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    archive, ids = sample.make_archive(tmp_path_factory.mktemp("cli") / "archive")
    publish_now(archive)
    return archive.root, ids


@pytest.fixture
def root(made: tuple[Path, dict[str, str]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "archive"))


@pytest.fixture
def ids(made: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return made[1]


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state" / "phonolith").mkdir(parents=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def digest_of(root: Path, identifier: str) -> str:
    archive = Archive.open(root)
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        return access.playable(Library(catalogue, Overlay(register, every=0)), identifier)[0].sha256


def test_every_decision_is_followed_by_the_list(root: Path, ids: dict[str, str], phonolith: Run) -> None:
    words, one = ["--json", "--archive", root], ids["track:road/1"]
    assert phonolith("withdrawals", *words).data["files"] == []
    assert phonolith("withdraw", one, "--because", "Rosalind asked", *words).data["listed"] == 1
    told = phonolith("withdrawals", *words).data
    assert told["withdrawn"] == 1 and told["files"][0]["sha256"] == digest_of_file(root, one)
    shown = phonolith("withdrawals", "--archive", root)
    assert "1 published file" in shown.out and "its owner asked" in shown.out and "Rosalind" not in shown.out
    assert phonolith("reinstate", one, "--because", "b", *words).data["listed"] == 1
    with Archive.open(root).register() as register:
        event = next(each.seq for each in register.events() if each.kind == "rights.attested")
    assert phonolith("rights", "revoke", event, "--because", "b", *words).code == 0
    told = phonolith("withdrawals", *words).data
    assert told["withdrawn"] > 1 and {file["ground"] for file in told["files"]} == {"licence", "owner"}
    assert phonolith("doctor", *words).data["checks"] and phonolith("withdrawals", "--archive", root).code == 0


def digest_of_file(root: Path, identifier: str) -> str:
    archive = Archive.open(root)
    with archive.objects() as objects:
        for bundle in publications.bundles(published(archive)).values():
            with objects.open(bundle.tags["evidence.jsonl"]) as file:
                for line in map(json.loads, file):
                    if line["track"] == identifier:
                        return str(line["sha256"])
    raise AssertionError(identifier)


def test_a_list_is_checked_with_its_key_and_earlier_heads(
    root: Path, ids: dict[str, str], phonolith: Run, tmp_path: Path
) -> None:
    phonolith("withdraw", ids["track:road/1"], "--because", "b", "--archive", root)
    old = Path(shutil.copytree(root / "held" / "withdrawals", tmp_path / "old"))
    phonolith("withdraw", ids["track:road/2"], "--because", "b", "--archive", root)
    place = root / "held" / "withdrawals"
    head = phonolith("withdrawals", "--check", place, "--json").data["head"]
    older, newer = old / "withdrawn.heads.jsonl", place / "withdrawn.heads.jsonl"
    for key in (head["key"], head["log"]):
        assert phonolith("withdrawals", "--check", root, "--key", key, "--seen", older).code == 0
    assert phonolith("withdrawals", "--check", root, "--key", "0" * 64, "--json").data["problems"][0]["code"] == (
        "withdrawals.key"
    )
    told = phonolith("withdrawals", "--check", old, "--seen", newer, "--json")
    assert told.code == 1 and told.data["problems"][0]["code"] == "withdrawals.shortened"
    (old / "withdrawn.heads.jsonl").unlink()
    told = phonolith("withdrawals", "--check", old / "withdrawn.jsonl", "--json")
    assert told.code == 1 and told.data["signed"] is False and told.data["lines"] == 1
    assert phonolith("withdrawals", "--key", "a").code == 2


@pytest.fixture
def copy(root: Path, ids: dict[str, str], tmp_path: Path) -> tuple[Path, str]:
    """A bundle as somebody has it, and the path in it of the file of one track."""
    archive, digest = Archive.open(root), digest_of(root, ids["track:road/1"])
    with archive.objects() as objects:
        for bundle in publications.bundles(published(archive)).values():
            for one in publications.files(objects, bundle):
                if one.sha256 == digest:
                    return laid_out(archive, bundle, tmp_path / "copies"), one.path
    raise AssertionError(digest)


def test_verify_drops_what_was_withdrawn_and_nothing_else(
    root: Path, ids: dict[str, str], copy: tuple[Path, str], phonolith: Run
) -> None:
    folder, path = copy
    phonolith("withdraw", ids["track:road/1"], "--because", "b", "--archive", root)
    before = {one for one in folder.rglob("*") if one.is_file()}
    told = phonolith("verify", folder, "--withdrawn", root, "--json")
    assert told.code == 1 and told.data["counts"]["withdrawn"] == 1 and told.data["unsigned_lists"] == []
    told = phonolith("verify", folder, "--withdrawn", root, "--drop", "--json")
    assert told.code == 0 and [one["path"] for one in told.data["dropped"]] == [path]
    assert before - {one for one in folder.rglob("*") if one.is_file()} == {folder / path}
    assert phonolith("verify", folder, "--withdrawn", root).code == 0
    assert phonolith("verify", folder, "--drop").code == 2


def test_other_bytes_at_the_path_of_a_withdrawn_file_stay(
    root: Path, ids: dict[str, str], copy: tuple[Path, str], phonolith: Run, tmp_path: Path
) -> None:
    folder, path = copy
    phonolith("withdraw", ids["track:road/1"], "--because", "b", "--archive", root)
    (folder / path).write_bytes(b"somebody's own")
    told = phonolith("verify", folder, "--withdrawn", root, "--drop", "--json")
    assert told.code == 1 and "not those" in told.data["dropped"][0]["problem"]
    (folder / path).unlink()
    (tmp_path / "own").write_bytes(b"own")
    (folder / path).symlink_to(tmp_path / "own")
    phonolith("verify", folder, "--withdrawn", root, "--drop", "--json")
    assert (tmp_path / "own").exists() and (folder / path).is_symlink()


def test_a_list_that_was_tampered_with_drops_nothing(
    root: Path, ids: dict[str, str], copy: tuple[Path, str], phonolith: Run, tmp_path: Path
) -> None:
    folder, path = copy
    phonolith("withdraw", ids["track:road/2"], "--because", "b", "--archive", root)
    place = root / "held" / "withdrawals"
    older = Path(shutil.copytree(place, tmp_path / "older"))
    phonolith("withdraw", ids["track:road/1"], "--because", "b", "--archive", root)
    forged = Path(shutil.copytree(place, tmp_path / "forged"))
    text = (forged / "withdrawn.jsonl").read_text()
    (forged / "withdrawn.jsonl").write_text(text.replace('"owner"', '"law"'))

    def refused(*words: Any) -> bool:
        told = phonolith("verify", folder, *words, "--drop", "--json")
        return told.code == 9 and (folder / path).exists()

    assert refused("--withdrawn", forged) and refused("--withdrawn", place, "--key", "1" * 64)
    assert phonolith("verify", folder, "--withdrawn", place, "--json").code == 1
    assert refused("--withdrawn", older), "what was seen before is remembered beside what was checked"
    (forged / "withdrawn.heads.jsonl").unlink()
    assert refused("--withdrawn", forged, "--key", "1" * 64)
    told = phonolith("verify", folder, "--withdrawn", forged, "--json")
    assert told.data["unsigned_lists"] == [str(forged / "withdrawn.jsonl")]


def expunged(root: Path, digest: str, phonolith: Run, *words: Any) -> Result:
    order = "--ground", "law", "--authority", "Landgericht, for Rosalind Keeper"
    return phonolith("expunge", digest, *order, *words, "--archive", root)


def test_expunge_removes_bytes_for_good(root: Path, ids: dict[str, str], phonolith: Run, tmp_path: Path) -> None:
    archive, one, digest = Archive.open(root), ids["track:road/1"], digest_of(root, ids["track:road/1"])
    with archive.objects() as objects:
        path, passport = objects.path(digest), objects.passport(digest)
        data = path.read_bytes()
    asked = expunged(root, digest, phonolith)
    assert asked.code == 2 and "--yes" in asked.err and path.exists()
    copies = AccessCopies(archive.access)
    made = copies.path(digest, "opus")
    made.parent.mkdir(parents=True)
    made.write_bytes(b"made of it")
    done = expunged(root, digest, phonolith, "--yes", "--json")
    assert not made.exists(), "what was made of it goes with it"
    assert done.code == 0 and done.data["removed"] == [str(path)] and not path.exists()
    assert expunged(root, digest, phonolith, "--yes").code == 0, "again it changes nothing"
    with archive.objects() as objects:
        assert objects.passport(digest) == passport and objects.held(digest) is None
        with pytest.raises(RefusedByRights, match="expunged"):
            objects.add_bytes(data)
        assert not list(root.rglob(".incoming-*"))
    (told,) = phonolith("withdrawals", "--archive", root, "--json").data["files"]
    assert (told["event"], told["ground"], told["sha256"]) == ("expunged", "law", digest)
    assert b"Rosalind" not in b"".join(archive.withdrawals().said())
    checked = phonolith("ledger", "check", "--archive", root, "--json").data
    assert [each["code"] for each in checked["findings"] if each["subject"] == digest] == ["object.expunged"]
    assert "expunged" in phonolith("status", "--archive", root).out
    for name in (one, f"track:{one}"):
        refused = phonolith("reinstate", name, "--because", "b", "--archive", root)
        assert refused.code == 2 and "gone for good" in refused.err
    assert phonolith("show", one, "--archive", root).code == 0, "what is known of it stays"
    decided = phonolith("why", one, "--archive", root, "--json").data["decisions"]
    uses = {use: each["allowed"] for use, each in decided.items()}
    assert uses["list"] and not uses["stream"] and not uses["redistribute"]
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        assert access.playable(Library(catalogue, Overlay(register, every=0)), one) == ()


def test_the_same_bytes_are_refused_at_the_door(root: Path, phonolith: Run, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "booklet.txt").write_bytes(b"words that must go")
    (folder / "song.flac").write_bytes(b"no audio, but bytes")
    assert phonolith("harvest", "folder", folder, "--archive", root, "--json").code in (0, 1)
    import hashlib

    digest = hashlib.sha256(b"no audio, but bytes").hexdigest()
    assert expunged(root, digest, phonolith, "--yes").code == 0
    shutil.rmtree(root / "state")
    (folder / "song.flac").rename(folder / "another.flac")
    told = phonolith("harvest", "folder", folder, "--archive", root, "--json")
    assert "file.expunged" in [one["code"] for one in told.data["findings"]]
    with Archive.open(root).objects() as objects:
        assert objects.held(digest) is None


def test_killed_between_event_and_deletion_the_next_check_finishes(
    root: Path, ids: dict[str, str], phonolith: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, digest = Archive.open(root), digest_of(root, ids["track:road/1"])
    with archive.objects() as objects:
        path = objects.path(digest)
    for where in ("settle", "_clear", "_unlink"):
        with monkeypatch.context() as patch:
            patch.setattr(expunge_, where, _cut)
            assert expunged(root, digest, phonolith, "--yes").code != 0
        assert path.exists()
    assert phonolith("ledger", "check", "--archive", root).code == 0 and not path.exists()
    with archive.register() as register:
        assert [one.kind for one in register.events()].count("bytes.expunged") == 1


def _cut(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_what_is_on_a_disk_that_is_not_there_is_said_and_removed_later(
    root: Path, ids: dict[str, str], phonolith: Run, tmp_path: Path
) -> None:
    archive, digest = Archive.open(root), digest_of(root, ids["track:road/1"])
    volume = archive.volumes[0].path
    volume.rename(tmp_path / "away")
    done = expunged(root, digest, phonolith, "--yes", "--json")
    assert done.code == 1 and done.data["removed"] == [] and "not mounted" in done.data["left"][0]
    told = phonolith("ledger", "check", "--archive", root, "--json").data
    assert "object.remains" in [one["code"] for one in told["findings"]]
    (tmp_path / "away").rename(volume)
    assert phonolith("ledger", "check", "--archive", root).code == 0
    assert not archive.volumes[0].object_path(digest).exists()


def test_a_file_that_is_somebodys_own_is_named_until_it_is_gone(tmp_path: Path, phonolith: Run) -> None:
    root, music = tmp_path / "demo", tmp_path / "music"
    phonolith("init", root, "--name", "n", "--contact", "c@example.org")
    music.mkdir()
    own = music / "song.flac"
    own.write_bytes(sample.audio_bytes("road", 1))
    words = "harvest", "folder", music, "--adopt", "reference", "--archive", root
    assert phonolith(*words, "--json").code in (0, 1)
    with Archive.open(root).objects() as objects:
        (held,) = list(objects.all())
    build(Archive.open(root), as_of=None, progress=Silent(), workers=1)

    def told() -> tuple[int, list[str], bool, list[str]]:
        todo = phonolith("todo", "remains", "--archive", root, "--json").data["todo"]
        said = phonolith("status", "--archive", root).out
        checked = phonolith("ledger", "check", "--archive", root, "--json").data["findings"]
        items = [item["title"] for one in todo for item in one["items"]]
        remains = phonolith("status", "--archive", root, "--json").data["remains"]
        return remains, items, "1 file has bytes that are to be gone" in said, [one["code"] for one in checked]

    for _ in range(2):  # asked again, it says so again
        done = expunged(root, held.sha256, phonolith, "--yes", "--json")
        assert done.code == 1 and [one["code"] for one in done.data["findings"]] == ["object.remains"]
        assert done.data["left"] == [str(own)] and own.exists()
    with Archive.open(root).objects() as objects:
        assert list(objects.all()) == [] and not any(objects.copies().values())
    assert told() == (1, [str(own)], True, ["object.remains", "object.expunged"])
    assert str(own) in phonolith("todo", "--archive", root).out
    own.unlink()
    assert phonolith("ledger", "check", "--archive", root).code == 0
    assert told() == (0, [], False, ["object.expunged"])


def test_a_build_has_nothing_of_it(tmp_path: Path, phonolith: Run) -> None:
    root = tmp_path / "demo"
    phonolith("init", root, "--name", "n", "--contact", "c@example.org")
    music = tmp_path / "music"
    music.mkdir()
    (music / "song.flac").write_bytes(sample.audio_bytes("road", 1))
    phonolith("harvest", "folder", music, "--archive", root)
    archive = Archive.open(root)
    with archive.objects() as objects:
        (held,) = list(objects.all())
    build(archive, as_of=None, progress=Silent(), workers=1)
    assert _files(archive) == [held.sha256]
    assert expunged(root, held.sha256, phonolith, "--yes").code == 0
    build(archive, as_of=None, progress=Silent(), workers=1)
    assert _files(archive) == []


def _files(archive: Archive) -> list[str]:
    with closing(Catalogue.open(archive.catalogue)) as catalogue, catalogue.reading() as snapshot:
        return [row[0] for row in snapshot.db.execute("SELECT lower(hex(sha256)) FROM object")]

"""The place: creation, opening, formats, locks."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from phonolith.errors import Busy, NewerFormat, NotAnArchive, SettingError, UsageError
from phonolith.store.archive import Archive

NOW = "2026-01-02T03:04:05Z"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "a", name="Test", contact="me@example.org", now=NOW)


def test_a_new_archive_opens_and_says_so_in_its_register(archive: Archive) -> None:
    again = Archive.open(archive.root)
    assert again == archive
    with again.register() as register:
        (event,) = register.events()
        assert (event.kind, event.time, dict(event.body)) == ("archive.created", NOW, {"name": "Test", "format": 1})
    with again.private_store() as private:
        assert private.actor_name(event.actor) == "operator"


def test_people_and_keys_are_for_the_owner_only(archive: Archive) -> None:
    for path, mode in (
        (archive.private, 0o700),
        (archive.keys, 0o700),
        (archive.private / "people.sqlite", 0o600),
    ):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "東京 ünï", "# not a comment", "{contact}"])
def test_any_name_survives_the_settings_file(tmp_path: Path, name: str) -> None:
    Archive.create(tmp_path / "a", name=name, contact=name, now=NOW)
    settings = tomllib.loads((tmp_path / "a" / "phonolith.toml").read_text(encoding="utf-8"))
    assert (settings["name"], settings["contact"]) == (name, name)
    assert settings["operator"] == {"territory": ""} and settings["publish"] == {"territories": []}


@pytest.mark.parametrize("name", ["a\0b", "two\nlines", "\ud800"])
def test_a_name_no_file_can_hold_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError):
        Archive.create(tmp_path / "a", name=name, contact="x", now=NOW)
    assert not (tmp_path / "a").exists()


def test_an_archive_is_not_made_twice(archive: Archive) -> None:
    with pytest.raises(UsageError, match="already"):
        Archive.create(archive.root, name="Other", contact="x", now=NOW)


def test_an_interrupted_creation_is_done_again(archive: Archive) -> None:
    (archive.root / "phonolith.toml").unlink()  # it is written last
    Archive.create(archive.root, name="Test", contact="x", now="2027-01-01T00:00:00Z")
    with archive.register() as register:
        assert register.head()[0] == 1


def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, archive: Archive) -> None:
    with pytest.raises(NotAnArchive, match=r"no phonolith\.toml"):
        Archive.open(tmp_path)
    with pytest.raises(NotAnArchive):
        Archive.open(tmp_path / "nowhere")
    (archive.held / "FORMAT").write_text("one\n")
    with pytest.raises(NotAnArchive, match="FORMAT"):
        Archive.open(archive.root)


def test_a_newer_archive_is_refused_in_words(archive: Archive) -> None:
    (archive.held / "FORMAT").write_text("2\n")
    with pytest.raises(NewerFormat, match=r"newer version of Phonolith .*Upgrade"):
        Archive.open(archive.root)


@pytest.mark.parametrize(
    "text", ["name = ", 'name = 3\n[volumes]\nmain="x"', "volumes = 3", "[volumes]", "[volumes]\nx=1"]
)
def test_broken_settings_are_a_setting_error(archive: Archive, text: str) -> None:
    (archive.root / "phonolith.toml").write_text(text)
    with pytest.raises(SettingError):
        Archive.open(archive.root)


def test_state_and_derived_may_be_deleted(archive: Archive) -> None:
    (archive.derived).rmdir()
    (archive.state).rmdir()
    with Archive.open(archive.root).lock("build", what="build"):
        pass


def test_a_second_holder_is_refused_at_once_and_told_who(archive: Archive) -> None:
    with archive.lock("harvest", what="harvest folder /music"):
        with pytest.raises(Busy, match=f"harvest folder /music.*process {os.getpid()} .* since 20"):
            archive.lock("harvest", what="other").__enter__()
        with archive.lock("build", what="build"):  # another store is free
            pass
    with archive.lock("harvest", what="again"):
        pass


def test_there_are_only_the_locks_there_are(archive: Archive) -> None:
    with pytest.raises(UsageError), archive.lock("register", what="x"):
        pass


_HOLD = """
import os, sys
from pathlib import Path
from phonolith.store.archive import Archive
with Archive.open(Path(sys.argv[1])).lock("build", what="a build that dies"):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_a_dead_holders_lock_is_taken_over(archive: Archive) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(archive.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        pid = child.stdout.readline().strip()
        with pytest.raises(Busy, match=f"a build that dies.*process {pid} "):
            archive.lock("build", what="mine").__enter__()
        child.kill()
        child.wait()
    stale = json.loads((archive.state / "build.lock").read_text())
    assert str(stale["pid"]) == pid
    with archive.lock("build", what="mine"):
        assert json.loads((archive.state / "build.lock").read_text())["what"] == "mine"


_HOLD_WITH_A_WORKER = """
import os, sys, time
from pathlib import Path
from phonolith.store.archive import Archive
with Archive.open(Path(sys.argv[1])).lock("build", what="a build with a worker"):
    if os.fork() == 0:
        print("worker", flush=True)
        sys.stdin.read()  # outlives its parent, as a worker may
        os._exit(0)
    time.sleep(3600)
"""


def test_a_worker_that_outlives_its_parent_holds_nothing(archive: Archive) -> None:
    words = [sys.executable, "-c", _HOLD_WITH_A_WORKER, str(archive.root)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "worker\n"
        with pytest.raises(Busy, match="a build with a worker"), archive.lock("build", what="mine"):
            pass
        child.kill()
        child.wait()
        with archive.lock("build", what="mine"):
            pass


def test_the_register_needs_no_lock(archive: Archive) -> None:
    with archive.lock("build", what="build"), archive.lock("harvest", what="harvest"), archive.register() as register:
        register.append("item.withdrawn", {"subjects": [], "because": "b", "ground": "law"}, actor="a", time=NOW)

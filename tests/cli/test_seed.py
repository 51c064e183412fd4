"""``seed`` as people and programs run it: what it says first, while it runs, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from phonolith.store.archive import Archive
from tests.cli.conftest import Result
from tests.releases.seeding import bytes_of, largest, make_archive, track_of, wait_for, withdraw

pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

Run = Callable[..., Result]


@pytest.fixture
def many(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "archive")


@contextmanager
def seeding(archive: Archive, *words: str, stdout: Any = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """A seeder of this machine alone, in a process of its own."""
    command = [sys.executable, "-m", "phonolith.cli.main", "seed", "--archive", str(archive.root)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PHONOLITH_")}
    process = subprocess.Popen(
        [*command, "--bind", "127.0.0.1:0", "--no-dht", *words], stdout=stdout, text=True, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def first_object(process: subprocess.Popen[str]) -> dict[str, Any]:
    text = ""
    assert process.stdout is not None
    while "\n}" not in text:
        line = process.stdout.readline()
        assert line, "it ended"
        text += line
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_what_is_given_and_ends_as_it_is_told(many: Archive, phonolith: Run, number: int) -> None:
    with seeding(many, "--json") as process:
        told = first_object(process)
        assert [one["given"] for one in told["bundles"]] == [one["files"] for one in told["bundles"]] != []
        assert told["listen"][0].startswith("127.0.0.1:") and told["troubles"] == []
        again = phonolith("seed", "--archive", many.root, "--bind", "127.0.0.1:0", "--json")
        assert again.data["error"] == "busy" and "phonolith seed" in again.err
        wait_for(lambda: "bundles" in phonolith("seed", "--archive", many.root, "--status", "--json").data)
        assert phonolith("seed", "--archive", many.root, "--status", "--json").data["running"] is True
        process.send_signal(number)
        assert process.wait(60) == 0
    after = phonolith("seed", "--archive", many.root, "--status")
    assert after.code == 0 and "Nothing is seeded now" in after.out and told["bundles"][0]["name"] in after.out


def test_each_thing_that_happens_is_a_line(many: Archive) -> None:
    bundle = largest(many, "large")
    path = next(one for one in bytes_of(many, bundle) if one.endswith(".wav"))
    track = track_of(many, bundle, path)
    with seeding(many, "--events") as process:
        assert process.stdout is not None
        for _ in range(4):
            assert json.loads(process.stdout.readline())["kind"] == "offered"
        withdraw(many, track)
        told = json.loads(process.stdout.readline())
        assert (told["kind"], told["bundle"], told["path"]) == ("withheld", bundle.name, path)
        assert "they asked" in told["text"] and told["time"].endswith("Z")


def test_a_terminal_is_kept_up_to_date(many: Archive) -> None:
    import pty

    master, slave = pty.openpty()
    with seeding(many, stdout=slave) as process, os.fdopen(master, "rb", buffering=0) as terminal:
        os.close(slave)
        seen = b""
        while seen.count(b"given today") < 3:  # said once, and drawn twice
            seen += terminal.read(4096)
        assert b"4 bundles" in seen and b"held back" in seen
        process.send_signal(signal.SIGINT)
        try:
            while terminal.read(4096):
                pass
        except OSError:  # Linux says so when the last writer is gone
            pass
        assert process.wait(60) == 0


def test_what_was_never_seeded_has_no_status(many: Archive, phonolith: Run) -> None:
    found = phonolith("seed", "--archive", many.root, "--status", "--json")
    assert found.data["error"] == "not-found" and "phonolith seed" in found.data["remedy"]


def test_a_place_to_listen_at_that_is_none_is_said(many: Archive, phonolith: Run) -> None:
    found = phonolith("seed", "--archive", many.root, "--listen", "6881", "--json")
    assert found.data["subject"] == "--listen" and "host and a port" in found.data["problem"]

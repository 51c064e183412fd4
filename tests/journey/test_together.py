"""Several at work on one archive at the same time, and what is taken away under a running library."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journey.conftest import PROGRAM, environment, run, serving

_HOLDER = """
import sys, pathlib
from phonolith.store.archive import Archive
with Archive.open(pathlib.Path(sys.argv[1])).lock(sys.argv[2], what="a test at work"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    run("init", tmp_path / "archive", "--name", "Together", "--contact", "k@t.example")
    (tmp_path / "albums.csv").write_text(
        "key,title,artist\n" + "".join(f"k{n},Album {n},Artist {n}\n" for n in range(50))
    )
    lines = [
        'name = "albums"',
        'title = "Albums"',
        "[[table]]",
        'name = "albums"',
        'file = "albums.csv"',
        'key = "key"',
    ]
    (tmp_path / "map.toml").write_text("\n".join([*lines, "[table.release]", 'title = "title"', 'artist = "artist"']))
    return tmp_path / "archive"


def _harvest(root: Path, code: int = 0) -> dict[str, object]:
    table = root.parent / "albums.csv"
    return run("harvest", "table", table, "--map", root.parent / "map.toml", "--archive", root, code=code)


@contextmanager
def _holding(root: Path, lock: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _HOLDER, str(root), lock]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_harvest_is_refused_and_told_who_is_at_work_until_that_one_is_dead(root: Path) -> None:
    with _holding(root, "harvest") as other:
        refused = _harvest(root, code=7)
        assert refused["error"] == "busy"
        assert "a test at work" in str(refused["problem"]) and str(other.pid) in str(refused["problem"])
        assert run("status", "--archive", root)["at_work"].keys() == {"harvest"}
        other.send_signal(signal.SIGKILL)
        other.wait(30)
        assert _harvest(root)["new"] == 51


def test_decisions_are_written_while_a_build_and_a_harvest_are_running(root: Path) -> None:
    _harvest(root)
    with _holding(root, "build"), _holding(root, "harvest"):
        assert run("build", "--archive", root, code=7)["error"] == "busy"
        run("withdraw", "a" * 16, "--because", "at once", "--archive", root)  # neither lock is ever let go


def test_a_harvest_stopped_by_ctrl_c_keeps_what_it_has_and_goes_on(
    root: Path, tmp_path: Path, rendered_music: Path
) -> None:
    command = [
        *PROGRAM,
        "harvest",
        "folder",
        str(rendered_music),
        "--adopt",
        "copy",
        "--name",
        "m",
        "--archive",
        str(root),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment()
    ) as one:
        assert one.stderr is not None
        assert "to adopt" in one.stderr.readline()
        one.send_signal(signal.SIGINT)
        told = one.stderr.read()
        assert one.wait(60) in (0, 130)
        assert "Traceback" not in told
    rest = run("harvest", "folder", rendered_music, "--adopt", "copy", "--name", "m", "--archive", root)
    assert rest["records"] == run("status", "--archive", root)["records"]["folder.m"]
    again = run("harvest", "folder", rendered_music, "--adopt", "copy", "--name", "m", "--archive", root)
    assert (again["new"], again["changed"]) == (0, 0)


def test_a_catalogue_deleted_under_a_library_goes_on_being_served_and_the_next_build_is_seen(root: Path) -> None:
    _harvest(root)
    run("build", "--archive", root)
    with serving(root) as library:
        assert library.get("/search?q=album").status == 200
        (root / "derived" / "catalogue.sqlite").unlink()
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            assert library.get("/search?q=album").status == 200
        with (root.parent / "albums.csv").open("a") as table:
            table.write("k99,Freshly Added,Artist\n")
        _harvest(root)
        run("build", "--archive", root)
        deadline = time.monotonic() + 5
        while b"Freshly Added" not in library.get("/search?q=freshly&kind=release").body:
            assert time.monotonic() < deadline


def test_several_processes_serve_one_archive_and_end_with_one_interrupt(root: Path) -> None:
    _harvest(root)
    run("build", "--archive", root)
    with serving(root, workers=3) as library:
        assert {library.get(f"/search?q=album&limit={number}").status for number in range(1, 20)} == {200}

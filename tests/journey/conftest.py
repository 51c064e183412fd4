"""The program as people run it: in a process of its own, over real files and real HTTP."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

PROGRAM = [sys.executable, "-m", "phonolith.cli.main"]
Run = Callable[..., dict[str, Any]]


def environment() -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PHONOLITH_")}


def run(*words: object, code: int = 0) -> dict[str, Any]:
    """Run one verb with --json and give back its one object."""
    command = [*PROGRAM, *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment())
    assert done.returncode == code, (
        f"{' '.join(command[3:])}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    )
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """A library that is open."""

    address: str

    def get(self, path: str, **headers: str) -> Reply:
        """GET a path; header names with _ for -."""
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@contextmanager
def serving(root: Path) -> Iterator[Served]:
    """Serve the archive on a free port until the block ends; Ctrl-C must end it well."""
    command = [*PROGRAM, "serve", "--port", "0", "--json", "--archive", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, f"serve ended: {text}"
            text += line
        try:
            yield Served(json.loads(text)["address"])
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0


@dataclass(frozen=True)
class Music:
    """A folder to harvest, and what is in it."""

    folder: Path
    audio: int
    licensed: int
    words: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, rendered_music: Path) -> Path:
    """The demonstration's archive, made once."""
    root = tmp_path_factory.mktemp("demonstration") / "archive"
    shutil.copytree(rendered_music, root / "music", copy_function=os.link)
    run("demo", "--no-serve", "--dir", root)
    return root


@pytest.fixture(scope="session")
def music(request: pytest.FixtureRequest) -> Music:
    """Real pieces where they are beside the checkout, else those that the demonstration renders."""
    real = Path(__file__).resolve().parents[3] / "shared" / "data" / "audio-phonograph"
    if real.is_dir():
        return Music(real, 21, 19, "afternoon lullaby")
    return Music(request.getfixturevalue("rendered_music"), 24, 24, "greensleeves")

"""An archive with the sample catalogue in it, and a way to run verbs as programs do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phonolith.cli.main import run
from phonolith.store.archive import Archive
from tests.sample import make_catalogue


@dataclass(frozen=True)
class Made:
    """An archive and the public ids in its catalogue, by name (``track:tokyo/1``)."""

    root: Path
    ids: dict[str, str]


@dataclass(frozen=True)
class Result:
    """How a run ended; ``data`` parses what --json printed, and fails if that is anything but one object."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def archive(tmp_path: Path) -> Made:
    root = tmp_path / "archive"
    made = Archive.create(root, name="Sample", contact="keeper@sample.example", now="2026-11-01T00:00:00Z")
    return Made(root, make_catalogue(made.catalogue))


@pytest.fixture
def phonolith(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run one command line in this process and give back how it ended."""
    monkeypatch.delenv("PHONOLITH_ARCHIVE", raising=False)

    def run_it(*words: object) -> Result:
        capfd.readouterr()
        code = run([str(word) for word in words])
        told = capfd.readouterr()
        assert "Traceback" not in told.err
        return Result(code, told.out, told.err)

    return run_it

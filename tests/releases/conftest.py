"""An archive that holds a few objects, and a clock that goes on by a second each time it is asked."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from phonolith.store.archive import Archive

FILES = [b"object %d " % number * (9000 * number) for number in range(9)]


@dataclass(frozen=True)
class Held:
    """An archive, the digests of its objects, and files with their bytes."""

    archive: Archive
    digests: list[str]
    files: list[Path]


def make(root: Path) -> Held:
    archive = Archive.create(root / "a", name="Test", contact="me@example.org", now="2026-01-01T00:00:00Z")
    (root / "files").mkdir()
    files = [root / "files" / f"{number}" for number in range(len(FILES))]
    for path, data in zip(files, FILES, strict=True):
        path.write_bytes(data)
    with archive.objects() as objects:
        return Held(archive, [objects.adopt(path, "copy").sha256 for path in files], files)


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return make(tmp_path / "ours")


@pytest.fixture
def other(tmp_path: Path) -> Held:
    """Another archive, a mirror for example."""
    return make(tmp_path / "theirs")


@pytest.fixture
def clock() -> Callable[[], str]:
    seconds = itertools.count()
    return lambda: "2026-01-02T03:{:02}:{:02}Z".format(*divmod(next(seconds), 60))

"""Fixtures of the store's tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from phonolith.store.archive import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive.create(tmp_path / "a", name="Test", contact="me@example.org", now="2026-01-02T03:04:05Z")


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: for tests of hundreds of archives that need no real disk."""
    shm = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as folder:
        yield Path(folder)

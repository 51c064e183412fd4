"""Fixtures of the store's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from phonolith.store.archive import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive.create(tmp_path / "a", name="Test", contact="me@example.org", now="2026-01-02T03:04:05Z")

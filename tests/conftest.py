"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real collections beside the checkout; skips where it is not there."""
    if not _SHARED.is_dir():
        pytest.skip(f"real collections are not beside the checkout ({_SHARED})")
    return _SHARED

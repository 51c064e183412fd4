"""Fixtures for building catalogues."""

from __future__ import annotations

import pytest

from phonolith.sources import base
from tests.catalogue.said import SaidSource


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources ``said`` and ``heard`` are installed beside the real ones."""
    heard = SaidSource()
    heard.name = "heard"
    known = {"said": SaidSource(), "heard": heard}
    real = base.open_source
    for module in ("phonolith.catalogue.build", "phonolith.catalogue.interpret"):
        monkeypatch.setattr(
            f"{module}.open_source", lambda name, settings=None: known.get(name) or real(name, settings)
        )

"""An archive with the sample catalogue and all of its bytes, published, and the application over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from tests.releases.test_cut import publish_now
from tests.sample import make_archive


@dataclass(frozen=True)
class Served:
    """An archive with its application; ``ids`` are public ids by sample name."""

    archive: Archive
    client: TestClient
    ids: dict[str, str]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample archive, to read only."""
    archive, ids = make_archive(tmp_path_factory.mktemp("web") / "archive")
    publish_now(archive)
    with TestClient(create_app(archive, Settings(name="Sample")), raise_server_exceptions=False) as client:
        yield Served(archive, client, ids)

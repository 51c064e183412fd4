"""What every test with real peers needs: addresses of this machine, and a release that is tracked and seeded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.swarm import Release, addresses, released


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[str]]:
    """The tracker's, the seeder's and the client's address."""
    with addresses(3) as found:
        yield found


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, hosts: list[str]) -> Iterator[Release]:
    """Hybrid torrents with twins for v1, tracked, and given by ``phonolith seed``."""
    with released(tmp_path_factory.mktemp("release"), hosts[0], hosts[1]) as found:
        yield found

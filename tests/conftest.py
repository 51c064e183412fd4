"""Fixtures that every test may use."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no reason to fail: what is slow is a matter of benches.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# A shell has what it starts in the background ignore Ctrl-C, and all that this starts; some tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real collections beside the checkout; skips where it is not there."""
    if not _SHARED.is_dir():
        pytest.skip("real collections are not beside the checkout (../shared/data)")
    return _SHARED


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: for tests of hundreds of archives that need no real disk."""
    shm = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def peer() -> Callable[..., str]:
    """``peer("chromium")``: the path of a program from outside, by the first of its names that is there.

    Where none is, the test skips with the reason; under PHONOLITH_REQUIRE_PEERS=1 it fails instead, so that a machine
    that is meant to run everything cannot leave something out in silence.
    """
    return find_peer


def find_peer(*names: str) -> str:
    """What the fixture ``peer`` gives, for code outside a fixture."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    for name in names:
        found = shutil.which(name, path=search)
        if found:
            return found
    return missing_peer(f"{' or '.join(names)} is not installed")


def missing_peer(reason: str) -> str:
    """Skip for lack of something from outside, or fail where all of it is required."""
    if os.environ.get("PHONOLITH_REQUIRE_PEERS") == "1":
        pytest.fail(f"{reason}, and PHONOLITH_REQUIRE_PEERS=1 requires it", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def rendered_music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's music, rendered once for all processes of a run. Copy it; do not write into it."""
    from phonolith.demo import render
    from phonolith.model.progress import Silent

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "rendered-music"
    with (shared / "rendered-music.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "LICENSE.md").exists():  # the file that is written last
            render(folder, progress=Silent())
    return folder

"""We fetch from real clients, find them through a real tracker, and ask it how many copies there are."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from phonolith.model.progress import Silent
from phonolith.releases.by_swarm import Moved, fetch_by_swarm
from phonolith.releases.leech import Asked
from phonolith.releases.scrape import copies
from phonolith.releases.session import Net
from phonolith.releases.verify.check import Wish
from phonolith.releases.verify.memory import Memory
from phonolith.releases.verify.peers import Reach
from phonolith.releases.verify.run import verify_and_repair
from phonolith.store.metainfo import Metainfo, read
from tests.peers.swarm import (
    Release,
    free_port,
    seeded_by_qbittorrent,
    sound,
    tracked,
    wait_for,
    web_seed,
)
from tests.releases.seeding import NOW

pytestmark = pytest.mark.peers
pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, hosts: list[str]) -> Iterator[Release]:
    """Tracked, and given by nobody yet."""
    with tracked(tmp_path_factory.mktemp("bare"), hosts[0]) as found:
        yield found


def fetched(torrent: Path, root: Path, host: str, *, web_seeds: bool = False, patience: float = 120.0) -> Moved:
    net = Net((f"{host}:0",), dht=False)
    asked = Asked(web_seeds=web_seeds, patience=patience)
    return fetch_by_swarm([torrent], root, None, net, asked=asked, progress=Silent())


def told(release: Release, kind: str = "hybrid") -> dict[str, Metainfo]:
    found = ((name, path) for (name, one), path in release.torrents.items() if one == kind)
    return {name: read(path.read_bytes(), name) for name, path in found}


@pytest.mark.parametrize("size_class", ["small", "large"])
def test_from_our_seed_found_through_the_tracker(
    release: Release, hosts: list[str], tmp_path: Path, size_class: str
) -> None:
    bundle = release.bundle(size_class)
    assert fetched(release.torrents[bundle.name, "hybrid"], tmp_path, hosts[2]).missing == ()
    sound(tmp_path / bundle.name, release, bundle)


@pytest.mark.parametrize("size_class", ["small", "large"])
def test_from_qbittorrent_found_through_the_tracker(
    bare: Release, hosts: list[str], tmp_path: Path, size_class: str
) -> None:
    bundle = bare.bundle(size_class)
    torrent = bare.torrents[bundle.name, "hybrid"]
    with seeded_by_qbittorrent(bare, bundle, "hybrid", hosts[1], tmp_path):
        assert fetched(torrent, tmp_path / "copy", hosts[2]).missing == ()
    sound(tmp_path / "copy" / bundle.name, bare, bundle)


def test_from_the_web_seed_alone(tmp_path: Path) -> None:
    with web_seed(tmp_path) as web:
        bundle = web.bundle("large")
        torrent = web.torrents[bundle.name, "hybrid"]
        refused = fetched(torrent, tmp_path / "none", "127.0.0.1", web_seeds=False, patience=2.0)
        assert len(refused.missing) > bundle.files  # tag files too
        assert fetched(torrent, tmp_path / "copy", "127.0.0.1", web_seeds=True).missing == ()
        sound(tmp_path / "copy" / bundle.name, web, bundle)


@pytest.mark.parametrize("scheme", ["http", "udp"])
def test_copies_are_counted_by_a_real_tracker(release: Release, scheme: str) -> None:
    known = told(release)
    trackers = {name for one in known.values() for tier in one.trackers for name in tier}
    asked = [one.replace("http://", "udp://") if scheme == "udp" else one for one in trackers]
    bare = [_without_trackers(one) for one in known.values()]
    expected = {whole.hex(): 1 for one in known.values() for whole in one.infohashes}
    assert wait_for(lambda: (found := copies(bare, asked)) == expected and found, "every copy to be counted")


def _without_trackers(one: Metainfo) -> Metainfo:
    return replace(one, trackers=())


def test_one_that_nobody_has_counts_none_and_one_that_is_not_tracked_is_not_counted(
    bare: Release, release: Release
) -> None:
    found = copies(list(told(bare).values()))
    assert not any(found.values())
    trackers = [name for one in told(bare).values() for tier in one.trackers for name in tier]
    strange = [_without_trackers(one) for one in told(release).values()]
    assert not any(copies(strange, trackers[:1]).values())


def test_a_tracker_that_does_not_answer_costs_no_more_than_was_said(release: Release) -> None:
    dead = [f"http://127.0.0.1:{free_port('127.0.0.1')}/announce", f"udp://127.0.0.1:{free_port('127.0.0.1')}"]
    began = time.monotonic()
    found = copies(
        list(told(release).values()), [*dead, "wss://127.0.0.1/announce", "http://127.0.0.1/none"], seconds=8
    )
    assert found and time.monotonic() - began < 30


def test_a_harmed_copy_is_repaired_from_qbittorrent(bare: Release, hosts: list[str], tmp_path: Path) -> None:
    bundle = bare.bundle("large")
    torrent = bare.torrents[bundle.name, "hybrid"]
    with seeded_by_qbittorrent(bare, bundle, "hybrid", hosts[1], tmp_path):
        shutil.copytree(tmp_path / "seeded", tmp_path / "copy")
        shutil.copy(torrent, tmp_path / "copy" / f"{bundle.name}.torrent")
        root = tmp_path / "copy" / bundle.name
        first, second, third = sorted(root.rglob("*.wav"))[:3]
        first.write_bytes(first.read_bytes()[:-9] + b"not so it!")
        second.write_bytes(second.read_bytes()[:1000])
        third.unlink()
        reach = Reach(Net((f"{hosts[2]}:0",), dht=False), Asked(web_seeds=False))
        with Memory(Path(":memory:"), now=NOW) as memory:
            done = verify_and_repair(root, (), Wish(), memory, Silent(), ["swarm"], NOW, reach)
    assert [one.problem for one in done.mended] == ["", "", ""]
    for aside in root.glob("corrupt-*"):
        shutil.rmtree(aside)
    sound(root, bare, bundle)

"""Real clients download published bundles from ``phonolith seed`` through a real tracker: docs/reference/clients.md."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import find_peer, missing_peer
from tests.peers.swarm import (
    Ended,
    Release,
    add,
    complete,
    free_port,
    qbittorrent,
    released,
    running,
    sound,
    wait_for,
    web_seed,
)

pytestmark = pytest.mark.peers
pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

CLASSES = pytest.mark.parametrize("size_class", ["small", "large"])


@pytest.fixture(scope="module")
def second_version(tmp_path_factory: pytest.TempPathFactory, hosts: list[str]) -> Iterator[Release]:
    """Torrents of version 2 alone."""
    with released(tmp_path_factory.mktemp("v2"), hosts[0], hosts[1], "--v2-only") as found:
        yield found


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Served, and neither tracked nor seeded."""
    with web_seed(tmp_path_factory.mktemp("web")) as found:
        yield found


@CLASSES
def test_aria2_takes_the_v1_twin(release: Release, hosts: list[str], tmp_path: Path, size_class: str) -> None:
    bundle = release.bundle(size_class)
    done = subprocess.run(
        [
            find_peer("aria2c"), "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
            "--enable-peer-exchange=false", f"--interface={hosts[2]}", f"--listen-port={free_port(hosts[2])}",
            "--seed-time=0", "--bt-stop-timeout=120", "--summary-interval=0", f"--dir={tmp_path}",
            str(release.torrents[bundle.name, "v1"]),
        ],
        capture_output=True,
        text=True,
        timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    sound(tmp_path / bundle.name, release, bundle)


@CLASSES
@pytest.mark.parametrize("kind", ["hybrid", "v1"])
def test_aria2_takes_hybrid_and_twin_from_the_web_seed_alone(
    web: Release, tmp_path: Path, kind: str, size_class: str
) -> None:
    bundle = web.bundle(size_class)
    done = subprocess.run(
        [
            find_peer("aria2c"), "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
            "--seed-time=0", "--bt-stop-timeout=120", "--summary-interval=0", f"--dir={tmp_path}",
            f"--listen-port={free_port('127.0.0.1')}", str(web.torrents[bundle.name, kind]),
        ],
        capture_output=True,
        text=True,
        timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    sound(tmp_path / bundle.name, web, bundle)


@CLASSES
def test_transmission_takes_the_v1_twin(release: Release, hosts: list[str], tmp_path: Path, size_class: str) -> None:
    if hosts[2].startswith("127."):
        missing_peer("Transmission drops peers of 127.0.0.0/8, and no other address of this machine could be made")
    bundle = release.bundle(size_class)
    port = free_port("127.0.0.1")
    (tmp_path / "settings.json").write_text(
        json.dumps(
            {
                "bind-address-ipv4": hosts[2],
                "peer-port": free_port(hosts[2]),
                "rpc-bind-address": "127.0.0.1",
                "rpc-port": port,
                "download-dir": str(tmp_path / "copy"),
                "incomplete-dir-enabled": False,
                "dht-enabled": False,
                "lpd-enabled": False,
                "pex-enabled": False,
                "utp-enabled": False,
                "port-forwarding-enabled": False,
            }
        )
    )
    remote = [find_peer("transmission-remote"), f"127.0.0.1:{port}"]

    def ask(*words: str) -> str:
        done = subprocess.run([*remote, *words], capture_output=True, text=True, timeout=60)
        return done.stdout if done.returncode == 0 else ""

    with running([find_peer("transmission-daemon"), "-f", "-g", str(tmp_path)], {}) as one:
        wait_for(lambda: "success" in ask("-a", str(release.torrents[bundle.name, "v1"])), "the torrent", one)
        wait_for(lambda: "Percent Done: 100%" in ask("-t1", "-i"), "the download", one)
        wait_for(lambda: complete(tmp_path / "copy" / bundle.name, release, bundle), "the last bytes", one)
    sound(tmp_path / "copy" / bundle.name, release, bundle)


@CLASSES
@pytest.mark.parametrize("kind", ["hybrid", "v1"])
def test_rtorrent_takes_hybrid_and_twin(
    release: Release, hosts: list[str], tmp_path: Path, kind: str, size_class: str
) -> None:
    bundle = release.bundle(size_class)
    copy = tmp_path / "copy" / bundle.name
    for name in ("copy", "session"):
        (tmp_path / name).mkdir()
    port = free_port(hosts[2])
    (tmp_path / "rt.rc").write_text(
        f"directory.default.set = {tmp_path}/copy\nsession.path.set = {tmp_path}/session\n"
        f"network.bind_address.set = {hosts[2]}\nnetwork.port_range.set = {port}-{port}\n"
        "dht.mode.set = disable\nprotocol.pex.set = no\ntrackers.use_udp.set = no\n"
    )
    command = f"{find_peer('rtorrent')} -n -o import={tmp_path}/rt.rc {release.torrents[bundle.name, kind]}"
    words = [find_peer("script"), "-qefc", command, str(tmp_path / "log")]  # it wants a terminal
    with running(words, {"TERM": "xterm", "HOME": str(tmp_path)}) as one:
        wait_for(lambda: complete(copy, release, bundle), "the download", one)
    sound(copy, release, bundle)


def downloaded_by_qbittorrent(torrent: Path, host: str, folder: Path, done: Callable[[], bool]) -> None:
    """Download with qBittorrent. 4.5.2 fell over once (signal 11) in many runs; then it is started again."""
    for attempt in range(5):
        try:
            with qbittorrent(host, folder, folder / f"profile {attempt}") as (api, one):
                wait_for(lambda api=api: add(api, torrent, folder / "copy"), "the torrent", one)
                wait_for(done, "the download", one)
                return
        except Ended as ended:
            if ended.code != -signal.SIGSEGV:
                raise
    pytest.fail("qBittorrent fell over five times")


@CLASSES
@pytest.mark.parametrize("kind", ["hybrid", "v1"])
def test_qbittorrent_takes_hybrid_and_twin(
    release: Release, hosts: list[str], tmp_path: Path, kind: str, size_class: str
) -> None:
    bundle = release.bundle(size_class)
    copy = tmp_path / "copy" / bundle.name
    torrent = release.torrents[bundle.name, kind]
    downloaded_by_qbittorrent(torrent, hosts[2], tmp_path, lambda: complete(copy, release, bundle))
    sound(copy, release, bundle)


@CLASSES
def test_qbittorrent_takes_version_2_alone(
    second_version: Release, hosts: list[str], tmp_path: Path, size_class: str
) -> None:
    bundle = second_version.bundle(size_class)
    copy = tmp_path / "copy" / bundle.name
    torrent = second_version.torrents[bundle.name, "v2"]
    downloaded_by_qbittorrent(torrent, hosts[2], tmp_path, lambda: complete(copy, second_version, bundle))
    sound(copy, second_version, bundle)


@CLASSES
@pytest.mark.parametrize("kind", ["hybrid", "v1"])
def test_webtorrent_takes_hybrid_and_twin(release: Release, tmp_path: Path, kind: str, size_class: str) -> None:
    here = Path(__file__).parent
    if not (here / "node_modules" / "webtorrent").is_dir():
        missing_peer("webtorrent is not installed: npm ci --ignore-scripts in tests/peers")
    bundle = release.bundle(size_class)
    done = subprocess.run(
        [find_peer("node"), str(here / "webtorrent.mjs"), str(release.torrents[bundle.name, kind]), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    sound(tmp_path / bundle.name, release, bundle)

"""A real tracker and the real program on loopback, and copies that real clients made, looked at by others' eyes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bagit
import pytest

from phonolith.model.publication import Bundle
from phonolith.store.archive import Archive
from tests.conftest import find_peer
from tests.releases.seeding import bytes_of, current, make_archive, metainfo, same

PROGRAM = [sys.executable, "-m", "phonolith.cli.main"]
PATIENCE = 180.0  # seconds for what has to happen; it takes a few, and a busy machine more


@dataclass(frozen=True)
class Release:
    """A published archive that is being seeded, and where its torrents lie as files, by bundle and kind."""

    archive: Archive
    torrents: Mapping[tuple[str, str], Path]

    def bundle(self, size_class: str) -> Bundle:
        """The bundle of this class that has the most files."""
        found = (one for one in current(self.archive).values() if one.size_class == size_class)
        return max(found, key=lambda one: one.files)


@contextmanager
def addresses(count: int) -> Iterator[list[str]]:
    """Addresses of this machine alone; outside 127.0.0.0/8, whose peers Transmission drops, where they can be made."""
    net = f"10.99.{os.getpid() % 250}"
    made = [f"{net}.{host}" for host in range(1, count + 1)]
    try:
        yield made if all(_addressed("add", one) for one in made) else [f"127.{one.partition('.')[2]}" for one in made]
    finally:
        for one in made:
            _addressed("del", one)


def _addressed(verb: str, address: str) -> bool:
    """Whether this machine now has, or no longer has, the address."""
    words = ["ip", "addr", verb, f"{address}/32", "dev", "lo"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        return False
    return done.returncode == 0 or "exists" in done.stderr


def free_port(host: str) -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@contextmanager
def released(root: Path, tracker: str, seeder: str, *words: str) -> Iterator[Release]:
    """Publish, track and seed, each as people do. ``words`` say how it is published."""
    with tracked(root, tracker, *words) as release, _seeder(release.archive, seeder):
        yield release


@contextmanager
def tracked(root: Path, tracker: str, *words: str) -> Iterator[Release]:
    """Publish and track; nobody has the bytes yet but the archive."""
    port = free_port(tracker)
    with pytest.MonkeyPatch.context() as told:
        told.setenv("PHONOLITH_PUBLISH_TRACKERS", f"http://{tracker}:{port}/announce")
        archive = make_archive(root / "archive", *words)
    torrents = _written(archive, root)
    hashes = {
        found[:40] for bundle in current(archive).values() for one in bundle.torrents for found in (one.v1, one.v2)
    }
    with _tracker(tracker, port, hashes - {""}):
        yield Release(archive, torrents)


@contextmanager
def web_seed(root: Path, *words: str) -> Iterator[Release]:
    """Publish with ``publish.url`` and no tracker, and serve: nobody has the bytes but ``phonolith serve``."""
    port = free_port("127.0.0.1")
    with pytest.MonkeyPatch.context() as told:
        told.setenv("PHONOLITH_PUBLISH_URL", f"http://127.0.0.1:{port}")
        archive = make_archive(root / "archive", *words)
        torrents = _written(archive, root)
        serve = [*PROGRAM, "serve", "--archive", str(archive.root), "--port", str(port), "--workers", "1"]
        address = {"PHONOLITH_PUBLISH_URL": f"http://127.0.0.1:{port}"}
        with running(serve, {**_environment(), **address}):
            wait_for(lambda: _answers(f"http://127.0.0.1:{port}/"), "the library to answer")
            yield Release(archive, torrents)


def _written(archive: Archive, folder: Path) -> dict[tuple[str, str], Path]:
    """Every torrent as a file."""
    found = {}
    for bundle in current(archive).values():
        for one in bundle.torrents:
            found[bundle.name, one.kind] = folder / f"{bundle.name}.{one.kind}.torrent"
            found[bundle.name, one.kind].write_bytes(metainfo(archive, bundle, one.kind))
    return found


@contextmanager
def _tracker(host: str, port: int, hashes: set[str]) -> Iterator[None]:
    """opentracker, which tracks what it was told to and knows a v2 infohash by its first 20 bytes."""
    program = find_peer("opentracker")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "white.txt").write_text("".join(f"{one}\n" for one in sorted(hashes)))
        settings = Path(folder) / "opentracker.conf"
        settings.write_text(
            f"listen.tcp_udp {host}:{port}\naccess.whitelist {folder}/white.txt\naccess.stats {host}\n"
            "tracker.user nobody\n"
        )
        with running([program, "-f", str(settings)], {}):
            wait_for(lambda: _answers(f"http://{host}:{port}/stats"), "the tracker to answer")
            yield


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@contextmanager
def _seeder(archive: Archive, host: str) -> Iterator[None]:
    """``phonolith seed``."""
    words = [*PROGRAM, "seed", "--archive", str(archive.root), "--bind", f"{host}:0", "--no-dht", "--json"]
    with running(words, _environment(), read=True) as process:
        text = ""
        assert process.stdout is not None
        while "\n}" not in text:
            line = process.stdout.readline()
            assert line, f"it ended with {process.wait()}"
            text += line
        assert all(one["given"] == one["files"] for one in json.loads(text)["bundles"])
        yield


@contextmanager
def running(
    words: Sequence[str], environment: Mapping[str, str], *, read: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A process for as long as the block; it ends as asked, or is made to. ``read``: what it says is read."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if read else subprocess.DEVNULL,
        stderr=None if read else subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def qbittorrent(host: str, folder: Path, profile: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """qBittorrent, told over its web interface: where that is, and the process."""
    port = free_port("127.0.0.1")
    settings = profile / "qBittorrent" / "config" / "qBittorrent.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "[LegalNotice]\nAccepted=true\n\n[Preferences]\n"
        f"WebUI\\Address=127.0.0.1\nWebUI\\LocalHostAuth=false\nWebUI\\Port={port}\n\n[BitTorrent]\n"
        f"Session\\InterfaceAddress={host}\nSession\\Interface=lo\nSession\\InterfaceName=lo\n"
        f"Session\\Port={free_port(host)}\nSession\\DHTEnabled=false\nSession\\LSDEnabled=false\n"
        "Session\\PeXEnabled=false\n"
    )
    program = [find_peer("qbittorrent-nox"), f"--profile={profile}"]
    with running(program, {"QT_QPA_PLATFORM": "offscreen", "HOME": str(folder)}) as process:
        yield f"http://127.0.0.1:{port}/api/v2", process


def add(api: str, torrent: Path, folder: Path) -> bool:
    """Give a torrent to qBittorrent, with the folder that its files belong in; whether it took it."""
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="savepath"\r\n\r\n{folder}\r\n'.encode(),
        f'--{mark}\r\nContent-Disposition: form-data; name="torrents"; filename="it.torrent"\r\n'
        f"Content-Type: application/x-bittorrent\r\n\r\n".encode(),
        torrent.read_bytes(),
        f"\r\n--{mark}--\r\n".encode(),
    ]
    asked = urllib.request.Request(
        f"{api}/torrents/add",
        b"".join(parts),
        {"Content-Type": f"multipart/form-data; boundary={mark}"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return bool(answer.read().startswith(b"Ok"))
    except OSError:
        return False


@contextmanager
def seeded_by_qbittorrent(release: Release, bundle: Bundle, kind: str, host: str, folder: Path) -> Iterator[str]:
    """qBittorrent has a copy of a bundle and gives it; its address. Started again where it falls over at the start."""
    for path, place in bytes_of(release.archive, bundle).items():
        (folder / "seeded" / bundle.name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "seeded" / bundle.name / path).write_bytes(place.read_bytes())
    with ExitStack() as stack:
        for attempt in range(5):
            api, one = stack.enter_context(qbittorrent(host, folder, folder / f"profile {attempt}"))
            with suppress(Ended):
                wait_for(lambda api=api: add(api, release.torrents[bundle.name, kind], folder / "seeded"), "it", one)
                wait_for(lambda api=api: _whole(api), "its copy to be read", one)
                port = _asked(f"{api}/app/preferences")["listen_port"]
                yield f"{host}:{port}"
                return
        pytest.fail("qBittorrent fell over five times")


def _whole(api: str) -> bool:
    return any(one["progress"] == 1 and "UP" in one["state"] for one in _asked(f"{api}/torrents/info"))


def _asked(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.load(answer)


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PHONOLITH_")}


class Ended(Exception):
    """A client's process ended before it was done; ``code`` as Popen has it, negative for a signal."""

    def __init__(self, told: str, code: int) -> None:
        super().__init__(f"waited for {told}, and the program ended with {code}")
        self.code = code


def wait_for(what: Callable[[], Any], told: str, process: subprocess.Popen[str] | None = None) -> Any:
    """What ``what`` gives once it is true; raises Ended where the process that should bring it about failed."""
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        if process is not None and (code := process.poll()):
            raise Ended(told, code)
        if time.monotonic() > until:
            pytest.fail(f"waited for {told} in vain")
        time.sleep(0.1)  # between two looks, not for anything to be over
    return found


def complete(copy: Path, release: Release, bundle: Bundle) -> bool:
    """Whether every file of a copy has the bytes that were published; sizes alone say little while a client works."""
    places = bytes_of(release.archive, bundle)
    return all(
        (copy / path).is_file()
        and (copy / path).stat().st_size == place.stat().st_size
        and (copy / path).read_bytes() == place.read_bytes()
        for path, place in places.items()
    )


def sound(copy: Path, release: Release, bundle: Bundle) -> None:
    """That a copy is, byte for byte, what was published, and a valid bag to the Library of Congress."""
    same(copy, bytes_of(release.archive, bundle))
    bagit.Bag(str(copy)).validate()

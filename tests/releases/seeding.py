"""An archive with published bundles, large and small, and peers to give them to, all of this machine."""

from __future__ import annotations

import atexit
import random
import shutil
import socket
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from phonolith.cli.main import run
from phonolith.library import publications
from phonolith.model.publication import Bundle
from phonolith.releases.publish import published
from phonolith.releases.seeder import Seeder
from phonolith.releases.seeding import Happening
from phonolith.releases.session import Net
from phonolith.releases.swarm import Swarm
from phonolith.rights.gate import Policy
from phonolith.store.archive import Archive

NOW = "2026-11-02T00:00:00Z"
LICENCE = """# Licence

* every file: [CC0 1.0][CC0]

[CC0]: https://creativecommons.org/publicdomain/zero/1.0/
"""
PATIENCE = 120.0  # seconds for what has to happen; it takes one or two, and a busy machine more


def make_archive(root: Path, *words: str) -> Archive:
    """An archive whose release ``one`` is published: bundles of hundreds of small files and of a few large ones.

    ``words`` say how it is published; a twin for clients that refuse hybrid torrents if nothing else is said.
    """
    shutil.copytree(_built(), root)
    assert run(["publish", "one", *(words or ("--v1-twin",)), "--archive", str(root)]) == 0
    return Archive.open(root)


@cache
def _built() -> Path:
    root = Path(tempfile.mkdtemp(prefix="phonolith-seed-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    music, archive = root / "music", root / "archive"
    dice = random.Random(7)
    for release in range(4):
        folder = music / f"Bänd {release}" / f"{2000 + release} - Recörd {release}"
        folder.mkdir(parents=True)
        for track in range(1, 101):
            with wave.open(str(folder / f"{track:02d} Piece {track}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(22050)
                file.writeframes(dice.randbytes(1_500_000 if track == 1 else 2_000 + 2 * track))
    (root / "LICENSE.md").write_text(LICENCE)
    for words in (
        ["init", archive, "--name", "Many", "--contact", "many@example.org"],
        ["harvest", "folder", music, "--archive", archive, "--licence-file", root / "LICENSE.md"],
        ["build", "--archive", archive],
    ):
        assert run([str(word) for word in words]) == 0
    return archive


def current(archive: Archive) -> dict[str, Bundle]:
    """The bundles that are current, by name."""
    return publications.bundles(published(archive))


def largest(archive: Archive, size_class: str) -> Bundle:
    """The bundle of this class that has the most files."""
    return max((one for one in current(archive).values() if one.size_class == size_class), key=lambda one: one.files)


def metainfo(archive: Archive, bundle: Bundle, kind: str) -> bytes:
    """A bundle's torrent."""
    with archive.objects() as objects:
        return next(objects.path(one.sha256).read_bytes() for one in bundle.torrents if one.kind == kind)


def bytes_of(archive: Archive, bundle: Bundle) -> dict[str, Path]:
    """Where each file of a bundle lies in the archive."""
    with archive.objects() as objects:
        return {one.path: objects.path(one.sha256) for one in publications.files(objects, bundle)}


def track_of(archive: Archive, bundle: Bundle, path: str) -> str:
    """The public id of the track that a file of a bundle is."""
    import json

    with archive.objects() as objects, objects.open(bundle.tags["evidence.jsonl"]) as file:
        return next(str(line["track"]) for line in map(json.loads, file) if line["path"] == path)


def withdraw(archive: Archive, *ids: str) -> None:
    """Take something down."""
    with archive.register() as register:
        body = {"subjects": list(ids), "because": "they asked", "ground": "owner"}
        register.append("item.withdrawn", body, actor="operator", time=NOW)


def hide_by_notice(archive: Archive, *ids: str) -> None:
    """Take something down by a notice, as a rule does."""
    about = {"notice": "notice222222", "about": list(ids), "items": len(ids), "reach": len(ids), "lacks": []}
    told = {"form": "owner", "ground": "owner", "sender": "s", "statement": "d", "road": "form", "confirmed": True}
    hidden = {"notice": "notice222222", "subjects": list(ids), "because": "complete", "rule": True}
    with archive.register() as register:
        register.append("notice.received", about | told, actor="form", time=NOW)
        register.append("notice.hidden", hidden, actor="rules", time=NOW)


def reinstate(archive: Archive, *ids: str) -> None:
    """Put it back."""
    with archive.register() as register:
        register.append("item.reinstated", {"subjects": list(ids), "because": "sorted out"}, actor="operator", time=NOW)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@contextmanager
def seeder_of(archive: Archive, *, clock: Clock | None = None, **net: Any) -> Iterator[Seeder]:
    """A seeder that has looked once, on this machine alone."""
    swarm = Swarm(Net(**{"listen": ("127.0.0.1:0",), "dht": False, **net}), archive.state / "seed")
    seeder = Seeder(archive, swarm, Policy(), clock=clock or Clock(), now=lambda: NOW)
    try:
        seeder.look()
        yield seeder
    finally:
        seeder.close()


def port_of(seeder: Seeder) -> int:
    """Where it listens."""
    return int(seeder.status()["listen"][0].rpartition(":")[2])


def wait_for(what: Callable[[], Any], *, meanwhile: Callable[[], Any] = lambda: None) -> Any:
    """What ``what`` gives once it is true; ``meanwhile`` is called again and again."""
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        meanwhile()
        if time.monotonic() > until:
            pytest.fail(f"did not happen within {PATIENCE:.0f} s")
        time.sleep(0.02)  # between two looks, not for anything to be over
    return found


class Leecher:
    """A libtorrent session that downloads one torrent into a folder."""

    def __init__(
        self, data: bytes | str, folder: Path, *, skip: Callable[[str], bool] = lambda _: False, **settings: Any
    ):
        import libtorrent

        self.lt = libtorrent
        self.folder = folder
        quiet = {"enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False}
        local = {"listen_interfaces": "127.0.0.1:0", "allow_multiple_connections_per_ip": True}
        told = {"alert_mask": libtorrent.alert.category_t.connect_notification}
        hasty = {"min_reconnect_time": 1, "peer_connect_timeout": 5, "max_failcount": 1000}
        self.session = libtorrent.session({**quiet, **local, **told, **hasty, **settings})
        load = libtorrent.parse_magnet_uri if isinstance(data, str) else libtorrent.load_torrent_buffer
        parameters = load(data)
        parameters.save_path = str(folder)
        parameters.url_seeds = []
        parameters.flags |= libtorrent.torrent_flags.override_web_seeds
        if parameters.ti is not None:
            layout = parameters.ti.layout()
            paths = [layout.file_path(at).partition("/")[2] for at in range(layout.num_files())]
            parameters.file_priorities = [0 if skip(path) else 4 for path in paths]
        self.handle = self.session.add_torrent(parameters)

    def connect(self, port: int) -> Leecher:
        """Call a peer of this machine."""
        self.handle.connect_peer(("127.0.0.1", port))
        return self

    def want_all(self) -> None:
        """Want what was skipped."""
        self.handle.prioritize_files([4] * self.handle.torrent_file().layout().num_files())

    @property
    def have(self) -> list[bool]:
        """Which pieces are there, checked by libtorrent."""
        return list(self.handle.status(self.lt.torrent_handle.query_pieces).pieces)

    @property
    def done(self) -> bool:
        """Whether all that is wanted is there."""
        return bool(self.handle.status().is_finished)

    @property
    def offered(self) -> list[bool]:
        """What the one peer says that it has; empty while there is none that said it."""
        peers = [one for one in self.handle.get_peer_info() if not one.flags & (one.handshake | one.connecting)]
        return list(peers[0].pieces) if peers else []

    def was_left(self, port: int) -> bool:
        """Whether a peer of this machine hung up since this was asked last, after both had said what they have."""
        alerts = self.session.pop_alerts()
        return any(isinstance(one, self.lt.peer_disconnected_alert) and one.endpoint[1] == port for one in alerts)

    def close(self) -> None:
        """Leave, and wait until all is written."""
        self.session.remove_torrent(self.handle)
        del self.handle
        del self.session


@contextmanager
def leecher_of(archive: Archive, bundle: Bundle, folder: Path, kind: str = "hybrid", **more: Any) -> Iterator[Leecher]:
    """Somebody who wants a bundle."""
    leecher = Leecher(metainfo(archive, bundle, kind), folder, **more)
    try:
        yield leecher
    finally:
        leecher.close()


def pieces_of(data: bytes, path: str) -> range:
    """The pieces of a file in a torrent."""
    import libtorrent

    layout = libtorrent.load_torrent_buffer(data).ti.layout()
    at = next(at for at in range(layout.num_files()) if layout.file_path(at).partition("/")[2] == path)
    begin, length = layout.file_offset(at), layout.piece_length()
    return range(begin // length, -(-(begin + layout.file_size(at)) // length))


def same(copy: Path, sources: Mapping[str, Path]) -> None:
    """That a copy has exactly these files with exactly these bytes, padding apart."""
    found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert {one for one in found if not one.startswith(".pad/")} == sources.keys()
    for path, source in sources.items():
        assert (copy / path).read_bytes() == source.read_bytes(), path


def stamps(paths: Mapping[str, Path]) -> dict[str, tuple[int, ...]]:
    """What changes when somebody writes to a file."""
    found = {path: place.stat() for path, place in paths.items()}
    return {
        path: (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_mode) for path, one in found.items()
    }


class Wire:
    """A peer that speaks BitTorrent by hand (BEP 3), without extensions, to ask for what was not offered."""

    def __init__(self, port: int, infohash: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.bitfield = b""
        self.blocks: dict[tuple[int, int], bytes] = {}
        try:
            self._socket.sendall(b"\x13BitTorrent protocol" + bytes(8) + infohash + b"-XX0001-" + bytes(range(12)))
            self._read(68)
            self._send(2)  # interested
            self._until(lambda kind: kind == 1)  # unchoked
        except ConnectionError:
            self.close()
            raise

    def has(self, piece: int) -> bool:
        """Whether the other one said that it has the piece."""
        return bool(self.bitfield[piece // 8] & 0x80 >> piece % 8)

    def ask(self, piece: int, begin: int, length: int) -> None:
        """Ask for a block; answers come in their own time."""
        self._send(6, b"".join(one.to_bytes(4) for one in (piece, begin, length)))

    def answer(self, piece: int, begin: int) -> bytes:
        """Wait for the answer to what was asked. b"" where the other one hung up."""
        with suppress(ConnectionError):
            self._until(lambda _: (piece, begin) in self.blocks)
        return self.blocks.get((piece, begin), b"")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _send(self, kind: int, body: bytes = b"") -> None:
        self._socket.sendall((len(body) + 1).to_bytes(4) + bytes([kind]) + body)

    def _until(self, enough: Callable[[int], bool]) -> None:
        while True:
            size = int.from_bytes(self._read(4))
            if not size:
                continue
            kind, body = self._read(1)[0], self._read(size - 1)
            if kind == 5:
                self.bitfield = body
            elif kind == 7:
                self.blocks[int.from_bytes(body[:4]), int.from_bytes(body[4:8])] = body[8:]
            if enough(kind):
                return

    def _read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            more = self._socket.recv(size - len(found))
            if not more:
                raise ConnectionError("the other one hung up")
            found += more
        return bytes(found)


def kinds(happened: list[Happening]) -> list[str]:
    """What happened, in short."""
    return [one.kind for one in happened]

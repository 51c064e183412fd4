"""A takedown reaches every road within a minute, while two serving processes, a seeder and a peer are at work."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from PIL import Image

from phonolith.cli.main import run as run_here
from phonolith.library import publications
from phonolith.model.publication import Bundle
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.store.metainfo import read
from tests.journey.conftest import PROGRAM, Served, environment, run, serving
from tests.releases.seeding import LICENCE, Leecher, Wire, bytes_of, metainfo, pieces_of, track_of, wait_for

pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

_MINUTE = 60.0
_STAYS = 3.0  # seconds for which nothing may be otherwise: each process looks at the register every two
_NONE: Mapping[str, str] = {}
#: What the gate alone decides; lists and pages are closed by what is withdrawn.
_BYTES = {"API, files to play", "stream", "range", "download", "access copy", "cover", "thumbnail", "web seed", "swarm"}

#: The program with a gate that says yes to everything.
_ALWAYS_YES = """
import sys
from phonolith.rights import gate
from phonolith.model.rights import Decision
gate.decide = lambda use, subject, **_: Decision(use, True, ("It always says yes.",))
from phonolith.cli.main import main
main()
"""


@dataclass(frozen=True)
class Target:
    """What is taken down: a release, one of its tracks with its long file, and its cover.

    ``mixed`` is a bundle in which others' files are too, ``paths`` the release's in it.
    """

    release: str
    artist: str
    track: str
    sha256: str
    cover: str
    size: int
    bundle: Bundle
    path: str
    mixed: Bundle
    paths: frozenset[str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of three releases with covers, published, with access copies."""
    root, dice = tmp_path_factory.mktemp("takedown"), random.Random(5)
    for release in range(3):
        folder = root / "music" / f"Bänd {release}" / f"Recörd {release}"
        folder.mkdir(parents=True)
        Image.frombytes("RGB", (300, 300), dice.randbytes(270_000)).save(folder / "cover.png")
        for track in range(1, 5):
            size = (2_000_000, 12_000_000, 60_000)[release] if track == 1 else 60_000 + 4 * track
            told = {"IART": f"Artist {release}", "ICRD": f"{2000 + release}", "IGNR": "Ambient"}
            write_wave(folder / f"{track:02d} Piece {track}.wav", told, dice.randbytes(size))
    (root / "LICENSE.md").write_text(LICENCE)
    archive = root / "archive"
    for words in (
        ["init", archive, "--name", "Many", "--contact", "many@example.org"],
        ["harvest", "folder", root / "music", "--archive", archive, "--licence-file", root / "LICENSE.md"],
        ["build", "--archive", archive],
        ["derive", "--archive", archive],
        ["publish", "one", "--archive", archive],
    ):
        assert run_here([str(word) for word in words]) == 0
    return archive


def write_wave(path: Path, told: Mapping[str, str], frames: bytes) -> None:
    """Sound with what is told of it (RIFF, LIST INFO)."""
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes(frames)
    texts = {name: text.encode().ljust(10, b"\0") for name, text in told.items()}
    info = b"".join(name.encode() + len(text).to_bytes(4, "little") + text for name, text in texts.items())
    with path.open("r+b") as more:
        more.seek(0, 2)
        more.write(b"LIST" + (4 + len(info)).to_bytes(4, "little") + b"INFO" + info)
        size = more.tell() - 8
        more.seek(4)
        more.write(size.to_bytes(4, "little"))


def target_of(archive: Archive, library: Served) -> Target:
    """The release with the long file."""
    bundles = list(publications.bundles(published(archive)).values())
    payload = {bundle.name: bytes_of(archive, bundle) for bundle in bundles}
    size, path, bundle = max(
        (place.stat().st_size, path, bundle.name) for bundle in bundles for path, place in payload[bundle.name].items()
    )
    folder = path.rpartition("/")[0] + "/"
    mixed = next(
        name for name, files in payload.items() if {one.startswith(folder) for one in data(files)} == {True, False}
    )
    named = {one.name: one for one in bundles}
    with archive.objects() as objects:
        digest = next(one.sha256 for one in publications.files(objects, named[bundle]) if one.path == path)
    track = track_of(archive, named[bundle], path)
    release = library.get(f"/api/v1/tracks/{track}").data["page"]["track"]["release"]["id"]
    page = library.get(f"/api/v1/releases/{release}").data
    (cover,) = [one["sha256"] for one in page["files"] if one["role"] == "cover"]
    return Target(
        release,
        page["release"]["credit"][0]["id"],
        track,
        digest,
        cover,
        size,
        named[bundle],
        path,
        named[mixed],
        frozenset(one for one in payload[mixed] if one.startswith(folder)),
    )


def data(paths: Iterable[str]) -> list[str]:
    """The payload of a bundle, without its tag files."""
    return [path for path in paths if path.startswith("data/")]


@contextmanager
def seeding(archive: Archive, program: list[str]) -> Iterator[int]:
    """The archive's bundles, given by `seed` on a free port of this machine."""
    words = ["seed", "--bind", "127.0.0.1:0", "--no-dht", "--json", "--archive", str(archive.root)]
    with subprocess.Popen([*program, *words], stdout=subprocess.PIPE, env=environment(), text=True) as process:
        assert process.stdout is not None
        try:
            told = ""
            while not told.endswith("\n}\n"):
                line = process.stdout.readline()
                assert line, f"seed ended: {told}"
                told += line
            yield int(json.loads(told)["listen"][0].rpartition(":")[2])
        finally:
            process.terminate()
            process.wait(30)


def given(port: int, infohash: bytes, piece: int) -> bool:
    """Whether a peer that comes now is offered a piece."""
    try:
        wire = Wire(port, infohash)
    except ConnectionError:  # it is being taken up anew
        return False
    try:
        return wire.has(piece)
    finally:
        wire.close()


def roads_to(archive: Archive, target: Target, library: Served, port: int) -> dict[str, Callable[[], bool]]:
    """Every road on which something of the release is to be had, and whether it is open."""
    media, seed = f"/media/{target.track}/{target.sha256}", f"/bundle/{quote(target.bundle.name)}/{quote(target.path)}"
    torrent = metainfo(archive, target.bundle, "hybrid")
    piece, infohash = pieces_of(torrent, target.path)[0], read(torrent, "it").infohashes[0]
    words, bundle = quote("Recörd 1"), f"/api/v1/bundles/{target.bundle.name}"

    def named(address: str) -> Callable[[], bool]:
        return lambda: target.release in library.get(address).body.decode()

    def answered(address: str, status: int = 200, headers: Mapping[str, str] = _NONE) -> Callable[[], bool]:
        return lambda: status_of(library, address, headers) == status

    return {
        "search": named(f"/search?q={words}&kind=release"),
        "API search": named(f"/api/v1/search?q={words}&kind=release&limit=100"),
        "its artist's page": named(f"/artist/{target.artist}"),
        "list of a year": named("/year/2001"),
        "count of a year": lambda: library.get("/api/v1/years/2001").data["page"]["total"] == 1,
        "list of a genre": named("/genre/ambient"),
        "count of a genre": lambda: library.get("/api/v1/genres/ambient").data["page"]["total"] == 12,
        "front page": named("/"),
        "what is new": named("/changes"),
        "page of the release": answered(f"/release/{target.release}"),
        "page of the track": answered(f"/track/{target.track}"),
        "API, release": answered(f"/api/v1/releases/{target.release}"),
        "API, track": answered(f"/api/v1/tracks/{target.track}"),
        "API, files to play": lambda: bool(files_of(library, target.track)),
        "stream": answered(media),
        "range": answered(media, 206, {"Range": "bytes=6000000-6000999", "If-Range": f'"{target.sha256}"'}),
        "download": answered(f"{media}?download"),
        "access copy": answered(f"{media}?quality=access"),
        "cover": answered(f"/media/{target.release}/{target.cover}"),
        "thumbnail": lambda: "drawn" not in library.get(f"/art/{target.release}/256").headers.get("etag", "drawn"),
        "feed of its artist": named(f"/artist/{target.artist}.rss"),
        "web seed": answered(seed),
        "API, files of its bundle": lambda: library.get(bundle).data.get("taken_down") == 0,
        "swarm": lambda: given(port, infohash, piece),
    }


def status_of(library: Served, address: str, headers: Mapping[str, str]) -> int:
    """What is answered, without waiting for the body."""
    parts = urlsplit(library.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", address, headers=dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


def files_of(library: Served, track: str) -> list[object]:
    """The files of a track that may be played."""
    answer = library.get(f"/api/v1/tracks/{track}/files")
    return list(answer.data["files"]) if answer.status == 200 else []


class Slow:
    """Somebody who asked for a long file before, and takes a little of it at a time."""

    def __init__(self, library: Served, path: str) -> None:
        parts = urlsplit(library.address)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        self._socket.connect((parts.hostname, parts.port))
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        self.got = len(self._socket.recv(65_536))

    def rest(self) -> int:
        """Bytes in all, head included, when it has ended."""
        with self._socket:
            while more := self._socket.recv(1 << 20):
                self.got += len(more)
        return self.got


def change(
    words: Sequence[object], roads: Mapping[str, Callable[[], bool]], *, wanted: bool, patience: float = _MINUTE
) -> dict[str, float]:
    """After how many seconds each road is as it should be, and stays so, counted from when the verb was begun.

    inf where it never is. Each look is a connection of its own, so that all serving processes are asked.
    """
    begun, found = time.monotonic(), dict.fromkeys(roads, 0.0)

    def after() -> float:
        return time.monotonic() - begun

    with ThreadPoolExecutor(1) as pool:
        verb = pool.submit(lambda: (run(*words), after())[1])
        while not verb.done() or after() - max(*found.values(), verb.result()) < _STAYS:
            if verb.done() and after() - verb.result() > patience:
                break
            for name, road in roads.items():
                if road() is not wanted:
                    found[name] = after()
    last, returned = after(), verb.result()
    changed = {name: at if last - at >= _STAYS else float("inf") for name, at in found.items()}
    table(changed | {f"({words[0]} returned)": returned})
    return changed


def test_within_a_minute_by_every_road_and_back(built: Path, tmp_path: Path) -> None:
    archive = Archive.open(shutil.copytree(built, tmp_path / "archive"))
    with ExitStack() as stack:
        library = stack.enter_context(serving(archive.root, workers=2))
        port = stack.enter_context(seeding(archive, PROGRAM))
        target = target_of(archive, library)
        torrent = metainfo(archive, target.mixed, "hybrid")
        leecher = Leecher(torrent, tmp_path / "copy", skip=lambda path: path in target.paths).connect(port)
        stack.callback(leecher.close)
        wait_for(lambda: leecher.done)
        roads = roads_to(archive, target, library, port)
        assert [name for name, is_open in roads.items() if not is_open()] == []
        media = f"/media/{target.track}/{target.sha256}"
        seed = f"/bundle/{quote(target.bundle.name)}/{quote(target.path)}"
        slow = [Slow(library, address) for address in (media, f"{media}?download", seed)]
        letter = ["notice", "file", "owner", "--item", target.release, "--name", "A", "--email", "a@example.org"]
        number = run(*letter, "--reasons", "mine", "--authorised", "--confirmed", "--archive", archive.root)["notice"]
        decided = ["notice", "decide", number, "hide", "--because", "it is theirs", "--archive", archive.root]
        closed = change(decided, roads, wanted=False)
        assert max(closed.values()) < _MINUTE, closed
        page = library.get(f"/release/{target.release}")
        assert page.status == 410 and f"/notices/{number}" in page.body.decode()
        assert [one.rest() < target.size for one in slow] == [True] * 3, "who was in the middle of it gets no more"
        leecher.want_all()
        leecher.connect(port)
        until = time.monotonic() + _STAYS
        while time.monotonic() < until:
            assert not any(leecher.have[piece] for path in target.paths for piece in pieces_of(torrent, path))
            time.sleep(0.2)  # between two looks
        settled = ["reinstate", target.release, "--because", "settled", "--archive", archive.root]
        opened = change(settled, roads, wanted=True)
        assert max(opened.values()) < _MINUTE, opened
        newcomer = Leecher(torrent, tmp_path / "whole").connect(port)
        stack.callback(newcomer.close)
        wait_for(lambda: newcomer.done, meanwhile=lambda: newcomer.connect(port))
        assert library.get(f"/release/{target.release}").status == 200


def test_an_order_of_a_court_is_answered_with_451_and_a_gate_that_says_yes_leaves_every_byte(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive.open(shutil.copytree(built, tmp_path / "archive"))
    yes = [sys.executable, "-c", _ALWAYS_YES]
    monkeypatch.setattr("tests.journey.conftest.PROGRAM", yes)
    with serving(archive.root, workers=2) as library, seeding(archive, yes) as port:
        target = target_of(archive, library)
        roads = roads_to(archive, target, library, port)
        assert [name for name, is_open in roads.items() if not is_open()] == []
        words = ["--ground", "law", "--because", "an order", "--archive", archive.root]
        closed = change(["withdraw", target.release, *words], roads, wanted=False, patience=8.0)
        left = {name for name, at in closed.items() if at == float("inf")}
        assert left >= _BYTES and not left & {"search", "page of the release", "API, track"}, closed
        assert library.get(f"/release/{target.release}").status == 451


def table(seconds: Mapping[str, float]) -> None:
    """What was measured, for whoever runs this with -s."""
    told = [f"{name:24}{at:6.2f} s" for name, at in sorted(seconds.items(), key=lambda one: one[1])]
    sys.stdout.write("\n".join(["", *told, ""]))

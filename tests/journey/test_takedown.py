"""A notice takes something down on every road within a minute, while a library and a seeder run as for anybody."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from phonolith.library import publications
from phonolith.store.archive import Archive
from phonolith.store.metainfo import read
from tests.journey.conftest import PROGRAM, environment, run, serving
from tests.releases.seeding import Wire, largest, make_archive, metainfo, pieces_of, track_of

pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

_MINUTE = 60.0


@contextmanager
def seeding(archive: Archive) -> Iterator[int]:
    """The archive's bundles, given by `seed` on a free port of this machine."""
    words = ["seed", "--bind", "127.0.0.1:0", "--no-dht", "--json", "--archive", str(archive.root)]
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, env=environment(), text=True) as process:
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


def test_within_a_minute_by_every_road_and_back(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "archive")
    bundle = largest(archive, "small")
    with archive.objects() as objects:
        payload = sorted(one.path for one in publications.files(objects, bundle) if one.path.endswith(".wav"))
        path = payload[len(payload) // 2]
        sha256 = next(one.sha256 for one in publications.files(objects, bundle) if one.path == path)
    track = track_of(archive, bundle, path)
    data = metainfo(archive, bundle, "hybrid")
    piece, infohash = pieces_of(data, path)[0], read(data, "it").infohashes[0]
    with serving(archive.root) as library, seeding(archive) as port:
        known = library.get(f"/api/v1/tracks/{track}").data["page"]["track"]
        words = quote(f"{known['title']} {known['release']['title']}")
        roads: dict[str, Callable[[], bool]] = {
            "search": lambda: track in library.get(f"/search?q={words}").body.decode(),
            "API search": lambda: track in library.get(f"/api/v1/search?q={words}&limit=100").body.decode(),
            "page": lambda: library.get(f"/track/{track}").status == 200,
            "API": lambda: library.get(f"/api/v1/tracks/{track}").status == 200,
            "stream": lambda: library.get(f"/media/{track}/{sha256}").status == 200,
            "web seed": lambda: library.get(f"/bundle/{quote(bundle.name)}/{quote(path)}").status == 200,
            "seeding": lambda: given(port, infohash, piece),
        }
        assert [name for name, open_ in roads.items() if not open_()] == []
        words_of = ["notice", "file", "owner", "--item", track, "--name", "A", "--email", "a@example.org"]
        letter = [*words_of, "--reasons", "mine", "--authorised", "--confirmed", "--archive", archive.root]
        number = run(*letter)["notice"]
        run("notice", "decide", number, "hide", "--because", "it is theirs", "--archive", archive.root)
        closing(roads, wanted=False)
        page = library.get(f"/track/{track}")
        assert page.status == 410 and f"/notices/{number}" in page.body.decode()
        run("reinstate", track, "--because", "settled", "--archive", archive.root)
        closing(roads, wanted=True)


def closing(roads: dict[str, Callable[[], bool]], *, wanted: bool) -> dict[str, float]:
    """After how many seconds each road is as it should be; fails where that takes more than a minute."""
    begun, found = time.monotonic(), dict[str, float]()
    while len(found) < len(roads):
        for name, road in roads.items():
            if name not in found and road() is wanted:
                found[name] = round(time.monotonic() - begun, 2)
        assert time.monotonic() - begun < _MINUTE, f"not within a minute: {roads.keys() - found.keys()}"
        time.sleep(0.1)  # between two looks, not for anything to be over
    return found

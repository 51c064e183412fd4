"""The one long road: from an empty folder to a piece that plays, and to one that was taken down."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from tests.journey.conftest import Music, Served, run, serving

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
ROWS = 40
TABLE = "key,title,artist,licence\n" + "".join(
    f"r{n},Listed Album {n},Aggregated Artist {n % 7},https://creativecommons.org/licenses/by/4.0/\n"
    for n in range(ROWS)
)
MAP = """
name = "listed"
title = "Somebody's list"

[[table]]
name = "albums"
file = "albums.csv"
key = "key"

[table.release]
title = "title"
artist = "artist"
licence = "licence"
"""


def test_the_long_road(tmp_path: Path, music: Music) -> None:
    root = tmp_path / "archive"
    at = ("--archive", root)
    run("init", root, "--name", "The road", "--contact", "keeper@road.example")
    _gather(tmp_path, music, at)
    built = run("build", *at)
    assert built["rows"]["track"] >= music.audio and built["rows"]["release"] >= ROWS

    track = run("search", music.words, "--kind", "track", *at)["tracks"]["items"][0]
    reference = f"track:{track['id']}"
    assert run("show", reference, *at)["track"]["track"]["playable"] is True
    before = run("why", reference, *at)
    assert before["decisions"]["stream"]["allowed"] and before["evidence"]["level"] == 2

    _decide(reference, at)
    assert run("build", *at)["rows"]["correction"] == 1
    shown = run("show", reference, *at)["track"]
    assert shown["track"]["title"] == "A Title by Hand" and shown["corrections"][0]["because"] == "heard it"
    assert run("why", reference, *at)["evidence"]["basis"] == "attested"

    with serving(root) as library:
        address = _played(library, track["id"])
        _taken_down(library, track["id"], address, at)
    assert run("doctor", *at)["healthy"]


def _gather(folder: Path, music: Music, at: tuple[Any, ...]) -> None:
    (folder / "albums.csv").write_text(TABLE)
    (folder / "map.toml").write_text(MAP)
    words = ("harvest", "folder", music.folder, "--licence-file", music.folder / "LICENSE.md", "--name", "music")
    first = run(*words, "--sidecar", music.folder / "tracks.csv", *at)
    assert first["new"] == first["records"] > 0 and first["objects"] >= music.audio
    again = run(*words, "--sidecar", music.folder / "tracks.csv", *at)
    assert (again["new"], again["changed"], again["gone"]) == (0, 0, 0)
    listed = run("harvest", "table", folder / "albums.csv", "--map", folder / "map.toml", *at)
    assert listed["new"] >= ROWS and not listed["findings"]


def _decide(reference: str, at: tuple[Any, ...]) -> None:
    run("rights", "attest", reference, "--licence", CC0, "--as", "rightsholder", "--because", "I wrote it", *at)
    run("set", reference, "title", "A Title by Hand", "--because", "heard it", *at)


def _played(library: Served, identifier: str) -> str:
    """The piece is found, opened and played, whole and in part; the address of its bytes."""
    found = library.get("/search?q=title+by+hand")
    assert found.status == 200 and identifier.encode() in found.body
    page = library.get(f"/track/{identifier}")
    assert page.status == 200 and b"A Title by Hand" in page.body
    start = page.body.index(f"/media/{identifier}/".encode())
    address = page.body[start : page.body.index(b'"', start)].decode().partition("?")[0]
    whole = library.get(address)
    assert whole.status == 200 and whole.headers["accept-ranges"] == "bytes" and len(whole.body) > 10_000
    tag = whole.headers["etag"]
    assert tag.startswith('"')
    part = library.get(address, Range="bytes=1000-1999", If_Range=tag)
    assert part.status == 206 and part.body == whole.body[1000:2000]
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.body)}"
    assert library.get(address, Range=f"bytes={len(whole.body)}-").status == 416
    assert library.get(address, If_None_Match=tag).status == 304
    assert library.get(address, Range="bytes=0-9", If_Range='"another"').status == 200
    return address


def _taken_down(library: Served, identifier: str, address: str, at: tuple[Any, ...]) -> None:
    run("withdraw", identifier, "--because", "its owner asked", *at)
    begun = time.monotonic()
    while library.get(address, Range="bytes=0-9").status != 410:
        assert time.monotonic() - begun < 5, "a takedown reaches a running library within 5 seconds"
        threading.Event().wait(0.05)
    assert library.get(f"/track/{identifier}").status == 410
    assert identifier.encode() not in library.get("/search?q=title+by+hand").body
    run("reinstate", identifier, "--because", "agreed", *at)
    begun = time.monotonic()
    while library.get(address, Range="bytes=0-9").status != 206:
        assert time.monotonic() - begun < 5
        threading.Event().wait(0.05)


def test_the_demonstration_goes_on_where_it_was(demo: Path) -> None:
    again = run("demo", "--no-serve", "--dir", demo)
    assert again["attested"] == 0 and again["seconds"] < 60
    assert run("shuffle", "-n", 5, "--playable", "--seed", "s", "--archive", demo)["tracks"]
    assert run("doctor", "--archive", demo)["healthy"]


def test_a_library_opens_before_the_first_build_and_shows_it_when_it_is_there(tmp_path: Path) -> None:
    root = tmp_path / "empty"
    run("init", root, "--name", "Empty", "--contact", "k@e.example")
    with serving(root) as library:
        assert library.get("/").status in (404, 503)
        run("build", "--archive", root)
        assert library.get("/").status == 200

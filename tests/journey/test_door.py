"""An artist comes in: a library that is served, a site of their own, codes, forms, a build, and the curator's verbs."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.door.conftest import head
from tests.door.web import Reply, Site, site
from tests.journey.conftest import Served, run, serving

_MAP = """
name = "netlabel"
title = "A netlabel's list"

[[table]]
name = "artists"
file = "artists.csv"
key = "id"

[table.artist]
name = "name"
links = { homepage = "site", wikipedia = "wiki" }

[[table]]
name = "tracks"
file = "tracks.csv"
key = "id"

[table.track]
title = "title"
artist = "artist"
artist_key = "artist_id"
licence = "licence"

[table.release]
key = "album"
title = "album"
artist = "artist"
artist_key = "artist_id"
"""


@dataclass
class Journey:
    """An archive of a table, and the artist's own site."""

    root: Path
    own: Site

    def find(self, words: str, kind: str) -> str:
        found = run("search", words, "--kind", kind, "--archive", self.root)
        return str(found[f"{kind}s"]["items"][0]["id"])


@pytest.fixture
def journey(tmp_path: Path) -> Iterator[Journey]:
    with site() as own:
        root, table = tmp_path / "archive", tmp_path / "table"
        table.mkdir()
        (table / "map.toml").write_text(_MAP)
        (table / "artists.csv").write_text(
            f"id,name,site,wiki\n1,The Examples,{own.url}/,https://en.wikipedia.org/wiki/Examples\n2,Others,,\n"
        )
        (table / "tracks.csv").write_text(
            "id,title,artist,artist_id,album,licence\n"
            "t1,Frist Light,The Examples,1,Morning,\nt2,Noon,The Examples,1,Morning,\nt3,Else,Others,2,Others,\n"
        )
        run("init", root, "--name", "Sample", "--contact", "operator@example.org")
        settings = root / "phonolith.toml"
        settings.write_text(f'{settings.read_text()}\n[door]\ntrusted = ["{own.url}"]\n')
        run("harvest", "table", table, "--map", table / "map.toml", "--archive", root)
        run("build", "--archive", root)
        yield Journey(root, own)


def post(library: Served, path: str, form: str, **values: str) -> tuple[str, str]:
    """Send a form as a browser does, with the token of the page it stands on; the page it leads to, and its path."""
    token = re.search(r'name="token" value="([^"]*)"', library.get(form).body.decode())
    assert token
    data = urlencode({"token": token[1], **values}).encode()
    with urllib.request.urlopen(f"{library.address.rstrip('/')}{path}", data, timeout=60) as answer:
        return answer.read().decode(), answer.url.partition(library.address.rstrip("/"))[2].partition("?")[0]


def soon(seen: Callable[[], bool]) -> None:
    """A running library follows within 5 seconds, of which a busy machine may take more."""
    begun = time.monotonic()
    while not seen():
        assert time.monotonic() - begun < 60
        time.sleep(0.1)  # between two looks, not for anything to be over


def test_an_artist_says_what_is_theirs(journey: Journey) -> None:
    root, own = journey.root, journey.own
    artist, track = journey.find("examples", "artist"), journey.find("frist", "track")
    with serving(root) as library:
        assert f"/door/{artist}" in library.get(f"/artist/{artist}").body.decode()
        page, mine = post(library, f"/door/{artist}", f"/door/{artist}", page=f"{own.url}/")
        code = re.search(r"phonolith-door=([a-z2-7]{24})", page)
        assert code and own.asked == []
        own.pages["/"] = Reply(head(code[1]))
        page, _ = post(library, f"{mine}/look", mine)
        assert "what is yours" in page and {path for path, _ in own.asked} >= {"/", "/robots.txt"}
        thing = f"{mine}/of/{track}"
        assert "Frist Light" in unescape(library.get(thing).body.decode())
        post(library, f"{mine}/say", thing, act="correct", id=track, title="First Light")
        post(library, f"{mine}/say", thing, act="confirm", id=track, licence="CC-BY-4.0", agreed="yes")
        post(library, f"{mine}/say", mine, act="link", id=artist, rel="support", url="https://shop.example/us")
        soon(lambda: "https://shop.example/us" in library.get(f"/artist/{artist}").body.decode())
        assert "said by the artist" in library.get(f"/artist/{artist}").body.decode()
        run("build", "--archive", root)
        seen = unescape(library.get(f"/track/{track}").body.decode())
        assert '<h1 tabindex="-1" dir="auto">First Light</h1>' in seen and "said by the artist" in seen
        assert "The artist confirmed it" in seen and "https://shop.example/us" in seen
        post(library, f"{mine}/say", thing, act="withdraw", id=track)
        soon(lambda: library.get(f"/track/{track}").status == 410)
        curated(root, track)
        soon(lambda: library.get(f"/track/{track}").status == 200)
        assert library.get(mine).status == 404  # the door was ended
        assert "https://shop.example/us" not in library.get(f"/artist/{artist}").body.decode()
    run("build", "--archive", root)
    assert run("show", track, "--archive", root)["track"]["track"]["title"] == "Frist Light"


def curated(root: Path, track: str) -> None:
    """What the archive's curator does about it."""
    (door,) = run("door", "list", "--archive", root)["doors"]
    assert door["state"] == "open" and door["name"] == "The Examples" and door["said"] == 4
    shown = run("door", "show", door["door"], "--archive", root)
    assert {one["kind"] for one in shown["acts"]} == {"door.set", "door.licensed", "door.linked", "door.withdrew"}
    why = run("why", track, "--archive", root)
    assert "door" in str(why)
    still = run("reinstate", track, "--because", "a mistake", "--archive", root)
    assert still["withdrawn_by_doors"]
    (looked,) = run("door", "look", door["door"], "--archive", root)["looked"]
    assert looked["found"] == "head" and looked["state"] == "open"
    down = next(one for one in shown["acts"] if one["kind"] == "door.withdrew")
    run("door", "undo", down["event"], "--because", "it was not theirs", "--archive", root)
    ended = run("door", "end", door["door"], "--because", "the site changed hands", "--undo", "--archive", root)
    assert ended["state"] == "ended" and run("door", "list", "--archive", root)["doors"][0]["said"] == 0
    run("door", "end", door["door"], "--because", "again", "--archive", root, code=2)
    run("door", "undo", down["event"], "--because", "again", "--archive", root, code=2)
    run("door", "show", "aaaaaaaaaaaa", "--archive", root, code=4)
    run("todo", "door", "--archive", root)
    run("status", "--archive", root)

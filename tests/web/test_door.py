"""The artist's door on the web: forms without scripts, personal links, what is shown at once, hostile ways in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from phonolith.catalogue.corrections import check
from phonolith.config import Settings
from phonolith.door.seen import Outside
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from phonolith.web.errors import problem_of
from tests.door.conftest import QUIET, Web, add_links, head
from tests.notices.conftest import Clock
from tests.releases.test_cut import publish_now
from tests.sample import make_archive
from tests.web.test_notices import roads

SETTINGS = Settings(name="Sample", contact="operator@example.org", publish_url="https://music.example.org")


@dataclass
class Visit:
    """An archive that is served, and somebody in front of it."""

    archive: Archive
    client: TestClient
    ids: dict[str, str]
    clock: Clock
    web: Web

    def form(self, address: str) -> dict[str, str]:
        page = self.client.get(address)
        assert page.status_code == 200, page.text
        return {"token": re.search(r'name="token" value="([^"]*)"', page.text)[1]}  # type: ignore[index]

    def ask(self, name: str = "artist:quiet", page: str = QUIET, **headers: str) -> Any:
        address = f"/door/{self.ids[name]}"
        told = self.form(address) | {"page": page}
        return self.client.post(address, data=told, headers=headers, follow_redirects=False)

    def enter(self, name: str = "artist:quiet", page: str = QUIET) -> str:
        """The address of the personal page of somebody who proved a page."""
        mine: str = self.ask(name, page).headers["location"]
        self.web.pages[page] = head(self.code(mine))
        assert "The code is there" in self.client.post(f"{mine}/look", data=self.form(mine)).text
        return mine

    def code(self, mine: str) -> str:
        found = re.search(r"phonolith-door=([a-z2-7]{24})", self.client.get(mine).text)
        assert found
        return found[1]

    def say(self, mine: str, act: str, **told: str) -> Any:
        data = self.form(mine) | {"act": act} | told
        return self.client.post(f"{mine}/say", data=data, follow_redirects=False)


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    archive, ids = make_archive(tmp_path / "archive")
    add_links(archive, ids)
    publish_now(archive)
    clock, web = Clock(), Web()
    app = create_app(archive, SETTINGS, look_every=0, now=clock, outside=Outside(web, check))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Visit(archive, client, ids, clock, web)


def test_from_the_artists_page_to_a_link_that_everybody_sees(visit: Visit) -> None:
    artist = visit.ids["artist:quiet"]
    assert f'href="/door/{artist}"' in visit.client.get(f"/artist/{artist}").text
    choice = visit.client.get(f"/door/{artist}")
    assert (
        QUIET in choice.text and "Anybody may edit it" in choice.text and choice.headers["cache-control"] == "no-store"
    )
    asked = visit.ask()
    assert asked.status_code == 303 and asked.headers["cache-control"] == "no-store"
    mine = asked.headers["location"]
    assert "phonolith.txt" in visit.client.get(mine).text  # its first page speaks for its host
    assert "it answered 404" in visit.client.post(f"{mine}/look", data=visit.form(mine)).text
    visit.web.pages[QUIET] = head(visit.code(mine))
    visit.clock.move(minutes=1)
    page = visit.client.post(f"{mine}/look", data=visit.form(mine))
    assert "what is yours" in page.text and page.headers["x-robots-tag"] == "noindex"
    assert visit.say(mine, "link", id=artist, rel="support", url="https://shop.example/quiet").status_code == 303
    shown = visit.client.get(f"/artist/{artist}").text
    assert '<a href="https://shop.example/quiet" rel="nofollow noopener ugc">shop.example</a>' in shown
    assert "said by the artist" in shown
    for path, read in (
        (f"artists/{artist}", lambda d: d),
        (f"tracks/{visit.ids['track:road/1']}", lambda d: d["page"]),
    ):
        (link,) = read(visit.client.get(f"/api/v1/{path}").json())["said_links"]
        assert (link["rel"], link["by"]) == ("support", "artist")
    assert "shop.example" in visit.client.get(mine).text
    event = link["event"]
    assert visit.say(mine, "undo", event=str(event)).status_code == 303
    assert "shop.example" not in visit.client.get(f"/artist/{artist}").text


def test_what_an_artist_takes_down_is_gone_by_every_road_and_comes_back(visit: Visit) -> None:
    ways, mine, release = roads(visit), visit.enter(), visit.ids["release:road"]  # type: ignore[arg-type]
    assert {name for name, way in ways.items() if not way()} == set()
    assert visit.say(mine, "withdraw", id=release, back="thing").status_code == 303
    assert {name for name, way in ways.items() if way()} == set()
    page = visit.client.get(f"/release/{release}")
    assert page.status_code == 410 and "the artist asked for it" in page.text
    thing = visit.client.get(f"{mine}/of/{release}").text
    assert "It is taken down" in thing
    event = re.search(r'name="event" value="(\d+)"', thing)[1]  # type: ignore[index]
    visit.say(mine, "undo", event=event)
    assert {name for name, way in ways.items() if not way()} == set()


def test_the_control_a_withdrawal_that_does_nothing_is_noticed(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonolith.rights.decisions._Fold._take_down", lambda *_: None)
    with pytest.raises(AssertionError):
        test_what_an_artist_takes_down_is_gone_by_every_road_and_comes_back(visit)


def test_every_form_of_a_thing_is_there_and_works(visit: Visit) -> None:
    mine, release, track = visit.enter(), visit.ids["release:road"], visit.ids["track:road/1"]
    assert f"{mine}/of/{release}" in visit.client.get(f"{mine}/things").text
    page = visit.client.get(f"{mine}/of/{release}").text
    assert "cannot be taken back from them" in page and "Choose among the pictures" in page
    *_, sha256 = re.findall(r'name="sha256" value="([0-9a-f]{64})"', page)
    assert visit.client.get(re.findall(r'<img src="([^"]+)"', page)[-1]).headers["content-type"] == "image/png"
    assert sha256 not in visit.client.get(f"/art/{release}/96").headers["etag"]
    assert visit.say(mine, "cover", id=release, sha256=sha256).status_code == 303
    assert sha256 in visit.client.get(f"/art/{release}/96").headers["etag"]
    fields = {
        unescape(k): unescape(v) for k, v in re.findall(r'<input id="[^"]*" name="([^"]*)" value="([^"]*)"', page)
    }
    assert visit.say(mine, "correct", id=release, **fields).status_code == 303
    acts = visit.client.get(mine).text
    assert acts.count("Take back") and "Title" not in acts  # nothing was changed, so nothing is said
    assert visit.say(mine, "correct", id=track, title="Departure (2004)").status_code == 303
    assert "Departure (2004)" in visit.client.get(f"{mine}/of/{track}").text
    assert visit.say(mine, "confirm", id=track, licence="CC-BY-4.0").status_code == 400  # not ticked
    assert visit.say(mine, "confirm", id=track, licence="CC-BY-4.0", agreed="yes").status_code == 303
    assert "The artist confirmed it" in visit.client.get(f"/track/{track}").text
    assert visit.client.get(f"{mine}/of/{visit.ids['artist:quiet']}").status_code == 200
    assert visit.client.get(f"{mine}/of/{visit.ids['release:tokyo']}").status_code == 404


def test_a_new_link_ends_the_old_one(visit: Visit) -> None:
    mine = visit.enter()
    renewed = visit.client.post(f"{mine}/link", data=visit.form(mine))
    assert "This is your new link" in renewed.text and renewed.url.path != mine
    assert visit.client.get(mine).status_code == 404
    assert (
        visit.say(
            renewed.url.path, "link", id=visit.ids["artist:quiet"], rel="buy", url="https://s.example/"
        ).status_code
        == 303
    )


def test_opening_a_link_does_nothing(visit: Visit) -> None:
    mine = visit.ask().headers["location"]
    visit.web.pages[QUIET] = head(visit.code(mine))
    for _ in range(3):
        assert "Place this code" in visit.client.get(mine).text
    assert visit.web.asked == []


def test_forms_from_elsewhere_old_ones_and_strange_ones_are_refused(visit: Visit) -> None:
    mine, artist = visit.enter(), visit.ids["artist:quiet"]
    link = {"act": "link", "id": artist, "rel": "buy", "url": "https://shop.example/"}
    token = visit.form(mine)
    refused = [
        visit.client.post(f"{mine}/say", data=link),
        visit.client.post(f"{mine}/say", data=link | token, headers={"sec-fetch-site": "cross-site"}),
        visit.client.post(f"{mine}/say", data=link | token, headers={"origin": "https://evil.example"}),
        visit.client.post(f"{mine}/say", data=token | link | {"act": "open"}),
        visit.client.post(f"{mine}/say", data=token | link | {"url": "javascript:alert(1)"}),
        visit.client.post(f"{mine}/say", data=token | {"act": "undo", "event": "²"}),
        visit.client.post(f"/door/{artist}", data=token | {"page": "https://evil.example/"}),
    ]
    visit.clock.move(hours=25)
    refused.append(visit.client.post(f"{mine}/say", data=token | link))
    assert [one.status_code for one in refused] == [400] * len(refused)
    assert "shop.example" not in visit.client.get(f"/artist/{artist}").text
    for path in ("/door/mine/" + "x" * 32, "/door/" + "a" * 16, f"/door/{visit.ids['track:road/1']}"):
        assert visit.client.get(path).status_code == 404


def test_from_one_address_twenty_an_hour(visit: Visit) -> None:
    assert [visit.ask().status_code for _ in range(20)] == [303] * 20
    refused = visit.ask()
    assert refused.status_code == 429 and refused.headers["retry-after"] == "3600"


def test_hostile_words_are_shown_as_words(visit: Visit) -> None:
    mine, artist = visit.enter(), visit.ids["artist:quiet"]
    visit.say(mine, "correct", id=artist, name="The Quiet Machines", disambiguation='<img src=x onerror="alert(1)">')
    visit.say(mine, "link", id=artist, rel="buy", url="https://shop.example/?a=%22%3E%3Cscript%3E")
    for path in (mine, f"{mine}/of/{artist}", f"/artist/{artist}"):
        page = visit.client.get(path).text.partition("<main")[2]
        assert "<img src=x" not in page and "<script" not in page and 'onerror="' not in page


def test_without_a_door_there_is_none_and_no_page_speaks_of_it(visit: Visit) -> None:
    for settings, outside in ((SETTINGS, None), (Settings(name="S", door_open=False), Outside(visit.web, check))):
        with TestClient(create_app(visit.archive, settings, outside=outside), raise_server_exceptions=False) as client:
            artist = visit.ids["artist:quiet"]
            assert "It is closed" in client.get("/door").text
            assert client.get(f"/door/{artist}").status_code == 404
            assert "/door/" not in client.get(f"/artist/{artist}").text


def test_the_log_of_a_fault_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    for page in ("door/mine", "notices/receipt"):
        problem_of(RuntimeError("x"), path=f"/{page}/{'k' * 32}/look")
    assert "kkkk" not in caplog.text and "/door/mine/…/look" in caplog.text


def test_the_description_of_the_api_tells_of_what_is_said(visit: Visit) -> None:
    told = json.loads(visit.client.get("/api/openapi.json").text)
    assert "said_links" in json.dumps(told["components"]) and "/door" in visit.client.get("/robots.txt").text

"""Notices on the web: forms without scripts, confirmation, receipts, the public log; and every road that they close."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.library import access, offered, reading
from phonolith.library.publications import bundles, files
from phonolith.model.rights import Decision, Use
from phonolith.notices.office import Office
from phonolith.releases.publish import published
from phonolith.rights.decisions import Decisions
from phonolith.rights.notice_forms import COUNTER, FORMS
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from phonolith.web.practice import practice_of
from tests.notices.conftest import Clock
from tests.releases.test_cut import publish_now
from tests.rights.test_notice_forms import whole
from tests.sample import make_archive

SETTINGS = Settings(name="Sample", contact="operator@example.org", publish_url="https://music.example.org")
ROAD = "track:road/1"


@dataclass
class Visit:
    """An archive that is served, and somebody in front of it."""

    archive: Archive
    client: TestClient
    ids: dict[str, str]
    clock: Clock

    def form(self, address: str) -> dict[str, str]:
        """The hidden fields of a page's form."""
        page = self.client.get(address)
        assert page.status_code == 200, page.text
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))

    def send(self, *names: str, form: str = "owner", headers: dict[str, str] | None = None, **values: str) -> Any:
        """Fill a form in and send it, as a browser without scripts does."""
        hidden = self.form(f"/notices/new?form={form}")
        items = "\r\n".join(self.ids.get(name, name) for name in names)
        told = whole(FORMS[form]) | {"items": items} | values | hidden
        return self.client.post("/notices/new", data=told, headers=headers or {}, follow_redirects=False)

    def mailed(self, page: str) -> str:
        with self.archive.letters() as letters:
            bodies = [mail.body for mail in letters.waiting(limit=10_000)][::-1]
        address = next(body for body in bodies if f"/notices/{page}/" in body)
        return re.search(rf"https://music\.example\.org(/notices/{page}/\S+)", address)[1]  # type: ignore[index]

    def confirm(self) -> Any:
        address = self.mailed("confirm")
        return self.client.post(address, data=self.form(address))

    def rules(self) -> list[str]:
        with Office(self.archive, practice_of(SETTINGS), now=self.clock) as office:
            return [one.body["notice"] for one in office.follow_rules()]

    def hidden(self, *names: str, form: str = "owner", **values: str) -> str:
        """The number of a notice that was sent, confirmed, and hides."""
        assert self.send(*names, form=form, **values).status_code == 303
        self.confirm()
        self.clock.move(hours=1)
        (number,) = self.rules()
        return number


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    archive, ids = make_archive(tmp_path / "archive")
    publish_now(archive)
    clock = Clock()
    app = create_app(archive, SETTINGS, look_every=0, now=clock)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Visit(archive, client, ids, clock)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_sent_and_leads_to_a_receipt(visit: Visit, form: str) -> None:
    sent = visit.send(ROAD, form=form)
    assert sent.status_code == 303 and sent.headers["cache-control"] == "no-store"
    receipt = visit.client.get(sent.headers["location"])
    assert receipt.status_code == 200 and receipt.headers["cache-control"] == "no-store"
    assert "Your notice was received" in receipt.text and "What is missing" not in receipt.text
    assert "words of name" not in receipt.text and "somebody@example.org" not in receipt.text


def test_opening_the_link_alone_confirms_nothing(visit: Visit) -> None:
    receipt = visit.send(ROAD).headers["location"]
    address = visit.mailed("confirm")
    for _ in range(3):
        assert "Is this address yours?" in visit.client.get(address).text
    assert "Nothing is done until" in visit.client.get(receipt).text
    assert "Confirmed" in visit.confirm().text
    assert "Complete. It is to be decided" in visit.client.get(receipt).text


def test_what_is_missing_is_said_and_can_be_added(visit: Visit) -> None:
    receipt = visit.send("a song that I like", reasons="").headers["location"]
    visit.confirm()
    page = visit.client.get(receipt).text
    assert "What it is about" in page and "What is yours" in page
    complete = re.search(r'href="(/notices/complete/[^"]+)"', page)[1]  # type: ignore[index]
    form = visit.form(complete)
    assert 'value="words of name"' in visit.client.get(complete).text  # what was written is there again
    told = whole(FORMS["owner"]) | {"items": visit.ids[ROAD]} | form
    assert visit.client.post(complete, data=told).status_code == 200
    assert "Complete. It is to be decided" in visit.client.get(receipt).text


def test_a_form_from_elsewhere_an_old_one_and_one_without_token_are_refused(visit: Visit) -> None:
    refused = [
        visit.send(ROAD, headers={"sec-fetch-site": "cross-site"}),
        visit.send(ROAD, headers={"sec-fetch-site": "same-site"}),
        visit.send(ROAD, headers={"origin": "https://evil.example"}),
        visit.client.post("/notices/new", data=whole(FORMS["owner"]) | {"form": "owner"}),
        visit.client.post("/notices/new", json={"form": "owner"}),
        visit.client.post("/notices/new", data={"token": visit.form("/notices/new?form=owner")["token"][:-1] + "~"}),
        visit.client.post(
            "/notices/new",
            content=b"x=" + b"y" * 300_000,
            headers={"content-type": "application/x-www-form-urlencoded"},
        ),
    ]
    old = visit.form("/notices/new?form=owner")
    visit.clock.move(hours=25)
    refused.append(visit.client.post("/notices/new", data=whole(FORMS["owner"]) | old))
    assert {one.status_code for one in refused} == {400}
    for header in ({"sec-fetch-site": "same-origin"}, {"origin": "null"}, {"origin": "http://testserver"}):
        assert visit.send(ROAD, headers=header).status_code == 303


def test_from_one_address_twenty_an_hour(visit: Visit) -> None:
    assert [visit.send(ROAD, email=f"a{n}@example.org").status_code for n in range(20)] == [303] * 20
    refused = visit.send(ROAD, email="other@example.org")
    assert refused.status_code == 429 and refused.headers["retry-after"] == "3600"
    visit.clock.move(hours=1, seconds=1)
    assert visit.send(ROAD).status_code == 303


def test_addresses_that_name_nothing(visit: Visit) -> None:
    for path in (
        "/notices/aaaaaaaaaaaa",
        "/notices/confirm/" + "x" * 32,
        "/notices/receipt/" + "x" * 32,
        "/api/v1/notices/aaaaaaaaaaaa",
    ):
        assert visit.client.get(path).status_code == 404
    assert visit.client.get("/notices/new?form=none").status_code == 400
    assert visit.client.post("/notices").status_code == 405
    number = visit.send(ROAD).headers["location"]
    assert visit.client.get("/api/v1/notices").json()["unconfirmed"] == 1 and number
    assert visit.client.get("/api/v1/notices").json()["notices"] == []


def test_the_public_log_names_nobody_and_tells_the_reasons(visit: Visit) -> None:
    words = {"name": "Zaphod Sentinel", "work": "SENTINEL WORK", "address": "Sentinel Street", "telephone": "555 0199"}
    number = visit.hidden(ROAD, form="copyright", signature="Zaphod S.", **words)
    with Office(visit.archive, practice_of(SETTINGS), now=visit.clock) as office:
        office.decide(number, "notice.upheld", because="The recording is registered.", actor="Sentinel Curator")
    public = [
        visit.client.get(path)
        for path in ("/notices", f"/notices/{number}", "/notices.rss", "/api/v1/notices", f"/api/v1/notices/{number}")
    ]
    for answer in public:
        assert answer.status_code == 200
        for secret in (*words.values(), "Zaphod", "somebody@example.org", "Sentinel"):
            assert secret not in answer.text, (answer.url, secret)
    assert "The recording is registered." in public[1].text and "17 U.S.C. 512(c)(3)" in public[1].text
    told = public[4].json()
    assert told["state"] == "upheld" and told["hidden"] == [visit.ids[ROAD]] and told["hides"]
    assert [one["done"] for one in told["steps"]] == ["received", "confirmed", "hidden", "upheld"]
    assert f"/notices/{number}" in public[2].text


def test_the_page_of_what_is_hidden_says_why_and_leads_to_the_notice(visit: Visit) -> None:
    number = visit.hidden(ROAD, form="illegal")
    page = visit.client.get(f"/track/{visit.ids[ROAD]}")
    assert page.status_code == 451 and f"/notices/{number}" in page.text
    answer = visit.client.get(f"/api/v1/tracks/{visit.ids[ROAD]}")
    assert answer.status_code == 451 and number in answer.json()["detail"]
    other = visit.hidden("release:tokyo", form="licence")
    assert visit.client.get(f"/release/{visit.ids['release:tokyo']}").status_code == 410 and other


def test_a_counter_notice_is_sent_from_the_page_of_the_notice(visit: Visit) -> None:
    number = visit.hidden(ROAD)
    page = visit.client.get(f"/notices/{number}").text
    assert f'href="/notices/{number}/counter"' in page
    form = visit.form(f"/notices/{number}/counter")
    sent = visit.client.post(f"/notices/{number}/counter", data=whole(COUNTER) | form, follow_redirects=False)
    assert "counts once you have confirmed" in visit.client.get(sent.headers["location"]).text
    visit.confirm()
    assert visit.client.get(f"/api/v1/notices/{number}").json()["state"] == "counter-notice"
    assert visit.client.get(f"/track/{visit.ids[ROAD]}").status_code == 410  # it stays down


# Every road


def roads(visit: Visit) -> dict[str, Callable[[], bool]]:
    """Whether something of the release is to be had, by road."""
    archive, client, ids = visit.archive, visit.client, visit.ids
    release, track = ids["release:road"], ids[ROAD]
    detail = client.get(f"/api/v1/tracks/{track}").json()
    sha256 = next(one["sha256"] for one in detail["page"]["files"] if one["role"] == "audio" and one["sha256"])
    title = detail["page"]["track"]["title"]
    places = []
    with archive.objects() as objects:
        for bundle in bundles(published(archive)).values():
            places += [
                f"/bundle/{quote(bundle.name)}/{quote(one.path)}"
                for one in files(objects, bundle)
                if one.sha256 == sha256
            ]
    assert places
    found = f"/api/v1/search?q={quote(title)}&kind=track"
    return {
        "search": lambda: track in client.get(found).text,
        "search page": lambda: track in client.get(f"/search?q={quote(title)}").text,
        "page": lambda: client.get(f"/track/{track}").status_code == 200,
        "release page": lambda: client.get(f"/release/{release}").status_code == 200,
        "API": lambda: client.get(f"/api/v1/tracks/{track}").status_code == 200,
        "API of files": lambda: bool(client.get(f"/api/v1/tracks/{track}/files").json().get("files")),
        "stream": lambda: client.get(f"/media/{track}/{sha256}").status_code == 200,
        "download": lambda: client.get(f"/media/{track}/{sha256}?download=1").status_code == 200,
        "cover": lambda: not client.get(f"/art/{release}/96").headers.get("etag", '"drawn').startswith('"drawn'),
        "web seed": lambda: client.get(places[0]).status_code == 200,
    }


def test_what_a_notice_hides_is_gone_by_every_road_and_comes_back(visit: Visit) -> None:
    ways = roads(visit)
    assert {name for name, way in ways.items() if not way()} == set()
    number = visit.hidden("release:road")
    assert {name for name, way in ways.items() if way()} == set()
    assert not (visit.archive.derived / "build").exists()  # nothing was built
    with visit.archive.register() as register:
        body = {"subjects": [visit.ids["release:road"]], "because": "settled"}
        register.append("item.reinstated", body, actor="operator", time=visit.clock())
    assert {name for name, way in ways.items() if not way()} == set()
    assert visit.client.get(f"/api/v1/notices/{number}").json()["state"] == "restored"


def test_a_gate_that_always_says_yes_and_an_overlay_that_hides_nothing_are_noticed(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: each road of the test above is closed by one of them."""
    ways = roads(visit)
    visit.hidden("release:road")
    yes = lambda *_, **__: Decision(Use.STREAM, True, ("yes",))  # noqa: E731
    monkeypatch.setattr(offered, "decide", yes)
    monkeypatch.setattr(offered, "decision", yes, raising=False)
    monkeypatch.setattr(access, "decision", yes)
    monkeypatch.setattr(reading, "decide", yes)
    open_now = {name for name, way in ways.items() if way()}
    assert {"stream", "download", "cover", "web seed"} <= open_now
    monkeypatch.setattr("phonolith.library.overlay.Overlay.decisions", lambda _: Decisions())
    assert open_now | {name for name, way in ways.items() if way()} == ways.keys()


def test_the_pages_take_no_script(visit: Visit) -> None:
    number = visit.hidden(ROAD)
    for path in (
        "/notices",
        "/notices/new",
        "/notices/new?form=copyright",
        f"/notices/{number}",
        f"/notices/{number}/counter",
    ):
        page = visit.client.get(path).text
        assert "<script" not in page.partition("<main")[2] and not re.search(r"\son\w+=|style=", page)
    assert json.loads(visit.client.get("/api/openapi.json").text)["paths"]["/api/v1/notices/{notice}"]

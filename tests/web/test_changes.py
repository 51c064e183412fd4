"""What changed, on the web: the page, JSON, and feeds that are cheap to ask again and keep their ids."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from phonolith.catalogue.build import build
from phonolith.config import Settings
from phonolith.library.changes import harvests
from phonolith.model.ids import public_id
from phonolith.model.music import Credit, Label, Level, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.model.progress import Silent
from phonolith.sources import base
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from tests.catalogue.said import SaidSource, add, decide, make_archive

BY, NC = (
    (LicenceStatement(f"https://creativecommons.org/licenses/{one}/4.0/", Level.PLATFORM, "said"),)
    for one in ("by", "by-nc")
)
ANN, SMALL = public_id("said", "artist:ann"), public_id("said", "label:small")


def release(name: str, title: str, **more: object) -> ReleaseDescription:
    return ReleaseDescription(name, title, (Credit("Ann"),), labels=(Label("Small"),), **more)  # type: ignore[arg-type]


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    real = base._one
    monkeypatch.setattr(base, "_one", lambda kind: SaidSource() if kind == "said" else real(kind))
    archive = make_archive(tmp_path / "a", release("r", "Road", licences=BY), TrackDescription("t", "Dust", "r"))
    add(archive, release("r", "Road", licences=NC), TrackDescription("u", "Rain <&>", "r"))
    add(archive, release("s", "Sea & Sky"), TrackDescription("v", "Waves", "s"))
    rebuilt(archive)
    return archive


def rebuilt(archive: Archive) -> None:
    build(archive, as_of=None, progress=Silent(), workers=1)


@pytest.fixture
def client(archive: Archive) -> Iterator[TestClient]:
    with TestClient(create_app(archive, Settings(name="Sample"), look_every=0)) as client:
        yield client


def titles(client: TestClient, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/rss+xml")
    return [one.findtext("title", "") for one in ElementTree.fromstring(answer.content).iter("item")]


def test_the_page_tells_each_collection_with_its_harvests(client: TestClient) -> None:
    page = client.get("/changes").text
    assert "harvest 3" in page and "Sea &amp; Sky" in page and f"/release/{public_id('said', 's')}" in page
    assert '<svg class="plot' in page and "<table>" in page
    listed = client.get("/changes?collection=said&what=stricter").text
    assert "CC-BY-NC-4.0" in listed and "Road" in listed and "Sea &amp; Sky" not in listed
    assert "/changes" in client.get("/").text
    assert client.get("/changes?what=other").status_code == 400
    assert client.get("/changes?collection=other").status_code == 404


def test_programs_are_told_the_same_in_pieces(client: TestClient) -> None:
    told = client.get("/api/v1/changes").json()
    assert [one["number"] for one in told["harvests"]] == [1, 2, 3]
    assert {one["what"] for one in told["changes"]} == {"appeared", "changed"}
    found, after = [], ""
    while after is not None:
        piece = client.get("/api/v1/changes", params={"limit": 2, "after": after}).json()
        found += [one["key"] for one in piece["changes"]]
        after = piece["next"]
    assert found == [one["key"] for one in told["changes"]] == sorted(found, key=int, reverse=True)
    (one,) = client.get("/api/v1/changes?what=stricter").json()["changes"]
    assert one["fields"][0] == {
        "field": "licence",
        "was": "CC-BY-4.0, level 2",
        "now": "CC-BY-NC-4.0, level 2",
        "direction": "stricter",
    }


def test_an_artist_a_label_and_a_search_can_be_watched(client: TestClient) -> None:
    everything = ["Ann: Sea & Sky", "Rain <&>", "Ann: Road"]
    assert titles(client, "/search.rss") == everything, "tracks of a new release come with it"
    assert titles(client, f"/artist/{ANN}.rss") == ["Ann: Sea & Sky", "Ann: Road"]
    assert titles(client, f"/label/{SMALL}.rss") == ["Ann: Sea & Sky", "Ann: Road"]
    assert titles(client, "/search.rss?q=SEA") == ["Ann: Sea & Sky"]
    assert titles(client, "/search.rss?q=sea+road") == []
    for address in (f"/artist/{ANN}", f"/label/{SMALL}", "/search?q=sea"):
        assert 'type="application/rss+xml" title="New' in client.get(address).text
    assert client.get(f"/artist/{'a' * 16}.rss").status_code == 404


def test_a_feed_that_did_not_change_is_not_sent_again_and_ids_outlive_builds(
    archive: Archive, client: TestClient
) -> None:
    first = client.get("/search.rss")
    assert client.get("/search.rss", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    rebuilt(archive)
    assert client.get("/search.rss", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    add(archive, release("z", "Zenith"))
    rebuilt(archive)
    later = client.get("/search.rss", headers={"if-none-match": first.headers["etag"]})
    guids = [[one.text for one in ElementTree.fromstring(answer.content).iter("guid")] for answer in (first, later)]
    assert later.status_code == 200 and guids[1][1:] == guids[0]


def test_what_was_withdrawn_is_in_no_list_and_no_feed(archive: Archive, client: TestClient) -> None:
    decide(archive, "item.withdrawn", subjects=[public_id("said", "s")], because="asked", ground="owner")
    assert "Sea &amp; Sky" not in client.get("/changes").text and titles(client, "/search.rss?q=sea") == []
    assert "Sea" not in client.get("/api/v1/changes").text
    assert "Waves" not in client.get("/api/v1/changes").text


def test_the_same_records_give_the_same_file_and_none_gives_nothing(archive: Archive, client: TestClient) -> None:
    before = archive.changes.read_bytes()
    rebuilt(archive)
    assert archive.changes.read_bytes() == before and len(harvests(archive.changes)) == 3
    archive.changes.unlink()
    assert client.get("/changes").status_code == 200 and titles(client, "/search.rss") == []

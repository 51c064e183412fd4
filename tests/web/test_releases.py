"""The index of what was published: pages, JSON, a feed that is always XML, magnet links that clients read."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from phonolith.catalogue.build import build
from phonolith.config import Settings
from phonolith.library import bundled
from phonolith.library.publications import bundles, files
from phonolith.model.progress import Silent
from phonolith.model.publication import Torrent
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.store.bag import MANIFEST
from phonolith.store.bundle_index import BundleIndex
from phonolith.store.metainfo import read
from phonolith.web import feed
from phonolith.web.app import create_app
from tests.releases.test_cut import RECIPE, publish_now
from tests.sample import make_archive
from tests.web.conftest import Served
from tests.web.test_bundles import evidence_of, withdraw

ATOM = "{http://www.w3.org/2005/Atom}"


def listed(client: TestClient, address: str = "/releases.json") -> list[Mapping[str, Any]]:
    return [one for publication in client.get(address).json()["publications"] for one in publication["bundles"]]


def test_the_index_names_every_bundle_with_its_torrents(served: Served) -> None:
    known = bundles(published(served.archive))
    found = {one["name"]: one for one in listed(served.client)}
    assert found.keys() == known.keys()
    page = served.client.get("/releases").text
    for name, bundle in known.items():
        view = found[name]
        assert (view["licence"], view["tier"], view["files"], view["size"]) == (
            bundle.licence, bundle.tier, bundle.files, bundle.size,
        )  # fmt: skip
        assert [(one["kind"], one["v1"], one["v2"]) for one in view["torrents"]] == [
            (one.kind, one.v1, one.v2) for one in bundle.torrents
        ]
        assert f'href="{view["url"]}"' in page and f'href="{view["torrents"][0]["url"]}"' in page
        assert view["torrents"][0]["magnet"] in unescape(page)


def test_torrents_are_the_bytes_that_were_published(served: Served) -> None:
    for one in listed(served.client):
        for torrent in one["torrents"]:
            answer = served.client.get(torrent["url"])
            assert answer.headers["content-type"] == "application/x-bittorrent"
            assert answer.headers["content-disposition"].startswith("attachment; filename=")
            assert len(answer.content) == torrent["size"]
            assert answer.headers["etag"] == f'"{torrent["sha256"]}"'
            v1, v2 = read(answer.content, "torrent").infohashes
            assert (v1.hex(), v2.hex()) == (torrent["v1"], torrent["v2"])


def test_magnet_links_are_read_by_libtorrent_as_the_same_torrents(served: Served) -> None:
    libtorrent = pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")
    for one in listed(served.client):
        for torrent in one["torrents"]:
            read_back = libtorrent.parse_magnet_uri(torrent["magnet"])
            hashes = read_back.info_hashes
            assert str(hashes.v1) == (torrent["v1"] or "0" * 40)
            assert str(hashes.v2) == (torrent["v2"] or "0" * 64)
            assert read_back.name == one["name"]
            assert read_back.url_seeds == ["http://testserver/bundle/"]


def test_magnet_links_name_the_trackers_and_the_public_address(tmp_path: Path) -> None:
    archive, _ = make_archive(tmp_path / "archive")
    publish_now(archive)
    trackers = ("udp://one.example:1/announce", "https://two.example/a?b=c&d=e")
    settings = Settings(publish_url="https://music.example/below", publish_trackers=trackers)
    with TestClient(create_app(archive, settings)) as client:
        asked = parse_qs(urlsplit(listed(client)[0]["torrents"][0]["magnet"]).query)
        assert tuple(asked["tr"]) == trackers
        assert asked["ws"] == ["https://music.example/below/bundle/"]
        assert asked["xs"][0].startswith("https://music.example/below/releases/")
        assert "https://music.example/below/releases.rss" in client.get("/releases.rss").text


def test_the_index_comes_in_pieces_without_gaps_or_repeats(served: Served) -> None:
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        answer = served.client.get("/api/v1/publications", params={"limit": 2, "after": after}).json()
        seen += [one["name"] for publication in answer["publications"] for one in publication["bundles"]]
        after = answer["next"]
    assert seen == [one["name"] for one in listed(served.client)] and len(seen) > 4


def test_a_bundle_lists_all_its_files_in_pieces(served: Served) -> None:
    for bundle in bundles(published(served.archive)).values():
        seen: list[tuple[str, str]] = []
        after: str | None = "0"
        while after is not None:
            answer = served.client.get(f"/api/v1/bundles/{bundle.name}", params={"after": after, "limit": 4}).json()
            seen += [(one["path"], one["sha256"]) for one in answer["files"]]
            after = answer["next"]
        with served.archive.objects() as objects:
            assert seen == [(one.path, one.sha256) for one in files(objects, bundle)]
        assert answer["taken_down"] == 0
        for one in answer["files"]:
            assert served.client.head(one["url"]).headers["content-length"] == str(one["size"])


def test_the_page_of_a_bundle_links_what_is_offered_and_names_nothing_withdrawn(tmp_path: Path) -> None:
    archive, ids = make_archive(tmp_path / "archive")
    publish_now(archive)
    bundle, gone = next(
        (b, one) for b in bundles(published(archive)).values() for one in evidence_of(archive, b)
        if one["track"] == ids["track:road/1"]
    )  # fmt: skip
    with TestClient(create_app(archive, Settings(), look_every=0)) as client:
        name = gone["path"].rpartition("/")[2]
        before = client.get(f"/releases/{bundle.name}").text
        assert name in unescape(before) and "taken down" not in before
        withdraw(archive, ids["track:road/1"])
        after = client.get(f"/releases/{bundle.name}").text
        assert name not in unescape(unquote(after)) and gone["sha256"] in after
        assert "1 of its files was taken down" in after and "Not offered (410)." in after
        told = client.get(f"/api/v1/bundles/{bundle.name}?limit=100").json()
        assert told["taken_down"] == 1 and name not in unquote(json.dumps(told))


def test_every_page_says_where_the_feed_is(served: Served) -> None:
    for path in ("/", "/about", "/releases"):
        page = served.client.get(path).text
        assert '<link rel="alternate" type="application/rss+xml" title="Releases" href="/releases.rss">' in page
        assert '<a href="/releases">' in page


def feed_of(client: TestClient) -> ElementTree.Element:
    answer = client.get("/releases.rss")
    assert answer.headers["content-type"].startswith("application/rss+xml")
    return ElementTree.fromstring(answer.content)


def test_the_feed_has_every_torrent_as_an_enclosure(served: Served) -> None:
    channel = feed_of(served.client).find("channel")
    assert channel is not None
    link = channel.find(f"{ATOM}link")
    assert link is not None
    assert link.attrib == {"href": "http://testserver/releases.rss", "rel": "self", "type": "application/rss+xml"}
    items = channel.findall("item")
    assert {one.findtext("title") for one in items} == {one["name"] for one in listed(served.client)}
    assert len({one.findtext("guid") for one in items}) == len(items)
    for one in items:
        enclosure = one.find("enclosure")
        assert enclosure is not None and enclosure.get("type") == "application/x-bittorrent"
        torrent = served.client.get(str(enclosure.get("url")))
        assert len(torrent.content) == int(str(enclosure.get("length")))
        assert one.findtext("guid") == f"urn:btmh:1220{read(torrent.content, 'torrent').infohashes[1].hex()}"
        assert parsedate_to_datetime(str(one.findtext("pubDate"))).year == 2026
        assert served.client.get(str(one.findtext("link"))).status_code == 200


HOSTILE = 'A & B\'s <Archive> ]]> "quoted" \x07\ud800\uffff ☃'


def test_hostile_names_make_valid_pages_and_a_valid_feed(tmp_path: Path) -> None:
    archive, _ = make_archive(tmp_path / "archive")
    publish_now(
        archive, replace(RECIPE, name="x&'y", about=replace(RECIPE.about, archive=HOSTILE.replace("\ud800", "")))
    )
    with TestClient(create_app(archive, Settings(name=HOSTILE))) as client:
        items = feed_of(client).findall("channel/item")
        names = {one.findtext("title") for one in items}
        known = {name.replace("\uffff", "\ufffd") for name in bundles(published(archive))}  # XML has no U+FFFF
        assert names == known and any("&" in str(name) for name in names)
        for one in items:
            enclosure = one.find("enclosure")
            assert enclosure is not None
            assert client.get(urlsplit(str(enclosure.get("url"))).path).status_code == 200
        for one in listed(client):
            assert client.get(one["url"]).status_code == client.get(one["attribution"]).status_code == 200
            assert client.get(f"/api/v1{one['url'].replace('/releases/', '/bundles/')}").status_code == 200
        assert "<Archive>" not in client.get("/releases").text


_ENTRY = st.builds(
    feed.Entry,
    *[st.text(st.characters())] * 3,
    st.datetimes(timezones=st.timezones()).map(lambda one: one.isoformat()),
    *[st.text(st.characters())] * 2,
    st.integers(0, 10**12),
)


@given(st.lists(st.text(st.characters()), min_size=4, max_size=4), st.lists(_ENTRY, max_size=3))
def test_any_words_at_all_make_xml(words: list[str], entries: list[feed.Entry]) -> None:
    root = ElementTree.fromstring(
        feed.rss(words[0], words[1], words[2], words[3], entries, words[0].encode("utf-8", "replace"), words[2])
    )
    assert len(root.findall("channel/item")) == len(entries)
    assert (root.find(f"channel/{{{feed.NAMESPACE}}}heads") is not None) == bool(words[0])
    for one, item in zip(entries, root.findall("channel/item"), strict=True):
        plain = re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", one.title)
        assert (item.findtext("title") or "").split() == plain.split()


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=3),
)
def test_any_name_and_tracker_comes_back_out_of_a_magnet_link(name: str, trackers: list[str]) -> None:
    link = feed.magnet(Torrent("hybrid", "0" * 64, "a" * 40, "b" * 64), name, trackers, "http://x/bundle/", "")
    asked = parse_qs(link.removeprefix("magnet:?"), keep_blank_values=True)
    assert asked["xt"] == [f"urn:btih:{'a' * 40}", f"urn:btmh:1220{'b' * 64}"]
    assert asked["dn"] == [name] and asked.get("tr", []) == trackers and asked["ws"] == ["http://x/bundle/"]
    assert link.isascii() and not re.search(r"[\s\"'<>]", link)


def test_an_archive_that_published_nothing_says_so(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", name="New", contact="x@example.org", now="2026-11-01T00:00:00Z")
    with TestClient(create_app(archive, Settings(name="New"))) as client:
        assert "Nothing has been published yet." in client.get("/releases").text
        assert listed(client) == [] and feed_of(client).findall("channel/item") == []


def test_the_page_of_a_bundle_says_how_to_take_it_with_each_kind_of_client(served: Served) -> None:
    name = listed(served.client)[0]["name"]
    page = unescape(served.client.get(f"/releases/{name}").text)
    for client in ("qBittorrent", "Transmission", "aria2c --seed-time=0", "rTorrent", "phonolith mirror http"):
        assert client in page
    assert f"curl -fsSO http://testserver/releases/{name}" in page and "sha256sum --check" in page


def test_a_web_seed_is_promised_only_where_the_torrents_name_one(tmp_path: Path) -> None:
    for seed in ("https://music.example.org/bundle/", ""):
        archive, _ = make_archive(tmp_path / f"archive{len(seed)}")
        publish_now(archive, replace(RECIPE, web_seed=seed))
        with TestClient(create_app(archive, Settings(publish_url=seed.removesuffix("/bundle/")))) as client:
            name = listed(client)[0]["name"]
            page, index = client.get(f"/releases/{name}").text, client.get("/releases").text
        assert (f"the bytes come from <bdi>{seed}</bdi>" in page) == bool(seed)
        assert ("names no web seed" in page) == (not seed)
        assert ("the web seed that the torrent names" in index) == bool(seed)


def test_a_track_leads_to_its_bundle_and_a_release_to_all_of_its(served: Served) -> None:
    track, release = served.ids["track:road/2"], served.ids["release:road"]
    assert f"/releases/with/{track}" in served.client.get(f"/track/{track}").text
    found = served.client.get(f"/releases/with/{track}", follow_redirects=False)
    assert found.status_code == 303
    address, _, anchor = found.headers["location"].partition("#")
    assert f'id="{anchor}"' in served.client.get(address).text
    assert served.client.get(f"/releases/with/{release}").status_code == 200


def test_what_is_in_no_bundle_says_so(tmp_path: Path) -> None:
    archive, ids = make_archive(tmp_path / "archive")
    with TestClient(create_app(archive, Settings())) as client:
        assert "/releases/with/" not in client.get(f"/track/{ids['track:road/2']}").text
        answer = client.get(f"/releases/with/{ids['track:road/2']}")
        assert answer.status_code == 404 and "in no bundle that was published" in answer.text


def test_a_refused_file_leads_to_its_bundle_and_that_says_why(tmp_path: Path) -> None:
    archive, ids = make_archive(tmp_path / "archive")
    publish_now(archive)
    bundle, gone = next(
        (b, one) for b in bundles(published(archive)).values() for one in evidence_of(archive, b)
        if one["track"] == ids["track:road/1"]
    )  # fmt: skip
    withdraw(archive, ids["track:road/1"])
    with TestClient(create_app(archive, Settings(), look_every=0)) as client:
        refused = client.get(f"/bundle/{bundle.name}/{quote(gone['path'])}")
        assert refused.status_code == 410 and f'href="/releases/{bundle.name}"' in refused.text
        page = client.get(f"/releases/{bundle.name}").text
        assert "Which, and why" in page and page.count(gone["sha256"]) >= 2


def test_totals_by_licence_and_popularity_are_those_of_all_bundles(served: Served) -> None:
    every = listed(served.client)
    page = served.client.get("/releases").text
    for label in ("Files by licence", "Files by popularity"):
        bars = re.search(rf'<ul class="bars" aria-label="{label}">(.*?)</ul>', page, re.DOTALL)
        assert bars
        told = [int(one.replace("\u202f", "")) for one in re.findall(r'<span class="num">([\d\u202f]+) ·', bars[1])]
        assert sum(told) == sum(b["files"] for b in every)


def test_a_bundle_is_found_by_the_index_and_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, ids = make_archive(tmp_path / "archive")
    publish_now(archive)
    track, current = ids["track:road/2"], bundles(published(archive))
    searched: list[str] = []
    first = bundled._first

    def counted(objects: Any, bundle: Any, wanted: Any) -> str:
        searched.append(bundle.name)
        return first(objects, bundle, wanted)

    monkeypatch.setattr(bundled, "_first", counted)

    def led_to() -> str:
        searched.clear()
        with TestClient(create_app(archive, Settings())) as client:
            return str(client.get(f"/releases/with/{track}", follow_redirects=False).headers["location"])

    where = led_to()
    assert len(current) > 1 and len(searched) == 1 and searched[0] in where
    archive.bundle_index.write_bytes(b"no database, and no word of truth" * 100)
    assert led_to() == where and len(searched) == len(current)
    archive.bundle_index.unlink()
    assert led_to() == where and len(searched) == len(current)
    with archive.objects() as objects:
        bundled.index_bundles(archive.bundle_index, objects, current.values())
    assert led_to() == where and len(searched) == 1


def test_a_damaged_index_of_bundles_is_made_anew_by_a_build(tmp_path: Path) -> None:
    archive, _ = make_archive(tmp_path / "archive")
    publish_now(archive)
    with BundleIndex(archive.bundle_index) as index:
        assert index.lacking([one.tags[MANIFEST] for one in bundles(published(archive)).values()]) == []
    for harm in (b"no database" * 1000, b""):
        archive.bundle_index.write_bytes(harm)
        build(archive, as_of=None, progress=Silent(), workers=1)
        with BundleIndex(archive.bundle_index) as index:
            assert index.lacking([one.tags[MANIFEST] for one in bundles(published(archive)).values()]) == []
            assert index.holding(["0" * 64]) == set()

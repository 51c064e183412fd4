"""What is at risk: gone at its source, damaged, in few copies; others are asked on a page, a mirror takes just that."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.errors import BadInput, NotFound
from phonolith.library import publications
from phonolith.releases.listed import read_at_risk
from phonolith.releases.publish import published
from phonolith.releases.swarms import Own, look, targets
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from tests.cli.conftest import Result
from tests.releases.origins import served
from tests.releases.seeding import LICENCE, bytes_of, current, track_of, withdraw
from tests.releases.swarming import http_tracker
from tests.releases.test_scrape import asked_for, counts, said

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONOLITH_SEED_DHT", "false")
    monkeypatch.setenv("PHONOLITH_SEED_LISTEN", "127.0.0.1:0")


@pytest.fixture
def archive(tmp_path: Path, phonolith: Run) -> Archive:
    """Published: a bundle of small files and one of large ones, both of the deep tier, and two of the top."""
    music, root = tmp_path / "music", tmp_path / "archive"
    (tmp_path / "LICENSE.md").write_text(LICENCE)
    for release in range(2):
        folder = music / f"Band {release}" / f"200{release} - Record {release}"
        folder.mkdir(parents=True)
        for track in range(1, 8):
            with wave.open(str(folder / f"{track:02d} Piece {track}.wav"), "wb") as file:
                file.setparams((1, 2, 22050, 0, "NONE", ""))
                file.writeframes(bytes([track, release]) * (800_000 if track < 3 else 1_000))
    for words in (
        ("init", root, "--name", "Rare", "--contact", "rare@example.org"),
        ("harvest", "folder", music, "--licence-file", tmp_path / "LICENSE.md", "--archive", root),
        ("build", "--archive", root),
        ("publish", "one", "--archive", root),
    ):
        done = phonolith(*words)
        assert done.code == 0, done.err
    return Archive.open(root)


def counted(archive: Archive, known: dict[str, int], now: str = "2026-11-30T12:00:00Z") -> None:
    """A look at which a tracker counts so many of each bundle; those that are left out it counts as nobody."""
    every = targets(archive)
    by_hash = {bytes.fromhex(name)[:20]: known.get(one.bundle, 0) for one in every for name in one.infohashes}
    with http_tracker(lambda line: said({one: counts(by_hash[one]) for one in asked_for(line)})) as tracker:
        look(archive, every, trackers=[tracker], own=Own(), now=lambda: now)


@pytest.fixture
def page(archive: Archive) -> Iterator[TestClient]:
    with TestClient(create_app(archive, Settings(name="Rare"), look_every=0), base_url="http://127.0.0.1") as client:
        yield client


def names(archive: Archive) -> list[str]:
    return sorted(publications.bundles(published(archive)))


def test_a_mirror_takes_just_what_is_on_the_list(archive: Archive, tmp_path: Path, phonolith: Run) -> None:
    every = names(archive)
    assert len(every) >= 3
    counted(archive, {every[0]: 3, every[1]: 1, **dict.fromkeys(every[3:], 7)})
    root = tmp_path / "mirror"
    assert phonolith("init", root, "--name", "Mirror", "--contact", "m@example.org").code == 0
    with served(archive) as there:
        words = ("mirror", there.url, "--by", "web", "--no-build", "--archive", root, "--json")
        done = phonolith(*words, "--at-risk")
        assert done.code == 0, done.err
        assert {one["name"] for one in done.data["taken"]} == {every[1], every[2]}
        assert "/at-risk.json" in there.asked
        assert {one["name"] for one in phonolith(*words, "--dry-run").data["chosen"]} == {every[0], *every[3:]}
    listed = phonolith("at-risk", "--public", "--archive", archive.root, "--json")
    assert listed.code == 1 and {one["title"] for one in listed.data["at_risk"]} == {every[1], every[2]}


def test_an_archive_that_never_counted_says_nothing_of_any_bundle(archive: Archive) -> None:
    with served(archive) as there, TestClient(create_app(archive, Settings(name="Rare"))) as client:
        told = client.get("/at-risk.json")
        assert told.json()["at_risk"] == [] and told.json()["looked"] == ""
        assert read_at_risk(there.url, lambda *_: told.content) is None


@pytest.mark.parametrize("data", [b"{}", b"[1]", b"\xff", b'{"looked": "", "at_risk": [{"bundle": 3}]}', b"[" * 5000])
def test_a_list_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="what is at risk"):
        read_at_risk("https://music.example.org", lambda *_: data)


def test_an_archive_without_a_list_has_none() -> None:
    def none(url: str, _: int) -> bytes:
        raise NotFound(url, "it is not there")

    assert read_at_risk("https://music.example.org", none) is None


def test_the_page_the_json_and_the_feed_say_the_same(archive: Archive, page: TestClient) -> None:
    every = names(archive)
    counted(archive, dict.fromkeys(every[2:], 4) | {every[1]: 1})
    told = page.get("/at-risk.json").json()
    assert [one["bundle"]["name"] for one in told["at_risk"]] == every[:2]
    assert [one["copies"] for one in told["at_risk"]] == [0, 1]
    assert told["command"] == "phonolith mirror http://127.0.0.1 --at-risk --seed"
    (first, *_) = told["at_risk"]
    (reason,) = first["reasons"]
    assert reason["code"] == "swarm.few" and reason["since"] == first["copies_at"] == "2026-11-30T12:00:00Z"
    assert reason["text"] == "No complete copy in its swarm on 2026-11-30, as a tracker counts"
    html = page.get("/at-risk").text
    assert "Please mirror these" in html and told["command"] in html and first["bundle"]["torrents"][0]["url"] in html
    assert every[2] not in html
    feed = ElementTree.fromstring(page.get("/at-risk.rss").content)
    assert {one.text for one in feed.iterfind("channel/item/title")} == set(every[:2])
    assert all(one.get("type") == "application/x-bittorrent" for one in feed.iterfind("channel/item/enclosure"))
    assert 'href="/at-risk"' in page.get("/releases").text and 'href="/at-risk"' in page.get("/about").text


def test_a_bundle_leaves_the_list_with_its_copies_and_when_nothing_of_it_is_offered(
    archive: Archive, page: TestClient
) -> None:
    every = names(archive)
    counted(archive, dict.fromkeys(every[1:], 4))
    assert listed(page) == every[:1]
    counted(archive, dict.fromkeys(every, 4), "2026-11-30T13:00:00Z")
    assert listed(page) == []
    counted(archive, dict.fromkeys(every[1:], 4), "2026-12-04T13:00:00Z")  # the tracker before is given up by then
    assert listed(page) == every[:1]
    bundle = current(archive)[every[0]]
    withdraw(archive, *(track_of(archive, bundle, path) for path in bytes_of(archive, bundle) if path.endswith(".wav")))
    assert listed(page) == []
    assert every[0] not in page.get("/at-risk").text and every[0] not in page.get("/at-risk.rss").text


def listed(page: TestClient) -> list[str]:
    return [one["bundle"]["name"] for one in page.get("/at-risk.json").json()["at_risk"]]


def test_what_is_gone_from_its_source_is_named_until_it_is_withdrawn(
    archive: Archive, tmp_path: Path, page: TestClient, phonolith: Run
) -> None:
    (tmp_path / "music/Band 0/2000 - Record 0/05 Piece 5.wav").unlink()
    words = ("harvest", "folder", tmp_path / "music", "--licence-file", tmp_path / "LICENSE.md")
    assert phonolith(*words, "--archive", archive.root).code == 0
    assert phonolith("build", "--archive", archive.root).code == 0
    told = phonolith("at-risk", "--archive", archive.root, "--json")
    (one,) = told.data["at_risk"]
    assert told.code == 1 and (one["code"], one["title"]) == ("copy.last", "Piece 5")
    assert one["subject"].startswith("track:") and len(one["digests"]) == 1 and len(one["bundles"]) == 1
    (asked,) = page.get("/at-risk.json").json()["at_risk"]
    assert asked["bundle"]["name"] == one["bundles"][0] and asked["copies"] is None
    assert asked["reasons"][0]["text"].startswith("1 track of it is gone from the source (Piece 5)")
    withdraw(archive, one["subject"].removeprefix("track:"))
    assert phonolith("at-risk", "--archive", archive.root, "--json").data["at_risk"] == []
    assert "Piece 5" not in page.get("/at-risk").text and listed(page) == []


def test_what_is_damaged_with_no_other_copy_is_named(archive: Archive, page: TestClient, phonolith: Run) -> None:
    bundle = max(current(archive).values(), key=lambda one: one.files)
    path, place = next((path, place) for path, place in bytes_of(archive, bundle).items() if path.endswith(".wav"))
    data = place.read_bytes()
    place.chmod(0o644)
    place.unlink()
    place.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert phonolith("verify", "--all", "--archive", archive.root).code == 1
    (one,) = phonolith("at-risk", "--archive", archive.root, "--json").data["at_risk"]
    assert one["code"] == "fixity.alone" and one["bundles"] == [bundle.name] and path
    (asked,) = page.get("/at-risk.json").json()["at_risk"]
    assert asked["reasons"][0]["text"].startswith("One file of it is damaged here since")


def test_how_it_looks_on_a_terminal(archive: Archive, phonolith: Run) -> None:
    every = names(archive)
    counted(archive, dict.fromkeys(every[1:], 4))
    shown = phonolith("at-risk", "--archive", archive.root)
    assert shown.code == 1 and every[0] in shown.out and "No complete copy in its swarm" in shown.out
    told = phonolith("swarm", "--show", "--archive", archive.root, "--json")
    assert {one["bundle"]: one["copies"] for one in told.data["standings"]} == {
        every[0]: 0,
        **dict.fromkeys(every[1:], 4),
    }
    one = phonolith("swarm", "--show", every[0], "--archive", archive.root)
    assert one.code == 0 and "2026-11-30 12:00" in one.out


def test_swarm_asks_again_and_again_until_it_is_told_to_stop(archive: Archive) -> None:
    from phonolith.cli.swarm import keep_looking
    from phonolith.cli.verb import Place

    class Stop:
        waited: list[float] = []  # noqa: RUF012 - of one test

        def wait(self, seconds: float) -> bool:
            self.waited.append(seconds)
            return len(self.waited) > 2

    looks: list[int] = []

    def once() -> Any:
        looks.append(1)
        if len(looks) == 1:
            raise NotFound("x", "is not there")
        return look(archive, [], now=lambda: "2026-11-30T12:00:00Z")

    stop: Any = Stop()
    keep_looking(Place(archive.root, False, {}), stop, 21_600.0, once)
    assert len(looks) == 2 and stop.waited == [21_600.0] * 3


def test_swarm_with_words_that_cannot_be(archive: Archive, phonolith: Run) -> None:
    assert phonolith("swarm", "--every", "1s", "--archive", archive.root).code == 2
    assert phonolith("swarm", "nothing", "--archive", archive.root).code != 0
    alone = phonolith("swarm", "--archive", archive.root, "--json")
    assert alone.code == 0 and json.dumps(alone.data["asked"]) == "[]"


def test_a_plan_counts_what_few_have_as_rare(archive: Archive, phonolith: Run) -> None:
    every = names(archive)
    words = ("plan", "--budget", "1GB", "--target", "rarity", "--archive", archive.root, "--json")
    assert phonolith(*words).data["at_risk"] == 0  # nobody counted
    counted(archive, dict.fromkeys(every, 9))
    assert phonolith(*words).data["at_risk"] == 0
    counted(archive, dict.fromkeys(every[1:], 9) | {every[0]: 2}, "2026-12-30T12:00:00Z")
    assert phonolith(*words).data["at_risk"] == 7  # all of the release that is in it
    counted(archive, dict.fromkeys(every, 2), "2027-01-31T12:00:00Z")
    assert phonolith(*words).data["at_risk"] == 14
    identifier = phonolith("search", "Piece", "--archive", archive.root, "--json").data["tracks"]["items"][0]["id"]
    told = phonolith("plan", "explain", f"track:{identifier}", "--archive", archive.root, "--json").data
    assert told["explained"]["at_risk"] is True

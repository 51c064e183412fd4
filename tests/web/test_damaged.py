"""A held file that is not what it was: pages and API say so and do not offer it, while all else is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.library.publications import bundles, files
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from tests.releases.test_cut import publish_now
from tests.sample import make_archive
from tests.store.test_rereading import verify

SAID = "found damaged or missing"


@pytest.fixture
def hurt(tmp_path: Path) -> tuple[Archive, dict[str, str], str]:
    """A published sample archive and the digest of the one file of the track road/2."""
    archive, ids = make_archive(tmp_path / "archive")
    publish_now(archive)
    with TestClient(create_app(archive, Settings())) as client:
        [one] = client.get(f"/api/v1/tracks/{ids['track:road/2']}/files").json()["files"]
    return archive, ids, one["url"].rpartition("/")[2]


def damage(archive: Archive, sha256: str) -> None:
    """Cut the object's bytes short."""
    with archive.objects() as objects:
        path = objects.path(sha256)
    path.chmod(0o644)
    os.truncate(path, 10)


def look_again(archive: Archive) -> None:
    """What the verb ``verify`` does: read everything and write down what was amiss."""
    assert verify(archive).findings


def test_a_damaged_track_is_told_and_not_offered(hurt: tuple[Archive, dict[str, str], str]) -> None:
    archive, ids, sha256 = hurt
    track = ids["track:road/2"]
    with TestClient(create_app(archive, Settings())) as client:
        before = client.get(f"/track/{track}").text
        assert '<div class="thing" data-track=' in before and f"{sha256}?download=1" in before and SAID not in before
        damage(archive, sha256)
        look_again(archive)
        after = client.get(f"/track/{track}").text
        assert '<div class="thing">' in after and f"{sha256}?download=1" not in after
        assert f"Held, but not played here. What is held of it was {SAID}" in after
        assert client.get(f"/api/v1/tracks/{track}/files").json()["files"] == []
        assert client.get(f"/media/{track}/{sha256}").status_code == 503


def test_a_release_plays_without_its_damaged_track(hurt: tuple[Archive, dict[str, str], str]) -> None:
    archive, ids, sha256 = hurt
    address = f"/api/v1/releases/{ids['release:road']}"

    def played(client: TestClient) -> tuple[int, dict[str, bool]]:
        page = client.get(address).json()
        tracks = {one["id"]: one["playable"] for disc in page["discs"] for one in disc["tracks"]}
        assert page["playable"] == sum(tracks.values())
        return page["held"], tracks

    with TestClient(create_app(archive, Settings())) as client:
        held, before = played(client)
        assert before[ids["track:road/2"]]
        damage(archive, sha256)
        look_again(archive)
        assert played(client) == (held, before | {ids["track:road/2"]: False})
        page = client.get(f"/release/{ids['release:road']}").text
    assert page.count('<li class="track" data-track=') == sum(before.values()) - 1


def test_a_bundle_names_its_damaged_file_and_offers_the_others(hurt: tuple[Archive, dict[str, str], str]) -> None:
    archive, _, sha256 = hurt
    with archive.objects() as objects:
        having = [
            bundle.name
            for bundle in bundles(published(archive)).values()
            if sha256 in {one.sha256 for one in files(objects, bundle)}
        ]
    name = having[0]
    damage(archive, sha256)
    with TestClient(create_app(archive, Settings())) as client:
        answer = client.get(f"/api/v1/bundles/{name}?limit=100").json()
        told = {one["sha256"]: one for one in answer["files"]}
        assert not told[sha256]["offered"] and told[sha256]["status"] == 503 and SAID in told[sha256]["reasons"][0]
        assert all(one["offered"] for digest, one in told.items() if digest != sha256)
        assert answer["taken_down"] == 0 and answer["bundle"]["offered"]
        assert client.get(told[sha256]["url"]).status_code == 503
        page = client.get(f"/releases/{name}").text
        assert "Not given just now" in page and "taken down" not in page

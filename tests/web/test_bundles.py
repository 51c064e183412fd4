"""The web seed: every file of every bundle and nothing else, each only while the gate allows it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.errors import Withdrawn
from phonolith.library.publications import bundles, files, pads
from phonolith.model.publication import Bundle
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from tests.releases.test_cut import NOW, RECIPE, publish_now
from tests.sample import make_archive
from tests.web.conftest import Served


def at(bundle: Bundle, path: str) -> str:
    return f"/bundle/{quote(bundle.name)}/{quote(path)}"


def bundles_of(archive: Archive) -> list[Bundle]:
    return sorted(bundles(published(archive)).values(), key=lambda one: -one.files)


def decide(archive: Archive, kind: str, **body: Any) -> int:
    with archive.register() as register:
        return register.append(kind, {"because": "they asked", **body}, actor="operator", time=NOW).seq


def withdraw(archive: Archive, *ids: str, ground: str = "owner") -> None:
    decide(archive, "item.withdrawn", subjects=list(ids), ground=ground)


def evidence_of(archive: Archive, bundle: Bundle) -> list[dict[str, Any]]:
    with archive.objects() as objects, objects.open(bundle.tags["evidence.jsonl"]) as file:
        return [json.loads(line) for line in file]


@contextmanager
def watched(root: Path) -> Iterator[tuple[Archive, dict[str, str], TestClient]]:
    """A published archive that tests may decide about, each decision seen at once."""
    archive, ids = make_archive(root / "archive")
    publish_now(archive)
    with TestClient(create_app(archive, Settings(), look_every=0), raise_server_exceptions=False) as client:
        yield archive, ids, client


def test_every_file_of_every_bundle_is_served_as_it_was_published(served: Served) -> None:
    with served.archive.objects() as objects:
        for bundle in bundles_of(served.archive):
            for file in files(objects, bundle):
                answer = served.client.get(at(bundle, file.path))
                assert (answer.status_code, file.path) == (200, file.path)
                assert hashlib.sha256(answer.content).hexdigest() == file.sha256
                assert answer.headers["etag"] == f'"{file.sha256}"'
                assert answer.headers["cache-control"] == "private, no-cache"
                assert answer.headers["content-type"].startswith("text/plain") != file.payload


def test_pads_are_so_many_zeros_and_only_those_of_the_torrent(served: Served) -> None:
    bundle = bundles_of(served.archive)[0]
    with served.archive.objects() as objects:
        known = sorted(pads(objects, bundle))
    assert len(known) == bundle.files + len(bundle.tags)
    for path in known:
        answer = served.client.get(at(bundle, path))
        assert answer.status_code == 200 and answer.content == bytes(int(path.rpartition("-")[2]))
        assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    part = served.client.get(at(bundle, known[0]), headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, bytes(5))
    assert served.client.get(at(bundle, known[0]), headers={"Range": "bytes=99999999-"}).status_code == 416
    for path in (".pad/0-1", ".pad/0-99999999999999", ".pad/x", ".pad/", f"{known[0]}1", ".pad/-5"):
        assert served.client.get(at(bundle, path)).status_code == 404


def test_ranges_and_conditions_are_answered(served: Served) -> None:
    bundle = bundles_of(served.archive)[0]
    whole = served.client.get(at(bundle, "evidence.jsonl"))
    address, etag = at(bundle, "evidence.jsonl"), whole.headers["etag"]
    assert served.client.head(address).headers["content-length"] == str(len(whole.content))
    for asked, expected in (
        ("bytes=0-0", whole.content[:1]),
        ("bytes=-7", whole.content[-7:]),
        ("bytes=9-", whole.content[9:]),
    ):
        answer = served.client.get(address, headers={"Range": asked, "If-Range": etag})
        assert (answer.status_code, answer.content) == (206, expected)
    assert served.client.get(address, headers={"If-None-Match": etag}).status_code == 304
    assert served.client.get(address, headers={"If-Match": '"other"'}).status_code == 412


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "data", "data/", "../phonolith.toml", "..%2f..%2fphonolith.toml", "%2e%2e/%2e%2e/phonolith.toml",
        "/etc/passwd", "%2fetc%2fpasswd", "bagit.txt/", "./bagit.txt", "BAGIT.TXT", "bagit.txt%00", "data/%ff", "%00",
        "data/../bagit.txt", ".pad/../bagit.txt", "bagit.txt?x=1/../../phonolith.toml", "\\..\\phonolith.toml",
    ],
)  # fmt: skip
def test_an_address_is_only_looked_up_and_never_a_path(served: Served, path: str) -> None:
    bundle = bundles_of(served.archive)[0]
    scope_path = f"/bundle/{bundle.name}/{path}"
    answer = served.client.get(scope_path)
    assert answer.status_code in (200, 404), path
    assert "Sample" not in answer.text or answer.status_code == 404
    if answer.status_code == 200:  # the client itself may resolve dots, and a query is none of our business
        assert answer.text.startswith("BagIt-Version")


@pytest.mark.parametrize("catalogue", [True, False])
@pytest.mark.parametrize(("ground", "status"), [("owner", 410), ("law", 451)])
def test_a_withdrawn_file_alone_is_refused(tmp_path: Path, ground: str, status: int, catalogue: bool) -> None:
    with watched(tmp_path) as (archive, ids, client):
        if not catalogue:
            shutil.rmtree(archive.derived)
        bundle = next(
            one
            for one in bundles_of(archive)
            if any(e["track"] == ids["track:road/1"] for e in evidence_of(archive, one))
        )
        paths = {one["path"]: one["track"] for one in evidence_of(archive, bundle)}
        assert {client.get(at(bundle, path)).status_code for path in paths} == {200}
        withdraw(archive, ids["track:road/1"], ground=ground)
        for path, track in paths.items():
            expected = status if track == ids["track:road/1"] else 200
            answer = client.get(at(bundle, path))
            assert (answer.status_code, path) == (expected, path)
            assert (b"RIFF" in answer.content) <= (expected == 200)
            part = client.get(at(bundle, path), headers={"Range": "bytes=0-9", "If-None-Match": "*"})
            assert (part.status_code == status) == (expected == status)
        assert client.get(f"/releases/{bundle.name}.torrent").status_code == 200
        decide(archive, "item.reinstated", subjects=[ids["track:road/1"]])
        assert {client.get(at(bundle, path)).status_code for path in paths} == {200}


def test_without_a_catalogue_everything_is_served(tmp_path: Path) -> None:
    archive, _ = make_archive(tmp_path / "archive")
    publish_now(archive)
    shutil.rmtree(archive.derived)
    with TestClient(create_app(Archive.open(archive.root), Settings())) as client:
        for bundle in bundles_of(archive):
            assert client.get(f"/releases/{bundle.name}").status_code == 200
            for one in evidence_of(archive, bundle):
                answer = client.get(at(bundle, one["path"]))
                assert hashlib.sha256(answer.content).hexdigest() == one["sha256"]
        assert {client.get(path).status_code for path in ("/releases", "/releases.rss", "/releases.json")} == {200}


def test_evidence_that_was_revoked_is_403(tmp_path: Path) -> None:
    with watched(tmp_path) as (archive, ids, client):
        bundle, path = next(
            (bundle, one["path"])
            for bundle in bundles_of(archive)
            for one in evidence_of(archive, bundle)
            if one["release"] == ids["release:tokyo"]
        )
        assert client.get(at(bundle, path)).status_code == 200
        with archive.register() as register:
            attested = next(one.seq for one in register.events() if one.kind == "rights.attested")
        decide(archive, "rights.attestation_revoked", event=attested)
        assert client.get(at(bundle, path)).status_code == 403


def test_a_bundle_of_which_nothing_is_left_is_gone_altogether(tmp_path: Path) -> None:
    with watched(tmp_path) as (archive, _, client):
        bundle = bundles_of(archive)[-1]
        withdraw(archive, *(one["ids"][0] for one in evidence_of(archive, bundle)))
        with archive.objects() as objects:
            pad = min(pads(objects, bundle))
        for path in ("bagit.txt", "manifest-sha256.txt", pad, evidence_of(archive, bundle)[0]["path"]):
            assert client.get(at(bundle, path)).status_code == 410
        for address in (
            f"/releases/{bundle.name}",
            f"/releases/{bundle.name}.torrent",
            f"/api/v1/bundles/{bundle.name}",
        ):
            assert client.get(address).status_code == 410
        assert bundle.name not in client.get("/releases.rss").text
        shown = [one for p in client.get("/releases.json").json()["publications"] for one in p["bundles"]]
        assert [(one["offered"], one["torrents"]) for one in shown if one["name"] == bundle.name] == [(False, [])]
        assert "magnet:" in client.get("/releases").text and f"dn={bundle.name}" not in client.get("/releases").text


def test_a_new_publication_is_served_without_a_restart(tmp_path: Path) -> None:
    archive, _ = make_archive(tmp_path / "archive")
    with TestClient(create_app(archive, Settings(), look_every=0)) as client:
        assert "Nothing has been published yet." in client.get("/releases").text
        publish_now(archive)
        bundle = bundles_of(archive)[0]
        assert client.get(at(bundle, "bagit.txt")).status_code == 200
        assert bundle.name in client.get("/releases").text


@pytest.mark.parametrize("road", ["web seed", "stream", "download"])
def test_a_long_answer_is_broken_off_when_the_gate_says_no_in_the_middle_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, road: str
) -> None:
    monkeypatch.setattr("phonolith.web.ranges.CHUNK", 100)
    archive, ids = make_archive(tmp_path / "archive")
    publish_now(archive)
    app = create_app(archive, Settings(), look_every=0)
    bundle, path, sha256 = next(
        (b, e["path"], e["sha256"])
        for b in bundles_of(archive)
        for e in evidence_of(archive, b)
        if e["track"] == ids["track:road/1"]
    )
    media = f"/media/{ids['track:road/1']}/{sha256}"
    address = {"web seed": at(bundle, path), "stream": media, "download": f"{media}?download"}[road]

    def taken_down(chunk: int) -> None:
        if chunk == 3:
            withdraw(archive, ids["track:road/1"])

    with pytest.raises(Withdrawn):
        asyncio.run(get(app, address, taken_down))
    assert asyncio.run(get(app, at(bundle, "bagit.txt"), lambda _: None)) == len(
        "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    )


async def get(app: Starlette, path: str, each: Any) -> int:
    """Ask for a path; ``each`` is called with the number of every chunk. Bytes that came."""
    chunks: list[bytes] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            chunks.append(message["body"])
            each(len(chunks))
            assert len(chunks) <= 4

    from urllib.parse import unquote

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
    }
    await app({**scope, "root_path": "", "scheme": "http", "server": ("x", 80), "app": app}, receive, send)
    return sum(map(len, chunks))


def test_a_replaced_bundle_is_served_on_and_not_listed(tmp_path: Path) -> None:
    archive, _ = make_archive(tmp_path / "archive")
    publish_now(archive)
    old = bundles_of(archive)[0]
    heir = replace(old, name="heir", replaces=old.name)
    from phonolith.model.publication import Publication, body_of

    decide(archive, "release.published", **body_of(Publication("two", RECIPE.about.as_of, "", (heir,))))
    with TestClient(create_app(archive, Settings())) as client:
        assert client.get(at(old, "bagit.txt")).status_code == 200
        listed = [one["name"] for p in client.get("/releases.json").json()["publications"] for one in p["bundles"]]
        assert "heir" in listed and old.name not in listed
        assert "/releases/heir" in client.get(f"/releases/{old.name}").text

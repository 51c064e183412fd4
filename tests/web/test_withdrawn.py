"""The list of withdrawals on the web: the signed files as they are, cheap to ask again, kept while it serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.releases.withdrawals import keep, keep_running
from phonolith.rights.gate import Policy
from phonolith.store.archive import Archive
from phonolith.verifier import check_list, read_list
from phonolith.web.app import create_app
from tests import sample
from tests.releases.test_cut import publish_now
from tests.releases.test_withdrawals import NOW, folded, kept, refused, withdraw


@pytest.fixture
def made(tmp_path: Path) -> tuple[Archive, dict[str, str]]:
    archive, ids = sample.make_archive(tmp_path / "archive")
    publish_now(archive)
    return archive, ids


@pytest.fixture
def client(made: tuple[Archive, dict[str, str]]) -> Iterator[TestClient]:
    with TestClient(create_app(made[0], Settings(name="Sample"), look_every=0)) as client:
        yield client


def test_the_list_and_its_heads_are_served_as_they_are_signed(
    made: tuple[Archive, dict[str, str]], client: TestClient
) -> None:
    archive, ids = made
    assert client.get("/withdrawn.jsonl").content == b"" and client.get("/withdrawn.heads.jsonl").content == b""
    withdraw(archive, ids["release:road"])
    kept(archive)
    lines, heads = (client.get(f"/withdrawn{end}.jsonl") for end in ("", ".heads"))
    assert (lines.content, heads.content) == archive.withdrawals().said()
    assert check_list(read_list(lines.content, heads.content)) == []
    told = client.get("/api/v1/withdrawals").json()
    assert told["withdrawn"] == len(folded(archive)) and told["url"] == "/withdrawn.jsonl" and told["log"]
    assert client.get("/releases.json").json()["withdrawn"].endswith("/withdrawn.jsonl")
    assert "/withdrawn.jsonl" in client.get("/releases.rss").text
    assert "/api/v1/withdrawals" in client.get("/api/openapi.json").json()["paths"]


def test_who_has_it_is_told_that_it_has_not_changed(made: tuple[Archive, dict[str, str]], client: TestClient) -> None:
    archive, ids = made
    withdraw(archive, ids["track:road/1"])
    kept(archive)
    for path in ("/withdrawn.jsonl", "/withdrawn.heads.jsonl"):
        tag = client.get(path).headers["etag"]
        again = client.get(path, headers={"if-none-match": f'"other", {tag}'})
        assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == tag
        assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200
    withdraw(archive, ids["track:road/2"])
    kept(archive)
    assert client.get("/withdrawn.jsonl", headers={"if-none-match": tag}).status_code == 200


def test_a_line_that_no_head_covers_is_not_served(made: tuple[Archive, dict[str, str]], client: TestClient) -> None:
    archive, ids = made
    withdraw(archive, ids["track:road/1"])
    kept(archive)
    before = client.get("/withdrawn.jsonl").content
    with (archive.held / "withdrawals" / "withdrawn.jsonl").open("ab") as file:
        file.write(b'{"number": 2}\n{"numb')
    assert client.get("/withdrawn.jsonl").content == before


def test_while_it_serves_the_list_follows_without_being_asked(made: tuple[Archive, dict[str, str]]) -> None:
    archive, ids = made
    beside = partial(keep_running, archive, Policy(), now=lambda: NOW, every=0.02)
    with TestClient(create_app(archive, Settings(), beside=beside)) as client:
        withdraw(archive, ids["track:road/1"])
        waited = threading.Event()
        while not client.get("/withdrawn.jsonl").content and not waited.wait(0.05):
            pass
    assert folded(archive).keys() == refused(archive).keys()


def test_one_process_keeps_it_and_another_takes_over(made: tuple[Archive, dict[str, str]]) -> None:
    archive, ids = made
    stop, other = threading.Event(), threading.Event()
    with archive.lock("keep", what="another process"):
        waiting = threading.Thread(
            target=keep_running, args=(archive, Policy(), stop), kwargs={"now": lambda: NOW, "every": 0.02}
        )
        waiting.start()
        withdraw(archive, ids["track:road/1"])
        other.wait(0.3)
        assert folded(archive) == {}, "the other one keeps it"
    while not folded(archive):
        other.wait(0.05)
    stop.set()
    waiting.join()
    assert keep(archive, Policy(), now=lambda: NOW) == 0

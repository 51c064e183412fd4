"""The log over HTTP: what these addresses give, saved as files, is what the verifier reads."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import phonolith.verifier
from phonolith.config import Settings
from phonolith.releases.commit import commit, rotate
from phonolith.releases.witness import accept, countersign
from phonolith.store.archive import Archive
from phonolith.verifier import State, canonical, check_log, digest, read_link, read_state
from phonolith.web import feed
from phonolith.web.app import create_app
from tests.releases.conftest import make

NOW = "2026-01-02T03:04:05Z"


@dataclass(frozen=True)
class Logged:
    """An archive with nine objects, none committed to, its application, and an archive that may witness."""

    archive: Archive
    digests: list[str]
    client: TestClient
    witness: Archive

    def commit(self, count: int) -> phonolith.verifier.Head:
        return commit(self.archive, self.digests[:count], lambda: NOW)

    def countersign(self) -> None:
        made = countersign(self.witness, State(self.archive.log().heads(), self.archive.log().leaves_file), lambda: NOW)
        accept(self.archive, made)

    def save(self, address: str, path: Path) -> Path:
        answer = self.client.get(address)
        assert answer.status_code == 200
        path.write_bytes(answer.content)
        return path


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Logged]:
    held, other = make(tmp_path / "ours"), make(tmp_path / "theirs")
    with TestClient(create_app(held.archive, Settings(name="Sample"))) as client:
        yield Logged(held.archive, held.digests, client, other.archive)


def test_saved_answers_convince_the_verifier_alone(logged: Logged, tmp_path: Path) -> None:
    old = logged.commit(3)
    heads = logged.save("/log/heads", tmp_path / "heads")
    rotate(logged.archive, "a test", lambda: NOW)
    logged.commit(9)
    logged.countersign()
    state = logged.save(f"/log/state?since={old.size}", tmp_path / "state")
    words = [sys.executable, "-I", phonolith.verifier.__file__, "check-log", str(heads), str(state)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.returncode == 0 and said.stdout.startswith("consistent.\nOther keys that say they saw it: 1.\n")
    assert read_state(logged.save("/log/heads", heads)).heads == logged.archive.log().heads()
    newest = read_link(logged.client.get("/log/state").json())
    assert check_log(newest, newest).verdict == "consistent" and newest.heads[-1].size == 9


def test_every_head_is_linked_to_the_newest(logged: Logged) -> None:
    heads = [logged.commit(count) for count in range(1, 10)]
    for head in heads:
        shown = read_link(logged.client.get(f"/log/state?since={head.size}").json())
        assert check_log(State([head]), shown).verdict == "consistent"
        other = read_link(logged.client.get(f"/log/state?since={head.size % 9 + 1}").json())
        assert (check_log(State([head]), other).verdict == "consistent") == (head.size == 9)


def test_it_says_at_once_what_was_committed_and_countersigned_since(logged: Logged) -> None:
    assert logged.client.get("/log/state").status_code == 404
    assert logged.client.get("/log/heads").content == b""
    for count in (2, 5):
        logged.commit(count)
        assert logged.client.get("/log/state").json()["new"]["size"] == count
        assert logged.client.get("/api/v1/log").json()["seen_by"] == (count == 5)
        logged.countersign()
        told = logged.client.get("/api/v1/log").json()
        assert (told["seen_by"], told["seen_last"]) == (1, NOW)
        assert len(logged.client.get("/log/state").json()["countersignatures"]) == 1
    assert len(logged.client.get("/log/countersignatures").content.splitlines()) == 2


def test_an_answer_that_is_known_already_is_not_sent_again(logged: Logged) -> None:
    logged.commit(2)
    for address in ("/log/heads", "/log/state", "/log/state?since=2", "/log/countersignatures"):
        etag = logged.client.get(address).headers["etag"]
        again = logged.client.get(address, headers={"if-none-match": etag})
        assert again.status_code == 304 and not again.content
    logged.commit(3)
    assert logged.client.get("/log/heads", headers={"if-none-match": etag}).status_code == 200


def test_the_index_may_be_lost_or_of_another_log(logged: Logged) -> None:
    logged.commit(2)
    logged.client.get("/log/state")
    logged.commit(9)
    for path in (logged.archive.state).glob("log.sqlite*"):
        path.unlink()
    assert read_link(logged.client.get("/log/state?since=2").json()).heads[-1].size == 9


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/log/state?since=3", 404),
        ("/log/state?since=0", 400),
        ("/log/state?since=-1", 400),
        ("/log/state?since=1e9", 400),
        ("/log/state?since=" + "9" * 5000, 400),
        ("/log/state?since=2&since=2", 400),
        ("/log/seen/" + "0" * 64, 404),
        ("/log/seen/" + "0" * 63, 400),
        ("/log/seen/..%2f..%2fheads", 404),
        ("/log/countersignatures/" + "f" * 64, 404),
        ("/log/countersignatures/" + "F" * 64, 400),
        ("/log/leaves", 404),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_refused(logged: Logged, address: str, status: int) -> None:
    logged.commit(2)
    assert logged.client.get(address).status_code == status


def test_the_head_stands_in_feed_index_and_page(logged: Logged, tmp_path: Path) -> None:
    first = logged.commit(2)
    rotate(logged.archive, "a test", lambda: NOW)
    head = logged.commit(9)
    feed_ = ElementTree.fromstring(logged.client.get("/releases.rss").content)
    told = (feed_.findtext(f"channel/{{{feed.NAMESPACE}}}heads") or "").strip()
    (tmp_path / "feed").write_text(told)
    index = logged.client.get("/releases.json").json()["log"]
    (tmp_path / "index").write_bytes(b"\n".join(map(canonical, [*index["rotations"], index["head"]])))
    logged.save(f"/log/state?since={head.size}", tmp_path / "state")
    for name in ("feed", "index"):
        assert check_log(read_state(tmp_path / name), read_state(tmp_path / "state")).verdict == "consistent"
    assert told.count("\n") == 1 and index["digest"] == digest(head)
    page = logged.client.get("/releases").text
    assert head.root[:16] in page and head.key[:16] in page and "9 objects" in page and "Nobody else" in page
    logged.countersign()
    assert "Seen by 1 other, last 2026-01-02." in logged.client.get("/releases").text
    assert first.log == head.log


def test_an_archive_without_a_log_says_nothing_of_one(logged: Logged) -> None:
    assert "committed to" not in logged.client.get("/releases").text
    assert logged.client.get("/releases.json").json()["log"] is None
    assert b"phonolith:heads" not in logged.client.get("/releases.rss").content
    assert logged.client.get("/api/v1/log").status_code == 404


def test_what_is_signed_about_others_is_given(logged: Logged) -> None:
    logged.commit(2)
    state = State(logged.archive.log().heads())
    made = countersign(logged.witness, state, lambda: NOW)
    logged.witness.log().keep_seen(state.heads)
    with TestClient(create_app(logged.witness, Settings())) as client:
        signed = client.get(f"/log/countersignatures/{made.log}")
        assert [json.loads(line)["signature"] for line in signed.content.splitlines()] == [made.signature]
        assert client.get(f"/log/seen/{made.log}").content == logged.client.get("/log/heads").content

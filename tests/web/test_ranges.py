"""Byte ranges and conditional requests (RFC 9110, sections 13 and 14) on bytes that need no catalogue."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from phonolith.errors import Damaged, StorageError
from phonolith.web import ranges
from phonolith.web.ranges import Payload, Unsatisfiable, parse_range, send_payload

DATA = bytes(range(256)) * 5000  # 1.28 MB: more than one chunk
ETAG = f'"{hashlib.sha256(DATA).hexdigest()}"'


@pytest.fixture(scope="module")
def payload(tmp_path_factory: pytest.TempPathFactory) -> Payload:
    path = tmp_path_factory.mktemp("bytes") / "object"
    path.write_bytes(DATA)
    return Payload(path, ETAG.strip('"'), len(DATA), "audio/ogg", "01 Prélude.ogg")


@pytest.fixture(params=["from the page cache", "in a thread"])
def client(payload: Payload, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    if request.param == "in a thread":
        monkeypatch.setattr(ranges, "_NOWAIT", None)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send_payload(scope, receive, send, payload)

    return TestClient(app)


def test_the_whole(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["etag"] == ETAG
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "audio/ogg"
    assert answer.headers["content-length"] == str(len(DATA))
    assert "filename*=UTF-8''01%20Pr%C3%A9lude.ogg" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "private, no-cache"


def test_head_has_the_headers_of_get_and_no_range(client: TestClient) -> None:
    answer = client.head("/", headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(DATA))


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=1279990-", 1279990, 1280000),
        ("bytes=-10", 1279990, 1280000),
        ("bytes=-99999999", 0, 1280000),
        ("bytes=5-99999999", 5, 1280000),
        ("BYTES = 7-8", 7, 9),
        ("bytes=0-700000", 0, 700001),
        ("bytes=0-9,10-19", 0, 20),  # touching ones are one
        ("bytes=10-30, 0-12", 0, 31),
    ],
)
def test_one_range(client: TestClient, asked: str, start: int, stop: int) -> None:
    answer = client.get("/", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == DATA[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert answer.headers["content-length"] == str(stop - start)


def test_several_ranges(client: TestClient) -> None:
    answer = client.get("/", headers={"Range": "bytes=500-599, 0-9, -5"})
    assert answer.status_code == 206
    kind = answer.headers["content-type"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.content)
    parts: Any = message.get_payload()
    found = [(part["Content-Range"], part["Content-Type"], part.get_payload(decode=True)) for part in parts]
    assert found == [
        ("bytes 500-599/1280000", "audio/ogg", DATA[500:600]),
        ("bytes 0-9/1280000", "audio/ogg", DATA[:10]),
        ("bytes 1279995-1279999/1280000", "audio/ogg", DATA[-5:]),
    ]


@pytest.mark.parametrize("asked", ["bytes=1280000-", "bytes=-0", "bytes=9999999-99999999, 1280000-1280001"])
def test_nothing_of_it_is_there(client: TestClient, asked: str) -> None:
    answer = client.get("/", headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"
    assert answer.content == b""


@pytest.mark.parametrize(
    "asked",
    [
        "pages=1-2", "bytes=9-5", "bytes=a-b", "bytes=", "bytes=-", "bytes 0-5", "bytes=1-2-3", "bytes=٣-٥", "",
        "bytes=" + ",".join(f"{n * 10}-{n * 10 + 1}" for n in range(ranges.MOST_RANGES + 1)),
        "bytes=" + "9" * 5000 + "-",
    ],
)  # fmt: skip
def test_what_is_no_range_is_ignored(client: TestClient, asked: str) -> None:
    answer = client.get("/", headers={"Range": asked.encode()})
    assert (answer.status_code, len(answer.content)) == (200, len(DATA))


@pytest.mark.parametrize("tags", [ETAG, "*", f'"other", {ETAG}', f"W/{ETAG}"])
def test_not_modified(client: TestClient, tags: str) -> None:
    answer = client.get("/", headers={"If-None-Match": tags, "Range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == ETAG


@pytest.mark.parametrize(("tags", "status"), [('"other"', 200), ("nonsense", 200)])
def test_modified(client: TestClient, tags: str, status: int) -> None:
    assert client.get("/", headers={"If-None-Match": tags}).status_code == status


@pytest.mark.parametrize(
    ("validator", "status"),
    [(ETAG, 206), (f"W/{ETAG}", 200), ('"other"', 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)],
)
def test_if_range_takes_the_strong_validator_only(client: TestClient, validator: str, status: int) -> None:
    assert client.get("/", headers={"If-Range": validator, "Range": "bytes=0-9"}).status_code == status


@pytest.mark.parametrize(("tags", "status"), [('"other"', 412), (f"W/{ETAG}", 412), (ETAG, 200), ("*", 200)])
def test_if_match(client: TestClient, tags: str, status: int) -> None:
    assert client.get("/", headers={"If-Match": tags}).status_code == status


@given(st.integers(0, 300), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400) | st.none()), max_size=6))
def test_parsed_spans_are_what_was_asked_for(size: int, asked: list[tuple[int, int | None]]) -> None:
    wanted = {i for first, last in asked for i in range(first, size if last is None else min(last + 1, size))}
    malformed = not asked or any(last is not None and first > last for first, last in asked)
    header = "bytes=" + ",".join(f"{first}-{'' if last is None else last}" for first, last in asked)
    try:
        spans = parse_range(header, size)
    except Unsatisfiable:
        assert not wanted and not malformed
        return
    if spans is None:
        assert malformed
        return
    got = [i for start, stop in spans for i in range(start, stop)]
    assert set(got) == wanted
    assert len(got) == len(set(got))
    assert all(start < stop <= size for start, stop in spans)


@given(st.text(max_size=60))
def test_no_header_makes_it_fail(header: str) -> None:
    try:
        spans = parse_range("bytes=" + header, 100)
    except Unsatisfiable:
        return
    assert spans is None or all(0 <= start < stop <= 100 for start, stop in spans)


Make = Callable[[Payload], None]


async def _refused(payload: Payload) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    await send_payload({"type": "http", "method": "GET", "headers": []}, receive, send, payload)
    return sent


def test_a_file_of_another_size_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"abc")
    with pytest.raises(Damaged):
        asyncio.run(_refused(Payload(path, "0" * 64, 4, "audio/ogg", "x")))


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        asyncio.run(_refused(Payload(tmp_path / "none", "0" * 64, 4, "audio/ogg", "x")))


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    sent = asyncio.run(_refused(Payload(path, hashlib.sha256().hexdigest(), 0, "audio/ogg", "x")))
    assert sent[0]["status"] == 200
    assert b"".join(message["body"] for message in sent[1:]) == b""


def test_a_client_that_hangs_up_ends_the_reading(payload: Payload) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        await asyncio.sleep(0)

    scope = {"type": "http", "method": "GET", "headers": []}
    asyncio.run(send_payload(scope, receive, send, payload))
    assert sum(len(message.get("body", b"")) for message in sent) < len(DATA)

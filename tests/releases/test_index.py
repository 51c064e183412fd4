"""Another archive's index, and its server: what is no index, lies or does not end is refused in time."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from phonolith.errors import BadInput, NotFound, PhonolithError, StorageError, TimedOut, UsageError
from phonolith.releases.index import read_index
from phonolith.releases.over_http import Patience, over_http, whole
from tests.releases.origins import answer, lying

URL = "https://music.example.org"
HASTY = Patience(silence=0.3, slowest=1_000_000)


def torrent(**more: Any) -> dict[str, Any]:
    one = {"kind": "hybrid", "url": "/releases/a.torrent", "size": 100, "sha256": "0" * 64, "v1": "1" * 40}
    return {**one, "v2": "2" * 64, "magnet": "magnet:?tr=udp%3A%2F%2Ft.example%3A1", **more}


def bundle(name: str = "a", **more: Any) -> dict[str, Any]:
    one = {"name": name, "licence": "cc0", "tier": "top", "files": 1, "size": 10, "offered": True}
    return {**one, "torrents": [torrent()], **more}


def page(*bundles: dict[str, Any], following: str | None = None, **more: Any) -> bytes:
    publications = [{"bundles": list(bundles), "origin": "", "name": "one"}] if bundles else []
    return json.dumps({"publications": publications, "next": following, "archive": "Origin", **more}).encode()


def pages(*some: bytes) -> Callable[[str, int], Iterator[bytes]]:
    waiting = iter(some)
    return lambda _url, _offset: iter([next(waiting)])


def test_what_an_index_says_is_read() -> None:
    one = bundle(copies=2, copies_at="2026-11-01T00:00:00Z", replaces="b")
    index = read_index(URL, pages(page(one, following="a"), page(bundle("c", offered=False), bundle("d"))))
    assert index.archive == "Origin" and [each.name for each in index.offers] == ["a", "d"]
    found = index.offers[0]
    assert (found.copies, found.counted, found.replaces) == (2, "2026-11-01T00:00:00Z", "b")
    assert found.torrents[0].url == f"{URL}/releases/a.torrent"
    assert found.torrents[0].trackers == ("udp://t.example:1",)
    assert index.offers[1].copies is None


@pytest.mark.parametrize(
    "wrong",
    [
        b"<html>",
        b"[" * 100_000,
        b"\xff",
        b"{}",
        page(bundle("../../etc/cron.d")),
        page(bundle("a/b")),
        page(bundle("..")),
        page(bundle("a\x00b")),
        page(bundle(".hidden")),
        page(bundle("con")),
        page(bundle("x" * 300)),
        page(bundle("a"), bundle("A")),
        page(bundle(size=-1)),
        page(bundle(size=1 << 60)),
        page(bundle(size=10**30)),
        page(bundle(size="many")),
        page(bundle(size=1e300)),
        page(bundle(copies=-1)),
        page(bundle(licence="x" * 1000)),
        page(bundle(torrents=[torrent(url="https://elsewhere.example/a.torrent")])),
        page(bundle(torrents=[torrent(url="file:///etc/passwd")])),
        page(bundle(torrents=[torrent(url="//elsewhere.example/a")])),
        page(bundle(torrents=[torrent(url="https://[::1/a")])),
        page(bundle(torrents=[torrent(v1="../../x")])),
        page(bundle(torrents=[torrent(v1="", v2="")])),
        page(bundle(torrents=[torrent(sha256="0")])),
        page(bundle(torrents=[torrent(kind="v3")])),
        page(bundle(torrents=[torrent(magnet="magnet:?" + "&".join(["tr=x"] * 10_000))])),
        page(bundle(torrents=[torrent()] * 1000)),
        page(following="a"),
    ],
    ids=lambda wrong: str(wrong[-60:]),
)
def test_what_is_no_index_is_refused_with_a_code(wrong: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        read_index(URL, pages(wrong, wrong))
    assert caught.value.code == "mirror.index"


def test_an_index_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonolith.releases.index.MOST_BUNDLES", 1_000)
    numbers = itertools.count()

    def endless(_url: str, _offset: int) -> Iterator[bytes]:
        some = [bundle(f"b{next(numbers)}") for _ in range(50)]
        yield page(*some, following=some[-1]["name"])

    with pytest.raises(BadInput, match="more than 1,000 bundles"):
        read_index(URL, endless)
    assert next(numbers) <= 1_051


def test_an_index_that_goes_on_one_by_one_is_left_after_a_while() -> None:
    numbers, seconds = itertools.count(), itertools.count(step=10)

    def trickling(_url: str, _offset: int) -> Iterator[bytes]:
        name = f"b{next(numbers)}"
        yield page(bundle(name), following=name)

    with pytest.raises(TimedOut):
        read_index(URL, trickling, clock=lambda: next(seconds))
    assert next(numbers) < 200


def test_an_index_of_many_bytes_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonolith.releases.index._LARGEST_INDEX", 10_000)

    def large(_url: str, _offset: int) -> Iterator[bytes]:
        yield from itertools.repeat(b" " * 1000)

    with pytest.raises(BadInput) as caught:
        read_index(URL, large)
    assert caught.value.code == "mirror.too-large"


def _loris(wire: socket.socket, _: str) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000:
        wire.sendall(bytes([byte]))
        time.sleep(0.01)


def _loris_in_the_body(wire: socket.socket, _: str) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100_000):
        wire.sendall(b"a")
        time.sleep(0.01)


def _silent(wire: socket.socket, _: str) -> None:
    wire.recv(1)


def _long_header(wire: socket.socket, _: str) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n")


def _many_headers(wire: socket.socket, _: str) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"\r\n")


def _cut_off(wire: socket.socket, _: str) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")


def _no_http(wire: socket.socket, _: str) -> None:
    wire.sendall(b"SSH-2.0-OpenSSH\r\n")


def _elsewhere(wire: socket.socket, _: str) -> None:
    wire.sendall(answer(b"", "302 Found", "Location: http://169.254.169.254/latest/meta-data"))


def _round_and_round(wire: socket.socket, path: str) -> None:
    wire.sendall(answer(b"", "302 Found", f"Location: {path}x"))


def _to_a_file(wire: socket.socket, _: str) -> None:
    wire.sendall(answer(b"", "302 Found", "Location: file:///etc/passwd"))


def _broken_gzip(wire: socket.socket, _: str) -> None:
    wire.sendall(answer(b"\x1f\x8b" * 10, "200 OK", "Content-Encoding: gzip"))


def _bad_chunks(wire: socket.socket, _: str) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (_loris, TimedOut),
        (_loris_in_the_body, TimedOut),
        (_silent, TimedOut),
        (_long_header, StorageError),
        (_many_headers, StorageError),
        (_cut_off, StorageError),
        (_no_http, StorageError),
        (_elsewhere, BadInput),
        (_round_and_round, PhonolithError),
        (_to_a_file, PhonolithError),
        (_broken_gzip, BadInput),
        (_bad_chunks, StorageError),
    ],
)
def test_a_server_that_does_not_answer_as_it_should_is_left(
    script: Callable[[socket.socket, str], None], error: type[PhonolithError]
) -> None:
    begun = time.monotonic()
    with lying(script) as url, pytest.raises(error):
        read_index(url, over_http("t@example.org", HASTY))
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("code", [403, 404, 410, 451, 429, 500, 503])
def test_what_a_server_refuses_and_what_it_cannot_do_now_are_told_apart(code: int) -> None:
    with lying(lambda wire, _: wire.sendall(answer(b"", f"{code} No"))) as url, pytest.raises(PhonolithError) as caught:
        whole(over_http("t@example.org"), url, 10)
    assert type(caught.value) is (StorageError if code in (429, 500, 503) else NotFound)
    assert ("refused" in str(caught.value)) == (code in (403, 410, 451))


def test_slow_is_not_too_slow() -> None:
    def steady(wire: socket.socket, _: str) -> None:
        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n")
        for _ in range(30):
            wire.sendall(b"a" * 1000)
            time.sleep(0.02)

    with lying(steady) as url:
        assert len(whole(over_http("t@example.org", Patience(0.5, 2_000)), url, 50_000)) == 30_000


def test_only_addresses_of_the_web_are_asked() -> None:
    for url in ("file:///etc/passwd", "ftp://x.example/", "https://", "nonsense", "http://[::1"):
        with pytest.raises(UsageError):
            whole(over_http(""), url, 10)

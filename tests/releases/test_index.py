"""Another archive's index, and its server: what is no index, lies or does not end is refused in time."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import BadInput, NotFound, PhonolithError, RefusedByRights, TimedOut, UsageError
from phonolith.releases.elsewhere import LIMITS, Elsewhere
from phonolith.releases.index import read_index
from phonolith.sources.client.answers import Expected
from tests.releases.origins import Asking, answer, lying

URL = "https://music.example.org"
HASTY = Asking(replace(LIMITS, head=0.3, idle=0.3, floor=1_000_000, grace=0.3, tries=1))


def torrent(**more: Any) -> dict[str, Any]:
    one = {"kind": "hybrid", "url": "/releases/a.torrent", "size": 100, "sha256": "0" * 64, "v1": "1" * 40}
    return {**one, "v2": "2" * 64, "magnet": "magnet:?tr=udp%3A%2F%2Ft.example%3A1", **more}


def bundle(name: str = "a", **more: Any) -> dict[str, Any]:
    one = {"name": name, "licence": "cc0", "tier": "top", "files": 1, "size": 10, "offered": True}
    return {**one, "torrents": [torrent()], **more}


def page(*bundles: dict[str, Any], following: str | None = None, **more: Any) -> bytes:
    publications = [{"bundles": list(bundles), "origin": "", "name": "one"}] if bundles else []
    return json.dumps({"publications": publications, "next": following, "archive": "Origin", **more}).encode()


def pages(*some: bytes) -> Callable[[str, int], bytes]:
    waiting = iter(some)
    return lambda _url, _most: next(waiting)


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

    def endless(_url: str, _most: int) -> bytes:
        some = [bundle(f"b{next(numbers)}") for _ in range(50)]
        return page(*some, following=some[-1]["name"])

    with pytest.raises(BadInput, match="more than 1,000 bundles"):
        read_index(URL, endless)
    assert next(numbers) <= 1_051


def test_an_index_that_goes_on_one_by_one_is_left_after_a_while() -> None:
    numbers, seconds = itertools.count(), itertools.count(step=10)

    def trickling(_url: str, _most: int) -> bytes:
        name = f"b{next(numbers)}"
        return page(bundle(name), following=name)

    with pytest.raises(TimedOut):
        read_index(URL, trickling, clock=lambda: next(seconds))
    assert next(numbers) < 200


def test_an_index_of_many_bytes_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonolith.releases.index._LARGEST_INDEX", 10_000)

    def large(wire: socket.socket, _: str) -> None:
        wire.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            wire.sendall(b"3e8\r\n" + b" " * 1000 + b"\r\n")

    with lying(large) as url, pytest.raises(BadInput) as caught:
        read_index(url, Asking().read)
    assert caught.value.code == "http.large"


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
        (_long_header, BadInput),
        (_many_headers, BadInput),
        (_cut_off, BadInput),
        (_no_http, BadInput),
        (_elsewhere, BadInput),
        (_round_and_round, PhonolithError),
        (_to_a_file, PhonolithError),
        (_broken_gzip, BadInput),
        (_bad_chunks, BadInput),
    ],
)
def test_a_server_that_does_not_answer_as_it_should_is_left(
    script: Callable[[socket.socket, str], None], error: type[PhonolithError]
) -> None:
    begun = time.monotonic()
    with lying(script) as url, pytest.raises(error):
        read_index(url, HASTY.read)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("code", "error"),
    [
        *((code, RefusedByRights) for code in (401, 403, 451)),
        *((code, NotFound) for code in (404, 410)),
        *((code, TimedOut) for code in (429, 500, 503)),
    ],
)
def test_what_a_server_refuses_and_what_it_cannot_do_now_are_told_apart(code: int, error: type[PhonolithError]) -> None:
    with lying(lambda wire, _: wire.sendall(answer(b"", f"{code} No"))) as url, pytest.raises(error):
        HASTY.read(url, 10)


def test_slow_is_not_too_slow() -> None:
    def steady(wire: socket.socket, _: str) -> None:
        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n")
        for _ in range(30):
            wire.sendall(b"a" * 1000)
            time.sleep(0.02)

    with lying(steady) as url:
        assert len(Asking(replace(LIMITS, floor=2_000, grace=0.3)).read(url, 50_000)) == 30_000


def test_only_addresses_of_the_web_are_asked() -> None:
    for url in ("file:///etc/passwd", "ftp://x.example/", "https://", "nonsense", "http://[::1"):
        with pytest.raises(UsageError):
            Elsewhere("", url)


def test_who_was_named_may_be_in_ones_own_network_and_nobody_else() -> None:
    sought: list[str] = []

    def tell(wire: socket.socket, path: str) -> None:
        sought.append(path)
        wire.sendall(answer(b"yes"))

    with lying(tell) as named, lying(tell) as other, Elsewhere("t@example.org", named) as web:
        assert web.read(f"{named}/there", 10) == b"yes"
        with pytest.raises(BadInput) as caught:
            web.read(f"{other}/secret", 10)
    assert caught.value.code == "http.inward" and sought == ["/there"]


def test_a_server_is_left_where_it_leads_to_another_on_the_same_network() -> None:
    """Another port is another server too: it is asked only where a person named it."""
    sought: list[str] = []

    def tell(wire: socket.socket, path: str) -> None:
        sought.append(path)
        wire.sendall(answer(b"secret"))

    with lying(tell) as other:
        away = answer(b"", "302 Found", f"Location: {other}/secret")
        with lying(lambda wire, _: wire.sendall(away)) as url, pytest.raises(BadInput):
            HASTY.read(url, 10)
    assert sought == []


def test_robots_are_not_asked_for_by_who_mirrors_on_purpose() -> None:
    sought: list[str] = []

    def tell(wire: socket.socket, path: str) -> None:
        sought.append(path)
        wire.sendall(answer(b"yes"))

    with lying(tell) as url:
        assert Asking().read(f"{url}/releases.json", 10) == b"yes"
    assert sought == ["/releases.json"]


def test_a_bar_is_told_of_every_byte_once(tmp_path: Path) -> None:
    told: list[int] = []

    def steady(wire: socket.socket, _: str) -> None:
        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
        for _ in range(30):
            wire.sendall(b"a" * 10_000)
            time.sleep(0.02)

    with lying(steady) as url:
        got = Asking().download(url, tmp_path, Expected(300_000), told.append)
    assert got.path.read_bytes() == b"a" * 300_000
    assert sum(told) == 300_000 and len(told) > 1 and min(told) >= 0

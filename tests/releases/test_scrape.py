"""Asking trackers: what they say is taken as far as it can be, and a tracker that lies or is down has said nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from phonolith.releases import scrape
from phonolith.releases.scrape import Counts, ask
from phonolith.store.bencode import Value, encode
from tests.peers.swarm import free_port
from tests.releases.swarming import OVER, http_tracker, udp_server

ONE, TWO, OTHER = b"1" * 20, b"2" * 20, b"3" * 20


def said(files: dict[bytes, Value], **more: Value) -> bytes:
    body = encode({b"files": files, **{name.encode(): value for name, value in more.items()}})
    return b"HTTP/1.0 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def counts(complete: Value, incomplete: Value = 0, downloaded: Value = 0) -> Value:
    return {b"complete": complete, b"incomplete": incomplete, b"downloaded": downloaded}


def asked_for(line: bytes) -> list[bytes]:
    query = urlsplit(line.split(b" ")[1].decode("latin-1")).query
    return [value.encode("latin-1") for _, value in parse_qsl(query, encoding="latin-1")]


def test_counts_are_taken_and_the_pause_that_the_tracker_wants() -> None:
    answer = said({ONE: counts(3, 2, 17), TWO: counts(0)}, flags={b"min_request_interval": 1800})
    with http_tracker(lambda _: answer) as tracker:
        reply = ask(tracker, [ONE, TWO])
    assert reply.counts == {ONE: Counts(3, 2, 17), TWO: Counts(0, 0, 0)}
    assert reply.problems == {} and reply.pause == 1800


def test_what_a_tracker_leaves_out_is_asked_alone_before_it_counts_nobody() -> None:
    lines: list[list[bytes]] = []

    def answer(line: bytes) -> bytes:
        """Some trackers see the last infohash of a question only."""
        lines.append(asked_for(line))
        return said({lines[-1][-1]: counts(5)} if lines[-1][-1] != OTHER else {})

    with http_tracker(answer) as tracker:
        reply = ask(tracker, [ONE, OTHER, TWO])
    assert reply.counts == {ONE: Counts(5, 0, 0), TWO: Counts(5, 0, 0), OTHER: Counts(0, 0, 0)}
    assert lines == [[ONE, OTHER, TWO], [ONE], [OTHER]]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said({ONE: counts(-1)}), "it counts -1, which cannot be"),
        (said({ONE: counts(1, -5)}), "it counts -5, which cannot be"),
        (said({ONE: counts(10**12)}), "it counts 1,000,000,000,000 peers, more than there can be"),
        (said({ONE: counts(b"many")}), "its counts are not numbers"),
        (said({ONE: {b"incomplete": 1}}), "its counts are not numbers"),
        (said({ONE: 3}), "its counts are not numbers"),
        (said({OTHER: counts(9)}), "it answers about torrents that nobody asked for"),
        (said({ONE: counts(9), OTHER: counts(9)}), "it answers about torrents that nobody asked for"),
        (b"HTTP/1.0 200 OK\r\n\r\nd5:files", "it ends in the middle of a value"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"l" * 5000, "values are nested too deeply at byte 4"),
        (b"HTTP/1.0 200 OK\r\n\r\nle", "its answer has no counts"),
        (b"HTTP/1.0 200 OK\r\n\r\nd14:failure reason12:go \x1b[31mawaye", "go \\x1b[31maway"),
        (b"HTTP/1.0 500 No\r\n\r\n", "it answers with HTTP 500"),
        (b"HTTP/1.0 302 Go\r\nlocation: http://127.0.0.1:1/\r\n\r\n", "it answers with HTTP 302"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"d" * (2 << 20), "its answer is larger than 1,048,576 bytes"),
        (b"", "Remote end closed connection without response"),
    ],
)  # fmt: skip
def test_a_tracker_that_lies_has_said_nothing(answer: bytes, words: str) -> None:
    with http_tracker(lambda _: answer) as tracker:
        reply = ask(tracker, [ONE])
    assert reply.counts == {}
    assert reply.problems[ONE].startswith(words[:30]) and "\x1b" not in reply.problems[ONE]


def drips(start: bytes) -> Callable[[bytes], Iterator[bytes]]:
    def answer(_: bytes) -> Iterator[bytes]:
        yield start
        while True:
            yield b"x"

    return answer


@pytest.mark.parametrize("start", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\nx: "])
def test_an_answer_without_end_ends(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "_ANSWER", 0.5)
    monkeypatch.setattr(scrape, "_LARGEST", 1 << 30)
    with http_tracker(drips(start)) as tracker:
        reply = ask(tracker, [ONE])
    assert reply.counts == {} and reply.problems[ONE]


def test_a_tracker_that_is_down_and_one_that_cannot_be_asked() -> None:
    assert ask(f"http://127.0.0.1:{free_port('127.0.0.1')}/announce", [ONE]).problems == {ONE: "Connection refused"}
    assert "BEP 48" in ask("http://127.0.0.1:1/tracker", [ONE]).problems[ONE]
    assert ask("wss://127.0.0.1/announce", [ONE]).problems == {ONE: "no tracker is asked by wss"}
    assert ask("http://127.0.0.1:1/announce", [ONE], seconds=0).problems == {ONE: "no answer within 0 s"}


def udp(numbers: tuple[int, ...], *, mark: bytes | None = None) -> Callable[[bytes], list[bytes]]:
    def answer(data: bytes) -> list[bytes]:
        if data == OVER:
            return []
        action, told = struct.unpack_from(">I", data, 8)[0], mark or data[12:16]
        if action == 0:
            return [struct.pack(">I", 0) + data[12:16] + bytes(8)]
        return [struct.pack(">I", 2) + told + struct.pack(f">{len(numbers)}i", *numbers)]

    return answer


def test_counts_over_udp_stand_in_another_order() -> None:
    with udp_server(udp((3, 17, 2, 0, 0, 0))) as (host, port):
        reply = ask(f"udp://{host}:{port}", [ONE, TWO])
    assert reply.counts == {ONE: Counts(3, 2, 17), TWO: Counts(0, 0, 0)}


def test_numbers_over_udp_that_cannot_be() -> None:
    with udp_server(udp((-1, 0, 0, 2_000_000_000, 0, 0))) as (host, port):
        reply = ask(f"udp://{host}:{port}", [ONE, TWO])
    assert reply.counts == {}
    assert reply.problems == {
        ONE: "it counts -1, which cannot be", TWO: "it counts 2,000,000,000 peers, more than there can be",
    }  # fmt: skip


def test_packets_that_are_no_answer_make_us_send_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "_ANSWER", 0.5)
    asked: list[bytes] = []

    def answer(data: bytes) -> list[bytes]:
        asked.append(data)
        return [b"\0" * 40] * 20

    with udp_server(answer) as (host, port):
        reply = ask(f"udp://{host}:{port}", [ONE], seconds=0.4)
    assert reply.counts == {} and reply.problems == {ONE: "no answer within 0 s"}
    assert len([one for one in asked if one != OVER]) == 1

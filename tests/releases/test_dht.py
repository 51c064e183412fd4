"""Asking the DHT from outside: real nodes of libtorrent say who has a torrent; one that lies counts for little."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phonolith.releases import dht
from phonolith.releases.dht import Dht, estimate, places_of
from phonolith.store.bencode import decode, encode
from tests.releases.seeding import wait_for
from tests.releases.swarming import OPEN_DHT, OVER, udp_server

libtorrent = pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")


def filled(*addresses: str) -> bytes:
    found = bytearray(256)
    for one in addresses:
        for bit in places_of(one):
            found[bit // 8] |= 1 << bit % 8
    return bytes(found)


def test_the_filter_of_the_standard() -> None:
    """BEP 33 has the bytes of a filter with 256 addresses of IPv4 and 1,000 of IPv6, and what is estimated of it."""
    four = [f"192.0.2.{at}" for at in range(256)]
    six = [f"2001:db8::{at:x}" for at in range(1000)]
    found = filled(*four, *six)
    assert found.hex().upper().startswith("F6C3F5EAA07FFD91BDE89F777F26FB2BFF37BDB8FB2BBAA2FD3DDDE7BACFFF75")
    assert abs(estimate([bool(found[at // 8] >> at % 8 & 1) for at in range(2048)]) - 1224.93) < 1
    assert estimate([False] * 2048) == 0


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any, list[Any]]]:
    """A node to enter by, a torrent, and three peers with all of it at addresses of their own."""
    folder = tmp_path_factory.mktemp("dht")
    (folder / "it.bin").write_bytes(b"music" * 30_000)
    made = libtorrent.create_torrent(libtorrent.list_files(str(folder / "it.bin")))
    libtorrent.set_piece_hashes(made, str(folder))
    data = libtorrent.bencode(made.generate())
    node = _session("127.0.0.1")
    entrance = f"127.0.0.1:{wait_for(node.listen_port)}"
    sessions, handles = [], []
    for at in (2, 3, 4):
        one = _session(f"127.0.0.{at}", entrance)
        parameters = libtorrent.load_torrent_buffer(data)
        parameters.save_path = str(folder)
        sessions.append(one)
        handles.append(one.add_torrent(parameters))
    wait_for(lambda: all(one.status().is_seeding for one in handles))
    yield entrance, handles[0].info_hashes(), handles
    handles.clear()
    sessions.clear()


def _session(host: str, entrance: str = "") -> Any:
    quiet = {"enable_lsd": False, "enable_upnp": False, "enable_natpmp": False}
    return libtorrent.session(
        {**quiet, "listen_interfaces": f"{host}:0", "enable_dht": True, "dht_bootstrap_nodes": entrance, **OPEN_DHT}
    )


def test_who_has_all_of_it_is_counted_by_both_infohashes_and_ours_is_known(network: tuple[str, Any, list[Any]]) -> None:
    entrance, names, handles = network
    asked = Dht([entrance], bind="127.0.0.1")
    for name in (names.v1, names.v2):
        short = bytes.fromhex(str(name))[:20]
        found = wait_for(
            lambda short=short: one if (one := asked.look(short)).complete == 3 else None,
            meanwhile=lambda: [one.force_dht_announce() for one in handles],
        )
        assert (found.incomplete, found.ours) == (0, False) and found.nodes == 4
        assert asked.look(short, ["127.0.0.3"]).ours
        assert not asked.look(short, ["127.0.0.9"]).ours
    assert asked.look(hashlib.sha1(b"nothing").digest()).complete is None


def test_nobody_answers(tmp_path: Path) -> None:
    with udp_server(lambda _: ()) as (host, port), pytest.raises(TimeoutError):
        Dht([f"{host}:{port}"]).look(bytes(20), seconds=0.3)


def node_that(says: dict[bytes, Any], name: bytes = b"n" * 20, **more: Any) -> Any:
    def answer(data: bytes) -> list[bytes]:
        if data == OVER:
            return []
        asked: Any = decode(data)
        assert asked[b"ro"] == 1 and asked[b"a"][b"scrape"] == 1 and asked[b"q"] == b"get_peers"
        told = {b"t": asked[b"t"], b"y": b"r", b"r": {b"id": name, **says}}
        return [encode({**told, **{key.encode(): value for key, value in more.items()}})]

    return udp_server(answer)


@pytest.mark.parametrize(
    "says",
    [
        {b"BFsd": b"\xff" * 256, b"BFpe": bytes(256)},  # full
        {b"BFsd": b"\xff" * 255, b"BFpe": bytes(256)},
        {b"BFsd": 5, b"BFpe": bytes(256)},
        {b"values": [b"short", 7]},
        {b"nodes": b"x" * 27},
        {b"nodes": b"x" * 26 * 100},
    ],
)
def test_what_a_node_says_that_cannot_be_is_nothing(says: dict[bytes, Any]) -> None:
    with node_that(says) as (host, port):
        found = Dht([f"{host}:{port}"]).look(bytes(20), seconds=5)
    assert (found.complete, found.incomplete, found.peers, found.nodes) == (None, None, 0, 1)


def test_of_a_node_without_filters_peers_are_counted_and_not_seeds() -> None:
    with node_that({b"values": [b"\x7f\0\0\2\x1a\xe1", b"\x7f\0\0\3\x1a\xe1", b"\x7f\0\0\3\x1a\xe1"]}) as (host, port):
        found = Dht([f"{host}:{port}"]).look(bytes(20), seconds=5)
    assert (found.complete, found.peers) == (None, 2)


def test_one_node_of_several_makes_up_nobody() -> None:
    honest = {b"BFsd": filled("192.0.2.1"), b"BFpe": bytes(256)}
    liar = {b"BFsd": filled(*(f"198.51.100.{at}" for at in range(100))), b"BFpe": bytes(256)}
    with (
        node_that(honest, b"a" * 20) as one,
        node_that(honest, b"b" * 20) as two,
        node_that(liar, b"c" * 20) as three,
    ):
        found = Dht([f"{host}:{port}" for host, port in (one, two, three)]).look(bytes(20), seconds=5)
        assert (found.complete, found.nodes) == (1, 3)
        alone = Dht([f"{three[0]}:{three[1]}"]).look(bytes(20), seconds=5)  # where it is the only one, it is believed
        assert alone.complete is not None and alone.complete > 90


def test_nodes_lead_nowhere_but_on_the_net() -> None:
    """Who is entered by a node of the net is not led to machines of a network at home."""
    inside = b"q" * 20 + bytes((192, 168, 0, 1)) + (6881).to_bytes(2)
    outside = b"q" * 20 + bytes((8, 8, 8, 8)) + (6881).to_bytes(2)
    assert [place for _, place in dht._nodes(inside + outside, anywhere=False)] == [("8.8.8.8", 6881)]


def test_a_node_is_not_asked_twice_at_once() -> None:
    time = iter(range(10_000))
    asked = Dht(["127.0.0.1:1"], clock=lambda: next(time) / 1000)
    place = ("127.0.0.1", 1)
    assert asked._may_ask(place, 1.0) and not asked._may_ask(place, 1.1) and asked._may_ask(place, 1.3)

"""Asks the DHT who has a torrent, without entering it: BEP 5 get_peers with the filters of BEP 33, read-only (BEP 43).

libtorrent looks peers up too, but tells neither how many have all of it nor takes the question for the filters, so the
few messages are put together here. Nothing is announced and no peer is called.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from phonolith.store.bencode import decode, encode

#: Where the DHT is entered if the settings name no node: what libtorrent does.
ENTRANCES = ("dht.libtorrent.org:25401",)

_CLOSEST = 8  # nodes nearest to the infohash that have to have answered (BEP 5: K)
_AT_ONCE = 4  # questions that wait for an answer
_MOST_ASKED = 60  # nodes in one look-up
_MOST_PEERS = 10_000  # addresses of one look-up that are remembered
_MOST_KNOWN = 500  # nodes kept from one look-up to the next
_ANSWER = 2.0  # seconds that a node has
_PAUSE = 0.25  # seconds between two questions to one node
_LARGEST = 4096  # bytes of an answer
_DEEPEST = 6
_NODE, _PEER = 26, 6  # bytes of a compact node and peer of IPv4
_FILTER = 256  # bytes of a filter: 2048 bits
_FULL = _FILTER * 8 * 3 // 4  # bits of a filter that says no more how many it holds
_FEW_FILTERS = 2  # of so many filters each is believed; of more, what two nodes have

_Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Swarming:
    """What the DHT knows of one infohash; ``nodes`` answered.

    ``complete`` and ``incomplete`` are estimates from the filters that nodes gave, None where none did. ``peers``: how
    many different addresses were named, whether they have all of it or not. ``ours``: one of the addresses that were
    said to be our own is among the complete ones.
    """

    nodes: int
    peers: int
    complete: int | None = None
    incomplete: int | None = None
    ours: bool = False


class Dht:
    """The DHT from outside. ``entrances`` are nodes to begin with, ``host:port``. Used by any number of threads."""

    def __init__(
        self,
        entrances: Iterable[str] = ENTRANCES,
        *,
        bind: str = "0.0.0.0",  # noqa: S104 - answers come from anywhere; only those that were asked are heard
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._bind = bind
        self._id = secrets.token_bytes(20)
        self._lock = threading.Lock()
        self._next: dict[_Address, float] = {}
        self._known: dict[_Address, bytes] = {}
        self._entrances = [place for one in entrances for place in _resolved(one)]
        self._anywhere = any(not ipaddress.ip_address(host).is_global for host, _ in self._entrances)

    def look(self, infohash: bytes, own: Sequence[str] | None = None, *, seconds: float = 20.0) -> Swarming:
        """Who is known to have an infohash of 20 bytes; ``own``: addresses of our seeder, None where it gives nothing.

        The address from which nodes see us is taken for one of these.

        Raises TimeoutError where no node answered within ``seconds``, OSError where nothing can be sent.
        """
        found = _Lookup(infohash)
        for place in self._entrances:
            found.hear_of(place, b"")
        with self._lock:
            known = sorted(self._known.items(), key=lambda one: _distance(one[1], infohash))[:_CLOSEST]
        for place, name in known:
            found.hear_of(place, name)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.bind((self._bind, 0))
            self._run(wire, found, self._clock() + seconds)
        if not found.answered:
            raise TimeoutError
        with self._lock:
            for place in found.answered:
                self._known[place] = found.names[place]
            while len(self._known) > _MOST_KNOWN:
                self._known.pop(next(iter(self._known)))
        return found.told(own)

    def _run(self, wire: socket.socket, found: _Lookup, until: float) -> None:
        """Ask the nearest that were not asked yet, until the nearest of all have answered."""
        while (now := self._clock()) < until:
            found.give_up(now)
            for place in found.due() if len(found.waiting) < _AT_ONCE else ():
                if len(found.waiting) >= _AT_ONCE:
                    break
                if self._may_ask(place, now):
                    found.put(wire, place, self._id, now)
            if not found.waiting and not found.due():
                return
            wire.settimeout(max(min(_PAUSE, until - now), 0.001))
            with suppress(TimeoutError, ConnectionError):
                data, place = wire.recvfrom(_LARGEST + 1)
                if len(data) <= _LARGEST:
                    found.take(data, place, anywhere=self._anywhere)

    def _may_ask(self, place: _Address, now: float) -> bool:
        """Whether a node was left alone for long enough; then it is asked now."""
        with self._lock:
            if self._next.get(place, now) > now:
                return False
            if len(self._next) > 10 * _MOST_KNOWN:
                self._next = {one: when for one, when in self._next.items() if when > now}
            self._next[place] = now + _PAUSE
            return True


def estimate(bits: Sequence[bool]) -> int:
    """How many addresses are in a filter of BEP 33, of which these bits are set."""
    size = len(bits)
    zeros = min(size - 1, size - sum(bits))
    return round(math.log(max(zeros, 1) / size) / (2 * math.log(1 - 1 / size)))


def places_of(address: str) -> tuple[int, int]:
    """The two bits of a filter that an address sets (BEP 33)."""
    digest = hashlib.sha1(ipaddress.ip_address(address).packed, usedforsecurity=False).digest()
    first, second = struct.unpack_from("<HH", digest)
    return first % (_FILTER * 8), second % (_FILTER * 8)


@dataclass(slots=True)
class _Lookup:
    """One look-up: who is heard of, who was asked, what they said."""

    infohash: bytes
    names: dict[_Address, bytes] = field(default_factory=dict)
    asked: set[_Address] = field(default_factory=set)
    waiting: dict[bytes, tuple[_Address, float]] = field(default_factory=dict)
    answered: set[_Address] = field(default_factory=set)
    failed: set[_Address] = field(default_factory=set)
    peers: set[bytes] = field(default_factory=set)
    filters: dict[_Address, tuple[bytes, bytes]] = field(default_factory=dict)
    seen_from: Counter[str] = field(default_factory=Counter)

    def hear_of(self, place: _Address, name: bytes) -> None:
        """A node; ``name`` is its id, b"" where that is not known yet."""
        if len(self.names) < 10 * _MOST_ASKED:
            self.names.setdefault(place, name)

    def due(self) -> list[_Address]:
        """Nodes to ask, nearest first, as long as one that was not asked is among the nearest that may answer."""
        if len(self.asked) >= _MOST_ASKED:
            return []
        alive = [one for one in self.names if one not in self.failed]
        near = sorted(alive, key=lambda one: _distance(self.names[one], self.infohash))[:_CLOSEST]
        unnamed = [one for one in alive if not self.names[one]]
        return [one for one in dict.fromkeys([*near, *unnamed]) if one not in self.asked]

    def put(self, wire: socket.socket, place: _Address, name: bytes, now: float) -> None:
        """Ask a node."""
        mark = secrets.token_bytes(4)
        asked: Any = {b"id": name, b"info_hash": self.infohash, b"scrape": 1}
        self.asked.add(place)
        try:
            wire.sendto(encode({b"t": mark, b"y": b"q", b"q": b"get_peers", b"ro": 1, b"a": asked}), place)
        except OSError:
            self.failed.add(place)
            return
        self.waiting[mark] = place, now + _ANSWER

    def give_up(self, now: float) -> None:
        """Wait no longer for those whose time is over."""
        for mark, (place, until) in list(self.waiting.items()):
            if until <= now:
                del self.waiting[mark]
                self.failed.add(place)

    def take(self, data: bytes, place: _Address, *, anywhere: bool) -> None:
        """Take an answer as far as it is one to a question that was put to this very address."""
        told: Any = None
        with suppress(ValueError):
            told = decode(data, deepest=_DEEPEST, ordered=False)
        mark = told.get(b"t") if isinstance(told, dict) else None
        if not isinstance(mark, bytes) or self.waiting.get(mark, (None,))[0] != place:
            return
        del self.waiting[mark]
        body = told.get(b"r")
        if told.get(b"y") != b"r" or not isinstance(body, dict) or not _is(body.get(b"id"), 20):
            self.failed.add(place)
            return
        self.answered.add(place)
        self.names[place] = body[b"id"]
        if _is(told.get(b"ip"), _PEER):
            self.seen_from[socket.inet_ntoa(told[b"ip"][:4])] += 1
        for name, other in _nodes(body.get(b"nodes"), anywhere=anywhere):
            self.hear_of(other, name)
        values = body.get(b"values")
        for one in values if isinstance(values, list) else ():
            if _is(one, _PEER) and len(self.peers) < _MOST_PEERS:
                self.peers.add(one)
        seeds, others = body.get(b"BFsd"), body.get(b"BFpe")
        if _is(seeds, _FILTER) and _is(others, _FILTER):
            self.filters[place] = seeds, others

    def told(self, own: Sequence[str] | None) -> Swarming:
        """All of that in numbers."""
        given = [pair for pair in self.filters.values() if all(_set(one) <= _FULL for one in pair)]
        if not given:
            return Swarming(len(self.answered), len(self.peers))
        seeds, others = (_joined([pair[at] for pair in given]) for at in (0, 1))
        mine = {*own, *(name for name, _ in self.seen_from.most_common(1))} if own is not None else set()
        ours = any(all(seeds[bit] for bit in places_of(one)) for one in mine if _is_v4(one))
        return Swarming(len(self.answered), len(self.peers), estimate(seeds), estimate(others), ours)


def _joined(filters: Sequence[bytes]) -> list[bool]:
    """The bits that are set: in any of few filters; of more, in two at least, so that no single node makes them up."""
    needed = 1 if len(filters) <= _FEW_FILTERS else 2
    return [sum(one[at // 8] >> at % 8 & 1 for one in filters) >= needed for at in range(_FILTER * 8)]


def _set(one: bytes) -> int:
    return int.from_bytes(one).bit_count()


def _nodes(data: Any, *, anywhere: bool) -> Iterator[tuple[bytes, _Address]]:
    """Compact nodes; those whose addresses are nobody's on the net only where we begin with such ones."""
    if not isinstance(data, bytes) or len(data) % _NODE or len(data) > 2 * _CLOSEST * _NODE:
        return
    for start in range(0, len(data), _NODE):
        host, (port,) = socket.inet_ntoa(data[start + 20 : start + 24]), struct.unpack_from(">H", data, start + 24)
        if port and (anywhere or ipaddress.ip_address(host).is_global):
            yield data[start : start + 20], (host, port)


def _is(value: Any, size: int) -> TypeGuard[bytes]:
    return isinstance(value, bytes) and len(value) == size


def _is_v4(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 4
    except ValueError:
        return False


def _distance(name: bytes, infohash: bytes) -> int:
    """How near a node is (BEP 5: XOR); one whose id is not known yet is farthest."""
    return int.from_bytes(name) ^ int.from_bytes(infohash) if name else 1 << 160


def _resolved(text: str) -> Iterator[_Address]:
    """The addresses of ``host:port``; none where it has none, as others may."""
    host, _, port = text.rpartition(":")
    with suppress(OSError, ValueError):
        for *_, place in socket.getaddrinfo(host.strip("[]"), int(port), socket.AF_INET, socket.SOCK_DGRAM):
            yield str(place[0]), int(place[1])

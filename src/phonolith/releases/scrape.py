"""Asks trackers how many whole copies of torrents there are: BEP 48 over HTTP, BEP 15 over UDP. No swarm is joined."""

from __future__ import annotations

import http.client
import re
import secrets
import socket
import struct
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import quote, urlsplit

from phonolith import __version__
from phonolith.store.metainfo import Metainfo

_AT_ONCE = 50  # infohashes in one question; BEP 15 has room for 74 in a packet
_TRACKERS_AT_ONCE = 8
_ANSWER = 5.0  # seconds until a question is put again, or given up
_LARGEST = 1 << 20
_CONNECTING = 0x41727101980  # BEP 15: what a first packet begins with
_CONNECT, _SCRAPE = 0, 2

#: How a dictionary of BEP 48 counts: keys and numbers, in whatever order a tracker puts them.
_COUNTS = rb"d((?:[0-9]{1,2}:[ -~]{1,40}?i-?[0-9]{1,12}e)*)e"


def copies(
    torrents: Sequence[Metainfo],
    trackers: Sequence[str] = (),
    *,
    seconds: float = 30.0,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, int]:
    """How many peers have all of each torrent, by every infohash of it in hexadecimal, as its trackers count.

    ``trackers`` are asked beside those that the torrents name. Of several answers the largest counts. What no tracker
    answered for within ``seconds`` altogether is not in it: that is no statement that nobody has it.
    """
    until = clock() + seconds
    names = {_short(whole): whole for one in torrents for whole in one.infohashes if whole}
    asked: dict[str, set[bytes]] = {}
    for one in torrents:
        for tracker in {*trackers, *(name for tier in one.trackers for name in tier)}:
            asked.setdefault(tracker, set()).update(_short(whole) for whole in one.infohashes if whole)
    found: dict[str, int] = {}
    with ThreadPoolExecutor(_TRACKERS_AT_ONCE) as pool:
        work = [pool.submit(_asked, tracker, sorted(hashes), until, clock) for tracker, hashes in asked.items()]
        for each in work:
            for short, count in each.result().items():
                name = names[short].hex()
                found[name] = max(found.get(name, 0), count)
    return found


def _short(infohash: bytes) -> bytes:
    """What a tracker knows a torrent by: BEP 52 cuts the infohash of version 2 off behind 20 bytes."""
    return infohash[:20]


def _asked(tracker: str, hashes: Sequence[bytes], until: float, clock: Callable[[], float]) -> Mapping[bytes, int]:
    """The counts of one tracker, as many as it gives in time; none where it cannot be asked."""
    scheme = urlsplit(tracker).scheme
    found: dict[bytes, int] = {}
    with suppress(OSError, ValueError, http.client.HTTPException):
        if scheme in ("http", "https"):
            for some in _batches(hashes):
                found |= _over_http(tracker, some, min(_ANSWER, until - clock()))
        elif scheme == "udp":
            for some, counts in _over_udp(tracker, hashes, until, clock):
                found |= dict(zip(some, counts, strict=True))
    return found


def _batches(hashes: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(hashes), _AT_ONCE):
        yield hashes[start : start + _AT_ONCE]


def _over_http(tracker: str, hashes: Iterable[bytes], seconds: float) -> dict[bytes, int]:
    """BEP 48: the announce address with ``scrape`` in it; raises ValueError where it has none, or no time."""
    head, _, last = tracker.rpartition("/")
    if not last.startswith("announce") or seconds <= 0:
        raise ValueError(tracker)
    address = f"{head}/scrape{last.removeprefix('announce')}"
    mark = "&" if "?" in last else "?"
    query = "&".join(f"info_hash={quote(one, safe='')}" for one in hashes)
    headers = {"User-Agent": f"Phonolith/{__version__}"}
    request = urllib.request.Request(f"{address}{mark}{query}", headers=headers)  # noqa: S310 - http(s), asked above
    with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - as above
        data = answer.read(_LARGEST)
    found = {}
    for one in hashes:
        counts = re.search(b"20:" + re.escape(one) + _COUNTS, data)
        complete = re.search(rb"8:completei([0-9]{1,12})e", counts[1]) if counts else None
        if complete:
            found[one] = int(complete[1])
    return found


def _over_udp(
    tracker: str, hashes: Sequence[bytes], until: float, clock: Callable[[], float]
) -> Iterator[tuple[Sequence[bytes], Sequence[int]]]:
    """BEP 15: connect, then ask for some infohashes after others. Raises OSError, ValueError."""
    place = urlsplit(tracker)
    family, kind, protocol, _, address = socket.getaddrinfo(place.hostname, place.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as wire:
        wire.connect(address)  # answers from elsewhere are not heard
        (connection,) = struct.unpack(">Q", _answer(wire, _CONNECTING, _CONNECT, b"", 8, until, clock)[:8])
        for some in _batches(hashes):
            data = _answer(wire, connection, _SCRAPE, b"".join(some), 12 * len(some), until, clock)
            yield some, [struct.unpack_from(">I", data, 12 * at)[0] for at in range(len(some))]


def _answer(
    wire: socket.socket, connection: int, action: int, body: bytes, size: int, until: float, clock: Callable[[], float]
) -> bytes:
    """Put a question until it is answered with ``size`` bytes or the time is over. Raises TimeoutError, OSError."""
    mark = secrets.token_bytes(4)
    while (left := until - clock()) > 0:
        wire.send(struct.pack(">QI", connection, action) + mark + body)
        wire.settimeout(min(_ANSWER, left))
        with suppress(TimeoutError):
            data = wire.recv(1 << 16)
            if data[:8] == struct.pack(">I", action) + mark and len(data) >= 8 + size:
                return data[8:]
            if data[4:8] == mark:  # an error, in words
                raise ValueError(data[8:].decode("utf-8", "replace"))
    raise TimeoutError

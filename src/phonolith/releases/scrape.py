"""Asks trackers how many whole copies of torrents there are: BEP 48 over HTTP, BEP 15 over UDP. No swarm is joined."""

from __future__ import annotations

import http.client
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from phonolith import __version__
from phonolith.model.swarm import MOST_PEERS
from phonolith.store.bencode import decode
from phonolith.store.files import printable
from phonolith.store.metainfo import Metainfo

_AT_ONCE = 50  # infohashes in one question; BEP 15 has room for 74 in a packet
_ALONE = 50  # infohashes of a question that are asked again one by one, where the answer leaves them out
_TRACKERS_AT_ONCE = 8
_ANSWER = 5.0  # seconds until a question is put again, or given up
_LARGEST = 1 << 20
_DEEPEST = 4  # values inside values: the answer, its files, one of them, its counts
_LONGEST_WAIT = 86_400  # seconds that a tracker can ask us to wait
_LONGEST_WORDS = 200
_CONNECTING = 0x41727101980  # BEP 15: what a first packet begins with
_CONNECT, _SCRAPE, _ERROR = 0, 2, 3


@dataclass(frozen=True, slots=True)
class Counts:
    """What a tracker counts of one torrent: peers with all of it, with a part, and how often it was completed."""

    complete: int
    incomplete: int
    downloaded: int


@dataclass(slots=True)
class Reply:
    """What one tracker said: ``counts`` by infohash of 20 bytes, ``problems`` of the others, a sentence each.

    ``pause``: seconds that it wants to be left alone (BEP 48, ``min_request_interval``), 0 if it does not say.
    """

    counts: dict[bytes, Counts] = field(default_factory=dict)
    problems: dict[bytes, str] = field(default_factory=dict)
    pause: int = 0


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
    names = {short(whole): whole for one in torrents for whole in one.infohashes if whole}
    asked: dict[str, set[bytes]] = {}
    for one in torrents:
        for tracker in {*trackers, *(name for tier in one.trackers for name in tier)}:
            asked.setdefault(tracker, set()).update(short(whole) for whole in one.infohashes if whole)
    found: dict[str, int] = {}
    with ThreadPoolExecutor(_TRACKERS_AT_ONCE) as pool:
        work = [
            pool.submit(lambda name, some: ask(name, some, seconds=until - clock(), clock=clock), tracker, sorted(some))
            for tracker, some in asked.items()
        ]
        for each in work:
            for infohash, counts in each.result().counts.items():
                name = names[infohash].hex()
                found[name] = max(found.get(name, 0), counts.complete)
    return found


def ask(
    tracker: str, infohashes: Sequence[bytes], *, seconds: float = 30.0, clock: Callable[[], float] = time.monotonic
) -> Reply:
    """Ask one tracker about some infohashes of 20 bytes, one question after the other; it never raises.

    A tracker that answers and leaves a torrent out is asked for that alone; if it still does, it counts nobody.
    Numbers that cannot be, and answers about what nobody asked for, are problems and no counts.
    """
    reply, until = Reply(), clock() + seconds
    try:
        _asked(tracker, infohashes, until, clock, reply)
        problem = "it was not asked: the time was over"
    except (OSError, ValueError, http.client.HTTPException) as error:
        problem = _words(error, min(_ANSWER, seconds))
    for one in infohashes:
        if one not in reply.counts:
            reply.problems.setdefault(one, problem)
    return reply


def short(infohash: bytes) -> bytes:
    """What a tracker knows a torrent by: BEP 52 cuts the infohash of version 2 off behind 20 bytes."""
    return infohash[:20]


def _asked(tracker: str, infohashes: Sequence[bytes], until: float, clock: Callable[[], float], reply: Reply) -> None:
    """Put the questions; raises OSError, ValueError, HTTPException where one was not answered."""
    scheme = urlsplit(tracker).scheme
    if scheme in ("http", "https"):
        for some in _batches(infohashes):
            _over_http(tracker, some, until, clock, reply)
            left_out = [one for one in some if one not in reply.counts and one not in reply.problems]
            for one in left_out[:_ALONE] if len(some) > 1 else left_out:
                if len(some) > 1:
                    _over_http(tracker, [one], until, clock, reply)
                if one not in reply.problems:
                    reply.counts.setdefault(one, Counts(0, 0, 0))
    elif scheme == "udp":
        for some, counts in _over_udp(tracker, infohashes, until, clock):
            for one, numbers in zip(some, counts, strict=True):
                _take(reply, one, *numbers)
    else:
        raise ValueError(f"no tracker is asked by {scheme or 'an address without a scheme'}")


def _take(reply: Reply, infohash: bytes, complete: Any, downloaded: Any, incomplete: Any) -> None:
    """Take counts as far as they can be."""
    numbers = complete, incomplete, downloaded
    if not all(isinstance(one, int) for one in numbers):
        reply.problems[infohash] = "its counts are not numbers"
    elif min(numbers) < 0:
        reply.problems[infohash] = f"it counts {min(numbers):,}, which cannot be"
    elif max(complete, incomplete) > MOST_PEERS:
        reply.problems[infohash] = f"it counts {max(complete, incomplete):,} peers, more than there can be"
    else:
        reply.counts[infohash] = Counts(*numbers)


def _batches(hashes: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(hashes), _AT_ONCE):
        yield hashes[start : start + _AT_ONCE]


def _over_http(
    tracker: str, infohashes: Sequence[bytes], until: float, clock: Callable[[], float], reply: Reply
) -> None:
    """BEP 48: the announce address with ``scrape`` in it. Raises ValueError, OSError, HTTPException."""
    head, _, last = tracker.rpartition("/")
    if not last.startswith("announce"):
        raise ValueError("its address does not end in announce, so it cannot be asked (BEP 48)")
    mark = "&" if "?" in last else "?"
    query = "&".join(f"info_hash={quote(one, safe='')}" for one in infohashes)
    told: Any = decode(
        _got(f"{head}/scrape{last.removeprefix('announce')}{mark}{query}", until, clock),
        deepest=_DEEPEST, ordered=False,
    )  # fmt: skip
    if not isinstance(told, dict) or not isinstance(files := told.get(b"files"), dict):
        reason = told.get(b"failure reason") if isinstance(told, dict) else None
        words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else "its answer has no counts"
        raise ValueError(words)
    if not files.keys() <= {*infohashes}:
        raise ValueError("it answers about torrents that nobody asked for")
    flags = told.get(b"flags")
    pause = flags.get(b"min_request_interval") if isinstance(flags, dict) else None
    if isinstance(pause, int):
        reply.pause = max(reply.pause, min(pause, _LONGEST_WAIT))
    for one, counts in files.items():
        some = counts if isinstance(counts, dict) else {}
        _take(reply, one, some.get(b"complete"), some.get(b"downloaded", 0), some.get(b"incomplete", 0))


def _got(address: str, until: float, clock: Callable[[], float]) -> bytes:
    """The body of an answer, whole and in time; no redirect is followed. Raises OSError, ValueError, HTTPException."""
    seconds = min(_ANSWER, until - clock())
    if seconds <= 0:
        raise TimeoutError
    place = urlsplit(address)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    with closing(kind(place.hostname or "", place.port, timeout=seconds)) as wire:
        wire.connect()
        with _broken_off(wire.sock, seconds):
            wire.request("GET", f"{place.path}?{place.query}", headers={"User-Agent": f"Phonolith/{__version__}"})
            answer = wire.getresponse()
            if answer.status != http.client.OK:
                raise ValueError(f"it answers with HTTP {answer.status}")
            data = answer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"its answer is larger than {_LARGEST:,} bytes")
    return data


@contextmanager
def _broken_off(wire: socket.socket, seconds: float) -> Iterator[None]:
    """Hang up when the time is over: an answer that comes byte by byte would else never end. Raises TimeoutError."""
    over = threading.Event()

    def hang_up() -> None:
        over.set()
        with suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, ValueError, http.client.HTTPException):
        if over.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError


def _over_udp(
    tracker: str, hashes: Sequence[bytes], until: float, clock: Callable[[], float]
) -> Iterator[tuple[Sequence[bytes], Sequence[tuple[int, int, int]]]]:
    """BEP 15: connect, then ask for some infohashes after others. Raises OSError, ValueError."""
    place = urlsplit(tracker)
    family, kind, protocol, _, address = socket.getaddrinfo(place.hostname, place.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as wire:
        wire.connect(address)  # answers from elsewhere are not heard
        (connection,) = struct.unpack(">Q", _answer(wire, _CONNECTING, _CONNECT, b"", 8, until, clock)[:8])
        for some in _batches(hashes):
            data = _answer(wire, connection, _SCRAPE, b"".join(some), 12 * len(some), until, clock)
            yield some, [struct.unpack_from(">iii", data, 12 * at) for at in range(len(some))]


def _answer(
    wire: socket.socket, connection: int, action: int, body: bytes, size: int, until: float, clock: Callable[[], float]
) -> bytes:
    """Put a question until it is answered with ``size`` bytes or the time is over. Raises TimeoutError, OSError."""
    mark = secrets.token_bytes(4)
    until = min(until, clock() + 3 * _ANSWER)
    again = clock()
    while (left := until - clock()) > 0:
        if clock() >= again:  # and not for each packet that is no answer: who sends many would make us send many
            wire.send(struct.pack(">QI", connection, action) + mark + body)
            again = clock() + _ANSWER
        wire.settimeout(max(min(again - clock(), left), 0.001))
        with suppress(TimeoutError):
            data = wire.recv(1 << 16)
            if data[:8] == struct.pack(">I", action) + mark and len(data) >= 8 + size:
                return data[8:]
            if data[:8] == struct.pack(">I", _ERROR) + mark:
                raise ValueError(data[8:].decode("utf-8", "replace"))
    raise TimeoutError


def _words(error: Exception, seconds: float) -> str:
    """Why there is no answer, for people; a tracker's own words are cut and made harmless."""
    if isinstance(error, TimeoutError):
        return f"no answer within {max(seconds, 0):.0f} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable(str(error))[:_LONGEST_WORDS].rstrip(".") or type(error).__name__

"""Gets bytes from another archive's server over HTTP, within limits of time and size, from that server alone."""

from __future__ import annotations

import http.client
import io
import json
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from phonolith import __version__
from phonolith.errors import BadInput, NotFound, StorageError, TimedOut, UsageError

#: Gives the bytes of an address, in pieces, from an offset on. Raises NotFound, BadInput, TimedOut, StorageError.
Get = Callable[[str, int], Iterator[bytes]]

_CHUNK = 1 << 18
_REFUSED = (403, 410, 451)
_LATER = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Patience:
    """``silence``: seconds without a byte. ``slowest``: bytes a second on the whole, after as many seconds of grace."""

    silence: float = 60.0
    slowest: float = 1024.0


def over_http(contact: str, patience: Patience = Patience()) -> Get:
    """A getter over HTTP with ranges, that says who asks.

    A server that sends a byte now and then is left like one that is silent, and redirects to other hosts are not
    followed: who is mirrored says which bytes to get, not from whom.
    """
    agent = f"Phonolith/{__version__} ({contact or 'no contact given'})"
    opener = urllib.request.build_opener(_Plain(patience), _Secure(patience), _SameHost())

    def get(url: str, offset: int) -> Iterator[bytes]:
        check_address(url)
        headers = {"User-Agent": agent} | ({"Range": f"bytes={offset}-"} if offset else {})
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is looked at above
        try:
            with opener.open(request, timeout=patience.silence) as answer:
                if offset and answer.status != 206:
                    raise BadInput(url, "does not go on in the middle of a file", "Delete the part that is there")
                while data := answer.read1(_CHUNK):
                    yield data
                if answer.length:
                    raise http.client.IncompleteRead(b"", answer.length)
        except HTTPError as error:
            raise _answered(url, error) from error
        except (URLError, TimeoutError, http.client.HTTPException, OSError, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                raise TimedOut(url, f"is too slow: {reason}", "Try again later; what is here is kept") from error
            raise StorageError(url, f"cannot be fetched: {error}", "Try again later; what is here is kept") from error

    return get


def check_address(url: str) -> None:
    """Raise UsageError where this is no address of the web."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return
    raise UsageError(url, "is no address of the web", "Give one that begins with https:// or http://")


def whole(get: Get, url: str, most: int) -> bytes:
    """All bytes of an address. Raises BadInput where they are more than ``most``, and what the getter raises."""
    parts, size = [], 0
    for data in get(url, 0):
        size += len(data)
        if size > most:
            raise BadInput(url, f"answers with more than {most:,} bytes", "Ask its operator", code="mirror.too-large")
        parts.append(data)
    return b"".join(parts)


def read_json(get: Get, url: str, most: int) -> Any:
    """The JSON value at an address. Raises BadInput."""
    try:
        return json.loads(whole(get, url, most))
    except (ValueError, RecursionError) as error:
        raise BadInput(url, f"is not JSON: {error}", "Is it a Phonolith library?", code="mirror.index") from error


def _answered(url: str, error: HTTPError) -> NotFound | StorageError:
    said = f"({error.code} {error.reason})"
    error.close()
    if error.code in _LATER:
        return StorageError(url, f"cannot be fetched now {said}", "Try again later; what is here is kept")
    return NotFound(url, f"is refused there {said}" if error.code in _REFUSED else f"is not there {said}")


class _Watched(io.RawIOBase):
    """What comes in by a socket, as long as it comes fast enough; the time is that since the connection was made."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._patience = patience
        self._begun = time.monotonic()
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        patience = self._patience
        grace = patience.silence + self._count / patience.slowest
        left = self._begun + grace - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{self._count:,} bytes in {grace:.0f} s")
        self._sock.settimeout(min(patience.silence, left))
        count = self._raw.readinto(buffer)
        self._count += count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """A socket whose incoming side is watched; all else is the socket's own."""

    def __init__(self, sock: Any, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Watched(self._sock, self._patience), _CHUNK)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Plain(urllib.request.HTTPHandler):
    """Opens http:// with watched connections."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._patience = patience

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_watching(http.client.HTTPConnection, self._patience), req)


class _Secure(urllib.request.HTTPSHandler):
    """Opens https:// with watched connections."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._patience = patience

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_watching(http.client.HTTPSConnection, self._patience), req)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect on the same host alone, and none from https to http."""

    max_redirections = 4

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if after.hostname != before.hostname or (before.scheme, after.scheme) == ("https", "http"):
            fp.close()
            raise BadInput(
                req.full_url, f"leads to another server: {newurl[:200]}", "If that is meant, mirror it by its address"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _watching(kind: type[http.client.HTTPConnection], patience: Patience) -> Any:
    """The kind of connection, with its socket watched once it is there."""

    def make(host: str, **settings: Any) -> http.client.HTTPConnection:
        connection = kind(host, **settings)
        connect = connection.connect

        def watched() -> None:
            connect()
            connection.sock = _Socket(connection.sock, patience)  # it stands in for one

        connection.connect = watched  # type: ignore[method-assign] # of this one object, before it is used
        return connection

    return make

"""Connections that lead to the public network only: addresses are looked at when they are connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from phonolith.errors import SettingError
from phonolith.sources.client.address import is_global, is_literal

#: ``(host, port) → [(family, address)]``; raises OSError.
Lookup = Callable[[str, int], Awaitable[Sequence[tuple[int, str]]]]

_KEPT_OPEN = 15.0  # seconds; most servers wait longer, and a closed one costs a request


class Inward(Exception):
    """A host leads to an address that is not of the public network. No OSError, lest another address be tried."""


class Lost(Exception):
    """A connection ended before there was an answer."""


async def system_lookup(host: str, port: int) -> Sequence[tuple[int, str]]:
    """What the operating system says about a host, in a thread."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, str(place[0])) for family, _, _, _, place in found]


def connector(
    lookup: Lookup, trusted: Collection[tuple[str, int]], sent: Callable[[str], None], tls: ssl.SSLContext | None
) -> TCPConnector:
    """A connector for one client. ``trusted`` are hosts and ports that may lie anywhere; ``sent`` is told each host
    when there is a connection and its request goes out.

    Raises SettingError on a TLS context that does not check certificate and name.
    """
    if tls is not None and (tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname):
        raise SettingError("TLS context", "does not check who answers", "Require certificate and host name")
    guard = _Guard(lookup, trusted)
    return _Connector(
        sent,
        resolver=guard,
        socket_factory=guard.socket,
        ssl=True if tls is None else tls,
        limit=0,  # hosts have limits of their own, in ``pace``
        keepalive_timeout=_KEPT_OPEN,
    )


class _Connector(TCPConnector):
    def __init__(self, sent: Callable[[str], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._sent = sent

    async def connect(self, req: ClientRequest, traces: list[Any], timeout: ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        self._sent(req.url.raw_host or "")
        return connection


class _Guard(AbstractResolver):
    """Looks up hosts, and looks at every address again as a socket for it is made.

    The second look is the law: nothing connects without a socket from here, whatever a name meant a moment ago, and
    addresses written as numbers never pass a resolver. The first gives the better message.
    """

    def __init__(self, lookup: Lookup, trusted: Collection[tuple[str, int]]) -> None:
        self._lookup = lookup
        self._trusted = frozenset(trusted)
        self._named = {(host, port) for host, port in trusted if is_literal(host)}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of a host that may be connected to. Raises Inward if there are only others, OSError if none."""
        found = await self._lookup(host, port)
        if (host.lower(), port) in self._trusted:
            self._named.update((address, port) for _, address in found)
        else:
            outward = [one for one in found if is_global(one[1])]
            if found and not outward:
                raise Inward(f"{host} is {found[0][1]}")
            found = outward
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address in found
        ]

    async def close(self) -> None:
        """Nothing is open."""

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for one address. Raises Inward."""
        family, kind, protocol, _, place = info
        if not is_global(str(place[0])) and (place[0], place[1]) not in self._named:
            raise Inward(f"it is {place[0]}")
        return socket.socket(family, kind, protocol)

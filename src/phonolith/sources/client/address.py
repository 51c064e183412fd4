"""Which addresses may be asked, by their text and by where they lead, and how they are shown."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit, urlunsplit

from yarl import URL

from phonolith.sources.client.codes import verdict

_LONGEST = 8000
_SCHEMES = ("http", "https")
_PLAIN = re.compile(r"[!-~]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")  # and the backslash, which some read as a slash
_SECRET = re.compile(r"(?i)((?:^|[?&;])[^=&;]*(?:token|key|secret|passw|sig|auth|session|credential)[^=&;]*=)[^&;]*")

#: A host all of whose labels are numbers in any spelling that C libraries read: 2130706433, 0x7f.1, 017700000001.
_NUMERIC = re.compile(r"(?i)(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?")

# Not private to Python's ipaddress, and still no place where a public origin is: they lead on to another address.
_LEADS_ON = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b::/96",  # NAT64, RFC 6052
        "64:ff9b:1::/48",  # NAT64 for local use, RFC 8215
        "2002::/16",  # 6to4, RFC 3056
        "2001::/32",  # Teredo, RFC 4380
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "::ffff:0:0:0/96",  # translated IPv4, RFC 2765
        "::/96",  # IPv4-compatible, RFC 4291
        "fec0::/10",  # site-local, RFC 3879
        "100.64.0.0/10",  # shared, RFC 6598
    )
)


def read(text: str) -> URL:
    """An address that may be asked, without its fragment. Raises BadInput (``http.address``).

    Refused are other schemes than http and https, user info, numbers that are no canonical IP address, and what
    cannot be read in one way only. Other characters than those of a URI are escaped as browsers do.
    """
    if len(text) > _LONGEST:
        raise verdict("http.address", shown(text[:200]), f"it has {len(text):,} characters")
    if _CONTROLS.search(text):
        raise verdict("http.address", shown(text), "it has control characters in it")
    try:
        url = URL(text, encoded=_PLAIN.fullmatch(text) is not None)
        host, port = url.raw_host, url.port
    except ValueError as error:
        raise verdict("http.address", shown(text), str(error)) from None
    if url.scheme not in _SCHEMES or not host or not port:
        raise verdict("http.address", shown(text))
    if "@" in url.raw_authority:
        raise verdict("http.address", shown(text), "it has a name or a password in it")
    if not _host_fits(host):
        raise verdict("http.address", shown(text), f"{host!r} is no host")
    if host != host.lower():
        url = url.with_host(host.lower())  # one host, however it is written: one pace, one robots.txt
    return url.with_fragment(None) if url.raw_fragment else url


def origin(url: URL) -> str:
    """Scheme, host and port: for what robots.txt speaks (RFC 9309 section 2.3)."""
    return f"{url.scheme}://{url.raw_host}:{url.port}"


def trusted_origin(text: str) -> tuple[str, int]:
    """Host and port of an origin that somebody named on purpose, wherever it lies."""
    url = read(text)
    return str(url.raw_host).lower(), int(url.port or 0)


@lru_cache(maxsize=4096)
def is_global(text: str) -> bool:
    """Whether an IP address is one of the public network, and leads to no other. False for what is no address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return False  # nothing public is reached only so; and some systems connect to the IPv4 address in it
    if any(address in network for network in _LEADS_ON if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


@lru_cache(maxsize=4096)
def is_literal(host: str) -> bool:
    """Whether a host is an IP address and no name."""
    return ":" in host or _NUMERIC.fullmatch(host) is not None


def shown(text: str | URL) -> str:
    """An address for messages and logs: without user info, fragment, and values of what looks like a secret."""
    try:
        parts = urlsplit(str(text))
    except ValueError:
        return "an address that cannot be read"
    place = parts.netloc.rpartition("@")[2]
    clean = SplitResult(parts.scheme, place, parts.path, _SECRET.sub(r"\1…", parts.query), "")
    return "".join(c if c.isprintable() else "?" for c in urlunsplit(clean))


@lru_cache(maxsize=4096)
def _host_fits(host: str) -> bool:
    if ":" in host:
        return "%" not in host  # a zone names a network card of this machine
    if _NUMERIC.fullmatch(host):
        return _canonical(host)
    return len(host) <= 253 and re.fullmatch(r"[^\s/@\\\[\]%<>^|\x00-\x20]+", host) is not None


def _canonical(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False

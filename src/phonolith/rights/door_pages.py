"""Which addresses prove something at the artist's door: what a page has to be, and which pages are anybody's.

Two things have to fit: the kind of link says that it is somebody's own page, which is a closed list, and the host is
none that others write (``door_pages.toml``). A refusal says why, so that whoever comes can take another page.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from urllib.parse import SplitResult, urlsplit, urlunsplit

_LONGEST = 500
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")

#: Kinds of links that lead to a page of an artist's or a label's own, in the words of the sources.
OWN = frozenset(
    {
        "homepage",
        "official homepage",
        "official site",
        "official website",
        "website",
        "blog",
        "bandcamp",
        "soundcloud",
        "social network",
        "myspace",
        "purevolume",
        "youtube",
        "video channel",
        "patronage",
        "crowdfunding",
    }
)

#: Those that lead to the page of one release: its own, or where it was uploaded.
OF_RELEASE = frozenset({"homepage", "official homepage", "source"})


@dataclass(frozen=True, slots=True)
class Page:
    """An address that a record links to. ``url`` is in the one spelling it goes by here; ``why`` it proves nothing, "".

    ``root``: it is the first page of its host, so that a file below ``/.well-known/`` there is in the same hands.
    """

    url: str
    rel: str
    why: str
    root: bool = False


def judge(kind: str, rel: str, address: str) -> Page:
    """Whether the page at an address opens the door of an artist, label or release that links to it by ``rel``."""
    url = canonical(address)
    if not url:
        return Page(address, rel, "it is no address of a page that anybody can open")
    host = urlsplit(url).hostname or ""
    others = next((why for name, why in _others().items() if host == name or host.endswith(f".{name}")), "")
    if others:
        return Page(url, rel, others)
    if _word(rel) not in (OF_RELEASE if kind == "release" else OWN):
        return Page(url, rel, f"a link that is said to be “{rel[:60]}” is not taken for a page of one's own")
    return Page(url, rel, "", urlsplit(url).path in ("", "/") and not urlsplit(url).query)


def canonical(address: str) -> str:
    """The one spelling of an address (RFC 3986, section 6.2.2; hosts by RFC 3490); "" for what is no web page."""
    try:
        parts = urlsplit(address.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not host or len(address) > _LONGEST:
        return ""
    ascii_host = in_ascii(host)
    if not ascii_host or any(c in address for c in " \"'<>\\^`{|}") or not address.isprintable():
        return ""
    place = ascii_host if port in (None, 80 if parts.scheme == "http" else 443) else f"{ascii_host}:{port}"
    return urlunsplit(SplitResult(parts.scheme, place, parts.path or "/", parts.query, ""))


def in_ascii(host: str) -> str:
    """A host as it goes over the wire, so that one that looks like another is told from it; "" for what is none."""
    if ":" in host:
        return f"[{host}]" if _is_address(host) else ""
    try:
        plain = host.lower() if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""
    labels = plain.split(".")
    fitting = set(plain) <= _PLAIN and all(0 < len(one) < 64 for one in labels) and len(plain) < 254
    return plain if fitting else ""


def same_site(asked: str, read: str) -> bool:
    """Whether what was read is still in the hands of who has the address that was asked: its host, with or without www.

    From http to https it may go, and not back; a port stays what it was, unless it is the usual one.
    """
    one, other = urlsplit(asked), urlsplit(read)
    if one.scheme == "https" and other.scheme != "https":
        return False
    if (one.hostname or "").removeprefix("www.") != (other.hostname or "").removeprefix("www."):
        return False
    return one.port == other.port or {one.port, other.port} <= {None, 80, 443}


@cache
def _others() -> Mapping[str, str]:
    """Why the pages of a host prove nothing, by host."""
    return dict(_listed())


def _listed() -> Iterator[tuple[str, str]]:
    text = resources.files("phonolith.rights").joinpath("door_pages.toml").read_text("utf-8")
    for group in tomllib.loads(text)["group"]:
        yield from ((host, group["why"]) for host in group["hosts"])


def _word(rel: str) -> str:
    """The kind of a link without what a source says of it beside: ``social network: x`` is a social network."""
    return rel.partition(":")[0].strip().casefold()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""Reads another archive's index of releases, strictly: which bundles it offers, with their torrents and copies."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import msgspec

from phonolith.errors import BadInput, TimedOut
from phonolith.model import paths
from phonolith.releases.elsewhere import Read

#: What is read of an index: bundles (with 10,000 files each that is a thousand million), bytes, and for how long.
MOST_BUNDLES = 100_000
_LARGEST_INDEX = 256 << 20
_LONGEST_TIME = 1800.0  # seconds
_LARGEST = 1 << 50  # bytes of a bundle, as of a torrent
_LONGEST = 200  # characters of a name
_MOST_TRACKERS = 20
_HEX = {"v1": re.compile("[0-9a-f]{40}|"), "v2": re.compile("[0-9a-f]{64}|")}
_KINDS = ("hybrid", "v1", "v2")


@dataclass(frozen=True, slots=True)
class Link:
    """A metainfo file as it is offered: its address, size in bytes, SHA-256, infohashes ("" for a side it lacks)."""

    kind: str
    url: str
    size: int
    sha256: str
    v1: str
    v2: str
    trackers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A bundle as the other archive's index offers it; ``files`` and ``size`` (bytes) are those of its payload.

    ``copies``: how many whole copies the other archive's seeder saw at ``counted``; None where it does not say.
    ``origin``: the archive that published it first, "" for the other archive itself. ``replaces``: an older bundle.
    """

    name: str
    licence: str
    tier: str
    size: int
    torrents: tuple[Link, ...]
    files: int = 0
    copies: int | None = None
    counted: str = ""
    origin: str = ""
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """An archive's name and what it offers, newest first."""

    archive: str
    offers: tuple[Offer, ...]


class _Torrent(msgspec.Struct):
    kind: str
    url: str
    size: int
    sha256: str
    v1: str
    v2: str
    magnet: str = ""


class _Bundle(msgspec.Struct):
    name: str
    licence: str
    tier: str
    files: int
    size: int
    offered: bool
    torrents: list[_Torrent]
    replaced_by: str = ""
    replaces: str = ""
    copies: int | None = None
    copies_at: str = ""


class _Publication(msgspec.Struct):
    bundles: list[_Bundle]
    origin: str = ""


class _Page(msgspec.Struct):
    publications: list[_Publication]
    next: str | None
    archive: str


def read_index(url: str, read: Read, *, clock: Callable[[], float] = time.monotonic) -> Index:
    """Everything that the archive at ``url`` offers.

    Raises BadInput where its index is none: not of the form, without end, with names that are no names of folders, with
    numbers that cannot be, or with torrents on another server; TimedOut, and what reading raises.
    """
    archive, found = "", list[Offer]()
    names: set[tuple[str, ...]] = set()
    until = clock() + _LONGEST_TIME
    for page in _pages(url, read):
        archive = " ".join(page.archive.split())[:_LONGEST]
        if not archive:
            raise _bad(url, "does not say whose it is")
        for publication in page.publications:
            for one in publication.bundles:
                key = paths.folded((one.name,))
                if key in names:
                    raise _bad(url, f"names {one.name[:_LONGEST]} twice")
                names.add(key)
                if one.offered and not one.replaced_by:
                    found.append(_offer(url, one, publication.origin))
        if len(names) > MOST_BUNDLES:
            raise _bad(url, f"names more than {MOST_BUNDLES:,} bundles")
        if clock() > until:
            raise TimedOut(url, f"its index of releases took more than {_LONGEST_TIME:,.0f} s", "Try again later")
    return Index(archive, tuple(found))


def _pages(url: str, read: Read) -> Iterator[_Page]:
    after, left = "", _LARGEST_INDEX
    while True:
        query = f"?{urlencode({'after': after})}" if after else ""
        data = read(f"{url}/releases.json{query}", left)
        left -= len(data)
        try:
            page = msgspec.json.decode(data, type=_Page)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _bad(url, f"cannot be read: {error}", "Is it a Phonolith library?") from error
        yield page
        if page.next is None:
            return
        if page.next == after or not any(one.bundles for one in page.publications):
            raise _bad(url, "leads in a circle")
        after = page.next


def _offer(url: str, told: _Bundle, origin: str) -> Offer:
    subject = f"{url}: bundle {told.name[:_LONGEST]!r}"
    if len(told.name) > _LONGEST or not paths.portable((told.name,)) or told.name.startswith("."):
        raise _bad(subject, "has a name that is no name of a folder")
    numbers = (told.size, told.files, told.copies or 0, *(one.size for one in told.torrents))
    if not all(0 <= number <= _LARGEST for number in numbers) or len(told.torrents) > len(_KINDS):
        raise _bad(subject, "has a number that cannot be")
    if max(map(len, (told.licence, told.tier, told.copies_at, told.replaces, origin))) > _LONGEST:
        raise _bad(subject, "has a licence, tier, date or origin that is none")
    try:
        links = tuple(_link(url, subject, one) for one in told.torrents)
    except ValueError as error:
        raise _bad(subject, f"has an address that is none: {error}") from error
    return Offer(
        name=told.name,
        licence=told.licence,
        tier=told.tier,
        size=told.size,
        torrents=links,
        files=told.files,
        copies=told.copies,
        counted=told.copies_at,
        origin=origin,
        replaces=told.replaces,
    )


def _link(url: str, subject: str, told: _Torrent) -> Link:
    address = urljoin(f"{url}/", told.url)
    here, there = urlsplit(url), urlsplit(address)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise _bad(subject, f"has its torrent on another server: {address[:_LONGEST]}")
    if told.kind not in _KINDS or not re.fullmatch("[0-9a-f]{64}", told.sha256):
        raise _bad(subject, "has a torrent of a kind or digest that is none")
    if not all(_HEX[side].fullmatch(getattr(told, side)) for side in _HEX) or not (told.v1 or told.v2):
        raise _bad(subject, "has an infohash that is none")
    trackers = parse_qs(urlsplit(told.magnet).query, max_num_fields=_LONGEST).get("tr", [])[:_MOST_TRACKERS]
    return Link(told.kind, address, told.size, told.sha256, told.v1, told.v2, tuple(trackers))


def _bad(subject: str, problem: str, remedy: str = "Ask its operator") -> BadInput:
    words = problem if ": bundle " in subject else f"its index of releases {problem}"
    return BadInput(subject, words, remedy, code="mirror.index")

"""What programs read besides JSON: magnet links, a feed of publications with torrents, and feeds of what is new."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from phonolith.model.publication import Torrent

#: What XML 1.0 has no character for (section 2.2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Of the feed's own element, ``heads``: a file of heads as text (RSS 2.0 lets a namespace add elements to a channel).
NAMESPACE = "urn:phonolith:feed:1"
_SHA2_256 = "1220"  # multihash: the function and its 32 bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of the feed. ``guid`` never changes; ``length`` is of the metainfo file, in bytes."""

    title: str
    link: str
    guid: str
    time: str
    about: str
    torrent: str
    length: int


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a feed of what is new; ``guid`` never changes."""

    title: str
    link: str
    guid: str
    time: str
    about: str


def magnet(torrent: Torrent, name: str, trackers: Sequence[str], web_seed: str, source: str) -> str:
    """A magnet link: the infohash of each side that the torrent has (BEP 9, BEP 52), trackers, web seed (BEP 19).

    ``source`` is the address of the metainfo file, for clients that fetch it there instead of from a peer.
    """
    topics = [f"xt=urn:btih:{torrent.v1}"] if torrent.v1 else []
    topics += [f"xt=urn:btmh:{_SHA2_256}{torrent.v2}"] if torrent.v2 else []
    rest = [("dn", name), *(("tr", one) for one in trackers), ("ws", web_seed), ("xs", source)]
    return "magnet:?" + "&".join([*topics, *(f"{key}={quote(value, safe='')}" for key, value in rest if value)])


def guid(torrent: Torrent) -> str:
    """What names a torrent for ever: its infohash, as magnet links write it."""
    return f"urn:btmh:{_SHA2_256}{torrent.v2}" if torrent.v2 else f"urn:btih:{torrent.v1}"


def rss(title: str, home: str, here: str, about: str, entries: Iterable[Entry], heads: bytes, withdrawn: str) -> bytes:
    """The feed (RSS 2.0), newest entry first; ``here`` is its own address, ``withdrawn`` that of what to drop.

    ``heads``: the signed head of the log, after those that change the key, as a file of them; empty where none is.
    """
    items = list(entries)
    built = f"<lastBuildDate>{_date(items[0].time)}</lastBuildDate>" if items else ""
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        f'xmlns:phonolith="{NAMESPACE}"><channel>'
        f"<title>{_text(title)}</title><link>{_text(home)}</link><description>{_text(about)}</description>"
        f'<language>en</language>{built}<atom:link href={_quoted(here)} rel="self" type="application/rss+xml"/>'
        f'<atom:link href={_quoted(withdrawn)} rel="related" type="application/x-ndjson"/>\n'
    )
    if heads:
        head += f"<phonolith:heads>{_text(heads.decode())}</phonolith:heads>\n"
    return "".join((head, *map(_item, items), "</channel></rss>\n")).encode()


def torrents(title: str, home: str, here: str, about: str, entries: Sequence[Entry]) -> bytes:
    """A feed of bundles to take (RSS 2.0), newest item first; ``here`` is its own address. Same items, same bytes."""
    return _plain(title, home, here, about, entries[0].time if entries else "", map(_item, entries))


def news(title: str, home: str, here: str, about: str, items: Sequence[Item]) -> bytes:
    """A feed of what is new (RSS 2.0), newest item first; ``here`` is its own address. Same items, same bytes."""
    every = (f"<item>{_said(one)}</item>\n" for one in items)
    return _plain(title, home, here, about, items[0].time if items else "", every)


def _plain(title: str, home: str, here: str, about: str, newest: str, items: Iterable[str]) -> bytes:
    built = f"<lastBuildDate>{_date(newest)}</lastBuildDate>" if newest else ""
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
        f"<title>{_text(title)}</title><link>{_text(home)}</link><description>{_text(about)}</description>"
        f'<language>en</language>{built}<atom:link href={_quoted(here)} rel="self" type="application/rss+xml"/>\n'
    )
    return "".join((head, *items, "</channel></rss>\n")).encode()


def _item(one: Entry) -> str:
    torrent = f'<enclosure url={_quoted(one.torrent)} length="{one.length}" type="application/x-bittorrent"/>'
    return f"<item>{_said(one)}{torrent}</item>\n"


def _said(one: Entry | Item) -> str:
    return (
        f"<title>{_text(one.title)}</title><link>{_text(one.link)}</link>"
        f'<guid isPermaLink="false">{_text(one.guid)}</guid><pubDate>{_date(one.time)}</pubDate>'
        f"<description>{_text(one.about)}</description>"
    )


def _date(time: str) -> str:
    """ISO 8601 as RFC 822 has it."""
    return format_datetime(datetime.fromisoformat(time).astimezone(UTC), usegmt=True)


def _text(words: str) -> str:
    return escape(_NO_XML.sub("\ufffd", words))


def _quoted(words: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", words))

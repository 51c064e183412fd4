"""Feeds as documents: RSS 2.0, RSS 1.0 and Atom, taken apart into a head and its items, with what leads on from them.

An item is kept as its element in canonical form (XML C14N 2.0) inside an element ``feed-part``, whose attributes say
what the item alone does not: where its feed was read, what its relative addresses are relative to, and what the feed
says of all of them (medium, licences, whether it wants to be left alone).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from xml.etree.ElementTree import Element, canonicalize, tostring

from phonolith.errors import BadInput
from phonolith.model.record import Record
from phonolith.sources.feed_words import day_of, is_day, is_web, is_yes, joined
from phonolith.sources.strict_xml import read_xml

PART = "feed-part"
_PODCAST = ("https://podcastindex.org/namespace/1.0", "https://github.com/podcastindex-org/podcast-namespace")
_SPACES = {
    "": "",
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/rss/1.0": "",
    "http://my.netscape.com/rdf/simple/0.9": "",
    "http://backend.userland.com/rss2": "",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://search.yahoo.com/mrss": "media:",
    "http://purl.org/dc/elements/1.1": "dc:",
    "http://backend.userland.com/creativecommonsrssmodule": "cc:",
    "http://cyber.law.harvard.edu/rss/creativecommonsrssmodule.html": "cc:",
    "http://web.resource.org/cc": "cc:",
    "http://creativecommons.org/ns#": "cc:",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
    "http://purl.org/atompub/tombstones/1.0": "at:",
    "http://www.w3.org/xml/1998/namespace": "xml:",
}
ITEMS = ("item", "entry")
_DATES = ("pubDate", "published", "dc:date", "updated")
# Not kept of a head: what a generator writes anew each time would make every look at the feed a change of it.
_EACH_TIME = ("lastBuildDate", "pubDate", "updated", "items", "at:deleted-entry", *ITEMS)


@dataclass(frozen=True, slots=True)
class Context:
    """What an item has to be read with.

    ``address`` is where its feed answered, ``base`` what relative addresses begin from, ``link`` the page that the feed
    belongs to, ``medium`` its ``podcast:medium``, ``licences`` its statements with spaces between them. ``private``:
    the feed, or the item, asks to be left out of directories and platforms.
    """

    address: str
    base: str
    link: str = ""
    medium: str = ""
    licences: str = ""
    private: str = ""

    @classmethod
    def of(cls, part: Element) -> Context:
        """What an element ``feed-part`` says."""
        return cls(*(part.get(one.name, "") for one in fields(cls)))

    def attributes(self) -> dict[str, str]:
        """As attributes of an element, without those that are empty."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a feed. ``names`` are what it can be told apart by, best first: its guid, its link, its enclosure.

    ``day`` is when it appeared (``YYYY-MM-DD``), "" where that cannot be read.
    """

    names: tuple[str, ...]
    day: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Feed:
    """A document of a feed; ``head`` is what it says of itself, in canonical form.

    ``following`` is the address of its next page or of the archive before it (RFC 5005), ``deleted`` are names of items
    that it says it has taken back (RFC 6721), ``moved`` is where it says that it is to be found from now on.
    """

    context: Context
    head: bytes
    entries: tuple[Entry, ...]
    following: str = ""
    deleted: tuple[str, ...] = ()
    moved: str = ""


def read_document(data: bytes, address: str) -> Feed | tuple[str, ...]:
    """A feed, or the addresses of feeds that an OPML file lists. White space before the document is passed over.

    ``address`` is where it was read. Raises BadInput (``xml.…``, ``feed.strange``).
    """
    root = read_xml(data.lstrip(b" \t\r\n"), address)
    match name_of(root.tag):
        case "opml":
            found = (joined(address, one.get("xmlUrl", "").strip()) for one in root.iter("outline"))
            return tuple(dict.fromkeys(one for one in found if one != address and is_web(one)))
        case "feed":
            return _feed(root, root, address)
        case "rss" | "rdf:RDF":
            channel = next(children(root, "channel"), None)
            if channel is not None:
                return _feed(root, channel, address)
    raise BadInput(address, "is XML, but no feed", "Is it the address of an RSS or Atom feed?", code="feed.strange")


def read_part(record: Record) -> tuple[Context, Element]:
    """What a record of a feed keeps: the context, and the element of the item or the head. Raises BadInput."""
    subject = f"record {record.source} {record.item}"
    part = read_xml(record.payload, subject)
    if part.tag != PART or len(part) != 1:
        raise BadInput(subject, "is no part of a feed", "Harvest it again")
    return Context.of(part), part[0]


@lru_cache(maxsize=4096)
def name_of(tag: str) -> str:
    """The name of an element or attribute with the usual prefix of its namespace, ``other:`` for one not known here.

    Both spellings of the podcast namespace are one, and so are those of the others that differ in a slash or in case.
    """
    space, _, local = tag.removeprefix("{").rpartition("}")
    space = space.lower()
    if space.startswith(_PODCAST):
        return f"podcast:{local}"
    return _SPACES.get(space, _SPACES.get(space.rstrip("/"), "other:")) + local


def children(element: Element, *names: str) -> Iterator[Element]:
    """Its children of these names, in order."""
    return (child for child in element if name_of(child.tag) in names)


def texts(element: Element, *names: str) -> list[str]:
    """What children of these names say, in the order of the names, without those that say nothing."""
    return [said for name in names for child in children(element, name) if (said := text_of(child))]


def text_of(element: Element) -> str:
    """All text in it."""
    return "".join(element.itertext()).strip()


def attribute(element: Element, name: str) -> str:
    """An attribute by its name with prefix, "" where there is none."""
    return next((value.strip() for key, value in element.attrib.items() if name_of(key) == name), "")


def leaves_of(element: Element, path: str = "") -> Iterator[tuple[str, str]]:
    """Everything that is said in it: ``enclosure@url``, ``author/name``; with the values as they stand there."""
    for key, value in element.attrib.items():
        yield f"{path}@{name_of(key)}", value
    if path and element.text and element.text.strip():
        yield path, element.text
    for child in element:
        yield from leaves_of(child, f"{path}/{name_of(child.tag)}" if path else name_of(child.tag))


def base_of(context: Context, element: Element) -> str:
    """What relative addresses in an item or a head begin from."""
    return joined(context.base, attribute(element, "xml:base"))


def licences_of(element: Element, *, of_media: bool = True) -> list[str]:
    """Licences that an item or a head states by address or identifier, as found; prose is none.

    ``of_media`` leaves in those that speak of audio and video alone (``podcast:license``, ``media:license``).
    """
    found = [text_of(one) or attribute(one, "rdf:resource") for one in children(element, "cc:license")]
    found += [attribute(one, "href") for one in children(element, "link") if attribute(one, "rel") == "license"]
    if of_media:
        found += [attribute(one, "href") for one in children(element, "media:license")]
        for one in children(element, "podcast:license"):
            found += [attribute(one, "url"), text_of(one)]
    return list(dict.fromkeys(one for one in found if one and " " not in one))


def wants_out(element: Element) -> bool:
    """Whether a feed or an item asks not to be taken into directories and platforms."""
    blocks = [one for one in children(element, "podcast:block") if not attribute(one, "id")]
    return any(is_yes(text_of(one)) for one in (*children(element, "itunes:block", "podcast:locked"), *blocks))


def _feed(root: Element, channel: Element, address: str) -> Feed:
    base = joined(joined(address, attribute(root, "xml:base")), attribute(channel, "xml:base"))
    medium = next(iter(texts(channel, "podcast:medium")), "").lower()
    stated = " ".join(licences_of(channel))
    context = Context(address, base, _link(channel, base), medium, stated, "yes" if wants_out(channel) else "")
    elements = [*children(root, *ITEMS), *(children(channel, *ITEMS) if channel is not root else ())]
    deleted = (attribute(one, "ref") for one in children(channel, "at:deleted-entry"))
    return Feed(
        context,
        _part(context, _head(channel)),
        tuple(_entry(context, one) for one in elements),
        _following(channel, base),
        tuple(one for one in deleted if one),
        next(iter(texts(channel, "itunes:new-feed-url")), ""),
    )


def _head(channel: Element) -> Element:
    head = Element(channel.tag, channel.attrib)
    head.extend(child for child in channel if name_of(child.tag) not in _EACH_TIME)
    return head


def _entry(context: Context, element: Element) -> Entry:
    base = joined(context.base, attribute(element, "xml:base"))
    guids = [*texts(element, "guid", "id"), attribute(element, "rdf:about")]
    enclosures = [attribute(one, "url") for one in children(element, "enclosure")]
    names = [*guids, _link(element, base), *(joined(base, one) for one in enclosures if one)]
    days = (day for one in texts(element, *_DATES) if is_day(day := day_of(one)))
    return Entry(tuple(dict.fromkeys(filter(None, names))), next(days, ""), _part(context, element))


def _part(context: Context, element: Element) -> bytes:
    part = Element(PART, context.attributes())
    element.tail = None
    part.append(element)
    return canonicalize(tostring(part, encoding="unicode")).encode()


def _link(element: Element, base: str) -> str:
    """The page that a feed or an item belongs to: RSS's text, Atom's ``alternate``."""
    pages = [
        text_of(one) or attribute(one, "href")
        for one in children(element, "link")
        if attribute(one, "rel") in ("", "alternate")
    ]
    return next((found for one in pages if is_web(found := joined(base, one))), "")


def _following(channel: Element, base: str) -> str:
    """RFC 5005 section 3 (``next``), else section 4 (``prev-archive``)."""
    links = {attribute(one, "rel"): attribute(one, "href") for one in children(channel, "link")}
    found = links.get("next") or links.get("prev-archive") or ""
    return joined(base, found) if found else ""

"""What the parts of a feed say: a release for its head, a track for an item with audio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

import msgspec

from phonolith.model.music import (
    Credit,
    Description,
    Level,
    LicenceStatement,
    Link,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.record import Record
from phonolith.rights.licences import parse
from phonolith.sources.feed_document import (
    ITEMS,
    Context,
    attribute,
    base_of,
    children,
    licences_of,
    text_of,
    texts,
    wants_out,
)
from phonolith.sources.feed_files import covers, fit, offers
from phonolith.sources.feed_kept import kept_in
from phonolith.sources.feed_words import day_of, joined, milliseconds, plain, said_explicit, same_site, whole, within
from phonolith.sources.text import clean, holds_mail

_WRITERS = frozenset({"composer", "songwriter", "lyricist", "writer", "author"})
_MAIN = frozenset({"", "artist", "musician", "band", "performer"})


def describe(
    record: Record, context: Context, element: Element, publishable: Iterable[tuple[str, str]]
) -> Iterator[Description]:
    """What a part of a feed says; what no column holds of ``publishable`` is its remainder."""
    is_item = element.tag.rpartition("}")[2] in ITEMS
    if is_item and (wants_out(element) or not any(one.file.role == "audio" for one in offers(context, element))):
        return
    said: TrackDescription | ReleaseDescription
    said = _track(record, context, element) if is_item else _release(record, context, element)
    held = kept_in(said, context, element)
    left: dict[str, list[str]] = {}
    for name, value in publishable:
        if not held(name, value):
            left.setdefault(name, []).append(clean(value))
    yield replace(said, remainder=msgspec.json.encode(left, order="sorted").decode() if left else "")


def _track(record: Record, context: Context, element: Element) -> TrackDescription:
    found = offers(context, element)
    credits = _credits(element)
    writers = {credit.name for credit in credits if credit.role in _WRITERS}
    stated = [*licences_of(element)] or context.licences.split()
    day = next((day_of(one) for one in _public(element, "pubDate", "published", "dc:date")), "")
    return TrackDescription(
        id=record.item,
        title=_title(element),
        release=record.item.partition(" ")[0],
        credits=credits,
        disc=_number(element, "podcast:season", "itunes:season") or 1,
        position=_number(element, "podcast:trackNumber", "podcast:episode", "itunes:episode"),
        duration_ms=next((one for text in _public(element, "itunes:duration") if (one := milliseconds(text))), None)
        or next((one.file.duration_ms for one in found if one.file.duration_ms), None),
        date=day,
        explicit=next((said_explicit(one) for one in _public(element, "itunes:explicit")), None),
        genres=_genres(element),
        links=_links(context, element, "source"),
        licences=_stated(record, context, stated, [one.file.url for one in found if one.file.role == "audio"]),
        files=(*(one.file for one in found), *covers(context, element)),
        composition_by_others=bool(writers - {credit.name for credit in credits if not credit.role}),
    )


def _release(record: Record, context: Context, element: Element) -> ReleaseDescription:
    guids = _public(element, "podcast:guid")
    return ReleaseDescription(
        id=record.item,
        title=_title(element),
        credits=_credits(element),
        kind="album" if context.medium == "music" else "",
        language=clean(next(iter(_public(element, "language", "dc:language")), "")),
        genres=_genres(element),
        identifiers=tuple(("podcast.guid", clean(one)) for one in guids),
        links=_links(context, element, "homepage"),
        licences=_stated(record, context, licences_of(element), []),
        files=tuple(covers(context, element)),
    )


def _title(element: Element) -> str:
    found = (plain(one) for one in _public(element, "title", "itunes:title", "media:title"))
    return next(filter(None, found), "")


def _public(element: Element, *names: str) -> list[str]:
    """What children of these names say, as :func:`texts`, but nothing with an e-mail address in it."""
    return [one for one in texts(element, *names) if not holds_mail(one)]


def _credits(element: Element) -> tuple[Credit, ...]:
    """``podcast:person`` by role; without one that is a main credit, the author."""
    persons = [
        (plain(text_of(one)), attribute(one, "role").lower(), attribute(one, "group").lower())
        for one in children(element, "podcast:person")
    ]
    persons = [one for one in persons if one[0] and not any(map(holds_mail, one))]
    main = [name for name, role, _ in persons if role in _MAIN]
    if not main:
        names = [plain(one) for one in _public(element, "itunes:author", "dc:creator")]
        names += [plain(one) for author in children(element, "author") for one in _public(author, "name")]
        main = list(dict.fromkeys(filter(None, names)))
        main = main[:1] if _public(element, "itunes:author") else main
    first = [Credit(name, join=", " if at < len(main) else "") for at, name in enumerate(main, 1)]
    return (*first, *(Credit(name, role=role) for name, role, _ in persons if role not in _MAIN))


def _number(element: Element, *names: str) -> int:
    numbers = (whole(one) for one in _public(element, *names) if one.isdecimal())
    return next((one for one in numbers if one and one < 100_000), 0)


def _genres(element: Element) -> tuple[str, ...]:
    found = [text_of(one) or attribute(one, "term") for one in children(element, "category")]
    for one in children(element, "itunes:category"):
        found += [attribute(one, "text"), *(attribute(below, "text") for below in children(one, "itunes:category"))]
    return tuple(dict.fromkeys(name for one in found if (name := plain(one)) and not holds_mail(name)))


def _links(context: Context, element: Element, rel: str) -> tuple[Link, ...]:
    base = base_of(context, element)
    found = [
        (rel, text_of(one) or attribute(one, "href"))
        for one in children(element, "link")
        if attribute(one, "rel") in ("", "alternate")
    ]
    found += [("support", attribute(one, "url")) for one in children(element, "podcast:funding")]
    links = (Link(kind, joined(base, address)) for kind, address in found if address)
    return tuple(dict.fromkeys(one for one in links if fit(one.url)))


def _stated(
    record: Record, context: Context, stated: Iterable[str], files: Sequence[str]
) -> tuple[LicenceStatement, ...]:
    """Level 2 where the feed is of the site it names as its own, and has the files at its host: else 1."""
    own = same_site(context.address, context.link) and all(within(one, context.address) for one in files)
    level = Level.PLATFORM if own else Level.THIRD_PARTY
    addresses = [one for one in stated if parse(one) or (fit(one) and "@" not in one)]
    return tuple(
        LicenceStatement(one, level, record.source, context.address, record.time, record.digest) for one in addresses
    )

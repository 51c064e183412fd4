"""The files that an item of a feed names: enclosures, media:content, alternates with their digests, covers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element

from phonolith.model.music import Description, File, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.sources.feed_document import Context, attribute, base_of, children, licences_of, texts
from phonolith.sources.feed_words import is_web, joined, milliseconds, sha256_of, whole
from phonolith.sources.media import Candidate
from phonolith.sources.text import clean, holds_mail

_LOSSLESS = ("audio/flac", "audio/x-flac", "audio/wav", "audio/x-wav", "audio/aiff", "audio/x-aiff")
_AUDIO = frozenset({".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".wav", ".aif", ".aiff", ".aac"})
_UNSAID = frozenset({"", "application/octet-stream", "application/ogg", "binary/octet-stream"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that an item names, with the SHA-256 that is stated of it. ``other``: it is no encoding of the item."""

    file: File
    sha256: str = ""
    other: bool = False


def offers(context: Context, element: Element) -> list[Offer]:
    """The files that an item names, each address once, in the order of their trust: enclosures first."""
    base = base_of(context, element)
    found: dict[str, Offer] = {}
    for one in _offered(element):
        address = joined(base, one.file.url.strip())
        if not fit(address):
            continue
        before = found.get(address)
        offer = replace(one, file=replace(one.file, url=address, name=_name(address)))
        found[address] = _both(before, offer) if before else offer
    return list(found.values())


def media_of(context: Context, element: Element, said: Sequence[Description]) -> Iterator[Candidate]:
    """The encoding of a track that is worth most: what is lossless, then what is largest.

    Pictures are no candidates: what a feed states by ``podcast:license`` is about its audio (the licence tag of the
    podcast namespace says so), unless it licenses everything in it by ``cc:license`` or ``rel=license``.
    """
    for one in said:
        if not isinstance(one, TrackDescription | ReleaseDescription):
            continue
        if isinstance(one, TrackDescription):
            audio = [each for each in offers(context, element) if each.file.role == "audio" and not each.other]
            if audio:
                yield _candidate(one.id, max(audio, key=lambda each: _worth(each.file)), ())
        whole_feed = licences_of(element, of_media=False)
        licences = tuple(stated for stated in one.licences if stated.uri in whole_feed)
        if licences:
            yield from (_candidate(one.id, Offer(file), licences) for file in one.files if file.role == "cover")


def covers(context: Context, element: Element) -> list[File]:
    """Its pictures, each address once."""
    base = base_of(context, element)
    found = [attribute(one, "href") for one in children(element, "itunes:image", "podcast:image")]
    found += [one for image in children(element, "image") for one in texts(image, "url")]
    found += [attribute(one, "url") for one in children(element, "media:thumbnail")]
    addresses = dict.fromkeys(joined(base, one) for one in found if one)
    return [File("cover", _name(one), url=one) for one in addresses if fit(one)]


def fit(address: str) -> bool:
    """Whether it may stand in a description: an address of the web, with nobody's e-mail address in it."""
    return is_web(address) and not holds_mail(address)


def _offered(element: Element) -> Iterator[Offer]:
    """Files in the order in which they are believed, with addresses as they stand there."""
    for one in children(element, "enclosure"):
        yield Offer(_file(attribute(one, "url"), attribute(one, "type"), attribute(one, "length")))
    for one in children(element, "link"):
        if attribute(one, "rel") == "enclosure":
            yield Offer(_file(attribute(one, "href"), attribute(one, "type"), attribute(one, "length")))
    groups = [element, *children(element, "media:group")]
    for one in (content for group in groups for content in children(group, "media:content")):
        file = _file(attribute(one, "url"), attribute(one, "type"), attribute(one, "fileSize"))
        yield Offer(
            replace(
                file,
                bitrate=whole(attribute(one, "bitrate"), 1000),
                sample_rate=whole(attribute(one, "samplingrate"), 1000),
                channels=whole(attribute(one, "channels")),
                duration_ms=milliseconds(attribute(one, "duration")),
            )
        )
    for one in children(element, "podcast:alternateEnclosure"):
        integrity = [attribute(each, "value") for each in children(one, "podcast:integrity")]
        for source in children(one, "podcast:source"):
            kind = attribute(source, "contentType") or attribute(one, "type")
            file = _file(attribute(source, "uri"), kind, attribute(one, "length"))
            file = replace(file, bitrate=whole(attribute(one, "bitrate")), codec=_word(attribute(one, "codecs")))
            sha256 = next(filter(None, map(sha256_of, integrity)), "")
            yield Offer(file, sha256, attribute(one, "rel") not in ("", "default"))


def _file(url: str, kind: str, size: str) -> File:
    kind = _word(kind.lower())
    suffix = PurePosixPath(_name(url)).suffix.lower()
    if kind.startswith("audio/") or (kind in _UNSAID and suffix in _AUDIO):
        role = "audio"
    else:
        role = "cover" if kind.startswith("image/") else "booklet" if kind == "application/pdf" else "other"
    return File(role, size=whole(size), media_type=kind, url=url)


def _both(one: Offer, other: Offer) -> Offer:
    """What two places of an item say of one file: what the first leaves open is taken from the second."""
    names = ("size", "media_type", "codec", "bitrate", "sample_rate", "channels", "duration_ms")
    more = {name: getattr(other.file, name) for name in names if not getattr(one.file, name)}
    return replace(one, file=replace(one.file, **more), sha256=one.sha256 or other.sha256)


def _candidate(description: str, one: Offer, licences: tuple[LicenceStatement, ...]) -> Candidate:
    file = one.file
    return Candidate(
        file.url, description, file.role, file.name, file.size, file.media_type, sha256=one.sha256, licences=licences
    )


def _worth(file: File) -> tuple[bool, int, int]:
    return file.media_type in _LOSSLESS, file.size or 0, file.bitrate or 0


def _word(text: str) -> str:
    return "" if holds_mail(text) else clean(text)


def _name(address: str) -> str:
    return clean(address.partition("?")[0].partition("#")[0].rpartition("/")[2])

"""Which values of a feed a description holds, so that the rest can be its remainder and nothing is lost unseen."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import msgspec

from phonolith.model.music import Description, ReleaseDescription, TrackDescription
from phonolith.sources.feed_document import Context, base_of
from phonolith.sources.feed_words import day_of, joined, milliseconds, plain, said_explicit, whole
from phonolith.sources.text import clean


def kept_in(said: Description | None, context: Context, element: Element) -> Callable[[str, str], bool]:
    """A test whether a description holds a value that stands under a name, in a column or in its remainder."""
    if not isinstance(said, TrackDescription | ReleaseDescription):
        return lambda name, value: False
    base = base_of(context, element)
    held = _held(said)
    left = msgspec.json.decode(said.remainder, type=dict[str, list[str]]) if said.remainder else {}

    def test(name: str, value: str) -> bool:
        if clean(value) in left.get(name, ()):
            return True
        kind = _KINDS.get(name.replace("media:group/", ""), "")
        return bool(kind) and _READ[kind](value, base) in held.get(kind, ())

    return test


def _held(said: TrackDescription | ReleaseDescription) -> dict[str, set[str]]:
    """What columns hold, by kind, in the form that :data:`_READ` gives values."""
    files = said.files
    held = {
        "title": {said.title},
        "name": {one.name for one in said.credits},
        "role": {one.role for one in said.credits},
        "genre": set(said.genres),
        "address": {
            *(link.url for link in said.links),
            *(file.url for file in files),
            *(stated.uri for stated in said.licences),
        },
        "licence": {stated.uri for stated in said.licences},
        "media type": {one.media_type for one in files},
        "size": {str(one.size) for one in files},
        "rate": {str(one.bitrate) for one in files},
        "sample rate": {str(one.sample_rate) for one in files},
        "channels": {str(one.channels) for one in files},
        "codec": {one.codec for one in files},
        "name of item": {said.id.partition(" ")[2]},
    }
    if isinstance(said, TrackDescription):
        held |= {
            "day": {said.date},
            "duration": {str(said.duration_ms)},
            "yes or no": {str(said.explicit)},
            "disc": {str(said.disc)},
            "position": {str(said.position)},
        }
    else:
        held |= {"language": {said.language}, "guid": {value for _, value in said.identifiers}}
        held["medium"] = {"music"} if said.kind else set()
    return {kind: values - {"", "None", "0"} for kind, values in held.items()}


#: How a value of a kind is read; given the address that relative ones begin from.
_READ: dict[str, Callable[[str, str], str]] = {
    "title": lambda value, base: plain(value),
    "name": lambda value, base: plain(value),
    "role": lambda value, base: value.strip().lower(),
    "genre": lambda value, base: plain(value),
    "address": lambda value, base: joined(base, value.strip()),
    "licence": lambda value, base: value.strip(),
    "media type": lambda value, base: clean(value.strip().lower()),
    "size": lambda value, base: str(whole(value)),
    "rate": lambda value, base: str(whole(value)),
    "sample rate": lambda value, base: str(whole(value, 1000)),
    "channels": lambda value, base: str(whole(value)),
    "codec": lambda value, base: clean(value.strip()),
    "name of item": lambda value, base: value.strip(),
    "day": lambda value, base: day_of(value),
    "duration": lambda value, base: str(milliseconds(value)),
    "yes or no": lambda value, base: str(said_explicit(value)),
    "disc": lambda value, base: value.strip(),
    "position": lambda value, base: value.strip(),
    "language": lambda value, base: clean(value.strip()),
    "guid": lambda value, base: clean(value.strip()),
    "medium": lambda value, base: value.strip().lower(),
}

#: The kind of what stands under a name; what is not here is held by remainders alone.
_KINDS = {
    **dict.fromkeys(("title", "itunes:title", "media:title"), "title"),
    **dict.fromkeys(("podcast:person", "itunes:author", "dc:creator", "author/name"), "name"),
    **dict.fromkeys(("category", "category@term", "itunes:category@text"), "genre"),
    "itunes:category/itunes:category@text": "genre",
    **dict.fromkeys(("link", "link@href", "enclosure@url", "media:content@url", "media:thumbnail@url"), "address"),
    **dict.fromkeys(("itunes:image@href", "podcast:image@href", "image/url", "podcast:funding@url"), "address"),
    "podcast:alternateEnclosure/podcast:source@uri": "address",
    **dict.fromkeys(("podcast:license", "podcast:license@url", "media:license@href"), "licence"),
    **dict.fromkeys(("cc:license", "cc:license@rdf:resource"), "licence"),
    **dict.fromkeys(
        ("enclosure@type", "link@type", "media:content@type", "podcast:alternateEnclosure@type"), "media type"
    ),
    **dict.fromkeys(("enclosure@length", "link@length", "media:content@fileSize"), "size"),
    "podcast:alternateEnclosure@length": "size",
    "podcast:alternateEnclosure@bitrate": "rate",
    "podcast:alternateEnclosure@codecs": "codec",
    "media:content@samplingrate": "sample rate",
    "media:content@channels": "channels",
    **dict.fromkeys(("itunes:duration", "media:content@duration"), "duration"),
    "podcast:person@role": "role",
    **dict.fromkeys(("guid", "id", "@rdf:about"), "name of item"),
    **dict.fromkeys(("pubDate", "published", "dc:date"), "day"),
    "itunes:explicit": "yes or no",
    **dict.fromkeys(("podcast:season", "itunes:season"), "disc"),
    **dict.fromkeys(("podcast:episode", "itunes:episode", "podcast:trackNumber"), "position"),
    **dict.fromkeys(("language", "dc:language"), "language"),
    "podcast:guid": "guid",
    "podcast:medium": "medium",
}

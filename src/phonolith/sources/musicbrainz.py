"""The source ``musicbrainz``: JSON documents of its web service (WS/2) or JSON dumps, read without asking it anything.

What a handler has put into a column it takes out of the document; what is then left, less what is not ours to pass on,
is the description's remainder. So nothing is dropped by being forgotten, and the round trip measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.music import Description
from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS, Terms
from phonolith.sources.musicbrainz_entities import PLURALS, Document
from phonolith.sources.musicbrainz_parts import Node

#: Keys, at any depth, of what users wrote: CC BY-NC-SA at the source, not ours to pass on.
WITHHELD = ("tags", "user-tags", "genres", "user-genres", "rating", "user-rating", "annotation")

TERMS = Terms(
    metadata_licence="CC0-1.0",
    payload_licences="none: MusicBrainz has no audio",
    publish=(
        "artist/**",
        "release/**",
        "release-group/**",
        "recording/**",
        "label/**",
        "work/**",
        "track/**",
        *(f"{kind}/**" for kind in ("area", "place", "event", "series", "url", "instrument")),
        "isrc/**",
        "discid/**",
        "list/*/**",
        "collection/*/**",
    ),
    private=("**/editor", "collection/editor"),
    withhold=(
        "list/*",
        "collection/*",
        "discid/*",
        "list/collections/**",
        "other/**",
        *(f"**/{key}/**" for key in WITHHELD),
    ),
    rate=1.0,
    contact="https://metabrainz.org/contact",
    credit="Data from MusicBrainz, CC0",
    url="https://musicbrainz.org/",
)

_MARKS = (
    ("release", {"text-representation", "release-events", "barcode", "status-id", "cover-art-archive", "media"}),
    ("release-group", {"primary-type", "secondary-types"}),
    ("label", {"label-code"}),
    ("artist", {"ipis", "gender", "begin-area"}),
    ("track", {"number", "recording"}),
    ("recording", {"video", "isrcs", "first-release-date"}),
    ("work", {"iswcs", "languages"}),
    ("place", {"coordinates", "address"}),
    ("event", {"setlist", "cancelled"}),
    ("url", {"resource"}),
    ("discid", {"offsets", "sectors"}),
    ("isrc", {"isrc"}),
    ("collection", {"entity-type", "editor"}),
)


class MusicBrainzSource:
    """Interprets one document: whatever entities it has, at any depth."""

    title = "MusicBrainz"
    terms = TERMS

    def __init__(self, name: str = "musicbrainz") -> None:
        self.name = name

    def __reduce__(self) -> tuple[Callable[..., MusicBrainzSource], tuple[str]]:
        return MusicBrainzSource, (self.name,)

    def prepared(self, name: str, settings: bytes | None) -> MusicBrainzSource:
        """The source of a collection; its documents explain themselves."""
        return MusicBrainzSource(name)

    def interpret(self, record: Record) -> Iterable[Description]:
        """Artists, releases, tracks and others that the document speaks of, each once, in the order of the document."""
        if record.item == SETTINGS:
            return ()
        root = _decode(record)
        found = Document()
        kind = kind_of(root)
        if kind in ("list", "isrc", "discid", "collection"):
            _lists(found, root, kind)
        elif kind != "other":
            found.entity(kind, root)
        return found.descriptions()

    def document(self, record: Record) -> Any:
        """The document under the name of its kind, so that terms can tell kinds apart."""
        if record.item == SETTINGS:
            return {}
        root = _decode(record)
        return {kind_of(root): root}

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """A document of the same shape, filled from descriptions alone."""
        from phonolith.sources.musicbrainz_back import fill

        return fill(self.document(record), descriptions)


def kind_of(root: Node) -> str:
    """What a document is about: an entity's name, ``list``, ``isrc``, ``discid``, ``collection`` or ``other``."""
    if "releasegroups" in root or "results" in root:
        return "other"  # AcoustID's answers, which resemble these
    for kind, marks in _MARKS:
        if not marks.isdisjoint(root) and ("id" in root or kind == "isrc"):
            return kind
    if any(plural in root for plural in (*PLURALS, "genres", "collections")):
        return "list"
    if "id" in root and "name" in root and "disambiguation" in root:
        return "series"
    return "other"


def _lists(found: Document, root: Node, kind: str) -> None:
    """Every list of entities at the root; an ISRC belongs to the recordings listed under it."""
    for plural, singular in PLURALS.items():
        for one in root.get(plural) or ():
            if kind == "isrc" and singular == "recording":
                one.setdefault("isrcs", [root["isrc"]])
            found.entity(singular, one)


def _decode(record: Record) -> Node:
    try:
        root = msgspec.json.decode(record.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"record {record.source} {record.item}", f"is not JSON: {error}", "Harvest it again") from error
    if not isinstance(root, dict):
        raise BadInput(f"record {record.source} {record.item}", "is not a document of MusicBrainz", "Check the file")
    return root


SOURCE = MusicBrainzSource()

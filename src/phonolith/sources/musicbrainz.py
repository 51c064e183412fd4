"""The source ``musicbrainz``: JSON documents of its dumps and its web service (WS/2), gathered and read.

What a handler has put into a column it takes out of the document; what is then left, less what is not ours to pass on,
is the description's remainder. So nothing is dropped by being forgotten, and the round trip measures it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.frontier import Step, Task
from phonolith.model.music import Description
from phonolith.model.record import Record
from phonolith.sources import musicbrainz_asking as asking
from phonolith.sources.base import Terms
from phonolith.sources.gathering import Question, Wish
from phonolith.sources.musicbrainz_entities import PLURALS, Document
from phonolith.sources.musicbrainz_parts import Node

if TYPE_CHECKING:
    from phonolith.sources.client.answers import Asks

#: Keys, at any depth, of what users wrote: CC BY-NC-SA at the source, not ours to pass on.
WITHHELD = ("tags", "user-tags", "genres", "user-genres", "moods", "user-moods", "rating", "user-rating", "annotation")

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


_ITEM = re.compile(r"([a-z-]+)/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MusicBrainzSource:
    """Gathers documents, and interprets each: whatever entities it has, at any depth."""

    title = "MusicBrainz"
    terms = TERMS
    base = asking.SITE
    options = asking.OPTIONS
    since_option = asking.SINCE

    def __init__(self, name: str = "musicbrainz") -> None:
        self.name = name

    def __reduce__(self) -> tuple[Callable[..., MusicBrainzSource], tuple[str]]:
        return MusicBrainzSource, (self.name,)

    def prepared(self, name: str, settings: bytes | None) -> MusicBrainzSource:
        """The source of a collection; its documents explain themselves."""
        return MusicBrainzSource(name)

    # Asking

    def collection(self, wish: Wish) -> str:
        """One for everything: what a dump, a packet of changes and a look-up say of an entity is of the same thing."""
        return "main"

    def begin(self, wish: Wish, base: str, since: str) -> tuple[Task, ...]:
        """Look-ups, files that are here, packets since a replication sequence, or the latest dump."""
        return asking.first_tasks(wish, base, since)

    def since(self, wish: Wish, high_water: str) -> str:
        """Where dumps were gathered before, the packets since then; look-ups and files are asked for as they are."""
        return "" if wish.get("file") or asking.lookups(wish) else high_water

    def within(self, wish: Wish) -> tuple[str, ...]:
        """The kinds of entity whose dumps are read."""
        return asking.met_whole(wish)

    def ask(self, client: Asks, question: Question) -> AsyncGenerator[Step, None]:
        """Ask one task."""
        from phonolith.sources.musicbrainz_gather import ask

        return ask(client, question)

    # Reading

    def interpret(self, record: Record) -> Iterable[Description]:
        """Artists, releases, tracks and others that the document speaks of, each once, in the order of the document."""
        if record.item.startswith("!"):  # settings, and where a dump came from
            return ()
        root = _decode(record)
        found = Document()
        try:
            kind = _kind(record, root)
            if kind in ("list", "isrc", "discid", "collection"):
                _lists(found, root, kind)
            elif kind != "other":
                found.entity(kind, root)
        except (AttributeError, TypeError, KeyError, ValueError) as error:  # a text where an object belongs, say
            problem = f"is not laid out as MusicBrainz's documents are: {error}"
            raise BadInput(f"record {record.source} {record.item}", problem, "Harvest it again") from error
        return found.descriptions()

    def document(self, record: Record) -> Any:
        """The document under the name of its kind, so that terms can tell kinds apart."""
        if record.item.startswith("!"):
            return {}
        root = _decode(record)
        return {_kind(record, root): root}

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """A document of the same shape, filled from descriptions alone."""
        from phonolith.sources.musicbrainz_back import fill

        return fill(self.document(record), descriptions)


def _kind(record: Record, root: Node) -> str:
    """What a document is about: its item says so where it was gathered as one entity."""
    named = _ITEM.fullmatch(record.item)
    return named[1] if named and named[1] in asking.ENTITIES and "id" in root else kind_of(root)


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

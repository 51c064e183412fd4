"""What MusicBrainz is asked for, and in which words: dumps, packets of changes, files that are here, look-ups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from phonolith.errors import NotFound, StorageError, UsageError
from phonolith.model.frontier import Task
from phonolith.model.ids import is_uuid
from phonolith.sources.gathering import Option, Wish
from phonolith.sources.text import visible

#: Origins, each with its name in the setting ``harvest.origins``.
SITE = "https://musicbrainz.org"
DUMPS = ("musicbrainz-dumps", "https://data.metabrainz.org/pub/musicbrainz/data/json-dumps")
LIVE = ("musicbrainz-live", "https://metabrainz.org/api/musicbrainz")

#: The kinds of entity that are dumped. Recordings have a dump of their own only where they are on no release.
ENTITIES = (
    *("area", "artist", "event", "instrument", "label", "place"),
    *("recording", "release", "release-group", "series", "work"),
)
OPTIONS = (
    Option("entity", "Only this kind of entity of the dumps, as artist. May be repeated.", "KIND", multiple=True),
    Option("file", "A dump that is here, as release.tar.xz. May be repeated.", "FILE", multiple=True),
    Option("lookup", "Look up one entity: release/MBID or its address. May be repeated.", "ENTITY", multiple=True),
    Option("list", "Look up what a file names, one entity a line.", "FILE"),
    Option("token", "A file with your access token of metabrainz.org, for hourly changes.", "FILE"),
)

#: What ``--since`` means here.
SINCE = Option(
    "since", "Only packets of changes after this replication sequence. Default: the last whole harvest's.", "SEQUENCE"
)

_PACKET = re.compile(r"json-dump-(\d{1,12})")
_RELATIONS = "+".join(
    f"{one}-rels" for one in (*ENTITIES[:6], "recording", "release", "release-group", "series", "url", "work")
)
#: What comes along with a look-up. Tags, genres, ratings and annotations are not ours to pass on, so not asked for.
_INCLUDED: Mapping[str, str] = {
    "recording": "aliases+artist-credits+isrcs+work-level-rels",
    "release": "aliases+artist-credits+discids+isrcs+labels+media+recordings+release-groups"
    "+recording-level-rels+work-level-rels",
    "release-group": "aliases+artist-credits",
}


def first_tasks(wish: Wish, base: str, since: str) -> tuple[Task, ...]:
    """What to ask first. Raises UsageError, NotFound (a list that is not there)."""
    named = lookups(wish)
    files = wish.get("file", ())
    if bool(named) + bool(files) + bool(wish.get("entity")) > 1:
        raise UsageError("harvest musicbrainz", "look-ups, files and dumps are harvests of their own", "Ask for one")
    if named:
        return tuple(Task(f"item:{kind}/{mbid}", lookup_address(base, kind, mbid)) for kind, mbid in named)
    if files:
        return tuple(Task(f"file:{Path(one).absolute()}", Path(one).absolute().as_uri()) for one in files)
    entities(wish)
    if since:
        if not since.isdigit():
            raise UsageError(since, "is no replication sequence", "As in --since 123456, or ask for --everything")
        return (Task("packets", f"{LIVE[1]}/replication-info", 0),)
    return (Task("latest", f"{DUMPS[1]}/LATEST", 0),)


def met_whole(wish: Wish) -> tuple[str, ...]:
    """How the items begin of which a run has all: the kinds of its dumps; none, for look-ups and packets."""
    if lookups(wish):
        return ()
    if files := wish.get("file"):
        kinds = {Path(one).name.partition(".")[0] for one in files if packet_of(Path(one)) is None}
        return tuple(f"{kind}/" for kind in ENTITIES if kind in kinds)
    return tuple(f"{kind}/" for kind in entities(wish))


def entities(wish: Wish) -> tuple[str, ...]:
    """The kinds that are wanted. Raises UsageError on one there is not."""
    chosen = wish.get("entity", ())
    if unknown := sorted(set(chosen) - set(ENTITIES)):
        raise UsageError(f"entity {unknown[0]!r}", f"is none of {', '.join(ENTITIES)}", "Choose among these")
    return tuple(kind for kind in ENTITIES if not chosen or kind in chosen)


def lookups(wish: Wish) -> list[tuple[str, str]]:
    """Kinds and MBIDs to be looked up, each once. Raises UsageError, NotFound."""
    named: list[str] = list(wish.get("lookup", ()))
    for one in wish.get("list", ()):
        named += _lines(Path(one))
    return list(dict.fromkeys(map(_entity, named)))


def lookup_address(base: str, kind: str, mbid: str) -> str:
    """The address of a look-up in the web service (WS/2)."""
    included = "+".join(part for part in (_INCLUDED.get(kind, "aliases"), _RELATIONS) if part)
    return f"{base}/ws/2/{kind}/{mbid}?{urlencode({'fmt': 'json', 'inc': included}, safe='+')}"


def packet_of(path: Path) -> str | None:
    """The sequence of the packet of changes that a file belongs to, by its folder; None for a whole dump."""
    found = _PACKET.fullmatch(path.absolute().parent.name)
    return found[1] if found else None


def mark_of(sequence: str) -> str:
    """A replication sequence as a high-water mark: marks are compared as texts."""
    return sequence.strip().zfill(12)


def read_sums(text: str) -> dict[str, str]:
    """SHA-256 by file name, of lines as ``sha256sum`` writes them."""
    found = re.finditer(r"^([0-9a-fA-F]{64}) [ *](\S+)\r?$", text, re.MULTILINE)
    return {one[2]: one[1].lower() for one in found}


def read_sizes(page: str, names: Iterable[str]) -> dict[str, int]:
    """Bytes by file name as a folder's page lists them, exactly or rounded (``1.9G``); it may not list all."""
    found = {}
    for name in names:
        row = re.search(rf'href="[^"]{{0,200}}{re.escape(name)}"[^\n]{{0,500}}', page)
        size = re.search(r"(?<![\w.:-])(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?\s*(?:</\w+>|$|<)", row[0]) if row else None
        if size:
            found[name] = int(float(size[1]) * 1024 ** " KMGT".index(size[2] or " "))
    return found


def _entity(text: str) -> tuple[str, str]:
    """``release/MBID``, ``release:MBID`` or an address, as kind and MBID."""
    path = urlsplit(text.strip()).path if "://" in text else text.strip().replace(":", "/")
    kind, _, mbid = path.strip("/").lower().partition("/")
    if kind not in ENTITIES or not is_uuid(mbid):
        raise UsageError(
            visible(text), "is no entity of MusicBrainz", "As in release/MBID or https://musicbrainz.org/…"
        )
    return kind, mbid


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        raise NotFound(visible(str(path)), "is not there", "Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(visible(str(path)), f"cannot be read: {error}", "Check it") from error

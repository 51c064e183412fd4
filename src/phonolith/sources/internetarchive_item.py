"""Items of archive.org as they are answered: texts, files by where they come from, and which files are one track."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from phonolith.errors import BadInput
from phonolith.model.record import Record
from phonolith.sources.text import LONGEST, clean, holds_mail

#: Audio by the end of a file's name: codec and media type. The Archive's own word for the format is often wrong.
AUDIO: Mapping[str, tuple[str, str]] = {
    "flac": ("flac", "audio/flac"),
    "shn": ("shorten", "audio/x-shorten"),
    "wav": ("pcm", "audio/wav"),
    "aif": ("pcm", "audio/aiff"),
    "aiff": ("pcm", "audio/aiff"),
    "ape": ("ape", "audio/x-ape"),
    "wv": ("wavpack", "audio/x-wavpack"),
    "tta": ("tta", "audio/x-tta"),
    "mp3": ("mp3", "audio/mpeg"),
    "mp2": ("mp2", "audio/mpeg"),
    "ogg": ("vorbis", "audio/ogg"),
    "oga": ("vorbis", "audio/ogg"),
    "opus": ("opus", "audio/ogg"),
    "m4a": ("", "audio/mp4"),
    "aac": ("aac", "audio/aac"),
    "wma": ("wma", "audio/x-ms-wma"),
}
_WHOLE = ("flac", "wav", "aif", "aiff", "shn", "ape", "wv", "tta")  # nothing left out, best supported first
_SOUND = frozenset(("audio", "etree"))
_OWN_FORMATS = frozenset(("Metadata", "Archive BitTorrent"))
_OWN = re.compile(r"_(?:files|meta|reviews|rules)\.(?:xml|sqlite)|_roles\.json|_archive\.torrent")
_DISC_TRACK = re.compile(r"d(\d{1,2})[-_ ]?t(\d{1,3})(?!\d)", re.IGNORECASE)
_DISC = re.compile(r"(?:^|[^a-z])(?:cd|dis[ck])[ _-]?(\d{1,2})(?!\d)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)", re.ASCII)
_SECONDS = re.compile(r"\d{1,7}(?:\.\d+)?", re.ASCII)
_MOST_MS = 7 * 86_400_000
_FLAT = re.compile(r"[-_ ]flat(?:[-_. ]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an item: ``name`` as the Archive has it, ``said`` what is said of it, ``origin`` where it comes from.

    ``original``: somebody put it there; ``derivative``: the Archive's machines made it; ``own``: its papers, torrents.
    """

    name: str
    said: Mapping[str, str]
    origin: str

    @property
    def ending(self) -> str:
        """What follows the last dot of the name, in lower case; "" if nothing does."""
        return self.name.rpartition("/")[2].rpartition(".")[2].lower() if "." in self.name else ""

    @property
    def stem(self) -> str:
        """The name without its ending, folders included."""
        return self.name[: -len(self.ending) - 1] if self.ending else self.name

    @property
    def base(self) -> str:
        """The name without folders and ending."""
        return self.stem.rpartition("/")[2]

    @property
    def private(self) -> bool:
        """Whether the Archive gives it to nobody."""
        return self.said.get("private", "").lower() == "true"


@dataclass(frozen=True, slots=True)
class Item:
    """What the Archive says of an item. ``texts``: the values of each field of its metadata, fit for columns."""

    identifier: str
    root: Mapping[str, Any]
    texts: Mapping[str, tuple[str, ...]]
    entries: tuple[Entry, ...]

    @property
    def is_sound(self) -> bool:
        """Whether it is an item of sound that the Archive shows."""
        return self.first("mediatype") in _SOUND and not self.root.get("is_dark")

    @property
    def page(self) -> str:
        """The address of its page."""
        return f"https://archive.org/details/{self.identifier}"

    def first(self, name: str) -> str:
        """The first value of a field, "" if it has none."""
        return next(iter(self.texts.get(name, ())), "")

    def address(self, name: str) -> str:
        """Where a file is."""
        return f"https://archive.org/download/{self.identifier}/{quote(name)}"

    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Who did what, where the Archive says so: ``performer``, ``writer`` …"""
        said = self.root.get("roles")
        return {clean(role): texts_of(names) for role, names in said.items()} if isinstance(said, Mapping) else {}

    def limits(self) -> tuple[str, ...]:
        """What the Archive or the uploader forbids with all of it."""
        collections = self.texts.get("collection", ())
        marks = {
            "stream-only": "stream_only" in collections,
            "no-download": _yes(self.root.get("nodownload")),
            "restricted": self.first("access-restricted-item") == "true" or "samples_only" in collections,
            "private": self.first("noindex") == "true",
        }
        return tuple(sorted(name for name, there in marks.items() if there))

    def document(self) -> dict[str, Any]:
        """The record as a tree that its terms can be about: files by origin, and people's bookmarks apart."""
        metadata = dict(self.root["metadata"])
        collections = listed(metadata.get("collection", ()))
        metadata["collection"] = [one for one in collections if not _is_bookmark(one)]
        files: dict[str, list[Any]] = {"original": [], "derivative": [], "own": []}
        for one in _files(self.root):
            files[_origin(one, self.identifier)].append(one)
        return {
            **{name: value for name, value in self.root.items() if name not in ("metadata", "files")},
            "metadata": metadata,
            "favourites": [one for one in collections if _is_bookmark(one)],
            "files": files,
        }


@dataclass(frozen=True, slots=True)
class Side:
    """The original files of one track, best first, and what the derivatives of them say."""

    entries: tuple[Entry, ...]
    heard: tuple[Mapping[str, str], ...]
    disc: int
    position: int

    @property
    def lead(self) -> Entry:
        """The best of them."""
        return self.entries[0]

    @property
    def open(self) -> Entry | None:
        """The best of those that are given out."""
        return next((one for one in self.entries if not one.private), None)

    def word(self, *names: str) -> str:
        """What the files say under the first of these names, the best file first, derivatives last."""
        said = [*(one.said for one in self.entries), *self.heard]
        return next((value for name in names for one in said if (value := one.get(name, ""))), "")


def read_item(record: Record) -> Item:
    """The item of a record. Raises BadInput."""
    subject = f"record {record.source} {record.item}"
    try:
        root = msgspec.json.decode(record.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(subject, f"is not JSON: {error}", "Harvest it again") from error
    if not isinstance(root, dict) or not isinstance(root.get("metadata"), dict):
        raise BadInput(subject, "is no item of archive.org", "Harvest it again")
    texts = {clean(name): texts_of(value) for name, value in root["metadata"].items()}
    texts["collection"] = tuple(one for one in texts.get("collection", ()) if not _is_bookmark(one))
    entries = []
    for one in _files(root):
        if (origin := _origin(one, record.item)) != "own":
            said = {clean(key): text for key, stated in one.items() if (text := _first(stated))}
            entries.append(Entry(one["name"], said, origin))
    return Item(record.item, root, texts, tuple(entries))


def sides(item: Item) -> list[Side]:
    """The tracks of an item, in order, each with the files that hold it.

    Files of one name in several formats are one track: what leaves nothing out goes first, then the larger. So are
    transfers of one side of a record by several needles: they say the same of album, artist and track, begin with
    ``_`` and have no title. The one with a title is the transfer an engineer chose, and goes first; where there is
    none, equalised ones go before flat ones.
    """
    files = [one for one in item.entries if one.origin == "original" and one.ending in AUDIO]
    by_stem: dict[str, list[Entry]] = defaultdict(list)
    for one in files:
        by_stem[one.stem].append(one)
    groups: dict[tuple[str, ...], list[Entry]] = {}
    chosen = {_side(some): stem for stem, some in by_stem.items() if some[0].said.get("title") and _side(some)}
    for stem, some in by_stem.items():
        same = _side(some) if some[0].base.startswith("_") and not some[0].said.get("title") else ()
        key = ("stem", chosen[same]) if same in chosen else ("side", *same) if same else ("stem", stem)
        groups.setdefault(key, []).extend(some)
    ordered = sorted(
        (sorted(some, key=_preference) for some in groups.values()), key=lambda some: _natural(some[0].name)
    )
    return _numbered(ordered, _derived(item))


def listed(value: Any) -> list[Any]:
    """A value that may be one or a list of them, as a list."""
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def texts_of(value: Any) -> tuple[str, ...]:
    """The texts of a value, fit for columns; those with an e-mail address in them are left out."""
    if isinstance(value, str):  # nearly always
        text = clean(value)
        return (text,) if text.strip() and not holds_mail(value) else ()
    plain = (str(one) for one in listed(value) if isinstance(one, str | int | float) and not holds_mail(one))
    return tuple(text for one in plain if (text := clean(one)).strip())


def _first(value: Any) -> str:
    """The first of :func:`texts_of`, "" if there is none."""
    if type(value) is str and value.isprintable() and len(value) <= LONGEST and "@" not in value:  # nearly always
        return "" if value.isspace() else value
    return next(iter(texts_of(value)), "")


def whole(text: str) -> int | None:
    """A whole number as it is written in ASCII, None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def milliseconds(text: str) -> int | None:
    """``337.18``, ``05:37`` or ``1:05:37`` in milliseconds; None for what is none, and for none at all."""
    if clock := _CLOCK.fullmatch(text):
        seconds = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    else:
        seconds = float(text) if _SECONDS.fullmatch(text) else 0.0
    found = round(seconds * 1000)
    return found if 0 < found <= _MOST_MS else None


def _files(root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    files = root.get("files")
    return (one for one in files if isinstance(one, Mapping)) if isinstance(files, list) else iter(())


def _origin(said: Mapping[str, Any], identifier: str) -> str:
    name = said.get("name")
    if not isinstance(name, str) or not name or holds_mail(name):  # nothing of it can be told without its name
        return "own"
    papers = name.startswith(identifier) and _OWN.fullmatch(name[len(identifier) :])
    if papers or said.get("source") == "metadata" or str(said.get("format")) in _OWN_FORMATS:
        return "own"
    return "original" if said.get("source") == "original" else "derivative"


def _is_bookmark(collection: object) -> bool:
    return isinstance(collection, str) and collection.startswith("fav-")


def _yes(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _side(some: Sequence[Entry]) -> tuple[str, ...]:
    """What all transfers of one side of a record say alike; () where too little is said to tell."""
    said = some[0].said
    found = tuple(said.get(name, "") for name in ("album", "artist", "track"))
    return found if found[0] and found[2] else ()


def _preference(one: Entry) -> tuple[Any, ...]:
    kind = _WHOLE.index(one.ending) if one.ending in _WHOLE else len(_WHOLE)
    size = whole(one.said.get("size", "")) or 0
    lossy = one.ending not in _WHOLE
    return one.base.startswith("_"), bool(_FLAT.search(one.base)), lossy, kind if not lossy else -size, one.name


def _natural(name: str) -> list[tuple[int, str]]:
    """Order of names in which 2 comes before 10."""
    parts = re.split(r"([0-9]+)", name)
    return [(int(part[-18:]), "") if place % 2 else (-1, part.casefold()) for place, part in enumerate(parts)]


def _derived(item: Item) -> Mapping[str, list[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for one in item.entries:
        if one.origin == "derivative" and "original" in one.said:
            found[one.said["original"]].append(one.said)
    return found


def _numbered(groups: Iterable[Sequence[Entry]], derived: Mapping[str, list[Mapping[str, str]]]) -> list[Side]:
    """Sides with disc and position: from names like ``d1t02``, else from folders and tags, else by their order."""
    found = []
    for some in groups:
        heard = tuple(said for one in some for said in derived.get(one.name, ()))
        match, folder = _DISC_TRACK.search(some[0].base), _DISC.search(some[0].stem.rpartition("/")[0])
        side = Side(tuple(some), heard, 1, 0)
        number = side.word("track").partition("/")[0].strip()
        position = int(match[2]) if match else (whole(number) or 0) if len(number) < 5 else 0
        found.append(Side(side.entries, heard, int(match[1]) if match else int(folder[1]) if folder else 1, position))
    places = [(one.disc, one.position) for one in found]
    if len(set(places)) == len(places) and all(position for _, position in places):
        return sorted(found, key=lambda one: (one.disc, one.position))
    counts: dict[int, int] = defaultdict(int)
    numbered = []
    for one in found:
        counts[one.disc] += 1
        numbered.append(Side(one.entries, one.heard, one.disc, counts[one.disc]))
    return numbered

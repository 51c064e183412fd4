"""The way back from descriptions to an item of archive.org: remainders and the round trip are measured by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from phonolith.model.music import Description, File, Level, ReleaseDescription, TrackDescription
from phonolith.sources.internetarchive_item import Item, listed, milliseconds, whole
from phonolith.sources.internetarchive_terms import published
from phonolith.sources.text import clean, holds_mail

#: Schemes of identifiers that have another name here than there.
SCHEMES: Mapping[str, str] = {
    "mb_release_id": "mbid.release",
    "mb_recording_id": "mbid.recording",
    "mb_releasegroup_id": "mbid.release-group",
    "mb_artist_id": "mbid.artist",
}
#: The Archive's words for formats that codec and depth, or the media type, tell.
_FORMATS: Mapping[str, tuple[str, int | None]] = {
    "Shorten": ("shorten", None),
    "Flac": ("flac", None),
    "24bit Flac": ("flac", 24),
    "VBR MP3": ("mp3", None),
    "Ogg Vorbis": ("vorbis", None),
    "WAVE": ("pcm", None),
    "JPEG": ("image/jpeg", None),
    "PNG": ("image/png", None),
    "Text": ("text/plain", None),
    "Text PDF": ("application/pdf", None),
}
_NUMBER = "collection-catalog-number"
_THEIRS = {ours: theirs for theirs, ours in SCHEMES.items()}


def fill(document: Mapping[str, Any], descriptions: Iterable[Description]) -> dict[str, Any]:
    """A tree of the document's shape: each leaf is there if a column or a remainder holds it for its name, else None.

    Derivatives are held where they repeat what is said of the track that they were made from.
    """
    said = list(descriptions)
    release = next((one for one in said if isinstance(one, ReleaseDescription)), None)
    if release is None:
        return {}
    tracks = [one for one in said if isinstance(one, TrackDescription)]
    left = _left([release, *tracks])
    told, roles = _metadata(release), _roles(release)
    owners: tuple[ReleaseDescription | TrackDescription, ...] = (release, *tracks)
    files = {name: one for owner in owners for name, one in _files(release, owner).items()}
    return {
        "metadata": _parts(document, "metadata", told, left),
        "roles": _parts(document, "roles", roles, left),
        "files": {
            kind: [_leaves(kind, one, files.get(_name(one, by)), left) for one in document["files"][kind]]
            for kind, by in _NAMED_BY
        },
    }


def remainders(
    item: Item, release: ReleaseDescription, tracks: Sequence[TrackDescription]
) -> tuple[ReleaseDescription, list[TrackDescription]]:
    """The descriptions with what is to publish and no column holds, each with what is about it."""
    document = item.document()
    told = {"metadata": _metadata(release), "roles": _roles(release)}
    owners: dict[str, tuple[int, _Held]] = {}
    everything: tuple[ReleaseDescription | TrackDescription, ...] = (release, *tracks)
    for place, owner in enumerate(everything, -1):
        owners |= {name: (place, held) for name, held in _files(release, owner).items()}
    rest: list[dict[str, Any]] = [{} for _ in tracks]
    own: dict[str, Any] = {
        part: found
        for part in ("metadata", "roles")
        if (found := _unheld(part, _object(document.get(part)), _parts(document, part, told[part], _NOTHING_LEFT)))
    }
    for kind, by in _NAMED_BY:
        for one in document["files"][kind]:
            place, held = owners.get(_name(one, by), _NO_OWNER)
            words = _unsaid(kind, one, held)
            if words and not holds_mail(one.get("name")):
                (own if place < 0 else rest[place]).setdefault("files", {})[_name(one, "name")] = words
    _say_once(own, [own.get("files", {}), *(one.get("files", {}) for one in rest)])
    return replace(release, remainder=_json(own)), [
        replace(one, remainder=_json(some)) for one, some in zip(tracks, rest, strict=True)
    ]


def _say_once(own: dict[str, Any], parts: Sequence[dict[str, dict[str, str]]]) -> None:
    """Move what most files say alike to the release's remainder, as ``each``; a file's own word goes before it."""
    files = [words for part in parts for words in part.values()]
    counted = Counter(pair for words in files for pair in words.items())
    each: dict[str, str] = {}
    for (name, value), count in counted.most_common():
        if count > 1 and name not in each:
            each[name] = value
    for words in files:
        for name in [name for name, value in words.items() if each.get(name) == value]:
            del words[name]
    for part in parts:
        for name in [name for name, words in part.items() if not words]:
            del part[name]
    if each:
        own["each"] = each


#: Files that are looked at, and by which of their leaves a track or release has them.
_NAMED_BY = (("original", "name"), ("derivative", "original"))


@dataclass(frozen=True, slots=True)
class _Held:
    """What descriptions hold of a file and of the track or release it belongs to."""

    file: File
    title: str
    album: str
    names: frozenset[str]
    numbers: frozenset[str]
    genres: frozenset[str]
    duration: int | None
    labels: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    def says(self, name: str, value: str) -> bool:
        """Whether they hold this value of the file's leaf ``name``."""
        match name:
            case "name" | "original":
                return value == self.file.name
            case "source":
                return value == "original"
            case "size":
                return whole(value) is not None and whole(value) == self.file.size
            case "private":
                return (value.lower() == "true") == (not self.file.url)
            case "bitrate":
                return self.file.bitrate is not None and whole(value) == self.file.bitrate // 1000
            case "length":
                found = milliseconds(value)
                return found is not None and found in (self.file.duration_ms, self.duration)
            case "title":
                return value == self.title
            case "album":
                return value in (self.album, self.title)
            case "creator" | "artist":
                return all(part.strip() in self.names for part in value.split(";"))
            case "track":
                return value in self.numbers or str(whole(value)) in self.numbers
            case "genre":
                return value in self.genres
            case "format":
                return _FORMATS.get(value) == (self.file.codec or self.file.media_type, self.file.bit_depth)
            case "publisher":
                return value in self.labels
            case "external-identifier":
                return any(_urn(pair) == value for pair in self.pairs)
            case "matrix_number":
                return ("matrix_no", value) in self.pairs
            case "collection-catalog-number":
                return (name, value) in self.pairs
        return False


_NO_OWNER: tuple[int, _Held | None] = (-1, None)
_NOTHING_LEFT: Mapping[str, Mapping[str, Any]] = {"metadata": {}, "roles": {}}


def _parts(
    document: Mapping[str, Any], part: str, told: Mapping[str, set[str]], left: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """A part of the document whose values are there if they are told, or left for the remainder."""
    return {
        name: _like(said, _among(told.get(name, ()), left[part].get(clean(name), ())))
        for name, said in _object(document.get(part)).items()
    }


def _files(release: ReleaseDescription, owner: ReleaseDescription | TrackDescription) -> dict[str, _Held]:
    credits, genres, title, numbers, duration = release.credits, release.genres, "", frozenset[str](), None
    pairs = {*release.identifiers, *owner.identifiers}
    if isinstance(owner, TrackDescription):
        credits, genres, title = owner.credits or credits, owner.genres or genres, owner.title
        pairs |= {("isrc", one) for one in owner.isrcs}
        numbers = frozenset((owner.number, str(owner.position))) - {""}
        duration = owner.duration_ms
    names, labels = frozenset(one.name for one in credits), frozenset(one.name for one in release.labels)
    shared = title, release.title, names, numbers, frozenset(genres), duration, labels, frozenset(pairs)
    return {one.name: _Held(one, *shared) for one in owner.files}


def _metadata(release: ReleaseDescription) -> dict[str, set[str]]:
    stated = {one.uri for one in release.licences if one.level >= Level.PLATFORM}
    barcode = (("upc", release.barcode),) if release.barcode else ()
    return {
        "identifier": {release.id},
        "title": {release.title},
        "creator": {one.name for one in release.credits},
        "date": {release.date},
        "year": {release.date[:4]},
        "publisher": {one.name for one in release.labels},
        "language": {release.language},
        "genre": set(release.genres),
        "external-identifier": {_urn(one) for one in (*release.identifiers, *barcode)},
        "collection-catalog-number": {value for scheme, value in release.identifiers if scheme == _NUMBER},
        "licenseurl": stated,
        "rights": stated,
        "collection": {"stream_only"} if "stream-only" in release.limits else set(),
    }


def _roles(release: ReleaseDescription) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in release.credits:
        found.setdefault(one.role or "performer", set()).add(one.name)
    return found


def _urn(pair: tuple[str, str]) -> str:
    scheme, value = pair
    return value if scheme == "external-identifier" else f"urn:{_THEIRS.get(scheme, scheme)}:{value}"


def _leaves(
    kind: str, shape: Mapping[str, Any], held: _Held | None, left: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    rest = {**left["each"], **left["files"].get(_name(shape, "name"), {})}

    def there(name: str) -> Callable[[str], bool]:
        return lambda value: rest.get(clean(name)) == value or (held is not None and held.says(name, value))

    return {
        name: _like(value, there(name)) if published("files", kind, name) else None for name, value in shape.items()
    }


def _like(value: Any, there: Callable[[str], bool]) -> Any:
    """The value, or each of a list of them, where it is there; None where it is not."""
    if isinstance(value, list):
        return [_like(one, there) for one in value]
    text = clean(str(value)) if isinstance(value, str | int | float) else ""
    return text if text and there(text) else None


def _among(told: Iterable[str], left: Iterable[str]) -> Callable[[str], bool]:
    known = {*told, *left}
    return lambda value: value in known


def _unsaid(kind: str, said: Mapping[str, Any], held: _Held | None) -> dict[str, str]:
    """What of a file is to be published and neither its track nor its release has, by name: of a list the first."""
    words: dict[str, str] = {}
    for name, stated in said.items():
        if published("files", kind, name):
            for one in (stated,) if type(stated) is str else listed(stated):
                if _is_plain(one) and (text := clean(str(one))).strip() and not (held and held.says(name, text)):
                    words[clean(name)] = text
                    break
    return words


def _unheld(part: str, said: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, list[str]]:
    """Values of a part of the document that are to be published and are not held, by name."""
    found: dict[str, list[str]] = {}
    for name, value in said.items():
        if published(*part.split("/"), name):
            pairs = zip(listed(value), listed(held[name]) or [None], strict=False)
            texts = [
                clean(str(one)) for one, back in pairs if back is None and _is_plain(one) and clean(str(one)).strip()
            ]
            if texts:
                found[clean(name)] = texts
    return found


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not holds_mail(value)


def _name(said: Mapping[str, Any], by: str) -> str:
    return clean(str(said.get(by, "")))


def _left(said: Iterable[ReleaseDescription | TrackDescription]) -> dict[str, dict[str, Any]]:
    """What remainders hold, all of them together."""
    found: dict[str, dict[str, Any]] = {"metadata": {}, "roles": {}, "each": {}, "files": {}}
    for one in said:
        if one.remainder:
            for part, words in msgspec.json.decode(one.remainder).items():
                found[part].update(words)
    return found


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _json(left: Mapping[str, Any]) -> str:
    said = {name: value for name, value in left.items() if value}
    return msgspec.json.encode(said, order="sorted").decode() if said else ""

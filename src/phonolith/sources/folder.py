"""The source ``folder``: what tags, a sidecar and the names of files and folders say about a person's own files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.music import (
    Credit,
    Description,
    File,
    Label,
    Level,
    LicenceStatement,
    Link,
    Medium,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.record import Record
from phonolith.sources import folder_records as records
from phonolith.sources.base import SETTINGS, Terms
from phonolith.sources.cells import is_address
from phonolith.sources.sidecar import words
from phonolith.sources.text import LONGEST, clean, holds_mail

VARIOUS = "Various Artists"

#: Tags that a release is described by, under the names that formats give them.
RELEASE_TAGS: Mapping[str, tuple[str, ...]] = {
    "album": ("album",),
    "albumartist": ("albumartist",),
    "artist": ("artist",),
    "year": ("year",),
    "label": ("label", "publisher", "organization"),
    "catalogue_number": ("catalognumber", "catalog number", "catalognum", "catalog #", "catalogid"),
    "barcode": ("barcode", "upc", "ean"),
    "compilation": ("compilation", "tcmp", "cpil"),
    "kind": ("releasetype", "musicbrainz album type", "musicbrainz_albumtype"),
    "country": ("releasecountry", "musicbrainz album release country"),
    "mbid": ("musicbrainz_albumid", "musicbrainz album id"),
    "group": ("musicbrainz_releasegroupid", "musicbrainz release group id"),
}
#: Tags that a track is described by.
TRACK_TAGS: Mapping[str, tuple[str, ...]] = {
    "title": ("title",),
    "artist": ("artist",),
    "track": ("track",),
    "disc": ("disc",),
    "year": ("year",),
    "genre": ("genre",),
    "composer": ("composer",),
    "lyricist": ("lyricist", "writer", "text"),
    "remixer": ("remixer", "mixartist"),
    "isrc": ("isrc", "tsrc"),
    "explicit": ("itunesadvisory", "rtng"),
    "mbid.recording": ("musicbrainz_trackid", "musicbrainz track id"),
    "mbid.track": ("musicbrainz_releasetrackid", "musicbrainz release track id"),
    "acoustid": ("acoustid_id", "acoustid id"),
}
#: Tags that are passed on though no column holds them.
KEPT_TAGS = (
    "track_total",
    "disc_total",
    "bpm",
    "key",
    "initialkey",
    "mood",
    "language",
    "grouping",
    "movement",
    "work",
    "subtitle",
    "copyright",
)

_KNOWN_TAGS = sorted(
    {n for some in (RELEASE_TAGS, TRACK_TAGS) for names in some.values() for n in names} | {*KEPT_TAGS}
)
_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
_EXPLICIT = {"1": True, "4": True, "2": False}
_LEADING_NUMBER = re.compile(r"(?:(\d)[-.])?(\d{1,3})(?:\s*[-._)]\s*|\s+)(?=\D)")
#: The end of an album tag that only tells the disc: ``Hav (disc 1)``.
DISC_IN_ALBUM = re.compile(r"[\s._-]*[(\[]?\b(?:cd|dis[ck])[\s._#-]*\d{1,2}\b[)\]]?\s*$", re.IGNORECASE)
_OTHERS_WORK = re.compile(r"\b(?:remix|rmx|bootleg|mash-?up|cover (?:of|version))\b|\bcover\)", re.IGNORECASE)
_UFID = "http://musicbrainz.org\0"

TERMS = Terms(
    metadata_licence="",
    payload_licences="a licence file and a sidecar that came with the files, or a licence tag in a file",
    publish=(
        *("release", "disc", "path", "folder", "discs", "album", "file/*", "files/*", "audio/*", "licences/*"),
        *("said/count", "sidecar/row/*", "tags/licence", "tags/license", "tags/license url", "tags/wcop"),
        *(f"{place}/{name}" for place in ("tags", "said/tags") for name in _KNOWN_TAGS),
    ),
    private=("root", "tags/owne", "tags/ownr", "tags/apid", "tags/purd", "tags/itunesownr", "tags/user*", "tags/email"),
    withhold=(
        "kind",
        "title",
        "audio/format",
        "files/kind",
        "covers/**",
        "sidecar/file",
        "sidecar/digest",
    ),  # our notes
)


class FolderSource:
    """Interprets the records of harvested folders. :meth:`prepared` adds what a collection is called."""

    title = "Folders of audio files"
    terms = TERMS

    def __init__(self, name: str = "folder", collection: str = "") -> None:
        self.name = name
        self._collection = collection

    def __reduce__(self) -> tuple[Callable[..., FolderSource], tuple[str, str]]:
        return FolderSource, (self.name, self._collection)

    def prepared(self, name: str, settings: bytes | None) -> FolderSource:
        """The source of the collection ``name``, which its settings may give a title."""
        payload = _decode(name, SETTINGS, settings) if settings else None
        return FolderSource(name, payload.title if isinstance(payload, records.Collection) else "")

    def interpret(self, record: Record) -> Iterable[Description]:
        """A track for an audio file's record, a release for a folder's."""
        payload = _decode(record.source, record.item, record.payload)
        if isinstance(payload, records.Track):
            return (_track(record.item, payload, record.time),)
        if isinstance(payload, records.Release):
            return (_release(record.item, payload, self._collection),)
        return ()

    def document(self, record: Record) -> Any:
        """The payload: what the round trip is measured against. Tags of a release are measured in its own record."""
        payload = records.plain(_decode(record.source, record.item, record.payload))
        if payload["kind"] == "track":
            payload["tags"] = {n: v for n, v in payload.get("tags", {}).items() if n not in _OF_RELEASE_ONLY}
        return payload

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """The payload again, from descriptions alone."""
        from phonolith.sources.folder_back import payload_of

        return payload_of(self.document(record), descriptions)


def _track(item: str, said: records.Track, seen: str) -> TrackDescription:
    row = words(said.sidecar.row) if said.sidecar else {}
    tags = said.tags
    stem = said.file.name.rpartition("/")[2].rpartition(".")[0] or said.file.name
    number = _LEADING_NUMBER.match(stem)
    title = row.get("title") or first(tags, TRACK_TAGS["title"])
    credits = _track_credits(row, tags)
    disc = _count(row.get("disc") or first(tags, ("disc",))) or said.disc or (int(number[1] or 0) if number else 0)
    position = _count(row.get("position") or first(tags, ("track",)))
    shown = clean(title or (stem[number.end() :] if number else stem).replace("_", " "))
    return TrackDescription(
        id=item,
        title=shown,
        release=said.release,
        credits=credits,
        disc=disc or 1,
        position=position or (int(number[2]) if number else 0),
        duration_ms=said.audio.duration_ms,
        isrcs=tuple(_split(row.get("isrc", "")) or _split_all(tags, TRACK_TAGS["isrc"])),
        date=clean(row.get("date") or first(tags, ("year",))),
        explicit=_EXPLICIT.get(first(tags, TRACK_TAGS["explicit"])),
        genres=tuple(_split(row.get("genre", "")) or _split_all(tags, ("genre",))),
        identifiers=_identifiers(tags),
        links=tuple(Link("source", clean(u)) for u in [row.get("source", "")] if is_address(u)),
        licences=tuple(_stated(s, said, seen) for s in said.licences),
        files=(_audio_file(said),),
        popularity=_amount(row.get("popularity", "")),
        composition_by_others=bool(_OTHERS_WORK.search(shown)) or _by_others(credits),
        remainder=_remainder(said),
    )


def _stated(one: records.Statement, said: records.Track, seen: str) -> LicenceStatement:
    """A statement with when it was seen; what a tag says is shown by the file that has it."""
    return LicenceStatement(one.uri, Level(one.level), one.by, one.where, seen, one.digest or said.file.sha256)


def _audio_file(said: records.Track) -> File:
    audio, file = said.audio, said.file
    return File(
        "audio", clean(file.name), file.sha256, file.size, file.media_type, "", clean(file.problem), audio.codec,
        audio.bitrate, audio.sample_rate, audio.channels, audio.bit_depth, audio.duration_ms,
    )  # fmt: skip


def _release(item: str, said: records.Release, collection: str) -> ReleaseDescription:
    votes = _Votes(said.said)
    folder = said.folder.rpartition("/")[2] or collection or "Untitled"
    artist = votes.most("albumartist")
    artists = votes.distinct("artist")
    compilation = votes.most("compilation") not in ("", "0", "false", "no")
    if not artist and artists:
        artist = votes.majority("artist") or VARIOUS if not compilation else VARIOUS
    label, number = votes.most("label"), votes.most("catalogue_number")
    mbid = votes.most("mbid")
    kind = clean(votes.most("kind")).lower() or ("compilation" if compilation or artist == VARIOUS else "")
    album = said.album or votes.most("album")
    title = (DISC_IN_ALBUM.sub("", album) if len(said.discs) > 1 else album) or folder
    beside = votes.beside(title, artist, kind == "compilation")
    return ReleaseDescription(
        id=item,
        title=clean(title),
        credits=(Credit(clean(artist)),) if artist else (),
        date=clean(votes.most("year")),
        country=clean(votes.most("country")),
        barcode=clean(votes.most("barcode")),
        labels=(Label(clean(label), "", clean(number)),) if label or number else (),
        kind=kind,
        group=clean(votes.most("group")),
        media=tuple(Medium(position, "", clean(name)) for position, name in said.discs),
        identifiers=(("mbid.release", clean(mbid)),) if mbid else (),
        files=tuple(
            File(f.role, clean(f.name), f.sha256, f.size, f.media_type, problem=clean(f.problem)) for f in said.files
        ),
        remainder=_encode({"said": beside}) if beside else "",
    )


class _Votes:
    """What the files of a release say about it: of different answers the most frequent, then the first, counts."""

    def __init__(self, said: list[records.Said]) -> None:
        self._said = said

    def most(self, word: str) -> str:
        counted = self._counted(word)
        return max(counted, key=lambda value: counted[value]) if counted else ""

    def distinct(self, word: str) -> list[str]:
        return list(self._counted(word))

    def majority(self, word: str) -> str:
        """The answer of more than half of all files, "" if there is none."""
        value = self.most(word)
        return value if self._counted(word)[value] * 2 > sum(one.count for one in self._said) else ""

    def beside(self, title: str, artist: str, compilation: bool) -> list[dict[str, Any]]:
        """What single files say that the columns do not, for the remainder."""
        held = {word: self.most(word) for word in RELEASE_TAGS}
        held["album"], held["artist"] = title, artist
        held["compilation"] = "1" if compilation else ""
        differing = [(one, {n: v for n, v in one.tags.items() if v != [held[_RELEASE_WORDS[n]]]}) for one in self._said]
        return [{"tags": left, "count": one.count} for one, left in differing if left]

    def _counted(self, word: str) -> Counter[str]:
        counted: Counter[str] = Counter()
        for one in self._said:
            if value := first(one.tags, RELEASE_TAGS[word]):
                counted[value] += one.count
        return counted


_OF_RELEASE_ONLY = {name for names in RELEASE_TAGS.values() for name in names} - {
    name for names in TRACK_TAGS.values() for name in names
}
_RELEASE_WORDS = {name: word for word, names in RELEASE_TAGS.items() for name in names}


def first(tags: records.Tags, names: Iterable[str]) -> str:
    """The first value of the first of these tags that has one; what is too long to be a value is none."""
    return next((value for name in names for value in tags.get(name, ()) if 0 < len(value) <= LONGEST), "")


def _track_credits(row: Mapping[str, str], tags: records.Tags) -> tuple[Credit, ...]:
    """Artists in order, then composer, lyricist and remixer under their roles."""
    names = _split(row.get("artist", "")) or list(dict.fromkeys(v for v in tags.get("artist", ()) if v))
    found = [Credit(clean(name), "", ", " if at < len(names) - 1 else "") for at, name in enumerate(names)]
    if not found:
        return ()
    for role in ("composer", "lyricist", "remixer"):
        given = _split(row.get(role, "")) or _split_all(tags, TRACK_TAGS[role])
        found += [Credit(name, "", "", role) for name in given]
    return tuple(found)


def _by_others(credits: tuple[Credit, ...]) -> bool:
    names = {credit.name.casefold() for credit in credits if not credit.role}
    return any(credit.role and credit.name.casefold() not in names for credit in credits)


def _identifiers(tags: records.Tags) -> tuple[tuple[str, str], ...]:
    found = [(s, clean(v)) for s in ("mbid.recording", "mbid.track", "acoustid") if (v := first(tags, TRACK_TAGS[s]))]
    ufid = first(tags, ("ufid",))
    if ufid.startswith(_UFID) and not any(scheme == "mbid.recording" for scheme, _ in found):
        found.insert(0, ("mbid.recording", clean(ufid.removeprefix(_UFID))))
    return tuple(found)


def _remainder(said: records.Track) -> str:
    """Publishable tags and cells that no column holds."""
    tags = {name: values for name in KEPT_TAGS if (values := said.tags.get(name)) and not any(map(holds_mail, values))}
    tags |= {name: some for name in ("track", "disc") if (some := said.tags.get(name)) and not _count(some[0])}
    return _encode({"tags": tags}) if tags else ""


def _split(text: str) -> list[str]:
    return [clean(part.strip()) for part in text.split(";") if part.strip()]


def _split_all(tags: records.Tags, names: Iterable[str]) -> list[str]:
    found = [part for name in names for value in tags.get(name, ()) for part in _split(value)]
    return list(dict.fromkeys(found))


def _count(text: str) -> int:
    """``3``, ``03`` or ``3/12`` as 3; 0 for anything else."""
    head = text.partition("/")[0].strip()
    return int(head) if head.isascii() and head.isdecimal() and len(head) < 6 else 0


def _amount(text: str) -> float | None:
    """A number that is not negative, None for anything else."""
    return float(text) if _AMOUNT.fullmatch(text.strip()) else None


def _decode(source: str, item: str, payload: bytes) -> records.Payload:
    try:
        return records.decode(payload)
    except msgspec.MsgspecError as error:
        raise BadInput(f"record {source} {item}", f"is not one of a folder: {error}", "Harvest it again") from error


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


SOURCE = FolderSource()

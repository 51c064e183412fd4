"""What items of archive.org say: a release with its files and licences, and a track for each recording in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    Origin,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.record import Record
from phonolith.sources.internetarchive_back import SCHEMES, remainders
from phonolith.sources.internetarchive_item import AUDIO, Entry, Item, Side, milliseconds, sides, texts_of, whole
from phonolith.sources.media import ROLES, Candidate
from phonolith.sources.text import clean

#: Fields that have a date, by what it is the date of.
_DATED = {
    "date": ("date",),
    "recorded": ("recording-date", "recording_date", "date-recorded", "date_recorded"),
    "published": ("release-date", "release_date", "publication-date", "publication_date", "date-published"),
}
_NUMBER = "collection-catalog-number"
_WRITING = ("writer", "composer", "lyricist", "author", "songwriter", "arranger")
_WRITER = re.compile(r"<b>\s*(?:writer|composer|lyricist|songwriter)s?\s*:?\s*</b>", re.IGNORECASE)
_OTHERS_WORK = re.compile(r"\b(?:remix|rmx|bootleg|mash-?up|cover (?:of|version))\b|\bcover\)", re.IGNORECASE)
_COVER = re.compile(r"(?:^|[^a-z])(?:cover|front|folder|itemimage|albumart)(?:[^a-z]|$)", re.IGNORECASE)
_PICTURES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
_LICENCE = re.compile(r"(?:licen[cs]e|copying)(?:[-_ .].*)?", re.IGNORECASE)
_ENDINGS = {"pdf": "booklet", "cue": "cue", "log": "log", "m3u": "playlist", "m3u8": "playlist", "lrc": "lyrics"}
_KINDS = {"pdf": "application/pdf", "txt": "text/plain", **_PICTURES}
_FORMAT_BITS = re.compile(r"(\d{2})bit", re.ASCII)


@dataclass(frozen=True, slots=True)
class Collections:
    """Licences that collections state for what is in them; ``digest`` is of the record that shows it."""

    licences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    digest: str = ""

    @classmethod
    def read(cls, settings: bytes | None, subject: str) -> Collections:
        """From a settings record; there is none where items were found by a query. Raises BadInput."""
        if settings is None:
            return cls()
        try:
            said = msgspec.json.decode(settings, type=dict[str, dict[str, dict[str, Any]]])["collections"]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError) as error:
            raise BadInput(subject, f"does not tell of collections: {error}", "Harvest them again") from error
        found = {name: texts_of(one.get("licenseurl")) for name, one in said.items()}
        return cls(found, hashlib.sha256(settings).hexdigest())


def describe(item: Item, record: Record, collections: Collections) -> Iterator[Description]:
    """The release and its tracks; nothing of an item that is not sound."""
    if not item.is_sound:
        return
    found = sides(item)
    release = _release(item, record, collections, {one.name for side in found for one in side.entries})
    ids: dict[str, int] = {}
    origin = None if release.licences else dates_of_a_78(item, record)
    tracks = [replace(_track(item, release, side, ids), origin=origin) for side in found]
    release, tracks = remainders(item, release, tracks)
    yield release
    yield from tracks


def distinct(best: str, other: str, ids: dict[str, int]) -> str:
    """The first name of ``best``, ``other``, ``other 2``, ``other 3`` … that is not in ``ids`` yet; it is then.

    ``ids`` has with each name how far its numbers are given out: an item may list as many files as it likes.
    """
    found = best if best not in ids else other
    while found in ids:
        ids[other] += 1
        found = f"{other} {ids[other]}"
    ids[found] = 1
    return found


def dates_of_a_78(item: Item, record: Record) -> Origin | None:
    """What an item of 78 rpm records states of when it was recorded and published; None of any other item.

    Its ``date`` is that of publication, production or the like (so the Archive's own schema of metadata), and where it
    was looked up in a discography it is mostly the day of the session. What holds in each case: by then it was
    recorded. When it was published is known only where a field is named so. Several dates, and a year that says
    something else, tell nothing.
    """
    seventy_eight = "78" in item.texts.get("source", ()) or "78rpm" in item.texts.get("collection", ())
    if not seventy_eight:
        return None
    said = {name: _one_date(item, names) for name, names in _DATED.items()}
    if item.first("year") not in ("", said["date"][:4]):
        said["date"] = ""
    recorded, published = said["recorded"] or said["date"], said["published"]
    if not recorded and not published:
        return None
    return Origin(
        recorded,
        published,
        level=Level.PLATFORM,
        by=record.source,
        where=item.page,
        date=record.time,
        digest=record.digest,
    )


def offers(item: Item, said: Sequence[Description]) -> Iterator[Candidate]:
    """What may be asked for: of each track the best file that is given out, and what goes with the release."""
    entries = {item.address(one.name): one for one in item.entries}
    for one in said:
        if isinstance(one, TrackDescription | ReleaseDescription):
            files = [file for file in one.files if file.url and file.role in ROLES]
            for file in files[:1] if isinstance(one, TrackDescription) else files:
                stated = entries[file.url].said
                limits = frozenset((*one.limits, *item.limits()))
                yield Candidate(
                    file.url,
                    one.id,
                    file.role,
                    file.name,
                    file.size,
                    file.media_type,
                    md5=stated.get("md5", ""),
                    sha1=stated.get("sha1", ""),
                    limits=limits,
                )


def _one_date(item: Item, names: Iterable[str]) -> str:
    """What all of these fields say alike; "" where they say nothing, or several things."""
    said = {value.strip() for name in names for value in item.texts.get(name, ())}
    return next(iter(said)) if len(said) == 1 else ""


def _release(item: Item, record: Record, collections: Collections, audio: set[str]) -> ReleaseDescription:
    texts = item.texts
    numbers = tuple((_NUMBER, one) for one in texts.get(_NUMBER, ()))
    identifiers = (*_identifiers(texts.get("external-identifier", ())), *numbers)
    barcodes = [value for scheme, value in identifiers if scheme == "upc"]
    return ReleaseDescription(
        id=item.identifier,
        title=item.first("title") or item.identifier,
        credits=_credits(item, texts.get("creator", ()), with_roles=True),
        date=item.first("date") or item.first("year"),
        barcode=barcodes[0] if barcodes else "",
        labels=tuple(_label(name, identifiers) for name in texts.get("publisher", ())),
        language=item.first("language"),
        genres=texts.get("genre", ()),
        identifiers=tuple(dict.fromkeys(pair for pair in identifiers if pair != ("upc", *barcodes[:1]))),
        links=(Link("source", item.page),),
        licences=(*_stated(item, record), *_by_collections(item, collections, record.time)),
        files=tuple(_beside(item, audio)),
        limits=item.limits(),
    )


def _track(item: Item, release: ReleaseDescription, side: Side, ids: dict[str, int]) -> TrackDescription:
    """One recording. Its id is the name that its files have in common, so that another format does not change it."""
    identifier = distinct(
        clean(f"{item.identifier}/{side.lead.stem}"), clean(f"{item.identifier}/{side.lead.name}"), ids
    )
    title = side.word("title") or (side.lead.base.startswith("_") and side.word("album")) or side.lead.base.strip()
    credits = _track_credits(item, release, side.word("artist", "creator"))
    identifiers = _identifiers(tuple(filter(None, (side.word("external-identifier"),))))
    number = side.word("track").partition("/")[0].strip()
    genres = tuple(filter(None, (side.word("genre"),)))
    return TrackDescription(
        id=identifier,
        title=title,
        release=item.identifier,
        credits=() if credits == release.credits else credits,
        disc=side.disc,
        position=side.position,
        number="" if whole(number) == side.position else number,
        duration_ms=next(filter(None, map(milliseconds, _lengths(side))), None),
        isrcs=tuple(value for scheme, value in identifiers if scheme == "isrc"),
        genres=() if genres == release.genres else genres,
        identifiers=tuple(pair for pair in identifiers if pair[0] != "isrc"),
        files=tuple(sorted((_audio(item, one) for one in side.entries), key=lambda one: not one.url)),
        composition_by_others=_by_others(item, release, credits, title),
        limits=release.limits or (() if side.open else ("no-download",)),
    )


def _credits(item: Item, names: Iterable[str], *, with_roles: bool) -> tuple[Credit, ...]:
    """Names as credits; where the Archive says who only wrote, those have that role. Performers go first."""
    roles = item.roles() if with_roles else {}
    performers = {name.casefold() for name in roles.get("performer", ())}
    wrote = {
        name.casefold(): role for role in reversed(_WRITING) for name in roles.get(role, ()) if roles.get("performer")
    }
    told = list(dict.fromkeys((*names, *roles.get("performer", ()))))
    main = [one for one in told if one.casefold() in performers or one.casefold() not in wrote]
    others = [one for one in told if one not in main]
    joined = [replace(Credit(one), join="; ") for one in main[:-1]] + [Credit(one) for one in main[-1:]]
    return (*joined, *(Credit(one, role=wrote[one.casefold()]) for one in others))


def _track_credits(item: Item, release: ReleaseDescription, said: str) -> tuple[Credit, ...]:
    """The credit of a track; () where it is the release's."""
    names = tuple(name for part in said.split(";") if (name := part.strip()))
    if not names or sorted(names) == sorted(one.name for one in release.credits):
        return release.credits
    roles = {one.name: one.role for one in release.credits if one.role}
    main = [name for name in names if name not in roles]
    joined = [Credit(one, join="; ") for one in main[:-1]] + [Credit(one) for one in main[-1:]]
    return (*joined, *(Credit(one, role=roles[one]) for one in names if one in roles))


def _by_others(item: Item, release: ReleaseDescription, credits: Sequence[Credit], title: str) -> bool:
    """Whether somebody is named as a writer who is not among the artists, or the title tells of a remix or a cover."""
    if _OTHERS_WORK.search(title) or any(_WRITER.search(one) for one in item.texts.get("description", ())):
        return True
    names = {one.name.casefold() for one in credits if not one.role}
    written = [one.name for one in credits if one.role] + [
        name for role in _WRITING for name in (*item.roles().get(role, ()), *item.texts.get(role, ()))
    ]
    return any(name.casefold() not in names for name in written)


def _label(name: str, identifiers: Iterable[tuple[str, str]]) -> Label:
    """A publisher, with the catalogue number that an identifier like ``pubcat:Columbia:35516`` gives it."""
    numbers = (value.rpartition(":") for scheme, value in identifiers if scheme == "pubcat")
    return Label(name, catalogue_number=next((no for who, _, no in numbers if who.casefold() == name.casefold()), ""))


def _identifiers(said: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """``urn:scheme:value`` as pairs; what has another form is kept whole."""
    found = []
    for one in said:
        parts = one.split(":", 2)
        urn = len(parts) == 3 and parts[0] == "urn" and parts[1] and parts[2]
        found.append((SCHEMES.get(parts[1], parts[1]), parts[2]) if urn else ("external-identifier", one))
    return tuple(dict.fromkeys(found))


def _stated(item: Item, record: Record) -> Iterator[LicenceStatement]:
    """What the item itself states. A text under ``rights`` may name a licence by its address, else it can only deny."""
    for text in (*item.texts.get("licenseurl", ()), *item.texts.get("rights", ())):
        yield LicenceStatement(text, Level.PLATFORM, record.source, item.page, record.time, record.digest)


def _by_collections(item: Item, collections: Collections, time: str) -> Iterator[LicenceStatement]:
    """What collections say for all that is in them: a curator's word about somebody else's upload, so level 1.

    Each harvest asks the collections first, so what is held of them was said at the ``time`` of the item or later.
    """
    for name in dict.fromkeys(item.texts.get("collection", ())):
        for text in collections.licences.get(name, ()):
            where = f"https://archive.org/details/{name}"
            yield LicenceStatement(text, Level.THIRD_PARTY, f"collection:{name}", where, time, collections.digest)


def _audio(item: Item, one: Entry) -> File:
    codec, media_type = AUDIO[one.ending]
    bitrate, bits = whole(one.said.get("bitrate", "")), _FORMAT_BITS.match(one.said.get("format", ""))
    return replace(
        _file(item, one, "audio", media_type),
        codec=codec,
        bitrate=bitrate * 1000 if bitrate and bitrate < 100_000 else None,
        bit_depth=int(bits[1]) if bits else None,
        duration_ms=milliseconds(one.said.get("length", "")),
    )


def _file(item: Item, one: Entry, role: str, media_type: str) -> File:
    """A file; without an address where the Archive gives it to nobody."""
    name, size = _shown(one.name), whole(one.said.get("size", ""))
    return File(role, name, size=size, media_type=media_type, url="" if one.private else item.address(one.name))


def _shown(name: str) -> str:
    return next(iter(texts_of(name)), "")


def _beside(item: Item, audio: set[str]) -> Iterator[File]:
    """The original files that are no track. A picture alone in the item's own folder is its cover."""
    files = [one for one in item.entries if one.origin == "original" and one.name not in audio]
    pictures = [one for one in files if one.ending in _PICTURES and "/" not in one.name]
    for one in files:
        yield _file(item, one, _role(one, alone=pictures == [one]), _KINDS.get(one.ending, ""))


def _role(one: Entry, *, alone: bool) -> str:
    if one.ending in _PICTURES:
        named = one.said.get("format") in ("Item Image", "Item Tile") or _COVER.search(one.base)
        return "cover" if named or alone else "other"
    return "licence" if _LICENCE.fullmatch(one.base) else _ENDINGS.get(one.ending, "other")


def _lengths(side: Side) -> Iterator[str]:
    """Lengths that are said of a track's files, exact ones first.

    Derivatives go first: they were decoded, while what is said of old Shorten files is often half of what it should be.
    """
    said = [one.get("length", "") for one in (*side.heard, *(entry.said for entry in side.entries))]
    yield from sorted(said, key=lambda one: ":" in one)

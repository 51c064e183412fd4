"""What may be said by an open door, each thing checked against what belongs to it: fields, links, a cover, a licence.

What is said is an event of its own kind, is shown as said by the artist, label or uploader, and is taken back by
whoever said it. Nothing is ever given out by it that the gate would not give: a licence is weighed with all evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from phonolith.door import scope
from phonolith.door.office import Office
from phonolith.door.scope import Belongs, Subject
from phonolith.errors import NotFound, UsageError
from phonolith.library import artists, releases, tracks
from phonolith.library.reading import Reading
from phonolith.library.views import CreditName
from phonolith.model.event import Event
from phonolith.model.licence import Licence
from phonolith.rights.door import RELS
from phonolith.rights.door_pages import in_ascii
from phonolith.rights.licences import by_code, parse

MOST_LINKS = 12  # of one thing
MOST_TRACKS = 100  # of one confirmed licence or withdrawal
_LONGEST, _LONGEST_LINK = 500, 500
MOST_NAMES = 12  # of a credit that a form can hold

#: The licences that can be confirmed, beside the one that is stated already.
LICENCES = (
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "CC-BY-ND-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-NC-ND-4.0",
    "CC0-1.0",
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field that may be corrected, with what it is called and how it is written."""

    name: str
    label: str
    help: str = ""
    needed: bool = False


_TITLE = Field("title", "Title", "", True)
_DATE = Field("date", "Date", "2019, 2019-03 or 2019-03-08")
_GENRES = Field("genres", "Genres", "with a semicolon between them")
_NOTE = Field("disambiguation", "What tells it from others of its name")

#: What is theirs to correct, by kind. Credits have a form of their own.
FIELDS: Mapping[str, tuple[Field, ...]] = {
    "track": (_TITLE, _DATE, Field("isrc", "ISRC", "with a semicolon between several"), _GENRES, _NOTE),
    "release": (
        _TITLE,
        _DATE,
        Field("label", "Label"),
        Field("barcode", "Barcode"),
        Field("kind", "Kind", "album, ep, single, live, compilation"),
        _GENRES,
        _NOTE,
    ),
    "artist": (
        Field("name", "Name", "", True),
        Field("sort_name", "Sorted as"),
        _NOTE,
        Field("country", "Country", "two letters, such as DE"),
        Field("begin_date", "Born or founded", "2019, 2019-03 or 2019-03-08"),
        Field("end_date", "Ended"),
        _GENRES,
    ),
    "label": (Field("name", "Name", "", True),),
}


@dataclass(frozen=True, slots=True)
class Name:
    """A name of a credit as a form has it."""

    name: str
    join: str = ""
    role: str = ""


def values(office: Office, subject: Subject, identifier: str) -> dict[str, str]:
    """The fields of a thing as they stand, with what was said since the build. Raises NotFound."""
    with office.reading() as reading:
        built = _built(office, reading, subject, identifier)
        said = reading.decisions.fields(identifier)
        return {name: _readable((said[name].value or "") if name in said else value) for name, value in built.items()}


def credit(office: Office, subject: Subject, identifier: str) -> list[Name]:
    """The credit of a track or release as it stands, with what was said since the build."""
    with office.reading() as reading:
        found = scope.belongs(reading, subject, identifier)
        said = reading.decisions.fields(identifier).get("credit")
        if said is not None and said.value is not None:
            return _names(said.value)
        names = found.track.credit if found.track else found.release.credit
        return [Name(_readable(one.name), _without_controls(one.join), _readable(one.role)) for one in names]


def correct(office: Office, token: str, identifier: str, told: Mapping[str, str]) -> list[Event]:
    """Correct fields of a thing to what a form says; those that stay as they were are left alone.

    Raises NotFound for what is not theirs, UsageError for what cannot be.
    """
    subject = office.subject(office.inside(token).key)
    kind = _correctable(office, subject, identifier)
    was = values(office, subject, identifier)
    changed: dict[str, str | None] = {}
    for field in FIELDS[kind]:
        now = _plain(field.label, told.get(field.name, was[field.name]))
        if now != was[field.name]:
            changed[field.name] = now or None
    if kind in ("track", "release") and "name-0" in told:
        names, before = _names_of(told), credit(office, subject, identifier)
        if len(before) > MOST_NAMES:
            raise UsageError("the credit", f"has more than {MOST_NAMES} names", "Write to whoever runs this library")
        if names != before:
            changed["credit"] = _credit(office, subject, identifier, names)
    for name, value in changed.items():
        office.outside.check(kind, name, value)
    said = [{"subject": identifier, "field": name, "value": value} for name, value in changed.items()]
    return [office.say(token, "door.set", body) for body in said]


def link(office: Office, token: str, identifier: str, rel: str, address: str) -> Event:
    """Add a link for buying or support to what the door opens, or to a track or release that belongs to it.

    Raises NotFound, UsageError.
    """
    subject = office.subject(office.inside(token).key)
    if identifier != subject.id:
        _mine(office, subject, identifier)
    if rel not in RELS:
        raise UsageError(rel[:40], "is no kind of link", f"Kinds are {', '.join(RELS)}")
    url = checked(address)
    known = office.decisions().linked.get(identifier, ())
    if url in {one.url for one in known if one.rel == rel}:
        raise UsageError(url, "is there already", "")
    if len(known) >= MOST_LINKS:
        raise UsageError("this link", f"there are {MOST_LINKS} already", "Remove one first")
    return office.say(token, "door.linked", {"subject": identifier, "rel": rel, "url": url})


def checked(address: str) -> str:
    """An address that may be linked to: https, a host by its name in ASCII, nothing hidden in it. Raises UsageError."""
    text = address.strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    plain = in_ascii(host) if "." in host.strip(".") and ":" not in host else ""
    usable = parts.scheme == "https" and "@" not in parts.netloc and port in (None, 443) and len(text) <= _LONGEST_LINK
    hidden = not text.isprintable() or any(c in text for c in " \"'<>\\^`{|}") or plain.replace(".", "").isdigit()
    if not usable or hidden or not plain:
        raise UsageError(text[:100], "is no address that can be linked to", "It has to begin with https:// and a name")
    return urlunsplit(parts._replace(netloc=plain))


def cover(office: Office, token: str, release: str, sha256: str) -> Event:
    """Choose the cover of a release among the pictures that are held of it and may be shown.

    Raises NotFound, UsageError.
    """
    subject = office.subject(office.inside(token).key)
    if not _mine(office, subject, release).correct:
        raise UsageError(release, "its cover is chosen by whoever it names first", "")
    with office.reading() as reading:
        known = {one.sha256 for one in scope.pictures(reading, release)}
    if sha256 not in known:
        raise NotFound(sha256[:64], "no such picture of this release may be shown", "")
    return office.say(token, "door.covered", {"subject": release, "sha256": sha256})


def licences(belongs: Belongs) -> list[Licence]:
    """The licences that can be confirmed for a track or release: the one that is stated, then the closed list."""
    rights = belongs.track.rights if belongs.track else belongs.release.rights
    stated = parse(rights.licence.uri) if rights.licence else parse(rights.stated)
    offered = [by_code(one) for one in LICENCES]
    return [*([stated] if stated and stated.hold and stated not in offered else []), *offered]


def confirm(office: Office, token: str, identifier: str, code: str) -> Event:
    """Confirm the licence of a track, or of all tracks of a release that are theirs alone.

    Raises NotFound, UsageError where somebody else is credited too, and for what is not on the list.
    """
    subject = office.subject(office.inside(token).key)
    found = _mine(office, subject, identifier)
    if code not in {one.code for one in licences(found)}:
        raise UsageError(code[:60], "is no licence that can be confirmed here", "Choose one of the list")
    alone = _alone(office, subject, found)
    if not alone:
        raise UsageError(found.title, found.why or "nothing of it is credited to you alone", "")
    return office.say(token, "door.licensed", {"subjects": alone, "licence": by_code(code).uri})


def withdraw(office: Office, token: str, identifier: str) -> Event:
    """Take a track or a release down, at once. It is put back by undoing this. Raises NotFound, UsageError."""
    subject = office.subject(office.inside(token).key)
    found = _mine(office, subject, identifier)
    if not found.withdraw:
        raise UsageError(found.title, "nothing of it is credited to you", "")
    if found.kind == "release" and found.release.tracks > MOST_TRACKS:
        raise UsageError(found.title, f"has more than {MOST_TRACKS} tracks", "Write to whoever runs this library")
    return office.say(token, "door.withdrew", {"subjects": [identifier]})


def undo(office: Office, token: str, event: int) -> Event:
    """Take back what was said by this door. Raises NotFound, UsageError where it is taken back already."""
    key = office.inside(token).key
    said = office.decisions().acts.get(event)
    if said is None or said.door != key.door:
        raise NotFound(f"event {event}", "nothing was said by this page in it", "")
    if said.undone:
        raise UsageError(f"event {event}", "was taken back before", "")
    return office.say(token, "door.undone", {"event": event, "by": "door", "because": ""})


def _mine(office: Office, subject: Subject, identifier: str) -> Belongs:
    with office.reading() as reading:
        return scope.belongs(reading, subject, identifier)


def _correctable(office: Office, subject: Subject, identifier: str) -> str:
    """The kind of a thing whose fields are theirs to correct."""
    if identifier == subject.id and subject.kind in ("artist", "label"):
        return subject.kind
    found = _mine(office, subject, identifier)
    if not found.correct:
        raise UsageError(found.title, "is corrected by whoever it names first", "")
    return found.kind


def _alone(office: Office, subject: Subject, found: Belongs) -> list[str]:
    """The ids that a licence can be confirmed for: the track, or the tracks of a release that credit nobody else.

    The release itself is among them where all its tracks are.
    """
    if found.track:
        return [] if found.why else [found.id]
    with office.reading() as reading:
        every = scope.tracks(reading, subject, found.id)
    alone = [one.id for one in every if not one.why and one.correct]
    if len(alone) > MOST_TRACKS:
        raise UsageError(found.title, f"has more than {MOST_TRACKS} tracks", "Confirm them one by one")
    whole = not found.why and len(alone) == len(every) == found.release.tracks
    return sorted([*alone, *([found.id] if whole else [])])


def _built(office: Office, reading: Reading, subject: Subject, identifier: str) -> dict[str, str]:
    """What the catalogue says of the fields of a thing, as they are written in a form."""
    library = office.library()
    if identifier == subject.id and subject.kind == "label":
        return {"name": subject.name}
    if identifier == subject.id and subject.kind == "artist":
        one = artists.artist(library, identifier)
        dates = {"begin_date": one.begin, "end_date": one.end}
        return {
            "name": one.artist.name,
            "sort_name": one.sort_name,
            "disambiguation": one.artist.disambiguation,
            "country": one.artist.country,
            **{name: date.written if date else "" for name, date in dates.items()},
            "genres": "; ".join(genre.name for genre in one.genres),
        }
    return _of_music(office, scope.belongs(reading, subject, identifier))


def _of_music(office: Office, found: Belongs) -> dict[str, str]:
    own = found.track or found.release
    told = {"title": own.title, "date": own.date.written if own.date else "", "disambiguation": ""}
    told |= {"genres": "", "isrc": "", "label": "", "barcode": "", "kind": ""}
    if office.decisions().withdrawn.get(found.id):  # its page is closed, and there is nothing to correct
        return told
    library = office.library()
    if found.track:
        page = tracks.track(library, found.id)
        own_genres = [one.name for one in page.genres if one.scope == "track"]
        return told | {"genres": "; ".join(own_genres), "isrc": "; ".join(page.isrcs)}
    release = releases.release(library, found.id, limit=1)
    own_genres = [one.name for one in release.genres if one.scope == "release"]
    label = "; ".join(one.name for one in release.labels)
    told |= {"genres": "; ".join(own_genres), "label": label, "barcode": release.barcode}
    return told | {"kind": release.release.kind}


def _readable(text: str) -> str:
    """A text as a form shows it and sends it back."""
    return " ".join(_without_controls(text).split())


def _without_controls(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


def _plain(label: str, value: str) -> str:
    text = " ".join(value.split())
    if len(text) > _LONGEST or not text.isprintable():
        raise UsageError(label, f"has more than {_LONGEST} characters, or some that cannot be shown", "")
    return text


def _names_of(told: Mapping[str, str]) -> list[Name]:
    """The credit that a form holds; rows without a name are none."""
    found = []
    for place in range(MOST_NAMES):
        name, role = (_plain(what, told.get(f"{what}-{place}", "")) for what in ("name", "role"))
        join = told.get(f"join-{place}", "")
        if len(join) > 40 or not join.isprintable():
            raise UsageError("join phrase", "is longer than 40 characters, or cannot be shown", "")
        if name:
            found.append(Name(name, join, role))
    return found


def _names(value: str) -> list[Name]:
    if not value.startswith("["):
        return [Name(value)]
    return [Name(one.get("name", ""), one.get("join", ""), one.get("role", "")) for one in json.loads(value)]


def _credit(office: Office, subject: Subject, identifier: str, names: Sequence[Name]) -> str:
    """The credit as a correction writes it; who was named before keeps the id that the source calls them by."""
    if not names:
        raise UsageError("the credit", "names nobody", "Leave at least one name")
    with office.reading() as reading:
        found = scope.belongs(reading, subject, identifier)
        before: tuple[CreditName, ...] = (*(found.track.credit if found.track else ()), *found.release.credit)
        known = scope.source_ids(reading, before)
    rows = []
    for one in names:
        row = {"name": one.name, "artist": known.get(one.name.casefold(), ""), "join": one.join, "role": one.role}
        rows.append({key: value for key, value in row.items() if value})
    return json.dumps(rows, ensure_ascii=False, sort_keys=True)

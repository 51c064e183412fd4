"""The small values that views are made of: credits, dates, licences, files; every name is a public id.

Texts come from outside and are text, whatever they contain. Durations are in milliseconds, sizes in bytes, bit rates
in bits per second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A piece of a list. ``next`` is what to ask for the piece after it (as ``after``), None at the end.

    ``total`` counts the whole list before anything hidden is left out; None where that was not counted.
    ``total_capped``: there are at least so many.
    """

    items: tuple[Item, ...]
    next: str | None = None
    total: int | None = None
    total_capped: bool = False


@dataclass(frozen=True, slots=True)
class CreditName:
    """One name of an artist credit: ``name`` as credited, ``artist`` his own name, ``id`` of his page."""

    id: str
    name: str
    artist: str
    join: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Date:
    """A date as written, with what could be read from it; ``problem`` says why it cannot be a date, else ""."""

    written: str
    year: int | None = None
    month: int | None = None
    day: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LicenceView:
    """A recognised licence and what it permits."""

    code: str
    family: str
    title: str
    uri: str
    hold: bool
    stream: bool
    redistribute: bool
    reencode: bool
    commercial: bool
    attribution: bool
    share_alike: bool
    territories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """The evidence about a licence: ``licence`` None where none is recognised or statements conflict; level 0 to 4.

    ``limits`` are what the source forbids whatever the licence says, keys of :data:`phonolith.rights.gate.LIMITS`.
    """

    licence: LicenceView | None
    level: int
    stated: str
    stated_by: str
    basis: str
    composition: bool
    note: str
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GenreRef:
    """A genre; ``scope`` says whose it is: ``track``, ``release`` or ``artist``."""

    key: str
    name: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class LabelRef:
    """A label on a release, with the release's catalogue number there."""

    id: str
    name: str
    catalogue_number: str = ""


@dataclass(frozen=True, slots=True)
class PageRef:
    """Something that has a page here, at /kind/id."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class LinkView:
    """An outgoing link. ``url`` is as the source has it: check its scheme before making it one.

    ``to`` is what it leads to, if that has a page here.
    """

    rel: str
    url: str
    to: PageRef | None = None


@dataclass(frozen=True, slots=True)
class SaidLink:
    """A link for buying or support that somebody added who has a page of the artist, label or release.

    ``rel`` is ``buy``, ``support`` or ``homepage``, ``by`` who said so, ``event`` its number in the register.
    """

    rel: str
    url: str
    by: str
    event: int


@dataclass(frozen=True, slots=True)
class ThingRef:
    """A release group, work or another thing named in passing; ``kind`` says which, ``type`` is the source's word."""

    id: str
    kind: str
    name: str
    type: str
    begin: Date | None


@dataclass(frozen=True, slots=True)
class About:
    """What a source says of a label, release group, work, place or another thing.

    ``begin`` is when it was founded or opened; of a release group the first release. ``credit`` is a release group's.
    """

    kind: str
    sort_name: str
    type: str
    disambiguation: str
    country: str
    begin: Date | None
    end: Date | None
    language: str
    credit: tuple[CreditName, ...]
    aliases: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReleaseRef:
    """A release named in passing."""

    id: str
    title: str
    has_cover: bool = False


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a track or release; ``sha256`` "" where its bytes are not held, ``size`` then 0."""

    role: str
    name: str
    sha256: str
    size: int
    media_type: str
    url: str
    codec: str
    bitrate: int | None
    sample_rate: int | None
    channels: int | None
    bit_depth: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class CorrectionView:
    """A person's decision that this build applied; ``event`` is its number in the register.

    ``by`` is ``artist``, ``label`` or ``uploader`` where they said so by the artist's door, else "".
    """

    field: str
    was: str
    now: str
    because: str
    event: int
    time: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class SourceView:
    """Where descriptions come from: ``licence`` is that of its metadata, ``credit`` what it asks to be called."""

    name: str
    title: str
    url: str
    licence: str
    credit: str


def credit_text(credit: tuple[CreditName, ...], role: str = "") -> str:
    """The names of one role with their join phrases, as one text."""
    return "".join(f"{name.name}{name.join}" for name in credit if name.role == role).strip()


def attribution(title: str, artist: str, release: str, licence: LicenceView | None) -> str:
    """One sentence with title, author, release and licence; "" where no licence is known."""
    if licence is None:
        return ""
    by = f" by {artist}" if artist else ""
    where = f", from “{release}”" if release else ""
    return f"“{title}”{by}{where}. {licence.title}{f', {licence.uri}' if licence.uri else ''}"


_UNITS = (("year", 365 * 86_400), ("week", 7 * 86_400), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def playing_time(milliseconds: int) -> str:
    """A long duration for people, in its two largest units, rounded down: ``3 weeks 2 days``. A year has 365 days."""
    seconds = milliseconds // 1000
    parts = []
    for name, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count:,} {name}" + "s" * (count != 1))
        elif parts:
            break
    return " ".join(parts[:2]) or "0 seconds"


def bytes_text(count: int) -> str:
    """Bytes for people, in powers of 1000, and exactly: ``60.3 MB (60,348,199 bytes)``."""
    amount, unit = float(count), ""
    for unit in ("", "kB", "MB", "GB", "TB", "PB"):
        if amount < 999.95 or unit == "PB":
            break
        amount /= 1000
    exact = f"{count:,} byte" + "s" * (count != 1)
    return f"{amount:,.1f} {unit} ({exact})" if unit else exact


def clock(milliseconds: int | None) -> str:
    """A duration as m:ss or h:mm:ss, "" where it is not known."""
    if milliseconds is None:
        return ""
    seconds = (milliseconds + 500) // 1000
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

"""How the pages say things: lengths, counts, dates, licences and formats in the words of a person."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec

from phonolith.library.changes import ChangeView, HarvestView
from phonolith.library.views import Date, FileView, ReleaseRow, Rights, TrackRow
from phonolith.library.views import LicenceView as Licence
from phonolith.model.ids import KINDS
from phonolith.web.names import shown

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_LEVELS = (
    "Nobody has shown evidence for a licence.",
    "A third party says so; that is not enough to keep or play it.",
    "The platform's own page, or a file or tag that came with the music, says so.",
    "Two independent sources agree.",
    "The rightsholder, or the operator of this archive, attests it.",
)
_SUBTYPES = {"plain": "text", "octet-stream": "", "mpegurl": "m3u"}
_PLURALS = {"": "Releases", "ep": "EPs", "album": "Albums", "single": "Singles", "compilation": "Compilations"}


def clock(milliseconds: int | None) -> str:
    """A length as m:ss or h:mm:ss, a dash where it is not known."""
    if milliseconds is None:
        return "–"
    minutes, seconds = divmod((milliseconds + 500) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def count(number: float | None) -> str:
    """A number with thin spaces between thousands."""
    return "–" if number is None else f"{number:,}".replace(",", "\u202f")


def count_of(number: int, noun: str) -> str:
    """A number of things with their noun."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """A number of bytes, decimal units (IEC 80000-13)."""
    value, unit = float(number), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if value < 1000 or unit == "PB":
            break
        value /= 1000
    return f"{number}\u202fbytes" if unit == "bytes" else f"{value:.1f}\u202f{unit}"


def date(value: Date | None) -> str:
    """A date as precisely as it is known; as written where it is none."""
    if value is None:
        return ""
    if value.problem or value.year is None:
        return shown(value.written)
    if value.month is None:
        return str(value.year)
    month = _MONTHS[value.month - 1]
    return f"{month} {value.year}" if value.day is None else f"{value.day} {month} {value.year}"


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def kind(name: str) -> str:
    """The kind of a release or an artist as a person writes it: ``Album``, ``EP``."""
    return "EP" if name.lower() == "ep" else shown(name).capitalize()


def plural(kind: str) -> str:
    """The heading over an artist's releases of a kind."""
    return _PLURALS.get(kind) or f"{shown(kind).capitalize()} releases"


@lru_cache(1_000)
def short_licence(code: str) -> str:
    """A licence's code as people write it: ``CC BY-SA 3.0 DE``."""
    match = re.fullmatch(r"CC-((?:BY|NC|ND|SA)(?:-(?:BY|NC|ND|SA))*)-([\d.]+)(?:-([A-Z]+))?", code)
    if match:
        return " ".join(part for part in ("CC", *match.groups()) if part)
    if code.startswith("PD-"):
        places = code.split("-")[1:]
        return f"Public domain ({', '.join(places) if len(places) < 4 else f'{len(places)} territories'})"
    plain = {"CC0-1.0": "CC0", "PDM-1.0": "Public domain"}.get(code)
    return plain or code.replace("-", " ")


def terms(item: TrackRow | ReleaseRow) -> str:
    """What stands beside every track about its licence, in two or three words."""
    rights = item.rights
    if rights.licence is not None:
        code = short_licence(rights.licence.code)
        return f"{code}, unconfirmed" if rights.level < 2 else code
    return "Licence disputed" if rights.basis == "conflict" else "No licence known"


def evidence(rights: Rights) -> str:
    """How well the licence is known, who says so, and what the source forbids all the same.

    The first is the note of whoever weighed the evidence, else the level's.
    """
    if rights.limits:
        marked = f"Its source marks it {shown(' and '.join(rights.limits))}, whatever the licence permits."
        return f"{evidence(replace(rights, limits=()))} {marked}".strip()
    if rights.note:
        return sentence(shown(rights.note))
    said = _LEVELS[rights.level] if 0 <= rights.level < len(_LEVELS) else ""
    return f"{said} Said by: {shown(rights.stated_by.replace('-', ' '))}." if rights.stated_by else said


def permits(licence: Licence) -> list[tuple[bool, str]]:
    """What a licence permits and what it asks for, as (yes, words)."""
    asked = [(True, "credit required")] if licence.attribution else []
    alike = [(True, "share alike")] if licence.share_alike else []
    where = [(False, f"only in {', '.join(licence.territories)}")] if licence.territories else []
    return [
        (licence.stream, "listening"),
        (licence.redistribute, "passing it on"),
        (licence.reencode, "changing the format"),
        (licence.commercial, "commercial use"),
        *asked,
        *alike,
        *where,
    ]


def technical(file: FileView) -> str:
    """Role, codec and figures of a file in one line."""
    rate = f"{file.sample_rate / 1000:g} kHz" if file.sample_rate else ""
    bits = f"{file.bitrate // 1000} kbit/s" if file.bitrate else ""
    depth = f"{file.bit_depth} bit" if file.bit_depth else ""
    ways = {1: "mono", 2: "stereo"}.get(file.channels or 0, f"{file.channels} channels" if file.channels else "")
    subtype = file.media_type.partition("/")[2].removeprefix("x-")
    kind = shown(file.codec or _SUBTYPES.get(subtype, subtype))
    role = "" if file.role == "other" and kind else file.role
    return ", ".join(part for part in (role, kind, bits, rate, depth, ways) if part)


#: Families of licences as plots and pages name them.
FAMILIES = {
    "cc0": "CC0: no rights reserved",
    "pd": "Public domain",
    "by": "Attribution",
    "by-sa": "Attribution, share alike",
    "by-nd": "Attribution, no derivatives",
    "by-nc": "Attribution, non-commercial",
    "by-nc-sa": "Attribution, non-commercial, share alike",
    "by-nc-nd": "Attribution, non-commercial, no derivatives",
    "sampling": "Sampling",
    "other-open": "Other open licences",
    "restricted": "Restricted",
    "none": "No licence known",
}
_TIERS = {
    "top": "The most popular hundredth of releases",
    "middle": "The rest of the most popular tenth",
    "deep": "The releases that few know",
}


def licence_family(code: str) -> str:
    """The family of a bundle's licences."""
    return FAMILIES.get(code, code)


def tier(name: str) -> str:
    """Where the releases of a bundle stand by popularity."""
    return _TIERS.get(name, name)


def size_class(name: str) -> str:
    """How large the files of a bundle are."""
    return {"large": "files of 1 MiB and more", "small": "files under 1 MiB"}.get(name, name)


@dataclass(frozen=True, slots=True)
class QueueItem:
    """What the player needs to show a track and to ask for its files; ``ms`` is its length in milliseconds."""

    id: str
    title: str
    artist: str
    release: str
    art: str
    ms: int | None
    terms: str


def queue_item(track: TrackRow) -> QueueItem:
    """A track as the player's queue keeps it, its words made fit to be shown."""
    return QueueItem(
        track.id,
        shown(track.title),
        shown(track.artist),
        shown(track.release.title),
        f"/art/{track.release.id}/256",
        track.duration,
        terms(track),
    )


def queue_json(track: TrackRow) -> str:
    """The same as JSON, for an attribute of the track's row."""
    return msgspec.json.encode(queue_item(track)).decode()


_CODECS = {  # codec as the decoder names it: what a browser is asked with (RFC 6381)
    "opus": "opus",
    "vorbis": "vorbis",
    "flac": "flac",
    "aac": "mp4a.40.2",
    "alac": "alac",
    "mp3": "mp3",
}
_CONTAINERS = {
    "audio/x-flac": "audio/flac",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/opus": "audio/ogg",
}


def playing_type(media_type: str, codec: str) -> str:
    """The media type to ask ``canPlayType`` with: container and, where it decides, codec."""
    plain = media_type.partition(";")[0].strip().lower()
    container = _CONTAINERS.get(plain, plain)
    name = _CODECS.get(codec.lower(), "")
    if container in ("audio/ogg", "audio/mp4", "audio/webm") and name:
        return f'{container}; codecs="{name}"'
    return container


def change_path(one: ChangeView) -> str:
    """The page of a thing that changed, "/changes" where it has none now."""
    return f"/{one.kind}/{one.heir or one.id}" if one.here and one.kind in KINDS else "/changes"


def brought(one: HarvestView) -> str:
    """What a harvest brought, in words."""
    named = (("new", one.new), ("changed", one.changed), ("gone", one.gone))
    return ", ".join(f"{count(value)} {name}" for name, value in named if value) or "nothing"

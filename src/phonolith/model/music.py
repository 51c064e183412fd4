"""Descriptions: what one source says about artists, releases and tracks, in the field's words.

A description is made by a source's ``interpret`` from one record, without network or clock, and is never merged in
place. Ids in here are the source's own; the public id is derived from them (:mod:`phonolith.model.ids`). They must be
unique within the source across all kinds, so a source whose ids are not prefixes them (``release:dt006``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum


class Level(IntEnum):
    """How strong a piece of licence evidence is (DESIGN section 6)."""

    NONE = 0
    THIRD_PARTY = 1  # somebody else says so: an aggregator, a list
    PLATFORM = 2  # the hosting platform's own page or API, or a licence file or tag that came with the payload
    TWO_SOURCES = 3  # two independent sources agree
    RIGHTSHOLDER = 4  # the rightsholder, or an attestation by the operator


@dataclass(frozen=True, slots=True)
class LicenceStatement:
    """What somebody stated about a licence.

    ``uri`` is the statement as found, verbatim; ``by`` who says so (``sidecar``, ``licence-file``, ``tag``, the
    source's name, ``operator``); ``where`` the page, file or tag; ``date`` when it was seen (ISO 8601); ``digest`` the
    SHA-256 of the bytes that show it.
    """

    uri: str
    level: Level
    by: str
    where: str = ""
    date: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Dates that may put a recording into the public domain, as one source states them; "" is unknown.

    ``recorded`` when the sounds were first fixed; ``published`` when the recording was first published anywhere;
    ``edition`` when the edition at hand appeared, if it is a later one (a remaster); ``composition_published`` when
    the composition was first published, a record not being a publication of it; ``writers_died`` when the last of all
    its writers (composer, lyricist, arranger, translator) died. Only dates meant as such may be put here: the date of
    a tag is none of them. The rest as in :class:`LicenceStatement`.
    """

    recorded: str = ""
    published: str = ""
    edition: str = ""
    composition_published: str = ""
    writers_died: str = ""
    level: Level = Level.NONE
    by: str = ""
    where: str = ""
    date: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Credit:
    """One name in an ordered artist credit.

    ``name`` as credited; ``artist`` the source id of the artist ("" means: the artist of this name in this source);
    ``join`` the join phrase that follows (``" feat. "``); ``role`` is "" for the main credit, else e.g. ``composer``.
    """

    name: str
    artist: str = ""
    join: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file that belongs to a track or a release.

    ``role`` is one of audio, cover, booklet, cue, log, playlist, lyrics, licence, other. ``sha256`` is set when the
    bytes are held; ``url`` when the source names a place that has them. ``problem`` says why bytes could not be read.
    Audio properties: ``bitrate`` in bits per second, ``sample_rate`` in Hz, ``duration_ms`` in milliseconds.
    """

    role: str
    name: str = ""
    sha256: str = ""
    size: int | None = None
    media_type: str = ""
    url: str = ""
    problem: str = ""
    codec: str = ""
    bitrate: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    bit_depth: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An outgoing link: ``rel`` is e.g. ``homepage``, ``source``, ``buy``."""

    rel: str
    url: str


@dataclass(frozen=True, slots=True)
class Label:
    """A label on a release with the release's catalogue number there."""

    name: str
    label: str = ""
    catalogue_number: str = ""


@dataclass(frozen=True, slots=True)
class Medium:
    """One medium of a release; ``position`` counts from 1."""

    position: int
    format: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class ArtistDescription:
    """What a source says of an artist. Dates as written; ``popularity`` in the source's own unit, higher is more."""

    id: str
    name: str
    sort_name: str = ""
    disambiguation: str = ""
    kind: str = ""
    country: str = ""
    begin: str = ""
    end: str = ""
    genres: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()  # (scheme, value): ("isni", …), ("ipi", …)
    links: tuple[Link, ...] = ()
    popularity: float | None = None
    remainder: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseDescription:
    """What a source says of a release. ``group`` is the source id of its release group; ``barcode`` as written.

    ``limits`` are what its source forbids with it and with all its tracks, keys of
    :data:`phonolith.rights.gate.LIMITS`; what is ``private`` is in no catalogue.
    ``remainder`` is JSON: the publishable leaves of the record that no column holds (round trip, DESIGN section 4).
    """

    id: str
    title: str
    credits: tuple[Credit, ...] = ()
    date: str = ""
    country: str = ""
    barcode: str = ""
    labels: tuple[Label, ...] = ()
    kind: str = ""  # album, ep, single, compilation, live …, lower case
    status: str = ""
    group: str = ""
    disambiguation: str = ""
    language: str = ""
    script: str = ""
    genres: tuple[str, ...] = ()
    media: tuple[Medium, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    licences: tuple[LicenceStatement, ...] = ()
    files: tuple[File, ...] = ()
    popularity: float | None = None
    limits: tuple[str, ...] = ()
    remainder: str = ""


@dataclass(frozen=True, slots=True)
class TrackDescription:
    """What a source says of a track.

    ``release`` is the source id of its release, "" if it has none; ``disc`` and ``position`` count from 1, 0 is
    unknown; ``number`` as printed if it is not the position ("A1"). ``explicit`` is None when the source does not say.
    ``composition_by_others`` is true when the record names another writer, a cover or a remix: then a platform's
    licence covers the recording only. ``licences`` empty means: those of the release. ``origin`` counts where nobody
    states a licence. ``limits`` are added to those of the release.
    """

    id: str
    title: str
    release: str = ""
    credits: tuple[Credit, ...] = ()  # empty: the credit of the release
    disc: int = 1
    position: int = 0
    number: str = ""
    duration_ms: int | None = None
    isrcs: tuple[str, ...] = ()
    date: str = ""  # "": the date of the release
    explicit: bool | None = None
    genres: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()  # ("mbid.recording", …), ("iswc", …)
    links: tuple[Link, ...] = ()
    licences: tuple[LicenceStatement, ...] = ()
    files: tuple[File, ...] = ()
    popularity: float | None = None
    composition_by_others: bool = False
    origin: Origin | None = None
    disambiguation: str = ""
    limits: tuple[str, ...] = ()
    remainder: str = ""

    @property
    def dates(self) -> Origin | None:
        """The dates of its ``origin``. One of its own, without an edition's beside it, may be a later edition's."""
        origin = self.origin
        return replace(origin, edition=self.date) if origin and self.date and not origin.edition else origin


@dataclass(frozen=True, slots=True)
class OtherDescription:
    """What a source says of a label, work, release group or another thing that is neither artist, release nor track.

    ``kind`` is ``label``, ``work``, ``release-group``, ``place`` ...; ``type`` the source's word for its sort. Dates as
    written: ``begin`` of a release group is its first release. What is said of a label is shown with its releases.
    """

    id: str
    kind: str
    name: str
    sort_name: str = ""
    type: str = ""
    disambiguation: str = ""
    country: str = ""
    begin: str = ""
    end: str = ""
    language: str = ""
    credits: tuple[Credit, ...] = ()
    aliases: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    remainder: str = ""


@dataclass(frozen=True, slots=True)
class PopularityDescription:
    """How often a thing was listened to, as somebody counted who does not describe it.

    ``kind`` is ``recording``, ``artist``, ``release`` or ``release-group``, ``mbid`` the thing's id at MusicBrainz, and
    ``counted`` what was counted: numbers of different sorts are not compared. ``name`` is what the source calls it.
    """

    id: str
    kind: str
    mbid: str
    counted: str
    listens: int
    listeners: int | None = None
    name: str = ""
    remainder: str = ""


#: A description of a thing, which appears, changes and vanishes.
Described = ArtistDescription | ReleaseDescription | TrackDescription | OtherDescription
Description = Described | PopularityDescription


@dataclass(frozen=True, slots=True)
class PayloadDescription:
    """What an address gave when it was asked: the bytes that files with this ``url`` are of.

    It describes no music, so it is no :data:`Description`; only the source ``media`` says it. ``id`` is the address,
    ``time`` when it was asked (ISO 8601, UTC): of several, the last word counts. ``codec``: what is held is a copy
    re-encoded so; "" for the bytes as they came.
    """

    id: str
    sha256: str
    size: int
    media_type: str = ""
    time: str = ""
    codec: str = ""

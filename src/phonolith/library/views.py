"""What the library shows, as values: every name in here is a public id, never a row number.

Texts come from outside and are text, whatever they contain. Durations are in milliseconds, sizes in bytes, bit rates
in bits per second. The small values they are made of come from here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phonolith.library.values import (
    About,
    CorrectionView,
    CreditName,
    Date,
    FileView,
    GenreRef,
    LabelRef,
    LicenceView,
    LinkView,
    Page,
    PageRef,
    ReleaseRef,
    Rights,
    SaidLink,
    SourceView,
    ThingRef,
    attribution,
    clock,
    credit_text,
)

__all__ = [
    "About",
    "ArtistPage",
    "ArtistRow",
    "Collaborator",
    "CorrectionView",
    "CreditName",
    "Date",
    "Disc",
    "Edition",
    "FieldDifference",
    "FileView",
    "FrontPage",
    "GenrePage",
    "GenreRef",
    "LabelPage",
    "LabelRef",
    "LabelRow",
    "LicenceView",
    "LinkView",
    "Page",
    "PageRef",
    "ReleaseGroupOfKind",
    "ReleasePage",
    "ReleaseRef",
    "ReleaseRow",
    "Rights",
    "SaidLink",
    "SourceView",
    "ThingPage",
    "ThingRef",
    "TrackDifference",
    "TrackPage",
    "TrackRow",
    "YearPage",
    "attribution",
    "clock",
    "credit_text",
]


@dataclass(frozen=True, slots=True)
class TrackRow:
    """A track in a list. ``playable``: its audio is held, can be read and may be streamed from here."""

    id: str
    title: str
    credit: tuple[CreditName, ...]
    release: ReleaseRef
    disc: int
    position: int
    duration: int | None
    date: Date | None
    explicit: bool | None
    status: str
    rights: Rights
    playable: bool
    popularity: float | None
    source: str

    @property
    def artist(self) -> str:
        """The artist credit as one text, join phrases included."""
        return credit_text(self.credit)

    @property
    def attribution(self) -> str:
        """Title, author, source and licence in a sentence that may stand beside the track."""
        return attribution(self.title, self.artist, self.release.title, self.rights.licence)


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release in a list."""

    id: str
    title: str
    credit: tuple[CreditName, ...]
    date: Date | None
    kind: str
    country: str
    label: LabelRef | None
    tracks: int
    discs: int
    duration: int | None
    has_cover: bool
    rights: Rights
    popularity: float | None
    source: str

    @property
    def artist(self) -> str:
        """The artist credit as one text, join phrases included."""
        return credit_text(self.credit)


@dataclass(frozen=True, slots=True)
class ArtistRow:
    """An artist in a list; ``releases`` and ``tracks`` count what credits him."""

    id: str
    name: str
    disambiguation: str
    kind: str
    country: str
    releases: int
    tracks: int
    popularity: float | None
    source: str


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label in a list."""

    id: str
    name: str
    releases: int
    tracks: int
    source: str


@dataclass(frozen=True, slots=True)
class TrackPage:
    """Everything about one track. ``same_isrc``: other tracks that carry the same ISRC. ``reason``: why its status.

    ``works``: what is performed in it.
    """

    track: TrackRow
    labels: tuple[LabelRef, ...]
    genres: tuple[GenreRef, ...]
    isrcs: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]
    links: tuple[LinkView, ...]
    files: tuple[FileView, ...]
    corrections: tuple[CorrectionView, ...]
    source: SourceView
    status_sentence: str
    reason: str
    previous: str | None
    next: str | None
    same_isrc: tuple[TrackRow, ...]
    release: ReleaseRow
    works: tuple[ThingRef, ...] = ()
    said_links: tuple[SaidLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Disc:
    """One medium of a release with its tracks; ``duration`` is the sum of the known ones."""

    position: int
    format: str
    title: str
    tracks: tuple[TrackRow, ...]
    duration: int


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field in which another edition differs: what it says ``here`` and ``there``, "" where nothing is said."""

    field: str
    here: str
    there: str


@dataclass(frozen=True, slots=True)
class TrackDifference:
    """A track in which another edition differs.

    ``what`` is ``only here``, ``only there``, ``title``, ``length``, ``credit`` or ``place``; ``here`` and ``there``
    are the titles, lengths, credits or places.
    """

    what: str
    title: str
    here: str
    there: str


@dataclass(frozen=True, slots=True)
class Edition:
    """Another release of the same release group, and what differs from this one, field by field, track by track.

    ``tracks_compared`` is False where one of the two is too long for the track lists to be compared on a page.
    """

    release: ReleaseRow
    fields: tuple[FieldDifference, ...]
    tracks: tuple[TrackDifference, ...]
    tracks_compared: bool = True


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """Everything about one release. ``held`` counts the tracks whose audio is held, ``playable`` those that play.

    ``group`` is its release group, if a source describes that.
    """

    release: ReleaseRow
    labels: tuple[LabelRef, ...]
    barcode: str
    genres: tuple[GenreRef, ...]
    discs: tuple[Disc, ...]
    editions: tuple[Edition, ...]
    identifiers: tuple[tuple[str, str], ...]
    links: tuple[LinkView, ...]
    files: tuple[FileView, ...]
    corrections: tuple[CorrectionView, ...]
    source: SourceView
    held: int
    playable: int
    next: str | None = None
    group: ThingRef | None = None
    said_links: tuple[SaidLink, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseGroupOfKind:
    """An artist's releases of one kind, best first."""

    kind: str
    releases: tuple[ReleaseRow, ...]


@dataclass(frozen=True, slots=True)
class Collaborator:
    """An artist credited together with this one, and on how many tracks."""

    artist: ArtistRow
    tracks: int


@dataclass(frozen=True, slots=True)
class ArtistPage:
    """Everything about one artist. ``releases_next`` asks for more of his releases, best first.

    ``collaborators_capped``: the counts cover the artist's first credits only, because there are too many for a page.
    """

    artist: ArtistRow
    sort_name: str
    begin: Date | None
    end: Date | None
    aliases: tuple[str, ...]
    genres: tuple[GenreRef, ...]
    identifiers: tuple[tuple[str, str], ...]
    links: tuple[LinkView, ...]
    corrections: tuple[CorrectionView, ...]
    source: SourceView
    top_tracks: tuple[TrackRow, ...]
    releases: tuple[ReleaseGroupOfKind, ...]
    releases_next: str | None
    appears_on: tuple[ReleaseRow, ...]
    collaborators: tuple[Collaborator, ...]
    collaborators_capped: bool
    said_links: tuple[SaidLink, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelPage:
    """A label and a page of its releases, best first; ``about`` is None where nothing says more than its name."""

    id: str
    name: str
    releases: int
    tracks: int
    about: About | None
    links: tuple[LinkView, ...]
    source: SourceView
    page: Page[ReleaseRow]
    said_links: tuple[SaidLink, ...] = ()


@dataclass(frozen=True, slots=True)
class ThingPage:
    """A release group, work, place or another thing; pages of a group's releases and of a work's tracks, best first."""

    id: str
    name: str
    about: About
    links: tuple[LinkView, ...]
    source: SourceView
    releases: Page[ReleaseRow]
    tracks: Page[TrackRow]


@dataclass(frozen=True, slots=True)
class GenrePage:
    """A genre and a page of its tracks, best first."""

    key: str
    name: str
    tracks: int
    releases: int
    artists: int
    page: Page[TrackRow]


@dataclass(frozen=True, slots=True)
class YearPage:
    """A year and a page of its releases, best first; the years before and after it that have any."""

    year: int
    tracks: int
    previous: int | None
    next: int | None
    page: Page[ReleaseRow]


@dataclass(frozen=True, slots=True)
class FrontPage:
    """What the archive holds and where to begin."""

    counts: Mapping[str, int]
    as_of: str
    top: tuple[ReleaseRow, ...]
    random: tuple[TrackRow, ...]
    genres: tuple[tuple[GenreRef, int], ...]

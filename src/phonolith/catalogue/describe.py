"""Turns descriptions into staged rows, with what a person decided about them already applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from phonolith.catalogue import corrections, others, staging
from phonolith.catalogue.parts import ARTIST, LABEL, RELEASE, TRACK, Parts, stored_id
from phonolith.model.ids import implicit_release, pack_isrc, public_id, public_key
from phonolith.model.music import (
    ArtistDescription,
    Description,
    Label,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.rights.decisions import Decisions
from phonolith.rights.evidence import Attestation

_Said = TypeVar("_Said", TrackDescription, ReleaseDescription, ArtistDescription, Label)


@dataclass
class Stager:
    """Stages the descriptions of one source."""

    parts: Parts
    decisions: Decisions
    _corrected: Mapping[int, str] = field(default_factory=dict)
    _last_release: tuple[str, int] = ("", 0)

    def __post_init__(self) -> None:
        self._corrected = {public_key(one): one for one in self.decisions.corrected_ids()}
        self.parts.watched = frozenset(self._corrected)
        self.parts.named = self._named

    def add(self, said: Description) -> None:
        """Stage one description."""
        if isinstance(said, TrackDescription):
            self._track(said)
        elif isinstance(said, ReleaseDescription):
            self._release(said)
        elif isinstance(said, ArtistDescription):
            self._artist(said)
        else:
            others.add(self.parts, said)

    def _track(self, said: TrackDescription) -> None:
        parts = self.parts
        key = parts.key(said.id)
        if key in self._corrected:
            said = self._correct(said, key, TRACK)
        release = self._release_of(said)
        uuid, text = stored_id(said.id)
        isrc = pack_isrc(said.isrcs[0]) if said.isrcs else None
        row = staging.Track(
            key,
            parts.source,
            uuid,
            text,
            release,
            said.title,
            parts.credit(said.credits),
            said.disc,
            said.position,
            said.duration_ms,
            isrc,
            said.date or None,
            parts.genres(said.genres) if said.genres else None,
            self._rights_of_track(said) if said.licences or self.decisions.attested else None,
            said.popularity,
            None if said.explicit is None else int(said.explicit),
            said.composition_by_others,
        )
        if said.files:
            row.offered = parts.files(key, TRACK, said.files)
        self._track_extras(key, said, 0 if isrc is None else 1)
        self._put(row, "tracks")

    def _track_extras(self, key: int, said: TrackDescription, isrcs: int) -> None:
        """What has no column; ``isrcs`` of the track's ISRCs have one."""
        parts = self.parts
        if len(said.isrcs) > isrcs:
            parts.identifiers(key, TRACK, (("isrc", code) for code in said.isrcs[isrcs:]))
        if said.number:
            parts.identifiers(key, TRACK, (("number", said.number),))
        if said.identifiers:
            parts.identifiers(key, TRACK, said.identifiers)
        if said.links:
            parts.links(key, TRACK, said.links)
        if said.disambiguation or said.remainder:
            parts.notes(key, TRACK, "disambiguation", (said.disambiguation,))
            parts.notes(key, TRACK, "remainder", (said.remainder,))

    def _release(self, said: ReleaseDescription) -> None:
        parts = self.parts
        key = parts.key(said.id)
        if key in self._corrected:
            said = self._correct(said, key, RELEASE)
        uuid, text = stored_id(said.id)
        row = staging.Release(
            key,
            parts.source,
            uuid,
            text,
            said.title,
            parts.credit(said.credits),
            said.date or None,
            barcode=said.barcode or None,
            kind=said.kind or None,
            country=said.country or None,
            release_group=said.group or None,
            genres=parts.genres(said.genres),
            rights=parts.evidence(said.licences, self._attestations(said.id)),
            popularity=said.popularity,
            discs=max((medium.position for medium in said.media), default=0),
        )
        parts.labels(row, said.labels)
        self._release_extras(key, said)
        self._put(row, "releases")

    def _release_extras(self, key: int, said: ReleaseDescription) -> None:
        parts = self.parts
        for medium in said.media:
            if medium.format or medium.title:
                names = medium.format or None, medium.title or None
                parts.writer.add(staging.Medium(key, medium.position, *names))
        if said.files:
            parts.files(key, RELEASE, said.files)
        parts.identifiers(key, RELEASE, said.identifiers)
        parts.links(key, RELEASE, said.links)
        for kind in ("status", "disambiguation", "language", "script", "remainder"):
            if value := getattr(said, kind):
                parts.notes(key, RELEASE, kind, (value,))

    def _artist(self, said: ArtistDescription) -> None:
        parts = self.parts
        key = parts.key(said.id)
        if key in self._corrected:
            said = self._correct(said, key, ARTIST)
        parts.identifiers(key, ARTIST, said.identifiers)
        parts.links(key, ARTIST, said.links)
        parts.notes(key, ARTIST, "alias", said.aliases)
        parts.notes(key, ARTIST, "remainder", (said.remainder,))
        self.parts.counts["artists"] += 1
        self._artist_row(key, said)

    def _artist_row(self, key: int, said: ArtistDescription) -> None:
        parts = self.parts
        uuid, text = stored_id(said.id)
        row = staging.Artist(
            key,
            parts.source,
            uuid,
            text,
            said.name,
            None if said.sort_name == said.name else said.sort_name or None,
            said.disambiguation or None,
            said.kind or None,
            said.country or None,
            said.begin or None,
            said.end or None,
            parts.genres(said.genres),
            said.popularity,
        )
        parts.writer.add(row)

    def _release_of(self, said: TrackDescription) -> int:
        """The key of the track's release. If its source names none, one is made that holds this track."""
        parts = self.parts
        if said.release:
            if said.release == self._last_release[0]:
                return self._last_release[1]
            key = parts.key(said.release)
            self._last_release = said.release, key
            if parts.first_time(key):
                parts.writer.add(staging.ReleaseRef(key, parts.source, *stored_id(said.release)))
            return key
        source_id = implicit_release(said.id)
        key = parts.key(source_id)
        made = ReleaseDescription(source_id, said.title, said.credits, said.date)
        if key in self._corrected:
            made = self._correct(made, key, RELEASE)
        credit, attested = parts.credit(made.credits), self._attestations(source_id, said.id)
        row = staging.Release(key, parts.source, *stored_id(source_id), made.title, credit)
        row.date = made.date or None
        row.rights = parts.evidence(said.licences, attested, by_others=said.composition_by_others)
        self._put(row, "releases made for a single track")
        return key

    def _rights_of_track(self, said: TrackDescription) -> int | None:
        """Evidence of the track's own; None if that of its release holds."""
        attested = self._attestations(said.id)
        if not said.licences and not attested:
            return None
        release = said.release or implicit_release(said.id)
        attested = self._attestations(said.id, release)
        return self.parts.evidence(said.licences, attested, by_others=said.composition_by_others)

    def _attestations(self, *source_ids: str) -> tuple[Attestation, ...]:
        if not self.decisions.attested:
            return ()
        return self.decisions.attestations(*(public_id(self.parts.name, one) for one in source_ids))

    def _named(self, kind: int, key: int, source_id: str, name: str) -> str:
        """Correct an artist or label that is named in passing: perhaps nothing else describes it."""
        if kind == LABEL:
            return self._correct(Label(name, source_id), key, LABEL).name
        stub = self._correct(ArtistDescription(source_id, name), key, ARTIST, guess=True)
        self._artist_row(key, stub)
        return name

    def _correct(self, said: _Said, key: int, kind: int, *, guess: bool = False) -> _Said:
        """The description as a person decided, with a row for each field that was changed."""
        changed, applied = corrections.apply(said, self.decisions.fields(self._corrected[key]))
        for one in applied:
            decided = one.decision
            row = staging.Correction(
                key, kind, one.field, one.was, one.now, decided.because, decided.event, decided.time, guess
            )
            self.parts.writer.add(row)
        self.parts.counts["corrections"] += len(applied)
        assert isinstance(changed, type(said))
        return changed

    def _put(self, row: staging.Track | staging.Release, what: str) -> None:
        self.parts.writer.add(row)
        self.parts.counts[what] += 1

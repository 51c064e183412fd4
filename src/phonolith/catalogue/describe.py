"""Turns descriptions into staged rows, with what a person decided about them already applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, TypeVar

from phonolith.catalogue import corrections, others, staging
from phonolith.catalogue.parts import ARTIST, LABEL, RELEASE, TRACK, Parts, stored_id, stored_ids
from phonolith.model.ids import implicit_release, pack_isrc, public_id, public_key
from phonolith.model.music import (
    ArtistDescription,
    Description,
    Label,
    OtherDescription,
    PayloadDescription,
    PopularityDescription,
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

    def __post_init__(self) -> None:
        self._corrected = {public_key(one): one for one in self.decisions.corrected_ids()}
        self.parts.watched = frozenset(self._corrected)
        self.parts.named = self._named

    def add(self, said: Iterable[Description | PayloadDescription]) -> None:
        """Stage descriptions."""
        found: dict[type, list[Any]] = {}
        for one in said:
            found.setdefault(type(one), []).append(one)
        self._leave_out_private(found)
        self._releases(found.get(ReleaseDescription, []))
        self._tracks(found.get(TrackDescription, []))
        for artist in found.get(ArtistDescription, ()):
            self._artist(artist)
        for other in found.get(OtherDescription, ()):
            others.add(self.parts, other)
        for one in found.get(PopularityDescription, ()):
            row = staging.Listened(one.kind, one.mbid, self.parts.source, one.counted, one.listens)
            self.parts.writer.add(row)
        for one in found.get(PayloadDescription, ()):
            given = staging.Payload(one.id, one.sha256, one.media_type or None, one.time, one.codec or None)
            self.parts.writer.add(given)
            self.parts.counts["fetched files"] += 1

    def _leave_out_private(self, found: Mapping[type, list[Any]]) -> None:
        """Take out what its source keeps private: a catalogue is a list, and is given away."""
        releases, tracks = found.get(ReleaseDescription, []), found.get(TrackDescription, [])
        private = {one.id for one in releases if "private" in one.limits}
        if not private and not any("private" in one.limits for one in tracks):
            return
        before = len(releases) + len(tracks)
        releases[:] = [one for one in releases if one.id not in private]
        tracks[:] = [one for one in tracks if "private" not in one.limits and one.release not in private]
        self.parts.counts["private at their source"] += before - len(releases) - len(tracks)

    def _tracks(self, tracks: Sequence[TrackDescription]) -> None:
        """Stage tracks, a column at a time: nearly all descriptions there are pass here."""
        parts = self.parts
        keys = parts.keys([one.id for one in tracks])
        said = self._all_corrected(tracks, keys, TRACK)
        columns = (
            keys,
            repeat(parts.source),
            *stored_ids([one.id for one in said]),
            self._releases_of(said),
            [one.title for one in said],
            [parts.credit(one.credits) for one in said],
            [one.disc for one in said],
            [one.position for one in said],
            [one.duration_ms for one in said],
            [pack_isrc(one.isrcs[0]) if one.isrcs else None for one in said],
            [one.date or None for one in said],
            [parts.genres(one.genres) if one.genres else None for one in said],
            self._rights_of_tracks(said),
            [one.popularity for one in said],
            [None if one.explicit is None else int(one.explicit) for one in said],
            [one.composition_by_others for one in said],
            repeat(False),
            self._limits(said),
        )
        rows = list(map(staging.Track, *columns))
        for row, one in zip(rows, said, strict=True):
            if one.files:
                row.offered = parts.files(row.key, TRACK, one.files)
            if one.number or one.identifiers or one.links or one.remainder or one.disambiguation or len(one.isrcs) > 1:
                self._track_extras(row.key, one, 0 if row.isrc is None else 1)
            elif one.isrcs and row.isrc is None:
                self._track_extras(row.key, one, 0)
        parts.writer.extend(staging.Track, rows)
        parts.counts["tracks"] += len(rows)

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

    def _releases(self, releases: Sequence[ReleaseDescription]) -> None:
        """Stage releases, a column at a time."""
        parts = self.parts
        keys = parts.keys([one.id for one in releases])
        said = self._all_corrected(releases, keys, RELEASE)
        columns = (
            keys,
            repeat(parts.source),
            *stored_ids([one.id for one in said]),
            [one.title for one in said],
            [parts.credit(one.credits) for one in said],
            [one.date or None for one in said],
            repeat(None),
            repeat(None),
            [one.barcode or None for one in said],
            [one.kind or None for one in said],
            [one.country or None for one in said],
            [one.group or None for one in said],
            [parts.genres(one.genres) for one in said],
            [parts.evidence(one.licences, self._attestations(one.id)) for one in said],
            [one.popularity for one in said],
            [max([medium.position for medium in one.media], default=0) for one in said],
            self._limits(said),
        )
        rows = list(map(staging.Release, *columns))
        for row, one in zip(rows, said, strict=True):
            parts.labels(row, one.labels)
            self._release_extras(row.key, one)
        parts.writer.extend(staging.Release, rows)
        parts.counts["releases"] += len(rows)

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
        if said.status or said.disambiguation or said.language or said.script or said.remainder:
            for kind in ("status", "disambiguation", "language", "script", "remainder"):
                parts.notes(key, RELEASE, kind, (getattr(said, kind),))

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

    def _releases_of(self, tracks: Sequence[TrackDescription]) -> list[int]:
        """The keys of the tracks' releases. Where a source names none, one is made that holds the track."""
        parts = self.parts
        named = list(dict.fromkeys([one.release for one in tracks if one.release]))
        found = dict(zip(named, parts.keys(named), strict=True))
        new = [name for name in named if parts.first_time(found[name])]
        columns = [found[name] for name in new], repeat(parts.source), *stored_ids(new)
        parts.writer.extend(staging.ReleaseRef, list(map(staging.ReleaseRef, *columns)))
        return [found[one.release] if one.release else self._release_for(one) for one in tracks]

    def _release_for(self, said: TrackDescription) -> int:
        """Make the release of a track that is on none."""
        parts = self.parts
        source_id = implicit_release(said.id)
        key = parts.key(source_id)
        made = ReleaseDescription(source_id, said.title, said.credits, said.date)
        if key in self._corrected:
            made = self._correct(made, key, RELEASE)
        credit, attested = parts.credit(made.credits), self._attestations(source_id, said.id)
        row = staging.Release(key, parts.source, *stored_id(source_id), made.title, credit)
        row.date = made.date or None
        row.rights = parts.evidence(said.licences, attested, by_others=said.composition_by_others)
        row.limits = next(iter(self._limits([said])))
        parts.writer.add(row)
        parts.counts["releases made for a single track"] += 1
        return key

    def _limits(self, said: Sequence[TrackDescription] | Sequence[ReleaseDescription]) -> Iterable[str]:
        """What the source forbids with each. Where it does, there is evidence for those limits to stand beside."""
        if not any(one.limits for one in said):
            return repeat("")
        self.parts.nothing_stated()
        return [" ".join(sorted(set(one.limits))) for one in said]

    def _rights_of_tracks(self, tracks: Sequence[TrackDescription]) -> Iterable[int | None]:
        """Evidence of the tracks' own; None where that of its release holds."""
        if not self.decisions.attested and not any(one.licences or one.origin for one in tracks):
            return repeat(None)
        return [self._rights_of_track(one) for one in tracks]

    def _rights_of_track(self, said: TrackDescription) -> int | None:
        attested = self._attestations(said.id)
        if not said.licences and not attested and not said.origin:
            return None
        release = said.release or implicit_release(said.id)
        attested = self._attestations(said.id, release)
        others = said.composition_by_others
        return self.parts.evidence(said.licences, attested, by_others=others, origin=said.dates)

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

    def _all_corrected(self, said: Sequence[_Said], keys: Sequence[int], kind: int) -> Sequence[_Said]:
        """The descriptions as persons decided."""
        if self._corrected.keys().isdisjoint(keys):
            return said
        pairs = zip(said, keys, strict=True)
        return [self._correct(one, key, kind) if key in self._corrected else one for one, key in pairs]

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

"""What a collection's current records offer for fetching, and what the gate says of each file by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from phonolith.errors import BadInput, NotFound
from phonolith.model.ids import implicit_release, named_artist, public_id
from phonolith.model.music import Credit, Description, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.model.progress import Progress
from phonolith.model.record import Record
from phonolith.model.rights import Decision, Use
from phonolith.rights.decisions import Decisions
from phonolith.rights.evidence import Evidence, resolve
from phonolith.rights.gate import Policy, Subject, decide
from phonolith.sources.base import SETTINGS, open_source, settings_of, speaks_for
from phonolith.sources.media import Candidate, candidates
from phonolith.store.records import RecordStore
from phonolith.store.register import Register


@dataclass(frozen=True, slots=True)
class Offer:
    """A candidate of the record ``item``; ``track`` is None for a file of the release, ``release`` if none is known."""

    item: str
    candidate: Candidate
    track: TrackDescription | None
    release: ReleaseDescription | None


class Collection:
    """A collection whose records are read for what they offer. Raises NotFound, BadInput where it cannot be read."""

    def __init__(self, store: RecordStore, name: str) -> None:
        if name not in store.sources():
            raise NotFound(name, "nothing was ever harvested under this name", "See phonolith status")
        self._store = store
        self.name = name
        self.source = open_source(name, settings_of(store, name))
        #: The name by which public ids of its things are made.
        self.spoken = speaks_for(self.source, name)

    def offers(self, progress: Progress) -> Iterator[Offer]:
        """Every candidate of every current record; records that cannot be read offer nothing (a build tells them)."""
        progress.start(f"Reading what {self.name} offers", self._store.count(self.name), "records")
        for record in self._store.scan([self.name]):
            if record.item != SETTINGS:
                yield from self._of(record)
            progress.advance(1)
        progress.finish()

    def again(self, item: str, address: str) -> Offer | None:
        """The same offer as the record stands now; None if it is no longer made."""
        record = self._store.get(self.name, item)
        return next((one for one in self._of(record) if one.candidate.address == address), None) if record else None

    def _of(self, record: Record) -> Iterator[Offer]:
        try:
            said = list(self.source.interpret(record))
            found = candidates(self.source, record, said)
        except BadInput:
            return
        about = {one.id: one for one in said if isinstance(one, TrackDescription | ReleaseDescription)}
        for candidate in found:
            one = about.get(candidate.description)
            if isinstance(one, TrackDescription):
                yield Offer(record.item, candidate, one, self._release(one.release, about))
            elif one is not None:
                yield Offer(record.item, candidate, None, one)

    def _release(
        self, identifier: str, about: Mapping[str, TrackDescription | ReleaseDescription]
    ) -> ReleaseDescription | None:
        """A track's release, of the same record or of the one that is named like it."""
        found: Sequence[Description] = [about[identifier]] if identifier in about else ()
        if not found and identifier and (record := self._store.get(self.name, identifier)):
            try:
                found = list(self.source.interpret(record))
            except BadInput:
                return None
        return next((one for one in found if isinstance(one, ReleaseDescription) and one.id == identifier), None)


class Door:
    """The gate, asked whether a copy of an offered file may be held, by the decisions and the day of that moment."""

    def __init__(self, register: Register, policy: Policy, clock: Callable[[], str]) -> None:
        self._register = register
        self._policy = policy
        self._clock = clock
        self._decisions = Decisions()

    def decide(self, spoken: str, offer: Offer, use: Use = Use.HOLD) -> Decision:
        """The gate's answer for one file; a denied cover denies the cover only. ``use`` is asked as of what is held."""
        decisions = self._decisions
        if self._register.head()[0] != decisions.head:
            decisions = self._decisions = decisions.then(self._register.events(decisions.head))
        track, release = _ids(spoken, offer)
        asked = Subject(
            _evidence(offer, decisions, track, release, date.fromisoformat(self._clock()[:10])),
            (*filter(None, (track, release)), *_artists(spoken, offer)),
            held=use is not Use.HOLD,
            limits=offer.candidate.limits,
        )
        return decide(use, asked, policy=self._policy, withdrawn=decisions.withdrawn)


def _ids(spoken: str, offer: Offer) -> tuple[str, str]:
    """Public ids of the offer's track, "" if it has none, and release."""
    track = offer.track
    if track is None:
        return "", public_id(spoken, offer.candidate.description)
    return public_id(spoken, track.id), public_id(spoken, track.release or implicit_release(track.id))


def _evidence(offer: Offer, decisions: Decisions, track: str, release: str, on: date) -> Evidence:
    """The evidence that a build would conclude for the track or release, and for a file with statements of its own."""
    candidate, said = offer.candidate, offer.track
    by_others = candidate.role == "audio" and said is not None and said.composition_by_others
    statements: tuple[LicenceStatement, ...] = said.licences if said else ()
    attested = decisions.attestations(track, release) if track else ()
    if candidate.licences:
        whole = candidate.role == "audio"  # what is attested of music does not speak for a picture by another hand
        return resolve(
            candidate.licences,
            decisions.attestations(track, release) if whole else (),
            composition_by_others=by_others,
        )
    if not statements and not decisions.attestations(track):
        statements = offer.release.licences if offer.release else ()
        attested = decisions.attestations(release)
    origin = said.dates if said is not None and candidate.role == "audio" else None  # dates are of the audio alone
    return resolve(statements, attested, composition_by_others=by_others, origin=origin, on=on)


def _artists(spoken: str, offer: Offer) -> list[str]:
    credits: list[Credit] = [*(offer.track.credits if offer.track else ())]
    credits += offer.release.credits if offer.release else ()
    return [public_id(spoken, one.artist or named_artist(one.name)) for one in credits]

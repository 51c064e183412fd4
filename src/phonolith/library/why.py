"""``why``: everything that decided what may be done with a track or a release, for a person to follow.

The catalogue has what the build concluded; the record has who said what, where and when. Both are shown, with the
decisions in force since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

from phonolith.errors import BadInput, NotFound, UsageError
from phonolith.library import details
from phonolith.library.access import door, standing
from phonolith.library.listing import raw_tracks
from phonolith.library.reading import Library, Reading
from phonolith.library.views import CorrectionView
from phonolith.model.ids import unpack_source_id
from phonolith.model.music import LicenceStatement, Origin, ReleaseDescription, TrackDescription
from phonolith.model.record import Record
from phonolith.model.rights import Decision, Use
from phonolith.model.status import Status
from phonolith.rights.decisions import Withdrawal
from phonolith.rights.evidence import Attestation
from phonolith.rights.explain import explain
from phonolith.rights.gate import Policy, Subject, decide
from phonolith.sources.base import Records, Source, open_source, settings_of

_ANY_HELD = "SELECT EXISTS (SELECT 1 FROM track WHERE release = ? AND status = ?)"
_MOST_SCANNED = 200_000  # records read to find the one that describes a thing under another name than its own


class RecordSource(Records, Protocol):
    """What is needed of the record store."""

    def get(self, source: str, item: str) -> Record | None:
        """The current record of an item."""


@dataclass(frozen=True, slots=True)
class RecordView:
    """The record that describes a thing: where and when it was read, and the SHA-256 of its bytes."""

    source: str
    item: str
    url: str
    time: str
    digest: str


@dataclass(frozen=True, slots=True)
class Why:
    """What a decision rests on. ``origin`` has the dates a track's record states; ``problem`` why none was found."""

    reference: str
    title: str
    subject: Subject
    statements: tuple[LicenceStatement, ...]
    attestations: tuple[Attestation, ...]
    withdrawn: Mapping[str, Withdrawal]
    corrections: tuple[CorrectionView, ...]
    record: RecordView | None
    problem: str
    policy: Policy
    origin: Origin | None = None

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The gate's answer to every use."""
        return tuple(decide(use, self.subject, policy=self.policy, withdrawn=self.withdrawn) for use in Use)

    def lines(self) -> list[str]:
        """The explanation as lines of plain text."""
        return [
            *explain(
                self.reference,
                self.subject,
                self.statements,
                policy=self.policy,
                withdrawn=self.withdrawn,
                attestations=self.attestations,
                origin=self.origin,
            ),
            *self._record_lines(),
            *self._correction_lines(),
        ]

    def _record_lines(self) -> Iterator[str]:
        if self.record is None:
            yield f"Record: {self.problem}"
            return
        yield f"Record: {self.record.source}, item {self.record.item!r}"
        yield f"  read {self.record.time}" + (f" from {self.record.url}" if self.record.url else "")
        yield f"  SHA-256 {self.record.digest}"

    def _correction_lines(self) -> Iterator[str]:
        for one in self.corrections:
            yield f"Corrected: {one.field} from {one.was!r} to {one.now!r} (event {one.event}, {one.time[:10]})"
            yield f"  because {one.because}"


def why(library: Library, identifier: str, *, records: RecordSource | None = None) -> Why:
    """What decided about the track or release with this id. Raises NotFound, and UsageError for other kinds."""
    with library.reading() as reading:
        kind, row = reading.snapshot.find(identifier)
        if kind not in ("track", "release"):
            raise UsageError(
                f"{kind}:{identifier}", f"nothing is decided about a {kind}", "Ask about a track or release"
            )
        own, audio = standing(reading, kind, row), door(reading, kind, row) if kind == "track" else None
        own = replace(own, ids=(*own.ids, audio.sha256)) if audio else own
        source, names, title = _described(reading, kind, row)
        corrections = details.corrections(reading, details.subject(kind, row))
        subject = reading.subject(own, held=_held(reading, kind, row))
        attestations = reading.decisions.attestations(*own.witnesses)
        withdrawn = {one: reading.decisions.withdrawn[one] for one in own.ids if one in reading.decisions.withdrawn}
    record, statements, origin, problem = _statements(records, source, names)
    return Why(
        f"{kind}:{identifier}",
        title,
        subject,
        statements,
        attestations,
        withdrawn,
        corrections,
        record,
        problem,
        library.policy,
        origin,
    )


def _described(reading: Reading, kind: str, row: int) -> tuple[str, tuple[str, ...], str]:
    """The source, the source ids (a track's own, then its release's) and the title."""
    if kind == "track":
        raw = raw_tracks(reading, [row])[0]
        names = unpack_source_id(raw.source_id), unpack_source_id(raw.release_source_id)
        return _name(reading, raw.source), names, raw.title
    source, source_id, title = reading.rows("SELECT source, source_id, title FROM release WHERE id = ?", (row,))[0]
    return _name(reading, source), (unpack_source_id(source_id),), title


def _held(reading: Reading, kind: str, row: int) -> bool:
    """Whether a track's audio is held, or that of any track of a release."""
    if kind == "track":
        return door(reading, kind, row) is not None
    return bool(reading.rows(_ANY_HELD, (row, Status.HELD))[0][0])


def _name(reading: Reading, source: int) -> str:
    return str(reading.rows("SELECT name FROM source WHERE id = ?", (source,))[0][0])


def _statements(
    records: RecordSource | None, source: str, names: tuple[str, ...]
) -> tuple[RecordView | None, tuple[LicenceStatement, ...], Origin | None, str]:
    """The record that describes the thing, and what is stated of it and of its release."""
    if records is None:
        return None, (), None, "not asked for"
    try:
        interpreter = open_source(source, settings_of(records, source))
    except (NotFound, BadInput) as error:
        return None, (), None, str(error)
    view: RecordView | None = None
    origin: Origin | None = None
    for name in names:  # a track without a statement of its own has that of its release
        record, said, dates = _find(records, interpreter, source, name)
        origin = origin or dates
        if record is not None and view is None:
            view = RecordView(record.source, record.item, record.url, record.time, record.digest)
        if said:
            return view, said, origin, ""
    return view, (), origin, "" if view else "no current record describes it"


def _find(
    records: RecordSource, interpreter: Source, source: str, name: str
) -> tuple[Record | None, tuple[LicenceStatement, ...], Origin | None]:
    """The first record that describes the source id, and what it states about licences and dates."""
    for record in _candidates(records, source, name):
        try:
            said = [one for one in interpreter.interpret(record) if one.id == name]
        except BadInput:
            continue
        if said:
            licensed = (one for one in said if isinstance(one, TrackDescription | ReleaseDescription))
            dates = (one.origin for one in said if isinstance(one, TrackDescription) and one.origin)
            return record, tuple(statement for one in licensed for statement in one.licences), next(dates, None)
    return None, (), None


def _candidates(records: RecordSource, source: str, name: str) -> Iterator[Record]:
    """The record of that name, which is nearly always it, or of what stands before its slash, then every record."""
    for item in dict.fromkeys((name, name.partition("/")[0])):
        if (exact := records.get(source, item)) is not None:
            yield exact
    yield from islice(records.scan([source]), _MOST_SCANNED)

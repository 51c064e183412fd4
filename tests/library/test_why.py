"""``why`` puts together what the build concluded, what the record says, and what was decided since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest

from phonolith.errors import BadInput, NotFound, UsageError
from phonolith.library import why as module
from phonolith.library.why import why
from phonolith.model.music import Description, Level, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.model.record import Record
from phonolith.model.rights import Use
from tests.library.conftest import Shelf
from tests.sample import sample_attestation, source_id

BY = "https://creativecommons.org/licenses/by/4.0/"


class Stub:
    """A source whose record says: ids, a line each, with what is stated of them."""

    def interpret(self, record: Record) -> Iterable[Description]:
        if record.payload == b"broken":
            raise BadInput(record.item, "is broken")
        for line in record.payload.decode().splitlines():
            name, _, stated = line.partition(" ")
            said = (LicenceStatement(stated, Level.PLATFORM, "licence-file", "LICENSE.md", digest="d" * 64),)
            kind = TrackDescription if name.startswith("track:") else ReleaseDescription
            yield kind(name, "x", licences=said if stated else ())


class Held:
    """A record store with a few records."""

    def __init__(self, **payloads: str) -> None:
        self.records = [
            Record("folder", name, "file", "2026-10-01T00:00:00Z", text.encode()) for name, text in payloads.items()
        ]

    def get(self, source: str, item: str) -> Record | None:
        return next((one for one in self.records if (one.source, one.item) == (source, item)), None)

    def scan(self, sources: Sequence[str] | None = None) -> Iterator[Record]:
        return iter(self.records)


@pytest.fixture(autouse=True)
def _stub(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(name: str, settings: bytes | None = None) -> Stub:
        if name == "table":
            raise NotFound("source 'table'", "is not installed")
        return Stub()

    monkeypatch.setattr(module, "open_source", opened)


def test_a_tracks_own_statement_is_found_under_its_name(shelf: Shelf) -> None:
    records = Held(**{source_id("track:road/1", "folder"): f"track:road/1 {BY}"})
    found = why(shelf.library, shelf.ids["track:road/1"], records=records)
    assert [one.uri for one in found.statements] == [BY]
    assert found.record is not None
    assert (found.record.item, found.record.digest) == ("track:road/1", records.records[0].digest)
    text = "\n".join(found.lines())
    assert BY in text and "LICENSE.md" in text and "d" * 64 in text and found.record.digest in text
    assert {one.use: one.allowed for one in found.decisions}[Use.STREAM]


def test_the_releases_statement_stands_in_and_the_record_stays_the_tracks(shelf: Shelf) -> None:
    records = Held(broken="broken", tracks="track:road/1\ntrack:road/2", releases=f"release:road {BY}")
    found = why(shelf.library, shelf.ids["track:road/2"], records=records)
    assert [one.uri for one in found.statements] == [BY]
    assert found.record is not None and found.record.item == "tracks"


def test_what_cannot_be_found_is_said(shelf: Shelf) -> None:
    assert "no current record" in why(shelf.library, shelf.ids["track:road/1"], records=Held()).problem
    assert "not installed" in why(shelf.library, shelf.ids["track:listed/1"], records=Held()).problem
    found = why(shelf.library, shelf.ids["track:listed/1"])
    assert (found.record, found.statements, found.problem) == (None, (), "not asked for")
    assert "Record: not asked for" in found.lines()


def test_decisions_since_the_build_are_in_it(shelf: Shelf) -> None:
    track = shelf.ids["track:tokyo/1"]
    assert not {one.use: one.allowed for one in why(shelf.library, track).decisions}[Use.STREAM]
    body = sample_attestation(shelf.ids)
    shelf.decide("rights.attested", **body)
    found = why(shelf.library, track)
    assert {one.use: one.allowed for one in found.decisions}[Use.STREAM]
    assert [one.because for one in found.attestations] == ["recorded by us"]
    shelf.withdraw("artist:radio", ground="law")
    found = why(shelf.library, track)
    assert {one.status for one in found.decisions} == {451}
    assert list(found.withdrawn) == [shelf.ids["artist:radio"]]
    assert "phonolith reinstate" in "\n".join(found.lines())


def test_a_release_is_held_as_soon_as_a_track_of_it_is(shelf: Shelf) -> None:
    def streams(name: str) -> bool:
        return {one.use: one.allowed for one in why(shelf.library, shelf.ids[name]).decisions}[Use.STREAM]

    assert streams("release:kyoto"), "it has no cover, and its audio is held"
    assert not streams("release:quartets")


def test_a_correction_is_told(shelf: Shelf) -> None:
    lines = why(shelf.library, shelf.ids["track:sampler/1"]).lines()
    assert any("Lichter der Stdt" in line and "event 7" in line for line in lines)


def test_only_tracks_and_releases_are_decided_about(shelf: Shelf) -> None:
    assert why(shelf.library, shelf.ids["release:quartets"]).title == "String Quartets"
    with pytest.raises(UsageError):
        why(shelf.library, shelf.ids["artist:quiet"])
    with pytest.raises(NotFound):
        why(shelf.library, "a" * 16)

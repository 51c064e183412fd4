"""A source for tests whose records are descriptions as JSON, and archives made of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.music import (
    ArtistDescription,
    Description,
    OtherDescription,
    PopularityDescription,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.record import Record
from phonolith.sources.base import Terms
from phonolith.store.archive import Archive

NOW = "2026-03-01T12:00:00Z"
_KINDS: dict[str, Any] = {
    "artist": ArtistDescription,
    "release": ReleaseDescription,
    "track": TrackDescription,
    "other": OtherDescription,
    "popularity": PopularityDescription,
}


class SaidSource:
    """Interprets records whose payload is ``[kind, description]``."""

    name = "said"
    title = "What a test said"
    terms = Terms("CC0-1.0", "from the test", publish=("**",), credit="the tests", url="https://example.org/said")

    def interpret(self, record: Record) -> Iterable[Description]:
        try:
            return [msgspec.convert(said, _KINDS[kind]) for kind, said in msgspec.json.decode(record.payload)]
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadInput(f"record {record.item}", str(error)) from error


def records(*descriptions: Description, source: str = "said") -> list[Record]:
    """One record for each description."""
    return [_record(description, source) for description in descriptions]


def _record(description: Description, source: str) -> Record:
    kind = next(name for name, cls in _KINDS.items() if isinstance(description, cls))
    item = f"{kind}:{description.id}"
    return Record(source, item, "", NOW, msgspec.json.encode([(kind, description)]))


def make_archive(root: Path, *descriptions: Description) -> Archive:
    """A new archive that holds the descriptions."""
    archive = Archive.create(root, name="Test", contact="test@example.org", now=NOW)
    add(archive, *descriptions)
    return archive


def add(archive: Archive, *descriptions: Description, source: str = "said") -> None:
    """Store further descriptions."""
    with archive.records() as store:
        store.put_many(records(*descriptions, source=source))


def decide(archive: Archive, kind: str, **body: Any) -> int:
    """Append an event; returns its sequence number. ``as_`` stands for ``as``."""
    values = {name.rstrip("_"): value for name, value in body.items()}
    with archive.register() as register:
        return register.append(kind, values, actor="tester", time=NOW).seq

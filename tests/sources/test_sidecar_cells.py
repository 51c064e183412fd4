"""Cells of a sidecar beside a folder: several artists in one cell, and a measure of popularity."""

from __future__ import annotations

import msgspec
import pytest

from phonolith.model.music import TrackDescription
from phonolith.model.record import Record
from phonolith.sources import folder_records as records
from phonolith.sources.folder import FolderSource


def described(**cells: str) -> TrackDescription:
    row = records.SidecarRow("tracks.csv", "0" * 64, {"path": "one.flac", "title": "One", **cells})
    track = records.Track("album", records.HeldFile("audio", "one.flac", "1" * 64, 7), records.Audio(), sidecar=row)
    record = Record("folder.x", "one.flac", "file:one.flac", "2026-01-01T00:00:00Z", msgspec.json.encode(track))
    (found,) = FolderSource("folder.x").interpret(record)
    assert isinstance(found, TrackDescription)
    return found


def test_artists_are_parted_by_semicolons_and_joined_by_commas() -> None:
    credits = described(artist="Obsidian Drift; Tephra Music Box").credits
    assert [(credit.name, credit.join) for credit in credits] == [("Obsidian Drift", ", "), ("Tephra Music Box", "")]


def test_an_ampersand_or_comma_parts_nobody() -> None:
    assert [credit.name for credit in described(artist="Exhale & Tim Unwin, Duo").credits] == [
        "Exhale & Tim Unwin, Duo"
    ]


@pytest.mark.parametrize(
    ("cell", "value"),
    [("960", 960.0), (" 2.5 ", 2.5), ("", None), ("-1", None), ("nan", None), ("1e9", None), ("x", None)],
)
def test_popularity_is_a_plain_number(cell: str, value: float | None) -> None:
    assert described(popularity=cell).popularity == value

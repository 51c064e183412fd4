"""Harvests of JSON documents: one record a file or line, offline, broken ones named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phonolith.errors import NotFound
from phonolith.harvest.documents import harvest_documents
from phonolith.harvest.report import HarvestReport
from phonolith.model.music import ArtistDescription, ReleaseDescription
from phonolith.model.progress import Silent
from phonolith.store.archive import Archive
from tests.harvest.harvesting import clock, codes, counts, described, new_archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return new_archive(tmp_path / "archive")


def harvest(archive: Archive, path: Path) -> HarvestReport:
    return harvest_documents(archive, path, progress=Silent(), clock=clock)


def test_real_documents(archive: Archive, shared_data: Path) -> None:
    place = shared_data / "musicbrainz-server" / "derived" / "ws2-json"
    assert counts(harvest(archive, place)) == (110, 0, 0, 0)
    assert counts(harvest(archive, place)) == (0, 0, 110, 0)
    assert len({one.id for one in described(archive, ArtistDescription)}) >= 13
    assert len({one.id for one in described(archive, ReleaseDescription)}) >= 13


def test_dumps_of_one_document_a_line(archive: Archive, tmp_path: Path) -> None:
    lines = [json.dumps({"id": f"{n:08x}-0000-4000-8000-000000000000", "name": f"n{n}", "ipis": []}) for n in range(3)]
    place = tmp_path / "dump"
    place.mkdir()
    (place / "artist.jsonl").write_text("\n".join([lines[0], "{broken", "[1]", "", lines[1]]))
    report = harvest(archive, place)
    assert [str(one).split(":")[0] for one in report.findings] == ["artist.jsonl line 2", "artist.jsonl line 3"]
    (place / "artist.jsonl").write_text("\n".join([lines[2], lines[0]]))
    assert counts(harvest(archive, place)) == (1, 0, 1, 1)


def test_what_is_no_document(archive: Archive, tmp_path: Path) -> None:
    place = tmp_path / "docs"
    place.mkdir()
    with pytest.raises(NotFound, match=r"no \.json"):
        harvest(archive, place)
    (place / "a.json").write_bytes(b"\xff\xfe")
    (place / "b.json").write_text('{"id": "x", "name": "n", "ipis": []}')
    report = harvest(archive, place)
    assert codes(report) == {"document.broken"}
    assert report.new == 1

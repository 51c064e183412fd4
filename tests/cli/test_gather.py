"""What each source is told with ``--since``, by its own help and by its own words where that makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.store.archive import Archive
from tests.cli.conftest import Result

Phonolith = Callable[..., Result]
SAID = {
    "internetarchive": ("--since YYYY-MM-DD", ("--collection", "x"), "is no date"),
    "oaipmh": ("--since DATE", ("https://music.example.org/oai",), "is no date"),
    "feed": ("--since YYYY-MM-DD", ("https://music.example.org/feed.xml",), "is no date"),
    "musicbrainz": ("--since SEQUENCE", (), "is no replication sequence"),
}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", name="x", contact="a@example.org", now="2026-01-01T00:00:00Z")


@pytest.mark.parametrize("kind", SAID)
def test_since_is_what_the_source_takes(kind: str, phonolith: Phonolith, archive: Archive) -> None:
    """Nothing is asked: what makes no sense is refused before."""
    metavar, wish, refusal = SAID[kind]
    assert metavar in " ".join(phonolith("harvest", kind, "--help").out.split())
    refused = phonolith("harvest", kind, *wish, "--since", "last week", "--archive", archive.root)
    assert refused.code == 2 and refusal in refused.err


def test_a_source_without_a_since_has_no_such_option(phonolith: Phonolith, archive: Archive) -> None:
    assert "--since" not in phonolith("harvest", "listenbrainz", "--help").out
    assert phonolith("harvest", "listenbrainz", "--since", "1", "--archive", archive.root).code == 2

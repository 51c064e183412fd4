"""``harvest`` over the network as people type it: words that are missing or wrong, resuming, what ``--since`` takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phonolith.model.frontier import Fate, Outcome, Step, Task
from phonolith.store.archive import Archive
from tests.cli.conftest import Made, Result

Phonolith = Callable[..., Result]
SAID = {
    "internetarchive": ("--since YYYY-MM-DD", ("--collection", "x"), "is no date"),
    "oaipmh": ("--since DATE", ("https://music.example.org/oai",), "is no date"),
    "feed": ("--since YYYY-MM-DD", ("https://music.example.org/feed.xml",), "is no date"),
    "musicbrainz": ("--since SEQUENCE", (), "is no replication sequence"),
}


@pytest.mark.parametrize(
    ("word", "remedy"), [("interntarchive", "Did you mean 'internetarchive'?"), ("xyz", "harvest --help lists them")]
)
def test_a_source_that_there_is_not(phonolith: Phonolith, word: str, remedy: str) -> None:
    told = phonolith("harvest", word, "--collection", "x")
    assert told.code == 2 and told.err.startswith(f"harvest {word}: there is no such source.") and remedy in told.err


def test_resuming_as_an_option_is_resuming(phonolith: Phonolith, archive: Made) -> None:
    for words in (("harvest", "--resume"), ("harvest", "resume")):
        told = phonolith(*words, "--archive", archive.root)
        assert told.code == 2 and "there is none to go on with" in told.err


def test_status_says_why_something_is_tried_again(phonolith: Phonolith, archive: Made) -> None:
    task = Task("page:", "https://fake.example/", page=True)
    with Archive.open(archive.root).records() as store:
        frontier = store.frontier("fake.test")
        frontier.begin("{}", "2026-01-01T00:00:00Z", [task])
        late = Outcome(task, Fate.WAITING, Step(), "fake.example: cannot be reached", "2026-01-01T00:01:00Z")
        frontier.advance([late], "2026-01-01T00:00:30Z")
    told = phonolith("harvest", "status", "--archive", archive.root)
    assert "tried again from 2026-01-01T00:01:00Z on" in told.out and "fake.example: cannot be reached" in told.out
    (data,) = phonolith("harvest", "status", "--archive", archive.root, "--json").data["harvests"]
    assert data["again"] == [{"task": "page:", "why": "fake.example: cannot be reached"}]


@pytest.mark.parametrize("kind", SAID)
def test_since_is_what_the_source_takes(kind: str, phonolith: Phonolith, archive: Made) -> None:
    """Nothing is asked: what makes no sense is refused before."""
    metavar, wish, refusal = SAID[kind]
    assert metavar in " ".join(phonolith("harvest", kind, "--help").out.split())
    refused = phonolith("harvest", kind, *wish, "--since", "last week", "--archive", archive.root)
    assert refused.code == 2 and refusal in refused.err


def test_a_source_without_a_since_has_no_such_option(phonolith: Phonolith, archive: Made) -> None:
    assert "--since" not in phonolith("harvest", "listenbrainz", "--help").out
    assert phonolith("harvest", "listenbrainz", "--since", "1", "--archive", archive.root).code == 2


def test_without_a_contact_nothing_is_begun(phonolith: Phonolith, archive: Made) -> None:
    settings = archive.root / "phonolith.toml"
    lines = settings.read_text("utf-8").splitlines()
    settings.write_text("\n".join(line for line in lines if not line.startswith("contact")), "utf-8")
    told = phonolith("harvest", "oaipmh", "https://music.example.org/oai", "--archive", archive.root)
    assert told.code == 3 and 'Write contact = "' in told.err
    status = phonolith("harvest", "status", "--archive", archive.root, "--json")
    assert status.data["harvests"] == []

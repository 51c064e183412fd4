"""What was published and may be offered now: by the catalogue, and by the register alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from phonolith.library import publications
from phonolith.library.catalogue import Catalogue
from phonolith.library.offered import offered
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.model.event import Event
from phonolith.model.rights import Decision, Use
from phonolith.rights.decisions import Decisions
from phonolith.store.archive import Archive
from tests import sample
from tests.releases.test_cut import NOW, publish_now

Answers = dict[str, Decision]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Archive, dict[str, str]]:
    archive, ids = sample.make_archive(tmp_path_factory.mktemp("offered") / "archive")
    publish_now(archive)
    return archive, ids


def events_of(archive: Archive, *more: tuple[str, Mapping[str, Any]]) -> list[Event]:
    """What the register has, and what somebody might decide next."""
    with archive.register() as register:
        found = list(register.events())
    return found + [
        Event(len(found) + number, NOW, "operator", kind, body, "", "") for number, (kind, body) in enumerate(more, 1)
    ]


def ask(archive: Archive, events: list[Event], *, catalogue: bool) -> Answers:
    """The answer for every file of every bundle, by bundle and path."""
    decisions = Decisions.load(events)
    found: Answers = {}
    with archive.objects() as objects:
        bundles = publications.bundles(publications.publications(events)).values()
        if not catalogue:
            return {
                f"{b.name}/{path}": one for b in bundles for path, one in offered(None, objects, decisions, b).items()
            }
        with closing(Catalogue.open(archive.catalogue)) as opened, archive.register() as register:
            library = Library(opened, Overlay(register))
            for bundle in bundles:
                found |= {f"{bundle.name}/{p}": one for p, one in offered(library, objects, decisions, bundle).items()}
    return found


def refused(found: Answers) -> dict[str, int]:
    return {path: one.status for path, one in found.items() if not one.allowed}


def withdrawn(*ids: str, ground: str = "owner") -> tuple[str, Mapping[str, Any]]:
    return "item.withdrawn", {"subjects": list(ids), "because": "they asked", "ground": ground}


BOTH = pytest.mark.parametrize("catalogue", [True, False], ids=["with a catalogue", "by the register alone"])


@BOTH
def test_everything_that_was_published_is_offered(published: tuple[Archive, dict[str, str]], catalogue: bool) -> None:
    found = ask(published[0], events_of(published[0]), catalogue=catalogue)
    assert len(found) > 40 and refused(found) == {}
    assert all(one.use is Use.REDISTRIBUTE and one.reasons for one in found.values())

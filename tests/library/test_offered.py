"""What was published and may be offered now: by the catalogue, and by the register alone."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any, BinaryIO

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.library import offered as offered_
from phonolith.library import publications
from phonolith.library.catalogue import Catalogue
from phonolith.library.offered import any_offered, offered
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.model.event import Event
from phonolith.model.rights import Decision, Use
from phonolith.releases.publish import published as published_
from phonolith.rights.decisions import Decisions
from phonolith.store.archive import Archive
from tests import sample
from tests.releases.test_cut import NOW, publish_now

Answers = dict[str, Decision]
More = tuple[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Archive, dict[str, str]]:
    archive, ids = sample.make_archive(tmp_path_factory.mktemp("offered") / "archive")
    publish_now(archive)
    return archive, ids


def events_of(archive: Archive, *more: More) -> list[Event]:
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


def withdrawn(*ids: str, ground: str = "owner") -> More:
    return "item.withdrawn", {"subjects": list(ids), "because": "they asked", "ground": ground}


def attested(licence: str, *ids: str) -> More:
    return "rights.attested", {"subjects": list(ids), "licence": licence, "as": "rightsholder", "because": "a letter"}


def evidence_of(archive: Archive) -> list[dict[str, Any]]:
    """Every line of evidence of every bundle, with the bundle's name before its path."""
    found = []
    with archive.objects() as objects:
        for bundle in publications.bundles(published_(archive)).values():
            with objects.open(bundle.tags["evidence.jsonl"]) as file:
                found += [{**one, "path": f"{bundle.name}/{one['path']}"} for one in map(json.loads, file)]
    return found


def paths_of(archive: Archive, **wanted: str) -> set[str]:
    """Paths of the files that were published for a release or a track."""
    return {one["path"] for one in evidence_of(archive) if wanted.items() <= one.items()}


BOTH = pytest.mark.parametrize("catalogue", [True, False], ids=["with a catalogue", "by the register alone"])
Sample = tuple[Archive, dict[str, str]]


@BOTH
def test_everything_that_was_published_is_offered(published: Sample, catalogue: bool) -> None:
    found = ask(published[0], events_of(published[0]), catalogue=catalogue)
    assert len(found) > 40 and refused(found) == {}
    assert all(one.use is Use.REDISTRIBUTE and one.reasons for one in found.values())


@BOTH
@pytest.mark.parametrize(("ground", "status"), [("owner", 410), ("licence", 410), ("law", 451)])
def test_a_withdrawn_track_takes_its_file_alone(published: Sample, catalogue: bool, ground: str, status: int) -> None:
    archive, ids = published
    events = events_of(archive, withdrawn(ids["track:road/1"], ground=ground))
    files = paths_of(archive, track=ids["track:road/1"])
    assert len(files) == 1
    assert refused(ask(archive, events, catalogue=catalogue)) == dict.fromkeys(files, status)


@BOTH
def test_a_withdrawn_release_takes_all_its_files_and_what_shares_their_bytes(
    published: Sample, catalogue: bool
) -> None:
    archive, ids = published
    found = refused(ask(archive, events_of(archive, withdrawn(ids["release:road"])), catalogue=catalogue))
    files = paths_of(archive, release=ids["release:road"])
    assert len(files) > 8 and files <= found.keys() and set(found.values()) == {410}


@BOTH
def test_a_withdrawn_artist_takes_whatever_credits_him(published: Sample, catalogue: bool) -> None:
    archive, ids = published
    found = refused(ask(archive, events_of(archive, withdrawn(ids["artist:quiet"])), catalogue=catalogue))
    credited = {one["path"] for one in evidence_of(archive) if ids["artist:quiet"] in one["ids"]}
    assert paths_of(archive, release=ids["release:road"]) <= credited
    assert found == {**dict.fromkeys(credited, 410), **whole_bundles(archive, credited)}


@BOTH
def test_the_same_bytes_under_another_name_are_withdrawn_with_it(published: Sample, catalogue: bool) -> None:
    """road/2 and road-2014/2 are one object, published for the first of them."""
    archive, ids = published
    files = paths_of(archive, track=ids["track:road/2"])
    assert files and not paths_of(archive, track=ids["track:road-2014/2"])
    found = refused(ask(archive, events_of(archive, withdrawn(ids["track:road-2014/2"])), catalogue=catalogue))
    assert found == dict.fromkeys(files, 410)


@BOTH
def test_what_was_reinstated_is_offered_again(published: Sample, catalogue: bool) -> None:
    archive, ids = published
    back = "item.reinstated", {"subjects": [ids["track:road/1"]], "because": "a mistake"}
    assert refused(ask(archive, events_of(archive, withdrawn(ids["track:road/1"]), back), catalogue=catalogue)) == {}


@BOTH
def test_what_rested_on_a_revoked_attestation_is_not_offered(published: Sample, catalogue: bool) -> None:
    archive, ids = published
    files = paths_of(archive, release=ids["release:tokyo"])
    attestation = next(one.seq for one in events_of(archive) if one.kind == "rights.attested")
    revoked = "rights.attestation_revoked", {"event": attestation, "because": "it was not theirs"}
    found = refused(ask(archive, events_of(archive, revoked), catalogue=catalogue))
    assert len(files) > 1 and found == {**dict.fromkeys(files, 403), **whole_bundles(archive, files, 403)}


def whole_bundles(archive: Archive, files: set[str], status: int = 410) -> dict[str, int]:
    """The tag files of bundles all of whose payload is among the files."""
    found = {}
    for bundle in publications.bundles(published_(archive)).values():
        if sum(path.startswith(f"{bundle.name}/") for path in files) == bundle.files:
            found.update(dict.fromkeys((f"{bundle.name}/{tag}" for tag in bundle.tags), status))
    return found


@BOTH
def test_a_newer_attestation_that_contradicts_the_first_denies(published: Sample, catalogue: bool) -> None:
    archive, ids = published
    other = attested("https://creativecommons.org/licenses/by-nc/4.0/", ids["release:tokyo"])
    found = refused(ask(archive, events_of(archive, other), catalogue=catalogue))
    assert paths_of(archive, release=ids["release:tokyo"]) <= found.keys()


@BOTH
def test_a_bundle_of_which_nothing_is_left_is_not_offered_as_a_whole(published: Sample, catalogue: bool) -> None:
    archive, _ = published
    bundle = min(publications.bundles(published_(archive)).values(), key=lambda one: one.files)
    tracks = {one["ids"][0] for one in evidence_of(archive) if one["path"].startswith(f"{bundle.name}/")}
    found = refused(ask(archive, events_of(archive, withdrawn(*tracks)), catalogue=catalogue))
    assert {f"{bundle.name}/{tag}" for tag in bundle.tags} <= found.keys()
    assert len([path for path in found if path.startswith(f"{bundle.name}/")]) == bundle.files + len(bundle.tags)


def test_a_gate_that_says_yes_to_everything_is_noticed(published: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what is tested above rests on the gate and on nothing else."""
    archive, ids = published
    events = events_of(archive, withdrawn(ids["track:road/1"]))
    monkeypatch.setattr(offered_, "decide", lambda *_, **__: Decision(Use.REDISTRIBUTE, True, ("yes",)))
    assert refused(ask(archive, events, catalogue=False)) == {}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_register_alone_never_allows_what_the_catalogue_refuses(published: Sample, data: st.DataObject) -> None:
    """Whatever is decided after the publication, in whatever order."""
    archive, ids = published
    named = st.lists(st.sampled_from(sorted(ids.values())), min_size=1, max_size=4)
    licences = st.sampled_from(["CC0-1.0", "CC-BY-4.0", "CC-BY-NC-ND-4.0", "InC-1.0"])
    first = len(events_of(archive))
    decided = st.one_of(
        st.builds(lambda some, ground: withdrawn(*some, ground=ground), named, st.sampled_from(["owner", "law"])),
        st.builds(lambda some: ("item.reinstated", {"subjects": some, "because": "x"}), named),
        st.builds(lambda some, licence: attested(licence, *some), named, licences),
        st.builds(
            lambda event: ("rights.attestation_revoked", {"event": event, "because": "x"}), st.integers(1, first + 6)
        ),
    )
    events = events_of(archive, *data.draw(st.lists(decided, max_size=6)))
    alone, both = (refused(ask(archive, events, catalogue=one)) for one in (False, True))
    assert both.keys() <= alone.keys()
    assert {path: both[path] for path in both if both[path] == 451} == {
        path: s for path, s in alone.items() if s == 451
    }


class Without:
    """A store of objects in which one object is other bytes."""

    def __init__(self, objects: Any, sha256: str, instead: bytes) -> None:
        self._objects, self._sha256, self._instead = objects, sha256, instead

    def open(self, sha256: str) -> BinaryIO:
        return io.BytesIO(self._instead) if sha256 == self._sha256 else self._objects.open(sha256)


@pytest.mark.parametrize("instead", [b"", b"{", b"null\n", b'{"path": "data/x"}\n'])
def test_without_evidence_that_can_be_read_nothing_is_offered(published: Sample, instead: bytes) -> None:
    archive, _ = published
    decisions = Decisions.load(events_of(archive))
    for bundle in publications.bundles(published_(archive)).values():
        with archive.objects() as objects:
            damaged = Without(objects, bundle.tags["evidence.jsonl"], instead)
            assert not any(one.allowed for one in offered(None, damaged, decisions, bundle).values())
            assert not any_offered(None, damaged, decisions, bundle)
            assert any_offered(None, objects, decisions, bundle)


def test_evidence_about_other_bytes_counts_for_nothing(published: Sample) -> None:
    archive, _ = published
    bundle = next(iter(publications.bundles(published_(archive)).values()))
    with archive.objects() as objects:
        with objects.open(bundle.tags["evidence.jsonl"]) as file:
            lines = file.read().splitlines(keepends=True)
        first = json.loads(lines[0])
        swapped = json.dumps({**first, "sha256": "0" * 64}).encode() + b"\n"
        damaged = Without(objects, bundle.tags["evidence.jsonl"], swapped + b"".join(lines[1:]))
        found = offered(None, damaged, Decisions.load(events_of(archive)), bundle)
    assert {path: one.status for path, one in found.items() if not one.allowed} == {first["path"]: 403}


@pytest.mark.parametrize(("statement", "expected"), [("UPDATE rights SET licence = NULL", 403), ("SELECT 1", None)])
def test_a_file_that_the_catalogue_has_no_more_is_asked_about_by_what_it_was_published_for(
    tmp_path_factory: pytest.TempPathFactory, statement: str, expected: int | None
) -> None:
    """Its record was renewed with other bytes: where its licence is another one now, the old bytes go too."""
    archive, ids = sample.make_archive(tmp_path_factory.mktemp("renewed") / "archive")
    publish_now(archive)
    path = paths_of(archive, track=ids["track:road/1"]).pop()
    with closing(apsw.Connection(str(archive.catalogue))) as db:
        db.execute("DELETE FROM file")
        db.execute(statement)
    found = ask(archive, events_of(archive), catalogue=True)[path]
    assert (None if found.allowed else found.status) == expected

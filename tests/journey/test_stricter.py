"""A licence that became stricter at its source closes every door at once, without a build and without a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from phonolith.catalogue.build import build
from phonolith.config import Settings
from phonolith.library import closed, offered, publications, reading
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import NoEvents, Overlay
from phonolith.library.permitted import permitted
from phonolith.library.reading import Library
from phonolith.library.restated import Restated
from phonolith.model.ids import public_id
from phonolith.model.music import (
    Credit,
    Description,
    File,
    Level,
    LicenceStatement,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.progress import Silent
from phonolith.model.rights import Use
from phonolith.releases.publish import published
from phonolith.releases.withdrawals import keep
from phonolith.rights.gate import Policy
from phonolith.sources import base
from phonolith.store.archive import Archive
from phonolith.store.withdrawals import listed
from phonolith.web.app import create_app
from tests.catalogue.said import SaidSource, add, make_archive
from tests.releases.test_cut import publish_now
from tests.sample import sample_objects

BY = "https://creativecommons.org/licenses/by/4.0/"
RESERVED = "https://rightsstatements.org/vocab/InC/1.0/"
TRACK = public_id("said", "t")


@dataclass
class Place:
    """An archive with a published release of two tracks: ``t`` states its own licence, ``o`` has its release's."""

    archive: Archive
    digests: dict[str, str]

    def track(self, name: str, licence: str | None, **more: Any) -> TrackDescription:
        stated = (LicenceStatement(licence, Level.PLATFORM, "said"),) if licence else ()
        sound = File("audio", f"{name}.wav", sha256=self.digests[name], media_type="audio/wav", codec="pcm")
        return TrackDescription(name, f"Track {name}", "r", licences=stated, files=(sound,), **more)

    def release(self, licence: str | None, **more: Any) -> ReleaseDescription:
        stated = (LicenceStatement(licence, Level.PLATFORM, "said"),) if licence else ()
        return ReleaseDescription("r", "Road", (Credit("Ann"),), licences=stated, **more)

    def says(self, *descriptions: Description) -> None:
        """The source says something else from now on."""
        add(self.archive, *descriptions)

    def build(self) -> None:
        build(self.archive, as_of=None, progress=Silent(), workers=1)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    real = base._one
    monkeypatch.setattr(base, "_one", lambda kind: SaidSource() if kind == "said" else real(kind))
    archive = make_archive(tmp_path / "a")
    sounds = [(name, data) for name, data in sample_objects().items() if data[:4] == b"RIFF"][:2]
    with archive.objects() as objects:
        for _, data in sounds:
            objects.add_bytes(data, "audio/wav")
    made = Place(archive, dict(zip("to", (name for name, _ in sounds), strict=True)))
    made.says(made.track("t", BY), made.track("o", None), made.release(BY))
    made.build()
    publish_now(archive)
    return made


@contextmanager
def visitor(place: Place) -> Iterator[TestClient]:
    """Somebody at a library that opens the catalogue as it is now; one that is open takes a second to see a build."""
    app = create_app(place.archive, Settings(name="Sample"), look_every=0, statements=Restated(place.archive))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def client(place: Place) -> Iterator[TestClient]:
    with visitor(place) as client:
        yield client


def roads(place: Place, client: TestClient, name: str = "t", *, catalogue: bool = True) -> dict[str, bool]:
    """Each way to a track's bytes, and whether it is open."""
    identifier, digest, archive = public_id("said", name), place.digests[name], place.archive
    (bundle,) = publications.bundles(published(archive)).values()
    overlay = Overlay(NoEvents(), Restated(archive), every=0)
    found: dict[str, bool] = {}
    with archive.objects() as objects, closing(Catalogue.open(archive.catalogue)) as opened:
        library = Library(opened, overlay, Policy())
        (path,) = [one.path for one in publications.files(objects, bundle) if one.sha256 == digest]
        answers = offered.offered(library, objects, overlay.decisions(), bundle)
        without = offered.offered(None, objects, overlay.decisions(), bundle, policy=Policy())
        found["seeding"], found["seeding without a catalogue"] = answers[path].allowed, without[path].allowed
        found["the next release"] = digest in {one.sha256 for one in permitted(library, Use.REDISTRIBUTE)}
    found["stream"] = client.get(f"/media/{identifier}/{digest}").status_code == 200
    found["download"] = client.get(f"/media/{identifier}/{digest}?download=1").status_code == 200
    found["files"] = client.get(f"/api/v1/tracks/{identifier}/files").json()["files"] != []
    found["search"] = any(
        one["playable"] for one in client.get("/api/v1/search?q=track").json()["tracks"] if one["id"] == identifier
    )
    found["web seed"] = client.get(f"/bundle/{bundle.name}/{path}").status_code == 200
    return found


def test_every_road_is_closed_at_once_and_the_older_evidence_stays(place: Place, client: TestClient) -> None:
    assert set(roads(place, client).values()) == {True}
    place.says(place.track("t", RESERVED))
    assert set(roads(place, client).values()) == {False}
    assert set(roads(place, client, "o").values()) == {True}, "another track's licence is not touched"
    page = client.get(f"/track/{TRACK}")
    assert page.status_code == 200 and "since 2026-03-01" in page.text
    place.build()
    assert set(roads(place, client).values()) - {True} == {False}
    with place.archive.history() as past:
        said = [record for _, record in past.said("said", 0, past.lines()["said"]) if record.item == "track:t"]
    assert [BY.encode() in said[0].payload, RESERVED.encode() in said[1].payload] == [True, True]
    with place.archive.objects() as objects:
        (bundle,) = publications.bundles(published(place.archive)).values()
        with objects.open(bundle.tags["evidence.jsonl"]) as pinned:
            assert BY.encode() in pinned.read(), "what was pinned is kept"


@pytest.mark.parametrize("module", [reading, offered])
def test_control_without_the_restatement_the_roads_stay_open(
    place: Place, client: TestClient, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "restate" if module is reading else "restate_pinned", lambda built, *_: built)
    place.says(place.track("t", RESERVED))
    assert set(roads(place, client).values()) != {False}


def test_a_licence_that_is_not_stated_any_more_closes_too(place: Place, client: TestClient) -> None:
    place.says(place.track("t", None), place.release(None))
    assert set(roads(place, client).values()) == {False}
    assert set(roads(place, client, "o").values()) - {True} == {False}, "what had its release's licence lost it with it"


def test_a_release_that_says_nothing_new_closes_nothing(place: Place, client: TestClient) -> None:
    place.says(place.release(BY, date="2001"), place.track("o", None, position=2), place.track("t", BY, position=1))
    assert set(roads(place, client).values()) == {True}
    without = roads(place, client, "o").pop
    assert not without("seeding without a catalogue"), "which cannot tell whether it ever had a licence of its own"
    others = {road: is_open for road, is_open in roads(place, client, "o").items() if "without" not in road}
    assert set(others.values()) == {True}


def test_what_was_gone_and_comes_back_stricter_is_closed(place: Place, client: TestClient) -> None:
    with place.archive.records() as store:
        store.gone("said", ["track:t"], "2026-03-01T13:00:00Z")
    assert roads(place, client)["stream"], "a licence is not taken back by a page that is gone"
    place.says(place.track("t", RESERVED))
    assert set(roads(place, client).values()) == {False}


def test_a_looser_licence_waits_for_the_build(place: Place) -> None:
    place.says(place.track("t", RESERVED))
    place.build()
    place.says(place.track("t", BY))
    with visitor(place) as client:
        assert not roads(place, client)["stream"]
    place.build()
    with visitor(place) as client:
        assert roads(place, client)["stream"]


def test_what_was_taken_back_before_the_build_is_open_again(place: Place, client: TestClient) -> None:
    place.says(place.track("t", RESERVED))
    place.says(place.track("t", BY))
    assert set(roads(place, client).values()) == {True}


def test_a_build_that_was_killed_between_its_two_files_changes_nothing(place: Place, client: TestClient) -> None:
    """The new catalogue stands beside the older word on what it knows, and what is newer than that is read again."""
    before = place.archive.changes.read_bytes()
    place.says(place.track("t", RESERVED))
    place.build()
    place.archive.changes.write_bytes(before)
    assert not roads(place, client)["stream"]
    place.says(place.track("t", BY))
    place.build()
    place.archive.changes.write_bytes(before)
    assert set(roads(place, client).values()) == {True}


def test_an_attestation_stands_above_what_a_source_states(place: Place, client: TestClient) -> None:
    with place.archive.register() as register:
        body = {"subjects": [TRACK], "licence": BY, "as": "rightsholder", "because": "ours"}
        register.append("rights.attested", body, actor="operator", time="2026-03-01T12:00:00Z")
    place.build()
    place.says(place.track("t", RESERVED))
    assert roads(place, client)["stream"]


def test_without_a_catalogue_and_its_marks_everything_counts_as_newer(place: Place, client: TestClient) -> None:
    place.says(place.track("t", RESERVED))
    place.build()
    place.archive.changes.unlink()
    assert not roads(place, client)["seeding without a catalogue"]


def test_the_list_of_withdrawals_follows_and_says_the_ground(place: Place) -> None:
    def kept() -> int:
        return keep(place.archive, Policy(), now=lambda: "2026-03-02T00:00:00Z")

    assert kept() == 0
    place.says(place.track("t", RESERVED))
    assert kept() == 1
    (line,) = listed(place.archive.withdrawals().read().lines).values()
    assert (line.sha256, line.ground, line.event) == (place.digests["t"], "licence", "withdrawn")
    place.build()
    assert kept() == 0
    place.says(place.track("t", BY))
    place.build()
    assert kept() == 1


def test_whoever_harvests_is_told(place: Place) -> None:
    place.says(place.track("t", RESERVED), place.release(BY, date="2002"))
    overlay = Overlay(NoEvents(), Restated(place.archive), every=0)
    with closing(Catalogue.open(place.archive.catalogue)) as opened:
        (found,) = closed.closed(Library(opened, overlay, Policy()))
    assert (found.code, found.subject) == ("licence.stricter", f"track:{TRACK}")


def test_a_look_takes_no_longer_than_its_patience_and_goes_on_where_it_was(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.says(place.track("t", RESERVED))
    place.says(
        *(TrackDescription(f"n{n}", "New", "r", licences=place.track("t", RESERVED).licences) for n in range(200))
    )
    ticks = iter(range(10_000))
    patient = Restated(place.archive, patience=0.5, clock=lambda: next(ticks) / 5)
    seen = [len(patient.look()) for _ in range(6)]
    assert seen[0] < seen[-1] == len(Restated(place.archive).look()) == 201
    assert patient.mark != Restated(place.archive).mark
    whole = Restated(place.archive)
    whole.look()
    assert patient.mark == whole.mark and patient.look() is patient.look()


def test_a_running_seeder_holds_the_file_back(place: Place) -> None:
    pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")
    from tests.releases.seeding import seeder_of

    with seeder_of(place.archive) as seeder:
        (before,) = seeder.seeding()
        place.says(place.track("t", RESERVED))
        seeder.look()
        (after,) = seeder.seeding()
    held_back = {one.sha256 for one in after.offer.withheld.values()}
    assert not before.offer.withheld and held_back == {place.digests["t"]}

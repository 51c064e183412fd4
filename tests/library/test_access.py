"""The door to bytes: denied unless the evidence allows it, and closed at once by a withdrawal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from phonolith.errors import Damaged, NotFound, RefusedByRights, Withdrawn
from phonolith.library.access import grant, may, playable
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import NoEvents, Overlay
from phonolith.library.reading import Library
from phonolith.library.releases import release as release_page
from phonolith.library.tracks import track as track_page
from phonolith.library.why import why
from phonolith.model.rights import Use
from phonolith.rights.gate import Policy
from phonolith.store.archive import Archive
from phonolith.store.objects import ObjectStore
from tests.sample import NOW, RELEASES, audio_bytes, cover_bytes, make_archive

MAY_STREAM = {"road", "road-2014", "tokyo", "kyoto", "anna", "shark", "sampler", "hostile", "waltz", "broken"}


class World:
    """An archive, its register and a library whose overlay looks at every call."""

    def __init__(self, root: Path) -> None:
        self.archive, self.ids = make_archive(root)
        self.register = self.archive.register()
        self.store: ObjectStore = self.archive.objects()
        self.library = Library(Catalogue.open(self.archive.catalogue), Overlay(self.register, every=0))

    def decide(self, kind: str, **body: object) -> int:
        return self.register.append(kind, body, actor="operator", time=NOW).seq

    def withdraw(self, *names: str, ground: str = "owner") -> int:
        subjects = [self.ids[name] for name in names]
        return self.decide("item.withdrawn", subjects=subjects, because="asked", ground=ground)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "archive")
    yield made
    made.store.close()
    made.register.close()


def test_exactly_what_the_evidence_allows_may_be_streamed(world: World) -> None:
    allowed, denied = set(), set()
    for slug, release in RELEASES.items():
        for n in range(1, len(release.tracks) + 1):
            decision = may(world.library, Use.STREAM, world.ids[f"track:{slug}/{n}"])
            assert decision.reasons
            (allowed if decision.allowed else denied).add(f"{slug}/{n}")
    assert {name.split("/")[0] for name in allowed} == MAY_STREAM
    assert {"sampler/6", "broken/2"} <= denied  # the composition is by others; no audio
    assert not denied & {f"{slug}/1" for slug in MAY_STREAM}


def test_the_bytes_are_those_of_the_track(world: World) -> None:
    given = grant(world.library, world.store, Use.STREAM, world.ids["track:road/3"])
    assert given.path.read_bytes() == audio_bytes("road", 3)
    assert (given.item.media_type, given.item.role, given.item.name) == ("audio/wav", "audio", "03.wav")
    again = grant(world.library, world.store, Use.STREAM, world.ids["track:road/3"], given.item.sha256)
    assert again.item == given.item
    other = grant(world.library, world.store, Use.STREAM, world.ids["track:road/4"]).item.sha256
    with pytest.raises(NotFound, match="no file with the digest"):
        grant(world.library, world.store, Use.STREAM, world.ids["track:road/3"], other)


@pytest.mark.parametrize("name", ["disputed/1", "listed/1", "reserved/1", "undated/1", "quartets/1", "sampler/6"])
def test_denied_bytes_are_refused_with_reasons(world: World, name: str) -> None:
    with pytest.raises(RefusedByRights) as caught:
        grant(world.library, world.store, Use.STREAM, world.ids[f"track:{name}"])
    assert "phonolith why track:" in caught.value.remedy
    assert not isinstance(caught.value, Withdrawn)


def test_level_one_and_conflict_never_open_even_for_held_bytes(world: World) -> None:
    decision = may(world.library, Use.STREAM, world.ids["track:disputed/1"])
    assert (decision.allowed, decision.status) == (False, 403)
    assert "conflict" in " ".join(decision.reasons)
    assert "level 1" in " ".join(may(world.library, Use.STREAM, world.ids["track:listed/1"]).reasons)


def test_each_use_is_asked_for_by_itself(world: World) -> None:
    answers = {use: may(world.library, use, world.ids["track:shark/1"]).allowed for use in Use}
    assert answers[Use.STREAM] and answers[Use.REDISTRIBUTE] and answers[Use.LIST]
    assert not answers[Use.REENCODE] and not answers[Use.COMMERCIAL]


def test_a_cover_goes_by_its_release_and_denies_only_itself(world: World) -> None:
    given = grant(world.library, world.store, Use.STREAM, world.ids["release:road"])
    assert given.path.read_bytes() == cover_bytes("road")
    with pytest.raises(NotFound):
        grant(world.library, world.store, Use.STREAM, world.ids["release:kyoto"])


def test_a_denied_cover_leaves_the_audio_open(tmp_path: Path) -> None:
    """A release whose own licence forbids, with tracks that are free: the cover is refused, the audio is not."""
    world = World(tmp_path / "archive")
    db = apsw.Connection(str(world.archive.catalogue))
    row = db.execute("SELECT id FROM release WHERE title = 'The Long Road'").fetchone()[0]
    db.execute("UPDATE track SET rights = 2 WHERE release = ?", (row,))
    db.execute("UPDATE release SET rights = 10 WHERE id = ?", (row,))
    db.close()
    library = Library(Catalogue.open(world.archive.catalogue), world.library.overlay)
    with pytest.raises(RefusedByRights):
        grant(library, world.store, Use.STREAM, world.ids["release:road"])
    assert grant(library, world.store, Use.STREAM, world.ids["track:road/1"]).decision.allowed
    world.store.close()
    world.register.close()


def test_a_cover_without_evidence_of_its_own_goes_by_the_weakest_track(tmp_path: Path) -> None:
    world = World(tmp_path / "archive")
    db = apsw.Connection(str(world.archive.catalogue))
    row = db.execute("SELECT id FROM release WHERE title = 'The Long Road'").fetchone()[0]
    db.execute("UPDATE track SET rights = 2 WHERE release = ?", (row,))
    db.execute("UPDATE release SET rights = 1 WHERE id = ?", (row,))
    library = Library(Catalogue.open(world.archive.catalogue), world.library.overlay)
    assert may(library, Use.STREAM, world.ids["release:road"]).allowed
    db.execute("UPDATE track SET rights = NULL WHERE id = (SELECT max(id) FROM track WHERE release = ?)", (row,))
    db.close()
    library = Library(Catalogue.open(world.archive.catalogue), world.library.overlay)
    assert not may(library, Use.STREAM, world.ids["release:road"]).allowed
    world.store.close()
    world.register.close()


def test_a_revoked_attestation_closes_the_door_without_a_build(world: World) -> None:
    track = world.ids["track:tokyo/1"]
    assert may(world.library, Use.STREAM, track).allowed
    assert playable(world.library, track)
    world.decide("rights.attestation_revoked", event=2, because="a mistake")
    decision = may(world.library, Use.STREAM, track)
    assert (decision.allowed, decision.status) == (False, 403)
    assert not playable(world.library, track)
    lenient = Library(world.library.catalogue, Overlay(NoEvents()))
    assert not may(lenient, Use.STREAM, track).allowed, "without the register an attestation proves nothing"


def test_an_attestation_opens_the_door_without_a_build(world: World) -> None:
    """The gate, the page, the lists, the release's cover and ``why`` tell it at once; a revocation takes it back."""
    track, release = world.ids["track:disputed/1"], world.ids["release:disputed"]
    before = track_page(world.library, track).track.rights
    assert not may(world.library, Use.STREAM, track).allowed and before.basis != "attested"
    event = world.decide(
        "rights.attested", subjects=[release], licence="CC-BY-4.0", because="they told us", **{"as": "licensee"}
    )
    decision = may(world.library, Use.STREAM, track)
    assert decision.allowed and "attests it as licensee" in " ".join(decision.reasons)
    assert grant(world.library, world.store, Use.STREAM, track).path.exists() and playable(world.library, track)
    page = track_page(world.library, track)
    assert page.track.playable and page.track.rights.licence and page.track.rights.licence.code == "CC-BY-4.0"
    assert release_page(world.library, release).release.rights.basis == "attested"
    asked = why(world.library, track)
    assert asked.subject.evidence.basis == "attested" and [one.event for one in asked.attestations] == [event]
    assert not may(world.library, Use.STREAM, world.ids["track:reserved/1"]).allowed, "nothing else opens"
    world.withdraw("release:disputed")
    assert may(world.library, Use.STREAM, track).status == 410, "a withdrawal goes before"
    world.decide("item.reinstated", subjects=[release], because="they agreed")
    assert may(world.library, Use.STREAM, track).allowed
    world.decide("rights.attestation_revoked", event=event, because="a mistake")
    assert may(world.library, Use.STREAM, track).status == 403
    assert track_page(world.library, track).track.rights == before


def test_a_licence_that_is_attested_too_is_a_conflict(world: World) -> None:
    """tokyo stands on an attestation of CC0; another licence at the same level closes the door."""
    track = world.ids["track:tokyo/1"]
    body = {"subjects": [track], "licence": "CC-BY-4.0", "as": "licensee", "because": "a letter"}
    event = world.decide("rights.attested", **body)
    decision = may(world.library, Use.STREAM, track)
    assert not decision.allowed and "conflicts" in decision.reasons[0]
    assert not track_page(world.library, track).track.playable
    world.decide("rights.attestation_revoked", event=event, because="a mistake")
    assert may(world.library, Use.STREAM, track).allowed


def test_a_release_stands_on_what_was_attested_of_its_tracks(world: World) -> None:
    """Undated has no evidence of its own: the weakest of its tracks counts, as attested since the build."""
    release = world.ids["release:undated"]
    tracks = [world.ids[f"track:undated/{n}"] for n in (1, 2)]
    body = {"licence": "CC-BY-4.0", "as": "licensee", "because": "b"}
    world.decide("rights.attested", subjects=tracks[:1], **body)
    assert why(world.library, release).subject.evidence.basis == "none"
    world.decide("rights.attested", subjects=tracks[1:], **body)
    assert why(world.library, release).subject.evidence.basis == "attested"


@pytest.mark.parametrize(("ground", "status"), [("law", 451), ("owner", 410), ("licence", 410)])
@pytest.mark.parametrize("named", ["track:road/2", "release:road", "artist:quiet", "artist:ana"])
def test_a_withdrawal_closes_the_door_with_its_status(world: World, named: str, ground: str, status: int) -> None:
    track = world.ids["track:road/2"]
    world.withdraw(named, ground=ground)
    assert may(world.library, Use.STREAM, track).status == status
    with pytest.raises(Withdrawn) as caught:
        grant(world.library, world.store, Use.STREAM, track)
    assert caught.value.status == status
    assert "asked" in caught.value.problem
    assert may(world.library, Use.STREAM, world.ids["track:tokyo/1"]).allowed
    world.decide("item.reinstated", subjects=[world.ids[named]], because="settled")
    assert may(world.library, Use.STREAM, track).allowed


def test_the_same_bytes_under_another_name_are_withdrawn_too(world: World) -> None:
    twin = world.ids["track:road-2014/2"]
    assert may(world.library, Use.STREAM, twin).allowed
    assert track_page(world.library, twin).track.playable
    world.withdraw("track:road/2", ground="law")
    assert may(world.library, Use.STREAM, twin).status == 451
    assert may(world.library, Use.STREAM, world.ids["track:road-2014/1"]).allowed
    assert not playable(world.library, twin)
    assert not track_page(world.library, twin).track.playable, "though the row was shown before"


def test_a_withdrawn_cover_release_denies_its_cover(world: World) -> None:
    world.withdraw("release:road", ground="law")
    with pytest.raises(Withdrawn):
        grant(world.library, world.store, Use.STREAM, world.ids["release:road"])


def test_a_licence_bound_to_a_place_needs_the_place(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from phonolith.library import reading
    from phonolith.rights.licences import by_code

    bound = replace(by_code("CC-BY-4.0"), territories=("DE",))
    monkeypatch.setattr(reading, "known", {"CC-BY-4.0": bound}.get)
    track = world.ids["track:road/1"]
    assert not may(world.library, Use.STREAM, track).allowed
    for place, allowed in (("DE", True), ("FR", False)):
        library = Library(world.library.catalogue, world.library.overlay, Policy(operator_territory=place))
        assert may(library, Use.STREAM, track).allowed is allowed


def test_bytes_that_are_gone_are_said_to_be(world: World) -> None:
    given = grant(world.library, world.store, Use.STREAM, world.ids["track:road/1"])
    given.path.unlink()
    with pytest.raises((NotFound, Damaged)):
        grant(world.library, world.store, Use.STREAM, world.ids["track:road/1"])


def test_what_is_not_a_track_or_release_has_no_bytes(world: World) -> None:
    for name in ("artist:quiet", "label:north"):
        with pytest.raises(NotFound):
            grant(world.library, world.store, Use.STREAM, world.ids[name])
    with pytest.raises(NotFound):
        may(world.library, Use.STREAM, "a" * 16)


def test_the_door_reads_an_archive_that_was_opened_again(world: World) -> None:
    archive = Archive.open(world.archive.root)
    library = Library(Catalogue.open(archive.catalogue), world.library.overlay)
    assert may(library, Use.STREAM, world.ids["track:tokyo/1"]).allowed

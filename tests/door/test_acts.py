"""What may be said by an open door: what is theirs, no more of it than they may, and everything can be taken back."""

from __future__ import annotations

import json

import pytest

from phonolith.door import acts
from phonolith.errors import NotFound, UsageError
from phonolith.library import access, artists, releases, tracks
from phonolith.model.rights import Use
from phonolith.rights.gate import Decision
from phonolith.rights.licences import by_code
from tests.door.conftest import NORTH, QUIET, Doors

BY, NC = by_code("CC-BY-4.0"), by_code("CC-BY-NC-4.0")


def test_fields_that_changed_become_corrections_and_others_stay(doors: Doors) -> None:
    token, track = doors.enter(), doors.ids["track:road/1"]
    made = acts.correct(doors.office, token, track, {"title": "Departure, 2004", "date": "2004-05-17"})
    assert [one.body["field"] for one in made] == ["title"]
    said = doors.office.decisions().fields(track)["title"]
    assert (said.value, said.door) == ("Departure, 2004", made[0].body["door"]) and "artist" in said.because
    subject = doors.office.subject(doors.office.inside(token).key)
    assert acts.values(doors.office, subject, track)["title"] == "Departure, 2004"
    assert acts.correct(doors.office, token, track, {"title": "Departure, 2004"}) == []
    acts.undo(doors.office, token, made[0].seq)
    assert doors.office.decisions().fields(track) == {}


@pytest.mark.parametrize(
    "told",
    [
        {"title": ""},
        {"title": "x" * 501},
        {"title": "a\u202eb"},
        {"isrc": "12"},
        {"name-0": ""},
        {"name-0": "A", "join-0": "x" * 41},
    ],
)
def test_what_cannot_be_is_refused_and_says_nothing(doors: Doors, told: dict[str, str]) -> None:
    token = doors.enter()
    with pytest.raises(UsageError):
        acts.correct(doors.office, token, doors.ids["track:road/1"], told)
    assert not doors.office.decisions().acts


def test_what_is_not_among_the_fields_of_a_door_is_passed_over(doors: Doors) -> None:
    token = doors.enter()
    assert acts.correct(doors.office, token, doors.ids["track:road/1"], {"popularity": "9e9", "duration": "1"}) == []


def test_credits_keep_who_was_named_before(doors: Doors) -> None:
    token, track = doors.enter(), doors.ids["track:road/2"]
    subject = doors.office.subject(doors.office.inside(token).key)
    before = acts.credit(doors.office, subject, track)
    assert [(one.name, one.join) for one in before] == [("The Quiet Machines", " feat. "), ("Ana N.", "")]
    form = {
        "name-0": "The Quiet Machines",
        "join-0": " & ",
        "name-1": "Ana N.",
        "name-2": "Eve",
        "role-2": "engineer",
    }
    (made,) = acts.correct(doors.office, token, track, form)
    assert [one["name"] for one in json.loads(made.body["value"])] == ["The Quiet Machines", "Ana N.", "Eve"]
    assert acts.correct(doors.office, token, track, form) == []


def test_an_artist_corrects_what_names_it_first_and_a_guest_does_not(doors: Doors) -> None:
    token, own = doors.enter("artist:ana", "https://ana.example/"), doors.ids["artist:ana"]
    acts.correct(doors.office, token, own, {"country": "UY"})
    assert doors.office.decisions().fields(own)["country"].value == "UY"
    acts.correct(doors.office, token, doors.ids["track:road/2"], {"title": "Love on Line"})  # credited beside the first
    with pytest.raises(NotFound):
        acts.correct(doors.office, token, doors.ids["track:road/1"], {"title": "Mine"})
    with pytest.raises(UsageError):
        acts.confirm(doors.office, token, doors.ids["track:road/2"], "CC-BY-4.0")
    assert acts.withdraw(doors.office, token, doors.ids["track:road/2"])
    with pytest.raises(NotFound):
        acts.withdraw(doors.office, token, doors.ids["release:road"])


def test_links_are_shown_at_once_on_artist_release_and_track(doors: Doors) -> None:
    token, library = doors.enter(), doors.office.library()
    made = acts.link(doors.office, token, doors.ids["artist:quiet"], "support", "https://shop.example/quiet?a=1")
    acts.link(doors.office, token, doors.ids["release:road"], "buy", "https://Shop.Example/road")
    artist = artists.artist(library, doors.ids["artist:quiet"]).said_links
    assert [(one.rel, one.url, one.by) for one in artist] == [("support", "https://shop.example/quiet?a=1", "artist")]
    for page in (
        releases.release(library, doors.ids["release:road"]),
        tracks.track(library, doors.ids["track:road/1"]),
    ):
        assert [one.url for one in page.said_links] == ["https://shop.example/road", "https://shop.example/quiet?a=1"]
    acts.undo(doors.office, token, made.seq)
    assert artists.artist(library, doors.ids["artist:quiet"]).said_links == ()


@pytest.mark.parametrize(
    "address",
    [
        "http://shop.example/",
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://x.example",
        "data:text/html,x",
        "https://user:word@shop.example/",
        "https://shop.example:8443/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        'https://shop.example/"><script>alert(1)</script>',
        "https://shop.example/ x",
        "https://shop.example/\u202e",
        "https://shop.example\\@evil.example/",
        "//shop.example/",
        "https://",
        "https://" + "a" * 600 + ".example/",
    ],
)
def test_addresses_that_are_not_linked_to(doors: Doors, address: str) -> None:
    token = doors.enter()
    with pytest.raises(UsageError):
        acts.link(doors.office, token, doors.ids["artist:quiet"], "buy", address)
    with pytest.raises(UsageError):
        acts.link(doors.office, token, doors.ids["artist:quiet"], "phish", "https://shop.example/")


def test_a_host_that_looks_like_another_is_kept_as_what_it_is(doors: Doors) -> None:
    assert acts.checked("https://bаndcamp.com/quiet").startswith("https://xn--")


def test_some_links_and_no_more(doors: Doors) -> None:
    token = doors.enter()
    for n in range(acts.MOST_LINKS):
        acts.link(doors.office, token, doors.ids["artist:quiet"], "buy", f"https://shop.example/{n}")
    for url in ("https://shop.example/more", "https://shop.example/0"):
        with pytest.raises(UsageError):
            acts.link(doors.office, token, doors.ids["artist:quiet"], "buy", url)


def test_a_licence_is_confirmed_where_nobody_else_is_credited(doors: Doors) -> None:
    token = doors.enter()
    release = acts.confirm(doors.office, token, doors.ids["release:road"], "CC-BY-NC-4.0")
    named = {doors.ids[f"track:road/{n}"] for n in (1, 3, 4, 5, 6, 7)}
    assert set(release.body["subjects"]) == named  # 2 and 8 credit others too, so the release as a whole is not
    now = tracks.track(doors.office.library(), doors.ids["track:road/1"]).track.rights
    assert now.licence is not None and now.licence.code == NC.code and now.level == 4 and now.stated_by == "artist"
    assert "confirmed it" in now.note
    acts.confirm(doors.office, token, doors.ids["track:road/1"], "CC-BY-4.0")  # the last word of a door is its word
    now = tracks.track(doors.office.library(), doors.ids["track:road/1"]).track.rights
    assert now.licence is not None and now.licence.code == BY.code


@pytest.mark.parametrize(
    "code", ["", "PD-DE-US", "GPL-3.0", "all rights", "CC-BY-9.0", "https://creativecommons.org/licenses/by/4.0/"]
)
def test_what_is_no_licence_of_the_list_is_none(doors: Doors, code: str) -> None:
    token = doors.enter()
    with pytest.raises(UsageError):
        acts.confirm(doors.office, token, doors.ids["track:road/1"], code)


def test_two_artists_who_confirm_different_licences_close_it(doors: Doors) -> None:
    quiet, north = doors.enter(), doors.enter("label:north", NORTH)
    track = doors.ids["track:road/1"]
    acts.confirm(doors.office, quiet, track, "CC-BY-4.0")
    assert access.may(doors.office.library(), Use.STREAM, track).allowed
    acts.confirm(doors.office, north, track, "CC-BY-NC-4.0")
    answer = access.may(doors.office.library(), Use.STREAM, track)
    assert not answer.allowed and "conflict" in answer.reasons[0]
    assert [what for _, what, _ in doors.office.decisions().contrary()] == ["licence"]


def test_whoever_changes_a_credit_does_not_come_into_the_licence_by_it(doors: Doors) -> None:
    token, track = doors.enter(), doors.ids["track:road/2"]
    form = {"name-0": "The Quiet Machines"}
    (made,) = acts.correct(doors.office, token, track, form)
    with pytest.raises(UsageError):
        acts.confirm(doors.office, token, track, "CC-BY-4.0")
    acts.undo(doors.office, token, made.seq)
    with pytest.raises(UsageError):
        acts.confirm(doors.office, token, track, "CC-BY-4.0")


def test_what_is_taken_down_is_gone_and_comes_back(doors: Doors) -> None:
    token, track = doors.enter(), doors.ids["track:road/1"]
    made = acts.withdraw(doors.office, token, track)
    answer = access.may(doors.office.library(), Use.STREAM, track)
    assert not answer.allowed and answer.status == 410
    with pytest.raises(NotFound):
        acts.undo(doors.office, token, made.seq + 7)
    acts.undo(doors.office, token, made.seq)
    assert access.may(doors.office.library(), Use.STREAM, track).allowed
    with pytest.raises(UsageError):
        acts.undo(doors.office, token, made.seq)


def test_with_a_gate_that_says_yes_the_test_above_fails(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    yes = lambda *_, **__: Decision(Use.STREAM, True, ("yes",))  # noqa: E731
    monkeypatch.setattr(access, "decision", yes)
    with pytest.raises(AssertionError):
        test_what_is_taken_down_is_gone_and_comes_back(doors)


def test_a_cover_is_one_of_the_pictures_that_are_held_and_may_be_shown(doors: Doors) -> None:
    token, release = doors.enter(), doors.ids["release:road"]
    library = doors.office.library()
    with library.reading() as reading:
        own = access.door(reading, *reading.snapshot.find(release))
    assert own is not None
    made = acts.cover(doors.office, token, release, own.sha256)
    with library.reading() as reading:
        chosen = access.door(reading, *reading.snapshot.find(release))
    assert chosen is not None and chosen.sha256 == own.sha256
    acts.undo(doors.office, token, made.seq)
    for other in ("0" * 64, tracks.track(library, doors.ids["track:road/1"]).files[0].sha256):
        with pytest.raises(NotFound):
            acts.cover(doors.office, token, release, other)


def test_a_picture_of_a_track_becomes_the_cover_and_is_asked_of_the_gate(doors: Doors) -> None:
    token, release, library = doors.enter(), doors.ids["release:road"], doors.office.library()
    back = next(one.sha256 for one in tracks.track(library, doors.ids["track:road/3"]).files if one.name == "back.png")
    acts.cover(doors.office, token, release, back)
    with library.reading() as reading:
        place = reading.snapshot.find(release)
        assert (chosen := access.door(reading, *place)) is not None and chosen.sha256 == back
        assert access.door(reading, *place, back) == chosen
    assert access.may(library, Use.STREAM, release).allowed
    acts.withdraw(doors.office, token, doors.ids["track:road/3"])
    assert access.may(library, Use.STREAM, release).status == 410  # the picture is the track's


def test_an_uploader_speaks_for_the_one_release(doors: Doors) -> None:
    token = doors.enter("release:tokyo", "https://archive.org/details/tokyo")
    acts.correct(doors.office, token, doors.ids["release:tokyo"], {"title": "Tokyo, at night"})
    acts.link(doors.office, token, doors.ids["release:tokyo"], "support", "https://shop.example/")
    assert releases.release(doors.office.library(), doors.ids["release:tokyo"]).said_links[0].by == "uploader"
    with pytest.raises(UsageError):
        acts.confirm(doors.office, token, doors.ids["release:tokyo"], "CC-BY-4.0")
    assert acts.withdraw(doors.office, token, doors.ids["release:tokyo"])
    with pytest.raises(NotFound):
        acts.link(doors.office, token, doors.ids["release:road"], "support", "https://shop.example/")
    with pytest.raises(NotFound):
        acts.link(doors.office, token, doors.ids["artist:quiet"], "support", "https://shop.example/")


def test_a_label_speaks_for_the_releases_on_it(doors: Doors) -> None:
    token = doors.enter("label:north", NORTH)
    acts.correct(doors.office, token, doors.ids["label:north"], {"name": "Northern"})
    acts.correct(doors.office, token, doors.ids["release:road"], {"barcode": "1"})
    with pytest.raises(NotFound):
        acts.correct(doors.office, token, doors.ids["release:tokyo"], {"barcode": "1"})


def test_an_ended_link_says_nothing(doors: Doors) -> None:
    token = doors.enter()
    doors.office.other_link(token)
    with pytest.raises(NotFound):
        acts.withdraw(doors.office, token, doors.ids["track:road/1"])
    assert QUIET in doors.web.pages and not doors.office.decisions().acts

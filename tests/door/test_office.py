"""Somebody proves a page and is let in; what opens nothing, and what waits for a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from phonolith.door import acts, scope
from phonolith.door.office import ASKED, GONE, GOOD
from phonolith.errors import Busy, NotFound, UsageError, Withdrawn
from phonolith.rights.door import State
from tests.door.conftest import QUIET, Doors, head, made

WORDS = "<body>We play. CODE"


def events(doors: Doors) -> list[str]:
    with doors.archive.register() as register:
        return [one.kind for one in register.events() if one.kind.startswith("door.")]


def test_a_page_that_is_proven_opens_the_door(doors: Doors) -> None:
    token = doors.ask("artist:quiet", QUIET)
    assert not doors.office.entered(token).open and events(doors) == []
    assert doors.office.look(token).problem == "it answered 404"
    doors.clock.move(minutes=1)
    doors.place(token)
    assert doors.office.look(token).found == "head"
    entered = doors.office.entered(token)
    assert entered.open and entered.door is not None and entered.door.voice == "artist"
    assert events(doors) == ["door.proven", "door.opened"]
    doors.clock.move(minutes=2)
    doors.office.look(token)
    assert events(doors) == ["door.proven", "door.opened"]  # looking again tells nothing new


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("artist:quiet", "https://en.wikipedia.org/wiki/Quiet"),
        ("artist:quiet", "https://words.example/quiet"),
        ("artist:quiet", "https://evil.example/"),
        ("artist:quiet", "https://ana.example/"),
        ("artist:quiet", "http://127.0.0.1/"),
        ("artist:lonely", QUIET),
        ("label:north", QUIET),
    ],
)
def test_pages_that_open_nothing_are_refused_with_those_that_do(doors: Doors, name: str, page: str) -> None:
    with pytest.raises(UsageError) as refused:
        doors.ask(name, page)
    assert (QUIET in refused.value.remedy) is (name == "artist:quiet")
    assert events(doors) == []


def test_a_track_has_no_door_and_what_was_withdrawn_here_has_none(doors: Doors) -> None:
    with pytest.raises(NotFound):
        doors.ask("track:road/1", QUIET)
    with doors.archive.register() as register:
        body = {"subjects": [doors.ids["artist:quiet"]], "because": "an order", "ground": "law"}
        register.append("item.withdrawn", body, actor="operator", time=doors.clock())
    with pytest.raises(Withdrawn):
        doors.ask("artist:quiet", QUIET)


def test_a_code_that_was_copied_opens_nothing_for_who_copied_it(doors: Doors) -> None:
    token = doors.enter()
    thief = doors.ask("artist:quiet", QUIET, "203.0.113.9")
    assert not doors.office.look(thief).found and not doors.office.entered(thief).open
    other = doors.ask("artist:ana", "https://ana.example/", "203.0.113.9")
    doors.web.pages["https://ana.example/"] = head(doors.office.entered(token).key.code)  # on a page of the thief's
    assert not doors.office.look(other).found
    with pytest.raises(UsageError):
        acts.withdraw(doors.office, other, doors.ids["track:road/1"])


def test_a_page_of_one_artist_opens_nothing_of_another(doors: Doors) -> None:
    token = doors.enter("artist:ana", "https://ana.example/")
    for name in ("release:tokyo", "track:road/1", "artist:quiet"):
        with pytest.raises(NotFound):
            acts.correct(doors.office, token, doors.ids[name], {"title": "Mine", "name": "Mine"})


def test_a_code_among_the_words_waits_for_a_person_each_time(doors: Doors) -> None:
    token = doors.ask("artist:quiet", QUIET)
    doors.place(token, WORDS)
    assert doors.office.look(token).found == "text"
    (door,) = doors.office.doors().values()
    assert door.state is State.WAITING and not doors.office.entered(token).open
    assert "visitors may write" in doors.office.why_person(door)
    code = doors.office.entered(token).key.code
    with pytest.raises(UsageError):
        doors.office.open(door.id, because="which one?", actor="curator")
    doors.office.open(door.id, because="the page says so in its first line", actor="curator", code=code)
    assert doors.office.entered(token).open
    # A visitor who writes another code below it is not let in by that.
    visitor = doors.ask("artist:quiet", QUIET, "203.0.113.9")
    doors.web.pages[QUIET] += doors.office.entered(visitor).key.code
    doors.clock.move(minutes=2)
    assert doors.office.look(visitor).found == "text"
    assert not doors.office.entered(visitor).open and doors.office.entered(token).open
    for wrong in ("", code, "x"):
        with pytest.raises(UsageError):
            doors.office.open(door.id, because="x", actor="curator", code=wrong)
    assert doors.office.why_person(doors.office.door(door.id))


def test_a_visitors_words_do_not_come_in_by_an_open_door(doors: Doors) -> None:
    doors.enter()
    visitor = doors.ask("artist:quiet", QUIET, "203.0.113.9")
    doors.place(visitor, WORDS)
    doors.office.look(visitor)
    assert not doors.office.entered(visitor).open


def test_a_link_ends_and_is_renewed_by_looking(doors: Doors) -> None:
    asked = doors.ask("artist:quiet", QUIET)
    doors.clock.move(seconds=ASKED.total_seconds() + 1)
    with pytest.raises(NotFound):
        doors.office.entered(asked)
    token = doors.enter()
    doors.clock.move(days=20)
    assert doors.office.look(token).found
    doors.clock.move(days=20)
    assert doors.office.entered(token).open
    assert doors.office.look_again()  # our own looks renew nothing
    doors.clock.move(days=GOOD.days - 19)
    with pytest.raises(NotFound):
        doors.office.entered(token)


def test_what_was_withdrawn_here_since_is_as_good_as_gone_and_holds_nobody_up(doors: Doors) -> None:
    doors.enter()
    doors.enter("artist:ana", "https://ana.example/")
    with doors.archive.register() as register:
        body = {"subjects": [doors.ids["artist:quiet"]], "because": "an order", "ground": "law"}
        register.append("item.withdrawn", body, actor="operator", time=doors.clock())
    doors.clock.move(days=1, seconds=1)
    assert sorted(bool(seen.found) for _, seen in doors.office.look_again()) == [False, True]


def test_a_new_link_ends_all_others(doors: Doors) -> None:
    one, two = doors.enter(), doors.ask("artist:quiet", QUIET)
    codes = [doors.office.entered(token).key.code for token in (one, two)]
    doors.web.pages[QUIET] = f"<head><meta name=description content='{' '.join(codes)}'>"
    doors.clock.move(minutes=2)
    assert doors.office.look(two).found == "head" and doors.office.entered(two).open
    new = doors.office.other_link(two)
    for old in (one, two):
        with pytest.raises(NotFound):
            doors.office.entered(old)
    assert doors.office.entered(new).open


def test_what_is_gone_for_a_week_is_lost_and_found_again(doors: Doors) -> None:
    token = doors.enter()
    acts.link(doors.office, token, doors.ids["artist:quiet"], "buy", "https://shop.example/")
    page = doors.web.pages.pop(QUIET)
    doors.clock.move(days=1, seconds=1)
    assert len(doors.office.look_again()) == 1 and doors.office.look_again() == []
    with pytest.raises(UsageError):
        acts.link(doors.office, token, doors.ids["artist:quiet"], "buy", "https://other.example/")
    (door,) = doors.office.doors().values()
    assert door.state is State.OPEN  # a site may be down for a day
    doors.clock.move(days=GONE.days)
    doors.office.look_again()
    assert doors.office.door(door.id).state is State.LOST
    assert doors.office.decisions().linked[doors.ids["artist:quiet"]]  # what was said stays
    doors.web.pages[QUIET] = page
    assert doors.office.look(token).found and doors.office.entered(token).open
    assert doors.office.door(door.id).state is State.OPEN


def test_a_page_that_no_record_links_to_any_more_is_as_good_as_gone(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = doors.enter()
    monkeypatch.setattr(scope, "pages", lambda *_: [])
    doors.clock.move(minutes=2)
    assert "no record here links to it" in doors.office.look(token).problem
    assert not doors.office.entered(token).open


def test_what_a_person_ended_stays_ended(doors: Doors) -> None:
    token = doors.enter()
    act = acts.withdraw(doors.office, token, doors.ids["track:road/1"])
    (door,) = doors.office.doors()
    ended = doors.office.end(door, because="the site changed hands", actor="curator", undo=True)
    assert ended.body["subjects"] == [doors.ids["track:road/1"]]  # so that seeders look at it again
    assert doors.office.decisions().withdrawn == {} and doors.office.decisions().acts[act.seq].undone
    with pytest.raises(NotFound):
        doors.office.entered(token)
    again = doors.ask("artist:quiet", QUIET)
    doors.place(again)
    doors.clock.move(minutes=2)
    assert doors.office.look(again).found and not doors.office.entered(again).open
    with pytest.raises(UsageError):
        doors.office.end(door, because="x", actor="curator")
    doors.office.open(door, because="it is theirs after all", actor="curator")
    assert doors.office.entered(again).open


def test_too_many_in_an_hour_wait_for_a_person(tmp_path: Path) -> None:
    for doors in made(tmp_path, calm=1):
        doors.enter()
        second = doors.ask("artist:ana", "https://ana.example/")
        doors.place(second)
        assert doors.office.look(second).found and not doors.office.entered(second).open
        doors.clock.move(days=2)
        doors.office.look_again()
        assert not doors.office.entered(second).open  # time alone lets nobody in
        (door,) = [one for one in doors.office.doors().values() if one.state is State.WAITING]
        doors.office.open(door.id, because="it is her page", actor="curator")
        doors.clock.move(minutes=2)
        doors.office.look(second)
        assert doors.office.entered(second).open


def test_asking_and_looking_have_limits(doors: Doors) -> None:
    token = doors.ask("artist:quiet", QUIET)
    doors.office.look(token)
    assert "in a minute" in doors.office.look(token).problem and len(doors.web.asked) == 1
    for _ in range(19):
        doors.ask("artist:quiet", QUIET)
    with pytest.raises(Busy):
        doors.ask("artist:quiet", QUIET)
    for n in range(30):
        doors.ask("artist:quiet", QUIET, f"192.0.2.{n + 2}")
    with pytest.raises(Busy):
        doors.ask("artist:quiet", QUIET, "192.0.2.99")
    doors.clock.move(days=1, seconds=1)
    assert doors.ask("artist:quiet", QUIET)


def test_nothing_in_held_tells_tokens_codes_or_who_came(doors: Doors) -> None:
    token = doors.enter()
    key = doors.office.entered(token).key
    acts.correct(doors.office, token, doors.ids["track:road/1"], {"title": "Arrival, at last"})
    held = b"".join(p.read_bytes() for p in doors.archive.held.glob("register.sqlite*"))
    private = b"".join(p.read_bytes() for p in doors.archive.private.glob("doors.sqlite*"))
    for secret in (token, key.code, "192.0.2.1"):
        assert secret.encode() not in held
    assert token.encode() not in private and b"192.0.2.1" not in private
    assert (doors.archive.private / "doors.sqlite").stat().st_mode & 0o077 == 0


def test_a_look_that_says_yes_to_everything_is_noticed(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with it, copied codes and visitors' words would open the door, and the tests above would fail."""
    monkeypatch.setattr("tests.door.conftest.placed", lambda *_: "head")
    for name, hostile in (
        ("copied", test_a_code_that_was_copied_opens_nothing_for_who_copied_it),
        ("words", test_a_visitors_words_do_not_come_in_by_an_open_door),
        ("each", test_a_code_among_the_words_waits_for_a_person_each_time),
    ):
        with pytest.raises(AssertionError):
            hostile(doors)
            raise NotImplementedError(name)
        doors.clock.move(hours=2)

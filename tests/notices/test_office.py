"""Notices from arrival to end: what hides and what does not, who is told, and that nothing private leaves private/."""

from __future__ import annotations

from pathlib import Path

import pytest

from phonolith.errors import NotFound, UsageError
from phonolith.notices import words
from phonolith.notices.office import Practice
from phonolith.rights.decisions import Decisions
from phonolith.rights.notice_forms import COUNTER
from phonolith.rights.notices import State
from tests.notices.conftest import Desk, made
from tests.rights.test_notice_forms import whole

ROAD = "track:road/1"


def withdrawn(desk: Desk) -> set[str]:
    with desk.archive.register() as register:
        return set(Decisions.load(register.events()).withdrawn)


def hidden(desk: Desk, *names: str, **more: str) -> object:
    receipt = desk.file(*(names or (ROAD,)), **more)
    desk.confirm(receipt)
    desk.clock.move(hours=1, seconds=1)
    desk.office.follow_rules()
    assert desk.notice(receipt).state is State.HIDDEN
    return receipt


def test_a_complete_notice_from_a_confirmed_address_hides_after_an_hour_and_no_earlier(desk: Desk) -> None:
    receipt = desk.file(ROAD, "release:tokyo")
    assert receipt.state is State.RECEIVED and receipt.mailed and desk.office.follow_rules() == []
    desk.confirm(receipt)
    desk.clock.move(minutes=59)
    assert desk.office.follow_rules() == [] and withdrawn(desk) == set()
    desk.clock.move(minutes=1)
    assert [one.kind for one in desk.office.follow_rules()] == ["notice.hidden"]
    assert withdrawn(desk) == {desk.ids[ROAD], desk.ids["release:tokyo"]}
    assert desk.office.follow_rules() == []


def test_what_is_incomplete_hides_nothing_until_it_is_completed(desk: Desk) -> None:
    receipt = desk.file(ROAD, reasons="", authorised="")
    assert set(receipt.lacks) == {"reasons", "authorised"}
    desk.confirm(receipt)
    desk.clock.move(hours=5)
    assert desk.office.follow_rules() == [] and desk.notice(receipt).state is State.INCOMPLETE
    fuller = desk.office.complete(receipt.token, {"reasons": "I made it", "authorised": "yes", "email": "other@x.org"})
    assert fuller.state is State.ACTIONABLE
    letter = desk.office.letters.following(receipt.token)
    assert letter and letter.told["email"] == "somebody@example.org"  # the one that was confirmed
    desk.clock.move(hours=1)
    desk.office.follow_rules()
    assert withdrawn(desk) == {desk.ids[ROAD]}


def test_what_never_comes_ends_a_notice_after_ten_working_days(desk: Desk) -> None:
    silent, lacking = desk.file(ROAD), desk.file(ROAD, reasons="")
    desk.confirm(lacking)
    desk.clock.move(days=14)  # 1 December 2026 is a Tuesday: the tenth working day is Tuesday the 15th
    assert desk.office.follow_rules() == []
    desk.clock.move(days=1)
    assert {one.kind for one in desk.office.follow_rules()} == {"notice.rejected"}
    assert desk.notice(silent).state is desk.notice(lacking).state is State.REJECTED and withdrawn(desk) == set()


def test_a_thousand_notices_in_an_hour_hide_nothing_and_all_are_answered(desk: Desk) -> None:
    receipts, names = [], [name for name in desk.ids if name.startswith("track:")]
    for number in range(1000):
        receipts.append(desk.file(names[number % len(names)], email=f"person{number}@example.org"))
        desk.confirm(receipts[-1])
        desk.clock.move(seconds=3.6)
    answered = {mail.recipient for mail in desk.office.letters.waiting(limit=10_000)}
    assert answered == {f"person{number}@example.org" for number in range(1000)}
    assert len({one.notice for one in receipts}) == 1000 and all(one.token for one in receipts)
    for _ in range(4):
        desk.clock.move(hours=1)
        assert desk.office.follow_rules() == []
    assert withdrawn(desk) == set()
    assert all(desk.notice(one).state is State.ACTIONABLE for one in receipts)
    assert "1,000" in desk.office.why_person(desk.notice(receipts[0])) or "within the hour" in desk.office.why_person(
        desk.notice(receipts[0])
    )
    one = desk.office.decide(receipts[7].notice, "notice.hidden", because="looked at", actor="curator")
    assert withdrawn(desk) == set(one.body["subjects"])


def test_without_the_crowd_the_same_notice_would_have_hidden(desk: Desk) -> None:
    """The control of the test above."""
    assert hidden(desk, email="person0@example.org") and withdrawn(desk) == {desk.ids[ROAD]}


def test_a_notice_of_more_than_a_hundred_items_waits_for_a_person(tmp_path: Path) -> None:
    for desk in made(tmp_path):
        desk.office._reach = None  # ids that no build has to know
        made_up = [f"{'a' * 13}{a}{b}{c}" for a in "abcde" for b in "abcde" for c in "abcde"]
        many, few = desk.file(*made_up[:101]), desk.file(*made_up[1:101])
        for receipt in (many, few):
            assert desk.notice(receipt).items == (101 if receipt is many else 100)
        for mail in desk.office.letters.waiting():
            desk.office.confirm(mail.body.partition("/notices/confirm/")[2].split()[0])
        desk.clock.move(days=3)
        desk.office.follow_rules()
        assert desk.notice(many).state is State.ACTIONABLE and desk.notice(few).state is State.HIDDEN
        due = desk.office.due(desk.notice(many))
        assert due and due.rule == "" and "101 items" in due.what
        desk.office.decide(many.notice, "notice.hidden", because="looked at", actor="curator")
        assert made_up[0] in withdrawn(desk)


def test_what_an_artist_reaches_is_counted(desk: Desk) -> None:
    assert desk.notice(desk.file("artist:quiet")).reach > 1
    assert desk.notice(desk.file(ROAD)).reach == 1


def test_what_is_not_here_is_told_and_is_no_item(desk: Desk) -> None:
    receipt = desk.file("z" * 16, "something", desk.ids["label:north"])
    assert receipt.lacks == ("items",) and set(receipt.strange) == {"z" * 16, "something", desk.ids["label:north"]}


def test_rules_can_be_switched_off(tmp_path: Path) -> None:
    for desk in made(tmp_path, practice=Practice("Sample", "https://music.example.org", rules=False)):
        receipt = desk.file(ROAD)
        desk.confirm(receipt)
        desk.clock.move(days=2)
        assert desk.office.follow_rules() == [] and withdrawn(desk) == set()


def test_from_counter_notice_to_what_comes_back(desk: Desk) -> None:
    receipt = hidden(desk)
    identifier = receipt.notice  # type: ignore[attr-defined]
    desk.office.decide(identifier, "notice.upheld", because="it is theirs", actor="curator")
    answer = desk.office.counter(
        identifier, whole(COUNTER) | {"email": "player@example.org", "reasons": "COUNTER WORDS"}
    )
    assert answer.lacks == () and desk.office.notice(identifier).state is State.UPHELD
    desk.office.confirm(desk.link("confirm"))
    assert desk.office.notice(identifier).state is State.COUNTERED and withdrawn(desk) == {desk.ids[ROAD]}
    desk.office.decide(identifier, "counter.forwarded", because="it is complete", actor="curator")
    told = [mail for mail in desk.office.letters.waiting() if "COUNTER WORDS" in mail.body]
    assert [mail.recipient for mail in told] == ["somebody@example.org"]  # who sent the notice, nobody else
    desk.clock.move(days=14)
    assert desk.office.follow_rules() == [] and withdrawn(desk) == {desk.ids[ROAD]}
    desk.clock.move(days=1)
    assert [one.kind for one in desk.office.follow_rules()] == ["notice.restored"]
    assert withdrawn(desk) == set()


def test_who_goes_to_court_keeps_it_down(desk: Desk) -> None:
    identifier = hidden(desk).notice  # type: ignore[attr-defined]
    desk.office.counter(identifier, whole(COUNTER), confirmed=True)
    desk.office.decide(identifier, "counter.forwarded", because="complete", actor="curator")
    desk.office.decide(identifier, "notice.permanent", because="an action was filed", actor="curator")
    desk.clock.move(days=400)
    assert desk.office.follow_rules() == [] and withdrawn(desk) == {desk.ids[ROAD]}


def test_steps_that_do_not_fit_are_refused_with_the_state(desk: Desk) -> None:
    receipt = desk.file(ROAD)
    for move in ("notice.hidden", "notice.upheld", "notice.restored", "notice.permanent", "counter.forwarded"):
        with pytest.raises(UsageError, match="received"):
            desk.office.decide(receipt.notice, move, because="so", actor="curator")
    with pytest.raises(NotFound):
        desk.office.decide("n" * 12, "notice.hidden", because="so", actor="curator")
    with pytest.raises(UsageError, match="received"):
        desk.office.counter(receipt.notice, {})
    for token in ("", "x" * 32):
        with pytest.raises(NotFound):
            desk.office.confirm(token)
        with pytest.raises(NotFound):
            desk.office.complete(token, {})


def test_a_link_opened_twice_confirms_once(desk: Desk) -> None:
    receipt = desk.file(ROAD)
    for _ in range(3):
        desk.confirm(receipt)
    with desk.archive.register() as register:
        assert [one.kind for one in register.events()].count("notice.confirmed") == 1


def test_nothing_private_is_outside_private(desk: Desk) -> None:
    words = {"name": "Zaphod Sentinel", "address": "Sentinel Street 42", "telephone": "+49 555 0199"}
    words |= {"work": "SENTINEL WORK", "signature": "Zaphod S"}
    identifier = hidden(desk, form="copyright", email="sentinel@example.org", **words).notice  # type: ignore[attr-defined]
    desk.office.counter(identifier, whole(COUNTER) | {"reasons": "SENTINEL ANSWER", "email": "s2@example.org"})
    desk.office.decide(identifier, "notice.upheld", because="it is theirs", actor="Curator Sentinel")
    secret = [*words.values(), "sentinel@example.org", "SENTINEL ANSWER", "s2@example.org", "Curator Sentinel"]
    found = {
        path.relative_to(desk.archive.root): [one for one in secret if one.encode() in path.read_bytes()]
        for path in desk.archive.root.rglob("*")
        if path.is_file()
    }
    assert {path.parts[0] for path, told in found.items() if told} == {"private"}
    assert any("Zaphod Sentinel" in told for told in found.values())  # the control
    modes = {path.stat().st_mode & 0o077 for path in (desk.archive.private).glob("letters.sqlite")}
    assert modes == {0}


def test_who_sent_a_notice_is_forgotten_and_its_history_stays(desk: Desk) -> None:
    receipt = desk.file(ROAD, name="Zaphod Sentinel")
    assert desk.office.letters.erase(receipt.notice) == 1
    assert desk.office.letters.about(receipt.notice) == [] and desk.office.letters.waiting() == []
    assert desk.notice(receipt).state is State.RECEIVED
    with pytest.raises(NotFound):
        desk.office.complete(receipt.token, {})


def test_twenty_an_hour_from_one_address_and_no_more(desk: Desk) -> None:
    assert [desk.office.admit("192.0.2.1", f"a{n}@example.org") for n in range(21)] == [True] * 20 + [False]
    assert desk.office.admit("192.0.2.2") and not desk.office.admit("192.0.2.1")
    desk.clock.move(hours=1, seconds=1)
    assert desk.office.admit("192.0.2.1")


def test_each_step_has_words_of_its_own() -> None:
    assert len(set(words.STEPS.values())) == len(words.STEPS)

"""The state machine of notices: nothing hides without a complete notice, every state is reached, timers are right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.model.event import KINDS, Event
from phonolith.rights import notices
from phonolith.rights.decisions import Decisions
from phonolith.rights.notices import FOLLOWED, HIDING, Notice, State, crowd, due, why_person
from phonolith.rights.working_days import Calendar

A, B, C = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"
ONE = "notice222222"
Pair = tuple[str, dict[str, Any]]


def events(*pairs: Pair) -> list[Event]:
    return [
        Event(seq, f"2026-01-{1 + seq // 24:02d}T{seq % 24:02d}:00:00Z", "token", kind, body, "", "")
        for seq, (kind, body) in enumerate(pairs, 1)
    ]


def received(notice: str = ONE, *, form: str = "owner", **more: Any) -> Pair:
    body = {"notice": notice, "form": form, "ground": "owner", "about": [A, B], "items": 2, "reach": 2, "sender": "s"}
    body |= {"statement": "d", "lacks": [], "road": "form", "confirmed": False}
    return "notice.received", body | more


def then(kind: str, notice: str = ONE, **more: Any) -> Pair:
    body: dict[str, Any] = {"notice": notice, "subjects": [A, B], "because": "so", "rule": False, "counter": "c1"}
    body |= {"sender": "t", "statement": "e", "lacks": [], "confirmed": False}
    body |= {"about": [A], "items": 1, "reach": 1}
    return kind, body | more


HIDDEN = [received(), then("notice.confirmed"), then("notice.hidden")]
ANSWERED = [*HIDDEN, then("counter.received"), then("counter.confirmed")]
WAITING = [*ANSWERED, then("counter.forwarded")]
PATHS: dict[State, list[list[Pair]]] = {
    State.RECEIVED: [[received()], [received(lacks=["name"])]],
    State.INCOMPLETE: [
        [received(lacks=["name"]), then("notice.confirmed")],
        [received(lacks=["name"], confirmed=True)],
        [received(form="abuse", lacks=["reasons"])],
    ],
    State.ACTIONABLE: [
        [received(), then("notice.confirmed")],
        [received(confirmed=True)],
        [received(form="abuse")],
        [received(lacks=["name"]), then("notice.confirmed"), then("notice.completed")],
        [*HIDDEN, then("notice.rejected"), then("notice.reopened")],
    ],
    State.HIDDEN: [HIDDEN, [*ANSWERED, then("counter.declined")]],
    State.UPHELD: [
        [*HIDDEN, then("notice.upheld")],
        [
            *HIDDEN,
            then("notice.upheld"),
            then("counter.received", confirmed=True),
            then("counter.declined"),
        ],
    ],
    State.REJECTED: [[received(), then("notice.rejected")], [*HIDDEN, then("notice.rejected")]],
    State.COUNTERED: [ANSWERED, [*HIDDEN, then("counter.received", confirmed=True)]],
    State.WAITING: [WAITING],
    State.RESTORED: [
        [*WAITING, then("notice.restored")],
        [*HIDDEN, then("notice.upheld"), then("notice.restored")],
        [*HIDDEN, ("item.reinstated", {"subjects": [A, B], "because": "settled"})],
        [*WAITING, then("notice.permanent"), ("item.reinstated", {"subjects": [A, B], "because": "settled"})],
    ],
    State.PERMANENT: [[*WAITING, then("notice.permanent")], [*HIDDEN, then("notice.upheld"), then("notice.permanent")]],
}


@pytest.mark.parametrize("state", State)
def test_every_state_is_reached_and_hides_or_does_not(state: State) -> None:
    for path in PATHS[state]:
        decisions = Decisions.load(events(*path))
        assert decisions.notices[ONE].state is state
        assert set(decisions.withdrawn) == ({A, B} if state in HIDING else set()), path


def test_the_table_of_events_and_the_machine_name_the_same_kinds() -> None:
    assert {kind for kind in KINDS if kind.partition(".")[0] in ("notice", "counter")} == FOLLOWED


def test_a_notice_hides_with_its_ground_and_says_which_it_is() -> None:
    decisions = Decisions.load(events(received(ground="law", form="copyright", confirmed=True), then("notice.hidden")))
    found = decisions.withdrawn[A]
    assert (found.ground, found.notice, found.event) == ("law", ONE, 2) and ONE in found.because


def test_only_some_of_its_items_can_be_hidden_and_nothing_else() -> None:
    only = Decisions.load(events(*HIDDEN[:2], then("notice.hidden", subjects=[B, C])))
    assert set(only.withdrawn) == {B}
    nothing = Decisions.load(events(*HIDDEN[:2], then("notice.hidden", subjects=[C])))
    assert nothing.notices[ONE].state is State.ACTIONABLE and nothing.withdrawn == {}


def test_what_is_reinstated_comes_back_and_the_rest_stays_down() -> None:
    decisions = Decisions.load(events(*HIDDEN, ("item.reinstated", {"subjects": [A], "because": "settled"})))
    assert set(decisions.withdrawn) == {B} and decisions.notices[ONE].state is State.HIDDEN


def test_a_withdrawal_beside_a_notice_stays_when_the_notice_goes_and_the_other_way_round() -> None:
    withdrawn = "item.withdrawn", {"subjects": [A], "ground": "law", "because": "an order"}
    assert set(Decisions.load(events(*HIDDEN, withdrawn, then("notice.rejected"))).withdrawn) == {A}
    two = [*HIDDEN, received("notice333333", confirmed=True), then("notice.hidden", "notice333333")]
    assert set(Decisions.load(events(*two, then("notice.rejected"))).withdrawn) == {A, B}


def test_a_counter_notice_that_lacks_something_or_is_not_confirmed_changes_nothing() -> None:
    for answer in ([then("counter.received")], [then("counter.received", lacks=["name"], confirmed=True)]):
        assert Decisions.load(events(*HIDDEN, *answer)).notices[ONE].state is State.HIDDEN


_IDS = st.sampled_from([ONE, "notice333333"])
_SUBJECTS = st.lists(st.sampled_from([A, B, C]), max_size=3, unique=True)
_LACKS = st.sampled_from([[], ["name"]])


@st.composite
def _pair(draw: st.DrawFn) -> Pair:
    kind = draw(st.sampled_from([*sorted(FOLLOWED), "item.reinstated", "item.withdrawn"]))
    if kind.startswith("item."):
        return kind, {"subjects": draw(_SUBJECTS), "because": "so", "ground": "owner"}
    body = {"subjects": draw(_SUBJECTS), "about": draw(_SUBJECTS), "lacks": draw(_LACKS)}
    body |= {"confirmed": draw(st.booleans()), "counter": draw(st.sampled_from(["c1", "c2"]))}
    if kind == "notice.received":
        return received(draw(_IDS), form=draw(st.sampled_from(["owner", "abuse"])), **body)
    return then(kind, draw(_IDS), **body)


def violations(told: list[Event]) -> list[str]:
    """What no order of events may bring about, looked for after every one of them, by rules of this test's own."""
    found, decisions = [], Decisions()
    ready: dict[str, bool] = {}
    for event in told:
        before, decisions = decisions, decisions.then([event])
        for name, notice in decisions.notices.items():
            if notice.down and notice.state not in HIDING:
                found.append(f"{name} hides in {notice.state}")
            if set(notice.down) - set(notice.about):
                found.append(f"{name} hides what it is not about")
            was = before.notices.get(name)
            if notice.down and not (was and was.down):
                sound = was is not None and not was.lacks and (was.confirmed or was.form == "abuse")
                if not (sound and was and was.state is State.ACTIONABLE and event.kind == "notice.hidden"):
                    found.append(f"{name} began to hide by {event.kind} in {was and was.state}")
            ready[name] = notice.complete
        by_notice = {one for notice in decisions.notices.values() for one in notice.down}
        told_of = {name for name, one in decisions.withdrawn.items() if one.notice}
        if told_of - by_notice or by_notice - set(decisions.withdrawn):
            found.append("what notices hide and what is withdrawn differ")
    if Decisions.load(told) != decisions:
        found.append("portions make a difference")
    return found


@settings(max_examples=400, deadline=None)
@given(st.lists(_pair(), max_size=25))
def test_no_order_of_events_hides_without_a_complete_notice_that_could_be_acted_on(pairs: list[Pair]) -> None:
    assert violations(events(*pairs)) == []


def test_a_machine_that_takes_every_step_from_everywhere_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(notices, "fits", lambda *_: True)
    monkeypatch.setattr(Notice, "complete", property(lambda _: True))
    assert violations(events(received(lacks=["name"]), then("notice.hidden")))
    assert violations(events(*HIDDEN[:1], then("notice.hidden")))


def at(path: list[Pair]) -> Notice:
    return Decisions.load(events(*path)).notices[ONE]


def test_what_is_due_when() -> None:
    plain = Calendar()
    told = {state: due(at(PATHS[state][0]), plain) for state in State}
    assert {state for state, one in told.items() if one is None} == {State.REJECTED, State.RESTORED, State.PERMANENT}
    rules = {state: one.rule for state, one in told.items() if one}
    assert rules == {
        State.RECEIVED: "notice.rejected",
        State.INCOMPLETE: "notice.rejected",
        State.ACTIONABLE: "notice.hidden",
        State.HIDDEN: "",
        State.UPHELD: "notice.permanent",
        State.COUNTERED: "",
        State.WAITING: "notice.restored",
    }
    # 1 January 2026 is a Thursday: ten working days after it end on Thursday the 15th, fourteen on Wednesday the 21st.
    waiting = told[State.WAITING]
    assert waiting and (waiting.by, waiting.latest) == ("2026-01-15T23:59:59Z", "2026-01-21T23:59:59Z")
    actionable, received_ = told[State.ACTIONABLE], told[State.RECEIVED]
    assert actionable and actionable.by == "2026-01-01T03:00:00Z"  # an hour after it was confirmed
    assert received_ and received_.by == "2026-01-15T23:59:59Z"
    person = due(at(PATHS[State.ACTIONABLE][0]), plain, person="too many")
    assert person and person.rule == "" and "too many" in person.what and person.by == "2026-01-05T23:59:59Z"


def test_who_has_to_decide() -> None:
    one = at([received(), then("notice.confirmed")])
    assert why_person(one, 1, 20) == ""
    assert "21" in why_person(one, 21, 20)
    assert why_person(at([received(form="abuse")]), 1, 20)
    for number in ({"items": 101}, {"reach": 101}):
        assert "101" in why_person(at([received(**number), then("notice.confirmed")]), 1, 20)
    assert why_person(at([received(items=100, reach=100), then("notice.confirmed")]), 1, 20) == ""
    times = ["2026-01-01T01:00:00Z", "2026-01-01T02:30:00Z", "2026-01-01T03:00:00Z", "2026-01-01T03:00:01Z"]
    assert crowd(one, times) == 3


def test_the_statement_of_reasons_has_every_part_in_every_state() -> None:
    from phonolith.notices.words import STATES, STEPS, reasons

    assert set(STATES) == set(State) and set(STEPS) >= FOLLOWED
    for paths in PATHS.values():
        for path in paths:
            found = dict(reasons(at(path), Calendar("US"), "someone@example.org"))
            assert {"What was decided", "Facts", "Automated means", "Ground"} <= found.keys()
            assert all(found.values())

"""Register events folded into the decisions in force."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from phonolith.model.event import Event
from phonolith.rights.decisions import Decisions

A, B = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"


def events(*pairs: tuple[str, dict[str, Any]]) -> list[Event]:
    return [
        Event(seq, f"2026-01-01T00:00:{seq:02d}Z", "token", kind, body, "", "")
        for seq, (kind, body) in enumerate(pairs, 1)
    ]


def attest(*subjects: str, licence: str = "CC0-1.0") -> tuple[str, dict[str, Any]]:
    return "rights.attested", {"subjects": list(subjects), "licence": licence, "as": "licensee", "because": "letter"}


def withdraw(*subjects: str, ground: str = "owner") -> tuple[str, dict[str, Any]]:
    return "item.withdrawn", {"subjects": list(subjects), "ground": ground, "because": "asked"}


def reinstate(*subjects: str) -> tuple[str, dict[str, Any]]:
    return "item.reinstated", {"subjects": list(subjects), "because": "settled"}


def put(subject: str, field: str, value: str | None) -> tuple[str, dict[str, Any]]:
    return "field.set", {"subject": subject, "field": field, "value": value, "because": "misprint"}


def undo(event: int, kind: str = "field.unset") -> tuple[str, dict[str, Any]]:
    return kind, {"event": event, "because": "wrong"}


def test_one_attestation_counts_for_all_its_subjects_and_is_revoked_for_all() -> None:
    in_force = Decisions.load(events(attest(A, B)))
    assert [one.event for one in in_force.attestations(A)] == [1]
    assert in_force.attestations(A) == in_force.attestations(B) == in_force.attestations(A, B)
    assert Decisions.load(events(attest(A, B), undo(1, "rights.attestation_revoked"))).attested == {}


def test_revoking_one_attestation_leaves_the_other() -> None:
    decisions = Decisions.load(events(attest(A), attest(A, licence="CC-BY-4.0"), undo(1, "rights.attestation_revoked")))
    assert [one.licence for one in decisions.attestations(A)] == ["CC-BY-4.0"]


def test_an_item_is_withdrawn_until_it_is_reinstated() -> None:
    assert Decisions.load(events(withdraw(A, ground="law"))).withdrawn[A].ground == "law"
    assert Decisions.load(events(withdraw(A), reinstate(A))).withdrawn == {}
    assert set(Decisions.load(events(withdraw(A, B), reinstate(A))).withdrawn) == {B}
    assert set(Decisions.load(events(withdraw(A), reinstate(A), withdraw(A))).withdrawn) == {A}


def test_the_last_correction_counts_and_undo_brings_back_the_one_before() -> None:
    decisions = Decisions.load(events(put(A, "title", "One"), put(A, "title", "Two"), put(A, "date", "1990")))
    assert {name: field.value for name, field in decisions.fields(A).items()} == {"title": "Two", "date": "1990"}
    undone = decisions.then([*events(*[put(A, "x", "")] * 3), Event(4, "t", "a", *undo(2), "", "")])
    assert undone.fields(A)["title"].value == "One"
    assert undone.fields(A)["title"].because == "misprint"


def test_undoing_all_leaves_nothing_and_undoing_twice_does_nothing() -> None:
    decisions = Decisions.load(events(put(A, "title", "One"), undo(1), undo(1), undo(99)))
    assert decisions.corrected == {}
    assert decisions.fields(A) == {}
    assert decisions.corrected_ids() == ()


def test_events_that_decide_nothing_are_passed_over() -> None:
    decisions = Decisions.load(events(("archive.created", {"name": "x", "format": 1}), ("future.kind", {})))
    assert decisions.head == 2
    assert decisions == Decisions(head=2)


_EVENTS = st.lists(
    st.one_of(
        st.builds(lambda s: attest(*s), st.sets(st.sampled_from([A, B]), min_size=1)),
        st.builds(lambda s: withdraw(*s), st.sets(st.sampled_from([A, B]), min_size=1)),
        st.builds(lambda s: reinstate(*s), st.sets(st.sampled_from([A, B]), min_size=1)),
        st.builds(put, st.sampled_from([A, B]), st.sampled_from(["title", "date"]), st.sampled_from(["1", "2", None])),
        st.builds(undo, st.integers(1, 12)),
        st.builds(undo, st.integers(1, 12), st.just("rights.attestation_revoked")),
    ),
    max_size=12,
)


@given(_EVENTS, st.integers(0, 12))
def test_portions_give_what_the_whole_gives_and_change_nothing_before(
    pairs: list[tuple[str, dict[str, Any]]], cut: int
) -> None:
    log = events(*pairs)
    first = Decisions.load(log[:cut])
    before = repr(first)
    assert first.then(log) == Decisions.load(log)
    assert repr(first) == before

"""Which bundles are taken: the fewest copies first, never beyond the budget, and not the same first by all mirrors."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.errors import NotFound, UsageError
from phonolith.model.event import Event
from phonolith.releases.following import Following, body_of, following, named
from phonolith.releases.index import Link, Offer
from phonolith.releases.share import Share, Wanted, choose, footprint


def offer(name: str, size: int = 10, licence: str = "cc0", tier: str = "top") -> Offer:
    return Offer(name, licence, tier, size, (Link("hybrid", "", 1, "", "", ""),))


EVERY = [offer(f"b{number:02d}") for number in range(40)]


def names(share: Share) -> list[str]:
    return [one.name for one in share.chosen]


def test_the_fewest_copies_come_first_and_unknown_counts_as_none() -> None:
    share = choose(EVERY[:4], Wanted(), {}, {"b00": 5, "b01": 1, "b03": 2}, "own")
    assert names(share) == ["b02", "b01", "b03", "b00"]


def test_mirrors_begin_with_different_bundles_and_each_with_the_same_again() -> None:
    first = Counter(names(choose(EVERY, Wanted(), {}, {}, f"mirror {number}"))[0] for number in range(200))
    assert len(first) > 30 and max(first.values()) < 20
    assert choose(EVERY, Wanted(), {}, {}, "own") == choose(EVERY[::-1], Wanted(), {}, {}, "own")


def test_at_risk_leaves_out_what_others_have() -> None:
    copies = {"b00": 0, "b01": 2, "b02": 3, "b03": 9}
    assert set(names(choose(EVERY[:5], Wanted(at_risk=3), {}, copies, "own"))) == {"b00", "b01", "b04"}


def test_licence_and_tier_narrow() -> None:
    every = [offer("a"), offer("b", licence="by"), offer("c", tier="deep")]
    assert names(choose(every, Wanted(frozenset({"by"})), {}, {}, "own")) == ["b"]
    assert names(choose(every, Wanted(tiers=frozenset({"deep"})), {}, {}, "own")) == ["c"]


@given(
    st.lists(st.integers(0, 1000), max_size=30),
    st.integers(0, 10_000),
    st.lists(st.integers(0, 1000), max_size=5),
    st.dictionaries(st.integers(0, 29), st.integers(0, 5)),
)
def test_the_budget_is_never_exceeded_and_nothing_that_fits_is_left(
    sizes: list[int], budget: int, held: list[int], copies: dict[int, int]
) -> None:
    every = [offer(f"b{number}", size) for number, size in enumerate(sizes)]
    here = {f"h{number}": size for number, size in enumerate(held)}
    known = {f"b{number}": count for number, count in copies.items()}
    share = choose(every, Wanted(budget=budget), here, known, "own")
    taken = sum(map(footprint, share.chosen))
    assert taken <= max(budget - sum(held), 0) and share.left == max(budget - sum(held), 0) - taken
    assert {*share.chosen, *share.too_large} == set(every)
    assert all(footprint(one) > (share.left or 0) for one in share.too_large)


def event(seq: int, kind: str, **body: object) -> Event:
    return Event(seq, f"2026-11-0{seq}T00:00:00Z", "x", kind, body, "", "")


def test_what_is_mirrored_is_what_was_decided_last() -> None:
    wishes = Following("https://a.example", "A", Wanted(frozenset({"cc0"}), budget=5, at_risk=2), "web")
    other = Following("https://b.example:8000", "B", Wanted())
    events = [
        event(1, "mirror.followed", **body_of(Following("https://a.example", "", Wanted()))),
        event(2, "mirror.followed", **body_of(other)),
        event(3, "mirror.followed", **body_of(wishes)),
    ]
    first, second = found = following(events)
    assert (first.wanted, first.by, first.name) == (wishes.wanted, "web", "A")
    assert first.since < first.changed and second.url == other.url
    for name in ("A", "https://a.example/", "a.example"):
        assert named(found, name) is first
    assert named(found, "b.example:8000") is second
    with pytest.raises(NotFound, match=r"a\.example"):
        named(found, "C")
    twice = [*found, Following("https://c.example", "A", Wanted())]
    with pytest.raises(UsageError):
        named(twice, "A")
    assert following([*events, event(4, "mirror.left", url="https://a.example")]) == [second]

"""The state machine of the artist's door: nothing is said by a door that is not open, and all of it can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.model.event import KINDS, Event
from phonolith.model.music import Level, LicenceStatement
from phonolith.rights import door as machine
from phonolith.rights.decisions import Decisions
from phonolith.rights.door import ACTS, FOLLOWED, FOUND, State, contrary, crowd, in_force, number, why_person
from phonolith.rights.door_pages import _others, canonical, judge, same_site
from phonolith.rights.evidence import NO_EVIDENCE, REVOKED, Attestation, resolve, since

ARTIST, TRACK, RELEASE = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"
PAGE, OTHER = "https://quiet.example/", "https://label.example/"
ONE, TWO = number(ARTIST, PAGE), number(ARTIST, OTHER)
BY, CC0 = "https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/publicdomain/zero/1.0/"
Pair = tuple[str, dict[str, Any]]


def events(*pairs: Pair) -> list[Event]:
    return [
        Event(seq, f"2026-01-{1 + seq // 24:02d}T{seq % 24:02d}:00:00Z", "token", kind, body, "", "")
        for seq, (kind, body) in enumerate(pairs, 1)
    ]


def proven(door: str = ONE, page: str = PAGE, **more: Any) -> Pair:
    body = {"door": door, "subject": ARTIST, "kind": "artist", "page": page, "found": "head", "at": page}
    return "door.proven", body | {"snapshot": "0" * 64} | more


def then(kind: str, door: str = ONE, **more: Any) -> Pair:
    body: dict[str, Any] = {"door": door, "because": "so", "rule": True, "undone": False, "subjects": [TRACK]}
    body |= {"subject": TRACK, "field": "title", "value": "Right", "rel": "buy", "url": "https://shop.example/"}
    body |= {"sha256": "1" * 64, "licence": BY, "event": 3, "by": "door"}
    return kind, body | more


OPEN = [proven(), then("door.opened")]
PATHS: dict[State, list[list[Pair]]] = {
    State.WAITING: [[proven()], [proven(found="text")], [*OPEN, then("door.lost"), proven()]],
    State.OPEN: [OPEN, [*OPEN, then("door.ended"), then("door.opened", rule=False)], [*OPEN, proven()]],
    State.LOST: [[*OPEN, then("door.lost")], [proven(), then("door.lost")]],
    State.ENDED: [[*OPEN, then("door.ended")], [*OPEN, then("door.ended"), proven(), then("door.opened")]],
}


def said(decisions: Decisions) -> dict[str, Any]:
    """Everything that a door can bring about."""
    return {
        "set": {name: one.value for name, one in decisions.fields(TRACK).items()},
        "linked": decisions.linked.get(TRACK, ()),
        "covered": decisions.cover(TRACK),
        "licensed": decisions.attestations(TRACK),
        "withdrew": dict(decisions.withdrawn),
    }


NOTHING = said(Decisions())


@pytest.mark.parametrize("state", State)
def test_every_state_is_reached_and_only_one_lets_anything_be_said(state: State) -> None:
    for path in PATHS[state]:
        decisions = Decisions.load(events(*path))
        assert decisions.doors[ONE].state is state
        for kind in ACTS:
            after = Decisions.load(events(*path, then(kind)))
            assert (said(after) != NOTHING) is (state is State.OPEN), (state, kind)
            assert bool(after.acts) is (state is State.OPEN)


def test_the_table_of_events_and_the_machine_name_the_same_kinds() -> None:
    assert {kind for kind in KINDS if kind.startswith("door.")} == FOLLOWED


@pytest.mark.parametrize("kind", ACTS)
def test_each_act_is_undone_by_its_door_by_a_person_and_by_nobody_else(kind: str) -> None:
    path = [*OPEN, then(kind)]
    assert said(Decisions.load(events(*path))) != NOTHING
    for undo in (then("door.undone"), then("door.undone", by="operator"), then("door.ended", undone=True)):
        decisions = Decisions.load(events(*path, undo))
        assert said(decisions) == NOTHING and decisions.acts[3].undone == 4
    stranger = [*path, proven(TWO, OTHER), then("door.opened", TWO)]
    for undo in (then("door.undone", TWO), then("door.undone", event=99), then("door.lost"), then("door.ended")):
        assert said(Decisions.load(events(*stranger, undo))) != NOTHING
    lost = [*path, then("door.lost")]
    assert said(Decisions.load(events(*lost, then("door.undone")))) != NOTHING
    assert said(Decisions.load(events(*lost, then("door.undone", by="operator")))) == NOTHING


def test_unset_and_revoke_undo_what_a_door_said_too() -> None:
    unset = Decisions.load(events(*OPEN, then("door.set"), ("field.unset", {"event": 3, "because": "no"})))
    revoked = Decisions.load(
        events(*OPEN, then("door.licensed"), ("rights.attestation_revoked", {"event": 3, "because": "no"}))
    )
    assert said(unset) == said(revoked) == NOTHING
    assert unset.acts[3].undone == revoked.acts[3].undone == 4


def test_two_withdrawals_by_one_door_are_down_until_both_are_undone() -> None:
    twice = [*OPEN, then("door.withdrew"), then("door.withdrew", subjects=[TRACK, RELEASE])]
    assert Decisions.load(events(*twice, then("door.undone", event=3))).withdrawn.keys() == {TRACK, RELEASE}
    assert Decisions.load(events(*twice, then("door.undone", event=4))).withdrawn.keys() == {TRACK}


def test_a_reinstating_here_does_not_put_back_what_an_artist_took_down_nor_the_other_way_round() -> None:
    ours = ("item.withdrawn", {"subjects": [TRACK], "because": "an order", "ground": "law"})
    back = ("item.reinstated", {"subjects": [TRACK], "because": "settled"})
    both = [*OPEN, then("door.withdrew"), ours]
    assert Decisions.load(events(*both)).withdrawn[TRACK].ground == "law"
    assert Decisions.load(events(*both, back)).withdrawn[TRACK].door == ONE
    assert Decisions.load(events(*both, then("door.undone"))).withdrawn[TRACK].door == ""
    assert not Decisions.load(events(*both, back, then("door.undone"))).withdrawn


def test_contrary_words_of_two_doors_count_for_nothing_and_are_both_kept() -> None:
    two = [*OPEN, proven(TWO, OTHER), then("door.opened", TWO)]
    for kind, other in (("door.set", {"value": "Left"}), ("door.covered", {"sha256": "2" * 64})):
        decisions = Decisions.load(events(*two, then(kind), then(kind, TWO, **other)))
        assert said(decisions) == NOTHING
        assert [events_ for _, _, events_ in decisions.contrary()] == [(5, 6)]
        agreed = Decisions.load(events(*two, then(kind), then(kind, TWO)))
        assert said(agreed) != NOTHING and not list(agreed.contrary())
        both = [*two, then(kind), then(kind, TWO, **other)]
        assert said(Decisions.load(events(*both, then("door.undone", event=6)))) == NOTHING  # the other door said that
        for undo in (then("door.undone", event=5), then("door.undone", TWO, event=6, by="operator")):
            assert said(Decisions.load(events(*both, undo))) != NOTHING
    licences = Decisions.load(events(*two, then("door.licensed"), then("door.licensed", TWO, licence=CC0)))
    assert [what for _, what, _ in licences.contrary()] == ["licence"]
    down = Decisions.load(events(*two, then("door.licensed"), then("door.withdrew", TWO)))
    assert [what for _, what, _ in down.contrary()] == ["licence"] and TRACK in down.withdrawn


def test_a_persons_word_here_ends_what_was_said_before_it_and_the_artist_may_answer() -> None:
    ours = ("field.set", {"subject": TRACK, "field": "title", "value": "Ours", "because": "so"})
    assert Decisions.load(events(*OPEN, then("door.set"), ours)).fields(TRACK)["title"].value == "Ours"
    assert Decisions.load(events(*OPEN, ours, then("door.set"))).fields(TRACK)["title"].door == ONE


def test_links_of_other_kinds_and_schemes_are_none() -> None:
    for bad in ({"rel": "phish"}, {"url": "javascript:alert(1)"}, {"url": "http://shop.example/"}):
        assert said(Decisions.load(events(*OPEN, then("door.linked", **bad)))) == NOTHING


def test_what_is_no_door_opens_none() -> None:
    for bad in ({"door": "zzzzzzzzzzzz"}, {"found": "nowhere"}, {"kind": "track"}, {"page": OTHER}):
        assert not Decisions.load(events(proven(**bad), then("door.opened"))).doors


def test_why_a_person_has_to_open_it() -> None:
    assert not why_person("head", 10, 10) and why_person("head", 11, 10) and why_person("text", 1, 10)
    doors = [Decisions.load(events(proven(number(ARTIST, p), p))).doors[number(ARTIST, p)] for p in ("a", "b")]
    assert crowd(doors, "2026-01-01T01:30:00Z") == 2
    assert crowd(doors, "2026-01-01T02:30:00Z") == 0


KIND_POOL = [kind for kind in KINDS if kind.startswith("door.")]


@st.composite
def histories(draw: st.DrawFn) -> list[Pair]:
    def one() -> Pair:
        kind = draw(st.sampled_from(KIND_POOL))
        door, page = draw(st.sampled_from([(ONE, PAGE), (TWO, OTHER)]))
        if kind == "door.proven":
            return proven(door, page, found=draw(st.sampled_from(FOUND)))
        more = {"rule": draw(st.booleans()), "undone": draw(st.booleans()), "event": draw(st.integers(1, 14))}
        more |= {"by": draw(st.sampled_from(["door", "operator"])), "value": draw(st.sampled_from(["x", "y", None]))}
        return then(kind, door, **more)

    return [one() for _ in range(draw(st.integers(0, 14)))]


@settings(max_examples=100, deadline=None)
@given(histories())
def test_no_order_of_events_says_anything_by_a_door_that_was_not_open(history: list[Pair]) -> None:
    decisions = Decisions()
    for event in events(*history):
        before, decisions = decisions, decisions.then([event])
        door = before.doors.get(event.body["door"])
        was_open = door is not None and door.state is State.OPEN
        if event.kind in ACTS and not was_open:
            assert said(decisions) == said(before) and decisions.acts == before.acts
        if event.kind == "door.proven":  # proof alone lets nobody in
            assert was_open or decisions.doors[event.body["door"]].state is not State.OPEN
    # The same in one go, and in portions: what is in force does not depend on who folds it.
    assert said(Decisions.load(events(*history))) == said(decisions)
    standing = [one for one in decisions.acts.values() if not one.undone]
    if not standing:
        assert said(decisions) == NOTHING
    withdrawn = {name for one in standing if one.kind == "door.withdrew" for name in one.subjects}
    assert set(decisions.withdrawn) == withdrawn


def words() -> Iterator[tuple[list[Any], Any]]:
    class Word:
        def __init__(self, door: str, value: str) -> None:
            self.door, self.value = door, value

    a, b, c, ours = Word("1", "x"), Word("2", "y"), Word("2", "x"), Word("", "z")
    yield from [([], None), ([a], a), ([a, b], None), ([a, c], c), ([ours, a, b], ours), ([a, b, ours], ours)]
    yield from [([a, ours, b], b), ([a, b, c], c)]


def test_the_last_word_counts_and_of_contrary_ones_neither() -> None:
    for said_, counts in words():
        assert in_force(said_) is counts
        disputed = len(said_) > 1 and counts in (None, said_[0])
        assert bool(contrary(said_)) is disputed


# Licences


def confirmed(licence: str = BY, event: int = 5) -> Attestation:
    return Attestation(licence, "rightsholder", "theirs", event, by="artist", door=ONE)


def test_a_confirmed_licence_stands_above_what_a_platform_says_and_beside_other_rightsholders() -> None:
    stated = [LicenceStatement(CC0, Level.PLATFORM, "archive")]
    found = resolve(stated, [confirmed()])
    assert found.licence is not None and (found.licence.code, found.level, found.stated_by) == (
        "CC-BY-4.0",
        4,
        "artist",
    )
    assert resolve([LicenceStatement(CC0, Level.RIGHTSHOLDER, "label")], [confirmed()]).basis == "conflict"
    assert resolve([], [confirmed(), Attestation(CC0, "rightsholder", "ours", 6)]).basis == "conflict"
    both = resolve([], [confirmed(), Attestation(BY, "rightsholder", "ours", 6)])
    assert both.licence is not None and "operator" in both.note


def test_it_covers_the_composition_only_where_nobody_else_wrote_it() -> None:
    assert resolve([], [confirmed()]).composition
    assert not resolve([], [confirmed()], composition_by_others=True).composition
    here = Attestation(BY, "rightsholder", "ours", 6)
    assert resolve([], [confirmed(), here], composition_by_others=True).composition  # a person here attests it whole


def test_since_a_build_it_opens_nothing_that_a_build_might_not() -> None:
    nothing = since(NO_EVIDENCE, [confirmed()], 4)
    assert nothing is NO_EVIDENCE  # who wrote it only a build sees
    stated = resolve([LicenceStatement(CC0, Level.PLATFORM, "archive")])
    assert since(stated, [confirmed()], 4) == resolve([LicenceStatement(CC0, Level.PLATFORM, "archive")], [confirmed()])
    cover = resolve([LicenceStatement(CC0, Level.PLATFORM, "archive")], composition_by_others=True)
    assert not since(cover, [confirmed()], 4).composition
    built = resolve([], [confirmed(event=3)])
    assert since(built, [], 4) == REVOKED and since(built, [confirmed(event=3)], 4) == built
    assert since(built, [confirmed(event=3), confirmed(CC0, 6)], 4).basis == "conflict"


# Pages


@pytest.mark.parametrize(
    ("rel", "url"),
    [
        ("homepage", "https://en.wikipedia.org/wiki/Quiet"),
        ("homepage", "https://quiet.fandom.com/"),
        ("official homepage", "https://www.discogs.com/artist/1"),
        ("social network", "https://www.reddit.com/user/quiet"),
        ("homepage", "https://music.apple.com/artist/1"),
        ("homepage", "https://open.spotify.com/artist/1"),
        ("homepage", "https://creativecommons.org/licenses/by/4.0/"),
        ("homepage", "https://bit.ly/abc"),
        ("homepage", "https://web.archive.org/web/2020/https://quiet.example/"),
        ("wikidata", "https://quiet.example/"),
        ("purchase for download", "https://quiet.example/"),
        ("free streaming", "https://quiet.example/"),
        ("lyrics", "https://quiet.example/"),
        ("fanpage", "https://fans.example/"),
        ("homepage", "ftp://quiet.example/"),
        ("homepage", "https://user:word@quiet.example/"),
        ("homepage", "javascript:alert(1)"),
        ("homepage", "https://quiet.example\\@evil.example/"),
        ("homepage", "https://"),
        ("homepage", "mailto:a@example.org"),
    ],
)
def test_pages_that_prove_nothing_say_why(rel: str, url: str) -> None:
    assert judge("artist", rel, url).why


def test_pages_of_ones_own_count_and_a_first_page_speaks_for_its_host() -> None:
    assert judge("artist", "official homepage", "http://Quiet.Example") == judge(
        "artist", "official homepage", "http://quiet.example/"
    )
    root = judge("label", "homepage", "https://quiet.example")
    assert not root.why and root.root and root.url == "https://quiet.example/"
    below = judge("artist", "social network: x", "https://social.example/@quiet")
    assert not below.why and not below.root
    assert not judge("release", "source", "https://archive.org/details/x").why
    assert judge("artist", "source", "https://archive.org/details/x").why  # an upload speaks for itself alone


def test_hosts_that_look_alike_are_told_apart() -> None:
    latin, cyrillic = canonical("https://example.org/"), canonical("https://ехаmple.org/")
    assert latin != cyrillic and "xn--" in cyrillic
    assert not same_site(latin, cyrillic)


@pytest.mark.parametrize(
    ("asked", "read", "same"),
    [
        ("http://quiet.example/", "https://quiet.example/", True),
        ("https://quiet.example/", "https://www.quiet.example/home", True),
        ("https://www.quiet.example/", "https://quiet.example/", True),
        ("https://quiet.example/", "http://quiet.example/", False),
        ("https://quiet.example/", "https://evil.example/", False),
        ("https://quiet.example/", "https://quiet.example.evil.example/", False),
        ("https://quiet.example/", "https://blog.quiet.example/", False),
        ("https://quiet.example/", "https://quiet.example:8443/", False),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8081/", False),
    ],
)
def test_what_is_still_in_the_same_hands(asked: str, read: str, same: bool) -> None:
    assert same_site(asked, read) is same


def test_the_table_of_hosts_is_in_order() -> None:
    hosts = list(_others())
    assert len(hosts) > 100 and all(host == host.lower() and "/" not in host and "." in host for host in hosts)
    assert all(machine.number(ARTIST, host) for host in hosts)

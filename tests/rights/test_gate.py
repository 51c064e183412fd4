"""The gate: each reason to deny by itself, all of them together, and a control that an open gate would fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.model.music import Level
from phonolith.model.rights import Decision, Use
from phonolith.rights.decisions import Withdrawal
from phonolith.rights.evidence import NO_EVIDENCE, Evidence
from phonolith.rights.gate import LIMITS, Policy, Subject, decide
from phonolith.rights.licences import LICENCES, by_code

TRACK, RELEASE, ARTIST = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"
BYTES = set(Use) - {Use.LIST}
Gate = Callable[..., Decision]


def evidence(code: str, level: int = 2, basis: str = "stated", composition: bool = True) -> Evidence:
    return Evidence(by_code(code), level, "as found", "platform", basis, composition, "A note.")


def subject(code: str = "CC0-1.0", **changes: object) -> Subject:
    return replace(Subject(evidence(code), (TRACK, RELEASE, ARTIST)), **changes)  # type: ignore[arg-type]


def allowed(one: Subject, policy: Policy | None = None, withdrawn: Mapping[str, Withdrawal] | None = None) -> set[Use]:
    return {use for use in Use if decide(use, one, policy=policy or Policy(), withdrawn=withdrawn or {}).allowed}


_TABLE = {
    "CC0": (subject(), set(Use)),
    "BY": (subject("CC-BY-4.0"), set(Use)),
    "BY-ND": (subject("CC-BY-ND-4.0"), set(Use) - {Use.REENCODE}),
    "BY-NC": (subject("CC-BY-NC-3.0"), set(Use) - {Use.COMMERCIAL}),
    "BY-NC-ND": (subject("CC-BY-NC-ND-3.0-DE"), {Use.LIST, Use.HOLD, Use.STREAM, Use.REDISTRIBUTE}),
    "sampling+": (subject("CC-SAMPLING-PLUS-1.0"), {Use.LIST, Use.HOLD, Use.STREAM, Use.REDISTRIBUTE}),
    "sampling": (subject("CC-SAMPLING-1.0"), {Use.LIST}),
    "FMA": (subject("FMA-LIMITED"), {Use.LIST}),
    "GPL": (subject("GPL-3.0"), {Use.LIST, Use.HOLD}),
    "level 0": (subject(evidence=evidence("CC0-1.0", 0)), {Use.LIST}),
    "level 1": (subject(evidence=evidence("CC0-1.0", 1)), {Use.LIST}),
    "level 3": (subject(evidence=evidence("CC0-1.0", 3)), set(Use)),
    "attested": (subject(evidence=evidence("CC0-1.0", 4, "attested")), set(Use)),
    "no evidence": (subject(evidence=NO_EVIDENCE), {Use.LIST}),
    "conflict": (subject(evidence=evidence("CC0-1.0", 4, "conflict")), {Use.LIST}),
    "an unknown basis": (subject(evidence=evidence("CC0-1.0", 4, "rumour")), {Use.LIST}),
    "somebody else's composition": (subject(evidence=evidence("CC0-1.0", composition=False)), {Use.LIST}),
    "not held": (subject(held=False), {Use.LIST, Use.HOLD}),
    "United States only": (subject("CC-PDDC"), {Use.LIST}),
    "stream-only": (subject(limits=frozenset({"stream-only"})), {Use.LIST, Use.STREAM}),
    "no-download": (subject(limits=frozenset({"no-download"})), {Use.LIST, Use.STREAM}),
    "private": (subject(limits=frozenset({"private"})), set()),
    "an unknown limit": (subject(limits=frozenset({"tuesdays"})), set()),
    "own collection, its owner": (subject(evidence=NO_EVIDENCE, owner_only=True, owner_asks=True), {
        Use.LIST, Use.HOLD, Use.STREAM,
    }),
    "own collection, a stranger": (subject(evidence=NO_EVIDENCE, owner_only=True), {Use.HOLD}),
    "own collection of CC0": (subject(owner_only=True, owner_asks=True), {Use.LIST, Use.HOLD, Use.STREAM}),
}  # fmt: skip


@pytest.mark.parametrize("case", _TABLE)
def test_uses_that_are_allowed(case: str) -> None:
    one, expected = _TABLE[case]
    assert allowed(one) == expected


@pytest.mark.parametrize(
    ("ground", "status"), [("law", 451), ("owner", 410), ("licence", 410), ("a ground nobody knows", 403)]
)
@pytest.mark.parametrize("named", [TRACK, RELEASE, ARTIST])
def test_a_withdrawal_of_track_release_or_artist_denies_every_use(ground: str, status: int, named: str) -> None:
    withdrawn = {named: Withdrawal(ground, "a letter came", 7)}
    for use in Use:
        decision = decide(use, subject(), policy=Policy(), withdrawn=withdrawn)
        assert not decision.allowed
        assert decision.status == status
        assert "a letter came" in decision.reasons[0]
    assert allowed(subject(), withdrawn={"dddddddddddddddd": Withdrawal(ground, "of another", 8)}) == set(Use)


def test_all_reasons_are_given_and_the_law_comes_first() -> None:
    one = subject("CC-PDC-1.0-US", evidence=replace(evidence("CC-BY-NC-ND-3.0", 1), composition=False), held=False)
    withdrawn = {TRACK: Withdrawal("owner", "asked", 1), RELEASE: Withdrawal("law", "a court", 2)}
    decision = decide(Use.COMMERCIAL, one, policy=Policy(), withdrawn=withdrawn)
    assert decision.status == 451
    told = " ".join(decision.reasons)
    for word in ("asked", "a court", "level 1", "does not permit commercial use", "composition", "No bytes"):
        assert word in told


def test_absent_bytes_are_404_only_when_nothing_else_speaks_against_it() -> None:
    assert decide(Use.STREAM, subject(held=False), policy=Policy(), withdrawn={}).status == 404
    poor = subject(evidence=NO_EVIDENCE, held=False)
    assert decide(Use.STREAM, poor, policy=Policy(), withdrawn={}).status == 403


def test_territories() -> None:
    american = subject("CC-PDDC")
    assert Use.STREAM in allowed(american, Policy(operator_territory="US"))
    assert Use.STREAM not in allowed(american, Policy(operator_territory="DE"))
    assert Use.REDISTRIBUTE not in allowed(american, Policy(operator_territory="US"))
    assert Use.REDISTRIBUTE in allowed(american, Policy(publish_territories=("US",)))
    assert Use.REDISTRIBUTE not in allowed(american, Policy(publish_territories=("US", "DE")))
    assert allowed(subject(), Policy("DE", ("DE", "FR"))) == set(Use)


def test_every_reason_is_a_sentence() -> None:
    for one, _ in _TABLE.values():
        for use in Use:
            for reason in decide(use, one, policy=Policy(), withdrawn={}).reasons:
                assert reason[0].isupper()
                assert reason.rstrip().endswith(".")


_SUBJECTS = st.builds(
    Subject,
    st.builds(
        Evidence,
        st.sampled_from([None, *LICENCES.values()]),
        st.integers(-1, 5),
        st.text(max_size=5),
        st.just("x"),
        st.sampled_from(["stated", "attested", "conflict", "none", ""]),
        st.booleans(),
        st.just("A note."),
    ),
    st.just((TRACK, RELEASE)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.frozensets(st.sampled_from([*LIMITS, "unknown"])),
)
_WITHDRAWN = st.dictionaries(st.sampled_from([TRACK, RELEASE, ARTIST]), st.just(Withdrawal("law", "x", 1)))
_POLICIES = st.builds(Policy, st.sampled_from(["", "US", "DE"]), st.sampled_from([(), ("US",), ("DE", "US")]))


def fails_closed(gate: Gate, use: Use, one: Subject, policy: Policy, withdrawn: Mapping[str, Withdrawal]) -> bool:
    """Whether the gate allows nothing that it must deny."""
    decision = gate(use, one, policy=policy, withdrawn=withdrawn)
    known = one.evidence.licence is not None and one.evidence.basis in ("stated", "attested")
    proven = known and one.evidence.level >= Level.PLATFORM and one.evidence.composition
    must_deny = (
        bool(set(one.ids) & withdrawn.keys())
        or "private" in one.limits
        or (use in BYTES and not proven and not one.owner_only)
        or (one.owner_only and use in (Use.REDISTRIBUTE, Use.REENCODE, Use.COMMERCIAL))
        or (one.owner_only and use is Use.STREAM and not one.owner_asks)
    )
    return not (must_deny and decision.allowed) and bool(decision.reasons)


@given(st.sampled_from(Use), _SUBJECTS, _POLICIES, _WITHDRAWN)
def test_the_gate_fails_closed(use: Use, one: Subject, policy: Policy, withdrawn: dict[str, Withdrawal]) -> None:
    assert fails_closed(decide, use, one, policy, withdrawn)
    decision = decide(use, one, policy=policy, withdrawn=withdrawn)
    assert (decision.status == 200) == decision.allowed


def test_a_gate_that_always_says_yes_is_found_out() -> None:
    def open_gate(use: Use, one: Subject, *, policy: Policy, withdrawn: Mapping[str, Withdrawal]) -> Decision:
        return Decision(use, True, ("Come in.",))

    poor = subject(evidence=NO_EVIDENCE)
    assert not all(fails_closed(open_gate, use, poor, Policy(), {}) for use in Use)
    gone = {TRACK: Withdrawal("law", "x", 1)}
    assert not fails_closed(open_gate, Use.LIST, subject(), Policy(), gone)
    own = subject(owner_only=True)
    assert not fails_closed(open_gate, Use.REDISTRIBUTE, own, Policy(), {})


def test_nothing_is_said_twice() -> None:
    for one in (NO_EVIDENCE, evidence("CC0-1.0", 1, "conflict"), evidence("CC0-1.0", 1)):
        told = replace(one, note="So it was found.")
        reasons = decide(Use.HOLD, subject(evidence=told), policy=Policy(), withdrawn={}).reasons
        assert " ".join(reasons).count("So it was found.") == 1

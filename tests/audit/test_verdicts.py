"""Verdicts: each word only where the evidence has earned it."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.audit.claims import BOUNDS, Claim, parse
from phonolith.audit.units import UNITS
from phonolith.audit.verdicts import Basis, Fact, Word, judge

TRACKS = Claim("t", "There are 100 tracks.", Decimal(100), UNITS["tracks"], Decimal(2), of="x")


def fact(low: float, high: float, basis: Basis, **more: object) -> Fact:
    return Fact("tracks", low, high, basis, "a file", "Counted", **{"of": "x", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ([], Word.CLAIMED),
        ([fact(100, 100, Basis.STATED)], Word.CLAIMED),
        ([fact(50, 50, Basis.STATED)], Word.CLAIMED),  # another sentence refutes nothing
        ([fact(100, 100, Basis.DESCRIBED)], Word.CLAIMED),
        ([fact(40, math.inf, Basis.DESCRIBED)], Word.CLAIMED),
        ([fact(103, math.inf, Basis.DESCRIBED)], Word.REFUTED),
        ([fact(100, 100, Basis.OFFERED)], Word.CIRCULATING),
        ([fact(40, math.inf, Basis.OFFERED)], Word.CLAIMED),  # of the rest nobody knows
        ([fact(99, 101, Basis.SAMPLED)], Word.SAMPLED),
        ([fact(90, 101, Basis.SAMPLED)], Word.CLAIMED),  # the interval is wider than what the sentence allows
        ([fact(90, 97, Basis.SAMPLED)], Word.REFUTED),
        ([fact(90, 97, Basis.SAMPLED, surely=(85.0, 99.0))], Word.CLAIMED),  # it may be chance
        ([fact(101, 101, Basis.READ)], Word.PROVEN),
        ([fact(103, 103, Basis.READ)], Word.REFUTED),
        ([fact(100, 100, Basis.READ), fact(90, 90, Basis.DESCRIBED)], Word.REFUTED),
        ([fact(100, 100, Basis.READ, of="y")], Word.CLAIMED),
        ([fact(100, 100, Basis.READ, of="")], Word.CLAIMED),
    ],
)
def test_words(facts: list[Fact], word: Word) -> None:
    found = judge(TRACKS, facts)
    assert found.word is word
    assert found.why
    assert bool(found.needed) == (word in (Word.CLAIMED, Word.CIRCULATING, Word.SAMPLED))


def test_a_definition_that_was_claimed_has_to_be_the_one_that_was_counted() -> None:
    claim = Claim("t", "s", Decimal(100), UNITS["tracks"], Decimal(0), of="x", definition="isrcs")
    assert judge(claim, [fact(100, 100, Basis.READ, definition="rows")]).word is Word.CLAIMED
    assert judge(claim, [fact(100, 100, Basis.READ, definition="isrcs")]).word is Word.PROVEN


def test_what_no_archive_shows_is_unverifiable() -> None:
    claim = Claim("l", "99.6 million listens", Decimal(10), UNITS["listens"], Decimal(0))
    assert judge(claim, [fact(10, 10, Basis.READ)]).word is Word.UNVERIFIABLE


def test_a_share_alone_lacks_the_figures_that_it_is_the_ratio_of() -> None:
    told = parse(b'format = 1\n[[claim]]\nid = "a"\nsentence = "s"\nquantity = 99.6\nunit = "%"\n', "x").claims[0]
    (needed,) = judge(told, []).needed
    assert "part and whole" in needed


def test_what_is_short_of_the_claim_is_told_as_its_part() -> None:
    assert judge(TRACKS, [fact(40, math.inf, Basis.OFFERED)]).why == (
        "Counted: at least 40 tracks, 40 % of what is claimed",
    )


@given(
    st.integers(0, 1000),
    st.integers(0, 50),
    st.sampled_from(BOUNDS),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000), st.sampled_from(Basis)), max_size=5),
    st.integers(0, 1000),
)
def test_nothing_false_is_proven_and_nothing_true_refuted(
    said: int, slack: int, bound: str, spans: list[tuple[int, int, Basis]], truth: int
) -> None:
    """Whatever true facts there are of whatever claim: the truth lies within each of them."""
    claim = Claim("t", "s", Decimal(said), UNITS["tracks"], Decimal(slack), bound, of="x")
    facts = [fact(max(0, truth - down), truth + up, basis) for down, up, basis in spans]
    right = claim.allows(truth, truth)
    word = judge(claim, facts).word
    assert word is not Word.REFUTED or not right
    assert word not in (Word.PROVEN, Word.SAMPLED, Word.CIRCULATING) or right

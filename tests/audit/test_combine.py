"""Audits put together: keys are counted once, lies not at all, and no word is stronger than the facts below it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.audit.combine import DISPUTED, combine, data_of
from phonolith.audit.received import Received
from phonolith.audit.report import combined_page
from tests.audit.signing import CLAIMED, NOON, PROVEN, REFUTED, by, fact, received, sampled, signed_by, told_of, verdict

LATER = "2026-12-01T12:00:00Z"
OTHER = "cd" * 32


def together(*reports: Received, **options: Any) -> dict[str, Any]:
    return dict(data_of(combine(reports, now=LATER, **options)))


def codes(told: dict[str, Any]) -> list[str]:
    return [one["code"] for one in told["findings"]]


def test_two_keys_on_the_same_evidence() -> None:
    (one,) = together(by(1, PROVEN), by(2, PROVEN))["claims"]
    assert (one["verdict"], one["keys"], one["corroborated"], one["agreed"]) == ("proven", 2, True, True)
    assert one["notes"] == [f"The same evidence was looked at twice: SHA-256 {'ab' * 32}"]
    assert one["evidence"] == [{"sha256": "ab" * 32, "keys": 2}]


def test_two_keys_on_different_evidence() -> None:
    (one,) = together(by(1, PROVEN), by(2, PROVEN, digest=OTHER))["claims"]
    assert one["corroborated"] and one["notes"] == ["2 different pieces of evidence say so"]


def test_one_key_twice_is_one() -> None:
    told = together(by(1, PROVEN), by(1, PROVEN, made=LATER))
    (one,) = told["claims"]
    assert (one["keys"], one["corroborated"]) == (1, False)
    assert codes(told) == ["report.older"]
    assert [one["counted"] for one in told["reports"]] == [False, True]


def test_one_key_under_two_names_is_one_and_said() -> None:
    ann, ben = (
        received(signed_by(1, told_of(PROVEN, made=made), name)) for name, made in (("Ann", NOON), ("Ben", LATER))
    )
    told = together(ann, ben)
    assert told["claims"][0]["keys"] == 1 and "report.names" in codes(told)


def test_one_name_with_two_keys_counts_and_is_said() -> None:
    told = together(*(received(signed_by(number, told_of(PROVEN), "Ann")) for number in (1, 2)))
    assert told["claims"][0]["keys"] == 2 and codes(told) == ["report.keys"]


def test_a_report_given_twice_is_one() -> None:
    told = together(by(1, PROVEN), by(1, PROVEN))
    assert len(told["reports"]) == 1 and told["claims"][0]["keys"] == 1


def test_forged_and_unsigned_ones_are_listed_and_not_counted() -> None:
    forged = received({**signed_by(2, told_of(REFUTED)), "made": LATER}, "forged.json")
    told = together(by(1, PROVEN), forged, received(told_of(PROVEN), "unsigned.json"))
    (one,) = told["claims"]
    assert (one["verdict"], one["keys"], one["agreed"]) == ("proven", 1, True)
    assert codes(told) == ["report.forged", "report.unsigned"]
    assert {one["path"]: one["counted"] for one in told["reports"]} == {
        "1.json": True,
        "forged.json": False,
        "unsigned.json": False,
    }


def test_a_forged_copy_does_not_displace_the_report_itself() -> None:
    report = signed_by(1, told_of(PROVEN))
    forged = received({**report, "signature": "0" * 128}, "a.json")
    told = together(forged, received(report, "b.json"))
    assert told["claims"][0]["keys"] == 1 and sorted(one["counted"] for one in told["reports"]) == [False, True]


def test_an_older_report_that_is_replayed_does_not_count() -> None:
    told = together(by(1, REFUTED, made=LATER), by(1, PROVEN, made=NOON), by(2, PROVEN))
    (one,) = told["claims"]
    assert one["verdict"] == DISPUTED and [vote["word"] for vote in one["votes"]] == ["proven", "refuted"]
    assert "report.older" in codes(told)
    alone = together(by(1, PROVEN, made=NOON), since="2026-12-01")
    assert alone["claims"] == [] and codes(alone) == ["report.old"]


def test_a_key_that_says_two_things_at_once_says_nothing() -> None:
    told = together(by(1, PROVEN), by(1, REFUTED))
    assert told["claims"] == [] and codes(told) == ["report.twofold"]


def test_another_claim_under_the_same_id_is_not_put_with_it() -> None:
    other = verdict("proven", fact(4, 4), quantity=4, sentence="There are four.")
    told = together(by(1, PROVEN), by(2, other))
    assert sorted((one["quantity"], one["keys"]) for one in told["claims"]) == [(3, 1), (4, 1)]
    assert "combine.claim" in codes(told)


@pytest.mark.parametrize("key", ["tolerance", "procedure", "definition", "part"])
def test_whatever_of_a_claim_differs_it_is_another(key: str) -> None:
    other = PROVEN | {key: 1 if key == "tolerance" else "x"}
    assert len(together(by(1, PROVEN), by(2, other))["claims"]) == 2


def test_contradictions_stand_with_both_reasons() -> None:
    told = together(by(1, PROVEN), by(2, PROVEN), by(3, REFUTED, digest=OTHER))
    (one,) = told["claims"]
    assert (one["verdict"], one["keys"], one["agreed"], one["corroborated"]) == (DISPUTED, 0, False, False)
    assert [tuple(vote["why"]) for vote in one["votes"]] == [("why proven",), ("why proven",), ("why refuted",)]
    assert "combine.disputed" in codes(told)


def test_who_saw_less_does_not_contradict_and_is_shown() -> None:
    (one,) = together(by(1, PROVEN), by(2, CLAIMED))["claims"]
    assert (one["verdict"], one["keys"], one["agreed"], one["corroborated"]) == ("proven", 1, False, False)
    assert [vote["word"] for vote in one["votes"]] == ["proven", "claimed"]


def test_what_nobody_shows_is_never_corroborated() -> None:
    (one,) = together(by(1, CLAIMED), by(2, CLAIMED))["claims"]
    assert (one["verdict"], one["corroborated"], one["notes"]) == ("claimed", False, [])


@pytest.mark.parametrize(
    ("lie", "honest"),
    [
        (verdict("proven"), "claimed"),
        (verdict("proven", fact(3, None)), "claimed"),
        (verdict("proven", fact(2, 2)), "claimed"),
        (verdict("proven", fact(3, 3, "described")), "claimed"),
        (verdict("proven", fact(3, 3, "stated")), "claimed"),
        (verdict("proven", fact(3, 3, "offered")), "circulating"),
        (verdict("proven", fact(3, 3), fact(5, 5)), "claimed"),
        (verdict("refuted", fact(3, 3)), "claimed"),
        (verdict("refuted"), "claimed"),
    ],
)
def test_a_word_is_counted_as_far_as_the_facts_carry_it(lie: dict[str, Any], honest: str) -> None:
    told = together(by(1, lie), by(2, lie))
    assert told["claims"][0]["verdict"] == honest
    assert "report.overstated" in codes(told)


def test_what_follows_from_the_facts_is_not_called_overstated() -> None:
    share = {"code": "arithmetic.share", "subject": "claim rows", "problem": "is 33.6 %, not 37 %", "severity": "error"}
    for report in (by(1, PROVEN), by(1, REFUTED), by(1, sampled()), by(1, verdict("refuted"), findings=[share])):
        assert codes(together(report)) == []


def test_equal_samples_by_one_seed_count_once() -> None:
    (one,) = together(by(1, sampled("a")), by(2, sampled("a")), by(3, sampled("b")))["claims"]
    assert (one["verdict"], one["keys"], one["independent"], one["corroborated"]) == ("sampled", 3, 2, True)
    assert "One sample, drawn by seed a, was looked at twice and counts once" in one["notes"]
    (two,) = together(by(1, sampled("a")), by(2, sampled("a")))["claims"]
    assert (two["keys"], two["independent"], two["corroborated"]) == (2, 1, False)


def test_keys_that_are_named_count_alone() -> None:
    mine = by(1, PROVEN)
    told = together(mine, by(2, REFUTED), known={mine.report.key})
    assert told["claims"][0]["verdict"] == "proven" and codes(told) == ["report.unknown-key"]


_WORDS = st.sampled_from([PROVEN, REFUTED, CLAIMED, sampled("a"), sampled("b"), verdict("proven")])
_REPORTS = st.lists(st.tuples(st.integers(1, 3), _WORDS, st.sampled_from([NOON, LATER]), st.booleans()), max_size=6)


@settings(max_examples=60, deadline=None)
@given(_REPORTS, st.randoms(use_true_random=False))
def test_the_order_of_reports_changes_nothing(drawn: list[tuple[int, Any, str, bool]], chance: random.Random) -> None:
    reports = [by(number, one, made=made, digest=OTHER if other else "ab" * 32) for number, one, made, other in drawn]
    told = together(*reports)
    chance.shuffle(reports)
    assert together(*reports) == told
    for one in told["claims"]:
        assert one["keys"] <= len({vote["key"] for vote in one["votes"]}) == len(one["votes"])
        assert one["verdict"] in {vote["word"] for vote in one["votes"]} | {DISPUTED}


def test_the_page_is_whole_and_escapes_what_strangers_wrote() -> None:
    hostile = "<script>alert(1)</script>"
    report = received(signed_by(1, told_of(PROVEN | {"sentence": hostile, "why": [hostile]}), hostile), hostile)
    page = combined_page(together(report, by(2, REFUTED)), hostile)
    assert "<script" not in page and page.count("&lt;script") >= 4 and "http" not in page.replace("http-equiv", "")
    assert "<style>" in page and page.rstrip().endswith("</html>")

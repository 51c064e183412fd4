"""Two audits over time: what was said, what the word on it is, and what it rests on."""

from __future__ import annotations

from typing import Any

import pytest

from phonolith.audit.compare import compare, data_of, findings
from phonolith.audit.report import compared_page
from tests.audit.signing import CLAIMED, PROVEN, REFUTED, by, received, signed_by, told_of, verdict

LATER = "2026-12-01T12:00:00Z"


@pytest.mark.parametrize(
    ("old", "new", "went"),
    [
        (CLAIMED, PROVEN, "raised"),
        (PROVEN, CLAIMED, "lowered"),
        (PROVEN, REFUTED, "lowered"),
        (REFUTED, CLAIMED, "raised"),
        (PROVEN, PROVEN, "same"),
        (CLAIMED, verdict("unverifiable"), "other"),
    ],
)
def test_a_word_is_raised_or_lowered(old: dict[str, Any], new: dict[str, Any], went: str) -> None:
    (row,) = compare(by(1, old).report, by(1, new, made=LATER).report)
    assert (row.was, row.now, row.went) == (old["verdict"], new["verdict"], went)
    assert [one.kind for one in row.changes if one.kind == "verdict"] == ["verdict"] * (
        old["verdict"] != new["verdict"]
    )


def test_claims_come_and_go() -> None:
    rows = compare(by(1, PROVEN).report, by(1, PROVEN | {"id": "new"}).report)
    assert [(row.id, row.went, row.changes) for row in rows] == [("new", "new", ()), ("rows", "gone", ())]


def test_text_and_figure_are_told_apart() -> None:
    new = PROVEN | {"sentence": "Now four.", "quantity": 4, "tolerance": 0.5, "bound": "about"}
    (row,) = compare(by(1, PROVEN).report, by(1, new).report)
    assert [(one.kind, one.was, one.now) for one in row.changes] == [
        ("text", "There are three.", "Now four."),
        ("figure", "exactly 3 tracks", "about 4 tracks, within 0.5"),
    ]


def test_evidence_is_new_gone_or_other() -> None:
    bare = received(signed_by(1, {**told_of(PROVEN), "evidence": []}))
    kept, other = by(1, PROVEN), by(1, PROVEN, digest="cd" * 32)
    pairs = {(bare, kept): ("", "ab" * 32), (kept, bare): ("ab" * 32, ""), (kept, other): ("ab" * 32, "cd" * 32)}
    for (old, new), expected in pairs.items():
        (row,) = compare(old.report, new.report)
        assert [(one.kind, one.what, one.was, one.now) for one in row.changes] == [
            ("evidence", "tracks.csv", *expected)
        ]


def test_what_is_odd_about_two_reports_is_said() -> None:
    forged = received({**signed_by(1, told_of(PROVEN)), "auditor": "Else"})
    assert [one.code for one in findings(forged, by(1, PROVEN))] == ["report.forged"]
    assert [one.code for one in findings(by(1, PROVEN, made=LATER), by(2, PROVEN))] == ["compare.order", "compare.keys"]
    assert findings(by(1, PROVEN), by(1, REFUTED, made=LATER)) == []


def test_the_page_is_whole_and_escapes_what_strangers_wrote() -> None:
    hostile = "<script>alert(1)</script>"
    old = received(signed_by(1, told_of(PROVEN, CLAIMED | {"id": "same"}, CLAIMED | {"id": "gone"})), hostile)
    new = received(
        signed_by(2, told_of(REFUTED | {"sentence": hostile}, CLAIMED | {"id": "same"}, made=LATER), hostile)
    )
    page = compared_page(data_of(old, new, now=LATER), "Changes")
    assert "<script" not in page and "&lt;script" in page and "What is as it was" in page and "lowered" in page
    assert page.rstrip().endswith("</html>")

"""Bodies of register events about rights: what is accepted, what is refused and how."""

from __future__ import annotations

from typing import Any

import pytest

from phonolith.errors import UsageError
from phonolith.model.event import KINDS, Event
from phonolith.rights import attest
from phonolith.rights.decisions import Decisions
from phonolith.rights.evidence import resolve

A, B = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"


def body(**changes: Any) -> dict[str, Any]:
    good: dict[str, Any] = {
        "subjects": [f"track:{B}", A, f"track:{A}"],
        "licence": "http://creativecommons.org/publicdomain/zero/1.0/",
        "capacity": "rightsholder",
        "because": "we rendered it ourselves",
    }
    return attest.attestation(**(good | changes))


def test_an_attestation_is_one_event_for_any_number_of_items() -> None:
    made = body()
    assert made["subjects"] == [A, B]
    assert made["licence"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert made["statement"] == "http://creativecommons.org/publicdomain/zero/1.0/"
    assert set(KINDS["rights.attested"]) <= made.keys()
    decisions = Decisions.load([Event(1, "t", "a", "rights.attested", made, "", "")])
    evidence = resolve([], decisions.attestations(A))
    assert (evidence.level, evidence.basis) == (4, "attested")


def test_bodies_have_the_fields_their_kind_asks_for() -> None:
    assert attest.revocation(3, because="x").keys() == set(KINDS["rights.attestation_revoked"])
    assert attest.withdrawal([A], ground="law", because="x").keys() == set(KINDS["item.withdrawn"])
    assert attest.reinstatement([A], because="x").keys() == set(KINDS["item.reinstated"])
    assert body(document="0" * 64)["document"] == "0" * 64


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"licence": "CC BY"}, "--licence"),
        ({"licence": "HoliznaCC0"}, "--licence"),
        ({"licence": "http://freemusicarchive.org/FMA_License"}, "--licence"),
        ({"capacity": "fan"}, "--as"),
        ({"because": "  "}, "--because"),
        ({"because": "x" * 2001}, "--because"),
        ({"because": "a\x1b[2Jb"}, "--because"),
        ({"because": "a\u202eb"}, "--because"),
        ({"document": "letter.pdf"}, "--document"),
        ({"subjects": []}, "SELECTION"),
        ({"subjects": ["song:aaaaaaaaaaaaaaaa"]}, "song:"),
        ({"subjects": ["AAAA"]}, "AAAA"),
    ],
)
def test_nonsense_is_refused_with_a_remedy(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError) as caught:
        body(**changes)
    assert named in caught.value.subject
    assert caught.value.remedy


def test_a_withdrawal_needs_a_ground() -> None:
    with pytest.raises(UsageError, match="ground"):
        attest.withdrawal([A], ground="mood", because="x")

"""Countersignatures: only for what keeps all that was seen before, and only kept where they are about our heads."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from phonolith.errors import BadInput, Damaged, UsageError
from phonolith.releases.commit import commit, rotate
from phonolith.releases.prove import last_head, link, prove
from phonolith.releases.witness import accept, countersign
from phonolith.verifier import State, check_proof, digest, is_signed, read_link, read_proof
from tests.releases.conftest import Held
from tests.verifier.signing import Signer

Clock = Callable[[], str]


def test_a_countersignature_comes_with_proofs_that_lead_to_its_head(held: Held, other: Held, clock: Clock) -> None:
    head = commit(held.archive, held.digests[:4], clock)
    made = countersign(other.archive, State(last_head(held.archive)), clock)
    assert is_signed(made) and (made.log, made.head) == (head.log, digest(head))
    assert accept(held.archive, made) == head == accept(held.archive, made)
    commit(held.archive, held.digests, clock)
    early, late = (read_proof(prove(held.archive, held.files[number])) for number in (2, 8))
    assert early.countersignatures == [made] and late.countersignatures == []
    assert check_proof(early) == check_proof(late) == []


def test_the_same_head_again_is_the_same_countersignature(held: Held, other: Held, clock: Clock) -> None:
    commit(held.archive, held.digests, clock)
    state = State(last_head(held.archive))
    assert countersign(other.archive, state, clock) == countersign(other.archive, state, clock)


def test_a_witness_wants_to_see_that_nothing_was_taken_away(held: Held, other: Held, clock: Clock) -> None:
    first = commit(held.archive, held.digests[:4], clock)
    countersign(other.archive, State([first]), clock)
    rotate(held.archive, "b", clock)
    newest = commit(held.archive, held.digests, clock)
    with pytest.raises(BadInput, match="Ask for a link"):
        countersign(other.archive, State(last_head(held.archive)), clock)
    made = countersign(other.archive, read_link(link(held.archive, first)), clock)
    assert made.head == digest(newest)
    with pytest.raises(BadInput, match="the old one"):
        countersign(other.archive, State(held.archive.log().heads()[1:2]), clock)
    log = held.archive.log()
    assert countersign(other.archive, State(log.heads(), log.leaves_file), clock) == made


def test_a_log_that_was_rewritten_is_refused_and_the_proof_is_kept(other: Held, clock: Clock) -> None:
    honest, rewritten = Signer(), Signer()
    honest.commit("a", "b")
    rewritten.commit("a", "c")
    countersign(other.archive, State(honest.heads), clock)
    with pytest.raises(BadInput, match=r"contradict each other.*Keep both heads"):
        countersign(other.archive, State(rewritten.heads), clock)


def test_a_head_that_its_key_did_not_sign_is_refused(other: Held, clock: Clock) -> None:
    log = Signer()
    head = log.commit("a")
    for wrong in (head._replace(size=2), head._replace(signature="0" * 128), head._replace(log="0" * 64)):
        with pytest.raises(BadInput):
            countersign(other.archive, State([wrong]), clock)


def test_nobody_is_his_own_witness(held: Held, clock: Clock) -> None:
    commit(held.archive, held.digests, clock)
    with pytest.raises(UsageError, match="own"):
        countersign(held.archive, State(last_head(held.archive)), clock)


def test_what_is_about_another_head_or_not_signed_is_not_kept(held: Held, other: Held, clock: Clock) -> None:
    strange = Signer()
    strange.commit("a")
    of_another = countersign(other.archive, State(strange.heads), clock)
    commit(held.archive, held.digests, clock)
    ours = countersign(other.archive, State(last_head(held.archive)), clock)
    for wrong in (of_another, ours._replace(signature="0" * 128), ours._replace(log="0" * 64)):
        with pytest.raises(BadInput):
            accept(held.archive, wrong)
    assert held.archive.log().countersignatures() == []


def test_a_broken_line_of_what_was_witnessed_is_damage(other: Held, clock: Clock) -> None:
    log = Signer()
    log.commit("a")
    countersign(other.archive, State(log.heads), clock)
    file = other.archive.log().folder / "witnessed.jsonl"
    assert json.loads(file.read_text())["countersignature"]["log"] == log.heads[0].log
    file.write_text("{}\n")
    with pytest.raises(Damaged):
        countersign(other.archive, State(log.heads), clock)

"""Proofs and links from an archive: they convince the verifier, stay the same, and say why there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.errors import Damaged, NotFound, UsageError
from phonolith.releases.commit import commit, rotate
from phonolith.releases.prove import last_head, link, prove
from phonolith.verifier import State, check_log, check_proof, digest, read_link, read_proof
from tests.releases.conftest import Held

Clock = Callable[[], str]


def test_every_object_has_a_proof_that_convinces_and_never_changes(held: Held, clock: Clock) -> None:
    commit(held.archive, held.digests[:1], clock)
    rotate(held.archive, "b", clock)
    commit(held.archive, held.digests[:6], clock)
    before = [prove(held.archive, file) for file in held.files[:6]]
    rotate(held.archive, "b", clock)
    commit(held.archive, held.digests, clock)
    assert [prove(held.archive, file) for file in held.files[:6]] == before
    assert [proof["head"]["size"] for proof in before] == [1, 6, 6, 6, 6, 6]
    for file in held.files:
        proof = read_proof(json.loads(json.dumps(prove(held.archive, file))))
        with file.open("rb") as stream:
            assert check_proof(proof, stream) == []


def test_there_is_no_proof_of_what_was_not_committed_to(held: Held, clock: Clock, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="held, and nothing committed"):
        prove(held.archive, held.files[0])
    commit(held.archive, held.digests[:3], clock)
    with pytest.raises(NotFound, match=f"log commit {held.digests[5]}"):
        prove(held.archive, held.files[5])
    (tmp_path / "strange").write_bytes(b"strange")
    with pytest.raises(NotFound, match="not in the log"):
        prove(held.archive, tmp_path / "strange")
    with pytest.raises(NotFound, match="no such file"):
        prove(held.archive, tmp_path / "nowhere")


def test_a_proof_that_does_not_prove_is_not_given_out(held: Held, clock: Clock) -> None:
    commit(held.archive, held.digests, clock)
    with held.archive.log_index() as index:
        index._db.execute("UPDATE leaf SET number = (number + 1) % 9")
    with pytest.raises(Damaged, match="does not prove"):
        prove(held.archive, held.files[0])
    (held.archive.state / "log.sqlite").unlink()
    assert prove(held.archive, held.files[0])["index"] == 0


def test_every_head_is_linked_to_the_newest(held: Held, clock: Clock) -> None:
    for count in (1, 2, 5):
        commit(held.archive, held.digests[:count], clock)
    rotate(held.archive, "b", clock)
    commit(held.archive, held.digests, clock)
    heads = held.archive.log().heads()
    for head in heads:
        made = read_link(json.loads(json.dumps(link(held.archive, head))))
        seen = State([one for one in heads[: heads.index(head)] if one.next != one.key] + [head])
        assert check_log(seen, made).verdict == "consistent"


def test_there_is_no_link_from_a_head_of_another_log(held: Held, other: Held, clock: Clock) -> None:
    commit(held.archive, held.digests, clock)
    strange = commit(other.archive, other.digests, clock)
    with pytest.raises(NotFound, match=digest(strange)):
        link(held.archive, strange)


def test_what_feeds_carry_is_the_newest_head_and_the_changes_of_keys(held: Held, clock: Clock) -> None:
    with pytest.raises(UsageError, match="nothing was committed"):
        last_head(held.archive)
    commit(held.archive, held.digests[:3], clock)
    changed = rotate(held.archive, "b", clock)
    newest = commit(held.archive, held.digests, clock)
    assert last_head(held.archive) == [changed, newest]


def test_two_archives_with_one_key_refute_the_log(held: Held, clock: Clock, tmp_path: Path) -> None:
    """Somebody who copies the whole archive and goes on twice has signed two logs under one name."""
    commit(held.archive, held.digests[:3], clock)
    twin = type(held.archive)(tmp_path / "twin", "twin", held.archive.volumes)
    shutil.copytree(held.archive.root, twin.root)
    commit(held.archive, held.digests[:5], clock)
    commit(twin, held.digests[5:], clock)
    states = [State(one.log().heads(), one.log().leaves_file) for one in (held.archive, twin)]
    found = check_log(*states)
    assert found.verdict == "refuted" and len(found.evidence) == 2
    assert check_log(State(last_head(held.archive)), State(last_head(twin))).verdict == "refuted"

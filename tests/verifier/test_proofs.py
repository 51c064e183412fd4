"""Proofs: a true one convinces, and one with any single value changed does not."""

from __future__ import annotations

import contextlib
import copy
import io
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.store.log import excerpt, leaf_from
from phonolith.store.merkle import inclusion_path
from phonolith.store.passport import passport_of
from phonolith.verifier import (
    PROOF,
    Countersignature,
    Problem,
    Tree,
    Unreadable,
    check_proof,
    digest,
    dump,
    leaf_of,
    pack_leaf,
    read_countersignature,
    read_head,
    read_link,
    read_proof,
    unpack_leaf,
)
from tests.verifier.signing import NOW, Signer, public, signed

FILE = random.Random(1).randbytes(200_000)
SIZES = [0, 1, 16_384, 16_385, 65_535, 65_536, 65_537, 200_000, 1_048_575, 1_048_576, 1_048_577, 3_145_728, 4_000_001]


def proof_of(data: bytes, before: int, after: int, rotations: int = 0) -> dict[str, Any]:
    """A proof from a log with this many other leaves and changes of the key."""
    log = Signer()
    for number in range(rotations):
        log.commit(f"r{number}", next_seed=number + 2)
    for number in range(before):
        log.leaves.append(leaf_from(passport_of(b"before %d" % number)))
    log.leaves.append(leaf_from(passport_of(data)))
    log.commit(*range(after))
    made, hashes = Tree(), []
    for one in log.leaves:
        hashes += made.add(one)
    *changes, head = excerpt(log.heads)
    index = rotations + before
    leaf = unpack_leaf(log.leaves[index])
    seen = signed(Countersignature(head.log, digest(head), NOW, public(99), ""), 99)
    return {
        "type": PROOF,
        "leaf": {name: one.hex() if isinstance(one, bytes) else one for name, one in leaf._asdict().items()},
        "index": index,
        "path": [one.hex() for one in inclusion_path(index, head.size, hashes.__getitem__)],
        "head": dump(head),
        "rotations": [dump(one) for one in changes],
        "countersignatures": [dump(seen)],
    }


def problems(value: Any, data: bytes | None = FILE) -> list[Problem] | str:
    try:
        return check_proof(read_proof(value), None if data is None else io.BytesIO(data))
    except Unreadable as error:
        return str(error)


@pytest.mark.parametrize("size", SIZES)
def test_the_leaf_of_a_file_is_the_one_from_its_ledger_row(size: int) -> None:
    data = random.Random(size).randbytes(size)
    told = leaf_from(passport_of(data))
    assert pack_leaf(leaf_of(io.BytesIO(data))) == told and len(told) == 144
    assert pack_leaf(unpack_leaf(told)) == told


def test_a_file_that_comes_in_small_pieces_has_the_same_leaf() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 70_001))

    data = random.Random(9).randbytes(2_500_000)
    assert leaf_of(Slow(data)) == leaf_of(io.BytesIO(data))


@settings(max_examples=25)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 3))
def test_a_true_proof_convinces(before: int, after: int, rotations: int) -> None:
    assert problems(proof_of(FILE, before, after, rotations)) == []


def test_a_proof_with_any_value_changed_does_not() -> None:
    proof = proof_of(FILE, 5, 7, rotations=2)
    assert problems(proof) == []
    tried = 0
    for changed in mutations(proof):
        assert problems(changed), "a changed proof convinced"
        tried += 1
    assert tried > 150


def test_without_the_file_the_same_holds() -> None:
    proof = proof_of(FILE, 5, 7, rotations=2)
    assert problems(proof, None) == [] and all(problems(changed, None) for changed in mutations(proof))


@pytest.mark.parametrize("data", [b"", FILE[:-1], FILE + b"\0", b"!" + FILE[1:]])
def test_another_file_is_told_by_its_code(data: bytes) -> None:
    found = problems(proof_of(FILE, 3, 3), data)
    assert isinstance(found, list) and [one.code for one in found] == ["proof.file"]


def test_a_countersignature_of_another_head_is_told_by_its_code() -> None:
    proof, other = proof_of(FILE, 3, 3), proof_of(FILE, 3, 4)
    proof["countersignatures"] = other["countersignatures"]
    found = problems(proof)
    assert isinstance(found, list) and [one.code for one in found] == ["proof.countersignature"]


def test_a_key_that_nothing_leads_to_is_told_by_its_code() -> None:
    """After a change of keys the head that tells it is part of the proof."""
    proof = proof_of(FILE, 3, 3, rotations=2)
    for left_out in (0, 1):
        less = copy.deepcopy(proof)
        del less["rotations"][left_out]
        found = problems(less)
        assert isinstance(found, list) and {one.code for one in found} <= {"log.key", "log.order"} and found


@pytest.mark.parametrize("value", [None, 1, [], {}, "x", {"type": PROOF}, [[]]])
def test_what_is_no_proof_is_unreadable(value: Any) -> None:
    assert isinstance(problems(value), str)


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["0" * 64, PROOF]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "leaf", "index", "path", "head", "rotations", "old", "new"]), inner)
    ),
)


@given(Json, st.sampled_from(["type", "leaf", "index", "path", "head", "rotations", "countersignatures"]))
def test_whatever_stands_in_a_proof_it_is_read_or_unreadable(value: Any, place: str) -> None:
    proof = proof_of(b"x", 1, 1)
    problems({**proof, place: value})
    for reader in (read_proof, read_link, read_head, read_countersignature):
        with contextlib.suppress(Unreadable):
            reader(value)


def mutations(value: Any) -> Iterator[Any]:
    """The value with one thing in it changed, each in turn."""
    if isinstance(value, dict):
        for key in value:
            yield {name: one for name, one in value.items() if name != key}
            for changed in mutations(value[key]):
                yield {**value, key: changed}
        return
    if isinstance(value, list):
        for place, one in enumerate(value):
            if not (isinstance(one, dict) and one["type"].startswith("phonolith.counter")):  # one less still proves
                yield [*value[:place], *value[place + 1 :]]
            for changed in mutations(one):
                yield [*value[:place], changed, *value[place + 1 :]]
        if value and isinstance(value[0], str):
            yield [*value, value[0]]
            yield value[::-1]
        return
    if isinstance(value, int):
        yield from (value + 1, value - 1, -value - 1, str(value), float(value), True)
        return
    assert isinstance(value, str)
    yield "0" if value.startswith("1") else "1" + value[1:]
    yield value[:-1] + ("0" if value[-1] != "0" else "1")
    yield from (value + "0", value[:-1], value.upper() + " ", "", None, 7)

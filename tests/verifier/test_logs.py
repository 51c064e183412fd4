"""Two states of a log: what grew is consistent, what was rewritten is refuted by two heads, the rest is undecided."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.store.log import excerpt, head_file
from phonolith.store.merkle import consistency_path
from phonolith.verifier import (
    LINK,
    Comparison,
    Head,
    State,
    Tree,
    Unreadable,
    canonical,
    check_heads,
    check_log,
    check_state,
    digest,
    dump,
    is_signed,
    read_head,
    read_state,
)
from tests.verifier.signing import Signer, public, root, signed


def grown(*commits: int) -> Signer:
    log = Signer()
    for number, count in enumerate(commits):
        log.commit(*(f"{number}.{one}" for one in range(count)))
    return log


def link(log: Signer, old: Head, new: Head | None = None) -> State:
    made, hashes = Tree(), []
    for one in log.leaves:
        hashes += made.add(one)
    new = new or log.heads[-1]
    path = consistency_path(old.size, new.size, hashes.__getitem__)
    return State(excerpt(log.heads[: log.heads.index(new) + 1]), link=(old, path))


def codes(found: Comparison) -> list[str]:
    return [one.code for one in found.problems]


def refutes(found: Comparison) -> bool:
    """Whether the evidence stands by itself: two signed heads of one log that differ."""
    if len(found.evidence) != 2:
        return False
    one, two = found.evidence
    return (
        found.verdict == "refuted"
        and codes(found)[0] == "log.refuted"
        and is_signed(one)
        and is_signed(two)
        and one.log == two.log
        and digest(one) != digest(two)
    )


def test_a_copy_and_a_later_copy_are_consistent(tmp_path: Path) -> None:
    log = grown(3, 1)
    old = read_state(log.write(tmp_path / "old"))
    log.commit(*range(9))
    new = read_state(log.write(tmp_path / "new"))
    assert check_log(old, new) == Comparison("consistent", [], [])
    assert check_log(State(old.heads[:1]), new).verdict == "consistent"
    assert check_log(new, new).verdict == "consistent"
    assert codes(check_log(new, old)) == ["log.shrank"]


def test_a_link_decides_between_two_heads_of_different_sizes() -> None:
    log = grown(3, 4, 2)
    first, last = State(log.heads[:1]), State(log.heads[-1:])
    assert codes(check_log(first, last)) == ["log.undecided"]
    assert check_log(first, link(log, log.heads[0])).verdict == "consistent"
    assert codes(check_log(State(log.heads[1:2]), link(log, log.heads[0]))) == ["log.undecided"]
    made = link(log, log.heads[0])
    assert made.link is not None
    for wrong in (made.link[1][:-1], made.link[1][::-1], [*made.link[1], bytes(32)], []):
        assert codes(check_log(first, made._replace(link=(log.heads[0], wrong)))) == ["log.undecided"]


def test_two_roots_at_one_size_refute() -> None:
    honest = grown(3, 4)
    other = grown(3, 4)
    other.leaves[5] = other.leaves[4]
    other.heads.pop()
    other.commit()
    for old, new in ((honest, other), (other, honest)):
        assert refutes(check_log(State(old.heads[-1:]), State(new.heads[-1:])))


def test_two_heads_after_one_head_refute_whatever_their_sizes() -> None:
    honest = grown(3)
    other = honest.copy()
    honest.commit("a")
    other.commit("b", "c")
    assert refutes(check_log(State(honest.heads[-1:]), State(other.heads[-1:])))


def test_leaves_that_lead_elsewhere_refute(tmp_path: Path) -> None:
    """No two heads share a size or a predecessor, yet what the old one signs is not the beginning of the new one."""
    honest, other = grown(3, 2, 2, 2), grown(3)
    other.leaves[1] = other.leaves[0]
    other.heads.clear()
    other.commit()
    for text in "abcdefg":
        other.commit(text)
    chosen = next(head for head in other.heads if head.size == 8)
    old, new = State([chosen]), read_state(honest.write(tmp_path / "new"))
    assert refutes(check_log(old, new))
    assert refutes(check_log(new, read_state(other.write(tmp_path / "other"))))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=3),
    st.lists(st.integers(0, 5), min_size=1, max_size=3),
    st.lists(st.integers(0, 5), min_size=1, max_size=3),
    st.booleans(),
)
def test_copies_that_diverge_are_refuted_and_copies_that_grew_are_not(
    tmp_path_factory: pytest.TempPathFactory, shared: list[int], ours: list[int], theirs: list[int], rotate: bool
) -> None:
    base = Signer()
    base.commit("first")
    for number, count in enumerate(shared):
        base.commit(*(f"{number}.{one}" for one in range(count)), next_seed=7 if rotate and number == 1 else None)
    one, two = base.copy(), base.copy()
    for number, count in enumerate(ours):
        one.commit(*(f"one {number}.{text}" for text in range(count)))
    for number, count in enumerate(theirs):
        two.commit(f"two {number}", *(f"two {number}.{text}" for text in range(count)))
    folder = tmp_path_factory.mktemp("logs")
    before, after, other = (
        read_state(log.write(folder / name)) for log, name in ((base, "base"), (one, "one"), (two, "two"))
    )
    assert check_log(before, after).verdict == check_log(before, other).verdict == "consistent"
    assert refutes(check_log(after, other)) and refutes(check_log(other, after))
    if base.heads[-1].size < after.heads[-1].size <= other.heads[-1].size:
        assert refutes(check_log(State(excerpt(after.heads)), other)), "one head against a copy is enough"


def test_a_stranger_cannot_refute(tmp_path: Path) -> None:
    """A head that the log's key did not sign says nothing about the log, whoever signed it."""
    log = grown(3, 4)
    forged = log.heads[-1]._replace(root=root(log.leaves[:2]))
    own = signed(forged, 5)
    posing = signed(forged._replace(key=public(5), next=public(5)), 5)
    new = read_state(log.write(tmp_path / "log"))
    for head, code in ((forged, "log.signature"), (own, "log.signature"), (posing, "log.key")):
        found = check_log(State([head]), new)
        assert found.verdict == "undecided" and codes(found) == [code] and not found.evidence


def test_heads_of_two_logs_say_nothing_of_each_other() -> None:
    other = Signer(2)
    other.commit("x")
    assert codes(check_log(State(grown(3).heads), State(other.heads))) == ["log.other"]


def test_a_change_of_keys_is_followed(tmp_path: Path) -> None:
    log = grown(2)
    log.commit(next_seed=2)
    log.commit("a", next_seed=3)
    log.commit("b")
    state = read_state(log.write(tmp_path / "log"))
    assert check_state(state) == [] and check_heads(excerpt(log.heads), whole=False) == []
    assert [one.code for one in check_heads(log.heads[-1:], whole=False)] == ["log.key"]
    assert check_log(State(log.heads[:1]), link(log, log.heads[0])).verdict == "consistent"


def test_the_old_key_signs_no_more_once_it_gave_way() -> None:
    log = grown(2)
    log.commit(next_seed=2)
    thief = log.copy()
    thief.seed = 1
    thief.commit("x")
    assert "log.order" in [one.code for one in check_heads(thief.heads, whole=True)]


@pytest.mark.parametrize("name", ["signature", "chain", "order", "shrunk", "older", "log"])
def test_what_is_wrong_with_heads_is_told_by_code(name: str) -> None:
    log = grown(2, 2, 2)
    one, two, three = log.heads
    wrong, code = {
        "signature": ([one, two._replace(signature="0" * 128), three], "log.signature"),
        "chain": ([one, three], "log.chain"),
        "order": ([two, one, three], "log.chain"),
        "shrunk": ([one, signed(two._replace(size=1), 1)], "log.order"),
        "older": ([one, signed(two._replace(time="2026-01-02T03:04:04Z"), 1)], "log.order"),
        "log": ([one, signed(two._replace(log="0" * 64), 1)], "log.other"),
    }[name]
    assert code in [problem.code for problem in check_heads(wrong, whole=True)]


@pytest.mark.parametrize("damage", ["cut", "bit", "missing", "swapped"])
def test_damaged_leaves_are_damage_and_no_refutation(tmp_path: Path, damage: str) -> None:
    log = grown(3, 4)
    old = State(log.heads[:1])
    folder = log.write(tmp_path / "log")
    data = bytearray((folder / "leaves").read_bytes())
    if damage == "cut":
        data = data[:-1]
    elif damage == "bit":
        data[500] ^= 4
    elif damage == "swapped":
        data[:288] = data[144:288] + data[:144]
    (folder / "leaves").write_bytes(data)
    if damage == "missing":
        (folder / "leaves").unlink()
    found = check_log(old, read_state(folder))
    assert found.verdict == "undecided" and set(codes(found)) == {"log.leaves"} and not found.evidence


def test_a_copy_that_contradicts_itself_is_refuted_by_itself(tmp_path: Path) -> None:
    """Its newest head signs the list as it is, an older one signed another."""
    log = grown(3)
    log.leaves[1] = log.leaves[0]
    log.commit("a")
    state = read_state(log.write(tmp_path / "log"))
    assert [one.code for one in check_state(state)] == ["log.refuted"]
    assert refutes(check_log(state, state)) and refutes(check_log(State(log.heads[:1]), state))


def test_two_heads_refute_whatever_else_is_damaged(tmp_path: Path) -> None:
    honest = grown(3)
    other = honest.copy()
    honest.commit("a")
    other.commit("b")
    folder = honest.write(tmp_path / "log")
    (folder / "leaves").write_bytes(b"")
    found = check_log(State(other.heads[-1:]), read_state(folder))
    assert found.verdict == "refuted" and codes(found) == ["log.refuted", "log.leaves"]


def test_a_torn_last_line_was_never_said(tmp_path: Path) -> None:
    log = grown(3, 4)
    folder = log.write(tmp_path / "log")
    text = (folder / "heads.jsonl").read_bytes()
    end = text.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(end, len(text)):
        (folder / "heads.jsonl").write_bytes(text[:cut])
        assert [head.size for head in read_state(folder).heads] == [3]


def test_states_are_read_from_all_that_carries_heads(tmp_path: Path) -> None:
    log = grown(3, 4)
    (tmp_path / "a" / "held").mkdir(parents=True)
    log.write(tmp_path / "a" / "held" / "log")
    for name in ("a", "a/held", "a/held/log"):
        assert read_state(tmp_path / name).heads == log.heads
    (tmp_path / "one").write_bytes(canonical(dump(log.heads[0])))
    (tmp_path / "many").write_bytes(head_file(log.heads))
    assert read_state(tmp_path / "one").heads == log.heads[:1] and read_state(tmp_path / "many").heads == log.heads
    made = link(log, log.heads[0])
    assert made.link is not None
    said = {
        "type": LINK,
        "old": dump(log.heads[0]),
        "new": dump(log.heads[1]),
        "rotations": [],
        "countersignatures": [],
    }
    (tmp_path / "link").write_bytes(canonical(said | {"path": [one.hex() for one in made.link[1]]}))
    assert read_state(tmp_path / "link") == made


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"\xff", b'{"type":"phonolith.link.1"}', b"[" * 9000])
def test_what_has_no_head_is_unreadable(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x").write_bytes(text)
    with pytest.raises(Unreadable):
        read_state(tmp_path / "x")


@pytest.mark.parametrize(
    "wrong",
    [{"size": 0}, {"size": True}, {"size": 1.0}, {"size": 2**63}, {"time": "now"}, {"root": "A" * 64}, {"more": 1}],
)
def test_a_head_has_exactly_its_fields_in_their_forms(wrong: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        read_head({**dump(grown(1).heads[0]), **wrong})

"""Countersignatures from witnesses over HTTP: of the named keys alone, and whoever is away keeps nobody waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from phonolith.errors import Busy, NotFound, StorageError
from phonolith.releases.collect import Collected, Witness, collect, collecting
from phonolith.releases.commit import commit, rotate, signing_key
from phonolith.releases.prove import prove
from phonolith.releases.watch import watch
from phonolith.store.archive import Archive
from phonolith.verifier import State, canonical, check_proof, dump, read_proof, seen_by
from tests.releases.conftest import Held, make
from tests.releases.test_watch import ORIGIN, Net
from tests.verifier.signing import private, public, signed

Clock = Callable[[], str]
MIRROR = "https://mirror.example"


@pytest.fixture
def net() -> Iterator[Net]:
    with ExitStack() as stack:
        yield Net(stack)


@pytest.fixture
def mirror(tmp_path: Path, net: Net) -> Archive:
    made = Archive.create(tmp_path / "mirror", name="Mirror", contact="m", now="2026-01-01T00:00:00Z")
    net.serve(MIRROR, made)
    return made


@pytest.fixture
def witness(mirror: Archive, clock: Clock) -> Witness:
    return Witness(MIRROR, signing_key(mirror, clock()))


def looked(held: Held, mirror: Archive, net: Net, clock: Clock) -> None:
    """The mirror looks at its origin, and signs."""
    net.serve(ORIGIN, held.archive)
    assert watch(mirror, ORIGIN, net.get, countersigns=True, clock=clock).countersignature


def test_what_a_mirror_signed_is_collected_and_comes_with_proofs(
    held: Held, mirror: Archive, witness: Witness, net: Net, clock: Clock
) -> None:
    assert collect(held.archive, [witness], net.get) == []
    head = commit(held.archive, held.digests[:4], clock)
    (none_yet,) = collect(held.archive, [witness], net.get)
    assert (none_yet.new, none_yet.time) == (0, "") and "nothing" in none_yet.problem
    looked(held, mirror, net, clock)
    (first,) = collect(held.archive, [witness], net.get)
    assert (first.new, first.size, first.problem) == (1, head.size, "") and first.time
    assert collect(held.archive, [witness], net.get) == [Collected(witness, 0, first.size, first.time)]
    proof = read_proof(prove(held.archive, held.files[1]))
    assert check_proof(proof) == [] and [one.key for one in proof.countersignatures] == [witness.key]
    newest = commit(held.archive, held.digests, clock)
    looked(held, mirror, net, clock)
    (second,) = collect(held.archive, [witness], net.get)
    assert (second.new, second.size) == (1, newest.size)


def test_it_goes_on_over_a_change_of_the_witnesss_key_once_the_new_one_is_named(
    held: Held, tmp_path: Path, net: Net, clock: Clock
) -> None:
    other = make(tmp_path / "witness").archive
    net.serve(MIRROR, other)
    commit(other, [one.sha256 for one in _objects(other)], clock)
    old = signing_key(other, clock())
    commit(held.archive, held.digests[:2], clock)
    looked(held, other, net, clock)
    rotate(other, "a test", clock)
    commit(held.archive, held.digests, clock)
    looked(held, other, net, clock)
    new = signing_key(other, clock())
    assert [one.new for one in collect(held.archive, [Witness(MIRROR, old)], net.get)] == [1]
    assert [one.new for one in collect(held.archive, [Witness(MIRROR, new)], net.get)] == [1]
    assert {one.key for one in held.archive.log().countersignatures()} == {old, new} and old != new


def _objects(archive: Archive) -> list[object]:
    with archive.objects() as objects:
        return list(objects.all())


def test_only_the_named_key_counts(held: Held, mirror: Archive, witness: Witness, net: Net, clock: Clock) -> None:
    commit(held.archive, held.digests, clock)
    looked(held, mirror, net, clock)
    (found,) = collect(held.archive, [Witness(MIRROR, "0" * 64)], net.get)
    assert found.new == 0 and witness.key in found.problem
    assert held.archive.log().countersignatures() == []


@pytest.mark.parametrize("wrong", ["signature", "head", "log", "own", "garbage", "huge", "away", "nothing"])
def test_what_is_wrong_is_told_and_the_next_witness_is_asked(
    held: Held, mirror: Archive, witness: Witness, net: Net, clock: Clock, wrong: str
) -> None:
    head = commit(held.archive, held.digests, clock)
    looked(held, mirror, net, clock)
    made = mirror.log().witnessed()[0][1]
    by = signed(made._replace(key=public(3)), 3)
    assert private(3) and seen_by(State([head], countersignatures=[by, made])).keys() == {public(3), witness.key}
    lines = {
        "signature": by._replace(signature="0" * 128),
        "head": signed(by._replace(head="0" * 64), 3),
        "log": signed(by._replace(log="0" * 64), 3),
        "own": made._replace(key=head.key),
    }
    address = f"https://bad.example/log/countersignatures/{head.log}"
    net.answers[address] = {
        "garbage": b"<html>\n",
        "huge": b" " * (5 << 20),
        "away": StorageError("x", "cannot be fetched"),
        "nothing": NotFound("x", "is not there"),
    }.get(wrong) or canonical(dump(lines[wrong])) + b"\n"
    bad = Witness("https://bad.example", head.key if wrong == "own" else public(3))
    told, good = collect(held.archive, [bad, witness], net.get)
    assert told.problem and told.new == 0 and good.new == 1 and not good.problem
    assert [one.key for one in held.archive.log().countersignatures()] == [witness.key]


def test_a_word_about_one_head_is_kept_once_however_often_it_is_signed(held: Held, net: Net, clock: Clock) -> None:
    """Else a witness could fill the disk with signatures that differ in their time."""
    from phonolith.verifier import Countersignature, digest

    head = commit(held.archive, held.digests, clock)
    said = Countersignature(head.log, digest(head), "", public(3), "")
    times = [f"2026-01-02T03:04:{second:02}Z" for second in range(9)]
    lines = [signed(said._replace(time=time), 3) for time in times]
    address = f"https://w.example/log/countersignatures/{head.log}"
    net.answers[address] = b"".join(canonical(dump(one)) + b"\n" for one in lines)
    assert [one.new for one in collect(held.archive, [Witness("https://w.example", public(3))], net.get)] == [1]
    assert held.archive.log().countersignatures() == lines[:1]


def test_a_lock_that_is_taken_is_told_and_loses_nothing(
    held: Held, mirror: Archive, witness: Witness, net: Net, clock: Clock
) -> None:
    commit(held.archive, held.digests, clock)
    looked(held, mirror, net, clock)
    with held.archive.lock("log", what="a test"):
        assert collect(held.archive, [witness], net.get)[0].problem
    assert collect(held.archive, [witness], net.get)[0].new == 1


def test_asking_goes_on_beside_the_work_round_after_round() -> None:
    asked, rounds = threading.Semaphore(0), threading.Semaphore(0)

    def ask() -> None:
        asked.release()
        raise Busy("log", "somebody else")

    def wait(stop: threading.Event, _: float) -> bool:
        rounds.acquire()
        return stop.is_set()

    with collecting(ask, wait=wait):
        for _ in range(3):
            assert asked.acquire(timeout=30)
            rounds.release()
        assert asked.acquire(timeout=30), "an error of ours does not end it"
        threads = [one for one in threading.enumerate() if one.name == "phonolith-collect"]
        assert len(threads) == 1
        rounds.release()
        asked.acquire(timeout=30)
    rounds.release()
    threads[0].join(30)
    assert not threads[0].is_alive()


def test_a_witness_is_written_as_address_and_key() -> None:
    assert Witness.of("https://m.example/below/#" + "a" * 64) == Witness("https://m.example/below", "a" * 64)

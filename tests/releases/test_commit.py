"""Committing: each object once, every head verifies, keys change openly, and no log goes on from an older state."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.errors import Busy, Damaged, NotFound, UsageError
from phonolith.releases.commit import commit, cut_off, rotate
from phonolith.releases.prove import prove
from phonolith.store import log_index
from phonolith.store.archive import Archive
from phonolith.store.log import leaf_from
from phonolith.verifier import GENESIS, State, check_state, digest, fingerprint
from tests.releases.conftest import Held

Clock = Callable[[], str]


def sound(archive: Archive) -> list[int]:
    """The sizes of the heads, all of which verify."""
    log = archive.log()
    assert check_state(State(log.heads(), log.leaves_file)) == []
    return [head.size for head in log.heads()]


def kinds(archive: Archive) -> list[str]:
    with archive.register() as register:
        assert register.verify() == []
        return [event.kind for event in register.events()]


def test_each_object_is_a_leaf_once_in_the_order_given(held: Held, clock: Clock) -> None:
    first = commit(held.archive, held.digests[3:1:-1], clock)
    again = commit(held.archive, [*held.digests[2:6], held.digests[5], held.digests[0]], clock)
    leaves = list(held.archive.log().leaves(0, 5))
    with held.archive.objects() as objects:
        expected = [objects.passport(held.digests[number]) for number in (3, 2, 4, 5, 0)]
    assert leaves == [leaf_from(passport) for passport in expected if passport]
    assert (first.size, again.size) == (2, 5) and again.previous == digest(first) and first.previous == GENESIS
    assert first.log == again.log == fingerprint(first.key) and sound(held.archive) == [2, 5]


def test_nothing_new_signs_nothing(held: Held, clock: Clock) -> None:
    head = commit(held.archive, held.digests, clock)
    assert commit(held.archive, held.digests[::-1], clock) == commit(held.archive, [], clock) == head
    assert sound(held.archive) == [9] and kinds(held.archive) == ["archive.created", "key.made"]


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 8), max_size=12), min_size=1, max_size=4))
def test_however_it_is_divided_the_same_leaves_give_the_same_root(
    tmp_path_factory: pytest.TempPathFactory, held: Held, clock: Clock, batches: list[list[int]]
) -> None:
    order = list(dict.fromkeys(number for batch in batches for number in batch))
    roots = []
    for way in (batches, [order]):
        archive = Archive(tmp_path_factory.mktemp("copy") / "a", held.archive.name, held.archive.volumes)
        shutil.copytree(held.archive.root, archive.root)
        roots += [commit(archive, [held.digests[one] for one in batch], clock).root for batch in way if batch]
        if order:
            assert sound(archive)[-1] == len(order)
    assert not order or roots[-1] == roots[-2]


def test_many_at_once_go_through_in_chunks(held: Held, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonolith.releases.commit.CHUNK", 2)
    monkeypatch.setattr(log_index, "CHUNK", 2)
    whole = commit(held.archive, [*held.digests, *held.digests], clock)
    assert whole.size == 9 and sound(held.archive) == [9]
    (held.archive.state / "log.sqlite").unlink()
    assert commit(held.archive, held.digests, clock) == whole
    for file in held.files:
        prove(held.archive, file)


def test_what_is_not_held_is_refused_and_nothing_is_said(held: Held, clock: Clock) -> None:
    commit(held.archive, held.digests[:2], clock)
    for wrong in ("f" * 64, "F" * 64, "short", ""):
        with pytest.raises(NotFound):
            commit(held.archive, [*held.digests, wrong], clock)
        assert sound(held.archive) == [2]
    assert commit(held.archive, held.digests, clock).size == 9 and sound(held.archive) == [2, 9]


def test_nothing_is_nothing_to_commit_to(held: Held, clock: Clock) -> None:
    with pytest.raises(UsageError, match="nothing to commit to"):
        commit(held.archive, [], clock)
    assert held.archive.log().heads() == [] and kinds(held.archive) == ["archive.created"]


def test_two_at_once_do_not_wait_for_each_other(held: Held, clock: Clock) -> None:
    with held.archive.lock("log", what="another commit"), pytest.raises(Busy, match="another commit"):
        commit(held.archive, held.digests, clock)
    with held.archive.lock("release", what="a release"):
        commit(held.archive, held.digests, clock)


def test_a_clock_that_goes_back_does_not_take_the_log_with_it(held: Held) -> None:
    commit(held.archive, held.digests[:1], lambda: "2026-01-02T03:04:05Z")
    later = commit(held.archive, held.digests, lambda: "2020-01-01T00:00:00Z")
    assert later.time == "2026-01-02T03:04:05Z" and sound(held.archive) == [1, 9]


@pytest.mark.parametrize("damage", ["gone", "hash", "cut", "older", "newer"])
def test_the_index_is_never_believed(held: Held, clock: Clock, damage: str) -> None:
    """Whatever is wrong with it, what is signed is the root of the leaves."""
    commit(held.archive, held.digests[:3], clock)
    index = held.archive.state / "log.sqlite"
    early = index.read_bytes()
    commit(held.archive, held.digests[:6], clock)
    if damage == "gone":
        index.unlink()
    elif damage == "newer":  # held/ and keys/ were brought back, state/ was not
        shutil.copytree(held.archive.root, held.archive.root / "twin")
        commit(Archive.open(held.archive.root / "twin"), held.digests[:5:-1], clock)
        shutil.copy(held.archive.root / "twin" / "state" / "log.sqlite", index)
    elif damage == "older":
        index.write_bytes(early)
    else:
        with held.archive.log_index() as opened:
            change = {
                "hash": "UPDATE node SET hash = zeroblob(32)",
                "cut": "DELETE FROM node WHERE position > 3",
            }[damage]
            opened._db.execute(change)
    commit(held.archive, held.digests, clock)
    assert sound(held.archive) == [3, 6, 9]
    for file in held.files:
        prove(held.archive, file)


def test_leaves_that_were_changed_are_not_signed_again(held: Held, clock: Clock) -> None:
    commit(held.archive, held.digests[:6], clock)
    file = held.archive.log().leaves_file
    data = bytearray(file.read_bytes())
    data[200] ^= 1
    file.write_bytes(data)
    (held.archive.state / "log.sqlite").unlink()
    with pytest.raises(Damaged, match="root that was signed"):
        commit(held.archive, held.digests, clock)
    file.write_bytes(data[:-1])
    with pytest.raises(Damaged, match="fewer than were signed"):
        commit(held.archive, held.digests, clock)


def test_keys_are_private_and_made_on_first_need(held: Held, clock: Clock) -> None:
    assert list(held.archive.keys.iterdir()) == []
    head = commit(held.archive, held.digests, clock)
    files = {path.name: path.stat().st_mode & 0o777 for path in held.archive.keys.iterdir()}
    name = fingerprint(head.key)
    assert files == {f"{name}.pem": 0o600, f"{name}.head.json": 0o600}


def test_a_key_gives_way_to_the_next_and_the_log_keeps_its_name(held: Held, clock: Clock) -> None:
    first = commit(held.archive, held.digests[:3], clock)
    changed = rotate(held.archive, "a laptop was lost", clock)
    assert (changed.size, changed.root, changed.key) == (3, first.root, first.key) and changed.next != first.key
    last = commit(held.archive, held.digests, clock)
    assert last.key == last.next == changed.next and last.log == first.log and sound(held.archive) == [3, 3, 9]
    with held.archive.register() as register:
        event = list(register.events())[-1]
    assert event.kind == "key.rotated" and event.body["because"] == "a laptop was lost"
    assert (event.body["key"], event.body["next"]) == (first.key, changed.next)
    held.archive.keys.joinpath(f"{fingerprint(first.key)}.pem").unlink()
    rotate(held.archive, "again", clock)
    assert sound(held.archive) == [3, 3, 9, 9]


def test_a_change_that_stopped_after_its_event_is_finished_by_the_next_commit(held: Held, clock: Clock) -> None:
    commit(held.archive, held.digests[:3], clock)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("phonolith.releases.commit._commit", interrupted)
        rotate(held.archive, "b", clock)
    head = commit(held.archive, [], clock)
    assert head.next != head.key and commit(held.archive, held.digests, clock).key == head.next
    assert kinds(held.archive).count("key.rotated") == 1 and sound(held.archive) == [3, 3, 9]


def test_a_register_from_an_older_backup_does_not_bring_an_old_key_back(held: Held, clock: Clock) -> None:
    commit(held.archive, held.digests[:3], clock)
    shutil.copytree(held.archive.held, held.archive.root / "backup")
    rotate(held.archive, "b", clock)
    head = commit(held.archive, held.digests[:4], clock)
    for name in ("register.sqlite", "register.sqlite-wal", "register.sqlite-shm"):
        (held.archive.held / name).unlink(missing_ok=True)
        if (held.archive.root / "backup" / name).exists():
            shutil.copy(held.archive.root / "backup" / name, held.archive.held / name)
    assert commit(held.archive, held.digests, clock).key == head.key
    assert sound(held.archive) == [3, 3, 4, 9]


def test_there_must_be_a_reason_and_a_log_to_change_keys(held: Held, clock: Clock) -> None:
    with pytest.raises(UsageError, match="no head yet"):
        rotate(held.archive, "b", clock)
    with pytest.raises(UsageError, match="because"):
        rotate(held.archive, " ", clock)


def test_a_lost_key_signs_nothing(held: Held, clock: Clock) -> None:
    head = commit(held.archive, held.digests[:3], clock)
    key = held.archive.keys / f"{fingerprint(head.key)}.pem"
    text = key.read_bytes()
    key.unlink()
    with pytest.raises(NotFound, match="private half"):
        commit(held.archive, held.digests, clock)
    key.write_bytes(text[:60])
    with pytest.raises(Damaged, match="cannot be used"):
        commit(held.archive, held.digests, clock)
    key.write_bytes(text)
    assert commit(held.archive, held.digests, clock).size == 9


def test_a_log_from_an_older_backup_is_not_gone_on_with(held: Held, clock: Clock, tmp_path: Path) -> None:
    """It would sign a second head after one that others have seen, and be refuted for ever."""
    commit(held.archive, held.digests[:3], clock)
    log = held.archive.log().folder
    shutil.copytree(log, tmp_path / "backup")
    commit(held.archive, held.digests[:5], clock)
    shutil.copytree(log, tmp_path / "newer")
    for older in ("backup", ""):
        shutil.rmtree(log)
        if older:
            shutil.copytree(tmp_path / older, log)
        with pytest.raises(Damaged, match="older than what was signed"):
            commit(held.archive, held.digests, clock)
        with pytest.raises(Damaged, match="older than what was signed"):
            cut_off(held.archive, held.archive.log().heads())
    shutil.rmtree(log, ignore_errors=True)
    shutil.copytree(tmp_path / "newer", log)
    assert commit(held.archive, held.digests, clock).size == 9 and sound(held.archive) == [3, 5, 9]


def test_a_log_that_is_lost_for_good_is_begun_anew_under_another_name(held: Held, clock: Clock) -> None:
    """Not with any of its keys, new ones that signed nothing yet included."""
    first = commit(held.archive, held.digests[:3], clock)
    rotate(held.archive, "b", clock)
    shutil.rmtree(held.archive.log().folder)
    with pytest.raises(Damaged, match="older than what was signed"):
        commit(held.archive, held.digests, clock)
    for path in held.archive.keys.iterdir():
        path.unlink()
    head = commit(held.archive, held.digests, clock)
    assert head.log != first.log and head.previous == GENESIS and sound(held.archive) == [9]


@pytest.mark.parametrize("change_keys", [False, True])
def test_a_head_that_somebody_may_have_seen_is_said_again_as_it_was(
    held: Held, clock: Clock, change_keys: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written and read by others, then the power went before it was durable."""
    commit(held.archive, held.digests[:3], clock)
    file = held.archive.log().folder / "heads.jsonl"
    durable = file.read_bytes()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("phonolith.store.log.append_line", cut_at_fsync)
        if change_keys:
            rotate(held.archive, "b", clock)
        else:
            commit(held.archive, held.digests[:5], clock)
    (*_, seen) = held.archive.log().heads()
    file.write_bytes(durable)
    assert cut_off(held.archive, held.archive.log().heads()) == seen
    commit(held.archive, held.digests, clock)
    assert seen in held.archive.log().heads() and sound(held.archive) == [3, seen.size, 9]
    assert kinds(held.archive).count("key.rotated") == change_keys


def cut_at_fsync(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line + b"\n")
    raise KeyboardInterrupt


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt

"""The register: nothing in it can be edited, removed or reordered unseen, and appending never waits for a stage."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.errors import Damaged, NewerFormat, NotFound, StorageError, UsageError
from phonolith.model.event import KINDS
from phonolith.store.archive import Archive
from phonolith.store.database import open_ro, open_rw, transaction
from phonolith.store.register import GENESIS, Register, canonical, event_digest

NOW = "2026-01-02T03:04:05Z"
BODY = {"subjects": ["a" * 16], "because": "their wish", "ground": "owner"}


def filled(path: Path, count: int = 6) -> Register:
    register = Register(path)
    for number in range(count):
        register.append("item.withdrawn", BODY | {"because": f"wish {number}"}, actor="t", time=NOW)
    return register


def tamper(path: Path, sql: str) -> None:
    db = apsw.Connection(str(path))
    db.execute("DROP TRIGGER event_is_never_changed; DROP TRIGGER event_is_never_removed;")
    db.execute(sql)
    db.close()


def test_events_come_back_in_order_and_chained(tmp_path: Path) -> None:
    with filled(tmp_path / "r") as register:
        events = list(register.events())
        assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6]
        assert [event.previous for event in events] == [GENESIS, *[event.digest for event in events[:-1]]]
        assert register.head() == (6, events[-1].digest)
        assert list(register.events(after=4)) == events[4:]
        assert register.verify() == [] and register.verify(known=(3, events[2].digest)) == []


def test_a_digest_can_be_made_by_hand(tmp_path: Path) -> None:
    """The recipe of docs/on-disk-format.md, spelt out: another program can check the chain."""
    with Register(tmp_path / "r") as register:
        event = register.append("item.withdrawn", {**BODY, "because": 'ü "x"\n'}, actor="t", time=NOW)
    import hashlib

    text = (
        '{"actor":"t","body":{"because":"ü \\"x\\"\\n","ground":"owner","subjects":["aaaaaaaaaaaaaaaa"]},'
        f'"kind":"item.withdrawn","previous":"{GENESIS}","seq":1,"time":"{NOW}"}}'
    )
    assert event.digest == hashlib.sha256(text.encode()).hexdigest()


TAMPERINGS = {
    "body edited": "UPDATE event SET body = replace(body, 'wish 2', 'wish 9') WHERE seq = 3",
    "time edited": "UPDATE event SET time = '2020-01-01T00:00:00Z' WHERE seq = 1",
    "actor edited": "UPDATE event SET actor = 'u' WHERE seq = 6",
    "kind edited": "UPDATE event SET kind = 'item.reinstated' WHERE seq = 2",
    "first removed": "DELETE FROM event WHERE seq = 1",
    "middle removed": "DELETE FROM event WHERE seq = 4",
    "middle removed, rest renumbered": "DELETE FROM event WHERE seq = 4; UPDATE event SET seq = seq - 1 WHERE seq = 5;"
    " UPDATE event SET seq = 5 WHERE seq = 6",
    "last removed": "DELETE FROM event WHERE seq = 6",
    "all removed": "DELETE FROM event",
    "two swapped": "UPDATE event SET seq = -1 WHERE seq = 2; UPDATE event SET seq = 2 WHERE seq = 3;"
    " UPDATE event SET seq = 3 WHERE seq = -1",
    "one doubled": "INSERT INTO event SELECT 7, time, actor, kind, body, previous, digest FROM event WHERE seq = 6",
    "body no JSON": "UPDATE event SET body = '{' WHERE seq = 2",
    "body respelt": "UPDATE event SET body = replace(body, ':', ': ') WHERE seq = 2",
    "link cut": "UPDATE event SET previous = digest WHERE seq = 3",
    "digest edited": "UPDATE event SET digest = previous WHERE seq = 3",
}


@pytest.mark.parametrize("sql", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_tampering_is_found(tmp_path: Path, sql: str) -> None:
    filled(tmp_path / "r").close()
    tamper(tmp_path / "r", sql)
    with Register(tmp_path / "r") as register:
        findings = register.verify()
    assert findings and all(f.code == "register.broken" and f.severity == "error" and f.remedy for f in findings)


def test_a_chain_forged_from_the_start_is_found_by_what_others_saw(tmp_path: Path) -> None:
    with filled(tmp_path / "r") as honest, filled(tmp_path / "forged", count=5) as forged:
        forged.append("item.withdrawn", BODY | {"because": "another"}, actor="t", time=NOW)
        assert forged.verify() == []  # consistent in itself
        assert forged.verify(known=honest.head()) and not forged.verify(known=(0, GENESIS))


def test_the_table_itself_refuses_changes(tmp_path: Path) -> None:
    filled(tmp_path / "r").close()
    db = apsw.Connection(str(tmp_path / "r"))
    for sql in ("UPDATE event SET time = ''", "DELETE FROM event"):
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            db.execute(sql)
    db.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_needs_its_fields(tmp_path: Path, kind: str) -> None:
    body: dict[str, Any] = dict.fromkeys(KINDS[kind], "x")
    with Register(tmp_path / "r") as register:
        assert dict(register.append(kind, body | {"more": 1}, actor="t", time=NOW).body) == body | {"more": 1}
        for field in body:
            with pytest.raises(UsageError, match=f"lacks {field}"):
                register.append(kind, {k: v for k, v in body.items() if k != field}, actor="t", time=NOW)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", b"bytes", {1, 2}, object()])
def test_what_is_not_json_is_refused_and_nothing_is_written(tmp_path: Path, value: object) -> None:
    with Register(tmp_path / "r") as register:
        with pytest.raises(UsageError):
            register.append("item.withdrawn", BODY | {"because": value}, actor="t", time=NOW)
        with pytest.raises(UsageError, match="no such kind"):
            register.append("item.deleted", {}, actor="t", time=NOW)
        assert register.head() == (0, GENESIS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values=st.lists(JSON, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_comes_back_and_verifies(memory: Path, values: list[Any]) -> None:
    values = [value for value in values if _encodable(value)]
    with tempfile.TemporaryDirectory(dir=memory) as folder, Register(Path(folder) / "r") as register:
        for value in values:
            register.append("field.set", _field_set(value), actor="t", time=NOW)
        assert [event.body["value"] for event in register.events()] == values
        assert register.verify() == []


def _field_set(value: Any) -> dict[str, Any]:
    return {"subject": "x", "field": "title", "value": value, "because": "b"}


def _encodable(value: Any) -> bool:
    try:
        canonical(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def _append_many(path: Path, count: int) -> None:
    with Register(path) as register:
        for _ in range(count):
            register.append("item.withdrawn", BODY, actor="t", time=NOW)


def test_several_processes_append_at_once(memory: Path) -> None:
    Register(memory / "r").close()
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_append_many, args=(memory / "r", 25)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    with Register(memory / "r") as register:
        assert register.head()[0] == 75 and register.verify() == []


def test_a_decision_takes_under_a_second_while_a_stage_holds_every_lock_and_reads(archive: Archive) -> None:
    with (
        archive.lock("build", what="build"),
        archive.lock("harvest", what="harvest"),
        archive.records() as records,
        archive.register() as reading,
        archive.register() as writing,
    ):
        records._db.execute("BEGIN IMMEDIATE")  # a harvest in the middle of its transaction
        events = reading.events()
        next(events)
        started = time.monotonic()
        for _ in range(5):
            writing.append("item.withdrawn", BODY, actor="t", time=NOW)
        assert time.monotonic() - started < 5
        records._db.execute("ROLLBACK")


def test_a_newer_register_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "r").close()
    db = apsw.Connection(str(tmp_path / "r"))
    db.pragma("user_version", 99)
    db.close()
    with pytest.raises(NewerFormat, match=r"format 99.*Upgrade"):
        Register(tmp_path / "r")


def test_a_register_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(b"not a database at all" * 100)
    with pytest.raises(Damaged, match="not a healthy SQLite database"):
        Register(tmp_path / "r")


def test_a_database_that_cannot_be_opened_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        open_rw(tmp_path / "nowhere" / "r", "", 1)
    with pytest.raises(NotFound):
        open_ro(tmp_path / "nowhere")


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    db = open_rw(tmp_path / "d", "CREATE TABLE t (x INTEGER) STRICT", 1)
    with pytest.raises(ValueError, match="stop"), transaction(db, tmp_path / "d"):
        db.execute("INSERT INTO t VALUES (1)")
        raise ValueError("stop")
    assert db.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
    assert db.pragma("journal_mode") == "wal" and db.pragma("synchronous") == 2
    db.close()


def test_event_digests_depend_on_every_field() -> None:
    base = (1, NOW, "a", "k", {"x": 1}, GENESIS)
    digests = {event_digest(*base)}
    for at, other in enumerate((2, "t", "b", "l", {"x": 2}, "1" * 64)):
        digests.add(event_digest(*base[:at], other, *base[at + 1 :]))  # type: ignore[arg-type]
    assert len(digests) == 7

"""Records: what goes in comes out, once, whatever the order of putting, sealing, vanishing and crashing."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.errors import Damaged
from phonolith.model.record import Record
from phonolith.store import lines, record_index, records
from phonolith.store.archive import Archive
from phonolith.store.records import RecordStore
from phonolith.store.seekable import zstd
from phonolith.store.segments import segment_path

NOW = "2026-01-02T03:04:05Z"


def record(item: str, payload: bytes = b"{}", **more: str) -> Record:
    return Record(more.pop("source", "s"), item, f"https://example.org/{item}", NOW, payload, **more)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments and frames so small that a test has many of them."""
    monkeypatch.setattr(record_index, "SEGMENT_BYTES", 2000)
    monkeypatch.setattr(record_index, "DIRECT_BYTES", 3000)
    monkeypatch.setattr(record_index, "FRESH_HEADS", 5)
    monkeypatch.setattr(records, "SEGMENT_BYTES", 2000)
    monkeypatch.setattr(records, "INLINE_BYTES", 500)
    monkeypatch.setattr(records, "BATCH_RECORDS", 40)
    monkeypatch.setattr(records, "_WALK_ROWS", 5)
    monkeypatch.setattr("phonolith.store.segments.FRAME_BYTES", 600)


def current(store: RecordStore, shards: int = 3) -> dict[tuple[str, str], Record]:
    """All current records by way of shards that went through a pickle; each must come once."""
    found: dict[tuple[str, str], Record] = {}
    for shard in pickle.loads(pickle.dumps(store.shards(shards))):
        for one in shard:
            assert (one.source, one.item) not in found
            found[one.source, one.item] = one
    return found


def everything(archive: Archive) -> Iterator[dict[str, object]]:
    """Every line of every segment, as a stranger with any Zstandard and any JSON reader sees them."""
    for path in sorted(archive.held.glob("records/*/*.jsonl.zst")):
        with zstd.open(path, "rt", encoding="utf-8", newline="\n") as file:
            yield from (json.loads(line) for line in file)


PAYLOADS = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"\0", b'{"a":"\\u0000"}', "東京".encode(), b"\xff\xfe", b"line\nline\r\n\xe2\x80\xa8", b"x" * 700]
    ),
)
NAMES = st.sampled_from(["a", "b", "c/d", "../e", "f\0g", "h\udcffi", "ü", "日本", "j\nk", "", "l" * 300])
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.lists(st.tuples(st.sampled_from(["s", "t:1", ".."]), NAMES, PAYLOADS, NAMES), max_size=20),
        ),
        st.tuples(st.just("gone"), st.lists(NAMES, max_size=4)),
        st.tuples(st.just("seal"), st.none()),
        st.tuples(st.just("reopen"), st.none()),
        st.tuples(st.just("lose index"), st.none()),
    ),
    max_size=12,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_store_behaves_like_a_dictionary(memory: Path, small: None, steps) -> None:  # type: ignore[no-untyped-def]
    archive = Archive.create(memory / "a", name="T", contact="x", now=NOW)
    model: dict[tuple[str, str], Record] = {}
    store = archive.records()
    try:
        for step, what in steps:
            if step == "put":
                batch = [
                    Record(s, item, item + "?", NOW, payload, "text/x", validator)
                    for s, item, payload, validator in what
                ]
                stored = sum(store.put_many(batch))
                expected = 0
                for one in batch:
                    before = model.get((one.source, one.item))
                    if before is None or before.payload != one.payload:
                        model[one.source, one.item] = one
                        expected += 1
                assert stored == expected
            elif step == "gone":
                assert store.gone("s", what, NOW) == len([1 for i in set(what) if model.pop(("s", i), None)])
            elif step == "seal":
                store.seal()
            else:
                if step == "lose index":
                    store.seal()  # what is only in the open part would be lost with it
                store.close()
                if step == "lose index":
                    for leftover in (archive.held / "records").glob("open.sqlite*"):
                        leftover.unlink()
                store = archive.records()
        assert current(store) == model
        assert [(r.source, r.item) for r in store.scan()] == sorted(model, key=_order)
        assert {(r.source, r.item): r for r in store.scan()} == model
        assert store.count() == len(model)
        for (source, item), one in model.items():
            head = store.head(source, item)
            assert head is not None and head.digest == one.digest and store.get(source, item) == one
    finally:
        store.close()
        shutil.rmtree(archive.root)


def _order(key: tuple[str, str]) -> tuple[str, bool, bytes]:
    """TEXT before BLOB, each by bytes, as SQLite sorts them."""
    source, item = key
    return source, not lines.is_clean(item), item.encode("utf-8", "surrogatepass")


def test_the_same_payload_is_stored_once_and_its_new_validator_is_remembered(archive: Archive) -> None:
    with archive.records() as store:
        assert store.put_many([record("a", validator="1")]) == (1, 0)
        assert store.put_many([record("a", validator="2")]) == (0, 0)
        assert store.put_many([record("a", b"other", validator="2")]) == (0, 1)
        assert [head.validator for head in store.heads("s")] == ["2"]
        assert store.head("s", "nothing") is None and store.get("s", "nothing") is None
        assert store.head("nobody", "a") is None


def test_history_is_kept_when_the_word_changes_or_the_item_goes(archive: Archive) -> None:
    with archive.records() as store:
        for payload in (b"1", b"2", b"3"):
            store.put_many([record("a", payload)])
            store.seal()
        store.gone("s", ["a", "never there"], "2027-01-01T00:00:00Z")
        store.seal()
        assert current(store) == {} and store.count() == 0 and store.head("s", "a") is None
        assert store.put_many([record("a", b"3")]) == (1, 0)  # it is back, as it was
        assert current(store)["s", "a"].payload == b"3"
        store.seal()
    lines = list(everything(archive))
    assert [line.get("payload") for line in lines] == ["1", "2", "3", None, "3"]
    assert lines[3] == {"source": "s", "item": "a", "time": "2027-01-01T00:00:00Z", "gone": True}


def test_a_line_is_as_documented(archive: Archive) -> None:
    with archive.records() as store:
        odd = "\udcff/é\0"
        store.put_many(
            [
                record("text", b'{"a":1}', media_type="application/json", validator='"e"'),
                record("bytes", b"\xff\0", media_type="audio/x"),
                record(odd, b"x"),
            ]
        )
        store.seal()
    text, binary, strange = everything(archive)
    assert text == {
        "source": "s",
        "item": "text",
        "url": "https://example.org/text",
        "time": NOW,
        "media_type": "application/json",
        "validator": '"e"',
        "digest": record("", b'{"a":1}').digest,
        "payload": '{"a":1}',
    }
    assert binary["payload64"] == "/wA=" and "payload" not in binary
    assert "item" not in strange and strange["item64"] == "7bO/L8OpAA=="


def test_a_large_payload_is_an_object(archive: Archive) -> None:
    big = bytes(records.INLINE_BYTES + 1)
    with archive.records() as store, archive.objects() as objects:
        store.put_many([record("big", big, media_type="text/plain")])
        store.seal()
        assert current(store)["s", "big"].payload == big
        digest = record("big", big).digest
        assert objects.has(digest) and objects.media_type(digest) == "text/plain"
    (line,) = everything(archive)
    assert line["object"] == line["digest"] == digest and "payload" not in line


def test_a_shard_is_a_snapshot_that_sealing_does_not_disturb(archive: Archive, small: None) -> None:
    with archive.records() as store:
        store.put_many([record(f"{i}", b"old") for i in range(5)])
        shards = pickle.loads(pickle.dumps(store.shards(2)))
        store.seal()
        store.put_many([record("0", b"new"), record("9", b"new")])
        store.seal()
        found = {one.item: one.payload for shard in shards for one in shard}
    assert found == {f"{i}": b"old" for i in range(5)}


def test_shards_share_the_work_evenly(archive: Archive, small: None) -> None:
    with archive.records() as store:
        store.put_many([record(f"{i:04}", b"payload" * 5) for i in range(400)])
        store.seal()
        counts = [len(list(shard)) for shard in store.shards(4)]
    assert sum(counts) == 400 and len(counts) == 4 and max(counts) < 1.2 * min(counts)


def test_an_empty_store_has_no_shards(archive: Archive) -> None:
    with archive.records() as store:
        assert store.shards(4) == [] and list(store.scan()) == [] and store.seal() == []


def test_other_tools_read_a_segment(archive: Archive, small: None) -> None:
    duckdb = pytest.importorskip("duckdb")
    pyzstd = pytest.importorskip("pyzstd")
    with archive.records() as store:
        store.put_many([record(f"{i}", f'{{"n":{i}}}'.encode()) for i in range(100)])
        store.seal()
    pattern = str(archive.held / "records" / "*" / "*.jsonl.zst")
    query = "SELECT count(*), sum((payload::JSON->>'n')::INT) FROM read_json(?, format='newline_delimited')"
    with duckdb.connect() as connection:
        assert connection.execute(query, [pattern]).fetchone() == (100, 4950)
    path = segment_path(archive.held / "records", "s", 2)
    with pyzstd.SeekableZstdFile(path) as file:
        whole = file.read()
        file.seek(len(whole) // 2)
        assert file.read(10) == whole[len(whole) // 2 :][:10]


def test_odd_source_names_stay_inside_the_folder(archive: Archive) -> None:
    with archive.records() as store:
        for source in ("..", "a/b", ".", "table:x y", "ü", ""):
            store.put_many([record("i", source=source)])
        paths = store.seal()
        assert len(current(store)) == 6
    for path in paths:
        assert path.resolve().parent.parent == (archive.held / "records").resolve()


def test_a_damaged_segment_is_said_to_be_damaged(archive: Archive) -> None:
    with archive.records() as store:
        store.put_many([record(f"{i}", b"some payload %d" % i) for i in range(100)])
        (path,) = store.seal()
        whole = path.read_bytes()
        for damage in (whole[:-3], whole[: len(whole) // 2], b"", whole[:40] + b"\xff" + whole[41:]):
            path.write_bytes(damage)
            with pytest.raises(Damaged, match=r"000001\.jsonl\.zst"):
                current(store)
        path.unlink()
        with pytest.raises(Damaged, match="is gone"):
            current(store)


def test_a_stray_segment_of_an_older_backup_is_taken_in(archive: Archive, small: None) -> None:
    """open.sqlite from a backup, segments from today: nothing of either is lost."""
    index = archive.held / "records" / "open.sqlite"
    with archive.records() as store:
        store.put_many([record("a", b"1"), record("b", b"1")])
        store.seal()
        store.put_many([record("kept open", b"1")])
    backup = index.read_bytes()
    with archive.records() as store:
        store.put_many([record("a", b"2"), record("c", b"2")])
        store.seal()
    for path in archive.held.glob("records/open.sqlite*"):
        path.unlink()
    index.write_bytes(backup)
    with archive.records() as store:
        found = {item: one.payload for (_, item), one in current(store).items()}
        assert found == {"a": b"2", "b": b"1", "c": b"2", "kept open": b"1"}
        assert store.put_many([replace(record("a", b"2"), time="2030-01-01T00:00:00Z")]) == (0, 0)


def test_leftovers_of_a_crash_are_swept_by_the_next_harvest(archive: Archive) -> None:
    with archive.records() as store:
        store.put_many([record("a")])
        (path,) = store.seal()
    leftover = path.parent / ".incoming-0123"
    leftover.write_bytes(b"half")
    with archive.lock("build", what="build"):
        assert leftover.exists()
    with archive.lock("harvest", what="harvest"):
        assert not leftover.exists() and path.exists()

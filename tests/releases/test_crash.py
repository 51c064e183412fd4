"""Committing is cut off at every moment: what was signed stays, every head verifies, and the same again finishes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from phonolith.errors import Damaged
from phonolith.releases.commit import commit, rotate
from phonolith.releases.prove import link, prove
from phonolith.releases.watch import watch
from phonolith.store.archive import Archive
from phonolith.store.files import TEMPORARY
from phonolith.store.log import excerpt, head_file
from phonolith.store.merkle import consistency_path
from phonolith.verifier import LINK, State, Tree, canonical, check_log, check_state, digest, dump, read_link
from tests.store.power import Said, power_cuts, run_killed
from tests.verifier.signing import Signer

NOW = "2026-01-02T03:04:05Z"
FILES = {f"{number}.flac": bytes([number]) * (70_000 * (number % 3 + 1)) for number in range(6)}


def clock() -> str:
    return NOW


def committing(archive: Archive, inbox: Path, promise: Said) -> None:
    """Two commits, a change of keys, and a commit with the new one."""
    with archive.objects() as objects:
        held = [objects.add_bytes(FILES[name]).sha256 for name in sorted(FILES)]
    for step in (
        lambda: commit(archive, held[:2], clock),
        lambda: commit(archive, held[:5], clock),
        lambda: rotate(archive, "a test", clock),
        lambda: commit(archive, held, clock),
    ):
        promise(digest(step()))


def check_log_left(archive: Archive, inbox: Path, promised: set[str]) -> None:
    log = archive.log()
    heads = log.heads()
    assert promised <= {digest(head) for head in heads}, "a promised head is lost"
    if heads:
        assert check_state(State(heads, log.leaves_file)) == []
        for number, name in enumerate(sorted(FILES)):
            if number < heads[-1].size:
                prove(archive, inbox / name)
    before = [head for head in heads if digest(head) in promised]
    with archive.objects() as objects:
        held = [objects.add_bytes(FILES[name]).sha256 for name in sorted(FILES)]
    after = commit(archive, held, clock)
    now = archive.log().heads()
    assert after == now[-1] and after.size == len(FILES) and now[: len(heads)] == heads
    assert check_state(State(now, log.leaves_file)) == []
    for head in before:
        assert check_log(State(now[: now.index(head) + 1]), read_link(link(archive, head))).verdict == "consistent"
    with archive.register() as register:
        kinds = [event.kind for event in register.events()]
        assert kinds.count("key.rotated") <= 1 and kinds.count("key.made") >= 1 and register.verify() == []
        told = {event.body.get("next", event.body.get("key")) for event in register.events()}
        assert {head.key for head in now} <= told, "a key signed that the register does not know"
    assert not list(archive.keys.glob(f"{TEMPORARY}*"))


class Origin:
    """Another archive's log, as it is given over HTTP, after so many commits."""

    def __init__(self, commits: int) -> None:
        self.log = Signer()
        for number in range(commits):
            self.log.commit(*(f"{number}.{one}" for one in range(number + 1)), next_seed=2 if number == 1 else None)

    def get(self, url: str, _most: int) -> bytes:
        heads = self.log.heads
        if url.endswith("/log/heads"):
            return head_file(heads)
        tree, hashes = Tree(), []
        for leaf in self.log.leaves:
            hashes += tree.add(leaf)
        size = int(url.partition("since=")[2] or heads[-1].size)
        *rotations, new = map(dump, excerpt(heads))
        path = [one.hex() for one in consistency_path(size, heads[-1].size, hashes.__getitem__)]
        old = dump(next(one for one in reversed(heads) if one.size == size))
        link = {"old": old, "new": new, "path": path, "rotations": rotations, "countersignatures": []}
        return canonical({"type": LINK, **link})


def watching(archive: Archive, inbox: Path, promise: Said) -> None:
    """Look at another archive's log as it grows, and countersign it."""
    for commits in range(1, 5):
        found = watch(archive, "https://o.example", Origin(commits).get, countersigns=True, clock=clock)
        assert found.head is not None
        promise(digest(found.head))


def check_seen(archive: Archive, inbox: Path, promised: set[str]) -> None:
    log, whole = archive.log(), Origin(5).log.heads
    seen = log.seen(whole[0].log)
    assert promised <= {digest(head) for head in seen}, "a head that was seen is lost"
    assert seen == whole[: len(seen)] and bool(promised) <= (log.origin("https://o.example") == whole[0].log)
    signed = [heads[-1] for heads, _ in log.witnessed()]
    assert promised <= {digest(head) for head in signed} and signed == whole[: len(signed)]
    after = watch(archive, "https://o.example", Origin(5).get, countersigns=True, clock=clock)
    assert after.head == whole[-1] and log.seen(whole[0].log) == whole and not (log.folder / "evidence").exists()
    with archive.lock("log", what="a look"):
        assert not list(log.folder.rglob(f"{TEMPORARY}*"))


def test_a_power_cut_at_any_moment_loses_nothing_that_was_seen(
    place: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert power_cuts(place, memory, watching, check_seen, monkeypatch, set()) > 40


@pytest.fixture
def place(memory: Path) -> Iterator[Path]:
    root = memory / "disk"
    Archive.create(root / "a", name="T", contact="x", now=NOW)
    (root / "inbox").mkdir()
    for name, data in FILES.items():
        (root / "inbox" / name).write_bytes(data)
    yield root


def test_a_power_cut_at_any_moment_loses_no_head(place: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert power_cuts(place, memory, committing, check_log_left, monkeypatch, set()) > 60


@pytest.mark.parametrize(
    ("sync", "missed"),
    [
        ("phonolith.store.log.fsync_file", "it is older than what was signed|a promised head is lost"),
        ("phonolith.store.log.fsync_dir", "it is older than what was signed|a promised head is lost"),
        ("phonolith.store.files.fsync_file", "it cannot be used"),
    ],
)
def test_without_its_fsyncs_the_same_test_fails(
    place: Path, memory: Path, sync: str, missed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: those of the log's files, of their names, and of keys."""
    monkeypatch.setattr(sync, lambda _: None)
    with pytest.raises((AssertionError, Damaged), match=missed):
        power_cuts(place, memory, committing, check_log_left, pytest.MonkeyPatch(), set())


@pytest.mark.parametrize("sync", ["phonolith.store.files.fsync_file", "phonolith.store.files.fsync_dir"])
def test_without_its_fsyncs_what_was_seen_is_lost(
    place: Path, memory: Path, sync: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, lambda _: None)
    with pytest.raises((AssertionError, Damaged)):
        power_cuts(place, memory, watching, check_seen, pytest.MonkeyPatch(), set())


def test_a_kill_at_any_moment_loses_no_head(place: Path, memory: Path) -> None:
    whole = memory / "whole"
    shutil.copytree(place, whole)
    moments = run_killed(whole, committing, None)[1]
    assert moments > 60
    for moment in range(0, moments, max(moments // 40, 1)):
        here = memory / f"kill-{moment}"
        shutil.copytree(place, here)
        promised, _ = run_killed(here, committing, moment)
        check_log_left(Archive.open(here / "a"), here / "inbox", promised)
        shutil.rmtree(here)


@pytest.mark.parametrize("name", ["leaves", "heads.jsonl"])
def test_a_write_that_was_cut_off_at_any_byte_is_as_if_it_had_not_begun(memory: Path, name: str) -> None:
    """What a killed process wrote of the next commit, up to each of its bytes."""
    archive = Archive.create(memory / "a", name="T", contact="x", now=NOW)
    with archive.objects() as objects:
        held = [objects.add_bytes(data).sha256 for data in FILES.values()]
    commit(archive, held[:3], clock)
    file = archive.held / "log" / name
    before = file.read_bytes()
    shutil.copytree(archive.root, memory / "later")
    commit(Archive.open(memory / "later"), held, clock)
    whole = (memory / "later" / "held" / "log" / name).read_bytes()
    for cut in range(len(before) + 1, len(whole), 7):
        file.write_bytes(whole[:cut])
        log = archive.log()
        assert [head.size for head in log.heads()] == [3]
        assert check_state(State(log.heads(), log.leaves_file)) == []
    commit(archive, held, clock)
    assert file.read_bytes() == whole, "signing the same again gives the same bytes"

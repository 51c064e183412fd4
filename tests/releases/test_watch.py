"""A log that is watched over HTTP: what grows is kept, what was forked, shortened or re-keyed is caught with proof."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import phonolith.verifier
from phonolith.config import Settings
from phonolith.errors import BadInput, NotFound, StorageError
from phonolith.releases import watch as room
from phonolith.releases.commit import commit, rotate
from phonolith.releases.watch import Watched, compare, watch
from phonolith.sources.client import codes
from phonolith.store.archive import Archive
from phonolith.verifier import State, canonical, check_log, check_state, digest, dump
from phonolith.web.app import create_app
from tests.releases.conftest import Held, make
from tests.verifier.signing import Signer

Clock = Callable[[], str]
ORIGIN = "https://origin.example"


class Net:
    """Archives by address, each served by the real application; what lies is put in between with ``answers``."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._hosts: dict[str, TestClient] = {}
        self.answers: dict[str, bytes | Exception] = {}
        self.asked: list[str] = []

    def serve(self, url: str, archive: Archive) -> None:
        self._hosts[url] = self._stack.enter_context(TestClient(create_app(archive, Settings()), base_url=url))

    def get(self, url: str, most: int) -> bytes:
        self.asked.append(url)
        host, _, path = url.removeprefix("https://").partition("/")
        told = self.answers.get(url) or self.answers.get(url.partition("?")[0])
        if isinstance(told, Exception):
            raise told
        if told is None:
            answer = self._hosts[f"https://{host}"].get(f"/{path}")
            if answer.status_code != 200:
                raise NotFound(url, f"is not there ({answer.status_code})")
            told = answer.content
        if len(told) > most:
            raise codes.verdict("http.large", url)
        return told


@pytest.fixture
def net() -> Iterator[Net]:
    with ExitStack() as stack:
        yield Net(stack)


@pytest.fixture
def mirrors(tmp_path: Path) -> list[Archive]:
    """Archives A and B."""
    root = tmp_path / "mirrors"
    return [Archive.create(root / name, name=name, contact="m", now="2026-01-01T00:00:00Z") for name in "AB"]


def twin(held: Held, root: Path) -> Archive:
    """A copy of an archive with its keys, from which it can go on another way."""
    shutil.copytree(held.archive.root, root)
    return Archive.open(root)


def evidence(archive: Archive) -> list[Path]:
    return sorted((archive.log().folder / "evidence").glob("*"))


def verdict(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the verifier alone, without this program, says of kept evidence."""
    words = ["check-log", str(folder / "seen.jsonl"), str(folder / "shown.jsonl")]
    return subprocess.run(
        [sys.executable, "-I", phonolith.verifier.__file__, *words], capture_output=True, text=True, check=False
    )


def caught(*words: Any, **more: Any) -> BadInput:
    with pytest.raises(BadInput) as error:
        watch(*words, **more)
    return error.value


def test_what_grows_is_kept_and_asked_for_in_few_requests(
    held: Held, mirrors: list[Archive], net: Net, clock: Clock
) -> None:
    net.serve(ORIGIN, held.archive)
    mirror = mirrors[0]
    assert watch(mirror, ORIGIN, net.get, clock=clock) == Watched(None, False)
    first = commit(held.archive, held.digests[:2], clock)
    assert watch(mirror, f"{ORIGIN}/", net.get, clock=clock) == Watched(first, True)
    net.asked.clear()
    assert watch(mirror, ORIGIN, net.get, clock=clock) == Watched(first, False)
    assert net.asked == [f"{ORIGIN}/log/state?since={first.size}"]
    commit(held.archive, held.digests[:5], clock)
    rotate(held.archive, "a test", clock)
    newest = commit(held.archive, held.digests, clock)
    assert watch(mirror, ORIGIN, net.get, clock=clock) == Watched(newest, True)
    assert mirror.log().seen(newest.log) == held.archive.log().heads()
    assert mirror.log().origin(ORIGIN) == newest.log and not evidence(mirror)


def test_a_key_that_gave_way_alone_is_new(held: Held, mirrors: list[Archive], net: Net, clock: Clock) -> None:
    """The size stays, so the proof is empty; the head is another one all the same."""
    net.serve(ORIGIN, held.archive)
    commit(held.archive, held.digests[:3], clock)
    watch(mirrors[0], ORIGIN, net.get)
    changed = rotate(held.archive, "a test", clock)
    assert watch(mirrors[0], ORIGIN, net.get) == Watched(changed, True)
    assert watch(mirrors[0], ORIGIN, net.get) == Watched(changed, False)


def forked(held: Held, tmp_path: Path, net: Net, clock: Clock, *, even: bool = False) -> tuple[Archive, Archive]:
    """One log under one key that went on two ways, served at two addresses; ``even``: to the same size."""
    commit(held.archive, held.digests[:3], clock)
    other = twin(held, tmp_path / "twin")
    commit(held.archive, held.digests[:5], clock)
    commit(held.archive, held.digests[:7], clock)
    commit(other, held.digests[5 if even else 6 :], clock)
    net.serve(ORIGIN, held.archive)
    net.serve("https://other.example", other)
    return held.archive, other


def test_an_origin_that_shows_two_mirrors_two_logs_is_refuted_once_they_meet(
    held: Held, mirrors: list[Archive], tmp_path: Path, net: Net, clock: Clock
) -> None:
    forked(held, tmp_path, net, clock)
    one, two = mirrors
    watch(one, ORIGIN, net.get)
    net.serve(ORIGIN, Archive.open(tmp_path / "twin"))
    watch(two, ORIGIN, net.get)
    net.serve("https://b.example", two)
    newest = [State([one.log().seen(one.log().watched()[0])[-1]]) for one in mirrors]
    assert check_log(*newest).verdict == "undecided", "the newest heads alone would not do"
    with pytest.raises(BadInput, match="contradict each other") as error:
        compare(one, "https://b.example", net.get)
    assert error.value.code == "log.refuted"
    (kept,) = evidence(one)
    assert str(kept) in error.value.remedy
    said = verdict(kept)
    assert said.returncode == 1 and said.stdout.startswith("refuted.") and said.stdout.count("phonolith.head.1") == 2
    assert verdict_of_nothing(kept, tmp_path).startswith("consistent.")


def verdict_of_nothing(kept: Path, folder: Path) -> str:
    """Control: the same heads against themselves refute nothing."""
    (folder / "same").mkdir()
    for name in ("seen", "shown"):
        shutil.copy(kept / "seen.jsonl", folder / "same" / f"{name}.jsonl")
    return verdict(folder / "same").stdout


def test_mirrors_that_saw_one_log_are_of_one_mind(held: Held, mirrors: list[Archive], net: Net, clock: Clock) -> None:
    net.serve(ORIGIN, held.archive)
    net.serve("https://b.example", mirrors[1])
    commit(held.archive, held.digests[:3], clock)
    watch(mirrors[1], ORIGIN, net.get)
    assert compare(mirrors[0], "https://b.example", net.get) == []
    head = commit(held.archive, held.digests, clock)
    watch(mirrors[0], ORIGIN, net.get)
    (found,) = compare(mirrors[0], "https://b.example", net.get)
    assert (found.log, found.here, found.there) == (head.log, 2, 1) and not evidence(mirrors[0])


def test_a_log_that_forks_under_a_mirrors_eyes_is_refuted(
    held: Held, mirrors: list[Archive], tmp_path: Path, net: Net, clock: Clock
) -> None:
    _, other = forked(held, tmp_path, net, clock)
    mirror = mirrors[0]
    seen = watch(mirror, ORIGIN, net.get).head
    net.serve(ORIGIN, other)
    error = caught(mirror, ORIGIN, net.get)
    assert error.code == "log.refuted"
    assert verdict(evidence(mirror)[0]).stdout.startswith("refuted.")
    assert mirror.log().seen(str(seen and seen.log))[-1] == seen, "nothing of the fork is taken over"
    caught(mirror, ORIGIN, net.get)
    assert len(evidence(mirror)) == 1, "the same evidence is kept once"


class Liar:
    """An origin that says what a test makes of a signer's log."""

    def __init__(self, net: Net, signer: Signer) -> None:
        self.net = net
        self.signer = signer

    def show(self, since: int = 0, path: list[str] | None = None, **more: Any) -> None:
        heads = self.signer.heads
        old = next((one for one in reversed(heads) if one.size == since), heads[-1])
        *rotations, new = [*(one for one in heads[:-1] if one.next != one.key), heads[-1]]
        said = {
            "type": "phonolith.link.1",
            "old": dump(old),
            "new": dump(new),
            "path": path or [],
            "rotations": [dump(one) for one in rotations],
            "countersignatures": [],
        }
        self.net.answers[f"{ORIGIN}/log/state"] = canonical({**said, **more})
        self.net.answers[f"{ORIGIN}/log/heads"] = b"".join(canonical(dump(one)) + b"\n" for one in heads)


@pytest.fixture
def liar(net: Net) -> Liar:
    signer = Signer()
    signer.commit("a", "b")
    signer.commit("c")
    return Liar(net, signer)


def rewritten(liar: Liar, mirror: Archive) -> None:
    """The mirror saw the log; now its leaves are others, and heads go on from the old ones as if nothing was."""
    liar.show()
    watch(mirror, ORIGIN, liar.net.get)
    liar.signer.leaves[0] = liar.signer.leaves[1]
    liar.signer.commit("d")
    liar.show(since=3, path=["0" * 64] * 2)


def test_heads_that_go_on_over_a_rewritten_list_are_not_followed(
    liar: Liar, mirrors: list[Archive], tmp_path: Path
) -> None:
    rewritten(liar, mirrors[0])
    assert caught(mirrors[0], ORIGIN, liar.net.get).code == "log.undecided"
    (kept,) = evidence(mirrors[0])
    assert json.loads((kept / "shown.jsonl").read_text())["size"] == 4
    seen = mirrors[0].log().seen(liar.signer.heads[0].log)
    liar.signer.write(tmp_path / "leaves")
    found = phonolith.verifier.check_log(State(seen), phonolith.verifier.read_state(tmp_path / "leaves"))
    assert found.verdict == "refuted", "with the leaves the kept heads prove it"


def test_control_without_the_proof_of_consistency_it_would_be_followed(
    liar: Liar, mirrors: list[Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phonolith.verifier, "extends", lambda *_: True)
    rewritten(liar, mirrors[0])
    assert watch(mirrors[0], ORIGIN, liar.net.get).new


def test_control_without_the_comparison_a_fork_would_be_followed(
    held: Held, mirrors: list[Archive], tmp_path: Path, net: Net, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    consistent = phonolith.verifier.Comparison("consistent", [], [])
    monkeypatch.setattr(room, "_alike", lambda seen, every: (consistent, seen, every))
    monkeypatch.setattr(room, "check_log", lambda *_: consistent)
    monkeypatch.setattr(room, "_unsound", lambda *_: [])
    _, other = forked(held, tmp_path, net, clock, even=True)
    net.serve(ORIGIN, other)
    watch(mirrors[0], ORIGIN, net.get)
    net.serve(ORIGIN, held.archive)
    assert watch(mirrors[0], ORIGIN, net.get).new
    assert not evidence(mirrors[0])


def test_an_old_head_that_is_linked_to_is_evidence_too(liar: Liar, mirrors: list[Archive]) -> None:
    """The list of heads is as it was seen, and the link begins at another head of that size, signed as well."""
    liar.show()
    watch(mirrors[0], ORIGIN, liar.net.get)
    other = Signer()
    other.commit("a", "b")
    wrong = other.commit("x")
    liar.signer.commit("d")
    liar.show(since=3, old=dump(wrong))
    assert caught(mirrors[0], ORIGIN, liar.net.get).code == "log.refuted"
    assert verdict(evidence(mirrors[0])[0]).stdout.startswith("refuted.")


@pytest.mark.parametrize("way", ["list", "state", "both", "rotation"])
def test_a_log_that_got_shorter_is_told(liar: Liar, mirrors: list[Archive], way: str) -> None:
    if way == "rotation":
        liar.signer.commit(next_seed=2)
    liar.show()
    seen = watch(mirrors[0], ORIGIN, liar.net.get).head
    whole = liar.net.answers[f"{ORIGIN}/log/heads"]
    liar.signer.heads.pop()
    liar.show()
    if way == "state":
        liar.net.answers[f"{ORIGIN}/log/heads"] = whole
    elif way == "list":
        liar.net.answers[f"{ORIGIN}/log/state"] = NotFound("state", "is not there")
    error = caught(mirrors[0], ORIGIN, liar.net.get)
    assert error.code == "log.shrank"
    kept = evidence(mirrors[0])[0]
    assert (kept / "seen.jsonl").exists() and (kept / "shown.jsonl").exists()
    assert seen and mirrors[0].log().seen(seen.log)[-1] == seen


def test_another_log_at_the_address_is_told_and_taken_only_by_name(
    liar: Liar, mirrors: list[Archive], clock: Clock
) -> None:
    liar.show()
    watch(mirrors[0], ORIGIN, liar.net.get)
    liar.signer = Signer(seed=9)
    head = liar.signer.commit("a")
    liar.show()
    assert caught(mirrors[0], ORIGIN, liar.net.get).code == "log.other"
    assert len(list(evidence(mirrors[0])[0].iterdir())) == 2
    assert caught(mirrors[0], ORIGIN, liar.net.get, key="0" * 64).code == "log.key"
    for key in (head.key, head.log):
        assert watch(mirrors[0], ORIGIN, liar.net.get, key=key).head == head
    assert watch(mirrors[0], ORIGIN, liar.net.get) == Watched(head, False)
    told = [json.loads(line) for line in (mirrors[0].log().folder / "origins.jsonl").read_text().splitlines()]
    assert [one["url"] for one in told] == [ORIGIN, ORIGIN] and told[1]["log"] == head.log


@pytest.mark.parametrize("wrong", ["signature", "key", "chain"])
@pytest.mark.parametrize("first", [True, False])
def test_heads_that_their_key_did_not_sign_are_refused(
    liar: Liar, mirrors: list[Archive], wrong: str, first: bool
) -> None:
    if not first:
        liar.show()
        watch(mirrors[0], ORIGIN, liar.net.get)
    thief = Signer(seed=5, leaves=liar.signer.leaves, heads=liar.signer.heads)
    if wrong == "key":
        thief.commit("d")
    else:
        head = liar.signer.commit("d")
        liar.signer.heads[-1] = head._replace(
            **{"signature": {"signature": "1" * 128}, "chain": {"previous": "1" * 64}}[wrong]
        )
    liar.show(since=3)
    error = caught(mirrors[0], ORIGIN, liar.net.get)
    assert error.code in {"log.signature", "log.key", "log.order", "log.chain"}
    assert len(mirrors[0].log().watched()) == (not first)


def test_a_broken_signature_in_the_middle_is_refused_though_the_chain_holds(liar: Liar, mirrors: list[Archive]) -> None:
    """Digests do not cover signatures; without one a head could not be shown to others."""
    liar.signer.heads[0] = liar.signer.heads[0]._replace(signature="2" * 128)
    liar.show()
    assert caught(mirrors[0], ORIGIN, liar.net.get).code == "log.signature"


GARBAGE = [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"type":"phonolith.link.1"}', b"null", b"\n"]


@pytest.mark.parametrize("text", GARBAGE)
@pytest.mark.parametrize("where", ["state", "heads"])
def test_garbage_is_refused_and_nothing_is_kept(liar: Liar, mirrors: list[Archive], text: bytes, where: str) -> None:
    liar.show()
    liar.net.answers[f"{ORIGIN}/log/{where}"] = text or b"\n"
    assert caught(mirrors[0], ORIGIN, liar.net.get).code == "log.unreadable"
    assert mirrors[0].log().watched() == [] and not evidence(mirrors[0])


@pytest.mark.parametrize(("where", "most"), [("state", 1 << 20), ("heads", 32 << 20)])
def test_answers_without_end_are_broken_off(liar: Liar, mirrors: list[Archive], where: str, most: int) -> None:
    liar.show()
    asked: dict[str, int] = {}

    def get(url: str, most: int) -> bytes:
        asked[url.partition("/log/")[2]] = most
        if f"/log/{where}" in url:
            raise codes.verdict("http.large", url)
        return liar.net.get(url, most)

    assert caught(mirrors[0], ORIGIN, get).code == "http.large"
    assert asked[where] == most and mirrors[0].log().watched() == []


def test_a_log_that_is_gone_is_told_and_one_that_cannot_be_reached_is_no_accusation(
    liar: Liar, mirrors: list[Archive]
) -> None:
    liar.show()
    watch(mirrors[0], ORIGIN, liar.net.get)
    for name in ("state", "heads"):
        liar.net.answers[f"{ORIGIN}/log/{name}"] = StorageError("x", "cannot be fetched")
    with pytest.raises(StorageError):
        watch(mirrors[0], ORIGIN, liar.net.get)
    for name in ("state", "heads"):
        liar.net.answers[f"{ORIGIN}/log/{name}"] = NotFound("x", "is not there (404)")
    assert caught(mirrors[0], ORIGIN, liar.net.get).code == "log.withheld"
    assert not evidence(mirrors[0])


def test_one_log_at_two_addresses_has_to_be_the_same(
    held: Held, mirrors: list[Archive], tmp_path: Path, net: Net, clock: Clock
) -> None:
    forked(held, tmp_path, net, clock)
    watch(mirrors[0], ORIGIN, net.get)
    assert caught(mirrors[0], "https://other.example", net.get).code == "log.refuted"
    assert mirrors[0].log().origin("https://other.example") is None


def test_countersigning_goes_on_from_head_to_head(held: Held, mirrors: list[Archive], net: Net, clock: Clock) -> None:
    net.serve(ORIGIN, held.archive)
    commit(held.archive, held.digests[:3], clock)
    first = watch(mirrors[0], ORIGIN, net.get, countersigns=True, clock=clock)
    commit(held.archive, held.digests[:4], clock)
    assert watch(mirrors[0], ORIGIN, net.get, clock=clock).countersignature is None
    commit(held.archive, held.digests[:6], clock)
    last = watch(mirrors[0], ORIGIN, net.get, countersigns=True, clock=clock)
    assert watch(mirrors[0], ORIGIN, net.get, countersigns=True, clock=clock).countersignature == last.countersignature
    assert last.head and last.countersignature and last.countersignature.head == digest(last.head)
    made = [one for _, one in mirrors[0].log().witnessed()]
    assert made == [first.countersignature, last.countersignature]
    assert all(check_state(State(heads)) == [] for heads, _ in mirrors[0].log().witnessed())


def test_an_archive_of_ones_own_is_watched_but_not_countersigned(tmp_path: Path, net: Net, clock: Clock) -> None:
    from phonolith.errors import UsageError

    held = make(tmp_path / "own")
    net.serve(ORIGIN, held.archive)
    head = commit(held.archive, held.digests, clock)
    assert watch(held.archive, ORIGIN, net.get) == Watched(head, True)
    with pytest.raises(UsageError, match="own"):
        watch(held.archive, ORIGIN, net.get, countersigns=True)

"""The archive's own list of withdrawals: it is what the gate refuses, it only grows, and nobody rewrites it unseen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.errors import Damaged
from phonolith.library import publications
from phonolith.library.catalogue import Catalogue
from phonolith.library.offered import offered
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.releases import commit as log_
from phonolith.releases.publish import published
from phonolith.releases.withdrawal_list import cut_off
from phonolith.releases.withdrawals import keep
from phonolith.rights.decisions import Decisions
from phonolith.rights.gate import Policy
from phonolith.store.archive import Archive
from phonolith.store.keys import Keys
from phonolith.store.withdrawals import listed
from phonolith.verifier import ListHead, check_list, read_list
from tests import sample

NOW = "2026-11-02T00:00:00Z"
LATER = "2026-11-03T00:00:00Z"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    from tests.releases.test_cut import publish_now

    archive, ids = sample.make_archive(tmp_path_factory.mktemp("withdrawals") / "archive")
    publish_now(archive)
    return archive.root, ids


@pytest.fixture
def archive(made: tuple[Path, dict[str, str]], tmp_path: Path) -> Archive:
    shutil.copytree(made[0], tmp_path / "archive")
    return Archive.open(tmp_path / "archive")


@pytest.fixture
def ids(made: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return made[1]


def decide(archive: Archive, kind: str, **body: Any) -> int:
    with archive.register() as register:
        return register.append(kind, body, actor="operator", time=NOW).seq


def withdraw(archive: Archive, *subjects: str, ground: str = "owner") -> None:
    decide(archive, "item.withdrawn", subjects=list(subjects), because="Rosalind asked", ground=ground)


def reinstate(archive: Archive, *subjects: str) -> None:
    decide(archive, "item.reinstated", subjects=list(subjects), because="agreed")


def kept(archive: Archive, now: str = LATER) -> int:
    return keep(archive, Policy(), now=lambda: now)


def refused(archive: Archive, *, catalogue: bool = True) -> dict[str, str]:
    """What the gate refuses of the payload of every current bundle, by SHA-256, with the HTTP status."""
    with archive.register() as register, archive.objects() as objects:
        decisions = Decisions.load(register.events())
        found = {}
        library = None
        opened = Catalogue.open(archive.catalogue)
        with closing(opened):
            library = Library(opened, Overlay(register, every=0)) if catalogue else None
            for bundle in publications.bundles(published(archive)).values():
                inside = {one.path: one for one in publications.files(objects, bundle) if one.payload}
                answers = offered(library, objects, decisions, bundle)
                found |= {
                    one.sha256: str(answers[path].status) for path, one in inside.items() if not answers[path].allowed
                }
        return found


def folded(archive: Archive) -> dict[str, str]:
    """What stands on the list, by SHA-256, with its ground."""
    lines = archive.withdrawals().read().lines
    return {one.sha256: one.ground for one in listed(lines).values() if one.event != "reinstated"}


def sound(archive: Archive, *seen: ListHead) -> list[str]:
    return [one.code for one in check_list(read_list(*archive.withdrawals().said()), seen)]


def test_nothing_is_listed_and_no_key_is_used_before_something_is_refused(archive: Archive) -> None:
    assert kept(archive) == 0 and archive.withdrawals().said() == (b"", b"")


@pytest.mark.parametrize(("ground", "status"), [("owner", "410"), ("licence", "410"), ("law", "451")])
def test_a_withdrawn_release_stands_on_the_list_with_its_ground_and_no_name(
    archive: Archive, ids: dict[str, str], ground: str, status: str
) -> None:
    withdraw(archive, ids["release:road"], ground=ground)
    assert refused(archive) and folded(archive) == {}, "the control: without the list being kept it says nothing"
    assert kept(archive) == len(refused(archive)) > 8
    assert folded(archive) == dict.fromkeys(refused(archive), ground)
    assert set(refused(archive).values()) == {status}
    lines, heads = archive.withdrawals().said()
    assert sound(archive) == [] and b"Rosalind" not in lines + heads and ids["release:road"].encode() not in lines
    assert {tuple(sorted(json.loads(line))) for line in lines.splitlines()} == {
        ("event", "ground", "number", "previous", "root", "sha256", "time")
    }


def test_the_same_again_adds_nothing_and_what_is_offered_again_is_reinstated(
    archive: Archive, ids: dict[str, str]
) -> None:
    withdraw(archive, ids["track:road/1"])
    assert kept(archive) == 1 and kept(archive) == 0
    (archive.state / "withdrawals.json").unlink()
    assert kept(archive) == 0, "nor when all is gone through again"
    withdraw(archive, ids["track:road/1"], ground="law")
    assert kept(archive) == 1 and set(folded(archive).values()) == {"law"}
    reinstate(archive, ids["track:road/1"])
    assert kept(archive) == 1 and folded(archive) == {} and sound(archive) == []
    events = [json.loads(line)["event"] for line in archive.withdrawals().read().lines]
    assert events == ["withdrawn", "withdrawn", "reinstated"]


def test_a_revoked_attestation_and_a_stricter_licence_count(archive: Archive, ids: dict[str, str]) -> None:
    with archive.register() as register:
        event = next(one.seq for one in register.events() if one.kind == "rights.attested")
    decide(archive, "rights.attestation_revoked", event=event, because="not theirs")
    assert kept(archive) > 1 and folded(archive) == dict.fromkeys(refused(archive), "licence")
    nc = {"licence": "https://creativecommons.org/licenses/by-nc/4.0/", "as": "licensee", "because": "b"}
    decide(archive, "rights.attested", subjects=[ids["release:road"]], **nc)
    kept(archive)
    assert folded(archive).keys() == refused(archive).keys()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_list_is_what_the_gate_refuses_whatever_is_decided_and_when_it_is_kept(
    made: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("property") / "archive"
    shutil.copytree(made[0], root)
    archive, seen = Archive.open(root), []
    named = st.lists(st.sampled_from(sorted(made[1].values())), min_size=1, max_size=3)
    for _ in range(data.draw(st.integers(1, 4))):
        subjects = data.draw(named)
        match data.draw(st.sampled_from(["withdraw", "law", "reinstate", "attest"])):
            case "reinstate":
                reinstate(archive, *subjects)
            case "attest":
                licence = data.draw(st.sampled_from(["CC0-1.0", "CC-BY-NC-ND-4.0", "InC-1.0"]))
                decide(
                    archive, "rights.attested", subjects=subjects, licence=licence, because="b", **{"as": "licensee"}
                )
            case ground:
                withdraw(archive, *subjects, ground="law" if ground == "law" else "owner")
        if data.draw(st.booleans()):
            kept(archive)
            seen += archive.withdrawals().read().heads[-1:]
    kept(archive)
    assert folded(archive).keys() == refused(archive).keys()
    assert not folded(archive) or sound(archive, *seen) == []


def test_without_a_catalogue_the_register_decides(archive: Archive, ids: dict[str, str]) -> None:
    withdraw(archive, ids["artist:quiet"])
    expected = refused(archive, catalogue=False)
    shutil.rmtree(archive.derived)
    assert kept(Archive.open(archive.root)) == len(expected) and folded(archive).keys() == expected.keys()


def test_a_bundle_that_cannot_be_read_takes_nothing_off_the_list(archive: Archive, ids: dict[str, str]) -> None:
    withdraw(archive, ids["release:road"])
    kept(archive)
    before = folded(archive)
    reinstate(archive, ids["release:road"])
    for bundle in publications.bundles(published(archive)).values():
        with archive.objects() as objects:
            path = objects.path(bundle.tags["manifest-sha256.txt"])
        path.chmod(0o600)
        path.unlink()
    assert kept(archive) == 0 and folded(archive) == before


def test_killed_between_event_and_line_the_next_run_adds_it(
    archive: Archive, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at every single sync of every write: what was said stays said, and the next run finishes."""
    real, stop, killed = os.fsync, [0], 0

    class Killed(BaseException):
        pass

    def fsync(descriptor: int) -> None:
        stop[0] -= 1
        if stop[0] == 0:
            raise Killed
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    withdraw(archive, ids["track:road/1"])
    kept(archive)
    seen = archive.withdrawals().read().heads
    subjects = [ids[name] for name in sorted(ids) if name.startswith("track:")]
    for at in range(1, 12):
        withdraw(archive, subjects[at])
        stop[0] = at
        try:
            kept(archive)
        except Killed:
            killed += 1
        stop[0] = 0
        assert sound(archive, *seen) == []
        kept(archive)
        assert sound(archive, *seen) == [] and folded(archive).keys() == refused(archive).keys()
        seen = [*seen, *archive.withdrawals().read().heads[-1:]]
    assert killed > 3  # some of these tracks are in no bundle, so nothing is written for them


def test_a_head_that_was_signed_is_said_after_a_crash_and_no_other(
    archive: Archive, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    withdraw(archive, ids["track:road/1"])
    with monkeypatch.context() as patch:
        patch.setattr(Keys, "remember", _after(Keys.remember, cut))
        with pytest.raises(KeyboardInterrupt):
            kept(archive)
    signed = cut_off(archive)
    assert signed is not None and archive.withdrawals().read().heads == []
    withdraw(archive, ids["track:road/2"])
    kept(archive, "2026-11-04T00:00:00Z")
    heads = archive.withdrawals().read().heads
    assert heads[0] == signed and len(heads) == 2 and cut_off(archive) is None


def _after(real: Callable[..., None], then: Callable[..., None]) -> Callable[..., None]:
    def run(*words: Any) -> None:
        real(*words)
        then()

    return run


def test_a_list_that_was_set_back_is_not_gone_on_with(archive: Archive, ids: dict[str, str], tmp_path: Path) -> None:
    withdraw(archive, ids["track:road/1"])
    kept(archive)
    shutil.copytree(archive.held / "withdrawals", tmp_path / "older")
    withdraw(archive, ids["track:road/2"])
    kept(archive)
    shutil.rmtree(archive.held / "withdrawals")
    shutil.copytree(tmp_path / "older", archive.held / "withdrawals")
    withdraw(archive, ids["track:road/3"])
    with pytest.raises(Damaged, match="older than what was signed"):
        kept(archive)


def test_a_new_key_signs_after_the_old_one_named_it(archive: Archive, ids: dict[str, str]) -> None:
    withdraw(archive, ids["track:road/1"])
    kept(archive)
    seen = archive.withdrawals().read().heads
    for number in (2, 3):
        log_.rotate(archive, "a laptop was lost", lambda: LATER)
        withdraw(archive, ids[f"track:road/{number}"])
        kept(archive)
    state = archive.withdrawals().read()
    assert len({head.key for head in state.heads}) == 3 and len(state.rotations) == 2
    assert sound(archive, *seen) == []
    lines, heads = archive.withdrawals().said()
    without = b"".join(line + b"\n" for line in heads.splitlines() if b"phonolith.head.1" not in line)
    assert "withdrawals.key" in [one.code for one in check_list(read_list(lines, without))]


def _changed(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return ("1" if value[0] != "1" else "2") + value[1:] if value[0].isalnum() else value


def test_every_value_of_lines_and_heads_is_signed(archive: Archive, ids: dict[str, str]) -> None:
    for name in ("track:road/1", "track:road/2", "track:road/3"):
        withdraw(archive, ids[name])
        kept(archive)
    lines, heads = archive.withdrawals().said()
    assert check_list(read_list(lines, heads)) == []
    for which, whole in enumerate((lines, heads)):
        parts = whole.splitlines()
        for number, part in enumerate(parts):
            told: Mapping[str, Any] = json.loads(part)
            for name in told:
                if name == "type":
                    continue
                forged = {**told, name: _changed(told[name])}
                text = json.dumps(forged, sort_keys=True, separators=(",", ":")).encode()
                files = [lines, heads]
                files[which] = b"".join(one + b"\n" for one in [*parts[:number], text, *parts[number + 1 :]])
                assert _problems(*files), (which, number, name)


def _problems(lines: bytes, heads: bytes) -> list[Any]:
    from phonolith.verifier import Unreadable

    try:
        return check_list(read_list(lines, heads))
    except Unreadable as error:
        return [error]


def test_a_list_that_was_shortened_or_rewritten_is_refuted_by_an_earlier_head(
    archive: Archive, ids: dict[str, str], tmp_path: Path
) -> None:
    """Even by the holder of the key, who signs another list from the beginning."""
    shutil.copytree(archive.root, tmp_path / "twin")
    twin = Archive.open(tmp_path / "twin")
    for one, names in ((archive, ("track:road/1", "track:road/2")), (twin, ("track:road/3", "track:tokyo/1"))):
        for name in names:
            withdraw(one, ids[name])
            kept(one)
    lines, heads = archive.withdrawals().said()
    (first, last), rewritten = archive.withdrawals().read().heads, read_list(*twin.withdrawals().said())
    short = read_list(lines, heads.splitlines(keepends=True)[0])
    assert check_list(short) == [] and check_list(rewritten) == [], "by themselves both are sound"
    assert [one.code for one in check_list(short, [last])] == ["withdrawals.shortened"]
    assert [one.code for one in check_list(rewritten, [first])] == ["withdrawals.refuted"]
    assert [one.code for one in check_list(read_list(b"", heads), [])][:1] == ["withdrawals.shortened"]
    assert check_list(read_list(lines + b'{"number": 3}\n', heads)) == [], "what no head covers was never said"

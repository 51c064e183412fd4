"""A mirror that follows its origin's list: refused at every door, dropped, and taken up again when it is reinstated."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from phonolith.catalogue.build import build
from phonolith.errors import BadInput, Withdrawn
from phonolith.library import access, publications
from phonolith.library.catalogue import Catalogue
from phonolith.library.offered import offered
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.library.tracks import track
from phonolith.model.event import Event
from phonolith.model.progress import Silent
from phonolith.model.rights import Use
from phonolith.releases import expunge as expunge_
from phonolith.releases.expunge import drop, settle, tombstones
from phonolith.releases.follow import Followed, follow
from phonolith.releases.publish import published
from phonolith.rights.decisions import Decisions
from phonolith.store.archive import Archive
from tests import sample
from tests.harvest.test_bundle import copies, mirror, take_in
from tests.releases.test_cut import publish_now
from tests.releases.test_withdrawals import decide, kept, reinstate, withdraw

__all__ = ["copies", "mirror"]
NOW = "2026-11-05T00:00:00Z"


@pytest.fixture
def sampled(tmp_path: Path) -> tuple[Archive, dict[str, str]]:
    return sample.make_archive(tmp_path / "origin")


@pytest.fixture
def origin(sampled: tuple[Archive, dict[str, str]]) -> Archive:
    publish_now(sampled[0])
    return sampled[0]


@pytest.fixture
def ids(sampled: tuple[Archive, dict[str, str]]) -> dict[str, str]:
    return sampled[1]


@pytest.fixture
def full(mirror: Archive, copies: list[Path]) -> Archive:
    """A mirror of everything, built."""
    for path in copies:
        take_in(mirror, path)
    build(mirror, as_of=None, progress=Silent(), workers=1)
    return mirror


def appender(archive: Archive) -> Any:
    def append(kind: str, body: dict[str, Any]) -> Event:
        with archive.register() as register:
            return register.append(kind, body, actor="operator", time=NOW)

    return append


def followed(archive: Archive, origin: Archive, name: str = "Sample") -> Followed:
    return follow(archive, name, *origin.withdrawals().said(), appender(archive))


@contextmanager
def library_of(archive: Archive) -> Iterator[Library]:
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        yield Library(catalogue, Overlay(register, every=0))


def refused(archive: Archive, *, catalogue: bool) -> set[str]:
    """Payload that a mirror refuses because of a withdrawal, by SHA-256."""
    with library_of(archive) as library, archive.objects() as objects:
        decisions, found = library.overlay.decisions(), set()
        for bundle in publications.bundles(published(archive)).values():
            inside = {one.path: one.sha256 for one in publications.files(objects, bundle) if one.payload}
            answers = offered(library if catalogue else None, objects, decisions, bundle)
            found |= {digest for path, digest in inside.items() if answers[path].status in (410, 451)}
        return found


def digest_of(archive: Archive, identifier: str) -> str:
    with library_of(archive) as library:
        return access.playable(library, identifier)[0].sha256


@pytest.mark.parametrize(("ground", "status"), [("owner", 410), ("law", 451), ("licence", 410)])
def test_what_the_origin_withdrew_is_refused_at_every_door_of_the_mirror(
    origin: Archive, full: Archive, ids: dict[str, str], ground: str, status: int
) -> None:
    one = ids["track:road/1"]
    digest = digest_of(full, one)
    withdraw(origin, one, ground=ground)
    kept(origin)
    assert refused(full, catalogue=True) == set(), "the control: nobody told the mirror yet"
    done = followed(full, origin)
    assert done.withdrawn == (digest,) and done.reinstated == () and done.lines == 1
    for catalogue in (True, False):
        assert refused(full, catalogue=catalogue) == {digest}
    with library_of(full) as library, full.objects() as objects:
        assert access.playable(library, one) == ()
        with pytest.raises(Withdrawn) as caught:
            access.grant(library, objects, Use.STREAM, one)
        assert caught.value.status == status
        if ground == "licence":
            assert track(library, one).track.id == one, "what is no longer licensed may be listed"
        else:
            with pytest.raises(Withdrawn) as caught:
                track(library, one)
            assert caught.value.status == status and "Sample withdrew it" in caught.value.problem


def test_again_it_changes_nothing_and_what_is_reinstated_is_offered_again(
    origin: Archive, full: Archive, ids: dict[str, str]
) -> None:
    withdraw(origin, ids["release:road"])
    kept(origin)
    done = followed(full, origin)
    assert len(done.withdrawn) > 8 and refused(full, catalogue=False) == set(done.withdrawn)
    assert followed(full, origin).withdrawn == ()
    withdraw(full, ids["track:road/1"])
    reinstate(origin, ids["release:road"])
    kept(origin)
    back = followed(full, origin)
    assert set(back.reinstated) == set(done.withdrawn)
    assert len(refused(full, catalogue=True)) == 1, "what the mirror withdrew by itself stays so"
    with full.register() as register:
        assert register.verify() == []
    reinstate(full, ids["track:road/1"])
    assert refused(full, catalogue=True) == set()


def test_a_milder_ground_shows_the_page_again(origin: Archive, full: Archive, ids: dict[str, str]) -> None:
    one = ids["track:road/1"]
    for ground in ("law", "licence"):
        withdraw(origin, one, ground=ground)
        kept(origin)
        followed(full, origin)
    with library_of(full) as library:
        assert track(library, one).track.id == one and access.playable(library, one) == ()


def test_a_list_binds_only_what_came_from_its_archive(origin: Archive, full: Archive, ids: dict[str, str]) -> None:
    withdraw(origin, ids["release:road"])
    kept(origin)
    done = followed(full, origin, "Somebody else")
    assert done.withdrawn == () and done.elsewhere > 8 and refused(full, catalogue=True) == set()


def test_what_comes_later_is_caught_up_with(
    origin: Archive, mirror: Archive, copies: list[Path], ids: dict[str, str]
) -> None:
    withdraw(origin, ids["release:road"])
    kept(origin)
    assert followed(mirror, origin).withdrawn == ()
    for path in copies:
        take_in(mirror, path)
    assert len(followed(mirror, origin).withdrawn) > 8


def test_a_shortened_forged_or_foreign_list_is_refused_and_changes_nothing(
    origin: Archive, full: Archive, ids: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(origin.root, tmp_path / "twin")
    for name in ("track:road/1", "track:road/2"):
        withdraw(origin, ids[name])
        kept(origin)
    followed(full, origin)
    lines, heads = origin.withdrawals().said()
    twin = Archive.open(tmp_path / "twin")
    for name in ("track:tokyo/1", "track:road/3"):
        withdraw(twin, ids[name])
        kept(twin)
    other = Archive.create(tmp_path / "other", name="Sample", contact="c@example.org", now=NOW)
    shutil.rmtree(other.held)
    shutil.copytree(origin.held, other.held)
    shutil.rmtree(other.held / "log")
    shutil.rmtree(other.held / "withdrawals")
    kept(other)
    with full.register() as register:
        head = register.head()
    unsigned = re.sub(rb'"signature":"[0-9a-f]*"', b'"signature":"' + b"0" * 128 + b'"', heads)
    wrong = {
        "withdrawals.shortened": (lines, heads.splitlines(keepends=True)[0]),
        "withdrawals.refuted": twin.withdrawals().said(),
        "withdrawals.other": other.withdrawals().said(),
        "withdrawals.unsigned": (b"", b""),
        "withdrawals.signature": (lines, unsigned),
        "withdrawals.line": (lines.replace(b'"owner"', b'"law"'), heads),
    }
    for code, (one, two) in wrong.items():
        with pytest.raises(BadInput) as caught:
            follow(full, "Sample", one, two, appender(full))
        assert caught.value.code == code
    with full.register() as register:
        assert register.head() == head
    assert followed(full, origin).withdrawn == (), "the true list is taken as before"


def test_a_key_that_is_known_from_elsewhere_has_to_be_the_one(
    origin: Archive, full: Archive, ids: dict[str, str]
) -> None:
    withdraw(origin, ids["track:road/1"])
    kept(origin)
    head = origin.withdrawals().read().heads[-1]
    with pytest.raises(BadInput) as caught:
        follow(full, "Sample", *origin.withdrawals().said(), appender(full), key="0" * 64)
    assert caught.value.code == "withdrawals.key"
    for key in (head.key, head.log):
        follow(full, "Sample", *origin.withdrawals().said(), appender(full), key=key)


def test_what_was_dropped_leaves_a_tombstone_and_is_waited_for_when_it_is_reinstated(
    origin: Archive, full: Archive, ids: dict[str, str]
) -> None:
    withdraw(origin, ids["track:road/1"])
    kept(origin)
    (digest,) = followed(full, origin).withdrawn
    with full.objects() as objects:
        path = objects.path(digest)
    (done,) = drop(full, lambda _: ())
    assert done.sha256 == digest and done.paths == (str(path),) and not path.exists()
    assert drop(full, lambda _: ()) == []
    (stone,) = tombstones(full)
    assert (stone.why, stone.origin, stone.ground) == ("dropped", "Sample", "owner")
    with full.objects() as objects:
        assert objects.has(digest) and objects.held(digest) is None and objects.passport(digest) is not None
        with pytest.raises(Withdrawn, match="withdrawn by Sample"):
            objects.path(digest)
    build(full, as_of=None, progress=Silent(), workers=1)
    with library_of(full) as library, pytest.raises(Withdrawn):
        track(library, ids["track:road/1"])
    reinstate(origin, ids["track:road/1"])
    kept(origin)
    followed(full, origin)
    assert [one.why for one in tombstones(full)] == ["awaited"]
    with full.objects() as objects:
        assert not objects.has(digest), "so that it is fetched again"
        with origin.objects() as there:
            objects.adopt(there.path(digest), "copy")
    assert tombstones(full) == [] and digest_of(origin, ids["track:road/1"]) == digest


def test_what_is_held_for_another_reason_stays(origin: Archive, full: Archive, ids: dict[str, str]) -> None:
    withdraw(origin, ids["track:road/1"])
    kept(origin)
    (digest,) = followed(full, origin).withdrawn
    assert drop(full, lambda asked: set(asked)) == [], "this archive gathered it by itself"
    with full.register() as register:
        told = [one.body for one in register.events() if one.kind == "release.mirrored"]
    for body in told:
        decide(full, "release.mirrored", **{**body, "origin": "Another archive"})
    assert drop(full, lambda _: ()) == [], "another archive gives it as well and did not withdraw it"
    assert refused(full, catalogue=True) == {digest}


def test_killed_between_tombstone_and_bytes_the_next_look_finishes(
    origin: Archive, full: Archive, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    withdraw(origin, ids["track:road/1"])
    kept(origin)
    (digest,) = followed(full, origin).withdrawn
    with full.objects() as objects:
        path = objects.path(digest)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(expunge_, "_unlink", cut)
        with pytest.raises(KeyboardInterrupt):
            drop(full, lambda _: ())
    assert path.exists() and [one.why for one in tombstones(full)] == ["dropped"]
    assert [one.sha256 for one in settle(full)] == [digest] and not path.exists() and settle(full) == []


def test_decisions_survive_the_loss_of_everything_derived(origin: Archive, full: Archive, ids: dict[str, str]) -> None:
    withdraw(origin, ids["release:road"])
    kept(origin)
    done = followed(full, origin)
    shutil.rmtree(full.derived)
    shutil.rmtree(full.state)
    archive = Archive.open(full.root)
    with archive.register() as register, archive.objects() as objects:
        decisions = Decisions.load(register.events())
        found = set()
        for bundle in publications.bundles(published(archive)).values():
            inside = {one.path: one.sha256 for one in publications.files(objects, bundle) if one.payload}
            found |= {
                inside[p]
                for p, a in offered(None, objects, decisions, bundle).items()
                if p in inside and a.status == 410
            }
    assert found == set(done.withdrawn)


def test_a_list_that_is_handed_on_may_be_behind_and_not_another(
    origin: Archive, full: Archive, ids: dict[str, str]
) -> None:
    withdraw(origin, ids["track:road/1"])
    kept(origin)
    older = origin.withdrawals().said()
    withdraw(origin, ids["track:road/2"])
    kept(origin)
    newer, append = origin.withdrawals().said(), appender(full)
    assert len(follow(full, "Sample", *newer, append, handed_on=True).withdrawn) == 2
    log = origin.log().heads()[0].log
    for told in (older, (b"", b"")):
        assert follow(full, "Sample", *told, append, key=log, handed_on=True).withdrawn == ()
        with pytest.raises(BadInput):
            follow(full, "Sample", *told, append, key=log)
    assert len(refused(full, catalogue=False)) == 2
    assert full.withdrawals().followed(log).said() == newer
    with pytest.raises(BadInput):
        follow(full, "Sample", newer[0].replace(b"withdrawn", b"reinstated"), newer[1], append, handed_on=True)
    with pytest.raises(BadInput) as caught:
        follow(full, "Sample", *newer, append, key="0" * 64, handed_on=True)
    assert caught.value.code == "withdrawals.key"

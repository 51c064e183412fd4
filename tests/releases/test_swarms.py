"""Looking at the swarms of what was published: real peers at a real tracker, our own seeder apart, and what is down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from phonolith.library.swarms import Standing, Standings, standings
from phonolith.model.moment import later, read
from phonolith.model.swarm import SWARM, look_of
from phonolith.releases.dht import Dht
from phonolith.releases.scrape import ask, short
from phonolith.releases.swarms import Asked, Own, Seen, look, own_of, targets
from phonolith.store.archive import Archive
from tests.peers.swarm import free_port, tracked
from tests.releases.seeding import NOW, Clock, current, make_archive, seeder_of, wait_for
from tests.releases.swarming import OPEN_DHT, http_tracker, peers, until_counted
from tests.releases.test_scrape import asked_for, counts, said

libtorrent = pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")


def at(minutes: int) -> str:
    return later(NOW, timedelta(minutes=minutes))


def looked(archive: Archive, minutes: int, **more: Any) -> Seen:
    return look(archive, targets(archive), now=lambda: at(minutes), **more)


def copies(seen: Seen) -> set[int | None]:
    return {one.copies for one in seen.standings}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    with pytest.MonkeyPatch.context() as told:
        told.setenv("PHONOLITH_PUBLISH_TRACKERS", f"http://127.0.0.1:{free_port('127.0.0.1')}/announce")
        return make_archive(tmp_path_factory.mktemp("swarms") / "archive")


@pytest.fixture
def archive(published: Archive) -> Iterator[Archive]:
    """Its only tracker is down; nobody looked yet."""
    yield published
    published.swarm_status.unlink(missing_ok=True)
    for path in (published.held / "observations.sqlite").parent.glob("observations.sqlite*"):
        path.unlink()


@pytest.mark.peers
def test_copies_are_counted_without_ours_and_who_leaves_is_missed_at_the_next_look(tmp_path: Path) -> None:
    with tracked(tmp_path, "127.0.0.1") as release:
        archive, clock = release.archive, Clock()
        tracker = targets(archive)[0].trackers[0]
        assert copies(looked(archive, 0)) == {0}  # nobody, and not us
        with seeder_of(archive, clock=clock) as seeder:

            def known() -> bool:
                clock.time += 6.0
                seeder.look()
                told = [each for one in seeder.status()["bundles"] for each in one["trackers"].values()]
                return len(told) == len(targets(archive)) and all(told)

            wait_for(known)
            until_counted(tracker, archive, 1)
            seen = looked(archive, 2)
            assert copies(seen) == {0} and all(one.ours for one in seen.standings)
            assert copies(looked(archive, 4, own=Own())) == {1}  # the control: counted with ours it is no 0
            with peers(archive, tmp_path / "peers", 3) as others:
                until_counted(tracker, archive, 4, meanwhile=seeder.look)
                seen = looked(archive, 6)
                assert copies(seen) == {3} and all(one.ours for one in seen.standings)
                others[0].close()
                until_counted(tracker, archive, 3)
                assert copies(looked(archive, 8)) == {2}
            until_counted(tracker, archive, 1)
            seen = looked(archive, 10)
        assert copies(seen) == {0}
        until_counted(tracker, archive, 0)
        last = looked(archive, 12)
        assert copies(last) == {0} and not any(one.ours for one in last.standings)
        assert {(one.least, one.alone_since) for one in last.standings} == {(0, at(10))}
        assert [count for _, count in last.standings[0].series] == [0, 0, 1, 3, 2, 0, 0]
        with archive.observations() as observations:
            kept = list(observations.all(SWARM))
        assert len(kept) == 7 * len(targets(archive))
        assert {(one.tool, one.time) for one in kept} == {("phonolith", at(2 * n)) for n in range(7)}
        whole = look_of(kept[-1].time, kept[-1].value)
        assert whole is not None and {len(one.infohash) for one in whole.said} <= {40, 64}
        assert all(one.by == tracker and one.incomplete == 0 and one.downloaded is not None for one in whole.said)


def test_a_tracker_that_is_down_has_not_said_zero_and_is_asked_ever_more_rarely(archive: Archive) -> None:
    (tracker,) = {name for one in targets(archive) for name in one.trackers}
    seen = looked(archive, 0)
    assert copies(seen) == {None} and {one.alone_since for one in seen.standings} == {""}
    assert seen.asked == (Asked(tracker, "Connection refused", at(10), 1),)
    assert {one.problems for one in seen.standings} == {(f"{tracker}: Connection refused",)}
    (again,) = looked(archive, 9).asked
    assert again.skipped and again.after == at(10)
    (again,) = looked(archive, 10).asked
    assert (again.failures, again.after) == (2, at(30))
    for failures, minutes in ((3, 70), (4, 150), (5, 310), (6, 630), (7, 1270), (8, 2550), (9, 3990)):
        (again,) = looked(archive, read_minutes(again.after)).asked  # just when it may be asked
        assert (again.failures, again.after) == (failures, at(minutes))


def read_minutes(time: str) -> int:
    return int((read(time) - read(NOW)).total_seconds() // 60)


def test_nothing_is_kept_of_a_look_in_which_nobody_could_be_asked(archive: Archive) -> None:
    looked(archive, 0)
    seen = looked(archive, 1)
    assert seen.torrents == 0 and all(one.looks == 1 for one in seen.standings)


def test_the_pause_that_a_tracker_wants_is_kept(archive: Archive) -> None:
    lines: list[bytes] = []

    def answer(line: bytes) -> bytes:
        lines.append(line)
        return said({one: counts(2) for one in asked_for(line)}, flags={b"min_request_interval": 1800})

    with http_tracker(answer) as tracker:
        first = looked(archive, 0, trackers=[tracker])
        assert copies(first) == {2} and len(lines) == 1  # all torrents in one question
        looked(archive, 29, trackers=[tracker])
        assert len(lines) == 1
        looked(archive, 30, trackers=[tracker])
        assert len(lines) == 2


def test_what_a_tracker_counted_that_is_down_now_is_not_taken_for_gone(archive: Archive) -> None:
    few = said_of(1)
    with http_tracker(few) as small:
        with http_tracker(said_of(5)) as large:
            assert copies(looked(archive, 0, trackers=[small, large])) == {5}
        seen = looked(archive, 60, trackers=[small, large])
        assert copies(seen) == {None} and {one.known for one in seen.standings} == {5}
        later_on = looked(archive, 4 * 24 * 60, trackers=[small, large])
        assert copies(later_on) == {1} and {one.least for one in later_on.standings} == {1}


def said_of(complete: int) -> Any:
    return lambda line: said({one: counts(complete) for one in asked_for(line)})


def test_what_a_liar_says_is_kept_as_no_answer(archive: Archive) -> None:
    with http_tracker(said_of(10**12)) as tracker:
        seen = looked(archive, 0, trackers=[tracker])
    assert copies(seen) == {None}
    assert any("more than there can be" in problem for one in seen.standings for problem in one.problems)
    with archive.observations() as observations:
        assert "complete" not in json.dumps([one.value for one in observations.all(SWARM)])


def test_by_the_dht_ours_is_told_by_its_address(archive: Archive, tmp_path: Path) -> None:
    entry = libtorrent.session(
        {"listen_interfaces": "127.0.0.1:0", "enable_dht": True, "enable_lsd": False, "enable_upnp": False,
         "enable_natpmp": False, "dht_bootstrap_nodes": "", **OPEN_DHT}
    )  # fmt: skip
    entrance = f"127.0.0.1:{wait_for(entry.listen_port)}"
    bundle = next(iter(current(archive).values()))
    chosen = [one for one in targets(archive) if one.bundle == bundle.name and len(one.infohashes) == 2]
    more = {"enable_dht": True, "dht_bootstrap_nodes": entrance, **OPEN_DHT}
    asked, v1 = Dht([entrance], bind="127.0.0.1"), short(bytes.fromhex(chosen[0].infohashes[0]))
    with (
        seeder_of(archive, listen=("127.0.0.2:0",), dht=True, dht_nodes=(entrance,)) as seeder,
        peers(archive, tmp_path / "peer", 1, host="127.0.0.3", **more) as (other,),
    ):

        def announced() -> bool:
            seeder.look()
            for one in other.handles:
                one.force_dht_announce()
            return asked.look(v1).complete == 2

        wait_for(announced)
        seen = look(archive, chosen, dht=asked, own=own_of(archive, at(0)), now=lambda: at(0))
        seeder.look()
    (one,) = [each for each in seen.standings if each.bundle == bundle.name]
    assert (one.copies, one.ours, one.by) == (1, True, "dht")


def test_what_is_seeded_in_part_or_by_a_seeder_that_left_is_not_ours(archive: Archive) -> None:
    assert own_of(archive, at(0)) == Own() or archive.seed_status.exists()
    with seeder_of(archive) as seeder:
        kept = json.loads(archive.seed_status.read_bytes())
        assert set(own_of(archive, at(44)).trackers) == {one.sha256 for one in targets(archive)}
        assert own_of(archive, at(46)) == Own()  # it crashed, and trackers have forgotten it by now
        kept["status"]["bundles"] = [{**one, "given": one["files"] - 1} for one in kept["status"]["bundles"]]
        archive.seed_status.write_text(json.dumps(kept))
        assert own_of(archive, at(0)).trackers == {}
        seeder.look()
    assert own_of(archive, at(0)) == Own()  # it told everybody that it leaves


def test_the_state_is_lost_and_nothing_but_time(archive: Archive) -> None:
    with http_tracker(said_of(4)) as tracker:
        before = looked(archive, 0, trackers=[tracker]).standings
        assert tuple(Standings(archive.swarm_status).all().values()) == before
        archive.swarm_status.write_text("rubbish")
        assert Standings(archive.swarm_status).all() == {}
        assert copies(looked(archive, 1, trackers=[tracker])) == {4}
    with archive.observations() as observations:
        assert all(one.looks == 2 for one in found(observations, archive))


def found(observations: Any, archive: Archive) -> Sequence[Standing]:
    return standings(observations, current(archive).values())


def test_the_tracker_is_only_asked(tmp_path: Path) -> None:
    """Whoever looks is no peer: nothing that was asked is an announcement."""
    lines: list[bytes] = []

    def answer(line: bytes) -> bytes:
        lines.append(line)
        return said({})

    with http_tracker(answer) as tracker:
        assert ask(tracker, [bytes(20)]).counts
    assert lines and all(line.startswith(b"GET /scrape?info_hash=") for line in lines)

"""Seeding: bytes as published, nothing copied or written, and what the gate refuses is given no more."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.errors import StorageError, UsageError
from phonolith.library import offered
from phonolith.model.rights import Decision, Use
from phonolith.releases.seeder import Seeder
from phonolith.releases.seeding import status_file
from phonolith.releases.session import Net
from phonolith.releases.swarm import Swarm
from phonolith.store.archive import Archive
from phonolith.store.metainfo import read
from phonolith.store.passport import BLOCK
from tests.releases.seeding import (
    Clock,
    Leecher,
    Wire,
    bytes_of,
    current,
    hide_by_notice,
    kinds,
    largest,
    leecher_of,
    make_archive,
    metainfo,
    pieces_of,
    port_of,
    reinstate,
    same,
    seeder_of,
    stamps,
    track_of,
    wait_for,
    withdraw,
)

pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "archive")


def middle(archive: Archive, size_class: str = "small") -> tuple[str, str]:
    """A file in the middle of the largest bundle, and its track."""
    bundle = largest(archive, size_class)
    path = sorted(one for one in bytes_of(archive, bundle) if one.endswith(".wav"))[bundle.files // 2]
    return path, track_of(archive, bundle, path)


def yes_to_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that is broken."""
    for name in ("decision", "decide"):
        monkeypatch.setattr(offered, name, lambda *_, **__: Decision(Use.REDISTRIBUTE, True, ("yes",)))


@pytest.mark.parametrize("kind", ["hybrid", "v1"])
@pytest.mark.parametrize("size_class", ["small", "large"])
def test_a_leecher_ends_with_the_bytes_and_no_object_is_touched(
    archive: Archive, tmp_path: Path, kind: str, size_class: str
) -> None:
    bundle = largest(archive, size_class)
    places = bytes_of(archive, bundle)
    before = stamps(places)
    with seeder_of(archive) as seeder, leecher_of(archive, bundle, tmp_path / "copy", kind) as leecher:
        leecher.connect(port_of(seeder))
        wait_for(lambda: leecher.done)
        wait_for(lambda: next(one for one in seeder.seeding() if one.offer.bundle == bundle).uploaded >= bundle.size)
    same(tmp_path / "copy" / bundle.name, places)
    assert stamps(places) == before
    kept = [path for path in (archive.state / "seed").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < 20_000  # no second copy


def test_a_leecher_takes_version_2_alone(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "archive", "--v2-only")
    bundle = largest(archive, "large")
    with seeder_of(archive) as seeder, leecher_of(archive, bundle, tmp_path / "copy", "v2") as leecher:
        leecher.connect(port_of(seeder))
        wait_for(lambda: leecher.done)
    same(tmp_path / "copy" / bundle.name, bytes_of(archive, bundle))


def test_each_torrent_of_a_bundle_is_given_under_the_infohashes_that_were_published(archive: Archive) -> None:
    with seeder_of(archive) as seeder:
        found = {one["name"]: one["torrents"] for one in seeder.status()["bundles"]}
    for bundle in current(archive).values():
        hybrid, twin = (read(metainfo(archive, bundle, kind), kind).infohashes for kind in ("hybrid", "v1"))
        assert found[bundle.name] == [
            {"kind": "hybrid", "v1": hybrid[0].hex(), "v2": hybrid[1].hex()},
            {"kind": "v1", "v1": twin[0].hex(), "v2": ""},
        ]


def leech_after(
    archive: Archive, tmp_path: Path, take_down: Callable[..., None] = withdraw
) -> tuple[list[bool], range, int]:
    """Take down the middle file of the largest bundle; what somebody gets who comes then.

    Pieces that are there, that file's pieces, and bytes of files that came over the wire.
    """
    bundle = largest(archive, "small")
    path, track = middle(archive)
    data = metainfo(archive, bundle, "hybrid")
    with seeder_of(archive) as seeder:
        before = {one["name"]: one["torrents"] for one in seeder.status()["bundles"]}
        take_down(archive, track)
        seeder.look()
        assert {one["name"]: one["torrents"] for one in seeder.status()["bundles"]} == before
        with leecher_of(archive, bundle, tmp_path / "copy") as leecher:
            leecher.connect(port_of(seeder))
            offer = wait_for(lambda: leecher.offered)
            wait_for(lambda: leecher.have == offer)
            told = leecher.handle.status()
            moved = told.total_payload_download - told.total_redundant_bytes - told.total_failed_bytes
            return leecher.have, pieces_of(data, path), moved


def blocks_of(archive: Archive) -> dict[str, int]:
    """How many blocks each file of the largest bundle takes: padding behind its end comes with the last of them."""
    sizes = {path: place.stat().st_size for path, place in bytes_of(archive, largest(archive, "small")).items()}
    return {path: -(-size // BLOCK) for path, size in sizes.items()}


@pytest.mark.parametrize("take_down", [withdraw, hide_by_notice])
def test_one_file_of_hundreds_taken_down_everything_else_is_given(
    archive: Archive, tmp_path: Path, take_down: Callable[..., None]
) -> None:
    assert largest(archive, "small").files > 200
    have, lost, moved = leech_after(archive, tmp_path, take_down)
    assert [at for at, there in enumerate(have) if not there] == list(lost)
    blocks = blocks_of(archive)
    assert blocks.pop(middle(archive)[0]) > 0 and moved == sum(blocks.values()) * BLOCK
    path = middle(archive)[0]
    bundle = largest(archive, "small")
    copy = tmp_path / "copy" / bundle.name / path
    assert not copy.exists() or set(copy.read_bytes()) <= {0}  # not one byte of it
    for other, place in bytes_of(archive, bundle).items():
        assert other == path or (tmp_path / "copy" / bundle.name / other).read_bytes() == place.read_bytes()


def test_a_gate_that_says_yes_to_everything_is_noticed(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the test above rests on the gate and on nothing else."""
    yes_to_everything(monkeypatch)
    have, _, moved = leech_after(archive, tmp_path, hide_by_notice)
    assert all(have)
    assert moved == sum(blocks_of(archive).values()) * BLOCK


def test_what_a_notice_hid_is_given_again_once_it_is_reinstated(archive: Archive, tmp_path: Path) -> None:
    path, track = middle(archive)
    with seeder_of(archive) as seeder:
        hide_by_notice(archive, track)
        assert [(one.kind, one.path) for one in seeder.look()] == [("withheld", path)]
        reinstate(archive, track)
        assert [(one.kind, one.path) for one in seeder.look()] == [("restored", path)]


@pytest.mark.parametrize("kind", ["hybrid", "v1"])
def test_who_asks_for_a_piece_that_is_not_offered_gets_no_byte_of_it(archive: Archive, kind: str) -> None:
    bundle = largest(archive, "small")
    path, track = middle(archive)
    data = metainfo(archive, bundle, kind)
    infohash, lost = read(data, kind).infohashes[0], pieces_of(data, path)[0]
    with seeder_of(archive) as seeder:
        allowed = Wire(port_of(seeder), infohash)
        assert allowed.has(lost)
        allowed.ask(lost, 0, 1000)
        assert allowed.answer(lost, 0) == bytes_of(archive, bundle)[path].read_bytes()[:1000]  # the control
        withdraw(archive, track)
        seeder.look()
        allowed.ask(lost, 16, 1000)
        assert allowed.answer(lost, 16) == b""  # who was connected before has to come again
        refused = Wire(port_of(seeder), infohash)
        assert not refused.has(lost) and refused.has(lost + 1) and refused.has(lost - 1)
        refused.ask(lost, 0, 1000)
        refused.ask(lost + 1, 0, 1000)
        refused.answer(lost + 1, 0)
        assert (lost, 0) not in refused.blocks
        allowed.close()
        refused.close()


def test_who_was_downloading_gets_the_rest_and_not_what_was_refused(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    path, track = middle(archive, "large")
    lost = pieces_of(metainfo(archive, bundle, "hybrid"), path)
    with (
        seeder_of(archive) as seeder,
        leecher_of(archive, bundle, tmp_path, skip=lambda one: one.endswith(".wav")) as leecher,
    ):
        leecher.connect(port_of(seeder))
        wait_for(lambda: leecher.done)
        withdraw(archive, track)
        assert kinds(seeder.look()) == ["withheld"]
        leecher.want_all()
        leecher.connect(port_of(seeder))
        offer = wait_for(lambda: (found := leecher.offered) and not all(found) and found)
        wait_for(lambda: leecher.have == offer, meanwhile=lambda: leecher.connect(port_of(seeder)))
        assert [at for at, there in enumerate(leecher.have) if not there] == list(lost)
        reinstate(archive, track)
        assert kinds(seeder.look()) == ["restored"]
        wait_for(lambda: leecher.done, meanwhile=lambda: leecher.connect(port_of(seeder)))
    same(tmp_path / bundle.name, bytes_of(archive, bundle))


def test_a_bundle_of_which_everything_is_refused_is_given_no_more(archive: Archive) -> None:
    bundle = largest(archive, "large")
    tracks = [track_of(archive, bundle, path) for path in bytes_of(archive, bundle) if path.endswith(".wav")]
    infohash = read(metainfo(archive, bundle, "hybrid"), "it").infohashes[0]
    with seeder_of(archive) as seeder:
        Wire(port_of(seeder), infohash).close()
        withdraw(archive, *tracks)
        seeder.look()
        with pytest.raises(ConnectionError):
            Wire(port_of(seeder), infohash)
        assert next(one for one in seeder.status()["bundles"] if one["name"] == bundle.name)["given"] == 0


def test_the_gate_is_asked_without_a_catalogue_too(archive: Archive) -> None:
    path, track = middle(archive)
    archive.catalogue.unlink()
    with seeder_of(archive) as seeder:
        assert all(not one["withheld"] for one in seeder.status()["bundles"])
        withdraw(archive, track)
        assert [(one.kind, one.path) for one in seeder.look()] == [("withheld", path)]


def test_while_the_register_cannot_be_read_nothing_is_given(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    infohash = read(metainfo(archive, largest(archive, "small"), "hybrid"), "it").infohashes[0]
    with seeder_of(archive) as seeder:
        with monkeypatch.context() as broken:
            broken.setattr("phonolith.store.register.Register.head", _unreadable)
            assert set(kinds(seeder.look())) == {"dropped", "trouble"}
            assert seeder.look() == []  # told once
            with pytest.raises(ConnectionError):
                Wire(port_of(seeder), infohash)
        assert set(kinds(seeder.look())) == {"offered"}
        Wire(port_of(seeder), infohash).close()


def _unreadable(_: object) -> tuple[int, str]:
    raise StorageError("register.sqlite", "the disk reports an error", "Check the disk")


def test_a_new_publication_is_taken_up_and_what_it_replaces_is_given_no_more(archive: Archive) -> None:
    bundle = largest(archive, "large")
    with seeder_of(archive) as seeder, archive.register() as register:
        event = next(one for one in register.events() if one.kind == "release.published")
        old = next(one for one in event.body["bundles"] if one["name"] == bundle.name)
        body = {**event.body, "name": "two", "bundles": [{**old, "name": "again", "replaces": bundle.name}]}
        register.append("release.published", body, actor="operator", time="2026-11-02T00:00:00Z")
        happened = [(one.kind, one.bundle) for one in seeder.look()]
        assert happened == [("dropped", bundle.name), ("offered", "again")]
        assert {one["name"] for one in seeder.status()["bundles"]} == current(archive).keys()


def rot(place: Path) -> None:
    """One bit is another one; size and name are as they were."""
    with place.open("r+b") as file:
        file.seek(700_000)
        byte = file.read(1)
        file.seek(700_000)
        file.write(bytes([byte[0] ^ 1]))


def cut_short(place: Path) -> None:
    os.truncate(place, 900_000)


def lose(place: Path) -> None:
    place.unlink()


@pytest.mark.parametrize("harm", [rot, cut_short, lose], ids=lambda harm: harm.__name__)
def test_an_object_that_is_harmed_while_it_is_given_is_reported_and_never_written_to(
    archive: Archive, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    bundle = largest(archive, "large")
    path, _ = middle(archive, "large")
    places = bytes_of(archive, bundle)
    sound = places[path].read_bytes()
    lost = pieces_of(metainfo(archive, bundle, "hybrid"), path)
    with seeder_of(archive, clock=(clock := Clock())) as seeder:
        harm(places[path])
        before = stamps({one: place for one, place in places.items() if place.exists()})
        happened = []
        with leecher_of(archive, bundle, tmp_path) as leecher:
            leecher.connect(port_of(seeder))
            wait_for(
                lambda: sum(leecher.have) >= len(leecher.have) - len(lost) and happened,
                meanwhile=lambda: (happened.extend(seeder.look()), leecher.connect(port_of(seeder))),
            )
            assert {(one.kind, one.path) for one in happened} == {("withheld", path)}
            withheld = next(one for one in seeder.seeding() if one.offer.bundle == bundle).offer.withheld[path]
            assert withheld.code == ("damaged" if harm is rot else "missing")
            assert stamps({one: place for one, place in places.items() if place.exists()}) == before
            places[path].write_bytes(sound)
            clock.time += 1000
            wait_for(lambda: leecher.done, meanwhile=lambda: (seeder.look(), leecher.connect(port_of(seeder))))
    same(tmp_path / bundle.name, places)


def met_by_a_sound_copy(archive: Archive, tmp_path: Path) -> tuple[int, bool]:
    """What libtorrent alone does, before the seeder looks again, when it misses a piece and a peer has it.

    Bytes that it downloaded, and whether any object was touched.
    """
    bundle = largest(archive, "large")
    path, _ = middle(archive, "large")
    places = bytes_of(archive, bundle)
    with leecher_of(archive, bundle, tmp_path / "sound") as friend:
        with seeder_of(archive) as seeder:
            friend.connect(port_of(seeder))
            wait_for(lambda: friend.done)
        with seeder_of(archive) as seeder, leecher_of(archive, bundle, tmp_path / "copy") as leecher:
            rot(places[path])
            before = stamps(places)
            key = next(one.sha256 for one in bundle.torrents if one.kind == "hybrid")
            handle, _ = seeder._swarm._given[key]
            leecher.connect(port_of(seeder))
            count = len(leecher.have)
            wait_for(
                lambda: handle.status().num_pieces == count - 1 and sum(leecher.have) == count - 1,
                meanwhile=lambda: leecher.connect(port_of(seeder)),  # who sees that it lacks a piece leaves its peers
            )
            friend.session.pop_alerts()
            wait_for(
                lambda: handle.status().num_seeds or friend.was_left(port_of(seeder)),
                meanwhile=lambda: friend.connect(port_of(seeder)),
            )  # the friend said that it has everything
            leecher.connect(friend.session.listen_port())
            wait_for(lambda: leecher.done)
            wait_for(lambda: not handle.status().num_seeds or handle.status().is_seeding)  # what it does with a seed
            return handle.status().total_payload_download, stamps(places) != before


def test_a_peer_that_has_the_sound_piece_does_not_mend_an_object(archive: Archive, tmp_path: Path) -> None:
    assert met_by_a_sound_copy(archive, tmp_path) == (0, False)


def test_a_torrent_that_may_download_is_noticed(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without upload mode libtorrent writes over the object."""
    import libtorrent

    monkeypatch.setattr(libtorrent.torrent_flags, "upload_mode", 0)
    downloaded, touched = met_by_a_sound_copy(archive, tmp_path)
    assert downloaded and touched


@pytest.mark.skipif(not Path("/proc/self/fdinfo").is_dir(), reason="only Linux tells how a file is open")
def test_objects_are_open_for_reading_alone(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    with seeder_of(archive) as seeder, leecher_of(archive, bundle, tmp_path) as leecher:
        leecher.connect(port_of(seeder))
        wait_for(lambda: leecher.done)
        held = str(archive.volumes[0].path)
        found = {one.name: str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}
        ours = [name for name, target in found.items() if target.startswith(held)]
        assert ours
        for name in ours:
            flags = int(Path(f"/proc/self/fdinfo/{name}").read_text().split("flags:")[1].split()[0], 8)
            assert flags & os.O_ACCMODE == os.O_RDONLY, found[name]


def test_settings_reach_libtorrent(tmp_path: Path) -> None:
    swarm = Swarm(Net(("127.0.0.1:0",), dht=False, lsd=True, upload_limit=5000, connections=7), tmp_path)
    found = swarm._session.get_settings()
    assert (found["upload_rate_limit"], found["connections_limit"]) == (5000, 7)
    assert (found["enable_dht"], found["enable_lsd"], found["enable_upnp"]) == (False, True, False)
    swarm.close()


def test_an_object_that_was_harmed_before_is_not_written_to(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    path, _ = middle(archive, "large")
    places = bytes_of(archive, bundle)
    with places[path].open("ab") as file:
        file.write(b"more")
    before = stamps(places)
    with seeder_of(archive) as seeder, leecher_of(archive, bundle, tmp_path) as leecher:
        leecher.connect(port_of(seeder))
        offer = wait_for(lambda: leecher.offered)
        wait_for(lambda: leecher.have == offer)
        assert [one["path"] for one in _told(seeder, bundle.name)["withheld"]] == [path]
    assert stamps(places) == before


def _told(seeder: Seeder, name: str) -> dict[str, object]:
    return next(one for one in seeder.status()["bundles"] if one["name"] == name)


def test_an_object_whose_name_is_no_text_is_given(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    path, _ = middle(archive, "large")
    place = bytes_of(archive, bundle)[path]
    outside = tmp_path / os.fsdecode(b"caf\xe9.wav")
    try:
        place.rename(outside)
    except OSError:
        pytest.skip("this disk takes UTF-8 alone")
    with archive.objects() as objects:
        objects.adopt(outside, "reference")
    with seeder_of(archive) as seeder, leecher_of(archive, bundle, tmp_path / "copy") as leecher:
        leecher.connect(port_of(seeder))
        wait_for(lambda: leecher.done)
    assert (tmp_path / "copy" / bundle.name / path).read_bytes() == outside.read_bytes()


def test_what_was_given_is_counted_from_one_run_to_the_next(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    for times in (1, 2):
        with seeder_of(archive) as seeder, leecher_of(archive, bundle, tmp_path / f"copy {times}") as leecher:
            leecher.connect(port_of(seeder))
            wait_for(lambda: leecher.done)
            wait_for(lambda seeder=seeder, times=times: _told(seeder, bundle.name)["uploaded"] >= times * bundle.size)
    told = json.loads(status_file(archive).read_bytes())
    assert next(one for one in told["status"]["bundles"] if one["name"] == bundle.name)["today"] >= 2 * bundle.size
    status_file(archive).write_text("{")  # state/ may be lost
    with seeder_of(archive) as seeder:
        assert _told(seeder, bundle.name)["uploaded"] == 0


def test_a_peer_that_is_known_is_called(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    with leecher_of(archive, bundle, tmp_path) as leecher:
        wait_for(leecher.session.listen_port)
        with seeder_of(archive, peers=(f"127.0.0.1:{leecher.session.listen_port()}",)):
            wait_for(lambda: leecher.done)
    same(tmp_path / bundle.name, bytes_of(archive, bundle))


def test_by_dht_alone(archive: Archive, tmp_path: Path) -> None:
    """No tracker, no address, no torrent: a magnet link of the v2 infohash is all that the leecher has."""
    import libtorrent

    bundle = largest(archive, "large")
    open_dht = {f"dht_{name}": False for name in (
        "restrict_routing_ips", "restrict_search_ips", "enforce_node_id", "prefer_verified_node_ids",
        "ignore_dark_internet",
    )}  # fmt: skip
    node = libtorrent.session(
        {"listen_interfaces": "127.0.0.1:0", "enable_dht": True, "enable_lsd": False, "enable_upnp": False,
         "enable_natpmp": False, "dht_bootstrap_nodes": "", **open_dht}
    )  # fmt: skip
    entrance = f"127.0.0.1:{wait_for(node.listen_port)}"
    v2 = next(one.v2 for one in bundle.torrents if one.v2)
    with seeder_of(archive, dht=True, dht_nodes=(entrance,)) as seeder:
        leecher = Leecher(
            f"magnet:?xt=urn:btmh:1220{v2}", tmp_path, enable_dht=True, dht_bootstrap_nodes=entrance, **open_dht
        )
        wait_for(
            lambda: leecher.handle.status().has_metadata and leecher.done,
            meanwhile=lambda: (seeder.look(), leecher.handle.force_dht_announce()),
        )
        leecher.close()
    same(tmp_path / bundle.name, bytes_of(archive, bundle))


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    first = Swarm(Net(("127.0.0.1:0",), dht=False), tmp_path)
    with pytest.raises(UsageError, match=r"nothing can listen there.*--listen"):
        Swarm(Net(first.addresses, dht=False), tmp_path)
    first.close()


def test_without_libtorrent_one_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libtorrent", None)
    with pytest.raises(UsageError, match=r"is not installed.*pip install 'phonolith\[torrent\]'"):
        Swarm(Net(("127.0.0.1:0",)), tmp_path)


class Hurried(Clock):
    """A clock by which every look is out of time after one bundle."""

    def __call__(self) -> float:
        self.time += 6.0
        return self.time


@pytest.mark.parametrize("place", range(4))
def test_what_a_decision_names_goes_before_everything_else(archive: Archive, place: int) -> None:
    bundle = current(archive)[sorted(current(archive))[place]]
    path = next(one for one in bytes_of(archive, bundle) if one.endswith(".wav"))
    track = track_of(archive, bundle, path)
    with seeder_of(archive, clock=Hurried()) as seeder:
        wait_for(lambda: len(seeder.status()["bundles"]) == len(current(archive)), meanwhile=seeder.look)
        withdraw(archive, track)
        happened = seeder.look()
        assert {(one.kind, one.bundle) for one in happened} == {("withheld", bundle.name)}
        assert path in {one.path for one in happened}
        reinstate(archive, track)
        happened = seeder.look()
        assert {(one.kind, one.bundle) for one in happened} == {("restored", bundle.name)}
        assert path in {one.path for one in happened}

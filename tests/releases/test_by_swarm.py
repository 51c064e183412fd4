"""Fetching from a swarm: what is wanted and no more, proved, gone on with after a kill, ended when nobody gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import BadInput
from phonolith.model.progress import Silent
from phonolith.model.publication import Bundle
from phonolith.releases.by_swarm import Moved, fetch_by_swarm
from phonolith.releases.leech import Asked
from phonolith.releases.session import Net
from phonolith.store.archive import Archive
from tests.releases.seeding import (
    bytes_of,
    current,
    largest,
    make_archive,
    metainfo,
    port_of,
    reinstate,
    same,
    seeder_of,
    stamps,
    track_of,
    withdraw,
)
from tests.releases.strange import liar, miser

pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

LONG = 120.0  # seconds that a test waits for what has to come
SHORT = 2.0  # for what never comes


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "archive")


def net(*peers: str) -> Net:
    return Net(("127.0.0.1:0",), dht=False, peers=peers)


def fetched(
    data: list[bytes], root: Path, wanted: list[str] | None, *peers: str, patience: float = LONG, **more: Any
) -> Moved:
    asked = Asked(web_seeds=False, patience=patience)
    return fetch_by_swarm(data, root, wanted, net(*peers), asked=asked, progress=Silent(), **more)


def music(archive: Archive, bundle: Bundle) -> list[str]:
    return sorted(f"{bundle.name}/{path}" for path in bytes_of(archive, bundle) if path.endswith(".wav"))


def files_in(root: Path) -> set[str]:
    return {str(one.relative_to(root)) for one in root.rglob("*") if one.is_file()}


@pytest.mark.parametrize("size_class", ["small", "large"])
@pytest.mark.parametrize("words", [(), ("--v2-only",)], ids=["hybrid", "v2"])
def test_what_is_wanted_comes_and_not_a_piece_more(tmp_path: Path, size_class: str, words: tuple[str, ...]) -> None:
    archive = make_archive(tmp_path / "archive", *words)
    bundle = largest(archive, size_class)
    data = metainfo(archive, bundle, "v2" if words else "hybrid")
    wanted = music(archive, bundle)[::3]
    places = {f"{bundle.name}/{path}": place for path, place in bytes_of(archive, bundle).items()}
    sizes = [places[one].stat().st_size for one in wanted]
    with seeder_of(archive) as seeder:
        found = fetched([data], tmp_path / "copy", wanted, f"127.0.0.1:{port_of(seeder)}")
        assert found.missing == () and found.problem == ""
        assert sum(sizes) <= found.bytes <= sum(-(-size // 16_384) * 16_384 for size in sizes)
        assert files_in(tmp_path / "copy") == set(wanted)  # no part files, no padding, nothing hidden
        for one in wanted:
            assert (tmp_path / "copy" / one).read_bytes() == places[one].read_bytes()
        rest = fetched([data], tmp_path / "copy", None, f"127.0.0.1:{port_of(seeder)}")
        assert rest.missing == ()
        again = fetched([data], tmp_path / "copy", None, patience=SHORT)
    assert again == Moved(0, ())
    same(tmp_path / "copy" / bundle.name, bytes_of(archive, bundle))


def test_several_torrents_at_once(archive: Archive, tmp_path: Path) -> None:
    data = [metainfo(archive, one, "hybrid") for one in current(archive).values()]
    with seeder_of(archive) as seeder:
        assert fetched(data, tmp_path / "copy", None, f"127.0.0.1:{port_of(seeder)}").missing == ()
    for name, bundle in current(archive).items():
        same(tmp_path / "copy" / name, bytes_of(archive, bundle))


def test_what_is_held_is_linked_proved_and_never_written_to(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    data = metainfo(archive, bundle, "hybrid")
    held = {}
    for path, place in bytes_of(archive, bundle).items():
        held[f"{bundle.name}/{path}"] = tmp_path / "held" / place.name
        (tmp_path / "held").mkdir(exist_ok=True)
        held[f"{bundle.name}/{path}"].write_bytes(place.read_bytes())
    rotten = held[music(archive, bundle)[0]]
    rotten.write_bytes(rotten.read_bytes()[:-1] + b"x")
    before = {one: held[one].read_bytes() for one in held}
    with seeder_of(archive) as seeder:
        peer = f"127.0.0.1:{port_of(seeder)}"
        found = fetched([data], tmp_path / "copy", None, peer, have=held)
        assert found.missing == () and 0 < found.bytes <= rotten.stat().st_size + 16_384
        other = held[music(archive, bundle)[1]]
        other.write_bytes(other.read_bytes()[:-1] + b"y")  # it rots later, and is linked by now
        spoilt = other.read_bytes()
        assert fetched([data], tmp_path / "copy", None, peer).missing == ()
    same(tmp_path / "copy" / bundle.name, bytes_of(archive, bundle))
    assert {one: held[one].read_bytes() for one in held if held[one] != other} == {
        one: data for one, data in before.items() if held[one] != other
    }
    assert other.read_bytes() == spoilt


def test_what_another_way_began_is_gone_on_with(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    first, second = music(archive, bundle)[:2]
    whole = bytes_of(archive, bundle)[first.partition("/")[2]].read_bytes()
    path = tmp_path / "copy" / first
    path.parent.mkdir(parents=True)
    path.write_bytes(whole[: 1 << 20] + b"rubbish")
    (tmp_path / "copy" / second).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "copy" / second).write_bytes(b"rubbish" * 1_000_000)  # longer than it should be
    with seeder_of(archive) as seeder:
        found = fetched(
            [metainfo(archive, bundle, "hybrid")], tmp_path / "copy", [first], f"127.0.0.1:{port_of(seeder)}"
        )
        assert found.missing == () and 0 < found.bytes < len(whole) - (1 << 20) + 16_384
        assert path.read_bytes() == whole
        fetched([metainfo(archive, bundle, "hybrid")], tmp_path / "copy", [second], f"127.0.0.1:{port_of(seeder)}")
    assert (tmp_path / "copy" / second).read_bytes() == bytes_of(archive, bundle)[second.partition("/")[2]].read_bytes()


CHILD = """
import sys
from pathlib import Path
from phonolith.model.progress import Silent
from phonolith.releases.by_swarm import fetch_by_swarm
from phonolith.releases.leech import Asked
from phonolith.releases.session import Net

class Told(Silent):
    def advance(self, count):
        print(count, flush=True)

torrent, root, peer = sys.argv[1:]
net = Net(("127.0.0.1:0",), dht=False, peers=(peer,))
fetch_by_swarm([Path(torrent)], Path(root), None, net, asked=Asked(patience=600.0), progress=Told())
"""


def test_after_kill_9_what_came_is_proved_and_not_fetched_again(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    wav = music(archive, bundle)[1]
    withdraw(archive, track_of(archive, bundle, wav.partition("/")[2]))
    torrent = tmp_path / "it.torrent"
    torrent.write_bytes(metainfo(archive, bundle, "hybrid"))
    copy = tmp_path / "copy"
    with seeder_of(archive) as seeder:
        peer = f"127.0.0.1:{port_of(seeder)}"
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(torrent), str(copy), peer], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        came = 0
        while came < bundle.size // 2:
            came += int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert not files_in(copy) & set(music(archive, bundle))  # what is not proved has no name
        reinstate(archive, track_of(archive, bundle, wav.partition("/")[2]))
        seeder.look()
        found = fetched([torrent.read_bytes()], copy, None, peer)
    assert found.missing == () and 0 < found.bytes < bundle.size * 3 // 4
    same(copy / bundle.name, bytes_of(archive, bundle))
    assert not list(copy.glob(".*"))


def test_what_lies_there_from_a_killed_run_is_not_believed(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    data = metainfo(archive, bundle, "hybrid")
    missing = fetched([data], tmp_path / "copy", None, patience=SHORT).missing
    (hidden,) = (tmp_path / "copy").glob(".swarm-*")
    for number in range(len(missing)):
        (hidden / str(number)).write_bytes(os.urandom(1_000_000))  # it looks as if much had come
    with seeder_of(archive) as seeder:
        assert fetched([data], tmp_path / "copy", None, f"127.0.0.1:{port_of(seeder)}").missing == ()
    same(tmp_path / "copy" / bundle.name, bytes_of(archive, bundle))


def test_what_nobody_has_is_named_and_the_rest_stays(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "small")
    lost = music(archive, bundle)[3]
    withdraw(archive, track_of(archive, bundle, lost.partition("/")[2]))
    with seeder_of(archive) as seeder:
        found = fetched(
            [metainfo(archive, bundle, "hybrid")], tmp_path / "copy", None, f"127.0.0.1:{port_of(seeder)}",
            patience=3 * SHORT,
        )  # fmt: skip
    assert found.missing == (lost,)
    assert found.problem == "for 6 s nobody gave anything of it; 1 peer is connected"
    assert len(files_in(tmp_path / "copy" / bundle.name)) == len(bytes_of(archive, bundle)) - 1


@pytest.mark.parametrize(("kind", "words"), [(liar, "wrong and thrown away"), (miser, "1 peer is connected")])
def test_a_peer_that_is_no_help_changes_nothing(
    archive: Archive, tmp_path: Path, kind: Callable[..., Any], words: str
) -> None:
    bundle = largest(archive, "large")
    data, places = metainfo(archive, bundle, "hybrid"), bytes_of(archive, bundle)
    with kind(data, places, tmp_path / "peer") as peer:
        found = fetched([data], tmp_path / "copy", music(archive, bundle), peer, patience=3 * SHORT)
        assert set(found.missing) == set(music(archive, bundle))
        assert words in found.problem
        assert not [one for one in files_in(tmp_path / "copy") if not one.startswith(".swarm-")]
        with seeder_of(archive) as seeder:  # with somebody who is, all is well
            peers = (peer, f"127.0.0.1:{port_of(seeder)}")
            assert fetched([data], tmp_path / "copy", music(archive, bundle), *peers).missing == ()


def test_a_peer_that_is_not_checked_is_noticed(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what libtorrent does not prove we still do, and say that it is missing."""
    from phonolith.releases import leech

    monkeypatch.setattr(leech, "_EAGER", {**leech._EAGER, "disable_hash_checks": True})
    bundle = largest(archive, "large")
    data, places = metainfo(archive, bundle, "hybrid"), bytes_of(archive, bundle)
    with liar(data, places, tmp_path / "peer") as peer:
        found = fetched([data], tmp_path / "copy", music(archive, bundle), peer, patience=3 * SHORT)
    assert set(found.missing) == set(music(archive, bundle)) and found.bytes > bundle.size // 2


def test_no_object_is_touched(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    places = bytes_of(archive, bundle)
    before = stamps(places)
    with seeder_of(archive) as seeder:
        fetched([metainfo(archive, bundle, "hybrid")], tmp_path / "copy", None, f"127.0.0.1:{port_of(seeder)}")
    assert stamps(places) == before


def test_a_torrent_that_proves_no_file_and_a_path_in_none_are_refused(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    with pytest.raises(BadInput, match="no v2 side"):
        fetched([metainfo(archive, bundle, "v1")], tmp_path / "copy", None)
    with pytest.raises(BadInput, match="in none of these torrents"):
        fetched([metainfo(archive, bundle, "hybrid")], tmp_path / "copy", ["nowhere/x"])
    (tmp_path / "copy" / bundle.name).mkdir(parents=True)
    (tmp_path / "copy" / bundle.name / "bagit.txt").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="stands where a file is to be fetched"):
        fetched([metainfo(archive, bundle, "hybrid")], tmp_path / "copy", None)

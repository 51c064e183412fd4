"""Repair from a swarm: only what is bad is fetched, only what is right is written, and no peer can do harm."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from phonolith.model.progress import Silent
from phonolith.model.publication import Bundle
from phonolith.releases import leech
from phonolith.releases.leech import Asked
from phonolith.releases.session import Net
from phonolith.releases.verify.check import Wish
from phonolith.releases.verify.peers import Reach, is_swarm
from phonolith.releases.verify.run import Done, verify_and_repair
from phonolith.store.archive import Archive
from phonolith.store.metainfo import read
from tests.releases.seeding import (
    bytes_of,
    largest,
    make_archive,
    metainfo,
    port_of,
    seeder_of,
    track_of,
    wait_for,
    withdraw,
)
from tests.releases.strange import friend, liar, miser
from tests.releases.verify.made import NOW, bag_files, data_of, memory, torrent_of, v1_torrent, write

pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

LONG, SHORT = 120.0, 3.0  # seconds: for what has to come, and for what never comes


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "archive")


def copied(archive: Archive, bundle: Bundle, folder: Path, kind: str = "hybrid") -> Path:
    """A copy of a bundle, with its torrent beside it."""
    for path, place in bytes_of(archive, bundle).items():
        (folder / bundle.name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / bundle.name / path).write_bytes(place.read_bytes())
    (folder / f"{bundle.name}.torrent").write_bytes(metainfo(archive, bundle, kind))
    return folder / bundle.name


def repaired(path: Path, *sources: str, peers: tuple[str, ...] = (), patience: float = LONG) -> Done:
    reach = Reach(Net(("127.0.0.1:0",), dht=False, peers=peers), Asked(web_seeds=False, patience=patience))
    with memory() as remembered:
        return verify_and_repair(path, (), Wish(), remembered, Silent(), list(sources), NOW, reach)


def sound(done: Done) -> bool:
    return not any(one.severity == "error" for copy in done.copies for one in copy.findings)


def problems(done: Done) -> dict[str, str]:
    return {one.path: one.problem for one in done.mended if one.problem}


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def harmed(root: Path) -> dict[str, bytes]:
    """Flip a bit, cut short, append, remove; what the harmed files were, by path."""
    music = sorted(root.rglob("*.wav"))
    before = {str(one.relative_to(root)): one.read_bytes() for one in music[:3]}
    flip(music[0], music[0].stat().st_size // 2)
    os.truncate(music[1], music[1].stat().st_size // 3)
    music[2].unlink()
    return before


def as_it_was(root: Path, before: Mapping[str, bytes]) -> bool:
    return all((root / path).read_bytes() == data for path, data in before.items())


@pytest.mark.parametrize("how", ["settings", "address", "magnet"])
@pytest.mark.parametrize("size_class", ["small", "large"])
def test_from_our_seed(archive: Archive, tmp_path: Path, size_class: str, how: str) -> None:
    bundle = largest(archive, size_class)
    root = copied(archive, bundle, tmp_path / "copy")
    before = harmed(root)
    with seeder_of(archive) as seeder:
        peer = f"127.0.0.1:{port_of(seeder)}"
        two = next(one.v2 for one in bundle.torrents if one.v2)
        source = {"settings": "swarm", "address": peer, "magnet": f"magnet:?xt=urn:btmh:1220{two}&x.pe={peer}"}[how]
        done = repaired(root, source, peers=(peer,) if how == "settings" else ())
    assert sound(done) and as_it_was(root, before), problems(done)
    assert {one.path for one in done.mended} == before.keys()
    assert all(one.sources == ("the swarm",) for one in done.mended)
    kept = [
        path
        for path in root.rglob("*.wav")
        if path.is_relative_to(root / f"corrupt-{NOW.replace('-', '').replace(':', '')}")
    ]
    assert len(kept) == 2  # what was harmed is set aside, and what was missing cannot be
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {bundle.name, f"{bundle.name}.torrent"}


def test_only_the_bad_pieces_are_fetched(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    root = copied(archive, bundle, tmp_path / "copy")
    wav = sorted(root.rglob("*.wav"))[0]
    flip(wav, 1_200_000)  # in its second piece of 1 MiB
    with seeder_of(archive) as seeder:
        done = repaired(root, "swarm", peers=(f"127.0.0.1:{port_of(seeder)}",))
        (mended,) = done.mended
        assert mended.problem == "" and mended.fetched == wav.stat().st_size - (1 << 20)
        wait_for(lambda: sum(one.uploaded for one in seeder.seeding()) >= mended.fetched)  # it counts now and then
        given = sum(one.uploaded for one in seeder.seeding())
    assert given <= mended.fetched + 16_384


def test_what_a_folder_has_is_not_fetched(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    root = copied(archive, bundle, tmp_path / "copy")
    other = copied(archive, bundle, tmp_path / "other")
    first, second = sorted(root.rglob("*.wav"))[:2]
    flip(first, 10)
    flip(second, 10)
    (other / second.relative_to(root)).unlink()
    with seeder_of(archive) as seeder:
        done = repaired(root, "swarm", str(other), peers=(f"127.0.0.1:{port_of(seeder)}",))
    found = {one.path: one.sources for one in done.mended}
    assert sound(done)
    assert found[str(first.relative_to(root))] == (str(other),)
    assert found[str(second.relative_to(root))] == ("the swarm",)


@pytest.mark.parametrize("kind", ["v1 across", "v1", "hybrid", "bag"])
def test_from_a_stranger_with_any_kind_of_torrent(tmp_path: Path, kind: str) -> None:
    """Old torrents have pieces across files; a bag without a torrent gets the whole file, found by a magnet link."""
    payload = {f"{number}.flac": data_of(100_000 + number, number) for number in range(5)}
    files = bag_files(payload)
    across = kind in ("v1 across", "bag")
    data = v1_torrent("it", files, 32_768) if across else torrent_of("it", files, *_kind(kind))
    root = write(tmp_path / "copy" / "it", files)
    if kind != "bag":
        (tmp_path / "copy" / "it.torrent").write_bytes(data)
    flip(root / "data/1.flac", 50_000)
    (root / "data/3.flac").unlink()
    os.truncate(root / "data/4.flac", 10)
    write(tmp_path / "theirs", files)
    one = read(data, "it").infohashes[0].hex()
    with friend(data, tmp_path / "theirs") as peer:
        done = repaired(root, f"magnet:?xt=urn:btih:{one}&x.pe={peer}" if kind == "bag" else peer)
    assert sound(done), problems(done)
    assert all((root / path).read_bytes() == content for path, content in files.items())


def _kind(kind: str) -> tuple[Any, ...]:
    from phonolith.releases.compose import Kind

    return (Kind.V1,) if kind == "v1" else ()


@pytest.mark.parametrize("checked", [True, False], ids=["", "unchecked by libtorrent"])
def test_a_peer_that_lies_changes_nothing(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checked: bool
) -> None:
    """Nor where libtorrent proves nothing. The control: with somebody beside it who does not lie all is repaired."""
    bundle = largest(archive, "large")
    root = copied(archive, bundle, tmp_path / "copy")
    before = harmed(root)
    stamps = {path: (path.stat().st_ino, path.read_bytes()) for path in root.rglob("*") if path.is_file()}
    with liar(metainfo(archive, bundle, "hybrid"), bytes_of(archive, bundle), tmp_path / "liar") as wrong:
        with monkeypatch.context() as broken:
            if not checked:
                broken.setattr(leech, "_EAGER", {**leech._EAGER, "disable_hash_checks": True})
            done = repaired(root, wrong, patience=SHORT)
        assert not sound(done) and problems(done).keys() == before.keys()
        if checked:
            assert all("wrong and thrown away" in text for text in problems(done).values()), problems(done)
        assert {path: (path.stat().st_ino, path.read_bytes()) for path in root.rglob("*") if path.is_file()} == stamps
        with seeder_of(archive) as seeder:
            assert sound(repaired(root, wrong, f"127.0.0.1:{port_of(seeder)}"))
    assert as_it_was(root, before)


def test_a_peer_that_gives_nothing_costs_the_patience_and_what_was_repaired_stays(
    archive: Archive, tmp_path: Path
) -> None:
    bundle = largest(archive, "large")
    root = copied(archive, bundle, tmp_path / "copy")
    before = harmed(root)
    lost = sorted(before)[0]
    withdraw(archive, track_of(archive, bundle, lost))  # who gives does not give this one
    places = bytes_of(archive, bundle)
    with (
        miser(metainfo(archive, bundle, "hybrid"), places, tmp_path / "miser") as stalls,
        seeder_of(archive) as seeder,
    ):
        done = repaired(root, stalls, f"127.0.0.1:{port_of(seeder)}", patience=2 * SHORT)
    assert problems(done).keys() == {lost}
    assert "the swarm: for 6 s nobody gave anything of it; 2 peers are connected" in problems(done)[lost]
    assert all((root / path).read_bytes() == data for path, data in before.items() if path != lost)


def test_where_nobody_is_found_it_is_said(archive: Archive, tmp_path: Path) -> None:
    root = copied(archive, largest(archive, "large"), tmp_path / "copy")
    before = harmed(root)
    for source in ("swarm", "127.0.0.1:9", "magnet:?xt=urn:btih:" + "0" * 40, "magnet:?x"):
        done = repaired(root, source, patience=SHORT)
        assert problems(done).keys() == before.keys()
        text = " ".join(problems(done).values())
        assert ("no peer was found" in text) or ("nobody gave its metainfo" in text) or ("no magnet link" in text)


def twins(folder: Path) -> tuple[Archive, Archive]:
    """An archive and a copy of it."""
    archive = make_archive(folder / "archive")
    shutil.copytree(archive.root, folder / "other")
    return archive, Archive.open(folder / "other")


def lose(path: Path) -> None:
    path.unlink()


def rot(path: Path) -> None:
    path.chmod(0o644)
    flip(path, path.stat().st_size // 2)


@pytest.mark.parametrize("harm", [rot, lose])
def test_a_whole_archive(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    """Its objects are found in the torrents that it published, tag files too."""
    archive, other = twins(tmp_path)
    bad = []
    for size_class in ("small", "large"):
        places = sorted(bytes_of(archive, largest(archive, size_class)).items())
        bad += [places[0][1], places[-1][1], next(place for path, place in places if path.endswith(".wav"))]
    before = {path: path.read_bytes() for path in bad}
    for path in bad:
        harm(path)
    with seeder_of(other) as seeder:
        done = repaired(archive.root, "swarm", peers=(f"127.0.0.1:{port_of(seeder)}",))
    assert sound(done), problems(done)
    assert {path: path.read_bytes() for path in bad} == before
    assert not (archive.state / "repair").exists()


def test_an_archive_whose_torrent_is_damaged_itself(tmp_path: Path) -> None:
    """The torrent is no file of a bundle and stays damaged; the files are found by its infohash all the same."""
    archive, other = twins(tmp_path)
    bundle = largest(archive, "large")
    with archive.objects() as objects:
        torrent = objects.path(next(one.sha256 for one in bundle.torrents if one.v2))
    wav = next(place for path, place in bytes_of(archive, bundle).items() if path.endswith(".wav"))
    before = wav.read_bytes()
    rot(wav)
    rot(torrent)
    with seeder_of(other) as seeder:
        done = repaired(archive.root, "swarm", peers=(f"127.0.0.1:{port_of(seeder)}",), patience=4 * SHORT)
    assert wav.read_bytes() == before
    (problem,) = problems(done).items()
    assert problem[0] == str(torrent.relative_to(archive.root)) and "are in no torrent" in problem[1]


def test_what_names_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here:1").mkdir()
    named = ["swarm", "magnet:?xt=urn:btih:0", "192.0.2.1:6881", "[2001:db8::1]:6881", "peer.example:6881"]
    assert all(map(is_swarm, named))
    assert not any(map(is_swarm, ["here:1", "./swarm", "http://music.example:80/x", "folder", "C:\\x", "a:b"]))


def test_a_bundle_harms_no_object_of_the_seeder(archive: Archive, tmp_path: Path) -> None:
    bundle = largest(archive, "large")
    root = copied(archive, bundle, tmp_path / "copy")
    harmed(root)
    before = {path: place.stat().st_mtime_ns for path, place in bytes_of(archive, bundle).items()}
    with seeder_of(archive) as seeder:
        assert sound(repaired(root, f"127.0.0.1:{port_of(seeder)}"))
    assert {path: place.stat().st_mtime_ns for path, place in bytes_of(archive, bundle).items()} == before

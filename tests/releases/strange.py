"""Peers by hand: one that gives what is in a folder, one that sends wrong bytes, one that gives nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.releases.seeding import wait_for


@contextmanager
def liar(data: bytes, places: Mapping[str, Path], folder: Path) -> Iterator[str]:
    """A peer that says it has all of a torrent, and whose every byte is wrong; its address."""
    for path, place in places.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(bytes(one ^ 0xFF for one in place.read_bytes()))
    with friend(data, folder) as address:
        yield address


@contextmanager
def miser(data: bytes, places: Mapping[str, Path], folder: Path) -> Iterator[str]:
    """A peer that has all of a torrent, says so, and never gives a byte; its address."""
    for path, place in places.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(place.read_bytes())
    with friend(data, folder, unchoke_slots_limit=0, allowed_fast_set_size=0) as address:
        yield address


@contextmanager
def friend(data: bytes, folder: Path, **settings: Any) -> Iterator[str]:
    """A peer that has all of a torrent, in a folder; its address."""
    import libtorrent

    quiet = {"enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False}
    local = {"listen_interfaces": "127.0.0.1:0", "allow_multiple_connections_per_ip": True}
    session = libtorrent.session({**quiet, **local, **settings})
    everybody = libtorrent.ip_filter()  # peers of this machine are strangers too: else no limit is for them
    everybody.add_rule("0.0.0.0", "255.255.255.255", 1 << libtorrent.session.global_peer_class_id)
    session.set_peer_class_filter(everybody)
    parameters = libtorrent.load_torrent_buffer(data)
    layout = parameters.ti.layout()
    flags = libtorrent.torrent_flags
    paths = {at: layout.file_path(at) for at in range(layout.num_files())}
    names = {at: path.partition("/")[2] or path for at, path in paths.items()}
    parameters.renamed_files = names
    parameters.save_path = str(folder)
    parameters.trackers, parameters.url_seeds = [], []
    parameters.have_pieces = [True] * layout.num_pieces()
    parameters.flags |= flags.upload_mode | flags.no_verify_files | flags.override_trackers | flags.override_web_seeds
    parameters.flags &= ~(flags.auto_managed | flags.paused)
    session.add_torrent(parameters)
    yield f"127.0.0.1:{wait_for(session.listen_port)}"
    del session

"""Swarms on this machine: trackers that lie, peers that have all of a torrent and say so, and a DHT of a few nodes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from phonolith.releases.scrape import ask, short
from phonolith.store.archive import Archive
from tests.releases.seeding import bytes_of, current, metainfo, wait_for

OVER = b"over"  # what a server is told when it is to end
OPEN_DHT = {
    f"dht_{name}": False
    for name in (
        "restrict_routing_ips",
        "restrict_search_ips",
        "enforce_node_id",
        "prefer_verified_node_ids",
        "ignore_dark_internet",
    )
}


@contextmanager
def http_tracker(answer: Callable[[bytes], bytes | Iterator[bytes]]) -> Iterator[str]:
    """A tracker that sends what ``answer`` makes of the first line of a request, and hangs up; its announce address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    wire, _ = server.accept()
                    threading.Thread(target=_answer, args=(wire, answer), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/announce"
        server.shutdown(socket.SHUT_RDWR)


def _answer(wire: socket.socket, answer: Callable[[bytes], bytes | Iterator[bytes]]) -> None:
    with wire, suppress(OSError):
        made = answer(wire.recv(1 << 16).partition(b"\r\n")[0])
        for piece in (made,) if isinstance(made, bytes) else made:
            wire.sendall(piece)


@contextmanager
def udp_server(answer: Callable[[bytes], Sequence[bytes]]) -> Iterator[tuple[str, int]]:
    """Somebody who sends what ``answer`` makes of each packet; the address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        over = threading.Event()

        def serve() -> None:
            with suppress(OSError):
                while not over.is_set():
                    data, place = wire.recvfrom(1 << 16)
                    for one in answer(data):
                        wire.sendto(one, place)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield wire.getsockname()
        over.set()
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(OVER, wire.getsockname())
        thread.join(5)


class Peer:
    """A libtorrent session that has all of an archive's bundles from the start and seeds them."""

    def __init__(self, archive: Archive, folder: Path, host: str = "127.0.0.1", **settings: Any) -> None:
        import libtorrent

        quiet = {"enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False}
        self.lt = libtorrent
        self.session = libtorrent.session(
            {**quiet, "listen_interfaces": f"{host}:0", "stop_tracker_timeout": 5, **settings}
        )
        self.handles = []
        for bundle in current(archive).values():
            for path, place in bytes_of(archive, bundle).items():
                file = folder / bundle.name / path
                if not file.exists():
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.hardlink_to(place)
            parameters = libtorrent.load_torrent_buffer(metainfo(archive, bundle, "hybrid"))
            layout = parameters.ti.layout()
            flags = libtorrent.torrent_flags
            parameters.save_path = str(folder)
            parameters.have_pieces = [True] * layout.num_pieces()
            parameters.flags |= flags.upload_mode | flags.no_verify_files
            parameters.flags &= ~(flags.auto_managed | flags.paused)
            self.handles.append(self.session.add_torrent(parameters))

    def close(self) -> None:
        """Tell the tracker that we leave."""
        for one in self.handles:
            self.session.remove_torrent(one)
        self.handles.clear()
        del self.session


@contextmanager
def peers(archive: Archive, folder: Path, count: int, **settings: Any) -> Iterator[list[Peer]]:
    """So many of them."""
    with ExitStack() as stack:
        found = [Peer(archive, folder / str(at), **settings) for at in range(count)]
        for one in found:
            stack.callback(lambda peer: peer.close() if peer.handles else None, one)
        yield found


def until_counted(tracker: str, archive: Archive, complete: int, **more: Any) -> None:
    """Wait until a tracker counts so many for every hybrid torrent."""
    hashes = [
        short(bytes.fromhex(name))
        for bundle in current(archive).values()
        for one in bundle.torrents
        if one.kind == "hybrid"
        for name in (one.v1, one.v2)
    ]
    wait_for(lambda: all(one.complete == complete for one in ask(tracker, hashes).counts.values()), **more)

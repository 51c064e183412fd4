"""A libtorrent session that gives torrents out of the object store, and tells what it met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.releases.mapped import Mapped, Task, mapped
from phonolith.releases.session import Net, call, keep_nodes, libtorrent, mask, opened
from phonolith.store.files import make_folders


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a torrent does now: peers, bytes a second, bytes given since ever.

    ``copies``: how many have all of it, ours among them, by what trackers say and peers that are connected.
    ``trackers``: those that took our last announcement, and so count us.
    """

    peers: int
    rate: int
    uploaded: int
    copies: int = 0
    trackers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that libtorrent met: with the file ``about`` of the torrent ``key``, or with a tracker or the network.

    Those have no key; ``text`` is "" where what was wrong before works again.
    """

    key: str
    about: str
    text: str


class Swarm:
    """A session. ``folder`` is for what libtorrent keeps for itself; held objects are elsewhere."""

    def __init__(self, net: Net, folder: Path) -> None:
        """Listen. Raises UsageError where libtorrent is missing or no address can be listened at, StorageError."""
        self._lt = libtorrent()
        self._net = net
        self._folder = folder.absolute()
        self._given: dict[str, tuple[Any, Mapped]] = {}
        make_folders(self._folder)
        self._session, self.addresses = opened(self._lt, net, self._folder)

    def close(self) -> None:
        """Tell trackers that we leave, and end."""
        if self._net.dht:
            keep_nodes(self._lt, self._session, self._folder)
        for key in list(self._given):
            self.drop(key)
        del self._session  # returns when all of that is done

    def put(self, key: str, task: Task) -> None:
        """Give a torrent, in place of what was given under this key: peers learn anew which pieces there are.

        Raises Damaged where its files are not those of the metainfo, StorageError; then nothing is given.
        """
        before = self.drop(key)
        found = mapped(self._lt, task, self._folder)
        found.parameters.total_uploaded = max(task.uploaded, before)
        handle = self._session.add_torrent(found.parameters)
        call(handle, self._net.peers)
        self._given[key] = handle, found

    def drop(self, key: str) -> int:
        """Give a torrent no more; returns the bytes that were given of it since ever."""
        handle, _ = self._given.pop(key, (None, None))
        if handle is None:
            return 0
        uploaded = int(handle.status().all_time_upload)
        self._session.remove_torrent(handle)
        return uploaded

    def traffic(self) -> dict[str, Traffic]:
        """What each torrent does, by key."""
        found = {}
        for key, (handle, _) in self._given.items():
            one = handle.status()
            copies = max(one.num_complete, one.num_seeds + one.is_seeding)  # the first is -1 while no tracker said
            known = tuple(each["url"] for each in handle.trackers() if each["verified"] and not each["fails"])
            found[key] = Traffic(one.num_peers, one.upload_payload_rate, one.all_time_upload, copies, known)
        return found

    def faults(self, wait: float = 0) -> list[Fault]:
        """What went wrong since this was asked last; waits up to ``wait`` seconds for libtorrent to say something."""
        if wait:
            self._session.wait_for_alert(int(wait * 1000))
        return list(self._told(self._session.pop_alerts()))

    def _told(self, alerts: Iterable[Any]) -> Iterator[Fault]:
        lt = self._lt
        for one in alerts:
            if isinstance(one, lt.hash_failed_alert):
                yield from self._at(one.handle, one.piece_index, one.message())
            elif isinstance(one, lt.file_error_alert):
                yield from self._named(one.handle, one.filename(), one.message())
            elif isinstance(one, lt.fastresume_rejected_alert):
                yield from self._named(one.handle, one.file_path(), one.message())
            elif isinstance(one, lt.dht_bootstrap_alert):
                self._announce()
            elif isinstance(one, lt.tracker_error_alert):
                yield Fault("", one.tracker_url(), one.error_message() or one.error.message())
            elif isinstance(one, lt.tracker_reply_alert):
                yield Fault("", one.tracker_url(), "")
            elif isinstance(one, lt.listen_failed_alert | lt.portmap_error_alert):
                yield Fault("", one.what(), one.message())

    def _announce(self) -> None:
        """Tell the DHT of every torrent, now that it was entered: what was added before that had nobody to tell."""
        self._session.apply_settings({"alert_mask": mask(self._lt)})  # of its many alerts this was the one to wait for
        for handle, _ in self._given.values():
            handle.force_dht_announce()

    def _at(self, handle: Any, piece: int, text: str) -> Iterator[Fault]:
        for key, (known, found) in self._given.items():
            if known == handle:
                yield from (Fault(key, path, text) for path, pieces in found.pieces.items() if piece in pieces)

    def _named(self, handle: Any, name: str, text: str) -> Iterator[Fault]:
        for key, (known, found) in self._given.items():
            if known == handle and name in found.names:
                yield Fault(key, found.names[name], text)

"""A libtorrent session that gives torrents out of the object store, and tells what it met. Imported here alone."""

from __future__ import annotations

import importlib
import ipaddress
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith import __version__
from phonolith.errors import UsageError
from phonolith.releases.mapped import Mapped, Task, mapped
from phonolith.store.files import atomic_write, make_folders

_PATIENCE = 10.0  # seconds for the system to say whether we may listen
_STOPPING = 2  # seconds for trackers to be told that we leave
_DHT = "dht"  # the file in which the nodes that were met are kept


@dataclass(frozen=True, slots=True)
class Net:
    """How peers find us, and what they get. ``upload_limit`` is in bytes a second, 0 for none."""

    listen: tuple[str, ...]
    dht: bool = True
    dht_nodes: tuple[str, ...] = ()
    lsd: bool = False
    upnp: bool = False
    upload_limit: int = 0
    connections: int = 500
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a torrent does now: peers, bytes a second, bytes given since ever."""

    peers: int
    rate: int
    uploaded: int


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
        self._lt = _libtorrent()
        self._net = net
        self._folder = folder.absolute()
        self._given: dict[str, tuple[Any, Mapped]] = {}
        make_folders(self._folder)
        self._session = self._lt.session(self._parameters())
        self.addresses = self._listening()

    def close(self) -> None:
        """Tell trackers that we leave, and end."""
        if self._net.dht:
            state = self._session.session_state(self._lt.save_state_flags_t.save_dht_state)
            atomic_write(self._folder / _DHT, self._lt.write_session_params_buf(state))
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
        for end in self._net.peers:
            handle.connect_peer(_end(end))
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
            found[key] = Traffic(one.num_peers, one.upload_payload_rate, one.all_time_upload)
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
        self._session.apply_settings({"alert_mask": _mask(self._lt)})  # of its many alerts this was the one to wait for
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

    def _parameters(self) -> Any:
        found = self._lt.session_params()
        with suppress(OSError, RuntimeError):  # nodes that were met before: there may be none, and they only save time
            found = self._lt.read_session_params((self._folder / _DHT).read_bytes())
        found.settings = _settings(self._lt, self._net)
        return found

    def _listening(self) -> tuple[str, ...]:
        """Where the session listens; raises UsageError where it listens nowhere."""
        until = time.monotonic() + _PATIENCE
        found: list[str] = []
        refused: list[str] = []
        while len(found) + len(refused) < len(self._net.listen) and time.monotonic() < until:
            self._session.wait_for_alert(200)
            for one in self._session.pop_alerts():
                if isinstance(one, self._lt.listen_failed_alert):
                    refused.append(one.message())
                elif isinstance(one, self._lt.listen_succeeded_alert) and one.socket_type == self._lt.socket_type_t.tcp:
                    found.append(f"[{one.address}]:{one.port}" if ":" in one.address else f"{one.address}:{one.port}")
        if not found:
            problem = f"nothing can listen there: {'; '.join(refused) or 'the system does not answer'}"
            raise UsageError(
                ", ".join(self._net.listen), problem, "Close what listens there, or name another: --listen"
            )
        return tuple(dict.fromkeys(found))


def _libtorrent() -> Any:
    try:
        return importlib.import_module("libtorrent")
    except ImportError:
        raise UsageError(
            "libtorrent",
            "is not installed, and nothing can be seeded without it",
            "Install it: pip install 'phonolith[torrent]' (Python 3.11 to 3.13)",
        ) from None


def _settings(lt: Any, net: Net) -> dict[str, Any]:
    found = {
        "listen_interfaces": ",".join(net.listen),
        "max_retry_port_bind": 0,  # a port that is taken is said, not stepped over
        "listen_system_port_fallback": False,
        "user_agent": f"Phonolith/{__version__} libtorrent/{lt.version}",
        "enable_dht": net.dht,
        "enable_lsd": net.lsd,
        "enable_upnp": net.upnp,
        "enable_natpmp": net.upnp,
        "upload_rate_limit": net.upload_limit,
        "connections_limit": net.connections,
        "allow_multiple_connections_per_ip": True,  # many people are behind one address
        "stop_tracker_timeout": _STOPPING,
        "alert_mask": _mask(lt) | (lt.alert.category_t.dht_notification if net.dht else 0),
        "alert_queue_size": 10_000,
    }
    if net.dht_nodes:
        found["dht_bootstrap_nodes"] = ",".join(net.dht_nodes)
    if all(_loopback(end) for end in net.listen):  # what guards against strangers would shut out this machine itself
        for name in ("restrict_routing_ips", "restrict_search_ips", "enforce_node_id", "prefer_verified_node_ids"):
            found[f"dht_{name}"] = False
        found["dht_ignore_dark_internet"] = False
    return found


def _mask(lt: Any) -> int:
    """The alerts that are listened to."""
    kinds = lt.alert.category_t
    return int(
        kinds.error_notification | kinds.status_notification | kinds.storage_notification | kinds.tracker_notification
    )


def _end(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _loopback(end: str) -> bool:
    try:
        return ipaddress.ip_address(_end(end)[0]).is_loopback
    except ValueError:
        return False

"""A libtorrent session as the settings want it, for giving and for taking. libtorrent is imported here alone."""

from __future__ import annotations

import importlib
import ipaddress
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith import __version__
from phonolith.errors import UsageError
from phonolith.store.files import atomic_write

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


def libtorrent() -> Any:
    """The library. Raises UsageError where it is missing."""
    try:
        return importlib.import_module("libtorrent")
    except ImportError:
        raise UsageError(
            "libtorrent",
            "is not installed, and nothing can be given or fetched over BitTorrent without it",
            "Install it: pip install 'phonolith[torrent]' (Python 3.11 to 3.13)",
        ) from None


def opened(lt: Any, net: Net, folder: Path, more: Mapping[str, Any] | None = None) -> tuple[Any, tuple[str, ...]]:
    """A session that listens, and where; ``folder`` has what it kept before, ``more`` are settings of libtorrent.

    Raises UsageError where no address can be listened at.
    """
    parameters = lt.session_params()
    with suppress(OSError, RuntimeError):  # nodes that were met before: there may be none, and they only save time
        parameters = lt.read_session_params((folder / _DHT).read_bytes())
    parameters.settings = {**_settings(lt, net), **(more or {})}
    session = lt.session(parameters)
    return session, _listening(lt, session, net)


def keep_nodes(lt: Any, session: Any, folder: Path) -> None:
    """Keep the nodes of the DHT that were met, for the next session in this folder. Raises StorageError."""
    state = session.session_state(lt.save_state_flags_t.save_dht_state)
    atomic_write(folder / _DHT, lt.write_session_params_buf(state))


def call(handle: Any, peers: Iterable[str]) -> None:
    """Call peers of a torrent by their addresses, ``host:port``."""
    for one in peers:
        handle.connect_peer(_end(one))


def mask(lt: Any) -> int:
    """The alerts that are listened to."""
    kinds = lt.alert.category_t
    return int(
        kinds.error_notification | kinds.status_notification | kinds.storage_notification | kinds.tracker_notification
    )


def with_trackers(parameters: Any, more: Iterable[str]) -> None:
    """Add trackers behind those that a torrent names itself, and announce to no others."""
    own = list(parameters.trackers)
    tiers = [*parameters.tracker_tiers, *[0] * len(own)][: len(own)]
    new = [one for one in dict.fromkeys(more) if one not in own]
    parameters.trackers = own + new
    parameters.tracker_tiers = tiers + [max(tiers, default=-1) + 1] * len(new)


def _listening(lt: Any, session: Any, net: Net) -> tuple[str, ...]:
    """Where the session listens; raises UsageError where it listens nowhere."""
    until = time.monotonic() + _PATIENCE
    found: list[str] = []
    refused: list[str] = []
    while len(found) + len(refused) < len(net.listen) and time.monotonic() < until:
        session.wait_for_alert(200)
        for one in session.pop_alerts():
            if isinstance(one, lt.listen_failed_alert):
                refused.append(one.message())
            elif isinstance(one, lt.listen_succeeded_alert) and one.socket_type == lt.socket_type_t.tcp:
                found.append(f"[{one.address}]:{one.port}" if ":" in one.address else f"{one.address}:{one.port}")
    if not found:
        problem = f"nothing can listen there: {'; '.join(refused) or 'the system does not answer'}"
        raise UsageError(", ".join(net.listen), problem, "Close what listens there, or name another: --listen")
    return tuple(dict.fromkeys(found))


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
        "alert_mask": mask(lt) | (lt.alert.category_t.dht_notification if net.dht else 0),
        "alert_queue_size": 10_000,
    }
    if net.dht_nodes:
        found["dht_bootstrap_nodes"] = ",".join(net.dht_nodes)
    if all(_loopback(end) for end in net.listen):  # what guards against strangers would shut out this machine itself
        for name in ("restrict_routing_ips", "restrict_search_ips", "enforce_node_id", "prefer_verified_node_ids"):
            found[f"dht_{name}"] = False
        found["dht_ignore_dark_internet"] = False
    return found


def _end(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _loopback(end: str) -> bool:
    try:
        return ipaddress.ip_address(_end(end)[0]).is_loopback
    except ValueError:
        return False

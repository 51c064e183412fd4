"""The settings of the swarm, as giving and fetching need them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonolith.config import Settings
    from phonolith.releases.leech import Asked
    from phonolith.releases.session import Net


def net_of(settings: Settings) -> Net:
    """How peers find us, and what they get."""
    from phonolith.releases.session import Net

    return Net(
        settings.seed_listen,
        settings.seed_dht,
        settings.seed_dht_nodes,
        settings.seed_lsd,
        settings.seed_upnp,
        settings.seed_upload_limit * 1000,
        settings.seed_connections,
        settings.seed_peers,
    )


def asked_of(settings: Settings, patience: int | None = None) -> Asked:
    """How to fetch from peers; ``patience`` in seconds stands in for the setting."""
    from phonolith.releases.leech import Asked

    return Asked(settings.publish_trackers, settings.swarm_web_seeds, patience or settings.swarm_patience)


def settings_near(places: tuple[Path, ...], environment: Mapping[str, str]) -> Settings:
    """The settings of the first of these folders that is an archive; where none is, of the environment alone."""
    from phonolith.config import FILE_NAME, load, without_archive

    found = next((one for one in places if (one / FILE_NAME).is_file()), None)
    return load(found, environment) if found else without_archive(environment)

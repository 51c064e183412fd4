"""How a mirror meets the swarm: how many copies trackers know of, and what peers give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phonolith.releases.index import Offer
from phonolith.store.metainfo import Metainfo

if TYPE_CHECKING:
    from phonolith.config import Settings
    from phonolith.model.progress import Progress

_MOST_TRACKERS = 20  # that are asked; an archive names one or two
_SECONDS = 20.0  # for all of them to answer
_PATIENCE = 20.0  # seconds without a byte from peers, where there is a web seed
_TRIES = 2  # bundles of which peers gave nothing, until they are not asked again in this run


def known_copies(offers: Sequence[Offer], trackers: Sequence[str]) -> dict[str, int]:
    """How many copies of each bundle there are, as its trackers count; else as the other archive's seeder saw.

    Of those that are not in it nothing is known. ``trackers`` are asked beside those in the index.
    """
    from phonolith.releases.scrape import copies

    counted = Counter(tracker for one in offers for torrent in one.torrents for tracker in torrent.trackers)
    asked = frozenset(tracker for tracker, _ in counted.most_common(_MOST_TRACKERS))
    torrents = [
        _as_metainfo(one.name, link.v1, link.v2, asked & {*link.trackers}) for one in offers for link in one.torrents
    ]
    found = copies(torrents, trackers, seconds=_SECONDS) if asked or trackers else {}
    known = {}
    for one in offers:
        said = [found[name] for link in one.torrents for name in (link.v1, link.v2) if name in found]
        said += [one.copies] if one.copies is not None and not said else []
        if said:
            known[one.name] = max(said)
    return known


def _as_metainfo(name: str, v1: str, v2: str, trackers: frozenset[str]) -> Metainfo:
    """As much of a torrent as its trackers have to know."""
    return Metainfo(name, "", 0, (), None, None, (bytes.fromhex(v1), bytes.fromhex(v2)), (tuple(sorted(trackers)),))


@dataclass(slots=True)
class BySwarm:
    """Fetching from peers in one run; ``by`` as in :data:`phonolith.releases.following.ROADS`."""

    settings: Settings
    by: str
    tried: int = 0

    @property
    def useful(self) -> bool:
        """Whether peers are to be asked: always, where there is no other road; else as long as they give something."""
        return self.by == "swarm" or (self.by == "either" and self.tried < _TRIES and _installed())

    def fetch(self, torrent: bytes, files: Mapping[str, int], root: Path, progress: Progress) -> int:
        """Bring files into the bundle's folder ``root``, as far as peers give them; the bytes that came."""
        from phonolith.cli.net import net_of
        from phonolith.releases.by_swarm import fetch_by_swarm
        from phonolith.releases.leech import Asked

        settings = self.settings
        patience = float(settings.swarm_patience)
        asked = Asked(settings.publish_trackers, False, patience if self.by == "swarm" else min(patience, _PATIENCE))
        wanted = [f"{root.name}/{path}" for path in files]
        moved = fetch_by_swarm([torrent], root.parent, wanted, net_of(settings), asked=asked, progress=progress)
        if moved.problem:
            progress.say(f"  by swarm: {moved.problem}")
        self.tried = 0 if moved.bytes else self.tried + 1
        return moved.bytes


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("libtorrent") is not None

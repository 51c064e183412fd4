"""What is told of seeding: what happened, how each bundle goes, and where a running seeder writes it for others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phonolith.releases.offer import Offer
from phonolith.store.archive import Archive

STATUS = "status.json"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to tell; ``kind`` is offered, withheld, restored, dropped or trouble."""

    kind: str
    bundle: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Seeding:
    """A bundle in the swarm: ``uploaded`` and ``today`` in bytes, ``rate`` in bytes a second; whole ``copies``.

    ``trackers``: by the SHA-256 of each torrent that is given, those that count us among its peers.
    """

    offer: Offer
    peers: int
    rate: int
    uploaded: int
    today: int
    copies: int = 0
    trackers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def status_file(archive: Archive) -> Path:
    """Where a running seeder writes what it does, for whoever asks."""
    return archive.seed_status


def differences(before: Offer | None, now: Offer) -> Iterator[Happening]:
    """What is other in the second offer of a bundle than in the first."""
    name = now.bundle.name
    if before is None:
        yield Happening("offered", name, "", f"{len(now.places)} of {len(now.order)} files are given.")
    for path, why in now.withheld.items():
        if before is None or path not in before.withheld:
            yield Happening("withheld", name, path, why.reason)
    for path in now.places:
        if before is not None and path in before.withheld:
            yield Happening("restored", name, path, "It is given again.")


def told(one: Seeding) -> dict[str, Any]:
    """A bundle for programs."""
    bundle = one.offer.bundle
    return {
        "name": bundle.name,
        "files": len(one.offer.order),
        "given": len(one.offer.places),
        "size": bundle.size,
        "peers": one.peers,
        "rate": one.rate,
        "uploaded": one.uploaded,
        "today": one.today,
        "copies": one.copies,
        "trackers": one.trackers,
        "torrents": [{"kind": each.kind, "v1": each.v1, "v2": each.v2} for each in bundle.torrents],
        "withheld": [
            {"path": each.path, "sha256": each.sha256, "code": each.code, "reason": each.reason}
            for each in one.offer.withheld.values()
        ],
    }

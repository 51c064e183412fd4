"""The bundles that others are asked to mirror, known anew as soon as anything changed that it depends on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from phonolith.library.at_risk import AtRisk, Facts, at_risk, to_mirror
from phonolith.library.swarms import Standings

if TYPE_CHECKING:
    from phonolith.web.desk import Desk


class Risks:
    """What is at risk and can be mirrored, of the archive of one desk. Safe to use from any number of threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._stamp: tuple[object, ...] = ()
        self._found: Sequence[AtRisk] = ()
        self.standings = Standings(desk.archive.swarm_status)

    def all(self) -> Sequence[AtRisk]:
        """The bundles, fewest copies first."""
        desk, standings = self._desk, self.standings.all()
        library = desk.library_if_built
        generation = library.catalogue.generation if library else 0
        stamp = desk.overlay.decisions(), generation, desk.archive.observed(), standings
        with self._lock:
            if len(stamp) != len(self._stamp) or any(
                a is not b and a != b for a, b in zip(stamp, self._stamp, strict=True)
            ):
                self._found, self._stamp = self._looked_up(), stamp
            return self._found

    def _looked_up(self) -> Sequence[AtRisk]:
        desk = self._desk
        index = desk.offers.index()
        with desk.archive.damage() as damage:
            amiss = tuple(damage.amiss())
        facts = Facts(
            desk.library_if_built,
            desk.objects,
            desk.archive.changes,
            desk.archive.bundle_index,
            {name: index.bundles[name][1] for name in index.current},
            self.standings.all(),
            amiss,
            desk.offers.offered,
        )
        return to_mirror(facts, at_risk(facts))

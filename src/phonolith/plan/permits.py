"""What the gate says of tracks that are not held: asked once for each piece of evidence, alone where more is known.

A track whose evidence was attested, or restated by its source since the build, is asked about by itself; all others
stand on the row of evidence that the build gave them, of which there are few. What is hidden is never asked about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from phonolith.errors import NotFound
from phonolith.library.parts import rights
from phonolith.library.reading import Reading, as_evidence
from phonolith.library.views import Rights
from phonolith.model.rights import Decision, Use
from phonolith.rights import gate

#: The gate; tests put one of their own, to show that they would notice.
Gate = Callable[..., Decision]

_NOBODY = ("",)
_OF_RELEASES = "SELECT t.id FROM json_each(?) j CROSS JOIN track t ON t.release = j.value"
_HOMES = "SELECT t.id, t.release FROM json_each(?) j CROSS JOIN track t ON t.id = j.value"


@dataclass
class Permits:
    """The gate's answers for one reading of the library.

    ``alone`` are rows of tracks that have to be asked about by themselves.
    """

    reading: Reading
    decide: Gate = gate.decide
    alone: BitMap = field(init=False)
    _known: dict[Hashable, tuple[bool, bool]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        decisions = self.reading.decisions
        self.alone = _rows_of(self.reading, {*decisions.attested, *decisions.restated})

    def of(
        self, tracks: NDArray[np.uint32], evidence: NDArray[np.uint32]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For each track with its row of evidence (0: none): whether a copy may be held, and whether re-encoded."""
        found, at = np.unique(evidence, return_inverse=True)
        told = np.array([self._class(int(number)) for number in found], dtype=bool).reshape(-1, 2)
        answers = told[at]
        if self.alone:
            mine = np.fromiter((int(row) in self.alone for row in tracks), dtype=bool, count=len(tracks))
            for place in np.flatnonzero(mine):
                answers[place] = self.item(int(tracks[place]), int(evidence[place]))
        return answers[:, 0], answers[:, 1]

    def item(self, track: int, evidence: int) -> tuple[bool, bool]:
        """The same of one track by itself."""
        witnesses = self._witnesses(track)
        decisions = self.reading.decisions
        events = tuple(one.event for one in decisions.attestations(*witnesses))
        key = (evidence, events, *(decisions.restated.get(one) for one in witnesses))
        if key not in self._known:
            self._known[key] = self._ask(self._rights(evidence), witnesses)
        return self._known[key]

    def standing(self, track: int, evidence: int) -> Rights:
        """What a track stands on now."""
        return self.reading.current(self._rights(evidence), self._witnesses(track))

    def _witnesses(self, track: int) -> tuple[str, str]:
        (_, release), *_ = self.reading.rows(_HOMES, (json.dumps([track]),))
        snapshot = self.reading.snapshot
        return snapshot.public_id("track", track), snapshot.public_id("release", release)

    def _rights(self, evidence: int) -> Rights:
        number = evidence or None
        return rights(self.reading, [number])[number]

    def _class(self, evidence: int) -> tuple[bool, bool]:
        if evidence not in self._known:
            self._known[evidence] = self._ask(self._rights(evidence), _NOBODY)
        return self._known[evidence]

    def _ask(self, stands: Rights, witnesses: tuple[str, ...]) -> tuple[bool, bool]:
        """Holding is asked of what is not here, re-encoding of what will be: a copy that is held."""
        now = self.reading.current(stands, witnesses)

        def allowed(use: Use, held: bool) -> bool:
            asked = gate.Subject(as_evidence(now), (), held=held, limits=frozenset(now.limits))
            return self.decide(use, asked, policy=self.reading.policy, withdrawn={}).allowed

        hold = allowed(Use.HOLD, held=False)
        return hold, hold and allowed(Use.REENCODE, held=True)


def _rows_of(reading: Reading, identifiers: Iterable[str]) -> BitMap:
    """Rows of the tracks with these ids, and of those on the releases with these ids."""
    rows, releases = BitMap(), []
    for identifier in identifiers:
        try:
            kind, row = reading.snapshot.find(identifier)
        except NotFound:
            continue  # of something this build does not have
        if kind == "track":
            rows.add(row)
        elif kind == "release":
            releases.append(row)
    if releases:
        rows.update(row for (row,) in reading.rows(_OF_RELEASES, (json.dumps(releases),)))
    return rows

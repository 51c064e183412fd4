"""The overlay: what was withdrawn since the build, so that a takedown does not wait for one.

The register is looked at every few seconds; its decisions are folded once per new head. Against a build they become
sets of row numbers (Roaring bitmaps), which lists subtract and searches intersect with: that costs a list nothing per
row, where a TEMP view would cost a look-up. Programs that write SQL get the same sets as TEMP views (`install`).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import apsw
from pyroaring import BitMap

from phonolith.errors import NotFound, Withdrawn
from phonolith.library.catalogue import Snapshot
from phonolith.model.event import Event
from phonolith.rights.decisions import Decisions, Withdrawal
from phonolith.rights.evidence import Evidence

_LOOK_EVERY = 2.0  # seconds; a takedown is promised within 5, of which this leaves some for a busy machine
_DIGITS = 64  # of a SHA-256; a public id has 16 characters
_STATUS = {"law": 451, "owner": 410, "licence": 410}
_GROUND = {"law": "the law requires it", "owner": "its owner asked for it", "licence": "its licence does not allow it"}


class EventLog(Protocol):
    """What the overlay needs of the register."""

    def head(self) -> tuple[int, str]:
        """Number and digest of the last event."""

    def events(self, after: int = 0) -> Iterator[Event]:
        """Events with a higher number, in order."""


class Statements(Protocol):
    """What the overlay needs of the records that are newer than the build."""

    @property
    def mark(self) -> str:
        """Another text as soon as anything else is known."""

    def look(self) -> Mapping[str, Evidence]:
        """Evidence by public id; the very same mapping as long as nothing is new."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """Row numbers of one build that no list shows and no door gives out.

    A withdrawn release hides its tracks. A withdrawn artist hides whatever credits him, in any place of a credit.
    ``silenced`` are tracks that may be listed but whose bytes are withdrawn, or the same as those of a hidden one.
    """

    tracks: BitMap = field(default_factory=BitMap)
    releases: BitMap = field(default_factory=BitMap)
    artists: BitMap = field(default_factory=BitMap)
    silenced: BitMap = field(default_factory=BitMap)

    def of(self, kind: str) -> Collection[int]:
        """Those of a kind; labels are never hidden."""
        rows: Any = {"track": self.tracks, "release": self.releases, "artist": self.artists}.get(kind, _NOTHING)
        return cast("Collection[int]", rows)


_NOTHING = BitMap()


class Overlay:
    """Decisions in force, at most ``every`` seconds old.

    A register that cannot be read raises its error from here: nothing is shown while it is not known what was taken
    down. ``statements`` are what sources said since the build; None where there are no records beside the catalogue.
    """

    def __init__(
        self,
        register: EventLog,
        statements: Statements | None = None,
        *,
        every: float = _LOOK_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.register = register
        self._statements = statements
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._head = (0, "")
        self._decisions = Decisions()

    def decisions(self) -> Decisions:
        """The decisions in force."""
        with self._lock:
            now = self._clock()
            if now - self._looked >= self._every:
                self._read()
                self._hear()
                self._looked = now
            return self._decisions

    @property
    def heard(self) -> str:
        """Another text as soon as :meth:`decisions` knows anything else that sources said since the build."""
        return self._statements.mark if self._statements else ""

    def hidden(self, snapshot: Snapshot) -> Hidden:
        """What is hidden in this build."""
        return hidden_rows(snapshot, self.decisions().withdrawn)

    def _read(self) -> None:
        head = self.register.head()
        if head == self._head:
            return
        known = self._decisions
        if head[0] < known.head:  # another register was put in place
            known = Decisions()
        self._decisions = replace(known.then(self.register.events(known.head)), restated=self._decisions.restated)
        self._head = head

    def _hear(self) -> None:
        restated = self._statements.look() if self._statements else self._decisions.restated
        if restated is not self._decisions.restated:
            self._decisions = replace(self._decisions, restated=restated)


class NoEvents:
    """An empty register, for reading a catalogue that has none beside it."""

    def head(self) -> tuple[int, str]:
        """Nothing was ever decided."""
        return 0, ""

    def events(self, after: int = 0) -> Iterator[Event]:
        """No events."""
        return iter(())


def hidden_rows(snapshot: Snapshot, withdrawn: Mapping[str, Withdrawal]) -> Hidden:
    """The rows of this build that the withdrawals hide; computed once for as long as neither changes."""
    known = snapshot.memo.get("hidden")
    if known is not None and (known[0] is withdrawn or known[0].keys() == withdrawn.keys()):
        return known[1]  # type: ignore[no-any-return]  # the memo holds anything
    digests = [one for one in withdrawn if len(one) == _DIGITS]
    found: dict[str, tuple[str, int] | None] = snapshot.once("rows of withdrawals", dict)
    hidden = _expand(snapshot.db, _rows_of(snapshot, withdrawn.keys() - digests, found), digests)
    snapshot.memo["hidden"] = (withdrawn, hidden)
    return hidden


def reach(snapshot: Snapshot, names: Collection[str]) -> tuple[tuple[str, ...], int]:
    """Ids and digests that this build does not have, or cannot hide, and how many tracks the others would take down."""
    digests = [one for one in names if len(one) == _DIGITS]
    unknown = tuple(one for one in names if not _can_hide(snapshot, one))
    hidden = _expand(snapshot.db, _rows_of(snapshot, set(names) - set(digests)), digests)
    return unknown, len(hidden.tracks | hidden.silenced)


def check(reference: str, ids: Iterable[str], withdrawn: Mapping[str, Withdrawal]) -> None:
    """Raise Withdrawn if any of the ids is; the law goes before other grounds.

    ``ids`` are those a withdrawal could name: the item's own, its release's, its artists'.
    """
    found = [withdrawn[one] for one in ids if one in withdrawn]
    if found:
        reason = max(found, key=lambda one: (_STATUS.get(one.ground, 410), -one.event))
        words = _GROUND.get(reason.ground, "of a decision")
        problem = f"withdrawn because {words}: {reason.because} (event {reason.event}, {reason.time[:10]})"
        raise Withdrawn(reference, problem, status=_STATUS.get(reason.ground, 410), notice=reason.notice)


def install(db: apsw.Connection, hidden: Hidden) -> None:
    """Make the TEMP views ``servable`` (tracks), ``servable_release`` and ``servable_artist`` on a connection."""
    for kind, view in (("track", "servable"), ("release", "servable_release"), ("artist", "servable_artist")):
        db.execute(f"CREATE TEMP TABLE hidden_{kind} (id INTEGER PRIMARY KEY)")
        db.executemany(f"INSERT INTO temp.hidden_{kind} VALUES (?)", ((row,) for row in hidden.of(kind)))
        sql = f"SELECT * FROM main.{kind} WHERE id NOT IN (SELECT id FROM temp.hidden_{kind})"
        db.execute(f"CREATE TEMP VIEW {view} AS {sql}")


def _can_hide(snapshot: Snapshot, name: str) -> bool:
    if len(name) == _DIGITS:
        return bool(snapshot.db.execute("SELECT 1 FROM object WHERE sha256 = unhex(?)", (name,)).fetchone())
    try:
        return snapshot.find(name)[0] != "label"
    except NotFound:
        return False


def _rows_of(
    snapshot: Snapshot, ids: Iterable[str], known: dict[str, tuple[str, int] | None] | None = None
) -> dict[str, list[int]]:
    """Row numbers by kind of the ids that this build has; others belong to what is no longer or not yet in it.

    In ``known`` they are kept: a decision more must not cost a look-up of all that were withdrawn before.
    """
    rows: dict[str, list[int]] = {"track": [], "release": [], "artist": [], "label": []}
    known = {} if known is None else known
    for identifier in ids:
        if identifier not in known:
            known[identifier] = _found(snapshot, identifier)
        if (found := known[identifier]) is not None:
            rows[found[0]].append(found[1])
    return rows


def _found(snapshot: Snapshot, identifier: str) -> tuple[str, int] | None:
    try:
        return snapshot.find(identifier)
    except NotFound:
        return None


def _expand(db: apsw.Connection, rows: Mapping[str, list[int]], digests: list[str]) -> Hidden:
    hidden = Hidden(BitMap(rows["track"]), BitMap(rows["release"]), BitMap(rows["artist"]))
    for column, into in (("release", hidden.releases), ("track", hidden.tracks)):
        into.update(_each(db, _BY_ARTIST.format(table=column), rows["artist"]))
        into.update(_each(db, _BY_CREDIT.format(table=column), rows["artist"]))
    hidden.tracks.update(_each(db, _BY_RELEASE, list(hidden.releases)))
    hidden.silenced.update(_each(db, _SAME_BYTES, [row * 4 for row in hidden.tracks]))
    hidden.silenced.update(_each(db, _BY_DIGEST, digests))
    hidden.silenced.difference_update(hidden.tracks)
    return hidden


_BY_ARTIST = "SELECT x.id FROM json_each(?) j CROSS JOIN {table} x ON x.credit = j.value"
_BY_CREDIT = (
    "SELECT x.id FROM json_each(?) j CROSS JOIN credit c ON c.artist = j.value CROSS JOIN {table} x ON x.credit = -c.id"
)
_BY_RELEASE = "SELECT x.id FROM json_each(?) j CROSS JOIN track x ON x.release = j.value"

_SAME_BYTES = """
SELECT DISTINCT other.subject / 4 FROM json_each(?) j
CROSS JOIN file own ON own.subject = j.value AND own.object IS NOT NULL
CROSS JOIN file other ON other.object = own.object AND other.subject % 4 = 0"""


_BY_DIGEST = """
SELECT DISTINCT f.subject / 4 FROM json_each(?) j CROSS JOIN object o ON o.sha256 = unhex(j.value)
CROSS JOIN file f ON f.object = o.id AND f.subject % 4 = 0 AND f.role = 'audio'"""


def _each(db: apsw.Connection, sql: str, rows: list[int] | list[str]) -> Iterator[int]:
    found: Any
    for (found,) in db.execute(sql, (json.dumps(rows),)) if rows else ():
        yield found

"""What sources said about licences since the build, so that one that became stricter closes the door at once.

Nobody decides anything here, so the register says nothing of it: the lines of held/records are the only truth, and
what they mean is concluded from them again by whoever opens the library, until a build has read them. A crash can
lose nothing of it, and every process comes to the same.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from phonolith.errors import BadInput, NotFound
from phonolith.library.changes import read_until
from phonolith.model.ids import public_id
from phonolith.model.music import Description, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.model.record import Record
from phonolith.rights.evidence import Evidence, resolve
from phonolith.rights.stricter import INHERITED, is_open
from phonolith.sources.base import SETTINGS, Source, open_source, speaks_for
from phonolith.store.archive import Archive
from phonolith.store.history import History

_LOOK_AT_CLOCK = 64  # records
_GRACE = 30.0  # seconds: a new catalogue is opened within a few


class Restated:
    """Evidence by public id out of records newer than the build; safe to use from several threads.

    ``patience``: seconds that one look may take, None for as long as there is something to read. ``clock`` is
    monotonic, in seconds.
    """

    def __init__(
        self, archive: Archive, *, patience: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._archive = archive
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None  # of the build that reading began from
        self._noticed: float | None = None  # when a newer one was met
        self._built: Mapping[str, int] = {}  # lines that the catalogue knows, by source
        self._read: dict[str, int] = {}  # lines that need not be read any more, by source
        self._found: Mapping[str, Evidence] = {}
        self._mix = 0
        self._known: dict[Evidence, Evidence] = {}

    @property
    def mark(self) -> str:
        """Another text as soon as anything else is known: the same in every process that knows the same."""
        return f"{self._mix:032x}"

    def look(self) -> Mapping[str, Evidence]:
        """What is known now; the very same mapping as long as nothing is new. Raises Damaged, StorageError, Busy."""
        with self._lock, suppress(NotFound), self._archive.history() as history:
            self._begin_anew_after_a_build()
            until = None if self._patience is None else self._clock() + self._patience
            for name, lines in history.lines().items():
                if until is None or self._clock() < until:
                    self._read_on(history, name, lines, until)
        return self._found

    def _begin_anew_after_a_build(self) -> None:
        """Forget what the catalogue knows by now, once everybody here has had time to open the new one.

        Until then reading goes on where it was: what is known stays the last word, and harms no newer catalogue.
        """
        found, stamp = read_until(self._archive.changes)
        if stamp == self._stamp:
            return
        if self._stamp is not None and stamp:
            self._noticed = self._noticed if self._noticed is not None else self._clock()
            if self._clock() - self._noticed < _GRACE:
                return
            self._found, self._mix = {}, 0
        self._stamp, self._noticed, self._built, self._read = stamp, None, found, dict(found)

    def _read_on(self, history: History, name: str, lines: int, until: float | None) -> None:
        """Read the lines of a source that were not read yet, as far as there is time."""
        first = self._read.get(name, 0)
        if first >= lines:
            return
        first = max(first, _first_that_matters(history, name, self._built.get(name, 0), lines))
        source, fresh = _open(history, name), dict[str, Evidence]()
        for at, record in history.said(name, first, lines):
            fresh |= said_of(source, name, record) if source is not None else {}
            if until is not None and at % _LOOK_AT_CLOCK == 0 and self._clock() >= until:
                lines = at + 1
                break
        self._take(fresh)
        self._read[name] = lines

    def _take(self, fresh: Mapping[str, Evidence]) -> None:
        if not fresh:
            return
        found = dict(self._found)
        for name, evidence in fresh.items():
            before, now = (
                found.pop(name, None),
                None if is_open(evidence) else self._known.setdefault(evidence, evidence),
            )
            self._mix ^= _mark(name, before) ^ _mark(name, now)
            if now is not None:
                found[name] = now
        self._found = found


def said_of(source: Source, name: str, record: Record) -> dict[str, Evidence]:
    """What a record says of the licences of its tracks and releases, by public id; nothing if it cannot be read.

    A track without statements of its own has those of its release; where another record describes that, it is told as
    INHERITED.
    """
    if record.item == SETTINGS:
        return {}
    try:
        said: list[Description] = list(source.interpret(record))
    except BadInput:
        return {}
    spoken, found = speaks_for(source, name), dict[str, Evidence]()
    releases = {one.id: one for one in said if isinstance(one, ReleaseDescription)}
    for one in said:
        if isinstance(one, ReleaseDescription):
            found[public_id(spoken, one.id)] = _weighed(one.licences, record, by_others=False)
        elif isinstance(one, TrackDescription):
            found[public_id(spoken, one.id)] = _of_track(one, releases, record)
    return found


def _of_track(said: TrackDescription, releases: Mapping[str, ReleaseDescription], record: Record) -> Evidence:
    licences = said.licences
    if not licences and said.release:
        if said.release not in releases:
            return INHERITED
        licences = releases[said.release].licences
    return _weighed(licences, record, by_others=said.composition_by_others)


def _weighed(licences: Iterable[LicenceStatement], record: Record, *, by_others: bool) -> Evidence:
    found = resolve(tuple(licences), composition_by_others=by_others)
    since = f"Its source says so since {record.time[:10]}, and the catalogue is older."
    return replace(found, note=f"{found.note} {since}")


def _first_that_matters(history: History, source: str, built: int, lines: int) -> int:
    """The first line that can be about something known: harvests that brought new things alone are passed over.

    What was once gone and is there again counts as new, so nothing is passed over once anything was gone.
    """
    every = history.harvests(source)
    return next((one.first for one in every if one.gone or (one.changed and one.end > built)), lines)


def _open(history: History, name: str) -> Source | None:
    """The source of these records; None where it is not installed any more, or not told what it needs to know."""
    with suppress(NotFound, BadInput):
        settings = history.get(name, SETTINGS)
        return open_source(name, settings.payload if settings else None)
    return None


def _mark(name: str, evidence: Evidence | None) -> int:
    if evidence is None:
        return 0
    words = f"{name}\0{evidence}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(words).digest()[:16], "big")

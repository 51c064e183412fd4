"""Keeps the archive's list of withdrawals in step with its gate: what was published and is refused now stands on it.

The gate is asked about every published file again whenever a decision or the catalogue changed, bundles that new
decisions name before all others. A file is listed where any bundle that has it refuses it, bundles that were replaced
counting only for what no current one has. Of bundles of other archives only what was withdrawn counts, not what lacks
evidence here. Tag files are words about the music, and some are the same in all bundles: they are not listed.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from phonolith.errors import Busy, Damaged, NewerFormat, NotFound, PhonolithError
from phonolith.library.catalogue import Catalogue
from phonolith.library.offered import answers, contents
from phonolith.library.overlay import Overlay
from phonolith.library.publications import bundles, publications
from phonolith.library.reading import Library
from phonolith.library.restated import Restated
from phonolith.model.progress import Progress
from phonolith.model.publication import Bundle, Publication
from phonolith.releases.offer import mentions, named_since
from phonolith.releases.withdrawal_list import enter
from phonolith.rights.gate import GONE, LEGAL, Policy
from phonolith.store.archive import Archive
from phonolith.store.files import atomic_write
from phonolith.store.withdrawals import listed

_LOG = logging.getLogger("phonolith.withdrawals")
_EVERY = 5.0  # seconds between looks: a list is promised to follow within a minute
_AT_A_TIME = 5.0  # seconds of a look
_TRIES, _PAUSE = 100, 0.1  # of who waits for another process to write its lines


class _Refusal(NamedTuple):
    event: str
    ground: str


@dataclass(slots=True)
class _Round:
    """Going through everything published once, as decisions and catalogue were when it began."""

    stand: str
    heard: str
    waiting: deque[tuple[Bundle, bool, bool]]  # a bundle, whether it is our own, whether it is current
    several: bool  # whether some bundles are not current
    refused: dict[str, _Refusal] = field(default_factory=dict)
    fresh: dict[str, _Refusal] = field(default_factory=dict)  # not listed yet
    current: set[bytes] = field(default_factory=set)
    whole: bool = True


class Keeper:
    """Looks whether the list has to be changed, a few seconds at a time. Not for several threads."""

    def __init__(
        self,
        archive: Archive,
        policy: Policy,
        *,
        now: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._archive = archive
        self._policy = policy
        self._now = now
        self._clock = clock
        self._register = archive.register()
        self._objects = archive.objects()
        self._overlay = Overlay(self._register, Restated(archive), every=0)
        self._library: Library | None = None
        self._round: _Round | None = None

    def close(self) -> None:
        """Close what was opened."""
        if self._library is not None:
            self._library.catalogue.close()
        self._register.close()
        self._objects.close()

    def look(self, seconds: float = _AT_A_TIME) -> int | None:
        """Go on for so long; gives the number of lines that were added, None once the list is as the gate has it.

        Raises Busy while another process writes to the list, and what reading held/ raises; asked again, it goes on.
        """
        stand, heard = self._stand(), self._heard()
        if self._round is None or self._round.stand != stand:  # what is heard meanwhile is for a round of its own
            if (stand, heard) == self._in_step():
                return None
            self._round = self._begin(stand, heard)
        now, until = self._round, self._clock() + seconds
        while now.waiting:
            now.fresh |= self._put_to_gate(now, *now.waiting[0])
            now.waiting.popleft()
            if self._clock() >= until:
                break
        added = self._list(now.fresh)
        now.fresh.clear()
        if now.waiting:
            return added
        return added + self._finish(now)

    def _stand(self) -> str:
        """What the answers depend on, as one text: register, catalogue, policy."""
        seq, last = self._register.head()
        with suppress(OSError):
            found = self._archive.catalogue.stat()
            return repr((seq, last, found.st_ino, found.st_mtime_ns, found.st_size, self._policy))
        return repr((seq, last, self._policy))

    def _heard(self) -> str:
        """What the answers depend on besides: what sources said since the build, as one text."""
        self._overlay.decisions()
        return self._overlay.heard

    def _in_step(self) -> tuple[str, str]:
        """What the list was in step with last."""
        told = self._finished()
        return str(told.get("stand", "")), str(told.get("heard", ""))

    def _begin(self, stand: str, heard: str) -> _Round:
        if self._library is None:
            with suppress(NotFound, NewerFormat, Damaged):
                self._library = Library(Catalogue.open(self._archive.catalogue), self._overlay, self._policy)
        past = publications(self._register.events())
        named = frozenset(named_since(self._register, int(self._finished().get("event", 0))))
        waiting = sorted(_every(past), key=lambda one: self._urgency(one, named))
        return _Round(stand, heard, deque(waiting), any(not current for _, _, current in waiting))

    def _urgency(self, one: tuple[Bundle, bool, bool], named: frozenset[str]) -> int:
        bundle, _, current = one
        if not current:
            return 2  # last: what it has counts only where no current one has it
        return 0 if named and mentions(self._objects, bundle, named) else 1

    def _put_to_gate(self, now: _Round, bundle: Bundle, own: bool, current: bool) -> dict[str, _Refusal]:
        """What the gate refuses of a bundle and the list does not have yet."""
        decisions = self._overlay.decisions()
        try:
            inside = contents(self._objects, bundle)
        except PhonolithError:  # nothing of it is offered while its manifest is damaged, and that is no withdrawal
            now.whole = False
            return {}
        found = {}
        for path, answer in answers(self._library, decisions, inside, inside.payload, policy=self._policy).items():
            name = inside.files[path].sha256
            if current and now.several:
                now.current.add(bytes.fromhex(name))
            elif not current and bytes.fromhex(name) in now.current:
                continue
            if not answer.allowed and (own or answer.status in (GONE, LEGAL)):
                why = decisions.withdrawn.get(name)
                event = "expunged" if why is not None and why.expunged else "withdrawn"
                found[name] = _heavier(_Refusal(event, answer.ground or "licence"), now.refused.get(name))
        now.refused |= found
        return found

    def _finish(self, now: _Round) -> int:
        """Take back what is offered again, unless something changed meanwhile or could not be read."""
        added = 0
        if (now.stand, now.heard) == (self._stand(), self._heard()):
            known = listed(self._archive.withdrawals().read().lines) if now.whole else {}
            back = [name for name, one in known.items() if one.event == "withdrawn" and name not in now.refused]
            added = self._list({name: _Refusal("reinstated", known[name].ground) for name in back})
            told = {"stand": now.stand, "heard": now.heard, "event": self._overlay.decisions().head}
            atomic_write(self._state, json.dumps(told).encode())
        self._round = None
        return added

    def _list(self, changes: Mapping[str, _Refusal]) -> int:
        """Enter what the list does not say yet; gives the number of lines."""
        roots = {name: self._objects.passport(name) for name in changes}
        named = {name: passport.root.hex() for name, passport in roots.items() if passport and passport.root}
        return enter(self._archive, {name: (named[name], *changes[name]) for name in named}, self._now)

    def _finished(self) -> Mapping[str, Any]:
        """Of what the list was in step with last, in any process; nothing where that is not known."""
        try:
            found = json.loads(self._state.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("event"), int) else {}

    @property
    def _state(self) -> Path:
        return self._archive.state / "withdrawals.json"


def keep(archive: Archive, policy: Policy, *, now: Callable[[], str], progress: Progress | None = None) -> int:
    """Bring the list into step, however long it takes; gives the number of new lines. Raises what a look raises."""
    keeper, added, tries = Keeper(archive, policy, now=now), 0, 0
    if progress is not None:
        progress.start("Bringing the list of withdrawals into step", None, "lines")
    try:
        while True:
            try:
                found = keeper.look()
            except Busy:
                tries += 1
                if tries == _TRIES:
                    raise
                time.sleep(_PAUSE)
                continue
            if found is None:
                return added
            added += found
            if progress is not None:
                progress.advance(found)
    finally:
        keeper.close()
        if progress is not None:
            progress.finish()


def keep_running(
    archive: Archive, policy: Policy, stop: threading.Event, *, now: Callable[[], str], every: float = _EVERY
) -> None:
    """Keep the list in step until told to stop, unless another process does; trouble is told once and tried again."""
    said = ""
    while not stop.is_set():
        try:
            with archive.lock("keep", what="keeping the list of withdrawals"):
                keeper = Keeper(archive, policy, now=now)
                try:
                    while not stop.wait(every):
                        with suppress(Busy):
                            keeper.look()
                        said = ""
                finally:
                    keeper.close()
        except Busy:
            pass
        except PhonolithError as error:
            if str(error) != said:
                _LOG.warning("the list of withdrawals is not kept: %s", error)
            said = str(error)
        stop.wait(every)


def _every(past: Sequence[Publication]) -> Iterator[tuple[Bundle, bool, bool]]:
    """Every bundle that was ever published, whether it is our own, and whether no later one takes its place."""
    current = bundles(past)
    found = {one.name: (one, not publication.origin) for publication in past for one in publication.bundles}
    yield from ((one, own, name in current) for name, (one, own) in found.items())


def _heavier(one: _Refusal, other: _Refusal | None) -> _Refusal:
    """Of two refusals of one file the weightier."""
    found = [one, *([other] if other else [])]
    return max(found, key=lambda each: (each.event == "expunged", ("licence", "owner", "law").index(each.ground)))

"""Collects what witnesses, mirrors for example, signed about the heads of this archive's log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phonolith.errors import BadInput, NotFound, PhonolithError, UsageError
from phonolith.releases.witness import accept
from phonolith.store.archive import Archive
from phonolith.verifier import Countersignature, Unreadable, digest, read_countersignatures

if TYPE_CHECKING:
    from phonolith.releases.elsewhere import Read

_LARGEST = 4 << 20  # bytes: some 9,000 countersignatures
_EVERY = 3600.0  # seconds between two rounds while something runs for long


@dataclass(frozen=True, slots=True)
class Witness:
    """Who is asked for countersignatures: the address of an archive, and the key whose word counts."""

    url: str
    key: str

    @classmethod
    def of(cls, text: str) -> Witness:
        """A witness as the setting ``publish.witnesses`` writes it: address, ``#``, key."""
        url, _, key = text.rpartition("#")
        return cls(url.rstrip("/"), key)


@dataclass(frozen=True, slots=True)
class Collected:
    """What a witness had: how many countersignatures were new, and the time and the head's size of its last one.

    ``problem`` says why there was none to be had, "" where all is well; ``size`` is 0 and ``time`` "" where it signed
    about no head of this log yet.
    """

    witness: Witness
    new: int = 0
    size: int = 0
    time: str = ""
    problem: str = ""


def collect(archive: Archive, witnesses: Sequence[Witness], get: Read) -> list[Collected]:
    """Ask each witness for what it signed about this log, and keep what is new, by its own key and about our heads.

    What goes wrong with one is told and keeps no other from being asked. Raises Damaged, StorageError where this
    archive's own log cannot be read.
    """
    heads = archive.log().heads()
    return [_from(archive, one, heads[0].log, get) for one in witnesses] if heads else []


@contextmanager
def collecting(
    ask: Callable[[], object], *, every: float = _EVERY, wait: Callable[[threading.Event, float], bool] | None = None
) -> Iterator[None]:
    """Ask beside whatever is done in the block, at once and again and again, so that slow witnesses hold up nothing.

    What ``ask`` raises of ours is left for the next round. ``wait`` waits for the event or so many seconds.
    """
    stop, wait = threading.Event(), wait or threading.Event.wait

    def run() -> None:
        while not stop.is_set():
            _ask(ask)
            if wait(stop, every):
                break

    thread = threading.Thread(target=run, name="phonolith-collect", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(1)  # a request that is under way for longer ends with the process


def _ask(ask: Callable[[], object]) -> None:
    try:
        ask()
    except PhonolithError:
        return


def _from(archive: Archive, witness: Witness, name: str, get: Read) -> Collected:
    try:
        made = _fetched(get, f"{witness.url}/log/countersignatures/{name}")
        ours = [one for one in made if one.key == witness.key]
        if made and not ours:
            return Collected(witness, problem=f"what it signed is by key {made[-1].key}, not by {witness.key}")
        return _accepted(archive, witness, ours)
    except NotFound:
        return Collected(witness, problem="it has signed nothing about this log yet")
    except PhonolithError as error:
        return Collected(witness, problem=error.problem)


def _accepted(archive: Archive, witness: Witness, made: Sequence[Countersignature]) -> Collected:
    """Keep the first word about each head that is not kept yet."""
    log = archive.log()
    sizes = {digest(head): head.size for head in log.heads()}
    kept = {one.head: one for one in log.countersignatures() if one.key == witness.key}
    before, problem = len(kept), ""
    for one in made:
        if one.head not in kept:
            try:
                accept(archive, one)
            except (BadInput, UsageError) as error:
                problem = error.problem
            else:
                kept[one.head] = one
    last = max(kept.values(), key=lambda one: one.time, default=None)
    size, time = (sizes[last.head], last.time) if last else (0, "")
    return Collected(witness, len(kept) - before, size, time, problem)


def _fetched(get: Read, url: str) -> list[Countersignature]:
    try:
        return read_countersignatures(get(url, _LARGEST))
    except Unreadable as error:
        raise BadInput(url, f"it answers with something else ({error})") from error

"""Reads held bytes again, on a rolling schedule: everything once in a period, the least recently read first."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from phonolith.errors import Interrupted, PhonolithError
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.store.amiss import absent, found_amiss, observed, path_of
from phonolith.store.archive import Archive
from phonolith.store.damage import FIXITY, RUN, KnownDamage
from phonolith.store.fixity import (
    DAMAGED,
    GONE,
    SOUND,
    UNREADABLE,
    Expected,
    Look,
    Order,
    Pace,
    Reading,
    judged,
    look,
    read_batch,
)
from phonolith.store.ledger import Ledger
from phonolith.store.observations import Observations
from phonolith.store.passport import BLOCK, LARGE_PIECE, SMALL_PIECE
from phonolith.store.schedule import SEGMENTS, Due, Item, Schedule
from phonolith.store.segments import Segment
from phonolith.store.volumes import Volume
from phonolith.store.workers import Workers

TOOL = "phonolith"

#: About how long threads wait for the interpreter's lock, in seconds a file and a byte of a passport. Processes take
#: half a second to start, so they are worth it where threads would wait for longer.
_LOCKED_A_FILE = 60e-6
_LOCKED_A_BYTE = 0.5e-9
_WORTH_PROCESSES = 0.5
_BATCH_BYTES = 8 << 20
_BATCH_ITEMS = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run is to do: read what was not read since ``cutoff``, or ``everything``, for at most ``seconds``.

    ``whole`` compares every column of the ledger's rows too, not only the SHA-256. ``threads`` files are read at once.
    """

    cutoff: str
    everything: bool = False
    seconds: float | None = None
    whole: bool = False
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Store:
    """What a run reads and writes; all of it is opened and closed by the caller. ``folder`` is held/records."""

    ledger: Ledger
    schedule: Schedule
    observations: Observations
    damage: KnownDamage
    volumes: tuple[Volume, ...]
    folder: Path
    segments: tuple[Item, ...]


@dataclass(slots=True)
class Report:
    """What a run did. ``results`` counts places and segments by result, ``size`` is bytes read in ``seconds``."""

    began: str
    ended: str = ""
    seconds: float = 0.0
    size: int = 0
    results: dict[str, int] = field(default_factory=lambda: dict.fromkeys((SOUND, DAMAGED, UNREADABLE, GONE), 0))
    findings: list[Finding] = field(default_factory=list)
    left: int = 0
    left_size: int = 0
    never: int = 0
    oldest: str = ""
    goes_on_from: str = ""
    stopped: bool = False

    @property
    def checked(self) -> int:
        """Places and segments that were looked at."""
        return sum(self.results.values())


@contextlib.contextmanager
def opened(archive: Archive) -> Iterator[Store]:
    """What a run needs of an archive, for the duration of a ``with`` block."""
    segments = sealed(archive)
    with (
        archive.schedule() as schedule,
        archive.observations() as observations,
        archive.damage() as damage,
        archive.ledger() as ledger,
    ):
        yield Store(ledger, schedule, observations, damage, archive.volumes, archive.held / "records", segments)


def sealed(archive: Archive) -> tuple[Item, ...]:
    """Every sealed file of records."""
    with archive.records() as records:
        return tuple(_segment(archive.held / "records", one) for one in records.segments())


def _segment(folder: Path, segment: Segment) -> Item:
    path = segment.path.relative_to(folder)
    size = segment.path.stat().st_size if segment.path.is_file() else 0
    return Item(segment.sha256, size, SEGMENTS, os.fsencode(path))


def reread(store: Store, wish: Wish, pace: Pace, progress: Progress, *, now: Callable[[], str], version: str) -> Report:
    """Read what is due. Nothing held is changed; what is found becomes findings and observations.

    A kill costs the objects in hand. Ctrl-C ends it early and in order, then KeyboardInterrupt goes on. Raises
    StorageError where not even the schedule can be opened for writing.
    """
    return _Run(store, wish, pace, progress, now, version).run()


class _Run:
    """One run: threads take items from one plan and enter what they saw, each after each file."""

    def __init__(
        self, store: Store, wish: Wish, pace: Pace, progress: Progress, now: Callable[[], str], version: str
    ) -> None:
        self._store = store
        self._wish = wish
        self._pace = pace
        self._progress = progress
        self._now = now
        self._version = version
        self._lock = threading.Lock()
        self._amiss: list[tuple[Item, Look]] = []
        self._volumes = {volume.name: volume for volume in store.volumes}
        self._absent: dict[str, int] = {name: 0 for name, volume in self._volumes.items() if not volume.present}
        self._said = store.damage.last_words()
        self._trouble: PhonolithError | None = None
        self._report = Report(now())
        self._deadline: float | None = None
        self._number = 0
        self._in_hand: dict[int, Item] = {}  # what worker processes read
        self._plan: Iterator[Item] = iter(())

    def run(self) -> Report:
        schedule, wish, report = self._store.schedule, self._wish, self._report
        began = self._pace.clock()
        if wish.seconds is not None:
            self._deadline = began + wish.seconds
        schedule.recover()
        for number in schedule.killed():
            self._observe_run(number, finished=False)
        report.goes_on_from = schedule.unfinished_since() if wish.everything else ""
        self._number, due = schedule.begin(report.began, everything=wish.everything)
        if not wish.everything:
            due = Due(wish.cutoff, due.before)
        count, size = schedule.amount(due, self._store.segments)
        self._progress.start("Reading", size, "bytes")
        self._plan = schedule.due(due, self._store.segments)
        seconds_locked = count * _LOCKED_A_FILE + (size * _LOCKED_A_BYTE if wish.whole else 0)
        try:
            if wish.threads > 1 and seconds_locked > _WORTH_PROCESSES:
                self._read_all_in_processes()
            else:
                self._read_all()
        finally:
            self._progress.finish()
            report.seconds = self._pace.clock() - began
            self._close(due)
        return report

    def _read_all(self) -> None:
        """Let threads read; a person's Ctrl-C stops them at their next chunk."""
        with ThreadPoolExecutor(self._wish.threads, "verify") as pool:
            try:
                for done in [pool.submit(self._work) for _ in range(self._wish.threads)]:
                    done.result()
            except BaseException:
                self._report.stopped = True
                self._pace.stop()
                raise

    def _read_all_in_processes(self) -> None:
        """The same by processes: they read and hash, and what they saw is judged and entered here."""
        try:
            with Workers(self._wish.threads, "verify", processes=True) as workers:
                workers.run(partial(read_batch, self._pace.share), self._batches(), self._enter_batch)
        except Interrupted:
            pass
        except PhonolithError as error:
            self._trouble = error
        except BaseException:
            self._report.stopped = True
            self._pace.stop()
            raise

    def _batches(self) -> Iterator[list[Order]]:
        """What a worker takes at a time: little enough that a deadline and a kill cost little."""
        orders: list[Order] = []
        size = 0
        for number in itertools.count():
            item = self._next()
            if item is None:
                break
            wanted = self._expected(item)
            self._in_hand[number] = item
            orders.append(Order(number, self._path(item), wanted.size, wanted.whole, wanted.follow))
            size += item.size
            if size >= _BATCH_BYTES or len(orders) >= _BATCH_ITEMS:
                yield orders
                orders, size = [], 0
        if orders:
            yield orders

    def _enter_batch(self, orders: Sequence[Order], readings: Sequence[Reading | Look]) -> None:
        for one, reading in zip(orders, readings, strict=True):
            item = self._in_hand.pop(one.number)
            self._enter(item, judged(one.path, self._expected(item), self._pace, reading))

    def _work(self) -> None:
        """Read item after item until none is left or the time is up."""
        try:
            while (item := self._next()) is not None:
                self._check(item)
        except Interrupted:
            pass
        except PhonolithError as error:  # the schedule or the observations cannot be written: what was found is told
            with self._lock:
                self._trouble = self._trouble or error
            self._pace.stop()

    def _next(self) -> Item | None:
        with self._lock:
            if self._pace.stopped:
                return None
            if self._deadline is not None and self._pace.clock() >= self._deadline:
                self._report.stopped = True
                return None
            for item in self._plan:
                if item.volume not in self._absent and (item.volume in self._volumes or item.volume in ("", SEGMENTS)):
                    return item
                self._skip(item)
            return None

    def _skip(self, item: Item) -> None:
        """Leave out what lies on a disk that is not there; it stays due."""
        self._absent[item.volume] = self._absent.get(item.volume, 0) + 1
        self._progress.advance(item.size)

    def _check(self, item: Item) -> None:
        self._enter(item, look(self._path(item), self._expected(item), self._pace))

    def _enter(self, item: Item, seen: Look) -> None:
        """Write down what was seen of an item."""
        if seen.result == GONE and not self._is_mounted(item):
            with self._lock:
                self._skip(item)
            return
        self._observe(item, seen)
        self._store.schedule.record(item, self._now(), seen.result, self._number)
        with self._lock:
            self._report.results[seen.result] += 1
            self._report.size += seen.read
            if seen.result != SOUND or seen.row:
                self._amiss.append((item, seen))
            self._progress.advance(item.size)

    def _expected(self, item: Item) -> Expected:
        if item.volume == SEGMENTS:
            return Expected(item.sha256, None, lambda: None)
        # A root that `ledger check` cannot prove, since there is no layer, is proved here. Such files have one piece.
        whole = self._wish.whole or BLOCK < item.size <= SMALL_PIECE or item.size == LARGE_PIECE
        passport = lambda: self._store.ledger.passport(item.sha256)  # noqa: E731
        return Expected(item.sha256, item.size, passport, whole, follow=not item.volume)

    def _path(self, item: Item) -> str:
        return path_of(item, self._volumes, self._store.folder)

    def _is_mounted(self, item: Item) -> bool:
        return item.volume in ("", SEGMENTS) or self._volumes[item.volume].present

    def _observe(self, item: Item, seen: Look) -> None:
        """Write down what is amiss, and what no longer is; what was said before in the same words is not said again."""
        key = (item.sha256, item.volume, item.path)
        before = self._said.get(key)
        if seen.result == SOUND and not seen.row and before is None:
            return
        value = observed(item, seen)
        if before is not None and before[1] == value:
            return
        now = self._now()
        self._store.observations.add(item.sha256.hex(), FIXITY, TOOL, self._version, now, value)
        self._said[key] = (now, value)

    def _close(self, due: Due) -> None:
        """Tell of the run, in held/ and to the caller; what cannot be written is a finding among the others."""
        report, schedule, segments = self._report, self._store.schedule, self._store.segments
        report.ended = self._now()
        try:
            self._observe_run(self._number, finished=not (report.stopped or self._trouble))
        except PhonolithError as error:
            self._trouble = self._trouble or error
        report.left, report.left_size = schedule.amount(due, segments)
        report.never, report.oldest = schedule.never(segments), schedule.oldest()
        report.findings += found_amiss(self._amiss, self._store.ledger, schedule, self._volumes, self._store.folder)
        report.findings += [
            absent(name, self._volumes.get(name), count) for name, count in self._absent.items() if count
        ]
        if self._trouble is not None:
            report.stopped = True
            one = self._trouble
            report.findings.append(Finding("verify.stopped", one.subject, one.problem, one.remedy, "error"))

    def _observe_run(self, number: int, *, finished: bool) -> None:
        """One observation of all that a run read, then its end in the schedule. A run that was killed has it later."""
        schedule = self._store.schedule
        schedule.settle()
        done = schedule.summary(number)
        if done.items:
            value = {"began": done.began, "ended": done.ended, "items": done.items, "bytes": done.size}
            value |= {"results": done.results, "list": done.digest, "finished": finished}
            self._store.observations.add(done.digest, RUN, TOOL, self._version, done.ended, value)
        schedule.end(number, done.ended, finished=finished)

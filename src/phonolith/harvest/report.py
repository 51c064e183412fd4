"""What a harvest did: the numbers and findings that every kind of harvest answers with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

from phonolith.model.finding import Finding
from phonolith.model.record import Record
from phonolith.store.records import RecordStore

_MOST_OF_A_CODE = 200
_BATCH = 4_096
_GONE = 65_536


@dataclass
class HarvestReport:
    """Records that are ``new``, ``changed``, ``unchanged`` or ``gone``, and what was found wrong on the way.

    ``bytes_needed`` is what was to be adopted at the start, ``bytes_adopted`` what was, ``objects`` how many files
    became objects. ``waiting``: what a harvest that stopped at its limit left to ask. Of findings with the same code
    the first 200 are kept; :attr:`left_out` counts the others by code.
    """

    source: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    objects: int = 0
    bytes_needed: int = 0
    bytes_adopted: int = 0
    waiting: int = 0
    findings: list[Finding] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict, repr=False)

    def found(self, code: str, subject: str, problem: str, remedy: str = "", severity: str = "warning") -> None:
        """Add a finding, by its words."""
        self.add(Finding(code, subject, problem, remedy, severity))

    def add(self, finding: Finding) -> None:
        """Add a finding."""
        code = finding.code
        self._counts[code] = self._counts.get(code, 0) + 1
        if self._counts[code] <= _MOST_OF_A_CODE:
            self.findings.append(finding)
        else:
            self.left_out[code] = self.left_out.get(code, 0) + 1

    @property
    def total(self) -> int:
        """Records that are there now."""
        return self.new + self.changed + self.unchanged


class Writer:
    """Stores records in batches and counts what became of them.

    ``first`` is done before each batch: what makes durable the bytes that its records name.
    """

    def __init__(
        self,
        store: RecordStore,
        report: HarvestReport,
        batch: int = _BATCH,
        first: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._report = report
        self._batch = batch
        self._first = first
        self._waiting: list[Record] = []

    def add(self, record: Record) -> None:
        """Store the record with the next batch."""
        self._waiting.append(record)
        if len(self._waiting) >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Store what waits. After it those records are durable."""
        waiting, self._waiting = self._waiting, []
        self._first()
        if not waiting:
            return
        stored = self._store.put_many(waiting)
        self._report.new += stored.new
        self._report.changed += stored.changed
        self._report.unchanged += len(waiting) - sum(stored)


def mark_gone(
    store: RecordStore, report: HarvestReport, source: str, seen: Container[str], time: str, keep: Sequence[str] = ()
) -> None:
    """Note as gone what the source had and this complete run did not see; items that begin like ``keep`` stay."""
    kept = tuple(keep)
    gone = (
        head.item
        for head in store.heads(source)
        if head.item not in seen and not head.validator.startswith("moved:") and not head.item.startswith(kept)
    )
    while some := list(itertools.islice(gone, _GONE)):
        report.gone += store.gone(source, some, time)

"""Phase 1: records to staged rows, in worker processes that share nothing but the folder they write into."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from phonolith.catalogue.describe import Stager
from phonolith.catalogue.parts import Parts
from phonolith.catalogue.staging_writer import Writer
from phonolith.errors import BadInput, StorageError
from phonolith.model.finding import Finding
from phonolith.model.music import Description
from phonolith.model.progress import Progress
from phonolith.model.record import Record
from phonolith.rights.decisions import Decisions
from phonolith.sources.base import ReadsMany, Source, open_source, speaks_for
from phonolith.store.files import storage_errors
from phonolith.store.segments import Shard

_SHARES_A_WORKER = 12  # so that progress moves and a slow share does not keep the others waiting
_FINDINGS_AT_MOST = 100


@dataclass(frozen=True)
class Plan:
    """What every worker is told: where to write, each source's number and settings record, the decisions in force.

    ``on`` is the day by which the public domain is decided.
    """

    folder: Path
    sources: Mapping[str, tuple[int, bytes | None]]
    decisions: Decisions
    on: date = date.min


@dataclass
class Interpreted:
    """What the phase did: numbers of records and descriptions, and records that could not be read."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Interpreted) -> None:
        """Take in the result of one share."""
        self.counts.update(other.counts)
        self.findings += other.findings[: _FINDINGS_AT_MOST - len(self.findings)]

    def unread(self, records: int, error: BadInput) -> None:
        """Note that this many records could not be read."""
        self.counts["records not understood"] += records
        if len(self.findings) < _FINDINGS_AT_MOST:
            self.findings.append(Finding("record.unreadable", error.subject, error.problem, error.remedy))


def shares_for(workers: int) -> int:
    """How many shares the records are to be cut into for this many workers."""
    return max(1, workers) * _SHARES_A_WORKER


def interpret(plan: Plan, shards: Sequence[Shard], total: int, *, workers: int, progress: Progress) -> Interpreted:
    """Interpret all shards into ``plan.folder``. The rows do not depend on ``workers`` or on the cut into shards."""
    whole = Interpreted()
    progress.start("Interpreting records", total, "records")
    for part in _results(plan, shards, workers):
        whole.add(part)
        progress.advance(part.counts["records"])
    progress.finish()
    return whole


def _results(plan: Plan, shards: Sequence[Shard], workers: int) -> Iterator[Interpreted]:
    if workers <= 1 or len(shards) < 2:
        for number, shard in enumerate(shards):
            yield interpret_shard(plan, number, shard)
        return
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(plan,)) as pool:
        try:
            for done in as_completed([pool.submit(_work, number, shard) for number, shard in enumerate(shards)]):
                yield done.result()
        except BrokenProcessPool as error:
            raise StorageError(
                "build", "a worker process was killed", "Free memory, or build with fewer workers"
            ) from (error)
        finally:
            pool.shutdown(cancel_futures=True)


_plan: Plan | None = None  # of this worker process


def _prepare(plan: Plan) -> None:
    global _plan  # a pool's initializer has no other way to hand over
    _plan = plan
    # Descriptions and rows refer to nothing that refers back, so there are no cycles to look for; looking for them all
    # the same took a fourteenth of the phase.
    gc.disable()


def _work(number: int, shard: Shard) -> Interpreted:
    assert _plan is not None
    try:
        return interpret_shard(_plan, number, shard)
    finally:
        gc.collect()  # a stager and its parts know each other, and remember a hundred thousand names


def interpret_shard(plan: Plan, number: int, shard: Shard) -> Interpreted:
    """Interpret one shard into files of its own. A record that cannot be read becomes a finding."""
    result = Interpreted()
    open_sources: dict[str, tuple[Source, Stager]] = {}
    with storage_errors(plan.folder), Writer(plan.folder, str(number)) as writer:
        for batch in shard.batches():
            result.counts["records"] += len(batch)
            for name, run in groupby(batch, key=attrgetter("source")):
                records = list(run)
                try:
                    if name not in open_sources:
                        open_sources[name] = _open(plan, writer, name, result.counts)
                    source, stager = open_sources[name]
                    stager.add(_described(source, records, result))
                except BadInput as error:
                    result.unread(len(records), error)
    return result


def _described(source: Source, records: Sequence[Record], result: Interpreted) -> Sequence[Description]:
    """What many records say: at once where the source can do so and all can be read, else one by one."""
    if isinstance(source, ReadsMany):
        with contextlib.suppress(BadInput):
            return source.interpret_many(records)
    said: list[Description] = []
    for record in records:
        try:
            said += source.interpret(record)
        except BadInput as error:
            result.unread(1, error)
    return said


def _open(plan: Plan, writer: Writer, name: str, counts: Counter[str]) -> tuple[Source, Stager]:
    number, settings = plan.sources[name]
    source = open_source(name, settings)
    return source, Stager(Parts(writer, number, speaks_for(source, name), counts, on=plan.on), plan.decisions)

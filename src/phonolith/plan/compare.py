"""Compares what a work list predicted with what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phonolith.model.progress import Progress
from phonolith.plan.learned import Comparison, Group
from phonolith.plan.sizes import sampled
from phonolith.sources.payloads import collection_of, read
from phonolith.store import worklist
from phonolith.store.records import RecordStore


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison, and the same by source and codec: items, bytes expected, bytes that came, items inside."""

    whole: Comparison
    by_group: Mapping[tuple[str, str], tuple[int, int, int, int]]

    @property
    def bias(self) -> float | None:
        """By what share more came than was expected; None where nothing came."""
        return self.whole.came / self.whole.bytes[1] - 1 if self.whole.bytes[1] else None

    @property
    def coverage(self) -> float | None:
        """The share of items inside their interval."""
        return self.whole.inside / self.whole.items if self.whole.items else None


def compare(store: RecordStore, path: Path, progress: Progress, now: str) -> Compared:
    """Read a list again beside the records of what was fetched. Raises BadInput, StorageError."""
    _, end = worklist.check(path)
    progress.start("Comparing with what came", end.items, "items")
    came = _came(store)
    totals, inside, count = np.zeros(3), 0, 0
    groups: dict[tuple[str, str], list[int]] = {}
    rates: list[tuple[str, str, int, float, float]] = []
    for line in worklist.lines(path):
        progress.advance(1)
        size = came.get(line.address) if line.tier != worklist.COPY else None
        if size is None:
            continue
        hit = line.bytes[0] <= size <= line.bytes[2]
        totals += line.bytes
        count, inside = count + 1, inside + hit
        group = groups.setdefault((line.source, line.kind), [0, 0, 0, 0])
        for at, value in enumerate((1, line.bytes[1], size, int(hit))):
            group[at] += value
        if line.ms > 1000 and size:
            rate = size * 1000 / line.ms
            source = "" if line.tier == worklist.ACCESS else line.source
            rates.append((source, line.kind, 1, rate, rate * rate))
    progress.finish()
    told = tuple(Group(source, codec, one) for (source, codec), one in sorted(sampled(rates).items()))
    low, mid, high = (round(float(one)) for one in totals)
    sizes = sum(group[2] for group in groups.values())
    whole = Comparison(now, end.sha256, end.items, count, (low, mid, high), sizes, inside, told)
    return Compared(whole, {key: (one[0], one[1], one[2], one[3]) for key, one in sorted(groups.items())})


def _came(store: RecordStore) -> dict[str, int]:
    """Bytes that are held by the address that gave them."""
    return dict(_fetched(store))


def _fetched(store: RecordStore) -> Iterator[tuple[str, int]]:
    names = [name for name in store.sources() if collection_of(name)]
    for record in store.scan(names) if names else ():
        yield record.item, read(record).size

"""Steps of a plan, sorted by value per byte outside of memory: sorted runs on disk, merged block by block.

A step is one thing that bytes could be spent on: an item in a tier, or the way from its access copy to its original.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from phonolith.store.files import storage_errors

#: One step. ``size`` is what the budget is charged (the upper bound by the error common to a group), ``mean`` what is
#: expected and ``variance`` the file's own. ``base`` is the mean of the access copy that a step up replaces.
STEP = np.dtype(
    [
        ("density", "f8"),
        ("value", "f8"),
        ("listens", "f8"),
        ("size", "f8"),
        ("mean", "f8"),
        ("variance", "f4"),
        ("base", "f4"),
        ("popularity", "f4"),
        ("track", "u4"),
        ("source", "u2"),
        ("way", "u1"),
    ],
    align=True,
)
Steps = NDArray[np.void]

#: Ways to spend: an access copy, an original at once, an original in place of an access copy, a copy of what is held.
ACCESS, ORIGINAL, UP, COPY = range(4)

_RUN = 1 << 20  # steps sorted at once: 64 MB, and as much again while they are sorted
_BLOCK = 1 << 15  # steps of each run that are looked at while merging


class Runs:
    """Steps that are added in any order and read in that of value per byte, best first; equals as they were added.

    ``folder`` is where the runs lie, in a folder that is removed in the end. Use as a context manager.
    """

    def __init__(self, folder: Path, *, run: int = _RUN, block: int = _BLOCK) -> None:
        self._kept = tempfile.TemporaryDirectory(prefix=".plan-", dir=folder)
        self._run, self._block = run, block
        self._waiting: list[Steps] = []
        self._count = 0
        self._runs: list[tuple[Path, int]] = []

    def __enter__(self) -> Runs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.cleanup()

    def add(self, steps: Steps) -> None:
        """Add some. Raises StorageError."""
        self._waiting.append(steps)
        self._count += len(steps)
        if self._count >= self._run:
            self._write()

    def merged(self) -> Iterator[Steps]:
        """All of them, in order, in blocks; any number of times. Raises StorageError."""
        if not self._runs:  # they fit in memory
            whole = _ordered(self._waiting)
            yield from (whole[at : at + self._run] for at in range(0, len(whole), self._run))
            return
        if self._waiting:
            self._write()
        yield from _merge([np.memmap(path, STEP, "r", shape=(count,)) for path, count in self._runs], self._block)

    def _write(self) -> None:
        path = Path(self._kept.name) / str(len(self._runs))
        steps = _ordered(self._waiting)
        self._waiting, self._count = [], 0
        with storage_errors(path), path.open("wb") as file:
            file.write(steps.data)
        self._runs.append((path, len(steps)))


def _ordered(steps: list[Steps]) -> Steps:
    whole = np.concatenate(steps) if steps else np.empty(0, STEP)
    ordered: Steps = whole.take(np.argsort(-whole["density"], kind="stable"))
    return ordered


def _merge(runs: list[Steps], block: int) -> Iterator[Steps]:
    """Blocks of sorted runs: each time all that is not below the best of what the runs would give next."""
    heads = [0] * len(runs)
    while any(at < len(run) for at, run in zip(heads, runs, strict=True)):
        ends = [min(at + block, len(run)) for at, run in zip(heads, runs, strict=True)]
        # Below the last looked at of a run that goes on, that run may have something better.
        more = [float(run["density"][end - 1]) for end, run in zip(ends, runs, strict=True) if end < len(run)]
        floor = max(more, default=-np.inf)
        parts = []
        for number, (at, end, run) in enumerate(zip(heads, ends, runs, strict=True)):
            looked = np.asarray(run[at:end])
            # Equals of an earlier run come first, so those at the floor wait until there is nothing better.
            taken = int(np.searchsorted(-looked["density"], -floor, side="left"))
            parts.append(looked[:taken])
            heads[number] = at + taken
        found = _ordered(parts)
        if not len(found):  # all that is looked at is equal: take the equals run by run, in order
            yield from _equals(runs, heads, floor)
            continue
        yield found


def _equals(runs: list[Steps], heads: list[int], density: float) -> Iterator[Steps]:
    """What has just this value per byte, of each run in turn."""
    for number, run in enumerate(runs):
        at = heads[number]
        while at < len(run):
            looked = np.asarray(run[at : at + _BLOCK])
            taken = int(np.searchsorted(-looked["density"], -density, side="right"))
            if taken:
                yield looked[:taken]
            at += taken
            if taken < len(looked):
                break
        heads[number] = at

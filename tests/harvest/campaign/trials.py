"""Draws trials by a seed, and makes them one after the other."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.harvest.campaign.faults import GROUPS, NAMES, SYNCS, WRITES
from tests.harvest.campaign.ground import STAGES, Ground
from tests.harvest.campaign.trial import Attempt, Outcome, Trial

#: Kinds of faults, each with the groups of moments that it may strike; "": the moment is not chosen by calls.
KINDS = {
    "kill": (*WRITES, *SYNCS, *NAMES),
    "torn": WRITES,
    "full": (*WRITES, "create"),
    "full disk": ("",),
    "io": GROUPS,
}
#: Of ten faults so many are of each kind, in this order; of ten cuts likewise.
FAULTS = ("kill", "torn", "full", "io", "kill", "torn", "full disk", "io", "kill", "io")
CUTS = ("cut", "cut of ext4", "cut with tails", "cut of ext4")


def draw(faults: int, cuts: int, controls: int, seed: int) -> list[Trial]:
    """The trials, the same for the same seed: every kind and group in turn, moments and shares by chance."""
    chance = random.Random(seed)
    turns: Counter[str] = Counter()

    def trial(number: int, kind: str, groups: Sequence[str], *, deaf: bool = False) -> Trial:
        group = groups[turns[kind] % len(groups)]
        turns[kind] += 1
        stage = STAGES[min(chance.randrange(4), 1)]
        low = 0.3 if deaf else 0.0  # something has to be promised before it can be lost
        where = low + (1 - low) * chance.random()
        return Trial(number, kind, stage, group, where, chance.random(), deaf, anew=not deaf and number % 10 == 0)

    def every() -> Iterator[Trial]:
        for number in range(faults):
            kind = FAULTS[number % len(FAULTS)]
            yield trial(number, kind, KINDS[kind])
        for number in range(cuts + controls):
            kind = CUTS[number % len(CUTS)]
            groups = (*SYNCS, "name", "database write") if kind == "cut of ext4" else ("cut",)
            yield trial(faults + number, kind, groups, deaf=number >= cuts)

    return list(every())


@contextlib.contextmanager
def in_memory() -> Iterator[Ground]:
    """The ground for trials, in memory where there is such a folder."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder, Ground(Path(folder)) as ground:
        yield ground


def noticed(outcomes: Sequence[Outcome]) -> int:
    """How many of them found something lost, doubled or otherwise wrong."""
    return sum(bool(one.problems) for one in outcomes)


def share(trials: Sequence[Trial]) -> list[Outcome]:
    """Make some of a campaign's; what this user may not do here is left out."""
    outcomes = []
    with in_memory() as ground:
        for trial in trials:
            try:
                outcomes.append(Attempt(ground, trial).make())
            except pytest.skip.Exception as reason:
                outcomes.append(Outcome(trial, left_out=str(reason)))
    return outcomes

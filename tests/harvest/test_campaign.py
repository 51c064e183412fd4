"""A sample of the campaign of faults over a whole harvest; ``python -m tests.harvest.campaign`` makes all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.harvest.campaign.trial import Attempt, Ground, Trial
from tests.harvest.campaign.trials import draw, in_memory, noticed

_CONTROLS = 10


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with in_memory() as ground:
        yield ground


def sample() -> list[Trial]:
    """The first of the whole campaign, ten faults of every kind and four cuts."""
    return [replace(one, anew=False) for one in draw(faults=10, cuts=4, controls=0, seed=4)]


@pytest.mark.parametrize("trial", sample(), ids=lambda one: f"{one.kind}, {one.group or 'tmpfs'} {one.number}")
def test_a_harvest_that_was_struck_loses_nothing_and_asks_nothing_twice(ground: Ground, trial: Trial) -> None:
    made = Attempt(ground, trial).make()
    assert made.struck and made.problems == []


def test_without_its_syncs_a_cut_is_noticed(ground: Ground) -> None:
    """The negative control: nine of ten at least."""
    cuts = [one for one in draw(faults=0, cuts=0, controls=2 * _CONTROLS, seed=4) if one.group == "cut"]
    outcomes = [Attempt(ground, one).make() for one in cuts]
    assert len(outcomes) == _CONTROLS and noticed(outcomes) >= 0.9 * _CONTROLS, outcomes


def test_what_is_struck_is_seen_to_be_struck(ground: Ground) -> None:
    """Every group has its moments in both stages, and a whole harvest brought what the origin has."""
    for counts in ground.counts.values():
        assert len(counts) == 8 and min(counts.values()) >= 4, counts
    assert len(ground.expected.objects) == 8 and sum(ground.expected.lines.values()) == 26

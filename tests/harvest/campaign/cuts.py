"""Cuts the power of a process: what was not synced is forgotten, or a part of what files grew by is left."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.harvest.campaign.faults import KEPT, Plan, Told, die, told_of
from tests.store.power import Disk, watched


def install_cut(plan: Plan, told: Told) -> None:
    """From here on this process knows what is durable; at moment ``number`` it writes what a cut leaves, and dies."""
    root, passed = Path(plan.root), 0

    def step() -> None:
        nonlocal passed
        if passed == plan.number and plan.kind == "cut":
            told.say("struck", "cut", passed)
            disk.snapshot(Path(plan.cut))
            if plan.tails:
                _leave_tails(root, Path(plan.cut), random.Random(plan.number))
            die()
        passed += 1

    disk = Disk(root, step)
    disk.deaf_to = {"file", "folder", "sqlite"} if plan.deaf else set()
    KEPT.append(watched(disk, pytest.MonkeyPatch()))
    KEPT[-1].__enter__()
    told_of(lambda: told.say_counts({"cut": passed}))


def _leave_tails(root: Path, cut: Path, chance: random.Random) -> None:
    """The disk wrote some of what nobody had waited for: files that only grew keep a part of their growth."""
    for left in sorted(path for path in cut.rglob("*") if path.is_file() and path.stat().st_size):
        now = root / left.relative_to(cut)
        if now.is_file() and not now.name.endswith("-shm"):
            before, data = left.read_bytes(), now.read_bytes()
            if len(data) > len(before) and data.startswith(before):
                left.write_bytes(data[: chance.randint(len(before), len(data))])

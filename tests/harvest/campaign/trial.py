"""One trial: a harvest is struck, what is left is looked at, the harvest is gone on with, and all of it is compared."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phonolith.store.archive import Archive
from phonolith.store.files import PART, TEMPORARY
from tests.harvest.campaign.child import Ended
from tests.harvest.campaign.faults import Plan
from tests.harvest.campaign.ground import COLLECTION, STAGES, Ground
from tests.harvest.campaign.state import state_of, used
from tests.store.test_full_disk import mounted

_ROOMY = "size=64m"


@dataclass(frozen=True)
class Trial:
    """``kind``: kill, torn, full, full disk, io, cut, cut with tails, cut of ext4; ``where`` in [0, 1) of its moments.

    ``deaf``: the negative control, in which syncs do nothing; ``anew``: the first process that goes on is started anew.
    """

    number: int
    kind: str
    stage: str
    group: str
    where: float
    part: float
    deaf: bool = False
    anew: bool = False


@dataclass
class Outcome:
    """``problems`` begin with what is wrong: lost, doubled, differs, told, left.

    ``resumed``: seconds by the clock and of processor time until a process started anew asked for something.
    ``left_out``: why the trial cannot be made here.
    """

    trial: Trial
    problems: list[str] = field(default_factory=list)
    struck: str = ""
    resumed: tuple[float, float] | None = None
    left_out: str = ""


class Attempt:
    """A trial on its way."""

    def __init__(self, ground: Ground, trial: Trial) -> None:
        self._ground, self._trial = ground, trial
        self.outcome = Outcome(trial)

    def make(self) -> Outcome:
        """Strike, look, go on, compare."""
        try:
            with self._struck() as root:
                self._asked = len(self._ground.origin.asked)
                self._look(root)
                if not self.outcome.problems or not self._trial.deaf:
                    self._go_on(root)
                    self._compare(root)
        except Exception as error:  # whatever a fault left: it is told
            self._wrong("lost", f"{type(error).__name__}: {error}")
        return self.outcome

    def _wrong(self, what: str, words: str) -> None:
        self.outcome.problems.append(f"{what}: {words}" if not words.startswith(f"{what}:") else words)

    # Striking

    @contextlib.contextmanager
    def _struck(self) -> Iterator[Path]:
        """The archive as the fault left it, where the harvest can go on."""
        roads = {"cut of ext4": self._cut_of_ext4, "full disk": self._full_disk}
        with contextlib.ExitStack() as closing:
            here = self._ground.folder / f"trial-{self._trial.number}"
            closing.callback(shutil.rmtree, here, ignore_errors=True)
            here.mkdir()
            yield closing.enter_context(roads.get(self._trial.kind, self._in_memory)(here))

    @contextlib.contextmanager
    def _in_memory(self, here: Path) -> Iterator[Path]:
        cut = here / "cut"
        kind = self._trial.kind.partition(" ")[0]
        for more in range(5):  # threads are not always as fast as when moments were counted
            root = here / f"a{more}"
            shutil.copytree(self._ground.template(self._trial.stage), root)
            plan = self._plan(root, kind, 0.9**more, cut=str(cut), tails=self._trial.kind == "cut with tails")
            if self._strike(root, plan):
                break
        yield cut if kind == "cut" else root

    @contextlib.contextmanager
    def _cut_of_ext4(self, here: Path) -> Iterator[Path]:
        """A copy of the file that is the disk, taken when the process is dead, is the disk after a cut."""
        ground, case, cut = self._ground, here / "case.img", here / "cut.img"
        for more in range(5):
            shutil.copyfile(ground.image(), case)
            with mounted(here / f"before-{more}", "-o", "loop", str(case)) as disk:
                root = disk / self._trial.stage
                struck = self._strike(root, self._plan(root, "kill", 0.9**more, deaf=self._trial.deaf))
                shutil.copyfile(case, cut)
            if struck:
                break
        with mounted(here / "after", "-o", "loop", str(cut)) as disk:
            yield disk / self._trial.stage

    @contextlib.contextmanager
    def _full_disk(self, here: Path) -> Iterator[Path]:
        """A tmpfs with too little room for all of it; then there is more."""
        ground, trial = self._ground, self._trial
        template = ground.template(trial.stage)
        size = used(template) + 64 * 1024 + int(trial.where * ground.growth[trial.stage] * 0.7)
        with mounted(here / "disk", "-t", "tmpfs", "-o", f"size={size // 1024}k", "none") as disk:
            root = disk / "a"
            shutil.copytree(template, root)
            self._begun = len(ground.origin.asked)
            ended = ground.run(ground.words(trial.stage), root)
            self._told = ground.told()
            self.outcome.struck = "full disk" if ended.code else ""
            self._judge(ended, root, "full")
            subprocess.run(["mount", "-o", f"remount,{_ROOMY}", str(disk)], check=True)
            yield root

    def _plan(self, root: Path, kind: str, less: float, **more: Any) -> Plan:
        number = int(self._trial.where * less * self._ground.moments(self._trial.stage, self._trial.group))
        more = {"deaf": self._trial.deaf, **more}
        return Plan(str(root), kind, self._trial.group, number, self._trial.part, **more)

    def _strike(self, root: Path, plan: Plan) -> bool:
        """Run the stage until it is struck; whether it was, and ended as it has to."""
        self._begun = len(self._ground.origin.asked)
        ended = self._ground.run(self._ground.words(self._trial.stage), root, plan)
        self._told = self._ground.told()
        self.outcome.struck = self._told.struck
        if not self._told.struck:
            assert ended.code == 0, ended
            return False
        if plan.kind in ("full", "io"):
            self._judge(ended, root, plan.kind)
        else:
            assert ended.code == -9, ended
        return True

    def _judge(self, ended: Ended, root: Path, kind: str) -> None:
        """How a process that met a bad disk has to end: in words, its exit code, with nothing half written."""
        words = "the disk is full" if kind == "full" else "disk failed to read or write"
        if ended.code != 0 and (ended.code != 11 or words not in ended.err or "Traceback" in ended.err):
            self._wrong("told", f"exit {ended.code}: {ended.err.strip()[-600:]}")
        if ended.code == 11 and json.loads(ended.out)["error"] != "storage":
            self._wrong("told", ended.out)
        left = sorted(path.name for path in (root / "held").rglob(f"{TEMPORARY}*"))
        if kind == "full" and left:
            self._wrong("left", f"{left} after exit {ended.code}")

    # Looking

    def _look(self, root: Path) -> None:
        """What was promised is there, and no row names what is not. On a copy: the program is the first to open it."""
        copy = self._ground.folder / "look"
        shutil.copytree(root, copy)
        try:
            left = state_of(Archive.open(copy))
        finally:
            shutil.rmtree(copy)
        if lost := {
            (source, item) for source, item, digest in self._told.records if left.current.get((source, item)) != digest
        }:
            self._wrong("lost", f"records {sorted(lost)}")
        if lost_objects := self._told.held - set(left.objects):
            self._wrong("lost", f"objects {sorted(lost_objects)}")
        if wrong := [sha256 for sha256, found in left.objects.items() if sha256 != found]:
            self._wrong("lost", f"bytes of {wrong}")
        if twice := [line for line, count in left.lines.items() if count > 1]:
            self._wrong("doubled", f"lines {twice}")

    # Going on

    def _go_on(self, root: Path) -> None:
        """As a person does: resume until there is nothing to go on with, begin what had not begun, fetch the rest."""
        ground = self._ground
        anew = self._trial.anew
        while True:
            started = time.monotonic()
            asked = len(ground.origin.asked)
            ended = ground.run(["harvest", "resume", "--json"], root, anew=anew)
            if anew and (spent := ground.told().asked) is not None:
                self.outcome.resumed = ground.origin.times[asked] - started, spent
            anew = False
            if ended.code != 0:
                break
        if ended.code != 2:
            return self._wrong("told", f"resume: exit {ended.code}: {ended.err.strip()[-600:]}")
        told = json.loads(ground.run(["harvest", "status", "--json"], root).out)
        begun = {one["source"].partition(".")[0] for one in told["harvests"]}
        rest = [ground.words(stage) for stage in STAGES if stage not in begun]
        for words in (*rest, ["harvest", "media", COLLECTION, "--json"]):
            ended = ground.run(words, root)
            if ended.code != 0:
                self._wrong("told", f"{words}: exit {ended.code}: {ended.err.strip()[-600:]}")
        return None

    # Comparing

    def _compare(self, root: Path) -> None:
        """With a harvest that nothing disturbed, with what was asked of the origin, and by the program's own checks.

        ``doctor``, the longest of them, looks at every fifth.
        """
        self._ground.told()
        now, expected = state_of(Archive.open(root)), self._ground.expected
        if more := now.lines - expected.lines:
            self._wrong("doubled", f"lines {sorted(more.elements())}")
        if less := expected.lines - now.lines:
            self._wrong("lost", f"lines {sorted(less.elements())}")
        for name in ("current", "objects", "runs", "brought"):
            if getattr(now, name) != getattr(expected, name):
                self._wrong("differs", f"{name}: {_difference(getattr(now, name), getattr(expected, name))}")
        self._compare_asked()
        for words in (["ledger", "check"], ["verify", "--all"], ["doctor"])[: 2 + (self._trial.number % 5 == 0)]:
            ended = self._ground.run([*words, "--json"], root)
            findings = [one for one in json.loads(ended.out).get("findings", []) if one["severity"] != "note"]
            if wanting := [one for one in findings if not one["code"].startswith("disks.")]:
                self._wrong("differs", f"{words}: {wanting}")
        left = [path.name for mark in (TEMPORARY, PART) for path in (root / "held").rglob(f"{mark}*")]
        if left:
            self._wrong("left", f"{left} in the end")

    def _compare_asked(self) -> None:
        """Nothing that was acknowledged is asked again, and nothing but what was in flight is asked twice."""
        asked = self._ground.origin.asked
        before, after = asked[self._begun : self._asked], asked[self._asked :]
        if again := sorted(self._told.done & set(after)):
            self._wrong("doubled", f"asked again: {again}")
        twice = [path for path, count in Counter([*before, *after]).items() if count > 1]
        if len(twice) > 1 or Counter([*before, *after])[twice[0] if twice else ""] > 2:
            self._wrong("doubled", f"asked twice: {twice}")


def _difference(now: Any, expected: Any) -> str:
    if isinstance(now, dict):
        keys = {*now, *expected}
        return str({key: (now.get(key), expected.get(key)) for key in keys if now.get(key) != expected.get(key)})
    return f"{now} for {expected}"

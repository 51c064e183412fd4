"""Where trials are made: an origin, a process that children are forked from, archives to begin with."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from phonolith.store.archive import Archive
from tests.conftest import find_peer
from tests.harvest.campaign import origin
from tests.harvest.campaign.child import Children, Ended
from tests.harvest.campaign.faults import Plan
from tests.harvest.campaign.state import state_of, used
from tests.harvest.serving import Served, configure, served
from tests.store.test_full_disk import mounted

NOW = "2026-01-20T00:00:00Z"
STAGES = ("oaipmh", "internetarchive")
COLLECTION = "internetarchive.netlabels"
_IMAGE = 40 << 20  # bytes of the file that is an ext4


class Told(NamedTuple):
    """What a process said before it ended; ``asked``: its processor seconds when it first asked for something."""

    struck: str
    asked: float | None
    records: set[tuple[str, str, str]]
    held: set[str]
    done: set[str]
    counts: dict[str, int]


class Ground:
    """Where trials are made: an origin, a process to fork from, an archive before each stage, what is to come out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        os.environ["PHONOLITH_NOW"] = NOW
        self.origin: Served = self._closing.enter_context(served(origin.answers()))
        self.children = self._closing.enter_context(Children(self.folder))
        self.counts: dict[str, dict[str, int]] = {}
        self.growth: dict[str, int] = {}  # bytes that a stage adds
        self._cuts: dict[str, int] = {}
        self._make_templates()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    def words(self, stage: str) -> list[str]:
        """The command line of a stage."""
        what = [f"{self.origin.base}/oai"] if stage == "oaipmh" else ["--collection", "netlabels"]
        return ["harvest", stage, *what, "--json"]

    def template(self, stage: str) -> Path:
        """The archive before a stage."""
        return self.folder / f"before-{stage}"

    def run(self, words: Sequence[str], archive: Path, plan: Plan | None = None, *, anew: bool = False) -> Ended:
        """One command line."""
        told = self.folder / "told"
        if anew:
            return self.children.run_anew(words, archive, told)
        return self.children.run(words, archive, plan, told)

    def told(self) -> Told:
        """What was said since this was last asked."""
        path = self.folder / "told"
        rows = [line.split("\t") for line in path.read_text().splitlines()] if path.exists() else []
        path.unlink(missing_ok=True)
        return Told(
            next((" ".join(row[1:]) for row in rows if row[0] == "struck"), ""),
            next((float(row[1]) for row in rows if row[0] == "asked"), None),
            {(row[1], row[2], row[3]) for row in rows if row[0] == "record"},
            {row[1] for row in rows if row[0] == "held"},
            {urlsplit(row[2])._replace(scheme="", netloc="").geturl() for row in rows if row[0] == "done"},
            {row[1]: int(row[2]) for row in rows if row[0] == "counts"},
        )

    def moments(self, stage: str, group: str) -> int:
        """How many moments of the group the stage has, where nothing strikes it."""
        if group != "cut":
            return self.counts[stage].get(group, 0)
        if stage not in self._cuts:
            self._cuts[stage] = self._undisturbed(stage, "cut").counts["cut"]
        return self._cuts[stage]

    def image(self) -> Path:
        """A file that is an ext4 with the archives before each stage; made once."""
        image = self.folder / "base.img"
        if not image.exists():
            with image.open("wb") as file:
                file.truncate(_IMAGE)
            subprocess.run([find_peer("mkfs.ext4"), "-q", "-F", str(image)], check=True, capture_output=True)
            with mounted(self.folder / "base", "-o", "loop", str(image)) as disk:
                for stage in STAGES:
                    shutil.copytree(self.template(stage), disk / stage)
                os.sync()
        return image

    def _make_templates(self) -> None:
        root = self.template(STAGES[0])
        Archive.create(root, name="test", contact="a@example.org", now=NOW)
        configure(root, loopback=self.origin.base, internetarchive=self.origin.base)
        for stage, after in zip(STAGES, (self.template(STAGES[1]), self.folder / "whole"), strict=True):
            shutil.copytree(self.template(stage), after)
            ended = self.run(self.words(stage), after)
            assert ended.code == 0, ended
            self.told()
            self.counts[stage] = self._undisturbed(stage, "").counts
            self.growth[stage] = used(after) - used(self.template(stage))
        self.expected = state_of(Archive.open(self.folder / "whole"))

    def _undisturbed(self, stage: str, group: str) -> Told:
        root = self.folder / "undisturbed"
        shutil.copytree(self.template(stage), root)
        ended = self.run(self.words(stage), root, Plan(str(root), group=group))
        assert ended.code == 0, ended
        shutil.rmtree(root)
        return self.told()

"""The main road: the stages in their order, what each leaves behind, and the command that runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: ``left(root)`` says whether its artefact is there; a stage never calls another."""

    name: str
    does: str
    command: str
    left: Callable[[Path], bool]


def _any(root: Path, pattern: str) -> bool:
    return next(root.glob(pattern), None) is not None


STAGES: tuple[Stage, ...] = (
    Stage(
        "init",
        "make the place",
        "phonolith init DIR --name … --contact …",
        lambda root: (root / "phonolith.toml").is_file(),
    ),
    Stage(
        "harvest",
        "gather what sources say, and the bytes they permit",
        "phonolith harvest folder PATH",
        lambda root: _any(root, "held/records/*"),
    ),
    Stage(
        "build",
        "turn the records into one catalogue file",
        "phonolith build",
        lambda root: (root / "derived" / "catalogue.sqlite").is_file(),
    ),
    Stage(
        "serve",
        "open the library",
        "phonolith serve",
        lambda root: (root / "derived" / "catalogue.sqlite").is_file(),
    ),
)


def next_stage(root: Path) -> Stage:
    """The first stage whose artefact is missing, else the last: what to run next."""
    return next((stage for stage in STAGES if not stage.left(root)), STAGES[-1])

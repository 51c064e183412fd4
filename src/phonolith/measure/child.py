"""Runs the encoder's child on one file: with a deadline, and never with trust in what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from phonolith.measure.encoder import Made, Request

#: Seconds of wall time for one file.
DEADLINE = 1_200.0

_COMMAND = (sys.executable, "-m", "phonolith.measure.encoder")
_PACKAGES = str(Path(__file__).parents[2])
_LARGEST_ANSWER = 1 << 16


def make(request: Request, *, deadline: float = DEADLINE, command: Sequence[str] = _COMMAND) -> Made:
    """What the child made in ``request.folder``. Never raises on what the file contains: ``problem`` says it.

    ``command`` starts the child (tests put their own). Raises OSError where no child can be started.
    """
    answer = Path(request.folder) / "answer.json"
    paths = os.pathsep.join(filter(None, (_PACKAGES, os.environ.get("PYTHONPATH", ""))))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with answer.open("wb") as out:  # a file, so that an endless answer fills a limit and not our memory
        try:
            done = subprocess.run(
                command,
                input=msgspec.json.encode(request),
                stdout=out,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **threads, "PYTHONPATH": paths},
                timeout=deadline,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Made(problem="making it takes longer than is allowed")
        except BrokenPipeError:
            return Made(problem="its decoder ended before it began")
    if done.returncode:
        code = done.returncode
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        return Made(problem=f"its decoder was ended, or ended itself ({ended})")
    return _checked(request, answer)


def _checked(request: Request, answer: Path) -> Made:
    """The answer, if it says what was asked and the files are there."""
    with answer.open("rb") as file:
        text = file.read(_LARGEST_ANSWER)
    try:
        made = msgspec.json.decode(text, type=Made)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Made(problem="its decoder gave no answer that can be read")
    if made.problem:
        return made
    names = {form: one.name for form, one in made.forms.items()}
    if set(names) != set(request.forms) or any(Path(name).name != name for name in names.values()):
        return Made(problem="its decoder made something else than was asked for")
    if not all(_is_plain(Path(request.folder) / name) for name in names.values()):
        return Made(problem="its decoder made nothing")
    return made


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()

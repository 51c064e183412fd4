"""Runs the program in processes that may be struck: each is forked from one that has loaded the program already.

As a program of its own it reads orders, one JSON object a line, and answers each with how the process ended. With
``--once`` and an order it runs that in this very process, loading and all.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.harvest.campaign.faults import Plan, Told, end, install, told_of

_ROOT = Path(__file__).resolve().parents[3]
_LONGEST = 120  # seconds after which a process that hangs is ended


@dataclass(frozen=True)
class Ended:
    """``code``: exit code, or minus the signal; what it said."""

    code: int
    out: str
    err: str


class Children:
    """The process that others are forked from. A context manager; for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", "tests.harvest.campaign.child"]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def run(self, words: Sequence[str], archive: Path, plan: Plan | None, told: Path) -> Ended:
        """One command line on an archive, struck by the plan."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._order(words, archive, plan, told)) + "\n")
        self._process.stdin.flush()
        return self._ended(int(self._process.stdout.readline()))

    def run_anew(self, words: Sequence[str], archive: Path, told: Path) -> Ended:
        """The same, by an interpreter that is started for it."""
        order = json.dumps(self._order(words, archive, None, told))
        command = [sys.executable, "-m", "tests.harvest.campaign.child", "--once", order]
        return self._ended(subprocess.run(command, cwd=_ROOT, check=False).returncode)

    def _order(self, words: Sequence[str], archive: Path, plan: Plan | None, told: Path) -> Mapping[str, Any]:
        return {
            "words": [*words, "--archive", str(archive)],
            "plan": asdict(plan) if plan else None,
            "told": str(told),
            "out": str(self._folder / "out"),
            "err": str(self._folder / "err"),
        }

    def _ended(self, code: int) -> Ended:
        return Ended(code, (self._folder / "out").read_text(), (self._folder / "err").read_text())


def serve() -> None:
    """Read orders, and fork for each."""
    _load()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _obey(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


def _load() -> None:
    """Load what a harvest needs, so that children need not."""
    from importlib import import_module

    from phonolith.sources.base import installed

    import_module("tests.harvest.campaign.cuts")
    for name in ("verb", "harvest", "media", "gather", "doctor", "verify", "ledger"):
        import_module(f"phonolith.cli.{name}")
    for name in ("harvest.online", "harvest.fetch", "sources.client.client", "store.rereading", "store.structure"):
        import_module(f"phonolith.{name}")
    for name in ("oaipmh", "internetarchive"):
        installed(name)
    assert threading.active_count() == 1, "a process with threads must not fork"


def _obey(order: Mapping[str, Any]) -> None:
    """Run an order in this process, and end it."""
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.alarm(_LONGEST)
    told = Told(order["told"])
    prepare(told)
    if order["plan"]:
        plan = Plan(**order["plan"])
        if plan.group == "cut":
            from tests.harvest.campaign.cuts import install_cut

            install_cut(plan, told)
        else:
            strikes = install(plan, told)
            told_of(lambda: told.say_counts(strikes.counts))
    from phonolith.cli.main import run

    code = run(order["words"])
    sys.stdout.flush()
    sys.stderr.flush()
    end()
    os._exit(code)


def prepare(told: Told) -> None:
    """The program as it is, but that it waits for no turn, has small segments and parts, and tells what it promised."""
    from phonolith.harvest import fetch, wanted
    from phonolith.model.frontier import Fate
    from phonolith.sources.client import client, parts
    from phonolith.store import batch, frontier, record_index, records
    from tests.harvest.serving import Impatient

    class Client(client.Client):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, clock=Impatient().pace(), **named)

        async def get(self, *given: Any, **named: Any) -> Any:
            told.say("asked", time.process_time())
            return await super().get(*given, **named)

        async def download(self, *given: Any, **named: Any) -> Any:
            told.say("asked", time.process_time())
            return await super().download(*given, **named)

    client.Client = Client  # type: ignore[misc]
    record_index.SEGMENT_BYTES = records.SEGMENT_BYTES = 3_000  # type: ignore[attr-defined]
    record_index.DIRECT_BYTES, records.INLINE_BYTES = 2_500, 2_000
    parts._KEPT, parts._STEP = 32 << 10, 64 << 10
    fetch.ROOM = wanted.ROOM = -(1 << 40)  # type: ignore[misc]
    advance, keep = frontier.Frontier.advance, batch.Batch.keep

    def advanced(self: Any, outcomes: Any, time: str) -> Any:
        found = advance(self, outcomes, time)
        for one in outcomes:
            for record in one.step.records:
                told.say("record", record.source, record.item, record.digest)
            if one.fate is Fate.DONE:
                told.say("done", one.task.key, one.task.address)
        return found

    def kept(self: Any) -> None:
        waiting = [one.passport.sha256.hex() for one in self._entries]
        keep(self)
        for sha256 in waiting:
            told.say("held", sha256)

    frontier.Frontier.advance, batch.Batch.keep = advanced, kept  # type: ignore[method-assign]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        _obey(json.loads(sys.argv[2]))
    serve()

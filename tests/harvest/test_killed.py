"""Harvests on the command line against a server on loopback: killed at any moment, stopped, gone on with, looked at."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console

from phonolith.cli.bars import Bars
from phonolith.cli.gather import _show_status, words_of
from phonolith.cli.view import Rich
from phonolith.model.frontier import Run
from phonolith.sources.client.live import Live, Waiting
from phonolith.store.archive import Archive
from tests.harvest.serving import Reply, Served, configure, served
from tests.harvest.test_gather import Clock
from tests.harvest.test_oaipmh import HEAD, Repository

HELD = {f"oai:x:{n}": (f"2026-01-0{n}T00:00:00Z", f"T{n}") for n in range(1, 7)}


def repository(held: Mapping[str, tuple[str, str | None]]) -> Callable[[str, Mapping[str, str]], Reply | None]:
    """A repository of two records a page."""
    made = Repository(dict(held))

    def answers(path: str, _: Mapping[str, str]) -> Reply | None:
        if not path.startswith("/oai?"):
            return None
        query = {name: some[0] for name, some in parse_qs(urlsplit(path).query).items()}
        return 200, {"Content-Type": "text/xml"}, HEAD.format(time=made.time, body=made._answer(query)).encode()

    return answers


class Shell:
    """The command line, on an archive that may ask one origin on loopback."""

    def __init__(self, root: Path, server: Served) -> None:
        Archive.create(root, name="test", contact="a@example.org", now=Clock()())
        configure(root, loopback=server.base)
        outside = {key: value for key, value in os.environ.items() if not key.startswith("PHONOLITH_")}
        self.environment = {**outside, "PHONOLITH_ARCHIVE": str(root)}
        self.server = server

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, "-m", "phonolith.cli.main", *words], env=self.environment, **pipes)

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        with self.start(*words, "--json") as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == code and "Traceback" not in err, err
        found = json.loads(out)
        assert isinstance(found, dict)
        return found

    def harvest(self, *more: str, code: int = 0) -> dict[str, Any]:
        return self.run("harvest", "oaipmh", f"{self.server.base}/oai", *more, code=code)


def struck(shell: Shell, request: int, sign: signal.Signals, *, answered: bool) -> subprocess.Popen[str]:
    """A harvest that is struck when it asks for the so-manieth time from here on, before or after it is answered."""
    honest, left = shell.server.answers, [request]
    process: list[subprocess.Popen[str]] = []

    def answers(path: str, headers: Mapping[str, str]) -> Reply | None:
        if path != "/robots.txt":
            left[0] -= 1
        if left[0] == 0:
            while not process:
                time.sleep(0.001)
            if not answered:
                process[0].send_signal(sign)
                process[0].wait(30)
                raise ConnectionAbortedError
        return honest(path, headers)

    shell.server.answers = answers
    begun = len(shell.server.asked)
    process.append(shell.start("harvest", "oaipmh", f"{shell.server.base}/oai"))
    if answered:
        while len(shell.server.asked) < begun + request and process[0].poll() is None:
            time.sleep(0.001)
        process[0].send_signal(sign)
    process[0].wait(60)
    shell.server.answers = honest
    return process[0]


@pytest.mark.parametrize("answered", [False, True], ids=["in flight", "just answered"])
def test_a_harvest_that_is_killed_again_and_again_asks_nothing_twice_but_what_was_in_flight(
    tmp_path: Path, answered: bool
) -> None:
    with served(repository(HELD)) as server:
        shell = Shell(tmp_path / "a", server)
        in_flight = []
        for _ in range(3):
            with struck(shell, 2, signal.SIGKILL, answered=answered) as process:
                assert process.returncode == -signal.SIGKILL
            in_flight.append(len(server.asked) - 1)
        (status,) = shell.run("harvest", "status")["harvests"]
        assert not status["running"] and status["finished"] == "", "whoever was killed holds no lock"
        told = shell.run("harvest", "resume")
        asked = server.asked
        assert told["run"]["finished"] and (told["run"]["listed"], told["run"]["new"]) == (6, 7)
        again = [n for n, path in enumerate(asked) if path in asked[:n]]
        assert {asked[n] for n in again} <= {asked[n] for n in in_flight}, asked
        assert len(again) <= len(in_flight)
        (status,) = shell.run("harvest", "status")["harvests"]
        assert status["finished"] and status["tasks"] == {} and not status["running"]


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(tmp_path: Path) -> None:
    with served(repository(HELD)) as server:
        shell = Shell(tmp_path / "a", server)
        with struck(shell, 3, signal.SIGINT, answered=False) as process:
            assert process.stderr is not None
            err = process.stderr.read()
        assert process.returncode == 130
        assert "stopped after 3 records, which are kept" in err and "phonolith harvest resume" in err
        assert "Traceback" not in err
        (status,) = shell.run("harvest", "status")["harvests"]
        assert (status["finished"], status["running"], status["tasks"]) == ("", False, {"done": 2, "waiting": 1})
        assert shell.run("harvest", "resume")["run"]["new"] == 7


def test_a_run_that_goes_on_is_seen_to_run(tmp_path: Path) -> None:
    with served(repository(HELD)) as server:
        shell, seen = Shell(tmp_path / "a", server), []
        honest = server.answers

        def answers(path: str, headers: Mapping[str, str]) -> Reply | None:
            if not seen and "ListRecords" in path:
                seen.append(shell.run("harvest", "status"))
            return honest(path, headers)

        server.answers = answers
        shell.harvest("--limit", "2")
        (status,) = seen[0]["harvests"]
        assert status["running"] and status["finished"] == "" and status["tasks"] == {"done": 1, "waiting": 1}


def test_limit_since_and_everything(tmp_path: Path) -> None:
    with served(repository(HELD)) as server:
        shell = Shell(tmp_path / "a", server)
        told = shell.harvest("--limit", "3")
        assert told["records"] == 3 and told["run"]["finished"] and told["run"]["high_water"] == ""
        told = shell.harvest("--since", "2026-01-05T00:00:00Z")
        assert "from=2026-01-05" in server.asked[-1] and told["run"]["new"] == 2
        told = shell.harvest("--everything")
        assert "from=" not in server.asked[-3] and (told["new"], told["unchanged"]) == (2, 5)


def test_a_repository_that_is_none_is_a_finding(tmp_path: Path) -> None:
    with served(lambda path, _: (200, {}, b"<html><body/></html>") if path != "/robots.txt" else None) as server:
        told = Shell(tmp_path / "a", server).harvest(code=1)
        assert [one["code"] for one in told["findings"]] == ["harvest.failed"] and told["records"] == 0


# What a person sees


RUN = Run("oaipmh.music-example", "{}", "2026-01-01T00:00:00Z", "", "", listed=1_200, total=8_214)


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        ((), "1,200 of 8,214 listed · 1.2 MB, 34.6 kB/s"),
        ((Waiting("x.example", "its answer", None, 1),), "waits for x.example: its answer"),
        ((Waiting("x.example", "one request in 1 s", 100.5, 1),), "waits 0.5 s for x.example: one request in 1 s"),
        (
            (Waiting("x.example", "one request in 1 s", 100.5, 1), Waiting("y.example", "it is busy", 190, 1)),
            "waits 90 s for y.example: it is busy, and 1 more host",
        ),
    ],
)
def test_a_harvest_says_for_whom_it_waits_and_why(waiting: tuple[Waiting, ...], words: str) -> None:
    live = Live(100.0, waiting, 1, 30, 29, 0, 1_234_567, 34_567.0, 1.0)
    assert words_of(RUN, live, "").endswith(words)
    assert waiting or words_of(RUN, live, "2026-01-01T10:03:00Z").endswith("tries again at 10:03 UTC what failed")


def test_what_is_noted_stands_below_the_bar_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    with Bars(stream) as bars:
        bars.start("oaipmh.music-example", None, "records")
        bars.advance(1_200)
        waiting = Waiting("music.example", "one request in 1 s", 0.5, 1)
        bars.note(words_of(RUN, Live(0.0, (waiting,), 1, 3, 2, 0, 9, 9, 1), ""))
        assert bars._progress is not None
        bars._progress.refresh()
    assert "1,200 of 8,214 listed · 9 B, 9 B/s · waits 0.5 s for music.example: one reques" in stream.getvalue()
    assert "1,200 records" in stream.getvalue()


def test_status_fits_on_80_columns() -> None:
    told = [
        {
            "source": "oaipmh.a-repository-with-a-rather-long-name-example-org-music-and-sound",
            "started": "2026-01-01T00:00:00Z", "finished": "", "running": False, "listed": 1_234_567,
            "total": 12_345_678, "tasks": {"waiting": 123_456, "failed": 12}, "next": "2026-01-01T00:10:00Z",
            "problem": "its lists ended after 1 of the 2 items that it says there are",
            "failures": [{"task": f"item:{n}", "why": "x.example: is not there"} for n in range(7)],
            "again": [{"task": "item:9", "why": "x.example: cannot be reached"}],
        },
        {
            "source": "feed.x", "started": "2026-01-01T00:00:00Z", "finished": "2026-01-02T00:00:00Z", "running": False,
            "listed": 3, "total": None, "tasks": {}, "next": None, "problem": "", "failures": [], "again": [],
        },
    ]  # fmt: skip
    drawn = io.StringIO()
    _show_status(Rich(Console(file=drawn, width=80)), told)
    lines = drawn.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    text = drawn.getvalue()
    for words in ("stopped", "1,234,567 of 12,345,678", "123,456", "ended 2026-01-02", "and-sound", "2 more; --json"):
        assert words in text, text

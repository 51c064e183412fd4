"""The exit code contract: complete, unambiguous, and what programs really end with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from phonolith import errors
from phonolith.cli import main
from phonolith.cli.exits import ERRORS, OTHERS, all_exits, exit_of


def _tree(kind: type[errors.PhonolithError]) -> Iterator[type[errors.PhonolithError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def test_every_error_class_has_its_own_exit() -> None:
    declared = {kind for kind in _tree(errors.PhonolithError) if kind.__module__ == "phonolith.errors"}
    assert declared == set(ERRORS)
    assert all(exit_of(kind("s", "p")) is ERRORS[kind] for kind in declared)


def test_a_subclass_from_elsewhere_ends_like_its_parent() -> None:
    class Odd(errors.Damaged):
        pass

    assert exit_of(Odd("s", "p")) is ERRORS[errors.Damaged]


def test_codes_and_names_are_unique_and_none_is_taken_by_the_shell() -> None:
    exits = [*OTHERS, *ERRORS.values()]
    assert len({item.code for item in exits}) == len({item.name for item in exits}) == len(exits)
    assert [item.code for item in all_exits()] == sorted(item.code for item in exits)
    assert not {126, 127} & {item.code for item in exits}


def _run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "phonolith.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **settings)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        ([], 0),
        (["no-such-verb"], 2),
        (["config", "--no-such-option"], 2),
        (["config", "--archive", "/nonexistent"], 5),
    ],
)
def test_programs_end_with_the_code_of_the_table(arguments: list[str], code: int) -> None:
    result = _run(*arguments)
    assert result.returncode == code
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) <= 1


def test_under_json_an_error_is_one_object_on_stdout() -> None:
    result = _run("config", "--json", "--archive", "/nonexistent")
    told = json.loads(result.stdout)
    assert told["error"] == "not-an-archive"
    assert told["exit"] == result.returncode == 5
    assert told["subject"] and told["problem"] and told["remedy"]


def test_an_unknown_fault_leaves_a_report_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").mkdir()

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(main, "invoke", broken)
    assert main.run(["config", "--archive", str(tmp_path)]) == 70
    told = capsys.readouterr()
    (report,) = (tmp_path / "state").glob("crash-*.txt")
    assert len(told.err.splitlines()) == 1 and str(report) in told.err
    assert "a secret detail" in report.read_text() and "Traceback" in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m phonolith.cli.main --help; echo code $? >&2"
    result = subprocess.run(
        ["bash", "-c", f"( {command} ) | true"], capture_output=True, text=True, timeout=60, env={**os.environ}
    )
    assert "Traceback" not in result.stderr and "Exception" not in result.stderr
    assert result.stderr.strip() in ("code 0", "code 141")


def test_ctrl_c_ends_with_130_and_says_that_work_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "invoke", stopped)
    assert main.run([]) == 130 == 128 + signal.SIGINT
    assert "kept" in capsys.readouterr().err


def test_it_starts_without_what_only_some_verbs_need() -> None:
    heavy = ["duckdb", "numpy", "rich", "starlette", "apsw", "av", "cryptography", "jinja2", "msgspec"]
    code = (
        "import sys, phonolith.cli.main as m\n"
        "try: m.main(['--version'])\n"
        "except SystemExit: pass\n"
        f"print(sorted(set({heavy!r}) & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("group", [[], ["log"], ["rights"], ["harvest"]])
def test_a_verb_that_was_left_out_is_answered_with_the_page_of_help(group: list[str]) -> None:
    done, helped = _run(*group), _run(*group, "--help")
    assert len(helped.stdout.splitlines()) > 10
    assert done.returncode == (2 if group else 0)
    assert (done.stdout if not group else done.stderr).strip() == helped.stdout.strip()


def test_a_question_ends_its_sentence() -> None:
    assert "'--version'? See: phonolith --help" in _run("--json").stderr

"""The reference pages are what the program says of itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import click
import pytest

from phonolith.cli.main import SECTIONS, VERBS, program

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", REFERENCE / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli.md", "exit-codes.md", "settings.md", "catalogue.md", "public-domain.md"])
def test_generated_pages_are_current(name: str) -> None:
    assert (REFERENCE / name).read_text("utf-8") == _generator().pages()[name], "run: make docs"


def test_the_list_of_verbs_says_what_each_verb_says() -> None:
    context = click.Context(program)
    for verbs in SECTIONS.values():
        for name, (_, line) in verbs.items():
            command = program.get_command(context, name)
            assert command is not None and command.short_help == line, name


def test_every_verb_takes_archive_and_json() -> None:
    context = click.Context(program)

    def check(command: click.Command, path: str) -> None:
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                check(child, f"{path} {name}")
            return
        names = {option for one in command.params for option in one.opts}
        assert {"--archive", "--json"} <= names, path
        assert command.help and command.short_help, path

    for name in VERBS:
        command = program.get_command(context, name)
        assert command is not None
        check(command, name)

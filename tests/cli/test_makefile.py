"""The set-up files: pinned, free of any place's names, and with every target the documentation names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["core", "dev", "bench"])
def test_requirements_are_pinned_by_hash_and_name_no_place(name: str) -> None:
    text = (ROOT / f"requirements-{name}.txt").read_text()
    pins = re.findall(r"^[a-z0-9][\w.-]*==\S+", text, re.MULTILINE)
    assert len(pins) > 20
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?:|file:|find-links|index-url|\s/\w+/", text)


def test_every_named_target_is_there() -> None:
    text = (ROOT / "Makefile").read_text()
    for target in ("demo", "test", "lint", "bench", "serve"):
        assert re.search(rf"^{target}:.*## ", text, re.MULTILINE), target


def test_whatever_the_package_needs_is_pinned() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[^\w.-]", one)[0].replace(".", "-").lower() for one in needed}
    pinned = set(re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements-core.txt").read_text(), re.MULTILINE))
    assert names <= pinned, "run: make lock"

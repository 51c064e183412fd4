"""Every command in the documentation is run, page by page, as a person would type it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("docs/tutorial/*.md")), *sorted(ROOT.glob("docs/how-to/*.md"))]
_BLOCK = re.compile(r"^[ ]*```sh\n(.*?)^[ ]*```", re.MULTILINE | re.DOTALL)
_ALBUMS = "key,title,artist,licence\na1,First Light,The Examples,https://creativecommons.org/licenses/by/4.0/\n"
_MAP = """
name = "albums"
title = "A list of albums"

[[table]]
name = "albums"
file = "albums.csv"
key = "key"

[table.release]
title = "title"
artist = "artist"
licence = "licence"
"""

# Serving does not end, so it is asked for one page and told to stop; everything else runs as it stands.
_PREAMBLE = """
set -euo pipefail
phonolith() {
  case "$1 $*" in
    serve\\ *) python "$ASK" "$@" ;;
    *) command phonolith "$@" ;;
  esac
}
"""
_ASK = """
import signal, subprocess, sys, urllib.request
from json import JSONDecoder
run = subprocess.Popen(["phonolith", *sys.argv[1:], "--port", "0", "--json"], stdout=subprocess.PIPE, text=True)
text = ""
while "}" not in text:
    text += run.stdout.readline()
with urllib.request.urlopen(JSONDecoder().decode(text)["address"], timeout=30) as page:
    assert page.status == 200
run.send_signal(signal.SIGINT)
sys.exit(run.wait(30))
"""


def commands(page: Path) -> str:
    """The page's shell blocks, joined."""
    return "\n".join(_BLOCK.findall(page.read_text("utf-8")))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's archive, made once."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    run = [sys.executable, "-m", "phonolith.cli.main", "demo", "--no-serve", "--json", "--dir", str(folder)]
    subprocess.run(run, check=True, capture_output=True, timeout=300)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "demo")
    (tmp_path / "albums.csv").write_text(_ALBUMS)
    (tmp_path / "albums.toml").write_text(_MAP)
    (tmp_path / "ask.py").write_text(_ASK)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    outside = {key: value for key, value in os.environ.items() if not key.startswith("PHONOLITH_")}
    environment = {**outside, "PATH": path, "ASK": str(tmp_path / "ask.py"), "HOME": str(tmp_path)}
    if page.parent.name == "how-to":
        environment["PHONOLITH_ARCHIVE"] = "demo"
    script = _PREAMBLE + commands(page)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "Traceback" not in done.stderr


def test_make_targets_named_in_the_readme_are_there() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    for target in set(re.findall(r"make ([a-z]+)", text)) - {"are"}:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, target


def test_the_readme_begins_an_archive(tmp_path: Path) -> None:
    blocks = [line for block in _BLOCK.findall((ROOT / "README.md").read_text()) for line in block.splitlines()]
    lines = [line.replace(".venv/bin/phonolith", "phonolith") for line in blocks if "phonolith" in line]
    assert lines
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", "-ec", "\n".join(lines)], cwd=tmp_path, env=environment, check=True, timeout=60)


@pytest.mark.parametrize("page", sorted(ROOT.glob("**/*.md")), ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    if {".venv", "node_modules"} & set(page.parts):
        pytest.skip("not ours")
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target

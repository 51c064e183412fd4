"""Every command in the documentation is run, page by page, as a person would type it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLONED = "freemusi.cc-database"
PUBLISH = ROOT / "docs/how-to/publish.md"  # what is published stays so: it has an archive of its own
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

# Serving does not end, so it is asked for one page and told to stop, and seeding is told to stop once it says what it
# gives; mirroring asks an archive that is served here in place of the one in the page; nobody's DHT is asked.
# Everything else runs as it stands, curl too, with an archive that is served here in place of the one in the page.
_PREAMBLE = """
set -euo pipefail
phonolith() {
  case "$1 $*" in
    serve\\ *) python "$ASK" "$@" ;;
    seed\\ *--status*) command phonolith "$@" ;;
    seed\\ *) python "$STOP" "$@" ;;
    mirror\\ *) python "$MIRROR" "$@" ;;
    swarm\\ *--show*) command phonolith "$@" ;;
    swarm\\ *) command phonolith "$@" --no-dht ;;
    *) command phonolith "$@" ;;
  esac
}
curl() { python "$CURL" "$@"; }
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
_STOP = """
import signal, subprocess, sys
words = ["--bind", "127.0.0.1:0", "--no-dht", "--json"]
run = subprocess.Popen(["phonolith", *sys.argv[1:], *words], stdout=subprocess.PIPE, text=True)
text = ""
while "\\n}" not in text:
    text += run.stdout.readline()
run.send_signal(signal.SIGINT)
sys.exit(run.wait(60))
"""


_MIRROR = """
import os, signal, socket, subprocess, sys
from json import JSONDecoder
subprocess.run(["phonolith", "publish", "for-mirrors", "--archive", "demo"], capture_output=True)  # if it is not yet
try:
    port = open("port").read()  # what is mirrored once is looked for at the same address again
except FileNotFoundError:
    with socket.create_server(("127.0.0.1", 0)) as free, open("port", "w") as file:
        file.write(port := str(free.getsockname()[1]))
words = ["phonolith", "serve", "--archive", "demo", "--port", port, "--json"]
run = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
text = ""
while "}" not in text:
    text += run.stdout.readline()
address = JSONDecoder().decode(text)["address"].rstrip("/")
os.environ |= {"PHONOLITH_SEED_DHT": "false", "PHONOLITH_SEED_LISTEN": "127.0.0.1:0", "PHONOLITH_SWARM_PATIENCE": "1"}
stated = ("https://music.example.org", "http://127.0.0.1:8080")  # as pages write it
done = subprocess.run(["phonolith", *(address if word in stated else word for word in sys.argv[1:])])
run.send_signal(signal.SIGINT)
run.wait(30)
sys.exit(done.returncode)
"""


_CURL = """
import signal, subprocess, sys
from json import JSONDecoder
words = ["phonolith", "serve", "--archive", "demo", "--port", "0", "--json"]
run = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
text = ""
while "}" not in text:
    text += run.stdout.readline()
address = JSONDecoder().decode(text)["address"].rstrip("/")
done = subprocess.run(["curl", *(word.replace("https://music.example.org", address) for word in sys.argv[1:])])
run.send_signal(signal.SIGINT)
run.wait(30)
sys.exit(done.returncode)
"""


def commands(page: Path) -> str:
    """The page's shell blocks, joined."""
    return "\n".join(_BLOCK.findall(page.read_text("utf-8")))


def _environment(folder: Path, **more: str) -> dict[str, str]:
    outside = {key: value for key, value in os.environ.items() if not key.startswith("PHONOLITH_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **outside,
        "PATH": path,
        "HOME": str(folder),
        "ASK": str(folder / "ask.py"),
        "STOP": str(folder / "stop.py"),
        "MIRROR": str(folder / "mirror.py"),
        "CURL": str(folder / "curl.py"),
        **more,
    }


def _follow(page: Path, folder: Path, **more: str) -> None:
    """Type what the page says, in the folder."""
    done = subprocess.run(
        ["bash", "-c", _PREAMBLE + commands(page)],
        cwd=folder,
        env=_environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "Traceback" not in done.stderr


def _desk(folder: Path, music: Path) -> Path:
    """A folder as the pages expect it: music that needs no rendering, and a table with its map."""
    shutil.copytree(music, folder / "demo" / "music", copy_function=os.link)
    (folder / "albums.csv").write_text(_ALBUMS)
    (folder / "albums.toml").write_text(_MAP)
    (folder / "ask.py").write_text(_ASK)
    (folder / "stop.py").write_text(_STOP)
    (folder / "mirror.py").write_text(_MIRROR)
    (folder / "curl.py").write_text(_CURL)
    return folder


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, rendered_music: Path) -> Path:
    """One folder with the demonstration's archive for all how-tos, which are independent of each other."""
    folder = _desk(tmp_path_factory.mktemp("workshop"), rendered_music)
    words = ["phonolith", "demo", "--no-serve", "--json", "--dir", "demo"]
    subprocess.run(words, cwd=folder, env=_environment(folder), check=True, capture_output=True, timeout=300)
    return folder


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/tutorial/*.md")), ids=lambda page: page.stem)
def test_the_tutorial_can_be_followed(
    page: Path, tmp_path: Path, rendered_music: Path, request: pytest.FixtureRequest
) -> None:
    desk = _desk(tmp_path, rendered_music)
    if CLONED in page.read_text("utf-8"):  # what a person would clone is one of the real collections, where these are
        desk.joinpath(CLONED).symlink_to(request.getfixturevalue("shared_data") / "freemusi-cc")
    _follow(page, desk)


@pytest.mark.parametrize(
    "page",
    [*sorted({*ROOT.glob("docs/how-to/*.md")} - {PUBLISH}), *sorted(ROOT.glob("docs/explanation/*.md"))],
    ids=lambda page: page.stem,
)
def test_a_how_to_does_what_it_says(page: Path, workshop: Path) -> None:
    _follow(page, workshop, PHONOLITH_ARCHIVE="demo")


@pytest.fixture(scope="module")
def given_away(tmp_path_factory: pytest.TempPathFactory, rendered_music: Path) -> tuple[Path, str]:
    """A folder in which an archive was published as the page says, and the address that it will be served at."""
    desk = _desk(tmp_path_factory.mktemp("given"), rendered_music)
    demo = ["phonolith", "demo", "--no-serve", "--json", "--dir", "demo"]
    subprocess.run(demo, cwd=desk, env=_environment(desk), check=True, capture_output=True, timeout=300)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    _follow(PUBLISH, desk, PHONOLITH_ARCHIVE="demo", PHONOLITH_PUBLISH_URL=address)
    return desk, address


def test_publishing_does_what_its_page_says(given_away: tuple[Path, str]) -> None:
    desk, _ = given_away
    shown = subprocess.run(
        ["phonolith", "release", "--list", "--json", "--archive", "demo"],
        cwd=desk, env=_environment(desk), capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert [one["name"] for one in json.loads(shown.stdout)["published"]] == ["2026-11"]


@pytest.mark.peers
def test_a_friend_gets_what_was_published(given_away: tuple[Path, str], peer: Callable[..., str]) -> None:
    """The page's own words for the friend, with the address of a library that runs; no peer but its web seed."""
    peer("aria2c")
    peer("curl")
    desk, address = given_away
    (desk / ".aria2").mkdir()
    (desk / ".aria2" / "aria2.conf").write_text("enable-dht=false\nbt-enable-lpd=false\nenable-peer-exchange=false\n")
    words = "\n".join(re.findall(r"^```bash\n(.*?)^```", PUBLISH.read_text("utf-8"), re.MULTILINE | re.DOTALL))
    friend = ["bash", "-euo", "pipefail", "-c", words.replace("https://music.example.org", address)]
    serve = ["phonolith", "serve", "--archive", "demo", "--port", address.rpartition(":")[2], "--json"]
    environment = _environment(desk)
    with subprocess.Popen(serve, cwd=desk, env=environment, stdout=subprocess.PIPE, text=True) as library:
        try:
            listed = _asked(f"{address}/releases.json")
            for one in (bundle for publication in listed["publications"] for bundle in publication["bundles"]):
                own = {**environment, "BUNDLE": one["name"]}
                done = subprocess.run(friend, cwd=desk, env=own, capture_output=True, text=True, timeout=120)
                assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
                payload = [path for path in (desk / one["name"] / "data").rglob("*") if path.is_file()]
                assert len(payload) == one["files"]
        finally:
            library.send_signal(signal.SIGINT)


def _asked(address: str) -> Any:
    """An answer of a library that is about to be there."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("the library did not come up")


def test_make_targets_named_in_the_readme_are_there() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    for target in set(re.findall(r"make ([a-z]+)", text)) - {"are"}:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, target


def test_what_the_readme_says_to_type_works(tmp_path: Path) -> None:
    blocks = [line for block in _BLOCK.findall((ROOT / "README.md").read_text()) for line in block.splitlines()]
    lines = [line for line in blocks if "phonolith" in line]
    assert lines
    subprocess.run(["bash", "-ec", "\n".join(lines)], cwd=tmp_path, env=_environment(tmp_path), check=True, timeout=60)


def test_the_table_of_contents_names_every_page_once() -> None:
    text = (ROOT / "docs/README.md").read_text()
    named = re.findall(r"\]\(([^)#]+\.md)\)", text)
    assert sorted(named) == sorted(set(named))
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not page.startswith(("decisions/", "README"))} == set(named)


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target

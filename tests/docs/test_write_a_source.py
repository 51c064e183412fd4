"""The example of a third party's source: taken from its page, installed, and harvested with on the command line."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from phonolith.store.archive import Archive
from tests.harvest.serving import Reply, configure, served
from tests.harvest.test_gather import Clock

PAGE = (Path(__file__).resolve().parents[2] / "docs/how-to/write-a-source.md").read_text("utf-8")
NAMES = ("id", "title", "artist", "seconds", "audio", "licence", "uploader")
BY = "https://creativecommons.org/licenses/by/4.0/"


def block(language: str) -> str:
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, language
    return str(found[0])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the example was installed into, as pip does it."""
    project, place = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("place")
    (project / "label_catalogue.py").write_text(block("python"), "utf-8")
    (project / "pyproject.toml").write_text(block("toml"), "utf-8")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    words = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(place), str(project)]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    return place


def phonolith(place: Path, root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    outside = {key: value for key, value in os.environ.items() if not key.startswith("PHONOLITH_")}
    environment = {**outside, "PHONOLITH_ARCHIVE": str(root), "PYTHONPATH": str(place)}
    run = [sys.executable, "-m", "phonolith.cli.main", *words]
    return subprocess.run(run, env=environment, capture_output=True, text=True, timeout=120)


def answers(path: str, _: Mapping[str, str]) -> Reply | None:
    page = {"/catalogue.json": 1, "/catalogue.json?page=2": 2}.get(path)
    if page is None:
        return None
    values = (f"t{page}", f"Song {page}", "Ann", 185, f"https://label.example/t{page}.flac", BY, "ann@label.example")
    told = {"total": 2, "tracks": [dict(zip(NAMES, values, strict=True))]}
    if page == 1:
        told["next"] = "/catalogue.json?page=2"
    return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    Archive.create(tmp_path / "a", name="test", contact="a@example.org", now=Clock()())
    return tmp_path / "a"


def test_it_is_as_short_as_the_page_says() -> None:
    assert len(block("python").splitlines()) <= 75
    json.loads(block("json"))


def test_installed_it_harvests_builds_and_shows(installed: Path, root: Path) -> None:
    with served(answers) as server:
        configure(root, loopback=server.base)
        words = ("harvest", "label", f"{server.base}/catalogue.json", "--only", "metadata", "--json")
        done = phonolith(installed, root, *words)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["new"], told["run"]["listed"], told["run"]["total"], told["findings"]) == (2, 2, 2, [])
    assert server.asked == ["/catalogue.json", "/catalogue.json?page=2"]
    done = phonolith(installed, root, "build", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(phonolith(installed, root, "search", "song", "--json").stdout)
    assert found["tracks"]["total"] == 2
    assert "label" in phonolith(installed, root, "harvest", "--help").stdout


def test_without_terms_it_is_refused_in_the_words_of_the_page_and_the_others_go_on(
    installed: Path, root: Path, tmp_path: Path
) -> None:
    place = tmp_path / "termless"
    subprocess.run(["cp", "-r", str(installed), str(place)], check=True)
    text = (place / "label_catalogue.py").read_text("utf-8")
    bare = re.sub(r"    terms = Terms\(.*?\n    \)\n", "", text, flags=re.DOTALL)
    assert bare != text
    (place / "label_catalogue.py").write_text(bare, "utf-8")
    done = phonolith(place, root, "harvest", "label", "https://label.example/catalogue.json")
    assert done.returncode != 0 and done.stderr.strip() == re.sub(r"\s*\n\s*", " ", block(r"text").strip())
    shown = phonolith(place, root, "harvest", "--help")
    assert shown.returncode == 0 and "oaipmh" in shown.stdout and " label " not in shown.stdout


def test_its_records_are_read_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phonolith.errors import BadInput
    from phonolith.model.record import Record

    (tmp_path / "label_catalogue.py").write_text(block("python"), "utf-8")
    spec = importlib.util.spec_from_file_location("label_catalogue", tmp_path / "label_catalogue.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    payload = json.dumps(json.loads(block("json"))["tracks"][0]).encode()
    (song,) = module.SOURCE.interpret(Record("label.x", "t1", "https://label.example/", "", payload))
    assert (song.title, song.credits[0].name, song.duration_ms, song.licences[0].uri) == ("Blå", "Ann", 185_000, BY)
    assert "ann@" not in repr(song)
    for broken in (b"", b"[]", b"{", b"null", b"\xff"):
        with pytest.raises(BadInput, match="record"):
            list(module.SOURCE.interpret(Record("label.x", "t1", "", "", broken)))

"""The log between archives, from the command line and over real HTTP: witnesses, and two mirrors that meet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phonolith.releases.watch import watch
from phonolith.store.archive import Archive
from phonolith.verifier import read_head
from tests.cli.conftest import Result
from tests.cli.test_mirror import served
from tests.releases.origins import Asking

Run = Callable[..., Result]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an archive that holds three files, which lie beside it, and two mirrors."""
    for name in ("origin", "one", "two"):
        archive = Archive.create(tmp_path / name, name=name, contact="x@example.org", now="2026-01-01T00:00:00Z")
        for number in range(3) if name == "origin" else ():
            (tmp_path / f"{number}.flac").write_bytes(b"%d" % number * 100_000)
            with archive.objects() as objects:
                objects.adopt(tmp_path / f"{number}.flac", "copy")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def look(place: Path, name: str, url: str, **more: Any) -> Any:
    return watch(Archive.open(place / name), url, Asking().read, **more)


def test_an_origin_asks_its_witnesses(place: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    key = phonolith("log", "key", "--archive", "one", "--json").data["key"]
    assert key in phonolith("log", "key", "--archive", "one").out and len(key) == 64
    assert "Nobody is asked yet" in phonolith("log", "collect", "--archive", "origin").err
    phonolith("log", "commit", "0.flac", "--archive", "origin")
    with served(Archive.open(place / "origin")) as origin, served(Archive.open(place / "one")) as mirror:
        away = "http://127.0.0.1:9"
        monkeypatch.setenv("PHONOLITH_PUBLISH_WITNESSES", f"{away}#{'a' * 64},{mirror}#{key}")
        assert look(place, "one", origin, countersigns=True).countersignature.key == key
        done = phonolith("log", "collect", "--archive", "origin", "--json")
        assert done.code == 0
        gone, there = done.data["witnesses"]
        assert gone["url"] == away and gone["problem"] and gone["new"] == 0
        assert (there["key"], there["new"], there["size"], there["problem"]) == (key, 1, 1, "")
        said = phonolith("log", "collect", "--archive", "origin").out
        assert f"{mirror}: 0 countersignatures new, last the head of 1 object at" in said
    heads = phonolith("log", "heads", "--archive", "origin", "--json").data
    assert heads["seen_by"] == 1 and heads["seen_last"] == there["time"]
    assert f"Seen by 1 other, last at {there['time']}." in phonolith("log", "heads", "--archive", "origin").out


def test_two_mirrors_that_were_shown_two_logs_refute_the_origin(place: Path, phonolith: Run) -> None:
    phonolith("log", "commit", "0.flac", "--archive", "origin")
    shutil.copytree("origin", "twin")
    phonolith("log", "commit", "1.flac", "--archive", "origin")
    phonolith("log", "commit", "2.flac", "--archive", "twin")
    for name, shown in (("one", "origin"), ("two", "twin")):
        with served(Archive.open(place / shown)) as url:
            look(place, name, url)
    with served(Archive.open(place / "two")) as url:
        done = phonolith("log", "compare", url, "--archive", "one", "--json")
        same = phonolith("log", "compare", url, "--archive", "two", "--json")
        none = phonolith("log", "compare", url, "--archive", "origin")
    assert done.code == 9 and "contradict each other" in done.err and "held/log/evidence" in done.err
    (kept,) = (place / "one/held/log/evidence").iterdir()
    found = phonolith("check-log", kept / "seen.jsonl", kept / "shown.jsonl", "--json")
    assert found.code == 1 and found.data["verdict"] == "refuted"
    told = phonolith("doctor", "--archive", "one", "--json").data["findings"]
    assert [one["subject"] for one in told if one["code"] == "log.evidence"] == [
        str(Path("one") / kept.relative_to(place / "one"))
    ]
    assert len({read_head(one).root for one in found.data["evidence"]}) == 2
    assert same.code == 0 and same.data["logs"][0]["here"] == same.data["logs"][0]["there"] == 2
    assert none.code == 0 and "no log" in none.out


@pytest.mark.parametrize("wrong", ["mirror.example.org", "https://m.example", "https://m.example#abc", "#" + "a" * 64])
def test_a_witness_without_address_or_key_is_no_setting(
    place: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("PHONOLITH_PUBLISH_WITNESSES", wrong)
    done = phonolith("log", "collect", "--archive", "origin")
    assert done.code == 3 and "address and a key" in done.err

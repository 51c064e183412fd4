"""``release`` and ``publish`` as people and programs meet them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.library.publications import bundles
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from tests import sample
from tests.cli.conftest import Result

Run = Callable[..., Result]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return sample.make_archive(tmp_path / "archive")[0].root


def test_a_dry_run_writes_nothing(root: Path, phonolith: Run) -> None:
    before = sorted(root.rglob("*"))
    found = phonolith("release", "one", "--dry-run", "--archive", root, "--json").data
    assert found["files"] > 20 and found["folder"] is None
    assert {bundle["licence"] for bundle in found["bundles"]} == {"by", "by-sa", "cc0", "pd", "by-nc", "by-nc-nd"}
    assert [path for path in sorted(root.rglob("*")) if path.suffix not in (".sqlite-wal", ".sqlite-shm")] == [
        path for path in before if path.suffix not in (".sqlite-wal", ".sqlite-shm")
    ]


def test_the_whole_way_out(root: Path, phonolith: Run) -> None:
    cut = phonolith("release", "one", "--v1-twin", "--archive", root, "--json").data
    assert phonolith("release", "--list", "--archive", root, "--json").data["drafts"] == ["one"]
    done = phonolith("publish", "one", "--v1-twin", "--archive", root, "--json").data
    assert done["bundles"] == cut["bundles"]
    listed = phonolith("release", "--list", "--archive", root, "--json").data
    assert [one["name"] for one in listed["published"]] == ["one"] and listed["drafts"] == []
    again = phonolith("release", "two", "--diff", "one", "--archive", root, "--json").data
    assert again["files"] == 0 and len(again["diff"]["not_here"]) == cut["files"]
    assert "Nothing is left to publish" in phonolith("release", "two", "--archive", root).out
    refused = phonolith("publish", "one", "--archive", root)
    assert refused.code == 2 and "published already" in refused.err
    empty = phonolith("publish", "two", "--archive", root)
    assert empty.code == 2 and "nothing that is not published" in empty.err
    with Archive.open(root).register() as register:
        assert [event.kind for event in register.events()].count("release.published") == 1


def test_a_selection_narrows_it(root: Path, phonolith: Run) -> None:
    found = phonolith("release", "one", "licence:cc0", "--dry-run", "--archive", root, "--json").data
    assert {bundle["licence"] for bundle in found["bundles"]} == {"cc0"}


def test_cutting_everything_anew_says_first_what_mirrors_would_move(root: Path, phonolith: Run) -> None:
    done = phonolith("publish", "one", "--archive", root, "--json").data
    refused = phonolith("publish", "two", "--recut-all", "--archive", root)
    assert refused.code == 2 and "mirrors would have to move" in refused.err and "--yes" in refused.err
    anew = phonolith("publish", "two", "--recut-all", "--yes", "--archive", root, "--json").data
    assert sum(one["files"] for one in anew["bundles"]) == sum(one["files"] for one in done["bundles"])
    current = bundles(published(Archive.open(root)))
    assert current.keys() == {one["name"] for one in anew["bundles"]}


@pytest.mark.parametrize("name", ["../x", "a b", "", ".hidden", "x" * 41, "ä"])
def test_a_name_that_is_no_name_is_refused(root: Path, phonolith: Run, name: str) -> None:
    assert phonolith("release", name, "--archive", root).code == 2


def test_what_contradicts_itself_or_was_never_published_is_told(root: Path, phonolith: Run) -> None:
    assert phonolith("release", "one", "--v1-twin", "--v2-only", "--archive", root).code == 2
    missing = phonolith("release", "one", "--diff", "old", "--archive", root)
    assert missing.code == 4 and "Published are: none" in missing.err


def test_people_see_bundles_and_what_to_do_next(root: Path, phonolith: Run) -> None:
    cut = phonolith("release", "one", "--archive", root)
    assert "bundles, " in cut.out and "To publish: phonolith publish one" in cut.err
    said = phonolith("publish", "one", "--archive", root).out
    assert said.startswith("Published one:")


def test_addresses_and_trackers_are_settings(root: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from phonolith.store.metainfo import read

    monkeypatch.setenv("PHONOLITH_PUBLISH_URL", "https://music.example.org/")
    monkeypatch.setenv("PHONOLITH_PUBLISH_TRACKERS", "http://t.example/announce udp://u.example:6969")
    cut = phonolith("release", "one", "--archive", root, "--json").data
    metainfo = Path(cut["folder"]) / f"{cut['bundles'][0]['name']}.torrent"
    found = read(metainfo.read_bytes(), "it")
    assert found.web_seeds == ("https://music.example.org/bundle/",)
    assert found.trackers == (("http://t.example/announce",), ("udp://u.example:6969",))
    monkeypatch.setenv("PHONOLITH_PUBLISH_URL", "ftp://x")
    assert phonolith("release", "one", "--archive", root).code == 3


def test_what_was_published_is_no_decision_that_waits_for_a_build(root: Path, phonolith: Run) -> None:
    def waiting() -> list[str]:
        found = phonolith("doctor", "--archive", root, "--json").data["findings"]
        return [one["problem"] for one in found if "newer than the catalogue" in one["problem"]]

    before = waiting()
    assert phonolith("publish", "one", "--archive", root).code == 0
    assert waiting() == before


def test_what_to_type_next_has_the_options_that_the_cut_had(root: Path, phonolith: Run) -> None:
    cut = phonolith("release", "one", "licence:cc0", "--v1-twin", "--archive", root)
    assert "To publish: phonolith publish one licence:cc0 --v1-twin\n" in cut.err
    assert "phonolith publish one --v1-twin\n" in phonolith("release", "--list", "--archive", root).err
    phonolith("release", "one", "--v2-only", "--archive", root)
    assert "phonolith publish one --v2-only\n" in phonolith("release", "--list", "--archive", root).err


def test_torrents_without_a_web_seed_are_told_before_and_after(root: Path, phonolith: Run) -> None:
    assert "publish.url is empty" in phonolith("release", "one", "--archive", root).out
    done = phonolith("publish", "one", "--archive", root)
    assert "publish.url is empty" in done.out and "phonolith seed" in done.err
    settings = root / "phonolith.toml"
    settings.write_text(settings.read_text() + '\n[publish]\nurl = "https://music.example.org"\n')
    assert "publish.url" not in phonolith("release", "two", "--recut-all", "--archive", root).out


def test_a_witness_that_is_away_keeps_nothing_from_being_published(
    root: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHONOLITH_PUBLISH_WITNESSES", f"http://127.0.0.1:9#{'a' * 64}")
    done = phonolith("publish", "one", "--archive", root, "--json")
    assert done.code == 0 and [one["new"] for one in done.data["witnesses"]] == [0]
    assert "cannot be reached" in done.data["witnesses"][0]["problem"]

"""Taking a bundle in is cut off, short of room or lied to: nothing is half there, and the same again finishes."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phonolith.cli.main import run
from phonolith.errors import BadInput
from phonolith.harvest import bundle as module
from phonolith.harvest.bundle import Options
from phonolith.library import publications
from phonolith.releases.publish import published
from phonolith.store import metainfo
from phonolith.store.archive import Archive
from tests import sample
from tests.harvest.test_bundle import NOW, take_in
from tests.releases.publishing import check_sound
from tests.releases.test_cut import laid_out
from tests.store.power import Said, power_cuts, run_killed

BUNDLE = "sample-one-by-top-small-001"
SEED = 5


@pytest.fixture
def place(memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty archive ``a`` and, in ``inbox``, a bundle of another one with its torrents; batches are small."""
    monkeypatch.setattr(module, "_BATCH_OBJECTS", 4)
    monkeypatch.setenv("PHONOLITH_NOW", NOW)
    origin = sample.make_archive(tmp_path / "origin")[0]
    assert run(["publish", "one", "licence:by", "--v1-twin", "--archive", str(origin.root)]) == 0
    inbox = memory / "disk" / "inbox"
    Archive.create(memory / "disk" / "a", name="Mirror", contact="m@example.org", now=NOW)
    bundle = publications.bundles(published(origin))[BUNDLE]
    laid_out(origin, bundle, inbox)
    with origin.objects() as objects:
        for one in bundle.torrents:
            shutil.copy(objects.path(one.sha256), inbox / publications.torrent_name(bundle, one.kind))
    yield memory / "disk"


def taking_in(archive: Archive, inbox: Path, promise: Said) -> None:
    """The scenario: a bundle is taken in."""
    assert not take_in(archive, inbox / BUNDLE).findings
    promise("taken")


def everything(archive: Archive) -> tuple[set[str], dict[tuple[str, str], bytes], Any]:
    """All that an archive holds: objects, records, publications without the number of their event."""
    with archive.objects() as objects, archive.records() as records:
        said = {(one.source, one.item): one.payload for one in records.scan()}
        return {one.sha256 for one in objects.all()}, said, publications.bundles(published(archive))


@pytest.fixture
def expected(place: Path, memory: Path) -> Any:
    shutil.copytree(place, memory / "whole")
    archive = Archive.open(memory / "whole" / "a")
    taking_in(archive, memory / "whole" / "inbox", lambda _: None)
    return everything(archive)


def check(archive: Archive, inbox: Path, promised: set[str], expected: Any, *, again: bool) -> None:
    """Records name held bytes, the register tells held bundles, and what was promised is whole."""
    check_sound(archive)
    objects, records, bundles = everything(archive)
    assert objects <= expected[0] and records.items() <= expected[1].items()
    if records:
        with archive.objects() as held:
            payload = {one.sha256 for one in publications.files(held, expected[2][BUNDLE])}
        assert payload <= objects, "a record names bytes that are not there"
    if bundles:
        assert (objects, records, bundles) == expected, "a bundle is told that is not there wholly"
    assert bundles or not promised, "a bundle that was promised is lost"
    if again:
        assert not take_in(archive, inbox / BUNDLE).findings
        assert everything(archive) == expected
        check_sound(archive)


def test_a_power_cut_at_any_moment_of_an_intake(
    place: Path, memory: Path, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = iter(range(10**6))

    def look(archive: Archive, inbox: Path, promised: set[str]) -> None:
        check(archive, inbox, promised, expected, again=next(turn) % 10 == SEED)

    assert power_cuts(place, memory, taking_in, look, monkeypatch, set()) > 100


@pytest.mark.parametrize("deaf_to", ["file", "folder", "sqlite"])
def test_without_its_fsyncs_the_same_test_fails(
    place: Path, memory: Path, expected: Any, deaf_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: each kind of sync alone is missed."""

    def look(archive: Archive, inbox: Path, promised: set[str]) -> None:
        check(archive, inbox, promised, expected, again=False)

    with pytest.raises(Exception) as caught:
        power_cuts(place, memory, taking_in, look, monkeypatch, {deaf_to})
    assert "few moments" not in str(caught.value)


def test_a_kill_at_any_moment_of_an_intake(place: Path, memory: Path, expected: Any) -> None:
    shutil.copytree(place, memory / "counted")
    moments = run_killed(memory / "counted", taking_in, None)[1]
    for moment in range(SEED, moments, moments // 10):
        here = memory / f"kill-{moment}"
        shutil.copytree(place, here)
        promised, _ = run_killed(here, taking_in, moment)
        check(Archive.open(here / "a"), here / "inbox", promised, expected, again=True)
        shutil.rmtree(here)


def resealed(bundle: Path, name: str, data: bytes) -> None:
    """Another tag file, vouched for by the tag manifest: who lies there does so too."""
    (bundle / name).write_bytes(data)
    path = bundle / "tagmanifest-sha256.txt"
    lines = [line.split("  ", 1) for line in path.read_text().splitlines()]
    digests = {name: digest for digest, name in lines} | {name: hashlib.sha256(data).hexdigest()}
    path.write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))


LINES = {
    "no JSON": b"hello\n",
    "no UTF-8": b'{"source":"\xff"}\n',
    "a number": b"5\n",
    "nothing": b"\n",
    "a source that is a list": b'{"source":"x","kind":"source","said":[]}\n',
    "a source that is a text": b'{"source":"x","kind":"source","said":"x"}\n',
    "a track that is a number": b'{"source":"x","kind":"track","said":7}\n',
    "a track of a source that nobody tells": b'{"source":"strange","kind":"track","said":{"id":"a"}}\n',
    "an id that is a number": b'{"source":"x","kind":"track","said":{"id":7}}\n',
    "lists ten thousand deep": b'{"source":"x","kind":"source","said":' + b"[" * 10_000 + b"]" * 10_000 + b"}\n",
    "an end too early": b'{"source":"x","kind":"track","said":{"id":"a"',
}


@pytest.mark.parametrize("name", LINES)
def test_an_excerpt_that_is_none_is_refused_and_nothing_is_taken_in(place: Path, name: str) -> None:
    archive = Archive.open(place / "a")
    resealed(place / "inbox" / BUNDLE, "catalogue.jsonl", LINES[name])
    with pytest.raises(BadInput) as caught:
        take_in(archive, place / "inbox" / BUNDLE)
    assert caught.value.code == "bundle.catalogue"
    assert everything(archive) == (set(), {}, {})


@pytest.mark.parametrize("oxum", ["9" * 6000 + ".2", "1.\u00b2", "-1.-1", "", "x"])
def test_numbers_that_are_none_are_counted_instead(place: Path, oxum: str) -> None:
    archive, bundle = Archive.open(place / "a"), place / "inbox" / BUNDLE
    text = (bundle / "bag-info.txt").read_text()
    resealed(bundle, "bag-info.txt", re.sub("Payload-Oxum: .*", f"Payload-Oxum: {oxum}", text).encode())
    take_in(archive, bundle)
    (told,) = publications.bundles(published(archive)).values()
    assert (told.files, told.size) == (len(list((bundle / "data").rglob("*.*"))), 0)


def test_a_folder_that_is_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    """The bytes are what the manifest says, and yet they are somebody else's: with ``move`` they would be gone."""
    archive, bundle = Archive.open(place / "a"), place / "inbox" / BUNDLE
    folder = next(path for path in (bundle / "data").iterdir() if path.is_dir())
    shutil.move(folder, tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    before = sorted(path.stat().st_ino for path in (tmp_path / "elsewhere").rglob("*"))
    report = take_in(archive, bundle, Options(adopt="move"))
    assert {one.code for one in report.findings} == {"bundle.corrupt"} and report.objects == 0
    assert sorted(path.stat().st_ino for path in (tmp_path / "elsewhere").rglob("*")) == before


def test_a_torrent_that_is_too_large_is_not_read(place: Path) -> None:
    archive, bundle = Archive.open(place / "a"), place / "inbox" / BUNDLE
    with (bundle.parent / f"{BUNDLE}.v2.torrent").open("wb") as file:
        file.truncate(metainfo.LARGEST * 20)
    with pytest.raises(BadInput) as caught:
        take_in(archive, bundle)
    assert caught.value.code == "metainfo.too-large"
    assert published(archive) == []

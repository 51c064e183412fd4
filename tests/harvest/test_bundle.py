"""Mirrors: what comes in from a bundle is the same bytes, the same pages and the same torrents, or is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from phonolith.catalogue.build import build
from phonolith.errors import BadInput, UsageError
from phonolith.harvest.bundle import Options, harvest_bundle
from phonolith.harvest.report import HarvestReport
from phonolith.library import browse, publications
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.publications import torrent_name
from phonolith.library.reading import Library
from phonolith.model.progress import Silent
from phonolith.releases.publish import published
from phonolith.rights.gate import Policy
from phonolith.sources.text import clean
from phonolith.store.archive import Archive
from tests import sample
from tests.releases.test_cut import chosen_of, laid_out, publish_now

NOW = "2026-11-03T00:00:00Z"


@contextmanager
def library_of(archive: Archive) -> Iterator[Library]:
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        yield Library(catalogue, Overlay(register, every=0), Policy())


@pytest.fixture
def origin(tmp_path: Path) -> Archive:
    archive = sample.make_archive(tmp_path / "origin")[0]
    publish_now(archive)
    return archive


@pytest.fixture
def copies(origin: Archive, tmp_path: Path) -> list[Path]:
    """Every published bundle as somebody who downloaded it has it, its torrents beside it."""
    found = []
    for bundle in publications.bundles(published(origin)).values():
        found.append(laid_out(origin, bundle, tmp_path / "copies"))
        with origin.objects() as objects:
            for torrent in bundle.torrents:
                shutil.copy(objects.path(torrent.sha256), tmp_path / "copies" / torrent_name(bundle, torrent.kind))
    return found


@pytest.fixture
def mirror(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "mirror", name="Mirror", contact="m@example.org", now=NOW)


def take_in(archive: Archive, path: Path, options: Options | None = None) -> HarvestReport:
    def append(kind: str, body: dict[str, Any]) -> Any:
        with archive.register() as register:
            return register.append(kind, body, actor="operator", time=NOW)

    return harvest_bundle(archive, path, options or Options(), append, progress=Silent(), clock=lambda: NOW)


def plain(value: Any) -> Any:
    """A view as data, without what is an archive's own: how a licence came to be known, and what it is called there."""
    if is_dataclass(value) and not isinstance(value, type):
        own = {"basis", "level", "note", "stated", "reason"}
        return {one.name: plain(getattr(value, one.name)) for one in fields(value) if one.name not in own}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return clean(value) if isinstance(value, str) else value  # what the sample has raw, a source would have cleaned


def test_a_mirror_serves_the_same_library(origin: Archive, mirror: Archive, copies: list[Path]) -> None:
    chosen = chosen_of(origin)
    for path in copies:
        assert not take_in(mirror, path).findings
    shutil.rmtree(path.parent)
    build(mirror, as_of=None, progress=Silent(), workers=1)
    tracks = {one.file.track.id for one in chosen if one.file.track}
    with library_of(origin) as there, library_of(mirror) as here:
        for identifier in tracks:
            mine, theirs = (plain(browse.track(library, identifier).track) for library in (here, there))
            assert mine == theirs
        for release in {one.file.release.id for one in chosen}:
            mine, theirs = browse.release(here, release), browse.release(there, release)
            shown = [
                [plain(one) for disc in page.discs for one in disc.tracks if one.id in tracks]
                for page in (mine, theirs)
            ]
            assert shown[0] == shown[1]
            assert [(one.role, one.sha256) for one in mine.files] == [(one.role, one.sha256) for one in theirs.files]
            told = [
                [plain(one) for one in (p.release.title, p.release.credit, p.genres, p.labels)] for p in (mine, theirs)
            ]
            assert told[0] == told[1]
        found = browse.search(here, browse.Query(words="love")).page.items
        assert {one.id for one in found} == {
            one.id for one in browse.search(there, browse.Query(words="love")).page.items if one.id in tracks
        }
    with mirror.objects() as objects:
        assert all(objects.has(one.file.sha256) for one in chosen)


def test_a_mirror_has_the_same_torrents_and_publishes_nothing_twice(
    origin: Archive, mirror: Archive, copies: list[Path]
) -> None:
    for path in copies:
        take_in(mirror, path)
    theirs, mine = publications.bundles(published(origin)), publications.bundles(published(mirror))
    assert mine == theirs
    with mirror.objects() as objects:
        for bundle in mine.values():
            assert all(objects.has(torrent.sha256) for torrent in bundle.torrents)
            assert all(objects.has(one.sha256) for one in publications.files(objects, bundle))


def test_taking_it_in_again_changes_nothing(mirror: Archive, copies: list[Path]) -> None:
    take_in(mirror, copies[0])
    with mirror.register() as register, mirror.objects() as objects:
        before = register.head(), objects.totals()
    again = take_in(mirror, copies[0])
    with mirror.register() as register, mirror.objects() as objects:
        assert (register.head(), objects.totals()) == before
    assert (again.new, again.changed, again.objects) == (0, 0, 0)


def test_a_file_that_is_not_what_it_should_be_is_told_and_not_held(mirror: Archive, copies: list[Path]) -> None:
    path = next(copies[0].rglob("data/**/*.wav"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    others = [one for one in copies[0].rglob("data/**/*") if one.is_file() and one != path]
    report = take_in(mirror, copies[0])
    assert [finding.code for finding in report.findings] == ["bundle.corrupt"]
    assert path.name in report.findings[0].subject
    assert report.objects == len(others)
    path.write_bytes(data)
    assert take_in(mirror, copies[0]).objects == 1


def test_a_missing_file_is_told(mirror: Archive, copies: list[Path]) -> None:
    next(copies[0].rglob("data/**/*.wav")).unlink()
    assert [finding.code for finding in take_in(mirror, copies[0]).findings] == ["bundle.corrupt"]


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("evidence.jsonl", lambda data: data + b"x", "bag.tag-corrupt"),
        ("bagit.txt", lambda data: data.replace(b"1.0", b"0.97"), "bag.declaration"),
        ("tagmanifest-sha256.txt", lambda data: data.replace(b"bagit.txt", b"../bagit.txt"), "path.traversal"),
        ("tagmanifest-sha256.txt", lambda data: b"\n".join(data.splitlines()[:1]) + b"\n", "bag.tag-missing"),
        ("tagmanifest-sha256.txt", lambda data: b"hello\n", "bag.manifest"),
        ("tagmanifest-sha256.txt", lambda data: b"\xff\n", "bag.encoding"),
    ],
)  # fmt: skip
def test_a_bag_that_is_none_is_refused(mirror: Archive, copies: list[Path], name: str, change: Any, code: str) -> None:
    path = copies[0] / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput) as caught:
        take_in(mirror, copies[0])
    assert caught.value.code == code
    with mirror.objects() as objects:
        assert objects.totals() == (0, 0)


def test_the_words_of_two_archives_do_not_mix(mirror: Archive, copies: list[Path]) -> None:
    take_in(mirror, copies[0])
    with pytest.raises(UsageError, match="another archive"):
        take_in(mirror, copies[1], Options(origin="Somebody else"))


def test_what_is_withdrawn_here_stays_withdrawn_after_it_came_in(
    origin: Archive, mirror: Archive, copies: list[Path]
) -> None:
    one = next(one for one in chosen_of(origin) if one.file.track)
    assert one.file.track is not None
    for path in copies:
        take_in(mirror, path)
    build(mirror, as_of=None, progress=Silent(), workers=1)
    with mirror.register() as register:
        body = {"subjects": [one.file.track.id], "because": "they asked", "ground": "owner"}
        register.append("item.withdrawn", body, actor="operator", time=NOW)
    with library_of(mirror) as here:
        rows = browse.search(here, browse.Query(words=one.file.track.title)).page.items
        assert one.file.track.id not in {row.id for row in rows}


def test_a_bundle_takes_the_place_of_an_older_one_of_its_archive_and_of_no_other(
    mirror: Archive, copies: list[Path]
) -> None:
    first, second, third = copies[:3]
    take_in(mirror, first)
    with mirror.register() as register:
        told = next(event.body for event in register.events() if event.kind == "release.mirrored")
        own = {key: value for key, value in told.items() if key != "origin"}
        own["bundles"] = [{**own["bundles"][0], "name": "own"}]
        register.append("release.published", own, actor="operator", time=NOW)
    take_in(mirror, second, Options(replaces=first.name))
    assert publications.bundles(published(mirror)).keys() == {second.name, "own"}
    take_in(mirror, third, Options(replaces="own"))
    assert publications.bundles(published(mirror)).keys() == {second.name, third.name, "own"}

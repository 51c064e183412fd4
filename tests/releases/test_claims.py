"""What a release states of itself: checked from its torrents and tag files alone, by the verb that anybody has."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from phonolith.audit.claims import Claim as Stranger
from phonolith.audit.claims import parse
from phonolith.cli.main import run
from phonolith.library import publications
from phonolith.model.claim import Claim, Stated
from phonolith.model.publication import Bundle
from phonolith.releases.bag import manifest, tag_files
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.store.bag import TAG_MANIFEST
from phonolith.store.claims import NAME, dump
from phonolith.verifier import digest
from tests import sample

METAINFO = ("torrent.files", "torrent.different", "torrent.bytes", "torrent.tracks")
OF_BYTES = ("files", "tracks", "bytes")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return sample.make_archive(tmp_path / "a")[0]


def published_bundles(archive: Archive) -> Mapping[str, Bundle]:
    return publications.bundles(published(archive))


def taken(archive: Archive, bundle: Bundle, folder: Path) -> Path:
    """The torrents and tag files of a bundle, and nothing of its payload, as a stranger has them."""
    folder.mkdir()
    with archive.objects() as objects:
        for path, sha256 in bundle.tags.items():
            (folder / path).write_bytes(objects.path(sha256).read_bytes())
        for one in bundle.torrents:
            name = publications.torrent_name(bundle, one.kind)
            (folder / name).write_bytes(objects.path(one.sha256).read_bytes())
    return folder


def audited(folder: Path, torrent: Path, name: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    rows = [f"{one}={folder / one}" for one in ("evidence.jsonl", "catalogue.jsonl")]
    words = [word for one in (*rows, f"{name}={torrent}") for word in ("--evidence", one)]
    capsys.readouterr()
    code = run(["audit", str(folder / NAME), *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_bundles_are_audited_from_their_torrent_and_tag_files(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["publish", "one", "--v1-twin", "--archive", str(archive.root)]) == 0
    bundles = published_bundles(archive)
    assert len(bundles) > 3
    for number, bundle in enumerate(list(bundles.values())[:3]):
        folder = taken(archive, bundle, tmp_path / str(number))
        code, told = audited(folder, folder / f"{bundle.name}.torrent", bundle.name, capsys)
        words = {one["id"]: one["verdict"] for one in told["verdicts"]}
        # the sample's files end as music does and have a second of it: that is said, and refutes nothing
        assert (code, {one["code"] for one in told["findings"]} - {"anatomy.coding"}) == (0, set())
        assert {words.pop(one) for one in OF_BYTES} == {"claimed"}, "that it is there is not shown by what lists it"
        assert set(words.values()) == {"proven"} and words.keys() > {*METAINFO, "evidence", "duration"}
        assert [one["quantity"] for one in told["verdicts"] if one["id"] == "evidence"] == [bundle.files]
    twin = audited(folder, folder / f"{bundle.name}.v1.torrent", bundle.name, capsys)[1]
    words = {one["id"]: one["verdict"] for one in twin["verdicts"]}
    assert words["torrent.bytes"] == "proven" and words["torrent.different"] == "claimed"  # v1 has no digest of a file


def test_claims_that_are_off_by_one_are_refuted(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The control: every claim, with one more than there is."""
    assert run(["publish", "one", "licence:cc0", "--archive", str(archive.root)]) == 0
    bundle = next(iter(published_bundles(archive).values()))
    folder = taken(archive, bundle, tmp_path / "b")
    stated = parse((folder / NAME).read_bytes(), NAME)
    (folder / NAME).write_bytes(_with_one_more(stated.claims))
    code, told = audited(folder, folder / f"{bundle.name}.torrent", bundle.name, capsys)
    assert code == 1 and len(told["verdicts"]) == len(stated.claims)
    assert [one["id"] for one in told["verdicts"] if one["verdict"] != "refuted"] == []


def _with_one_more(claims: Iterable[Stranger]) -> bytes:
    said = (
        Claim(one.id, one.sentence, int(one.quantity) + 1, one.unit.name, one.of, one.procedure, one.definition)
        for one in claims
    )
    return dump(Stated("", "", "", "2026-11-01", tuple(said)))


def test_the_seed_is_the_head_that_was_signed_first(archive: Archive, tmp_path: Path) -> None:
    assert run(["publish", "one", "licence:cc0", "--archive", str(archive.root)]) == 0
    head = archive.log().heads()[0]
    for number, bundle in enumerate(published_bundles(archive).values()):
        folder = taken(archive, bundle, tmp_path / str(number))
        claims = parse((folder / NAME).read_bytes(), NAME).claims
        assert {one.seed for one in claims} == {"", digest(head)}
        assert {one.when for one in claims} == {sample.AS_OF[:10]} and {one.slack for one in claims} == {0}


def test_the_same_words_give_the_same_bytes(archive: Archive, tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        assert run(["release", "one", "--archive", str(archive.root)]) == 0
        found.append({path.parent.name: path.read_bytes() for path in sorted(archive.derived.rglob(NAME))})
    assert found[0] == found[1] and len(found[0]) > 3
    assert run(["publish", "one", "--archive", str(archive.root)]) == 0
    with archive.objects() as objects:
        kept = {one.name: objects.path(one.tags[NAME]).read_bytes() for one in published_bundles(archive).values()}
    assert kept == found[0]


def test_what_was_published_without_claims_stays_as_it_is(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("phonolith.releases.cut.tag_files", _without_claims)
        assert run(["publish", "one", "licence:cc0", "--archive", str(archive.root)]) == 0
    old = published_bundles(archive)
    assert all(NAME not in one.tags for one in old.values())
    made = _bytes_of(archive)
    shutil.rmtree(archive.derived)
    archive.derived.mkdir()
    sample.make_catalogue(archive.catalogue)
    assert run(["publish", "two", "--archive", str(archive.root)]) == 0
    now = published_bundles(archive)
    assert {name: now[name] for name in old} == old and _bytes_of(archive).items() > made.items()
    assert all(NAME in one.tags for name, one in now.items() if name not in old)
    assert run(["ledger", "check", "--archive", str(archive.root)]) == 0


def _without_claims(*given: Any) -> dict[str, bytes]:
    """The tag files as they were before there were claims."""
    found = {path: data for path, data in tag_files(*given).items() if path not in (NAME, TAG_MANIFEST)}
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in found.items()}
    return {**found, TAG_MANIFEST: manifest(digests)}


def _bytes_of(archive: Archive) -> dict[str, bytes]:
    with archive.objects() as objects:
        every = [sha for one in published_bundles(archive).values() for sha in (*one.tags.values(), *_torrents(one))]
        return {sha256: objects.path(sha256).read_bytes() for sha256 in every}


def _torrents(bundle: Bundle) -> list[str]:
    return [one.sha256 for one in bundle.torrents]


def test_any_text_comes_back_from_the_file() -> None:
    odd = 'a"b\\c\n\t\x00\x1f\x7f é \U0001f3b5 [[claim]] \'\'\' """'
    stated = Stated(
        odd, odd, odd, "2026-11-01T00:00:00Z", (Claim("a", odd, 86_000_000, "tracks", odd, odd, "ids", odd),)
    )
    found = parse(dump(stated), "x")
    (claim,) = found.claims
    assert (found.title, claim.sentence, claim.of, claim.seed, int(claim.quantity)) == (odd, odd, odd, odd, 86_000_000)
    assert (claim.when, claim.bound, claim.slack, claim.definition) == ("2026-11-01", "exactly", 0, "ids")

"""What may be left of a publication that something interrupted: all of it, or nothing, and it can be made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from phonolith.cli.main import run
from phonolith.library import publications
from phonolith.model.progress import Silent
from phonolith.model.publication import Bundle
from phonolith.releases.prove import prove
from phonolith.releases.publish import assigned, published
from phonolith.store.archive import Archive
from phonolith.store.files import TEMPORARY
from phonolith.store.metainfo import read
from phonolith.store.structure import check_ledger
from phonolith.verifier import State, check_proof, check_state, read_proof
from tests import sample
from tests.releases.seeding import withdraw
from tests.store.power import Said

NOW = "2026-11-02T00:00:00Z"
VERBS = (("release", "two", "--v1-twin"), ("publish", "two", "--v1-twin"))
WORN = "sample-one-cc0-deep-small-001"


@dataclass(frozen=True)
class Published:
    """What an archive has published: bundles by name, the bytes that they lead to, which object is in which bundle."""

    bundles: Mapping[str, Bundle]
    made: Mapping[str, bytes]
    assigned: Mapping[str, str]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same moment all the time, so that the same publication has the same bytes."""
    monkeypatch.setenv("PHONOLITH_NOW", NOW)


def make_place(root: Path) -> Archive:
    """An archive ``a`` that published a bundle which then lost a file, and has much that is not published yet."""
    archive, _ = sample.make_archive(root / "a")
    (root / "inbox").mkdir()
    assert verb(archive, "publish", "one", "licence:cc0", "--v1-twin") == 0
    with archive.objects() as objects:
        evidence = publications.bundles(published(archive))[WORN].tags["evidence.jsonl"]
        withdraw(archive, json.loads(objects.path(evidence).read_bytes().splitlines()[0])["track"])
    return archive


def verb(archive: Archive, *words: str) -> int:
    """Run a verb as a program would; how it ended."""
    return run([*words, "--archive", str(archive.root)])


def publishing(archive: Archive, inbox: Path, promise: Said) -> None:
    """The scenario: cut a release and publish it. What ended well was promised."""
    for words in VERBS:
        if verb(archive, *words) == 0:
            promise(words[0])


def what_is_published(archive: Archive) -> Published:
    """Everything that publications lead to, read and compared with its digests; its log covers all of it."""
    past = published(archive)
    bundles = publications.bundles(past)
    made = {}
    with archive.objects() as objects:
        for one in bundles.values():
            for sha256 in (*one.tags.values(), *(torrent.sha256 for torrent in one.torrents)):
                made[sha256] = objects.path(sha256).read_bytes()
                assert hashlib.sha256(made[sha256]).hexdigest() == sha256, "a published file has other bytes"
                proof = read_proof(prove(archive, objects.path(sha256)))
                assert check_proof(proof) == [], "the log does not cover a published file"
            for torrent in one.torrents:
                found = read(made[torrent.sha256], torrent.kind).infohashes
                assert [found[0].hex(), found[1].hex()] == [torrent.v1, torrent.v2]
            for file in publications.files(objects, one):
                assert objects.has(file.sha256), "a published file is not held"
    return Published(bundles, made, assigned(archive, past))


def check_sound(archive: Archive) -> None:
    """No row without its bytes, no error in the ledger, the register or the log."""
    with archive.objects() as objects:
        for one in objects.all():
            data = objects.path(one.sha256).read_bytes()
            assert hashlib.sha256(data).hexdigest() == one.sha256, "a row names bytes that are not there"
    with archive.ledger() as ledger:
        findings = check_ledger(ledger, archive.volumes, Silent())
        assert [one for one in findings if one.severity == "error"] == []
    with archive.register() as register:
        assert register.verify() == []
    log = archive.log()
    if log.heads():
        assert check_state(State(log.heads(), log.leaves_file)) == []


def check_whole_or_absent(
    archive: Archive, promised: set[str], before: Published, after: Published, *, again: bool
) -> bool:
    """Whether the publication is there, wholly; with ``again`` it is made where it is not."""
    check_sound(archive)
    found = what_is_published(archive)
    there = any(one.name == "two" for one in published(archive))
    assert found == (after if there else before), "a publication is there in part, or with other bytes"
    assert there or "publish" not in promised, "a publication that was promised is lost"
    if again:
        _again(archive, after, there)
    return there


def _again(archive: Archive, after: Published, there: bool) -> None:
    """The same verb again: exactly the same publication, or it says that it is done; nothing is left lying about."""
    heads = archive.log().heads()
    assert verb(archive, *VERBS[1]) == (2 if there else 0)
    assert what_is_published(archive) == after, "published again, it is another publication"
    check_sound(archive)
    now = archive.log().heads()
    assert now[: len(heads)] == heads
    assert verb(archive, "ledger", "check") == 0 == verb(archive, "doctor")
    assert not list(archive.held.rglob(f"{TEMPORARY}*")), "what was cut off lies about still"

"""Fetching by a work list: what is on it, in its order and tier, nothing beyond it, and nothing twice after a kill."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from phonolith.catalogue.build import build
from phonolith.errors import BadInput, StorageError, UsageError
from phonolith.harvest import offers
from phonolith.harvest.fetch import Means, fetch, resume
from phonolith.harvest.listed import Listed
from phonolith.harvest.wanted import Wanted
from phonolith.model.ids import public_id
from phonolith.model.progress import Silent
from phonolith.model.rights import Decision
from phonolith.sources.payloads import beside, read
from phonolith.store import worklist
from phonolith.store.archive import Archive
from phonolith.store.batch import Batch
from phonolith.store.database import open_ro
from tests.harvest.fetching import COLLECTION, ND, NOW, archive_with, means, release, serving, track
from tests.lying import Origin, reply

SOUND = {name: b"fLaC" + name.encode() * 500 for name in "abcdef"}
SMALL = b"OggS" + bytes(100)


def answers(names: str = "abcdef") -> dict[str, object]:
    return {f"/{name}.flac": reply(200, SOUND[name], Content_Type="audio/flac") for name in names}


def listing(
    path: Path, origin: Origin, wishes: Sequence[tuple[str, str]], *, budget: int = 10**9, most: int = 3_000
) -> Listed:
    """A list of (name, tier) in this order."""
    head = worklist.Head(worklist.FORMAT, NOW, "2026-01-01", 0, "listens", budget, 1.0, 1.0, 1.0)
    lines = [
        worklist.Line(
            n,
            public_id("folder.label", name),
            "folder.label",
            "" if tier == "copy" else origin.url(f"/{name}.flac"),
            tier,  # type: ignore[arg-type]
            (1_000, 2_000, most),
            1_000,
            "flac",
            1.0,
            0.1,
            0.1,
        )
        for n, (name, tier) in enumerate(wishes, 1)
    ]
    worklist.write(path, head, lines, lambda: (0, 0, 0))
    return Listed.open(path)


def encoding(origin: Origin, made: list[str]) -> Means:
    """Means with an encoder that makes the same small file of everything."""

    @contextlib.contextmanager
    def encode(path: Path) -> Iterator[Path]:
        made.append(hashlib.sha256(path.read_bytes()).hexdigest())
        small = path.with_name(f"{path.name}.opus")
        small.write_bytes(SMALL + made[-1].encode())
        try:
            yield small
        finally:
            small.unlink()

    return replace(means(origin), encode=encode)


def asked(origin: Origin) -> list[str]:
    return [one.path.strip("/").removesuffix(".flac") for one in origin.arrivals if one.path != "/robots.txt"]


def archive_of(folder: Path, origin: Origin, licence: str = "") -> Archive:
    said = [track(name, origin.url(f"/{name}.flac"), **({"licence": licence} if licence else {})) for name in "abcdef"]
    return archive_with(folder, release(), *said)


def test_what_is_listed_comes_in_that_order_and_nothing_else(tmp_path: Path) -> None:
    with serving(answers()) as origin:  # type: ignore[arg-type]
        archive = archive_of(tmp_path, origin)
        listed = listing(tmp_path / "list", origin, [("d", "original"), ("a", "original"), ("f", "copy")])
        report, run = fetch(archive, COLLECTION, Wanted(listed=listed), means(origin))
        assert asked(origin) == ["d", "a"] and run is not None and run.finished
        assert (report.objects, report.offered, report.unlisted, report.unoffered) == (2, 2, 4, 0)
        assert listed.copies == 1
        again, run = fetch(archive, COLLECTION, Wanted(listed=listed), means(origin))
        assert (again.held, run) == (2, None) and len(asked(origin)) == 2


def test_of_an_access_copy_the_original_goes_and_the_build_knows_what_it_is(tmp_path: Path) -> None:
    made: list[str] = []
    with serving(answers()) as origin:  # type: ignore[arg-type]
        archive = archive_of(tmp_path, origin)
        listed = listing(tmp_path / "list", origin, [("a", "access"), ("b", "original")])
        report, _ = fetch(archive, COLLECTION, Wanted(listed=listed), encoding(origin, made))
        assert (report.objects, report.copies) == (2, 1) and made == [hashlib.sha256(SOUND["a"]).hexdigest()]
    with archive.records() as store, archive.objects() as objects:
        told = {record.item[-6:]: read(record) for record in store.scan([beside(COLLECTION)])}
        digests = {one.sha256 for one in objects.all()}
    assert told["a.flac"].codec == "opus" and told["a.flac"].original["sha256"] == made[0]
    assert digests == {told["a.flac"].sha256, hashlib.sha256(SOUND["b"]).hexdigest()}
    assert told["b.flac"].codec == "" and not list(archive.root.rglob(".incoming-*"))
    build(archive, as_of=None, progress=Silent(), workers=1)
    with open_ro(archive.catalogue) as db:
        rows = db.execute(
            "SELECT f.name, f.codec, o.media_type, t.status FROM file f JOIN object o ON o.id = f.object"
            " JOIN track t ON t.id = f.subject / 4 ORDER BY f.name"
        ).fetchall()
    assert rows == [("a.opus", "opus", "audio/ogg", 1), ("b.flac", None, "audio/flac", 1)]


def test_no_derivatives_is_not_re_encoded_even_where_a_list_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the gate answering yes it would be."""
    made: list[str] = []
    with serving(answers()) as origin:  # type: ignore[arg-type]
        archive = archive_of(tmp_path, origin, ND)
        listed = listing(tmp_path / "list", origin, [("a", "access")])
        report, run = fetch(archive, COLLECTION, Wanted(listed=listed), encoding(origin, made))
        assert run is None and not made and not asked(origin)
        assert ["re-encoded" in reason for reason in report.denied] == [True]

        monkeypatch.setattr(offers, "decide", lambda use, *_, **__: Decision(use, True, ("yes",)))
        fetch(archive, COLLECTION, Wanted(listed=listed), encoding(origin, made))
        assert made == [hashlib.sha256(SOUND["a"]).hexdigest()]


def test_what_is_withdrawn_after_the_plan_is_not_fetched_and_what_is_gone_is_told(tmp_path: Path) -> None:
    with serving(answers()) as origin:  # type: ignore[arg-type]
        archive = archive_of(tmp_path, origin)
        wishes = [("a", "original"), ("b", "original"), ("zz", "original")]
        listed = listing(tmp_path / "list", origin, wishes)
        with archive.register() as register:
            body = {"subjects": [public_id("folder.label", "a")], "ground": "law", "because": "a court"}
            register.append("item.withdrawn", body, actor="x", time=NOW)
        report, _ = fetch(archive, COLLECTION, Wanted(listed=listed), means(origin))
        assert asked(origin) == ["b"] and report.unoffered == 1 and sum(report.denied.values()) == 1


def test_the_budget_of_the_list_holds_from_its_beginning_and_over_several_runs(tmp_path: Path) -> None:
    with serving(answers()) as origin:  # type: ignore[arg-type]
        archive = archive_of(tmp_path, origin)
        wishes = [(name, "original") for name in "fedcba"]
        size = len(SOUND["a"])
        listed = listing(tmp_path / "list", origin, wishes, budget=3 * size + 10, most=size)
        report, _ = fetch(archive, COLLECTION, Wanted(listed=listed), means(origin))
        assert asked(origin) == ["f", "e", "d"] and report.left == 3
        report, run = fetch(archive, COLLECTION, Wanted(listed=listed), means(origin))
        assert run is None and report.left == 3 and report.held == 3 and len(asked(origin)) == 3


def test_after_a_kill_the_list_is_gone_on_with_without_loss_or_doubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails at each file in turn; harvest resume goes on with the same list, and with no other."""
    with serving(answers()) as origin:  # type: ignore[arg-type]
        archive = archive_of(tmp_path, origin)
        path = tmp_path / "list"
        listed = listing(path, origin, [(name, "original") for name in "cabed"])
        plain = Batch.receive
        for count in range(4):

            def fails(self: Batch, *words: object, count: int = count, **more: object) -> object:
                with archive.objects() as objects:
                    if objects.totals()[0] > count:
                        raise StorageError("disk", "the disk is full")
                return plain(self, *words, **more)  # type: ignore[arg-type]

            monkeypatch.setattr(Batch, "receive", fails)
            with pytest.raises(StorageError):
                if count:
                    resume(archive, beside(COLLECTION), means(origin))
                else:
                    fetch(archive, COLLECTION, Wanted(listed=listed), means(origin))
        monkeypatch.setattr(Batch, "receive", plain)
        text = path.read_bytes()
        listing(path, origin, [("f", "original")])
        with pytest.raises(UsageError):
            resume(archive, beside(COLLECTION), means(origin))
        path.write_bytes(text)
        _, run = resume(archive, beside(COLLECTION), means(origin))
        assert run is not None and run.finished
        with archive.records() as store:
            items = [record.item[-6] for record in store.scan([beside(COLLECTION)])]
        assert sorted(items) == list("abcde") and "f" not in asked(origin)
        with archive.objects() as objects:
            assert objects.totals()[0] == 5


def test_a_list_that_is_none_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text('{"a": 1}\n', "utf-8")
    with pytest.raises(BadInput):
        Listed.open(path)

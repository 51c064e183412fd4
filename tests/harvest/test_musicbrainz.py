"""MusicBrainz is gathered by whole dumps, packets of changes, files and look-ups, into one collection."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import Interrupted, NotFound, StorageError, UsageError
from phonolith.harvest.online import Means, Order, harvest_online, resume
from phonolith.harvest.report import HarvestReport
from phonolith.model.frontier import Run
from phonolith.model.progress import Silent
from phonolith.sources import dump_file, musicbrainz_gather
from phonolith.sources.base import open_source
from phonolith.sources.musicbrainz_asking import lookup_address, read_sizes, read_sums
from phonolith.store.archive import Archive
from tests.harvest.test_gather import Clock
from tests.sources.dumping import MAIL, Origin, documents, dump, full

NAME = "musicbrainz.main"
KINDS = ("artist", "release")
WISH = {"entity": KINDS}


class Told(Silent):
    """Remembers what a person is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, message: str) -> None:
        self.words.append(message)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", name="test", contact="a@example.org", now=Clock()())


def means(origin: Origin, progress: Silent | None = None) -> Means:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Origin]:
        yield origin

    return Means(connect, {}, progress or Silent(), Clock())


def harvest(
    archive: Archive, origin: Origin, wish: dict[str, tuple[str, ...]] = WISH, **order: Any
) -> tuple[HarvestReport, Run]:
    return harvest_online(archive, Order("musicbrainz", wish, **order), means(origin))


def held(archive: Archive) -> dict[str, Any]:
    with archive.records() as store:
        return {one.item: json.loads(one.payload) for one in store.scan([NAME]) if not one.item.startswith("!")}


def whole(shared_data: Path, sequence: int = 100, **more: list[Any]) -> dict[str, bytes]:
    some = {**{kind: documents(shared_data)[kind] for kind in KINDS}, **more}
    return full({kind: dump(kind, lines, sequence) for kind, lines in some.items()})


def test_a_whole_dump_becomes_records_and_objects(archive: Archive, shared_data: Path) -> None:
    some = documents(shared_data)
    told = Told()
    origin = Origin(whole(shared_data))
    report, run = harvest_online(archive, Order("musicbrainz", WISH), means(origin, told))
    expected = {f"{kind}/{one['id']}": one for kind in KINDS for one in some[kind]}
    assert held(archive) == expected
    assert run.finished and run.high_water == "000000000100" and report.new == len(expected) + 1
    assert [one.code for one in report.findings] == ["musicbrainz.signature"]
    assert "not checked" in report.findings[0].problem
    assert len(told.words) == 1 and "to fetch" in told.words[0] and "on the disk" in told.words[0]
    with archive.objects() as objects:
        kept = {held.sha256 for held in objects.all()}
    assert {hashlib.sha256(data).hexdigest() for path, data in origin.files.items() if path.endswith(".xz")} <= kept
    assert not list((archive.state / "downloads").iterdir())
    with archive.records() as store:
        source = open_source(NAME)
        said = [one for record in store.scan([NAME]) for one in source.interpret(record)]
    assert len({one.id for one in said}) > 50
    assert MAIL not in repr(said) and "secret-tag" not in repr(said)


def test_a_kill_goes_on_at_the_line(archive: Archive, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump_file, "PART_LINES", 3)
    monkeypatch.setattr("phonolith.store.packed.CHUNK", 4096)
    origin = Origin(whole(shared_data))
    real, read = musicbrainz_gather._step, []

    def stopping(*words: Any) -> Any:
        if len(read) == 9:
            raise KeyboardInterrupt
        read.append(words[1])
        return real(*words)

    monkeypatch.setattr(musicbrainz_gather, "_step", stopping)
    with pytest.raises((Interrupted, KeyboardInterrupt)):
        harvest(archive, origin)
    before = held(archive)
    monkeypatch.setattr(musicbrainz_gather, "_step", lambda *words: read.append(words[1]) or real(*words))
    origin.asked.clear()
    _, run = resume(archive, NAME, means(origin))
    assert run.finished and 0 < len(before) < len(held(archive))
    assert not [path for path, _ in origin.asked if "artist" in path], "what is held is not fetched again"
    lines = [(part.member, part.first) for part in read if part.lines and part.member.startswith("mbdump")]
    assert len(lines) - len(set(lines)) <= 2, "a part or two may be read twice, and no more"
    some = documents(shared_data)
    assert len(held(archive)) == sum(len(some[kind]) for kind in KINDS)


def test_packets_move_the_mark_and_whole_dumps_notice_deletions(archive: Archive, shared_data: Path) -> None:
    some = documents(shared_data)
    harvest(archive, Origin(whole(shared_data)))
    first, second = some["artist"][0], some["artist"][1]
    live = "/api/musicbrainz"
    packets = {
        f"{live}/replication-info": b'{"last_packet": "replication-104.tar.bz2"}',
        f"{live}/json-dumps/json-dump-101/artist.tar.xz": dump("artist", [{**first, "name": "Anew"}], 101),
        f"{live}/json-dumps/json-dump-103/release.tar.xz": dump("release", [{**some["release"][0], "title": "T"}], 103),
    }
    token = archive.root / "token"
    token.write_text("s3cret\n")
    origin = Origin(packets)
    report, run = harvest(archive, origin, {**WISH, "token": (str(token),)})
    assert (report.changed, report.gone, run.high_water) == (2, 0, "000000000103")
    assert held(archive)[f"artist/{first['id']}"]["name"] == "Anew"
    assert all(headers["Authorization"] == "Token s3cret" for _, headers in origin.asked)
    for path in archive.root.rglob("*"):
        if path.is_file() and path != token:
            assert b"s3cret" not in path.read_bytes(), path

    less = whole(shared_data, 120, artist=[one for one in some["artist"] if one != second])
    report, run = harvest(archive, Origin(less), everything=True)
    assert report.gone == 1 and f"artist/{second['id']}" not in held(archive)
    assert run.high_water == "000000000120"
    report, run = harvest(
        archive, Origin(whole(shared_data, 130, artist=[first])), {"entity": ("artist",)}, everything=True
    )
    assert {item.partition("/")[0] for item in held(archive)} == {"artist", "release"}, "releases were not asked for"


def test_packets_without_a_token_are_refused_in_words(archive: Archive, shared_data: Path) -> None:
    harvest(archive, Origin(whole(shared_data)))
    report, run = harvest(archive, Origin({}))
    assert [one.code for one in report.findings] == ["harvest.refused"] and "access token" in report.findings[0].problem
    assert run.high_water == "000000000100"


def test_look_ups_say_the_same_of_the_same_and_take_nothing_away(archive: Archive, shared_data: Path) -> None:
    some = documents(shared_data)
    harvest(archive, Origin(whole(shared_data)))
    count = len(held(archive))
    first, second, third = (one["id"] for one in some["artist"][:3])
    path = lookup_address("", "artist", first)
    merged = lookup_address("", "artist", second)
    files = {path: json.dumps({**some["artist"][0], "name": "Looked up"}).encode()}
    files[merged] = files[path]
    wish = {"lookup": (f"artist/{first}", f"https://musicbrainz.org/artist/{second}", f"artist:{third}")}
    report, run = harvest(archive, Origin(files), wish)
    assert held(archive)[f"artist/{first}"]["name"] == "Looked up"
    assert {one.code for one in report.findings} == {"musicbrainz.merged", "musicbrainz.absent"}
    assert (report.gone, len(held(archive)), run.high_water) == (2, count - 2, "000000000100")
    assert "tags" not in path and "ratings" not in path and "annotation" not in path
    live = {"/api/musicbrainz/replication-info": b'{"last_packet": "replication-100.tar.bz2"}'}
    token = archive.root / "token"
    token.write_text("t")
    _, run = harvest(archive, Origin(live), {**WISH, "token": (str(token),)})
    assert run.since == "000000000100", "look-ups do not make the next run begin anew"


def test_look_ups_out_of_a_file(archive: Archive, shared_data: Path, tmp_path: Path) -> None:
    one = documents(shared_data)["artist"][0]
    named = tmp_path / "lacking.txt"
    named.write_text(f"artist/{one['id']}\n\nartist/{one['id']}\n")
    origin = Origin({lookup_address("", "artist", one["id"]): json.dumps(one).encode()})
    harvest(archive, origin, {"list": (str(named),)})
    assert len(origin.asked) == 1 and list(held(archive)) == [f"artist/{one['id']}"]


def test_files_that_are_here(archive: Archive, shared_data: Path, tmp_path: Path) -> None:
    some = documents(shared_data)
    path = tmp_path / "artist.tar.xz"
    path.write_bytes(dump("artist", some["artist"], 77))
    report, run = harvest(archive, Origin({}), {"file": (str(path),)})
    assert len(held(archive)) == len(some["artist"]) and run.high_water == "000000000077"
    assert [one.code for one in report.findings] == ["dump.unverified"]
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()} *artist.tar.xz\n")
    report, run = harvest(archive, Origin({}), {"file": (str(path),)})
    assert not report.findings and report.unchanged == len(some["artist"])
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64} *artist.tar.xz\n")
    report, run = harvest(archive, Origin({}), {"file": (str(path),)})
    assert "SHA256SUMS beside it says" in report.findings[0].problem and len(held(archive)) == len(some["artist"])


def test_what_is_wrong_in_a_dump_is_told_and_takes_nothing_away(
    archive: Archive, shared_data: Path, tmp_path: Path
) -> None:
    some = documents(shared_data)["artist"]
    path = tmp_path / "artist.tar.xz"
    path.write_bytes(dump("artist", [some[0], b"{broken", b'"text"', some[1]], 7, schema="2"))
    report, _ = harvest(archive, Origin({}), {"file": (str(path),)})
    assert sorted(one.code for one in report.findings) == [
        "dump.unverified",
        "musicbrainz.line",
        "musicbrainz.line",
        "musicbrainz.schema",
    ]
    assert [one.subject for one in report.findings if one.code == "musicbrainz.line"] == [
        "mbdump/artist line 2",
        "mbdump/artist line 3",
    ]
    assert len(held(archive)) == 2
    path.write_bytes(dump("artist", [], 8))
    report, _ = harvest(archive, Origin({}), {"file": (str(path),)}, everything=True)
    assert "no documents" in repr(report.findings) and report.gone == 0 and len(held(archive)) == 2


def test_a_dump_that_does_not_fit_is_not_begun(
    archive: Archive, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phonolith.store.volumes.Volume.free", lambda self: 10)
    origin = Origin(whole(shared_data))
    with pytest.raises(StorageError, match="bytes are needed, and 10 are free"):
        harvest(archive, origin)
    assert not [path for path, _ in origin.asked if path.endswith(".tar.xz")]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"lookup": ("artist/1",)}, "no entity"),
        ({"lookup": ("spaceship/b10bbbfc-cf9e-42e0-be17-e2c3e1d2600d",)}, "no entity"),
        ({"entity": ("spaceship",)}, "none of"),
        ({"entity": ("artist",), "file": ("x.tar.xz",)}, "of their own"),
    ],
)
def test_wishes_that_make_no_sense(archive: Archive, wish: dict[str, tuple[str, ...]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        harvest(archive, Origin({}), wish)
    with pytest.raises(NotFound):
        harvest(archive, Origin({}), {"list": ("/nowhere/list",)})


def test_sums_and_sizes_are_read_in_the_forms_there_are() -> None:
    digest = "ab" * 32
    assert read_sums(f"{digest} *a.tar.xz\n{digest}  b.tar.xz\n{digest[:-1]} *c\n") == {
        "a.tar.xz": digest,
        "b.tar.xz": digest,
    }
    nginx = '<a href="a.tar.xz">a.tar.xz</a>       01-Jan-2026 00:10         123456\r\n'
    apache = '<tr><td><a href="b.tar.xz">b.tar.xz</a></td><td>2026-01-01 00:10</td><td align="right">1.5G</td></tr>\n'
    assert read_sizes(nginx + apache, ["a.tar.xz", "b.tar.xz", "c.tar.xz"]) == {
        "a.tar.xz": 123_456,
        "b.tar.xz": 1_610_612_736,
    }

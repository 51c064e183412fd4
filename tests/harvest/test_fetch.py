"""Fetching what records lead to: the gate before any request, bytes as they are, and nothing lost by a stop."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phonolith.catalogue.build import build
from phonolith.errors import StorageError
from phonolith.harvest import offers
from phonolith.harvest.fetch import fetch
from phonolith.harvest.wanted import FetchReport, Wanted, plan
from phonolith.model.frontier import Fate
from phonolith.model.ids import public_id
from phonolith.model.music import Description
from phonolith.model.progress import Silent
from phonolith.model.record import Record
from phonolith.model.rights import Decision
from phonolith.rights.gate import Policy
from phonolith.sources import media
from phonolith.sources.client.downloads import Download
from phonolith.sources.media import Candidate, described
from phonolith.sources.mirror import PreparedMirror, Settings
from phonolith.sources.payloads import beside
from phonolith.store.archive import Archive
from phonolith.store.batch import Batch
from phonolith.store.database import open_ro
from phonolith.store.frontier import Frontier
from phonolith.store.passport import passport_of
from phonolith.store.volumes import Volume
from tests.harvest.fetching import COLLECTION, ND, NOW, archive_with, means, release, say, serving, track
from tests.lying import Handler, Request, head, raw, reply

SOUND = b"fLaC" + bytes(range(256)) * 8
PICTURE = b"\x89PNG" + bytes(500)
AUDIO = {"Content_Type": "audio/flac"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def held(archive: Archive) -> set[str]:
    with archive.objects() as objects:
        return {one.sha256 for one in objects.all()}


def recorded(archive: Archive) -> dict[str, str]:
    """SHA-256 by address, as records say."""
    from phonolith.sources.payloads import read

    with archive.records() as store:
        return {record.item: read(record).sha256 for record in store.scan([beside(COLLECTION)])}


def rows(archive: Archive, sql: str) -> list[tuple[object, ...]]:
    build(archive, as_of=None, progress=Silent(), workers=1)
    with open_ro(archive.catalogue) as db:
        return list(db.execute(sql))


def test_what_may_be_held_is_fetched_as_it_is_and_the_build_finds_it(tmp_path: Path) -> None:
    with serving({"/a.flac": reply(200, SOUND, ETag='"1"', **AUDIO), "/c.png": reply(200, PICTURE)}) as origin:
        cover = {"role": "cover", "name": "front.png", "url": origin.url("/c.png"), "media_type": "image/png"}
        one = track("a", origin.url("/a.flac"), size=len(SOUND))
        archive = archive_with(tmp_path, release(cover), one)
        report, run = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert (report.offered, report.objects, report.bytes_adopted) == (2, 2, len(SOUND) + len(PICTURE))
        assert run is not None and run.finished and not report.findings
        assert held(archive) == {sha256(SOUND), sha256(PICTURE)}
        assert recorded(archive) == {origin.url("/a.flac"): sha256(SOUND), origin.url("/c.png"): sha256(PICTURE)}

        asked = len(origin.arrivals)
        again, run = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert (again.held, again.objects, run, len(origin.arrivals)) == (2, 0, None, asked)
    with archive.objects() as objects:
        assert objects.path(sha256(SOUND)).read_bytes() == SOUND
    found = rows(archive, "SELECT lower(hex(o.sha256)), f.role FROM file f JOIN object o ON o.id = f.object")
    assert sorted(found) == sorted([(sha256(SOUND), "audio"), (sha256(PICTURE), "cover")])
    assert rows(archive, "SELECT status FROM track") == [(1,)]
    assert rows(archive, "SELECT name FROM source") == [("folder.label",)]


DENIED = {
    "no licence": (track("x", "{base}/x", ""), "No licence is known"),
    "a third party's word": (track("x", "{base}/x", level=1), "level 1"),
    "no derivatives is no reason, not free is": (track("x", "{base}/x", "https://example.org/mine"), "No licence"),
    "composed by another": (track("x", "{base}/x") | {"composition_by_others": True}, "composition"),
}


@pytest.mark.parametrize("said", DENIED.values(), ids=DENIED)
def test_nothing_is_asked_for_before_the_gate_allows_it(
    tmp_path: Path, said: tuple[dict[str, Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the gate answering yes the same test sees the request: that is the control."""
    one, words = said
    with serving({"/x": reply(200, SOUND, **AUDIO)}) as origin:
        files = [{**one["files"][0], "url": origin.url("/x")}]
        archive = archive_with(tmp_path, release(licence=""), {**one, "files": files})
        report, run = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert [words in reason for reason in report.denied] == [True] and run is None
        assert not origin.arrivals and not held(archive)

        monkeypatch.setattr(offers, "decide", lambda use, *_, **__: Decision(use, True, ("yes",)))
        fetch(archive, COLLECTION, Wanted(), means(origin))
        assert [one.path for one in origin.arrivals if one.path != "/robots.txt"] == ["/x"]
        assert held(archive) == {sha256(SOUND)}


def test_dates_that_free_open_the_door_on_their_day_and_where_the_archive_is(tmp_path: Path) -> None:
    """What was published in 1925 is free in the United States from 2026 on; its cover is not, by any date."""
    dates = {"published": "1925", "composition_published": "1850", "level": 2, "by": "label"}
    with serving({"/a.flac": reply(200, SOUND, **AUDIO), "/t.txt": reply(200, b"words")}) as origin:
        one = track("a", origin.url("/a.flac"), "") | {"origin": dates}
        one["files"].append({"role": "lyrics", "name": "t.txt", "url": origin.url("/t.txt")})
        archive = archive_with(tmp_path, release(licence=""), one)

        def on(day: str, place: str) -> int:
            handed = replace(means(origin, policy=Policy(place)), clock=lambda: f"{day}T12:00:00Z")
            return fetch(archive, COLLECTION, Wanted(), handed)[0].objects

        assert (on("2025-12-31", "US"), on("2026-01-01", "JP"), on("2026-01-01", "")) == (0, 0, 0)
        assert not origin.arrivals
        assert on("2026-01-01", "US") == 1
        assert recorded(archive) == {origin.url("/a.flac"): sha256(SOUND)}


def test_a_denied_cover_denies_the_cover_only_and_no_derivatives_may_be_held(tmp_path: Path) -> None:
    with serving({"/a.flac": reply(200, SOUND, **AUDIO), "/c.png": reply(200, PICTURE)}) as origin:
        cover = {"role": "cover", "name": "c.png", "url": origin.url("/c.png"), "media_type": "image/png"}
        archive = archive_with(tmp_path, release(cover, licence=""), track("a", origin.url("/a.flac"), ND))
        report, _ = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert held(archive) == {sha256(SOUND)} and sum(report.denied.values()) == 1
        assert not origin.times("/c.png")


def test_limits_that_the_source_sets_are_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Strict(PreparedMirror):
        def media(self, record: Record, said: Sequence[Description]) -> list[Candidate]:
            return [replace(one, limits=frozenset({"stream-only"})) for one in described(said)]

    with serving({"/a.flac": reply(200, SOUND, **AUDIO)}) as origin:
        archive = archive_with(tmp_path, release(), track("a", origin.url("/a.flac")))
        told = Settings("folder.label", "x")
        monkeypatch.setattr(offers, "open_source", lambda name, _: Strict(name, told))
        report, _ = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert "stream-only" in next(iter(report.denied)) and not origin.arrivals


def test_a_withdrawal_between_plan_and_request_is_obeyed(tmp_path: Path) -> None:
    said: list[str] = []

    class Withdraws(Silent):
        def say(self, message: str) -> None:  # said when all is planned and nothing asked
            said.append(message)
            body = {"subjects": [public_id("folder.label", "a")], "ground": "law", "because": "a court"}
            with archive.register() as register:
                register.append("item.withdrawn", body, actor="x", time=NOW)

    with serving({"/a.flac": reply(200, SOUND, **AUDIO)}) as origin:
        archive = archive_with(tmp_path, release(), track("a", origin.url("/a.flac")))
        report, _ = fetch(archive, COLLECTION, Wanted(), means(origin, progress=Withdraws()))
        assert said and report.to_fetch == 1 and not origin.arrivals and not held(archive)
        assert [one.code for one in report.findings] == ["harvest.refused"]


LIES: dict[str, tuple[Handler, dict[str, Any], str]] = {
    "a wrong digest": (reply(200, SOUND, **AUDIO), {}, "md5"),
    "a page": (reply(200, b"<!doctype html><title>Sorry", Content_Type="text/html"), {}, "for audio/flac"),
    "another size": (reply(200, SOUND + b"x", **AUDIO), {"size": len(SOUND)}, "bytes for"),
    "too short": (reply(200, SOUND[:-1], **AUDIO), {"size": len(SOUND)}, "bytes for"),
    "not there": (reply(404), {}, "404"),
    "huge": (raw(head(200, Content_Length=str(10**15), **AUDIO)), {}, "taken"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_is_not_what_was_stated_is_refused_and_the_rest_goes_on(
    tmp_path: Path, lie: tuple[Handler, dict[str, Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, more, words = lie
    if words == "md5":
        plain = described
        lied = lambda said: [replace(one, md5="0" * 32) if one.description == "a" else one for one in plain(said)]  # noqa: E731
        monkeypatch.setattr(media, "described", lied)
    with serving({"/a.flac": handler, "/b.flac": reply(200, SOUND * 2, **AUDIO)}) as origin:
        good = track("b", origin.url("/b.flac"))
        archive = archive_with(tmp_path, release(), track("a", origin.url("/a.flac"), **more), good)
        report, run = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert [words in finding.problem for finding in report.findings] == [True], report.findings
        assert held(archive) == {sha256(SOUND * 2)} and run is not None and run.finished
        assert not leftovers(archive)


def leftovers(archive: Archive) -> list[Path]:
    return [path for volume in archive.volumes for path in volume.path.glob(".*")]


def test_files_beyond_the_budget_and_the_largest_wait(tmp_path: Path) -> None:
    with serving({f"/{n}.flac": reply(200, SOUND + bytes([n]), **AUDIO) for n in range(4)}) as origin:
        size = len(SOUND) + 1
        tracks = [track(f"t{n}", origin.url(f"/{n}.flac"), size=size) for n in range(4)]
        archive = archive_with(tmp_path, release(), *tracks)
        told = plan(archive, COLLECTION, Wanted(), Policy(), Silent(), NOW)
        assert (told.to_fetch, told.bytes_needed, len(origin.arrivals)) == (4, 4 * size, 0)
        report, _ = fetch(archive, COLLECTION, Wanted(budget=2 * size + 5), means(origin))
        assert (report.objects, report.left) == (2, 2)
        report, _ = fetch(archive, COLLECTION, Wanted(budget=2 * size), means(origin))
        assert (report.held, report.objects, report.left) == (2, 2, 0)
        report, run = fetch(archive, COLLECTION, Wanted(largest=10, again=True), means(origin))
        assert run is None and sum(report.denied.values()) == 4


def test_a_budget_holds_where_sizes_are_not_stated(tmp_path: Path) -> None:
    with serving({f"/{n}.flac": reply(200, SOUND, **AUDIO) for n in range(4)}) as origin:
        archive = archive_with(tmp_path, release(), *(track(f"t{n}", origin.url(f"/{n}.flac")) for n in range(4)))
        report, _ = fetch(archive, COLLECTION, Wanted(budget=len(SOUND) + 1), means(origin))
        assert (report.objects, report.left) == (2, 2)  # the second begins while something is left
        report, _ = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert (report.held, report.objects) == (2, 2)


def test_a_changed_payload_is_a_new_object_and_the_old_one_stays(tmp_path: Path) -> None:
    other = SOUND[::-1]
    with serving({"/a.flac": reply(200, SOUND, **AUDIO)}) as origin:
        archive = archive_with(tmp_path, release(), track("a", origin.url("/a.flac"), size=len(SOUND)))
        fetch(archive, COLLECTION, Wanted(), means(origin))
        origin.handlers = {"/a.flac": reply(200, other + b"x", **AUDIO)}
        say(archive, track("a", origin.url("/a.flac"), size=len(SOUND) + 1))  # the source says that it changed
        report, _ = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert (report.objects, report.changed) == (1, 1)
        origin.handlers = {"/a.flac": reply(200, other + b"y", **AUDIO)}
        report, _ = fetch(archive, COLLECTION, Wanted(again=True), means(origin))  # it changed, and nobody said so
        assert report.changed == 1
    assert held(archive) == {sha256(SOUND), sha256(other + b"x"), sha256(other + b"y")}
    assert rows(archive, "SELECT lower(hex(sha256)) FROM object") == [(sha256(other + b"y"),)]


def test_a_full_disk_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with serving({"/a.flac": reply(200, SOUND, **AUDIO)}) as origin:
        archive = archive_with(tmp_path, release(), track("a", origin.url("/a.flac"), size=1 << 60))
        with pytest.raises(StorageError, match="are free"):
            fetch(archive, COLLECTION, Wanted(largest=1 << 62), means(origin))
        assert not origin.arrivals


def test_a_disk_that_fills_stops_the_run_and_it_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({f"/{n}.flac": reply(200, SOUND + bytes([n]), **AUDIO) for n in range(3)}) as origin:
        archive = archive_with(tmp_path, release(), *(track(f"t{n}", origin.url(f"/{n}.flac")) for n in range(3)))
        with monkeypatch.context() as full:
            full.setattr(Volume, "free", lambda self: 100 << 20 if len(held(archive)) < 1 else 1000)
            with pytest.raises(StorageError, match="disk is full"):
                fetch(archive, COLLECTION, Wanted(), means(origin))
        assert len(held(archive)) == 1
        report, run = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert report.objects == 2 and run is not None and run.finished
        assert len(origin.times("/0")) == 1  # what was held was not asked again


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files that the killed left open
def test_killed_at_every_moment_nothing_is_lost_and_nothing_held_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(owner: Any, name: str, *, late: bool) -> None:
        real = getattr(owner, name)

        def at_once(*given: Any, **named: Any) -> Any:
            if late:
                real(*given, **named)
            raise Killed

        monkeypatch.setattr(owner, name, at_once)

    places = [(Batch, "receive"), (Batch, "keep"), (Frontier, "advance"), (Download, "finish")]
    with serving({f"/{n}.flac": reply(200, SOUND + bytes([n]), **AUDIO) for n in range(2)}) as origin:
        tracks = [track(f"t{n}", origin.url(f"/{n}.flac")) for n in range(2)]
        for number, (owner, name) in enumerate(places):
            for late in (False, True):
                archive = archive_with(tmp_path / f"{number}{late}", release(), *tracks)
                before = len(origin.arrivals)
                with monkeypatch.context():
                    dies(owner, name, late=late)
                    with pytest.raises(Killed):
                        fetch(archive, COLLECTION, Wanted(), means(origin))
                    monkeypatch.undo()
                gc.collect()  # a process that is dead holds no lock
                known = recorded(archive)
                assert set(known.values()) <= held(archive)  # what is recorded is held
                report, run = fetch(archive, COLLECTION, Wanted(), means(origin))
                assert run is not None and run.finished and not report.findings
                assert (
                    held(archive) == {sha256(SOUND + bytes([n])) for n in range(2)} == set(recorded(archive).values())
                )
                asked = [one.path for one in origin.arrivals[before:] if one.path != "/robots.txt"]
                assert len(asked) - len(tracks) <= 2 - len(known), (name, late, asked)
                assert not leftovers(archive)


def test_a_large_file_goes_on_where_a_kill_cut_it_off(tmp_path: Path) -> None:
    whole = SOUND * 4000  # 8 MB

    async def cut(request: Request, writer: asyncio.StreamWriter) -> None:
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        told = {"ETag": '"1"', "Content_Length": str(len(whole) - start), **AUDIO}
        if start:
            told["Content_Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        writer.write(head(206 if start else 200, **told) + (whole[start:] if start else whole[: 5 << 20]))
        await writer.drain()
        if not start:
            writer.close()

    with serving({"/a.flac": cut}) as origin:
        archive = archive_with(tmp_path, release(), track("a", origin.url("/a.flac"), size=len(whole)))
        _, run = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert held(archive) == {sha256(whole)} and run is not None and run.finished
        with archive.objects() as objects:
            assert objects.passport(sha256(whole)) == passport_of(whole)  # digested while it came, over both parts
    ranges = [one.headers.get("range", "") for one in origin.arrivals if one.path == "/a.flac"]
    assert ranges[0] == "" and ranges[-1].startswith("bytes=")


def test_a_stand_in_for_an_origin_is_asked_for_its_files_too(tmp_path: Path) -> None:
    name, archive = "internetarchive.netlabels", archive_with(tmp_path)
    stated = {"name": "a.flac", "source": "original", "md5": hashlib.md5(SOUND, usedforsecurity=False).hexdigest()}
    about = {"identifier": "i", "mediatype": "audio", "licenseurl": "https://creativecommons.org/licenses/by/4.0/"}
    payload = json.dumps({"metadata": about, "files": [stated]}).encode()
    with archive.records() as store:
        store.put_many([Record(name, "i", "https://archive.org/metadata/i", NOW, payload)])
    with serving({"/ia/download/i/a.flac": reply(200, SOUND, **AUDIO)}) as origin:
        report, _ = fetch(archive, name, Wanted(), means(origin, internetarchive=origin.url("/ia")))
    assert report.objects == 1 and held(archive) == {sha256(SOUND)}, report.findings


def test_what_is_not_there_is_left_alone_for_thirty_days(tmp_path: Path) -> None:
    """It is asked once, then again when the time has come or somebody says so, and at once where it is there now."""
    handlers: dict[str, Handler] = {"/a.flac": reply(404, b"nothing"), "/b.flac": reply(200, SOUND, **AUDIO)}
    with serving(handlers) as origin:
        archive = archive_with(
            tmp_path, release(), track("a", origin.url("/a.flac")), track("b", origin.url("/b.flac"))
        )

        def on(day: str, *, again: bool = False) -> tuple[FetchReport, int]:
            before = len(origin.times("/a.flac"))
            found, _ = fetch(
                archive, COLLECTION, Wanted(again=again), replace(means(origin), clock=lambda: f"{day}T00:00:00Z")
            )
            return found, len(origin.times("/a.flac")) - before

        first, asked = on("2026-01-01")
        assert (first.objects, first.absent, asked) == (1, 0, 1)
        assert [(one.code, "2026-01-31" in one.remedy) for one in first.findings] == [("harvest.absent", True)]
        for day in ("2026-01-01", "2026-01-30"):
            found, asked = on(day)
            assert (found.absent, asked, found.findings) == (1, 0, []), day
        assert plan(archive, COLLECTION, Wanted(), Policy(), Silent(), "2026-01-30T00:00:00Z").absent == 1
        assert plan(archive, COLLECTION, Wanted(), Policy(), Silent(), "2026-01-31T00:00:00Z").to_fetch == 1
        with archive.records() as store:
            assert store.frontier(beside(COLLECTION)).counts() == {Fate.ABSENT: 1}

        assert on("2026-01-30", again=True)[1] == 1, "asked for now, and not there again"
        assert on("2026-02-28")[1] == 0, "thirty days from then"
        handlers["/a.flac"] = reply(200, SOUND + b"!", **AUDIO)
        late, asked = on("2026-03-01")
        assert (late.objects, late.absent, asked) == (1, 0, 1)
        assert on("2026-03-02")[0].held == 2


def test_a_new_address_is_asked_although_an_old_one_was_not_there(tmp_path: Path) -> None:
    with serving({"/new.flac": reply(200, SOUND, **AUDIO)}) as origin:
        archive = archive_with(tmp_path, release(), track("a", origin.url("/old.flac")))
        fetch(archive, COLLECTION, Wanted(), means(origin))
        say(archive, release(), track("a", origin.url("/new.flac")))
        report, _ = fetch(archive, COLLECTION, Wanted(), means(origin))
        assert (report.objects, report.absent) == (1, 0)
        with archive.records() as store:
            assert list(store.frontier(beside(COLLECTION)).absent(NOW)) == [f"media:{origin.url('/old.flac')}"]

"""``harvest media`` and ``derive`` as people run them, and a real process that is killed in the middle of a file."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from phonolith.cli.bars import Bars
from phonolith.cli.media import after
from phonolith.cli.verb import Answer, Place
from phonolith.model.frontier import Run
from phonolith.store.archive import Archive
from tests.cli.conftest import Result
from tests.harvest.fetching import COLLECTION, archive_with, release, serving, track
from tests.lying import Origin, Request, head, reply
from tests.measure.sounds import tone

Phonolith = Callable[..., Result]
SOUND = tone(0.3)


def trusting(archive: Archive, origin: Origin) -> Path:
    """The archive's folder, with a setting that names the origin on purpose: else nothing is asked on loopback."""
    path = archive.root / "phonolith.toml"
    path.write_text(f'{path.read_text("utf-8")}\n[harvest.origins]\nx = "{origin.base}"\n', "utf-8")
    return archive.root


def test_from_a_dry_run_to_copies(tmp_path: Path, phonolith: Phonolith) -> None:
    with serving({"/a.wav": reply(200, SOUND, Content_Type="audio/wav"), "/gone.wav": reply(404)}) as origin:
        said = [track("a", origin.url("/a.wav"), size=len(SOUND)), track("b", origin.url("/b.wav"), level=1)]
        gone = track("gone", origin.url("/gone.wav"))
        root = trusting(archive_with(tmp_path, release(), *said, gone), origin)
        told = phonolith("harvest", "media", "--archive", root, "--dry-run", "--json").data["media"][0]
        assert (told["offered"], told["to_fetch"], told["unknown"]) == (3, 2, 1) and not origin.arrivals
        assert [("level 1" in reason, count) for reason, count in told["denied"].items()] == [(True, 1)]

        result = phonolith("harvest", "media", COLLECTION, "--archive", root, "--limit", "1MB")
        assert result.code == 0 and "1 file fetched" in result.out and "404" in result.out
        assert "are free" in result.err
        assert not origin.times("/b.wav")
        again = phonolith("harvest", "media", COLLECTION, "--archive", root)
        assert "1 held already; 1 not there lately, and not asked for now" in " ".join(again.out.split())
        assert len(origin.times("/gone.wav")) == 1
    assert "1 file were not there" not in phonolith("harvest", "status", "--archive", root).out
    assert "not there; asked for again" in " ".join(phonolith("harvest", "status", "--archive", root).out.split())
    assert phonolith("build", "--archive", root).code == 0
    wanting = phonolith("todo", "absent", "--archive", root)
    assert f"1 file of {COLLECTION}" in wanting.out and "asked for again from" in wanting.out
    made = phonolith("derive", "--archive", root, "--workers", "1", "--json").data
    assert (made["made"], made["failed"]) == (1, 0)
    assert "1 had theirs already" in phonolith("derive", "--archive", root).out


def test_a_harvest_goes_on_to_the_files_that_its_records_name(tmp_path: Path) -> None:
    before = Answer({"records": 1}, lambda view: None)
    with serving({"/a.wav": reply(200, SOUND, Content_Type="audio/wav")}) as origin, Bars() as bars:
        place = Place(trusting(archive_with(tmp_path, release(), track("a", origin.url("/a.wav"))), origin), json=True)
        run = Run(COLLECTION, "{}", "", "", "", finished="2026-01-01T00:00:00Z")
        told = after(place, bars, before, run, "1MB")
        assert told.data["records"] == 1 and told.data["media"][0]["objects"] == 1
        empty = Place(archive_with(tmp_path / "empty", release()).root, json=True)
        assert after(empty, bars, before, run, None) is before  # records that name no file


def test_what_was_never_harvested_is_not_found(tmp_path: Path, phonolith: Phonolith) -> None:
    archive = archive_with(tmp_path)
    assert phonolith("harvest", "media", "mirror.other", "--archive", archive.root).code == 4
    assert "No record names a file" in phonolith("harvest", "media", "--archive", archive.root).out
    assert phonolith("harvest", "media", "--limit", "much", "--archive", archive.root).code == 2


def test_a_process_that_is_killed_in_a_file_goes_on_in_it(tmp_path: Path, phonolith: Phonolith) -> None:
    whole = os.urandom(1 << 20) * 48
    waiting, go_on = threading.Event(), threading.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        told = {"ETag": '"1"', "Content_Length": str(len(whole) - start), "Content_Type": "audio/wav"}
        if start:
            told["Content_Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
            writer.write(head(206, **told) + whole[start:])
            return
        writer.write(head(200, **told) + whole[: 40 << 20])
        await writer.drain()
        waiting.set()
        await asyncio.to_thread(go_on.wait, 60)
        writer.close()

    with serving({"/a.wav": slow}) as origin:
        archive = archive_with(tmp_path, release(), track("a", origin.url("/a.wav"), size=len(whole)))
        root = trusting(archive, origin)
        command = [sys.executable, "-m", "phonolith.cli.main", "harvest", "media", "--archive", str(root)]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert waiting.wait(60)
        volume = archive.volumes[0].path
        while not (notes := list(volume.glob(".part-*.json"))) or not json.loads(notes[0].read_text())["durable"]:
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait(30)
        go_on.set()

        told = phonolith("harvest", "resume", "--archive", root, "--json").data["media"][0]
        assert (told["objects"], told["bytes_adopted"]) == (1, len(whole))
        ranges = [one.headers.get("range", "") for one in origin.arrivals if one.path == "/a.wav"]
        assert ranges[0] == "" and ranges[-1].startswith("bytes=") and len(ranges) == 2
    with archive.objects() as objects:
        assert objects.has(hashlib.sha256(whole).hexdigest())
    assert not list(volume.glob(".*"))

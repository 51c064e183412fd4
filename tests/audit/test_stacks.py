"""Stacks of torrents in limited children: what one of them does, it does to itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from phonolith.audit.reading import Read
from phonolith.audit.stacks import read_stack
from phonolith.audit.torrents import Described, Torrent, described, is_sound, row_of
from phonolith.model.finding import Finding
from phonolith.model.progress import Silent
from phonolith.store import metainfo
from tests.audit.planted_torrents import entry, write

CHILD = """
import os, sys
from phonolith.audit import reading
from phonolith.store.limited import serve
def answer(request):
    name = os.path.basename(os.fsdecode(request))
    if name == "1-kills.torrent": os.abort()
    if name == "1-babbles.torrent": return b"nonsense"
    if name == "1-lies.torrent": return b"\\x92\\x97\\xa1x\\x90\\x00\\xc4\\x01a\\xc4\\x00\\xc4\\x00\\x80\\xc0"
    if name == "1-endless.torrent":
        while True: os.write(1, b"x" * 4096)
    return reading._answer(request)
serve(answer)
"""


def stack(folder: Path, *names: str) -> list[Path]:
    for name in names:
        write(folder, name, [entry(f"{name}/a.flac", 1000), entry("b/a.mp3", 10)])
    return [folder / f"{name}.torrent" for name in names]


def read(paths: list[Path], code: str = "") -> tuple[Described, list[Finding]]:
    findings: list[Finding] = []
    command = (sys.executable, "-c", code) if code else (sys.executable, "-m", "phonolith.audit.reading")
    torrents = read_stack(paths, findings, Silent(), command=command, children=1)
    return described(torrents), findings


def test_what_a_child_says_is_what_the_torrents_are(tmp_path: Path) -> None:
    paths = stack(tmp_path, "0", "1", "2")
    told, findings = read(paths)
    assert findings == []
    assert told == described(metainfo.read(path.read_bytes(), path.name) for path in paths)
    assert (told.torrents, told.files, told.again) == (3, 6, 2)


@pytest.mark.parametrize("name", ["kills", "babbles", "lies", "endless"])
def test_a_torrent_that_takes_its_child_with_it_loses_only_itself(name: str, tmp_path: Path) -> None:
    paths = stack(tmp_path, "0", f"1-{name}", "2")
    told, findings = read(paths, CHILD)
    assert told.torrents == 2
    assert [(one.code, one.subject) for one in findings] == [("evidence.unreadable", str(paths[1]))]


def test_what_is_no_file_is_waited_for_by_nobody(tmp_path: Path) -> None:
    paths = [*stack(tmp_path, "0"), tmp_path / "pipe.torrent", tmp_path / "gone.torrent"]
    os.mkfifo(paths[1])
    told, findings = read(paths)
    assert told.torrents == 1 and [one.subject for one in findings] == [str(path) for path in paths[1:]]


def test_a_torrent_is_believed_if_it_can_be_one(tmp_path: Path) -> None:
    (path,) = stack(tmp_path, "0")
    sound = row_of(metainfo.read(path.read_bytes(), "it"))
    assert is_sound(sound) and Read(sound).finding is None
    for change in ({"digests": b""}, {"sizes": b"\xff" * 16}, {"infohashes": ()}, {"infohashes": (b"x",)}):
        told = {name: getattr(sound, name) for name in Torrent.__struct_fields__}
        assert not is_sound(Torrent(**told | change))

"""Which files make a release: discs joined, companions beside their audio, covers by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phonolith.errors import NotFound
from phonolith.harvest.report import HarvestReport
from phonolith.harvest.walk import Found, Group, disc_of, extension, group, walk


def groups(*paths: str) -> dict[str, Group]:
    found, _ = group([Found(path, 1, 1) for path in sorted(paths)], lambda one: False)
    return {one.folder: one for one in found}


def audio(one: Group) -> list[tuple[str, int]]:
    return [(found.path, disc) for found, disc in one.audio]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("CD1", (1, "")), ("Disc 2", (2, "")), ("cd 03 - Live at Home", (3, "Live at Home")), ("Disk_1", (1, "")),
     ("Side A", (1, "")), ("LP2", (2, "")), ("CD", None), ("Discovery", None), ("CDs", None), ("Part", None),
     ("Sidewinder", None), ("Disc One", None), ("Volume 12", (12, ""))],
)  # fmt: skip
def test_names_of_disc_folders(name: str, expected: tuple[int, str] | None) -> None:
    assert disc_of(name) == expected


def test_disc_folders_are_one_release() -> None:
    found = groups("A/CD1/1.flac", "A/CD2 - Live/1.flac", "A/cover.jpg", "A/Scans/back.png", "A/CD1/x.log", "B/1.mp3")
    assert sorted(found) == ["A", "B"]
    assert audio(found["A"]) == [("A/CD1/1.flac", 1), ("A/CD2 - Live/1.flac", 2)]
    assert found["A"].discs == [(1, ""), (2, "Live")]
    roles = {one.path: role for one, role in found["A"].beside}
    assert roles == {"A/cover.jpg": "cover", "A/Scans/back.png": "booklet", "A/CD1/x.log": "log"}


def test_disc_folders_side_by_side_are_one_release_and_one_alone_is_not() -> None:
    found = groups("X (Disc 1)/1.ogg", "X (Disc 2)/1.ogg", "Y [CD 1]/1.ogg")
    assert sorted(found) == ["X", "Y [CD 1]"]
    assert [disc for _, disc in found["X"].audio] == [1, 2]


def test_every_companion_has_its_role() -> None:
    found = groups(
        "a/1.flac", "a/1.txt", "a/a.cue", "a/a.log", "a/a.m3u8", "a/a.pdf", "a/LICENSE.txt", "a/info.nfo", "a/1.lrc"
    )  # fmt: skip
    roles = {one.name: role for one, role in found["a"].beside}
    assert roles == {"1.txt": "lyrics", "a.cue": "cue", "a.log": "log", "a.m3u8": "playlist", "a.pdf": "booklet",
                     "LICENSE.txt": "licence", "info.nfo": "other", "1.lrc": "lyrics"}  # fmt: skip


def test_a_named_cover_is_the_cover_and_an_unnamed_one_only_where_none_is_named() -> None:
    first = [
        (one.name, role) for one, role in groups("a/1.mp3", "a/back.jpg", "a/photo.jpg", "a/Front.jpg")["a"].beside
    ]
    assert first == [("Front.jpg", "cover"), ("back.jpg", "booklet"), ("photo.jpg", "booklet")]
    second = [(one.name, role) for one, role in groups("a/1.mp3", "a/back.jpg", "a/photo.jpg")["a"].beside]
    assert second == [("photo.jpg", "cover"), ("back.jpg", "booklet")]


def test_files_of_no_release_are_left() -> None:
    _, alone = group([Found(p, 1, 1) for p in ("a/1.mp3", "notes.pdf", "b/x.jpg", "a/tool.exe")], lambda one: False)
    assert [one.path for one in alone] == ["notes.pdf", "b/x.jpg", "a/tool.exe"]


def test_extensions() -> None:
    named = {"a.FLAC": "flac", ".hidden": "", "noext": "", "Mr. Bo": "", "v1.2 final": "", "x.tar.gz": "gz"}
    assert {name: extension(Found(name, 1, 1)) for name in named} == named


def test_links_hidden_files_and_the_archive_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "1.mp3").write_bytes(b"x")
    (tmp_path / ".trash").mkdir()
    (tmp_path / ".trash" / "2.mp3").write_bytes(b"x")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "3.mp3").write_bytes(b"x")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "link.mp3").symlink_to(tmp_path / "a" / "3.mp3")
    os.mkfifo(tmp_path / "a" / "pipe.mp3")
    report = HarvestReport("x")
    files, unreadable = walk(tmp_path, [tmp_path / "archive"], report)
    assert [found.path for found in files] == ["a/3.mp3"]
    assert unreadable == []
    assert sorted(finding.subject for finding in report.findings) == ["a/link.mp3", "a/loop"]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    for path in (tmp_path / "f", tmp_path / "nowhere"):
        with pytest.raises(NotFound, match="is not a folder"):
            walk(path, [], HarvestReport("x"))


def test_an_unreadable_folder_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.mp3").write_bytes(b"x")
    real = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = HarvestReport("x")
    files, unreadable = walk(tmp_path, [], report)
    assert ([found.path for found in files], unreadable) == (["b/1.mp3"], ["a"])
    assert str(report.findings[0]) == "a: cannot be read: Permission denied. Make it readable and run the same again"

"""Harvests of folders: bytes, tags and evidence arrive; nothing is read twice, lost or believed without being shown."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import BadInput, Interrupted, NotFound, StorageError, UsageError
from phonolith.harvest.folder import slug
from phonolith.model.music import Level, ReleaseDescription, TrackDescription
from phonolith.sources.base import SETTINGS, open_source, settings_of
from phonolith.sources.roundtrip import measure
from phonolith.sources.tag_reader import Reading
from phonolith.store.archive import Archive
from phonolith.store.volumes import Volume
from tests.harvest.harvesting import NOW, Said, codes, counts, described, folder, new_archive, read_here

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return new_archive(tmp_path / "archive")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Three releases: two discs with companions, a folder that mixes albums, a file at the root."""
    root = tmp_path / "My Music"
    for path in (
        "Ann/Hav/CD1/01 Blå.flac", "Ann/Hav/CD1/02 - Grå.flac", "Ann/Hav/CD2/01 Sol.flac", "Ann/Hav/cover.jpg",
        "Ann/Hav/hav.cue", "Ann/Hav/CD1/rip.log", "mixed/a.flac", "mixed/b.flac", "mixed/c.flac", "loose.flac",
    ):  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


TAGS = {
    "01 Blå.flac": {"title": ["Blå"], "artist": ["Ann"], "album": ["Hav (disc 1)"], "track": ["1/2"], "year": ["2001"]},
    "02 - Grå.flac": {"artist": ["Ann"], "album": ["Hav (disc 1)"]},
    "01 Sol.flac": {"title": ["Sol"], "artist": ["Ann feat. Bo"], "album": ["Hav (disc 2)"], "disc": ["2"]},
    "a.flac": {"album": ["One"], "artist": ["X"], "title": ["A"]},
    "b.flac": {"album": ["Two"], "artist": ["Y"], "title": ["B"]},
    "c.flac": {"title": ["C"]},
}


class Reader:
    """Gives tags by name and counts what it was asked."""

    def __init__(self, tags: dict[str, Any] | None = None) -> None:
        self.asked: list[str] = []
        self._tags = TAGS if tags is None else tags

    def __call__(self, path: Path) -> Reading:
        self.asked.append(path.name)
        return Reading(format="FLAC", codec="flac", duration_ms=1000, tags=dict(self._tags.get(path.name, {})))


def tracks(archive: Archive) -> dict[str, TrackDescription]:
    return {one.id: one for one in described(archive, TrackDescription)}


def releases(archive: Archive) -> dict[str, ReleaseDescription]:
    return {one.id: one for one in described(archive, ReleaseDescription)}


def test_phonograph_with_its_licence_file(archive: Archive, shared_data: Path) -> None:
    place = shared_data / "audio-phonograph"
    report = folder(archive, place, licence_file=place / "LICENSE.md")
    found = tracks(archive)
    assert len(found) == 21
    proven = {one.id: one for one in found.values() if one.licences}
    assert len(proven) == 19
    assert all({s.level for s in one.licences} == {Level.PLATFORM} for one in proven.values())
    assert {s.by for one in proven.values() for s in one.licences} == {"licence-file"}
    rest = {one.rsplit("_", 1)[1] for one in found.keys() - proven.keys()}
    assert rest == {"ch0.ogg"}
    assert {one.title for one in releases(archive).values()} == {
        "VoxelLibre Jukeboxes",
        "VoxelLibre Ambiences",
        "phonographs",
    }
    assert "sidecar.used" in codes(report)
    with archive.objects() as objects:
        assert all(objects.path(one.files[0].sha256).stat().st_size == one.files[0].size for one in found.values())
        assert objects.has(next(iter(proven.values())).licences[0].digest), "the licence file itself is kept"


def test_phonograph_without_its_licence_file_proves_nothing(archive: Archive, shared_data: Path) -> None:
    report = folder(archive, shared_data / "audio-phonograph")
    assert len(tracks(archive)) == 21
    assert [one.id for one in tracks(archive).values() if one.licences] == []
    assert "licence.unused" in codes(report)


def test_phonograph_with_its_sidecar_alone_is_somebodys_word(archive: Archive, shared_data: Path) -> None:
    place = shared_data / "audio-phonograph"
    folder(archive, place, sidecar=place / "tracks.csv")
    said = [statement for one in tracks(archive).values() for statement in one.licences]
    assert len(said) == 19
    assert {(statement.level, statement.by) for statement in said} == {(Level.THIRD_PARTY, "sidecar")}


def test_beets_in_the_limited_child(archive: Archive, shared_data: Path) -> None:
    from phonolith.sources.tags import TagReader

    with TagReader() as reader:
        report = folder(archive, shared_data / "audio-beets", read=reader.read)
    found = tracks(archive)
    assert len(found) >= 67
    unread = [one for one in found.values() if one.duration_ms is None]
    assert len(found) - len(unread) >= 61
    assert all("Monkey's Audio" in one.files[0].problem for one in unread)
    assert len([one for one in report.findings if one.code == "audio.unreadable"]) == len(unread)
    assert any(file.role == "cover" and file.sha256 for one in releases(archive).values() for file in one.files)
    with archive.records() as store:
        source = open_source(report.source, settings_of(store, report.source))
        found_measure = measure(source, store.scan([report.source]))  # type: ignore[arg-type]
    assert found_measure.lost == 0, found_measure.examples


def test_discs_are_joined_and_companions_kept(archive: Archive, music: Path) -> None:
    report = folder(archive, music, read=Reader())
    assert report.source == "folder.my-music"
    hav = releases(archive)["Ann/Hav/"]
    assert (hav.title, hav.date, hav.credits[0].name) == ("Hav", "2001", "Ann")
    assert [(m.position, m.title) for m in hav.media] == [(1, ""), (2, "")]
    assert [(f.role, f.name) for f in hav.files] == [("cover", "cover.jpg"), ("log", "rip.log"), ("cue", "hav.cue")]
    own = [one for one in tracks(archive).values() if one.release == "Ann/Hav/"]
    assert [(one.disc, one.position, one.title) for one in own] == [(1, 1, "Blå"), (1, 2, "Grå"), (2, 1, "Sol")]
    with archive.objects() as objects:
        assert objects.totals()[0] == 10
        assert objects.path(hav.files[0].sha256).read_bytes() == b"Ann/Hav/cover.jpg"


def test_a_folder_that_mixes_albums_is_several_releases(archive: Archive, music: Path) -> None:
    folder(archive, music, read=Reader())
    found = releases(archive)
    assert {one: found[one].title for one in found if one.startswith("mixed/")} == {
        "mixed/": "mixed",
        "mixed/?album=One": "One",
        "mixed/?album=Two": "Two",
    }
    assert tracks(archive)["mixed/b.flac"].release == "mixed/?album=Two"
    assert tracks(archive)["loose.flac"].release == "./"
    assert found["./"].title == "My Music"


def test_many_artists_without_an_album_artist_are_various(archive: Archive, music: Path) -> None:
    tags = {name: {"album": ["All"], "artist": [name]} for name in ("a.flac", "b.flac", "c.flac")}
    folder(archive, music, read=Reader(tags))
    assert releases(archive)["mixed/"].credits[0].name == "Various Artists"
    assert releases(archive)["mixed/"].kind == "compilation"


def test_a_second_run_reads_nothing_and_a_third_what_changed(archive: Archive, music: Path) -> None:
    folder(archive, music, read=Reader())
    reader = Reader()
    report = folder(archive, music, read=reader)
    assert (counts(report), reader.asked, report.bytes_needed, report.objects) == ((0, 0, 13, 0), [], 0, 0)
    (music / "mixed" / "a.flac").write_bytes(b"another take")
    (music / "Ann" / "Hav" / "CD2" / "01 Sol.flac").unlink()
    report = folder(archive, music, read=reader)
    assert reader.asked == ["a.flac"]
    assert counts(report)[0] == 0
    assert report.gone == 1
    assert len(tracks(archive)) == 6
    assert "Ann/Hav/CD2/01 Sol.flac" not in tracks(archive)


def test_a_touched_file_is_hashed_again_and_is_no_change(archive: Archive, music: Path) -> None:
    folder(archive, music, read=Reader())
    os.utime(music / "loose.flac", ns=(1, 1))
    reader = Reader()
    assert counts(folder(archive, music, read=reader)) == (0, 0, 13, 0)
    assert reader.asked == ["loose.flac"]
    again = Reader()
    folder(archive, music, read=again)
    assert again.asked == []


def test_evidence_given_later_is_added_without_reading_again(archive: Archive, music: Path, tmp_path: Path) -> None:
    folder(archive, music, read=Reader())
    licence = tmp_path / "LICENSE"
    licence.write_text(f"All of this is under <{CC0}>.\n")
    reader = Reader()
    report = folder(archive, music, read=reader, licence_file=licence)
    assert reader.asked == []
    assert (report.changed, report.objects, report.bytes_needed) == (7, 0, 0)
    assert {one.licences[0].uri for one in tracks(archive).values()} == {CC0}


@pytest.mark.parametrize(
    "text",
    [
        f"`a.flac` is under {CC0}",
        f"{CC0} for some, https://creativecommons.org/licenses/by/4.0/ for others",
        "Everything is CC0",
        f"* `mixed/*` under {CC0}",
    ],
)
def test_a_licence_file_that_is_not_one_word_for_all_proves_nothing_alone(
    archive: Archive, music: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "LICENSE").write_text(text)
    report = folder(archive, music, read=Reader(), licence_file=tmp_path / "LICENSE")
    assert not any(one.licences for one in tracks(archive).values())
    assert "licence.unclear" in codes(report)


def test_a_row_whose_licence_the_licence_file_does_not_name_stays_somebodys_word(archive: Archive, music: Path) -> None:
    (music / "LICENSE.md").write_text("`loose.flac`: https://creativecommons.org/licenses/by/4.0/")
    (music / "tracks.csv").write_text(f"path,licence_url\nloose.flac,{CC0}\nmissing.flac,{CC0}\n../out.flac,{CC0}\n")
    report = folder(archive, music, read=Reader(), licence_file=music / "LICENSE.md")
    (statement,) = tracks(archive)["loose.flac"].licences
    assert (statement.level, statement.by) == (Level.THIRD_PARTY, "sidecar")
    assert {"licence.differs", "sidecar.missing", "sidecar.path", "sidecar.used"} <= codes(report)


def test_a_licence_tag_counts_and_a_copyright_notice_does_not(archive: Archive, music: Path) -> None:
    tags = {"a.flac": {"license": [CC0]}, "b.flac": {"copyright": [f"2022 X Licensed to the public under {CC0}"]}}
    folder(archive, music, read=Reader(tags))
    found = tracks(archive)
    assert [(s.level, s.by) for s in found["mixed/a.flac"].licences] == [(Level.PLATFORM, "tag")]
    assert found["mixed/b.flac"].licences == ()


def test_a_sidecar_without_a_column_of_paths_is_refused(archive: Archive, music: Path) -> None:
    (music / "s.csv").write_text("titel,licence\nx,y\n")
    with pytest.raises(BadInput, match="no column of paths"):
        folder(archive, music, read=Reader(), sidecar=music / "s.csv")
    with pytest.raises(NotFound, match=r"no\.csv"):
        folder(archive, music, read=Reader(), sidecar=music / "no.csv")


def test_the_bytes_needed_are_said_first_and_refused_where_they_do_not_fit(
    archive: Archive, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Said()
    folder(archive, music, read=Reader(), progress=progress)
    assert progress.said[0].startswith("10 files with 170 bytes to adopt (auto); main: ")
    other = new_archive(archive.root.parent / "full")
    monkeypatch.setattr(Volume, "free", lambda self: 100)
    with pytest.raises(StorageError, match="170 bytes do not fit"):
        folder(other, music, read=Reader())
    with other.objects() as objects:
        assert objects.totals() == (0, 0), "nothing was begun"
    assert folder(other, music, read=Reader(), adopt="reference").objects == 10


def test_moved_files_are_held_gone_from_their_place_and_not_called_gone(archive: Archive, music: Path) -> None:
    folder(archive, music, read=Reader(), adopt="move")
    assert [path for path in music.rglob("*") if path.is_file()] == []
    assert len(tracks(archive)) == 7
    (music / "mixed" / "d.flac").write_bytes(b"new")
    report = folder(archive, music, read=Reader({"d.flac": {"album": ["Two"], "artist": ["Y"]}}), adopt="move")
    assert (report.gone, len(tracks(archive))) == (0, 8)


@pytest.mark.parametrize("how", ["hardlink", "copy", "reference"])
def test_other_ways_leave_the_files(archive: Archive, music: Path, how: str) -> None:
    folder(archive, music, read=Reader(), adopt=how)
    assert sum(path.is_file() for path in music.rglob("*")) == 10
    with archive.objects() as objects:
        path = objects.path(tracks(archive)["loose.flac"].files[0].sha256)
    assert (path == music / "loose.flac") == (how == "reference")


def test_objects_spread_over_volumes(tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = new_archive(tmp_path / "archive")
    settings = archive.root / "phonolith.toml"
    text = settings.read_text()
    assert "[volumes]" in text
    settings.write_text(text.replace("[volumes]", f'[volumes]\nsecond = "{tmp_path / "second"}"'))
    archive = Archive.open(archive.root)
    turn = iter(range(1000))
    monkeypatch.setattr(Volume, "free", lambda self: 10**12 + (next(turn) * (1 if self.name == "second" else -1)) % 7)
    folder(archive, music, read=Reader(), adopt="copy")
    held = {volume.name: sum(len(list(d.iterdir())) for d in volume.path.glob("??")) for volume in archive.volumes}
    assert sum(held.values()) == 10
    assert all(held.values()), held


class Stop(Reader):
    """A person presses Ctrl-C while the nth file is read."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def __call__(self, path: Path) -> Reading:
        if len(self.asked) == self._after:
            raise KeyboardInterrupt
        return super().__call__(path)


def test_an_interrupted_run_keeps_what_it_did_and_marks_nothing_gone(archive: Archive, music: Path) -> None:
    folder(archive, music, read=Reader())
    for path in sorted(music.rglob("*.flac")):
        path.write_bytes(path.read_bytes() + b"!")
    (music / "loose.flac").unlink()
    with pytest.raises(Interrupted, match="which are kept"):
        folder(archive, music, read=Stop(4))
    assert "loose.flac" in tracks(archive)
    reader = Reader()
    folder(archive, music, read=reader)
    assert len(reader.asked) == 2, "four were read before"
    assert "loose.flac" not in tracks(archive)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.harvest.harvesting import folder, read_here
from phonolith.harvest import adopt
from phonolith.store.archive import Archive
adopt.BATCH_OBJECTS = 1
count = 0
def read(path):
    global count
    count += 1
    if count == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return read_here(path)
folder(Archive.open(Path(sys.argv[1])), Path(sys.argv[2]), read=read)
"""


def test_a_killed_run_goes_on_where_it_was(archive: Archive, music: Path) -> None:
    """SIGKILL in the middle of a release: what was adopted is neither hashed nor read again, and nothing is doubled."""
    command = [sys.executable, "-c", KILLED, str(archive.root), str(music)]
    root = Path(__file__).parents[2]
    killed = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    reader = Reader()
    report = folder(archive, music, read=reader)
    assert len(reader.asked) == 3, "four of seven were read before the kill"
    assert report.objects <= 10 - 4
    expected = new_archive(archive.root.parent / "expected")
    folder(expected, music, read=lambda path: read_here(path) if path.name not in reader.asked else reader(path))
    assert set(tracks(archive)) == set(tracks(expected))


def test_unreadable_and_rubbish_audio_is_held_and_named(archive: Archive, music: Path) -> None:
    report = folder(archive, music, read=read_here)
    assert {one.code for one in report.findings if one.severity == "warning"} == {"audio.unreadable"}
    assert len(tracks(archive)) == 7
    assert all("no audio can be read" in one.files[0].problem for one in tracks(archive).values())


def test_a_file_that_cannot_be_opened_is_a_finding_and_is_not_gone(
    archive: Archive, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(archive, music, read=Reader())
    (music / "mixed" / "a.flac").write_bytes(b"changed")
    real = os.open

    def refuse(path: Any, *args: Any, **more: Any) -> int:
        if str(path).endswith("a.flac"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **more)

    monkeypatch.setattr(os, "open", refuse)
    report = folder(archive, music, read=Reader())
    assert "file.unreadable" in codes(report)
    assert report.gone == 0
    assert "mixed/a.flac" in tracks(archive)


def test_a_volume_that_takes_nothing_is_no_fault_of_the_files(
    archive: Archive, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same refusal about the archive's own folder stops the run: nothing is told of files that are well."""
    real = Path.open

    def refuse(path: Path, *args: Any, **more: Any) -> Any:
        if path.name.startswith(".incoming-"):
            raise PermissionError(1, "Operation not permitted")
        return real(path, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StorageError, match="objects/main: the operation is not permitted"):
        folder(archive, music, read=Reader(), adopt="copy")


def test_an_empty_disk_in_place_of_music_is_refused(archive: Archive, music: Path) -> None:
    folder(archive, music, read=Reader())
    shutil.rmtree(music)
    music.mkdir()
    with pytest.raises(NotFound, match="has no audio files any more"):
        folder(archive, music, read=Reader())
    assert len(tracks(archive)) == 7


def test_two_folders_of_one_name_are_told_apart(archive: Archive, music: Path) -> None:
    folder(archive, music, read=Reader())
    other = music.parent / "elsewhere" / "My Music"
    other.mkdir(parents=True)
    (other / "x.flac").write_bytes(b"x")
    with pytest.raises(UsageError, match="--name"):
        folder(archive, other, read=Reader())
    assert folder(archive, other, read=Reader(), name="second").source == "folder.second"
    music.rename(music.parent / "gone")
    shutil.copytree(music.parent / "gone", other, dirs_exist_ok=True)
    assert folder(archive, other, read=Reader()).source == "folder.my-music", "a collection may move"


def test_odd_names(archive: Archive, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, controls, marks that reorder, NFC beside NFD, per cent signs."""
    root = tmp_path / "odd"
    root.mkdir()
    names = [
        b"\xff\xfe.flac",
        b"a\nb.flac",
        b"100%.flac",
        "x\u202egpj.flac".encode(),
        "e\u0301.flac".encode(),
        "é.flac".encode(),
    ]
    for name in names:
        (root / os.fsdecode(name)).write_bytes(name)
    folder(archive, root, read=Reader())
    found = tracks(archive)
    assert len(found) == len(names)
    assert {"%FF%FE.flac", "a%0Ab.flac", "100%25.flac", "e%CC%81.flac", "é.flac"} <= found.keys() | {"e%CC%81.flac"}
    with archive.objects() as objects:
        assert {objects.path(one.files[0].sha256).read_bytes() for one in found.values()} == set(names)
    for one in found.values():
        (one.title + one.files[0].name).encode("utf-8")
        assert "\u202e" not in one.title + one.files[0].name
        assert "\n" not in one.title + one.files[0].name
    assert counts(folder(archive, root, read=Reader()))[:2] == (0, 0)


@pytest.mark.parametrize(
    ("name", "expected"), [("My Music", "my-music"), ("Ünï_1", "uni_1"), ("a" * 90, "a" * 60), ("--x--", "x")]
)
def test_names_of_collections(tmp_path: Path, name: str, expected: str) -> None:
    assert slug(tmp_path / name) == expected
    assert slug(tmp_path / "音楽").startswith("collection-")


def test_where_the_folder_was_is_held_and_never_said(archive: Archive, music: Path) -> None:
    folder(archive, music, read=Reader())
    assert str(music.parent) not in repr(described(archive))
    with archive.records() as store:
        record = store.get("folder.my-music", SETTINGS)
    assert record is not None
    assert record.time == NOW

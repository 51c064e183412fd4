"""The collection as files: a small one rendered for real, the whole programme by its plan."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image

from phonolith.demo import cover, render
from phonolith.demo.collection import COLUMNS, LICENCE, SIDECAR, paths
from phonolith.demo.programme import RELEASES, Line, parts
from phonolith.errors import StorageError
from phonolith.model.progress import Silent


def _small() -> tuple:
    """One release of two discs in FLAC and one in Opus, a few beats of each."""
    short = [
        replace(take, until=4.0, room="close", lines=(Line(take.lines[0].voice, "music box"),))
        for take in RELEASES[2].takes
    ]
    opus = replace(RELEASES[5].takes[2], until=4.0, room="close", lines=(Line("melody", "music box"),))
    discs = replace(RELEASES[2], takes=(short[0], short[3]), booklet=True)
    return discs, replace(RELEASES[5], takes=(opus,))


class _Counted(Silent):
    def __init__(self) -> None:
        self.total: int | None = None
        self.done = 0

    def start(self, what: str, total: int | None, unit: str) -> None:
        self.total = total

    def advance(self, count: int) -> None:
        self.done += count


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path], _Counted]:
    folder = tmp_path_factory.mktemp("demo") / "music"
    progress = _Counted()
    return folder, render(folder, progress=progress, releases=_small()), progress


def test_every_file_that_is_there_is_told(rendered: tuple[Path, list[Path], _Counted]) -> None:
    folder, files, progress = rendered
    assert sorted(files) == sorted(path for path in folder.rglob("*") if path.is_file())
    assert (progress.total, progress.done) == (3, 3)
    assert {path.suffix for path in files} >= {".flac", ".opus", ".png", ".jpg", ".cue", ".m3u8", ".txt", ".csv", ".md"}


def test_the_sidecar_names_every_track(rendered: tuple[Path, list[Path], _Counted]) -> None:
    folder, files, _ = rendered
    with (folder / SIDECAR).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert {folder / row["path"] for row in rows} == {path for path in files if path.suffix in (".flac", ".opus")}
    assert {row["licence_url"] for row in rows} == {LICENCE}
    assert [row["disc"] for row in rows] == ["1", "2", "1"]


def test_audio_can_be_decoded_and_has_its_tags(rendered: tuple[Path, list[Path], _Counted]) -> None:
    _, files, _ = rendered
    for path in files:
        if path.suffix not in (".flac", ".opus"):
            continue
        with av.open(str(path)) as file:
            tags = {name.lower(): value for name, value in {**file.metadata, **file.streams.audio[0].metadata}.items()}
            assert sum(frame.samples for frame in file.decode(audio=0)) > 48_000
            assert file.streams.audio[0].codec_context.sample_rate == 48_000
        assert tags["title"].startswith("Canon in D")
        assert tags["composer"] == "Johann Pachelbel"
        assert tags["license"] == LICENCE
        assert {"artist", "album", "album_artist", "date", "genre", "track", "disc", "catalognumber"} <= tags.keys()


def test_rendering_again_gives_the_same_bytes(rendered: tuple[Path, list[Path], _Counted], tmp_path: Path) -> None:
    folder, files, _ = rendered
    render(tmp_path, progress=Silent(), releases=_small())
    for path in files:
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes(), path.name


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        render(tmp_path / "file" / "music", progress=Silent(), releases=())
    assert caught.value.remedy


@pytest.mark.parametrize("art", cover.ARTS)
def test_a_cover_is_a_square_picture_with_something_on_it(art: str, tmp_path: Path) -> None:
    path = cover.draw(art, tmp_path / "cover.jpg", seed=1)
    with Image.open(path) as image:
        assert image.size == (cover.SIDE, cover.SIDE)
        assert len(image.resize((32, 32)).convert("RGB").getcolors(1024) or []) > 200


def test_the_programme_is_what_a_library_needs() -> None:
    """Several artists, versions of one piece, two discs, joint credits, other scripts, every rank different."""
    takes = [take for release in RELEASES for take in release.takes]
    assert 18 <= len(takes) <= 24
    assert len(RELEASES) == 6
    assert len({release.artist for release in RELEASES}) >= 5
    assert len({take.popularity for take in takes}) == len(takes)
    assert sum(take.piece == "canon" for take in takes) >= 5
    assert any(release.disc_titles for release in RELEASES)
    assert sum(bool(take.guest) for take in takes) >= 2
    assert any(ord(letter) > 0x3000 for take in takes for letter in take.title)
    every = [path for release in RELEASES for path in paths(release)]
    assert len(set(every)) == len(every) == len(takes)
    for take in takes:
        assert any(part.notes for part in parts(take))

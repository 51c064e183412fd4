"""A power cut at any moment of a harvest: no record that survives names bytes that do not."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from phonolith.harvest import adopt
from phonolith.harvest import folder as harvest
from phonolith.harvest.adopt import Adopter
from phonolith.sources import folder_records as payloads
from phonolith.sources.base import SETTINGS
from phonolith.sources.tag_reader import Cover, Reading
from phonolith.store.archive import Archive
from tests.harvest.harvesting import folder, new_archive
from tests.store.power import Disk, watched

PICTURE = b"\xff\xd8\xff\xe0" + bytes(40)


def reading(path: Path) -> Reading:
    """Tags without a child, and a picture of its own in every file."""
    cover = Cover(PICTURE + path.name.encode(), "image/jpeg", "front")
    return Reading(format="FLAC", duration_ms=1000, tags={"album": [path.parent.name]}, covers=[cover])


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder, in memory where there is one, with an archive and music of two releases; batches are small."""
    monkeypatch.setattr(adopt, "BATCH_OBJECTS", 5)
    monkeypatch.setattr(adopt, "_TOGETHER", 3)
    monkeypatch.setattr(harvest, "_BATCH", 4)
    shm = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as root:
        here = Path(root) / "disk"
        new_archive(here / "archive")
        for number in range(8):
            path = here / "music" / f"album {number // 4}" / f"{number}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"fLaC%d" % number)
        yield here


@pytest.mark.parametrize("how", ["copy", "hardlink", "move"])
def test_records_name_only_bytes_that_are_there(place: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _cut_everywhere(place, how, monkeypatch) > 50, "too few moments were tried"


def test_records_that_do_not_wait_for_their_bytes_fail_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: objects are made durable only after the first records."""
    settle = Adopter.settle

    def late(self: Adopter) -> None:
        if any(self.store.heads(self.source)):
            settle(self)

    monkeypatch.setattr(Adopter, "settle", late)
    with pytest.raises(AssertionError, match="names bytes that are not there"):
        _cut_everywhere(place, "copy", monkeypatch)


def _cut_everywhere(place: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Harvest once, keeping what a cut at each moment would leave; check all of that and harvest on from the last."""
    cuts: list[Path] = []
    disk = Disk(place, lambda: None)

    def step() -> None:
        cuts.append(place.parent / f"cut-{len(cuts)}")
        disk.snapshot(cuts[-1])

    with monkeypatch.context() as patch, watched(disk, patch):
        archive = Archive.open(place / "archive")
        disk.on_step = step
        folder(archive, place / "music", read=reading, adopt=how)
        disk.on_step = lambda: None
    shutil.rmtree(place)  # a second folder under the name of one that is still there would be refused
    for left in cuts:
        _check(left)
    for left in cuts[:: max(len(cuts) // 10, 1)]:
        report = folder(Archive.open(left / "archive"), left / "music", read=reading, adopt=how)
        assert report.gone == 0 and _check(left) == 8
    for left in cuts:
        shutil.rmtree(left)
    return len(cuts)


def _check(left: Path) -> int:
    """Every file that a record names is held with its bytes, or is still where it was; how many tracks there are."""
    archive = Archive.open(left / "archive")
    found = 0
    with archive.records() as store, archive.objects() as objects:
        for record in store.scan():
            payload = payloads.decode(record.payload) if record.item != SETTINGS else None
            files = [*payload.covers, payload.file] if isinstance(payload, payloads.Track) else []
            for file in files:
                assert objects.has(file.sha256), "a record names bytes that are not there"
                assert hashlib.sha256(objects.path(file.sha256).read_bytes()).hexdigest() == file.sha256
            found += bool(files)
        held = {one.sha256 for one in objects.all()}
    for number in range(8):
        data = b"fLaC%d" % number
        source = left / "music" / f"album {number // 4}" / f"{number}.flac"
        assert hashlib.sha256(data).hexdigest() in held or source.read_bytes() == data, "a file is lost"
    return found

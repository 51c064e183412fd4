"""A publication is cut off at every moment, by a kill and by the power: it is whole or absent, and made again alike."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phonolith.errors import Damaged, NotFound, StorageError
from phonolith.store.archive import Archive
from tests.releases.publishing import (
    WORN,
    Published,
    check_whole_or_absent,
    clock,
    make_place,
    publishing,
    what_is_published,
)
from tests.store.power import power_cuts, run_killed
from tests.store.test_full_disk import mounted

__all__ = ["clock"]

pytestmark = pytest.mark.usefixtures("clock", "small_batches")

#: One in so many cuts is read, and of those one in ten published again. 1 for a run of two minutes that does all.
ONE_IN = int(os.environ.get("PHONOLITH_ONE_CUT_IN", "8"))


def sample(one_in: int) -> Callable[[set[str]], bool]:
    """Chooses one in so many moments, and those at which the publication was promised."""
    chance = random.Random(11)
    return lambda promised: "publish" in promised or chance.randrange(one_in) == 0


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of made files, as a large publication has them; and a small disk is no finding."""
    monkeypatch.setattr("phonolith.releases.publish._AT_ONCE", 20)
    monkeypatch.setattr("phonolith.cli.doctor._LOW_SPACE", 0)


@pytest.fixture
def place(memory: Path) -> Iterator[Path]:
    make_place(memory / "disk")
    yield memory / "disk"


@pytest.fixture
def before_and_after(place: Path, memory: Path) -> tuple[Published, Published]:
    """What is published before the scenario, and after it where nothing stops it."""
    shutil.copytree(place, memory / "whole")
    archive = Archive.open(memory / "whole" / "a")
    before = what_is_published(archive)
    publishing(archive, place, lambda _: None)
    after = what_is_published(archive)
    assert len(after.bundles) > 5 and f"{WORN}-r2" in after.bundles and WORN not in after.bundles
    return before, after


def test_a_power_cut_at_any_moment_of_a_publication(
    place: Path, memory: Path, before_and_after: tuple[Published, Published], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(11)
    seen = {True: 0, False: 0}

    def check(archive: Archive, _: Path, promised: set[str]) -> None:
        again = ONE_IN == 1 or chance.randrange(10) == 0
        seen[check_whole_or_absent(archive, promised, *before_and_after, again=again)] += 1

    cuts = power_cuts(place, memory, publishing, check, monkeypatch, set(), sample(ONE_IN))
    assert cuts > 400 and seen[True] and seen[False] > 20, (cuts, seen)


@pytest.mark.parametrize("deaf_to", ["file", "folder", "sqlite"])
def test_without_its_fsyncs_the_same_test_fails(
    place: Path,
    memory: Path,
    before_and_after: tuple[Published, Published],
    deaf_to: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control: each kind of sync alone is missed."""

    def check(archive: Archive, _: Path, promised: set[str]) -> None:
        check_whole_or_absent(archive, promised, *before_and_after, again=False)

    with pytest.raises((AssertionError, Damaged, NotFound, StorageError)):
        power_cuts(place, memory, publishing, check, monkeypatch, {deaf_to}, sample(3 * ONE_IN))


def test_a_kill_at_any_moment_of_a_publication(
    place: Path, memory: Path, before_and_after: tuple[Published, Published]
) -> None:
    shutil.copytree(place, memory / "counted")
    moments = run_killed(memory / "counted", publishing, None)[1]
    assert moments > 400
    for moment in sorted(random.Random(12).sample(range(moments), min(moments, 80 // ONE_IN))):
        here = memory / f"kill-{moment}"
        shutil.copytree(place, here)
        promised, _ = run_killed(here, publishing, moment)
        check_whole_or_absent(Archive.open(here / "a"), promised, *before_and_after, again=True)
        shutil.rmtree(here)


@pytest.mark.peers
@pytest.mark.parametrize("synced", [True, False], ids=["as it is", "with fsync patched out"])
def test_a_publication_survives_a_real_cut(
    place: Path,
    tmp_path: Path,
    before_and_after: tuple[Published, Published],
    synced: bool,
    monkeypatch: pytest.MonkeyPatch,
    peer: Callable[..., str],
) -> None:
    """ext4 in a file, copied the moment ``publish`` has ended: the disk after a power cut then.

    With ``fsync`` patched out the kernel has written almost nothing yet: nine of ten cuts at least have to be noticed.
    """
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(48 << 20)
    subprocess.run([peer("mkfs.ext4"), "-q", "-F", str(image)], check=True, capture_output=True)
    losses, turns = 0, 4 if synced else 10
    for turn in range(turns):
        promised: set[str] = set()
        with mounted(tmp_path / f"before-{turn}", "-o", "loop", str(image)) as disk, monkeypatch.context() as patch:
            shutil.copytree(place / "a", disk / "a")
            os.sync()
            if not synced:
                patch.setattr(os, "fsync", lambda _: None)
            publishing(Archive.open(disk / "a"), disk, promised.add)
            shutil.copyfile(image, tmp_path / "cut.img")
            shutil.rmtree(disk / "a")
        assert promised == {"release", "publish"}
        with mounted(tmp_path / f"after-{turn}", "-o", "loop", str(tmp_path / "cut.img")) as disk:
            losses += not _is_whole(disk / "a", promised, before_and_after)
    assert losses == 0 if synced else losses >= 9, f"{losses} of {turns} were noticed"


def _is_whole(root: Path, promised: set[str], expected: tuple[Published, Published]) -> bool:
    try:
        return check_whole_or_absent(Archive.open(root), promised, *expected, again=True)
    except Exception:  # whatever a cut left, it is a loss
        return False

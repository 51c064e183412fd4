"""Two mirrors repair each other by swarm after the origin is gone for good."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from phonolith.library import publications
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from tests import sample
from tests.cli.conftest import Result
from tests.cli.test_mirror import made, served
from tests.releases.seeding import bytes_of, port_of, seeder_of
from tests.releases.test_cut import publish_now

pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

Run = Callable[..., Result]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


HARMS = (flip, cut_short, Path.unlink)


def harmed(root: Path, share: int, *, tags: bool, spared: Collection[str] = ()) -> dict[Path, bytes]:
    """Harm every third file of every bundle, beginning at ``share``, but those spared; what they were.

    ``tags``: tag files too. Whose manifest or evidence is damaged gives nothing of that bundle until it is repaired.
    """
    archive = Archive.open(root)
    bundles = publications.bundles(published(archive)).values()
    every = [item for one in bundles for item in bytes_of(archive, one).items()]
    places = sorted({place for path, place in every if tags or path.startswith("data/")}, key=lambda one: one.name)
    before = {place: place.read_bytes() for place in places[share::3] if place.name not in spared}
    for number, place in enumerate(before):
        place.chmod(0o644)
        HARMS[number % len(HARMS)](place)
    return before


def is_as_it_was(before: dict[Path, bytes]) -> bool:
    return all(place.is_file() and place.read_bytes() == data for place, data in before.items())


def test_two_mirrors_repair_each_other_after_the_origin_is_gone(
    tmp_path: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    for name, value in {"LISTEN": "127.0.0.1:0", "DHT": "false"}.items():
        monkeypatch.setenv(f"PHONOLITH_SEED_{name}", value)
    origin = sample.make_archive(tmp_path / "origin")[0]
    publish_now(origin)
    first, second = made(tmp_path, phonolith, "first"), made(tmp_path, phonolith, "second")
    with served(origin) as url:
        for root in (first, second):
            assert phonolith("mirror", url, "--archive", root).code == 0
            assert phonolith("build", "--archive", root).code == 0
    shutil.rmtree(origin.root)
    others = harmed(second, 1, tags=False)
    spared = {place.name for place in others}
    ones = harmed(first, 0, tags=True, spared=spared)
    assert len(ones) > 5 and len(others) > 2
    alone = phonolith("verify", first, "--repair", "--from", "swarm", "--patience", "1", "--json")
    assert alone.code == 1 and not is_as_it_was(ones)  # the control: without the other one nothing is mended
    assert {"no peer was found" in one["problem"] for one in alone.data["repaired"]} == {True}
    for root, helper, before in ((first, second, ones), (second, first, others)):
        with seeder_of(Archive.open(helper)) as seeder:
            monkeypatch.setenv("PHONOLITH_SEED_PEERS", f"127.0.0.1:{port_of(seeder)}")
            done = phonolith("verify", root, "--repair", "--from", "swarm", "--json")
        assert done.code == 0, [one for one in done.data["repaired"] if one["problem"]]
        assert is_as_it_was(before)
        assert phonolith("verify", root, "--again").code == 0

"""What was published stays as it was: all popularities changed, a tenth more music, derived/ deleted, all by verbs."""

from __future__ import annotations

import csv
import random
import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phonolith.store.archive import Archive
from tests.cli.conftest import Result
from tests.releases.publishing import Published, what_is_published
from tests.releases.seeding import LICENCE

Run = Callable[..., Result]
RELEASES = 20


class Keeper:
    """A collection with a sidecar of popularities, and somebody who harvests, builds and publishes it."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.music, self.archive, self._run = folder / "music", folder / "archive", run
        self._sidecar, self._licence = folder / "tracks.csv", folder / "LICENSE.md"
        self._licence.write_text(LICENCE)
        self._listens: dict[str, int] = {}
        assert run("init", self.archive, "--name", "Many", "--contact", "many@example.org").code == 0

    def add(self, release: int) -> None:
        """Two tracks more."""
        dice = random.Random(release)
        for track in (1, 2):
            path = self.music / f"Band {release}" / f"Record {release}" / f"{track:02d} Piece.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(22050)
                file.writeframes(dice.randbytes(2000 + 2 * release))
            self._listens[str(path.relative_to(self.music.parent))] = 1000 * release + track

    def turn_the_chart_around(self) -> None:
        """What was heard most is heard least."""
        most = max(self._listens.values())
        self._listens = {path: most + 1 - one for path, one in self._listens.items()}

    def build(self) -> None:
        """Take in what there is and build the catalogue."""
        with self._sidecar.open("w", newline="") as file:
            csv.writer(file).writerows([("path", "listens"), *self._listens.items()])
        words = ("--sidecar", self._sidecar, "--licence-file", self._licence, "--archive", self.archive)
        assert self._run("harvest", "folder", self.music, *words, "--json").data["findings"] == []
        assert self._run("build", "--archive", self.archive).code == 0

    def cut(self, name: str, *words: str) -> dict[str, Any]:
        """What a release would hold."""
        return self._run("release", name, *words, "--archive", self.archive, "--json").data

    def publish(self, name: str) -> int:
        return self._run("publish", name, "--archive", self.archive).code

    def listed(self) -> list[dict[str, Any]]:
        """What was published, as the list of releases has it."""
        found: list[dict[str, Any]] = self._run("release", "--list", "--archive", self.archive, "--json").data[
            "published"
        ]
        return found

    @property
    def published(self) -> Published:
        return what_is_published(Archive.open(self.archive))


def infohashes(one: Published) -> dict[str, list[tuple[str, str]]]:
    """Those of each bundle."""
    return {name: [(torrent.v1, torrent.v2) for torrent in bundle.torrents] for name, bundle in one.bundles.items()}


@pytest.fixture
def keeper(tmp_path: Path, phonolith: Run) -> Keeper:
    found = Keeper(tmp_path, phonolith)
    for release in range(RELEASES):
        found.add(release)
    found.build()
    assert found.cut("one")["files"] == 2 * RELEASES
    assert found.publish("one") == 0
    return found


def test_neither_another_chart_nor_more_music_nor_a_lost_catalogue_changes_what_was_published(keeper: Keeper) -> None:
    before = keeper.published
    assert {one.tier for one in before.bundles.values()} == {"top", "middle", "deep"}
    keeper.turn_the_chart_around()
    keeper.build()
    assert keeper.cut("two")["files"] == 0 and keeper.publish("two") == 2
    assert keeper.published == before
    for release in range(RELEASES, RELEASES + RELEASES // 10):
        keeper.add(release)
    keeper.turn_the_chart_around()
    keeper.build()
    cut = keeper.cut("two")
    assert cut["files"] == 2 * (RELEASES // 10)
    assert keeper.publish("two") == 0
    after = keeper.published
    assert infohashes(after).items() >= infohashes(before).items()
    assert after.assigned.items() >= before.assigned.items()
    fresh = {sha256: name for sha256, name in after.assigned.items() if sha256 not in before.assigned}
    assert len(fresh) == cut["files"] and not set(fresh.values()) & before.bundles.keys()
    assert set(fresh.values()) == after.bundles.keys() - before.bundles.keys()
    listed = keeper.listed()
    shutil.rmtree(keeper.archive / "derived")
    keeper.build()
    assert (keeper.published, keeper.listed()) == (after, listed)
    assert keeper.cut("three")["files"] == 0


def test_a_cut_that_forgets_what_was_published_is_noticed(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the test above rests on what the register says that is published."""
    before = keeper.published
    keeper.turn_the_chart_around()
    keeper.build()
    monkeypatch.setattr("phonolith.releases.publish.assigned", lambda *_: {})
    assert keeper.cut("two")["files"] == 2 * RELEASES
    assert keeper.publish("two") == 0
    after = keeper.published
    assert after.assigned.keys() == before.assigned.keys()
    tiers = [{sha256: one.bundles[name].tier for sha256, name in one.assigned.items()} for one in (before, after)]
    assert tiers[0] != tiers[1], "the chart was not turned around"

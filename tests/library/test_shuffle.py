"""Shuffling draws every track that may be shown equally often, and the same ones for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.library import shuffle as module
from phonolith.library.shuffle import shuffle
from tests.library.conftest import Shelf


def test_the_same_seed_gives_the_same_tracks(shelf: Shelf) -> None:
    one = [track.id for track in shuffle(shelf.library, 10, seed=7)]
    assert one == [track.id for track in shuffle(shelf.library, 10, seed=7)]
    assert one != [track.id for track in shuffle(shelf.library, 10, seed=8)]
    assert [track.id for track in shuffle(shelf.library, 4, seed=7)] == one[:4]


@given(number=st.integers(0, 60), seed=st.integers() | st.text())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_none_comes_twice_and_all_come_in_the_end(shelf: Shelf, number: int, seed: int | str) -> None:
    found = [track.id for track in shuffle(shelf.library, number, seed=seed)]
    assert len(found) == len(set(found)) == min(number, 50)


def test_every_track_is_as_likely(shelf: Shelf) -> None:
    """3,000 draws of one: no track is 3.5 standard deviations from its share, whatever its rank."""
    drawn = Counter(shuffle(shelf.library, 1, seed=seed)[0].id for seed in range(3_000))
    mean = 3_000 / 50
    deviation = (mean * (1 - 1 / 50)) ** 0.5
    assert len(drawn) == 50
    assert all(abs(count - mean) < 3.5 * deviation for count in drawn.values())


def test_large_catalogues_are_drawn_from_by_number(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """With little patience the sample counts as large: rows are drawn, not shuffled, and still none comes twice."""
    monkeypatch.setattr(module, "_PATIENCE", 4)
    found = [track.id for track in shuffle(shelf.library, 10, seed=1)]
    assert len(found) == len(set(found)) == 10
    drawn = Counter(shuffle(shelf.library, 1, seed=seed)[0].id for seed in range(2_000))
    mean = 2_000 / 50
    assert len(drawn) == 50
    assert all(abs(count - mean) < 4 * mean**0.5 for count in drawn.values())


def test_hidden_and_unplayable_tracks_are_passed_over(shelf: Shelf) -> None:
    shelf.withdraw("release:road")
    found = {shelf.name(track.id) for track in shuffle(shelf.library, 100, seed=1)}
    assert len(found) == 42
    assert not any(name.startswith("track:road/") for name in found)
    playable = shuffle(shelf.library, 100, seed=1, playable=True)
    assert playable and all(track.playable for track in playable)
    assert len(playable) < len(found)

"""A drawn sample: the same for everybody, growing without change, and fair to every item."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from phonolith.audit.sampling import draw, place, shared_out


def test_the_order_of_a_seed_is_that_of_a_published_digest() -> None:
    """As ``printf 'seed\\0item' | sha256sum`` prints it."""
    assert place("seed", "item").hex() == "48874c143c00cdaf78d3ee96f5b31bb00c7978ad9c06ed21578fcb80d32e0465"


@given(st.text(max_size=8), st.lists(st.text(max_size=5), max_size=40), st.integers(0, 50), st.randoms())
def test_a_sample_depends_on_seed_and_items_alone_and_grows(
    seed: str, items: list[str], count: int, dice: random.Random
) -> None:
    drawn = draw(seed, items, count)
    assert len(drawn) == len(set(drawn)) == min(count, len(set(items)))
    assert set(drawn) <= set(items)
    dice.shuffle(items)
    assert draw(seed, items, count) == drawn
    assert draw(seed, items, count + 1)[: len(drawn)] == drawn


def test_every_item_comes_as_often_as_any_other() -> None:
    items = [f"{number:03}" for number in range(100)]
    seen = Counter(item for seed in range(2000) for item in draw(str(seed), items, 10))
    assert min(seen.values()) > 150 and max(seen.values()) < 250  # 200 each, with a deviation of 13


@given(st.integers(0, 300), st.dictionaries(st.text(max_size=3), st.integers(0, 100), max_size=8))
def test_draws_are_shared_out_by_size_and_none_is_left_out(count: int, strata: dict[str, int]) -> None:
    given_out = shared_out(count, strata)
    assert all(min(2, items) <= given_out[key] <= items for key, items in strata.items())
    assert sum(given_out.values()) >= min(count, sum(strata.values()))
    least = sum(min(2, items) for items in strata.values())
    assert sum(given_out.values()) <= max(min(count, sum(strata.values())), least) + least


def test_shares_follow_sizes() -> None:
    assert shared_out(100, {"flac": 700, "opus": 200, "mp3": 100}) == {"flac": 70, "opus": 20, "mp3": 10}
    assert shared_out(10, {"a": 1000, "b": 1}) == {"a": 9, "b": 1}

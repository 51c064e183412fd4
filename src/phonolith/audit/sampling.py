"""A sample that any other auditor draws again: chosen by a published seed from a list that both have.

Items are taken in the order of SHA-256 over seed and item, so the choice does not depend on the order of the list, a
larger sample holds the smaller one, and whoever names the seed before the list is known cannot have chosen the items.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from typing import TypeVar

_K = TypeVar("_K")


def place(seed: str, item: str) -> bytes:
    """Where an item stands in the order of a seed: SHA-256 of the seed's UTF-8, a zero byte, and the item's."""
    return hashlib.sha256(seed.encode() + b"\0" + item.encode("utf-8", "surrogatepass")).digest()


def draw(seed: str, items: Iterable[str], count: int) -> list[str]:
    """The first ``count`` different items in the order of the seed; all of them if there are not as many."""
    return heapq.nsmallest(count, set(items), key=lambda item: (place(seed, item), item))


def shared_out(count: int, strata: Mapping[_K, int], least: int = 2) -> dict[_K, int]:
    """How many of ``count`` draws each stratum gets: by its number of items, and ``least`` where it has as many.

    What is left over by rounding goes to the largest remainders, of equal ones to the stratum that is named first. The
    sum is ``count`` unless ``least`` asks for more, or the strata have not as many items.
    """
    whole = sum(strata.values())
    count = min(count, whole)
    exact = {key: count * items / whole if whole else 0.0 for key, items in strata.items()}
    given = {key: min(items, max(int(exact[key]), min(least, items))) for key, items in strata.items()}
    by_rest = sorted(strata, key=lambda key: int(exact[key]) - exact[key])
    while sum(given.values()) < count:
        for key in by_rest:
            if given[key] < strata[key] and sum(given.values()) < count:
                given[key] += 1
    return given

"""Proofs over a growing tree of which every whole subtree's hash is kept: RFC 9162 section 2.1.

The hashes stand in the order in which leaves complete them: a leaf's own, then that of the pair it ends, of the four,
and so on. So they are only ever appended, fewer than two for each leaf, and a proof looks up some log2(n)² of them.
"""

from __future__ import annotations

from collections.abc import Callable

from phonolith.verifier import Tree, node_hash

#: Gives the hash at a position.
Lookup = Callable[[int], bytes]


def stored(size: int) -> int:
    """How many hashes a tree of ``size`` leaves keeps; so also the position of the first one that comes next."""
    return 2 * size - size.bit_count()


def position(level: int, number: int) -> int:
    """Where the hash over 1 << ``level`` leaves stands, those from ``number`` << ``level`` on."""
    return stored(((number + 1) << level) - 1) + level


def tree(size: int, lookup: Lookup) -> Tree:
    """The tree of the first ``size`` leaves, ready to take the next."""
    peaks, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append(lookup(position(level, start >> level)))
            start += 1 << level
    return Tree(size, peaks)


def inclusion_path(index: int, size: int, lookup: Lookup) -> list[bytes]:
    """Section 2.1.3.1: what leads from leaf ``index`` to the root of ``size`` leaves; 0 <= index < size."""
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_hash(middle, end, lookup))
            end = middle
        else:
            path.append(_hash(start, middle, lookup))
            start = middle
    return path[::-1]


def consistency_path(first: int, second: int, lookup: Lookup) -> list[bytes]:
    """Section 2.1.4.1: what shows that ``second`` leaves begin with the ``first``; 0 < first <= second."""
    path, start, end = [], 0, second
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_hash(middle, end, lookup))
            end = middle
        else:
            path.append(_hash(start, middle, lookup))
            start = middle
    if start:
        path.append(_hash(start, end, lookup))
    return path[::-1]


def _split(width: int) -> int:
    """The largest power of two below ``width``."""
    return 1 << (width - 1).bit_length() - 1


def _hash(start: int, end: int, lookup: Lookup) -> bytes:
    """The hash over leaves ``start`` to ``end`` - 1, a subtree of some tree."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return lookup(position(level, start >> level))
    middle = start + _split(width)
    return node_hash(_hash(start, middle, lookup), _hash(middle, end, lookup))

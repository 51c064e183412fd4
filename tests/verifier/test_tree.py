"""The tree of RFC 9162: the vectors of Certificate Transparency, its definitions written out, proofs of every kind."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.store.merkle import consistency_path, inclusion_path, position, stored, tree
from phonolith.verifier import Tree, extends, included_root, leaf_hash, node_hash

# The leaves and roots with which implementations of RFC 6962 are tested (certificate-transparency, merkle_tree_test).
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes(range(0x60, 0x70)))
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CONSISTENCY = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def grown(leaves: list[bytes]) -> tuple[Tree, list[bytes]]:
    made = Tree()
    return made, [one for leaf in leaves for one in made.add(leaf)]


# The definitions of sections 2.1.1, 2.1.3.1 and 2.1.4.1, word for word.


def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = split(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def test_roots_of_certificate_transparency() -> None:
    for size, root in enumerate(ROOTS):
        made, hashes = grown(LEAVES[:size])
        assert made.root().hex() == mth(LEAVES[:size]).hex() == root
        assert len(hashes) == stored(size)
        assert tree(size, hashes.__getitem__).root().hex() == root


def test_paths_of_certificate_transparency() -> None:
    _, hashes = grown(LEAVES)
    for (first, second), expected in CONSISTENCY.items():
        assert [one.hex() for one in consistency_path(first, second, hashes.__getitem__)] == expected
    seventh = inclusion_path(0, 7, hashes.__getitem__)
    assert [one.hex() for one in seventh] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
    ]


def test_every_proof_of_small_trees_is_that_of_the_definitions_and_verifies() -> None:
    leaves = [b"%d" % number for number in range(34)]
    _, hashes = grown(leaves)
    for size in range(1, 35):
        root = mth(leaves[:size])
        for index in range(size):
            made = inclusion_path(index, size, hashes.__getitem__)
            assert made == path(index, leaves[:size])
            assert included_root(leaf_hash(leaves[index]), index, size, made) == root
            for other in range(-1, size + 2):
                assert other == index or included_root(leaf_hash(leaves[index]), other, size, made) != root
        for first in range(1, size + 1):
            made = consistency_path(first, size, hashes.__getitem__)
            assert made == subproof(first, leaves[:size], True)
            assert extends(first, mth(leaves[:first]), size, root, made)
            assert first == size or not extends(first, mth(leaves[1 : first + 1]), size, root, made)
            assert not extends(first, mth(leaves[:first]), size, mth([*leaves[1:size], b""]), made)


@settings(max_examples=60)
@given(st.integers(1, 3000), st.data())
def test_a_proof_with_anything_changed_fails(size: int, data: st.DataObject) -> None:
    leaves = [b"leaf %d" % number for number in range(size)]
    made, hashes = grown(leaves)
    root, lookup = made.root(), hashes.__getitem__
    index = data.draw(st.integers(0, size - 1))
    inclusion = inclusion_path(index, size, lookup)
    assert included_root(leaf_hash(leaves[index]), index, size, inclusion) == root
    for wrong in changed(inclusion, data):
        assert included_root(leaf_hash(leaves[index]), index, size, wrong) != root
    assert included_root(leaf_hash(leaves[index] + b"!"), index, size, inclusion) != root
    first = data.draw(st.integers(1, size))
    old, linked = tree(first, lookup).root(), consistency_path(first, size, lookup)
    assert extends(first, old, size, root, linked)
    for wrong in changed(linked, data):
        assert not extends(first, old, size, root, wrong)
    assert not extends(first, flip(old, 0), size, root, linked)
    assert not extends(first, old, size, flip(root, 0), linked)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 4), (5, 4), (-1, 4)])
def test_there_is_no_link_from_nothing_or_backwards(first: int, second: int) -> None:
    assert not extends(first, mth([]), second, mth(LEAVES[:4]), [])
    assert not extends(first, mth([]), second, mth(LEAVES[:4]), [mth(LEAVES[:4])])


@given(st.integers(0, 20), st.integers(0, 5000))
def test_positions_count_the_hashes_before(level: int, number: int) -> None:
    end = (number + 1) << level
    assert position(level, number) == sum((end - 1) >> shift for shift in range(end.bit_length())) + level


def changed(hashes: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The path with one hash more, one less, one bit flipped, two changed over."""
    more = [[*hashes, bytes(32)], [bytes(32), *hashes]]
    if not hashes:
        return more
    place, bit = data.draw(st.integers(0, len(hashes) - 1)), data.draw(st.integers(0, 255))
    less = [hashes[:-1], hashes[1:]]
    flipped = [*hashes[:place], flip(hashes[place], bit), *hashes[place + 1 :]]
    turned = [hashes[::-1]] if len(hashes) > 1 else []
    return [*more, *less, flipped, *turned]


def flip(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "little") ^ 1 << bit).to_bytes(len(data), "little")

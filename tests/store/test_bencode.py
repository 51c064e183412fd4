"""Bencode: what is written is read back, and nothing has two ways to be written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.store.bencode import NotBencode, Value, decode, decode_parts, encode

VALUES = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Value) -> None:
    assert decode(encode(value)) == value


@given(VALUES, st.data())
def test_whatever_is_read_has_the_bytes_it_was_read_from(value: Value, data: st.DataObject) -> None:
    raw = bytearray(encode(value))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(raw))
    except NotBencode:
        return
    assert encode(found) == bytes(raw)


@given(VALUES)
def test_parts_are_what_stands_there(value: Value) -> None:
    found, parts = decode_parts(encode(value))
    assert found == value
    inside = value if isinstance(value, dict) else {}
    assert parts == {key: encode(one) for key, one in inside.items() if not isinstance(one, int)}


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"i",
            b"ie",
            b"i-e",
            b"i-0e",
            b"i03e",
            b"i+3e",
            b"i 3e",
            b"i3",
            "i٣e".encode(),
            b"i9223372036854775808e",
        ),
        *(b"3:ab", b"03:abc", b"-1:a", b":", b"99999999999999999999999:a", b"2147483648:a", b"l", b"li1e", b"d"),
        *(b"d1:ai03ee", b"d1:ai-0ee", b"d1:ai+3ee", b"d1:ai 3ee", b"d1:ai3_0ee", b"d1:aiee", b"d1:ai3", b"d1:ai3x"),
        *(b"d1:a03:abce", b"d01:ai1ee", b"l03:abce", b"l1_0:aaaaaaaaaae", b"d1:a3:ab", b"l3:ab", b"l3:", b"d1:a"),
        *(b"d1:ae", b"di1ei2ee", b"d1:bi1e1:ai2ee", b"d1:ai1e1:ai2ee", b"i1ei2e", b"x", b"l" * 200 + b"e" * 200),
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(NotBencode):
        decode(raw)
    with pytest.raises(NotBencode):
        decode_parts(raw)


def test_depth_is_counted() -> None:
    assert decode(b"lllleeee", deepest=4) == [[[[]]]]
    with pytest.raises(NotBencode, match="too deeply"):
        decode(b"lllleeee", deepest=3)

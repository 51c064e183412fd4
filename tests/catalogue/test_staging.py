"""Staged rows as lines: any text is in a state that every reader of them takes."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.catalogue.staging import CreditName
from phonolith.catalogue.staging_writer import LONGEST, Writer, fit

odd = st.sampled_from(["\0", "a\0b", "\\u0000", '"', "\\", "\ud800", "é\n\0", "\\\\u0000\0"])
long = st.builds(
    lambda text, length: text * length,
    st.sampled_from(["x", "é", '"', "\0"]),
    st.sampled_from([LONGEST // 2 - 1, LONGEST // 2, LONGEST - 200, LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST]),
)


def written(names: list[str]) -> list[str]:
    with TemporaryDirectory() as folder:
        with Writer(Path(folder), "0") as writer:
            writer.extend(CreditName, [CreditName(1, n, 1, 2, None, "x", name, "", "") for n, name in enumerate(names)])
        files = list(Path(folder).iterdir())
        return [json.loads(line).get("name", "") for file in files for line in file.read_bytes().splitlines()]


@given(st.lists(st.text(max_size=20) | odd, max_size=50), st.lists(long | odd, max_size=2), st.randoms())
@settings(max_examples=60, deadline=None)
def test_a_row_is_read_as_it_fits(names: list[str], further: list[str], order: object) -> None:
    names = names + further
    order.shuffle(names)  # type: ignore[attr-defined]
    assert written(names) == [fit(name) for name in names]


@pytest.mark.parametrize("place", [0, 1, 500, 999])
def test_one_odd_text_among_many_is_found(place: int) -> None:
    names = [f"Name {number}" for number in range(1_000)]
    for one in ("a\0b", "x" * (LONGEST + 1)):
        names[place] = one
        assert written(names)[place] == fit(one) != one

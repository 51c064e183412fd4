"""Paths: what is unsafe is refused, what is fit for every disk is recognised, and what would be one file is found."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.model.paths import collisions, fault, folded, portable


@given(st.lists(st.text(max_size=30), max_size=5))
def test_a_path_without_fault_stays_in_its_folder_and_can_be_written(parts: list[str]) -> None:
    try:
        os.fsencode("".join(parts))
    except UnicodeEncodeError:
        return
    if fault(parts):
        return
    with tempfile.TemporaryDirectory() as made:  # one for each example: a file of one may be a folder of another
        folder = Path(made).resolve()
        target = folder.joinpath(*parts)
        assert Path(os.path.normpath(target)) == target and target.is_relative_to(folder) and target != folder
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"")


@pytest.mark.parametrize("name", ["a:b", "a?", 'say "x"', "a|b", "<a>", "a*", " a", "a ", "a.", "..."])
def test_what_only_some_disks_hold_is_safe_and_not_portable(name: str) -> None:
    assert not portable([name])
    assert (fault([name]) is None) == (name != "..")


@pytest.mark.parametrize(
    "name", ["01 - Übung.flac", "東京 🎵.opus", "a.b.c", ".hidden", "Console.txt", "com10", "aux in"]
)
def test_ordinary_names_are_portable(name: str) -> None:
    assert portable(["data", name])


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "A", "b", "é", "e\u0301", "ß", "SS", "ss"]), min_size=1, max_size=3), max_size=6
    )
)
def test_paths_collide_where_a_disk_would_see_one_file_or_a_file_for_a_folder(paths: list[list[str]]) -> None:
    keys = [folded(path) for path in paths]
    expected = any(
        (i != j and (one == other if i < j else False)) or (len(one) < len(other) and other[: len(one)] == one)
        for i, one in enumerate(keys)
        for j, other in enumerate(keys)
    )
    assert bool(collisions(paths)) == expected

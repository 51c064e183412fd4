"""Ids that are looked at together are told apart as they are one by one."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from phonolith.model.ids import all_uuids, is_uuid

UUIDS = st.uuids().map(str)


@given(st.lists(UUIDS | UUIDS.map(str.upper) | st.text(max_size=40) | st.text("0-9af", min_size=36, max_size=36)))
@example([])
@example(["0" * 8 + "-0000-0000-0000-" + "0" * 11 + "é"])
@example(["0" * 37, "0" * 35])
def test_all_uuids_is_is_uuid_for_each(texts: list[str]) -> None:
    assert all_uuids(texts) == all(map(is_uuid, texts))


@given(st.lists(UUIDS))
def test_uuids_are_all_uuids(texts: list[str]) -> None:
    assert all_uuids(texts)

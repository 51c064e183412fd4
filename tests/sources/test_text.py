"""Text from outside: made fit for columns and messages, and for items that lead back to the bytes."""

from __future__ import annotations

import os
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from phonolith.sources.text import LONGEST, clean, exact_item_of, item_of, path_of, visible

NAMES = st.binary(min_size=1, max_size=40).map(os.fsdecode).filter(lambda s: "\0" not in s)


@given(st.text())
def test_clean_text_is_utf8_without_controls_or_marks_that_reorder(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert clean(cleaned) == cleaned


def test_clean_keeps_what_scripts_need() -> None:
    for text in ("東京 の夜", "ليلى\u200f!", "Ѫ\u00a0x", "e\u0301", "👩\u200d🎤", "עברית\u200e"):
        assert clean(text) == text


def test_clean_cuts_what_no_title_can_be() -> None:
    assert len(clean("x" * 100_000_000)) == LONGEST


def test_visible_shows_what_would_deceive() -> None:
    assert visible("evil\u202egpj.exe\0\n\ud800") == "evil\\u202egpj.exe\\u0000\\u000a\\ud800"
    assert len(visible("x" * 1000)) < 200


@given(NAMES)
def test_an_item_is_plain_utf8_and_leads_back_to_its_path(path: str) -> None:
    item = item_of(path)
    assert item.encode("utf-8").decode() == item == clean(item)[: len(item)] or max(item) >= "\u202a"
    assert unicodedata.normalize("NFC", path_of(item)) == unicodedata.normalize("NFC", path)
    assert path_of(exact_item_of(path)) == path


@given(NAMES, NAMES)
def test_different_paths_have_different_exact_items(one: str, other: str) -> None:
    assert (exact_item_of(one) == exact_item_of(other)) == (one == other)


def test_items_of_ordinary_paths_are_the_paths() -> None:
    assert item_of("Björk/Début/01 – Ünïcode’d.flac") == "Björk/Début/01 – Ünïcode’d.flac"
    assert item_of("100%/a") == "100%25/a"
    assert item_of("e\u0301.flac") == "é.flac"
    assert item_of(os.fsdecode(b"\xff.mp3")) == "%FF.mp3"

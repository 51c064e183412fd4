"""The tokeniser: what people type and what is written must come out the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.model.text import LONGEST_TEXT, LONGEST_TOKEN, asked, fold, is_cjk, pairs, runs, runs_of_all, tokens_of

texts = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(codec=None, categories=["L", "M", "N", "P", "Cs", "Cc", "Zs"]), max_size=60),
    st.text("aéßæøıİŁ'’ -東京タｶﾞが한ю́ё\ud800\0١½Ⅳﷺ", max_size=30),
)


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Béla Bartók", "bela bartok"),
        ("BJÖRK", "björk"),
        ("Don’t Stop", "dont stop"),
        ("Don't Stop", "don’t STOP"),
        ("Rock 'n' Roll", "rock n roll"),
        ("Straße", "STRASSE"),
        ("Ænima", "aenima"),
        ("Mø", "mo"),
        ("Łódź", "lodz"),
        ("Đorđe", "dorde"),
        ("İstanbul", "istanbul"),
        ("ısı", "isi"),
        ("Ёлка", "елка"),
        ("ΌΡΦΕΎΣ", "ορφευς"),
        ("٣ ليال", "3 ليال"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("か\u3099", "が"),
        ("Ｆｕｌｌ", "full"),
        ("e\u0301te\u0301", "été"),
        ("ﬁn", "fin"),
        ("AC/DC", "ac dc"),
        ("한국어", "한국어"),
    ],
)
def test_spellings_that_mean_the_same(written: str, typed: str) -> None:
    assert runs(written) == runs(typed)
    assert fold(written) == fold(typed)


def test_voiced_kana_are_other_kana() -> None:
    assert runs("が") != runs("か")
    assert runs("パ") != runs("ハ")


def test_cjk_is_cut_into_characters_and_pairs() -> None:
    assert fold("東京タワー live") == ["東", "京", "タ", "ワ", "ー", "東京", "京タ", "タワ", "ワー", "live"]
    assert asked("東") == ["東"]
    assert asked("東京") == ["東京"]
    assert asked("東京タ") == ["東京", "京タ"]
    assert asked("tokyo") == ["tokyo"]
    assert "東京" not in fold("京都の東口")
    assert fold("東 京")[-1] == "京", "white space ends a stretch"


def test_texts_without_letters_are_their_signs() -> None:
    assert runs("!!!") == ["!!!"]
    assert runs(" ÷ ") == ["÷"]
    assert runs("wow !!!") == ["wow"]
    assert runs("") == runs(" \t\n\0\u200b") == []


def test_what_is_very_long_is_cut() -> None:
    assert runs("a" * 100) == ["a" * LONGEST_TOKEN]
    assert runs("é" * 100) == ["e" * LONGEST_TOKEN]
    assert sum(map(len, runs("ab " * 10**6))) <= LONGEST_TEXT
    assert runs("東" * 100) == ["東" * 100]


@given(texts)
def test_tokens_can_be_stored_and_found(text: str) -> None:
    tokens = fold(text)
    for token in tokens:
        token.encode()
        assert token and not any(c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in token)
    for run in runs(text):
        assert set(asked(run)) <= set(tokens), "what a query of the same text asks for is in the index"
        if is_cjk(run):
            assert all(is_cjk(pair) for pair in pairs(run))


@given(texts)
def test_folding_what_was_folded_changes_nothing(text: str) -> None:
    once = " ".join(run for run in runs(text) if any(c.isalnum() for c in run))
    assert runs(once) == once.split()


@given(texts)
def test_case_and_composition_do_not_matter(text: str) -> None:
    assert runs(unicodedata.normalize("NFD", text)) == runs(unicodedata.normalize("NFC", text))
    if text.isascii():
        assert runs(text.upper()) == runs(text.lower())


@given(st.lists(texts, max_size=5))
def test_many_at_once_are_folded_as_one_by_one(many: list[str]) -> None:
    found = runs_of_all(many)
    assert found == [runs(text) for text in many]
    assert [tokens_of(some) for some in found] == [fold(text) for text in many]


def test_every_character_is_folded_to_letters_or_nothing() -> None:
    for code in (*range(0x3000), *range(0xF900, 0x10000), *range(0x1D400, 0x1D800)):
        for run in runs(f"a{chr(code)}b"):
            assert run and " " not in run
            assert unicodedata.normalize("NFC", run) == unicodedata.normalize("NFC", run.casefold()) or is_cjk(run)

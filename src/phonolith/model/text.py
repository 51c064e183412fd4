"""The one tokeniser: what the index is built from and what a query is asked with are cut and folded here.

A text becomes *runs*: words of letters and digits without case and accents, and unbroken stretches of Chinese,
Japanese or Korean writing, which has no spaces to cut at. A word is one token. A stretch is indexed as all its
characters and all its pairs of neighbours, so that any two characters find it; a query asks for the pairs, and where it
has three characters or more the row is looked at, because 京都の東口 has the characters of 東京 but not their order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

#: Longer texts are cut here, longer tokens there; what lies beyond is not searched for.
LONGEST_TEXT = 2_000
LONGEST_TOKEN = 40

_APOSTROPHES = "'`´‘’‛ʻʼʽ＇"
_SPECIAL = {
    "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "ȷ": "j", "ħ": "h", "ŧ": "t",
    "ŋ": "n", "ƒ": "f", "ɨ": "i", "ʉ": "u", "ƀ": "b", "ǥ": "g", "ɫ": "l", "ẞ": "ss", "ß": "ss", "ـ": "",
}  # fmt: skip
_CJK = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U000323af"
)
_STRETCH = re.compile(f"[{_CJK}]+")


class _Folding(dict[int, str]):
    """What each character becomes: filled in as characters are met, at most once for each of Unicode's."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_character(chr(code))
        return folded


def _fold_character(character: str) -> str:
    if _STRETCH.match(character):
        return character
    if character in _APOSTROPHES:
        return ""
    if unicodedata.category(character)[0] in "CZ":
        return "" if unicodedata.category(character) == "Cf" else " "
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(_fold_part(part) for part in plain)


def _fold_part(part: str) -> str:
    if unicodedata.combining(part):
        return ""
    if part in _SPECIAL:
        return _SPECIAL[part]
    if unicodedata.decimal(part, None) is not None:
        return str(unicodedata.decimal(part))
    return part if part.isalnum() or unicodedata.category(part)[0] == "M" else " "


_TABLE = _Folding()
_ASCII = bytes(c if chr(c).isalnum() else 32 for c in range(128)).ljust(256)
_ASCII_LINES = bytes(c if chr(c).isalnum() or c == 10 else 32 for c in range(128)).ljust(256)


def runs(text: str) -> list[str]:
    """The words and CJK stretches of a text, in order, folded; no run is empty, none has white space.

    A text without a letter or digit (``!!!``, ``÷``) is one run of its signs. Any string is fine, lone surrogates and
    NUL too; the result has neither.
    """
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT]
    if text.isascii():
        found = text.encode().lower().translate(_ASCII, b"'`").decode().split()
    else:
        folded = unicodedata.normalize("NFKC", text).translate(_TABLE)
        found = (folded if folded.isascii() else _STRETCH.sub(r" \g<0> ", folded)).split()
    if not found:
        return _signs(text)
    if max(map(len, found)) <= LONGEST_TOKEN:
        return found
    return [run if len(run) <= LONGEST_TOKEN or is_cjk(run) else run[:LONGEST_TOKEN] for run in found]


def _signs(text: str) -> list[str]:
    kept = [c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] not in "CZ"]
    return ["".join(kept)[:LONGEST_TOKEN]] if kept else []


def is_cjk(run: str) -> bool:
    """Whether a run is a stretch of Chinese, Japanese or Korean writing."""
    return not run.isascii() and _STRETCH.match(run) is not None


def runs_of_all(texts: Sequence[str]) -> list[list[str]]:
    """``[runs(text) for text in texts]``, several times as fast where most texts are short and ASCII."""
    short = ["" if len(text) > LONGEST_TOKEN or not text.isascii() or "\n" in text else text for text in texts]
    lines = "\n".join(short).encode().lower().translate(_ASCII_LINES, b"'`").decode().split("\n")
    return [line.split() or runs(text) for line, text in zip(lines, texts, strict=True)] if texts else []


def fold(text: str) -> list[str]:
    """The tokens a text is indexed by, in order, with repeats; a CJK stretch gives its characters, then its pairs."""
    return tokens_of(runs(text))


def tokens_of(found: list[str]) -> list[str]:
    """The tokens that runs are indexed by; ``found`` itself where it has no CJK stretch."""
    if not any(map(is_cjk, found)):
        return found
    tokens: list[str] = []
    for run in found:
        tokens += [*run, *pairs(run)] if is_cjk(run) else [run]
    return tokens


def pairs(stretch: str) -> list[str]:
    """The pairs of neighbouring characters of a CJK stretch, in order: n - 1 of n characters."""
    return [stretch[i : i + 2] for i in range(len(stretch) - 1)]


def asked(run: str) -> list[str]:
    """The tokens a query's run asks for: a word itself, of a CJK stretch its pairs, or its one character."""
    return pairs(run) if len(run) > 1 and is_cjk(run) else [run]

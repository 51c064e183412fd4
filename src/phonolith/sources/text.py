"""Text from outside made safe: for columns, for messages, and as keys that lead back to the bytes."""

from __future__ import annotations

import os
import re
import unicodedata

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_MAIL = re.compile(r"[^\s@<>]@[\w-]+(?:\.[\w-]+)+")
_BLANK = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")
_ESCAPED = re.compile("[\x00-\x1f\x7f-\x9f%\ud800-\udfff]")
#: Characters of a text that a column takes.
LONGEST = 4_096
_LONGEST_SHOWN = 160


def clean(text: str) -> str:
    """Text fit for a column: no control characters, no lone surrogates, no marks that reorder what follows.

    Tabs and line breaks become a space, lone surrogates U+FFFD, all else that :data:`_CONTROL` lists goes, and so does
    what comes after :data:`LONGEST` characters. The record keeps what was there.
    """
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    if text.isprintable():
        return text
    return _CONTROL.sub(_replacement, text)


def holds_mail(value: object) -> bool:
    """Whether a text has an e-mail address in it, which nobody meant to publish."""
    return isinstance(value, str) and "@" in value and _MAIL.search(value) is not None


def visible(text: str) -> str:
    """Text fit for a message: what :func:`clean` would change is shown as an escape; at most 160 characters."""
    if len(text) > _LONGEST_SHOWN:
        text = text[:_LONGEST_SHOWN] + "…"
    return text if text.isprintable() else _CONTROL.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def item_of(path: str) -> str:
    """A relative path as a record's item: UTF-8 text in NFC that :func:`path_of` leads back to an equal path.

    Bytes that are not UTF-8, control characters and ``%`` are written as ``%`` and two hexadecimal digits.
    """
    return _ESCAPED.sub(_percent, unicodedata.normalize("NFC", path.replace(os.sep, "/")))


def exact_item_of(path: str) -> str:
    """Like :func:`item_of` with everything outside ASCII escaped: for a name whose NFC form another file has."""
    return "".join(_percent_character(c) if not c.isascii() or _ESCAPED.match(c) else c for c in path)


def path_of(item: str) -> str:
    """The path that an item stands for, as the file system's functions take it (``surrogateescape``)."""
    raw = re.sub(rb"%([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), item.encode("utf-8", "surrogatepass"))
    return os.fsdecode(raw)


def _replacement(match: re.Match[str]) -> str:
    character = match[0]
    if character in _BLANK:
        return " "
    return "\ufffd" if "\ud800" <= character <= "\udfff" else ""


def _percent(match: re.Match[str]) -> str:
    return _percent_character(match[0])


def _percent_character(character: str) -> str:
    raw = character.encode("utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in raw)

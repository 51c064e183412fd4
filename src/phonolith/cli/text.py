"""Texts for a terminal: metadata made harmless, numbers, sizes and times as people read them."""

from __future__ import annotations

import re

from phonolith.errors import UsageError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

# C0, C1 and DEL could steer the terminal, bidi controls could reorder the line; both may occur in anybody's tags.
_HARMFUL = {
    code: f"�{code:02x}"
    for code in [
        *range(0x20),
        *range(0x7F, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        0x200E,
        0x200F,
        0x061C,
    ]
} | dict.fromkeys((0x0A, 0x09, 0x0D, 0x2028, 0x2029), " ")


def clean(text: object) -> str:
    """One line that shows what it says: control and bidi characters visible, lone surrogates replaced."""
    shown = str(text).translate(_HARMFUL)
    return shown if shown.isascii() else shown.encode("utf-8", "replace").decode("utf-8")


def number(value: int) -> str:
    """``21502`` → ``21,502``."""
    return f"{value:,}"


def size(value: float) -> str:
    """Bytes as people read them, in powers of 1000: ``1.2 GB``."""
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if abs(amount) < 1000 or unit == "PB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


def bytes_of(option: str, text: str | None) -> int | None:
    """``500GB`` in bytes, None for None. Raises UsageError."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(option, f"{text!r} is no size", "Say it as in 500GB or 2TB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def span(seconds: float) -> str:
    """Elapsed time: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def plural(count: int, noun: str, many: str = "") -> str:
    """``1 track``, ``2 tracks``, ``3 copies``."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def shortened(text: str, room: int) -> str:
    """The text on so many columns, cut in its middle: names of bundles and files differ at their ends."""
    from rich.cells import cell_len, chop_cells

    if cell_len(text) <= room:
        return text
    half = (room - 1) // 2
    return f"{chop_cells(text, room - 1 - half)[0]}…{chop_cells(text[::-1], half)[0][::-1]}"

"""Reads a saved page (HTML, MHTML, text) for what it says: sentences, and figures with their units, line by line."""

from __future__ import annotations

import email
import email.policy
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from phonolith.audit.counted import Unreadable
from phonolith.audit.extracted import Extract, Extracted, Quote, Wanted

_LARGEST = 16 << 20
_LONGEST_QUOTE = 240
_SILENT = {"script", "style", "template", "noscript", "head", "svg"}
_INLINE = {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "em", "font", "i", "ins", "kbd", "mark", "q", "s"}
_INLINE |= {"samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
#: A number as people write it: groups of three by comma, space, point or apostrophe, or none, and a decimal part.
_FIGURE = re.compile(
    r"(?<![\w.,])([0-9]{1,3}(?:[,'\u2019 \u00a0\u202f][0-9]{3})+|[0-9]{1,15})(\.[0-9]{1,9})?\s?"
    r"(?:(thousand|million|billion|trillion)\s+)?(%|[A-Za-z/]{1,14})(?![\w])",
    re.IGNORECASE,
)


def read_page(request: Extract) -> Extracted:
    """For each thing that is wanted the first line that says it, or None. Raises Unreadable, OSError."""
    path = Path(request.path)
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Unreadable(f"it has more than {_LARGEST >> 20} MiB, which is no page")
    late = time.process_time() + request.seconds
    lines = list(_lines(data, path.suffix.lower()))
    quotes = []
    for one in request.wanted:
        if time.process_time() > late:
            raise Unreadable(f"reading it takes longer than {request.seconds:g} seconds")
        quotes.append(_quote(one, lines))
    return Extracted(quotes=tuple(quotes), rows=len(lines))


def _lines(data: bytes, suffix: str) -> Iterator[str]:
    if suffix in (".mhtml", ".mht"):
        data, suffix = _part_of(data)
    text = data.decode("utf-8", "replace")
    if suffix in (".html", ".htm", ".xhtml") or re.match(r"\s*<(!doctype|html)\b", text[:1000], re.IGNORECASE):
        parser = _Text()
        try:
            parser.feed(text)
            parser.close()
        except AssertionError as error:  # what the parser raises of declarations that are none
            raise Unreadable(f"its HTML cannot be read: {error}") from error
        text = "".join(parser.parts)
    for line in text.splitlines():
        if plain := " ".join(line.split()):
            yield plain


def _part_of(data: bytes) -> tuple[bytes, str]:
    """The page in an MHTML (RFC 2557): its first part of HTML, else of text."""
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    parts = [one for one in message.walk() if one.get_content_type() in ("text/html", "text/plain")]
    parts.sort(key=lambda one: one.get_content_type() != "text/html")
    if not parts:
        raise Unreadable("it is no saved page: no part of it is text")
    payload = parts[0].get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b"", ".html"


class _Text(HTMLParser):
    """The text that a reader sees: a line for each block, a tab between the cells of a table."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT and not self._silent and tag not in _VOID:
            self._silent = tag
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " ").replace("\r", " "))

    def _break(self, tag: str) -> None:
        if not self._silent and tag not in _INLINE:
            self.parts.append(" " if tag in ("td", "th") else "\n")


def _quote(wanted: Wanted, lines: list[str]) -> Quote | None:
    sentence = _folded(wanted.sentence)
    if len(sentence) > 3:
        for number, line in enumerate(lines):
            if sentence in _folded(line):
                return Quote(_cut(line), True, wanted.low, wanted.high)
            both = f"{line} {lines[number + 1]}" if number + 1 < len(lines) else ""
            if len(both) < 2000 and sentence in _folded(both):
                return Quote(_cut(both), True, wanted.low, wanted.high)
    for line in lines:
        for match in _FIGURE.finditer(line[:20_000]):
            scale = wanted.scales.get(match[4]) or wanted.scales.get(match[4].lower())
            found = _value(match, scale) if scale else None
            if found and found[0] <= wanted.high and found[1] >= wanted.low:
                return Quote(_cut(line, match.start()), False, *found)
    return None


def _value(match: re.Match[str], scale: float) -> tuple[float, float]:
    """What the figure can be: words like million leave open what their last place hides."""
    decimals = len(match[2] or "") - 1 if match[2] else 0
    number = float(re.sub(r"[^0-9]", "", match[1]) + (match[2] or ""))
    more = _WORDS.get((match[3] or "").lower(), 1.0)
    slack = more / 10**decimals / 2 if more > 1 or decimals else 0.0
    return (number * more - slack) * scale, (number * more + slack) * scale


def _folded(text: str) -> str:
    """Words alone: case, signs around them and the kinds of quotation marks are how somebody typed it."""
    return " ".join(re.findall(r"[\w%.,/-]+", text.casefold())).strip(" .,")


def _cut(line: str, at: int = 0) -> str:
    start = max(0, at - _LONGEST_QUOTE // 2) if len(line) > _LONGEST_QUOTE else 0
    return "".join(one for one in line[start : start + _LONGEST_QUOTE] if one.isprintable())

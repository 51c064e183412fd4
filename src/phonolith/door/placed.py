"""Finds a code in the bytes of a page, and tells the places where only its owner writes from those where anybody may.

Comments, reviews and guestbooks stand in the body of a page, and a code is public: whoever reads it can write it there.
So the words of a page prove nothing by themselves. What counts is its head (WHATWG HTML, section 4.2), and links in its
body that say ``rel="me"`` (XFN 1.1): Mastodon verifies pages by the same, and programs leave it out of comments, where
WordPress, for one, lets links have an address and a title only (``$allowedtags`` of its kses.php).

One pass, each byte looked at a bounded number of times, whatever the page is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

NAME = "phonolith-door"

_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("text/plain", *_HTML)
_LONGEST_TAG = 4_000
_HEAD_ONLY = frozenset({"html", "head", "title", "meta", "link", "base", "script", "style", "noscript", "template"})
_RAW = frozenset(
    {"title", "script", "style", "textarea", "noscript", "template", "iframe", "noembed", "xmp", "svg", "select"}
)
_DESCRIBES = frozenset({NAME, "description", "og:description", "twitter:description"})

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]{0,20})")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s=>"'/<]{1,60})(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]*)))?""")


def written(code: str) -> str:
    """The code as it stands on a page."""
    return f"{NAME}={code}"


def placed(body: bytes, media_type: str, code: str) -> str:
    """Where the code stands: ``head``, ``me``, else ``text``; "" nowhere, and in what is no page."""
    page = body.decode("latin-1")  # the code is ASCII, and so is all of HTML that is looked at
    if code not in page or media_type not in _TEXT:
        return ""
    if media_type in _HTML:
        for where, values in _tags(page):
            if any(code in html.unescape(one) for one in values):
                return where
    return "text"


def in_file(body: bytes, code: str) -> bool:
    """Whether a line of a text file is the code, as ``/.well-known/phonolith.txt`` has it."""
    return any(line.strip() == written(code) for line in body.decode("latin-1").splitlines())


def _tags(page: str) -> Iterator[tuple[str, list[str]]]:
    """What the owner of a page says in tags: where, and the values that a code may stand in."""
    place, head = 0, True
    while (begin := page.find("<", place)) >= 0:
        head = head and not page[place:begin].strip()
        if page.startswith("<!--", begin):
            place = _after(page, "-->", begin + 4)
            continue
        match = _TAG.match(page, begin)
        if match is None:
            head = head and page.startswith("<!", begin)
            place = _after(page, ">", begin + 1) if page[begin + 1 : begin + 2] in ("!", "?", "/") else begin + 1
            continue
        closing, name = match[1], match[2].lower()
        attributes, place = _attributes(page, match.end())
        head = head and name in _HEAD_ONLY and (closing, name) != ("/", "head")
        if not closing:
            yield from _said(name, attributes, head)
            if name in _RAW:
                place = _after_raw(page, name, place)


def _said(name: str, attributes: Mapping[str, str], head: bool) -> Iterator[tuple[str, list[str]]]:
    rel = attributes.get("rel", "").lower().split()
    if head and name == "meta":
        named = (attributes.get("name") or attributes.get("property", "")).lower()
        if named in _DESCRIBES:
            yield "head", [attributes.get("content", "")]
    elif name in ("a", "link", "area") and "me" in rel and "ugc" not in rel and (head or name != "link"):
        yield "me", [attributes.get("href", "")]


def _attributes(page: str, start: int) -> tuple[dict[str, str], int]:
    """The attributes of a tag, the first of each name, and where what follows it begins."""
    found: dict[str, str] = {}
    end = min(len(page), start + _LONGEST_TAG)
    place = start
    while place < end and page[place] != ">":
        if page[place] == "<":  # another tag begins before this one ends
            return {}, place
        match = _ATTRIBUTE.match(page, place, end)
        if match is None:
            place += 1
            continue
        found.setdefault(match[1].lower(), next((one for one in match.groups()[1:] if one is not None), ""))
        place = match.end()
    if place < len(page) and page[place] == ">":
        return found, place + 1
    return {}, place  # a tag that does not end says nothing


def _after(page: str, end: str, start: int) -> int:
    found = page.find(end, start)
    return len(page) if found < 0 else found + len(end)


def _after_raw(page: str, name: str, start: int) -> int:
    """Where the content of an element ends in which there are no tags that count."""
    ends = re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE).search(page, start)
    return len(page) if ends is None else ends.start()

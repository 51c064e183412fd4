"""Lists of a MusicBrainz document whose order says nothing: on the way back their members are found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from phonolith.sources.musicbrainz_parts import Node, event_area, link_of, merge
from phonolith.sources.roundtrip import equal_leaves

#: These lists, by what tells their members apart: in the document, and as rebuilt.
NAMED: Mapping[str, tuple[Callable[[Node], Any], str]] = {
    "aliases": (lambda alias: alias.get("name"), "name"),
    "relations": (lambda relation: (link := link_of(relation)) and [link.rel, link.url], "link"),
    "discs": (lambda disc: disc.get("id"), "id"),
    "release-events": (lambda event: event_area(event) or None, "link"),
}
_SETS = frozenset({"ipis", "isnis", "iswcs", "isrcs", "iso-3166-1-codes", "iso-3166-2-codes"})


def in_order(key: str, shape: Any, rebuilt: Any) -> Any:
    """A rebuilt list in the document's order, where that order says nothing: by name, of one name the most alike."""
    if not isinstance(shape, list) or not isinstance(rebuilt, list):
        return rebuilt
    if key in _SETS:
        return [one if one in rebuilt else None for one in shape]
    if key not in NAMED:
        return rebuilt
    name_of, name = NAMED[key]
    return [
        max((back for back in rebuilt if back.get(name) == name_of(one)), key=partial(equal_leaves, one), default=None)
        for one in shape
    ]


def joined(under: Any, over: Any) -> Any:
    """Two trees as one, as :func:`merge` does; of a list whose members are found by name both have all of theirs."""
    if isinstance(under, dict) and isinstance(over, dict):
        return {
            key: [*(under.get(key) or ()), *(over.get(key) or ())]
            if key in NAMED
            else joined(under.get(key), over.get(key))
            for key in {**under, **over}
        }
    return under if over == "" else merge(under, over)


def with_rest(several: list[Node], rest: list[Node], name: str) -> list[Node]:
    """Members of a list, each also with what a remainder adds to it, and those that are in the remainder alone."""
    found = list(several)
    for left in rest:
        named = next((one for one in several if one.get(name) == left.get(name)), {})
        found.append({**named, **left})
    return found

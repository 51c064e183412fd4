"""``search``: find tracks, releases and artists."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from phonolith.cli import lists
from phonolith.cli.reading import reading
from phonolith.cli.text import number
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.errors import UsageError
from phonolith.library.asked import Query
from phonolith.library.browse import Found
from phonolith.library.browse import search as find

_DRAW: dict[str, Callable[[View, Any], None]] = {
    "artist": lists.artists,
    "release": lists.releases,
    "track": lists.tracks,
}
_FEW = 5  # artists and releases beside the tracks, when everything is looked for


@verb(
    "search",
    short_help="Find tracks, releases and artists.",
    examples=(
        "search night train",
        "search 東京 --kind release",
        "search --genre ambient --year 1990-1999 --held --kind track",
        "search canon --json",
    ),
)
@click.argument("words", nargs=-1)
@click.option("--kind", type=click.Choice(["all", *_DRAW]), default="all", show_default=True, help="What to look for.")
@click.option("--licence", default="", metavar="CODE", help="A family (by-sa, cc0, none) or a code (CC-BY-SA-3.0-DE).")
@click.option("--year", metavar="YEAR|FROM-TO", help="1999, 1990-1999, 1990- or -1999.")
@click.option("--genre", default="", metavar="NAME", help="A genre's name.")
@click.option("--label", default="", metavar="WORDS", help="Words of a label's name.")
@click.option("--duration", metavar="FROM-TO", help="Minutes, as in 3-5 or 2:30-, or -10.")
@click.option("--source", default="", metavar="NAME", help="A collection, as in folder.my-music.")
@click.option("--held/--not-held", default=None, help="Only what is held here, or only what is not.")
@click.option(
    "-n", "--number", "limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Results a page."
)
@click.option("--after", metavar="MARK", help="The page after the one that gave this mark; needs --kind.")
def search(place: Place, words: tuple[str, ...], kind: str, after: str | None, limit: int, **filters: Any) -> Answer:
    """Find tracks, releases and artists by words of title, artist, release or label; filters alone list everything.

    Accents and case do not matter, a typo is forgiven, the last word may be unfinished; Chinese, Japanese and Korean
    are found by any two characters. What is best known comes first.
    """
    if after and kind == "all":
        raise UsageError("--after", "a page belongs to one kind", "Give --kind too")
    kinds = list(_DRAW) if kind == "all" else [kind]
    query = _query(" ".join(words), after, filters)
    found: dict[str, Found] = {}
    with reading(place) as library, library.reading():
        for one in kinds:
            few = min(limit, _FEW) if kind == "all" and one != "track" else limit
            found[one] = find(library, Query(kind=one, limit=few, **query))

    def show(view: View) -> None:
        for one, results in found.items():
            if results.restarted:
                view.hint(f"--after {after} is of another catalogue or query, so this is the first page.")
            if results.page.items:
                _heading(view, one, results, len(kinds) > 1)
                _DRAW[one](view, results.page.items)
            if results.page.next and kind != "all":
                view.hint(f"More: the same with --after {results.page.next}")
        if not any(results.page.items for results in found.values()):
            view.hint("Nothing was found.")

    return Answer({f"{one}s": _page(results) for one, results in found.items()}, show)


def _page(found: Found) -> dict[str, Any]:
    page = found.page
    told = {"items": page.items, "total": page.total, "total_capped": page.total_capped, "next": page.next}
    return told | {"corrected": found.corrected, "restarted": found.restarted}


def _heading(view: View, kind: str, found: Found, several: bool) -> None:
    page = found.page
    total = f"{number(len(page.items))} of {number(page.total or 0)}{'+' if page.total_capped else ''}"
    corrected = f", for “{found.corrected}”" if found.corrected else ""
    if several:
        view.heading(f"{kind.capitalize()}s", total + corrected)
    else:
        view.hint(total + corrected)


def _query(words: str, after: str | None, filters: dict[str, Any]) -> dict[str, Any]:
    year, duration = filters.pop("year"), filters.pop("duration")
    made = {"words": words, "after": after, "typing": False, **filters}
    if year:
        made["year"] = _range("--year", year, r"\d{1,4}", int)
    if duration:
        made["duration"] = _range("--duration", duration, r"\d+(?:\.\d+)?|\d+:\d{2}", _milliseconds)
    return made


def _range(option: str, text: str, form: str, read: Callable[[str], int]) -> tuple[int | None, int | None]:
    """``a-b``, ``a-``, ``-b`` or ``a`` alone, which is a year or the minute that begins there."""
    parts = re.fullmatch(rf"(?P<a>{form})?\s*(?P<dash>-)?\s*(?P<b>{form})?", text.strip())
    if parts is None or not (parts["a"] or parts["b"]) or (parts["a"] and parts["b"] and not parts["dash"]):
        raise UsageError(option, f"{text!r} is not a range", "Write FROM-TO, FROM- or -TO")
    first = read(parts["a"]) if parts["a"] else None
    if not parts["dash"] and first is not None:
        return first, first if read is int else first + 59_999
    return first, read(parts["b"]) if parts["b"] else None


def _milliseconds(text: str) -> int:
    minutes, _, seconds = text.partition(":")
    return round(float(minutes) * 60_000) + int(seconds or 0) * 1000


COMMANDS = {"search": search}

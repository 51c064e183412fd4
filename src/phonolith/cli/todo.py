"""``todo``: what wants attention, with the command that settles it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from phonolith.cli.door import queue as at_the_door
from phonolith.cli.notice import queue
from phonolith.cli.reading import reading
from phonolith.cli.text import plural
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.library.todo import Section

SORTS = (
    *("notices", "door", "remains", "absent", "no-evidence", "unreadable", "no-artist", "no-cover", "same-bytes"),
    "publishable",
)


@verb("todo", short_help="What wants attention, with the command that settles it.")
@click.argument("sort", required=False, type=click.Choice(SORTS))
@click.option(
    "-n", "--number", "limit", type=click.IntRange(1, 10_000), default=5, show_default=True, help="Items of each sort."
)
def todo(place: Place, sort: str | None, limit: int) -> Answer:
    """List what wants attention: notices, bytes that are to be gone, files that were not there, no licence evidence.

    And what is unreadable, without artist or cover, the same bytes twice, and what could be published now. SORT shows
    one sort alone, by its code.
    """
    from phonolith.library.todo import todo as find

    with reading(place) as library:
        first = (*_notices(place, limit), *_door(place, limit), *_remains(place, limit), *_absent(place, limit))
        sections = (*first, *find(library, limit=limit))
    chosen = [one for one in sections if sort in (None, one.code)]

    def show(view: View) -> None:
        for one in chosen:
            view.heading(f"{one.title}: {plural(one.total, one.unit[:-1])}", one.code)
            for item in one.items:
                view.line(f"· {item.title}", "bold")
                tracks = plural(item.tracks, "track") if item.tracks else ""
                view.line(f"{item.reference}  {', '.join(filter(None, (tracks, item.detail)))}", indent=4)
                if item.command:
                    view.command(item.command)
            if one.remedy:
                view.line(f"{one.remedy}.", "dim")
        if not chosen:
            view.line("Nothing wants attention.", "green")

    return Answer({"todo": chosen}, show)


def _notices(place: Place, limit: int) -> Iterator[Section]:
    """Notices on which a person has something to do."""
    from phonolith.library.todo import Item, Section

    rows = queue(place)
    items = [
        Item(
            f"notice {row['notice']}",
            f"{row['form']}, {row['state']}",
            f"until {row['due']['by'][:10]}: {row['due']['what']}",
            row["reach"],
            f"phonolith notice show {row['notice']}",
        )
        for row in rows[:limit]
    ]
    if rows:
        yield Section("notices", "Notices that wait for you", "notices", len(rows), tuple(items))


def _remains(place: Place, limit: int) -> Iterator[Section]:
    """Files with bytes that were expunged or dropped, and that nobody could remove."""
    import os

    from phonolith.library.todo import Item, Section
    from phonolith.store.files import printable

    with place.archive().ledger() as ledger:
        found = ledger.remains()
    items = [
        Item(
            f"object {sha256.hex()}", printable(os.fsdecode(one.path)) if one.path else f"volume {one.volume}", tracks=0
        )
        for sha256, one in found[:limit]
    ]
    if found:
        told = "Remove the file yourself, or mount its disk; then: phonolith ledger check"
        yield Section("remains", "Bytes that are to be gone", "files", len(found), tuple(items), told)


def _absent(place: Place, limit: int) -> Iterator[Section]:
    """Collections whose records name files that were not there."""
    from phonolith.library.todo import Item, Section
    from phonolith.sources.payloads import collection_of

    with place.archive().records() as store:
        told = {name: store.frontier(name).absent(place.now()) for name in store.sources() if collection_of(name)}
    found = {name: absent for name, absent in told.items() if absent}
    ordered = sorted(found.items(), key=lambda one: -len(one[1]))
    items = [
        Item(
            collection_of(name),
            f"{plural(len(absent), 'file')} of {collection_of(name)}",
            f"asked for again from {min(absent.values())[:10]} on",
            0,
        )
        for name, absent in ordered[:limit]
    ]
    total = sum(map(len, found.values()))
    remedy = "Their origin had nothing there. harvest media --again asks now; else look at the pages that name them"
    if items:
        yield Section("absent", "Not there when asked for", "files", total, tuple(items), remedy)


def _door(place: Place, limit: int) -> Iterator[Section]:
    """Doors at which somebody waits, and what artists contradict each other about."""
    from phonolith.library.todo import Item, Section

    rows = at_the_door(place)
    items = [
        Item(row["subject"], f"{row['voice']} {row['name']}", row["why"], 0, f"phonolith door show {row['door']}")
        if "door" in row
        else Item(row["about"], f"contrary words about its {row['what']}", "neither counts", 1, "phonolith door list")
        for row in rows[:limit]
    ]
    if rows:
        yield Section("door", "At the artist's door", "doors", len(rows), tuple(items), "Look at the page yourself")


COMMANDS = {"todo": todo}

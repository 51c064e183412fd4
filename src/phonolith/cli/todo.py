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

SORTS = ("notices", "door", "no-evidence", "unreadable", "no-artist", "no-cover", "same-bytes", "publishable")


@verb("todo", short_help="What wants attention, with the command that settles it.")
@click.argument("sort", required=False, type=click.Choice(SORTS))
@click.option(
    "-n", "--number", "limit", type=click.IntRange(1, 10_000), default=5, show_default=True, help="Items of each sort."
)
def todo(place: Place, sort: str | None, limit: int) -> Answer:
    """List what wants attention: notices, no licence evidence, unreadable, no artist, no cover, the same bytes twice.

    And what could be published now. SORT shows one sort alone, by its code.
    """
    from phonolith.library.todo import todo as find

    with reading(place) as library:
        sections = (*_notices(place, limit), *_door(place, limit), *find(library, limit=limit))
    chosen = [one for one in sections if sort in (None, one.code)]

    def show(view: View) -> None:
        for one in chosen:
            view.heading(f"{one.title}: {plural(one.total, one.unit[:-1])}", one.code)
            for item in one.items:
                view.line(f"· {item.title}", "bold")
                detail = f", {item.detail}" if item.detail else ""
                view.line(f"{item.reference}  {plural(item.tracks, 'track')}{detail}", indent=4)
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

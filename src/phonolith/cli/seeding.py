"""What seeding looks like while it runs: a table that stays up to date, or a line for each thing that happens."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from phonolith.cli.text import clean, number, plural, shortened, size
from phonolith.cli.verb import Place
from phonolith.cli.view import Column

if TYPE_CHECKING:
    from rich.console import Group

    from phonolith.releases.seeder import Seeder
    from phonolith.releases.seeding import Happening

_FIGURES = 62  # columns that the figures of a bundle take
_LINES = 6  # of what happened last, below the table
_MARKS = {"offered": "green", "restored": "green", "withheld": "yellow", "dropped": "yellow", "trouble": "red"}

Tell = Callable[[Sequence["Happening"], "Seeder"], None]


@contextmanager
def teller(place: Place, *, events: bool) -> Iterator[Tell]:
    """What to call after each look: it draws, or writes lines, as the person or program that asked wants it."""
    if events:
        yield lambda happened, _: _events(place, happened)
    elif place.json or not sys.stdout.isatty():
        stream = sys.stderr if place.json else sys.stdout
        yield lambda happened, _: _lines(stream, happened)
    else:
        from rich.console import Console
        from rich.live import Live

        told: deque[Happening] = deque(maxlen=_LINES)
        with Live(console=Console(highlight=False), auto_refresh=False, transient=True) as live:

            def draw(happened: Sequence[Happening], seeder: Seeder) -> None:
                told.extend(one for one in happened if one.kind != "offered")
                live.update(_drawn(seeder.status(), told, live.console.width), refresh=True)

            yield draw


def summary(status: dict[str, Any]) -> str:
    """One line that says how it goes."""
    bundles = status["bundles"]
    held = sum(one["size"] for one in bundles)
    today = sum(one["today"] for one in bundles)
    ever = sum(one["uploaded"] for one in bundles)
    peers = sum(one["peers"] for one in bundles)
    rate = sum(one["rate"] for one in bundles)
    parts = [
        f"{plural(len(bundles), 'bundle')}, {size(held)} at {', '.join(status['listen'])}",
        plural(peers, "peer"),
        f"{size(rate)}/s",
        f"{size(today)} given today{_ratio(today, held)}",
        f"{size(ever)} ever",
    ]
    return " · ".join(parts)


def columns() -> list[Column]:
    """The columns of the table of bundles."""
    return [
        Column("bundle", "bold", grow=1, ends=True),
        Column("files", right=True),
        Column("size", right=True, wide=True),
        Column("peers", right=True),
        Column("rate", right=True),
        Column("today", right=True),
        Column("ever", right=True, wide=True),
        Column("held back", right=True),
    ]


def rows(status: dict[str, Any]) -> list[tuple[str, ...]]:
    """A row for each bundle."""
    return [
        (
            one["name"],
            number(one["given"]),
            size(one["size"]),
            number(one["peers"]),
            f"{size(one['rate'])}/s",
            size(one["today"]),
            size(one["uploaded"]) + _ratio(one["uploaded"], one["size"]),
            number(len(one["withheld"])),
        )
        for one in status["bundles"]
    ]


def _ratio(given: int, held: int) -> str:
    return f" ({given / held:.1f} times)" if given and held else ""


def _words(one: Happening) -> str:
    return ": ".join(filter(None, (one.kind, "/".join(filter(None, (one.bundle, one.path))), one.text)))


def _lines(stream: Any, happened: Sequence[Happening]) -> None:
    for one in happened:
        stream.write(clean(_words(one)) + "\n")
    stream.flush()


def _events(place: Place, happened: Sequence[Happening]) -> None:
    import json

    for one in happened:
        told = {"time": place.now(), "kind": one.kind, "bundle": one.bundle, "path": one.path, "text": one.text}
        sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _drawn(status: dict[str, Any], told: Sequence[Happening], width: int) -> Group:
    """The table, with what happened last below it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown = [(at, one) for at, one in enumerate(columns()) if width >= 100 or not one.wide]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for _, one in shown:
        table.add_column(one.name, style=one.style, justify="right" if one.right else "left", no_wrap=True)
    busy = sorted(status["bundles"], key=lambda one: (-one["rate"], -one["peers"], -one["today"], one["name"]))
    for name, *figures in rows({"bundles": busy}):  # what does not fit below is the quietest
        row = shortened(clean(name), max(20, width - _FIGURES)), *figures
        table.add_row(*(Text(clean(row[at])) for at, _ in shown))
    lines = [Text(clean(_words(one)), _MARKS[one.kind], no_wrap=True, overflow="ellipsis") for one in told]
    return Group(Text(clean(summary(status)), "bold"), table, *lines)

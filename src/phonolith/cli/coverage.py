"""``coverage``: what share of what is known is held, and of all listening."""

from __future__ import annotations

from collections.abc import Sequence

import click

from phonolith.cli.reading import reading
from phonolith.cli.text import number, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View
from phonolith.library.coverage import AXES, DEFINITIONS, Coverage, Held, Listening, by, coverage
from phonolith.library.coverage_series import Dated, series

_LEVELS = "▁▂▃▄▅▆▇█"
_MOST = 20  # rows of a table on a terminal
_LAST = 40  # points of a series


@verb(
    "coverage",
    short_help="What share of what is known is held, and of listening.",
    examples=("coverage", "coverage --by year", "coverage --definition isrcs --json"),
)
@click.option("--by", "axis", type=click.Choice(AXES), help="Also a table of tracks by this.")
@click.option("--definition", type=click.Choice(tuple(DEFINITIONS)), help="Only what is counted so.")
def show_coverage(place: Place, axis: str | None, definition: str | None) -> Answer:
    """Say what share is held: of tracks, releases and artists, and of all listening to what is known.

    Each share names what it is a share of, and as of when. Popularity is a proxy for listens: what the curve from one
    to the other rests on is said beside it, and its uncertainty is the interval. The counts were stored by the build.
    """
    with reading(place) as library:
        found = coverage(library)
        table = by(library, axis) if axis else ()
    past = series(place.archive())
    shares = [one for one in found.shares if definition in (None, one.name)]
    data = {"coverage": found, "shares": shares, "by": axis, "table": table, "series": past}
    return Answer(data, lambda view: draw(view, found, shares, axis or "", table, past, definition or "rows"))


def draw(
    view: View,
    found: Coverage,
    shares: Sequence[Held],
    axis: str,
    table: Sequence[Held],
    past: Sequence[Dated],
    name: str,
) -> None:
    """All of it."""
    view.heading("Coverage", f"as of {found.as_of}")
    view.line(found.territory)
    _rows(view, shares)
    for one in shares:
        view.line(f"{one.name}: {one.of}", "dim")
    view.heading("Share of listening")
    if found.note:
        view.line(found.note)
    for heard in found.listening:
        view.line(f"{heard.title}: {_interval(heard)}", "bold")
        view.line(f"{heard.of}.", indent=2)
        view.line(f"{heard.basis}, read as {heard.scale}. {heard.assumes}", indent=2)
        steps = heard.by_bytes[:: max(1, len(heard.by_bytes) // 6)]
        view.bars([(f"best {size(one.bytes)}", one.share, percent(one.share)) for one in steps])
    if found.ranks:
        view.heading("Held among the best tracks by rank")
        view.bars([(f"top {number(one.known)}", one.share or 0.0, percent(one.share)) for one in found.ranks])
    if found.only_here and found.only_here.known:
        view.heading("Held here and nowhere else that we know of")
        view.line(f"{number(found.only_here.held)} tracks, {percent(found.only_here.share)} {found.only_here.of}.")
    if axis:
        view.heading(f"Tracks by {axis}")
        _rows(view, table[-_MOST:] if axis == "year" else table[:_MOST])
        if len(table) > _MOST:
            view.line(f"{number(len(table) - _MOST)} more; --json has them", "dim")
    _series(view, past, name)
    if found.hidden:
        view.line(f"{number(found.hidden)} tracks were withdrawn since this was counted.", "yellow")


def percent(share: float | None) -> str:
    """A share in per cent, "unknown" where there is none; what is not everything is never told as 100."""
    if share is None:
        return "unknown"
    shown = f"{100 * share:.1f}"
    if share < 1 and shown == "100.0":
        shown = "99.9"
    return "under 0.1 %" if share > 0 and shown == "0.0" else f"{shown} %"


def _interval(heard: Listening) -> str:
    if heard.mid is None:
        return "unknown: nobody listened to anything"
    if heard.low != heard.high:
        return f"{percent(heard.mid)} ({percent(heard.low)} to {percent(heard.high)})"
    return f"{percent(heard.mid)}, {'as counted' if heard.basis == 'counted' else 'however the curve runs'}"


def _rows(view: View, rows: Sequence[Held]) -> None:
    columns = (Column("what"), Column("held", right=True), Column("known", right=True), Column("share", right=True))
    cells = [(one.name, number(one.held), number(one.known), percent(one.share)) for one in rows]
    view.table(columns, cells, header=True)


def _series(view: View, past: Sequence[Dated], name: str) -> None:
    points = [(one.as_of, *one.counts[name]) for one in past if name in one.counts][-_LAST:]
    if len(points) < 2:
        return
    shares = [held / known if known else 0.0 for _, known, held in points]
    top = max(shares) or 1.0
    line = "".join(_LEVELS[round((len(_LEVELS) - 1) * one / top)] for one in shares)
    view.heading(f"Held of {name} over the last {len(points)} builds")
    view.line(f"{points[0][0]} {line} {points[-1][0]}  {percent(shares[0])} to {percent(shares[-1])}")


COMMANDS = {"coverage": show_coverage}

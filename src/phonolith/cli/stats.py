"""``stats``: what the catalogue holds, counted."""

from __future__ import annotations

import click

from phonolith.cli.reading import reading
from phonolith.cli.text import number, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.library.claims import claims_file
from phonolith.library.stats import Bar, Stats, stats
from phonolith.library.values import playing_time
from phonolith.library.views import clock

_SERIES = {
    "licence": "Tracks by licence",
    "decade": "Tracks by decade",
    "duration": "Tracks by length",
    "popularity": "Tracks by popularity",
    "format": "Tracks by format",
    "source": "Tracks by source",
}
_COUNTED = {"held": "tracks held", "objects": "files held"}
_ORDERED = ("decade", "duration", "popularity")
_UNKNOWN = "unknown"
_MOST = 14  # bars of one series on a terminal; the rest is summed


@verb(
    "stats",
    short_help="What the catalogue holds, counted.",
    examples=("stats", "stats --claims > claims.toml"),
)
@click.option("--claims", is_flag=True, help="The claims alone, as a file that phonolith audit takes.")
def show_stats(place: Place, claims: bool) -> Answer:
    """Count what the catalogue holds, by status, licence, decade, length, format and source.

    The counts were stored by the build: they take no longer for a hundred million tracks than for ten. Each is a claim
    with the SQL that gives it; phonolith audit claims.toml --evidence library=derived/catalogue.sqlite checks them.
    """
    with reading(place) as library:
        if claims:
            text = claims_file(library, place.settings().publish_url).decode()
            return Answer({"claims": text}, lambda view: click.echo(text, nl=False))
        found = stats(library)
    return Answer({"stats": found}, lambda view: draw(view, found))


def draw(view: View, found: Stats) -> None:
    """All of it."""
    view.heading(found.archive or "This archive", f"as of {found.as_of}")
    counts = [(_COUNTED.get(name, name), number(value)) for name, value in found.counts.items() if name != "bytes"]
    counts.append(("bytes held", size(found.counts.get("bytes", 0))))
    if found.hours is not None:
        counts.append(("playing time", playing_time(round(found.hours * 3_600_000))))
    view.pairs(counts)
    view.heading("Tracks by status")
    view.bars([(one.name.replace("_", " "), one.tracks, number(one.tracks)) for one in found.statuses if one.tracks])
    for name, title in _SERIES.items():
        bars = _bars(name, found.series.get(name, ()))
        if bars:
            view.heading(title)
            view.bars(bars)
    if found.claims:
        view.heading("What this archive states", "each with the SQL that gives it: --claims")
        for claim in found.claims:
            if "." not in claim.name:  # the others are drawn above
                view.line(f"· {claim.sentence}")
    hidden = sum(found.hidden.values())
    if hidden:
        view.line(f"{number(hidden)} rows are hidden by decisions newer than this count.", "yellow")


def _bars(name: str, series: tuple[Bar, ...]) -> list[tuple[str, float, str]]:
    rows = [(_label(name, one.bucket), one.value) for one in series if one.value]
    known = [row for row in rows if row[0] != _UNKNOWN]
    kept = _around_the_most(known) if name in _ORDERED else _most(known)
    return [
        (label, float(value), number(value)) for label, value in [*kept, *(row for row in rows if row[0] == _UNKNOWN)]
    ]


def _most(rows: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The largest buckets; the others as one."""
    rest = rows[_MOST:]
    return rows[:_MOST] + ([(f"{number(len(rest))} others", sum(value for _, value in rest))] if rest else [])


def _around_the_most(rows: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Ordered buckets, with the thin ends summed where there are too many."""
    first, last = 0, len(rows)
    while last - first > _MOST:
        first, last = (first + 1, last) if rows[first][1] <= rows[last - 1][1] else (first, last - 1)
    before, after = sum(value for _, value in rows[:first]), sum(value for _, value in rows[last:])
    return [
        *([("below", before)] if first else []),
        *rows[first:last],
        *([("above", after)] if last < len(rows) else []),
    ]


def _label(name: str, bucket: int | str | None) -> str:
    if bucket is None:
        return _UNKNOWN
    if name == "decade":
        return f"{bucket}s"
    if name == "duration" and isinstance(bucket, int):
        return f"{clock(bucket * 1000)} – {clock((bucket + 30) * 1000)}"
    return f"{bucket}+" if name == "popularity" else str(bucket)


COMMANDS = {"stats": show_stats}

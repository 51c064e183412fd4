"""What the archive holds, in plots: each series as bars or columns, with the same numbers as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from phonolith.library.claims import claim_id, claims_file
from phonolith.library.stats import Bar as Bucket
from phonolith.library.stats import Stats, stats
from phonolith.web.desk import Desk
from phonolith.web.names import shown
from phonolith.web.offerings import base
from phonolith.web.plots import Bar, columns, with_shares
from phonolith.web.render import packed
from phonolith.web.words import FAMILIES, count, sentence

_LONGEST = 20 * 60  # s: longer ones share a column
_MOST_COLUMNS = 140


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing with its numbers. ``unknown`` says how many are in no bucket; ``late``: what matters is at its end."""

    title: str
    drawing: Markup
    bars: Sequence[Bar]
    unit: str
    unknown: str = ""
    late: bool = False


def about(desk: Desk, request: Request) -> Response:
    """What the archive holds: each figure leads to the claim that it is."""
    found = stats(desk.library)
    named = {one.name: one.title for one in found.sources}
    return desk.renderer.page(
        request,
        "about.html",
        stats=found,
        figures=_figures(found),
        coverage=with_shares(_coverage(found)),
        licences=with_shares(_named(found, "licence", FAMILIES)),
        formats=with_shares(_named(found, "format", {})),
        origins=with_shares(_named(found, "source", named)),
        plots=[plot for plot in (_years(found), _durations(found), _popularity(found)) if plot.bars],
        claims=[(claim_id(one.name), one) for one in found.claims],
    )


def claims(desk: Desk, request: Request) -> Response:
    """The same claims as a file, which ``phonolith audit`` takes."""
    headers = {"content-type": "application/toml; charset=utf-8", "cache-control": "no-cache"}
    return packed(request, claims_file(desk.library, base(desk, request)), headers)


def year_bars(buckets: Iterable[Bucket]) -> list[Bar]:
    """A bar for every year from the first to the last, those without a track too, each leading to its page."""
    known = {int(one.bucket): one.value for one in buckets if isinstance(one.bucket, int)}
    if not known:
        return []
    years: Iterable[int] = range(min(known), max(known) + 1)
    if max(known) - min(known) >= _MOST_COLUMNS:
        years = sorted(known)
    return [Bar(str(year), known.get(year, 0), f"/year/{year}" if known.get(year) else "") for year in years]


def label_every(bars: Sequence[Bar]) -> int:
    """Every how many columns one is named, so that names do not run into each other."""
    return max(1, -(-len(bars) // 14))


def _figures(found: Stats) -> list[tuple[str, str, str]]:
    """The figures at the top: what they count, how many, and the claim each is."""
    known = [(name.capitalize(), count(found.counts[name]), _at(name)) for name in _COUNTED if found.counts.get(name)]
    return [("Tracks held", count(found.counts.get("held", 0)), _at("held")), *known]


_COUNTED = ("tracks", "releases", "artists", "labels", "genres")


def _coverage(found: Stats) -> list[Bar]:
    held = (one for one in found.statuses if one.tracks)
    return [Bar(sentence(one.sentence).rstrip("."), one.tracks, _at(f"status.{one.name}")) for one in held]


def _named(found: Stats, series: str, names: dict[str, str]) -> list[Bar]:
    """The bars of a series whose buckets are claims."""
    return [
        Bar(names.get(str(one.bucket), shown(one.bucket or "unknown")), one.value, _at(f"{series}.{one.bucket}"))
        for one in found.series[series]
        if one.value
    ]


def _at(name: str) -> str:
    """Where a claim stands on the page."""
    return f"#claim-{claim_id(name)}"


def _unknown(buckets: Iterable[Bucket], what: str) -> str:
    number = sum(one.value for one in buckets if one.bucket is None)
    return f"{count(number)} tracks have no {what}." if number else ""


def _years(found: Stats) -> Plot:
    bars = year_bars(found.series["year"])
    drawing = columns(bars, "Tracks by year", label_every=label_every(bars))
    unknown = _unknown(found.series["year"], "known year")
    return Plot("Years", drawing, [bar for bar in bars if bar.value], "tracks", unknown, late=True)


def _durations(found: Stats) -> Plot:
    known = {int(one.bucket): one.value for one in found.series["duration"] if isinstance(one.bucket, int)}
    starts = range(0, min(max(known, default=0), _LONGEST) + 1, 30) if known else range(0)
    bars = []
    for start in starts:
        last = start >= _LONGEST
        value = sum(n for at, n in known.items() if at >= start) if last else known.get(start, 0)
        bars.append(Bar(f"{start // 60}:{start % 60:02}" + ("+" if last else ""), value))
    drawing = columns(bars, "Tracks by length, in steps of half a minute", label_every=label_every(bars))
    return Plot("Lengths", drawing, bars, "tracks", _unknown(found.series["duration"], "known length"))


def _popularity(found: Stats) -> Plot:
    buckets = [one for one in found.series["popularity"] if one.bucket is not None]
    bars = [Bar(count(one.bucket) if isinstance(one.bucket, int) else shown(one.bucket), one.value) for one in buckets]
    drawing = columns(bars, "Tracks by popularity, in the unit of their source", label_every=label_every(bars))
    return Plot("Popularity", drawing, bars, "tracks", _unknown(found.series["popularity"], "known popularity"))

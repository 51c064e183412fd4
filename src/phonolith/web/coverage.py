"""The page and the answer of coverage: each share with what it is a share of, drawn and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from phonolith.library.coverage import AXES, BytesPoint, Coverage, Held, by, coverage
from phonolith.library.coverage_series import Dated, series
from phonolith.web.about import Plot, label_every
from phonolith.web.desk import Desk
from phonolith.web.params import Text
from phonolith.web.plots import Bar, columns
from phonolith.web.words import count, size

BY = Text("by", "Also tracks held by this.", choices=AXES, default="year")

_NAMES = {"isrcs": "ISRCs", "ids": "Public ids", "popular": "With popularity"}
_DAY = 10  # letters of a date
_MOST = 60  # rows of a table, points of a series


@dataclass(frozen=True, slots=True)
class CoverageAnswer:
    """What is held of what is known, one table by ``by``, and what earlier builds covered, oldest first."""

    coverage: Coverage
    by: str
    table: tuple[Held, ...]
    series: list[Dated]


def answer(desk: Desk, request: Request) -> CoverageAnswer:
    """The answer of the API."""
    axis = BY.read(request)
    return CoverageAnswer(coverage(desk.library), axis, by(desk.library, axis), series(desk.archive))


def page(desk: Desk, request: Request) -> Response:
    """``/coverage``; ``by`` chooses the table."""
    found = answer(desk, request)
    table = found.table[-_MOST:] if found.by == "year" else found.table[:_MOST]
    return desk.renderer.page(
        request,
        "coverage.html",
        coverage=found.coverage,
        axes=AXES,
        axis=found.by,
        table=table,
        more=len(found.table) - len(table),
        names=_NAMES,
        percent=percent,
        ranks=_ranks(found.coverage.ranks),
        heard=[(one, _bytes(one.title, one.by_bytes)) for one in found.coverage.listening],
        past=_past(found.series[-_MOST:]),
    )


def percent(share: float | None) -> str:
    """A share in per cent, "unknown" where there is none; what is not everything is never told as 100."""
    if share is None:
        return "unknown"
    tenths = round(1000 * share)
    if share > 0 and tenths == 0:
        return "under 0.1\u202f%"
    return f"{(999 if share < 1 and tenths == 1000 else tenths) / 10:.1f}\u202f%"


def _bar(label: str, share: float | None) -> Bar:
    return Bar(label, round(100 * (share or 0)), "", percent(share))


def _ranks(ranks: Sequence[Held]) -> Plot:
    bars = [_bar(count(one.known), one.share) for one in ranks]
    drawing = columns(bars, "Per cent held among so many tracks of best rank", label_every=label_every(bars))
    return Plot("Held among the best by rank", drawing, bars, "held")


def _bytes(title: str, points: Sequence[BytesPoint]) -> Plot:
    bars = [_bar(size(one.bytes), one.share) for one in points]
    name = f"Per cent of listening that the best bytes hold, by {title}"
    return Plot("Best bytes", columns(bars, name, label_every=max(1, -(-len(bars) // 7))), bars, "of listening")


def _past(points: Sequence[Dated]) -> Plot:
    counted = [(one, *one.counts["rows"]) for one in points if "rows" in one.counts]
    bars = [_bar(one.time[:_DAY], held / known if known else None) for one, known, held in counted]
    drawing = columns(bars, "Per cent of known tracks held, build by build", label_every=max(1, -(-len(bars) // 6)))
    return Plot("Build of", drawing, bars, "of known tracks held")

"""The pages of many things: labels, genres, years, and a shuffle of everything."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phonolith.library import browse
from phonolith.library.shuffle import shuffle as draw
from phonolith.library.stats import stats
from phonolith.library.views import Page
from phonolith.web import params
from phonolith.web.about import label_every, year_bars
from phonolith.web.desk import Desk
from phonolith.web.plots import Bar, columns
from phonolith.web.words import count_of

_DRAWN = 50


def genre(desk: Desk, request: Request) -> Response:
    """A genre and its tracks."""
    found = browse.genre(desk.library, params.KEY.read(request), after=_after(request))
    counts = (("track", found.tracks), ("release", found.releases), ("artist", found.artists))
    return desk.renderer.page(
        request,
        "list.html",
        what="Genre",
        heading=found.name,
        summary=", ".join(count_of(value, noun) for noun, value in counts if value),
        page=found.page,
        tracks=found.page.items,
        releases=(),
        links=(),
        steps=(),
    )


def year(desk: Desk, request: Request) -> Response:
    """A year and its releases."""
    found = browse.year(desk.library, params.number(params.YEAR, request), after=_after(request))
    steps = [("prev", f"/year/{found.previous}", found.previous)] if found.previous else []
    steps += [("next", f"/year/{found.next}", found.next)] if found.next else []
    return desk.renderer.page(
        request,
        "list.html",
        what="Year",
        heading=str(found.year),
        summary=count_of(found.tracks, "track"),
        page=found.page,
        tracks=(),
        releases=found.page.items,
        links=(),
        steps=steps,
    )


def genres(desk: Desk, request: Request) -> Response:
    """All genres."""
    page = browse.genres(desk.library, after=_after(request))
    rows = [Bar(one.name, number, f"/genre/{quote(one.key, safe='')}") for one, number in page.items]
    return _index(desk, request, "Genres", rows, page)


def labels(desk: Desk, request: Request) -> Response:
    """All labels."""
    page = browse.labels(desk.library, after=_after(request))
    rows = [Bar(one.name, number, f"/label/{one.id}") for one, number in page.items]
    return _index(desk, request, "Labels", rows, page)


def years(desk: Desk, request: Request) -> Response:
    """All years, as a plot and as links."""
    bars = year_bars(stats(desk.library).series["year"])
    known = [bar for bar in bars if bar.value]
    plot = columns(bars, "Tracks by year", label_every=label_every(bars))
    return desk.renderer.page(
        request,
        "index.html",
        heading="Years",
        summary=f"{count_of(len(known), 'year')}, with the number of tracks",
        rows=known,
        plot=plot,
        caption="Tracks by year. Each column leads to its year; the same numbers stand below.",
        page=Page(()),
    )


def shuffle(desk: Desk, request: Request) -> Response:
    """A draw from everything; without a seed in the address, the way to one with a new seed."""
    seed = params.SEED.read(request)
    if not seed:
        headers = {"cache-control": "no-store"}
        return RedirectResponse(f"/shuffle?seed={secrets.token_hex(4)}", status_code=303, headers=headers)
    tracks = draw(desk.library, _DRAWN, seed=seed, playable=True) or draw(desk.library, _DRAWN, seed=seed)
    return desk.renderer.page(request, "shuffle.html", seed=seed, tracks=tracks)


def _index(desk: Desk, request: Request, heading: str, rows: Sequence[Bar], page: Page[Any]) -> Response:
    return desk.renderer.page(
        request,
        "index.html",
        heading=heading,
        summary="Most tracks first, with the number of tracks",
        rows=rows,
        plot="",
        caption="",
        page=page,
    )


def _after(request: Request) -> str | None:
    return params.AFTER.read(request) or None

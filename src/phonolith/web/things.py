"""The pages of labels, release groups, works and whatever else sources describe."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from phonolith.library import browse
from phonolith.library.views import About, Page
from phonolith.web import params
from phonolith.web.desk import Desk
from phonolith.web.words import count_of, date


def label(desk: Desk, request: Request) -> Response:
    """A label and its releases."""
    found = browse.label(desk.library, params.ID.read(request), after=params.AFTER.read(request) or None)
    counted = [count_of(found.releases, "release"), count_of(found.tracks, "track")]
    return _page(desk, request, found, "Label", [*_facts(found.about), *counted], found.page, Page(()))


def thing(desk: Desk, request: Request) -> Response:
    """A release group with its editions, a work with its recordings, or another thing."""
    found = browse.thing(desk.library, params.ID.read(request), after=params.AFTER.read(request) or None)
    what = found.about.kind.replace("-", " ").capitalize()
    return _page(desk, request, found, what, _facts(found.about), found.releases, found.tracks)


def _page(
    desk: Desk, request: Request, found: Any, what: str, summary: list[str], releases: Page[Any], tracks: Page[Any]
) -> Response:
    about: About | None = found.about
    return desk.renderer.page(
        request,
        "thing.html",
        what=what,
        name=found.name or what,
        id=found.id,
        api="labels" if what == "Label" else "things",
        about=about,
        begun="First release" if about and about.kind == "release-group" else "Since",
        summary=summary,
        releases=releases,
        tracks=tracks,
        links=found.links,
        source=found.source,
        said_links=found.said_links if what == "Label" else (),
    )


def _facts(about: About | None) -> list[str]:
    """Type, country and dates in a line, as far as they are known."""
    if about is None:
        return []
    begin, end = date(about.begin), date(about.end)
    if about.kind == "release-group":
        dates = f"first released {begin}" if begin else ""
    else:
        dates = f"{begin} – {end}" if begin and end else f"since {begin}" if begin else f"until {end}" if end else ""
    return [about.type, about.country, dates]

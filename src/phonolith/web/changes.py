"""What changed between harvests: a page with a plot, JSON, and feeds that watch an artist, a label or a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from phonolith.library import artists, browse
from phonolith.library.changes import ChangeView, HarvestView, changes, harvests, news
from phonolith.library.reading import not_there
from phonolith.library.views import Page
from phonolith.web import feed, params
from phonolith.web.desk import Desk
from phonolith.web.names import shown
from phonolith.web.offerings import base
from phonolith.web.plots import Bar, columns
from phonolith.web.render import tagged
from phonolith.web.words import change_path

#: The kinds of change in the order of the page, with their headings.
HEADINGS = {
    "stricter": "Licences that became stricter",
    "vanished": "Gone from the source",
    "moved": "Moved to another id",
    "merged": "Merged with another",
    "changed": "Changed",
    "appeared": "New",
}
_FEW = 12  # of a kind on the page of all collections
_MANY = 60
_ENTRIES = 100
_HARVESTS = 24  # in a plot
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Section:
    """Changes of one kind with their heading; ``more`` leads to all of them, "" where these are all."""

    what: str
    heading: str
    things: Sequence[ChangeView]
    more: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection: its last harvest with what that changed, and the harvests before as a drawing and in numbers."""

    name: str
    last: HarvestView
    sections: Sequence[Section]
    drawing: Markup
    harvests: Sequence[HarvestView]


@dataclass(frozen=True, slots=True)
class ChangesAnswer:
    """The last harvests, with what they brought in records; and what changed, thing by thing, newest first."""

    harvests: list[HarvestView]
    changes: tuple[ChangeView, ...]
    next: str | None


def page(desk: Desk, request: Request) -> Response:
    """What the last harvest of each collection changed; of one collection, everything that is told of a kind.

    Raises NotFound for a collection of which nothing is told.
    """
    name, what = params.COLLECTION.read(request), params.WHAT.read(request)
    every = harvests(desk.archive.changes)
    names = dict.fromkeys(one.source for one in every if name in ("", one.source))
    if name and not names:
        raise not_there("collection", name)
    if name:
        found = changes(desk.library, desk.archive.changes, source=name, what=what, after=_after(request), limit=_MANY)
        listed = Section(what, HEADINGS.get(what, "Everything that changed"), found.items, "")
        return _page(desk, request, [_collection(desk, one, every, [listed]) for one in names], found)
    return _page(desk, request, [_collection(desk, one, every, None) for one in names], Page(()))


def answer(desk: Desk, request: Request) -> ChangesAnswer:
    """The same for programs."""
    name, what = params.COLLECTION.read(request), params.WHAT.read(request)
    limit = params.number(params.LIMIT, request)
    path = desk.archive.changes
    found = changes(desk.library, path, source=name, what=what, after=_after(request), limit=limit)
    told = [one for one in harvests(path) if name in ("", one.source)]
    return ChangesAnswer(told, tuple(found.items), found.next)


def of_artist(desk: Desk, request: Request) -> Response:
    """``/artist/ID.rss``: new releases and tracks of an artist. Raises NotFound, Withdrawn."""
    found = artists.artist(desk.library, params.ID.read(request)).artist
    entries = news(desk.library, desk.archive.changes, about=found.id, limit=_ENTRIES)
    return _feed(desk, request, f"New by {shown(found.name)}", f"/artist/{found.id}", entries)


def of_label(desk: Desk, request: Request) -> Response:
    """``/label/ID.rss``: new releases of a label. Raises NotFound."""
    found = browse.label(desk.library, params.ID.read(request), limit=1)
    entries = news(desk.library, desk.archive.changes, about=found.id, limit=_ENTRIES)
    return _feed(desk, request, f"New on {shown(found.name)}", f"/label/{found.id}", entries)


def of_search(desk: Desk, request: Request) -> Response:
    """``/search.rss?q=WORDS``: new releases and tracks that have all the words in title, artist or label."""
    words = params.words(request)
    entries = news(desk.library, desk.archive.changes, words=words, limit=_ENTRIES)
    title = f"New for {words}" if words else "New"
    return _feed(desk, request, title, f"/search?q={quote_plus(words)}" if words else "/search", entries)


def _page(desk: Desk, request: Request, collections: Sequence[Collection], listed: Page[ChangeView]) -> Response:
    return desk.renderer.page(
        request, "changes.html", collections=collections, page=listed, one=bool(params.COLLECTION.read(request))
    )


def _collection(desk: Desk, name: str, every: Sequence[HarvestView], sections: Sequence[Section] | None) -> Collection:
    mine = [one for one in every if one.source == name]
    last = mine[-1]
    later = [one for one in mine if one.number > 1][-_HARVESTS:]  # beside the first one nothing else could be seen
    bars = [Bar(one.time[:10], one.new + one.changed + one.gone) for one in later]
    drawing = Markup("")
    if len(bars) >= _FEWEST:
        drawing = columns(bars, f"Records that changed, by harvest of {shown(name)}", label_every=-(-len(bars) // 8))
    return Collection(name, last, _sections(desk, last) if sections is None else sections, drawing, mine[-_HARVESTS:])


def _sections(desk: Desk, last: HarvestView) -> list[Section]:
    found = []
    for what, heading in HEADINGS.items():
        some = changes(
            desk.library, desk.archive.changes, source=last.source, harvest=last.number, what=what, limit=_FEW
        )
        more = f"/changes?collection={quote_plus(last.source)}&what={what}" if some.next else ""
        if some.items:
            found.append(Section(what, heading, some.items, more))
    return found


def _after(request: Request) -> str:
    return params.AFTER.read(request)


def _feed(desk: Desk, request: Request, title: str, home: str, found: Sequence[ChangeView]) -> Response:
    where = base(desk, request)
    name = shown(desk.renderer.site.name)
    items = [feed.Item(_title(one), f"{where}{change_path(one)}", _guid(one), one.time, _about(one)) for one in found]
    here = f"{where}{request.url.path}" + (f"?{request.url.query}" if request.url.query else "")
    body = feed.news(f"{title} · {name}", f"{where}{home}", here, f"What is new in {name}", items)
    return tagged(request, body, {"content-type": "application/rss+xml; charset=utf-8"})


def _title(one: ChangeView) -> str:
    return f"{one.artist}: {one.title}" if one.artist else one.title


def _guid(one: ChangeView) -> str:
    """What names an entry for ever: the public id outlives builds."""
    return f"urn:phonolith:{one.kind}:{one.id}"


def _about(one: ChangeView) -> str:
    return f"A new {one.kind}, from {one.source}, {one.time[:10]}."

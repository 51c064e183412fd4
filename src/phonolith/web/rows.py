"""The rows that pages have by the dozen, written without a template: they are most of the work of a search page.

Every text from metadata goes through :func:`text`, which makes it fit to be shown and escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from phonolith.library.views import ArtistRow, CreditName, ReleaseRow, TrackRow
from phonolith.web.names import shown
from phonolith.web.words import clock, queue_json, terms

_TO_ESCAPE = re.compile("[&<>'\"]")
_PATHS = {
    "search": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm5.2 12.2L21 21",
    "play": "M7 4.5v15l12.5-7.5z",
    "pause": "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
    "previous": "M18 5v14L8 12zM5 5h2v14H5z",
    "next": "M6 5v14l10-7zM17 5h2v14h-2z",
    "queue": "M4 6h11M4 11h11M4 16h7M19 9v9m-4.5-4.5h9",
    "shuffle": "M3 7h4l9 10h5m0 0-3-3m3 3-3 3M3 17h4l2.5-2.8M12.8 10 16 7h5m0 0-3-3m3 3-3 3",
    "clear": "M5 7h14M10 7V4h4v3m-7 0 1 13h8l1-13",
    "close": "M6 6l12 12M18 6 6 18",
    "add": "M12 5v14M5 12h14",
    "copy": "M8 8V4h12v12h-4M4 8h12v12H4z",
    "magnet": "M5 4h4v8a3 3 0 0 0 6 0V4h4v8a7 7 0 0 1-14 0zM5 8h4m6 0h4",
    "save": "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 20h14",
    "volume": "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6m2.6-8.6a7.6 7.6 0 0 1 0 11.2",
}
_SOLID = frozenset(("play", "pause", "previous", "next"))
_FILL = 'fill="currentColor"'
_STROKE = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'

#: The icons as elements of a page, by name.
ICONS = {
    name: Markup(  # noqa: S704 - nothing in it comes from outside
        f'<svg class="i-{name}" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{path}" '
        f"{_FILL if name in _SOLID else _STROKE}/></svg>"
    )
    for name, path in _PATHS.items()
}
_PLAY = ICONS["play"] + ICONS["pause"]


def icon(name: str) -> Markup:
    """An icon as an element of a page."""
    return ICONS[name]


def text(value: str) -> str:
    """Text from metadata: fit to be shown, and escaped. A plain string, so that joining it costs no second look."""
    plain = value if value.isprintable() else shown(value)
    return str(escape(plain)) if _TO_ESCAPE.search(plain) else plain


def credit(names: Iterable[CreditName]) -> Markup:
    """The main credit as links, in order, with its join phrases."""
    return Markup(_credit(names))  # noqa: S704 - every text in it went through escape


def _credit(names: Iterable[CreditName]) -> str:
    return "".join(
        f'<a href="/artist/{one.id}"><bdi>{text(one.name)}</bdi></a>{text(one.join)}' for one in names if not one.role
    )


def tracks(
    rows: Sequence[TrackRow], *, thumb: bool = True, release: bool = True, by: str | None = None, numbered: bool = False
) -> Markup:
    """A list of tracks. ``thumb``, ``release``: whether cover and release are shown; ``by``: who needs no naming."""
    items = "".join(_track(one, thumb, release, by, numbered) for one in rows)
    return Markup(f'<ol class="tracks">{items}</ol>')  # noqa: S704 - every text in it went through escape


def _track(row: TrackRow, thumb: bool, release: bool, by: str | None, numbered: bool) -> str:
    title = text(row.title)
    at = row.position if numbered and row.position else ""
    head, tail = '<li class="track absent">', "</li>"
    if row.playable:
        head = (
            f'<li class="track" data-track="{escape(queue_json(row))}"><button class="icon play js-only" type="button" '
            f'data-do="play" aria-label="Play {title}">{_PLAY}</button>'
        )
        tail = (
            f'<button class="icon more js-only" type="button" data-do="add" aria-label="Add {title} to the queue">'
            f"{ICONS['add']}</button></li>"
        )
    picture = _picture(row.release.id, 96, 44) if thumb else ""
    return (
        f'{head}<span class="at">{at}</span>{picture}<div class="words"><a class="name" href="/track/{row.id}">'
        f'<bdi>{title}</bdi></a><span class="line">{_line(row, release, by)}</span></div>'
        f'<span class="ends"><span class="terms">{text(terms(row))}</span>'
        f'<span class="time">{clock(row.duration)}</span></span>{tail}'
    )


def _line(row: TrackRow, release: bool, by: str | None) -> str:
    parts = [] if not row.credit or (by is not None and by == row.artist) else [_credit(row.credit)]
    if release:
        parts.append(f'<a href="/release/{row.release.id}"><bdi>{text(row.release.title)}</bdi></a>')
    return " · ".join(parts) + (' <span class="tag">explicit</span>' if row.explicit else "")


def releases(rows: Sequence[ReleaseRow], *, small: bool = False, eager: int = 0) -> Markup:
    """Releases by their covers; the first ``eager`` ones are loaded at once, the others when they come into view."""
    items = "".join(_release(one, at < eager) for at, one in enumerate(rows))
    return Markup(f'<ul class="covers{" small" if small else ""}">{items}</ul>')  # noqa: S704 - escaped


def _release(row: ReleaseRow, eager: bool) -> str:
    year = f'<span class="by num">{row.date.year}</span>' if row.date and row.date.year else ""
    return (
        f'<li><a href="/release/{row.id}">{_picture(row.id, 256, 200, eager=eager)}<span class="title" dir="auto">'
        f'{text(row.title)}</span><span class="by" dir="auto">{text(row.artist)}</span>{year}</a></li>'
    )


def artists(rows: Sequence[ArtistRow]) -> Markup:
    """Artists by their pictures."""
    items = "".join(
        f'<li><a href="/artist/{one.id}">{_picture(one.id, 256, 160)}<span class="title" dir="auto">{text(one.name)}'
        f'</span><span class="by" dir="auto">{text(one.disambiguation)}</span></a></li>'
        for one in rows
    )
    return Markup(f'<ul class="covers small round">{items}</ul>')  # noqa: S704 - escaped


def _picture(identifier: str, size: int, edge: int, *, eager: bool = False) -> str:
    """A cover is decoration beside the title it stands with, so its alternative text is empty."""
    kind = "thumb" if size == 96 else "cover"
    lazy = "" if eager else ' loading="lazy"'
    return (
        f'<img class="{kind}" src="/art/{identifier}/{size}" alt="" width="{edge}" height="{edge}"{lazy} '
        'decoding="async">'
    )


def cover(identifier: str, size: int, edge: int, eager: bool = False) -> Markup:
    """A cover on the page of the thing it belongs to."""
    return Markup(_picture(identifier, size, edge, eager=eager))  # noqa: S704 - ids and numbers only

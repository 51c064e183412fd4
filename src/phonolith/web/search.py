"""The search page: words and filters from the address, results of one kind, and the filters to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from phonolith.library import browse
from phonolith.library.asked import Query
from phonolith.library.parts import licences
from phonolith.library.views import Page
from phonolith.web import params
from phonolith.web.desk import Desk
from phonolith.web.names import shown
from phonolith.web.words import count, short_licence

_MINUTE = 60_000  # ms
_FILTERS = (
    params.LICENCE,
    params.FROM,
    params.TO,
    params.GENRE,
    params.LABEL,
    params.LONGER,
    params.SHORTER,
    params.HELD,
)
_FEW = 6


@dataclass(frozen=True, slots=True)
class Form:
    """The filters as the form shows them again."""

    values: dict[str, Any]

    @property
    def used(self) -> int:
        """How many filters are in use."""
        return sum(1 for value in self.values.values() if value not in ("", None, False))


def search(desk: Desk, request: Request) -> Response:
    """The search page: the best of each kind, or a list of one; without words everything, best first."""
    kind = params.ANY_KIND.read(request)
    query = query_of(request)
    form = Form({one.name: one.read(request) for one in _FILTERS} if kind != "artist" else {})
    found = browse.search(desk.library, query)
    beside = _beside(desk, query, found, form) if not kind and not query.after else {}
    return desk.renderer.page(
        request,
        "search.html",
        words=query.words,
        kind=kind,
        page=found.page,
        beside=beside,
        corrected=found.corrected,
        restarted=found.restarted,
        summary=_summary(query.kind, found.page),
        form={name: "" if value in (None, False) else value for name, value in form.values.items()},
        filtered=form.used,
        licences=_licences(desk, form.values.get("licence", "")) if kind != "artist" else "",
        unfiltered=dict.fromkeys(form.values),
    )


def _beside(desk: Desk, query: Query, found: browse.Found, form: Form) -> dict[str, Page[Any]]:
    """The best artists and releases for the words that found tracks; artists know nothing of the filters."""
    query = replace(query, words=found.corrected or query.words, corrects=not found.page.items)
    releases = replace(query, kind="release", limit=_FEW, duration=(None, None))
    pages = {"release": browse.search(desk.library, releases).page}
    if not form.used:
        pages["artist"] = browse.search(desk.library, replace(query, kind="artist", limit=_FEW)).page
    return {kind: page for kind, page in pages.items() if page.items}


def query_of(request: Request) -> Query:
    """The query that an address asks for. Raises UsageError for what it cannot mean."""
    kind = params.KIND.read(request)
    query = Query(
        words=params.words(request),
        kind=kind,
        typing=True,
        after=params.AFTER.read(request) or None,
        limit=params.number(params.LIMIT, request),
    )
    if kind == "artist":
        return query
    query = replace(
        query,
        licence=params.LICENCE.read(request),
        year=(params.FROM.read(request), params.TO.read(request)),
        genre=params.GENRE.read(request),
        label=params.LABEL.read(request),
        held=params.HELD.read(request) or None,
    )
    if kind == "release":
        return query
    longer, shorter = params.LONGER.read(request), params.SHORTER.read(request)
    return replace(query, duration=(longer and longer * _MINUTE, shorter and shorter * _MINUTE))


def _summary(kind: str, page: Page[Any]) -> str:
    if page.total is None:
        return f"{kind.capitalize()}s, most popular first"
    if not page.total:
        return f"No {kind}s"
    more = "More than " if page.total_capped else ""
    return f"{more}{count(page.total)} {kind}{'' if page.total == 1 else 's'}"


def _licences(desk: Desk, chosen: str) -> Markup:
    """Every licence that occurs as an option of the form, with the one that is chosen; made once for each."""
    with desk.library.reading() as reading:
        known = reading.snapshot.once(
            "web licences",
            lambda: sorted((one.code, short_licence(one.code)) for one in licences(reading).values()),
        )
        chosen = chosen if any(chosen == code for code, _ in known) else ""
        return reading.snapshot.once(("web licences", chosen), lambda: _options(known, chosen))


def _options(known: Sequence[tuple[str, str]], chosen: str) -> Markup:
    option = Markup('<option value="{}"{}>{}</option>')
    selected = Markup(" selected")
    return Markup("").join(option.format(code, selected if code == chosen else "", shown(name)) for code, name in known)

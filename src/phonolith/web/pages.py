"""The front page and the pages of single things: a track, a release, an artist."""

from __future__ import annotations

from collections import Counter

from starlette.requests import Request
from starlette.responses import Response

from phonolith.library import access, artists, browse, releases, tracks
from phonolith.library.views import attribution
from phonolith.model.rights import Use
from phonolith.web import params
from phonolith.web.desk import Desk
from phonolith.web.media import damaged, offered, playable, sound
from phonolith.web.words import terms

_COVERS = 6  # whole rows of two, three and six, and a first page that stays light
_BY_CHANCE = 5


def front(desk: Desk, request: Request) -> Response:
    """What the archive holds and where to begin."""
    found = browse.front(desk.library, number=_COVERS)
    return desk.renderer.page(
        request,
        "front.html",
        front=found.counts,
        top=found.top,
        random=found.random[:_BY_CHANCE],
        genres=found.genres,
    )


def track(desk: Desk, request: Request) -> Response:
    """A track with everything known of it."""
    page = tracks.track(desk.library, params.ID.read(request))
    files = playable(desk, page.track.id) if page.track.playable else []
    answer = access.may(desk.library, Use.STREAM, page.track.id)
    refused = () if answer.allowed else answer.reasons
    return desk.renderer.page(
        request,
        "track.html",
        page=page,
        playable=files,
        waveform=next((file.waveform for file in files if file.waveform), ""),
        refused=refused,
        offered=offered(desk, page.track.id, page.files),
        damaged=damaged(desk, page.files),
        published=bool(desk.offers.index().current),
    )


def release(desk: Desk, request: Request) -> Response:
    """A release with its discs and its other editions."""
    after = params.AFTER.read(request) or None
    page = sound(desk, releases.release(desk.library, params.ID.read(request), after=after))
    found = page.release
    credit = attribution(found.title, found.artist, "", found.rights.licence)
    licences = Counter(terms(one) for disc in page.discs for one in disc.tracks) or {terms(found): 0}
    return desk.renderer.page(
        request,
        "release.html",
        page=page,
        attribution=credit,
        licences=sorted(licences.items()),
        offered=offered(desk, found.id, page.files),
        damaged=damaged(desk, page.files),
        published=bool(desk.offers.index().current),
    )


def artist(desk: Desk, request: Request) -> Response:
    """An artist with the releases, what else credits the artist, and whom the artist worked with."""
    page = artists.artist(desk.library, params.ID.read(request))
    after = params.AFTER.read(request)
    if after:
        more = artists.artist_releases(desk.library, page.artist.id, after=after)
        return desk.renderer.page(
            request,
            "list.html",
            what="Further releases of",
            heading=page.artist.name,
            summary="",
            page=more,
            tracks=(),
            releases=more.items,
            links=(),
            steps=[("up", f"/artist/{page.artist.id}", "To the artist")],
        )
    return desk.renderer.page(request, "artist.html", page=page)

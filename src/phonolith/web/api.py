"""The JSON API: the library's own functions and values, addressed by public ids."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from phonolith.library import artists, browse, releases, tracks
from phonolith.library.shuffle import shuffle
from phonolith.library.stats import Stats, stats
from phonolith.library.views import (
    ArtistPage,
    ArtistRow,
    GenrePage,
    LabelPage,
    Page,
    ReleasePage,
    ReleaseRow,
    ThingPage,
    TrackPage,
    TrackRow,
    YearPage,
)
from phonolith.notices.public import NoticesView, NoticeView
from phonolith.web import changes, coverage, log, notices, params, withdrawn
from phonolith.web import releases as published
from phonolith.web.changes import ChangesAnswer
from phonolith.web.desk import Desk
from phonolith.web.log import LinkView, LogView
from phonolith.web.media import Playable, playable, sound
from phonolith.web.offerings import BundleAnswer, PublicationsAnswer
from phonolith.web.openapi import describe
from phonolith.web.params import Parameter
from phonolith.web.render import json_answer
from phonolith.web.search import query_of
from phonolith.web.withdrawn import WithdrawalsAnswer
from phonolith.web.words import QueueItem, queue_item

ROOT = "/api/v1"


@dataclass(frozen=True, slots=True)
class Operation:
    """One address of the API: what it takes, what it answers, and whether that takes long."""

    path: str
    summary: str
    parameters: tuple[Parameter, ...]
    answer: Any
    run: Callable[[Desk, Request], Any]
    slow: bool = False

    def page(self, desk: Desk, request: Request) -> Response:
        """Answer a request."""
        return json_answer(request, self.run(desk, request))


@dataclass(frozen=True, slots=True)
class TrackAnswer:
    """A track, the line of credit that its licence asks for, and the files that may be played."""

    page: TrackPage
    attribution: str
    playable: list[Playable]


@dataclass(frozen=True, slots=True)
class FilesAnswer:
    """The files of a track that may be played now, best first; empty where none may."""

    files: list[Playable]


@dataclass(frozen=True, slots=True)
class ShuffleAnswer:
    """A draw: ``queue`` has what of it can be played, as a player's queue needs it."""

    seed: str
    tracks: tuple[TrackRow, ...]
    queue: list[QueueItem]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """A page of results of one kind; the other two are empty. ``corrected``: the words that were searched instead."""

    kind: str
    tracks: tuple[TrackRow, ...]
    releases: tuple[ReleaseRow, ...]
    artists: tuple[ArtistRow, ...]
    total: int | None
    total_capped: bool
    next: str | None
    corrected: str


def _track(desk: Desk, request: Request) -> TrackAnswer:
    page = tracks.track(desk.library, params.ID.read(request))
    files = playable(desk, page.track.id) if page.track.playable else []
    return TrackAnswer(page, page.track.attribution, files)


def _files(desk: Desk, request: Request) -> FilesAnswer:
    return FilesAnswer(playable(desk, params.ID.read(request)))


def _release(desk: Desk, request: Request) -> ReleasePage:
    after = params.AFTER.read(request) or None
    return sound(desk, releases.release(desk.library, params.ID.read(request), after=after))


def _artist(desk: Desk, request: Request) -> ArtistPage:
    return artists.artist(desk.library, params.ID.read(request))


def _shuffle(desk: Desk, request: Request) -> ShuffleAnswer:
    seed = params.SEED.read(request) or secrets.token_hex(6)
    number = params.number(params.LIMIT, request)
    drawn = shuffle(desk.library, number, seed=seed, playable=params.PLAYABLE.read(request))
    return ShuffleAnswer(seed, drawn, [queue_item(one) for one in drawn if one.playable])


def _stats(desk: Desk, request: Request) -> Stats:
    return stats(desk.library)


def _search(desk: Desk, request: Request) -> SearchAnswer:
    query = query_of(request)
    found = browse.search(desk.library, query)
    rows: dict[str, Any] = {"tracks": (), "releases": (), "artists": ()}
    rows[query.kind + "s"] = found.page.items
    page = found.page
    return SearchAnswer(
        query.kind,
        **rows,
        total=page.total,
        total_capped=page.total_capped,
        next=page.next,
        corrected=found.corrected or "",
    )


def _label(desk: Desk, request: Request) -> LabelPage:
    return browse.label(desk.library, params.ID.read(request), **_piece(request))


def _thing(desk: Desk, request: Request) -> ThingPage:
    return browse.thing(desk.library, params.ID.read(request), **_piece(request))


def _genre(desk: Desk, request: Request) -> GenrePage:
    return browse.genre(desk.library, params.KEY.read(request), **_piece(request))


def _year(desk: Desk, request: Request) -> YearPage:
    return browse.year(desk.library, params.number(params.YEAR, request), **_piece(request))


def _release_tracks(desk: Desk, request: Request) -> Page[TrackRow]:
    return releases.release_tracks(desk.library, params.ID.read(request), **_piece(request))


def _publications(desk: Desk, request: Request) -> PublicationsAnswer:
    return published.listing(desk, request)


def _bundle(desk: Desk, request: Request) -> BundleAnswer:
    return published.answer(desk, request, params.number(params.LIMIT, request))


def _piece(request: Request) -> dict[str, Any]:
    return {"after": params.AFTER.read(request) or None, "limit": params.number(params.LIMIT, request)}


_PIECES = (params.AFTER, params.LIMIT)
_SEARCHED = (
    params.WORDS,
    params.KIND,
    params.LICENCE,
    params.FROM,
    params.TO,
    params.GENRE,
    params.LABEL,
    params.LONGER,
    params.SHORTER,
    params.HELD,
    *_PIECES,
)

#: Everything the API can be asked.
OPERATIONS = (
    Operation("/search", "Search tracks, releases or artists", _SEARCHED, SearchAnswer, _search),
    Operation("/tracks/{id}", "A track with everything known of it", (params.ID,), TrackAnswer, _track),
    Operation("/tracks/{id}/files", "The files of a track that may be played", (params.ID,), FilesAnswer, _files),
    Operation("/releases/{id}", "A release, its discs and editions", (params.ID, params.AFTER), ReleasePage, _release),
    Operation(
        "/releases/{id}/tracks",
        "The tracks of a release in its order",
        (params.ID, *_PIECES),
        Page[TrackRow],
        _release_tracks,
    ),
    Operation("/artists/{id}", "An artist", (params.ID,), ArtistPage, _artist, slow=True),
    Operation("/labels/{id}", "A label and its releases", (params.ID, *_PIECES), LabelPage, _label),
    Operation(
        "/things/{id}",
        "A release group and its releases, a work and its tracks, or a place, area, event ...",
        (params.ID, *_PIECES),
        ThingPage,
        _thing,
    ),
    Operation("/genres/{key}", "A genre and its tracks", (params.KEY, *_PIECES), GenrePage, _genre),
    Operation("/years/{year}", "A year and its releases", (params.YEAR, *_PIECES), YearPage, _year),
    Operation(
        "/shuffle",
        "Tracks drawn from everything, each as likely as any other",
        (params.LIMIT, params.SEED, params.PLAYABLE),
        ShuffleAnswer,
        _shuffle,
        slow=True,
    ),
    Operation(
        "/publications",
        "What was published: bundles with their torrents and magnet links, newest first",
        (params.BUNDLE_AFTER, params.BUNDLES),
        PublicationsAnswer,
        _publications,
        slow=True,
    ),
    Operation(
        "/bundles/{name}",
        "A bundle and its files, payload first",
        (params.BUNDLE, params.FILES_AFTER, params.LIMIT),
        BundleAnswer,
        _bundle,
        slow=True,
    ),
    Operation(
        "/log", "The newest signed head of what was committed to, and who else saw it", (), LogView, log.log, slow=True
    ),
    Operation(
        "/log/state",
        "The newest signed head, and the proof that it keeps everything of an older one",
        (params.SINCE,),
        LinkView,
        log.link,
        slow=True,
    ),
    Operation(
        "/withdrawals",
        "The list of what was published and is not offered any more, in short",
        (),
        WithdrawalsAnswer,
        withdrawn.summary,
        slow=True,
    ),
    Operation(
        "/notices",
        "Notices and what was decided, newest first: nobody's name and nobody's words but the operator's",
        (params.NOTICE_AFTER, params.LIMIT),
        NoticesView,
        notices.as_values,
        slow=True,
    ),
    Operation(
        "/notices/{notice}",
        "One notice with its statement of reasons",
        (params.NOTICE,),
        NoticeView,
        notices.reasons,
        slow=True,
    ),
    Operation(
        "/changes",
        "What the last harvests changed at the sources, newest first",
        (params.COLLECTION, params.WHAT, *_PIECES),
        ChangesAnswer,
        changes.answer,
        slow=True,
    ),
    Operation("/stats", "What the archive holds, in stored counts", (), Stats, _stats),
    Operation(
        "/coverage",
        "What share of what is known is held, and of listening, with intervals",
        (coverage.BY,),
        coverage.CoverageAnswer,
        coverage.answer,
        slow=True,
    ),
)


@functools.cache
def description() -> dict[str, Any]:
    """The description of the API, OpenAPI 3.1."""
    return describe(OPERATIONS, ROOT)


def openapi(_: Desk, request: Request) -> Response:
    """``/api/openapi.json``."""
    return json_answer(request, description())

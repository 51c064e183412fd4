"""The pages of what was published: all bundles, one bundle with its files, its torrents, and the feed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from phonolith.errors import NotFound
from phonolith.library.bundled import bundled
from phonolith.library.publications import torrent_name
from phonolith.library.views import Page
from phonolith.store.log import excerpt, head_file
from phonolith.store.withdrawals import LINES
from phonolith.web import feed, params
from phonolith.web.desk import Desk
from phonolith.web.names import shown
from phonolith.web.offerings import (
    BundleAnswer,
    BundleView,
    PublicationsAnswer,
    base,
    bundle,
    files,
    newest,
    page_of,
    publications,
    withdrawn,
)
from phonolith.web.ranges import Payload, send_payload
from phonolith.web.render import json_answer, packed
from phonolith.web.taking import ways
from phonolith.web.totals import total
from phonolith.web.words import count_of, licence_family, size, tier

_FILES = 200  # of a bundle's page
_BUNDLES = 60  # of the page of all
_ENTRIES = 100  # of the feed


def index(desk: Desk, request: Request) -> Response:
    """Everything published, newest first."""
    where = base(desk, request)
    found = publications(desk, where, params.BUNDLE_AFTER.read(request), _BUNDLES)
    page: Page[BundleView] = Page((), next=found.next)
    return desk.renderer.page(
        request,
        "releases.html",
        found=found,
        total=total(desk),
        page=page,
        where=where,
        web_seed=bool(desk.settings.publish_url),
    )


def one(desk: Desk, request: Request) -> Response:
    """A bundle and its files, and how to take it."""
    found = answer(desk, request, _FILES)
    bundle = desk.offers.bundle(found.bundle.name)
    return desk.renderer.page(
        request,
        "bundle.html",
        found=found,
        bundle=found.bundle,
        page=Page((), next=found.next),
        at=_after(request),
        ways=ways(found.bundle, base(desk, request)),
        web_seeds=desk.offers.published.web_seeds(bundle),
        withdrawn=withdrawn(desk, bundle),
    )


def having(desk: Desk, request: Request) -> Response:
    """``/releases/with/ID``: the bundle that a track is in, or the bundles of a release; one of them is led to."""
    identifier = params.ID.read(request)
    index, offers = desk.offers.index(), desk.offers
    current = [bundle for name, (_, bundle) in index.bundles.items() if name in index.current]
    title, found = bundled(desk.library, desk.objects, current, identifier, desk.archive.bundle_index)
    if not found:
        raise NotFound(title, "it is in no bundle that was published", "It may be in the next release")
    if len(found) == 1:
        holding, sha256 = found[0]
        listed = offers.published.contents(holding).files.values()
        at = next(at for at, file in enumerate(listed) if file.sha256 == sha256)
        piece = f"?after={at - at % _FILES}" if at >= _FILES else ""
        return RedirectResponse(f"{page_of(holding.name)}{piece}#f-{sha256[:16]}", status_code=303)
    where = base(desk, request)
    views = [bundle(desk, where, one) for one, _ in found]
    return desk.renderer.page(request, "having.html", title=title, id=identifier, bundles=views)


def as_json(desk: Desk, request: Request) -> Response:
    """Everything published, for programs."""
    return json_answer(request, listing(desk, request))


def listing(desk: Desk, request: Request) -> PublicationsAnswer:
    """A piece of everything published."""
    limit = params.number(params.BUNDLES, request)
    return publications(desk, base(desk, request), params.BUNDLE_AFTER.read(request), limit)


def answer(desk: Desk, request: Request, limit: int) -> BundleAnswer:
    """A bundle with a piece of its files. Raises NotFound, and Withdrawn where nothing of it is offered any more."""
    found = desk.offers.check(params.BUNDLE.read(request))
    after = _after(request)
    piece = files(desk, found, after, limit)
    further = after + limit < len(desk.offers.published.contents(found))
    refused = len(desk.offers.refused(found))
    view = bundle(desk, base(desk, request), found)
    return BundleAnswer(view, refused, piece, str(after + limit) if further else None)


def rss(desk: Desk, request: Request) -> Response:
    """The newest bundles as a feed that a BitTorrent client can follow."""
    where, entries = base(desk, request), []
    for publication, published in newest(desk, _ENTRIES):
        view = bundle(desk, where, published)
        if view.torrents:
            torrent, first = view.torrents[0], published.torrents[0]
            about = (
                f"{licence_family(view.licence)}; {count_of(view.files, 'file')}, {size(view.size)}. {tier(view.tier)}."
            )
            link, home = where + torrent.url, where + view.url
            entries.append(feed.Entry(view.name, home, feed.guid(first), publication.time, about, link, torrent.size))
    name = shown(desk.renderer.site.name)
    heads = head_file(excerpt(desk.committed.told().heads))
    here, about = f"{where}/releases.rss", f"What {name} gives away"
    body = feed.rss(name, f"{where}/releases", here, about, entries, heads, f"{where}/{LINES}")
    return packed(request, body, {"content-type": "application/rss+xml; charset=utf-8", "cache-control": "no-cache"})


class Torrents:
    """``/releases/NAME.torrent``, ``NAME.v1.torrent``: a bundle's metainfo, as long as anything of it is offered."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the held metainfo file. Raises NotFound and Withdrawn."""
        await send_payload(scope, receive, send, self._payload(f"{scope['path_params']['stem']}.torrent"))

    def _payload(self, name: str) -> Payload:
        offers = self._desk.offers
        for stem in (name.removesuffix(".torrent"), *(name.removesuffix(f".{kind}.torrent") for kind in ("v1", "v2"))):
            for torrent in offers.bundle(stem).torrents if stem in offers.index().bundles else ():
                if torrent_name(offers.bundle(stem), torrent.kind) == name:
                    offers.check(stem)
                    path = offers.objects.path(torrent.sha256)
                    return Payload(path, torrent.sha256, path.stat().st_size, _TORRENT, name, attachment=True)
        raise NotFound(name, "nothing of that name was published here", "See the list of releases")


_TORRENT = "application/x-bittorrent"


def _after(request: Request) -> int:
    return params.number(params.FILES_AFTER, request)

"""Answers that do not depend on the catalogue: our own files, the service worker, the manifest, the offline page."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phonolith.web.desk import Desk
from phonolith.web.render import accepts_gzip, packed

_FOR_EVER = "public, max-age=31536000, immutable"


def static(desk: Desk, request: Request) -> Response:
    """A file of ours; its address holds a digest, so it never changes."""
    asset = desk.assets.files.get(request.path_params["name"])
    if asset is None or request.path_params["version"] != desk.assets.version:
        raise HTTPException(404)
    headers = {"content-type": asset.media_type, "cache-control": _FOR_EVER, "vary": "accept-encoding"}
    if asset.packed is not None and accepts_gzip(request):
        return Response(asset.packed, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.body, headers=headers)


def worker(desk: Desk, request: Request) -> Response:
    """The service worker; asked for anew each time, because it says which files are current."""
    headers = {"content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache"}
    return packed(request, desk.assets.worker(), headers)


def manifest(desk: Desk, request: Request) -> Response:
    """The web app manifest."""
    headers = {"content-type": "application/manifest+json", "cache-control": "no-cache"}
    return packed(request, desk.assets.manifest(desk.renderer.site.name), headers)


def offline(desk: Desk, request: Request) -> Response:
    """What the service worker shows when the server cannot be reached."""
    return desk.renderer.page(request, "offline.html")


def robots(_: Desk, __: Request) -> Response:
    """Pages may be indexed; draws without end, searches and bytes are not for robots (RFC 9309)."""
    closed = (
        "/search",
        "/shuffle",
        "/media/",
        "/bundle/",
        "/api/",
        "/notices/new",
        "/notices/receipt/",
        "/notices/confirm/",
        "/door/",
    )
    lines = ("User-agent: *", *(f"Disallow: {path}" for path in closed))
    return Response("\n".join(lines) + "\n", headers={"content-type": "text/plain; charset=utf-8"})


def favicon(desk: Desk, _: Request) -> Response:
    """Where browsers look for an icon without being told."""
    return RedirectResponse(desk.assets.url("icon-192.png"), status_code=301)

"""Makes answers of values: HTML through the templates, JSON, both compressed where the client takes it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import jinja2
import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from phonolith.config import Settings
from phonolith.web import rows, words
from phonolith.web.assets import Assets
from phonolith.web.errors import Problem
from phonolith.web.names import contact_address, host_of, shown, web_address

_WORTH_PACKING = 1200  # bytes: below, gzip costs more than it saves
_LEVEL = 4
_FIXED = ("head", "brand", "foot")


@dataclass(frozen=True, slots=True)
class Site:
    """What every page says of the archive."""

    name: str
    contact: str
    door: bool = False  # whether artists and labels may come in


@dataclass(frozen=True)
class Renderer:
    """The templates with their filters, for one archive."""

    site: Site
    assets: Assets
    environment: jinja2.Environment = field(default_factory=lambda: environment())

    @classmethod
    def of(cls, settings: Settings, assets: Assets, *, door: bool = False) -> Renderer:
        """The renderer of an archive with these settings."""
        return cls(Site(settings.name or "Phonolith", settings.contact, door), assets)

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """An HTML page. ``values`` are the template's; links to further pages keep the request's own query."""
        address = Address(request)
        context = {
            **self._everywhere,
            "fixed": self._fixed,
            "path": request.scope["path"],
            "same": address.same,
            "after": address.after,
            **values,
        }
        text = self.environment.get_template(template).render(context)
        headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-cache"}
        return packed(request, text.encode("utf-8", "replace"), headers, status)

    @property
    def _everywhere(self) -> dict[str, Any]:
        return {"site": self.site, "asset": self.assets.url}

    @cached_property
    def _fixed(self) -> Mapping[str, Markup]:
        """The parts that are the same on every page, rendered once."""
        return {
            name: Markup(self.environment.get_template(f"fixed/{name}.html").render(self._everywhere))  # noqa: S704
            for name in _FIXED
        }

    def problem(self, request: Request, problem: Problem) -> Response:
        """An error as a page, or as a problem document (RFC 9457) under /api."""
        headers = {"cache-control": "no-store"}
        if problem.status == 503:
            headers["retry-after"] = "10"
        if request.scope["path"].startswith("/api/"):
            headers["content-type"] = "application/problem+json"
            return packed(request, msgspec.json.encode(problem.document()), headers, problem.status)
        bundle = _refused_in(request.scope["path"]) if problem.status in (403, 410, 451, 503) else ""
        answer = self.page(request, "error.html", problem.status, problem=problem, bundle=bundle)
        answer.headers.update(headers)
        return answer


def _refused_in(path: str) -> str:
    """The bundle whose file was asked for, where the address is one of the web seed's."""
    return path.removeprefix("/bundle/").partition("/")[0] if path.startswith("/bundle/") else ""


def packed(request: Request, body: bytes, headers: Mapping[str, str], status: int = 200) -> Response:
    """The body, as gzip where the client takes it and it is worth it."""
    headers = {**headers, "vary": "accept-encoding"}
    if len(body) > _WORTH_PACKING and accepts_gzip(request):
        body = gzip.compress(body, _LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, status, headers)


def tagged(request: Request, body: bytes, headers: Mapping[str, str]) -> Response:
    """The body, or that it has not changed since the client asked last (RFC 9110, section 13.1.2)."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**headers, "cache-control": "no-cache", "etag": f"W/{tag}"}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return packed(request, body, headers)


def json_answer(request: Request, value: Any) -> Response:
    """A value of ours as JSON; lone surrogates, which JSON cannot carry, become replacement characters."""
    try:
        body = msgspec.json.encode(value)
    except UnicodeEncodeError:
        body = msgspec.json.encode(_mended(msgspec.to_builtins(value)))
    return packed(request, body, {"content-type": "application/json", "cache-control": "no-cache"})


def accepts_gzip(request: Request) -> bool:
    """Whether the client takes gzip (RFC 9110, section 12.5.3; a weight of zero refuses)."""
    for part in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = part.replace(" ", "").partition(";")
        if coding in ("gzip", "*") and weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            return True
    return False


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_mended(key): _mended(one) for key, one in value.items()}
    return [_mended(one) for one in value] if isinstance(value, list | tuple) else value


class Address:
    """The address of a request, to be asked for with some parameters changed; ``after`` is always dropped."""

    def __init__(self, request: Request) -> None:
        self._path = quote(request.scope["path"], safe="/:@!$&'()*+,;=~-._")
        self._query = {key: _written(key, value) for key, value in request.query_params.items() if key != "after"}

    def same(self, **changes: str | None) -> str:
        """The address with these parameters changed, or left out (None)."""
        query = self._query
        if changes:
            query = query | {key: "" if value is None else _written(key, value) for key, value in changes.items()}
        parts = "&".join(filter(None, query.values()))
        return f"{self._path}?{parts}" if parts else self._path

    def after(self, key: str) -> str:
        """The address of the page that goes on after a key."""
        return self.same(after=key)


@lru_cache(1_000)
def _written(key: str, value: str) -> str:
    return f"{quote_plus(key)}={quote_plus(value)}"


def environment() -> jinja2.Environment:
    """Templates that escape everything by themselves and fail on a name that is not there."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("phonolith.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.globals.update(
        icon=rows.icon,
        cover=rows.cover,
        credit=rows.credit,
        track_list=rows.tracks,
        release_list=rows.releases,
        artist_list=rows.artists,
    )
    env.filters.update(
        shown=shown,
        web_address=web_address,
        host=host_of,
        contact_address=contact_address,
        clock=words.clock,
        count=words.count,
        bytes=words.size,
        date=words.date,
        sentence=words.sentence,
        kind=words.kind,
        plural=words.plural,
        family=words.licence_family,
        tier=words.tier,
        size_class=words.size_class,
        terms=words.terms,
        evidence=words.evidence,
        permits=words.permits,
        technical=words.technical,
        queue_item=words.queue_json,
        change_path=words.change_path,
        brought=words.brought,
    )
    return env

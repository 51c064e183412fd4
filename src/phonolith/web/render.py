"""Makes answers of values: HTML through the templates, JSON, both compressed where the client takes it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import jinja2
import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from phonolith.config import Settings
from phonolith.web import words
from phonolith.web.assets import Assets
from phonolith.web.errors import Problem
from phonolith.web.names import host_of, shown, web_address

_WORTH_PACKING = 1200  # bytes: below, gzip costs more than it saves
_LEVEL = 4


@dataclass(frozen=True, slots=True)
class Site:
    """What every page says of the archive."""

    name: str
    contact: str


@dataclass(frozen=True)
class Renderer:
    """The templates with their filters, for one archive."""

    site: Site
    assets: Assets
    environment: jinja2.Environment = field(default_factory=lambda: environment())

    @classmethod
    def of(cls, settings: Settings, assets: Assets) -> Renderer:
        """The renderer of an archive with these settings."""
        return cls(Site(settings.name or "Phonolith", settings.contact), assets)

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """An HTML page. ``values`` are the template's; links to further pages keep the request's own query."""
        base = str(request.base_url).rstrip("/")
        context = {
            "site": self.site,
            "asset": self.assets.url,
            "path": request.url.path,
            "base": base,
            "after": _further(request),
            **values,
        }
        text = self.environment.get_template(template).render(context)
        headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-cache"}
        return packed(request, text.encode("utf-8", "replace"), headers, status)

    def problem(self, request: Request, problem: Problem) -> Response:
        """An error as a page, or as a problem document (RFC 9457) under /api."""
        headers = {"cache-control": "no-store"}
        if problem.status == 503:
            headers["retry-after"] = "10"
        if request.url.path.startswith("/api/"):
            headers["content-type"] = "application/problem+json"
            return packed(request, msgspec.json.encode(problem.document()), headers, problem.status)
        answer = self.page(request, "error.html", problem.status, problem=problem)
        answer.headers.update(headers)
        return answer


def packed(request: Request, body: bytes, headers: Mapping[str, str], status: int = 200) -> Response:
    """The body, as gzip where the client takes it and it is worth it."""
    headers = {**headers, "vary": "accept-encoding"}
    if len(body) > _WORTH_PACKING and accepts_gzip(request):
        body = gzip.compress(body, _LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, status, headers)


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


def _further(request: Request) -> Callable[[str], str]:
    """The address of this page with another key to go on after."""

    def after(key: str) -> str:
        return same(request, after=key)

    return after


def same(request: Request, **changes: str | None) -> str:
    """The address of this page with some of its parameters changed, or left out (None); ``after`` is always dropped."""
    query = {key: value for key, value in parse_qsl(request.url.query) if key != "after"}
    query.update({key: value for key, value in changes.items() if value is not None})
    kept = {key: value for key, value in query.items() if changes.get(key, "") is not None}
    path = quote(request.url.path, safe="/:@!$&'()*+,;=~-._")
    return f"{path}?{urlencode(kept)}" if kept else path


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
    env.filters.update(
        shown=shown,
        web_address=web_address,
        host=host_of,
        clock=words.clock,
        count=words.count,
        bytes=words.size,
        date=words.date,
        sentence=words.sentence,
        plural=words.plural,
        terms=words.terms,
        evidence=words.evidence,
        permits=words.permits,
        technical=words.technical,
        queue_item=words.queue_json,
    )
    return env


def figure(svg: str) -> Markup:
    """A drawing that is ours already, put into a page as it is."""
    return Markup(svg)  # noqa: S704 - made by plots.py, which escapes every text


__all__ = ["Renderer", "Site", "figure", "json_answer", "packed", "same"]

"""A request as it goes from place to place: what it takes along, and where it is not led."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from yarl import URL

from phonolith.sources.client import address
from phonolith.sources.client.answers import Limits, Manners, Validator
from phonolith.sources.client.codes import verdict

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it goes from hop to hop. ``own`` headers are ours and go everywhere; ``private`` to one origin."""

    url: URL
    manners: Manners
    limits: Limits
    own: Mapping[str, str]
    private: Mapping[str, str]
    body: bytes | None = None
    for_robots: bool = False


@dataclass(frozen=True, slots=True)
class Led:
    """Where an answer leads."""

    to: str


def lead_on(request: Request, location: str) -> Request:
    """The request at the next place, with what may be taken along."""
    before = request.url
    if request.body is not None:
        raise verdict("http.status", address.shown(before), "it leads a question elsewhere")
    try:
        target = address.read(str(before.join(URL(location, encoded=location.isascii() and location.isprintable()))))
    except ValueError:
        raise verdict("http.address", address.shown(before), f"it leads to {location[:80]!r}") from None
    if before.scheme == "https" and target.scheme != "https":
        raise verdict("http.downgrade", address.shown(target))
    same_host = before.raw_host == target.raw_host
    if not same_host and not request.limits.leaves_host:
        raise verdict("http.elsewhere", address.shown(before), f"to {address.shown(target)}")
    same_origin = same_host and (before.scheme, before.port) == (target.scheme, target.port)
    return replace(
        request,
        url=target,
        manners=request.manners if same_host else Manners(robots=not request.for_robots),
        private=request.private if same_origin else NOTHING,
    )


def asked_for(status: int, own: Mapping[str, str]) -> bool:
    """Whether a status that answers a condition or a range answers one of ours."""
    if status == 304:
        return "If-None-Match" in own or "If-Modified-Since" in own
    return status in (206, 416) and "Range" in own


def conditions(validator: Validator) -> dict[str, str]:
    """RFC 9110 section 13.1.3: with an entity tag the date is not needed; both are sent for old servers."""
    named = {"If-None-Match": validator.etag, "If-Modified-Since": validator.modified}
    return {name: value for name, value in named.items() if value}

"""What went wrong between us and a host, as a verdict."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from aiohttp import http_exceptions
from yarl import URL

from phonolith.errors import PhonolithError
from phonolith.sources.client.address import shown
from phonolith.sources.client.codes import verdict
from phonolith.sources.client.connect import Inward

#: Statuses after which the same request may go well: RFC 9110 sections 15.5.9, 15.6; RFC 6585; RFC 8470.
PASSING = {408: "http.failing", 425: "http.failing", 429: "http.busy", 500: "http.failing", 502: "http.failing",
           503: "http.busy", 504: "http.failing", 520: "http.failing", 521: "http.failing", 522: "http.failing",
           523: "http.failing", 524: "http.failing", 529: "http.busy"}  # fmt: skip

_LASTING: Mapping[int, str] = {
    401: "http.forbidden",
    402: "http.forbidden",
    403: "http.forbidden",
    404: "http.absent",
    407: "http.forbidden",
    410: "http.gone",
    451: "http.forbidden",
}


def of_status(status: int, url: URL, reason: str) -> PhonolithError:
    """The verdict on a status that is no answer."""
    code = PASSING.get(status) or _LASTING.get(status, "http.status")
    return verdict(code, shown(url), f"{status} {''.join(c for c in reason if c.isprintable())[:80]}".rstrip())


def of_exception(error: Exception, url: URL, *, stalled: bool) -> PhonolithError:
    """The verdict on what aiohttp, asyncio or our own guard raised."""
    subject = shown(url)
    if isinstance(error, PhonolithError):
        return error
    if isinstance(error, Inward):
        return verdict("http.inward", subject, str(error))
    if isinstance(error, TimeoutError):
        return verdict("http.stalled" if stalled else "http.timeout", subject)
    for kind, code in _KINDS:
        if isinstance(error, kind):
            return verdict(code, subject, _words(error))
    if isinstance(error, aiohttp.ClientPayloadError):
        return verdict("http.cut" if _ended_early(error) else "http.malformed", subject)
    if isinstance(error, aiohttp.ClientResponseError | http_exceptions.HttpProcessingError):
        return verdict("http.head" if _too_much(error) else "http.malformed", subject)
    return verdict("http.connection", subject, _words(error))


_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "http.tls"),
    (aiohttp.ClientConnectorDNSError, "http.dns"),
    (aiohttp.InvalidURL, "http.address"),
)


def _words(error: Exception) -> str:
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    return "".join(c for c in str(getattr(inner, "strerror", None) or inner) if c.isprintable())[:160]


def _ended_early(error: Exception) -> bool:
    """Whether the connection closed inside a body, and did not talk nonsense instead."""
    causes = _causes(error)
    if any(isinstance(cause, http_exceptions.ContentLengthError) for cause in causes):
        return True
    return any("not enough data" in str(cause).lower() for cause in causes)


def _too_much(error: Exception) -> bool:
    words = " ".join(str(cause) for cause in _causes(error)).lower()
    return any(isinstance(cause, http_exceptions.LineTooLong) for cause in _causes(error)) or "too many" in words


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.append(at)
        at = at.__cause__ or at.__context__
    return found

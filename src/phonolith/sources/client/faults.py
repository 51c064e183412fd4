"""What went wrong between us and a host, as a verdict."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from aiohttp import http_exceptions
from yarl import URL

from phonolith.errors import PhonolithError
from phonolith.sources.client.address import shown
from phonolith.sources.client.codes import verdict
from phonolith.sources.client.connect import Inward, Lost

#: What aiohttp, asyncio and our own guard raise. Anything else is a mistake of ours and stays one.
KNOWN = (PhonolithError, aiohttp.ClientError, http_exceptions.HttpProcessingError, TimeoutError, OSError, Inward, Lost)

_LASTING: Mapping[int, str] = {
    401: "http.forbidden",
    402: "http.forbidden",
    403: "http.forbidden",
    404: "http.absent",
    407: "http.forbidden",
    410: "http.gone",
    451: "http.forbidden",
}


def passes(status: int) -> bool:
    """Whether the same request may go well later: RFC 9110 sections 15.5.9 and 15.6, RFC 6585, RFC 8470."""
    return status in (408, 425, 429) or 500 <= status <= 599


def of_status(status: int, url: URL, reason: str) -> PhonolithError:
    """The verdict on a status that is no answer."""
    if passes(status):
        code = "http.busy" if status in (429, 503, 529) else "http.failing"
    else:
        code = _LASTING.get(status, "http.fault" if 400 <= status <= 499 else "http.status")
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

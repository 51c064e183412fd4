"""Forms that are sent here: read within bounds, from our own pages only, and by whom, as far as that is known.

Nobody is logged in and no cookie is set, so a page elsewhere that sends a form has nothing to borrow from a visitor but
their address; what browsers say of where a form comes from, and a token that ages, keep it from that too.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from phonolith.errors import UsageError
from phonolith.model import moment
from phonolith.web.desk import Desk

_LONGEST = 256_000  # bytes of a form
_MOST_FIELDS = 60
_OPEN = timedelta(days=1)  # a form may lie open so long before it is sent

Taken = Callable[[Desk, Request, Mapping[str, str]], Response]


def posted(desk: Desk, page: Taken) -> Callable[[Request], object]:
    """An endpoint that takes a form (``application/x-www-form-urlencoded``), in a thread."""

    async def endpoint(request: Request) -> Response:
        if not _from_here(request):
            raise UsageError(
                "form", "the form was sent from a page of somebody else", "Open it here, and send it again"
            )
        values = _fields(await _body(request))
        return await run_in_threadpool(_taken, desk, request, page, values)

    return endpoint


def form_token(desk: Desk) -> str:
    """What a form of ours carries: when it was made, and a keyed digest of that."""
    at = desk.now()
    return f"{at}.{_seal(desk, at)}"


def sender_of(request: Request) -> str:
    """The address that a request comes from; of IPv6 the network, which one household has whole (RFC 6177)."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _taken(desk: Desk, request: Request, page: Taken, values: Mapping[str, str]) -> Response:
    at, _, seal = values.get("token", "").partition(".")
    try:
        age = moment.read(desk.now()) - moment.read(at)
    except ValueError:
        age = None
    if age is None or not timedelta(0) <= age <= _OPEN or seal != _seal(desk, at):
        raise UsageError("form", "the form lay open for more than a day", "Open it again, and send it from there")
    return page(desk, request, values)


def _seal(desk: Desk, at: str) -> str:
    return desk.office.keyed(f"form of {at}")[:32]


def _from_here(request: Request) -> bool:
    """Whether browsers say that one of our pages sent it; programs, and browsers over plain HTTP, say nothing.

    Our pages send no referrer, so that a browser's Origin is "null" where it says none (Fetch, section 3.2).
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    return origin == "null" or urlsplit(origin).netloc == request.headers.get("host")


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UsageError("form", "the form has to be sent as application/x-www-form-urlencoded")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST:
            raise UsageError(
                "form", f"the form has more than {_LONGEST:,} bytes", "Name fewer items, in several notices"
            )
    return bytes(body)


def _fields(body: bytes) -> dict[str, str]:
    try:
        found = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise UsageError("form", f"the form has more than {_MOST_FIELDS} fields") from error
    return {name: value.replace("\r\n", "\n") for name, value in found}

"""The list of withdrawals for everybody who has a copy: its lines, the heads that sign them, and a summary."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from phonolith.errors import NotFound
from phonolith.store.withdrawals import HEADS, LINES, listed
from phonolith.verifier import digest
from phonolith.web import params
from phonolith.web.desk import Desk
from phonolith.web.render import tagged

_TYPE = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class WithdrawalsAnswer:
    """The list in short: where it and its heads are, how many lines it has, the log that signs it, its last head.

    ``withdrawn`` and ``expunged`` count the files that are not offered now; ``log``, ``head`` and ``time`` are "" and
    nothing is signed as long as nothing was ever withdrawn.
    """

    url: str
    heads: str
    lines: int
    withdrawn: int
    expunged: int
    log: str
    head: str
    time: str


def lines(desk: Desk, request: Request) -> Response:
    """``/withdrawn.jsonl``. Whoever fetches both takes the heads first: this one is never behind them."""
    return _file(request, desk.archive.withdrawals().said()[0])


def heads(desk: Desk, request: Request) -> Response:
    """``/withdrawn.heads.jsonl``."""
    return _file(request, desk.archive.withdrawals().said()[1])


def others_lines(desk: Desk, request: Request) -> Response:
    """``/withdrawn/LOG.jsonl``: another archive's list as it was seen last by this one, which mirrors it."""
    return _file(request, _handed_on(desk, request)[0])


def others_heads(desk: Desk, request: Request) -> Response:
    """``/withdrawn/LOG.heads.jsonl``."""
    return _file(request, _handed_on(desk, request)[1])


def _handed_on(desk: Desk, request: Request) -> tuple[bytes, bytes]:
    name = params.LOG.read(request)
    found = desk.archive.withdrawals().followed(name).said()
    if not found[1]:
        raise NotFound(f"list of log {name}", "it was never seen here")
    return found


def summary(desk: Desk, _: Request) -> WithdrawalsAnswer:
    """The list in short."""
    state = desk.archive.withdrawals().read()
    events = [one.event for one in listed(state.lines).values()]
    last = state.heads[-1] if state.heads else None
    counts = len(state.lines), events.count("withdrawn"), events.count("expunged")
    signed = (last.log, digest(last), last.time) if last else ("", "", "")
    return WithdrawalsAnswer(f"/{LINES}", f"/{HEADS}", *counts, *signed)


def _file(request: Request, body: bytes) -> Response:
    """The file, or that it has not changed."""
    return tagged(request, body, {"content-type": _TYPE})

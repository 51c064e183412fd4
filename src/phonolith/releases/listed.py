"""Reads another archive's list of bundles at risk, strictly: names alone, that choose among what is offered."""

from __future__ import annotations

import msgspec

from phonolith.errors import BadInput, NotFound, RefusedByRights
from phonolith.releases.elsewhere import Read
from phonolith.releases.index import MOST_BUNDLES

_LARGEST = 64 << 20


class _Named(msgspec.Struct):
    name: str


class _Entry(msgspec.Struct):
    bundle: _Named


class _List(msgspec.Struct):
    looked: str
    at_risk: list[_Entry]


def read_at_risk(url: str, read: Read) -> frozenset[str] | None:
    """The names of the bundles that the archive at ``url`` says are at risk.

    None where it has no such list, or never counted copies and lists nothing: that says nothing of any bundle. Raises
    BadInput where the list is none, and what reading raises.
    """
    try:
        data = read(f"{url}/at-risk.json", _LARGEST)
    except (NotFound, RefusedByRights):
        return None
    try:
        told = msgspec.json.decode(data, type=_List)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        problem = f"its list of what is at risk cannot be read: {error}"
        raise BadInput(url, problem, "Ask its operator, or leave --at-risk out", code="mirror.at-risk") from error
    if len(told.at_risk) > MOST_BUNDLES:
        problem = f"its list of what is at risk names more than {MOST_BUNDLES:,} bundles"
        raise BadInput(url, problem, "Ask its operator, or leave --at-risk out", code="mirror.at-risk")
    return frozenset(one.bundle.name for one in told.at_risk) if told.at_risk or told.looked else None

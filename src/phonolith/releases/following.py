"""Which archives are mirrored here, and what of them: decisions of a person, so events of the register."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from phonolith.errors import NotFound, UsageError
from phonolith.model.event import Event
from phonolith.releases.share import Wanted

#: Ways for bytes to come: from peers, from the web seed, or from peers first and the web seed for the rest.
ROADS = ("either", "swarm", "web")


@dataclass(frozen=True, slots=True)
class Following:
    """An archive that is mirrored: its address and name ("" while it is not known), and what is taken of it, and how.

    ``since`` and ``changed``: when that was decided first and last, ISO 8601 UTC.
    """

    url: str
    name: str
    wanted: Wanted
    by: str = "either"
    since: str = ""
    changed: str = ""


def following(events: Iterable[Event]) -> list[Following]:
    """The archives that are mirrored, as the last decision about each has it; in order of the first."""
    found: dict[str, Following] = {}
    for event in events:
        if event.kind == "mirror.followed":
            one = _following(event)
            before = found.get(one.url)
            found[one.url] = replace(one, since=before.since) if before else one
        elif event.kind == "mirror.left":
            found.pop(event.body["url"], None)
    return list(found.values())


def body_of(one: Following) -> dict[str, Any]:
    """The body of the event ``mirror.followed``."""
    wanted = one.wanted
    return {
        "url": one.url,
        "name": one.name,
        "budget": wanted.budget,
        "licences": sorted(wanted.licences),
        "tiers": sorted(wanted.tiers),
        "at_risk": wanted.at_risk,
        "by": one.by,
    }


def named(every: Iterable[Following], name: str) -> Following:
    """The one that is meant by an address, a name, or the host of an address. Raises NotFound, UsageError."""
    every = list(every)
    plain = name.rstrip("/")
    for place in range(3):
        found = [one for one in every if (one.url, one.name, urlsplit(one.url).netloc)[place] == plain]
        if len(found) > 1:
            which = ", ".join(one.url for one in found)
            raise UsageError(name, "is the name of several archives", f"Name one: {which}")
        if found:
            return found[0]
    known = ", ".join(one.url for one in every) or "none"
    raise NotFound(name, "is not mirrored here", f"Mirrored are: {known}. To begin: phonolith mirror URL")


def _following(event: Event) -> Following:
    body = event.body
    wanted = Wanted(frozenset(body["licences"]), frozenset(body["tiers"]), body["budget"], body["at_risk"])
    return Following(body["url"], body["name"], wanted, body["by"], event.time, event.time)

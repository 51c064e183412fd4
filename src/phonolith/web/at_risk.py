"""The bundles that somebody should mirror, and why: a page, JSON that mirrors follow, and a feed."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from phonolith.library.at_risk import AtRisk, Reason
from phonolith.model.swarm import FEW_COPIES
from phonolith.web import feed
from phonolith.web.desk import Desk
from phonolith.web.names import shown
from phonolith.web.offerings import BundleView, base, bundle
from phonolith.web.render import json_answer, tagged
from phonolith.web.words import licence_family, size

_MOST = 10_000  # bundles of the list; an archive that has more at risk has other troubles
_SHOWN = 100
_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class RiskView:
    """A bundle that somebody should mirror, with the reasons, most urgent first.

    ``copies``: complete ones elsewhere when they were counted last, at ``copies_at`` (ISO 8601 UTC), this archive's own
    seeder left out; None where nobody counted. ``least``: the smallest number of 30 days. ``alone_since``: since when
    nobody else had all of it, "" where somebody has.
    """

    bundle: BundleView
    reasons: tuple[Reason, ...]
    copies: int | None
    copies_at: str
    least: int | None
    alone_since: str


@dataclass(frozen=True, slots=True)
class RisksAnswer:
    """What somebody should mirror, fewest copies first; ``few``: with fewer copies elsewhere a bundle is listed.

    ``looked``: when the archive asked for copies last, "" where it never did; ``size`` is of all of it, in bytes.
    """

    archive: str
    looked: str
    few: int
    size: int
    command: str
    at_risk: tuple[RiskView, ...]


def page(desk: Desk, request: Request) -> Response:
    """Please mirror these."""
    found = answer(desk, request)
    return desk.renderer.page(
        request, "at_risk.html", found=found, few=found.at_risk[:_SHOWN], where=base(desk, request)
    )


def as_json(desk: Desk, request: Request) -> Response:
    """The same for programs; ``phonolith mirror --at-risk`` follows it."""
    return json_answer(request, answer(desk, request))


def answer(desk: Desk, request: Request) -> RisksAnswer:
    """Everything of it that can be taken now."""
    where = base(desk, request)
    views = tuple(_view(desk, where, one) for one in desk.risks.all()[:_MOST])
    there = tuple(one for one in views if one.bundle.torrents)
    looked = max((one.at for one in desk.risks.standings.all().values()), default="")
    total = sum(one.bundle.size for one in there)
    return RisksAnswer(
        desk.archive.name, looked, FEW_COPIES, total, f"phonolith mirror {where} --at-risk --seed", there
    )


def rss(desk: Desk, request: Request) -> Response:
    """What came onto the list last, with torrents: a client that follows it takes what is needed most."""
    where = base(desk, request)
    newest = sorted(answer(desk, request).at_risk, key=lambda one: one.reasons[0].since, reverse=True)[:_ENTRIES]
    entries = [_entry(where, one) for one in newest]
    name = shown(desk.renderer.site.name)
    about = f"Bundles of {name} that somebody should mirror, and why"
    body = feed.torrents(f"At risk: {name}", f"{where}/at-risk", f"{where}/at-risk.rss", about, entries)
    return tagged(request, body, {"content-type": "application/rss+xml; charset=utf-8"})


def _view(desk: Desk, where: str, one: AtRisk) -> RiskView:
    (name,) = one.bundles
    stand = desk.risks.standings.all().get(name)
    return RiskView(
        bundle(desk, where, desk.offers.bundle(name)),
        one.reasons,
        one.copies,
        one.copies_at,
        stand.least if stand else None,
        stand.alone_since if stand else "",
    )


def _entry(where: str, one: RiskView) -> feed.Entry:
    torrent, first = one.bundle.torrents[0], one.reasons[0]
    why = " ".join(f"{each.text}." for each in one.reasons)
    about = f"{why} {licence_family(one.bundle.licence)}; {size(one.bundle.size)}."
    guid = f"urn:btmh:1220{torrent.v2}" if torrent.v2 else f"urn:btih:{torrent.v1}"
    since = first.since if "T" in first.since else f"{first.since}T00:00:00Z"
    title, link, name = one.bundle.name, where + one.bundle.url, f"{guid}#{first.code}-{since}"
    return feed.Entry(title, link, name, since, about, where + torrent.url, torrent.size)

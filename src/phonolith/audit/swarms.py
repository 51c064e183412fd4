"""What metainfo, listings and looks at swarms show together, torrent by torrent: how much, and who had all of it when.

Metainfo says what a torrent is made of, a listing only what its maker wrote; how many seeders there were is the word of
peers to a tracker, and of the tracker to whoever asked. So a listing describes and dates an offer, and proves neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Known, Looked, Seen
from phonolith.audit.extracted import Listed
from phonolith.audit.verdicts import Basis, Fact
from phonolith.model.finding import Finding

_DIMENSIONS = ("torrents", "bytes", "files", "tracks", "images")
LISTING, PUBLISHED, SWARM, MAGNETS = "listing", "published", "swarm", "magnets"  # kinds of what was seen
_STRANGERS = "by what peers told trackers, who are strangers"


@dataclass(frozen=True, slots=True)
class Swarm:
    """One torrent as all evidence of a set has it: its metainfo, if that was given, and all rows about it."""

    known: Known | None
    rows: tuple[Listed, ...]

    def amount(self, dimension: str) -> tuple[float, float]:
        """The least and the most of a dimension that it can have."""
        if dimension == "torrents":
            return 1, 1
        if self.known:
            exact = self.known.amounts[dimension]
            return exact, exact
        said = [
            one.sizes if dimension == "bytes" else one.files for one in self.rows if dimension in ("bytes", "files")
        ]
        told = [number for reach in said for number in reach]
        return (min(told), max(told)) if told else (0, math.inf)

    @property
    def seeded(self) -> frozenset[int]:
        """The days on which somebody was counted who had all of it."""
        return frozenset(day for one in self.rows for day in one.seeded)

    @property
    def last(self) -> tuple[int, int]:
        """The day of the last look, 0 if there was none, and how many seeders were counted then."""
        return max(((one.last, one.last_seeders) for one in self.rows), default=(0, 0))


def join(told: Looked, claims: Sequence[Claim]) -> None:
    """Add what listings show to the facts of the claims about the same set, and where they disagree with metainfo."""
    for of in dict.fromkeys(one.given.of for one in told.seen):
        seen = [one for one in told.seen if one.given.of == of]
        swarms = _swarms([one for one in told.known if one.given.of == of], seen)
        told.findings += _disagreements(seen, swarms)
        if rows := [one for one in seen if one.kind != MAGNETS and one.listed]:
            _add(told, [claim for claim in claims if claim.of == of], rows, list(_different(swarms)))


def _swarms(known: Iterable[Known], seen: Sequence[Seen]) -> Mapping[str, Swarm]:
    """All torrents by each of their infohashes, cut off to 40 digits as trackers do."""
    owners: dict[str, Known] = {}
    for torrent in known:
        for infohash in torrent.infohashes:
            owners.setdefault(infohash[:40], torrent)
    rows: dict[int, list[Listed]] = {id(one): [] for one in owners.values()}
    strange: dict[str, list[Listed]] = {}
    for one in sorted(seen, key=lambda each: each.kind == SWARM):  # looks come last: they are about what others name
        for row in one.listed if one.kind != MAGNETS else ():
            keys = [key[:40] for key in (row.infohash, row.other) if key]
            owner = next((owners[key] for key in keys if key in owners), None)
            group = rows[id(owner)] if owner else next((strange[key] for key in keys if key in strange), None)
            if group is not None or one.kind != SWARM:
                group = [] if group is None else group
                group.append(row)
                for key in keys if owner is None else ():
                    strange.setdefault(key, group)
    told = {key: Swarm(one, tuple(rows[id(one)])) for key, one in owners.items()}
    for key, group in strange.items():
        told[key] = Swarm(None, tuple(group))
    return told


def _different(swarms: Mapping[str, Swarm]) -> Iterator[Swarm]:
    """Each torrent once, however many infohashes it has."""
    met: set[int] = set()
    for one in swarms.values():
        name = id(one.known) if one.known else id(one.rows[0])
        if name not in met:
            met.add(name)
            yield one


def _add(told: Looked, claims: Sequence[Claim], listings: Sequence[Seen], swarms: Sequence[Swarm]) -> None:
    closed = not any(one.open_end for one in listings)
    whole = closed and any(one.given.whole and one.kind == LISTING for one in listings)
    counted = whole or (closed and any(one.kind == PUBLISHED for one in listings))
    offered = [one for one in swarms if one.seeded]
    source = ", ".join(dict.fromkeys(str(one.given.path) for one in listings))
    name = ", ".join(dict.fromkeys(one.given.path.name for one in listings))
    of = listings[0].given.of
    shown = []
    for dimension in _DIMENSIONS:
        low, high = _sum(dimension, swarms)
        if high == math.inf and not low:
            continue  # nobody says how many of these there are
        high = high if whole or (counted and dimension == "torrents") else math.inf
        how = _listed(name, dimension, swarms)
        shown.append(Fact(dimension, low, high, Basis.DESCRIBED, source, how, of))
        if offered:
            how = _offered(name, swarms, offered)
            shown.append(Fact(dimension, _sum(dimension, offered)[0], high, Basis.OFFERED, source, how, of))
    for claim in claims:
        lifted = list(_lifted(told.facts[claim.id], swarms, name))
        same = {(one.dimension, one.definition, one.low, one.high) for one in lifted}
        others = [one for one in shown if (one.dimension, one.definition, one.low, one.high) not in same]
        told.facts[claim.id] += [*others, *lifted]


def _sum(dimension: str, swarms: Sequence[Swarm]) -> tuple[float, float]:
    reaches = [one.amount(dimension) for one in swarms]
    return sum(low for low, _ in reaches), sum(high for _, high in reaches)


def _lifted(facts: Sequence[Fact], swarms: Sequence[Swarm], name: str) -> Iterator[Fact]:
    """What metainfo describes was offered, where each torrent of that stack was."""
    for source in dict.fromkeys(str(one.known.given.path) for one in swarms if one.known):
        own = [one for one in swarms if one.known and str(one.known.given.path) == source]
        if all(one.seeded for one in own):
            for fact in facts:
                if fact.source == source and fact.basis is Basis.DESCRIBED:
                    how = f"{fact.how}. {_offered(name, own, own)}"
                    yield replace(fact, basis=Basis.OFFERED, how=how)


def _listed(name: str, dimension: str, swarms: Sequence[Swarm]) -> str:
    """How a listing describes an amount, and whose word the sizes are."""
    known = sum(one.known is not None for one in swarms)
    told = f"{name} lists {_torrents(len(swarms))}"
    if dimension in ("bytes", "files"):
        own = len(swarms) - known
        told += f", {dimension} of {known:,} by their metainfo" if known else ""
        told += f"{' and' if known else ','} {dimension} of {own:,} by its own word" if own else ""
    if any(one.last[0] for one in swarms) and not any(one.seeded for one in swarms):
        told += f"; at no look, the last on {_day(max(one.last[0] for one in swarms))}, had any a seeder"
    return told


def _offered(name: str, swarms: Sequence[Swarm], offered: Sequence[Swarm]) -> str:
    """When complete copies of how much were counted, and whether they still were at the last look."""
    days = frozenset.intersection(*(one.seeded for one in offered))
    each = [max(one.seeded) for one in offered]
    when = f"on {_day(max(days))}" if days else f"between {_day(min(each))} and {_day(max(each))}, not all on one day"
    what = _torrents(len(offered)) if len(offered) == len(swarms) else f"{len(offered):,} of {_torrents(len(swarms))}"
    share = "" if len(offered) == len(swarms) else _share(swarms, offered)
    lost = sum(not one.last[1] for one in offered)
    gone = f"; at its last look {lost:,} had none any more" if lost else ""
    return f"{name} saw a complete copy of {what} on offer{share} {when}, {_STRANGERS}{gone}"


def _share(swarms: Sequence[Swarm], offered: Sequence[Swarm]) -> str:
    (low, _), (_, high) = _sum("bytes", offered), _sum("bytes", swarms)
    return f", {100 * low / high:.3g} % of the bytes," if 0 < high < math.inf else ""


def _disagreements(seen: Sequence[Seen], swarms: Mapping[str, Swarm]) -> Iterator[Finding]:
    """One finding for each exhibit whose sizes are not those of the metainfo, or that gives one torrent two sizes."""
    for one in (each for each in seen if each.kind in (LISTING, MAGNETS)):
        wrong, several = [], 0
        for row in one.listed:
            swarm = next((swarms[key[:40]] for key in (row.infohash, row.other) if key[:40] in swarms), None)
            several += len(set(row.sizes)) > 1 and row.sizes[1] > 1.2 * row.sizes[0]
            if swarm is not None and swarm.known is not None and row.sizes:
                size = swarm.known.amounts["bytes"]
                if row.sizes[1] < size or row.sizes[0] > size + swarm.known.padding:
                    wrong.append((row, size))
        if wrong:
            row, size = wrong[0]
            problem = (
                f"of {len(wrong):,} torrent{'s' if len(wrong) != 1 else ''} it states another size than the metainfo"
                f" has: {row.sizes[1]:,} bytes for {size:,} of {row.infohash}. The metainfo's count"
            )
            code = "magnet.length" if one.kind == MAGNETS else "listing.size"
            yield Finding(code, str(one.given.path), problem, "Ask who made it", "warning")
        if several:
            problem = f"{several:,} of its torrents have several sizes; the least and the most of them are told"
            yield Finding("listing.sizes", str(one.given.path), problem, "Ask who made it", "warning")


def _torrents(count: int) -> str:
    return f"{count:,} torrent{'s' if count != 1 else ''}"


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()

"""Chooses what to read: for a budget of bytes, what shows most of what the claims say, and why that.

What is drawn depends on the list, the seed and the number of draws alone: names, sizes and kinds by name are what every
auditor has, while what is here, and what its first bytes are, differs between them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from phonolith.audit.claims import Claim
from phonolith.audit.payload.content import HEAD
from phonolith.audit.payload.listing import Item, Listing
from phonolith.audit.sampling import place
from phonolith.audit.torrents import kind_of
from phonolith.audit.units import COUNTED

SOUND, OTHER = "sound", "other files"
_OTHERS = ("images", "catalogues and exports", "playlists, texts and checksums")
#: Dimensions that either group shows if what is in the other is known by the ends of its files; all others need both.
_ONE = {"tracks": SOUND, "recordings": SOUND, "seconds": SOUND, "bit/s": SOUND, "images": OTHER}
_BOTH = ("files", "bytes")
_CLASSES = (1 << 20, 1 << 24)  # sizes that part small files from common ones, and these from large ones
_HEADER = 256 << 10  # bytes that reading a header is reckoned at: covers stand in it
_ENDS = 4  # of the budget: at most a quarter for the ends of files, and a quarter for headers


@dataclass(frozen=True, slots=True)
class Stratum:
    """Files of one kind by name and one class of size, in the order of the seed."""

    group: str
    kind: str
    sizes: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read. ``drawn`` are the draws by group; ``ends`` and ``headers``: whether these are looked at, of all.

    ``equal``: files that share their size with others, read for their digests. ``why`` says it in sentences.
    """

    seed: str
    budget: int | None
    strata: tuple[Stratum, ...]
    drawn: Mapping[str, tuple[Item, ...]]
    everything: bool = False
    ends: bool = False
    headers: bool = False
    equal: tuple[Item, ...] = ()
    why: tuple[str, ...] = ()

    @property
    def cost(self) -> int:
        """Bytes that will be read, headers as they are reckoned."""
        items = [item for stratum in self.strata for item in stratum.items]
        cost = sum(item.cost for drawn in self.drawn.values() for item in drawn) + sum(one.cost for one in self.equal)
        return cost + ends_cost(items) * self.ends + headers_cost(items) * self.headers


def plan(listing: Listing, claims: Sequence[Claim], budget: int | None, seed: str, *, plain: bool = False) -> Plan:
    """What to read of a listing for the claims about it. ``budget`` in bytes, None for everything.

    ``plain``: draws are not shared out over strata, so that reading may end at any of them.
    """
    strata = tuple(strata_of(listing, seed, plain=plain))
    groups = {group: [one for one in strata if one.group == group] for group in (SOUND, OTHER)}
    whole = sum(item.cost for item in listing.items)
    if budget is None or whole <= budget:
        drawn = {group: tuple(item for one in some for item in one.items) for group, some in groups.items()}
        why = f"All {len(listing.items):,} files are read: {_bytes(whole)}"
        return Plan(seed, budget, strata, drawn, everything=True, why=(f"{why}, within the budget" if budget else why,))
    return _within(listing, claims, budget, Plan(seed, budget, strata, {}), groups)


def strata_of(listing: Listing, seed: str, *, plain: bool = False) -> list[Stratum]:
    """Items by kind and size, each stratum in the order of the seed; ``plain``: one stratum for each group.

    A manifest tells no sizes, and what is here does not, for others have other files here.
    """
    found: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
    for item in listing.items:
        kind = kind_of(item.name)
        group = OTHER if kind in _OTHERS else SOUND
        sizes = "of any size" if listing.kind == "bag" else _class(item.size)
        found[(group, "of any kind", "of any size") if plain else (group, kind, sizes)].append(item)
    return [Stratum(*key, tuple(sorted(found[key], key=lambda one: place(seed, one.id)))) for key in sorted(found)]


def first(strata: Sequence[Stratum], count: int) -> tuple[Item, ...]:
    """About ``count`` draws from strata, in proportion to their items and rounded up: larger samples hold smaller."""
    whole = sum(len(one.items) for one in strata)
    return tuple(item for one in strata for item in one.items[: -(-count * len(one.items) // whole)])


def hanging(claims: Sequence[Claim], *, ends: bool) -> dict[str, int]:
    """How many of the claims hang on each group; ``ends``: whether those of all files are looked at."""
    found = {SOUND: 0, OTHER: 0}
    for claim in claims:
        dimension = claim.unit.dimension
        for group in found:
            found[group] += dimension in _BOTH or (dimension in _ONE and (not ends or _ONE[dimension] == group))
    return found


def totals(claims: Sequence[Claim]) -> list[Claim]:
    """The claims that no share decides."""
    return [one for one in claims if one.unit.dimension not in COUNTED]


def equal_sizes(items: Iterable[Item]) -> list[Item]:
    """Files without a digest of their own that are as large as another: all others differ from each other for sure."""
    by_size: dict[int | None, list[Item]] = defaultdict(list)
    for item in items:
        by_size[item.size].append(item)
    return [one for size, some in by_size.items() if size and len(some) > 1 for one in some if not one.digest]


def ends_cost(items: Sequence[Item]) -> int:
    """Bytes of both ends of all files that are here."""
    return sum(min(2 * HEAD, item.cost) for item in items)


def headers_cost(items: Sequence[Item]) -> int:
    """Bytes that reading the headers of all sound is reckoned at."""
    return sum(min(_HEADER, item.cost) for item in items if kind_of(item.name) not in _OTHERS)


def _within(
    listing: Listing,
    claims: Sequence[Claim],
    budget: int,
    base: Plan,
    groups: Mapping[str, Sequence[Stratum]],
) -> Plan:
    """The part that the budget allows: cheap looks at everything first, then draws."""
    items, left = listing.items, budget
    why = [f"Of {_bytes(sum(one.cost for one in items))} that are here, {_bytes(budget)} may be read"]
    own = all(item.proof is None for item in items)  # else the ends of what may be another file show nothing
    ends = own and ends_cost(items) * _ENDS <= budget
    left -= ends_cost(items) * ends
    if ends:
        why.append(f"First and last bytes of all files, {_bytes(ends_cost(items))}: what is no sound is known by them")
    timed = any(claim.unit.dimension in ("seconds", "bit/s") for claim in claims)
    headers = own and timed and headers_cost(items) * _ENDS <= budget
    left -= headers_cost(items) * headers
    if headers:
        why.append("Headers of all sound: what it plays for follows what is stated, so few files tell the whole")
    alike = equal_sizes(items) if any(claim.definition == "files" for claim in claims) else []
    if sum(one.cost for one in alike) * 2 > left:
        alike = []
    left -= sum(one.cost for one in alike)
    if alike:
        why.append(f"{len(alike):,} files that share their size with another: all others differ for sure")
    weights = hanging(claims, ends=ends)
    drawn = _drawn(groups, weights, left)
    for group, some in drawn.items():
        count, of = len(some), sum(len(one.items) for one in groups[group])
        cost = _bytes(sum(item.cost for item in some))
        why.append(f"{count:,} of {of:,} {group}, {cost}: {_hang(weights[group])}")
    if not any(drawn.values()):
        why.append("No file fits into what is left: nothing is read whole")
    return Plan(base.seed, budget, base.strata, drawn, False, ends, headers, tuple(alike), tuple(why))


def _hang(claims: int) -> str:
    return "1 claim hangs on them" if claims == 1 else f"{claims:,} claims hang on them"


def _drawn(
    groups: Mapping[str, Sequence[Stratum]], weights: Mapping[str, int], left: int
) -> dict[str, tuple[Item, ...]]:
    """Draws of each group: by the root of claims that hang on it over the bytes that a file of it costs.

    An interval's width falls with the number of draws; the sum of widths, each as often as claims hang on it, is least
    where draws go so. The common factor is the largest that fits.
    """
    rates = {}
    for group, strata in groups.items():
        items = [item for one in strata for item in one.items]
        mean = sum(item.cost for item in items) / len(items) if items else 0.0
        if items and weights[group]:
            rates[group] = math.sqrt(weights[group] / max(mean, 1.0))

    def draws(factor: float) -> dict[str, tuple[Item, ...]]:
        counts = {group: min(int(factor * rate), _size(groups[group])) for group, rate in rates.items()}
        return {group: first(groups[group], count) for group, count in counts.items()}

    low, high = 0.0, max((_size(groups[group]) / rate for group, rate in rates.items()), default=0.0) + 1
    for _ in range(40):
        middle = (low + high) / 2
        cost = sum(item.cost for drawn in draws(middle).values() for item in drawn)
        low, high = (middle, high) if cost <= left else (low, middle)
    return draws(low)


def _size(strata: Sequence[Stratum]) -> int:
    return sum(len(one.items) for one in strata)


def _class(size: int | None) -> str:
    if size is None:
        return "of unknown size"
    return "small" if size < _CLASSES[0] else "middling" if size < _CLASSES[1] else "large"


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"

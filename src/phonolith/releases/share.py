"""Chooses which bundles of another archive to take: those with the fewest copies first, within a budget."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from phonolith.releases.index import Offer


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bundles to take: of these licences and tiers (none: all), together no more than ``budget`` bytes.

    ``at_risk``: only bundles that the other archive lists as at risk, or of which fewer copies than that are known;
    None: whatever their number.
    """

    licences: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    budget: int | None = None
    at_risk: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """``chosen``: the bundles to take, in order. ``too_large``: wanted too, but beyond the budget.

    ``left``: bytes of the budget that the chosen ones leave, None where there is none.
    """

    chosen: tuple[Offer, ...]
    too_large: tuple[Offer, ...]
    left: int | None


def choose(
    every: Sequence[Offer],
    wanted: Wanted,
    held: Mapping[str, int],
    copies: Mapping[str, int],
    own: str,
    listed: Collection[str] | None = None,
) -> Share:
    """The bundles to take; ``held`` are those of them that are here already, with their bytes, which count too.

    ``copies``: by name, how many are known; of whom nothing is known may be the last one, so that counts as none. Among
    equals ``own``, which names this archive, decides: two mirrors begin with different bundles, and each with the same
    ones again. ``listed``: those that the other archive says are at risk, None where it has no such list.
    """
    left = None if wanted.budget is None else max(wanted.budget - sum(held.values()), 0)
    chosen, too_large = [], []
    for one in sorted(every, key=lambda one: (copies.get(one.name, 0), _lot(own, one.name))):
        if one.name in held or not fits(one, wanted, copies.get(one.name), listed):
            continue
        if left is not None and footprint(one) > left:
            too_large.append(one)
            continue
        chosen.append(one)
        left = None if left is None else left - footprint(one)
    return Share(tuple(chosen), tuple(too_large), left)


def fits(offer: Offer, wanted: Wanted, copies: int | None, listed: Collection[str] | None = None) -> bool:
    """Whether a bundle is of the kind that is wanted.

    Where there is a list, a bundle that is not on it and of which nobody knows how many copies there are is not at
    risk; without a list it may be the last one.
    """
    return (
        (not wanted.licences or offer.licence in wanted.licences)
        and (not wanted.tiers or offer.tier in wanted.tiers)
        and (wanted.at_risk is None or _at_risk(offer.name, wanted.at_risk, copies, listed))
    )


def footprint(offer: Offer) -> int:
    """Bytes that a bundle takes as far as the index tells: payload and metainfo. Tag files come on top."""
    return offer.size + sum(one.size for one in offer.torrents)


def _at_risk(name: str, few: int, copies: int | None, listed: Collection[str] | None) -> bool:
    if listed is None:
        return (copies or 0) < few
    return name in listed or (copies is not None and copies < few)


def _lot(own: str, name: str) -> bytes:
    return hashlib.sha256(f"{own}\0{name}".encode()).digest()

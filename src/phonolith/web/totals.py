"""What everything published comes to: together, by licence, by popularity, and from one release to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup

from phonolith.model.publication import Bundle, Publication
from phonolith.web.desk import Desk
from phonolith.web.names import shown
from phonolith.web.plots import Bar, columns
from phonolith.web.words import licence_family, size, tier

_FEWEST = 3  # publications that are worth a plot
_MOST = 36  # publications in it: the newest


@dataclass(frozen=True, slots=True)
class Total:
    """What all current bundles hold together, as they were published: ``size`` in bytes.

    ``licences`` and ``tiers`` have a bar each by files, with the bytes as words; ``history`` is a drawing of files by
    publication, with its bars, and empty while there are few.
    """

    bundles: int
    files: int
    size: int
    licences: tuple[Bar, ...]
    tiers: tuple[Bar, ...]
    history: Markup
    steps: tuple[Bar, ...]


def total(desk: Desk) -> Total:
    """What all current bundles hold together, as they were published."""
    index = desk.offers.index()
    every = [bundle for name, (_, bundle) in index.bundles.items() if name in index.current]
    steps = _steps(index.publications, index.current)
    return Total(
        len(every),
        sum(one.files for one in every),
        sum(one.size for one in every),
        _shares(every, lambda one: licence_family(one.licence)),
        _shares(every, lambda one: tier(one.tier)),
        columns(steps, "Files by release, oldest first", label_every=max(1, -(-len(steps) // 8))),
        steps,
    )


def _shares(every: Iterable[Bundle], kind: Callable[[Bundle], str]) -> tuple[Bar, ...]:
    """Files and bytes of each kind of bundle, most files first."""
    files: dict[str, int] = {}
    held: dict[str, int] = {}
    for one in every:
        name = kind(one)
        files[name] = files.get(name, 0) + one.files
        held[name] = held.get(name, 0) + one.size
    return tuple(Bar(name, files[name], "", size(held[name])) for name in sorted(files, key=lambda name: -files[name]))


def _steps(publications: Iterable[Publication], current: frozenset[str]) -> tuple[Bar, ...]:
    """Files of each publication that are still in its bundles, oldest first; none while there are few."""
    counted = [(one, sum(b.files for b in one.bundles if b.name in current)) for one in publications]
    shown_ones = [Bar(shown(one.name)[:12], files) for one, files in counted if files][-_MOST:]
    return tuple(shown_ones) if len(shown_ones) >= _FEWEST else ()

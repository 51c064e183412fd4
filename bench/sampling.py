"""Intervals of samples against the truth: how often they hold it, and how wide they are beside the exact ones.

    .venv/bin/python -m bench.sampling [--draws 1000] [--json]

Each line is so many samples, each by a seed of its own, of a whole of which the truth is known: shares of an endless
whole, of a finite one, counts as an audit of bytes makes them (strata, draws in proportion; what is no track lies all
in one stratum), samples that may end at any draw, and totals of playing time. Width is that of the interval over that
of Clopper and Pearson's, or of the exact one of a finite whole, for as many draws.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from phonolith.audit import intervals
from phonolith.audit.payload.estimate import Estimate
from phonolith.audit.payload.listing import Item, Listing
from phonolith.audit.payload.looks import Looks, Span
from phonolith.audit.payload.plan import OTHER, SOUND, Plan, first, strata_of
from phonolith.audit.payload.reading import Seen

SHARES = (0.5, 0.99, 0.999)
SIZES = (50, 100, 300, 1000)
WHOLE = 5_000
_KINDS = (("flac", 30_000_000, 0.5), ("mp3", 8_000_000, 0.3), ("mp3", 600_000, 0.15), ("opus", 3_000_000, 0.05))


def shares(p: float, size: int, draws: int) -> dict[str, float]:
    """Clopper and Pearson's interval for draws from an endless whole."""
    dice, known = random.Random(f"{p} {size}"), cache(lambda seen: intervals.share(seen, size))
    seen = [sum(dice.random() < p for _ in range(size)) for _ in range(draws)]
    return {"held": sum(p in known(one) for one in seen) / draws, "width": 1.0}


def finite(p: float, size: int, draws: int) -> dict[str, float]:
    """The exact interval for draws from a finite whole, beside Clopper and Pearson's."""
    dice, having = random.Random(f"finite {p} {size}"), round(p * WHOLE)
    known = cache(lambda seen: intervals.share_of_finite(seen, size, WHOLE))
    seen = [sum(one < having for one in dice.sample(range(WHOLE), size)) for _ in range(draws)]
    wide = sum(known(one).width for one in seen) / sum(intervals.share(one, size).width for one in seen)
    return {"held": sum(known(one).low <= having / WHOLE <= known(one).high for one in seen) / draws, "width": wide}


def counted(p: float, size: int, draws: int, *, any_time: bool = False) -> dict[str, float]:
    """Tracks as an audit counts them. Of ``any_time``, looked at after each tenth of the draws: held is held always."""
    listing, tracks = music(p)
    held, wide, exact = 0, 0.0, 0.0
    for number in range(draws):
        strata = strata_of(listing, f"draw {number}", plain=any_time)
        drawn = first(strata, size)
        plan = Plan(f"draw {number}", None, tuple(strata), {SOUND: drawn, OTHER: ()})
        spans = [
            _span(listing, plan, tracks, drawn[:count], any_time)
            for count in (range(size // 10, size + 1, size // 10) if any_time else [len(drawn)])
        ]
        held += all(span.low <= len(tracks) <= span.high for span in spans)
        wide += spans[-1].high - spans[-1].low
        seen = sum(item.id in tracks for item in drawn)
        exact += _exact(seen, len(drawn)).width * WHOLE
    return {"held": held / draws, "width": wide / exact}


def playing_time(bad: float, size: int, draws: int, *, stated: bool) -> dict[str, float]:
    """Seconds by the ratio to what headers state, or to bytes. Width is over that of the mean times the number."""
    listing, tracks = music(1 - bad)
    dice = random.Random("seconds")
    seconds = {item.id: (item.size or 0) / 16_000 * dice.lognormvariate(0, 0.2) for item in listing.items}
    plays = {name: one if name in tracks else 0.0 for name, one in seconds.items()}
    truth, held, wide, plain = sum(plays.values()), 0, 0.0, 0.0
    for number in range(draws):
        strata = strata_of(listing, f"draw {number}")
        drawn = first(strata, size)
        plan = Plan("", None, tuple(strata), {SOUND: drawn, OTHER: ()})
        looks = Looks(stated=seconds if stated else {})
        for item in drawn:
            looks.seen[item.id] = Seen(item, True, "audio", item.id in tracks, seconds=(plays[item.id],) * 2)
        estimate = Estimate(listing, plan, looks, "", "", whole=True)
        span = estimate.total(lambda seen: seen.seconds, estimate.times())
        held += span.low <= truth <= span.high
        wide += span.high - span.low
        pairs = tuple((1.0, plays[item.id]) for item in drawn)
        plain += intervals.total([intervals.Stratum(WHOLE, float(WHOLE), pairs)]).width
    return {"held": held / draws, "width": wide / plain}


def music(p: float) -> tuple[Listing, frozenset[str]]:
    """A list of files of several kinds and sizes, and which of them are tracks: all that are none are small MP3."""
    dice = random.Random("music")
    items = []
    for number, (ending, size, part) in enumerate(_KINDS):
        for index in range(round(part * WHOLE)):
            name = f"{number}/{index:05}.{ending}"
            items.append(Item(name, Path(name), int(size * dice.lognormvariate(0, 0.3))))
    order = sorted(items, key=lambda item: (item.id[0] != "2", item.id))
    return Listing("folder", Path(), items), frozenset(item.id for item in order[WHOLE - round(p * WHOLE) :])


@cache
def _exact(seen: int, of: int) -> intervals.Interval:
    return intervals.share_of_finite(seen, of, WHOLE)


def _span(listing: Listing, plan: Plan, tracks: frozenset[str], drawn: tuple[Item, ...], any_time: bool) -> Span:
    looks = Looks(seen={item.id: Seen(item, True, "audio", item.id in tracks) for item in drawn})
    return Estimate(listing, plan, looks, "", "", whole=True, any_time=any_time).count(lambda seen: seen.track)


def lines(draws: int) -> Iterator[dict[str, Any]]:
    """Every measurement."""
    kinds: dict[str, Callable[[float, int, int], dict[str, float]]] = {
        "share of an endless whole": shares,
        f"share of {WHOLE:,}": finite,
        f"tracks of {WHOLE:,}, by strata": counted,
        f"tracks of {WHOLE:,}, any time": lambda p, size, draws: counted(p, size, draws, any_time=True),
    }
    for kind, measure in kinds.items():
        for p in SHARES:
            for size in SIZES:
                yield {"what": kind, "p": p, "draws": size, **measure(p, size, draws)}
    for stated in (True, False):
        for bad in (0.0, 0.002, 0.05):
            what = f"playing time by {'headers' if stated else 'bytes'}"
            yield {"what": what, "p": 1 - bad, "draws": 200, **playing_time(bad, 200, draws, stated=stated)}


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000, help="samples for each line")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    told = []
    for line in lines(asked.draws):
        told.append(line)
        if not asked.json:
            print(
                f"{line['what']:34} p {line['p']:<6.4g} n {line['draws']:>5}  "
                f"held {100 * line['held']:6.2f} %  width {line['width']:.2f}",
                flush=True,
            )
    if asked.json:
        print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()

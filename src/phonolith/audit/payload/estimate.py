"""What was read shows of the whole: counts with exact intervals, totals by ratios, and what is there twice.

What is not here counts as not shown: nothing of it at the least, all of it at the most.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from phonolith.audit import intervals
from phonolith.audit.payload.content import is_sound
from phonolith.audit.payload.listing import Item, Listing
from phonolith.audit.payload.looks import Looks, Span
from phonolith.audit.payload.plan import Plan
from phonolith.audit.payload.pooling import Cell, Known, Measure, pooled, pools_of, ratio_of, summed
from phonolith.audit.payload.reading import Seen
from phonolith.audit.torrents import UNKNOWN
from phonolith.audit.verdicts import Basis, Fact

TOLD, SURELY = intervals.CONFIDENCE, 0.999
_NEAR, _ROUGHLY = 0.1, 0.5  # of a ratio: a file within it is as the others are, by what it states or by its size
_INF = math.inf

Three = Callable[[Seen], bool | None]
Certain = Callable[[Item], bool | None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One exhibit's bytes. ``any_time``: reading may have ended at any draw."""

    listing: Listing
    plan: Plan
    looks: Looks
    source: str
    of: str
    whole: bool
    any_time: bool = False

    def facts(self) -> Iterator[Fact]:
        """What all that was looked at shows."""
        files, tracks = self.count(lambda seen: seen.shown or None), self.count(_track, self._sure_track)
        size = self.total(lambda seen: (_size(seen.item),) * 2, _size, most=_size)
        if not self.looks.seen and files.drawable:  # then names and sizes are all there is
            files, size = (replace(one, low=one.high, sure_low=one.sure_high) for one in (files, size))
        yield self._fact("files", files)
        yield self._fact("bytes", size)
        yield self._fact("tracks", tracks)
        yield self._fact("images", self.count(_image, self._sure_image))
        yield self._fact("seconds", self.total(lambda seen: seen.seconds, self.times(), certain=self._sure_track))
        if (rate := self.rate()) is not None:
            yield self._fact("bit/s", rate)
        if self.plan.everything and self.listing.torrents:
            yield self._fact("torrents", self._torrents())
        yield from self._different(files, size, tracks)

    def _torrents(self) -> Span:
        """Torrents of which each file was read and is what they mean, at the most all of them."""
        short = {seen.item.id.partition("/")[0] for seen in self.looks.seen.values() if not seen.shown}
        count = len(self.listing.torrents)
        return Span(count - len(short), count, count - len(short), count)

    def _different(self, files: Span, size: Span, tracks: Span) -> Iterator[Fact]:
        """The same, what is there twice counted once: equal bytes, or equal sound under other bytes."""
        again = self._again(self.listing.items)
        tunes = self._again([item for item in self.listing.items if self._may_be_track(item)])
        sure = [seen for seen in self.looks.seen.values() if seen.track]
        known = len(sure) - len({seen.sha256 for seen in sure})
        for dimension, span, low, high in (
            ("files", files, again.files + again.open, again.files),
            ("bytes", size, again.size + again.open_size, again.size),
            ("tracks", tracks, tunes.files + tunes.open, known),
        ):
            yield self._fact(dimension, span.less(low, high), "files", "; equal bytes count once")
        heard = [seen.samples for seen in sure if seen.samples]
        same = tracks.less(0.0, len(heard) - len(set(heard)))
        same = replace(same, low=min(1.0, same.low), sure_low=min(1.0, same.sure_low))
        for dimension in ("recordings", "tracks"):
            yield self._fact(dimension, same, "recordings", "; the same sound counts once, and may be one recording")
        yield self._fact("recordings", same, "", "; the same sound counts once, and may be one recording")

    def count(self, value: Three, certain: Certain = lambda _: None) -> Span:
        """How many files have something; ``certain`` tells it of those whose ends tell."""
        cells = self._cells(certain)
        groups = sum(any(0 < len(cell.seen) < len(cell.rest) for cell in some) for some in cells.values())
        found = Span()
        for some in cells.values():
            sure, gone = sum(cell.sure for cell in some), sum(len(cell.gone) for cell in some)
            found += Span(sure, sure + gone, sure, sure + gone, missing=gone)
            found += self._shared(some, value, max(1, groups))
        return found

    def total(
        self, measure: Measure, known: Known, *, most: Known | None = None, certain: Certain = lambda _: None
    ) -> Span:
        """The sum of what is measured; ``known`` goes with it, ``most`` is what it cannot exceed."""
        found = Span()
        rest: list[Cell] = []
        for cell in (one for some in self._cells(certain).values() for one in some):
            gone = sum((most(item) if most and item.size is not None else _INF) for item in cell.gone)
            found += Span(0, gone, 0, gone, missing=len(cell.gone))
            if len(cell.seen) < len(cell.rest):
                rest.append(cell)
                continue
            low, high = summed(cell.seen, measure, most)
            found += Span(low, high, low, high, len(cell.seen), len(cell.rest))
        return found + self._by_ratio(rest, measure, known, most)

    def rate(self) -> Span | None:
        """Bits a second of all sound over all its time; None where a file that was read leaves that open."""
        seen = list(self.looks.seen.values())
        sounds = [one for one in seen if one.samples]
        if not sounds or any(one.track is None or not one.shown for one in seen):
            return None
        items = sum(self._may_be_track(item) and item.path is not None for item in self.listing.items)
        if any(item.path is None for item in self.listing.items):
            return None
        pairs = [[(one.seconds[1], one.seconds[1] * one.bits[side]) for one in sounds] for side in (0, 1)]
        weight = sum(x for x, _ in pairs[0])
        if self.plan.everything:
            low, high = (sum(y for _, y in some) / weight for some in pairs)
            return Span(low, high, low, high, len(sounds), items)
        ends: list[float] = []
        for confidence in (TOLD, SURELY):
            slack = 1 - intervals.share_of_finite(len(sounds), len(sounds), max(items, len(sounds)), confidence).low
            slack *= max(x for x, _ in pairs[0]) * len(sounds) / weight
            for side, sign in ((0, -1), (1, 1)):
                reach = ratio_of(pairs[side], items, confidence)
                if reach is None:
                    return None
                ends.append(max(0.0, (reach.low, reach.high)[side] * (1 + sign * slack)))
        return Span(ends[0], ends[1], ends[2], ends[3], len(sounds), items)

    # What is known of items without reading all of them

    def _sure_track(self, item: Item) -> bool | None:
        kind = self.looks.kinds.get(item.id)
        return False if kind is not None and is_sound(kind) is False else None

    def _sure_image(self, item: Item) -> bool | None:
        kind = self.looks.kinds.get(item.id, UNKNOWN)
        return None if kind == UNKNOWN else kind == "images"

    def _may_be_track(self, item: Item) -> bool:
        seen = self.looks.seen.get(item.id)
        return seen.track is not False if seen else self._sure_track(item) is None

    def times(self) -> Known:
        """The seconds that a file states, or what its size would be at the mean rate of those that do."""
        stated = self.looks.stated
        sizes = sum(item.size or 0 for item in self.listing.items if item.id in stated)
        pace = sum(stated.values()) / sizes if sizes else 1.0
        return lambda item: stated[item.id] if item.id in stated else (item.size or 0) * pace

    # Cells

    def _cells(self, certain: Certain) -> dict[str, list[Cell]]:
        """Strata by group, each by what is known of its items."""
        found: dict[str, list[Cell]] = defaultdict(list)
        drawn = {item.id for some in self.plan.drawn.values() for item in some}
        for stratum in self.plan.strata:
            sure, gone, rest, seen = 0, [], [], []
            for item in stratum.items:
                if item.path is None:
                    gone.append(item)
                elif (known := certain(item)) is not None:
                    sure += known
                else:
                    rest.append(item)
                    if item.id in drawn and item.id in self.looks.seen:
                        seen.append(self.looks.seen[item.id])
            found[stratum.group].append(Cell(stratum.group, sure, tuple(gone), tuple(rest), tuple(seen)))
        return found

    # Shares

    def _shared(self, cells: Sequence[Cell], value: Three, groups: int) -> Span:
        """Files that have something among those of one group that only reading tells."""
        found = Span()
        sampled: list[tuple[int, int, int, int]] = []  # of a stratum: items, read, having it, having or open
        for cell in cells:
            told = [value(seen) if seen.shown else None for seen in cell.seen]
            yes, no = sum(one is True for one in told), sum(one is False for one in told)
            items, read = len(cell.rest), len(cell.seen)
            if read == items or not read:
                most = items - no
                found += Span(yes, most, yes, most, read, items)
            else:
                sampled.append((items, read, yes, read - no))
        if not sampled:
            return found
        low, high = self._ends(sampled, 1 - (1 - TOLD) / groups)
        sure_low, sure_high = self._ends(sampled, 1 - (1 - SURELY) / groups)
        return found + Span(
            low, high, sure_low, sure_high, sum(one[1] for one in sampled), sum(one[0] for one in sampled)
        )

    def _ends(self, sampled: Sequence[tuple[int, int, int, int]], confidence: float) -> tuple[float, float]:
        """Ends of a count by draws in proportion, as if of one whole: draws that are shared out vary less (Hoeffding,
        Annals of Mathematical Statistics 27, 1956). Of unequal shares as many draws count as the least would make."""
        whole = sum(items for items, *_ in sampled)
        size = min(whole, int(min(read * whole / items for items, read, _, _ in sampled) + 1e-9))
        least, most = (
            sum(items / whole * one[side] / one[1] for one in sampled for items in one[:1]) for side in (2, 3)
        )
        interval = intervals.share_of_finite_at_any_time if self.any_time else intervals.share_of_finite
        low = interval(math.floor(least * size + 1e-9), size, whole, confidence).low * whole
        high = interval(min(size, math.ceil(most * size - 1e-9)), size, whole, confidence).high * whole
        no = sum(read - most for _, read, _, most in sampled)
        return max(round(low), sum(one[2] for one in sampled)), min(round(high), whole - no)

    # Ratios

    def _by_ratio(
        self,
        cells: Sequence[Cell],
        measure: Measure,
        known: Known,
        most: Known | None,
    ) -> Span:
        if not cells:
            return Span()
        items = [item for cell in cells for item in cell.rest]
        cap = sum(most(item) for item in items) if most else _INF
        seen = [one for cell in cells for one in cell.seen]
        shown = [one for one in seen if one.shown]
        unsure = most is None and any(not one.shown or one.track is None for one in seen)
        floor = sum(measure(one)[0] for one in shown)
        count = Span(floor, cap, floor, cap, len(seen), len(items))
        pools = pools_of(cells)
        ends = []
        for confidence in (TOLD, SURELY):
            found = pooled(pools, measure, known, most, confidence, _NEAR if most or self.looks.stated else _ROUGHLY)
            if found is None:
                return count
            ends += [max(floor, found[0]), _INF if unsure else min(cap, found[1])]
        return replace(count, low=ends[0], high=ends[1], sure_low=ends[2], sure_high=ends[3])

    # Twice

    def _again(self, items: Iterable[Item]) -> _Again:
        """Files whose bytes another has as well: those that are known, and those that may be."""
        known: Counter[str] = Counter()
        sizes: dict[str, int] = {}
        unknown: Counter[int] = Counter()
        nowhere = 0
        for item in items:
            seen = self.looks.seen.get(item.id)
            digest = item.digest or ("empty" if item.size == 0 else "") or self.looks.hashes.get(item.id, "")
            digest = digest or (seen.sha256 if seen and seen.shown else "")
            if digest:
                known[digest] += 1
                sizes[digest] = item.size or 0
            elif item.size is None:
                nowhere += 1
            else:
                unknown[item.size] += 1
        there = set(sizes.values())
        extra = {size: count if size in there else count - 1 for size, count in unknown.items()}
        return _Again(
            sum(known.values()) - len(known),
            sum(sizes[digest] * (count - 1) for digest, count in known.items()),
            sum(extra.values()) + nowhere,
            sum(size * count for size, count in extra.items()),
        )

    def _fact(self, dimension: str, span: Span, definition: str = "", more: str = "") -> Fact:
        open_ = not (self.whole and self.listing.complete)
        if span.read >= span.drawable:
            basis, sure = Basis.READ, None
            how = f"All {len(self.listing.items) - span.missing:,} files that are here were looked at"
        elif span.read:
            basis = Basis.SAMPLED
            sure = (span.sure_low, _INF if open_ else span.sure_high)
            how = f"{span.read:,} of {span.drawable:,} files, drawn by the seed {self.plan.seed!r}, were read"
        else:
            basis, sure = Basis.DESCRIBED, None
            how = "First and last bytes of all files were read" if self.plan.ends else "The list of files has it"
        if span.missing:
            how += f"; {span.missing:,} that are listed are not here"
        high = _INF if open_ else span.high
        return Fact(dimension, span.low, high, basis, self.source, how + more, self.of, definition, sure)


@dataclass(frozen=True, slots=True)
class _Again:
    files: int
    size: int
    open: int
    open_size: int


def _size(item: Item) -> float:
    return float(item.size or 0)


def _track(seen: Seen) -> bool | None:
    return seen.track


def _image(seen: Seen) -> bool | None:
    return seen.kind == "images"

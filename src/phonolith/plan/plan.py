"""Makes a plan: reads what could be fetched, asks the gate, scores, fills the budget, writes the work list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pyroaring import BitMap

from phonolith.errors import NotFound
from phonolith.library.reading import Library, Reading
from phonolith.model.listening import Estimate
from phonolith.model.progress import Progress
from phonolith.model.status import Status
from phonolith.plan.candidates import absent_rows, lacking_copies, offered
from phonolith.plan.fill import Filled, Sums, fill
from phonolith.plan.listed import lines
from phonolith.plan.permits import Gate, Permits
from phonolith.plan.risk import rows_at_risk
from phonolith.plan.runs import ACCESS, COPY, ORIGINAL, UP, Runs
from phonolith.plan.score import Scorer
from phonolith.plan.surroundings import Surroundings
from phonolith.plan.worth import WEIGHT, Worth, heard
from phonolith.rights.gate import decide
from phonolith.store import worklist

#: Kinds of source whose popularity is a number of listens.
LISTENED = ("listenbrainz",)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: bytes; ``listens``, ``rarity`` or ``mixed``. ``originals``: no access copies instead."""

    budget: int
    target: str = "listens"
    originals: bool = False


@dataclass(frozen=True, slots=True)
class Bought:
    """What one tier from one source is: items, bytes expected, share of listening that it adds, share of all value."""

    tier: str
    source: str
    items: int
    bytes: int
    listens: float
    value: float


@dataclass
class Plan:
    """A plan. ``left`` items may be fetched and did not fit, ``rest`` says by status why others are not in it.

    ``bytes`` are low, expected and high; high is within the budget. ``gap``: no choice is worth more than this share
    above it. ``list`` is what was written.
    """

    wish: Wish
    filled: Filled
    bought: list[Bought]
    listens: Estimate
    candidates: int
    left: int
    denied: int
    lacking: int
    at_risk: int
    rest: Mapping[str, int]
    head: worklist.Head
    end: worklist.End
    sizes: list[str] = field(default_factory=list)
    curves: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> tuple[int, int, int]:
        """Low, expected, high."""
        return _bytes(self.filled)


def plan(
    library: Library,
    around: Surroundings,
    wish: Wish,
    path: Path,
    *,
    scratch: Path,
    progress: Progress,
    now: str,
    gate: Gate = decide,
    run: int | None = None,
) -> Plan:
    """Make a plan and write its list to ``path``. Raises NotFound (nothing is built), StorageError.

    ``scratch`` is a folder for what is sorted, ``run`` how many steps are sorted in memory.
    """
    with library.reading() as reading, Runs(scratch, **({"run": run} if run else {})) as runs:
        progress.phase(1, 3, "what is there")
        scorer = scorer_of(reading, around, wish, progress)
        progress.phase(2, 3, "what could be fetched")
        counts, permits = Counter[str](), Permits(reading, gate)
        gone = BitMap(absent_rows(reading, json.dumps(sorted(around.absent)))) if around.absent else BitMap()
        _offer(reading, runs, scorer, permits, gone, counts, progress)
        if not wish.originals:
            _offer_copies(reading, runs, scorer, permits, around, counts)
        progress.phase(3, 3, "what fits")
        filled = fill(runs.merged(), wish.budget)
        head = _head(reading, wish, scorer.worth, now)
        told = lines(reading, scorer, runs, filled, progress)
        end = worklist.write(path, head, told, lambda: _bytes(filled))
        names: dict[int, str] = dict(reading.rows("SELECT id, name FROM source"))
        return Plan(
            wish,
            filled,
            _bought(filled, names),
            scorer.worth.interval(filled.planned),
            counts["candidates"],
            counts["candidates"] - len(filled.first),
            counts["denied"],
            counts["lacking"],
            len(scorer.worth.risk),
            _rest(reading, len(gone)),
            head,
            end,
            sorted({scorer.sizes.rate(names[source], "access").kind for _, source in filled.sums}),
            {names[number]: one.curve.sentence for number, one in scorer.worth.heard.items() if one.curve},
        )


def scorer_of(reading: Reading, around: Surroundings, wish: Wish, progress: Progress) -> Scorer:
    """What scores candidates of this catalogue: sizes, worth, what is at risk."""
    found = reading.one("SELECT count(*) FROM source")
    if not found or not found[0]:
        raise NotFound("the catalogue", "has nothing in it", "Gather something first: phonolith harvest --help")
    progress.start("Reading what is listened to", None, "tracks")
    known = heard(reading, LISTENED)
    progress.finish()
    sizes = around.sizes(reading)
    names: dict[int, str] = dict(reading.rows("SELECT id, name FROM source"))
    tracks = max(1, sum(one.tracks for one in known.values()))
    worth = Worth(known, WEIGHT[wish.target], rows_at_risk(reading, around.flagged), tracks)
    return Scorer(sizes, sizes.table(names), worth, wish.originals)


def _offer(
    reading: Reading,
    runs: Runs,
    scorer: Scorer,
    permits: Permits,
    gone: BitMap,
    counts: Counter[str],
    progress: Progress,
) -> None:
    for known in offered(reading, progress):
        if gone:
            known = known[np.fromiter((int(row) not in gone for row in known["track"]), bool, len(known))]
        hold, reencode = permits.of(known["track"], known["rights"])
        counts["denied"] += int((~hold).sum())
        counts["candidates"] += int(hold.sum())
        runs.add(scorer.steps(known[hold], reencode[hold]))


def _offer_copies(
    reading: Reading, runs: Runs, scorer: Scorer, permits: Permits, around: Surroundings, counts: Counter[str]
) -> None:
    for known in lacking_copies(reading, around.copied):
        _, reencode = permits.of(known["track"], known["rights"])
        counts["lacking"] += int(reencode.sum())
        runs.add(scorer.copies(known[reencode]))


def _head(reading: Reading, wish: Wish, worth: Worth, now: str) -> worklist.Head:
    said = dict(reading.rows("SELECT key, value FROM meta WHERE key IN ('as_of', 'register_head')"))
    total = float(sum(one.total for one in worth.heard.values()))
    return worklist.Head(
        worklist.FORMAT,
        now,
        str(said.get("as_of", "")),
        int(said.get("register_head", 0)),
        wish.target,
        wish.budget,
        worth.weight,
        total,
        float(worth.tracks),
    )


def _bytes(filled: Filled) -> tuple[int, int, int]:
    return round(filled.lower), round(filled.mean), round(filled.upper)


def _bought(filled: Filled, names: Mapping[int, str]) -> list[Bought]:
    """By tier and source: an original in place of an access copy counts as an original, and no more as the copy."""
    found = []
    for source in sorted({source for _, source in filled.sums}):
        access, original, up, copy = (filled.sums.get((way, source), Sums()) for way in (ACCESS, ORIGINAL, UP, COPY))
        value = filled.value or 1.0
        share = access.value / access.items if access.items else 0.0
        moved = share * up.items
        name = names[source]
        mean = original.mean + up.mean + up.base
        rows = [
            (
                "original",
                original.items + up.items,
                mean,
                original.listens + up.listens,
                original.value + up.value + moved,
            ),
            (
                "access",
                access.items - up.items,
                access.mean - up.base,
                access.listens - up.listens,
                access.value - moved,
            ),
            ("copy", copy.items, copy.mean, 0.0, copy.value),
        ]
        found += [
            Bought(tier, name, items, round(size), max(0.0, share), max(0.0, worth / value))
            for tier, items, size, share, worth in rows
            if items
        ]
    return sorted(found, key=lambda one: (-one.value, one.tier, one.source))


def _rest(reading: Reading, absent: int) -> dict[str, int]:
    """Tracks of the catalogue by status, hidden ones and addresses that had nothing lately beside them."""
    rows = reading.rows("SELECT id, tracks FROM status WHERE tracks > 0 ORDER BY id")
    found = {Status(number).name.lower(): count for number, count in rows}
    more = {"hidden": len(reading.hidden.tracks), "absent": absent}
    return found | {name: count for name, count in more.items() if count}

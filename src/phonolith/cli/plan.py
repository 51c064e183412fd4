"""``plan``: what to fetch next within a budget, in which tier, and why; and how right the last plan was."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.reading import reading
from phonolith.cli.text import bytes_of, number, plural, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phonolith.plan.compare import Compared
    from phonolith.plan.explain import Explained
    from phonolith.plan.plan import Plan
    from phonolith.plan.surroundings import Surroundings
    from phonolith.store.archive import Archive

_ROWS = 12  # of the table; --json has all
_TARGETS = click.Choice(["listens", "rarity", "mixed"])
_TIERS = {"original": "original", "access": "access copy only", "copy": "copy of what is held"}
_REST = {
    "held": "held already",
    "no_licence": "metadata only: no licence evidence",
    "not_permitted": "metadata only: not permitted",
    "no_source": "metadata only: nobody offers the audio",
    "withdrawn": "withdrawn",
    "unreadable": "held, unreadable",
    "failed": "failed: the bytes did not match",
    "hidden": "hidden by a decision since the build",
    "absent": "not at their address lately",
}


class _BudgetFirst(click.Group):
    """A group whose first verb need not be named: ``plan --budget 1TB`` makes one, as ``plan make --budget 1TB``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group("plan", cls=_BudgetFirst, short_help="What to fetch next within a budget, in which tier, and why.")
def plan() -> None:
    """Plan what to fetch next: `phonolith plan --budget 300TB`, which is `plan make`.

    Then `phonolith harvest --plan FILE` fetches it, and `phonolith plan compare` says how right the plan was.
    """


@verb(
    "make",
    short_help="Make a plan, and write its work list.",
    examples=(
        "plan --budget 300TB",
        "plan --budget 2TB --target rarity --out plan.jsonl",
        "plan --budget 500GB --originals-only --limit 50",
    ),
)
@click.option("--budget", required=True, metavar="SIZE", help="Bytes to plan for, as in 300TB.")
@click.option(
    "--target",
    type=_TARGETS,
    default="listens",
    show_default=True,
    help="What bytes are to buy: listening, what is rare and at risk, or half of each.",
)
@click.option("--originals-only", is_flag=True, help="No access copies in place of originals.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where the work list goes.")
@click.option(
    "--limit", type=click.IntRange(0, 10_000), default=0, metavar="N", help="Show the first N items of the list."
)
def make(place: Place, budget: str, target: str, originals_only: bool, out: Path | None, limit: int) -> Answer:
    """Choose what to fetch within the budget by value per byte, and write it down as a work list.

    What may not be held is never in it, what is held is not again, and nothing without derivatives is re-encoded. The
    budget holds at the upper bound of the predicted bytes. Without --out the list is state/plan/list.jsonl.
    """
    from phonolith.plan.plan import Wish
    from phonolith.plan.plan import plan as work

    wish = Wish(_budget(budget), target, originals_only)
    archive = place.archive()
    path = out if out is not None else _default(archive)
    with _around(place) as (library, around), place.bars() as bars:
        told = work(library, around, wish, path, scratch=_folder(archive), progress=bars, now=place.now())
    first = _first(path, limit)
    data = {**_data(told, path), "items": first}
    return Answer(data, lambda view: _show(view, told, path, first))


@verb("explain", short_help="One track's score, term by term.", examples=("plan explain track:abcdefghijklmnop",))
@click.argument("track")
@click.option(
    "--target",
    type=_TARGETS,
    default="listens",
    show_default=True,
    help="By which target.",
)
def explain(place: Place, track: str, target: str) -> Answer:
    """Write out the formula for TRACK with its numbers, or why it is not planned."""
    from phonolith.plan.explain import explain as work
    from phonolith.plan.permits import Permits
    from phonolith.plan.plan import Wish, scorer_of

    identifier = track.rpartition(":")[2]
    with _around(place) as (library, around), place.bars() as bars, library.reading() as one:
        scorer = scorer_of(one, around, Wish(0, target), bars)
        told = work(one, scorer, Permits(one), identifier, around.absent)
    return Answer({"explained": told}, lambda view: _show_explained(view, told))


@verb(
    "compare", short_help="What a plan predicted beside what came.", examples=("plan compare", "plan compare p.jsonl")
)
@click.argument("file", type=click.Path(path_type=Path), required=False)
def compare(place: Place, file: Path | None) -> Answer:
    """Compare the sizes that FILE (the last plan) predicted with the bytes that were fetched by it.

    What is learned is kept in state/plan/learned.json, and the next plan reckons with it.
    """
    from phonolith.plan import learned
    from phonolith.plan.compare import compare as work

    archive = place.archive()
    with archive.records() as store, place.bars() as bars:
        told = work(store, file if file is not None else _default(archive), bars, place.now())
    if told.whole.items:
        learned.keep(_learned(archive), told.whole)
    return Answer(_compared(told), lambda view: _show_compared(view, told))


def _budget(text: str) -> int:
    """Bytes, at least one and no more than there are disks for. Raises UsageError."""
    from phonolith.errors import UsageError

    found = bytes_of("--budget", text) if len(text) <= 40 else None
    if found is None or not 0 < found <= 10**18:
        raise UsageError("--budget", f"{text[:40]!r} is no size to plan for", "Say it as in 500GB or 300TB")
    return found


def _folder(archive: Archive) -> Path:
    from phonolith.store.files import make_folders

    folder = archive.state / "plan"
    make_folders(folder)
    return folder


def _default(archive: Archive) -> Path:
    return _folder(archive) / "list.jsonl"


def _learned(archive: Archive) -> Path:
    return archive.state / "plan" / "learned.json"


@contextmanager
def _around(place: Place) -> Iterator[tuple[Any, Surroundings]]:
    """The library, and what a plan needs beside it."""
    from phonolith.cli.at_risk import facts_of
    from phonolith.library.at_risk import at_risk
    from phonolith.plan import learned
    from phonolith.plan.risk import flagged_by_changes, flagged_by_risks
    from phonolith.plan.surroundings import surroundings

    archive = place.archive()
    known = learned.samples(learned.load(_learned(archive)))
    with reading(place) as library:
        flagged = flagged_by_changes(library, archive.changes)
        with ExitStack() as opened, library.reading() as one:
            facts = facts_of(place, opened)
            flagged |= flagged_by_risks(one, facts, at_risk(facts))
        yield library, surroundings(archive, learned=known, flagged=flagged, now=place.now())


def _first(path: Path, limit: int) -> list[Any]:
    from itertools import islice

    from phonolith.store.worklist import lines

    return list(islice(lines(path), limit)) if limit else []


def _data(told: Plan, path: Path) -> dict[str, Any]:
    low, mid, high = told.bytes
    return {
        "budget": told.wish.budget,
        "target": told.wish.target,
        "list": str(path),
        "sha256": told.end.sha256,
        "planned": told.end.items,
        "bytes": {"low": low, "expected": mid, "high": high},
        "listens": {"low": told.listens.low, "mid": told.listens.mid, "high": told.listens.high},
        "value": told.filled.value,
        "bound": told.filled.bound,
        "gap_at_most": told.filled.gap,
        "candidates": told.candidates,
        "left_for_later": told.left,
        "denied": told.denied,
        "at_risk": told.at_risk,
        "copies_lacking": told.lacking,
        "not_planned": told.rest,
        "bought": told.bought,
        "curve": told.filled.curve,
        "listens_rest_on": told.curves,
    }


def _show(view: View, told: Plan, path: Path, first: Sequence[Any]) -> None:
    low, mid, high = told.bytes
    view.heading(f"Plan for {size(told.wish.budget)}", f"by {told.wish.target}")
    if not told.end.items:
        view.line("Nothing is to be fetched: no item that may be held, is not held, and has an address.", "yellow")
    columns = [
        Column("what", "bold", grow=1),
        Column("from", grow=2, ends=True),
        Column("items", right=True, keep=True),
        Column("bytes", right=True, keep=True),
        Column("of listens", right=True, keep=True),
    ]
    rows = [
        (_TIERS[one.tier], one.source, number(one.items), size(one.bytes), _share(one.listens)) for one in told.bought
    ]
    if len(rows) > _ROWS:
        view.table(columns, rows[:_ROWS])
        view.hint(f"{number(len(rows) - _ROWS)} more rows; --json has them")
    else:
        view.table(columns, rows)
    if told.end.items:
        view.line(f"In all {plural(told.end.items, 'item')}, {size(mid)}: {size(low)} to {size(high)}")
        between = f"{_share(told.listens.low)} to {_share(told.listens.high)}"
        view.line(f"Listening it adds: {_share(told.listens.mid)}, {between}")
        view.line(f"No choice within the budget is worth more than {told.filled.gap:.2%} above this one.")
        _show_curve(view, told)
    _show_rest(view, told)
    for line in first:
        view.line(f"{line.n}. {line.tier} track:{line.id} {size(line.bytes[1])} from {line.source}")
    if told.end.items:
        view.line(f"The list: {path}", "dim")
        view.hint(f"Next: phonolith harvest --plan {path}")


def _show_curve(view: View, told: Plan) -> None:
    """Budget against value, and what a tenth more would buy."""
    curve, budget = told.filled.curve, told.wish.budget
    view.heading("What a budget buys", "value, and share of listens")
    top = max((point.value for point in curve), default=0.0) or 1.0
    view.bars([(size(one.budget), one.value, f"{one.value / top:.0%}  {_share(one.listens)}") for one in curve])
    now = next((one for one in curve if one.budget == budget), None)
    more = curve[-1] if curve and curve[-1].budget > budget else None
    if now is not None and more is not None:
        items, listens = more.items - now.items, more.listens - now.listens
        worth = (more.value - now.value) / now.value if now.value else 0.0
        bought = f"{plural(items, 'item')} and {_share(listens)} of listens"
        view.line(f"{size(more.budget - budget)} more would buy {bought}: {worth:.1%} more value.")
    else:
        view.line("The budget has room for everything that may be fetched.")


def _show_rest(view: View, told: Plan) -> None:
    rows = [("may be fetched, left for later", told.left)] if told.left else []
    rows += [(_REST[name], count) for name, count in told.rest.items() if name in _REST]
    if told.at_risk:
        rows.append(("at risk, of all", told.at_risk))
    if rows:
        view.heading("Not in the plan")
        view.pairs((words, number(count)) for words, count in rows)


def _share(share: float) -> str:
    if share <= 0:
        return "0 %"
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else f"{share * 100:.2g} %"


def _show_explained(view: View, told: Explained) -> None:
    view.heading(f"track:{told.id}", f"{told.source}, {told.status}")
    for reason in told.against:
        view.line(reason, "yellow")
    for sentence in told.sentences:
        view.line(sentence)
    if not told.ways:
        return
    view.line(f"listens share {told.listens:.3g}, rarity share {told.rarity:.3g}, weight of listens {told.weight:g}")
    for way in told.ways:
        view.heading(_TIERS[way.tier])
        view.line(f"{size(way.bytes[1])} ({size(way.bytes[0])} to {size(way.bytes[2])}), by {way.rests_on}", indent=2)
        view.line(_formula(told, way.tier, way.value), indent=2)
        view.line(f"score = {way.value:.3g} / {number(way.charged)} bytes = {way.score:.3g} per byte", indent=2)


def _formula(told: Explained, tier: str, value: float) -> str:
    from phonolith.plan.worth import COUNTS

    heard, rare = COUNTS[tier]
    first = f"{told.weight:g} × {heard:g} × {told.listens:.3g}"
    return f"value = {first} + {1 - told.weight:g} × {rare:g} × {told.rarity:.3g} = {value:.3g}"


def _compared(told: Compared) -> dict[str, Any]:
    one = told.whole
    groups = [
        {"source": source, "codec": codec, "items": n, "expected": expected, "came": came, "inside": inside}
        for (source, codec), (n, expected, came, inside) in told.by_group.items()
    ]
    low, mid, high = one.bytes
    told_bytes = {"low": low, "expected": mid, "high": high, "came": one.came}
    return {
        "list": one.sha256,
        "listed": one.listed,
        "items": one.items,
        "bytes": told_bytes,
        "bias": told.bias,
        "coverage": told.coverage,
        "groups": groups,
    }


def _show_compared(view: View, told: Compared) -> None:
    one = told.whole
    if not one.items:
        view.line("Nothing on this list was fetched yet.")
        view.hint("Fetch it: phonolith harvest --plan FILE")
        return
    view.line(f"{number(one.items)} of {plural(one.listed, 'item')} came", "bold")
    view.line(f"{size(one.came)} came where {size(one.bytes[1])} were expected: {told.bias:+.1%}")
    view.line(f"{told.coverage:.1%} of the items are inside their interval, of which 95 % should be")
    columns = [
        Column("from", grow=1, ends=True),
        Column("codec", keep=True),
        Column("items", right=True, keep=True),
        Column("expected", right=True, keep=True),
        Column("came", right=True, keep=True),
        Column("inside", right=True, keep=True),
    ]
    rows = [
        (source, codec or "unknown", number(n), size(expected), size(came), f"{inside / n:.0%}")
        for (source, codec), (n, expected, came, inside) in told.by_group.items()
    ]
    view.table(columns, rows)


for command in (make, explain, compare):
    plan.add_command(command)

COMMANDS = {"plan": plan}

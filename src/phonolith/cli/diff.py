"""``diff``: what changed at the sources between two harvests or dates."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any

import click

from phonolith.cli.text import number, plural
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.catalogue.diff import Elsewhere
    from phonolith.catalogue.moments import Moment
    from phonolith.model.change import Change
    from phonolith.model.finding import Finding
    from phonolith.store.history import History

_FINDINGS = 1_000  # that are kept; counts are of all


@dataclass
class Found:
    """What differs in one collection: counts of all, and what of it is shown."""

    source: str
    a: Moment
    b: Moment
    counts: Counter[str] = field(default_factory=Counter)
    shown: list[Change] = field(default_factory=list)


@verb(
    "diff",
    short_help="What changed at the sources between two harvests or dates.",
    examples=(
        "diff",
        "diff previous last --collection folder.demo",
        "diff 2026-01-31 2026-02-28 --json",
        "diff 3 5 --collection oaipmh.netlabels",
        "diff --list",
    ),
)
@click.argument("a", default="previous")
@click.argument("b", default="last")
@click.option(
    "--collection", default="", metavar="NAME", help="Only this one. Default: each, between its own harvests."
)
@click.option("--list", "listing", is_flag=True, help="Show the harvests there are to compare.")
@click.option(
    "-n", "--number", "limit", type=click.IntRange(0, 10_000), default=20, show_default=True, help="Shown of each."
)
def diff(place: Place, a: str, b: str, collection: str, listing: bool, limit: int) -> Answer:
    """Show what appeared, changed, vanished, moved or merged between the moments A and B.

    A moment is a date (its end, UTC), a time, the number of a harvest, `last` (after the last harvest) or `previous`
    (before it). A licence that became stricter is refused at once, without a build. Exit 1 where one did, or where
    what is held here is the last known copy.
    """
    with place.archive().history() as history, ExitStack() as opened:
        names = _names(history, collection)
        if listing:
            return _listed(history, names)
        elsewhere = _elsewhere(place, opened)
        spool = tempfile.TemporaryFile("w+", encoding="utf-8") if place.json else None  # noqa: SIM115 - closed when it is told
        findings: list[Finding] = []
        found = [_compare(history, name, (a, b), elsewhere, (spool, findings, limit)) for name in names]
    return _answer(found, spool, findings, built=elsewhere is not None)


def _names(history: History, collection: str) -> list[str]:
    from phonolith.errors import NotFound

    names = list(history.lines())
    if not collection:
        return names
    if collection not in names:
        raise NotFound(collection, "nothing was ever harvested under this name", "See: phonolith diff --list")
    return [collection]


def _elsewhere(place: Place, opened: ExitStack) -> Elsewhere | None:
    """Asks the catalogue which held files something else has; None where nothing was built."""
    from phonolith.cli.reading import reading
    from phonolith.errors import Damaged, NewerFormat, NotFound
    from phonolith.library.offering import offers_of

    try:
        library = opened.enter_context(reading(place))
    except (NotFound, NewerFormat, Damaged):
        return None
    return lambda digests, identifier: offers_of(library, digests, identifier)


def _compare(
    history: History,
    name: str,
    words: tuple[str, str],
    elsewhere: Elsewhere | None,
    into: tuple[IO[str] | None, list[Finding], int],
) -> Found:
    """Compare one collection: every change goes into the spool, the first ones are kept to be shown."""
    from phonolith.catalogue.diff import diff as compare
    from phonolith.catalogue.moments import moment
    from phonolith.errors import UsageError
    from phonolith.sources.base import SETTINGS, open_source

    spool, findings, limit = into
    found = Found(name, moment(history, name, words[0]), moment(history, name, words[1]))
    if found.a.lines > found.b.lines:
        raise UsageError(f"{words[0]} {words[1]}", "the first moment is later than the second", "Exchange them")
    settings = history.get(name, SETTINGS)
    source = open_source(name, settings.payload if settings else None)
    for one in compare(history, name, source, found.a.lines, found.b.lines, elsewhere=elsewhere):
        if spool is not None:
            spool.write(json.dumps({**asdict(one), "stricter": one.stricter}) + "\n")
        found.counts.update(
            (str(one.what), *(["stricter"] if one.stricter else []), *(["copies"] if one.copies else []))
        )
        if len(found.shown) < limit or one.stricter or one.copies:
            found.shown.append(one)
            found.shown = sorted(found.shown, key=_urgency)[:limit]
        if len(findings) < _FINDINGS:
            findings += _findings(one)
    return found


def _urgency(one: Change) -> int:
    return 0 if one.stricter else 1 if one.copies else 2


def _findings(one: Change) -> Iterator[Finding]:
    from phonolith.model.finding import Finding

    subject = f"{one.kind}:{one.id}"
    if one.stricter:
        changes = "; ".join(f"{f.field} {f.was or 'none'} → {f.now or 'none'}" for f in one.fields if f.direction)
        remedy = f"What it does not allow any more is refused already: phonolith why {subject}"
        yield Finding("licence.stricter", subject, f"{one.title}: {changes}", remedy)
    for digest in one.copies:
        yield Finding(
            "copy.last",
            subject,
            f"{one.title}: what is held here is the last known copy ({digest[:16]}…)",
            "Back it up",
        )


def _answer(found: list[Found], spool: IO[str] | None, findings: list[Finding], *, built: bool) -> Answer:
    def changes() -> Iterator[Any]:
        assert spool is not None  # asked for as JSON only
        with closing(spool):
            spool.seek(0)
            yield from map(json.loads, spool)

    collections = [
        {
            "collection": one.source,
            "from": {"harvest": one.a.harvest, "time": one.a.time, "lines": one.a.lines},
            "to": {"harvest": one.b.harvest, "time": one.b.time, "lines": one.b.lines},
            "counts": {name: one.counts[name] for name in _COUNTED},
        }
        for one in found
    ]
    data = {"collections": collections, "findings": findings, "copies_known": built, "changes": changes()}
    return Answer(data, lambda view: _show(view, found, built), 1 if findings else 0)


_COUNTED = ("appeared", "changed", "vanished", "moved", "merged", "stricter", "copies")


def _show(view: View, found: list[Found], built: bool) -> None:
    if not found:
        view.line("Nothing was harvested yet.")
    for one in found:
        view.heading(one.source, f"{_moment(one.a)} to {_moment(one.b)}")
        total = sum(one.counts[name] for name in _COUNTED[:5])
        if not total:
            view.line("Nothing changed.")
            continue
        view.line(", ".join(f"{number(one.counts[name])} {name}" for name in _COUNTED[:5] if one.counts[name]), "bold")
        if one.counts["stricter"]:
            view.line(
                f"! {plural(one.counts['stricter'], 'licence')} stricter: refused already, without a build", "yellow"
            )
        if one.counts["copies"]:
            last = plural(one.counts["copies"], "held thing")
            view.line(f"! {last} gone from the source: the copy here is the last known one", "yellow")
        columns = [
            Column("", "bold", keep=True),
            Column("what", keep=True),
            Column("title", grow=2),
            Column("how", grow=3),
        ]
        view.table(columns, [(one.what, one.kind, one.title, _how(one)) for one in one.shown])
        if total > len(one.shown):
            view.hint(f"{number(total - len(one.shown))} more; -n shows more, --json has them all")
    if found and not built:
        view.hint("Nothing is built, so it is not known which copies are the last: phonolith build")


def _how(one: Change) -> str:
    if one.copies:
        return "the copy here is the last known one"
    told = [_field(field) for field in one.fields]
    return "; ".join(([f"now {one.heir}"] if one.heir else []) + told) or one.artist


def _field(one: Any) -> str:
    if one.direction and one.direction != "other":
        return f"{one.field} {one.direction}: {one.was or 'none'} → {one.now or 'none'}"
    if len(one.was) + len(one.now) > 60 or one.field == "other":
        return str(one.field)
    return f"{one.field}: {one.was or 'none'} → {one.now or 'none'}"


def _moment(one: Moment) -> str:
    if not one.lines:
        return "nothing"
    return f"harvest {one.harvest} ({one.time[:10]})" if one.harvest else one.time[:10]


def _listed(history: History, names: list[str]) -> Answer:
    every = [one for name in names for one in history.harvests(name)]

    def show(view: View) -> None:
        columns = [Column("collection", "bold", grow=1), Column("harvest", right=True), Column("began")]
        columns += [Column(name, right=True) for name in ("new", "changed", "gone")]
        rows = [
            (one.source, one.number, one.time[:16].replace("T", " "), *map(number, (one.new, one.changed, one.gone)))
            for one in every
        ]
        view.table(columns, rows)
        if not rows:
            view.line("Nothing was harvested yet.")

    return Answer({"harvests": every}, show)


COMMANDS = {"diff": diff}

"""``swarm``: ask trackers and the DHT how many have what was published, keep what they say, and show how it went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.text import clean, number, plural
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.verify import Duration
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.library.swarms import Standing
    from phonolith.releases.swarms import Asked, Seen

_LEAST_EVERY = 300.0  # seconds; trackers want to be left alone for longer
_SHOWN = 12  # looks of a bundle's history on a terminal


@verb(
    "swarm",
    short_help="How many have what was published: ask trackers and the DHT.",
    examples=(
        "swarm",
        "swarm --every 6h",
        "swarm --show",
        "swarm --show many-2026-cc0-top-small-001",
        "swarm --no-dht",
    ),
)
@click.argument("bundles", metavar="[BUNDLE]…", nargs=-1)
@click.option("--show", "shows", is_flag=True, help="Ask nobody; show what earlier looks found.")
@click.option("--every", type=Duration(), metavar="TIME", help="Look again after so long, until Ctrl-C: 30min, 6h, 1d.")
@click.option("--dht/--no-dht", default=None, help="Whether the DHT is asked. Default: seed.dht.")
def swarm(place: Place, bundles: tuple[str, ...], shows: bool, every: float | None, dht: bool | None) -> Answer:
    """Ask how many peers have all of each published bundle, and keep the answers as observations.

    No swarm is joined and nothing is fetched: trackers are asked for their counts (BEP 48, BEP 15) and nodes of the DHT
    for their filters (BEP 33). This archive's own seeder is counted apart. A tracker is not asked before it wants to
    be, and more rarely the longer it gives no answer; who gives none has not said zero. Shown are the copies elsewhere
    now, the fewest of 30 days, and since when nobody else has all of it. BUNDLE asks for these alone. `phonolith
    at-risk` lists what follows.
    """
    from phonolith.errors import UsageError

    if every is not None and (shows or every < _LEAST_EVERY):
        raise UsageError("swarm --every", "it asks again and again, at most every 5 minutes", "Say for example 6h")
    if shows:
        return _shown(place, bundles)
    seen = _look(place, bundles, dht)
    failed = bool(seen.asked) and all(one.problem for one in seen.asked)

    def show(view: View) -> None:
        _show_asked(view, seen.asked)
        _show_standings(view, seen.standings, bundles)
        if every is not None:
            view.hint("Ctrl-C ends it.")

    def again() -> None:
        from phonolith.cli.seed import stopped_by_signals

        with stopped_by_signals() as stop:
            keep_looking(place, stop, every or 0, lambda: _look(place, bundles, dht))

    return Answer(_told(seen, bundles), show, exit=1 if failed else 0, then=again if every is not None else None)


def keep_looking(place: Place, stop: Event, every: float, look: Any) -> None:
    """Look again each time, and tell in one line what was found; what goes wrong is told and looked at again later."""
    from phonolith.errors import PhonolithError

    stream = sys.stderr if place.json else sys.stdout
    while not stop.wait(every):
        try:
            line = _line(look())
        except PhonolithError as error:
            line = str(error)
        stream.write(clean(f"{place.now()} {line}") + "\n")
        stream.flush()


def _look(place: Place, names: Sequence[str], dht: bool | None) -> Seen:
    from phonolith.errors import NotFound
    from phonolith.releases.dht import ENTRANCES, Dht
    from phonolith.releases.swarms import look, targets

    archive, settings = place.archive(), place.settings(seed_dht=dht)
    every = targets(archive)
    if unknown := {*names} - {one.bundle for one in every}:
        raise NotFound(sorted(unknown)[0], "no current bundle has this name", "See: phonolith swarm --show")
    chosen = [one for one in every if not names or one.bundle in names]
    network = Dht(settings.seed_dht_nodes or ENTRANCES) if settings.seed_dht and chosen else None
    with place.bars() as bars:
        return look(
            archive, chosen, trackers=settings.publish_trackers, dht=network, now=place.now, progress=bars
        )  # fmt: skip


def _shown(place: Place, names: Sequence[str]) -> Answer:
    """What earlier looks found, from the observations themselves."""
    from phonolith.errors import NotFound
    from phonolith.library.publications import bundles, publications
    from phonolith.library.swarms import standings

    archive = place.archive()
    with archive.register() as register, archive.observations() as observations:
        current = bundles(publications(register.events()))
        if unknown := {*names} - current.keys():
            raise NotFound(sorted(unknown)[0], "no current bundle has this name", "See: phonolith swarm --show")
        found = standings(observations, [one for name, one in current.items() if not names or name in names])

    def show(view: View) -> None:
        _show_standings(view, found, names)
        for one in found if names else ():
            _show_history(view, one)

    return Answer({"standings": [_one(each) for each in found]}, show)


def _told(seen: Seen, names: Sequence[str]) -> dict[str, Any]:
    asked = [
        {"by": one.by, "problem": one.problem, "skipped": one.skipped, "after": one.after, "failures": one.failures}
        for one in seen.asked
    ]
    chosen = [_one(each) for each in seen.standings if not names or each.bundle in names]
    return {"time": seen.time, "torrents": seen.torrents, "asked": asked, "standings": chosen}


def _one(stand: Standing) -> dict[str, Any]:
    from phonolith.library.swarms import told

    return told(stand)


def _line(seen: Seen) -> str:
    known = [one.copies for one in seen.standings if one.copies is not None]
    silent = sum(bool(one.problem) and not one.skipped for one in seen.asked)
    least = f"fewest copies elsewhere {min(known)}" if known else "copies elsewhere unknown"
    parts = [plural(len(seen.standings), "bundle"), least, f"{number(sum(not one for one in known))} without any"]
    return ", ".join([*parts, *([f"{silent} of {len(seen.asked)} asked gave no answer"] if silent else [])])


def _show_asked(view: View, asked: Sequence[Asked]) -> None:
    if not asked:
        view.line("Nobody can be asked: no torrent names a tracker, and the DHT is off.", "yellow")
    for one in asked:
        name = "the DHT" if one.by == "dht" else one.by
        if one.skipped:
            view.line(f"{name}: asked a short while ago; again from {_clock(one.after)}", "dim")
        elif one.problem:
            again = f"; again from {_clock(one.after)}" if one.after else ""
            view.line(f"{name}: {one.problem}{again}", "yellow")


def _show_standings(view: View, every: Sequence[Standing], names: Sequence[str]) -> None:
    chosen = [one for one in every if not names or one.bundle in names]
    if not chosen:
        view.line("Nothing was ever observed.")
        view.hint("To publish: phonolith release, then phonolith publish. To look: phonolith swarm")
        return
    columns = [
        Column("bundle", "bold", grow=1, ends=True),
        Column("elsewhere", right=True),
        Column("ours", right=True),
        Column("parts", right=True, wide=True),
        Column("least", right=True),
        Column("none since"),
        Column("looked", wide=True),
    ]
    rows = [
        (
            one.bundle,
            _copies(one.copies),
            "1" if one.ours else "0",
            _copies(one.incomplete),
            _copies(one.least),
            one.alone_since[:10] or "–",
            _clock(one.at),
        )
        for one in sorted(chosen, key=lambda one: (one.known is None, one.known or 0, one.bundle))
    ]
    view.table(columns, rows)
    view.line("Complete copies elsewhere, our own seeder apart; least: of 30 days; ?: nobody answered.", "dim")
    unknown = [one for one in chosen if one.copies is None and one.known is not None]
    if unknown:
        view.line(f"{plural(len(unknown), 'bundle')} without an answer this time; earlier ones are kept.", "yellow")


def _show_history(view: View, one: Standing) -> None:
    view.heading(one.bundle, f"{plural(one.looks, 'look')}")
    rows = [(_clock(time), _copies(copies)) for time, copies in one.series[-_SHOWN:]]
    view.table([Column("looked"), Column("elsewhere", right=True)], rows)
    for problem in one.problems:
        view.line(problem, "yellow")
    if len(one.series) > _SHOWN:
        view.hint(f"{number(len(one.series) - _SHOWN)} earlier ones of 30 days: --json has them")


def _copies(count: int | None) -> str:
    return "?" if count is None else number(count)


def _clock(time: str) -> str:
    return time[:16].replace("T", " ")


COMMANDS = {"swarm": swarm}

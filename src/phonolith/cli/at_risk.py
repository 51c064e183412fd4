"""``at-risk``: what may soon be nowhere, why, and what would help."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.text import number, plural
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.model.swarm import FEW_COPIES

if TYPE_CHECKING:
    from phonolith.library.at_risk import AtRisk, Facts
    from phonolith.library.reading import Library

_TITLES = {
    "fixity.alone": "Damaged, with no sound copy here",
    "copy.last": "Gone from the source, held here alone",
    "swarm.few": "Few complete copies in the swarm",
    "source.vanished": "Gone from the source",
    "licence.stricter": "A licence became stricter",
}


@verb(
    "at-risk",
    short_help="What may soon be nowhere: vanished, alone, damaged, few copies.",
    examples=("at-risk", "at-risk --few 5", "at-risk --public --json"),
)
@click.option(
    "--few",
    type=click.IntRange(1),
    default=FEW_COPIES,
    show_default=True,
    help="With fewer complete copies elsewhere a bundle is at risk.",
)
@click.option("--public", is_flag=True, help="Only the bundles that mirrors are asked to take, as the page shows them.")
@click.option(
    "-n", "--number", "limit", type=click.IntRange(1, 10_000), default=8, show_default=True, help="Shown of each sort."
)
def at_risk(place: Place, few: int, public: bool, limit: int) -> Answer:
    """List what is at risk, most urgent first, each with the reason, since when, and what would help.

    What vanished at its source or is licensed more strictly follows from the harvests, damage from `verify`, and copies
    from `swarm`: a bundle whose swarm nobody looked at is not listed. What is withdrawn or hidden is never on it. The
    bundles of it that others can help with are on the page /at-risk, which `phonolith mirror --at-risk` follows. Exit 1
    where anything is at risk.
    """
    with ExitStack() as opened:
        facts = facts_of(place, opened, few)
        found = _found(facts, public=public)
        asked = bool(facts.standings)
    counts = Counter(one.code for one in found)

    def show(view: View) -> None:
        for code, title in _TITLES.items():
            some = [one for one in found if one.code == code]
            if some:
                view.heading(f"{title}: {number(len(some))}", code)
            for one in some[:limit]:
                _show(view, one)
            if len(some) > limit:
                view.hint(f"{number(len(some) - limit)} more; -n shows more, --json has them all")
        if not found:
            view.line("Nothing is known to be at risk.", "green")
        if not asked:
            view.hint("How many copies there are was never asked: phonolith swarm")

    data = {"at_risk": [_told(one) for one in found], "counts": dict(counts), "few": few, "swarms_known": asked}
    return Answer(data, show, exit=1 if found else 0)


def _found(facts: Facts, *, public: bool) -> list[AtRisk]:
    from phonolith.library.at_risk import at_risk as find
    from phonolith.library.at_risk import to_mirror

    every = find(facts)
    return to_mirror(facts, every) if public else every


def facts_of(place: Place, opened: ExitStack, few: int = FEW_COPIES) -> Facts:
    """What is known, from the observations themselves; a catalogue is not needed."""
    from phonolith.library.at_risk import Facts
    from phonolith.library.offered import any_offered
    from phonolith.library.publications import bundles, publications
    from phonolith.library.swarms import standings
    from phonolith.rights.decisions import Decisions
    from phonolith.rights.gate import Policy

    archive, settings = place.archive(), place.settings()
    policy = Policy(settings.operator_territory, settings.publish_territories)
    library = _library(place, opened)
    objects = opened.enter_context(archive.objects())
    with archive.register() as register:
        events = list(register.events())
    current, decisions = bundles(publications(events)), Decisions.load(events)
    with archive.observations() as observations, archive.damage() as damage:
        stands = {one.bundle: one for one in standings(observations, current.values())}
        amiss = tuple(damage.amiss())

    def offered(name: str) -> bool:
        return any_offered(library, objects, decisions, current[name], policy=policy)

    return Facts(library, objects, archive.changes, archive.bundle_index, current, stands, amiss, offered, few)


def _library(place: Place, opened: ExitStack) -> Library | None:
    from phonolith.cli.reading import reading
    from phonolith.errors import Damaged, NewerFormat, NotFound

    try:
        return opened.enter_context(reading(place))
    except (NotFound, NewerFormat, Damaged):
        return None


def _show(view: View, one: AtRisk) -> None:
    view.line(f"· {one.title}", "bold")
    about = [one.subject if one.subject != f"bundle:{one.title}" else "", one.detail]
    if one.bundles and one.subject != f"bundle:{one.title}":
        about.append(f"in {plural(len(one.bundles), 'bundle')}, {_copies(one)}")
    if any(about):
        view.line("  ".join(filter(None, about)), indent=4)
    for reason in one.reasons:
        view.line(f"{reason.text}.", indent=4)
        view.line(f"{reason.remedy}.", "dim", indent=4)


def _copies(one: AtRisk) -> str:
    return "copies elsewhere unknown" if one.copies is None else f"{number(one.copies)} complete elsewhere"


def _told(one: AtRisk) -> dict[str, Any]:
    from dataclasses import asdict

    return {"code": one.code, **asdict(one)}


COMMANDS = {"at-risk": at_risk}

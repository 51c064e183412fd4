"""``withdraw`` and ``reinstate``: take something down at once, and put it back."""

from __future__ import annotations

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.store.archive import Archive


@verb("withdraw", short_help="Take something down, at once and everywhere here.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the register.")
@click.option(
    "--ground",
    type=click.Choice(["owner", "licence", "law"]),
    default="owner",
    show_default=True,
    help="owner: the rightsholder asks; licence: it does not permit this; law: an order (answered with 451).",
)
def withdraw(place: Place, ids: tuple[str, ...], because: str, ground: str) -> Answer:
    """Take tracks, releases or artists down.

    A running library stops listing and playing them within 5 seconds; nothing waits for a build. The bytes stay held.
    """
    from phonolith.rights.attest import withdrawal

    return _decide(place, "item.withdrawn", withdrawal(ids, ground=ground, because=because), "withdrawn", "reinstate")


@verb("reinstate", short_help="Put back what was withdrawn.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the register.")
def reinstate(place: Place, ids: tuple[str, ...], because: str) -> Answer:
    """Put back what was withdrawn: a running library shows and plays it again within 5 seconds.

    What another archive withdrew of what is mirrored from it comes back when that archive reinstates it, what an artist
    took down by a page of theirs when that is undone (phonolith door undo); what was expunged never does.
    """
    from phonolith.releases.expunge import refuse_expunged
    from phonolith.rights.attest import reinstatement

    refuse_expunged(place.archive(), ids)
    return _decide(place, "item.reinstated", reinstatement(ids, because=because), "reinstated", "withdraw")


def _decide(place: Place, kind: str, body: dict[str, object], done: str, undo: str) -> Answer:
    from phonolith.cli.decide import record
    from phonolith.cli.select import unknown
    from phonolith.cli.text import plural
    from phonolith.cli.withdrawals import keep_list

    archive = place.archive()
    event = record(archive, place, [(kind, body)])[0]
    listed = keep_list(place, archive)
    subjects: list[str] = list(event.body["subjects"])
    strange = unknown(archive, subjects)
    others = _still_withdrawn(archive, subjects) if done == "reinstated" else []
    doors = _by_doors(archive, subjects) if done == "reinstated" else []

    def show(view: View) -> None:
        view.line(
            f"{plural(len(subjects), 'item')} {done}, event {event.seq}; a running library follows within 5 seconds."
        )
        if listed:
            view.line(f"{plural(listed, 'line')} added to the list of withdrawals, which mirrors follow.", "dim")
        for one, by in others:
            view.line(f"{one} stays down: {by} withdrew it, and only its reinstating brings it back.", "yellow")
        for one, number in doors:
            view.line(
                f"{one} stays down: the artist asked for it. To undo that: phonolith door undo {number}", "yellow"
            )
        if strange:
            view.line(f"Not in the present catalogue, so the decision waits for it: {' '.join(strange[:3])}", "yellow")
        view.line(
            f"To undo: phonolith {undo} {' '.join(subjects[:3])}{' …' if len(subjects) > 3 else ''} --because …", "dim"
        )

    data = {"event": event.seq, "time": event.time, "kind": kind, "subjects": subjects, "not_in_catalogue": strange}
    data |= {"listed": listed, "withdrawn_elsewhere": others, "withdrawn_by_doors": doors}
    return Answer(data, show)


def _still_withdrawn(archive: Archive, subjects: list[str]) -> list[tuple[str, str]]:
    """Those that an archive which is mirrored here withdrew, and which."""
    from phonolith.cli.decide import events_of
    from phonolith.rights.decisions import Decisions

    decisions = Decisions.load(events_of(archive))
    return [(one, by.origin) for one in subjects for by in decisions.elsewhere(one).values()]


def _by_doors(archive: Archive, subjects: list[str]) -> list[tuple[str, int]]:
    """Those that are down by the artist's door, and the event that says so."""
    from phonolith.cli.decide import events_of
    from phonolith.rights.decisions import Decisions

    withdrawn = Decisions.load(events_of(archive)).withdrawn
    return [(one, withdrawn[one].event) for one in subjects if one in withdrawn and withdrawn[one].door]


COMMANDS = {"withdraw": withdraw, "reinstate": reinstate}

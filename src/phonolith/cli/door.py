"""``door``: who came in by the artist's door, what they said, and what a person here does about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.config import Settings
    from phonolith.door.office import Office
    from phonolith.door.seen import Outside
    from phonolith.rights.door import Act, Door

_SHOWN = 50  # of what was said


@click.group("door", short_help="The artist's door: who came in, what they said, undo.")
def door() -> None:
    """Artists and labels who proved a page that a record links to, and what they said is theirs.

    They come in at /door of the library while it is served. Here you see it, open what waits, end and undo.
    """


@verb("list", short_help="Doors, those first that wait for you.", examples=("door list", "door list --json"))
def list_(place: Place) -> Answer:
    """List every page that was proven, what it opens, and what was said by it."""
    with _office(place) as office:
        rows = [_row(office, one) for one in office.doors().values()]
        contrary = [_dispute(*one) for one in office.decisions().contrary()]
    rows.sort(key=lambda row: (not row["why"], row["door"]))

    def show(view: View) -> None:
        columns = [Column("door", keep=True), Column("state", keep=True), Column("whose", grow=1)]
        columns += [Column("page", grow=2), Column("said", right=True)]
        if rows:
            view.table(columns, [(r["door"], r["state"], r["name"], r["page"], r["said"]) for r in rows], header=True)
        else:
            view.line("Nobody proved a page yet.")
        for row in rows:
            if row["why"]:
                view.line(f"{row['door']} waits for you: {row['why']}.", "yellow")
        _tell_contrary(view, contrary)
        view.hint("To look at one: phonolith door show DOOR")

    return Answer({"doors": rows, "contrary": contrary}, show)


@verb("show", short_help="A door with its page, its history and what was said by it.")
@click.argument("identifier", metavar="DOOR")
def show_(place: Place, identifier: str) -> Answer:
    """Show a door whole: what was read on its page and when, who waits at it, and what was said, event by event."""
    with _office(place) as office:
        found = office.door(identifier)
        row = _row(office, found)
        keys = office.keys(identifier)
        acts = office.acts(identifier)
        names = _names(office, [one.subjects[0] for one in acts[:_SHOWN]])
    waiting = [one.code for one in keys if one.waits]
    data = {**row, "read": found.at, "snapshot": found.snapshot, "found": found.found, "steps": found.steps}
    data |= {"links": len([one for one in keys if one.good]), "waiting": waiting, "acts": acts}

    def show(view: View) -> None:
        view.heading(f"Door {found.id}", f"{found.state}, of the {found.voice} {row['name']}")
        view.pairs(
            [
                ("page", found.page),
                ("read", f"{found.at}, the code stood in: {found.found}"),
                ("snapshot", f"SHA-256 {found.snapshot}"),
                ("links", f"{data['links']} that let somebody in"),
            ]
        )
        if row["why"]:
            view.line(f"It waits for you: {row['why']}.", "yellow")
        for code in waiting:
            view.line(f"Open the page, and see that phonolith-door={code} was written by whoever has it.", indent=2)
        view.heading("What happened")
        for step in found.steps:
            by = " by rule" if step.rule else ""
            because = f": {step.because}" if step.because else ""
            view.line(f"{step.time}  {step.kind.partition('.')[2]}{by}{because}", indent=2)
        view.heading("What was said")
        for one in acts[:_SHOWN]:
            undone = f"  (undone by event {one.undone})" if one.undone else ""
            view.line(f"{one.event}  {one.time[:10]}  {_told(one, names)}{undone}", indent=2)
        if not acts:
            view.line("Nothing yet.", "dim", indent=2)
        for words in _commands(found.id, row, acts, waiting):
            view.command(words)

    return Answer(data, show)


@verb("look", short_help="Look again at pages that were proven.")
@click.argument("identifier", metavar="[DOOR]", required=False)
def look(place: Place, identifier: str | None) -> Answer:
    """Look again whether the codes are still there: at one DOOR, or at all that were not looked at for a day.

    `serve` does the latter by itself. A door whose code is gone for a week is lost: what was said stays, nothing more
    is said by it.
    """
    with _office(place) as office:
        if identifier:
            office.door(identifier)
        with office.archive.lock("look", what="phonolith door look"):
            seen = office.look_again(identifier or "")
        states = {key.door: str(office.doors()[key.door].state) for key, _ in seen if key.door in office.doors()}
    looked = [
        {"door": key.door, "page": key.page, "found": one.found, "problem": one.problem, "state": states.get(key.door)}
        for key, one in seen
    ]

    def show(view: View) -> None:
        for one in looked:
            said = f"there ({one['found']})" if one["found"] else f"not there: {one['problem']}"
            view.line(f"{one['door']}  {one['page']}: the code is {said}")
        if not looked:
            view.line("No page is due.", "green")

    return Answer({"looked": looked}, show)


@verb("open", short_help="Let in whoever waits at a door.")
@click.argument("identifier", metavar="DOOR")
@click.option("--code", default="", metavar="CODE", help="The code you saw among the words of the page.")
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the register.")
def open_(place: Place, identifier: str, code: str, because: str) -> Answer:
    """Open a door that waits for you or was ended, after you looked at its page yourself.

    Where codes stand among the words of the page, name the one that whoever has the page wrote: visitors may have
    written others.
    """
    from phonolith.rights.attest import reason

    with _office(place) as office:
        plain = code.removeprefix("phonolith-door=")
        event = office.open(identifier, because=reason(because), actor=place.actor, code=plain)
        row = _row(office, office.door(identifier))

    def show(view: View) -> None:
        view.line(f"Door {identifier} is {row['state']}; who waited at it may come in.", "bold")

    return Answer({**row, "event": event.seq if event else None}, show)


@verb("end", short_help="End a door and all links to it.")
@click.argument("identifier", metavar="DOOR")
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the register.")
@click.option("--undo", is_flag=True, help="All that was said by it counts no more.")
def end(place: Place, identifier: str, because: str, undo: bool) -> Answer:
    """End a door: a site that changed hands, say. What was said stays, unless --undo takes all of it back."""
    from phonolith.cli.withdrawals import keep_list
    from phonolith.rights.attest import reason

    with _office(place) as office:
        event = office.end(identifier, because=reason(because), actor=place.actor, undo=undo)
        listed = keep_list(place, office.archive) if undo else 0
        row = _row(office, office.door(identifier))

    def show(view: View) -> None:
        view.line(f"Door {identifier} is ended, event {event.seq}.", "bold")
        if undo:
            view.line("All that was said by it is undone; corrections and licences follow with: phonolith build")

    return Answer({**row, "event": event.seq, "undone": undo, "listed": listed}, show)


@verb("undo", short_help="Undo one thing that was said at a door.", examples=('door undo 41 --because "not theirs"',))
@click.argument("event", type=click.IntRange(1))
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the register.")
def undo(place: Place, event: int, because: str) -> Answer:
    """Undo what was said in an EVENT. What counted before counts again."""
    from phonolith.cli.withdrawals import keep_list
    from phonolith.rights.attest import reason

    with _office(place) as office:
        done = office.undo(event, because=reason(because), actor=place.actor)
        listed = keep_list(place, office.archive)

    def show(view: View) -> None:
        view.line(f"Event {event} is undone by event {done.seq}.", "bold")
        view.line("Links, covers and what was down follow within 5 seconds, corrections with: phonolith build", "dim")

    return Answer({"event": done.seq, "undone": event, "listed": listed}, show)


def queue(place: Place) -> list[dict[str, Any]]:
    """Doors that wait for a person, then what doors contradict each other about."""
    with _office(place) as office:
        rows = [row for one in office.doors().values() if (row := _row(office, one))["why"]]
        return rows + [_dispute(*one) for one in office.decisions().contrary()]


def outside_of(settings: Settings) -> Outside | None:
    """What the door needs from outside; None without a contact, since no page is asked for without saying by whom."""
    from phonolith.catalogue.corrections import check
    from phonolith.door.looking import Looking
    from phonolith.door.seen import Outside
    from phonolith.sources.client.client import Client

    if not settings.contact:
        return None
    return Outside(Looking(lambda: Client(settings.contact, trusted=settings.door_trusted)), check)


@contextmanager
def _office(place: Place) -> Iterator[Office]:
    """The office, with the catalogue at hand where one is built."""
    from contextlib import ExitStack, suppress

    from phonolith.door.office import Office
    from phonolith.door.seen import Outside, Seen
    from phonolith.errors import Damaged, NewerFormat, NotFound
    from phonolith.library.catalogue import Catalogue
    from phonolith.library.overlay import Overlay
    from phonolith.library.reading import Library
    from phonolith.web.practice import door_practice_of

    archive, settings = place.archive(), place.settings()
    blind = Outside(lambda page, _: Seen("", page.url, "", "the setting contact is empty"), lambda *_: None)
    with ExitStack() as opened:
        library: Library | None = None
        with suppress(NotFound, NewerFormat, Damaged):
            catalogue = Catalogue.open(archive.catalogue)
            opened.callback(catalogue.close)
            library = Library(catalogue, Overlay(opened.enter_context(archive.register())))
        outside = outside_of(settings) or blind
        practice = door_practice_of(settings)
        yield opened.enter_context(Office(archive, practice, outside, now=place.now, library=lambda: library))


def _row(office: Office, found: Door) -> dict[str, Any]:
    """A door in short."""
    from phonolith.door import scope
    from phonolith.errors import NotFound, Withdrawn

    try:
        with office.reading() as reading:
            subject = scope.subject_of(reading, found.subject)
        name, reference = subject.name, f"{subject.kind}:{subject.id}"
    except (NotFound, Withdrawn):
        name = reference = found.subject
    said = [one for one in office.acts(found.id) if not one.undone]
    row: dict[str, Any] = {"door": found.id, "state": str(found.state), "subject": reference, "name": name}
    row |= {"voice": found.voice, "page": found.page, "proven": found.proven, "since": found.since}
    return {**row, "said": len(said), "why": office.why_person(found)}


def _dispute(subject: str, what: str, events: tuple[int, ...]) -> dict[str, Any]:
    return {"about": subject, "what": what, "events": events}


def _told(one: Act, names: Mapping[str, str]) -> str:
    values = ", ".join(str(value) for value in one.told.values() if value is not None)
    more = f" and {len(one.subjects) - 1} more" if len(one.subjects) > 1 else ""
    about = names.get(one.subjects[0], one.subjects[0])
    return f"{one.kind.partition('.')[2]} {about}{more}{': ' if values else ''}{values}"


def _names(office: Office, ids: Sequence[str]) -> dict[str, str]:
    """What is said of, as people know it; ids that are in no catalogue any more are left out."""
    from contextlib import suppress

    from phonolith.errors import NotFound

    found = {}
    with suppress(NotFound), office.reading() as reading:
        for one in dict.fromkeys(ids):
            with suppress(NotFound):
                kind, row = reading.snapshot.find(one)
                column = "title" if kind in ("track", "release") else "name"
                title = reading.rows(f"SELECT {column} FROM {kind} WHERE id = ?", (row,))[0][0]
                found[one] = f"{kind}:{one} {title}"
    return found


def _commands(identifier: str, row: dict[str, Any], acts: list[Act], waiting: Sequence[str]) -> Iterator[str]:
    yield from (f"phonolith door open {identifier} --code {code} --because …" for code in waiting)
    if not waiting and (row["why"] or row["state"] == "ended"):
        yield f"phonolith door open {identifier} --because …"
    if row["state"] != "ended":
        yield f"phonolith door end {identifier} --because …"
    if standing := [one.event for one in acts if not one.undone]:
        yield f"phonolith door undo {standing[0]} --because …"


def _tell_contrary(view: View, contrary: list[dict[str, Any]]) -> None:
    for one in contrary:
        events = " and ".join(str(number) for number in one["events"])
        view.line(
            f"Contrary words about the {one['what']} of {one['about']}, events {events}: neither counts.", "yellow"
        )


for command in (list_, show_, look, open_, end, undo):
    door.add_command(command)

COMMANDS = {"door": door}

"""``notice``: receive notices, see what is due, decide on them, and forget who sent them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.text import plural
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.library.catalogue import Catalogue
    from phonolith.notices.office import Office
    from phonolith.rights.notices import Notice

#: What can be decided, and the event that says so.
MOVES = {
    "hide": "notice.hidden",
    "uphold": "notice.upheld",
    "reject": "notice.rejected",
    "reopen": "notice.reopened",
    "restore": "notice.restored",
    "permanent": "notice.permanent",
    "forward": "counter.forwarded",
    "decline": "counter.declined",
}
_TEXTS = ("name", "email", "address", "telephone", "work", "reasons", "signature")
_TICKS = ("good-faith", "authorised")
_TOUCHING = {"hide", "reject", "restore"}  # what changes what is published


@click.group("notice", short_help="Notices: receive, see what is due, decide.")
def notice() -> None:
    """Notices that something should not be here. A complete one from a confirmed address hides what it is about.

    Names, addresses and texts stay in private/; the register and the public log have ids, states and your reasons.
    """


def _fields(command: Any) -> Any:
    for name in reversed(_TICKS):
        command = click.option(f"--{name}", is_flag=True, help="The letter says so, as the form asks.")(command)
    for name in reversed(_TEXTS):
        command = click.option(f"--{name}", default="", metavar="TEXT", help="As the letter has it; private.")(command)
    return command


@verb(
    "file",
    short_help="Enter a notice that came by letter or mail.",
    examples=(
        'notice file owner --item track:ID --name "A. Player" --email a@example.org --reasons "I made it" '
        "--authorised --confirmed",
    ),
)
@click.argument("form", type=click.Choice(["copyright", "illegal", "abuse", "owner", "licence"]))
@click.option("--item", "items", multiple=True, metavar="ID", help="What it is about: id, address of a page, digest.")
@_fields
@click.option("--confirmed", is_flag=True, help="You know that it comes from who it says; else a link is mailed.")
def file(place: Place, form: str, items: tuple[str, ...], confirmed: bool, **told: Any) -> Answer:
    """Enter a notice, and answer it with a receipt. What the form asks for and is missing is said; it hides nothing."""
    values = {name: text for name, text in told.items() if text and text is not True}
    values |= {name: "yes" for name, ticked in told.items() if ticked is True}
    values["items"] = "\n".join(items)
    with _office(place) as office:
        receipt = office.file(form, values, road="operator", confirmed=confirmed, actor=place.actor)
        row = _row(office, office.notice(receipt.notice))
        link = f"{office.practice.url}/notices/receipt/{receipt.token}"
        _attend(place, office)

    def show(view: View) -> None:
        view.line(f"Notice {receipt.notice}: {receipt.state}", "bold")
        _tell_due(view, row)
        if receipt.lacks:
            view.line(f"Missing: {', '.join(receipt.lacks)}", "yellow")
        for line in receipt.strange:
            view.line(f"Names nothing here: {line}", "yellow")
        view.line(f"Whoever sent it follows it at {link}", "dim")

    data = {**row, "receipt": link, "strange": receipt.strange, "mailed": receipt.mailed}
    return Answer(data, show)


@verb("list", short_help="Notices and what is due when.", examples=("notice list", "notice list --all"))
@click.option("--all", "every", is_flag=True, help="Those too on which nothing is due.")
def list_(place: Place, every: bool) -> Answer:
    """List notices on which something is due, the most urgent first."""
    with _office(place) as office:
        rows = [_row(office, one) for one in office.notices().values()]
        waiting, unsent = office.letters.waiting(limit=1), office.letters.unsent()
    urgent = sorted(rows, key=lambda row: (row["due"] is None, row["due"] and row["due"]["by"], row["notice"]))
    chosen = [row for row in urgent if every or row["due"]]

    def show(view: View) -> None:
        columns = [Column("notice", keep=True), Column("state"), Column("items", right=True), Column("by", keep=True)]
        columns.append(Column("what is due", grow=1))
        cells = [
            (
                row["notice"],
                row["state"],
                row["items"],
                *((row["due"]["by"][:10], row["due"]["what"]) if row["due"] else ("", "")),
            )
            for row in chosen
        ]
        if cells:
            view.table(columns, cells, header=True)
        else:
            view.line("Nothing is due.", "green")
        if waiting:
            told = f"{plural(unsent, 'letter')} to be sent: {waiting[0].problem or 'phonolith notice attend'}"
            view.line(told, "yellow")
        view.hint("To look at one: phonolith notice show NOTICE")

    return Answer({"notices": chosen, "unsent": unsent}, show)


@verb("show", short_help="A notice with its letters, its history and what can be decided.")
@click.argument("identifier", metavar="NOTICE")
def show_(place: Place, identifier: str) -> Answer:
    """Show a notice whole, with who sent it and what they wrote: that is private, and stands nowhere else."""
    from phonolith.notices.words import STATES, STEPS
    from phonolith.rights.notices import fits

    with _office(place) as office:
        found = office.notice(identifier)
        row = _row(office, found)
        letters = office.letters.about(identifier)
    moves = [move for move, kind in MOVES.items() if fits(found, kind)]
    letters_of: list[dict[str, Any]] = [
        {"id": one.id, "form": one.form, "time": one.time, "told": dict(one.told)} for one in letters
    ]
    data = {**row, "about": found.about, "hidden": found.down, "steps": found.steps, "letters": letters_of}
    data |= {"lacks": found.lacks, "can": moves}

    def show(view: View) -> None:
        view.heading(f"Notice {found.id}", f"{found.form}, {found.state}")
        view.line(STATES[found.state])
        _tell_due(view, row)
        if found.lacks:
            view.line(f"Missing: {', '.join(found.lacks)}", "yellow")
        for letter in letters_of:
            view.heading("What was written" if letter["id"] == found.id else "The answer to it", str(letter["time"]))
            view.pairs(letter["told"].items())
        if not letters_of:
            view.line("Who sent it, and what they wrote, was forgotten.", "dim")
        view.heading("About")
        for one in found.about[:20]:
            view.line(f"{one}{'  hidden' if one in found.down else ''}", indent=2)
        if len(found.about) > 20:
            view.line(f"and {len(found.about) - 20:,} more", "dim", indent=2)
        view.heading("What happened")
        for step in found.steps:
            by = " by rule" if step.rule else ""
            view.line(f"{step.time}  {STEPS[step.kind]}{by}{': ' if step.because else ''}{step.because}", indent=2)
        for move in moves:
            view.command(f"phonolith notice decide {found.id} {move} --because …")

    return Answer(data, show)


@verb(
    "decide",
    short_help="Take the next step of a notice.",
    examples=('notice decide NOTICE uphold --because "the work is registered, and the file is the same recording"',),
)
@click.argument("identifier", metavar="NOTICE")
@click.argument("move", type=click.Choice(list(MOVES)))
@click.option("--because", required=True, metavar="TEXT", help="The reasons, in your words; they are published.")
@click.option("--only", multiple=True, metavar="ID", help="Hide these items alone.")
def decide(place: Place, identifier: str, move: str, because: str, only: tuple[str, ...]) -> Answer:
    """Hide, uphold, reject, restore, or deal with a counter-notice: what `notice show` says can be done.

    A running library follows within 5 seconds, seeding within a minute. Whoever wrote about it is told, with your
    reasons.
    """
    from phonolith.cli.withdrawals import keep_list
    from phonolith.model.ids import split_reference
    from phonolith.rights.attest import reason

    named = [split_reference(one)[1] if ":" in one else one for one in only]
    with _office(place) as office:
        event = office.decide(identifier, MOVES[move], because=reason(because), actor=place.actor, only=named)
        found = office.notice(identifier)
        row = _row(office, found)
        listed = keep_list(place, office.archive) if move in _TOUCHING else 0
        sent, failed = _attend(place, office)

    def show(view: View) -> None:
        view.line(f"Notice {identifier} is {found.state}, event {event.seq}.", "bold")
        _tell_due(view, row)
        if listed:
            view.line(f"{listed} lines added to the list of withdrawals, which mirrors follow.", "dim")
        if failed:
            view.line(f"{failed} letters could not be sent; they are tried again.", "yellow")

    return Answer({**row, "event": event.seq, "hidden": found.down, "listed": listed, "sent": sent}, show)


@verb("attend", short_help="Take the steps that are due by rule, and send mail.")
def attend(place: Place) -> Answer:
    """Do now what `serve` does by itself every few seconds: for archives that are not served, from cron or a timer."""
    from phonolith.cli.withdrawals import keep_list
    from phonolith.notices.duty import attend as attend_
    from phonolith.web.practice import mailer_of

    with _office(place) as office:
        done = attend_(office, mailer_of(place.settings(), office.archive), now=place.now())
        if done.events:
            keep_list(place, office.archive)
        steps = [{"notice": one.body["notice"], "event": one.seq, "kind": one.kind} for one in done.events]

    def show(view: View) -> None:
        for one in steps:
            view.line(f"{one['notice']}: {str(one['kind']).partition('.')[2]}")
        view.line(
            f"{len(steps)} steps by rule, {done.sent} letters sent" + (f", {done.failed} not" if done.failed else "")
        )

    return Answer({"steps": steps, "sent": done.sent, "failed": done.failed}, show)


@verb("forget", short_help="Forget who sent a notice, and what they wrote.")
@click.argument("identifier", metavar="NOTICE")
@click.option("--yes", is_flag=True, help="Do it: nothing brings the letters back.")
def forget(place: Place, identifier: str, yes: bool) -> Answer:
    """Erase the letters of a notice from private/. Its states and your reasons stay; mail about it ends."""
    from phonolith.errors import UsageError

    with _office(place) as office:
        office.notice(identifier)
        if not yes:
            raise UsageError(
                f"notice {identifier}", "its letters would be erased for good", "Say --yes if that is meant"
            )
        gone = office.letters.erase(identifier)

    def show(view: View) -> None:
        view.line(f"{gone} letters were erased. Copies in private/outbox and in backups are yours to erase.")

    return Answer({"notice": identifier, "erased": gone}, show)


def queue(place: Place) -> list[dict[str, Any]]:
    """Notices on which a person has something to do, the most urgent first."""
    with _office(place) as office:
        rows = [_row(office, one) for one in office.notices().values()]
    return sorted((row for row in rows if row["due"] and not row["due"]["rule"]), key=lambda row: row["due"]["by"])


@contextmanager
def _office(place: Place) -> Iterator[Office]:
    """The office, with the catalogue at hand where one is built."""
    from contextlib import ExitStack, suppress
    from functools import partial

    from phonolith.errors import Damaged, NewerFormat, NotFound
    from phonolith.library.catalogue import Catalogue
    from phonolith.notices.office import Office
    from phonolith.web.practice import practice_of

    archive = place.archive()
    with ExitStack() as opened:
        catalogue: Catalogue | None = None
        with suppress(NotFound, NewerFormat, Damaged):
            catalogue = Catalogue.open(archive.catalogue)
            opened.callback(catalogue.close)
        reached = partial(_reach, catalogue) if catalogue else None
        yield opened.enter_context(Office(archive, practice_of(place.settings()), now=place.now, reach=reached))


def _reach(catalogue: Catalogue, ids: Sequence[str]) -> tuple[tuple[str, ...], int]:
    from phonolith.library.overlay import reach

    with catalogue.reading() as snapshot:
        return reach(snapshot, ids)


def _attend(place: Place, office: Office) -> tuple[int, int]:
    """Send what is to be sent; a serving process does it otherwise."""
    from phonolith.errors import Busy
    from phonolith.notices.mailer import send_waiting
    from phonolith.web.practice import mailer_of

    mailer = mailer_of(place.settings(), office.archive)
    try:
        with office.archive.lock("mail", what="sending mail about notices"):
            return send_waiting(office.letters, mailer, sender=office.practice.sender, now=place.now())
    except Busy:
        return 0, 0


def _row(office: Office, found: Notice) -> dict[str, Any]:
    """A notice in short, with what is due."""
    next_ = office.due(found)
    row: dict[str, Any] = {"notice": found.id, "form": found.form, "ground": found.ground, "state": str(found.state)}
    row |= {"received": found.received, "since": found.since, "items": found.items, "reach": found.reach}
    told = {"by": next_.by, "what": next_.what, "rule": next_.rule, "latest": next_.latest} if next_ else None
    return {**row, "due": told}


def _tell_due(view: View, row: dict[str, Any]) -> None:
    if row["due"]:
        latest = f", at the latest {row['due']['latest'][:10]}" if row["due"]["latest"] else ""
        view.line(f"Until {row['due']['by'].replace('T', ' ').removesuffix('Z')} UTC{latest}: {row['due']['what']}.")


for command in (file, list_, show_, decide, attend, forget):
    notice.add_command(command)

COMMANDS = {"notice": notice}

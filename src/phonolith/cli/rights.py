"""``rights``: attest a licence for any number of items, or revoke what was attested."""

from __future__ import annotations

import re
from pathlib import Path

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.errors import NotFound, UsageError
from phonolith.store.archive import Archive


@click.group("rights", short_help="Attest a licence, or revoke what was attested.")
def rights() -> None:
    """Say what you know about licences. Each statement is one event of the register, shown as yours, revocable."""


@verb(
    "attest",
    short_help="Say under which licence something may be used.",
    examples=(
        'rights attest ID --licence CC0-1.0 --as rightsholder --because "I played it"',
        "rights attest source:folder.mine --licence CC-BY-4.0 --as rightsholder --because ours --dry-run",
        'rights attest "label:ID licence:none" --licence CC-BY-4.0 --as licensee --because "their letter"',
    ),
)
@click.argument("selection", nargs=-1, required=True, metavar="SELECTION...")
@click.option("--licence", required=True, metavar="URI", help="The licence's address or SPDX identifier.")
@click.option(
    "--as",
    "capacity",
    required=True,
    type=click.Choice(["rightsholder", "licensee"]),
    help="rightsholder: it is yours to license; licensee: the rightsholder licensed it.",
)
@click.option("--because", required=True, metavar="TEXT", help="How you know; kept in the register and shown.")
@click.option("--document", metavar="FILE", help="What shows it: a file to be held, or the SHA-256 of a held object.")
@click.option("--dry-run", is_flag=True, help="Say what would be attested and change nothing.")
def attest(
    place: Place,
    selection: tuple[str, ...],
    licence: str,
    capacity: str,
    because: str,
    document: str | None,
    dry_run: bool,
) -> Answer:
    """Attest the licence of SELECTION: an ID, @FILE with one ID a line, or what things have in common.

    artist:ID, label:ID and source:NAME are releases; genre:KEY, year:1990-1999, licence:by-sa, held:yes and words:…
    are tracks; several in one argument must all hold, as in "source:folder.mine held:yes". An attestation of a release
    covers its tracks. It is shown as attested and can be revoked. What may be played, and why, follows within five
    seconds; filters and counts by licence follow with the next build.
    """
    from phonolith.cli.decide import record
    from phonolith.cli.select import select
    from phonolith.cli.text import plural
    from phonolith.cli.withdrawals import keep_list
    from phonolith.rights.attest import attestation

    archive = place.archive()
    chosen = select(place, selection)
    digest = _document(archive, document, hold=not dry_run) if document else ""
    body = attestation(chosen, licence=licence, capacity=capacity, because=because, document=digest)
    event = None if dry_run else record(archive, place, [("rights.attested", body)])[0].seq
    if event is not None:
        keep_list(place, archive)
    data = {"event": event, "dry_run": dry_run, "licence": body["licence"], "subjects": body["subjects"]}

    def show(view: View) -> None:
        what = f"{plural(len(body['subjects']), 'item')} under {body['licence']}"
        if event is None:
            view.line(f"Would attest {what}; nothing was changed.")
            return
        view.line(f"Attested {what}, event {event}.")
        view.hint("What is held of it plays within five seconds. Filters and counts follow with: phonolith build")
        view.hint(f"To undo: phonolith rights revoke {event} --because …")

    return Answer(data, show)


@verb("revoke", short_help="Take an attestation back.")
@click.argument("event", type=int)
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the register.")
def revoke(place: Place, event: int, because: str) -> Answer:
    """Take back the attestation with the number EVENT.

    What rested on it stops playing within five seconds; filters and counts by licence follow with the next build.
    """
    from phonolith.cli.decide import events_of, record
    from phonolith.cli.withdrawals import keep_list
    from phonolith.rights.attest import revocation

    archive = place.archive()
    events = events_of(archive)
    kinds = {one.seq: one.kind for one in events}
    if any(one.kind == "rights.attestation_revoked" and one.body["event"] == event for one in events):
        raise UsageError(f"event {event}", "is revoked already", "Nothing needs to be done")
    if kinds.get(event) not in ("rights.attested", "door.licensed"):
        problem = "is no attestation" if event in kinds else "is not in the register"
        raise NotFound(f"event {event}", problem, "phonolith why ID names the events that count for an item")
    done = record(archive, place, [("rights.attestation_revoked", revocation(event, because=because))])[0]
    keep_list(place, archive)

    def show(view: View) -> None:
        view.line(f"Event {event} is revoked by event {done.seq}.")
        view.hint("What rested on it stops within five seconds. Filters and counts follow with: phonolith build")

    return Answer({"event": done.seq, "revoked": event}, show)


def _document(archive: Archive, text: str, *, hold: bool) -> str:
    """The digest of the document, held now if a file was named."""
    if re.fullmatch("[0-9a-f]{64}", text):
        with archive.objects() as objects:
            if not objects.has(text):
                raise NotFound(text, "no object with this digest is held", "Name the file itself")
        return text
    path = Path(text)
    if not path.is_file():
        raise UsageError("--document", f"{text}: there is no such file", "Name a file, or the SHA-256 of a held object")
    if not hold:
        return ""
    with archive.objects() as objects:
        return objects.adopt(path, "copy").sha256


for command in (attest, revoke):
    rights.add_command(command)

COMMANDS = {"rights": rights}

"""``expunge``: remove bytes for good, by order; a tombstone says that they were here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.model.finding import Finding


@verb(
    "expunge",
    short_help="Remove bytes for good: a court order, an erasure, illegal content.",
    examples=('expunge DIGEST --ground law --authority "Landgericht Köln, 14 O 123/26" --yes',),
)
@click.argument("digest", metavar="DIGEST")
@click.option(
    "--ground", type=click.Choice(["owner", "licence", "law"]), required=True, help="What it rests on; published."
)
@click.option("--authority", required=True, metavar="TEXT", help="Who ordered it; kept in the register, not published.")
@click.option("--yes", is_flag=True, help="Do it: nothing brings these bytes back.")
def expunge(place: Place, digest: str, ground: str, authority: str, yes: bool) -> Answer:
    """Remove the object with this SHA-256 from every volume, for good. `show ID` has the digests of a track's files.

    One event names digest, ground and authority. The bytes give way to a tombstone, their ledger row stays, the gate
    refuses them for ever, and they are not taken in again. If they were published, the list of withdrawals says
    expunged. Backups, and copies that others have, are not reached. Stopped halfway, `ledger check` finishes it. A file
    that was adopted by reference is yours: it is named, here, by `status` and `todo`, until you removed it.
    """
    from phonolith.cli.decide import record
    from phonolith.cli.text import plural, size
    from phonolith.cli.withdrawals import keep_list
    from phonolith.errors import UsageError
    from phonolith.releases import expunge as room

    archive = place.archive()
    if not yes:
        with archive.objects() as objects:
            known = objects.held(digest) if re.fullmatch("[0-9a-f]{64}", digest) else None
        what = f"{size(known.size)} at {', '.join(known.places)}" if known else "what is held of it"
        raise UsageError(f"expunge {digest}", f"{what} would be removed for good", "Say --yes if that is meant")
    done = room.expunge(
        archive,
        digest,
        ground=ground,
        authority=authority,
        append=lambda kind, body: record(archive, place, [(kind, body)])[0],
    )
    listed = keep_list(place, archive)

    def show(view: View) -> None:
        where = plural(len(done.paths), "place")
        view.line(f"Expunged by event {done.tombstone.event}: {size(done.size)}, removed from {where}.")
        for one in done.left:
            view.line(f"Not removed: {one}", "yellow")
        if done.left:
            view.line("Mount that disk, or remove the file yourself; then: phonolith ledger check", "yellow")
        if listed:
            view.line("The list of withdrawals says so to everybody who has a copy.", "dim")
        view.hint("What was made of it goes with: phonolith build")

    data = {"digest": digest, "event": done.tombstone.event, "ground": ground, "removed": done.paths, "left": done.left}
    findings = [remaining(digest, left) for left in done.left]
    return Answer({**data, "findings": findings}, show, exit=1 if findings else 0)


def remaining(digest: str, left: str) -> Finding:
    """What is to be done where bytes that are to be gone are still there: ``left`` says where."""
    from phonolith.model.finding import Finding

    problem = f"its bytes are still there: {left}"
    return Finding("object.remains", digest, problem, "Mount that disk, or remove the file yourself", "error")


COMMANDS = {"expunge": expunge}

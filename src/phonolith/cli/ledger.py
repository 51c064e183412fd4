"""``ledger``: what the ledger says of held bytes, compared with what is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from phonolith.cli.expunge import remaining
from phonolith.cli.findings import show_findings
from phonolith.cli.status import working
from phonolith.cli.text import plural
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.model.finding import Finding
    from phonolith.model.progress import Progress
    from phonolith.store.archive import Archive

_LOST = "Restore it from a backup or a mirror"


@click.group("ledger", short_help="Compare what the ledger says with what is there; copy to another volume.")
def ledger() -> None:
    """The ledger has a row for each held object: its size, its digests, and where it lies."""


@verb("check", short_help="Compare rows, places and files; quick, since no bytes are read.")
def check(place: Place) -> Answer:
    """Compare each row of the ledger with itself, each place with its file, each file with the rows, and what is held
    with what records and decisions refer to.

    Sizes are compared and bytes are not read, so a flipped bit is not found: that is `phonolith verify`. Ends with
    exit code 1 if something is amiss.
    """
    archive = place.archive()
    with place.bars() as bars:
        findings = sorted(_check(archive, bars), key=lambda one: one.severity == "note")
    with archive.objects() as objects:
        count = objects.totals()[0]
    wanting = [one for one in findings if one.severity != "note"]

    def show(view: View) -> None:
        show_findings(view, findings)
        if not wanting:
            view.line(f"✓ {plural(count, 'object')}. Everything is where it should be, with its size.", "green")

    return Answer({"healthy": not wanting, "objects": count, "findings": findings}, show, exit=1 if wanting else 0)


@verb(
    "copy",
    short_help="Give every object a copy in one more volume.",
    examples=("ledger copy second",),
)
@click.argument("volume")
def copy(place: Place, volume: str) -> Answer:
    """Copy to VOLUME what has no copy there yet, each compared with its digest on the way.

    Name the volume first: a line `second = "/mnt/second"` under [volumes] in phonolith.toml, best on another disk. It
    may be stopped at any moment and goes on when it is run again; run it again after each harvest.
    """
    archive = place.archive()
    with (
        archive.lock("harvest", what=f"copying to {volume}"),
        archive.objects() as objects,
        place.bars() as bars,
    ):
        before, _ = objects.lacking(volume)
        findings = list(objects.copy_to(volume, bars))
    copied = before - len(findings)

    def show(view: View) -> None:
        show_findings(view, findings)
        view.line(f"Copied {plural(copied, 'object')} to {volume}." if copied or findings else "Every object is there.")

    return Answer({"volume": volume, "copied": copied, "findings": findings}, show, exit=1 if findings else 0)


def _check(archive: Archive, progress: Progress) -> Iterator[Finding]:
    """What was expunged and cut off; rows, places and files; then references."""
    from phonolith.model.finding import Finding
    from phonolith.releases.expunge import settle
    from phonolith.store.structure import check_ledger, check_segments

    harvesting = working(archive, "harvest")
    if harvesting:
        problem = f"{harvesting}; files without a row were not looked for"
        yield Finding("harvest.busy", "harvest", problem, "Run it again when the harvest is done", "note")
    for gone in settle(archive):
        for left in gone.left:
            yield remaining(gone.sha256, left)
    with archive.ledger() as rows:
        for one in check_ledger(rows, archive.volumes, progress, orphans=not harvesting):
            yield one
            if one.code == "ledger.damaged":
                return
    with archive.records() as records:
        yield from check_segments(records.segments())
    yield from _references(archive, progress)


def _references(archive: Archive, progress: Progress) -> Iterator[Finding]:
    """What records and decisions name by its digest and is not held."""
    from phonolith.model.finding import Finding

    with archive.ledger() as rows:
        for code, subject, digest in _named(archive, progress):
            if rows.size(bytes.fromhex(digest)) is None:
                problem = f"it names the object {digest}, which is not held"
                yield Finding(code, subject, problem, _LOST, "error")


def _named(archive: Archive, progress: Progress) -> Iterator[tuple[str, str, str]]:
    """Every reference to an object: code of the finding if it leads nowhere, who refers, to which digest."""
    from phonolith.harvest.references import referenced

    with archive.register() as register:
        for event in register.events():
            if document := event.body.get("document"):
                yield "register.reference", f"event {event.seq}", str(document)
    with archive.records() as records:
        progress.start("Following references", records.count(), "records")
        for subject, digest in referenced(records, progress):
            yield "record.reference", subject, digest
        progress.finish()


for command in (check, copy):
    ledger.add_command(command)

COMMANDS = {"ledger": ledger}

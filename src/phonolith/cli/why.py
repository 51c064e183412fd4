"""``why``: what may be done with a track or a release, and on what that rests."""

from __future__ import annotations

import click

from phonolith.cli.reading import reading
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View


@verb("why", short_help="Why something may or may not be held, played or given on.")
@click.argument("identifier", metavar="ID")
def why(place: Place, identifier: str) -> Answer:
    """Explain what may be done with a track or a release.

    It shows what was stated, by whom, where and when, what was decided since, and what would change the answer.
    """
    from phonolith.cli.select import split
    from phonolith.library.why import why as ask

    with reading(place) as library, place.archive().records() as records:
        found = ask(library, split(identifier, identifier), records=records)
    lines = found.lines()

    def show(view: View) -> None:
        view.heading(found.title)
        for line in lines:
            if line.lstrip().startswith("`phonolith"):
                view.command(line.strip().strip("`"))
            else:
                view.line(line.lstrip(), indent=len(line) - len(line.lstrip()))

    data = {
        "reference": found.reference,
        "title": found.title,
        "evidence": found.subject.evidence,
        "statements": found.statements,
        "origin": found.origin,
        "attestations": found.attestations,
        "withdrawn": found.withdrawn,
        "corrections": found.corrections,
        "record": found.record,
        "decisions": {one.use.value: one for one in found.decisions},
        "text": lines,
    }
    return Answer(data, show)


COMMANDS = {"why": why}

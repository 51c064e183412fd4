"""``build``: make the catalogue from what was gathered and decided."""

from __future__ import annotations

import os
import re

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.errors import UsageError


@verb("build", short_help="Make the catalogue from what was gathered.")
@click.option(
    "--as-of", metavar="DATE", help="The date the catalogue states: YYYY-MM-DD. Default: of the last decision."
)
@click.option(
    "--workers", type=click.IntRange(0, 256), help="Processes; 0: one for each processor. Default: build.workers."
)
def build(place: Place, as_of: str | None, workers: int | None) -> Answer:
    """Make derived/catalogue.sqlite: interpret, rank, write, index, check, swap.

    The old catalogue serves until the new one takes its place, and stays if the build fails or is stopped. The same
    records, settings and date give the same catalogue.
    """
    from phonolith.catalogue.build import build as run

    if as_of is not None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", as_of):
        raise UsageError("--as-of", f"{as_of!r} is not a date", "Write YYYY-MM-DD")
    archive, settings = place.archive(), place.settings(build_workers=workers)
    with place.bars() as bars:
        report = run(archive, as_of=as_of, progress=bars, workers=settings.build_workers or os.cpu_count() or 1)

    def show(view: View) -> None:
        view.line(str(report))

    return Answer({"report": report}, show)


COMMANDS = {"build": build}

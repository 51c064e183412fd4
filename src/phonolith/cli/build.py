"""``build``: make the catalogue from what was gathered and decided."""

from __future__ import annotations

import os
import re
import time
from typing import Any

import click

from phonolith.cli.text import number, plural, size, span
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.errors import UsageError

_SHOWN = 10  # findings on a terminal


@verb("build", short_help="Make the catalogue from what was gathered.")
@click.option(
    "--as-of", metavar="DATE", help="The date the catalogue states: YYYY-MM-DD. Default: of the last decision."
)
@click.option(
    "--workers", type=click.IntRange(0, 256), help="Processes; 0: one for each processor. Default: build.workers."
)
def build(place: Place, as_of: str | None, workers: int | None) -> Answer:
    """Make derived/catalogue.sqlite: interpret, rank, write, index, changes, check, swap.

    The old catalogue serves until the new one takes its place, and stays if the build fails or is stopped. The same
    records, settings and date give the same catalogue.
    """
    from phonolith.catalogue.build import build as run
    from phonolith.cli.reading import reading
    from phonolith.cli.withdrawals import keep_list
    from phonolith.library.coverage_series import keep

    if as_of is not None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", as_of):
        raise UsageError("--as-of", f"{as_of!r} is not a date", "Write YYYY-MM-DD")
    archive, settings = place.archive(), place.settings(build_workers=workers)
    begun = time.monotonic()
    with place.bars() as bars:
        report = run(archive, as_of=as_of, progress=bars, workers=settings.build_workers or os.cpu_count() or 1)

    with reading(place) as library:
        keep(archive, library, place.now())
    keep_list(place, archive)  # what this build found stricter is refused from now on
    took = time.monotonic() - begun
    data: dict[str, Any] = {
        "catalogue": report.path,
        "as_of": report.as_of,
        "bytes": report.path.stat().st_size,
        "rows": report.rows,
        "counts": report.counts,
        "findings": report.findings,
        "seconds": round(took, 1),
    }

    def show(view: View) -> None:
        for one in report.findings[:_SHOWN]:
            view.line(f"! {one}", "yellow")
        if len(report.findings) > _SHOWN:
            view.line(f"! {number(len(report.findings) - _SHOWN)} more; --json has them", "yellow")
        made = (plural(report.rows.get(name, 0), name) for name in ("track", "release", "artist"))
        view.line(f"{', '.join(made)} as of {report.as_of}", "bold")
        view.line(f"{report.path}, {size(data['bytes'])}, in {span(took)}")
        view.hint("Next: phonolith serve, or: phonolith search WORDS")

    return Answer(data, show)


COMMANDS = {"build": build}

"""``derive``: make access copies, waveforms and thumbnails of held files, where their licences permit it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from phonolith.cli.text import bytes_of, number, plural, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.measure.derive import DeriveReport

_SHOWN = 15
#: What ``--only`` says, and the forms that it means.
_ONLY = {"audio": ("opus", "aac"), "thumbnail": ("thumbnail",), "waveform": ("peaks",)}


@verb(
    "derive",
    short_help="Make small copies for listening, where licences permit it.",
    examples=("derive --budget 10GB", "derive --only waveform", "derive --again"),
)
@click.option("--only", type=click.Choice(sorted(_ONLY)), help="Make nothing else.")
@click.option("--budget", metavar="SIZE", help="Make at most so many bytes of copies this time, as in 10GB.")
@click.option("--again", is_flag=True, help="Try again what nothing could be made of before.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Files at a time. Default: as many as processors.")
def derive(place: Place, only: str | None, budget: str | None, again: bool, workers: int | None) -> Answer:
    """Make of each held file an Opus copy of about 75 kbit/s, an AAC copy for browsers without Opus, and a waveform; of
    each cover a thumbnail.

    Only where its licence permits re-encoding. The original stays as it is; copies lie in derived/access and can be
    made again. Each is made in a child process with limits on memory, time and disk. A second run makes what is
    missing.
    """
    from phonolith.cli.reading import reading
    from phonolith.measure.derive import Wanted
    from phonolith.measure.derive import derive as work

    forms = _ONLY[only] if only else ()
    wanted = Wanted(bytes_of("--budget", budget), again, workers or os.cpu_count() or 1, forms)
    with reading(place) as library, place.bars() as bars:
        report = work(place.archive(), library, wanted, progress=bars, clock=place.now)
    names = ("made", "bytes", "current", "failed", "refused", "dropped", "left", "findings")
    data = {name: getattr(report, name) for name in names}
    return Answer(data, lambda view: _show(view, report), 1 if report.findings else 0)


def _show(view: View, report: DeriveReport) -> None:
    if report.findings:
        columns = [Column("file", grow=1), Column("what is wrong", grow=2)]
        view.table(columns, [(one.subject, one.problem) for one in report.findings[:_SHOWN]])
        view.hint(report.findings[0].remedy)
    view.line(f"Copies made of {plural(report.made, 'file')}, {size(report.bytes)}", "bold")
    told = {
        "had theirs already": report.current,
        "may not be re-encoded, by their licence or for want of one": report.refused,
        "may not be re-encoded any more; their copies are gone": report.dropped,
        "wait for another run, beyond the budget": report.left,
        "gave none": report.failed,
    }
    for words, count in told.items():
        if count:
            view.line(f"{number(count)} {words}", indent=2)


COMMANDS = {"derive": derive}

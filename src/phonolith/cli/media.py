"""``harvest media``: fetch the music and pictures that harvested records lead to, where their licences permit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.text import bytes_of, number, plural, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.harvest.fetch import Means
    from phonolith.harvest.listed import Encode
    from phonolith.harvest.wanted import FetchReport, Wanted
    from phonolith.model.frontier import Run
    from phonolith.store.archive import Archive

_WORKSHOP = ".encode-"
_REASONS = 8  # shown for a collection; --json has them all


@verb(
    "media",
    short_help="Music and pictures that harvested records lead to.",
    examples=(
        "harvest media --dry-run",
        "harvest media internetarchive.netlabels --limit 20GB",
        "harvest --plan plan.jsonl",
    ),
)
@click.argument("collection", required=False)
@click.option("--limit", metavar="SIZE", help="Fetch at most so many bytes this time, as in 500MB or 20GB.")
@click.option("--largest", metavar="SIZE", default="4GB", show_default=True, help="Leave out files that are larger.")
@click.option(
    "--again", is_flag=True, help="Fetch also what is held, to see whether it changed, and what was not there."
)
@click.option("--dry-run", is_flag=True, help="Say what would be fetched, and ask nobody.")
@click.option(
    "--plan",
    "listed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Fetch what is on this work list of phonolith plan, in its order and tiers, and nothing else.",
)
def media(
    place: Place,
    collection: str | None,
    limit: str | None,
    largest: str,
    again: bool,
    dry_run: bool,
    listed: Path | None,
) -> Answer:
    """Fetch the files that the records of COLLECTION name, or those of every collection.

    The gate is asked about each file before a request is made for it; what may not be held is counted, with the reason.
    Files come whole and untouched, and are compared with the digests that the source states. An address that had
    nothing is not asked again for 30 days. Stopped at any moment, the same again goes on where it was.
    """
    from phonolith.harvest.listed import Listed
    from phonolith.harvest.offers import Collection
    from phonolith.harvest.wanted import LARGEST, Wanted

    work_list = Listed.open(listed) if listed is not None else None
    wanted = Wanted(bytes_of("--limit", limit), bytes_of("--largest", largest) or LARGEST, again, work_list)
    archive = place.archive()
    with archive.records() as store:
        names = [collection] if collection else [one for one in store.sources() if not one.startswith("media.")]
        if work_list is not None and not collection:
            names = [one for one in names if work_list.of(Collection(store, one).spoken)]
    with place.bars() as bars:
        work = _planned if dry_run else _fetched
        told = work(archive, names, wanted, place, bars)
    left_to_derive = work_list.copies if work_list is not None else 0
    told = [one for one in told if collection or one[0].offered or one[1]]
    return answer(told, dry_run=dry_run, copies=left_to_derive)


def after(place: Place, bars: Any, told: Answer, run: Run, budget: str | None) -> Answer:
    """The answer of a harvest, and what was then fetched of what its records lead to."""
    from phonolith.harvest.fetch import fetch
    from phonolith.harvest.wanted import Wanted

    report, fetched = fetch(place.archive(), run.source, Wanted(bytes_of("--budget", budget)), means(place, bars))
    if not report.offered and fetched is None:
        return told
    more = answer([(report, fetched)])

    def show(view: View) -> None:
        told.show(view)
        more.show(view)

    return Answer({**told.data, **more.data}, show, max(told.exit, more.exit))


def means(place: Place, bars: Any) -> Means:
    """How files are fetched from here."""
    from phonolith.cli.gather import connecting
    from phonolith.harvest.fetch import Means
    from phonolith.rights.gate import Policy

    settings = place.settings()
    policy = Policy(settings.operator_territory, settings.publish_territories)
    return Means(connecting(place, bars), settings.harvest_origins, policy, bars, place.now, _encoding(place))


def _encoding(place: Place) -> Encode:
    """Makes access copies in the limited child that ``derive`` uses, in folders that are removed again."""
    import shutil
    import tempfile

    from phonolith.errors import BadInput
    from phonolith.measure import child
    from phonolith.measure.encoder import Request

    state = place.archive().state

    @contextmanager
    def encode(path: Path) -> Iterator[Path]:
        for leftover in state.glob(f"{_WORKSHOP}*"):  # of a run that was killed: one harvest at a time holds the lock
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_WORKSHOP, dir=state) as folder:
            made = child.make(Request(str(path.absolute()), str(Path(folder).absolute()), ["opus"]))
            if made.problem:
                raise BadInput(path.name, f"no access copy can be made of it: {made.problem}", "Plan its original")
            yield Path(folder) / made.forms["opus"].name

    return encode


def answer(told: Sequence[tuple[FetchReport, Run | None]], *, dry_run: bool = False, copies: int = 0) -> Answer:
    """What was fetched for each collection, and why the rest was not; ``copies`` of a list are left to derive."""
    wrong = any(finding.severity == "error" for report, _ in told for finding in report.findings)
    data = {"media": [_data(report, run) for report, run in told], **({"left_to_derive": copies} if copies else {})}

    def show(view: View) -> None:
        _show(view, [report for report, _ in told], dry_run)
        if copies:
            view.hint(f"{plural(copies, 'copy', 'copies')} of what is held: phonolith derive makes them")

    return Answer(data, show, 1 if wrong else 0)


def _planned(
    archive: Archive, names: Sequence[str], wanted: Wanted, place: Place, bars: Any
) -> list[tuple[FetchReport, Run | None]]:
    from phonolith.harvest.wanted import plan

    policy = means(place, bars).policy
    return [(plan(archive, name, wanted, policy, bars, place.now()), None) for name in names]


def _fetched(
    archive: Archive, names: Sequence[str], wanted: Wanted, place: Place, bars: Any
) -> list[tuple[FetchReport, Run | None]]:
    from phonolith.harvest.fetch import fetch

    told = []
    for name in names:
        told.append(fetch(archive, name, wanted, means(place, bars)))
        if wanted.budget is not None:
            wanted = replace(wanted, budget=max(0, wanted.budget - told[-1][0].bytes_adopted))
    return told


def _data(report: FetchReport, run: Run | None) -> Mapping[str, Any]:
    names = (
        "offered",
        "held",
        "to_fetch",
        "unknown",
        "left",
        "absent",
        "unlisted",
        "unoffered",
        "copies",
        "objects",
        "bytes_needed",
        "bytes_adopted",
        "findings",
    )
    told = {name: getattr(report, name) for name in names}
    ended = None if run is None else run.finished
    return {"collection": report.collection, **told, "denied": dict(report.denied.most_common()), "finished": ended}


def _show(view: View, told: Sequence[FetchReport], dry_run: bool) -> None:
    from phonolith.cli.harvest import draw_findings

    if not any(report.offered or report.to_fetch for report in told):
        view.line("No record names a file that could be fetched.")
        return
    for report in told:
        draw_findings(view, report)
        view.line(f"{report.collection}: {_sentence(report, dry_run)}", "bold")
        denied = sum(report.denied.values())
        if denied:
            view.line(f"{plural(denied, 'file')} not fetched:", indent=2)
            for reason, count in report.denied.most_common(_REASONS):
                view.line(f"{number(count)}: {reason}", indent=4)
    if any(report.objects for report in told):
        view.hint("Next: phonolith build")
    elif dry_run and any(report.to_fetch for report in told):
        view.hint("To fetch them, leave --dry-run out")


def _sentence(report: FetchReport, dry_run: bool) -> str:
    unstated = f", {number(report.unknown)} of them of unstated size" if report.unknown else ""
    said = [f"{plural(report.objects, 'file')} fetched, {size(report.bytes_adopted)}"]
    if dry_run:
        said = [f"{plural(report.to_fetch, 'file')} to fetch, {size(report.bytes_needed)}{unstated}"]
    said += [f"{number(report.held)} held already"] if report.held else []
    said += [f"{number(report.left)} left for later, beyond the limit"] if report.left else []
    said += [f"{number(report.absent)} not there lately, and not asked for now"] if report.absent else []
    said += [f"{number(report.copies)} kept as access copies alone"] if report.copies else []
    said += [f"{number(report.unoffered)} of the list not offered any more"] if report.unoffered else []
    return "; ".join(said)

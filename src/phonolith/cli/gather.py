"""``harvest SOURCE``, ``harvest resume``, ``harvest status``: gather over the network, and how far that has come."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.text import number, plural, size, span
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from phonolith.harvest.online import Means
    from phonolith.harvest.report import HarvestReport
    from phonolith.model.frontier import Run
    from phonolith.sources.client.client import Client
    from phonolith.sources.client.live import Live
    from phonolith.sources.gathering import Option

_FAILURES = 5  # shown of a run; --json has more
_MOST = 1_000


class Harvests(click.Group):
    """The group ``harvest``: its own commands, and one for each installed source that is asked over the network."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, sources last."""
        return [*super().list_commands(ctx), *_gatherers()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """One of its own, or that of a source; no other source is loaded. Raises SettingError on one that is unfit."""
        from phonolith.sources.base import installed
        from phonolith.sources.gathering import Gathers

        return super().get_command(ctx, name) or (_command(name) if isinstance(installed(name), Gathers) else None)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """``harvest --resume`` is ``harvest resume``, and ``harvest --plan FILE`` is ``harvest media`` with that."""
        if args[:1] == ["--resume"]:
            args = ["resume", *args[1:]]
        elif args and args[0].partition("=")[0] == "--plan":
            args = ["media", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first word. Raises UsageError that names the source it may be meant for."""
        from phonolith.errors import UsageError

        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib

            close = difflib.get_close_matches(args[0], self.list_commands(ctx), 1, 0.5)
            remedy = f"Did you mean {close[0]!r}?" if close else "phonolith harvest --help lists them"
            raise UsageError(f"harvest {args[0]}", "there is no such source", remedy)
        return super().resolve_command(ctx, args)


def _gatherers() -> list[str]:
    """Names of the sources that can be asked over the network; one that is unfit says why when it is used."""
    from phonolith.errors import SettingError
    from phonolith.sources.base import installed, names
    from phonolith.sources.gathering import Gathers

    found = []
    for name in names():
        with suppress(SettingError):
            found += [name] if isinstance(installed(name), Gathers) else []
    return found


def _command(kind: str) -> click.Command:
    """The command of a source, with what that source can be asked for."""
    from phonolith.harvest.online import gatherer
    from phonolith.sources.gathering import SINCE

    source = gatherer(kind)
    begins = getattr(source, "since_option", SINCE)
    terms = source.terms
    licence = f"Its metadata is {terms.metadata_licence}. " if terms.metadata_licence else ""
    about = f"Gather from {source.title}. {licence}Licences of music: {terms.payload_licences}."

    @verb(kind, short_help=f"{source.title}.", help=f"{about}\n\n{_ABOUT}")
    @click.option("--name", default="", metavar="NAME", help="What to call the collection. Default: by what is asked.")
    @click.option("--everything", is_flag=True, help="All of it again, to notice what is gone.")
    @click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after N records; the same again goes on.")
    @click.option("--only", type=click.Choice(["metadata"]), help="metadata: leave music and pictures for later.")
    @click.option("--budget", metavar="SIZE", help="Fetch at most so many bytes of music and pictures, as in 20GB.")
    @click.option("--anew", is_flag=True, help="Begin anew, whatever did not end or stopped at its limit.")
    def gather(
        place: Place,
        name: str,
        everything: bool,
        limit: int | None,
        only: str,
        budget: str | None,
        anew: bool,
        since: str | None = None,
        **words: Any,
    ) -> Answer:
        from phonolith.cli.media import after
        from phonolith.harvest.online import Order, harvest_online

        wish = {key: value if isinstance(value, tuple) else (value,) for key, value in words.items() if value}
        order = Order(kind, wish, name, since or "", everything, only == "metadata", limit, anew)
        with place.bars() as bars:
            report, run = harvest_online(place.archive(), order, means(place, bars))
            told = answer(place, report, run)
            return told if order.metadata_only or not run.finished else after(place, bars, told, run, budget)

    if begins is not None:
        gather = _with(begins, gather)
    for option in reversed(source.options):
        gather = _with(option, gather)
    return gather


_ABOUT = (
    "Then fetch the music and pictures that its records lead to, where their licences permit holding them; see `harvest"
    " media`. Stopped at any moment, the same again goes on where it was; done once, it asks only for what changed"
    " since. It waits as long as the source and its robots.txt ask for."
)


def _with(option: Option, command: click.Command) -> click.Command:
    """Add one thing that can be asked for."""
    if option.place:
        parameter: click.Parameter = click.Argument(
            [option.name], required=option.required, nargs=-1 if option.multiple else 1, metavar=option.metavar
        )
    else:
        parameter = click.Option(
            [f"--{option.name}"],
            help=option.help,
            metavar=option.metavar,
            required=option.required,
            multiple=option.multiple,
        )
    command.params.insert(0, parameter)
    return command


@verb(
    "resume", short_help="Go on with harvests that did not end.", examples=("harvest resume", "harvest resume oaipmh.x")
)
@click.argument("name", required=False)
def resume(place: Place, name: str | None) -> Answer:
    """Go on with the harvest of the collection NAME, or with the one that began last; so does `harvest --resume`."""
    from phonolith.cli import media
    from phonolith.errors import UsageError
    from phonolith.harvest import fetch, online
    from phonolith.sources.payloads import collection_of

    archive = place.archive()
    if name is None:
        with archive.records() as store:
            open_ones = [run.source for run in online.runs(store) if not run.finished]
        if not open_ones:
            raise UsageError("harvest", "there is none to go on with", "Begin one: phonolith harvest --help")
        name = open_ones[0]
    with place.bars() as bars:
        if collection_of(name):
            return media.answer([fetch.resume(archive, name, media.means(place, bars))])
        return answer(place, *online.resume(archive, name, means(place, bars)))


@verb("status", short_help="How far harvests over the network have come.")
def status(place: Place) -> Answer:
    """Each collection that is gathered over the network: when, how much, what waits, what failed."""
    from phonolith.harvest.online import runs
    from phonolith.store.locks import holder

    archive = place.archive()
    running = holder(archive.state / "harvest.lock")
    with archive.records() as store:
        told = [(run, store.frontier(run.source)) for run in runs(store)]
        data = [
            {
                **_data(run),
                "running": running == f"harvest {run.source}",
                "tasks": {str(fate): count for fate, count in frontier.counts().items()},
                "next": frontier.next_time(),
                "again": [{"task": task.key, "why": why} for task, why in frontier.delayed(_MOST)],
                "failures": [
                    {"task": task.key, "state": str(fate), "why": why} for task, fate, why in frontier.failures(_MOST)
                ],
            }
            for run, frontier in told
        ]
    return Answer({"harvests": data}, lambda view: _show_status(view, data))


def means(place: Place, bars: Any) -> Means:
    """How sources are asked from here."""
    from phonolith.harvest.online import Means

    return Means(connecting(place, bars), place.settings().harvest_origins, bars, place.now, words_of)


def connecting(place: Place, bars: Any) -> Callable[[], Client]:
    """Opens the client, by this archive's settings. Raises SettingError without a contact, before anything is begun."""
    from phonolith.sources.client.agent import user_agent
    from phonolith.sources.client.client import Client

    settings = place.settings()
    user_agent(settings.contact)
    own = settings.harvest_origins.values()
    return lambda: Client(settings.contact, report=lambda finding: bars.say(str(finding)), trusted=own)


def words_of(run: Run, live: Live, again: str) -> str:
    """How far a run is, what came, and for whom it waits, in a line: the longest wait, where there are several."""
    told = [f"{number(run.listed)} of {number(run.total)} listed"] if run.total is not None else []
    told.append(f"{size(live.bytes)}, {size(live.bytes_per_second)}/s")
    if live.retries:
        told.append(plural(live.retries, "retry", "retries"))
    waits = sorted(live.waiting, key=lambda one: one.until or 0.0)
    if waits:
        last = waits[-1]
        left = f"{span(max(0.0, last.until - live.now))} " if last.until is not None else ""
        more = f", and {plural(len(waits) - 1, 'more host')}" if len(waits) > 1 else ""
        told.append(f"waits {left}for {last.host}: {last.why}{more}")
    elif again:
        told.append(f"tries again at {again[11:16]} UTC what failed")
    return " · ".join(told)


def answer(place: Place, report: HarvestReport, run: Run) -> Answer:
    """The answer of a harvest over the network."""
    from phonolith.cli.harvest import reported

    told = reported(report, place)
    wrong = any(finding.severity == "error" for finding in report.findings)
    return Answer({**told.data, "run": _data(run)}, told.show, 1 if wrong else 0)


def _data(run: Run) -> dict[str, Any]:
    names = (
        "source",
        "started",
        "finished",
        "since",
        "high_water",
        "listed",
        "total",
        "new",
        "changed",
        "gone",
        "problem",
    )
    return {name: getattr(run, name) for name in names}


def _show_status(view: View, told: list[dict[str, Any]]) -> None:
    if not told:
        view.line("Nothing was gathered over the network yet.")
        view.hint("See phonolith harvest --help")
        return
    columns = [
        Column("collection", "bold", grow=1, ends=True),
        Column("began", wide=True),
        Column("state", keep=True),
        Column("listed", right=True, keep=True),
    ]
    columns += [Column("waiting", right=True), Column("failed", right=True)]
    view.table(columns, [_row(one) for one in told])
    for one in told:
        if one["problem"]:
            view.line(f"{one['source']}: {one['problem']}", "yellow")
        if one["next"] and not one["finished"]:
            view.line(f"{one['source']}: what failed is tried again from {one['next']} on", "dim")
            for delayed in one["again"][:_FAILURES]:
                view.line(f"{delayed['task']}: {delayed['why']}", "dim", 2)
        if absent := one["tasks"].get("absent", 0):
            words = "not there; asked for again after 30 days, or with --again"
            view.line(f"{one['source']}: {plural(absent, 'file')} {words}", "dim")
        if one["failures"]:
            view.line(f"{one['source']}: what was asked in vain", "dim")
        for failure in one["failures"][:_FAILURES]:
            view.line(f"{failure['task']}: {failure['why']}", "dim", 2)
        more = len(one["failures"]) - _FAILURES
        if more > 0:
            view.hint(f"{number(more)} more; --json has them")
    if any(not one["finished"] and not one["running"] for one in told):
        view.hint("Go on: phonolith harvest resume")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    ended = "at its limit" if one["tasks"].get("waiting") else f"ended {one['finished'][:10]}"
    state = ended if one["finished"] else "running" if one["running"] else "stopped"
    of = f"{number(one['listed'])} of {number(one['total'])}" if one["total"] is not None else number(one["listed"])
    tasks = one["tasks"]
    failed = tasks.get("failed", 0) + tasks.get("refused", 0)
    return one["source"], one["started"][:10], state, of, number(tasks.get("waiting", 0)), number(failed)

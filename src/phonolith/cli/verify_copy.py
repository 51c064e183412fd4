"""``verify PATH``: checks anybody's copy of anything published, and repairs it from another one."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.verb import Answer, Place
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.releases.verify.check import Checked
    from phonolith.releases.verify.memory import Memory
    from phonolith.releases.verify.peers import Reach
    from phonolith.releases.verify.run import Done

_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--torrent", "torrents", type=_FILE, multiple=True, metavar="FILE", help="The torrent it is of."),
    click.option("--withdrawn", multiple=True, metavar="LIST", help="What to drop: a list, its folder, or an address."),
    click.option("--key", default="", metavar="KEY", help="The log or public key that has to sign these lists."),
    click.option("--drop", is_flag=True, help="Delete what the lists name; needs --withdrawn."),
    click.option("--all-digests", is_flag=True, help="Compare every digest there is in one reading, not one sort."),
    click.option("--again", is_flag=True, help="Read everything, also what was checked in the last 30 days."),
    click.option("--state", type=_FILE, metavar="FILE", help="Where to remember what was checked."),
    click.option("--threads", type=click.IntRange(1, 64), metavar="N", help="Default: one a processor."),
    click.option("--repair", is_flag=True, help="Repair what is bad; needs --from."),
    click.option(
        "--from",
        "sources",
        multiple=True,
        metavar="COPY",
        help="Another copy: folder, bag, archive, web seed, `swarm`, magnet link, peer as HOST:PORT.",
    ),
    click.option(
        "--patience", type=click.IntRange(1), metavar="SECONDS", help="How long to wait for peers that give nothing."
    ),
)
_MOST = 50  # findings shown to a person


def with_copy_options(function: Any) -> Any:
    """Adds PATH and the options of checking a copy to a verb."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return click.argument("paths", nargs=-1, type=_FILE, metavar="[PATH...]")(function)


def verify_copies(
    place: Place,
    paths: tuple[Path, ...],
    *,
    torrents: tuple[Path, ...],
    withdrawn: tuple[str, ...],
    key: str,
    drop: bool,
    all_digests: bool,
    again: bool,
    state: Path | None,
    threads: int | None,
    repair: bool,
    sources: tuple[str, ...],
    patience: int | None,
) -> Answer:
    """Check what is at the paths; the answer has every file's verdict, and exit 1 where anything is wrong."""
    from phonolith.errors import UsageError
    from phonolith.releases.verify import run
    from phonolith.releases.verify.check import Wish
    from phonolith.releases.verify.withdrawals import withdrawals

    if (drop or key) and not withdrawn:
        raise UsageError("verify", "--drop and --key need a list", "Name it: --withdrawn LIST")
    if repair != bool(sources):
        raise UsageError("verify", "--repair and --from need each other", "Name another copy: --repair --from COPY")
    with _memory(place, state) as (memory, file), place.bars() as bars:
        own = frozenset(f"{file.absolute()}{end}" for end in ("", "-wal", "-shm")) if file else frozenset()
        lists = withdrawals(withdrawn, key, file.with_suffix(".withdrawals.jsonl") if file else None)
        wish = Wish(threads or os.cpu_count() or 1, all_digests, again, lists, own)
        if repair:
            reach, now, others = _reach(place, paths, patience), place.now(), list(sources)
            done = [
                run.verify_and_repair(path, torrents, wish, memory, bars, others, now, reach, drop=drop)
                for path in paths
            ]
        else:
            done = [run.verify(path, torrents, wish, memory, bars, drop=drop) for path in paths]
    copies = [copy for one in done for copy in one.copies]
    wrong = any(finding.severity == "error" for copy in copies for finding in copy.findings)
    data = _data(done, wrong)
    if withdrawn:
        data["unsigned_lists"] = lists.unsigned
        data["dropped"] = [one for each in done for one in each.dropped]

    def show(view: View) -> None:
        for name in lists.unsigned:
            view.line(f"! {name} is not signed: what it says is as good as where you have it from", "yellow")
        _show(view, done)

    return Answer(data, show, 1 if wrong else 0)


def _reach(place: Place, paths: tuple[Path, ...], patience: int | None) -> Reach:
    """How peers are reached: as the archive's settings say that is repaired or that is here, else by default."""
    from phonolith.cli.net import asked_of, net_of, settings_near
    from phonolith.releases.verify.peers import Reach

    settings = settings_near((*paths, place.root), place.environment)
    return Reach(net_of(settings), asked_of(settings, patience))


@contextlib.contextmanager
def _memory(place: Place, state: Path | None) -> Iterator[tuple[Memory, Path | None]]:
    """The memory and its file; where the default one cannot be written, one that lasts as long as this run."""
    from phonolith.errors import PhonolithError
    from phonolith.releases.verify.memory import Memory, state_file

    wanted = state or state_file(place.environment)
    file: Path | None = wanted
    try:
        memory = Memory(wanted, now=place.now())
    except PhonolithError as error:
        if state is not None:
            raise
        click.echo(f"What is checked is not remembered: {error}", err=True)
        file, memory = None, Memory(Path(":memory:"), now=place.now())
    with memory:
        yield memory, file


def _data(done: list[Done], wrong: bool) -> dict[str, Any]:
    copies = [copy for one in done for copy in one.copies]
    counts = Counter(one.verdict for copy in copies for one in copy.verdicts)
    return {
        "sound": not wrong,
        "files": sum(counts.values()),
        "counts": dict(sorted(counts.items())),
        "bytes_read": sum(one.read for one in done),
        "bytes_remembered": sum(one.remembered for one in copies),
        "copies": [_copy(one) for one in copies],
        "repaired": [item for one in done for item in one.mended],
    }


def _copy(one: Checked) -> dict[str, Any]:
    return {
        "kind": one.copy.kind,
        "name": one.copy.name,
        "path": one.copy.root,
        "torrent": one.copy.torrent,
        "checked_before_since": one.since or None,
        "findings": one.findings,
        "files": one.verdicts,
    }


def _show(view: View, done: list[Done]) -> None:
    from phonolith.cli.text import number, size

    for copy in (copy for one in done for copy in one.copies):
        _show_copy(view, copy)
    dropped = [item for one in done for item in one.dropped]
    for gone in dropped[:_MOST]:
        view.line(
            f"{gone.path}: not dropped: {gone.problem}" if gone.problem else f"✓ {gone.path}: dropped, {gone.event}",
            "red" if gone.problem else "green",
        )
    if len(dropped) > _MOST:
        view.line(f"{number(len(dropped) - _MOST)} more were dropped; --json has all of them.", "dim")
    mended = [item for one in done for item in one.mended]
    for item in mended[:_MOST]:
        if item.problem:
            view.line(f"✗ {item.path}: not repaired: {item.problem}", "red")
        elif item.sources:
            view.line(f"✓ {item.path}: repaired with {size(item.fetched)} from {', '.join(item.sources)}", "green")
            if item.aside:
                view.line(f"the old file is {item.aside}", "dim", 2)
    if len(mended) > _MOST:
        view.line(f"{number(len(mended) - _MOST)} more repairs; --json has all of them.", "dim")
    counts = Counter(verdict.verdict for one in done for copy in one.copies for verdict in copy.verdicts)
    if len(done) > 1 or len(done[0].copies) > 1:
        view.pairs([(name, number(count)) for name, count in counts.most_common()])


def _show_copy(view: View, one: Checked) -> None:
    from phonolith.cli.text import number, plural, size

    torrent = f" with {one.copy.torrent.name}" if one.copy.torrent and one.copy.kind != "torrent" else ""
    view.heading(one.copy.name, f"{one.copy.kind}{torrent}")
    for finding in one.findings[:_MOST]:
        style = {"error": "red", "warning": "yellow"}.get(finding.severity, "dim")
        view.line(f"{'✗' if finding.severity == 'error' else '!'} {finding.code}: {finding}", style)
    if len(one.findings) > _MOST:
        view.line(f"{number(len(one.findings) - _MOST)} more; --json has all of them.", "red")
    counts = Counter(verdict.verdict for verdict in one.verdicts)
    view.table([Column("verdict"), Column("files", right=True)], [(name, number(n)) for name, n in counts.items()])
    if one.remembered:
        view.line(f"{size(one.remembered)} were checked before, since {one.since}; --again reads them again.", "dim")
    if not any(finding.severity == "error" for finding in one.findings):
        view.line(f"✓ {plural(counts['ok'], 'file')} as they should be.", "green")

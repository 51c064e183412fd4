"""``verify``: compares bytes with their digests: those held here, read again on a schedule, or anybody's copy."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phonolith import __version__
from phonolith.cli.findings import show_findings
from phonolith.cli.status import before, kept, oldest_line
from phonolith.cli.text import number, plural, size, span
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.verify_copy import verify_copies, with_copy_options
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.cli.bars import Bars
    from phonolith.releases.expunge import Removed
    from phonolith.store.archive import Archive
    from phonolith.store.rereading import Report

_MOST = 50  # dropped objects shown to a person
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[float]):
    """A length of time as people write it: ``90s``, ``30min``, ``2h``, ``1d``; its value is in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; a usage error where it is no length of time."""
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(s|min|h|d)", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is not a length of time, as in 90s, 30min, 2h or 1d", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


@verb(
    "verify",
    short_help="Compare bytes with their digests: those held here, or anybody's copy; repair it.",
    examples=(
        "verify --archive",
        "verify --for 2h --share 25",
        "verify --all --passport",
        "verify ~/Downloads/label-2026-11-cc0-top-small-001",
        "verify music/ --torrent music.torrent",
        "verify bundle --withdrawn https://music.example.org --drop",
        "verify bundle --repair --from http://music.example/bundle/",
        "verify bundle --repair --from swarm",
    ),
)
@with_copy_options
@click.option("--for", "seconds", type=Duration(), metavar="TIME", help="Stop after so long: 90s, 30min, 2h, 1d.")
@click.option("--share", type=click.IntRange(1, 100), metavar="PERCENT", help="Read for so much of the time.")
@click.option("--all", "everything", is_flag=True, help="Read everything now, whenever it was read last.")
@click.option(
    "--passport", "whole", is_flag=True, help="Also compare the hashes for torrents, at three times the work."
)
def verify(
    place: Place,
    seconds: float | None,
    share: int | None,
    everything: bool,
    whole: bool,
    paths: tuple[Path, ...],
    **copy: Any,
) -> Answer:
    """Without PATH, read the bytes of all that is held here again, from the disk, and compare SHA-256.

    Each copy is read once in `fixity.period` days. A run reads what is due, first what was amiss at its last reading,
    then what was never read, then what was read longest ago. It may be stopped or killed at any moment and goes on
    where it was; so does --all. Run it every night, with --for if nights are short. First it drops what another archive
    withdrew of what is mirrored from it, unless it is held for another reason too, and says which; nothing else is
    changed or removed. What is damaged is not served any more, unless another copy of it is sound; the exit code is
    then 1. `ledger check` compares without reading and is quick.

    With PATH, check anybody's copy: a BagIt bag, a folder with its torrent inside or beside it, an archive, or a folder
    of several. Each file is ok, missing, corrupt (with the bytes that are), unproven, unreadable, extra, withdrawn or
    expunged. No archive and no settings are needed. What was checked is remembered, so that the same again after a kill
    goes on where it was. With --withdrawn the lists are checked first, and --drop deletes the files they name whose
    bytes are just those. With --repair only bytes whose hash is right are taken from the other copies; the damaged file
    is set aside, never written over.
    """
    from phonolith.errors import UsageError

    if not paths:
        if any(copy.values()):
            raise UsageError("verify", "--torrent, --repair and the like are for a copy", "Name it: verify PATH …")
        return _own(place, seconds, share, everything=everything, whole=whole)
    if seconds or share or everything or whole:
        raise UsageError("verify", "--for, --share, --all and --passport are for what is held here", "Leave PATH out")
    return verify_copies(place, paths, **copy)


def _own(place: Place, seconds: float | None, share: int | None, *, everything: bool, whole: bool) -> Answer:
    """Read again what is due in the archive here."""
    from phonolith.store.fixity import Pace
    from phonolith.store.rereading import Wish, opened, reread

    archive, settings = place.archive(), place.settings(fixity_share=share)
    wish = Wish(
        before(place.now(), settings.fixity_period),
        everything,
        seconds,
        whole,
        settings.fixity_threads or os.cpu_count() or 1,
    )
    pace = Pace(settings.fixity_share / 100)
    with archive.lock("verify", what="verify"), place.bars() as bars:
        dropped = _dropped(archive, bars)
        with opened(archive) as store:
            report = reread(store, wish, pace, bars, now=place.now, version=__version__)
    gone = kept(archive).gone
    healthy = not report.findings

    def show(view: View) -> None:
        _show_dropped(view, dropped)
        _show(view, report, settings)
        for words, count in gone.items():
            view.line(f"{plural(count, 'object')} without bytes, as it should be: {words}.", "dim")

    data = {**_data(report, settings.fixity_period), "dropped": [_gone(one) for one in dropped], "gone": gone}
    return Answer(data, show, 0 if healthy else 1)


def _dropped(archive: Archive, bars: Bars) -> list[Removed]:
    """Finish what was expunged, and drop what the archives it came from withdrew and nothing else here holds."""
    from phonolith.harvest.references import referenced
    from phonolith.releases.expunge import drop, settle

    def ours(asked: Collection[str]) -> set[str]:
        with archive.records() as records:
            bars.start("Looking for what is held for another reason", records.count(), "records")
            found = {
                digest
                for subject, digest in referenced(records, bars)
                if digest in asked and not subject.startswith("record mirror.")
            }
            bars.finish()
            return found

    return [*settle(archive), *drop(archive, ours)]


def _gone(one: Removed) -> dict[str, Any]:
    stone = one.tombstone
    told = {"sha256": one.sha256, "bytes": one.size, "why": stone.why, "origin": stone.origin, "ground": stone.ground}
    return {**told, "event": stone.event, "removed": one.paths, "left": one.left}


def _show_dropped(view: View, dropped: Sequence[Removed]) -> None:
    for one in dropped[:_MOST]:
        view.line(f"{one.sha256} ({size(one.size)}): {one.tombstone}", "yellow")
        for left in one.left:
            view.line(f"not removed: {left}", "yellow", 2)
    if len(dropped) > _MOST:
        view.line(f"{number(len(dropped) - _MOST)} more were dropped; --json has all of them.", "yellow")


def _data(report: Report, period: int) -> dict[str, Any]:
    return {
        "healthy": not report.findings,
        "began": report.began,
        "ended": report.ended,
        "seconds": round(report.seconds, 3),
        "checked": report.checked,
        "bytes": report.size,
        **report.results,
        "finished": not report.stopped,
        "left": {"files": report.left, "bytes": report.left_size, "seconds": _left_seconds(report)},
        "never_read": report.never,
        "oldest": report.oldest,
        "period_days": period,
        "findings": report.findings,
    }


def _left_seconds(report: Report) -> float | None:
    """How long what is left takes at this run's rate; None where there is no rate."""
    if not report.left:
        return 0.0
    if not report.size or not report.seconds:
        return None
    return round(report.left_size * report.seconds / report.size, 1)


def _show(view: View, report: Report, settings: Any) -> None:
    if report.goes_on_from:
        view.line(f"Went on with the reading of everything that began at {report.goes_on_from}.", "dim")
    show_findings(view, report.findings)
    view.pairs(_pairs(report, settings.fixity_period))
    if not report.findings:
        what = plural(report.checked, "file") if report.checked else "Nothing was due"
        view.line(f"✓ {what}. All that was read is sound." if report.checked else f"✓ {what}.", "green")


def _pairs(report: Report, period: int) -> list[tuple[str, str]]:
    rate = f", {size(report.size / report.seconds)}/s" if report.seconds >= 0.05 else ""
    pairs = [("read", f"{plural(report.checked, 'file')}, {size(report.size)} in {span(report.seconds)}{rate}")]
    pairs += [(result, number(count)) for result, count in report.results.items() if count or result == "sound"]
    if report.left:
        pairs.append(("still due", f"{plural(report.left, 'file')}, {size(report.left_size)}{_forecast(report)}"))
    pairs.append(("oldest unchecked", oldest_line(report.never, report.oldest)))
    if not report.left:
        pairs.append(("period", f"everything was read within {plural(period, 'day')}"))
    return pairs


def _forecast(report: Report) -> str:
    seconds = _left_seconds(report)
    if seconds is None:
        return ""
    runs = max(1, round(seconds / report.seconds + 0.5))
    return f": {span(seconds)} at this rate, {plural(runs, 'more run')} as long as this one"


COMMANDS = {"verify": verify}

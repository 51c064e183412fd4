"""``harvest``: gather from a folder of music, a table, documents or a bundle; with the sources on the net."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.gather import Harvests, resume, status
from phonolith.cli.media import media
from phonolith.cli.text import number, plural, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.harvest.report import HarvestReport
    from phonolith.model.event import Event

_SHOWN = 15  # findings on a terminal; --json has them all


_ADOPT = click.option(
    "--adopt",
    type=click.Choice(["auto", "reflink", "hardlink", "move", "copy", "reference"]),
    default="auto",
    show_default=True,
    help="How bytes are taken in. auto: shared with the original where the disk can, else copied. "
    "reference: they stay where they are.",
)


@click.group("harvest", cls=Harvests, short_help="Gather from folders, tables, bundles, and sources on the net.")
def harvest() -> None:
    """Gather what a source says, and the bytes it permits. A second run adds what changed and nothing else."""


@verb(
    "folder",
    short_help="A folder of audio files, with what lies beside them.",
    examples=(
        "harvest folder ~/Music/our-label",
        "harvest folder ~/Music/our-label --licence-file ~/Music/our-label/LICENSE.md --sidecar tracks.csv",
        "harvest folder /mnt/disk --adopt reference --name attic",
    ),
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", default="", metavar="NAME", help="What to call the collection. Default: as its folder.")
@click.option("--sidecar", type=click.Path(path_type=Path), metavar="CSV", help="A table about the files, by path.")
@click.option(
    "--licence-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The licence file that came with the music: evidence of level 2 for the files it names or all of them.",
)
@_ADOPT
def folder(place: Place, path: Path, name: str, sidecar: Path | None, licence_file: Path | None, adopt: str) -> Answer:
    """Gather the audio files under PATH: their bytes, their tags, and covers, booklets and playlists beside them.

    It says first how many bytes it needs. Stopped, it goes on where it was; run again, it reads only what changed.
    """
    from phonolith.harvest.folder import FolderOptions, harvest_folder
    from phonolith.sources.tags import TagReader

    options = FolderOptions(name, sidecar, licence_file, adopt)
    archive = place.archive()
    with place.bars() as bars, TagReader() as reader:
        report = harvest_folder(archive, path, options, progress=bars, clock=place.now, read=reader.read)
    return reported(report, place)


@verb(
    "table",
    short_help="Rows of CSV, TSV, Parquet or a Data Package.",
    examples=(
        "harvest table albums.csv --map albums.toml",
        "harvest table freemusi-cc --map examples/freemusi-cc.toml",
    ),
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--map",
    "map_path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="MAP.toml",
    help="Which column means what; examples are in examples/.",
)
def table(place: Place, path: Path, map_path: Path) -> Answer:
    """Gather the rows of PATH: a CSV, TSV or Parquet file, a folder of them, or a Data Package.

    Every row arrives, also one that is broken: it is kept as it is, with what is wrong with it.
    """
    from phonolith.harvest.table import harvest_table

    with place.bars() as bars:
        report = harvest_table(place.archive(), path, map_path, progress=bars, clock=place.now)
    return reported(report, place)


@verb("documents", short_help="JSON documents of MusicBrainz in a folder.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--kind", default="musicbrainz", show_default=True, metavar="SOURCE", help="Which source understands them."
)
@click.option("--name", default="", metavar="NAME", help="What to call the collection. Default: as its folder.")
def documents(place: Place, path: Path, kind: str, name: str) -> Answer:
    """Gather the .json files under PATH, and the lines of its .jsonl files, as documents of SOURCE.

    Nothing is asked over the network.
    """
    from phonolith.harvest.documents import harvest_documents
    from phonolith.sources.base import open_source

    open_source(kind)  # an unknown source is told before anything is stored under its name
    archive = place.archive()
    with place.bars() as bars:
        return reported(harvest_documents(archive, path, kind=kind, name=name, progress=bars, clock=place.now), place)


@verb(
    "bundle",
    short_help="A bundle that another archive published.",
    examples=("harvest bundle ~/Downloads/label-2026-11-cc0-top-large-001",),
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--origin", default="", metavar="NAME", help="Who published it. Default: as the bundle says.")
@_ADOPT
def bundle(place: Place, path: Path, origin: str, adopt: str) -> Answer:
    """Take in the bundle in the folder PATH, with the torrents beside it: its files, and what its catalogue says.

    Each file's digest is taken as it comes in. After `phonolith build` its pages are here as they are there, under the
    same permalinks, and `phonolith seed` seeds it.
    """
    from phonolith.cli.decide import record
    from phonolith.harvest.bundle import Options, harvest_bundle

    archive = place.archive()

    def append(kind: str, body: dict[str, Any]) -> Event:
        return record(archive, place, [(kind, body)])[0]

    with place.bars() as bars:
        report = harvest_bundle(archive, path, Options(origin, adopt), append, progress=bars, clock=place.now)
    return reported(report, place)


def reported(report: HarvestReport, place: Place) -> Answer:
    """The answer of any harvest, with what it closed at once."""
    if report.changed or report.gone:
        close(report, place)
    data = {
        "source": report.source,
        "records": report.total,
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "gone": report.gone,
        "objects": report.objects,
        "bytes_needed": report.bytes_needed,
        "bytes_adopted": report.bytes_adopted,
        "waiting": report.waiting,
        "findings": report.findings,
        "findings_left_out": report.left_out,
    }

    def show(view: View) -> None:
        draw_findings(view, report)
        changes = ("new", "changed", "unchanged", "gone")
        counts = ", ".join(f"{number(getattr(report, name))} {name}" for name in changes)
        view.line(f"{report.source}: {plural(report.total, 'record')}: {counts}", "bold")
        if report.objects:
            view.line(f"{plural(report.objects, 'file')} held, {size(report.bytes_adopted)} added")
        if report.waiting:
            view.hint(f"It stopped at its limit, and {number(report.waiting)} wait: the same again goes on")
        if report.total or report.gone or report.objects:
            view.hint("Next: phonolith build")

    return Answer(data, show)


def close(report: HarvestReport, place: Place) -> None:
    """Tell which licences became stricter, and bring the list of withdrawals into step with that."""
    from phonolith.cli.reading import reading
    from phonolith.cli.withdrawals import keep_list
    from phonolith.errors import Damaged, NewerFormat, NotFound
    from phonolith.library.closed import closed

    before = len(report.findings)
    try:
        with reading(place) as library:
            for finding in closed(library):
                report.add(finding)
    except (NotFound, NewerFormat, Damaged):
        return  # nothing is built, so nothing is open
    if len(report.findings) > before:
        keep_list(place, place.archive())


def draw_findings(view: View, report: HarvestReport) -> None:
    """The findings of a harvest, the first few of them."""
    if not report.findings:
        return
    view.table(
        [Column("finding", "yellow", keep=True), Column("where", grow=2), Column("what is wrong", grow=3)],
        [(one.code, one.subject, one.problem) for one in report.findings[:_SHOWN]],
    )
    for code, remedy in dict.fromkeys((one.code, one.remedy) for one in report.findings[:_SHOWN] if one.remedy):
        view.hint(f"{code}: {remedy}")
    more = len(report.findings) - _SHOWN + sum(report.left_out.values())
    if more > 0:
        view.hint(f"{number(more)} more; --json has them")


for command in (folder, table, documents, bundle, media, resume, status):
    harvest.add_command(command)

COMMANDS = {"harvest": harvest}

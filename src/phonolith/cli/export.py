"""``export``: write the catalogue in another form."""

from __future__ import annotations

from pathlib import Path

import click

from phonolith.cli.reading import reading
from phonolith.cli.text import number, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View


@click.group("export", short_help="Write the catalogue in another form.")
def export() -> None:
    """Write the catalogue in another form. What was withdrawn stays behind; no row number leaves the house."""


@verb("parquet", short_help="Tracks, releases and artists as Parquet.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Default: derived/parquet of the archive.")
def parquet(place: Place, out: Path | None) -> Answer:
    """Write tracks.parquet, releases.parquet and artists.parquet, sorted by ID, for any program that reads them."""
    from phonolith.library.export import export_parquet

    with reading(place) as library, place.bars() as bars:
        written = export_parquet(library, out or place.archive().derived / "parquet", progress=bars)

    def show(view: View) -> None:
        columns = [Column("file", "bold", grow=1), Column("rows", right=True), Column("size", right=True)]
        view.table(columns, [(one.path, number(one.rows), size(one.size)) for one in written])

    return Answer({"files": written}, show)


@verb("catalogue", short_help="One catalogue per licence of metadata, to be given away.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Default: derived/open of the archive.")
def catalogue(place: Place, out: Path | None) -> Answer:
    """Write cc0/, by/ and by-sa/, each with what the sources say whose metadata has that licence, and their credits.

    A source whose metadata has another licence, or none that is known, is in none of them.
    """
    from phonolith.library.export_classes import export_classes

    with reading(place) as library, place.bars() as bars:
        done = export_classes(library, out or place.archive().derived / "open", progress=bars)

    def show(view: View) -> None:
        columns = [
            Column("class", "bold"),
            Column("file", grow=1),
            Column("rows", right=True),
            Column("size", right=True),
        ]
        rows = [(one.name, file.path, number(file.rows), size(file.size)) for one in done.written for file in one.files]
        view.table(columns, rows)
        if done.left:
            view.line()
            view.line("Not in any of them:")
            view.table(
                [Column("source", "bold"), Column("why", grow=1)], [(one.source, one.reason) for one in done.left]
            )

    return Answer({"catalogues": done.written, "left_out": done.left}, show)


export.add_command(parquet)
export.add_command(catalogue)

COMMANDS = {"export": export}

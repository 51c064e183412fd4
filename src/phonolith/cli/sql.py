"""``sql``: ask the catalogue in SQL, read-only and with a deadline."""

from __future__ import annotations

import click

from phonolith.cli.reading import reading
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View
from phonolith.library.query import query


@verb(
    "sql",
    short_help="Ask the catalogue in SQL, read-only and with a deadline.",
    examples=(
        'sql "SELECT title, artist, licence FROM tracks LIMIT 10"',
        'sql "SELECT licence, count(*) FROM tracks GROUP BY licence ORDER BY 2 DESC"',
        'sql "SELECT name, text FROM comment"',
    ),
)
@click.argument("statement")
@click.option(
    "--deadline", type=click.FloatRange(0.01, 3600), default=10.0, show_default=True, help="Seconds it may take."
)
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Rows at most.")
def sql(place: Place, statement: str, deadline: float, limit: int) -> Answer:
    """Answer one SELECT over the catalogue.

    The views tracks, releases and artists have names in place of numbers; servable, servable_release and
    servable_artist are the rows that no decision hides. The tables explain themselves: SELECT name, text FROM comment.
    Nothing can be written, attached or loaded.
    """
    with reading(place) as library, library.reading() as now:
        withdrawn = now.decisions.withdrawn
        found = query(library.catalogue.path, statement, withdrawn=withdrawn, deadline=deadline, limit=limit)

    def show(view: View) -> None:
        numbers = [all(isinstance(row[i], int | float | None) for row in found.rows) for i in range(len(found.columns))]
        columns = [
            Column(name, right=right, grow=0 if right else 1)
            for name, right in zip(found.columns, numbers, strict=True)
        ]
        view.table(columns, [[_cell(value) for value in row] for row in found.rows], header=True)
        if found.more:
            view.hint(f"There are more than {limit:,} rows; --limit shows more.")

    data = {"columns": found.columns, "rows": found.rows, "more": found.more, "seconds": round(found.seconds, 6)}
    return Answer(data, show)


def _cell(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


COMMANDS = {"sql": sql}

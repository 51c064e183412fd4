"""Views: one set of shapes, drawn with colour on a terminal and as plain tab-separated lines into a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Protocol, TextIO

from phonolith.cli.text import clean, shortened

if TYPE_CHECKING:
    from rich.console import Console


_WIDE = 100  # columns of a terminal from which on a table shows all it has


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``grow`` is its share of what has to be cut, ``keep`` is never cut, ``wide`` needs a wide terminal.

    ``ends``: what has to be cut is cut in its middle, as of names that differ at their ends.
    """

    name: str
    style: str = ""
    right: bool = False
    grow: int = 0
    keep: bool = False
    wide: bool = False
    ends: bool = False


class View(Protocol):
    """What a verb draws with. Every text is made harmless here, once."""

    def heading(self, text: str, note: str = "") -> None:
        """A title above what follows."""

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """One line, indented as a whole where it has to be broken."""

    def command(self, text: str) -> None:
        """A command to copy, so never broken."""

    def hint(self, text: str) -> None:
        """What to do next: for a person, so it goes to stderr where stdout is a pipe."""

    def pairs(self, rows: Iterable[tuple[str, object]]) -> None:
        """Names and values."""

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[object]], *, header: bool = False) -> None:
        """A table, nothing if there are no rows; ``header``: its columns are named even then, and in plain output."""

    def bars(self, rows: Sequence[tuple[str, float, str]]) -> None:
        """Labelled bars with a note behind each."""


class Plain:
    """For pipes, files and programs: no colour, no cutting, one row a line, columns by tab."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def heading(self, text: str, note: str = "") -> None:
        self.line(f"{text}  {note}" if note else text)

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        self.stream.write(" " * indent + clean(text) + "\n")

    def command(self, text: str) -> None:
        self.line(text, indent=4)

    def hint(self, text: str) -> None:
        sys.stderr.write(clean(text) + "\n")

    def pairs(self, rows: Iterable[tuple[str, object]]) -> None:
        for name, value in rows:
            self.stream.write(f"{clean(name)}\t{clean(value)}\n")

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[object]], *, header: bool = False) -> None:
        if header:
            self.stream.write("\t".join(clean(column.name) for column in columns) + "\n")
        for row in rows:
            self.stream.write("\t".join(clean("" if cell is None else cell) for cell in row) + "\n")

    def bars(self, rows: Sequence[tuple[str, float, str]]) -> None:
        for label, _value, note in rows:
            self.stream.write(f"{clean(label)}\t{clean(note)}\n")


class Rich:
    """For a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def heading(self, text: str, note: str = "") -> None:
        from rich.text import Text

        self.console.print()
        self.console.print(Text(clean(text), "bold") + Text(f"  {clean(note)}" if note else "", "dim"))

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        from rich.padding import Padding
        from rich.text import Text

        self.console.print(Padding(Text(clean(text), style), (0, 0, 0, indent), expand=False))

    def command(self, text: str) -> None:
        from rich.text import Text

        self.console.print(Text(f"    {clean(text)}", "cyan"), soft_wrap=True)

    def hint(self, text: str) -> None:
        self.line(text, "dim")

    def pairs(self, rows: Iterable[tuple[str, object]]) -> None:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in rows:
            grid.add_row(Text(clean(name)), Text(clean(value)))
        self.console.print(grid)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[object]], *, header: bool = False) -> None:
        from rich.table import Table
        from rich.text import Text

        shown = [not column.wide or self.console.width >= _WIDE for column in columns]
        columns = list(compress(columns, shown))
        cells = [[clean("" if cell is None else cell) for cell in compress(row, shown)] for row in rows]
        if not cells and not header:
            return
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
        widths = self._widths(columns, cells)
        for column, width in zip(columns, widths, strict=True):
            table.add_column(
                column.name,
                style=column.style,
                justify="right" if column.right else "left",
                no_wrap=True,
                overflow="ellipsis",
                width=width,
            )
        for row in cells:
            sized = zip(row, columns, widths, strict=True)
            table.add_row(*(Text(shortened(cell, width) if column.ends else cell) for cell, column, width in sized))
        self.console.print(table)

    def _widths(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
        """Natural widths, with what is too much taken from the growing columns in proportion to ``grow``."""
        from rich.cells import cell_len

        natural = [
            max([cell_len(column.name), *(cell_len(row[index]) for row in rows)])
            for index, column in enumerate(columns)
        ]
        room = self.console.width - 2 * len(columns)
        widths = list(natural)
        while (excess := sum(widths) - room) > 0:
            able = [i for i, column in enumerate(columns) if not column.keep and widths[i] > max(6, len(column.name))]
            if not able:
                break
            widest = max(able, key=lambda i: widths[i] / max(columns[i].grow, 0.5))
            widths[widest] -= min(excess, 1)
        return widths

    def bars(self, rows: Sequence[tuple[str, float, str]]) -> None:
        from rich.cells import cell_len, set_cell_size
        from rich.text import Text

        if not rows:
            return
        label_width = min(28, max(cell_len(clean(row[0])) for row in rows))
        note_width = max(cell_len(clean(row[2])) for row in rows)
        room = max(8, min(60, self.console.width - label_width - note_width - 4))
        most = max(row[1] for row in rows) or 1
        for label, value, note in rows:
            bar = _bar(value / most, room)
            self.console.print(
                Text(set_cell_size(clean(label), label_width))
                + "  "
                + Text(bar, "cyan")
                + " "
                + Text(clean(note), "dim"),
                no_wrap=True,
                overflow="ellipsis",
            )


def _bar(share: float, room: int) -> str:
    """A bar in eighths of a column; anything above nothing shows at least a sliver."""
    eighths = max(round(share * room * 8), 1 if share > 0 else 0)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[rest]


def view_for(stream: TextIO | None = None) -> View:
    """The view for a stream (stdout): rich on a terminal, plain elsewhere."""
    target = stream if stream is not None else sys.stdout
    if not target.isatty():
        return Plain(target)
    from rich.console import Console

    return Rich(Console(file=target, highlight=False))

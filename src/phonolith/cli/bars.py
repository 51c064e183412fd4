"""Progress on stderr: phases, a bar with rate and time left, silent where stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from phonolith.cli.text import clean, number, plural, shortened, size, span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType
    from rich.progress import Progress as RichProgress
    from rich.progress import ProgressColumn, TaskID

_WORTH_A_LINE = 1.0  # seconds: what was quicker leaves nothing behind
_FIGURES = 42  # columns that amount, rate and time left take
_WIDE = 100  # columns from which on a bar is a long one


class Bars:
    """A :class:`phonolith.model.progress.Progress` for people.

    On a terminal each piece of work has a bar while it runs and, if it took longer than a second, one line when it is
    done. Elsewhere only :meth:`say` writes. Use as a context manager, so that an error leaves the terminal in order.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        self._progress: RichProgress | None = None
        self._task: TaskID | None = None
        self._phase = ""
        self._what = ""
        self._unit = ""
        self._done = 0
        self._total: int | None = None
        self._begun = 0.0

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def phase(self, number: int, of: int, name: str) -> None:
        """A numbered phase begins; it stands before each bar until the next one."""
        self._close()
        self._phase = f"{number}/{of} {clean(name)}"
        if self._live:
            self.start("", None, "")

    def start(self, what: str, total: int | None, unit: str) -> None:
        """A countable piece of work begins."""
        self._close()
        self._what, self._unit, self._done, self._begun = clean(what), unit, 0, time.monotonic()
        if self._live:
            self._open(total)

    def expect(self, total: int) -> None:
        """The bar has an end from now on, and a time left."""
        self._total = total
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, total=total, amount=self._amount())

    def advance(self, count: int) -> None:
        """``count`` more units are done."""
        self._done += count
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._done, amount=self._amount())

    def note(self, text: str) -> None:
        """A few words below the bar, until there are others."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, note=clean(text))

    def say(self, message: str) -> None:
        """One line for a person, above the bar if there is one."""
        if self._progress is not None:
            self._progress.console.print(clean(message), markup=False, highlight=False)
        else:
            self._stream.write(clean(message) + "\n")
            self._stream.flush()

    def finish(self) -> None:
        """The piece of work is done."""
        if self._progress is None:
            return
        took = time.monotonic() - self._begun
        self._close()
        if took >= _WORTH_A_LINE:
            self._stream.write(f"{self._title()}  {self._amount() + ', ' if self._done else ''}{span(took)}\n")

    def _title(self) -> str:
        return " · ".join(dict.fromkeys(text for text in (self._phase, self._what) if text))

    def _amount(self) -> str:
        """What is done, out of how much where that is known."""
        of = self._total if self._progress is not None else None
        if self._unit == "bytes":
            return size(self._done) + (f" of {size(of)}" if of else "")
        if of:
            return f"{number(self._done)} of {number(of)} {self._unit}"
        return plural(self._done, self._unit.removesuffix("s"), self._unit)

    def _open(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

        console = Console(file=self._stream)
        bar = 24 if console.width >= _WIDE else 10
        self._progress = _with_notes_below()(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=bar),
            TextColumn("{task.fields[amount]}", markup=False),
            _rate_column(self),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console,
            transient=True,
            refresh_per_second=8,
        )
        self._total = total
        title = shortened(self._title(), max(16, console.width - bar - _FIGURES))
        self._task = self._progress.add_task(title, total=total, amount="", note="")
        self._progress.start()

    def _close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._task = None

    def rate(self) -> str:
        """Units a second since the piece began."""
        seconds = time.monotonic() - self._begun
        if not self._done or seconds < 0.5:
            return ""
        speed = self._done / seconds
        if self._unit == "bytes":
            return f"{size(speed)}/s"
        return f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s"


def _with_notes_below() -> type[RichProgress]:
    """Progress with what is noted of each piece of work on a line of its own, where a sentence has room."""
    from rich.progress import Progress
    from rich.text import Text

    class WithNotes(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield from super().get_renderables()
            for task in self.tasks:
                if task.fields["note"]:
                    yield Text(task.fields["note"], "dim", no_wrap=True, overflow="ellipsis")

    return WithNotes


def _rate_column(bars: Bars) -> ProgressColumn:
    """A column that asks the bars for their rate; rich's own knows no unit."""
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(bars.rate(), "dim")

    return Rate()

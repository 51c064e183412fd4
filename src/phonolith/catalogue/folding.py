"""First half of the text index, begun early: finished tables are folded by processes while others are still written.

Writing tables keeps one processor busy; folding words takes as long and needs nothing but rows that will not change
any more. A file that is being written cannot be read, so tables come in files of their own, handed over when whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from phonolith.catalogue.folded import Piece, fold_piece
from phonolith.catalogue.tiers import Tier
from phonolith.errors import StorageError
from phonolith.model.ids import KINDS
from phonolith.model.progress import Progress
from phonolith.store.files import storage_errors
from phonolith.store.workers import end_with_parent

#: Where the first two tiers end and how wide the others are. The first fits one Roaring container.
TIERS = (65_535, 2**18 - 1, 2**21)
#: What is folded: the kinds that have a page, and credits, whose names lead to tracks and releases.
FOLDED = ("credit", *KINDS)
#: Tables by the file they are written into, in an order in which much is folded early. Artists have aliases in notes.
PARTS = (("track",), ("release",), ("credit",), ("artist", "label", "note"))
_PIECE = 2**18
_WORTH_PROCESSES = 100_000  # rows; below, starting processes takes longer than it saves

T = TypeVar("T")


@dataclass
class Folding:
    """Tables being folded: their pieces, and the tiers these belong to. ``folder`` gets one file for each piece."""

    folder: Path
    executor: Executor
    widths: tuple[int, int, int]
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    tiers: dict[str, list[tuple[Tier, list[Piece]]]] = field(default_factory=dict)
    _rows: int = 0
    _under_way: list[Future[int]] = field(default_factory=list)

    def add(self, kind: str, last: int, database: Path) -> None:
        """Fold the rows 1 to ``last`` of a table of a database that nobody writes any more."""
        self._rows += last
        self.pieces[kind], self.tiers[kind] = [], []
        for number, (first, end) in enumerate(_bounds(last, self.widths)):
            mine = [
                Piece(kind, a, min(end, a + _PIECE - 1), self.folder / f"piece.{kind}.{a}.npz")
                for a in range(first, end + 1, _PIECE)
            ]
            self.pieces[kind] += mine
            self.tiers[kind].append((Tier(kind, number, first, end, self.folder / f"tier.{kind}.{number}.npz"), mine))
            self._under_way += [self.executor.submit(fold_piece, database, piece) for piece in mine]

    def wait(self, progress: Progress) -> None:
        """Wait until all is folded. Raises what went wrong."""
        progress.start("Folding words", self._rows, "rows")
        for done in self._under_way:
            progress.advance(done.result())
        progress.finish()
        self._under_way.clear()


@contextmanager
def folding(folder: Path, rows: int, *, workers: int = 1, tiers: tuple[int, int, int] = TIERS) -> Iterator[Folding]:
    """Folding of tables of about ``rows`` rows in all.

    Temporary files lie in a folder of their own in ``folder``, about 100 bytes a track, until the end. ``tiers``
    changes how lists are cut and never what is found. Raises StorageError where the disk is full or a worker was
    killed.
    """
    with (
        storage_errors(folder),
        tempfile.TemporaryDirectory(prefix=".text-", dir=folder) as name,
        _executor(workers if rows > _WORTH_PROCESSES else 1) as executor,
    ):
        yield Folding(Path(name), executor, tiers)


def _bounds(last: int, tiers: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    """First and last row of each tier."""
    first, number = 1, 0
    while first <= last:
        end = tiers[number] if number < 2 else first + tiers[2] - 1
        yield first, min(last, end)
        first, number = end + 1, number + 1


class _Here(Executor):
    """Does what is submitted at once, in this process."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call it and return what it gave."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@contextmanager
def _executor(workers: int) -> Iterator[Executor]:
    if workers < 2:
        yield _Here()
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as executor:
        try:
            yield executor
        except BrokenProcessPool as error:
            raise StorageError("text index", "a worker was killed", "Free memory, or use fewer workers") from error
        except BaseException:
            executor.shutdown(wait=True, cancel_futures=True)
            raise

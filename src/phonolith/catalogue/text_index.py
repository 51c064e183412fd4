"""The text index: words and facets of tracks, releases, artists and labels, written into a catalogue in one go.

Rows are folded in pieces by several processes, sorted into lists tier by tier, and written; FTS5 tables for other
programs are filled meanwhile in a file of their own and copied. `library.search` asks what is made here.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

import apsw
import numpy as np

from phonolith.catalogue import full_text
from phonolith.catalogue.facets import VALUE_BITS, Lookups, Neighbours, facet_term, read_lookups
from phonolith.catalogue.folded import Piece, fold_piece, number_words_together, read_columns, read_pieces
from phonolith.catalogue.lists import Rows, credit_words, whole
from phonolith.catalogue.postings import (
    CROWD,
    Crowds,
    Tier,
    Writer,
    find_crowds,
    held_by_release,
    make_tier,
    order_keys,
)
from phonolith.errors import StorageError
from phonolith.model.ids import KINDS
from phonolith.model.progress import Progress, Silent
from phonolith.store.files import storage_errors

#: Where the first two tiers end and how wide the others are. The first fits one Roaring container.
TIERS = (65_535, 2**18 - 1, 2**21)
_PIECE = 2**18
_WORTH_PROCESSES = 100_000  # rows; below, starting processes takes longer than it saves

T = TypeVar("T")


@dataclass(frozen=True)
class _Plan:
    """What is to be folded, and the tiers with their pieces."""

    pieces: dict[str, list[Piece]]
    tiers: dict[str, list[tuple[Tier, list[Piece]]]]
    rows: int


def build_text_index(
    db: apsw.Connection,
    *,
    workers: int = 1,
    progress: Progress | None = None,
    tiers: tuple[int, int, int] = TIERS,
    crowd: int = CROWD,
) -> None:
    """Write postings and FTS5 tables into the catalogue that ``db`` is open on, which nobody else writes.

    Reads the tables of schema.sql, which must be filled and committed; ``db`` is not within a transaction. Temporary
    files lie beside the catalogue, about 100 bytes a track. ``tiers`` and ``crowd`` change how lists are cut and never
    what is found. The same tables give the same index whatever the number of ``workers``. Raises StorageError where
    the disk is full or a worker was killed.
    """
    progress = progress or Silent()
    path = Path(db.filename)
    with storage_errors(path), tempfile.TemporaryDirectory(prefix=".text-", dir=path.parent) as name:
        folder = Path(name)
        plan = _plan(db, folder, tiers)
        lookups = read_lookups(db)
        with _executor(workers if plan.rows > _WORTH_PROCESSES else 1) as executor:
            _fold(executor, path, plan, progress)
            words = _prepare(folder, plan, crowd)
            filling = executor.submit(_fill_full_text, folder, plan)
            _index(db, executor, folder, plan, lookups, words, progress)
            filling.result()
        full_text.copy(folder / "full_text.sqlite", db)


def _plan(db: apsw.Connection, folder: Path, tiers: tuple[int, int, int]) -> _Plan:
    pieces: dict[str, list[Piece]] = {}
    tiered: dict[str, list[tuple[Tier, list[Piece]]]] = {}
    rows = 0
    for kind in ("credit", *KINDS):
        found: list[Any] = db.execute(f"SELECT ifnull(max(id), 0) FROM {kind}").fetchall()
        last = int(found[0][0])
        rows += last
        pieces[kind], tiered[kind] = [], []
        for number, (first, end) in enumerate(_bounds(last, tiers)):
            mine = [
                Piece(kind, a, min(end, a + _PIECE - 1), folder / f"piece.{kind}.{a}.npz")
                for a in range(first, end + 1, _PIECE)
            ]
            pieces[kind] += mine
            tiered[kind].append((Tier(kind, number, first, end, folder / f"tier.{kind}.{number}.npz"), mine))
    return _Plan(pieces, tiered, rows)


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
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent) as executor:
        try:
            yield executor
        except BrokenProcessPool as error:
            raise StorageError("text index", "a worker was killed", "Free memory, or use fewer workers") from error
        except BaseException:
            executor.shutdown(wait=True, cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """Have a worker end when the process that started it does, even by a kill."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _fold(executor: Executor, path: Path, plan: _Plan, progress: Progress) -> None:
    progress.start("Folding words", plan.rows, "rows")
    for done in [executor.submit(fold_piece, path, p) for pieces in plan.pieces.values() for p in pieces]:
        progress.advance(done.result())
    progress.finish()


def _prepare(folder: Path, plan: _Plan, crowd: int) -> list[str]:
    """Number all words, and lay out the tables that rows inherit from; returns the words in order."""
    words = number_words_together(piece for pieces in plan.pieces.values() for piece in pieces)
    (folder / "words.txt").write_text("\n".join(words), encoding="utf-8")
    artists = whole(plan.pieces["artist"], "artist")
    artists.save(folder, "artist")
    credit_words(plan.pieces["credit"], artists).save(folder, "credit")
    whole(plan.pieces["release"], "release").save(folder, "release")
    np.save(folder / "held.npy", held_by_release(read_columns(plan.pieces["track"], "release", "status")))
    crowds = find_crowds(words, crowd)
    (folder / "crowds.txt").write_text("\n".join(crowds.letters), encoding="utf-8")
    np.save(folder / "crowds.npy", np.array(crowds.of_word, np.int32).reshape(len(crowds.of_word), len(words)))
    return words


def _index(
    db: apsw.Connection,
    executor: Executor,
    folder: Path,
    plan: _Plan,
    lookups: Lookups,
    words: Sequence[str],
    progress: Progress,
) -> None:
    making = {
        kind: [executor.submit(_make_tier, folder, tier, pieces, lookups) for tier, pieces in plan.tiers[kind]]
        for kind in KINDS
    }
    letters = dict(enumerate(_read_crowds(folder).letters))

    def name_of(code: int) -> str:
        return words[code] if code >> VALUE_BITS == 0 else facet_term(code, lookups, letters)

    progress.start("Indexing words", sum(map(len, making.values())), "parts")
    db.execute("BEGIN")
    db.execute(resources.files("phonolith.catalogue").joinpath("postings.sql").read_text("utf-8"))
    writer = Writer(db)
    for kind in KINDS:
        for made in making[kind]:
            made.result()
            progress.advance(1)
        writer.write(kind, [tier for tier, _ in plan.tiers[kind]], name_of)
        writer.write_exact(kind, *_common_titles(writer, plan.pieces[kind]))
        writer.write_order(kind, *_titles(plan.pieces[kind], len(words)))
    db.execute("INSERT OR REPLACE INTO meta VALUES ('text_index', ?)", (f"{writer.digest:08x}",))
    aliases = db.execute("SELECT EXISTS (SELECT 1 FROM note WHERE kind = 'alias')").fetchall()
    db.execute("INSERT OR REPLACE INTO meta VALUES ('text_aliases', ?)", aliases[0])
    db.execute("COMMIT")
    progress.finish()


def _common_titles(writer: Writer, pieces: Sequence[Piece]) -> tuple[Any, Any]:
    """Rows and keys of titles that could be asked for and found among many."""
    ids, keys = [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)]
    for piece in pieces:
        rows = read_pieces([piece])
        if rows:
            chosen = writer.common(rows)
            ids.append(rows["id"][chosen])
            keys.append(rows["title"][chosen])
    return np.concatenate(ids), np.concatenate(keys)


def _titles(pieces: Sequence[Piece], words: int) -> tuple[Any, Any, Any]:
    """Rows, what orders them by title, and what tells their titles apart."""
    found = [(rows["id"], order_keys(rows, words), rows["title"]) for piece in pieces if (rows := read_pieces([piece]))]
    empty = np.zeros(0, np.uint32)
    ids, keys, titles = zip((empty, np.zeros(0, np.uint64), empty), *found, strict=True)
    return np.concatenate(ids), np.concatenate(keys), np.concatenate(titles)


def _make_tier(folder: Path, tier: Tier, pieces: Sequence[Piece], lookups: Lookups) -> None:
    rows = read_pieces(pieces)
    if tier.kind == "release":
        held = np.load(folder / "held.npy", mmap_mode="r")
        numbers = held & np.uint64(0xFFFFFFFF)
        rows["held"] = held[(numbers >= tier.first) & (numbers <= tier.last)]
    make_tier(tier, rows, _neighbours(folder), lookups, _read_crowds(folder))


def _neighbours(folder: Path) -> Neighbours:
    return Neighbours(Rows.load(folder, "artist"), Rows.load(folder, "credit"), Rows.load(folder, "release"))


def _read_crowds(folder: Path) -> Crowds:
    text = (folder / "crowds.txt").read_text(encoding="utf-8")
    return Crowds(tuple(text.split("\n")) if text else (), tuple(np.load(folder / "crowds.npy")))


def _fill_full_text(folder: Path, plan: _Plan) -> None:
    """Fill the FTS5 tables in a file of their own."""
    text = (folder / "words.txt").read_text(encoding="utf-8")
    words = np.array(text.split("\n"), dtype=object)
    db = apsw.Connection(os.fspath(folder / "full_text.sqlite"))
    try:
        db.execute("PRAGMA page_size=8192; PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF").fetchall()
        db.execute("BEGIN")
        full_text.create(db)
        for kind in full_text.TABLES:
            full_text.begin(db, kind)
            for piece in plan.pieces[kind]:
                rows = read_pieces([piece])
                if rows:
                    full_text.insert(db, kind, rows, words)
            full_text.finish(db, kind)
        db.execute("COMMIT")
    finally:
        db.close()

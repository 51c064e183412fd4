"""The text index: words and facets of tracks, releases, artists and labels, written into a catalogue in one go.

Rows are folded in pieces by several processes, sorted into lists tier by tier, and written; FTS5 tables for other
programs are filled meanwhile in a file of their own and copied. `library.search` asks what is made here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from phonolith.catalogue import full_text
from phonolith.catalogue.facets import VALUE_BITS, Lookups, Neighbours, facet_term, read_lookups
from phonolith.catalogue.folded import (
    COLUMNS,
    Piece,
    Words,
    number_words_together,
    read_by_itself,
    read_columns,
    read_pieces,
)
from phonolith.catalogue.folding import FOLDED, TIERS, Folding, folding
from phonolith.catalogue.lists import Rows, credit_words, whole
from phonolith.catalogue.postings import Writer
from phonolith.catalogue.tiers import CROWD, Crowds, Tier, find_crowds, held_by_release, make_tier
from phonolith.library.terms import CROWD_TIERS
from phonolith.model.ids import KINDS
from phonolith.model.progress import Progress, Silent
from phonolith.store.files import storage_errors


def build_text_index(
    db: apsw.Connection,
    *,
    workers: int = 1,
    progress: Progress | None = None,
    tiers: tuple[int, int, int] = TIERS,
    crowd: int = CROWD,
) -> None:
    """Fold and index a catalogue all of whose tables are written and committed; ``workers`` share the work."""
    progress, path = progress or Silent(), Path(db.filename)
    last = {kind: last_row(db, kind) for kind in FOLDED}
    with folding(path.parent, sum(last.values()), workers=workers, tiers=tiers) as rows:
        for kind in FOLDED:
            rows.add(kind, last[kind], path)
        finish_index(db, begin_index(db, rows, progress=progress, crowd=crowd), progress=progress)


def last_row(db: apsw.Connection, table: str) -> int:
    """The highest id of a table, 0 where it is empty."""
    found: list[Any] = db.execute(f"SELECT ifnull(max(id), 0) FROM {table}").fetchall()
    return int(found[0][0])


@dataclass(frozen=True)
class Making:
    """An index whose lists are being made by workers: each tier's list and the FTS5 tables."""

    rows: Folding
    lookups: Lookups
    tiers: Mapping[str, Sequence[Future[None]]]
    full_text: Future[None]


def begin_index(db: apsw.Connection, rows: Folding, *, progress: Progress, crowd: int = CROWD) -> Making:
    """Number the words of all tables once they are folded, and have workers make the lists.

    The workers read nothing of the catalogue any more; of ``db`` only the small tables are read. ``crowd`` changes how
    lists are cut and never what is found. The same tables give the same index whatever the number of workers. Raises
    StorageError where the disk is full or a worker was killed.
    """
    with storage_errors(rows.folder):
        rows.wait(progress)
        submit = rows.executor.submit
        filling = submit(_fill_full_text, rows.folder, rows.pieces)
        _prepare(rows, crowd)
        lookups = read_lookups(db)
        making = {
            kind: [submit(_make_tier, rows.folder, tier, pieces, lookups) for tier, pieces in rows.tiers[kind]]
            for kind in KINDS
        }
    return Making(rows, lookups, making, filling)


def finish_index(db: apsw.Connection, making: Making, *, progress: Progress) -> None:
    """Write postings and FTS5 tables into the catalogue that ``db`` is open on, which nobody else reads or writes.

    ``db`` is not within a transaction. Raises StorageError where the disk is full or a worker was killed.
    """
    with storage_errors(making.rows.folder):
        _write_lists(db, making, progress)
        making.full_text.result()
        full_text.copy(making.rows.folder / "full_text.sqlite", db)


def _prepare(rows: Folding, crowd: int) -> None:
    """Number all words, and lay out the tables that rows inherit from. All of it goes to files: it is let go here."""
    folder = rows.folder
    _number_words(rows, crowd)
    artists = whole(rows.pieces["artist"], "artist")
    artists.save(folder, "artist")
    credit_words(rows.pieces["credit"], artists).save(folder, "credit")
    whole(rows.pieces["release"], "release").save(folder, "release")
    np.save(folder / "held.npy", held_by_release(read_columns(rows.pieces["track"], "release", "status")))


def _number_words(rows: Folding, crowd: int) -> None:
    folder = rows.folder
    words = number_words_together(piece for pieces in rows.pieces.values() for piece in pieces)
    (folder / "words.txt").write_text("\n".join(words), encoding="utf-8")
    crowds = find_crowds(words, crowd)
    (folder / "crowds.txt").write_text("\n".join(crowds.letters), encoding="utf-8")
    np.save(folder / "crowds.npy", np.array(crowds.of_word, np.int32).reshape(len(crowds.of_word), len(words)))


def _write_lists(db: apsw.Connection, making: Making, progress: Progress) -> None:
    rows, lookups = making.rows, making.lookups
    words = Words(rows.folder / "words.txt")
    letters = dict(enumerate(_read_crowds(rows.folder).letters))

    def names_of(codes: Any) -> Sequence[str]:
        facets = len(codes) and codes[0] >> VALUE_BITS
        return [facet_term(code, lookups, letters) for code in codes.tolist()] if facets else words.of(codes)

    progress.start("Indexing words", sum(map(len, making.tiers.values())), "parts")
    db.execute("BEGIN")
    db.execute(resources.files("phonolith.catalogue").joinpath("postings.sql").read_text("utf-8"))
    writer = Writer(db)
    for kind in KINDS:
        for made in making.tiers[kind]:
            made.result()
            progress.advance(1)
        writer.write(kind, [tier for tier, _ in rows.tiers[kind]], names_of)
        writer.write_exact(kind, *_common_titles(writer, rows.pieces[kind]))
        found = (read_pieces([piece], "own", "title") for piece in rows.pieces[kind])
        writer.write_order(kind, filter(None, found), len(words))
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


def _make_tier(folder: Path, tier: Tier, pieces: Sequence[Piece], lookups: Lookups) -> None:
    rows = read_pieces(pieces, *COLUMNS[tier.kind])
    if tier.kind == "release":
        held = np.load(folder / "held.npy", mmap_mode="r")
        numbers = held & np.uint64(0xFFFFFFFF)
        rows["held"] = held[(numbers >= tier.first) & (numbers <= tier.last)]
    crowds = _read_crowds(folder) if tier.number < CROWD_TIERS[tier.kind] else None
    make_tier(tier, rows, _neighbours(folder), lookups, crowds)


def _neighbours(folder: Path) -> Neighbours:
    return Neighbours(Rows.load(folder, "artist"), Rows.load(folder, "credit"), Rows.load(folder, "release"))


def _read_crowds(folder: Path) -> Crowds:
    text = (folder / "crowds.txt").read_text(encoding="utf-8")
    return Crowds(tuple(text.split("\n")) if text else (), tuple(np.load(folder / "crowds.npy")))


def _fill_full_text(folder: Path, pieces: Mapping[str, Sequence[Piece]]) -> None:
    """Fill the FTS5 tables in a file of their own."""
    db = apsw.Connection(os.fspath(folder / "full_text.sqlite"))
    try:
        db.execute("PRAGMA page_size=8192; PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF").fetchall()
        db.execute("BEGIN")
        full_text.create(db)
        for kind in full_text.TABLES:
            full_text.begin(db, kind)
            for piece in pieces[kind]:
                found, words = read_by_itself(piece)
                if found:
                    full_text.insert(db, kind, found, np.array(words, object))
            full_text.finish(db, kind)
        db.execute("COMMIT")
    finally:
        db.close()

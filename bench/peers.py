"""The search engines that ours is set beside: FTS5 by BM25 and tantivy, built from the rows of a catalogue."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from phonolith.library.asked import Query
from phonolith.model.text import fold, runs

TEXT = (
    "SELECT t.id, t.title, r.title, ifnull(t.credit, r.credit) FROM track t JOIN release r ON r.id = t.release "
    "WHERE t.id BETWEEN ? AND ?"
)
_MEMBERS = "SELECT c.id, c.artist FROM json_each(?) j CROSS JOIN credit c ON c.id = j.value ORDER BY c.id, c.position"
_FIELDS = ("title", "artist", "release")
_BATCH = 50_000
_HEAP = 256_000_000  # bytes that a peer may gather before it writes


@dataclass(frozen=True)
class Built:
    """What a peer's index took: seconds by the clock and of processor time, and its bytes."""

    wall: float
    cpu: float
    size: int


def folded(db: apsw.Connection, last: int) -> Iterator[tuple[int, str, str, str]]:
    """All tracks as folded title, artists and release."""
    artists: list[Any] = db.execute("SELECT id, name FROM artist ORDER BY id").fetchall()
    names = [""] * (artists[-1][0] + 1)
    for row, name in artists:
        names[row] = _join(name)
    del artists
    for first in range(1, last + 1, _BATCH):
        rows: list[Any] = db.execute(TEXT, (first, first + _BATCH - 1)).fetchall()
        several: dict[int, list[str]] = {}
        wanted = json.dumps(sorted({-credit for *_, credit in rows if credit is not None and credit < 0}))
        members: list[Any] = db.execute(_MEMBERS, (wanted,)).fetchall()
        for credit, artist in members:
            several.setdefault(-credit, []).append(names[artist])
        for row, title, release, credit in rows:
            mine = names[credit] if credit is not None and credit > 0 else " ".join(several.get(credit, ()))
            yield row, _join(title), mine, _join(release)


def _join(text: str) -> str:
    return " ".join(fold(text))


class Peer:
    """An index in a folder, built if it is not there; ``built`` is remembered beside it."""

    name = ""

    def __init__(self, db: apsw.Connection, last: int, folder: Path) -> None:
        self.path = folder / f"{self.name.split()[0].lower()}-{last}"
        told = self.path.with_suffix(".json")
        if not told.exists():
            shutil.rmtree(self.path, ignore_errors=True)
            self.path.mkdir(parents=True)
            wall, cpu = time.perf_counter(), time.process_time()
            self._build(folded(db, last))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            size = sum(file.stat().st_size for file in self.path.iterdir())
            told.write_text(json.dumps({"wall": wall, "cpu": cpu, "size": size}))
        self.built = Built(**json.loads(told.read_text()))
        self._open()

    def _build(self, rows: Iterator[tuple[int, str, str, str]]) -> None:
        raise NotImplementedError

    def _open(self) -> None:
        raise NotImplementedError

    def ask(self, query: Query, fuzzy: bool = False) -> list[int]:
        """The best rows for the words; ``fuzzy`` with one letter wrong, where the peer can."""
        raise NotImplementedError


class Fts5(Peer):
    """FTS5 with positions and three columns, best by BM25: what one gets by following its manual."""

    name = "FTS5 BM25"

    def _build(self, rows: Iterator[tuple[int, str, str, str]]) -> None:
        db = apsw.Connection(str(self.path / "fts5.sqlite"))
        db.execute("PRAGMA synchronous=OFF; PRAGMA cache_size=-262144").fetchall()
        db.execute("PRAGMA journal_mode=OFF").fetchall()
        db.execute("CREATE VIRTUAL TABLE f USING fts5(title, artist, release, content='')")
        db.execute("BEGIN")
        db.execute(f"INSERT INTO f(f, rank) VALUES ('hashsize', {_HEAP // 2})")
        db.executemany("INSERT INTO f(rowid, title, artist, release) VALUES (?,?,?,?)", rows)
        db.execute("INSERT INTO f(f) VALUES ('optimize')")
        db.execute("COMMIT")
        db.execute("VACUUM")
        db.close()

    def _open(self) -> None:
        self._db = apsw.Connection(str(self.path / "fts5.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
        self._db.execute("PRAGMA cache_size=-262144")

    def ask(self, query: Query, fuzzy: bool = False) -> list[int]:
        """The best rows by BM25."""
        words = [f'"{run}"' for run in runs(query.words)]
        if query.typing:
            words[-1] += "*"
        sql = "SELECT rowid FROM f WHERE f MATCH ? ORDER BY rank LIMIT ?"
        found: Any = self._db.execute(sql, (" AND ".join(words), query.limit))
        return [row for (row,) in found]


class Tantivy(Peer):
    """tantivy with three fields, best by BM25."""

    name = "tantivy"

    def _build(self, rows: Iterator[tuple[int, str, str, str]]) -> None:
        import tantivy

        builder = tantivy.SchemaBuilder().add_integer_field("row", stored=True, fast=True)
        for name in _FIELDS:
            builder = builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
        writer = tantivy.Index(builder.build(), path=str(self.path)).writer(heap_size=_HEAP, num_threads=1)
        for row, title, artist, release in rows:
            writer.add_document(tantivy.Document(row=row, title=title, artist=artist, release=release))
        writer.commit()
        writer.wait_merging_threads()

    def _open(self) -> None:
        import tantivy

        self._t = tantivy
        index = tantivy.Index.open(str(self.path))
        index.reload()
        self._schema, self._searcher = index.schema, index.searcher()

    def ask(self, query: Query, fuzzy: bool = False) -> list[int]:
        """The best rows by BM25, all words in any field."""
        parts, words = [], runs(query.words)
        for place, run in enumerate(words):
            any_of = [self._term(name, run, query.typing and place == len(words) - 1, fuzzy) for name in _FIELDS]
            one = self._t.Query.boolean_query([(self._t.Occur.Should, term) for term in any_of])
            parts.append((self._t.Occur.Must, one))
        found = self._searcher.search(self._t.Query.boolean_query(parts), query.limit, count=False)
        return [self._searcher.doc(address)["row"][0] for _, address in found.hits]

    def _term(self, name: str, run: str, typing: bool, fuzzy: bool) -> Any:
        if typing or (fuzzy and len(run) > 2):
            distance = 0 if typing else 1
            return self._t.Query.fuzzy_term_query(self._schema, name, run, distance=distance, prefix=typing)
        return self._t.Query.term_query(self._schema, name, run, "freq")

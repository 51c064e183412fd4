"""Phase 5: what must hold before a new catalogue takes the place of the old one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import apsw

from phonolith.catalogue import claims
from phonolith.catalogue.stage import Stage
from phonolith.model.finding import Finding
from phonolith.model.ids import permalink_place, permalink_targets, public_id, public_key, unpack_source_id

_KINDS = ("track", "release", "artist", "label")
_SOURCE = {"track": "(SELECT source FROM release WHERE id = x.release)"}
_SAMPLE = 500
#: (child table, column, parent table): every value must be the id of a row there.
_REFERENCES = (
    ("track", "release", "release"),
    ("track", "rights", "rights"),
    ("track", "date", "event_date"),
    ("track", "status", "status"),
    ("release", "source", "source"),
    ("release", "label", "label"),
    ("release", "rights", "rights"),
    ("release", "date", "event_date"),
    ("release", "cover", "object"),
    ("artist", "source", "source"),
    ("artist", "kind", "kind"),
    ("release", "kind", "kind"),
    ("credit", "artist", "artist"),
    ("rights", "licence", "licence"),
    ("genre_set", "genre", "genre"),
    ("file", "object", "object"),
    ("thing", "source", "source"),
    ("thing", "kind", "kind"),
    ("thing", "type", "kind"),
    ("thing", "begin_date", "event_date"),
    ("thing", "end_date", "event_date"),
)


def check(db: apsw.Connection, stage: Stage, counts: Mapping[str, int]) -> list[Finding]:
    """What is wrong with the new catalogue, as findings of severity ``error``: the first sort there is."""
    steps: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: _sound(db),
        lambda: _complete(db, stage, counts),
        lambda: _references(db),
        lambda: _credits(db),
        lambda: _permalinks(db),
        lambda: _objects(db, stage),
        lambda: claims.verify(db),
    )
    for step in steps:
        if found := list(step()):
            return found
    return []


def _wrong(code: str, subject: str, problem: str) -> Finding:
    return Finding(f"catalogue.{code}", subject, problem, "Report this; the last catalogue stays in place", "error")


def _sound(db: apsw.Connection) -> Iterator[Finding]:
    """The file's own structure: every page and row, without comparing indexes with tables, which were just made."""
    for (answer,) in db.execute("PRAGMA quick_check(10)"):
        if answer != "ok":
            yield _wrong("unsound", "catalogue", str(answer))


def _complete(db: apsw.Connection, stage: Stage, counts: Mapping[str, int]) -> Iterator[Finding]:
    for table in ("artist", "release", "track", "label"):
        staged = int(stage.one(f"SELECT count(*) FROM {table}"))
        row = db.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {table}").fetchone()
        if row != (staged, staged) or counts[table] != staged:
            yield _wrong("incomplete", f"table {table}", f"has {row} rows and last row, {staged} were ranked")
    things = int(stage.one("SELECT count(*) FROM thing"))
    if counts["thing"] != things:
        yield _wrong("incomplete", "table thing", f"has {counts['thing']} rows, {things} were ranked")
    permalinks = db.execute("SELECT coalesce(sum(length(entries)), 0) / 5 FROM permalink").get
    named = sum(counts[kind] for kind in _KINDS)
    if permalinks != named:
        yield _wrong("incomplete", "table permalink", f"has {permalinks} entries for {named} things")


def _references(db: apsw.Connection) -> Iterator[Finding]:
    for table, column, parent in _REFERENCES:
        row = db.execute(
            f"SELECT {column} FROM (SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL)"
            f" WHERE {column} NOT IN (SELECT id FROM {parent}) LIMIT 1"
        ).fetchone()
        if row:
            yield _wrong("dangling", f"{table}.{column}", f"points at {parent} {row[0]}, which is not there")


def _credits(db: apsw.Connection) -> Iterator[Finding]:
    """A credit column names an artist's row, or a credit by its negative number."""
    for table in ("track", "release", "thing"):
        wrong = db.execute(
            f"SELECT count(*) FROM {table} WHERE credit > (SELECT max(id) FROM artist)"
            f" OR (credit < 0 AND -credit NOT IN (SELECT id FROM credit))"
        ).get
        if wrong:
            yield _wrong("dangling", f"{table}.credit", f"{wrong} rows name an artist or a credit that is not there")


def _permalinks(db: apsw.Connection) -> Iterator[Finding]:
    """An even sample of each kind's rows must be found by their public ids, the way a reader looks them up."""
    bits: Any = db.execute("SELECT value FROM meta WHERE key = 'permalink_bits'").get
    names: dict[Any, str] = {number: str(name) for number, name in db.execute("SELECT id, name FROM source")}
    for code, kind in enumerate(_KINDS):
        last: Any = db.execute(f"SELECT coalesce(max(id), 0) FROM {kind}").get
        step = max(1, last // _SAMPLE)
        source = _SOURCE.get(kind, "x.source")
        sample = db.execute(f"SELECT x.id, {source}, x.source_id FROM {kind} x WHERE x.id % ? = 0", (step,))
        rows: list[tuple[Any, ...]] = sample.fetchall()
        for row, number, packed in rows:
            identifier = public_id(names[number], unpack_source_id(packed))
            bucket, mark = permalink_place(public_key(identifier), bits)
            entries: Any = db.execute("SELECT entries FROM permalink WHERE bucket = ?", (bucket,)).get or b""
            if row * 4 + code not in permalink_targets(entries, mark):
                yield _wrong("permalink", f"{kind} {identifier}", "is not found by its public id")


def _objects(db: apsw.Connection, stage: Stage) -> Iterator[Finding]:
    """The bytes of the objects that rows name are those of the ledger."""
    named = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM object").fetchone()
    held = next(stage.rows("SELECT count(*), coalesce(sum(size), 0)::BIGINT FROM held h"
                           " WHERE h.sha256 IN (SELECT sha256 FROM staged_file)"))  # fmt: skip
    if named != held:
        yield _wrong("bytes", "table object", f"has (files, bytes) {named}, the ledger {held}")

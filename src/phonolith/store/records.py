"""Records: every raw answer of every source, kept whole, sealed into segments that any tool can read."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.model.record import Record
from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction
from phonolith.store.files import make_folders, storage_errors
from phonolith.store.frontier import Frontier
from phonolith.store.lines import Key, Line, encode_gone, encode_record, from_key, record_of, to_key
from phonolith.store.objects import ObjectStore
from phonolith.store.record_index import SEGMENT_BYTES, RecordIndex, Stored
from phonolith.store.segments import (
    ObjectReader,
    OpenPart,
    SealedPart,
    Segment,
    Shard,
    pick_lines,
    sealed_parts,
)

VERSION = 1
SCHEMA = Path(__file__).with_name("records.sql").read_text(encoding="utf-8")

#: Payloads above this many bytes are held as objects.
INLINE_BYTES = 1024 * 1024
#: One transaction of ``put_many`` takes at most this many records or bytes.
BATCH_RECORDS = 65_536
BATCH_BYTES = 64 * 1024 * 1024

_CACHE_KIB = 64 * 1024
_WALK_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Head:
    """The current word on an item: ``digest`` of its payload (hexadecimal), ``validator``, ``time``."""

    item: str
    digest: str
    validator: str
    time: str


class RecordStore(Closing):
    """held/records. One process writes (lock ``harvest``); any number read. Safe to use from several threads."""

    def __init__(self, folder: Path, objects: ObjectStore, ledger: Path) -> None:
        self._folder = folder
        self._objects = objects
        self._ledger = ledger
        self._path = folder / "open.sqlite"
        self._lock = threading.RLock()
        with storage_errors(folder):
            make_folders(folder)
        self._db = open_rw(self._path, SCHEMA, VERSION)
        self._db.pragma("cache_size", -_CACHE_KIB)
        self._index = RecordIndex(self._db, folder)
        self._mend()

    def close(self) -> None:
        """Close the files, those of the object store too."""
        self._db.close()
        self._objects.close()

    def put_many(self, records: Iterable[Record]) -> Stored:
        """Store what is new or changed.

        A payload equal to the item's current one is not stored again (its validator is remembered). Up to 65,536
        records or 64 MiB are one transaction: all of them are durable on return, or none. What fills a segment is
        sealed on the way. Raises StorageError, Busy.
        """
        new = changed = 0
        for batch in _batches(records):
            with self._lock, transaction(self._db, self._path):
                for source, group in _by_source(batch).items():
                    stored = self._index.store(source, group, self._encode)
                    new, changed = new + stored.new, changed + stored.changed
            self._seal(SEGMENT_BYTES)
        return Stored(new, changed)

    def frontier(self, source: str) -> Frontier:
        """What is to be asked of ``source``, kept in the same file, so that it commits together with its records."""
        return Frontier(
            self._db, self._path, self._lock, self._index, source, self._encode, lambda: self._seal(SEGMENT_BYTES)
        )

    def head(self, source: str, item: str) -> Head | None:
        """The current word on an item; None if there is none or the source no longer has it."""
        sql = (
            "SELECT digest, validator, time FROM current WHERE source = (SELECT id FROM source WHERE name = :source)"
            " AND item = :item"
        )
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, sql, {"source": source, "item": to_key(item)})
        return Head(item, rows[0][0].hex(), from_key(rows[0][1]), rows[0][2]) if rows else None

    def get(self, source: str, item: str) -> Record | None:
        """The current record of an item; None if there is none or the source no longer has it."""
        sql = "SELECT line FROM current WHERE source = (SELECT id FROM source WHERE name = :source) AND item = :item"
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, sql, {"source": source, "item": to_key(item)})
        if not rows:
            return None
        line = rows[0][0]
        with ObjectReader(self._ledger, self._objects.volumes) as fetch_object:
            return record_of(self._find(source, [line])[line], fetch_object)

    def heads(self, source: str) -> Iterator[Head]:
        """The current word on every item of a source, by item. Others, and the caller, may write meanwhile."""
        for item, _, _, digest, validator, time in self._walk(source):
            yield Head(from_key(item), digest.hex(), from_key(validator), time)

    def count(self, source: str | None = None) -> int:
        """Number of current records, of one source or of all: lines that are not past."""
        sql = (
            "SELECT coalesce(sum(lines - (SELECT count(*) FROM past WHERE past.source = s.id)), 0) FROM source s"
            " WHERE :source IS NULL OR s.name = :source"
        )
        with self._lock, database_errors(self._path):
            return int(fetch(self._db, sql, {"source": source})[0][0])

    def sources(self) -> list[str]:
        """Names of the sources that ever gave a record."""
        with self._lock, database_errors(self._path):
            return [name for (name,) in fetch(self._db, "SELECT name FROM source ORDER BY name")]

    def gone(self, source: str, items: Iterable[str], time: str) -> int:
        """Note that the source no longer has these items: their history stays, they are no longer interpreted.

        Returns how many of them were there. An item that is put again later is there again.
        """
        with self._lock, transaction(self._db, self._path):
            return self._index.gone(source, list(items), time, lambda item: encode_gone(source, item, time))

    def seal(self) -> list[Path]:
        """Turn the open part into segments; returns their paths. A crash at any moment neither loses nor doubles."""
        return self._seal(1)

    def scan(self, sources: Sequence[str] | None = None) -> Iterator[Record]:
        """Current records by source and item. Where the order does not matter, :meth:`shards` is faster."""
        with ObjectReader(self._ledger, self._objects.volumes) as fetch_object:
            for source in sorted(self.sources() if sources is None else sources):
                for rows in _runs(self._walk(source)):
                    found = self._find(source, sorted(line for _, line, *_ in rows))
                    yield from (record_of(found[line], fetch_object) for _, line, *_ in rows)

    def shards(self, count: int) -> list[Shard]:
        """The current records as at most ``count`` shares of about equal size, each readable in its own process.

        They are a snapshot: records stored later are not in them, and sealing does not disturb them.
        """
        parts: list[SealedPart | OpenPart] = []
        with self._lock, database_errors(self._path):
            self._db.execute("BEGIN")
            try:
                for row in fetch(self._db, "SELECT id, name, lines, open_bytes FROM source ORDER BY name"):
                    parts += self._parts(*row)
            finally:
                self._db.execute("COMMIT")
        return [Shard(tuple(share), self._ledger, self._objects.volumes) for share in _shares(parts, count)]

    def segments(self) -> list[Segment]:
        """Every sealed file, by source and number."""
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, "SELECT id, name FROM source ORDER BY name")
            return [segment for row in rows for segment in self._index.segments(*row)]

    def _encode(self, record: Record, digest: bytes) -> bytes:
        if len(record.payload) <= INLINE_BYTES:
            return encode_record(record, digest.hex())
        held = self._objects.add_bytes(record.payload, record.media_type)
        return encode_record(record, digest.hex(), held.sha256)

    def _seal(self, least: int) -> list[Path]:
        """Segments out of open parts of ``least`` bytes, each in a transaction of its own."""
        paths = []
        with self._lock:
            with database_errors(self._path):
                sources = self._index.waiting(least)
            for source in sources:
                while True:
                    with transaction(self._db, self._path):
                        path = self._index.seal(source, least)
                    if path is None:
                        break
                    paths.append(path)
        return paths

    def _mend(self) -> None:
        """Index segments that no row names: a crash came between rename and row, or open.sqlite was lost."""
        with database_errors(self._path):
            if not self._index.strays():
                return
        with transaction(self._db, self._path):  # whoever is sealing right now is done when this begins
            for stray in self._index.strays():
                self._index.adopt(*stray)

    def _walk(self, source: str) -> Iterator[tuple[Any, ...]]:
        after: Key | None = None
        while True:
            with self._lock, database_errors(self._path):
                rows = self._index.walk(source, after, _WALK_ROWS)
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def _find(self, source: str, wanted: list[int]) -> dict[int, Line]:
        """The lines of these numbers (ascending)."""
        with self._lock, database_errors(self._path):
            number = fetch(self._db, "SELECT id FROM source WHERE name = :source", {"source": source})[0][0]
            segments = self._index.segments(number, source)
            end = segments[-1].first + segments[-1].lines if segments else 0
            found = self._index.open_lines(number, [line for line in wanted if line >= end])
        starts = [segment.first for segment in segments]
        groups: dict[int, list[int]] = {}
        for line in wanted:
            if line < end:
                groups.setdefault(bisect_right(starts, line) - 1, []).append(line)
        for at, lines in groups.items():
            found.update(pick_lines(segments[at], lines))
        return found

    def _parts(self, source: int, name: str, lines: int, open_bytes: int) -> list[SealedPart | OpenPart]:
        parts: list[SealedPart | OpenPart] = []
        first = 0
        for segment in self._index.segments(source, name):
            first = segment.first + segment.lines
            parts += sealed_parts(segment, self._index.past(source, segment.first, first))
        if first < lines:
            past = tuple(self._index.past(source, first, lines))
            parts.append(OpenPart(self._path, name, first, lines - 1, past, open_bytes))
        return parts


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.payload)
        if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _by_source(records: list[Record]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.source, []).append(record)
    return groups


def _runs(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in runs whose lines fit in 64 MiB."""
    run: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        run.append(row)
        size += row[2]
        if size >= SEGMENT_BYTES:
            yield run
            run, size = [], 0
    if run:
        yield run


def _shares(parts: list[SealedPart | OpenPart], count: int) -> Iterator[list[SealedPart | OpenPart]]:
    """Consecutive runs of parts of about equal weight."""
    total = sum(part.weight for part in parts) or 1
    shares: list[list[SealedPart | OpenPart]] = [[] for _ in range(max(count, 1))]
    passed = 0
    for part in parts:
        shares[min(passed * len(shares) // total, len(shares) - 1)].append(part)
        passed += part.weight
    return (share for share in shares if share)

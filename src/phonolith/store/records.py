"""Records: every raw answer of every source, kept whole, sealed into segments that any tool can read."""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw

from phonolith.model.record import Record
from phonolith.store.database import database_errors, open_rw, transaction
from phonolith.store.files import make_folders, storage_errors, sweep
from phonolith.store.lines import (
    Line,
    decode_lines,
    encode_gone,
    encode_record,
    is_clean,
    item_of,
    record_of,
    validator_of,
)
from phonolith.store.objects import ObjectStore
from phonolith.store.seekable import frames_of, read_frame
from phonolith.store.segments import (
    ObjectReader,
    OpenPart,
    SealedPart,
    Segment,
    Shard,
    open_segment,
    pack_frames,
    sealed_parts,
    segment_path,
    unpack_frames,
    write_segment,
)

VERSION = 1
SCHEMA = Path(__file__).with_name("records.sql").read_text()

#: Unpacked bytes after which the open part of a source is sealed.
SEGMENT_BYTES = 64 * 1024 * 1024
#: Payloads above this many bytes are held as objects.
INLINE_BYTES = 1024 * 1024
#: One transaction of ``put_many`` takes at most this many records or bytes.
BATCH_RECORDS = 65_536
BATCH_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """The current word on an item: ``digest`` of its payload (hexadecimal), ``validator``, ``time``."""

    item: str
    digest: str
    validator: str
    time: str


@dataclass(slots=True)
class _Known:
    """A head as it is in the table; ``gone`` is when the item vanished, or empty."""

    line: int
    digest: bytes
    validator: str | bytes
    time: str
    size: int
    gone: str


class RecordStore:
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
        self._db.pragma("cache_size", -65536)
        self._adopt_strays()

    def close(self) -> None:
        """Close the files."""
        self._db.close()
        self._objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def put_many(self, records: Iterable[Record]) -> int:
        """Store what is new or changed; returns how many records that were.

        A payload equal to the item's current one is not stored again (its validator is remembered). Up to 65,536
        records or 64 MiB are one transaction: all of them are durable on return, or none. What fills a segment is
        sealed on the way.
        """
        stored = 0
        for batch in _batches(records):
            with self._lock, transaction(self._db, self._path) as db:
                stored += sum(self._store(db, source, group) for source, group in _by_source(batch).items())
            self._seal(SEGMENT_BYTES)
        return stored

    def head(self, source: str, item: str) -> Head | None:
        """The current word on an item; None if there is none or the source no longer has it."""
        with self._lock, database_errors(self._path):
            row = self._db.execute(
                "SELECT digest, validator, time FROM head WHERE source = (SELECT id FROM source WHERE name = :source)"
                " AND item = :item AND gone = ''",
                {"source": source, "item": _key(item)},
            ).fetchone()
        return Head(item, row[0].hex(), _unkey(row[1]), row[2]) if row else None

    def get(self, source: str, item: str) -> Record | None:
        """The current record of an item; None if there is none or the source no longer has it."""
        with self._lock, database_errors(self._path):
            row = self._db.execute(
                "SELECT line FROM head WHERE source = (SELECT id FROM source WHERE name = :source)"
                " AND item = :item AND gone = ''",
                {"source": source, "item": _key(item)},
            ).fetchone()
        if row is None:
            return None
        with ObjectReader(self._ledger, self._objects.volumes) as fetch:
            return record_of(self._fetch(source, [row[0]])[row[0]], fetch)

    def heads(self, source: str) -> Iterator[Head]:
        """The current word on every item of a source, by item."""
        for item, _, _, digest, validator, time in self._walk(source):
            yield Head(_unkey(item), digest.hex(), _unkey(validator), time)

    def count(self, source: str | None = None) -> int:
        """Number of current records."""
        with self._lock, database_errors(self._path):
            row = self._db.execute(
                "SELECT count(*) FROM head h JOIN source s ON s.id = h.source"
                " WHERE gone = '' AND (:source IS NULL OR s.name = :source)",
                {"source": source},
            ).fetchone()
        return int(row[0]) if row else 0

    def sources(self) -> list[str]:
        """Names of the sources that ever gave a record."""
        with self._lock, database_errors(self._path):
            return [name for (name,) in self._db.execute("SELECT name FROM source ORDER BY name").fetchall()]

    def gone(self, source: str, items: Iterable[str], time: str) -> int:
        """Note that the source no longer has these items: their history stays, they are no longer interpreted."""
        with self._lock, transaction(self._db, self._path) as db:
            number = self._source(db, source)
            keys = list(dict.fromkeys(_key(item) for item in items))
            known = {key: head for key, head in self._known(db, number, keys).items() if not head.gone}
            next_line = self._next(db, number)
            texts, past = [], []
            for line, (key, head) in enumerate(known.items(), next_line):
                texts.append(encode_gone(source, _unkey(key), time))
                past += [head.line, line]
                known[key] = replace(head, line=line, size=len(texts[-1]), gone=time)
            self._append(db, number, next_line, texts, past, known)
        return len(texts)

    def seal(self) -> list[Path]:
        """Turn the open part into segments; returns their paths. A crash at any moment neither loses nor doubles."""
        return self._seal(1)

    def scan(self, sources: Sequence[str] | None = None) -> Iterator[Record]:
        """Current records by source and item. Where only speed matters, :meth:`shards` is several times faster."""
        with ObjectReader(self._ledger, self._objects.volumes) as fetch:
            for source in sorted(self.sources() if sources is None else sources):
                for rows in _runs(self._walk(source)):
                    found = self._fetch(source, sorted(line for _, line, *_ in rows))
                    yield from (record_of(found[line], fetch) for _, line, *_ in rows)

    def shards(self, count: int) -> list[Shard]:
        """The current records as at most ``count`` shares of about equal size, each readable in its own process.

        They are a snapshot: records stored later are not in them, and sealing does not disturb them.
        """
        parts: list[SealedPart | OpenPart] = []
        with self._lock, database_errors(self._path):
            self._db.execute("BEGIN")
            try:
                for number, name, lines, size in self._db.execute("SELECT * FROM source ORDER BY name").fetchall():
                    segments = self._segments(number, name)
                    for segment in segments:
                        past = self._past(number, segment.first, segment.first + segment.lines)
                        parts += sealed_parts(segment, past)
                    first = segments[-1].first + segments[-1].lines if segments else 0
                    if first < lines:
                        past = self._past(number, first, lines)
                        parts.append(OpenPart(self._path, name, first, lines - 1, tuple(past), size))
            finally:
                self._db.execute("COMMIT")
        return [Shard(tuple(share), self._ledger, self._objects.volumes) for share in _shares(parts, count)]

    def sweep(self) -> int:
        """Remove what a crash left half written; returns the number of files."""
        return sum(sweep(folder) for folder in self._folder.iterdir() if folder.is_dir())

    # Writing

    def _store(self, db: apsw.Connection, source: str, records: list[Record]) -> int:
        number = self._source(db, source)
        keys = [_key(record.item) for record in records]
        known = self._known(db, number, keys)
        changed: dict[str | bytes, _Known] = {}
        renewed: list[tuple[str | bytes, int, str | bytes]] = []
        texts: list[bytes] = []
        past: list[int] = []
        start = self._next(db, number)
        for key, record in zip(keys, records, strict=True):
            digest = hashlib.sha256(record.payload).digest()
            head = known.get(key)
            if head is not None:
                if head.digest == digest and not head.gone:
                    if head.validator != record.validator:
                        renewed.append((_key(record.validator), number, key))
                    continue
                if not head.gone:
                    past.append(head.line)
            text = self._encode(record, digest)
            line = start + len(texts)
            texts.append(text)
            known[key] = changed[key] = _Known(line, digest, _key(record.validator), record.time, len(text), "")
        self._append(db, number, start, texts, past, changed)
        if renewed:
            db.executemany("UPDATE head SET validator = ? WHERE source = ? AND item = ?", renewed)
        return len(texts)

    def _encode(self, record: Record, digest: bytes) -> bytes:
        if len(record.payload) <= INLINE_BYTES:
            return encode_record(record, digest.hex())
        held = self._objects.add_bytes(record.payload, record.media_type)
        return encode_record(record, digest.hex(), held.sha256)

    @staticmethod
    def _append(
        db: apsw.Connection,
        source: int,
        start: int,
        texts: list[bytes],
        past: list[int],
        heads: dict[str | bytes, _Known],
    ) -> None:
        if not texts:
            return
        db.executemany(
            "INSERT INTO open VALUES (?, ?, ?)", ((source, at, text) for at, text in enumerate(texts, start))
        )
        db.executemany("INSERT OR IGNORE INTO past VALUES (?, ?)", ((source, line) for line in past))
        db.executemany(
            "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((source, key, h.line, h.digest, h.validator, h.time, h.size, h.gone) for key, h in heads.items()),
        )
        db.execute(
            "UPDATE source SET lines = lines + :lines, open_bytes = open_bytes + :bytes WHERE id = :source",
            {"lines": len(texts), "bytes": sum(map(len, texts)) + len(texts), "source": source},
        )

    @staticmethod
    def _source(db: apsw.Connection, name: str) -> int:
        db.execute("INSERT OR IGNORE INTO source (name, lines, open_bytes) VALUES (:name, 0, 0)", {"name": name})
        return int(_one(db, "SELECT id FROM source WHERE name = :name", {"name": name}))

    @staticmethod
    def _next(db: apsw.Connection, source: int) -> int:
        return int(_one(db, "SELECT lines FROM source WHERE id = :source", {"source": source}))

    @staticmethod
    def _known(db: apsw.Connection, source: int, keys: Sequence[str | bytes]) -> dict[str | bytes, _Known]:
        sql = "SELECT item, line, digest, validator, time, size, gone FROM head WHERE source = ? AND item = ?"
        rows = db.executemany(sql, ((source, key) for key in keys))
        return {row[0]: _Known(*row[1:]) for row in rows}

    # Sealing

    def _seal(self, least: int) -> list[Path]:
        paths = []
        with self._lock, database_errors(self._path):
            rows = self._db.execute("SELECT id, name FROM source WHERE open_bytes >= :least", {"least": least})
            for number, name in rows.fetchall():
                while True:
                    with transaction(self._db, self._path) as db:
                        path = self._seal_one(db, number, name, least)
                    if path is None:
                        break
                    paths.append(path)
        return paths

    def _seal_one(self, db: apsw.Connection, source: int, name: str, least: int) -> Path | None:
        """One segment out of the oldest open lines: the file is durable before its row replaces theirs."""
        waiting = _one(db, "SELECT open_bytes FROM source WHERE id = :source", {"source": source})
        if waiting < least:
            return None
        texts, size = [], 0
        first = -1
        for line, text in db.execute("SELECT line, text FROM open WHERE source = :s ORDER BY line", {"s": source}):
            first = line if first < 0 else first
            texts.append(bytes(text))
            size += len(text) + 1
            if size >= SEGMENT_BYTES:
                break
        number = int(_one(db, "SELECT coalesce(max(number), 0) FROM segment WHERE source = :s", {"s": source})) + 1
        segment = write_segment(segment_path(self._folder, name, number), number, first, texts)
        self._enter(db, source, segment)
        db.execute(
            "DELETE FROM open WHERE source = :s AND line < :end", {"s": source, "end": segment.first + segment.lines}
        )
        db.execute("UPDATE source SET open_bytes = open_bytes - :size WHERE id = :s", {"size": size, "s": source})
        return segment.path

    @staticmethod
    def _enter(db: apsw.Connection, source: int, segment: Segment) -> None:
        db.execute(
            "INSERT INTO segment VALUES (:source, :number, :first, :lines, :bytes, :sha256, :frames)",
            {
                "source": source,
                "number": segment.number,
                "first": segment.first,
                "lines": segment.lines,
                "bytes": segment.bytes,
                "sha256": segment.sha256,
                "frames": pack_frames(segment.frames),
            },
        )

    # Reading

    def _walk(self, source: str) -> Iterator[tuple[Any, ...]]:
        """Rows (item, line, size, digest, validator, time) of live heads by item; others may write meanwhile."""
        sql = (
            "SELECT item, line, size, digest, validator, time FROM head"
            " WHERE source = (SELECT id FROM source WHERE name = :source) AND gone = '' {} ORDER BY item LIMIT 20000"
        )
        condition, after = "", None
        while True:
            with self._lock, database_errors(self._path):
                rows = self._db.execute(sql.format(condition), {"source": source, "after": after}).fetchall()
            yield from rows
            if not rows:
                return
            condition, after = "AND item > :after", rows[-1][0]

    def _fetch(self, source: str, wanted: list[int]) -> dict[int, Line]:
        """The lines of these numbers (ascending), each frame unpacked once."""
        with self._lock, database_errors(self._path):
            number = _one(self._db, "SELECT id FROM source WHERE name = :source", {"source": source})
            segments = self._segments(number, source)
            end = segments[-1].first + segments[-1].lines if segments else 0
            sealed = [line for line in wanted if line < end]
            sql = "SELECT line, text FROM open WHERE source = ? AND line = ?"
            rows = self._db.executemany(sql, ((number, line) for line in wanted if line >= end)).fetchall()
        found = {line: decode_lines(text)[0] for line, text in rows}
        starts = [segment.first for segment in segments]
        groups: dict[int, list[int]] = {}
        for line in sealed:
            groups.setdefault(bisect_right(starts, line) - 1, []).append(line)
        for at, lines in groups.items():
            found.update(_pick(segments[at], lines))
        return found

    def _segments(self, source: int, name: str) -> list[Segment]:
        rows = self._db.execute(
            "SELECT number, first, lines, bytes, sha256, frames FROM segment WHERE source = :s ORDER BY number",
            {"s": source},
        )
        return [
            Segment(segment_path(self._folder, name, row[0]), *row[:5], unpack_frames(row[5]))
            for row in rows.fetchall()
        ]

    def _past(self, source: int, first: int, end: int) -> list[int]:
        rows = self._db.execute(
            "SELECT line FROM past WHERE source = :s AND line >= :first AND line < :end ORDER BY line",
            {"s": source, "first": first, "end": end},
        )
        return [line for (line,) in rows.fetchall()]

    # Mending

    def _adopt_strays(self) -> None:
        """Index segments that no row names: a crash came between their rename and their row, or open.sqlite was lost."""
        if not any(True for _ in self._strays()):
            return
        with self._lock, transaction(self._db, self._path) as db:
            for name, number, path in sorted(self._strays()):
                self._index(db, name, number, path)

    def _strays(self) -> Iterator[tuple[str, int, Path]]:
        with database_errors(self._path):
            rows = self._db.execute(
                "SELECT s.name, g.number FROM segment g JOIN source s ON s.id = g.source"
            ).fetchall()
        known = {segment_path(self._folder, name, number) for name, number in rows}
        for path in self._folder.glob("*/*.jsonl.zst"):
            stem = path.name.removesuffix(".jsonl.zst")
            if path not in known and stem.isdigit():
                yield _source_of(path), int(stem), path

    def _index(self, db: apsw.Connection, name: str, number: int, path: Path) -> None:
        source = self._source(db, name)
        first = int(_one(db, "SELECT coalesce(max(first + lines), 0) FROM segment WHERE source = :s", {"s": source}))
        cursor = db.execute("SELECT text FROM open WHERE source = :s ORDER BY line", {"s": source})
        waiting = [bytes(text) for (text,) in cursor.fetchall()]
        for table in ("open", "past", "head"):
            db.execute(f"DELETE FROM {table} WHERE source = :s AND line >= :first", {"s": source, "first": first})
        db.execute("UPDATE source SET lines = :first, open_bytes = 0 WHERE id = :s", {"first": first, "s": source})
        segment, texts = _reread(path, number, first)
        self._enter(db, source, segment)
        self._replay(db, source, texts)
        db.execute("DELETE FROM open WHERE source = :s", {"s": source})
        db.execute("UPDATE source SET open_bytes = 0 WHERE id = :s", {"s": source})
        sealed = set(texts)
        self._replay(db, source, [text for text in waiting if text not in sealed])

    def _replay(self, db: apsw.Connection, source: int, texts: list[bytes]) -> None:
        """Append lines as they are and let them speak about their items."""
        lines = [decode_lines(text)[0] for text in texts]
        known = self._known(db, source, [_key(item_of(line)) for line in lines])
        past: list[int] = []
        heads: dict[str | bytes, _Known] = {}
        start = self._next(db, source)
        for at, (line, text) in enumerate(zip(lines, texts, strict=True), start):
            key = _key(item_of(line))
            before = known.get(key)
            if before is not None:
                past.append(before.line)
            if line.gone:
                past.append(at)
            digest = bytes.fromhex(line.digest) if line.digest else before.digest if before else b""
            gone = line.time if line.gone else ""
            known[key] = heads[key] = _Known(at, digest, _key(validator_of(line)), line.time, len(text), gone)
        self._append(db, source, start, texts, past, heads)


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


def _pick(segment: Segment, wanted: list[int]) -> Iterator[tuple[int, Line]]:
    with open_segment(segment.path) as file:
        start, at = segment.first, 0
        for frame, count in zip(frames_of(segment.path), segment.frames, strict=True):
            begin = at
            while at < len(wanted) and wanted[at] < start + count:
                at += 1
            if at > begin:
                texts = read_frame(segment.path, file, frame).split(b"\n")
                for line in wanted[begin:at]:
                    yield line, decode_lines(texts[line - start])[0]
            start += count


def _reread(path: Path, number: int, first: int) -> tuple[Segment, list[bytes]]:
    """A segment's row and lines from its file alone."""
    texts: list[bytes] = []
    counts: list[int] = []
    with open_segment(path) as file:
        for frame in frames_of(path):
            lines = read_frame(path, file, frame).splitlines()
            texts += lines
            counts.append(len(lines))
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").digest()
    size = sum(map(len, texts)) + len(texts)
    return Segment(path, number, first, len(texts), size, digest, tuple(counts)), texts


def _source_of(path: Path) -> str:
    with open_segment(path) as file:
        frames = frames_of(path)
        first = read_frame(path, file, frames[0]).split(b"\n", 1)[0]
    return decode_lines(first)[0].source


def _shares(parts: list[SealedPart | OpenPart], count: int) -> Iterator[list[SealedPart | OpenPart]]:
    total = sum(part.weight for part in parts) or 1
    shares: list[list[SealedPart | OpenPart]] = [[] for _ in range(max(count, 1))]
    passed = 0
    for part in parts:
        shares[min(passed * len(shares) // total, len(shares) - 1)].append(part)
        passed += part.weight
    return (share for share in shares if share)


def _one(db: apsw.Connection, sql: str, bindings: dict[str, Any]) -> Any:
    row = db.execute(sql, bindings).fetchone()
    assert row is not None
    return row[0]


def _key(text: str) -> str | bytes:
    return text if is_clean(text) else text.encode("utf-8", "surrogatepass")


def _unkey(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.decode("utf-8", "surrogatepass")

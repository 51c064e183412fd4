"""The index of held/records/open.sqlite: heads, open lines, segments, and which lines are past."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import apsw

from phonolith.model.record import Record
from phonolith.store.database import fetch
from phonolith.store.harvests import Harvests
from phonolith.store.lines import Key, Line, decode_lines, from_key, item_of, to_key, validator_of
from phonolith.store.segments import Segment, pack_frames, reread, segment_path, source_of, unpack_frames, write_segment

#: Unpacked bytes of a full segment.
SEGMENT_BYTES = 64 * 1024 * 1024
#: From this many bytes on, lines that come together are sealed at once.
DIRECT_BYTES = 16 * 1024 * 1024
#: So many heads wait in table fresh. Measured with random items: at 2.6 million, 30 us a record without it.
FRESH_HEADS = 500_000


@dataclass(slots=True)
class Known:
    """A head as the table has it; ``gone`` is when the item vanished, or empty. ``size`` is bytes of the line."""

    line: int
    digest: bytes
    validator: Key
    time: str
    size: int
    gone: str


class Stored(NamedTuple):
    """How many records were ``new`` (or back again) and how many ``changed``."""

    new: int
    changed: int


class RecordIndex:
    """Reads and writes rows; its caller holds the transaction and the thread's lock."""

    def __init__(self, db: apsw.Connection, folder: Path) -> None:
        self._db = db
        self._folder = folder
        self._harvests = Harvests(db)

    # Writing

    def store(self, name: str, records: Sequence[Record], encode: Callable[[Record, bytes], bytes]) -> Stored:
        """Append what is new or changed; ``encode`` makes the line from record and digest."""
        source = self.number(name)
        keys = [to_key(record.item) for record in records]
        known = self._known(source, keys)
        changed: dict[Key, Known] = {}
        renewed: list[tuple[Key, int, Key]] = []
        texts: list[bytes] = []
        past: list[int] = []
        start, again = self._next(source), 0
        for key, record in zip(keys, records, strict=True):
            digest = hashlib.sha256(record.payload).digest()
            head = known.get(key)
            if head is not None and not head.gone:
                if head.digest == digest:
                    if head.validator != record.validator:
                        renewed.append((to_key(record.validator), source, key))
                    continue
                past.append(head.line)
                again += 1
            text = encode(record, digest)
            line = start + len(texts)
            texts.append(text)
            known[key] = changed[key] = Known(line, digest, to_key(record.validator), record.time, len(text), "")
        self._append(source, start, texts, past, changed)
        if texts:
            self._harvests.note(source, start, next(iter(changed.values())).time, (len(texts) - again, again, 0))
        self._keep_lines(source, name, start, texts)
        for table in ("head", "fresh"):
            self._db.executemany(f"UPDATE {table} SET validator = ? WHERE source = ? AND item = ?", renewed)
        return Stored(len(texts) - again, again)

    def gone(self, name: str, items: Sequence[str], time: str, encode: Callable[[str], bytes]) -> int:
        """Append a line for each item that is there, saying that it is gone. Returns how many."""
        source = self.number(name)
        known = self._known(source, list(dict.fromkeys(map(to_key, items))))
        live = {key: head for key, head in known.items() if not head.gone}
        start = self._next(source)
        texts = [encode(from_key(key)) for key in live]
        past = [head.line for head in live.values()]
        for line, (head, text) in enumerate(zip(live.values(), texts, strict=True), start):
            head.line, head.size, head.gone = line, len(text), time
            past.append(line)
        self._append(source, start, texts, past, live)
        if texts:
            self._harvests.note(source, start, time, (0, 0, len(texts)))
        self._keep_open(source, start, texts)
        return len(texts)

    def waiting(self, least: int) -> list[str]:
        """Sources whose open part has at least so many bytes."""
        sql = "SELECT name FROM source WHERE open_bytes >= :least ORDER BY name"
        return [name for (name,) in fetch(self._db, sql, {"least": least})]

    def seal(self, name: str, least: int) -> Path | None:
        """One segment out of the oldest open lines, unless they have fewer bytes than ``least``."""
        source = self.number(name)
        first, texts = self._oldest_open(source, least)
        if not texts:
            return None
        segment = self._write(source, name, first, texts)
        bounds = {"s": source, "end": segment.first + segment.lines, "size": segment.size}
        self._db.execute("DELETE FROM open WHERE source = :s AND line < :end", bounds)
        self._db.execute("UPDATE source SET open_bytes = open_bytes - :size WHERE id = :s", bounds)
        return segment.path

    # Reading

    def walk(self, source: str, after: Key | None, limit: int) -> list[tuple[Any, ...]]:
        """Rows (item, line, size, digest, validator, time) of current heads by item, those behind ``after``."""
        sql = (
            "SELECT item, line, size, digest, validator, time FROM current"
            " WHERE source = (SELECT id FROM source WHERE name = :source) {} ORDER BY item LIMIT :limit"
        )
        condition = "" if after is None else "AND item > :after"
        return fetch(self._db, sql.format(condition), {"source": source, "after": after, "limit": limit})

    def segments(self, source: int, name: str) -> list[Segment]:
        """The source's segments, oldest first."""
        sql = "SELECT number, first, lines, bytes, sha256, frames FROM segment WHERE source = :s ORDER BY number"
        return [
            Segment(segment_path(self._folder, name, number), number, first, lines, size, sha256, unpack_frames(frames))
            for number, first, lines, size, sha256, frames in fetch(self._db, sql, {"s": source})
        ]

    def past(self, source: int, first: int, end: int) -> list[int]:
        """Numbers of lines from ``first`` to before ``end`` that are not current, ascending."""
        sql = "SELECT line FROM past WHERE source = :s AND line >= :first AND line < :end ORDER BY line"
        return [line for (line,) in fetch(self._db, sql, {"s": source, "first": first, "end": end})]

    def open_lines(self, source: int, wanted: Sequence[int]) -> dict[int, Line]:
        """Single open lines by their numbers."""
        sql = "SELECT line, text FROM open WHERE source = ? AND line = ?"
        rows: list[Any] = self._db.executemany(sql, ((source, line) for line in wanted)).fetchall()
        return {line: decode_lines(text)[0] for line, text in rows}

    # Mending

    def strays(self) -> list[tuple[str, int, Path]]:
        """Segments that no row names, as (source, number, path), in order."""
        rows = fetch(self._db, "SELECT s.name, g.number FROM segment g JOIN source s ON s.id = g.source")
        known = {segment_path(self._folder, name, number) for name, number in rows}
        found = []
        for path in self._folder.glob("*/*.jsonl.zst"):
            stem = path.name.removesuffix(".jsonl.zst")
            if path not in known and stem.isdigit():
                found.append((source_of(path), int(stem), path))
        return sorted(found)

    def adopt(self, name: str, number: int, path: Path) -> None:
        """Enter a stray segment. Open lines that it has too are dropped; the others are numbered anew behind it."""
        source = self.number(name)
        noted = self._next(source)
        first = int(self._one("SELECT coalesce(max(first + lines), 0) FROM segment WHERE source = :s", s=source))
        rows = fetch(self._db, "SELECT text FROM open WHERE source = :s ORDER BY line", {"s": source})
        for table in ("open", "past", "head", "fresh"):
            self._db.execute(f"DELETE FROM {table} WHERE source = :s AND line >= :f", {"s": source, "f": first})
        self._db.execute("UPDATE source SET lines = :f, open_bytes = 0 WHERE id = :s", {"s": source, "f": first})
        segment, texts = reread(path, number, first)
        self._enter(source, segment)
        self._replay(source, texts, noted)
        sealed = set(texts)
        waiting = [text for (text,) in rows if text not in sealed]
        self._keep_open(source, self._replay(source, waiting, noted), waiting)

    def _replay(self, source: int, texts: list[bytes], noted: int) -> int:
        """Number lines anew and let them speak about their items; returns the number of the first.

        Lines from ``noted`` on belong to no harvest that is known: they count as one for each day.
        """
        lines = [decode_lines(text)[0] for text in texts]
        known = self._known(source, [to_key(item_of(line)) for line in lines])
        past: list[int] = []
        heads: dict[Key, Known] = {}
        start = self._next(source)
        for at, (line, text) in enumerate(zip(lines, texts, strict=True), start):
            key = to_key(item_of(line))
            before = known.get(key)
            if at >= noted:
                there = before is not None and not before.gone
                self._harvests.note_day(
                    source, at, line.time, (not (there or line.gone), there and not line.gone, line.gone)
                )
            past += [before.line] if before is not None else []
            past += [at] if line.gone else []
            digest = bytes.fromhex(line.digest) if line.digest else before.digest if before else b""
            gone = line.time if line.gone else ""
            known[key] = heads[key] = Known(at, digest, to_key(validator_of(line)), line.time, len(text), gone)
        self._append(source, start, texts, past, heads)
        return start

    def _append(self, source: int, start: int, texts: list[bytes], past: list[int], heads: dict[Key, Known]) -> None:
        """Enter what lines say about their items; the lines themselves are kept by the two below."""
        if not texts:
            return
        db = self._db
        db.executemany("INSERT OR IGNORE INTO past VALUES (?, ?)", ((source, line) for line in past))
        db.executemany(
            "INSERT OR REPLACE INTO fresh VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((source, key, h.line, h.digest, h.validator, h.time, h.size, h.gone) for key, h in heads.items()),
        )
        sql = "UPDATE source SET lines = :lines, fresh = fresh + :heads WHERE id = :s"
        db.execute(sql, {"lines": start + len(texts), "heads": len(heads), "s": source})
        if self._one("SELECT sum(fresh) FROM source") >= FRESH_HEADS:
            db.execute("INSERT OR REPLACE INTO head SELECT * FROM fresh ORDER BY source, item")
            db.execute("DELETE FROM fresh")
            db.execute("UPDATE source SET fresh = 0")

    def _keep_lines(self, source: int, name: str, start: int, texts: list[bytes]) -> None:
        """Many bytes go to a segment at once, which spares writing them twice; few wait in the open part."""
        if size_of(texts) < DIRECT_BYTES:
            return self._keep_open(source, start, texts)
        while self.seal(name, 1) is not None:
            pass  # lines keep their order: what waits comes first
        for run in runs_of(texts, SEGMENT_BYTES):
            start += self._write(source, name, start, run).lines
        return None

    def _keep_open(self, source: int, start: int, texts: list[bytes]) -> None:
        rows = ((source, at, text) for at, text in enumerate(texts, start))
        self._db.executemany("INSERT INTO open VALUES (?, ?, ?)", rows)
        sql = "UPDATE source SET open_bytes = open_bytes + :size WHERE id = :s"
        self._db.execute(sql, {"size": size_of(texts), "s": source})

    def _oldest_open(self, source: int, least: int) -> tuple[int, list[bytes]]:
        """Number of the first open line, and lines from there on that fill a segment; none if there are too few."""
        if self._one("SELECT open_bytes FROM source WHERE id = :s", s=source) < least:
            return 0, []
        rows = self._db.execute("SELECT line, text FROM open WHERE source = ? ORDER BY line", (source,))
        first, texts, size = -1, [], 0
        for row in rows:
            line, text = cast(tuple[int, bytes], row)
            first = line if first < 0 else first
            texts.append(text)
            size += len(text) + 1
            if size >= SEGMENT_BYTES:
                break
        return first, texts

    def _write(self, source: int, name: str, first: int, texts: list[bytes]) -> Segment:
        """Lines as a segment: the file is durable before its row is."""
        number = int(self._one("SELECT coalesce(max(number), 0) + 1 FROM segment WHERE source = :s", s=source))
        segment = write_segment(segment_path(self._folder, name, number), number, first, texts)
        self._enter(source, segment)
        return segment

    def _enter(self, source: int, segment: Segment) -> None:
        self._db.execute(
            "INSERT INTO segment VALUES (:source, :number, :first, :lines, :bytes, :sha256, :frames)",
            {
                "source": source,
                "number": segment.number,
                "first": segment.first,
                "lines": segment.lines,
                "bytes": segment.size,
                "sha256": segment.sha256,
                "frames": pack_frames(segment.frames),
            },
        )

    def number(self, name: str) -> int:
        """The source's number; entered if it is new."""
        self._db.execute(
            "INSERT OR IGNORE INTO source (name, lines, open_bytes, fresh) VALUES (:name, 0, 0, 0)", {"name": name}
        )
        return int(self._one("SELECT id FROM source WHERE name = :name", name=name))

    def _known(self, source: int, keys: Sequence[Key]) -> dict[Key, Known]:
        """The heads of these items, those that are gone too; what ``fresh`` says of an item goes before ``head``."""
        known: dict[Key, Known] = {}
        for table in ("head", "fresh"):
            if fetch(self._db, f"SELECT 1 FROM {table} WHERE source = :s LIMIT 1", {"s": source}):
                sql = (
                    f"SELECT item, line, digest, validator, time, size, gone FROM {table} WHERE source = ? AND item = ?"
                )
                rows: Iterator[Any] = iter(self._db.executemany(sql, ((source, key) for key in keys)))
                known.update((row[0], Known(*row[1:])) for row in rows)
        return known

    def _next(self, source: int) -> int:
        return int(self._one("SELECT lines FROM source WHERE id = :s", s=source))

    def _one(self, sql: str, **bindings: Any) -> Any:
        return fetch(self._db, sql, bindings)[0][0]


def size_of(texts: Sequence[bytes]) -> int:
    """Bytes of lines with their newlines."""
    return sum(map(len, texts)) + len(texts)


def runs_of(texts: list[bytes], most: int) -> Iterator[list[bytes]]:
    """Lines in runs of about ``most`` bytes."""
    begin, size = 0, 0
    for at, text in enumerate(texts):
        size += len(text) + 1
        if size >= most:
            yield texts[begin : at + 1]
            begin, size = at + 1, 0
    if begin < len(texts):
        yield texts[begin:]

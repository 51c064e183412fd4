"""Harvests tables: each row of CSV, TSV, Parquet or Data Package files becomes a record, told apart by its key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from phonolith.errors import BadInput, Interrupted, NotFound, UsageError
from phonolith.harvest.report import HarvestReport, Writer, mark_gone
from phonolith.harvest.rows import Broken, Good, Reading, open_parquet, open_text
from phonolith.harvest.seen import Seen
from phonolith.model.progress import Progress
from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS
from phonolith.sources.cells import plain
from phonolith.sources.keys import identity, key_of
from phonolith.sources.map_file import ColumnMap, Table, parse_map, section_columns, suggestion
from phonolith.sources.table import broken_item
from phonolith.sources.text import visible
from phonolith.store.archive import Archive
from phonolith.store.files import storage_error

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's rows are: files in order, and how to read them."""

    files: tuple[Path, ...]
    format: str
    encoding: str
    delimiter: str


def harvest_table(
    archive: Archive, path: Path, map_path: Path, *, progress: Progress, clock: Callable[[], str]
) -> HarvestReport:
    """Store the rows of the tables at ``path`` (a file, a folder or a ``datapackage.json``) by the map at ``map_path``.

    Rows that are as they were are left alone, rows no longer there are marked gone. The collection is called
    ``table.<the map's name>``. ``clock`` gives the time as ISO 8601, UTC.

    Raises NotFound, BadInput (the map, a header), StorageError, Busy; Interrupted when a person stops it: what was
    stored stays, and nothing is marked gone.
    """
    text = _read_text(map_path)
    column_map = parse_map(text, visible(map_path.name))
    places = places_of(path, column_map)
    report = HarvestReport(f"table.{column_map.name}")
    with (
        archive.lock("harvest", what=f"harvest table {visible(str(path))}"),
        archive.records() as store,
        Seen(archive.state / "harvest-seen.sqlite") as seen,
        Seen(archive.state / "harvest-said.sqlite") as said,
    ):
        writer = Writer(store, report)
        run = _Run(report, writer, clock(), seen, said)
        seen.add(SETTINGS)
        run.add(SETTINGS, text.encode(), "application/toml")
        try:
            for number, (table, place) in enumerate(zip(column_map.tables, places, strict=True), 1):
                progress.phase(number, len(places), f"read {table.name}")
                run.table(table, place, progress)
        except KeyboardInterrupt:
            writer.flush()
            raise Interrupted(
                visible(str(path)), f"stopped after {report.total:,} records, which are kept", "Run the same again"
            ) from None
        except BaseException:
            writer.flush()
            raise
        writer.flush()
        mark_gone(store, report, report.source, seen, run.time)
    return report


def places_of(path: Path, column_map: ColumnMap) -> list[Place]:
    """Where the rows of each of the map's tables are. Raises NotFound, BadInput, UsageError."""
    package = path if path.name == "datapackage.json" else path / "datapackage.json"
    if any(table.resource for table in column_map.tables):
        resources = _resources(package)
        return [_package_place(package, resources, table) for table in column_map.tables]
    if path.is_dir():
        return [_place(path / table.file, table) for table in column_map.tables if _has_file(table)]
    if len(column_map.tables) > 1:
        raise UsageError(
            visible(str(path)), f"is one file, and the map has {len(column_map.tables)} tables", "Give their folder"
        )
    return [_place(path, column_map.tables[0])]


class _Run:
    """One run over a collection's tables; ``seen`` are the items that are there, ``said`` what rows said of others."""

    def __init__(self, report: HarvestReport, writer: Writer, time: str, seen: Seen, said: Seen) -> None:
        self.report = report
        self.time = time
        self._seen = seen
        self._said = said
        self._writer = writer

    def add(self, item: str, payload: bytes, media_type: str = "application/json", url: str = "") -> None:
        """Store a record; its item is among ``seen`` already."""
        self._writer.add(Record(self.report.source, item, url, self.time, payload, media_type))

    def table(self, table: Table, place: Place, progress: Progress) -> None:
        """Store the rows of one table."""
        progress.start(f"rows of {table.name}", None, "rows")
        keeper = _Keeper(table, self._seen, self._said)
        for file in place.files:
            reading = open_place(file, place)
            check_columns(table, reading)
            if reading.note:
                self.report.found("table.encoding", reading.name, reading.note, severity="note")
            for count, row in enumerate(reading.rows):
                self._row(table, reading.name, row, keeper)
                if count % 1000 == 999:
                    progress.advance(1000)
        progress.finish()

    def _row(self, table: Table, name: str, row: Good | Broken, keeper: _Keeper) -> None:
        if isinstance(row, Good):
            item = keeper.item(row)
            if item:
                payload = {"table": table.name, "row": row.cells}
                if first := keeper.first(row):
                    payload["first"] = first
                self.add(item, _encode(payload), url=name)
                return
            keys = " and ".join(repr(column) for column in table.key)
            text = "\t".join(plain(cell) for cell in row.cells.values())
            row = Broken(row.line, f"has nothing in its key {keys}", "Name a key that every row has", text[:65536])
        self.report.found("table.row", f"{name} line {row.line:,}", row.problem, row.remedy)
        payload = {"table": table.name, "broken": row.problem, "text": row.text}
        data = _encode(payload)
        item = broken_item(table.name, hashlib.sha256(data).hexdigest())
        self._seen.add(item)
        self.add(item, data, url=name)


class _Keeper:
    """Gives rows their items, equal keys a number (``#2``), and says which row is the first to name a thing.

    ``seen`` are the items that are there already; each item that is given is added to it. ``said`` is what rows said.
    """

    def __init__(self, table: Table, seen: Seen, said: Seen) -> None:
        self._table = table
        self._seen = seen
        self._said = said
        self._others = [(s.kind, identity(table, s), section_columns(s)) for s in table.sections[1:]]
        self._last: dict[str, int] = {}

    def item(self, row: Good) -> str:
        """The row's item, "" where its key is empty."""
        values = [plain(row.cells.get(column)) for column in self._table.key]
        if not values[0]:
            return ""
        item = key_of(f"{self._table.name}:", values)
        if not self._seen.add(item):
            item = f"{item}#{self._free(item)}"
            self._seen.add(item)
        return item

    def _free(self, item: str) -> int:
        """The lowest number that no row with this key has yet. All below it are taken, so it is halved out."""
        taken, free = 1, 2
        while f"{item}#{free}" in self._seen:
            taken, free = free, free * 2
        while free - taken > 1:
            middle = (taken + free) // 2
            taken, free = (middle, free) if f"{item}#{middle}" in self._seen else (taken, middle)
        return free

    def first(self, row: Good) -> list[str]:
        """Sections of which this row says something that no row before it said."""
        found = []
        for kind, name, columns in self._others:
            said = hash((self._table.name, kind, *(plain(row.cells.get(column)) for column in columns)))
            if said == self._last.get(kind):  # rows of a release stand together
                continue
            self._last[kind] = said
            if said not in self._said and name(row.cells):
                self._said.add(said)
                found.append(kind)
        return found


def open_place(file: Path, place: Place) -> Reading:
    """Open one file of a table."""
    if place.format == "parquet":
        return open_parquet(file)
    return open_text(file, encoding=place.encoding, delimiter=place.delimiter)


def check_columns(table: Table, reading: Reading) -> None:
    """Raise BadInput if the map names a column that the file does not have."""
    for column, where in table.columns.items():
        if column not in reading.columns:
            instead = suggestion(column, list(reading.columns))
            raise BadInput(
                f"column map, {where}",
                f"names the column {column!r}, which {reading.name} does not have{instead}",
                "Correct the map; see docs/reference/column-maps.md",
            )


def _has_file(table: Table) -> bool:
    if not table.file:
        raise BadInput(f"column map, table {table.name!r}", "names no file", 'Add file = "…"')
    return True


def _place(file: Path, table: Table) -> Place:
    format_ = table.format or {".parquet": "parquet", ".tsv": "tsv", ".tab": "tsv"}.get(file.suffix.lower(), "csv")
    delimiter = table.delimiter or ("\t" if format_ == "tsv" else "")
    return Place((file,), format_, table.encoding, delimiter)


def _resources(package: Path) -> dict[str, dict[str, Any]]:
    """The resources of a Data Package by name (https://specs.frictionlessdata.io/data-package/)."""
    name = visible(str(package))
    try:
        found = msgspec.json.decode(_read_bytes(package))
        return {str(resource["name"]): resource for resource in found["resources"]}
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BadInput(
            name, f"is not a Data Package: {error}", "It must list resources with names and paths"
        ) from error


def _package_place(package: Path, resources: dict[str, dict[str, Any]], table: Table) -> Place:
    resource = resources.get(table.resource)
    if resource is None:
        raise BadInput(
            f"column map, table {table.name!r}",
            f"names the resource {table.resource!r}{suggestion(table.resource, list(resources))}",
            "Correct the map",
        )
    named = resource.get("path", [])
    paths = [named] if isinstance(named, str) else named
    if not paths or not all(isinstance(p, str) for p in paths):
        raise BadInput(f"resource {table.resource!r}", "names no file", "It must have a path")
    for one in paths:
        if one.startswith(("/", "\\")) or "://" in one or ".." in Path(one).parts:
            raise BadInput(
                f"resource {table.resource!r}", f"its path {visible(one)!r} leads out of its package", "Correct it"
            )
    dialect = resource.get("dialect") or {}
    place = _place(package.parent / paths[0], table)
    delimiter = table.delimiter or str(dialect.get("delimiter") or place.delimiter)
    encoding = table.encoding or str(resource.get("encoding") or "")
    return Place(tuple(package.parent / p for p in paths), place.format, encoding, delimiter)


def _read_text(path: Path) -> str:
    try:
        return _read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(visible(str(path)), f"is not UTF-8 ({error.reason})", "Save it as UTF-8") from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound(visible(str(path)), "is not there", "Check the path") from None
    except OSError as error:
        raise storage_error(path, error) from error

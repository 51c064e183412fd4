"""The source ``table``: rows of somebody's tables, read through a column map that the collection keeps with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.music import Description
from phonolith.model.record import Record
from phonolith.sources.base import Terms
from phonolith.sources.cells import Row
from phonolith.sources.columns import compile_table
from phonolith.sources.map_file import ColumnMap, parse_map
from phonolith.sources.rows_back import row_of

_BROKEN_MARK = "!"


class RowPayload(msgspec.Struct):
    """The payload of a row's record.

    ``row`` has the cells by column, as they were. ``first`` names the sections, besides what the row is about, that
    this row is the first of the table to describe.
    """

    table: str
    row: dict[str, Any]
    first: list[str] = []


_decode = msgspec.json.Decoder(RowPayload).decode

TERMS = Terms(
    metadata_licence="",
    payload_licences="a column of the table, at the level the map declares",
    publish=("**",),
)


class TableSource:
    """Interprets rows. The one in the registry knows no map; :meth:`prepared` gives one that does."""

    name = "table"
    title = "Tables with a column map"
    terms = TERMS

    def prepared(self, name: str, settings: bytes | None) -> PreparedTable:
        """The source of the collection ``name`` by the map in its settings. Raises BadInput where there is no map."""
        if settings is None:
            raise BadInput(f"source {name}", "its column map is missing from the records", "Harvest the table again")
        return PreparedTable(name, settings)

    def interpret(self, record: Record) -> Iterable[Description]:
        """Refuses: without its map a row says nothing."""
        raise BadInput(f"record {record.source} {record.item}", "cannot be read without its column map")


class PreparedTable:
    """One collection of tables with its map. Pickles as name and settings."""

    def __init__(self, name: str, settings: bytes) -> None:
        self.name = name
        self._settings = settings
        self.map = _parsed(settings)
        self.title = self.map.title
        self.terms = terms_of(self.map)
        self._describe = {t.name: compile_table(self.map, t, name) for t in self.map.tables}

    def __reduce__(self) -> tuple[Callable[..., PreparedTable], tuple[str, bytes]]:
        return PreparedTable, (self.name, self._settings)

    def interpret(self, record: Record) -> Iterable[Description]:
        """What a row says: its track, release or artist, and others that it is the first to name."""
        return self.interpret_many([record])

    def interpret_many(self, records: Sequence[Record]) -> list[Description]:
        """What many rows say, read a column at a time; rows of one table that follow each other are read together.

        The order of the descriptions is not that of the records. Raises BadInput if any of them is not a row.
        """
        rows = [(record, self._row(record)) for record in records if is_row(record.item)]
        made: list[Description] = []
        for table, run in groupby(rows, key=lambda row: row[1].table):
            several, payloads = zip(*run, strict=True)
            cells, firsts = [one.row for one in payloads], [one.first for one in payloads]
            made += self._describe[table]([one.item for one in several], cells, firsts, several)
        return made

    def _row(self, record: Record) -> RowPayload:
        try:
            payload = _decode(record.payload)
        except msgspec.MsgspecError as error:
            raise BadInput(f"record {record.source} {record.item}", f"is not a row of this map: {error}") from error
        if payload.table not in self._describe:
            raise BadInput(f"record {record.source} {record.item}", f"is of no table of this map: {payload.table!r}")
        return payload

    def document(self, record: Record) -> Row:
        """What the round trip is measured against: the row, less what says nothing or what another row said."""
        if not is_row(record.item):
            return {}
        payload = _decode(record.payload)
        table = self.map.table(payload.table)
        elsewhere = table.columns_of_others(payload.first)
        cells = {column: value for column, value in payload.row.items() if column not in elsewhere}
        return {column: value for column, value in cells.items() if value not in table.empty.get(column, ())}

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Row:
        """The row again, from descriptions alone; of the record only its item is used."""
        if not is_row(record.item):
            return {}
        return row_of(self.map, self.map.table(record.item.partition(":")[0]), descriptions)


def broken_item(table: str, digest: str) -> str:
    """The item of a row that could not be cut into cells; it is kept and says nothing."""
    return f"{table}{_BROKEN_MARK}{digest[:16]}"


def is_row(item: str) -> bool:
    """Whether an item is that of a row: neither the settings nor a row that could not be cut into cells."""
    return _BROKEN_MARK not in item.partition(":")[0]


def terms_of(column_map: ColumnMap) -> Terms:
    """The terms of a collection, as its map declares them."""
    return Terms(
        metadata_licence=column_map.metadata_licence,
        payload_licences=TERMS.payload_licences,
        publish=("**",),
        private=tuple(sorted(column_map.private)),
        withhold=tuple(sorted(column_map.withhold)),
        contact=column_map.contact,
        credit=column_map.credit,
        url=column_map.url,
    )


@lru_cache(maxsize=16)
def _parsed(settings: bytes) -> ColumnMap:
    return parse_map(settings.decode("utf-8"), "column map")


SOURCE = TableSource()

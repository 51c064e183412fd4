"""What rows of many kinds share, looked up by the set: credits, labels, dates, evidence, licences, sources."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any

from phonolith.library.reading import NO_RIGHTS, Reading
from phonolith.library.views import CreditName, Date, LabelRef, LicenceView, Rights, SourceView
from phonolith.model.ids import public_id, unpack_source_id

# Bytes: what a credit and a date take, names and all, and how much of each is remembered per build.
_CREDIT, _MOST_CREDITS = 500, 1_500_000
_DATE, _MOST_DATES = 300, 1_000_000
_EVIDENCE, _MOST_EVIDENCE = 500, 10_000_000

_CREDITS = """
SELECT c.id, c.artist, c.name, c.join_phrase, c.role FROM json_each(?) j CROSS JOIN credit c ON c.id = j.value
ORDER BY c.id, c.position"""

_NAMES = """
SELECT a.id, a.name, a.source, a.source_id FROM json_each(?) j CROSS JOIN artist a ON a.id = j.value"""

_DATES = """
SELECT d.id, d.written, d.year, d.month, d.day, d.problem
FROM json_each(?) j CROSS JOIN event_date d ON d.id = j.value"""

_RIGHTS = """
SELECT x.id, x.licence, x.level, x.stated, x.stated_by, x.basis, x.composition, x.note, x.limits
FROM json_each(?) j CROSS JOIN rights x ON x.id = j.value"""

_LICENCES = """
SELECT id, code, family, title, uri, hold, stream, redistribute, reencode, commercial, attribution, share_alike,
  territories FROM licence"""

_LABELS = "SELECT l.id, l.name, l.source, l.source_id FROM json_each(?) j CROSS JOIN label l ON l.id = j.value"


def credits(reading: Reading, columns: Iterable[int | None]) -> dict[int | None, tuple[CreditName, ...]]:
    """What credit columns name, by column value: positive is the one artist, negative a row of credits."""
    return reading.remembered("credits", columns, partial(_credits, reading), _CREDIT, _MOST_CREDITS)


def names(reading: Reading, artists: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Public id and name of artists, by row."""
    source = sources(reading)
    return {
        row: (public_id(source[where].name, unpack_source_id(source_id)), name)
        for row, name, where, source_id in each(reading, _NAMES, artists)
    }


def labels(reading: Reading, rows: Iterable[int]) -> dict[int, LabelRef]:
    """Labels by row."""
    source = sources(reading)
    return {
        row: LabelRef(public_id(source[where].name, unpack_source_id(source_id)), name)
        for row, name, where, source_id in each(reading, _LABELS, rows)
    }


def dates(reading: Reading, rows: Iterable[int | None]) -> dict[int | None, Date]:
    """Dates by row."""
    return reading.remembered("dates", rows, partial(_dates, reading), _DATE, _MOST_DATES)


def rights(reading: Reading, rows: Iterable[int | None]) -> dict[int | None, Rights]:
    """Evidence by row, with what stands where there is none under None."""
    found = reading.remembered("rights", rows, partial(_rights, reading), _EVIDENCE, _MOST_EVIDENCE)
    return {**found, None: NO_RIGHTS}


def licences(reading: Reading) -> Mapping[int, LicenceView]:
    """Every licence of the catalogue by row."""

    def read() -> dict[int, LicenceView]:
        return {row: _licence(*rest) for row, *rest in reading.rows(_LICENCES)}

    return reading.snapshot.once("licences", read)


def sources(reading: Reading) -> Mapping[int, SourceView]:
    """Every source of the catalogue by row."""

    def read() -> dict[int, SourceView]:
        found = reading.rows("SELECT id, name, title, url, licence, credit FROM source")
        return {row: SourceView(*rest) for row, *rest in found}

    return reading.snapshot.once("sources", read)


def _credits(reading: Reading, wanted: Collection[int]) -> dict[int | None, tuple[CreditName, ...]]:
    listed: dict[int, list[tuple[int, str | None, str, str]]] = {-column: [] for column in wanted if column < 0}
    for number, artist, name, join, role in each(reading, _CREDITS, listed):
        listed[number].append((artist, name, join, role))
    artists = {column for column in wanted if column > 0} | {part[0] for parts in listed.values() for part in parts}
    known = names(reading, artists)
    found: dict[int | None, tuple[CreditName, ...]] = {}
    for column in wanted:
        parts = listed[-column] if column < 0 else [(column, None, "", "")]
        found[column] = tuple(
            CreditName(known[artist][0], name or known[artist][1], known[artist][1], join, role)
            for artist, name, join, role in parts
            if artist in known
        )
    return found


def _dates(reading: Reading, wanted: Collection[int]) -> dict[int | None, Date]:
    return {
        row: Date(written, year, month, day, problem or "")
        for row, written, year, month, day, problem in each(reading, _DATES, wanted)
    }


def _rights(reading: Reading, wanted: Collection[int]) -> dict[int | None, Rights]:
    by_row = licences(reading)
    return {
        row: Rights(
            by_row.get(licence), level, stated, stated_by, basis, bool(composition), note, tuple(limits.split())
        )
        for row, licence, level, stated, stated_by, basis, composition, note, limits in each(reading, _RIGHTS, wanted)
    }


def _licence(code: str, family: str, title: str, uri: str, *rest: Any) -> LicenceView:
    hold, stream, redistribute, reencode, commercial, attribution, share_alike = map(bool, rest[:7])
    places = tuple(rest[7].split())
    flags = (hold, stream, redistribute, reencode, commercial, attribution, share_alike)
    return LicenceView(code, family, title, uri, *flags, places)


def each(reading: Reading, sql: str, rows: Iterable[int | None]) -> Iterable[tuple[Any, ...]]:
    """Run a query over a set of row numbers; none at all costs nothing."""
    wanted = sorted(row for row in rows if row is not None)
    return reading.rows(sql, (json.dumps(wanted),)) if wanted else ()

"""What rows of many kinds share, looked up by the set: credits, labels, dates, evidence, licences, sources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from phonolith.library.reading import NO_RIGHTS, Reading
from phonolith.library.views import CreditName, Date, LabelRef, LicenceView, Rights, SourceView
from phonolith.model.ids import public_id, unpack_source_id

_REMEMBERED = 20_000  # pieces of evidence kept per build

_CREDITS = """
SELECT c.id, c.artist, c.name, c.join_phrase, c.role FROM json_each(?) j CROSS JOIN credit c ON c.id = j.value
ORDER BY c.id, c.position"""

_NAMES = """
SELECT a.id, a.name, a.source, a.source_id FROM json_each(?) j CROSS JOIN artist a ON a.id = j.value"""

_DATES = """
SELECT d.id, d.written, d.year, d.month, d.day, d.problem
FROM json_each(?) j CROSS JOIN event_date d ON d.id = j.value"""

_RIGHTS = """
SELECT x.id, x.licence, x.level, x.stated, x.stated_by, x.basis, x.composition, x.note
FROM json_each(?) j CROSS JOIN rights x ON x.id = j.value"""

_LICENCES = """
SELECT id, code, family, title, uri, hold, stream, redistribute, reencode, commercial, attribution, share_alike,
  territories FROM licence"""

_LABELS = "SELECT l.id, l.name, l.source, l.source_id FROM json_each(?) j CROSS JOIN label l ON l.id = j.value"


def credits(reading: Reading, columns: Iterable[int | None]) -> dict[int | None, tuple[CreditName, ...]]:
    """What credit columns name, by column value: positive is the one artist, negative a row of credits."""
    wanted = {column for column in columns if column is not None}
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
    return {
        row: Date(written, year, month, day, problem or "")
        for row, written, year, month, day, problem in each(reading, _DATES, rows)
    }


def rights(reading: Reading, rows: Iterable[int | None]) -> dict[int | None, Rights]:
    """Evidence by row, with what stands where there is none under None; remembered for as long as the build."""
    known: dict[int | None, Rights] = reading.snapshot.once("rights", dict)
    if len(known) > _REMEMBERED:
        known.clear()
    wanted = set(rows)
    found: dict[int | None, Rights] = {None: NO_RIGHTS}
    found.update({row: one for row in wanted if (one := known.get(row)) is not None})
    by_row = licences(reading)
    for row, licence, level, stated, stated_by, basis, composition, note in each(
        reading, _RIGHTS, wanted - found.keys()
    ):
        view = by_row.get(licence)
        found[row] = known[row] = Rights(view, level, stated, stated_by, basis, bool(composition), note)
    return found


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


def _licence(code: str, family: str, title: str, uri: str, *rest: Any) -> LicenceView:
    hold, stream, redistribute, reencode, commercial, attribution, share_alike = map(bool, rest[:7])
    places = tuple(rest[7].split())
    flags = (hold, stream, redistribute, reencode, commercial, attribution, share_alike)
    return LicenceView(code, family, title, uri, *flags, places)


def each(reading: Reading, sql: str, rows: Iterable[int | None]) -> Iterable[tuple[Any, ...]]:
    """Run a query over a set of row numbers; none at all costs nothing."""
    wanted = sorted(row for row in rows if row is not None)
    return reading.rows(sql, (json.dumps(wanted),)) if wanted else ()

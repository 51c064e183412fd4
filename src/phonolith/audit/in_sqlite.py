"""Counts in a stranger's SQLite file, which is given no power: it is data and not a program.

It is opened as one that never changes, so no journal beside it is believed and nothing is created; in defensive mode,
without views, triggers or a trusted schema. An authorizer lets through reading of ordinary tables and a list of
harmless functions: virtual tables, tables with generated columns, recursion, ATTACH and PRAGMA are refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import quote

import apsw
from msgspec.structs import replace

from phonolith.audit.counted import Check, Counted, Request, Unreadable, number
from phonolith.audit.different import Different

_FUNCTIONS = frozenset(
    {
        *("abs", "avg", "coalesce", "count", "date", "datetime", "glob", "ifnull", "iif", "instr", "julianday"),
        *("length", "like", "lower", "ltrim", "max", "min", "nullif", "round", "rtrim", "strftime", "substr"),
        *("substring", "sum", "time", "total", "trim", "typeof", "unixepoch", "upper"),
    }
)
_LIMITS = {  # of one statement
    apsw.SQLITE_LIMIT_LENGTH: 16 << 20, apsw.SQLITE_LIMIT_SQL_LENGTH: 100_000, apsw.SQLITE_LIMIT_COLUMN: 2000,
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 100, apsw.SQLITE_LIMIT_COMPOUND_SELECT: 8, apsw.SQLITE_LIMIT_VDBE_OP: 25_000,
    apsw.SQLITE_LIMIT_FUNCTION_ARG: 16, apsw.SQLITE_LIMIT_ATTACHED: 0, apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    apsw.SQLITE_LIMIT_VARIABLE_NUMBER: 0, apsw.SQLITE_LIMIT_TRIGGER_DEPTH: 1, apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
}  # fmt: skip


_SUMS = frozenset({"avg", "sum", "total"})
_REFUSED = (apsw.AuthError, apsw.SQLError, apsw.TooBigError, apsw.BindingsError)
_AT_ONCE = 200  # checks of a table, below the columns that a statement may have
_CHUNK = 1_000  # rows
_Scan = Callable[[apsw.Connection, str, Sequence[Check]], list[Counted]]


def count_in_sqlite(request: Request) -> list[Counted]:
    """What each check counts. Raises Unreadable."""
    late = time.process_time() + request.seconds
    try:
        with opened(request.path, late) as (db, plain):
            return _counted(db, plain, request.checks)
    except apsw.InterruptError:
        raise Unreadable(f"counting in it takes longer than {request.seconds:g} seconds") from None
    except apsw.Error as error:
        raise Unreadable(f"SQLite cannot read it: {error}") from error


@contextmanager
def opened(path: str, late: float) -> Iterator[tuple[apsw.Connection, frozenset[str]]]:
    """A stranger's file, which may do nothing until ``late``, and the names of its tables. Raises apsw.Error."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_NOFOLLOW
    db = apsw.Connection(f"file:{_quoted(path)}?immutable=1&mode=ro", flags=flags)
    try:
        yield db, _hardened(db, late)
    finally:
        db.close()


def _quoted(path: str) -> str:
    return quote(os.fsencode(os.path.realpath(path)))


def _hardened(db: apsw.Connection, late: float) -> frozenset[str]:
    """Take every power from a stranger's file; the names of its ordinary tables, which alone may be read."""
    for switch, on in (
        (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
        (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
        (apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0),
    ):
        db.config(switch, on)
    for name, most in _LIMITS.items():
        db.limit(name, most)
    db.set_progress_handler(lambda: time.process_time() > late, 10_000)
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA mmap_size = 0")
    db.execute("PRAGMA temp_store = MEMORY")  # no file can be written here: what sorts much ends as too much memory
    tables = [row[1] for row in db.execute("PRAGMA table_list") if row[0] == "main" and row[2] == "table"]
    plain = frozenset(
        name.lower()
        for name in tables
        if not any(row[6] > 1 for row in db.execute(f"PRAGMA table_xinfo({_name(name)})"))
    )
    db.authorizer = lambda action, one, two, schema, inner: _may(plain, action, one, two, schema)
    return plain


def _may(plain: frozenset[str], action: int, one: str | None, two: str | None, schema: str | None) -> int:
    allowed = (
        action == apsw.SQLITE_SELECT
        or (action == apsw.SQLITE_READ and (schema == "main" or schema is None) and (one or "").lower() in plain)
        or (action == apsw.SQLITE_FUNCTION and (two or "").lower() in _FUNCTIONS)
    )
    return int(apsw.SQLITE_OK if allowed else apsw.SQLITE_DENY)


def _counted(db: apsw.Connection, plain: frozenset[str], checks: Sequence[Check]) -> list[Counted]:
    """What each check counts; rows and sums of a table come out of one scan of it, different values out of another."""
    found: dict[Check, Counted] = {}
    for check in checks:
        if check.what == "sql":
            found[check] = _asked(db, plain, check.sql)
        elif check.table.lower() not in plain:
            known = ", ".join(sorted(plain)[:20]) or "none"
            found[check] = Counted(problem=f"there is no ordinary table {check.table!r} in it; there are: {known}")
    for table in dict.fromkeys(check.table for check in checks if check not in found):
        mine = [check for check in checks if check not in found and check.table == table]
        _together(db, table, [check for check in mine if check.what != "distinct"], _sums, found)
        _together(db, table, [check for check in mine if check.what == "distinct"], _different, found)
    return [found[check] for check in checks]


def _together(
    db: apsw.Connection, table: str, checks: Sequence[Check], scan: _Scan, found: dict[Check, Counted]
) -> None:
    """Count by one scan; where that cannot be, by one each: one column that is not there spoils it for all."""
    for part in [checks[at : at + _AT_ONCE] for at in range(0, len(checks), _AT_ONCE)]:
        try:
            found.update(zip(part, scan(db, table, part), strict=True))
        except (*_REFUSED, MemoryError) as error:
            for check in part if len(part) > 1 else ():
                _together(db, table, [check], scan, found)
            if len(part) == 1:
                if isinstance(error, MemoryError):
                    raise
                found[part[0]] = Counted(problem=f"the SQL is refused: {error}")


def _sums(db: apsw.Connection, table: str, checks: Sequence[Check]) -> list[Counted]:
    what = ", ".join(f"total({_name(check.column)})" if check.what == "sum" else "count(*)" for check in checks)
    row = next(iter(db.execute(f"SELECT {what} FROM {_name(table)}")))
    return [number(value) for value in row]


def _different(db: apsw.Connection, table: str, checks: Sequence[Check]) -> list[Counted]:
    """Different values that are not empty, without the temporary file that a DISTINCT of many takes.

    Whole numbers are kept as they are, all others as eight bytes of a digest whose key is new in each process.
    """
    kept = [Different() for _ in checks]
    rows: Iterator[Any] = db.execute(f"SELECT {', '.join(_name(check.column) for check in checks)} FROM {_name(table)}")
    while chunk := list(islice(rows, _CHUNK)):
        for one, values in zip(kept, zip(*chunk, strict=True), strict=True):
            one.take(values)
    return [Counted(one.count()) for one in kept]


def _asked(db: apsw.Connection, plain: frozenset[str], statement: str) -> Counted:
    """The answer of one statement; it is ``stated`` unless rows of a table are counted or a column of it is summed."""
    tables, columns, functions = set[str](), set[str](), set[str]()

    def note(action: int, one: str | None, two: str | None, schema: str | None, _inner: str | None) -> int:
        if action == apsw.SQLITE_READ:
            tables.add(one or "")
            columns.update([two] if two else ())
        elif action == apsw.SQLITE_FUNCTION:
            functions.add((two or "").lower())
        return _may(plain, action, one, two, schema)

    db.authorizer = note
    try:
        rows = db.execute(statement, can_cache=False)  # a statement that is remembered is not authorized again
        row = next(rows, None)
        if row is None or len(row) != 1 or next(rows, None) is not None:
            return Counted(problem="the SQL does not answer with one row of one number")
    except _REFUSED as error:
        return Counted(problem=f"the SQL is refused: {error}")
    counts = bool(tables and "count" in functions) or bool(columns and functions & _SUMS)
    return replace(number(row[0]), stated=not counts)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

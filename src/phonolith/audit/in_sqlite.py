"""Counts in a stranger's SQLite file, which is given no power: it is data and not a program.

It is opened as one that never changes, so no journal beside it is believed and nothing is created; in defensive mode,
without views, triggers or a trusted schema. An authorizer lets through reading of ordinary tables and a list of
harmless functions: virtual tables, tables with generated columns, recursion, ATTACH and PRAGMA are refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import apsw

from phonolith.audit.counted import Check, Counted, Request, Unreadable, number

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


def count_in_sqlite(request: Request) -> list[Counted]:
    """What each check counts. Raises Unreadable."""
    late = time.monotonic() + request.seconds
    try:
        with opened(request.path, late) as (db, plain):
            return [_sqlite_check(db, plain, check) for check in request.checks]
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
    db.set_progress_handler(lambda: time.monotonic() > late, 10_000)
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA mmap_size = 0")
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


def _sqlite_check(db: apsw.Connection, plain: frozenset[str], check: Check) -> Counted:
    statement = check.sql
    if check.what != "sql":
        if check.table.lower() not in plain:
            known = ", ".join(sorted(plain)[:20]) or "none"
            return Counted(problem=f"there is no ordinary table {check.table!r} in it; there are: {known}")
        column = _name(check.column)
        what = {"rows": "count(*)", "distinct": f"count(DISTINCT {column})", "sum": f"total({column})"}[check.what]
        statement = f"SELECT {what} FROM {_name(check.table)}"
    try:
        rows = db.execute(statement)
        row = next(rows, None)
        if row is None or len(row) != 1 or next(rows, None) is not None:
            return Counted(problem="the SQL does not answer with one row of one number")
    except (apsw.AuthError, apsw.SQLError, apsw.TooBigError, apsw.BindingsError) as error:
        return Counted(problem=f"the SQL is refused: {error}")
    return number(row[0])


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

"""Counts in a stranger's Parquet file by DuckDB, which may open this one file and nothing else."""

from __future__ import annotations

from typing import Any

import duckdb

from phonolith.audit.counted import MEMORY, Check, Counted, Request, Unreadable, number


def count_in_parquet(request: Request) -> list[Counted]:
    """What each check counts. Raises Unreadable."""
    db = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": f"{MEMORY >> 21}MiB", "temp_directory": ""})
    try:
        db.execute("SET allowed_paths = [?]", [request.path])
        for setting in (
            "enable_external_access = false",
            "autoload_known_extensions = false",
            "lock_configuration = true",
        ):
            db.execute(f"SET {setting}")
        return [_parquet_check(db, request.path, check) for check in request.checks]
    except duckdb.Error as error:
        raise Unreadable(str(error).splitlines()[0]) from error
    finally:
        db.close()


def _parquet_check(db: Any, path: str, check: Check) -> Counted:
    if check.what == "sql":
        return Counted(problem="SQL can be asked of SQLite alone")
    chosen = f" WHERE CAST({_quoted(check.where)} AS VARCHAR) = ?" if check.where else ""
    given = [path, check.value] if check.where else [path]
    try:
        if check.what == "rows" and not chosen:
            return number(_rows(db, path))
        column = _quoted(check.column)
        what = {"rows": "count(*)", "distinct": f"count(DISTINCT {column})", "sum": f"sum({column})"}[check.what]
        found = db.execute(f"SELECT {what} FROM read_parquet(?){chosen}", given).fetchone()[0]
    except duckdb.BinderException as error:
        return Counted(problem=str(error).splitlines()[0][:300])
    return number(found)


def _rows(db: Any, path: str) -> int:
    """Rows that are there: the footer says how many, and may lie, so the values of one column are read."""
    first = _quoted(db.execute("SELECT * FROM read_parquet(?) LIMIT 0", [path]).description[0][0])
    count: int = db.execute(f"SELECT count(*), bit_xor(hash({first})) FROM read_parquet(?)", [path]).fetchone()[0]
    return count


def _quoted(name: str) -> str:
    return f'"{name.replace(chr(34), chr(34) * 2)}"'

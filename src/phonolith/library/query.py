"""``sql``: somebody's own question to the catalogue, read-only, with a deadline and a limit on rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

from phonolith.errors import Damaged, TimedOut, UsageError
from phonolith.library.catalogue import Snapshot, connect
from phonolith.library.overlay import hidden_rows, install
from phonolith.rights.decisions import Withdrawal

_STEPS = 2_000  # virtual machine steps between looks at the clock: well under a millisecond
_LONGEST = 16_000_000  # bytes of one value
_TEMPORARY = frozenset({"main", "temp", None})

#: What a statement may do; everything else (write, attach, pragma, load) is refused before it starts.
_ACTIONS = frozenset({apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_RECURSIVE})

#: Functions that a statement may call: those of SQLite that compute, and none that reads files or changes anything.
_NAMES = """
abs acos acosh asin asinh atan atan2 atanh avg bm25 ceil ceiling changes char coalesce concat concat_ws cos cosh count
cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor format
glob group_concat hex highlight if ifnull iif instr json json_array json_array_length json_each json_error_position
json_extract json_group_array json_group_object json_object json_patch json_pretty json_quote json_remove json_replace
json_set json_tree json_type json_valid julianday lag last_value lead length like likelihood likely ln log log10 log2
lower ltrim match max median min mod nth_value ntile nullif octet_length percent_rank percentile percentile_cont
percentile_disc pi pow power printf quote radians random rank replace round row_number rtrim sign sin sinh snippet sqrt
string_agg strftime string substr substring sum tan tanh time timediff total trim trunc typeof unhex unicode unixepoch
unlikely upper zeroblob -> ->>"""
FUNCTIONS = frozenset(_NAMES.split())


@dataclass(frozen=True, slots=True)
class Answer:
    """Column names and rows; ``more`` where the limit cut rows off. ``seconds`` is how long it took."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    seconds: float


def query(
    path: Path,
    sql: str,
    *,
    withdrawn: Mapping[str, Withdrawal] | None = None,
    deadline: float = 10.0,
    limit: int = 1_000,
    clock: Callable[[], float] = time.monotonic,
) -> Answer:
    """Answer one SELECT about the catalogue at ``path``.

    ``deadline`` is in seconds, ``limit`` in rows. Besides the tables there are ``servable``, ``servable_release`` and
    ``servable_artist``: tracks, releases and artists without those that are ``withdrawn``. Raises UsageError for what
    is not one readable SELECT, TimedOut, NotFound without a catalogue, Damaged.
    """
    if not sql.strip():
        raise UsageError("sql", "there is no statement", "Give one: phonolith sql 'SELECT count(*) FROM track'")
    db = connect(path)
    try:
        db.execute("PRAGMA query_only=0")  # TEMP views are made; the file itself was opened for reading
        install(db, hidden_rows(Snapshot(db, 0, {}), withdrawn or {}))
        db.execute("PRAGMA query_only=1")
        db.limit(apsw.SQLITE_LIMIT_LENGTH, _LONGEST)
        return _answer(db, sql, deadline, limit, clock)
    finally:
        db.close()


def _answer(db: apsw.Connection, sql: str, deadline: float, limit: int, clock: Callable[[], float]) -> Answer:
    started = clock()
    refused: list[str] = []
    statements: list[tuple[str, ...]] = []

    def begin(cursor: apsw.Cursor, _: str, __: Any) -> bool:
        statements.append(tuple(column[0] for column in cursor.get_description()))
        return len(statements) == 1

    db.set_progress_handler(lambda: clock() - started > deadline, _STEPS)
    db.authorizer = lambda *what: _authorise(refused, *what)
    cursor = db.cursor()
    cursor.exec_trace = begin
    try:
        rows = list(islice(cursor.execute(sql, can_cache=False), limit + 1))
    except apsw.ExecTraceAbort:
        raise UsageError("sql", "there is more than one statement", "Ask one question at a time") from None
    except apsw.InterruptError:
        problem = f"took longer than {deadline:g} seconds"
        raise TimedOut("sql", problem, "Ask for less, or give a longer --deadline") from None
    except apsw.CorruptError as error:
        raise Damaged("catalogue", str(error), "Make it again with: phonolith build") from error
    except apsw.Error as error:
        raise _mistake(error, refused) from None
    finally:
        cursor.close(True)
    columns = statements[0] if statements else ()
    return Answer(columns, tuple(rows[:limit]), len(rows) > limit, clock() - started)


def _authorise(
    refused: list[str], action: int, first: str | None, second: str | None, database: str | None, _: str | None
) -> int:
    if action in _ACTIONS and database in _TEMPORARY:
        return apsw.SQLITE_OK
    if action == apsw.SQLITE_FUNCTION and (second or "").lower() in FUNCTIONS:
        return apsw.SQLITE_OK
    name = str(apsw.mapping_authorizer_function.get(action, action))
    refused.append(
        f"{second}()" if action == apsw.SQLITE_FUNCTION else f"{name[7:].replace('_', ' ')} {first or ''}".strip()
    )
    return apsw.SQLITE_DENY


def _mistake(error: apsw.Error, refused: list[str]) -> UsageError:
    if refused:
        remedy = "Only SELECT over the catalogue is answered here, with SQLite's own functions"
        return UsageError("sql", f"{refused[0]} is not allowed", remedy)
    if isinstance(error, apsw.TooBigError):
        return UsageError("sql", "a value became too long", "Ask for shorter ones")
    words = str(error).removeprefix("SQLError: ")
    return UsageError("sql", words, "Tables: phonolith sql 'SELECT name, text FROM comment'")

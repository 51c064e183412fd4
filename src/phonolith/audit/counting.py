"""The limited child process that counts in a stranger's file: SQLite, CSV, TSV, JSON lines, Parquet.

It is run as ``python -m phonolith.audit.counting``; :mod:`phonolith.audit.tables` asks. Requests and answers are JSON.
It can write no file, has little memory and so much time: whatever a stranger put into the file can do no more than be
counted.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from phonolith.audit.counted import MEMORY, Answer, Counted, Request, Unreadable
from phonolith.audit.in_text import ENDINGS, LONGEST_FIELD, count_in_text
from phonolith.store.limited import limit_memory, limit_time, serve

GRACE = 2.0  # seconds behind those in which it ends by itself
_SQLITE = b"SQLite format 3\0"
_PARQUET = b"PAR1"


def count(request: Request) -> Answer:
    """Count in a file, in this process. Never raises on what the file contains."""
    kind = ""
    try:
        kind = kind_of(request.path)
        return Answer(tuple(_reader(kind)(request)), kind)
    except MemoryError:
        return Answer(kind=kind, problem=f"counting in it takes more than {MEMORY >> 20} MiB of memory")
    except RecursionError:
        return Answer(kind=kind, problem="it is nested too deeply")
    except (Unreadable, UnicodeDecodeError, csv.Error, msgspec.MsgspecError, OSError) as error:
        return Answer(kind=kind, problem=str(error)[:500])


def kind_of(path: str) -> str:
    """What a file is, by its first bytes, else by its name. Raises Unreadable, OSError."""
    with Path(path).open("rb") as file:
        head = file.read(len(_SQLITE))
    if head == _SQLITE:
        return "SQLite"
    if head.startswith(_PARQUET):
        return "Parquet"
    found = ENDINGS.get(Path(path).suffix.lower())
    if found is None:
        raise Unreadable("it is no file that can be counted in: SQLite, Parquet, .csv, .tsv, .jsonl")
    return found


def _reader(kind: str) -> Callable[[Request], Sequence[Counted]]:
    """What counts in such files; engines are loaded where they are needed, since a child starts anew for each file."""
    if kind == "SQLite":
        from phonolith.audit.in_sqlite import count_in_sqlite

        return count_in_sqlite
    if kind == "Parquet":
        from phonolith.audit.in_parquet import count_in_parquet

        return count_in_parquet
    return count_in_text


def main() -> None:
    """Answer what is asked; the limits are those of this process."""
    csv.field_size_limit(LONGEST_FIELD)
    limit_memory(MEMORY)
    serve(_answer)


def _answer(data: bytes) -> bytes:
    request = msgspec.json.decode(data, type=Request)
    limit_time(request.seconds + GRACE)
    return msgspec.json.encode(count(request))


if __name__ == "__main__":
    main()

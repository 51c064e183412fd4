"""The limited child process that reads a stranger's listing, page or magnet links, as :mod:`.counting` counts in rows.

It is run as ``python -m phonolith.audit.extracting``; :func:`extract` asks. Requests and
answers are JSON. It can write no file, has little memory and so much time.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from phonolith.audit.counted import MEMORY, Unreadable
from phonolith.audit.counting import GRACE
from phonolith.audit.extracted import Extract, Extracted, Wanted
from phonolith.store.limited import ChildLost, ask_once, limit_memory, limit_time, serve

_COMMAND = (sys.executable, "-m", "phonolith.audit.extracting")
_LEAST, _BYTES_A_SECOND = 8.0, 500_000  # a page or a small file has these seconds, a large file of rows more
_LARGEST_ANSWER = 128 << 20


def extract(
    path: Path, kind: str, *, today: int, day: int = 0, wanted: Sequence[Wanted] = (), seconds: float = 0.0
) -> Extracted:
    """What a child found in the file, read as ``kind``. Never raises on what the file contains; ``problem`` says it.

    ``today`` is the ordinal of the day of the audit: nobody looked after it. ``day`` is when all of it was looked at,
    where its rows do not say, 0 if that is not known; ``seconds`` how much processor time it may take, 0 for
    what is right for its kind and size.
    """
    try:
        size = 0 if kind == "page" else path.stat().st_size
    except OSError as error:
        return Extracted(problem=f"it cannot be opened: {error.strerror}")
    seconds = seconds or _LEAST + size / _BYTES_A_SECOND
    request = msgspec.json.encode(Extract(str(path.absolute()), kind, seconds, today, day, tuple(wanted)))
    try:
        return msgspec.json.decode(ask_once(_COMMAND, request, seconds, largest=_LARGEST_ANSWER), type=Extracted)
    except ChildLost as lost:
        return Extracted(problem=f"whoever read it {lost}")
    except msgspec.MsgspecError:
        return Extracted(problem="whoever read it answered something else than was asked")


def extracted(request: Extract) -> Extracted:
    """Read a file, in this process. Never raises on what the file contains."""
    try:
        return _reader(request.kind)(request)
    except MemoryError:
        return Extracted(problem=f"reading it takes more than {MEMORY >> 20} MiB of memory")
    except RecursionError:
        return Extracted(problem="it is nested too deeply")
    except (Unreadable, ValueError, csv.Error, msgspec.MsgspecError, OSError) as error:
        return Extracted(problem=str(error)[:500])


def _reader(kind: str) -> Callable[[Extract], Extracted]:
    """What reads such files; each is loaded where it is needed, since a child starts anew for each file."""
    if kind == "page":
        from phonolith.audit.in_page import read_page

        return read_page
    if kind == "magnets":
        from phonolith.audit.in_magnets import read_magnets

        return read_magnets
    if kind == "swarm":
        from phonolith.audit.in_observations import read_observations

        return read_observations
    if kind == "published":
        from phonolith.audit.in_observations import read_published

        return read_published
    from phonolith.audit.in_listing import read_listing

    return read_listing


def main() -> None:
    """Answer what is asked; the limits are those of this process."""
    limit_memory(MEMORY)
    serve(_answer)


def _answer(data: bytes) -> bytes:
    request = msgspec.json.decode(data, type=Extract)
    limit_time(request.seconds + GRACE)
    return msgspec.json.encode(extracted(request))


if __name__ == "__main__":
    main()

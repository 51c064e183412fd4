"""The limited child process that reads strangers' torrents, one after another: a path comes in, columns go out.

It is run as ``python -m phonolith.audit.reading``; :mod:`phonolith.audit.stacks` asks. What is in a torrent is added up
here, so that of fifteen million paths none crosses to whoever asked.
"""

from __future__ import annotations

import errno
import gc
import os
import stat

import msgspec

from phonolith.audit.torrents import Torrent, row_of
from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.store import metainfo
from phonolith.store.files import storage_errors
from phonolith.store.limited import limit_memory, limit_time, serve

#: Bytes beyond what the interpreter took: with that it stays below 512 MB.
MEMORY = 400 << 20
UNREADABLE = "evidence.unreadable"
SECONDS = 8.0  # of processor time for one torrent


class Read(msgspec.Struct, frozen=True, array_like=True):
    """What a torrent is, or the finding it is."""

    torrent: Torrent | None = None
    finding: Finding | None = None


def read(path: str) -> Read:
    """Read a torrent in this process. Never raises on what it contains."""
    try:
        with storage_errors(path), open(path, "rb", opener=_plainly) as file:
            data = file.read(metainfo.LARGEST + 1)
        return Read(row_of(metainfo.read(data, path)))
    except PhonolithError as error:
        return Read(finding=Finding(error.code or UNREADABLE, path, error.problem, error.remedy))
    except MemoryError:
        return Read(finding=too_much(path))


def too_much(path: str, problem: str = f"reading it takes more than {MEMORY >> 20} MiB of memory") -> Finding:
    """The finding that a torrent took more than it may."""
    return Finding(UNREADABLE, path, problem, "Get it again, or leave it out")


def _plainly(path: str, flags: int) -> int:
    """Open a file, and wait for nobody: a pipe or a device in its place has no bytes to read."""
    found = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.EINVAL, "it is no file")
    return found


def _answer(request: bytes) -> bytes:
    limit_time(SECONDS)
    told = read(os.fsdecode(request))
    return msgspec.msgpack.encode(told)


if __name__ == "__main__":
    gc.disable()  # what is read has no cycles, and a look for them at every ten thousandth value takes half the time
    limit_memory(MEMORY)
    serve(_answer)

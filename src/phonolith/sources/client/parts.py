"""The file that a download grows in, and what is kept beside it so that another run can go on.

A part is ``.part-…``, named by the digest of its address; beside it ``.part-….json`` says which version it is of and
how many of its bytes are known to be on the disk: after a power cut the rest may be anything. Where a digest of the
whole file was stated, the rest is gone on with all the same, for after a kill it is right: the digest decides in the
end.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path

from phonolith.errors import Busy
from phonolith.store.files import PART, atomic_write, storage_errors

PREFIX = PART

_KEPT = 1 << 20  # a smaller part is fetched again rather than kept
_NOTED = 64 << 10  # from here on a part that is proved in the end outlives a kill
_STEP = 32 << 20  # bytes after which a part is made durable
_CHUNK = 1 << 20


class Part:
    """One part file, open to one process at a time."""

    def __init__(self, folder: Path, url: str, *, proved: bool = False) -> None:
        """``proved``: whether a digest of the whole file is looked at in the end."""
        self.folder = folder
        self.size = 0
        self.etag = ""
        self._url = url
        self._proved = proved
        self._path = self.path_of(folder, url)
        self._beside = self._path.with_suffix(".json")
        self._file: FileIO | None = None
        self._durable = 0
        self._background: ThreadPoolExecutor | None = None

    @staticmethod
    def path_of(folder: Path, url: str) -> Path:
        """Where the part of the file at ``url`` lies in ``folder``, if there is one."""
        return folder / f"{PREFIX}{hashlib.sha256(url.encode()).hexdigest()[:32]}"

    @property
    def is_open(self) -> bool:
        """Whether it can be written."""
        return self._file is not None

    def open(self) -> None:
        """Open and lock it, with the durable bytes of an earlier run. Raises Busy, StorageError."""
        with storage_errors(self._path):
            while self._file is None:
                file = FileIO(self._path, "a+")
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.close()
                    raise Busy(str(self._path), "is being fetched already", "Wait for the other run") from None
                if self._path.exists() and os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    self._file = file
                else:
                    file.close()  # it was moved away between opening and locking
            self.etag, self.size = self._kept()
            self._durable = self.size
            self._open_file().truncate(self.size)

    def read(self, start: int, count: int) -> bytes:
        """``count`` bytes from ``start`` on."""
        with storage_errors(self._path):
            return os.pread(self._open_file().fileno(), count, start)

    def pieces(self) -> Iterator[bytes]:
        """All bytes, a megabyte at a time."""
        for start in range(0, self.size, _CHUNK):
            yield self.read(start, min(_CHUNK, self.size - start))

    def truncate(self) -> None:
        """Begin again with nothing."""
        with storage_errors(self._path):
            self._settle()
            self._beside.unlink(missing_ok=True)
            self._open_file().truncate(0)
        self.size = self._durable = 0
        self.etag = ""

    def write(self, data: bytes, etag: str) -> None:
        """Add bytes of the version ``etag`` ("" if it cannot be resumed). Raises StorageError."""
        with storage_errors(self._path):
            left = memoryview(data)
            while left:
                left = left[os.write(self._open_file().fileno(), left) :]
            before, self.size, self.etag = self.size, self.size + len(data), etag
            if self._proved and etag and before < _NOTED <= self.size:
                self._beside.write_text(self._note(0, etag))
        if etag and self.size - self._durable >= _STEP:
            self._make_durable_behind()

    def become(self, path: Path) -> None:
        """Move it to ``path``; it is no part any more."""
        with storage_errors(self._path):
            self._settle()
            self._path.rename(path)
            self._beside.unlink(missing_ok=True)

    def close(self, *, keep: bool) -> None:
        """Close it; kept for another run, or removed unless it was moved."""
        try:
            self._settle()
            with contextlib.suppress(OSError):  # what cannot be kept is fetched again
                if keep and self.etag and self.size >= _KEPT:
                    self._make_durable(self.size, self.etag)
                elif self._path.exists() and os.path.samestat(os.fstat(self._open_file().fileno()), self._path.stat()):
                    self._beside.unlink(missing_ok=True)
                    self._path.unlink()
        finally:
            self._open_file().close()
            self._file = None

    def _open_file(self) -> FileIO:
        assert self._file is not None, "a part is used while it is open"
        return self._file

    def _kept(self) -> tuple[str, int]:
        """The version and the durable bytes of an earlier run, ("", 0) if there are none that can be trusted."""
        try:
            told = json.loads(self._beside.read_text("utf-8"))
            etag, durable = str(told["etag"]), int(told["durable"])
            ours = told["url"] == self._url
        except (OSError, ValueError, KeyError, TypeError):
            return "", 0
        size = os.fstat(self._open_file().fileno()).st_size
        if ours and self._proved and size:
            return etag, size
        return (etag, durable) if ours and 0 < durable <= size else ("", 0)

    def _make_durable_behind(self) -> None:
        """Flush in a thread, so that the network need not wait for the disk."""
        if self._background is None:
            self._background = ThreadPoolExecutor(1)
        self._durable = self.size
        self._background.submit(self._make_durable, self.size, self.etag)

    def _make_durable(self, size: int, etag: str) -> None:
        os.fsync(self._open_file().fileno())
        atomic_write(self._beside, self._note(size, etag).encode())

    def _note(self, durable: int, etag: str) -> str:
        return json.dumps({"url": self._url, "etag": etag, "durable": durable})

    def _settle(self) -> None:
        if self._background is not None:
            self._background.shutdown(wait=True)
            self._background = None


def sweep_parts(folder: Path, before: float) -> int:
    """Remove parts that nobody writes and that were last written before ``before`` (seconds since 1970); how many."""
    removed = 0
    for path in folder.glob(f"{PREFIX}*"):
        if path.suffix:
            continue
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_mtime < before:
                path.unlink()
                path.with_suffix(".json").unlink(missing_ok=True)
                removed += 1
    return removed

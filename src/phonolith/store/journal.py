"""A journal: rows that outlive their process at the cost of one write each, until a database has taken them over."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from phonolith.store.database import Closing
from phonolith.store.files import storage_error, storage_errors


class Journal(Closing):
    """Rows of text and numbers, one a line, fields by tab. One process writes. A row that a crash cut off is no row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def append(self, row: Sequence[str | int]) -> None:
        """One row; it is there when this returns, whatever happens to the process. No field has a tab or newline.

        Raises StorageError; what was written of the row then is no row.
        """
        line = ("\t".join(map(str, row)) + "\n").encode()
        try:
            written = os.write(self._opened(), line)
        except OSError as error:
            raise storage_error(self._path, error) from error
        if written != len(line):
            raise storage_error(self._path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def rows(self) -> list[list[str]]:
        """All whole rows."""
        with storage_errors(self._path):
            text = self._path.read_bytes().decode(errors="replace") if self._path.exists() else ""
        return [line.split("\t") for line in text.split("\n")[:-1]]

    def clear(self) -> None:
        """Forget the rows: something else has them."""
        with storage_errors(self._path):
            if self._path.exists():
                os.ftruncate(self._opened(), 0)

    def _opened(self) -> int:
        if self._descriptor < 0:
            with storage_errors(self._path):
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o644)
        return self._descriptor

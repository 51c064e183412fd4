"""Remembers, through a kill and between runs, which files are adopted and read already: nothing is hashed twice."""

from __future__ import annotations

import contextlib
from collections.abc import Container
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from phonolith.sources.folder_records import Audio, HeldFile, Tags
from phonolith.store.files import atomic_write, storage_errors


class Mark(msgspec.Struct, omit_defaults=True):
    """A file that is adopted. ``item`` and ``validator`` tell which; ``audio`` and what follows where it is audio."""

    item: str
    validator: str
    sha256: str
    size: int
    audio: Audio | None = None
    tags: Tags = {}
    covers: list[HeldFile] = []
    problem: str = ""


class Marks:
    """A file in state/ with one line per mark; a line that a crash cut short is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[str, str], Mark] = {}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists():
                for line in self._path.read_bytes().splitlines():
                    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                        mark = msgspec.json.decode(line, type=Mark)
                        self._known[mark.item, mark.validator] = mark
            self._file = self._path.open("ab")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()

    def get(self, item: str, validator: str) -> Mark | None:
        """The mark of a file that is as it was."""
        return self._known.get((item, validator))

    def add(self, mark: Mark) -> None:
        """Remember a file; safe against the end of this process, not against that of the machine."""
        assert self._file
        self._known[mark.item, mark.validator] = mark
        with storage_errors(self._path):
            self._file.write(msgspec.json.encode(mark) + b"\n")
            self._file.flush()

    def finish(self, there: Container[tuple[str, str]]) -> None:
        """The harvest is complete: records say all of audio files; marks of others that are still ``there`` stay.

        ``there`` has (item, validator) of the files that were found. Losing this file costs reading those again.
        """
        kept = [mark for key, mark in self._known.items() if mark.audio is None and key in there]
        atomic_write(self._path, b"".join(msgspec.json.encode(mark) + b"\n" for mark in kept))

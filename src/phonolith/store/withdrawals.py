"""The list of withdrawals in held/withdrawals: a line for each change of what is offered, and heads that sign it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.errors import Damaged
from phonolith.store.files import atomic_write, fsync_dir, fsync_file, make_folders, printable, storage_errors
from phonolith.store.log import append_line, lines_of
from phonolith.verifier import (
    LIST_EVENTS,
    LIST_GROUNDS,
    Head,
    ListHead,
    ListState,
    Unreadable,
    canonical,
    dump,
    read_json,
    read_list,
)

#: What the two files are called wherever they lie: in held/, on the web, beside a copy.
LINES, HEADS = "withdrawn.jsonl", "withdrawn.heads.jsonl"
_RESTORE = "Restore held/withdrawals from a mirror or a backup"


@dataclass(frozen=True, slots=True)
class Listed:
    """What the last line about a file says; digests in hexadecimal, ``event`` withdrawn, reinstated or expunged."""

    root: str
    sha256: str
    event: str
    ground: str
    time: str


class WithdrawalList:
    """The two files. Reading needs no lock; whoever appends holds the archive's lock ``withdrawals``.

    As in the log, what no head covers was never said to anybody, and the next to append cuts it off.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines = folder / LINES
        self._heads = folder / HEADS

    def read(self) -> ListState:
        """Lines that a head covers, and the heads. Raises Damaged, StorageError."""
        heads = b"".join(line + b"\n" for line in lines_of(self._heads))  # first: what they sign was there before
        return read_state(b"".join(line + b"\n" for line in lines_of(self._lines)), heads, printable(self.folder))

    def said(self) -> tuple[bytes, bytes]:
        """The list and its heads, as they are given to others. Raises Damaged, StorageError."""
        state = self.read()
        signed: list[Head | ListHead] = [*state.rotations, *state.heads]
        return whole(state.lines), whole(canonical(dump(one)) for one in signed)

    def written(self) -> list[bytes]:
        """All whole lines, also those that no head covers yet."""
        return lines_of(self._lines)

    def followed(self, log: str) -> WithdrawalList:
        """The list of another archive's log as it was seen last, to be handed on."""
        return WithdrawalList(self.folder / "followed" / log)

    def take_over(self, lines: bytes, heads: bytes) -> None:
        """Put a whole list in place of an older one of the same log; durable on return. Raises StorageError."""
        with storage_errors(self._lines):
            make_folders(self.folder)
            for path, data in ((self._lines, lines), (self._heads, heads)):  # lines first: no head is ahead of them
                if not path.exists() or path.read_bytes() != data:
                    atomic_write(path, data)

    def append(self, size: int, lines: Sequence[bytes]) -> None:
        """Append after the first ``size`` lines; durable on return, said by no head yet. Raises StorageError."""
        with storage_errors(self._lines):
            make_folders(self.folder)
            kept = lines_of(self._lines)[:size]
            self._lines.touch()
            with self._lines.open("r+b") as file:
                file.truncate(sum(len(one) + 1 for one in kept))
                file.seek(0, os.SEEK_END)
                file.write(whole(lines))
                file.flush()
                fsync_file(file.fileno())
            fsync_dir(self.folder)

    def append_heads(self, heads: Iterable[Head | ListHead]) -> None:
        """Say them, in order; durable on return."""
        for one in heads:
            append_line(self._heads, canonical(dump(one)))


def read_state(lines: bytes, heads: bytes, subject: str) -> ListState:
    """The list in its two files. Raises Damaged where they cannot be read."""
    try:
        return read_list(lines, heads)
    except Unreadable as error:
        raise Damaged(subject, f"a head is not readable: {error}", _RESTORE) from error


def listed(lines: Iterable[bytes]) -> Mapping[str, Listed]:
    """The last word on each file, by SHA-256. Raises Unreadable where a line is none of a signed list."""
    found = {}
    for number, line in enumerate(lines, 1):
        one = _line(line, number)
        found[one.sha256] = one
    return found


def speaks_for(state: ListState, key: str) -> bool:
    """Whether a checked list is of this log, or of the log in which this key signs."""
    keys = {head.key for head in state.heads} | {key for head in state.rotations for key in (head.key, head.next)}
    return key in keys or any(head.log == key for head in state.heads[-1:])


def whole(lines: Iterable[bytes]) -> bytes:
    """Lines as a file of them."""
    return b"".join(line + b"\n" for line in lines)


def _line(line: bytes, number: int) -> Listed:
    value: Any = read_json(line)
    if not isinstance(value, dict):
        raise Unreadable(f"line {number} is no JSON object")
    texts = [value.get(name) for name in ("root", "sha256", "event", "ground", "time")]
    one = Listed(*(text if isinstance(text, str) else "" for text in texts))
    digests = all(len(name) == 64 and not name.strip("0123456789abcdef") for name in (one.root, one.sha256))
    if not digests or one.event not in LIST_EVENTS or one.ground not in LIST_GROUNDS or not one.time:
        raise Unreadable(f"line {number} lacks root, sha256, event, ground or time")
    return one

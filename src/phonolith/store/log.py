"""The log in held/log: one leaf for each object that was ever committed to, and the heads that sign them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

from phonolith.errors import Damaged
from phonolith.store.files import atomic_write, fsync_dir, fsync_file, make_folders, printable, storage_errors
from phonolith.store.passport import Passport
from phonolith.verifier import (
    LEAF_BYTES,
    Countersignature,
    Head,
    Leaf,
    Unreadable,
    canonical,
    dump,
    leaves_in,
    pack_leaf,
    read_countersignature,
    read_head,
    read_json,
    whole_lines,
)

Read = TypeVar("Read")


class Log:
    """The files of a log. Reading needs no lock; whoever appends holds the archive's lock ``log``.

    What no head covers was never said to anybody: leaves beyond the last head, and a last line without its end. The
    next to append cuts it off, so that a crash at any moment leaves what was there before, or what was to come.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.leaves_file = folder / "leaves"
        self.heads_file = folder / "heads.jsonl"
        self.countersignatures_file = folder / "countersignatures.jsonl"
        self._witnessed = folder / "witnessed.jsonl"
        self._origins = folder / "origins.jsonl"

    def heads(self) -> list[Head]:
        """All heads, oldest first. Raises Damaged, StorageError."""
        return [_read(self.heads_file, line, read_head) for line in lines_of(self.heads_file)]

    def countersignatures(self) -> list[Countersignature]:
        """What others signed about these heads, in order of arrival. Raises Damaged, StorageError."""
        path = self.countersignatures_file
        return [_read(path, line, read_countersignature) for line in lines_of(path)]

    def witnessed(self) -> list[tuple[list[Head], Countersignature]]:
        """What was signed here about the logs of others: the head after those that change the key, and the signature.

        In the order in which it was signed. Raises Damaged, StorageError.
        """
        return [_read(self._witnessed, line, _read_witnessed) for line in lines_of(self._witnessed)]

    def seen(self, log: str) -> list[Head]:
        """All heads of another log that were seen here, oldest first. Raises Damaged, StorageError."""
        path = self.seen_file(log)
        return [_read(path, line, read_head) for line in lines_of(path)]

    def watched(self) -> list[str]:
        """The names of the logs of which heads were seen here."""
        return sorted(path.stem for path in self.folder.glob(f"seen/{'[0-9a-f]' * 64}.jsonl"))

    def seen_file(self, log: str) -> Path:
        """Where the heads of another log are kept."""
        return self.folder / "seen" / f"{log}.jsonl"

    def origin(self, url: str) -> str | None:
        """The log that the archive at an address was found to have, None where it was not looked at yet."""
        told = [_read(self._origins, line, _read_origin) for line in lines_of(self._origins)]
        return next((log for address, log in reversed(told) if address == url), None)

    def leaves(self, first: int, count: int) -> Iterator[bytes]:
        """``count`` leaves from number ``first`` on. Raises Damaged where the file ends before, StorageError."""
        found = 0
        with storage_errors(self.leaves_file):
            for leaf in leaves_in(self.leaves_file, first + count, first):
                found += 1
                yield leaf
        if found < count:
            raise _cut(self.leaves_file, first + found)

    def adding(self, size: int) -> LeafWriter:
        """Append after the first ``size`` leaves, in a ``with`` block; durable at its end, said by no head yet."""
        make_folders(self.folder)
        return LeafWriter(self.leaves_file, size)

    def append_head(self, head: Head) -> None:
        """Say it; durable on return."""
        append_line(self.heads_file, canonical(dump(head)))

    def append_countersignature(self, one: Countersignature) -> None:
        """Keep it; durable on return."""
        append_line(self.countersignatures_file, canonical(dump(one)))

    def append_witnessed(self, heads: Sequence[Head], one: Countersignature) -> None:
        """Keep what was signed here, with the head it is about, after those that change the key; durable on return."""
        line = {"heads": [dump(head) for head in heads], "countersignature": dump(one)}
        append_line(self._witnessed, canonical(line))

    def append_origin(self, url: str, log: str, time: str) -> None:
        """Keep which log the archive at an address has; durable on return."""
        append_line(self._origins, canonical({"url": url, "log": log, "time": time}))

    def keep_seen(self, heads: Sequence[Head]) -> None:
        """Keep all heads of another log, those kept before at their beginning; all or none of it, durable on return."""
        path = self.seen_file(heads[0].log)
        make_folders(path.parent)
        atomic_write(path, head_file(heads))


class LeafWriter:
    """The end of the file of leaves, while some are appended."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        with storage_errors(self._path):
            self._path.touch()
            there = self._path.stat().st_size // LEAF_BYTES
            if there < self._size:
                raise _cut(self._path, there)
            self._file = self._path.open("r+b")
            self._file.truncate(self._size * LEAF_BYTES)
            self._file.seek(0, os.SEEK_END)
        return self

    def write(self, leaves: Sequence[bytes]) -> None:
        """Append leaves."""
        assert self._file is not None
        with storage_errors(self._path):
            self._file.write(b"".join(leaves))

    def __exit__(self, *error: object) -> None:
        assert self._file is not None
        with storage_errors(self._path), self._file as file:
            file.flush()
            fsync_file(file.fileno())
            fsync_dir(self._path.parent)


def leaf_from(passport: Passport) -> bytes:
    """An object's leaf, from its ledger row."""
    bare = hashlib.sha256(passport.pieces).digest()
    padded = hashlib.sha256(passport.pieces[:-20] + passport.padded).digest()
    root = passport.root or bytes(32)
    return pack_leaf(Leaf(passport.size, passport.piece_length, passport.sha256, root, bare, padded))


def excerpt(heads: Sequence[Head]) -> list[Head]:
    """The last of some heads, after those that changed the key: all that is needed to check it."""
    return [*(head for head in heads[:-1] if head.next != head.key), *heads[-1:]]


def head_file(heads: Iterable[Head]) -> bytes:
    """Heads as a file of them, one a line: what a feed, a bundle or a witness is given."""
    return b"".join(canonical(dump(head)) + b"\n" for head in heads)


def lines_of(path: Path) -> list[bytes]:
    """The whole lines of a file that lines are appended to; none if there is no file. Raises StorageError."""
    with storage_errors(path):
        return whole_lines(path.read_bytes()) if path.exists() else []


def append_line(path: Path, line: bytes) -> None:
    """Append a line after the last whole one; durable on return. Raises StorageError."""
    with storage_errors(path):
        make_folders(path.parent)
        path.touch()
        with path.open("r+b") as file:
            file.truncate(sum(len(one) + 1 for one in lines_of(path)))
            file.seek(0, os.SEEK_END)
            file.write(line + b"\n")
            file.flush()
            fsync_file(file.fileno())
        fsync_dir(path.parent)


def _read_witnessed(value: Any) -> tuple[list[Head], Countersignature]:
    return [read_head(one) for one in value["heads"]], read_countersignature(value["countersignature"])


def _read_origin(value: Any) -> tuple[str, str]:
    return str(value["url"]), str(value["log"])


def _read(path: Path, line: bytes, reader: Callable[[Any], Read]) -> Read:
    try:
        return reader(read_json(line))
    except (Unreadable, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from error


def _cut(path: Path, there: int) -> Damaged:
    return _damaged(path, f"it has {there:,} leaves, fewer than were signed")


def _damaged(path: Path, problem: str) -> Damaged:
    return Damaged(printable(path), problem, "Restore held/log from a mirror or a backup")

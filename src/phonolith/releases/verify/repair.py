"""Repairs files of a copy from other copies: only bytes whose hash is right, and never over what is there.

The new file is written beside the old one, read back and proved whole, and made durable; then the old one gets a
second name and the new one takes its place in one rename. Whatever stops it in between, under the name are the old
bytes or the new ones.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from phonolith.errors import PhonolithError
from phonolith.model.progress import Progress
from phonolith.releases.verify.copies import Copy, Digest, Expected, Tree
from phonolith.releases.verify.hashing import CHUNK, Job, PieceCheck, Pieces, Span, run, width_of
from phonolith.releases.verify.jobs import Layout
from phonolith.releases.verify.listing import seen
from phonolith.releases.verify.others import Folder, Other
from phonolith.releases.verify.verdicts import Verdict, merged
from phonolith.store.files import fsync_dir, fsync_file, make_folders, publish, storage_error, storage_errors, temporary
from phonolith.store.passport import BLOCK

_NAME_BYTES = 255
_LARGEST = 64 << 30  # bytes taken of a file of which nobody says how many it has
_AT_ONCE = 4 << 20  # bytes asked of another copy without pieces


@dataclass(frozen=True, slots=True)
class Mended:
    """What came of the repair of one file. ``problem`` is "" where it is sound now.

    ``fetched`` are bytes that others gave and that were used, ``sources`` who gave them, ``aside`` where the old is.
    ``ranges`` are the bytes in which the old one was another, in blocks of 16 KiB: what was damaged, as is known now.
    """

    path: str
    problem: str = ""
    fetched: int = 0
    sources: tuple[str, ...] = ()
    aside: str = ""
    ranges: tuple[tuple[int, int], ...] = ()


class _CannotRepair(Exception):
    """Nobody has the bytes that are missing, or there is no place for them."""


def repair(
    copy: Copy, verdicts: Sequence[Verdict], others: Sequence[Other], doubted: frozenset[str], now: str, bars: Progress
) -> list[Mended]:
    """Repair the files of these verdicts, one after another; what cannot be is left as it is, with the reason.

    ``doubted`` are lists in the copy that are damaged themselves, whose digests prove nothing. ``now`` is ISO 8601 UTC.
    """
    found = []
    bars.start(f"Repairing: {copy.name}", len(verdicts), "files")
    for verdict in verdicts:
        try:
            found.append(_Repair(copy, verdict, others, doubted, now).run())
        except (_CannotRepair, PhonolithError) as error:
            found.append(Mended(verdict.path, str(error)))
        except OSError as error:
            found.append(Mended(verdict.path, storage_error(verdict.path, error).problem))
        bars.advance(1)
    bars.finish()
    return found


class _Repair:
    """One file being repaired."""

    def __init__(
        self, copy: Copy, verdict: Verdict, others: Sequence[Other], doubted: frozenset[str], now: str
    ) -> None:
        self._copy, self._verdict, self._others = copy, verdict, others
        self._one = copy.expected[verdict.path]
        self._digests = tuple(one for one in self._one.digests if one.by not in doubted)
        self._tree = copy.tree_of(self._one)
        self._layout = Layout(copy.stream) if copy.stream and verdict.path in dict(copy.stream.spans) else None
        self._itself = Folder(copy)
        self._date = now.replace("-", "").replace(":", "")
        self._fetched = 0
        self._sources: dict[str, None] = {}

    def run(self) -> Mended:
        path = self._place()
        with storage_errors(path), temporary(path.parent) as (draft, file):
            wrote = hashlib.sha256()
            for data in self._bytes():
                wrote.update(data)
                file.write(data)
            file.flush()
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777 if path.exists() else 0o644)
            fsync_file(file.fileno())
            self._prove(draft, Digest("sha256", wrote.hexdigest()))
            if _right_already(path, wrote.hexdigest()):
                return Mended(self._verdict.path)
            ranges = _differing(path, draft)
            aside = self._set_aside(path)
            publish(draft, file, path)
        return Mended(self._verdict.path, "", self._fetched, tuple(self._sources), aside, ranges)

    def _place(self) -> Path:
        """Where the file belongs; its folder is made. Raises _CannotRepair where something else stands there."""
        odd = self._copy.listing.obstacle(self._one.path)
        path = self._copy.root / (self._copy.listing.find(self._one.path) or self._one.path)
        if odd or (path.exists() and not path.is_file()):
            raise _CannotRepair(f"something that is no file stands there; it {odd or 'is a folder'}. Remove it first")
        with storage_errors(path):
            make_folders(path.parent)
        return path

    def _bytes(self) -> Iterator[bytes]:
        """All bytes of the file in order, each proved as far as pieces can; raises _CannotRepair."""
        if self._one.size == 0:
            return iter(())
        if self._tree is not None:
            return self._by_tree(self._tree)
        if self._layout is not None:
            return self._by_stream(self._layout)
        if self._digests:
            return self._as_a_whole()
        raise _CannotRepair("nothing proves what its bytes should be")

    def _by_tree(self, tree: Tree) -> Iterator[bytes]:
        size, length = self._one.size or 0, tree.piece_length
        for number, start in enumerate(range(0, size, length)):
            pieces = Pieces(length, tree.layer[32 * number :][:32], width_of(size, length))
            yield self._first_right(number, self._candidates(start, min(length, size - start)), pieces)

    def _candidates(self, start: int, size: int) -> Iterator[tuple[str, bytes]]:
        """What each copy has at a place: this one first, unless it is known to be bad there."""
        if not any(begin < start + size and start < end for begin, end in self._verdict.ranges):
            yield "", self._itself.read(self._one, start, size)
        for other in self._others:
            yield other.name, other.read(self._one, start, size)

    def _first_right(self, number: int, candidates: Iterable[tuple[str, bytes]], pieces: Pieces) -> bytes:
        for name, data in candidates:
            found = PieceCheck(pieces)
            found.update(memoryview(data))
            if data and not found.finish():
                self._used(name, len(data))
                return data
        raise _CannotRepair(f"no copy has piece {number} of it undamaged{self._troubles()}")

    def _troubles(self) -> str:
        """Why others gave less than they might."""
        return "".join(f"; {other.name}: {other.trouble}" for other in self._others if other.trouble)

    def _used(self, name: str, size: int) -> None:
        if name:
            self._fetched += size
            self._sources[name] = None

    def _by_stream(self, layout: Layout) -> Iterator[bytes]:
        for number in layout.of(self._one.path):
            pieces = Pieces(layout.stream.piece_length, layout.hash(number))
            whole = self._first_right(number, self._assembled(layout, number), pieces)
            at = 0
            for part in layout.parts(number):
                if part.path == self._one.path:
                    yield whole[at : at + part.size]
                at += part.size

    def _assembled(self, layout: Layout, number: int) -> Iterator[tuple[str, bytes]]:
        """A piece over several files as each copy has it, and with this file's part alone from another copy."""
        for other, others_too in (
            (self._itself, False),
            *((one, own) for one in self._others for own in (True, False)),
        ):
            data = []
            for part in layout.parts(number):
                reader = other if others_too or part.path == self._one.path else self._itself
                file = self._copy.expected.get(part.path)
                data.append(reader.read(file, part.start, part.size) if file else bytes(part.size))
            yield "" if other is self._itself else other.name, b"".join(data)

    def _as_a_whole(self) -> Iterator[bytes]:
        """The file from the first copy that has all of it right: there are no pieces to take one by one."""
        for other in self._others:
            hashes = [hashlib.new(one.algorithm) for one in self._digests]
            for data in _chunks(other, self._one):
                for one in hashes:
                    one.update(data)
            if all(found.hexdigest() == one.value for found, one in zip(hashes, self._digests, strict=True)):
                for data in _chunks(other, self._one):  # proved again by _prove: it may have changed meanwhile
                    self._used(other.name, len(data))
                    yield data
                return
        raise _CannotRepair(f"no copy has it undamaged, and without its torrent it is all or nothing{self._troubles()}")

    def _prove(self, draft: Path, wrote: Digest) -> None:
        """Read the new file back and compare everything that is known of it."""
        file = seen(draft.stat())
        if self._one.size is not None and file.size != self._one.size:
            raise _CannotRepair(f"what was put together has {file.size:,} bytes instead of {self._one.size:,}")
        tree = self._tree
        pieces = Pieces(tree.piece_length, tree.layer, width_of(file.size, tree.piece_length)) if tree else None
        job = Job((Span(draft.name, file, 0, file.size),), (wrote, *self._digests), pieces)
        result = run(job, draft.parent, memoryview(bytearray(CHUNK)))
        if not result.sound:
            raise _CannotRepair(f"what was put together is not right {result.error}".rstrip())

    def _set_aside(self, path: Path) -> str:
        """Give what is there a second name, durably; "" where nothing is there."""
        if not path.exists():
            return ""
        aside = self._aside(path)
        make_folders(aside.parent)
        try:
            aside.hardlink_to(path)
        except OSError:  # a disk without hard links
            with path.open("rb") as old, aside.open("xb") as new:
                shutil.copyfileobj(old, new)
                new.flush()
                fsync_file(new.fileno())
        fsync_dir(aside.parent)
        return os.fspath(aside.relative_to(self._copy.root) if aside.is_relative_to(self._copy.root) else aside)

    def _aside(self, path: Path) -> Path:
        """A free name beside the file, or, since a bag's payload must hold nothing else, in a folder of the bag."""
        for number in range(1, 10_000):
            date = f"corrupt-{self._date}" + (f"-{number}" if number > 1 else "")
            if self._copy.strict and self._one.path.startswith(self._copy.strict):
                found = self._copy.root / date / path.relative_to(self._copy.root)
            else:
                room = _NAME_BYTES - len(date) - 1
                found = path.with_name(f"{os.fsencode(path.name)[:room].decode('utf-8', 'ignore')}.{date}")
            if not os.path.lexists(found):
                return found
        raise _CannotRepair("there are too many files that were set aside. Remove some")


def _differing(old: Path, new: Path) -> tuple[tuple[int, int], ...]:
    """Where two files differ, in blocks; nothing where there is no old one that can be read."""
    found = []
    try:
        with old.open("rb") as there, new.open("rb") as here:
            for at in range(0, max(old.stat().st_size, new.stat().st_size), BLOCK):
                theirs, ours = there.read(BLOCK), here.read(BLOCK)
                if theirs != ours:
                    found.append((at, at + max(len(theirs), len(ours))))
    except OSError:
        return ()
    return merged(found)


def _chunks(other: Other, one: Expected) -> Iterator[bytes]:
    at, end = 0, one.size if one.size is not None else _LARGEST
    while at < end and (data := other.read(one, at, min(_AT_ONCE, end - at))):
        yield data
        at += len(data)


def _right_already(path: Path, sha256: str) -> bool:
    """Whether a file was right all along, as one beside a damaged one may be."""
    try:
        with path.open("rb") as there:
            return hashlib.file_digest(there, "sha256").hexdigest() == sha256
    except OSError:
        return False
